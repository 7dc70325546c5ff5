// Varints, zigzag, and the latching reader of untrusted bytes.

#include "base/reader.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "support/hex.h"

namespace replic {
namespace {

using test::from_hex;
using test::to_hex;

constexpr uint64_t kMost64 = std::numeric_limits<uint64_t>::max();

TEST(Varint, HasOneSpelling) {
  const std::pair<uint64_t, std::string_view> table[] = {
      {0, "00"},
      {1, "01"},
      {127, "7f"},
      {128, "8001"},
      {300, "ac02"},
      {16383, "ff7f"},
      {16384, "808001"},
      {(uint64_t{1} << 53) - 1, "ffffffffffffff0f"},
      {uint64_t{1} << 63, "80808080808080808001"},
      {kMost64, "ffffffffffffffffff01"},
  };
  for (const auto& [value, hex] : table) {
    std::string out = "x";
    put_varint(out, value);
    EXPECT_EQ(to_hex(out.substr(1)), hex);
    const std::string bytes = from_hex(hex);
    ByteReader in(bytes);
    EXPECT_EQ(in.varint(), value);
    EXPECT_TRUE(in.ok());
    EXPECT_EQ(in.left(), 0);
    EXPECT_EQ(in.item(), 0);
  }
}

TEST(Varint, RefusesEveryOtherSpelling) {
  const struct {
    std::string_view hex;
    std::string fault;
    size_t offset;
  } table[] = {
      {"", "the input ends too early", 0},
      {"80", "the input ends too early", 1},
      {"ffffff", "the input ends too early", 3},
      {"8000", "a number is overlong", 0},
      {"ff00", "a number is overlong", 0},
      {"80808000", "a number is overlong", 0},
      {"ffffffffffffffffff02", "a number is overlong", 0},
      {"80808080808080808000", "a number is overlong", 0},
      {"8080808080808080808001", "a number is overlong", 0},
      {"ffffffffffffffffffffffff", "a number is overlong", 0},
  };
  for (const auto& [hex, fault, offset] : table) {
    const std::string bytes = from_hex(hex);
    ByteReader in(bytes);
    EXPECT_EQ(in.varint(), 0) << hex;
    ASSERT_FALSE(in.ok()) << hex;
    EXPECT_EQ(in.fault(), fault) << hex;
    EXPECT_EQ(in.fault_offset(), offset) << hex;
  }
}

TEST(Zigzag, IsItsOwnInverse) {
  const std::pair<int64_t, uint64_t> table[] = {{0, 0},
                                                {-1, 1},
                                                {1, 2},
                                                {-2, 3},
                                                {63, 126},
                                                {-64, 127},
                                                {INT64_MAX, kMost64 - 1},
                                                {INT64_MIN, kMost64}};
  for (const auto& [value, code] : table) {
    EXPECT_EQ(zigzag(value), code);
    EXPECT_EQ(unzigzag(code), value);
  }
}

TEST(ByteReader, ReadsItemAfterItem) {
  const std::string bytes = from_hex("07 ac02 ffeeddccbbaa9988 616263 05");
  ByteReader in(bytes);
  EXPECT_EQ(in.byte(), 7);
  EXPECT_EQ(in.varint(), 300);
  EXPECT_EQ(in.item(), 1);
  EXPECT_EQ(in.le64(), 0x8899AABBCCDDEEFF);
  EXPECT_EQ(in.take(3), "abc");
  EXPECT_EQ(in.position(), 14);
  EXPECT_EQ(in.left(), 1);
  EXPECT_EQ(in.varint_up_to(5, "too much"), 5);
  EXPECT_EQ(in.take(0), "");
  EXPECT_TRUE(in.ok());
}

TEST(ByteReader, KeepsTheFirstFault) {
  const std::string bytes = from_hex("01 09 02 03");
  ByteReader in(bytes);
  in.byte();
  EXPECT_EQ(in.varint_up_to(8, "above eight"), 0);
  in.fail("another");
  EXPECT_EQ(in.byte(), 0);
  EXPECT_EQ(in.varint(), 0);
  EXPECT_EQ(in.le64(), 0);
  EXPECT_EQ(in.take(1), "");
  EXPECT_EQ(in.fault(), std::string("above eight"));
  EXPECT_EQ(in.fault_offset(), 1);
}

TEST(ByteReader, NeverReadsPastTheEnd) {
  const std::string bytes = from_hex("01 02 03 04 05 06 07");
  const auto fault = [&](auto read) {
    ByteReader in(bytes);
    read(in);
    return in.ok() ? "none" : std::to_string(in.fault_offset()) + " " + in.fault();
  };
  EXPECT_EQ(fault([](ByteReader& in) { in.take(7); }), "none");
  EXPECT_EQ(fault([](ByteReader& in) { in.take(8); }), "0 a length points past the end");
  EXPECT_EQ(fault([](ByteReader& in) { in.take(kMost64); }), "0 a length points past the end");
  EXPECT_EQ(fault([](ByteReader& in) { in.le64(); }), "0 the input ends too early");
  EXPECT_EQ(fault([](ByteReader& in) {
              in.take(7);
              in.byte();
            }),
            "7 the input ends too early");
}

}  // namespace
}  // namespace replic

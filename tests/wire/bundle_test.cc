// Bundles: what is written is read as the same; what is no bundle is refused, with its offset.
// Bytes are spelled as the grammar in wire/bundle.h does; golden files pin more of them.

#include "wire/bundle.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>

#include "base/bytes.h"
#include "base/limits.h"
#include "support/hex.h"
#include "support/raised.h"

namespace replic::wire {
namespace {

using test::from_hex;
using test::raised;
using test::to_hex;

const std::string kMagicVersion = "8c727062 01";
// The shortest header: 6 bytes, so that records begin at byte 11.
const std::string kHeader = "00 00 01 00 00 00";
// Names 0 and 1, the shape 0 of table T with the integer column a, and peer 7 from seq 3 at 5.
const std::string kPrelude = "01 01 54  01 01 61  02 00 01 09  03 07 01 03 05";
constexpr size_t kRecords = 11;
constexpr size_t kAfterPrelude = kRecords + 3 + 3 + 4 + 5;
const std::string kEnd = "00 00";

std::string with_checksum(std::string bytes) {
  put_le64(bytes, hash64(bytes));
  return bytes;
}
// A bundle with the right checksum around `hex`.
std::string sealed(const std::string& hex) { return with_checksum(from_hex(hex)); }
std::string records(const std::string& hex) { return sealed(kMagicVersion + kHeader + hex); }

std::vector<Message> read(std::string_view bytes) {
  BundleReader reader(bytes);
  std::vector<Message> messages;
  Message message;
  while (reader.next(message)) messages.push_back(message);
  EXPECT_FALSE(reader.next(message));  // the end stays the end
  return messages;
}
std::string fault(std::string_view bytes) {
  return raised([&] { read(bytes); });
}

std::string write(const std::vector<Message>& messages, const BundleHeader& header = {}) {
  BundleWriter writer(header);
  for (const Message& message : messages) {
    if (const auto* patch = std::get_if<Patch>(&message)) writer.add(*patch);
    if (const auto* gone = std::get_if<Gone>(&message)) writer.add(*gone);
    if (const auto* request = std::get_if<Request>(&message)) writer.add(*request);
  }
  return writer.finish(false);
}

Patch patch(int64_t seq, std::vector<Cell> cells = {{"a", Value::integer(1)}},
            std::optional<Range> group = {}) {
  return {{5, 7, seq}, 1, "T", std::move(cells), group};
}
Patch void_patch(int64_t seq, std::optional<Range> group = {}) {
  return {{5, 7, seq}, 1, "", {}, group};
}

// --- Round trips ---------------------------------------------------------------------------------

TEST(Bundle, IsKnownByItsMagic) {
  EXPECT_TRUE(is_bundle("\x8Crpb"));
  EXPECT_FALSE(is_bundle("\x8Crp"));
  EXPECT_FALSE(is_bundle("{\"type\":10}"));
  EXPECT_FALSE(is_bundle(""));
}

TEST(Bundle, CarriesItsHeader) {
  BundleHeader header{BundleKind::response, 12, 3, kMaxInteger, "a n\xC3\xA4me", {}, {}};
  header.vector[7].add({1, 5});
  header.vector[7].add({9, 9});
  header.vector[8].add({4, 4});
  header.vector[9];
  header.vector[kMaxInteger].add({1, kMaxInteger});
  header.sums = {{7, 1}, {kMaxInteger, std::numeric_limits<uint64_t>::max()}};
  BundleWriter writer(header);
  EXPECT_TRUE(writer.empty());
  const std::string bytes = writer.finish(true);
  BundleReader reader(bytes);
  EXPECT_EQ(reader.header(), header);
  EXPECT_FALSE(reader.more());
  Message message;
  EXPECT_FALSE(reader.next(message));
  EXPECT_TRUE(reader.more());
}

TEST(Bundle, LeavesOutASumOfNoRange) {
  BundleHeader header;
  header.vector[8].add({4, 4});
  header.sums = {{8, 1}, {9, 1}};
  const std::string bytes = BundleWriter(header).finish(false);
  EXPECT_TRUE(BundleReader(bytes).header().sums.empty());
}

TEST(Bundle, CarriesEveryKindOfMessage) {
  constexpr int64_t kMax64 = std::numeric_limits<int64_t>::max();
  constexpr int64_t kMin64 = std::numeric_limits<int64_t>::min();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::vector<Message> messages = {
      patch(1, {}),
      patch(2, {{"", Value::text("")}}),
      patch(3, {{"a", Value::integer(kMax64)}, {"b", Value::integer(kMin64)}}),
      patch(4, {{"a", Value::integer(kMin64)}, {"b", Value::integer(kMax64)}}),
      patch(5, {{"a", Value::integer(-1)}, {"b", Value::integer(0)}}),
      patch(6, {{"a", Value::real(-0.0)}, {"b", Value::real(kInfinity)}, {"c", Value()}}),
      patch(7, {{"a", Value::text(std::string("x\0y", 3))}, {"b", Value::blob("\xFF\x80")}}),
      patch(8, {{"a", Value::blob("")}, {"A2", Value::text(std::string(1000, 'x'))}}),
      void_patch(9),
      patch(kMaxInteger),
      Patch{{kMaxInteger, kMaxInteger, 1}, 0, "t", {{"a", Value()}}, {}},
      Patch{{kMaxInteger, kMaxInteger, 2}, kMaxInteger, "T", {{"A", Value()}}, {}},
      Patch{{0, kMaxInteger, 3}, kMaxInteger, "T", {{"A", Value()}}, {}},
      Gone{7, {1, kMaxInteger}},
      Gone{kMaxInteger, {kMaxInteger, kMaxInteger}},
      Request{7, {2, 5}, 3, std::nullopt},
      Request{7, {2, 5}, 3, 0},
      Request{7, {2, 5}, 3, std::numeric_limits<uint64_t>::max()},
  };
  BundleHeader header;
  header.sender = 3;
  EXPECT_EQ(read(write(messages, header)), messages);
}

TEST(Bundle, KeepsEachPatchInItsOwnGroup) {
  const std::vector<Message> table[] = {
      {patch(3, {}, Range{3, 5}), patch(4, {}, Range{3, 5}), patch(5, {}, Range{3, 5}), patch(6)},
      {patch(3, {}, Range{3, 4}), patch(4, {}, Range{3, 4}), patch(5, {}, Range{5, 6})},
      {patch(4, {}, Range{1, 9})},  // from a page's middle
      {patch(3, {}, Range{3, 5}), void_patch(4, Range{3, 5}), patch(5, {}, Range{3, 5})},
      {patch(3, {}, Range{3, 5}), patch(5, {}, Range{3, 5})},            // a hole
      {patch(3, {}, Range{3, 5}), patch(4), patch(5, {}, Range{3, 5})},  // they disagree
      {patch(3, {}, Range{3, 5}), patch(4, {}, Range{4, 5}), patch(5, {}, Range{3, 5})},
      {patch(3, {}, Range{1, 3}), patch(4, {}, Range{1, 9}), void_patch(5)},
      {patch(3, {}, Range{3, kMaxInteger}), patch(3, {}, Range{1, 3}), patch(3)},
      {void_patch(kMaxInteger, Range{1, kMaxInteger}), void_patch(1)},
  };
  for (const auto& messages : table) EXPECT_EQ(read(write(messages)), messages);
}

TEST(Bundle, KeepsAShapeForEachSetOfColumns) {
  std::vector<Message> messages;
  std::mt19937 random(1);
  for (int64_t seq = 1; seq <= 5000; seq++) {
    // More shapes than are kept, some of them often, and at times all of them anew.
    const uint32_t columns = seq % 3 == 0 ? 1 + seq % 7 : random() % 4096;
    std::vector<Cell> cells;
    for (int i = 0; i < 12; i++) {
      if ((columns >> i & 1) != 0) cells.push_back({"c" + std::to_string(i), Value::integer(seq)});
    }
    messages.emplace_back(patch(seq, cells));
  }
  EXPECT_EQ(read(write(messages)), messages);
}

Value random_value(std::mt19937_64& random) {
  const uint64_t bits = random();
  const auto integer = static_cast<int64_t>(random() >> (bits % 64));
  switch (bits >> 60) {
    case 0:
      return {};
    case 1:
      return Value::real(static_cast<double>(integer) / 8);
    case 2:
      return Value::real(-1e300);
    case 3:
      return Value::blob(std::string(bits % 40, static_cast<char>(integer)));
    case 4:
      return Value::text("\xE2\x82\xAC" + std::string(bits % 200, 'x'));
    case 5:
    case 6:
    case 7:
      return Value::text(std::to_string(integer));
    default:
      return Value::integer(bits % 2 == 0 ? integer : -integer);
  }
}

std::vector<Message> random_messages(std::mt19937_64& random) {
  std::vector<Message> messages;
  Stamp stamp{0, 1, 0};
  int64_t ver = 1;
  std::optional<Range> group;
  for (uint64_t left = random() % 60; left > 0; left--) {
    stamp.seq++;
    stamp.at += static_cast<int64_t>(random() % 3 * (random() % 2 == 0 ? 8192 : random() % 20000));
    const uint64_t dice = random();
    if (dice % 16 == 0) stamp = {static_cast<int64_t>(random() >> 11), 1 + (stamp.peer % 3), 5};
    if (dice % 16 == 1) stamp.seq += 2;
    if (dice % 16 == 2) ver++;
    if (dice % 16 == 3)
      group = Range{stamp.seq, stamp.seq + 1 + static_cast<int64_t>(random() % 5)};
    if (group && (stamp.seq < group->first || stamp.seq > group->last)) group.reset();
    if (dice % 16 == 4) messages.emplace_back(Gone{stamp.peer, {stamp.seq, stamp.seq + 9}});
    if (dice % 16 == 5) messages.emplace_back(Request{stamp.peer, {1, stamp.seq}, 0, random()});
    Patch patch{stamp, ver, "table" + std::to_string(random() % 3), {}, group};
    if (dice % 16 == 6) {
      patch.table = "";
    } else {
      for (int i = 0; i < 6; i++) {
        if (random() % 3 != 0)
          patch.cells.push_back({"c" + std::to_string(i), random_value(random)});
      }
    }
    messages.emplace_back(std::move(patch));
  }
  return messages;
}

TEST(Bundle, CarriesRandomMessages) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 1000; round++) {
    const std::vector<Message> messages = random_messages(random);
    ASSERT_EQ(read(write(messages)), messages) << "round " << round;
  }
}

TEST(Bundle, IsSmall) {
  constexpr int kPatches = 1000;
  BundleWriter writer({});
  const size_t before = writer.size();
  Stamp stamp{int64_t{40'000'000'000} << kCounterBits, 7'000'000'000'000'001, 5000};
  for (int i = 0; i < kPatches; i++) {
    writer.add(Patch{stamp,
                     1,
                     "orders",
                     {{"tenantId", Value::integer(i % 10)},
                      {"id", Value::integer(i * 7919 % 100'000)},
                      {"name", Value::text("hello world!")}},
                     {}});
    stamp.seq++;
    stamp.at += int64_t{i % 40} << kCounterBits;  // milliseconds
  }
  EXPECT_LE((writer.size() - before) / kPatches, 20);
}

// --- The bytes -----------------------------------------------------------------------------------

TEST(BundleReader, TakesWhatTheGrammarAllows) {
  const std::pair<std::string, std::vector<Message>> table[] = {
      {"", {}},
      {"08 00 08 03 616263", {}},
      {"01 00 01 00 01 01 54 01 01 74", {}},  // names that nobody uses, the same twice
      {kPrelude + "10 00 02", {patch(3)}},
      {kPrelude + "10 00 02 10 00 00", {patch(3), patch(4)}},
      {kPrelude + "05 00 10 00 02", {void_patch(3), patch(4)}},
      {kPrelude + "04 00 01 10 00 02 10 00 00 10 00 00",
       {patch(3, {{"a", Value::integer(1)}}, Range{3, 4}),
        patch(4, {{"a", Value::integer(1)}}, Range{3, 4}), patch(5)}},
      {kPrelude + "04 02 03 05 00 04 00 00 05 00", {void_patch(3, Range{1, 4}), void_patch(4)}},
      // A step in ticks that could be one in milliseconds.
      {kPrelude + "05 02 05 8180 01",
       {Patch{{5 + 8192, 7, 3}, 1, "", {}, {}}, Patch{{5 + 16384, 7, 4}, 1, "", {}, {}}}},
      // The last clock value, and the last seq.
      {"03 01 00 ffffffffffffff0f feffffffffffff0f 05 03",
       {Patch{{kMaxInteger, 1, kMaxInteger}, 0, "", {}, {}}}},
      // Shape 1 has no columns.
      {"01 01 54 02 00 00 02 00 00 03 07 01 03 05 11 00", {patch(3, {})}},
      // A shape that nobody uses, gone seqs, a request.
      {kPrelude + "06 07 01 00 07 07 02 03 00", {Gone{7, {1, 1}}, Request{7, {2, 5}, 0, {}}}},
  };
  for (const auto& [hex, messages] : table) {
    EXPECT_EQ(read(records(hex + kEnd)), messages) << hex;
  }
}

struct Case {
  std::string bytes;
  size_t offset;
  std::string what;
};

void expect_faults(const std::vector<Case>& cases) {
  for (const auto& [bytes, offset, what] : cases) {
    const std::string expected =
        "E_BUNDLE: the bundle is wrong at byte " + std::to_string(offset) + ": " + what + "; ";
    const std::string got = fault(bytes);
    EXPECT_TRUE(got.starts_with(expected))
        << to_hex(bytes) << "\n got " << got << "\nwant " << expected;
  }
}

TEST(BundleReader, RefusesWhatIsNoBundle) {
  const std::string good = records(kEnd);
  std::string wrong = good;
  wrong.back() ^= 1;
  expect_faults({
      {"", 0, "it does not start as bundles do"},
      {"{}", 0, "it does not start as bundles do"},
      {good.substr(0, 4), 4, "it is cut off"},
      {good.substr(0, 12), 12, "it is cut off"},
      {good.substr(0, good.size() - 1), good.size() - 9,
       "its checksum is wrong: it is damaged or cut off"},
      {wrong, good.size() - 8, "its checksum is wrong: it is damaged or cut off"},
      {good + "x", good.size() - 7, "its checksum is wrong: it is damaged or cut off"},
      {sealed("8c727062 00" + kHeader + kEnd), 4,
       "it has a version that this replic does not know"},
      {sealed("8c727062 02" + kHeader + kEnd), 4,
       "it has a version that this replic does not know"},
      {sealed("8c727062 8100" + kHeader + kEnd), 4,
       "it has a version that this replic does not know"},
      {sealed("8c727062 ffffffffffffffffff01"), 4,
       "it has a version that this replic does not know"},
      {sealed("8c727062 80"), 4, "it has a version that this replic does not know"},
  });
}

TEST(BundleReader, RefusesAWrongHeader) {
  const auto header = [](const std::string& hex) { return sealed(kMagicVersion + hex); };
  const std::string start = "00 00 01 00 00";
  const std::string most = "ffffffffffffff0f";   // 2^53-1
  const std::string above = "8080808080808010";  // 2^53
  expect_faults({
      {header(""), 5, "the input ends too early"},
      {header("05 00 01 00 00 00" + kEnd), 5, "an unknown kind of bundle"},
      {header("00" + above + "01 00 00 00" + kEnd), 6, "the sender is out of range"},
      {header("00 00" + above + "00 00 00" + kEnd), 7, "ver is out of range"},
      {header("00 00 01" + above + "00 00" + kEnd), 8, "now is out of range"},
      {header("00 00 01 00 02 61"), 10, "a length points past the end"},
      {header("00 00 01 00 ffffffffffffffffff01 61"), 19, "a length points past the end"},
      {header("00 00 01 00 02 61ff 00" + kEnd), 11, "a text is not valid UTF-8"},
      {header("00 00 01 00 8000 00" + kEnd), 9, "a number is overlong"},
      {header(start), 10, "the input ends too early"},
      {header(start + "8080808010"), 15, "the input ends too early"},  // 2^32 peers
      {header(start + "01 00 00 00" + kEnd), 11, "a peer is 0 or comes twice"},
      {header(start + "02 07 00 00 00 00 00" + kEnd), 14, "a peer is 0 or comes twice"},
      {header(start + "01" + above + "00 00" + kEnd), 11, "a peer is out of range"},
      {header(start + "02" + most + "00 00 01 00 00" + kEnd), 21, "a peer is out of range"},
      {header(start + "01 07 8080808010 01 00"), 19, "the input ends too early"},  // 2^32 ranges
      {header(start + "01 07 01 00 00 00" + kEnd), 13, "ranges overlap or touch"},
      {header(start + "01 07 02 01 00 00 00 00" + kEnd), 15, "ranges overlap or touch"},
      {header(start + "01 07 02 01 00 01 00 00" + kEnd), 15, "ranges overlap or touch"},
      {header(start + "01 07 01" + above + "00 00" + kEnd), 13, "a range is out of range"},
      {header(start + "01 07 01 01" + most + "00" + kEnd), 14, "a range is out of range"},
      {header(start + "01 07 02 01 00" + most + "00 00" + kEnd), 15, "a range is out of range"},
      {header(start + "01 07 01 01 00 02" + kEnd), 15, "a flag is neither 0 nor 1"},
      {header(start + "01 07 01 01 00 01 0011223344556677"), 24, "the input ends too early"},
      {header(start + "01 07 01 01 00 01 00112233445566"), 16, "the input ends too early"},
      {header(start + "01 07 00 01 0011223344556677" + kEnd), 14, "a sum of no range"},
      {header(start + "01 07 01 02 00 01 0011223344556677" + kEnd), 16, "a sum of no range"},
  });
}

TEST(BundleReader, RefusesAWrongRecord) {
  const auto at = [](const std::string& hex, size_t offset, const std::string& what) {
    return Case{records(hex + kEnd), kRecords + offset, what};
  };
  const std::string most = "ffffffffffffff0f";
  const std::string above = "8080808080808010";
  const std::string huge = "ffffffffffffffffff01";
  std::string many = "01 01 61 02 00 d10f";
  for (int i = 0; i < 2001; i++) many += "00";
  expect_faults({
      at("09", 0, "an unknown kind of record"),
      at("0f", 0, "an unknown kind of record"),
      at("10 00", 0, "a patch of an unknown shape"),
      at(huge + "00", 0, "a patch of an unknown shape"),
      at("8f00", 0, "a number is overlong"),
      // Names.
      at("01 02 61ff", 3, "a text is not valid UTF-8"),
      at("01 03 eda080", 2, "a text is not valid UTF-8"),
      at("01" + huge, 11, "a length points past the end"),
      at("08 05 61", 2, "a length points past the end"),
      // Shapes.
      at("02 00 00", 1, "an unknown name"),
      at("01 01 54 02 01 00", 4, "an unknown name"),
      at("01 01 54 02" + huge + "00", 4, "an unknown name"),
      at("01 00 02 00 00", 3, "a table without a name"),
      at("01 01 5f 02 00 00", 4, "a table without a name"),
      at("01 01 54 02 00 01 09", 6, "an unknown name"),
      at("01 01 54 02 00 01 05", 6, "an unknown type"),
      at("01 01 54 02 00 01 07", 6, "an unknown type"),
      at("01 01 54 02 00 02 00 03", 7, "a column comes twice in a shape"),
      at("01 01 54 01 01 74 02 00 02 00 08", 10, "a column comes twice in a shape"),
      at("01 01 54 02 00 8080808010", 5, "too many columns"),
      at(many, 5, "too many columns"),
      // Stamps.
      at("03 00 01 01 00", 1, "a peer is out of range"),
      at("03" + above + "01 01 00", 1, "a peer is out of range"),
      at("03 01" + above + "01 00", 2, "ver is out of range"),
      at("03 01 01 00 00", 3, "a seq is out of range"),
      at("03 01 01" + above + "00", 3, "a seq is out of range"),
      at("03 01 01 01" + above, 4, "a clock value is out of range"),
      at("05 00", 0, "a patch without a peer"),
      at("03 01 01 01" + most + "05 01 05 03", 15, "a clock value is out of range"),
      at("03 01 01 01" + most + "05 02", 13, "a clock value is out of range"),
      at("03 01 01 01 01 05" + huge, 6, "a clock value is out of range"),
      at("03 01 01 01 01 05 feffffffffffffffff01", 6, "a clock value is out of range"),
      at("03 01 01" + most + "00 05 00 05 00", 14, "a seq is out of range"),
      // Groups.
      at("04 00 01", 0, "a group without a peer"),
      at("03 01 01 03 00 04 03 03", 6, "a group begins before seq 1"),
      at("03 01 01 03 00 04" + huge + "03", 6, "a group begins before seq 1"),
      at("03 01 01 03 00 04 02 01", 7, "a group does not hold its patch"),
      at("03 01 01 03 00 04 00" + most, 7, "a group is out of range"),
      at("03 01 01 03 00 04 00" + huge, 7, "a group is out of range"),
      // Gone and requests.
      at("06 00 01 00", 1, "a peer is out of range"),
      at("06 01 00 00", 2, "a seq is out of range"),
      at("06 01" + above + "00", 2, "a seq is out of range"),
      at("06 01 01" + most, 3, "a range is out of range"),
      at("06 01 01" + huge, 3, "a range is out of range"),
      at("07 00 01 00 00", 1, "a peer is out of range"),
      at("07 01 01 00 02", 4, "a flag is neither 0 nor 1"),
  });
  const std::string sums = kMagicVersion + kHeader;
  expect_faults({
      {sealed(sums), kRecords, "the input ends too early"},
      {sealed(sums + "00"), kRecords + 1, "the input ends too early"},
      {sealed(sums + "00 02"), kRecords + 1, "a flag is neither 0 nor 1"},
      {sealed(sums + "00 00 00"), kRecords + 2, "there are bytes after the end"},
      {sealed(sums + "07 01 01 00 01 00112233445566"), kRecords + 5, "the input ends too early"},
  });
}

TEST(BundleReader, RefusesAWrongValue) {
  const auto at = [](const std::string& type, const std::string& value, size_t offset,
                     const std::string& what) {
    return Case{records("01 01 54 01 01 61 02 00 01" + type + "03 07 01 03 05 10 00" + value),
                kAfterPrelude + 2 + offset, what};
  };
  expect_faults({
      at("08", "", 0, "the input ends too early"),
      at("08", "01", 0, "a NULL is not 0"),
      at("09", "8000", 0, "a number is overlong"),
      at("09", "ffffffffffffffffff03", 0, "a number is overlong"),
      at("0a", "00112233445566", 0, "the input ends too early"),
      at("0a", "000000000000f87f", 0, "a real is not a number"),
      at("0a", "010000000000f0ff", 0, "a real is not a number"),
      at("0b", "02 61", 1, "a length points past the end"),
      at("0b", "03 6162ff", 3, "a text is not valid UTF-8"),
      at("0c", "02 ff", 1, "a length points past the end"),
      at("0c", "8080808010 00", 5, "a length points past the end"),
  });
}

TEST(BundleReader, RefusesALongName) {
  const auto name = [](size_t size) {
    std::string bytes = from_hex(kMagicVersion + kHeader + "01");
    put_varint(bytes, size);
    return with_checksum(bytes + std::string(size, 'x') + std::string(2, '\0'));
  };
  EXPECT_EQ(fault(name(kMaxIdentifierBytes)), "");
  expect_faults({{name(kMaxIdentifierBytes + 1), kRecords + 3, "a name is too long"}});
}

TEST(BundleReader, TakesAsManyColumnsAsATableHas) {
  std::vector<Cell> cells;
  for (size_t i = 0; i < kMaxColumns; i++) cells.push_back({"c" + std::to_string(i), Value()});
  const std::vector<Message> messages = {patch(1, cells), patch(2, cells)};
  EXPECT_EQ(read(write(messages)), messages);
}

// A shape of many columns costs little; patches of it don't, so a bundle's work is bounded by size.
TEST(BundleReader, HasAByteForEachCell) {
  std::vector<Cell> cells;
  for (size_t i = 0; i < 1000; i++) cells.push_back({"c" + std::to_string(i), Value()});
  BundleWriter writer({});
  writer.add(patch(1, cells));
  const size_t before = writer.size();
  writer.add(patch(2, cells));
  EXPECT_GE(writer.size() - before, cells.size());
}

// --- Damage --------------------------------------------------------------------------------------

std::string sample() {
  BundleHeader header{BundleKind::request, 3, 1, 99, "name", {}, {}};
  header.vector[7].add({1, 2});
  header.sums[7] = 5;
  return write({patch(3, {{"a", Value::integer(-300)}, {"b", Value::text("text")}}, Range{3, 4}),
                void_patch(4, Range{3, 4}),
                patch(5, {{"a", Value::real(1.5)}, {"b", Value::blob("\xFF")}, {"c", Value()}}),
                Gone{8, {1, 300}}, Request{7, {1, 2}, 3, 5}},
               header);
}

TEST(BundleReader, NoticesEveryChangedByte) {
  const std::string good = sample();
  ASSERT_EQ(fault(good), "");
  for (size_t i = 0; i < good.size(); i++) {
    for (int change = 1; change < 256; change++) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ change);
      ASSERT_TRUE(fault(bad).starts_with("E_BUNDLE: ")) << "byte " << i << " ^ " << change;
    }
  }
}

TEST(BundleReader, NoticesWhereItIsCut) {
  const std::string good = sample();
  for (size_t size = 0; size < good.size(); size++) {
    ASSERT_TRUE(fault(good.substr(0, size)).starts_with("E_BUNDLE: ")) << size;
    if (size < kBundleMagic.size() || size >= good.size() - 8) continue;
    // Cut off, and then sealed again.
    ASSERT_TRUE(fault(with_checksum(good.substr(0, size))).starts_with("E_BUNDLE: ")) << size;
  }
}

// With the checksum made right again a changed byte may give another valid bundle, but nothing
// else.
TEST(BundleReader, SurvivesEveryChangedByteUnderARightChecksum) {
  const std::string good = sample().substr(0, sample().size() - 8);
  for (size_t i = 0; i < good.size(); i++) {
    for (int change = 1; change < 256; change++) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ change);
      const std::string error = fault(with_checksum(bad));
      ASSERT_TRUE(error.empty() || error.starts_with("E_BUNDLE: ")) << i << " " << error;
    }
  }
}

}  // namespace
}  // namespace replic::wire

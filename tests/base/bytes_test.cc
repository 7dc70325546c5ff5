#include "base/bytes.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace replic {
namespace {

std::string counting(size_t size) {
  std::string out;
  for (size_t i = 0; i < size; i++) out += static_cast<char>(i);
  return out;
}

// Expected values by an implementation of our own after the specification of XXH64.
TEST(Hash64, IsXxh64) {
  EXPECT_EQ(hash64(""), 0xef46db3751d8e999);
  EXPECT_EQ(hash64("", 1), 0xd5afba1336a3be4b);
  EXPECT_EQ(hash64(std::string_view()), 0xef46db3751d8e999);
  EXPECT_EQ(hash64("a"), 0xd24ec4f1a98c6e5b);
  EXPECT_EQ(hash64("abc"), 0x44bc2cf5ad770999);
  EXPECT_EQ(hash64("customers"), 0x6c3ad74025e58e08);
  EXPECT_EQ(hash64(counting(31)), 0xc346d2b59b4d8ee1);
  EXPECT_EQ(hash64(counting(32)), 0xcbf59c5116ff32b4);
  EXPECT_EQ(hash64(counting(101)), 0xe99038495f85381e);
  EXPECT_EQ(hash64(counting(101), 2654435761), 0xa1c6d4174c37136d);
}

TEST(PutLe64, WritesTheLeastSignificantByteFirst) {
  std::string out = "x";
  put_le64(out, 0x0102030405060708);
  put_le64(out, ~uint64_t{0});
  EXPECT_EQ(out,
            "x\x08\x07\x06\x05\x04\x03\x02\x01"
            "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF");
}

TEST(Folded, LowersAsciiLettersOnly) {
  EXPECT_EQ(folded("AZaz09_@[`{"), "azaz09_@[`{");
  EXPECT_EQ(folded("ÄÖ"), "ÄÖ");
  EXPECT_EQ(folded(std::string_view("A\0B", 3)), std::string("a\0b", 3));
}

TEST(SameName, ComparesAsSqliteComparesNames) {
  EXPECT_TRUE(same_name("", ""));
  EXPECT_TRUE(same_name("deletedAt", "DELETEDAT"));
  EXPECT_FALSE(same_name("a", "ab"));
  EXPECT_FALSE(same_name("Ä", "ä"));
  EXPECT_FALSE(same_name("@", "`"));  // the neighbours of A and a
  EXPECT_FALSE(same_name("[", "{"));  // the neighbours of Z and z
}

TEST(FirstBadUtf8, TakesEveryWellFormedText) {
  const std::string_view good[] = {
      "",
      "ascii",
      std::string_view("\0", 1),
      "\x7F",
      "\xC2\x80",          // U+0080
      "\xDF\xBF",          // U+07FF
      "\xE0\xA0\x80",      // U+0800
      "\xED\x9F\xBF",      // U+D7FF, the last before the surrogates
      "\xEE\x80\x80",      // U+E000, the first after them
      "\xEF\xBF\xBF",      // U+FFFF
      "\xF0\x90\x80\x80",  // U+10000
      "\xF4\x8F\xBF\xBF",  // U+10FFFF
  };
  for (const auto text : good) {
    for (size_t pad = 0; pad < 20; pad++) {  // every place relative to a word of 8 bytes
      const std::string padded =
          std::string(pad, 'x') + std::string(text) + std::string(20 - pad, 'x');
      EXPECT_EQ(first_bad_utf8(padded), std::nullopt) << ::testing::PrintToString(padded);
    }
  }
}

TEST(FirstBadUtf8, FindsTheFirstByteOfAFault) {
  const std::string_view bad[] = {
      "\x80",
      "\xBF",  // a tail without head
      "\xC0\x80",
      "\xC1\xBF",          // two bytes for ASCII
      "\xE0\x9F\xBF",      // three bytes for what takes two
      "\xED\xA0\x80",      // U+D800, a surrogate
      "\xED\xBF\xBF",      // U+DFFF
      "\xF0\x8F\xBF\xBF",  // four bytes for what takes three
      "\xF4\x90\x80\x80",  // U+110000
      "\xF5\x80\x80\x80",
      "\xFF",  // no head at all
      "\xC2",
      "\xE1\x80",
      "\xF1\x80\x80",  // cut short
      "\xC2x",
      "\xE1\x80x",
      "\xF1\x80\x80x",
  };
  for (const auto text : bad) {
    EXPECT_EQ(first_bad_utf8(text), 0) << ::testing::PrintToString(text);
    for (size_t pad = 0; pad < 20; pad++) {
      const std::string padded = std::string(pad, 'x') + std::string(text) + "xxxxxxxxx";
      EXPECT_EQ(first_bad_utf8(padded), pad) << ::testing::PrintToString(padded);
    }
  }
}

// RFC 4648, section 10.
TEST(Base64, EncodesTheVectorsOfTheRfc) {
  const std::pair<std::string_view, std::string_view> vectors[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
      {"\xFB\xFF\xFE", "+//+"},
  };
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(base64_encode(bytes), text);
    EXPECT_EQ(base64_decode(text), bytes);
  }
}

TEST(Base64, DecodesWhatItEncodes) {
  std::mt19937_64 random(7);
  for (size_t size = 0; size < 200; size++) {
    std::string bytes;
    for (size_t i = 0; i < size; i++) bytes += static_cast<char>(random());
    EXPECT_EQ(base64_decode(base64_encode(bytes)), bytes);
  }
}

TEST(Base64, RefusesEverythingElse) {
  const std::string_view bad[] = {
      "=",     "==",    "===",      "====",
      "Z",     "Zg",    "Zg=",      "Zm8",
      "Z===",  "Zg=A",  "=Zg=",     "Z=g=",
      "Zm9v=", "Zm9vZ", "Zm9v====", "Zg==Zg==",  // padding in the middle
      "Zh==",  "Zm9=",                           // bits under the padding
      "Zm9-",  "Zm9_",                           // the URL alphabet
      "Zm9\n", " Zm9",  "Zm9\xFF",  std::string_view("Zm9\0", 4),
  };
  for (const auto text : bad) {
    EXPECT_EQ(base64_decode(text), std::nullopt) << ::testing::PrintToString(text);
  }
}

}  // namespace
}  // namespace replic

#include "base/error.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace replic {
namespace {

TEST(Error, TableNamesEachCodeOnceInTheOrderOfCode) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < error_table().size(); i++) {
    const ErrorInfo& info = error_table()[i];
    EXPECT_EQ(static_cast<size_t>(info.code), i) << info.name;
    EXPECT_EQ(&error_info(info.code), &info);
    EXPECT_TRUE(info.name.starts_with("E_")) << info.name;
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_FALSE(info.meaning.empty()) << info.name;
    EXPECT_NE(info.sqlite_code, 11) << info.name << ": hosts take SQLITE_CORRUPT for a bad file";
    EXPECT_NE(info.sqlite_code, 0) << info.name;
  }
}

TEST(Error, TextNamesTheCodeThenWhatIsWrongThenTheCure) {
  const Error error(Code::key, "column 'id' is missing", "add it");
  EXPECT_STREQ(error.what(), "replic: E_KEY: column 'id' is missing; add it");
  EXPECT_EQ(error.code(), Code::key);
  EXPECT_EQ(error.sqlite_code(), 19);
}

TEST(Error, TextWithoutACureHasNoSemicolon) {
  EXPECT_STREQ(Error(Code::state, "odd", "").what(), "replic: E_STATE: odd");
}

TEST(Error, KeepsTheResultCodeThatSqliteGave) {
  EXPECT_EQ(Error(Code::sqlite, 13, "disk full", "").sqlite_code(), 13);
}

// Named in full: for std::string, std::quoted would be found as well.

TEST(Quoted, PutsTextInSingleQuotes) {
  EXPECT_EQ(replic::quoted(""), "''");
  EXPECT_EQ(replic::quoted("name"), "'name'");
  EXPECT_EQ(replic::quoted("O'Brien"), "'O'Brien'");
  EXPECT_EQ(replic::quoted("größe 語"), "'größe 語'");
}

TEST(Quoted, ShowsWhatWouldSpoilALineOfText) {
  EXPECT_EQ(replic::quoted(std::string_view("a\0b", 3)), "'a\\x00b'");
  EXPECT_EQ(replic::quoted("two\nlines\t\x7f"), "'two\\x0alines\\x09\\x7f'");
  EXPECT_EQ(replic::quoted("\xFF\xC3"), "'\\xff\\xc3'");
  EXPECT_EQ(replic::quoted("\xED\xA0\x80"), "'\\xed\\xa0\\x80'");
}

TEST(Quoted, CutsLongTextBetweenCharacters) {
  EXPECT_EQ(replic::quoted(std::string(80, 'x')), "'" + std::string(80, 'x') + "'");
  EXPECT_EQ(replic::quoted(std::string(81, 'x')), "'" + std::string(80, 'x') + "...'");
  EXPECT_EQ(replic::quoted(std::string(79, 'x') + "ö"), "'" + std::string(79, 'x') + "...'");
  EXPECT_EQ(replic::quoted("ab語", 4), "'ab...'");
  EXPECT_EQ(replic::quoted("\x80\x80\x80\x80\x80\x80", 4), "'\\x80...'");
}

}  // namespace
}  // namespace replic

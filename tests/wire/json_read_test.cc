// The readers of a delta, of a vector, of names.

#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"
#include "support/raised.h"
#include "wire/json.h"

namespace replic::wire {
namespace {

using test::raised;

std::string delta_fault(std::string_view text) {
  return raised([&] { read_delta(text, "second argument"); });
}
std::string vector_fault(std::string_view text) {
  return raised([&] { read_vector(text); });
}
std::string names_fault(std::string_view text) {
  return raised([&] { read_names(text); });
}

TEST(ReadDelta, GivesTheCellsInTheirOrder) {
  const std::vector<Cell> expected = {{"id", Value::integer(1)},     {"b", Value::text("x")},
                                      {"a", Value::real(1.5)},       {"n", Value()},
                                      {"blob", Value::blob("\xFF")}, {"t", Value::integer(1)}};
  EXPECT_EQ(read_delta(R"( {"id":1,"b":"x","a":1.5,"n":null,"blob":{"base64":"/w=="},"t":true} )",
                       "delta"),
            expected);
  EXPECT_TRUE(read_delta("{}", "delta").empty());
}

TEST(ReadDelta, RefusesWhatIsNoDelta) {
  const std::string cure = "a column takes a number, a text, null, or {\"base64\":\"...\"}";
  const std::pair<std::string_view, std::string> table[] = {
      {"", "E_SYNTAX: second argument: empty, no JSON value at byte 0; pass one JSON value"},
      {"{} {}", "E_SYNTAX: second argument: more text after the JSON value at byte 3;"},
      {"{\"a\":}", "E_SYNTAX: second argument: not JSON: Invalid value, near '}' at byte 5;"},
      {"\xFF", "E_UTF8: second argument: invalid UTF-8 at byte 0;"},
      {"{\"a\":1e999}", "E_LIMIT: second argument: number '1e999' is out of range at byte 5;"},
      {"1", "E_MESSAGE: second argument is not a JSON object; pass {\"column\":value, ...}"},
      {"null", "E_MESSAGE: second argument is not a JSON object;"},
      {"true", "E_MESSAGE: second argument is not a JSON object;"},
      {"[]", "E_MESSAGE: second argument is not a JSON object;"},
      {"[{}]", "E_MESSAGE: second argument is not a JSON object;"},
      {R"({"a":[]})", "E_MESSAGE: second argument: column 'a' holds an array at byte 1; " + cure},
      {R"({"b":1,"a":{}})",
       "E_MESSAGE: second argument: column 'a' holds an object that is no value at byte 7; " +
           cure},
      {R"({"a":{"base64":"!"}})", "E_MESSAGE: second argument: column 'a' holds an object that"},
      {R"({"a":{"base64":{}}})", "E_MESSAGE: second argument: column 'a' holds an object that"},
      {R"({"a":{"base64":[]}})", "E_MESSAGE: second argument: column 'a' holds an array at byte 1"},
      {R"({"a":{"base64":"","b":1}})", "E_MESSAGE: second argument: column 'a' holds an object"},
      {R"({"a":1,"a":2})", "E_MESSAGE: second argument: key 'a' comes twice at byte 7;"},
      {R"({"a":1,"A":null})", "E_MESSAGE: second argument: column 'A' comes twice; name each"},
  };
  for (const auto& [text, error] : table) {
    const std::string got = delta_fault(text);
    EXPECT_TRUE(got.starts_with(error)) << text << "\n" << got;
  }
}

TEST(ReadDelta, TakesAsManyColumnsAsATableHas) {
  std::string text = "{";
  for (size_t i = 0; i < kMaxColumns; i++) text += "\"c" + std::to_string(i) + "\":null,";
  const std::string full = text.substr(0, text.size() - 1) + "}";
  EXPECT_EQ(read_delta(full, "delta").size(), kMaxColumns);
  EXPECT_TRUE(delta_fault(text + "\"one\":1}")
                  .starts_with("E_LIMIT: second argument: more than 2000 columns at byte "));
}

TEST(ReadDelta, RefusesANameThatNoBundleCarries) {
  const auto named = [](size_t size) { return "{\"" + std::string(size, 'n') + "\":1}"; };
  EXPECT_EQ(delta_fault(named(kMaxIdentifierBytes)), "");
  EXPECT_EQ(delta_fault(named(kMaxIdentifierBytes + 1)),
            "E_LIMIT: second argument: the name '" + std::string(80, 'n') +
                "...' has 1001 bytes, the limit is 1000 at byte 1; use a shorter name");
}

RangeSet set_of(const std::vector<Range>& ranges) {
  RangeSet set;
  for (const Range& range : ranges) set.add(range);
  return set;
}

TEST(ReadVector, GivesTheRangesOfEachPeer) {
  EXPECT_EQ(read_vector("{}"), Vector());
  EXPECT_EQ(read_vector(R"({"7":[[1,5]]})"), (Vector{{7, set_of({{1, 5}})}}));
  EXPECT_EQ(read_vector(R"( { "7" : [ [ 1 , 5 ] , [ 7 , 7 ] ] , "9007199254740991" : [ ] } )"),
            (Vector{{7, set_of({{1, 5}, {7, 7}})}, {kMaxInteger, RangeSet()}}));
  EXPECT_EQ(read_vector(R"({"1":[[1,9007199254740991]]})"),
            (Vector{{1, set_of({{1, kMaxInteger}})}}));
}

TEST(ReadVector, TakesRangesInAnyOrder) {
  EXPECT_EQ(read_vector(R"({"7":[[8,9],[1,2],[2,5],[1,1]]})"),
            (Vector{{7, set_of({{1, 5}, {8, 9}})}}));
}

TEST(ReadVector, IsLinearHoweverTheRangesCome) {
  std::string text = "{\"7\":[";
  for (int i = 500'000; i > 0; i--) {
    text += "[" + std::to_string(2 * i) + "," + std::to_string(2 * i) + "],";
  }
  text.back() = ']';
  EXPECT_EQ(read_vector(text + "}").at(7).ranges().size(), 500'000);
}

TEST(ReadVector, RefusesWhatIsNoVector) {
  const std::pair<std::string_view, int> table[] = {
      {"1", 0},
      {"null", 0},
      {"[]", 0},
      {R"({"7":1})", 5},
      {R"({"7":null})", 5},
      {R"({"7":{}})", 5},
      {R"({"7":[1,5]})", 6},
      {R"({"7":[null]})", 6},
      {R"({"7":[{}]})", 6},
      {R"({"7":[[1]]})", 8},
      {R"({"7":[[]]})", 7},
      {R"({"7":[[1,2,3]]})", 12},
      {R"({"7":[[0,1]]})", 10},
      {R"({"7":[[-1,1]]})", 11},
      {R"({"7":[[2,1]]})", 10},
      {R"({"7":[[1,9007199254740992]]})", 25},
      {R"({"7":[[1,2.0]]})", 9},
      {R"({"7":[[true,2]]})", 7},
      {R"({"7":[["1",2]]})", 7},
      {R"({"7":[[[1,2]]]})", 7},
      {R"({"7":[[1,[2]]]})", 9},
      {R"({"0":[]})", 1},
      {R"({"-7":[]})", 1},
      {R"({"07":[]})", 1},
      {R"({"7 ":[]})", 1},
      {R"({"":[]})", 1},
      {R"({"x":[]})", 1},
      {R"({"9007199254740992":[]})", 1},
  };
  for (const auto& [text, offset] : table) {
    EXPECT_EQ(vector_fault(text), "E_MESSAGE: not a vector at byte " + std::to_string(offset) +
                                      "; a vector is what replic_vector() returns: "
                                      "{\"<peer>\":[[first,last],...]}")
        << text;
  }
  EXPECT_TRUE(vector_fault("").starts_with("E_SYNTAX: vector: empty"));
  EXPECT_TRUE(vector_fault("{}{}").starts_with("E_SYNTAX: vector: more text"));
  EXPECT_TRUE(vector_fault(R"({"7":[],"7":[]})")
                  .starts_with("E_MESSAGE: vector: key '7' comes twice at byte 8;"));
}

TEST(ReadNames, GivesTheNames) {
  EXPECT_EQ(read_names("[]"), std::vector<std::string>());
  EXPECT_EQ(read_names(R"(["a","","a\u0000b","größe","a"])"),
            (std::vector<std::string>{"a", "", std::string("a\0b", 3), "größe", "a"}));
}

TEST(ReadNames, RefusesWhatIsNoArrayOfNames) {
  const std::pair<std::string_view, int> table[] = {
      {"1", 0},      {"null", 0},        {R"("a")", 0},      {"{}", 0},     {"[1]", 1},
      {"[null]", 1}, {R"(["a",[]])", 5}, {R"(["a",{}])", 5}, {"[true]", 1}, {"[[\"a\"]]", 1},
  };
  for (const auto& [text, offset] : table) {
    EXPECT_EQ(names_fault(text), "E_MESSAGE: not an array of names at byte " +
                                     std::to_string(offset) + "; it must be a JSON array of texts")
        << text;
  }
  EXPECT_TRUE(names_fault("").starts_with("E_SYNTAX: names: empty"));
  EXPECT_TRUE(names_fault("[").starts_with("E_SYNTAX: names: not JSON"));
}

}  // namespace
}  // namespace replic::wire

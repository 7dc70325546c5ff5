// The reader of messages: what it takes. What it refuses is in json_messages_invalid_test.cc.

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "base/limits.h"
#include "support/raised.h"
#include "wire/json.h"

namespace replic::wire {
namespace {

std::vector<Message> read(std::string_view text) {
  std::vector<Message> out;
  read_messages(text, [&](Message&& message) { out.push_back(std::move(message)); });
  return out;
}

template <typename T>
T read_one(std::string_view text) {
  const auto messages = read(text);
  EXPECT_EQ(messages.size(), 1) << text;
  return std::get<T>(messages.at(0));
}

Patch patch_with(std::string_view delta_and_more) {
  return read_one<Patch>(R"({"type":10,"at":5,"peer":7,"seq":3,"ver":1,"tab":"T","delta":)" +
                         std::string(delta_and_more) + "}");
}

std::vector<Cell> cells_of(std::string_view delta_and_more) {
  return patch_with(delta_and_more).cells;
}

const std::vector<Cell> kNone;

TEST(ReadMessages, ReadsAPatch) {
  const Patch expected{{317834829004800, 1234567890123, 42},
                       3,
                       "customers",
                       {{"id", Value::integer(1)}, {"name", Value::text("x")}},
                       {}};
  EXPECT_EQ(read_one<Patch>(R"({"type":10,"at":317834829004800,"peer":1234567890123,"seq":42,)"
                            R"("ver":3,"tab":"customers","delta":{"id":1,"name":"x"}})"),
            expected);
}

TEST(ReadMessages, TakesKeysInAnyOrder) {
  EXPECT_EQ(read_one<Patch>(R"({"grp":[3,4],"nulls":["b"],"delta":{"a":1},"tab":"T","ver":1,)"
                            R"("seq":3,"peer":7,"at":5,"type":10})"),
            patch_with(R"({"a":1},"nulls":["b"],"grp":[3,4])"));
}

TEST(ReadMessages, ReadsEachTypeOfValue) {
  const std::pair<std::string_view, Value> table[] = {
      {"0", Value::integer(0)},
      {"true", Value::integer(1)},
      {"false", Value::integer(0)},
      {"9223372036854775807", Value::integer(INT64_MAX)},
      {"-9223372036854775808", Value::integer(INT64_MIN)},
      {"1.0", Value::real(1.0)},
      {"-0.0", Value::real(-0.0)},
      {R"("")", Value::text("")},
      {R"("a\u0000b")", Value::text(std::string("a\0b", 3))},
      {R"("\uD83D\uDE00")", Value::text("\xF0\x9F\x98\x80")},
      {R"({"base64":""})", Value::blob("")},
      {R"({"base64":"AP8="})", Value::blob(std::string("\0\xFF", 2))},
      {R"({"real":"inf"})", Value::real(std::numeric_limits<double>::infinity())},
      {R"({"real":"-inf"})", Value::real(-std::numeric_limits<double>::infinity())},
  };
  for (const auto& [text, value] : table) {
    const auto cells = cells_of("{\"c\":" + std::string(text) + "}");
    ASSERT_EQ(cells.size(), 1) << text;
    EXPECT_EQ(cells[0].value, value) << text;
  }
}

TEST(ReadMessages, KeepsNamesExactly) {
  const Patch patch =
      read_one<Patch>(R"({"type":10,"at":0,"peer":1,"seq":1,"ver":0,"tab":"a\"; DROP\u0000",)"
                      R"("delta":{"":1," ":2,"se\u0000lect":3,"größe":4,"GRÖSSE":5}})");
  EXPECT_EQ(patch.table, std::string("a\"; DROP\0", 9));
  const std::vector<Cell> expected = {{"", Value::integer(1)},
                                      {" ", Value::integer(2)},
                                      {std::string("se\0lect", 7), Value::integer(3)},
                                      {"größe", Value::integer(4)},
                                      {"GRÖSSE", Value::integer(5)}};
  EXPECT_EQ(patch.cells, expected);
}

TEST(ReadMessages, TakesANullInADeltaForAnAbsentColumn) {
  EXPECT_EQ(cells_of(R"({"a":null})"), kNone);
  EXPECT_EQ(cells_of(R"({"a":null,"b":2,"c":null})"),
            (std::vector<Cell>{{"b", Value::integer(2)}}));
}

TEST(ReadMessages, TakesNullsForColumnsSetToNull) {
  EXPECT_EQ(cells_of(R"({"a":1},"nulls":["b","c"])"),
            (std::vector<Cell>{{"a", Value::integer(1)}, {"b", Value()}, {"c", Value()}}));
  EXPECT_EQ(cells_of(R"({},"nulls":[])"), kNone);
  // Null in the delta as well: no contradiction.
  EXPECT_EQ(cells_of(R"({"a":null},"nulls":["a"])"), (std::vector<Cell>{{"a", Value()}}));
}

TEST(ReadMessages, ReadsTheGroup) {
  EXPECT_EQ(patch_with(R"({},"grp":[1,3])").group, (Range{1, 3}));
  EXPECT_EQ(patch_with(R"({},"grp":[3,9007199254740991])").group, (Range{3, kMaxInteger}));
  EXPECT_EQ(patch_with("{}").group, std::nullopt);
  EXPECT_EQ(patch_with(R"({},"grp":[3,3])").group, std::nullopt);  // alone is no group
}

TEST(ReadMessages, TakesStampsToTheirLimits) {
  EXPECT_EQ(
      read_one<Patch>(R"({"type":10,"at":0,"peer":1,"seq":1,"ver":0,"tab":"T","delta":{}})").stamp,
      (Stamp{0, 1, 1}));
  EXPECT_EQ(
      read_one<Patch>(
          R"({"type":10,"at":9007199254740991,"peer":9007199254740991,"seq":9007199254740991,)"
          R"("ver":9007199254740991,"tab":"T","delta":{}})")
          .stamp,
      (Stamp{kMaxInteger, kMaxInteger, kMaxInteger}));
}

TEST(ReadMessages, TakesAPatchOfTheTableUnderscoreForAVoid) {
  const Patch expected{{5, 7, 3}, 2, "", {}, {}};
  ASSERT_TRUE(expected.is_void());
  const std::string_view whatever[] = {
      R"(,"delta":{})",
      R"(,"delta":{"8":[1,2,3,4,5,6],"9":[0,0,0,0,0,0]})",  // the ancestor's statistics
      R"(,"delta":{"a":{"b":{"c":[{}]}},"d":[[[]]],"e":{"base64":"!"}})",
      R"(,"delta":{"a":[1,{"b":[2,{}]}],"b":{"base64":[]}})",
      R"(,"delta":{"a":1,"A":2})",
      R"(,"delta":{"a":null,"b":true,"c":[null,true,1.5]})",
      R"(,"delta":[1,2,3])",
      R"(,"delta":null)",
      R"(,"delta":"x")",
      R"(,"nulls":{"a":1},"delta":{})",
      R"(,"sums":7,"now":"x","name":1,"minSeq":-1)",
      "",
  };
  for (const auto more : whatever) {
    EXPECT_EQ(read_one<Patch>(R"({"type":10,"at":5,"peer":7,"seq":3,"ver":2,"tab":"_")" +
                              std::string(more) + "}"),
              expected)
        << more;
  }
}

TEST(ReadMessages, KeepsTheGroupOfAVoid) {
  EXPECT_EQ(
      read_one<Patch>(R"({"type":10,"at":5,"peer":7,"seq":3,"ver":2,"tab":"_","grp":[2,4]})").group,
      (Range{2, 4}));
}

TEST(ReadMessages, ReadsAPing) {
  const Ping expected{{100, 7, 9},
                      2,
                      {{8, 1, 2, 3, 4, 5, 6}, {kMaxInteger, 0, 0, 0, 0, 0, kMaxInteger}},
                      {{8, 0x0123456789abcdef}, {9, 0}},
                      317834829004800,
                      "till \"1\""};
  EXPECT_EQ(read_one<Ping>(R"({"type":20,"at":100,"peer":7,"seq":9,"ver":2,"tab":"_","delta":{)"
                           R"("8":[1,2,3,4,5,6],"9007199254740991":[0,0,0,0,0,9007199254740991]},)"
                           R"("sums":{"8":"0123456789abcdef","9":"0000000000000000"},)"
                           R"("now":317834829004800,"name":"till \"1\""})"),
            expected);
}

TEST(ReadMessages, ReadsThePingOfAnAncestor) {
  const Ping expected{{0, 7, 0}, 1, {}, {}, 0, ""};
  EXPECT_EQ(read_one<Ping>(R"({"type":20,"at":0,"peer":7,"seq":0,"ver":1,"tab":"_","delta":{}})"),
            expected);
  // Without ver and tab, which a ping does not need.
  EXPECT_EQ(read_one<Ping>(R"({"type":20,"at":0,"peer":7,"seq":0,"delta":{}})"), expected);
}

TEST(ReadMessages, TakesAPingOfManyPeers) {
  std::string text = R"({"type":20,"at":0,"peer":7,"seq":0,"delta":{)";
  for (int i = 1; i <= 5000; i++) text += "\"" + std::to_string(i) + "\":[1,2,3,4,5,6],";
  text.back() = '}';
  EXPECT_EQ(read_one<Ping>(text + "}").held.size(), 5000);
}

TEST(ReadMessages, ReadsARequestAndGone) {
  EXPECT_EQ(read_one<Request>(R"({"type":30,"peer":7,"minSeq":2,"maxSeq":5,"forPeer":8})"),
            (Request{7, {2, 5}, 8}));
  EXPECT_EQ(
      read_one<Request>(R"({"type":30,"peer":7,"minSeq":1,"maxSeq":9007199254740991,"forPeer":7})"),
      (Request{7, {1, kMaxInteger}, 7}));
  EXPECT_EQ(read_one<Request>(R"({"type":30,"peer":7,"minSeq":2,"maxSeq":5,"forPeer":8,)"
                              R"("sums":{"6":"0000000000000001","7":"00000000000000ff"}})"),
            (Request{7, {2, 5}, 8, 255}));
  EXPECT_EQ(
      read_one<Request>(R"({"type":30,"peer":7,"minSeq":2,"maxSeq":5,"forPeer":8,"sums":{}})"),
      (Request{7, {2, 5}, 8, std::nullopt}));
  EXPECT_EQ(read_one<Gone>(R"({"type":40,"peer":7,"minSeq":2,"maxSeq":2})"), (Gone{7, {2, 2}}));
}

TEST(ReadMessages, TakesAnUnknownTypeOfAnyShape) {
  const std::pair<std::string_view, int64_t> table[] = {
      {R"({"type":50})", 50},
      {R"({"type":0})", 0},
      {R"({"type":-10})", -10},
      {R"({"type":9223372036854775807})", INT64_MAX},
      {R"({"type":11,"at":-1,"peer":"x","seq":1.5,"ver":null,"tab":{},"delta":[1,[2]]})", 11},
      {R"({"delta":{"a":1,"A":{"b":[{}]}},"nulls":[[]],"grp":{},"sums":[],"type":99})", 99},
      {R"({"sums":{"x":{"y":1}},"grp":[1,[2]],"nulls":5,"type":21})", 21},
  };
  for (const auto& [text, type] : table) {
    EXPECT_EQ(read_one<Unknown>(text), Unknown{type}) << text;
  }
}

TEST(ReadMessages, IgnoresKeysThatTheTypeDoesNotNeed) {
  EXPECT_EQ(cells_of(R"({"a":1},"x":1,"y":[[{"z":{}}]],"Type":20,"":null,"minSeq":-5,"sums":[])"),
            (std::vector<Cell>{{"a", Value::integer(1)}}));
  EXPECT_EQ(read_one<Gone>(R"({"type":40,"peer":7,"minSeq":2,"maxSeq":2,"at":-1,"delta":7})"),
            (Gone{7, {2, 2}}));
}

TEST(ReadMessages, ReadsManyMessages) {
  const std::string one = R"({"type":40,"peer":7,"minSeq":2,"maxSeq":2})";
  const std::string two = R"({"type":50})";
  const std::pair<std::string, size_t> table[] = {
      {"", 0},
      {" \r\n\t ", 0},
      {"[]", 0},
      {"[] []\n[]", 0},
      {one, 1},
      {"[" + one + "]", 1},
      {one + two, 2},
      {one + "\n" + two + "\n", 2},
      {" " + one + "\r\n\r\n" + two + "\t" + one, 3},
      {"[" + one + " , " + two + "]", 2},
      {"[" + one + "] " + two + " [" + two + "," + one + "]", 4},
      {"\xEF\xBB\xBF" + one + "\n" + one, 2},  // as some editors save it
  };
  for (const auto& [text, count] : table) {
    EXPECT_EQ(read(text).size(), count) << text;
  }
}

TEST(ReadMessages, KeepsNothingOfTheMessageBefore) {
  const auto messages =
      read(R"({"type":10,"at":5,"peer":7,"seq":3,"ver":1,"tab":"T","delta":{"a":1},"nulls":["b"],)"
           R"("grp":[3,4]})"
           R"({"type":10,"at":6,"peer":7,"seq":4,"ver":1,"tab":"T","delta":{"A":2}})"
           R"({"type":20,"at":6,"peer":7,"seq":4,"delta":{"8":[1,2,3,4,5,6]},"name":"n","now":1})"
           R"({"type":20,"at":6,"peer":7,"seq":4,"delta":{}})");
  ASSERT_EQ(messages.size(), 4);
  const Patch patch{{6, 7, 4}, 1, "T", {{"A", Value::integer(2)}}, {}};
  const Ping ping{{6, 7, 4}, 1, {}, {}, 0, ""};
  EXPECT_EQ(std::get<Patch>(messages[1]), patch);
  EXPECT_EQ(std::get<Ping>(messages[3]), ping);
  EXPECT_TRUE(test::raised([] { read(R"({"type":50} {"at":1})"); }).starts_with("E_MESSAGE: "));
}

TEST(ReadMessages, PassesEachMessageOnBeforeItReadsTheNext) {
  int seen = 0;
  const std::string error = test::raised(
      [&] { read_messages(R"([{"type":50},{"type":51},)", [&](Message&&) { seen++; }); });
  EXPECT_EQ(seen, 2);
  EXPECT_TRUE(error.starts_with("E_SYNTAX: ")) << error;
}

TEST(ReadMessages, PassesOnWhatTheSinkThrows) {
  EXPECT_EQ(test::raised([] {
              read_messages(R"({"type":50})", [](Message&&) { throw Error(Code::state, "x", ""); });
            }),
            "E_STATE: x");
}

TEST(ReadMessages, TakesAsManyColumnsAsATableHas) {
  std::string delta = "{";
  for (size_t i = 0; i < kMaxColumns - 1; i++) delta += "\"c" + std::to_string(i) + "\":0,";
  delta.back() = '}';
  EXPECT_EQ(cells_of(delta + R"(,"nulls":["last"])").size(), kMaxColumns);
}

}  // namespace
}  // namespace replic::wire

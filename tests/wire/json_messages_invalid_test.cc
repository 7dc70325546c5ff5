// The reader of messages: what it refuses, with the whole text of the error.

#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"
#include "support/raised.h"
#include "wire/json.h"

namespace replic::wire {
namespace {

std::string fault(std::string_view text) {
  return test::raised([&] { read_messages(text, [](Message&&) {}); });
}

struct Case {
  std::string text;
  std::string error;  // how it begins
};

void expect_faults(const std::vector<Case>& cases) {
  for (const auto& [text, error] : cases) {
    const std::string got = fault(text);
    EXPECT_TRUE(got.starts_with(error)) << text << "\n  got:  " << got << "\n  want: " << error;
  }
}

// A patch with one key more, or with one key of another value.
std::string patch(std::string_view key, std::string_view value) {
  const std::pair<std::string_view, std::string_view> keys[] = {
      {"type", "10"}, {"at", "5"},      {"peer", "7"},   {"seq", "3"},
      {"ver", "1"},   {"tab", "\"T\""}, {"delta", "{}"},
  };
  std::string text;
  bool known = false;
  for (const auto& [name, usual] : keys) {
    known = known || name == key;
    const std::string_view it = name == key ? value : usual;
    if (!it.empty()) text += ",\"" + std::string(name) + "\":" + std::string(it);
  }
  if (!known) text += ",\"" + std::string(key) + "\":" + std::string(value);
  text[0] = '{';
  return text + "}";
}

TEST(ReadMessages, RefusesWhatIsNoMessage) {
  const std::string cure =
      " where a message should be; a message is a JSON object such as {\"type\"";
  expect_faults({
      {"1", "E_MESSAGE: at byte 0: found 1" + cure},
      {"-2.5", "E_MESSAGE: at byte 0: found -2.5" + cure},
      {" \"hello\"", "E_MESSAGE: at byte 1: found the text 'hello'" + cure},
      {"null", "E_MESSAGE: at byte 0: found null" + cure},
      {"true", "E_MESSAGE: at byte 0: found true" + cure},
      {"[{\"type\":50}, 7]", "E_MESSAGE: at byte 14: found 7" + cure},
      {"[[]]", "E_MESSAGE: at byte 1: found an array inside the array of messages" + cure},
      {"{\"type\":50} 7", "E_MESSAGE: at byte 12: found 7" + cure},
  });
}

TEST(ReadMessages, RefusesWhatIsNotJson) {
  expect_faults({
      {patch("delta", "{").substr(0, 70), "E_SYNTAX: message: not JSON: "},
      {"{\"type\":10",
       "E_SYNTAX: message: not JSON: Missing a comma or '}' after an object member, "
       "the text ends at byte 10; pass valid JSON in UTF-8"},
      {"{\"type\":50}]", "E_SYNTAX: message: not JSON: Invalid value, near ']' at byte 11;"},
      {"{\"type\":50},{\"type\":50}",
       "E_SYNTAX: message: not JSON: Invalid value, near ',{\"type\":50}' at byte 11;"},
      {patch("at", "NaN"),
       "E_SYNTAX: message: not JSON: Invalid value, near 'NaN,\"peer\":7,\"seq"},
      {patch("tab", "\"\xFF\""), "E_UTF8: message: invalid UTF-8 at byte 50; send text as valid"},
      {patch("tab", "\"\\uD800\""),
       "E_UTF8: message: a lone surrogate in a \\u escape at byte 50;"},
      {patch("at", "1e400"), "E_LIMIT: message: number '1e400' is out of range at byte 16; a real"},
      {patch("at", "1180591620717411303424"),
       "E_LIMIT: message: number '1180591620717411303424' is out of range at byte 16; an integer"},
  });
}

TEST(ReadMessages, RefusesWrongNumbers) {
  const std::string whole = "; it must be a whole number from 0 to 2^53-1";
  const std::string positive = "; it must be a whole number from 1 to 2^53-1";
  const auto one = [](std::string_view key, std::string_view value, int byte,
                      const std::string& cure) {
    return Case{patch(key, value), "E_MESSAGE: message 1 (byte " + std::to_string(byte) +
                                       "): key \"" + std::string(key) + "\" is " +
                                       std::string(value) + cure};
  };
  expect_faults({
      one("at", "-1", 16, whole),
      one("at", "9007199254740992", 16, whole),
      one("at", "1.5", 16, whole),
      one("at", "1.0", 16, whole),
      one("at", "null", 16, whole),
      one("at", "true", 16, whole),
      one("peer", "0", 25, positive),
      one("peer", "-1", 25, positive),
      one("peer", "9007199254740992", 25, positive),
      one("peer", "0.5", 25, positive),
      one("peer", "false", 25, positive),
      one("seq", "0", 33, positive),
      one("seq", "-3", 33, positive),
      one("seq", "2.5", 33, positive),
      one("seq", "9007199254740992", 33, positive),
      one("ver", "-1", 41, whole),
      one("ver", "null", 41, whole),
  });
  expect_faults({
      {patch("peer", "\"7\""),
       "E_MESSAGE: message 1 (byte 25): key \"peer\" is the text '7'" + positive},
      {patch("peer", "[7]"), "E_MESSAGE: message 1 (byte 25): key \"peer\" is an array" + positive},
      {patch("peer", "{}"), "E_MESSAGE: message 1 (byte 25): key \"peer\" is an object" + positive},
      {patch("type", "\"10\""),
       "E_MESSAGE: message 1 (byte 8): key \"type\" is the text '10'; it must be 10"},
      {patch("type", "10.0"), "E_MESSAGE: message 1 (byte 8): key \"type\" is 10.0; it must be 10"},
      {patch("type", "{}"),
       "E_MESSAGE: message 1 (byte 8): key \"type\" is an object; it must be 10"},
  });
}

TEST(ReadMessages, RefusesAMessageWithoutAKeyThatItMustHave) {
  for (const std::string key : {"at", "peer", "seq", "ver", "tab", "delta"}) {
    EXPECT_EQ(fault(patch(key, "")), "E_MESSAGE: message 1 (byte 0): key \"" + key +
                                         "\" is missing; a message of type 10 must have it");
  }
  expect_faults({
      {"{}", "E_MESSAGE: message 1 (byte 0): key \"type\" is missing; every message must have it"},
      {"[ {\"at\":1}]", "E_MESSAGE: message 1 (byte 2): key \"type\" is missing;"},
      {"{\"type\":50} {\"type\":10}", "E_MESSAGE: message 2 (byte 12): key \"at\" is missing;"},
      {R"({"type":20,"at":1,"peer":2,"seq":3})", "E_MESSAGE: message 1 (byte 0): key \"delta\" is"},
      {R"({"type":30,"peer":1,"minSeq":1,"maxSeq":1})",
       "E_MESSAGE: message 1 (byte 0): key \"forPeer\" is missing; a message of type 30 must"},
      {R"({"type":30,"peer":1,"maxSeq":1,"forPeer":1})",
       "E_MESSAGE: message 1 (byte 0): key \"minSeq\" is missing;"},
      {R"({"type":40,"peer":1,"minSeq":1})",
       "E_MESSAGE: message 1 (byte 0): key \"maxSeq\" is missing;"},
      {R"({"type":40,"minSeq":1,"maxSeq":1})",
       "E_MESSAGE: message 1 (byte 0): key \"peer\" is missing;"},
  });
}

TEST(ReadMessages, RefusesAWrongTable) {
  const std::string cure = "; it must be a name in double quotes";
  expect_faults({
      {patch("tab", "\"\""), "E_MESSAGE: message 1 (byte 49): key \"tab\" is the text ''" + cure},
      {patch("tab", "null"), "E_MESSAGE: message 1 (byte 49): key \"tab\" is null" + cure},
      {patch("tab", "1"), "E_MESSAGE: message 1 (byte 49): key \"tab\" is 1" + cure},
      {patch("tab", "{\"a\":1}"),
       "E_MESSAGE: message 1 (byte 49): key \"tab\" is an object" + cure},
      {patch("tab", "[\"T\"]"), "E_MESSAGE: message 1 (byte 49): key \"tab\" is an array" + cure},
      {patch("tab", "true"), "E_MESSAGE: message 1 (byte 49): key \"tab\" is true" + cure},
  });
}

TEST(ReadMessages, RefusesAWrongDelta) {
  const std::string shape = "; it must be an object: {\"column\":value, ...}";
  const std::string cell = "; a column takes a number, a text, null, or {\"base64\":\"...\"}";
  const std::string at = "E_MESSAGE: message 1 (byte ";
  expect_faults({
      {patch("delta", "null"), at + "61): key \"delta\" is null" + shape},
      {patch("delta", "[]"), at + "61): key \"delta\" is an array" + shape},
      {patch("delta", "\"x\""), at + "61): key \"delta\" is the text 'x'" + shape},
      {patch("delta", R"({"a":[]})"), at + "62): column 'a' holds an array" + cell},
      {patch("delta", R"({"a":1,"b":[1,2,3,4,5,6]})"),
       at + "68): column 'b' holds an array" + cell},
      {patch("delta", R"({"a":{}})"),
       at + "62): column 'a' holds an object that is no value" + cell},
      {patch("delta", R"({"a":{"b":1}})"), at + "62): column 'a' holds an object that"},
      {patch("delta", R"({"a":{"base64":1}})"), at + "62): column 'a' holds an object that"},
      {patch("delta", R"({"a":{"base64":null}})"), at + "62): column 'a' holds an object that"},
      {patch("delta", R"({"a":{"base64":"A"}})"), at + "62): column 'a' holds an object that"},
      {patch("delta", R"({"a":{"base64":"AA=="  ,"x":1}})"),
       at + "62): column 'a' holds an object"},
      {patch("delta", R"({"a":{"":1,"base64":"AA=="}})"), at + "62): column 'a' holds an object"},
      {patch("delta", R"({"a":{"base64":{}}})"), at + "62): column 'a' holds an object that"},
      {patch("delta", R"({"a":{"base64":["AA=="]}})"), at + "62): column 'a' holds an object that"},
      {patch("delta", R"({"a":{"x":[],"base64":"AA=="}})"), at + "62): column 'a' holds an object"},
      {patch("delta", R"({"a":{"BASE64":"AA=="}})"), at + "62): column 'a' holds an object that"},
      {patch("delta", R"({"a":{"real":"nan"}})"), at + "62): column 'a' holds an object that"},
      {patch("delta", R"({"a":{"real":1.5}})"), at + "62): column 'a' holds an object that"},
  });
}

TEST(ReadMessages, RefusesANameTwice) {
  const std::string cure = "; name each column once; upper and lower case are the same";
  const std::string at = "E_MESSAGE: message 1 (byte 0): column ";
  expect_faults({
      {patch("delta", R"({"a":1,"a":1})"), "E_MESSAGE: message: key 'a' comes twice at byte 68;"},
      {patch("delta", R"({"name":1,"Name":1})"), at + "'Name' comes twice" + cure},
      {patch("delta", R"({"name":null,"NAME":1})"), at + "'NAME' comes twice" + cure},
      {patch("delta", R"({"a":1},"nulls":["A"])"),
       at + "'A' is listed in \"nulls\", and set or listed again" + cure},
      {patch("delta", R"({},"nulls":["a","b","a"])"), at + "'a' is listed in \"nulls\""},
      {R"({"type":50,"type":50})", "E_MESSAGE: message: key 'type' comes twice at byte 11;"},
      {R"({"type":50,"x":{"y":[{"z":1,"z":1}]}})",
       "E_MESSAGE: message: key 'z' comes twice at byte 28;"},
      {R"({"type":20,"at":1,"peer":2,"seq":3,"delta":{"8":[1,2,3,4,5,6],"8":[1,2,3,4,5,6]}})",
       "E_MESSAGE: message: key '8' comes twice at byte 62;"},
  });
  std::string many = "{";
  for (int i = 0; i < 100; i++) many += "\"c" + std::to_string(i) + "\":0,";
  expect_faults({{patch("delta", many + "\"C57\":1}"), at + "'C57' comes twice"}});
}

TEST(ReadMessages, RefusesWrongNulls) {
  const std::string cure = "; it must be an array of column names";
  const std::string at = "E_MESSAGE: message 1 (byte 72): key \"nulls\" ";
  expect_faults({
      {patch("nulls", "\"a\""), at + "is the text 'a'" + cure},
      {patch("nulls", "{}"), at + "is an object" + cure},
      {patch("nulls", "null"), at + "is null" + cure},
      {patch("nulls", "[1]"), "E_MESSAGE: message 1 (byte 73): key \"nulls\" holds 1" + cure},
      {patch("nulls", "[\"a\",null]"), "E_MESSAGE: message 1 (byte 77): key \"nulls\" holds null"},
      {patch("nulls", "[[\"a\"]]"), "E_MESSAGE: message 1 (byte 73): key \"nulls\" holds an array"},
      {patch("nulls", "[true]"), "E_MESSAGE: message 1 (byte 73): key \"nulls\" holds true"},
      {patch("nulls", "[{}]"), "E_MESSAGE: message 1 (byte 73): key \"nulls\" holds an object"},
  });
}

TEST(ReadMessages, RefusesAWrongGroup) {
  const std::string at = "E_MESSAGE: message 1 (byte 70): key \"grp\" ";
  for (const std::string grp :
       {"[]", "[3]", "[1,2,3]", "[0,3]", "[4,3]", "[1,9007199254740992]", "[1.0,3]", "[\"1\",3]",
        "[1,null]", "[true,3]", "[1,[3]]", "[{},1,3]", "[-1,3]"}) {
    expect_faults({{patch("grp", grp), at + "is not a range; it must be [first,last] with 1 <="}});
  }
  expect_faults({
      {patch("grp", "3"), at + "is 3;"},
      {patch("grp", "{}"), at + "is an object;"},
      {patch("grp", "null"), at + "is null;"},
      {patch("grp", "[4,5]"), "E_MESSAGE: message 1 (byte 33): seq 3 lies outside \"grp\"; grp is"},
      {patch("grp", "[1,2]"), "E_MESSAGE: message 1 (byte 33): seq 3 lies outside \"grp\"; grp is"},
  });
}

TEST(ReadMessages, RefusesAWrongPing) {
  const auto ping = [](std::string_view delta) {
    return R"({"type":20,"at":1,"peer":2,"seq":3,"delta":)" + std::string(delta) + "}";
  };
  const std::string cure = "; it must be {\"<peer>\":[six whole numbers from 0 to 2^53-1], ...}";
  const std::string wrong = "E_MESSAGE: message 1 (byte 44): \"delta\" has a wrong entry for peer ";
  const std::string none = "E_MESSAGE: message 1 (byte 44): \"delta\" has no array for peer ";
  for (const std::string numbers :
       {"[]", "[1,2,3,4,5]", "[1,2,3,4,5,6,7]", "[1,2,3,4,5,-6]", "[1,2,3,4,5,6.0]",
        "[1,2,3,4,5,null]", "[1,2,3,4,5,true]", "[1,2,3,4,5,9007199254740992]", "[1,2,3,4,5,\"6\"]",
        "[1,2,3,4,5,6,[]]", "[[1,2,3,4,5,6]]", "[1,2,3,{},4,5,6]"}) {
    expect_faults({{ping("{\"8\":" + numbers + "}"), wrong + "'8'" + cure}});
  }
  for (const std::string peer :
       {"", "0", "-1", "+8", "08", "8.0", "8x", " 8", "x", "9007199254740992", "1e3"}) {
    expect_faults({{ping("{\"" + peer + "\":[1,2,3,4,5,6]}"), wrong + "'" + peer + "'" + cure}});
  }
  expect_faults({
      {ping("{\"8\":1}"), none + "'8'" + cure},
      {ping("{\"8\":null}"), none + "'8'" + cure},
      {ping("{\"8\":{}}"), none + "'8'" + cure},
      {ping("{\"8\":{\"base64\":\"\"}}"), none + "'8'" + cure},
      {ping("{},\"sums\":[]"), "E_MESSAGE: message 1 (byte 53): key \"sums\" is an array; it must"},
      {ping("{},\"sums\":{\"8\":\"012\"}"),
       "E_MESSAGE: message 1 (byte 54): key \"sums\" holds the text '012'; it must be"},
      {ping("{},\"sums\":{\"8\":\"0123456789abcdeg\"}"),
       "E_MESSAGE: message 1 (byte 54): key \"sum"},
      {ping("{},\"sums\":{\"8\":\"-123456789abcdef\"}"),
       "E_MESSAGE: message 1 (byte 54): key \"sum"},
      {ping("{},\"sums\":{\"8\":7}"), "E_MESSAGE: message 1 (byte 54): key \"sums\" holds 7;"},
      {ping("{},\"sums\":{\"8\":false}"),
       "E_MESSAGE: message 1 (byte 58): key \"sums\" holds false"},
      {ping("{},\"sums\":{\"8\":[]}"),
       "E_MESSAGE: message 1 (byte 58): key \"sums\" holds an array"},
      {ping("{},\"sums\":{\"x\":\"0123456789abcdef\"}"),
       "E_MESSAGE: message 1 (byte 54): key \"sums\" has an entry for peer 'x';"},
      {ping("{},\"now\":-1"), "E_MESSAGE: message 1 (byte 52): key \"now\" is -1;"},
      {ping("{},\"now\":null"), "E_MESSAGE: message 1 (byte 52): key \"now\" is null;"},
      {ping("{},\"name\":7"), "E_MESSAGE: message 1 (byte 53): key \"name\" is 7;"},
      {ping("{},\"ver\":-7"), "E_MESSAGE: message 1 (byte 52): key \"ver\" is -7;"},
      {R"({"type":20,"at":1,"peer":2,"seq":-1,"delta":{}})",
       "E_MESSAGE: message 1 (byte 33): key \"seq\" is -1;"},
  });
}

TEST(ReadMessages, RefusesARequestForNoRange) {
  expect_faults({
      {R"({"type":30,"peer":1,"minSeq":5,"maxSeq":4,"forPeer":1})",
       "E_MESSAGE: message 1 (byte 29): \"minSeq\" 5 is above \"maxSeq\" 4; send minSeq <= maxSeq"},
      {R"({"type":40,"peer":1,"minSeq":2,"maxSeq":1})",
       "E_MESSAGE: message 1 (byte 29): \"minSeq\" 2 is above \"maxSeq\" 1;"},
      {R"({"type":30,"peer":1,"minSeq":0,"maxSeq":4,"forPeer":1})",
       "E_MESSAGE: message 1 (byte 29): key \"minSeq\" is 0; it must be a whole number from 1"},
      {R"({"type":30,"peer":1,"minSeq":1,"maxSeq":9007199254740992,"forPeer":1})",
       "E_MESSAGE: message 1 (byte 40): key \"maxSeq\" is 9007199254740992;"},
      {R"({"type":30,"peer":0,"minSeq":1,"maxSeq":4,"forPeer":1})",
       "E_MESSAGE: message 1 (byte 18): key \"peer\" is 0;"},
      {R"({"type":30,"peer":1,"minSeq":1,"maxSeq":4,"forPeer":0})",
       "E_MESSAGE: message 1 (byte 52): key \"forPeer\" is 0;"},
      {R"({"type":30,"peer":1,"minSeq":1,"maxSeq":4,"forPeer":1,"sums":{"1":5}})",
       "E_MESSAGE: message 1 (byte 62): key \"sums\" holds 5;"},
  });
}

TEST(ReadMessages, RefusesMoreColumnsThanATableHas) {
  std::string delta = "{";
  for (size_t i = 0; i < kMaxColumns; i++) delta += "\"c" + std::to_string(i) + "\":0,";
  delta.back() = '}';
  const std::string error =
      "E_LIMIT: message 1 (byte 0): more than 2000 columns; a table has at most that many";
  EXPECT_EQ(fault(patch("delta", delta)), "");
  EXPECT_EQ(fault(patch("delta", delta + R"(,"nulls":["one"])")), error);
  delta.back() = ',';
  EXPECT_EQ(fault(patch("delta", delta + "\"one\":0}")), error);
  std::string nulls = "[";
  for (int i = 0; i < 1'000'000; i++) nulls += "\"n\",";
  nulls.back() = ']';
  EXPECT_EQ(fault(patch("nulls", nulls)), error);  // and quickly
}

TEST(ReadMessages, RefusesNamesThatNoBundleCarries) {
  const std::string longest = "\"" + std::string(kMaxIdentifierBytes, 'n') + "\"";
  const std::string longer = "\"n" + longest.substr(1);
  const std::string error = "E_LIMIT: message 1 (byte 0): the name '" + std::string(80, 'n') +
                            "...' has 1001 bytes, the limit is 1000; use a shorter name";
  EXPECT_EQ(fault(patch("tab", longest)), "");
  EXPECT_EQ(fault(patch("delta", "{" + longest + ":1}")), "");
  EXPECT_EQ(fault(patch("tab", longer)), error);
  EXPECT_EQ(fault(patch("delta", "{" + longer + ":1}")), error);
  EXPECT_EQ(fault(patch("nulls", "[" + longer + "]")), error);
}

TEST(ReadMessages, NumbersTheMessageAndGivesTheOffsetInTheWholeText) {
  expect_faults({
      {"{\"type\":50}\n{\"type\":51}\n" + patch("seq", "0"),
       "E_MESSAGE: message 3 (byte 57): key \"seq\" is 0;"},
      {"[{\"type\":50}, {\"type\":51}, " + patch("delta", "{\"a\":[]}"),
       "E_MESSAGE: message 3 (byte 89): column 'a' holds an array;"},
      {"\xEF\xBB\xBF{\"type\":10,\"at\":-1}", "E_MESSAGE: message 1 (byte 19): key \"at\" is -1;"},
  });
}

}  // namespace
}  // namespace replic::wire

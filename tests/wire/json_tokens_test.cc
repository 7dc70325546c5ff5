#include "wire/json_tokens.h"

#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"
#include "support/raised.h"
#include "wire/json_writer.h"

namespace replic::wire {
namespace {

using test::raised;

// Writes the tokens down as text: `{ "key": value ...`.
class Recorder : public TokenSink {
 public:
  void value(Value&& value) override { add(JsonWriter().value(value).take()); }
  void key(std::string&& name) override { add(JsonWriter().text(name).take() + ":"); }
  void begin_object() override { add("{"); }
  void end_object() override { add("}"); }
  void begin_array() override { add("["); }
  void end_array() override { add("]"); }

  std::string tokens, offsets;

 private:
  void add(const std::string& token) {
    tokens += (tokens.empty() ? "" : " ") + token;
    offsets += (offsets.empty() ? "" : " ") + std::to_string(offset());
  }
};

std::string tokens(std::string_view text, bool single = false) {
  Recorder recorder;
  read_tokens(text, "text", single, recorder);
  return recorder.tokens;
}

std::string offsets(std::string_view text) {
  Recorder recorder;
  read_tokens(text, "text", false, recorder);
  return recorder.offsets;
}

std::string fault(std::string_view text, bool single = false) {
  return raised([&] { tokens(text, single); });
}

TEST(ReadTokens, GivesWhatStandsThere) {
  const std::pair<std::string_view, std::string_view> table[] = {
      {"", ""},
      {" \t\r\n", ""},
      {"null", "null"},
      {"true", "1"},
      {"false", "0"},
      {R"("")", R"("")"},
      {"[]", "[ ]"},
      {"{}", "{ }"},
      {R"( [ 1 , "a" , { "b" : null } ] )", R"([ 1 "a" { "b": null } ])"},
      {"[[[]],{}]", "[ [ [ ] ] { } ]"},
      {"{}{} [] \n1", "{ } { } [ ] 1"},
      {R"({"":1})", R"({ "": 1 })"},
      {R"({"a":1,"A":2})", R"({ "a": 1 "A": 2 })"},  // other bytes, another key
      {R"({"a":{"a":1},"b":[{"a":1},{"a":1}]})",
       R"({ "a": { "a": 1 } "b": [ { "a": 1 } { "a": 1 } ] })"},
      {"\xEF\xBB\xBF{}", "{ }"},  // a byte order mark
      {"\xEF\xBB\xBF", ""},
      {R"("\"\\\/\b\f\n\r\t")", R"("\"\\/\u0008\u000c\n\r\t")"},
      {R"("\u0000\u001F\u007f\u00e9\uD834\uDD1E\uFFFF")",
       "\"\\u0000\\u001f\x7f\xC3\xA9\xF0\x9D\x84\x9E\xEF\xBF\xBF\""},
      {"\"\x7F\xC3\xA9\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF\"",
       "\"\x7F\xC3\xA9\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF\""},
  };
  for (const auto& [text, expected] : table) {
    EXPECT_EQ(tokens(text), expected) << text;
  }
}

TEST(ReadTokens, TellsWhereEachTokenBegins) {
  EXPECT_EQ(offsets(R"({"a":1, "b\n" : [ "x", null,true , false], "c":-2.5e1} 7)"),
            "0 1 5 8 16 18 23 28 35 40 43 47 53 55");
  EXPECT_EQ(offsets("\xEF\xBB\xBF {}"), "4 5");
}

TEST(ReadTokens, ReadsNumbersExactly) {
  const std::pair<std::string_view, std::string_view> table[] = {
      {"0", "0"},
      {"-0", "0"},
      {"-1", "-1"},
      {"9223372036854775807", "9223372036854775807"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"0.0", "0.0"},
      {"-0.0", "-0.0"},
      {"1.0", "1.0"},
      {"1e0", "1.0"},
      {"1E+2", "100.0"},
      {"12.5e-1", "1.25"},
      {"0.1", "0.1"},
      {"1.7976931348623157e308", "1.7976931348623157e+308"},
      {"2.2250738585072014e-308", "2.2250738585072014e-308"},
      {"5e-324", "5e-324"},
      {"-5e-324", "-5e-324"},
      {"1e-400", "0.0"},  // too close to zero is zero
      {"-1e-400", "-0.0"},
      {"1e-99999999999999999999", "0.0"},
      {"0e-999", "0.0"},
      {"9007199254740993.0", "9007199254740992.0"},
      {"123456789012345678901234567890.0", "1.2345678901234568e+29"},
      {"9223372036854775808.0", "9223372036854775808.0"},
  };
  for (const auto& [text, expected] : table) {
    EXPECT_EQ(tokens(text), expected) << text;
    EXPECT_EQ(tokens("[" + std::string(text) + "]"), "[ " + std::string(expected) + " ]");
  }
  const std::string zeros(1000, '0');
  EXPECT_EQ(tokens("0." + zeros + "1"), "0.0");
  EXPECT_EQ(tokens("1." + zeros + "1"), "1.0");
  EXPECT_EQ(tokens("0." + zeros + "1e1001"), "1.0");
  EXPECT_EQ(tokens("1" + std::string(300, '0') + "e-300"), "1.0");
  EXPECT_EQ(tokens("1" + std::string(300, '0') + "e-700"), "0.0");
}

TEST(ReadTokens, RefusesWhatIsNotJson) {
  // Text, offset of the fault, what the error says of it.
  const std::tuple<std::string_view, size_t, std::string_view> table[] = {
      {"{", 1, "the text ends"},
      {"[", 1, "the text ends"},
      {"[1", 2, "the text ends"},
      {"[1,", 3, "the text ends"},
      {"{\"a\"", 4, "the text ends"},
      {"{\"a\":", 5, "the text ends"},
      {"{\"a\":1", 6, "the text ends"},
      {"\"abc", 4, "the text ends"},
      {"\"abc\\", 4, "escape"},
      {"tru", 3, "the text ends"},
      {"1.", 2, "the text ends"},
      {"1e", 2, "the text ends"},
      {"-", 1, "the text ends"},
      {"]", 0, "near ']'"},
      {",", 0, "near ','"},
      {"{} ,{}", 3, "near ',{}'"},
      {"[1,]", 3, "near ']'"},
      {"[,1]", 1, "near ',1]'"},
      {"[1 2]", 3, "near '2]'"},
      {"{\"a\":1,}", 7, "near '}'"},
      {"{\"a\" 1}", 5, "near '1}'"},
      {"{\"a\":1 \"b\":2}", 7, "near '\"b\":2}'"},
      {"{a:1}", 1, "near 'a:1}'"},
      {"{'a':1}", 1, "near ''a':1}'"},
      {"{1:1}", 1, "near '1:1}'"},
      {"[1}", 2, "near '}'"},
      {"{\"a\":1]", 6, "near ']'"},
      {"NaN", 0, "near 'NaN'"},
      {"[NaN]", 1, "near 'NaN]'"},
      {"Infinity", 0, "near 'Infinity'"},
      {"-Infinity", 1, "near 'Infinity'"},
      {"+1", 0, "near '+1'"},
      {".5", 0, "near '.5'"},
      {"1.e5", 2, "near 'e5'"},
      {"[01]", 2, "near '1]'"},
      {"[0x10]", 2, "near 'x10]'"},
      {"[1_000]", 2, "near '_000]'"},
      {"True", 0, "near 'True'"},
      {"nul ", 3, "near ' '"},
      {"// no comment\n1", 0, "near '// no comment"},
      {"[1,/**/2]", 3, "near '/**/2]'"},
      {"\"a\nb\"", 2, "control character"},
      {"\"a\tb\"", 2, "control character"},
      {std::string_view("\"a\0b\"", 5), 2, "control character"},
      {std::string_view("{}\0", 3), 2, "near '\\x00'"},
      {std::string_view("[1\0]", 4), 2, "near '\\x00]'"},
      {"\"\\x\"", 1, "escape"},
      {"\"\\u12G4\"", 1, "hex digit"},
      {"\"\\u12\"", 1, "hex digit"},
      {"{}\xEF\xBB\xBF", 2, "near '\xEF\xBB\xBF'"},  // a byte order mark elsewhere
      {"\x1E{}", 0, "near '\\x1e{}'"},
  };
  for (const auto& [text, offset, saying] : table) {
    const std::string error = fault(text);
    EXPECT_TRUE(error.starts_with("E_SYNTAX: text: not JSON: ")) << text << "\n" << error;
    EXPECT_NE(error.find(" at byte " + std::to_string(offset) + ";"), std::string::npos)
        << text << "\n"
        << error;
    EXPECT_NE(error.find(saying), std::string::npos) << text << "\n" << error;
  }
}

TEST(ReadTokens, TakesExactlyOneValueWhenAskedTo) {
  EXPECT_EQ(tokens(" {} ", true), "{ }");
  EXPECT_EQ(fault("", true), "E_SYNTAX: text: empty, no JSON value at byte 0; pass one JSON value");
  EXPECT_EQ(fault("  ", true),
            "E_SYNTAX: text: empty, no JSON value at byte 2; pass one JSON value");
  EXPECT_EQ(fault("{} {}", true),
            "E_SYNTAX: text: more text after the JSON value at byte 3; pass one JSON value");
  EXPECT_EQ(fault("1 x", true),
            "E_SYNTAX: text: more text after the JSON value at byte 2; pass one JSON value");
}

TEST(ReadTokens, RefusesTextThatIsNotUnicode) {
  const std::pair<std::string_view, size_t> table[] = {
      {"\"\xFF\"", 1},           {"\"ab\xC3\"", 3},          {"\xC3", 0},
      {"[\"\xC0\xAF\"]", 2},     {"\"\xED\xA0\x80\"", 1},  // a surrogate, spelled in bytes
      {R"(["a","\uD800"])", 6},                            // a high one alone
      {R"(["a","\uD800x"])", 6}, {R"(["a","\uD800\n"])", 6}, {R"(["a","\uD800\uD800"])", 6},
      {R"(["a","b\uDC00"])", 5},  // a low one alone: the offset of the string
      {R"({"\uDFFF":1})", 1},
  };
  for (const auto& [text, offset] : table) {
    const std::string error = fault(text);
    EXPECT_TRUE(error.starts_with("E_UTF8: text: ")) << text << "\n" << error;
    EXPECT_NE(error.find(" at byte " + std::to_string(offset) + ";"), std::string::npos)
        << text << "\n"
        << error;
  }
}

TEST(ReadTokens, RefusesNumbersOutOfRange) {
  const std::string_view table[] = {
      "9223372036854775808",
      "-9223372036854775809",
      "1180591620717411303424",  // 2^70
      "1e309",
      "-1e400",
      "1.8e308",
      "1e99999999999999999999",
      "123456789012345678901234567890e290",
  };
  for (const auto number : table) {
    const std::string error = fault("[0, " + std::string(number) + "]");
    EXPECT_TRUE(error.starts_with("E_LIMIT: text: number '" + std::string(number) +
                                  "' is out of range at byte 4; "))
        << error;
  }
  const std::string huge = "1" + std::string(400, '0');
  EXPECT_TRUE(fault(huge).starts_with("E_LIMIT: text: number '1000")) << fault(huge);
  EXPECT_TRUE(fault(huge + ".0").starts_with("E_LIMIT: text: number '1000")) << fault(huge);
  EXPECT_TRUE(fault(huge + "e-1").starts_with("E_LIMIT: text: number '1000")) << fault(huge);
  EXPECT_TRUE(fault(huge).find("-2^63 to 2^63-1") != std::string::npos ||
              fault(huge).find("IEEE-754") != std::string::npos)
      << fault(huge);
}

TEST(ReadTokens, ReadsToTheDepthLimitAndNoDeeper) {
  const auto nested = [](size_t depth) { return std::string(depth, '['); };
  const std::string deepest = nested(kMaxJsonDepth) + std::string(kMaxJsonDepth, ']');
  EXPECT_EQ(tokens(deepest).size(), 4 * kMaxJsonDepth - 1);
  EXPECT_EQ(fault(nested(kMaxJsonDepth + 1)),
            "E_LIMIT: text: JSON is nested deeper than 32 levels at byte 32; send flat messages");
  EXPECT_EQ(fault(nested(1'000'000)), fault(nested(kMaxJsonDepth + 1)));
  std::string objects;
  for (int i = 0; i < 1000; i++) objects += "{\"a\":";
  EXPECT_EQ(fault(objects),
            "E_LIMIT: text: JSON is nested deeper than 32 levels at byte 160; send flat messages");
}

TEST(ReadTokens, CountsDepthAnewForEachText) {
  std::string many;
  for (int i = 0; i < 100; i++) many += "[[[]]] {\"a\":{}} ";
  EXPECT_EQ(fault(many), "");
}

TEST(ReadTokens, ReadsToTheSizeLimitAndNoFurther) {
  std::string text(kMaxTextBytes, ' ');
  text[0] = '1';
  EXPECT_EQ(tokens(text), "1");
  text += ' ';
  EXPECT_EQ(fault(text),
            "E_LIMIT: text has 16777217 bytes, the limit is 16777216 (16 MiB); "
            "split it into several calls");
}

TEST(ReadTokens, RefusesAKeyTwiceInOneObject) {
  const std::pair<std::string_view, size_t> table[] = {
      {R"({"a":1,"a":1})", 7},
      {R"({"a":1,"b":2,"c":3,"b":4})", 19},
      {R"({"":1,"":2})", 6},
      {R"({"x":[{"a":1,"\u0061":2}]})", 13},
      {R"({"x":{"y":{"z":1,"z":1}}})", 17},
      {R"({"a":{"b":1},"a":2})", 13},
  };
  for (const auto& [text, offset] : table) {
    const std::string error = fault(text);
    EXPECT_TRUE(error.starts_with("E_MESSAGE: text: key '")) << text << "\n" << error;
    EXPECT_NE(error.find("comes twice at byte " + std::to_string(offset) + ";"), std::string::npos)
        << text << "\n"
        << error;
  }
}

TEST(ReadTokens, FindsAKeyTwiceAmongManyAndInTime) {
  std::string many = "{";
  for (int i = 0; i < 50'000; i++) many += "\"" + std::to_string(i) + "\":0,";
  EXPECT_EQ(fault(many + "\"x\":0}"), "");
  const std::string error = fault(many + "\"x\":0,\"17\":0}");
  EXPECT_EQ(error, "E_MESSAGE: text: key '17' comes twice at byte " +
                       std::to_string(many.size() + 6) + "; name each key of an object once");
}

class Refuser : public Recorder {
 public:
  void end_object() override { throw Error(Code::state, "refused", ""); }
};

TEST(ReadTokens, PassesOnWhatTheSinkThrows) {
  Refuser refuser;
  EXPECT_EQ(raised([&] { read_tokens("[{}]", "text", false, refuser); }), "E_STATE: refused");
}

}  // namespace
}  // namespace replic::wire

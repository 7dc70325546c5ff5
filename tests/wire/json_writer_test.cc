#include "wire/json_writer.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "wire/json.h"

namespace replic::wire {
namespace {

std::string written(const Value& value) { return JsonWriter().value(value).take(); }

Value read_back(const Value& value) {
  return read_delta("{\"x\":" + written(value) + "}", "delta").at(0).value;
}

TEST(JsonWriter, SeparatesMembers) {
  JsonWriter json;
  json.begin_object().key("a").begin_array().integer(1).null().boolean(true).boolean(false);
  json.begin_array().end_array().begin_object().end_object().end_array().key("b").text("x");
  EXPECT_EQ(json.end_object().take(), R"({"a":[1,null,true,false,[],{}],"b":"x"})");
}

TEST(JsonWriter, WritesEachTypeOfValue) {
  const std::pair<Value, std::string_view> table[] = {
      {Value(), "null"},
      {Value::integer(0), "0"},
      {Value::integer(INT64_MIN), "-9223372036854775808"},
      {Value::integer(INT64_MAX), "9223372036854775807"},
      {Value::real(0.0), "0.0"},
      {Value::real(-0.0), "-0.0"},
      {Value::real(1.0), "1.0"},
      {Value::real(-2.5), "-2.5"},
      {Value::real(0.1), "0.1"},
      {Value::real(1e22), "1e+22"},
      {Value::real(1e-7), "1e-07"},
      {Value::real(123456789012345680.0), "123456789012345680.0"},
      {Value::real(std::numeric_limits<double>::max()), "1.7976931348623157e+308"},
      {Value::real(std::numeric_limits<double>::denorm_min()), "5e-324"},
      {Value::real(std::numeric_limits<double>::infinity()), R"({"real":"inf"})"},
      {Value::real(-std::numeric_limits<double>::infinity()), R"({"real":"-inf"})"},
      {Value::text(""), R"("")"},
      {Value::text("größe"), "\"größe\""},
      {Value::blob(""), R"({"base64":""})"},
      {Value::blob(std::string("\0\xFF", 2)), R"({"base64":"AP8="})"},
  };
  for (const auto& [value, text] : table) {
    EXPECT_EQ(written(value), text);
    EXPECT_EQ(read_back(value), value) << text;
  }
}

TEST(JsonWriter, EscapesWhatJsonDemandsAndNothingElse) {
  EXPECT_EQ(written(Value::text("\"\\/\b\f\n\r\t")), R"("\"\\/\u0008\u000c\n\r\t")");
  EXPECT_EQ(written(Value::text(std::string("\0\x1F\x20\x7F", 4))), "\"\\u0000\\u001f \x7F\"");
}

TEST(JsonWriter, WritesEveryCharacterSoThatItReadsBack) {
  std::string all;
  for (char c = 0; c < 0x7F; c++) all += c;
  all += "\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xF0\x90\x80\x80\xF4\x8F\xBF\xBF";
  EXPECT_EQ(read_back(Value::text(all)), Value::text(all));
  EXPECT_EQ(read_back(Value::blob(all)), Value::blob(all));
}

TEST(JsonWriter, WritesRealsSoThatTheyReadBackToTheSameBits) {
  std::mt19937_64 random(2025);
  for (int i = 0; i < 100'000; i++) {
    const double real = std::bit_cast<double>(random());  // every exponent alike
    if (std::isnan(real)) continue;
    ASSERT_EQ(read_back(Value::real(real)), Value::real(real)) << real;
  }
  std::uniform_real_distribution<double> near(-1e6, 1e6);
  for (int i = 0; i < 20'000; i++) {
    const double real = i % 2 == 0 ? near(random) : std::round(near(random));
    ASSERT_EQ(read_back(Value::real(real)), Value::real(real)) << real;
  }
}

TEST(JsonWriter, WritesIntegersSoThatTheyReadBack) {
  std::mt19937_64 random(2059);
  for (int i = 0; i < 100'000; i++) {
    const auto integer = static_cast<int64_t>(random()) >> (random() % 64);
    ASSERT_EQ(read_back(Value::integer(integer)), Value::integer(integer)) << integer;
  }
}

}  // namespace
}  // namespace replic::wire

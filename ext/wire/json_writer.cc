#include "wire/json_writer.h"

#include <charconv>
#include <cmath>

#include "base/bytes.h"

namespace replic::wire {

void JsonWriter::separate() {
  if (need_comma_) out_ += ',';
  need_comma_ = true;
}

JsonWriter& JsonWriter::begin_object() {
  separate();
  out_ += '{';
  need_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::end_object() {
  out_ += '}';
  need_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::begin_array() {
  separate();
  out_ += '[';
  need_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::end_array() {
  out_ += ']';
  need_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  separate();
  string(name);
  out_ += ':';
  need_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::integer(int64_t value) {
  separate();
  char buffer[24];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  out_.append(buffer, end);
  return *this;
}

JsonWriter& JsonWriter::text(std::string_view value) {
  separate();
  string(value);
  return *this;
}

JsonWriter& JsonWriter::boolean(bool value) {
  separate();
  out_ += value ? "true" : "false";
  return *this;
}

JsonWriter& JsonWriter::null() {
  separate();
  out_ += "null";
  return *this;
}

JsonWriter& JsonWriter::value(const Value& value) {
  switch (value.type()) {
    case Type::null:
      return null();
    case Type::integer:
      return integer(value.as_integer());
    case Type::text:
      return text(value.bytes());
    case Type::blob:
      return begin_object().key("base64").text(base64_encode(value.bytes())).end_object();
    case Type::real:
      break;
  }
  const double real = value.as_real();
  if (!std::isfinite(real)) {
    return begin_object().key("real").text(real < 0 ? "-inf" : "inf").end_object();
  }
  separate();
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, real).ptr;
  const std::string_view digits(buffer, static_cast<size_t>(end - buffer));
  out_ += digits;
  if (digits.find_first_of(".e") == std::string_view::npos) out_ += ".0";
  return *this;
}

void JsonWriter::string(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out_ += '"';
  size_t plain = 0;  // text[plain, i) needs no escape
  for (size_t i = 0; i < text.size(); i++) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out_.append(text, plain, i - plain);
    plain = i + 1;
    out_ += '\\';
    switch (c) {
      case '"':
      case '\\':
        out_ += static_cast<char>(c);
        break;
      case '\n':
        out_ += 'n';
        break;
      case '\r':
        out_ += 'r';
        break;
      case '\t':
        out_ += 't';
        break;
      default:
        out_.append("u00").append(1, kHex[c >> 4]).append(1, kHex[c & 15]);
    }
  }
  out_.append(text, plain);
  out_ += '"';
}

}  // namespace replic::wire

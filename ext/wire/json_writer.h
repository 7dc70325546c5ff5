// Writes JSON text: some dozen lines of escapes, and numbers by std::to_chars, which no library
// writes as we need them (a real stays a real when it is read back).

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "model/value.h"

namespace replic::wire {

// Writes one JSON text. Members are separated by the writer itself. Text is taken as valid UTF-8.
class JsonWriter {
 public:
  JsonWriter() { out_.reserve(256); }

  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(std::string_view name);
  JsonWriter& integer(int64_t value);
  JsonWriter& text(std::string_view value);
  JsonWriter& boolean(bool value);
  JsonWriter& null();
  // Integers and reals in the shortest form that reads back to the same bits; a real always has a
  // point or an exponent.
  JsonWriter& value(const Value& value);

  std::string take() { return std::move(out_); }

 private:
  void separate();
  void string(std::string_view text);

  std::string out_;
  bool need_comma_ = false;
};

}  // namespace replic::wire

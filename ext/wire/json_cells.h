// What the readers of JSON have in common: values of columns, names of columns, ids of peers.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "model/message.h"

namespace replic::wire {

// What a column takes, for error texts.
inline constexpr std::string_view kCellCure =
    "a column takes a number, a text, null, or {\"base64\":\"...\"} (RFC 4648, padded) for a blob";

// An object in the place of a value: {"base64":"..."} or {"real":"inf"}.
class TaggedValue {
 public:
  void key(std::string&& name);
  void value(Value&& value) { value_ = std::move(value); }
  // Something nested came: this is no value.
  void spoil() { keys_ = 2; }
  // The value; nothing when the object is another one.
  std::optional<Value> take();

 private:
  int keys_ = 0;
  std::string tag_;
  std::optional<Value> value_;
};

// Whether a name of a table or column is longer than any peer takes it.
inline bool too_long(std::string_view name) { return name.size() > kMaxIdentifierBytes; }
// Says so, for error texts, and what to do.
std::string too_long_text(std::string_view name);
inline constexpr std::string_view kTooLongCure = "use a shorter name";

// The index of a cell whose column stands before it already, as SQLite compares names. O(n log n).
std::optional<size_t> column_twice(const std::vector<Cell>& cells);

// The id that a key spells: a decimal number from 1 to 2^53-1 without sign or leading zero.
std::optional<int64_t> peer_of_key(std::string_view key);

// A value as an error text shows it.
std::string shown(const Value& value);

}  // namespace replic::wire

#include "wire/json_cells.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "base/bytes.h"
#include "base/error.h"
#include "wire/json_writer.h"

namespace replic::wire {

void TaggedValue::key(std::string&& name) {
  keys_++;
  tag_ = std::move(name);
}

std::optional<Value> TaggedValue::take() {
  if (keys_ != 1 || !value_ || value_->type() != Type::text) return std::nullopt;
  const std::string text = std::move(*value_).take_bytes();
  if (tag_ == "base64") {
    auto bytes = base64_decode(text);
    return bytes ? std::optional(Value::blob(*std::move(bytes))) : std::nullopt;
  }
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (tag_ == "real" && text == "inf") return Value::real(kInfinity);
  if (tag_ == "real" && text == "-inf") return Value::real(-kInfinity);
  return std::nullopt;
}

std::string too_long_text(std::string_view name) {
  return "the name " + quoted(name) + " has " + std::to_string(name.size()) +
         " bytes, the limit is " + std::to_string(kMaxIdentifierBytes);
}

std::optional<size_t> column_twice(const std::vector<Cell>& cells) {
  constexpr size_t kFew = 32;
  if (cells.size() <= kFew) {
    for (size_t b = 1; b < cells.size(); b++) {
      for (size_t a = 0; a < b; a++) {
        if (same_name(cells[a].column, cells[b].column)) return b;
      }
    }
    return std::nullopt;
  }
  std::vector<std::pair<std::string, size_t>> names;
  names.reserve(cells.size());
  for (size_t i = 0; i < cells.size(); i++) names.emplace_back(folded(cells[i].column), i);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(
      names.begin(), names.end(), [](const auto& a, const auto& b) { return a.first == b.first; });
  return twice == names.end() ? std::nullopt : std::optional(twice[1].second);
}

std::optional<int64_t> peer_of_key(std::string_view key) {
  int64_t peer = 0;
  const auto [end, ec] = std::from_chars(key.data(), key.data() + key.size(), peer);
  if (ec != std::errc() || end != key.data() + key.size()) return std::nullopt;
  if (peer < 1 || peer > kMaxInteger || key[0] == '0') return std::nullopt;
  return peer;
}

std::string shown(const Value& value) {
  if (value.type() == Type::text) return "the text " + quoted(value.bytes());
  return JsonWriter().value(value).take();
}

}  // namespace replic::wire

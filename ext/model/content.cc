#include "model/content.h"

#include <bit>

#include "base/bytes.h"

namespace replic {

uint64_t column_seed(std::string_view column) { return hash64(folded(column)); }

uint64_t cell_hash(uint64_t column_seed, const Value& value) {
  char bytes[128];
  bytes[0] = static_cast<char>(value.type());
  if (value.is_null()) return hash64({bytes, 1}, column_seed);
  if (value.type() == Type::text || value.type() == Type::blob) {
    const std::string& text = value.bytes();
    if (text.size() >= sizeof bytes) return hash64({bytes, 1}, text, column_seed);
    text.copy(bytes + 1, text.size());
    return hash64({bytes, text.size() + 1}, column_seed);
  }
  const uint64_t bits = value.type() == Type::integer ? static_cast<uint64_t>(value.as_integer())
                                                      : std::bit_cast<uint64_t>(value.as_real());
  set_le64(bytes + 1, bits);
  return hash64({bytes, 9}, column_seed);
}

uint64_t content_hash(const Stamp& stamp, std::string_view table, uint64_t cell_sum) {
  char head[24];
  set_le64(head, static_cast<uint64_t>(stamp.peer));
  set_le64(head + 8, static_cast<uint64_t>(stamp.seq));
  set_le64(head + 16, static_cast<uint64_t>(stamp.at));
  return hash64({head, sizeof head}, folded(table), cell_sum);
}

uint64_t content_hash(const Patch& patch) {
  if (patch.is_void()) return content_hash(patch.stamp, "_", 0);
  uint64_t sum = 0;
  for (const Cell& cell : patch.cells) sum += cell_hash(column_seed(cell.column), cell.value);
  return content_hash(patch.stamp, patch.table, sum);
}

}  // namespace replic

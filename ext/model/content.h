// The content hash: one 64-bit number for what a patch says, the same on every peer.
//
//   cell(column, value) = XXH64(tag byte + value bytes, seed = XXH64(folded column name))
//   content(patch)      = XXH64(LE64 peer + LE64 seq + LE64 at + folded table name,
//                               seed = sum of its cells)
//
// All sums are modulo 2^64, so that the order of columns, and of patches in a sum of contents, does
// not matter. The tag is the number of Type; an integer is 8 bytes little-endian, a real its
// IEEE-754 bits likewise, text UTF-8. A void has the table name "_" and no cells. Values are taken
// after the column's affinity.

#pragma once

#include <cstdint>
#include <string_view>

#include "model/message.h"

namespace replic {

// XXH64 of the folded column name: the seed of its cells.
uint64_t column_seed(std::string_view column);
uint64_t cell_hash(uint64_t column_seed, const Value& value);
// `table` is folded here; "_" for a void.
uint64_t content_hash(const Stamp& stamp, std::string_view table, uint64_t cell_sum);
uint64_t content_hash(const Patch& patch);

// The order that decides between two patches of one (peer, seq): not void first, then at, then
// content hash, the hashes as unsigned numbers.
struct Claim {
  bool is_data = false;
  int64_t at = 0;
  uint64_t content = 0;
  friend auto operator<=>(const Claim&, const Claim&) = default;
};

}  // namespace replic

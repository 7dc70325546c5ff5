// Bytes: hashing, UTF-8, base64, folding of names. No SQLite.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace replic {

// XXH64 of `bytes`. Source: xxHash specification 0.1.1, XXH64.
uint64_t hash64(std::string_view bytes, uint64_t seed = 0);

// The same of two byte strings, one after the other.
uint64_t hash64(std::string_view first, std::string_view second, uint64_t seed);

// Writes `value` as 8 bytes, least significant first.
inline void set_le64(char* out, uint64_t value) {
  for (int i = 0; i < 8; i++) out[i] = static_cast<char>(value >> (8 * i) & 0xFF);
}
// Appends `value` as 8 bytes, least significant first.
void put_le64(std::string& out, uint64_t value);

// ASCII letters to lower case; other bytes as they are. SQLite compares names of tables and columns
// so.
std::string folded(std::string_view name);
bool same_name(std::string_view a, std::string_view b);

bool is_ascii(std::string_view text);
// Bytes of the well-formed UTF-8 character (Unicode 15, table 3-7) that begins at text[offset], or
// 0.
size_t utf8_length(std::string_view text, size_t offset);
// Offset of the first byte that is not part of well-formed UTF-8, or nothing.
std::optional<size_t> first_bad_utf8(std::string_view text);

std::string base64_encode(std::string_view bytes);
// RFC 4648 with padding; nothing when `text` is not base64.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace replic

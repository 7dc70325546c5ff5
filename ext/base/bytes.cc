#include "base/bytes.h"

#include <algorithm>
#include <array>
#include <cstring>

#ifndef XXH_INLINE_ALL
#define XXH_INLINE_ALL
#endif
#include <xxhash.h>

namespace replic {
namespace {

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<int8_t, 256> make_base64_values() {
  std::array<int8_t, 256> values{};
  for (auto& v : values) v = -1;
  for (size_t i = 0; i < kBase64.size(); i++) {
    values[static_cast<unsigned char>(kBase64[i])] = static_cast<int8_t>(i);
  }
  return values;
}
constexpr std::array<int8_t, 256> kBase64Values = make_base64_values();

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

}  // namespace

uint64_t hash64(std::string_view bytes, uint64_t seed) {
  return XXH64(bytes.data(), bytes.size(), seed);
}

uint64_t hash64(std::string_view first, std::string_view second, uint64_t seed) {
  XXH64_state_t state;
  XXH64_reset(&state, seed);
  XXH64_update(&state, first.data(), first.size());
  XXH64_update(&state, second.data(), second.size());
  return XXH64_digest(&state);
}

void put_le64(std::string& out, uint64_t value) {
  char bytes[8];
  set_le64(bytes, value);
  out.append(bytes, sizeof bytes);
}

std::string folded(std::string_view name) {
  std::string out(name);
  for (char& c : out) c = lower(c);
  return out;
}

bool same_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); i++) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

bool is_ascii(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

size_t utf8_length(std::string_view text, size_t offset) {
  const auto at = [&](size_t k) -> unsigned char {
    return k < text.size() ? static_cast<unsigned char>(text[k]) : 0;
  };
  const auto tail = [&](size_t k) { return (at(k) & 0xC0) == 0x80; };
  const unsigned char c = at(offset);
  if (c < 0x80) return 1;
  if (c >= 0xC2 && c <= 0xDF) return tail(offset + 1) ? 2 : 0;
  if (c >= 0xE0 && c <= 0xEF) {
    if (!tail(offset + 1) || !tail(offset + 2)) return 0;
    if (c == 0xE0 && at(offset + 1) < 0xA0) return 0;
    if (c == 0xED && at(offset + 1) > 0x9F) return 0;  // a surrogate
    return 3;
  }
  if (c >= 0xF0 && c <= 0xF4) {
    if (!tail(offset + 1) || !tail(offset + 2) || !tail(offset + 3)) return 0;
    if (c == 0xF0 && at(offset + 1) < 0x90) return 0;
    if (c == 0xF4 && at(offset + 1) > 0x8F) return 0;
    return 4;
  }
  return 0;
}

std::optional<size_t> first_bad_utf8(std::string_view text) {
  constexpr uint64_t kHighBits = 0x8080808080808080;
  size_t i = 0;
  while (i < text.size()) {
    uint64_t word = 0;
    while (i + sizeof word <= text.size()) {
      std::memcpy(&word, text.data() + i, sizeof word);
      if ((word & kHighBits) != 0) break;
      i += sizeof word;
    }
    if (i == text.size()) break;
    const size_t n = utf8_length(text, i);
    if (n == 0) return i;
    i += n;
  }
  return std::nullopt;
}

std::string base64_encode(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4, '=');
  char* next = out.data();
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t n = bytes.size() - i;
    const auto byte = [&](size_t k) -> uint32_t {
      return k < n ? static_cast<unsigned char>(bytes[i + k]) : 0;
    };
    const uint32_t word = byte(0) << 16 | byte(1) << 8 | byte(2);
    next[0] = kBase64[word >> 18];
    next[1] = kBase64[word >> 12 & 63];
    if (n > 1) next[2] = kBase64[word >> 6 & 63];
    if (n > 2) next[3] = kBase64[word & 63];
    next += 4;
  }
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  size_t pad = 0;
  while (pad < 2 && pad < text.size() && text[text.size() - 1 - pad] == '=') pad++;
  const size_t digits = text.size() - pad;
  std::string out(text.size() / 4 * 3 - pad, '\0');
  char* next = out.data();
  uint32_t word = 0;
  for (size_t i = 0; i < digits; i++) {
    const int value = kBase64Values[static_cast<unsigned char>(text[i])];
    if (value < 0) return std::nullopt;
    word = word << 6 | static_cast<uint32_t>(value);
    if (i % 4 != 3) continue;
    *next++ = static_cast<char>(word >> 16 & 0xFF);
    *next++ = static_cast<char>(word >> 8 & 0xFF);
    *next++ = static_cast<char>(word & 0xFF);
    word = 0;
  }
  // The bits under the padding must be zero: every blob has one spelling.
  if (pad == 1) {
    if ((word & 3) != 0) return std::nullopt;
    *next++ = static_cast<char>(word >> 10 & 0xFF);
    *next++ = static_cast<char>(word >> 2 & 0xFF);
  } else if (pad == 2) {
    if ((word & 15) != 0) return std::nullopt;
    *next++ = static_cast<char>(word >> 4 & 0xFF);
  }
  return out;
}

}  // namespace replic

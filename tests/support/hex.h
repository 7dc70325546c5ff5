// Bytes as hexadecimal text, for tests and golden files.

#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>

namespace replic::test {

// The bytes that `text` spells: pairs of hexadecimal digits, white space between them ignored, and
// everything from a # to the end of its line.
inline std::string from_hex(std::string_view text) {
  std::string out;
  int digits = 0;
  int byte = 0;
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] == '#') i = std::min(text.find('\n', i), text.size() - 1);
    if (text[i] == ' ' || text[i] == '\n') continue;
    const size_t digit = std::string_view("0123456789abcdef").find(text[i]);
    if (digit == std::string_view::npos) throw std::invalid_argument("not a digit");
    byte = byte * 16 + static_cast<int>(digit);
    if (++digits % 2 == 1) continue;
    out += static_cast<char>(byte);
    byte = 0;
  }
  if (digits % 2 == 1) throw std::invalid_argument("half a byte");
  return out;
}

inline std::string to_hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    out += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    out += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

}  // namespace replic::test

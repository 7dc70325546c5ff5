#include "base/reader.h"

namespace replic {

void put_varint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>((value & 0x7F) | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

uint8_t ByteReader::byte() {
  if (!ok()) return 0;
  item_ = position_;
  if (left() == 0) {
    fail("the input ends too early");
    return 0;
  }
  return static_cast<uint8_t>(bytes_[position_++]);
}

uint64_t ByteReader::long_varint() {
  const size_t begin = position_;
  uint64_t value = 0;
  for (int shift = 0; shift < 70; shift += 7) {
    const uint8_t b = byte();
    if (!ok()) return 0;
    if (shift == 63 && b > 1) break;
    value |= static_cast<uint64_t>(b & 0x7F) << shift;
    if (b >= 0x80) continue;
    if (b == 0 && shift > 0) break;
    item_ = begin;
    return value;
  }
  fail_at(begin, "a number is overlong");
  return 0;
}

uint64_t ByteReader::le64() {
  constexpr size_t kSize = 8;
  if (ok() && left() < kSize) fail_at(position_, "the input ends too early");
  uint64_t value = 0;
  int shift = 0;
  for (const char c : take(kSize)) {
    value |= static_cast<uint64_t>(static_cast<uint8_t>(c)) << shift;
    shift += 8;
  }
  return value;
}

std::string_view ByteReader::take(uint64_t size) {
  if (!ok()) return {};
  item_ = position_;
  if (size > left()) {
    fail("a length points past the end");
    return {};
  }
  const std::string_view out = bytes_.substr(position_, static_cast<size_t>(size));
  position_ += out.size();
  return out;
}

}  // namespace replic

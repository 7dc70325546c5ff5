#include "base/reader.h"

namespace replic {

void put_varint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

uint8_t ByteReader::byte() {
  if (!ok()) return 0;
  if (left() == 0) {
    fail("the input ends too early");
    return 0;
  }
  return static_cast<uint8_t>(bytes_[position_++]);
}

uint64_t ByteReader::varint() {
  uint64_t value = 0;
  for (int shift = 0; shift < 70; shift += 7) {
    const uint8_t b = byte();
    if (!ok()) return 0;
    if (shift == 63 && b > 1) break;
    value |= static_cast<uint64_t>(b & 0x7F) << shift;
    if (b < 0x80) {
      if (b == 0 && shift > 0) break;
      return value;
    }
  }
  fail("an overlong number");
  return 0;
}

uint64_t ByteReader::varint_up_to(uint64_t most, const char* what) {
  const uint64_t value = varint();
  if (value <= most) return value;
  fail(what);
  return 0;
}

uint64_t ByteReader::le64() {
  const std::string_view bytes = take(8);
  uint64_t value = 0;
  for (size_t i = 0; i < bytes.size(); i++) value |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[i])) << (8 * i);
  return value;
}

std::string_view ByteReader::take(uint64_t size) {
  if (!ok()) return {};
  if (size > left()) {
    fail("a length points past the end");
    return {};
  }
  const std::string_view out = bytes_.substr(position_, static_cast<size_t>(size));
  position_ += static_cast<size_t>(size);
  return out;
}

}  // namespace replic

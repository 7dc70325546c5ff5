// Reading and writing binary data. Varints are LEB128: seven bits a byte, the least significant
// first, the high bit set on all bytes but the last. Only the shortest form of a number is valid,
// and 64 bits at most.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace replic {

void put_varint(std::string& out, uint64_t value);

// Zigzag: small negative numbers become small positive ones, 0 -1 1 -2 become 0 1 2 3.
constexpr uint64_t zigzag(int64_t value) {
  const uint64_t twice = static_cast<uint64_t>(value) << 1;
  return value < 0 ? ~twice : twice;
}
constexpr int64_t unzigzag(uint64_t value) {
  return static_cast<int64_t>((value >> 1) ^ (0 - (value & 1)));
}

// Reads untrusted bytes. The first fault latches: later reads give zero or nothing, and the caller
// asks once. The bytes must outlive the reader and what take() returned.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  uint8_t byte();
  uint64_t varint() {
    if (position_ >= bytes_.size() || static_cast<uint8_t>(bytes_[position_]) >= 0x80 || !ok()) {
      return long_varint();
    }
    item_ = position_;
    return static_cast<uint8_t>(bytes_[position_++]);
  }
  // A varint that must not be above `most`.
  uint64_t varint_up_to(uint64_t most, const char* what) {
    const uint64_t value = varint();
    if (value <= most) return value;
    fail(what);
    return 0;
  }
  // Eight bytes, least significant first.
  uint64_t le64();
  // The next `size` bytes.
  std::string_view take(uint64_t size);

  // Latches a fault of the item read last. `what` must be a literal.
  void fail(const char* what) { fail_at(item_, what); }
  void fail_at(size_t offset, const char* what) {
    if (!ok()) return;
    fault_ = what;
    fault_offset_ = offset;
  }
  bool ok() const { return fault_ == nullptr; }
  const char* fault() const { return fault_; }
  // Where the faulty item begins, or where the input ended too early.
  size_t fault_offset() const { return fault_offset_; }
  size_t position() const { return position_; }
  // Where the item read last begins.
  size_t item() const { return item_; }
  size_t left() const { return bytes_.size() - position_; }

 private:
  uint64_t long_varint();

  std::string_view bytes_;
  size_t position_ = 0;
  size_t item_ = 0;
  const char* fault_ = nullptr;
  size_t fault_offset_ = 0;
};

}  // namespace replic

// Reading and writing binary data. Varints are LEB128: seven bits a byte, least significant first, the shortest form only.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace replic {

void put_varint(std::string& out, uint64_t value);

// Zigzag: small negative numbers become small positive ones.
constexpr uint64_t zigzag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
constexpr int64_t unzigzag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

// Reads untrusted bytes. The first fault latches: later reads give zero or nothing, and the caller asks once.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  uint8_t byte();
  uint64_t varint();
  uint64_t le64();
  // The next `size` bytes; they live as long as the input.
  std::string_view take(uint64_t size);
  // A varint that must not be above `most`.
  uint64_t varint_up_to(uint64_t most, const char* what);

  void fail(const char* what) {
    if (fault_ == nullptr) {
      fault_ = what;
      fault_offset_ = position_;
    }
  }
  bool ok() const { return fault_ == nullptr; }
  const char* fault() const { return fault_; }
  size_t fault_offset() const { return fault_offset_; }
  size_t position() const { return position_; }
  size_t left() const { return bytes_.size() - position_; }

 private:
  std::string_view bytes_;
  size_t position_ = 0;
  const char* fault_ = nullptr;
  size_t fault_offset_ = 0;
};

}  // namespace replic

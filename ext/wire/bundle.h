// Bundles: many patches as compact binary data, with their sender and what it holds.
//
//   bundle  = magic version header record* end checksum
//   magic   = 8C 72 70 62                     (never valid UTF-8, so never mistaken for JSON)
//   version = varint 1
//   header  = kind sender ver now name vector
//   kind    = byte: 0 plain; in a dialogue 1 opening, 2 the response to it, 3 a further request, 4 the response to it
//   sender, ver, now = varint                 (sender 0: none; now: the sender's clock)
//   name    = string
//   string  = varint length, bytes of UTF-8
//   vector  = varint count of peers, then for each: varint peer, varint count of ranges,
//             for each range varint (first - end of the one before), varint (last - first),
//             byte 1 and sum as 8 bytes little-endian, or byte 0: the sum of the contents of the range that begins at 1
//   record  = 01 string table, varint count, count * (string column name, byte: 0 a value, 1 set to NULL)
//                                             defines the next shape, 0, 1, 2, ...
//           | 02 varint peer, varint ver, varint seq, varint at      the next patch is this one's; `at` is the base
//           | 03 varint first, varint (last - first)                 the group of the patches to come that lie in it
//           | 04 zigzag (at - at before)                             a void
//           | 05 varint peer, varint first, varint (last - first)    gone: see type 40
//           | 06 varint peer, varint first, varint (last - first), byte 1 and sum, or byte 0    request: see type 30
//           | varint (8 + shape), zigzag (at - at before), value*    a patch: values of the shape's columns that have one
//   value   = varint (magnitude * 8 + kind), then for kind 3 the 8 bytes of a double, little-endian, for 4 and 5 as many
//             bytes as the magnitude says; kind 1: the integer magnitude, 2: the integer -1 - magnitude, 3: a real
//             (magnitude 0), 4: text, 5: blob; 6: an integer of 2^60 and more by amount, in 8 bytes that follow:
//             kind 1's magnitude when this one's is 0, kind 2's when it is 1
//   end     = 00 byte: 1 when there is more to be had than this page, else 0
//   checksum = XXH64 of all bytes before it, 8 bytes little-endian
//
// After each patch and void the seq rises by one. Downsides: the whole bundle must be there before it is trusted, and a
// shape is defined once a bundle, so that a bundle of one patch is hardly smaller than its JSON.

#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/reader.h"
#include "model/message.h"

namespace replic::wire {

enum class BundleKind : uint8_t { plain = 0, opening = 1, first_response = 2, request = 3, response = 4 };

struct BundleHeader {
  BundleKind kind = BundleKind::plain;
  int64_t sender = 0;
  int64_t ver = 1;
  int64_t now = 0;
  std::string name;
  Vector vector;
  std::map<int64_t, uint64_t> sums;  // of each peer's contiguous range, where known
};

inline constexpr std::string_view kBundleMagic = "\x8C" "rpb";

bool is_bundle(std::string_view bytes);

class BundleWriter {
 public:
  explicit BundleWriter(const BundleHeader& header);

  void add(const Patch& patch);
  void add(const Gone& gone);
  void add(const Request& request);
  // Bytes so far.
  size_t size() const { return out_.size(); }
  // Whether anything was added after the header.
  bool empty() const { return count_ == 0; }
  std::string finish(bool more);

 private:
  size_t shape_of(const Patch& patch);
  void put_string(std::string_view text);
  void put_value(const Value& value);
  void move_to(const Patch& patch);

  std::string out_;
  std::map<std::string, size_t> shapes_;  // by definition
  int64_t peer_ = 0;
  int64_t ver_ = 0;
  int64_t seq_ = 0;
  int64_t at_ = 0;
  std::optional<Range> group_;
  size_t count_ = 0;
};

// Reads a bundle. The constructor checks magic, version, checksum and header, before anything is allocated by count.
// Throws E_BUNDLE with what is wrong and the byte offset; E_UTF8 for a text that is not valid UTF-8.
class BundleReader {
 public:
  explicit BundleReader(std::string_view bytes);

  const BundleHeader& header() const { return header_; }
  // The next patch, gone range or request; nothing at the end.
  std::optional<Message> next();
  // After the end: whether the sender has more than this page.
  bool more() const { return more_; }

 private:
  struct Shape {
    std::string table;
    std::vector<std::pair<std::string, bool>> columns;  // name, set to NULL
  };
  void read_header();
  void read_shape();
  Value read_value();
  std::string read_string();
  Range read_range(int64_t first);
  int64_t read_at();
  Patch read_patch(const Shape* shape);
  void check();

  ByteReader in_;
  BundleHeader header_;
  std::vector<Shape> shapes_;
  int64_t peer_ = 0;
  int64_t ver_ = 1;
  int64_t seq_ = 0;
  int64_t at_ = 0;
  std::optional<Range> group_;
  bool more_ = false;
};

}  // namespace replic::wire

// Bundles: many patches as compact binary data, with their sender and what it holds.
//
//   bundle   = magic version header record* end checksum
//   magic    = 8C 72 70 62                    (never valid UTF-8, so never mistaken for JSON)
//   version  = varint 1
//   header   = kind sender ver now name vector
//   kind     = byte: 0 plain; in a dialogue 1 opening, 2 the response to it, 3 a further request,
//              4 the response to that
//   sender, ver, now = varint                 (sender 0: none; now: the sender's clock, 0: unknown)
//   name     = string
//   vector   = varint count of peers, then for each, ascending:
//              varint (peer - the peer before), varint count of ranges, range*, sum
//   range    = varint (first - last of the range before), varint (last - first)
//   sum      = byte 1, 8 bytes: the sum of the contents of the range that begins at 1; or byte 0
//   record   = 01 string                      the next name, 0, 1, 2, ...: of a table or a column
//            | 02 varint table, varint count, count * varint (column * 8 + type)
//                                             the next shape; table and column are names
//            | 03 varint peer, varint ver, varint seq, varint at
//                                             the next patch is this one's; it is in no group
//            | 04 varint (seq - first), varint (last - first)
//                                             the group of the next patch, and of the following
//                                             ones up to its last; 04 00 00: none
//            | 05 step                        a void
//            | 06 varint peer, varint first, varint (last - first)        gone: see type 40
//            | 07 varint peer, varint first, varint (last - first), sum   request: see type 30
//            | 08 string                      for later versions: readers skip it
//            | varint (16 + shape) step value*                            a patch
//   step     = varint: what its clock value, at, is above the one before; 2 * milliseconds when
//              they are whole, else 2 * the difference + 1
//   value    = one for each column of the shape, by its type:
//              0 NULL      byte 0
//              1 integer   varint zigzag (value - the column's value in the patch of this shape
//                          before, or 0), modulo 2^64
//              2 real      8 bytes of an IEEE-754 double, not a NaN
//              3 text      string
//              4 blob      varint length, bytes
//   end      = 00 byte: 1 when there is more to be had than this page, else 0
//   checksum = XXH64 of all bytes before it, 8 bytes
//   string   = varint length, bytes of UTF-8
//
// Fixed-size numbers are little-endian, varints are those of base/reader.h. A millisecond is 2^13
// of a clock value. After each patch and void the expected seq rises by one. Shapes are numbered 0
// to 1,023, then from 0 again: a new one takes the place of the one before it there.
//
// Every value takes a byte at least and names are short, so the work for a bundle is linear in its
// size. Downsides: the whole bundle must be there before it is trusted, since the checksum stands
// last; and names are sent once a bundle, so that one of a single patch is hardly smaller than
// JSON. docs/wire.md tells the same with an example.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/reader.h"
#include "model/message.h"

namespace replic::wire {

enum class BundleKind : uint8_t {
  plain = 0,
  opening = 1,
  first_response = 2,
  request = 3,
  response = 4
};

struct BundleHeader {
  BundleKind kind = BundleKind::plain;
  int64_t sender = 0;
  int64_t ver = 1;
  int64_t now = 0;
  std::string name;
  Vector vector;
  // Sums of each peer's contiguous range, where known. Only of peers with such a range.
  std::map<int64_t, uint64_t> sums;
  friend bool operator==(const BundleHeader&, const BundleHeader&) = default;
};

inline constexpr std::string_view kBundleMagic =
    "\x8C"
    "rpb";

bool is_bundle(std::string_view bytes);

// What a bundle's header says of its sender, as a ping says it.
Ping ping_of(const BundleHeader& header);

// Writes a bundle. What is added must be valid as in model/message.h, with names of at most
// kMaxIdentifierBytes and texts in UTF-8, or no reader takes the bundle. Adding a patch is O(its
// size).
class BundleWriter {
 public:
  explicit BundleWriter(const BundleHeader& header);

  // Smallest when patches come by peer and seq.
  void add(const Patch& patch);
  void add(const Gone& gone);
  // Its for_peer is not sent: it is the bundle's sender.
  void add(const Request& request);
  // Bytes so far.
  size_t size() const { return out_.size(); }
  // Whether nothing was added after the header.
  bool empty() const { return count_ == 0; }
  // The bundle, complete. `more`: there is more to be had than this page. Call once, at the end.
  std::string finish(bool more);

 private:
  struct Column {
    std::string name;
    Type type;
    int64_t before = 0;  // the integer that the patch before had
  };
  struct Shape {
    uint64_t hash = 0;
    std::string table;
    std::vector<Column> columns;
    bool fits(const Patch& patch) const;
  };
  size_t shape_of(const Patch& patch);
  size_t name_of(const std::string& name);
  void move_to(const Patch& patch);
  void put_string(std::string_view text);
  void put_sum(const std::optional<uint64_t>& sum);
  void put_step(int64_t at);
  void put_value(const Value& value, Column& column);

  std::string out_;
  size_t count_ = 0;
  std::unordered_map<std::string, size_t> names_;
  std::vector<Shape> shapes_;                    // by place
  std::unordered_map<uint64_t, size_t> places_;  // hash -> place
  size_t shape_count_ = 0;
  size_t last_shape_ = 0;
  int64_t peer_ = 0;
  int64_t ver_ = 0;
  int64_t seq_ = 0;
  int64_t at_ = 0;
  std::optional<Range> group_;
};

// Reads a bundle, record by record: memory stays flat but for names and shapes. The constructor
// checks magic, version, checksum and header. All methods throw E_BUNDLE with what is wrong and the
// byte offset. `bytes` must outlive the reader.
class BundleReader {
 public:
  explicit BundleReader(std::string_view bytes);

  const BundleHeader& header() const { return header_; }
  // Reads the next Patch, Gone or Request into `message`, whose memory is used again. False at the
  // end.
  bool next(Message& message);
  // After the end: whether the sender has more than this page.
  bool more() const { return more_; }

 private:
  struct Name {
    std::string_view text;
    uint64_t hash;  // of the folded name
  };
  struct Column {
    size_t name;
    Type type;
    int64_t before;
  };
  struct Shape {
    std::string_view table;
    std::vector<Column> columns;
  };
  void read_header();
  void read_ranges(RangeSet& set);
  void read_name();
  void read_shape();
  void read_move();
  void read_group();
  void read_end();
  void read_patch(Shape* shape, Message& message);
  Value read_value(Column& column);
  std::string_view read_string();
  int64_t read_number(const char* what, int64_t least = 0);
  Range read_range();
  bool read_flag();
  std::optional<uint64_t> read_sum();
  void check() const;

  ByteReader in_;
  BundleHeader header_;
  std::vector<Name> names_;
  std::vector<Shape> shapes_;  // by place
  size_t shape_count_ = 0;
  int64_t peer_ = 0;
  int64_t ver_ = 1;
  int64_t seq_ = 0;
  int64_t at_ = 0;
  std::optional<Range> group_;
  bool at_end_ = false;
  bool more_ = false;
};

}  // namespace replic::wire

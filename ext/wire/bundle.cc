#include "wire/bundle.h"

#include <bit>

#include "base/bytes.h"
#include "base/error.h"
#include "base/limits.h"

namespace replic::wire {
namespace {

constexpr uint64_t kVersion = 1;
constexpr uint64_t kMost = static_cast<uint64_t>(kMaxInteger);
constexpr size_t kChecksumBytes = 8;
constexpr uint64_t kFirstShapeTag = 8;

enum Tag : uint8_t {
  kEnd = 0,
  kShape = 1,
  kMove = 2,
  kGroup = 3,
  kVoid = 4,
  kGone = 5,
  kRequest = 6
};
enum ValueKind : uint8_t {
  kInteger = 1,
  kNegative = 2,
  kReal = 3,
  kText = 4,
  kBlob = 5,
  kWide = 6
};

uint64_t u(int64_t value) { return static_cast<uint64_t>(value); }

}  // namespace

bool is_bundle(std::string_view bytes) { return bytes.starts_with(kBundleMagic); }

// --- writing ---

BundleWriter::BundleWriter(const BundleHeader& header) {
  out_ = kBundleMagic;
  put_varint(out_, kVersion);
  out_ += static_cast<char>(header.kind);
  put_varint(out_, u(header.sender));
  put_varint(out_, u(header.ver));
  put_varint(out_, u(header.now));
  put_string(header.name);
  put_varint(out_, header.vector.size());
  for (const auto& [peer, set] : header.vector) {
    put_varint(out_, u(peer));
    put_varint(out_, set.ranges().size());
    int64_t before = 0;
    for (const Range& range : set.ranges()) {
      put_varint(out_, u(range.first - before));
      put_varint(out_, u(range.last - range.first));
      before = range.last;
    }
    const auto sum = header.sums.find(peer);
    out_ += sum == header.sums.end() ? '\0' : '\1';
    if (sum != header.sums.end()) put_le64(out_, sum->second);
  }
}

void BundleWriter::put_string(std::string_view text) {
  put_varint(out_, text.size());
  out_.append(text);
}

void BundleWriter::put_value(const Value& value) {
  switch (value.type()) {
    case Type::null:
      return;
    case Type::integer: {
      const int64_t v = value.as_integer();
      const uint64_t magnitude = v >= 0 ? u(v) : u(-1 - v);
      const uint64_t kind = v >= 0 ? kInteger : kNegative;
      if (magnitude < (uint64_t{1} << 60)) return put_varint(out_, magnitude << 3 | kind);
      put_varint(out_, kWide | (v >= 0 ? 0 : 8));
      return put_le64(out_, magnitude);
    }
    case Type::real:
      put_varint(out_, kReal);
      return put_le64(out_, std::bit_cast<uint64_t>(value.as_real()));
    case Type::text:
    case Type::blob:
      put_varint(out_, static_cast<uint64_t>(value.bytes().size()) << 3 |
                           (value.type() == Type::text ? kText : kBlob));
      out_.append(value.bytes());
      return;
  }
}

size_t BundleWriter::shape_of(const Patch& patch) {
  std::string definition;
  std::swap(definition, out_);
  put_string(patch.table);
  put_varint(out_, patch.cells.size());
  for (const Cell& cell : patch.cells) {
    put_string(cell.column);
    out_ += cell.value.is_null() ? '\1' : '\0';
  }
  std::swap(definition, out_);
  const auto [it, added] = shapes_.try_emplace(std::move(definition), shapes_.size());
  if (added) {
    out_ += static_cast<char>(kShape);
    out_ += it->first;
  }
  return it->second;
}

// Makes the reader expect this patch's stamp and group.
void BundleWriter::move_to(const Patch& patch) {
  const Stamp& stamp = patch.stamp;
  if (stamp.peer != peer_ || stamp.seq != seq_ || patch.ver != ver_) {
    out_ += static_cast<char>(kMove);
    put_varint(out_, u(stamp.peer));
    put_varint(out_, u(patch.ver));
    put_varint(out_, u(stamp.seq));
    put_varint(out_, u(stamp.at));
    peer_ = stamp.peer;
    ver_ = patch.ver;
    seq_ = stamp.seq;
    at_ = stamp.at;
    group_.reset();
  }
  const bool in_group = group_ && stamp.seq <= group_->last;
  if (patch.group && !in_group) {
    out_ += static_cast<char>(kGroup);
    put_varint(out_, u(patch.group->first));
    put_varint(out_, u(patch.group->last - patch.group->first));
    group_ = patch.group;
  } else if (!patch.group) {
    group_.reset();
  }
}

void BundleWriter::add(const Patch& patch) {
  count_++;
  const size_t shape = patch.is_void() ? 0 : shape_of(patch);
  move_to(patch);
  put_varint(out_, patch.is_void() ? uint64_t{kVoid} : kFirstShapeTag + shape);
  put_varint(out_, zigzag(patch.stamp.at - at_));
  at_ = patch.stamp.at;
  seq_++;
  for (const Cell& cell : patch.cells) put_value(cell.value);
}

void BundleWriter::add(const Gone& gone) {
  count_++;
  out_ += static_cast<char>(kGone);
  put_varint(out_, u(gone.peer));
  put_varint(out_, u(gone.range.first));
  put_varint(out_, u(gone.range.last - gone.range.first));
}

void BundleWriter::add(const Request& request) {
  count_++;
  out_ += static_cast<char>(kRequest);
  put_varint(out_, u(request.peer));
  put_varint(out_, u(request.range.first));
  put_varint(out_, u(request.range.last - request.range.first));
  out_ += request.sum ? '\1' : '\0';
  if (request.sum) put_le64(out_, *request.sum);
}

std::string BundleWriter::finish(bool more) {
  out_ += static_cast<char>(kEnd);
  out_ += more ? '\1' : '\0';
  put_le64(out_, hash64(out_));
  return std::move(out_);
}

// --- reading ---

BundleReader::BundleReader(std::string_view bytes) : in_({}) {
  const auto damaged = [](std::string_view what, std::string_view cure) {
    throw Error(Code::bundle, what, cure);
  };
  if (!is_bundle(bytes))
    damaged("not a bundle: it does not start with its magic", "pass what replic_bundle returned");
  if (bytes.size() < kBundleMagic.size() + 1 + kChecksumBytes)
    damaged("the bundle is cut off", "fetch it again");
  const std::string_view body = bytes.substr(0, bytes.size() - kChecksumBytes);
  ByteReader checksum(bytes.substr(body.size()));
  ByteReader version(body.substr(kBundleMagic.size()));
  if (version.varint() != kVersion) {
    damaged("the bundle has a format that this version does not know",
            "update replic on this peer");
  }
  if (checksum.le64() != hash64(body))
    damaged("the bundle's checksum is wrong: it is damaged or cut off", "fetch it again");
  in_ = ByteReader(body);
  in_.take(kBundleMagic.size());
  in_.varint();
  read_header();
  check();
}

void BundleReader::check() {
  if (in_.ok()) return;
  throw Error(Code::bundle,
              std::string("the bundle is wrong at byte ") + std::to_string(in_.fault_offset()) +
                  ": " + in_.fault(),
              "fetch it again; if it stays so, the sender is faulty");
}

std::string BundleReader::read_string() {
  const std::string_view bytes = in_.take(in_.varint());
  if (first_bad_utf8(bytes)) in_.fail("a text is not valid UTF-8");
  return std::string(bytes);
}

Range BundleReader::read_range(int64_t first) {
  const uint64_t length = in_.varint();
  if (first < 1 || u(first) > kMost || length > kMost - u(first)) {
    in_.fail("a range of sequence numbers is out of range");
    return {1, 1};
  }
  return {first, first + static_cast<int64_t>(length)};
}

void BundleReader::read_header() {
  const uint8_t kind = in_.byte();
  if (kind > 4) in_.fail("an unknown kind of bundle");
  header_.kind = static_cast<BundleKind>(kind);
  header_.sender = static_cast<int64_t>(in_.varint_up_to(kMost, "the sender is out of range"));
  header_.ver = static_cast<int64_t>(in_.varint_up_to(kMost, "ver is out of range"));
  header_.now = static_cast<int64_t>(in_.varint_up_to(kMost, "now is out of range"));
  header_.name = read_string();
  // Counts allocate nothing: each item is read, and the input ends long before 2^32 of them.
  for (uint64_t peers = in_.varint(); peers > 0 && in_.ok(); peers--) {
    const auto peer = static_cast<int64_t>(in_.varint_up_to(kMost, "a peer is out of range"));
    if (peer == 0 || header_.vector.count(peer) != 0) in_.fail("a peer is 0 or comes twice");
    if (!in_.ok()) return;
    RangeSet& set = header_.vector[peer];
    int64_t before = 0;
    for (uint64_t ranges = in_.varint(); ranges > 0 && in_.ok(); ranges--) {
      const uint64_t step =
          in_.varint_up_to(kMost - u(before), "a range of sequence numbers is out of range");
      if (step == 0) in_.fail("ranges overlap");
      const Range range = read_range(before + static_cast<int64_t>(step));
      if (!in_.ok()) return;
      set.add(range);
      before = range.last;
    }
    const uint8_t has_sum = in_.byte();
    if (has_sum > 1) in_.fail("a flag is neither 0 nor 1");
    if (has_sum == 1) header_.sums[peer] = in_.le64();
  }
}

void BundleReader::read_shape() {
  Shape shape;
  shape.table = read_string();
  if (shape.table.empty() || shape.table == "_") in_.fail("a table has no name");
  const uint64_t count = in_.varint_up_to(kMaxColumns + 1, "too many columns");
  for (uint64_t i = 0; i < count && in_.ok(); i++) {
    std::string name = read_string();
    const uint8_t null = in_.byte();
    if (null > 1) in_.fail("a flag is neither 0 nor 1");
    for (const auto& [other, is_null] : shape.columns) {
      if (same_name(other, name)) in_.fail("a column comes twice");
    }
    shape.columns.emplace_back(std::move(name), null == 1);
  }
  shapes_.push_back(std::move(shape));
}

Value BundleReader::read_value() {
  const uint64_t head = in_.varint();
  const uint64_t magnitude = head >> 3;
  switch (head & 7) {
    case kInteger:
      return Value::integer(static_cast<int64_t>(magnitude));
    case kNegative:
      return Value::integer(-1 - static_cast<int64_t>(magnitude));
    case kReal:
      if (magnitude != 0) break;
      return Value::real(std::bit_cast<double>(in_.le64()));
    case kText: {
      const std::string_view bytes = in_.take(magnitude);
      if (first_bad_utf8(bytes)) in_.fail("a text is not valid UTF-8");
      return Value::text(std::string(bytes));
    }
    case kBlob:
      return Value::blob(std::string(in_.take(magnitude)));
    case kWide: {
      const uint64_t wide = in_.le64();
      if (magnitude > 1 || wide > static_cast<uint64_t>(INT64_MAX)) break;
      return Value::integer(magnitude == 0 ? static_cast<int64_t>(wide)
                                           : -1 - static_cast<int64_t>(wide));
    }
    default:
      break;
  }
  in_.fail("an unknown kind of value");
  return {};
}

int64_t BundleReader::read_at() {
  const int64_t step = unzigzag(in_.varint());
  if (step > kMaxInteger || step < -kMaxInteger || at_ + step < 0 || at_ + step > kMaxInteger) {
    in_.fail("a clock value is out of range");
    return 0;
  }
  return at_ += step;
}

Patch BundleReader::read_patch(const Shape* shape) {
  if (peer_ == 0 || seq_ > kMaxInteger) in_.fail("a patch has no peer and seq");
  Patch patch;
  patch.stamp = {read_at(), peer_, seq_};
  patch.ver = ver_;
  if (group_ && seq_ >= group_->first && seq_ <= group_->last) patch.group = group_;
  seq_++;
  if (shape == nullptr) return patch;
  patch.table = shape->table;
  patch.cells.reserve(shape->columns.size());
  for (const auto& [name, is_null] : shape->columns)
    patch.cells.push_back({name, is_null ? Value() : read_value()});
  return patch;
}

std::optional<Message> BundleReader::next() {
  for (;;) {
    const uint64_t tag = in_.varint();
    std::optional<Message> out;
    if (tag >= kFirstShapeTag) {
      if (tag - kFirstShapeTag >= shapes_.size()) {
        in_.fail("a patch of an unknown shape");
      } else {
        out = read_patch(&shapes_[static_cast<size_t>(tag - kFirstShapeTag)]);
      }
    } else if (tag == kShape) {
      read_shape();
    } else if (tag == kMove) {
      peer_ = static_cast<int64_t>(in_.varint_up_to(kMost, "a peer is out of range"));
      ver_ = static_cast<int64_t>(in_.varint_up_to(kMost, "ver is out of range"));
      seq_ = static_cast<int64_t>(in_.varint_up_to(kMost, "a seq is out of range"));
      at_ = static_cast<int64_t>(in_.varint_up_to(kMost, "a clock value is out of range"));
      group_.reset();
      if (peer_ == 0 || seq_ == 0) in_.fail("a peer or seq is 0");
    } else if (tag == kGroup) {
      group_ = read_range(static_cast<int64_t>(in_.varint_up_to(kMost, "a seq is out of range")));
    } else if (tag == kVoid) {
      out = read_patch(nullptr);
    } else if (tag == kGone || tag == kRequest) {
      const auto peer = static_cast<int64_t>(in_.varint_up_to(kMost, "a peer is out of range"));
      if (peer == 0) in_.fail("a peer is 0");
      const Range range =
          read_range(static_cast<int64_t>(in_.varint_up_to(kMost, "a seq is out of range")));
      if (tag == kGone) {
        out = Gone{peer, range};
      } else {
        Request request{peer, range, header_.sender, std::nullopt};
        const uint8_t has_sum = in_.byte();
        if (has_sum > 1) in_.fail("a flag is neither 0 nor 1");
        if (has_sum == 1) request.sum = in_.le64();
        out = request;
      }
    } else if (tag == kEnd) {
      const uint8_t more = in_.byte();
      if (more > 1) in_.fail("a flag is neither 0 nor 1");
      if (in_.left() != 0) in_.fail("bytes after the end");
      check();
      more_ = more == 1;
      return std::nullopt;
    } else {
      in_.fail("an unknown kind of record");
    }
    check();
    if (out) return out;
  }
}

}  // namespace replic::wire

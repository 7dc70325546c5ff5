#include "wire/bundle.h"

#include <algorithm>
#include <bit>

#include "base/bytes.h"
#include "base/error.h"
#include "base/limits.h"

namespace replic::wire {
namespace {

constexpr uint64_t kVersion = 1;
constexpr uint64_t kMost = static_cast<uint64_t>(kMaxInteger);
constexpr size_t kChecksumBytes = 8;
constexpr size_t kMaxShapes = 1024;
constexpr uint64_t kFirstShapeTag = 16;
constexpr int64_t kTicksPerMs = int64_t{1} << kCounterBits;

enum Tag : uint8_t {
  kEnd = 0,
  kName = 1,
  kShape = 2,
  kMove = 3,
  kGroup = 4,
  kVoid = 5,
  kGone = 6,
  kRequest = 7,
  kSkip = 8
};

uint64_t u(int64_t value) { return static_cast<uint64_t>(value); }

[[noreturn]] void raise(size_t offset, std::string_view what, std::string_view cure) {
  throw Error(Code::bundle,
              "the bundle is wrong at byte " + std::to_string(offset) + ": " + std::string(what),
              cure);
}

}  // namespace

bool is_bundle(std::string_view bytes) { return bytes.starts_with(kBundleMagic); }

// --- Writing -------------------------------------------------------------------------------------

BundleWriter::BundleWriter(const BundleHeader& header) : out_(kBundleMagic) {
  put_varint(out_, kVersion);
  out_ += static_cast<char>(header.kind);
  put_varint(out_, u(header.sender));
  put_varint(out_, u(header.ver));
  put_varint(out_, u(header.now));
  put_string(header.name);
  put_varint(out_, header.vector.size());
  int64_t peer_before = 0;
  for (const auto& [peer, set] : header.vector) {
    put_varint(out_, u(peer - peer_before));
    peer_before = peer;
    put_varint(out_, set.ranges().size());
    int64_t before = 0;
    for (const Range& range : set.ranges()) {
      put_varint(out_, u(range.first - before));
      put_varint(out_, u(range.last - range.first));
      before = range.last;
    }
    const auto sum = header.sums.find(peer);
    const bool has_sum = sum != header.sums.end() && set.contiguous() > 0;
    put_sum(has_sum ? std::optional(sum->second) : std::nullopt);
  }
}

void BundleWriter::put_string(std::string_view text) {
  put_varint(out_, text.size());
  out_.append(text);
}

void BundleWriter::put_sum(const std::optional<uint64_t>& sum) {
  out_ += sum ? '\1' : '\0';
  if (sum) put_le64(out_, *sum);
}

size_t BundleWriter::name_of(const std::string& name) {
  const auto [it, added] = names_.try_emplace(name, names_.size());
  if (added) {
    out_ += static_cast<char>(kName);
    put_string(name);
  }
  return it->second;
}

bool BundleWriter::Shape::fits(const Patch& patch) const {
  return table == patch.table &&
         std::equal(columns.begin(), columns.end(), patch.cells.begin(), patch.cells.end(),
                    [](const Column& column, const Cell& cell) {
                      return column.type == cell.value.type() && column.name == cell.column;
                    });
}

// The place of the patch's shape, which is defined first when there is none. Patches of one shape
// mostly come one after the other.
size_t BundleWriter::shape_of(const Patch& patch) {
  if (last_shape_ < shapes_.size() && shapes_[last_shape_].fits(patch)) return last_shape_;
  uint64_t hash = hash64(patch.table);
  for (const Cell& cell : patch.cells)
    hash = hash64(cell.column, hash + static_cast<uint64_t>(cell.value.type()));
  const auto known = places_.find(hash);
  if (known != places_.end() && shapes_[known->second].fits(patch))
    return last_shape_ = known->second;

  Shape shape{hash, patch.table, {}};
  std::string codes;
  for (const Cell& cell : patch.cells) {
    const Type type = cell.value.type();
    put_varint(codes, uint64_t{name_of(cell.column)} << 3 | static_cast<uint64_t>(type));
    shape.columns.push_back({cell.column, type});
  }
  const size_t table = name_of(patch.table);
  out_ += static_cast<char>(kShape);
  put_varint(out_, table);
  put_varint(out_, patch.cells.size());
  out_ += codes;

  last_shape_ = shape_count_++ % kMaxShapes;
  if (last_shape_ == shapes_.size()) {
    shapes_.push_back(std::move(shape));
  } else {
    places_.erase(shapes_[last_shape_].hash);
    shapes_[last_shape_] = std::move(shape);
  }
  places_[hash] = last_shape_;
  return last_shape_;
}

// Makes the reader expect this patch's stamp and group.
void BundleWriter::move_to(const Patch& patch) {
  const Stamp& stamp = patch.stamp;
  if (stamp.peer != peer_ || stamp.seq != seq_ || patch.ver != ver_ || stamp.at < at_) {
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
  if (group_ && seq_ > group_->last) group_.reset();
  if (group_ == patch.group) return;
  const Range group = patch.group ? *patch.group : Range{seq_, seq_};
  out_ += static_cast<char>(kGroup);
  put_varint(out_, u(seq_ - group.first));
  put_varint(out_, u(group.last - group.first));
  group_ = patch.group;
}

void BundleWriter::put_step(int64_t at) {
  const int64_t step = at - at_;
  put_varint(out_, step % kTicksPerMs == 0 ? u(step / kTicksPerMs) << 1 : u(step) << 1 | 1);
  at_ = at;
}

void BundleWriter::put_value(const Value& value, Column& column) {
  switch (value.type()) {
    case Type::null:
      out_ += '\0';
      return;
    case Type::integer: {
      const uint64_t difference = u(value.as_integer()) - u(column.before);
      column.before = value.as_integer();
      return put_varint(out_, zigzag(static_cast<int64_t>(difference)));
    }
    case Type::real:
      return put_le64(out_, std::bit_cast<uint64_t>(value.as_real()));
    case Type::text:
    case Type::blob:
      return put_string(value.bytes());
  }
}

void BundleWriter::add(const Patch& patch) {
  count_++;
  const size_t place = patch.is_void() ? 0 : shape_of(patch);
  move_to(patch);
  put_varint(out_, patch.is_void() ? uint64_t{kVoid} : kFirstShapeTag + place);
  put_step(patch.stamp.at);
  seq_++;
  if (patch.is_void()) return;
  std::vector<Column>& columns = shapes_[place].columns;
  for (size_t i = 0; i < columns.size(); i++) put_value(patch.cells[i].value, columns[i]);
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
  put_sum(request.sum);
}

std::string BundleWriter::finish(bool more) {
  out_ += static_cast<char>(kEnd);
  out_ += more ? '\1' : '\0';
  put_le64(out_, hash64(out_));
  return std::move(out_);
}

// --- Reading -------------------------------------------------------------------------------------

BundleReader::BundleReader(std::string_view bytes) : in_({}) {
  if (!is_bundle(bytes))
    raise(0, "it does not start as bundles do", "pass what replic_bundle gave");
  if (bytes.size() < kBundleMagic.size() + 1 + kChecksumBytes)
    raise(bytes.size(), "it is cut off", "fetch it again");
  const std::string_view body = bytes.substr(0, bytes.size() - kChecksumBytes);
  in_ = ByteReader(body);
  in_.take(kBundleMagic.size());
  if (in_.varint() != kVersion) {
    raise(in_.item(), "it has a version that this replic does not know",
          "update replic on this peer");
  }
  if (ByteReader(bytes.substr(body.size())).le64() != hash64(body))
    raise(body.size(), "its checksum is wrong: it is damaged or cut off", "fetch it again");
  read_header();
  check();
}

void BundleReader::check() const {
  if (in_.ok()) return;
  raise(in_.fault_offset(), in_.fault(),
        "its checksum is right, so its sender made it so: update replic there");
}

std::string_view BundleReader::read_string() {
  const std::string_view bytes = in_.take(in_.varint());
  if (const auto bad = first_bad_utf8(bytes))
    in_.fail_at(in_.item() + *bad, "a text is not valid UTF-8");
  return bytes;
}

int64_t BundleReader::read_number(const char* what, int64_t least) {
  const auto value = static_cast<int64_t>(in_.varint_up_to(kMost, what));
  if (value < least) in_.fail(what);
  return value;
}

bool BundleReader::read_flag() {
  const uint8_t flag = in_.byte();
  if (flag > 1) in_.fail("a flag is neither 0 nor 1");
  return flag == 1;
}

std::optional<uint64_t> BundleReader::read_sum() {
  if (!read_flag()) return std::nullopt;
  return in_.le64();
}

// varint first, varint (last - first)
Range BundleReader::read_range() {
  const int64_t first = read_number("a seq is out of range", 1);
  const uint64_t length = in_.varint_up_to(kMost - u(first), "a range is out of range");
  return {first, first + static_cast<int64_t>(length)};
}

void BundleReader::read_ranges(RangeSet& set) {
  int64_t before = 0;
  for (uint64_t count = in_.varint(); count > 0 && in_.ok(); count--) {
    const uint64_t step = in_.varint_up_to(kMost - u(before), "a range is out of range");
    if (step < (before == 0 ? 1 : 2)) in_.fail("ranges overlap or touch");
    const int64_t first = before + static_cast<int64_t>(step);
    const uint64_t length = in_.varint_up_to(kMost - u(first), "a range is out of range");
    if (!in_.ok()) return;
    before = first + static_cast<int64_t>(length);
    set.add({first, before});
  }
}

// Counts allocate nothing: each item is read first, and the input ends long before 2^32 of them.
void BundleReader::read_header() {
  const uint8_t kind = in_.byte();
  if (kind > static_cast<uint8_t>(BundleKind::response)) in_.fail("an unknown kind of bundle");
  header_.kind = static_cast<BundleKind>(kind);
  header_.sender = read_number("the sender is out of range");
  header_.ver = read_number("ver is out of range");
  header_.now = read_number("now is out of range");
  header_.name = read_string();
  int64_t peer = 0;
  for (uint64_t count = in_.varint(); count > 0 && in_.ok(); count--) {
    const uint64_t step = in_.varint_up_to(kMost - u(peer), "a peer is out of range");
    if (step == 0) in_.fail("a peer is 0 or comes twice");
    peer += static_cast<int64_t>(step);
    if (!in_.ok()) return;
    RangeSet& set = header_.vector[peer];
    read_ranges(set);
    if (const auto sum = read_sum()) {
      if (set.contiguous() == 0) in_.fail("a sum of no range");
      header_.sums[peer] = *sum;
    }
  }
}

void BundleReader::read_name() {
  const std::string_view name = read_string();
  if (name.size() > kMaxNameBytes) in_.fail("a name is too long");
  names_.push_back({name, hash64(folded(name))});
}

void BundleReader::read_shape() {
  const auto read_name_index = [&](uint64_t index) {
    if (index < names_.size()) return static_cast<size_t>(index);
    in_.fail("an unknown name");
    return size_t{0};
  };
  Shape shape;
  const size_t table = read_name_index(in_.varint());
  if (!in_.ok()) return;
  shape.table = names_[table].text;
  if (shape.table.empty() || shape.table == "_") in_.fail("a table without a name");
  std::vector<uint64_t> hashes;
  for (uint64_t count = in_.varint_up_to(kMaxColumns, "too many columns"); count > 0; count--) {
    const uint64_t code = in_.varint();
    const size_t name = read_name_index(code >> 3);
    if ((code & 7) > static_cast<uint64_t>(Type::blob)) in_.fail("an unknown type");
    if (!in_.ok()) return;
    shape.columns.push_back({name, static_cast<Type>(code & 7), 0});
    hashes.push_back(names_[name].hash);
  }
  std::sort(hashes.begin(), hashes.end());
  if (std::adjacent_find(hashes.begin(), hashes.end()) != hashes.end())
    in_.fail("a column comes twice in a shape");
  const size_t place = shape_count_++ % kMaxShapes;
  if (place == shapes_.size()) {
    shapes_.push_back(std::move(shape));
  } else {
    shapes_[place] = std::move(shape);
  }
}

void BundleReader::read_move() {
  peer_ = read_number("a peer is out of range", 1);
  ver_ = read_number("ver is out of range");
  seq_ = read_number("a seq is out of range", 1);
  at_ = read_number("a clock value is out of range");
  group_.reset();
}

void BundleReader::read_group() {
  if (seq_ == 0) in_.fail("a group without a peer");
  const uint64_t back = in_.varint();
  if (back >= u(seq_)) in_.fail("a group begins before seq 1");
  if (!in_.ok()) return;
  const int64_t first = seq_ - static_cast<int64_t>(back);
  const uint64_t length = in_.varint_up_to(kMost - u(first), "a group is out of range");
  if (length < back) in_.fail("a group does not hold its patch");
  group_.reset();
  if (length > 0) group_ = Range{first, first + static_cast<int64_t>(length)};
}

Value BundleReader::read_value(Column& column) {
  switch (column.type) {
    case Type::null:
      if (in_.byte() != 0) in_.fail("a NULL is not 0");
      return {};
    case Type::integer:
      column.before = static_cast<int64_t>(u(column.before) + u(unzigzag(in_.varint())));
      return Value::integer(column.before);
    case Type::real: {
      const auto real = std::bit_cast<double>(in_.le64());
      if (real != real) in_.fail("a real is not a number");
      return Value::real(real);
    }
    case Type::text:
      return Value::text(std::string(read_string()));
    case Type::blob:
      return Value::blob(std::string(in_.take(in_.varint())));
  }
  return {};
}

// A patch of a shape, or a void.
Patch BundleReader::read_patch(Shape* shape) {
  if (seq_ == 0) in_.fail("a patch without a peer");
  if (seq_ > kMaxInteger) in_.fail("a seq is out of range");
  const uint64_t step = in_.varint();
  const uint64_t unit = step % 2 == 0 ? u(kTicksPerMs) : 1;
  if (step / 2 > (kMost - u(at_)) / unit) in_.fail("a clock value is out of range");
  Patch patch;
  if (!in_.ok()) return patch;
  at_ += static_cast<int64_t>(step / 2 * unit);
  patch.stamp = {at_, peer_, seq_};
  patch.ver = ver_;
  if (group_ && seq_ > group_->last) group_.reset();
  patch.group = group_;
  seq_++;
  if (shape == nullptr) return patch;
  patch.table = shape->table;
  patch.cells.reserve(shape->columns.size());
  for (Column& column : shape->columns)
    patch.cells.push_back({std::string(names_[column.name].text), read_value(column)});
  return patch;
}

void BundleReader::read_end() {
  more_ = read_flag();
  if (in_.ok() && in_.left() != 0) in_.fail_at(in_.position(), "there are bytes after the end");
  at_end_ = true;
}

std::optional<Message> BundleReader::next() {
  std::optional<Message> out;
  while (!out && !at_end_) {
    const uint64_t tag = in_.varint();
    if (tag >= kFirstShapeTag) {
      const uint64_t place = tag - kFirstShapeTag;
      if (place >= shapes_.size()) in_.fail("a patch of an unknown shape");
      if (in_.ok()) out = read_patch(&shapes_[static_cast<size_t>(place)]);
    } else {
      switch (tag) {
        case kEnd:
          read_end();
          break;
        case kName:
          read_name();
          break;
        case kShape:
          read_shape();
          break;
        case kMove:
          read_move();
          break;
        case kGroup:
          read_group();
          break;
        case kVoid:
          out = read_patch(nullptr);
          break;
        case kGone: {
          const int64_t peer = read_number("a peer is out of range", 1);
          out = Gone{peer, read_range()};
          break;
        }
        case kRequest: {
          const int64_t peer = read_number("a peer is out of range", 1);
          const Range range = read_range();
          out = Request{peer, range, header_.sender, read_sum()};
          break;
        }
        case kSkip:
          read_string();
          break;
        default:
          in_.fail("an unknown kind of record");
      }
    }
    check();
  }
  return out;
}

}  // namespace replic::wire

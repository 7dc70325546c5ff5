#include <algorithm>
#include <bit>

#include "base/bytes.h"
#include "base/error.h"
#include "base/limits.h"
#include "wire/bundle.h"
#include "wire/bundle_format.h"

namespace replic::wire {
namespace {

constexpr uint64_t kMost = static_cast<uint64_t>(kMaxInteger);

[[noreturn]] void raise(size_t offset, std::string_view what, std::string_view cure) {
  throw Error(Code::bundle,
              "the bundle is wrong at byte " + std::to_string(offset) + ": " + std::string(what),
              cure);
}

}  // namespace

bool is_bundle(std::string_view bytes) { return bytes.starts_with(kBundleMagic); }

BundleReader::BundleReader(std::string_view bytes) : in_({}) {
  if (!is_bundle(bytes))
    raise(0, "it does not start as bundles do", "pass what replic_bundle gave");
  if (bytes.size() < kBundleMagic.size() + 1 + kChecksumBytes)
    raise(bytes.size(), "it is cut off", "fetch it again");
  const std::string_view body = bytes.substr(0, bytes.size() - kChecksumBytes);
  in_ = ByteReader(body);
  in_.take(kBundleMagic.size());
  if (in_.varint() != kVersion) {
    raise(kBundleMagic.size(), "it has a version that this replic does not know",
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
  if (name.size() > kMaxIdentifierBytes) in_.fail("a name is too long");
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
void BundleReader::read_patch(Shape* shape, Message& message) {
  if (seq_ == 0) in_.fail("a patch without a peer");
  if (seq_ > kMaxInteger) in_.fail("a seq is out of range");
  const uint64_t step = in_.varint();
  const uint64_t unit = step % 2 == 0 ? u(kTicksPerMs) : 1;
  if (step / 2 > (kMost - u(at_)) / unit) in_.fail("a clock value is out of range");
  if (!in_.ok()) return;
  at_ += static_cast<int64_t>(step / 2 * unit);
  if (group_ && seq_ > group_->last) group_.reset();
  auto* patch = std::get_if<Patch>(&message);
  if (patch == nullptr) patch = &message.emplace<Patch>();
  patch->stamp = {at_, peer_, seq_};
  patch->ver = ver_;
  patch->group = group_;
  seq_++;
  const size_t count = shape == nullptr ? 0 : shape->columns.size();
  patch->table = shape == nullptr ? std::string_view() : shape->table;
  patch->cells.resize(count);
  for (size_t i = 0; i < count; i++) {
    Column& column = shape->columns[i];
    patch->cells[i].column = names_[column.name].text;
    patch->cells[i].value = read_value(column);
  }
}

void BundleReader::read_end() {
  more_ = read_flag();
  if (in_.ok() && in_.left() != 0) in_.fail_at(in_.position(), "there are bytes after the end");
  at_end_ = true;
}

bool BundleReader::next(Message& message) {
  bool found = false;
  while (!found && !at_end_) {
    const uint64_t begin = in_.varint();
    if (begin >= tag::kFirstShape) {
      const uint64_t place = begin - tag::kFirstShape;
      if (place >= shapes_.size()) in_.fail("a patch of an unknown shape");
      if (in_.ok()) read_patch(&shapes_[static_cast<size_t>(place)], message);
      found = true;
    } else {
      switch (begin) {
        case tag::kEnd:
          read_end();
          break;
        case tag::kName:
          read_name();
          break;
        case tag::kShape:
          read_shape();
          break;
        case tag::kMove:
          read_move();
          break;
        case tag::kGroup:
          read_group();
          break;
        case tag::kVoid:
          read_patch(nullptr, message);
          found = true;
          break;
        case tag::kGone: {
          const int64_t peer = read_number("a peer is out of range", 1);
          message = Gone{peer, read_range()};
          found = true;
          break;
        }
        case tag::kRequest: {
          const int64_t peer = read_number("a peer is out of range", 1);
          const Range range = read_range();
          message = Request{peer, range, header_.sender, read_sum()};
          found = true;
          break;
        }
        case tag::kSkip:
          read_string();
          break;
        default:
          in_.fail("an unknown kind of record");
      }
    }
    check();
  }
  return found;
}

}  // namespace replic::wire

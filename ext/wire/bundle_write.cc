#include <algorithm>
#include <bit>

#include "base/bytes.h"
#include "wire/bundle.h"
#include "wire/bundle_format.h"

namespace replic::wire {

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
    out_ += static_cast<char>(tag::kName);
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
  out_ += static_cast<char>(tag::kShape);
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
    out_ += static_cast<char>(tag::kMove);
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
  out_ += static_cast<char>(tag::kGroup);
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
  put_varint(out_, patch.is_void() ? tag::kVoid : tag::kFirstShape + place);
  put_step(patch.stamp.at);
  seq_++;
  if (patch.is_void()) return;
  std::vector<Column>& columns = shapes_[place].columns;
  for (size_t i = 0; i < columns.size(); i++) put_value(patch.cells[i].value, columns[i]);
}

void BundleWriter::add(const Gone& gone) {
  count_++;
  out_ += static_cast<char>(tag::kGone);
  put_varint(out_, u(gone.peer));
  put_varint(out_, u(gone.range.first));
  put_varint(out_, u(gone.range.last - gone.range.first));
}

void BundleWriter::add(const Request& request) {
  count_++;
  out_ += static_cast<char>(tag::kRequest);
  put_varint(out_, u(request.peer));
  put_varint(out_, u(request.range.first));
  put_varint(out_, u(request.range.last - request.range.first));
  put_sum(request.sum);
}

std::string BundleWriter::finish(bool more) {
  out_ += static_cast<char>(tag::kEnd);
  out_ += more ? '\1' : '\0';
  put_le64(out_, hash64(out_));
  return std::move(out_);
}

Ping ping_of(const BundleHeader& header) {
  Ping ping;
  ping.last.peer = header.sender;
  ping.ver = header.ver;
  ping.now = std::max<int64_t>(header.now, 1);
  ping.name = header.name;
  ping.sums.assign(header.sums.begin(), header.sums.end());
  for (const auto& [peer, set] : header.vector) {
    if (peer == header.sender) {
      ping.last.seq = set.last();
    } else {
      ping.held.push_back({peer, 0, set.last(), 0, set.contiguous(), 0, 0});
    }
  }
  return ping;
}

}  // namespace replic::wire

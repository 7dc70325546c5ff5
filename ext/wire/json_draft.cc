#include "wire/json_draft.h"

#include <charconv>

#include "base/error.h"
#include "base/limits.h"
#include "wire/json_cells.h"

namespace replic::wire {
namespace {

struct KeyInfo {
  std::string_view name;
  int64_t least;          // of a whole number
  std::string_view cure;  // what it must be
};

constexpr std::string_view kWholeCure = "it must be a whole number from 0 to 2^53-1";
constexpr std::string_view kPositiveCure = "it must be a whole number from 1 to 2^53-1";
constexpr std::string_view kNameCure = "it must be a name in double quotes";
constexpr std::string_view kHeldCure =
    "it must be {\"<peer>\":[six whole numbers from 0 to 2^53-1], ...}";

// In the order of Key.
constexpr std::array<KeyInfo, 15> kKeys = {{
    {"type", INT64_MIN, "it must be 10, 20, 30 or 40"},
    {"at", 0, kWholeCure},
    {"peer", 1, kPositiveCure},
    {"seq", 0, kPositiveCure},  // 0 in a ping only
    {"ver", 0, kWholeCure},
    {"minSeq", 1, kPositiveCure},
    {"maxSeq", 1, kPositiveCure},
    {"forPeer", 1, kPositiveCure},
    {"now", 0, kWholeCure},
    {"tab", 0, kNameCure},
    {"name", 0, kNameCure},
    {"delta", 0, "it must be an object: {\"column\":value, ...}"},
    {"nulls", 0, "it must be an array of column names"},
    {"grp", 0, "it must be [first,last] with 1 <= first <= last <= 2^53-1"},
    {"sums", 0, "it must be {\"<peer>\":\"<16 hex digits>\", ...}"},
}};

const KeyInfo& info(Key key) { return kKeys[static_cast<size_t>(key)]; }

bool is_whole(Key key, const Value& value) {
  const int64_t most = key == Key::type ? INT64_MAX : kMaxInteger;
  return key <= Key::now && value.type() == Type::integer &&
         value.as_integer() >= info(key).least && value.as_integer() <= most;
}

// A peer may have no name; a table must have one.
bool is_name(Key key, const Value& value) {
  return value.type() == Type::text &&
         (key == Key::name || (key == Key::tab && !value.bytes().empty()));
}

}  // namespace

Key key_of(std::string_view name) {
  for (size_t i = 0; i < kKeys.size(); i++) {
    if (kKeys[i].name == name) return static_cast<Key>(i);
  }
  return Key::other;
}

// --- Faults
// ---------------------------------------------------------------------------------------

std::string Draft::where(size_t offset) const {
  return "message " + std::to_string(count_) + " (byte " + std::to_string(offset) + "): ";
}

void Draft::raise(size_t offset, std::string_view wrong, std::string_view cure) const {
  throw Error(Code::message, where(offset) + std::string(wrong), cure);
}

void Draft::raise(const Fault& fault) const { raise(fault.offset, fault.wrong, fault.cure); }

void Draft::over_limit(std::string_view wrong, std::string_view cure) const {
  throw Error(Code::limit, where(begin_) + std::string(wrong), cure);
}

void Draft::fault(Key key, std::string_view found, size_t offset) {
  if (key == Key::other) return;
  for (const auto& known : faults_) {
    if (known.first == key) return;  // the first one tells enough
  }
  const std::string wrong = "key \"" + std::string(info(key).name) + "\" " + std::string(found);
  faults_.emplace_back(key, Fault{offset, wrong, info(key).cure});
}

void Draft::check(Key key) const {
  for (const auto& known : faults_) {
    if (known.first == key) raise(known.second);
  }
}

void Draft::need(Key key) const {
  check(key);
  if (has(key)) return;
  raise(begin_, "key \"" + std::string(info(key).name) + "\" is missing",
        has(Key::type) ? "a message of type " + std::to_string(number(Key::type)) + " must have it"
                       : "every message must have it");
}

int64_t Draft::needed(Key key) const {
  need(key);
  return number(key);
}

// --- What comes under the keys
// --------------------------------------------------------------------

void Draft::plain(Key key, Value&& value, size_t offset) {
  if (key == Key::other) return;
  if (is_whole(key, value)) {
    numbers_[static_cast<size_t>(key)] = value.as_integer();
    offsets_[static_cast<size_t>(key)] = offset;
  } else if (is_name(key, value)) {
    std::string& name = key == Key::tab ? table_ : name_;
    name = std::move(value).take_bytes();
  } else {
    return fault(key, "is " + shown(value), offset);
  }
  present_ |= bit(key);
}

void Draft::delta() {
  cells_.reserve(8);
  present_ |= bit(Key::delta);
}

void Draft::cell(std::string&& column, Value&& value, size_t offset) {
  if (!first_cell_) first_cell_ = Place{offset, column};
  if (cells_.size() == kMaxColumns) {
    too_many_columns_ = true;
    return;
  }
  cells_.push_back({std::move(column), std::move(value)});
}

void Draft::bad_cell(const std::string& column, size_t offset) {
  if (!first_cell_) first_cell_ = Place{offset, column};
  if (bad_cell_) return;
  bad_cell_ =
      Fault{offset, "column " + quoted(column) + " holds an object that is no value", kCellCure};
}

void Draft::tuple(const std::string& column, const std::vector<int64_t>& numbers, size_t offset) {
  if (!first_tuple_) first_tuple_ = Place{offset, column};
  const auto peer = peer_of_key(column);
  bool good = peer && numbers.size() == 6;
  for (const int64_t number : numbers) good = good && number >= 0 && number <= kMaxInteger;
  if (good) {
    held_.push_back(
        {*peer, numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]});
  } else if (!bad_held_) {
    bad_held_ = Fault{offset, "\"delta\" has a wrong entry for peer " + quoted(column), kHeldCure};
  }
}

void Draft::null(Value&& column, size_t offset) {
  if (column.type() != Type::text) return fault(Key::nulls, "holds " + shown(column), offset);
  if (nulls_.size() > kMaxColumns) return;  // too many already
  nulls_.push_back(std::move(column).take_bytes());
}

void Draft::group(const std::vector<int64_t>& numbers, size_t offset) {
  if (numbers.size() != 2 || numbers[0] < 1 || numbers[1] < numbers[0] ||
      numbers[1] > kMaxInteger) {
    return fault(Key::grp, "is not a range", offset);
  }
  group_ = {numbers[0], numbers[1]};
  present_ |= bit(Key::grp);
}

void Draft::sum(const std::string& peer, const Value& value, size_t offset) {
  const auto id = peer_of_key(peer);
  if (!id) return fault(Key::sums, "has an entry for peer " + quoted(peer), offset);
  const std::string& hex = value.bytes();
  const char* const end = hex.data() + hex.size();
  uint64_t sum = 0;
  const auto read = std::from_chars(hex.data(), end, sum, 16);
  if (value.type() != Type::text || hex.size() != 16 || read.ec != std::errc() || read.ptr != end) {
    return fault(Key::sums, "holds " + shown(value), offset);
  }
  sums_.emplace_back(*id, sum);
}

// --- The message is complete
// ----------------------------------------------------------------------

std::vector<Cell> Draft::finish_cells() {
  if (bad_cell_) raise(*bad_cell_);
  if (first_tuple_) {
    raise(first_tuple_->offset, "column " + quoted(first_tuple_->column) + " holds an array",
          kCellCure);
  }
  std::vector<Cell> cells = std::move(cells_);
  const auto check_columns = [&](std::string_view wrong) {
    if (const auto twice = column_twice(cells)) {
      raise(begin_, "column " + quoted(cells[*twice].column) + std::string(wrong),
            "name each column once; upper and lower case are the same");
    }
  };
  check_columns(" comes twice");
  // A null in the delta of a message means "not in this patch".
  std::erase_if(cells, [](const Cell& cell) { return cell.value.is_null(); });
  if (too_many_columns_ || cells.size() + nulls_.size() > kMaxColumns) {
    over_limit("more than " + std::to_string(kMaxColumns) + " columns",
               "a table has at most that many");
  }
  if (nulls_.empty()) return cells;
  for (std::string& column : nulls_) cells.push_back({std::move(column), Value()});
  check_columns(" is listed in \"nulls\", and set or listed again");
  return cells;
}

std::optional<Range> Draft::finish_group(int64_t seq) const {
  check(Key::grp);
  if (!has(Key::grp)) return std::nullopt;
  if (seq < group_.first || seq > group_.last) {
    raise(offset_of(Key::seq), "seq " + std::to_string(seq) + " lies outside \"grp\"",
          "grp is [first seq, last seq] of the patch's transaction");
  }
  // A transaction of one patch is no group.
  return group_.first < group_.last ? std::optional(group_) : std::nullopt;
}

Patch Draft::finish_patch() {
  Patch patch;
  patch.stamp = {needed(Key::at), needed(Key::peer), needed(Key::seq)};
  if (patch.stamp.seq == 0) raise(offset_of(Key::seq), "key \"seq\" is 0", kPositiveCure);
  patch.ver = needed(Key::ver);
  need(Key::tab);
  patch.group = finish_group(patch.stamp.seq);
  if (table_ == "_") return patch;  // a void, whatever its delta holds
  need(Key::delta);
  check(Key::nulls);
  patch.table = std::move(table_);
  patch.cells = finish_cells();
  if (too_long(patch.table)) over_limit(too_long_text(patch.table), kTooLongCure);
  for (const Cell& cell : patch.cells) {
    if (too_long(cell.column)) over_limit(too_long_text(cell.column), kTooLongCure);
  }
  return patch;
}

Ping Draft::finish_ping() {
  Ping ping;
  ping.last = {needed(Key::at), needed(Key::peer), needed(Key::seq)};
  need(Key::delta);
  if (first_cell_) {
    raise(first_cell_->offset, "\"delta\" has no array for peer " + quoted(first_cell_->column),
          kHeldCure);
  }
  if (bad_held_) raise(*bad_held_);
  for (const Key optional : {Key::ver, Key::sums, Key::now, Key::name}) check(optional);
  if (has(Key::ver)) ping.ver = number(Key::ver);
  ping.held = std::move(held_);
  ping.sums = std::move(sums_);
  ping.now = number(Key::now);
  ping.name = std::move(name_);
  return ping;
}

Range Draft::finish_range() const {
  const Range range{needed(Key::min_seq), needed(Key::max_seq)};
  if (range.first > range.last) {
    raise(offset_of(Key::min_seq),
          "\"minSeq\" " + std::to_string(range.first) + " is above \"maxSeq\" " +
              std::to_string(range.last),
          "send minSeq <= maxSeq");
  }
  return range;
}

Message Draft::finish() {
  switch (const int64_t type = needed(Key::type)) {
    case 10:
      return finish_patch();
    case 20:
      return finish_ping();
    case 30: {
      const int64_t peer = needed(Key::peer);
      Request request{peer, finish_range(), needed(Key::for_peer)};
      check(Key::sums);
      for (const auto& [summed, sum] : sums_) {
        if (summed == peer) request.sum = sum;
      }
      return request;
    }
    case 40: {
      const int64_t peer = needed(Key::peer);
      return Gone{peer, finish_range()};
    }
    default:
      return Unknown{type};
  }
}

}  // namespace replic::wire

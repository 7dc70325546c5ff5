// A message that is being read. Its type may stand last, so everything is first kept in a draft
// that fits all types; a fault of shape counts only if the type needs the key that it is in.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/message.h"

namespace replic::wire {

// The keys of messages, whole numbers first.
// clang-format off
enum class Key : uint8_t {
  type, at, peer, seq, ver, min_seq, max_seq, for_peer, now,
  tab, name, delta, nulls, grp, sums,
  other  // one that no message of ours has
};
// clang-format on
inline constexpr size_t kNumberKeys = static_cast<size_t>(Key::now) + 1;

Key key_of(std::string_view name);

class Draft {
 public:
  Draft() = default;
  // The `count`-th message of its text, which begins at byte `offset`.
  Draft(int64_t count, size_t offset) : count_(count), begin_(offset) {}

  // What came under a key that holds a plain value. `offset` is where the value begins.
  void plain(Key key, Value&& value, size_t offset);

  // The delta, read both as that of a patch and as that of a ping. `offset` is the column's.
  void delta();
  void cell(std::string&& column, Value&& value, size_t offset);
  void bad_cell(const std::string& column, size_t offset);
  // `numbers` is empty when the array held anything but whole numbers.
  void tuple(const std::string& column, const std::vector<int64_t>& numbers, size_t offset);

  void null(Value&& column, size_t offset);
  void group(const std::vector<int64_t>& numbers, size_t offset);
  void sum(const std::string& peer, const Value& value, size_t offset);

  // `key` holds something of another shape; `found` says what.
  void fault(Key key, std::string_view found, size_t offset);

  // The message. Throws E_MESSAGE and E_LIMIT, see wire/json.h. Leaves the draft empty.
  Message finish();

 private:
  struct Fault {
    size_t offset = 0;
    std::string wrong;
    std::string_view cure;
  };
  // A column of the delta, and where it stands.
  struct Place {
    size_t offset = 0;
    std::string column;
  };

  bool has(Key key) const { return (present_ & bit(key)) != 0; }
  static uint32_t bit(Key key) { return uint32_t{1} << static_cast<unsigned>(key); }
  int64_t number(Key key) const { return numbers_[static_cast<size_t>(key)]; }
  size_t offset_of(Key key) const { return offsets_[static_cast<size_t>(key)]; }

  // Raises the fault of an optional key; of a needed one, also its absence.
  void check(Key key) const;
  void need(Key key) const;
  int64_t needed(Key key) const;
  std::string where(size_t offset) const;
  [[noreturn]] void raise(size_t offset, std::string_view wrong, std::string_view cure) const;
  [[noreturn]] void raise(const Fault& fault) const;
  [[noreturn]] void over_limit(std::string_view wrong, std::string_view cure) const;

  Patch finish_patch();
  std::vector<Cell> finish_cells();
  std::optional<Range> finish_group(int64_t seq) const;
  Ping finish_ping();
  Range finish_range() const;

  int64_t count_ = 0;
  size_t begin_ = 0;
  uint32_t present_ = 0;                       // bit i: the key i came, and holds what it should
  std::vector<std::pair<Key, Fault>> faults_;  // at most one for each key
  std::array<int64_t, kNumberKeys> numbers_{};
  std::array<size_t, kNumberKeys> offsets_{};  // of the numbers
  std::string table_, name_;
  std::vector<Cell> cells_;  // with NULLs
  bool too_many_columns_ = false;
  std::optional<Fault> bad_cell_;
  std::vector<Ping::Held> held_;
  std::optional<Fault> bad_held_;
  std::optional<Place> first_cell_, first_tuple_;
  std::vector<std::string> nulls_;
  Range group_;
  std::vector<std::pair<int64_t, uint64_t>> sums_;
};

}  // namespace replic::wire

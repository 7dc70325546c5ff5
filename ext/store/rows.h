// Writing rows of T so that they show what their patches say. Runs inside Gate::write only.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "store/fold.h"

namespace replic {

// What a row shall be. `fold` must outlive the call.
struct RowTarget {
  const TablePlan* plan = nullptr;
  std::vector<Value> key;
  const RowFold* fold = nullptr;
  // Written here: a trigger that refuses it has the last word.
  bool is_local = false;
};

// What writing gives when a trigger has ignored it.
inline constexpr int kIgnored = SQLITE_ABORT;
inline constexpr std::string_view kIgnoredText = "a trigger has ignored the row by RAISE(IGNORE)";

// Makes T's row be as its fold says: inserts, updates what differs, or deletes. Returns SQLITE_OK,
// or SQLITE_CONSTRAINT or SQLITE_MISMATCH when T refuses, which then is as before, or kIgnored.
int write_row(Database& db, const RowTarget& target);

struct RowRefusal {
  size_t target;  // index of one that T refuses
  std::string why;
};
// The same for rows that are legal all together, though perhaps not one after the other: values of
// a UNIQUE key may change places, and parents may come after their children. Returns the refusal,
// after which some of the others are written: the caller must undo them. A trigger's refusal of a
// row that is not local is overruled.
std::optional<RowRefusal> write_rows(Database& db, const std::vector<RowTarget>& targets);

}  // namespace replic

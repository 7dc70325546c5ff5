// The fold of patches over one row, and what can be said of its legality without asking SQLite.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "store/log.h"

namespace replic {

// For each column the value of the greatest stamp that sets it. Patches are added in any order.
class RowFold {
 public:
  explicit RowFold(const TablePlan& plan) : plan_(&plan), cells_(plan.width()) {}

  // The patch must outlive the fold.
  void add(const RowPatch& patch);
  bool empty() const { return empty_; }
  // The row is to be seen in T: something was added, and its log tombstone, where there is one, is
  // not set.
  bool visible() const;
  // The value that T shows in a column: what was set, or the constant default, or NULL.
  const Value& value(size_t column) const;
  // A NOT NULL column that has no value.
  bool lacks(size_t column) const;
  // The same, when the column has no constant default: another patch has to give it.
  bool needs(size_t column) const;
  // The first column that lacks a value, of a visible row, or nothing.
  std::optional<size_t> lacking() const;
  // Both show the same, or nothing.
  bool shows_same(const RowFold& other) const;
  const TablePlan& plan() const { return *plan_; }

 private:
  struct Cell {
    Stamp stamp;
    const Value* value = nullptr;
  };
  const TablePlan* plan_;
  std::vector<Cell> cells_;
  bool empty_ = true;
};

// Whether a STRICT table takes this value, after affinity, in a column declared so.
bool fits_strict(const Column& column, const Value& value);

// No value of this patch can break NOT NULL or STRICT, whatever the rest of the row is.
bool is_harmless(const TablePlan& plan, const RowPatch& patch);

// Whether a patch can change anything by which others are decided when its row is there already:
// NOT NULL, the types of STRICT, the values that tie rows, or CHECK. What does not matter changes
// what T shows, and no decision.
bool matters(const TablePlan& plan, const RowPatch& patch);

// Whether a patch says something about the values by which rows are tied, but for the primary key.
bool sets_tied_column(const TablePlan& plan, const RowPatch& patch);

// Why NOT NULL, STRICT or the type of a rowid forbid this row, in SQLite's words. Nothing when they
// do not.
std::optional<std::string> refusal_of(const RowFold& fold);

}  // namespace replic

// Legality of one row: the table's half of the acceptance rule (model/accept.h).

#pragma once

#include <string>
#include <vector>

#include "model/accept.h"
#include "store/log.h"

namespace replic {

// The fold of patches over one row: for each column the value of the greatest stamp that sets it.
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
  // The first such column of a visible row, or nothing.
  std::optional<size_t> lacking() const;

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

// Judges the units of one row, each a single patch. Tests NOT NULL and STRICT by itself; where the
// plan needs a trial, it writes the row into T, and must run inside Gate::trial.
class RowJudge : public Judge {
 public:
  // `units` in stamp order.
  RowJudge(Database& db, const TablePlan& plan, const std::vector<const RowPatch*>& units)
      : db_(db), plan_(plan), units_(units), fold_(plan) {}

  bool admit(std::span<const size_t> units) override;
  std::vector<size_t> mates(size_t waiter, std::span<const size_t> waiting) override;

  // The fold of what has been admitted.
  const RowFold& fold() const { return fold_; }
  // Why the last refused unit was refused, in SQLite's words.
  const std::string& refusal() const { return refusal_; }

 private:
  bool legal(const RowFold& fold);

  Database& db_;
  const TablePlan& plan_;
  const std::vector<const RowPatch*>& units_;
  RowFold fold_;
  std::string refusal_;
};

// Makes T's row be `fold`: inserts, updates what differs, or deletes. `key` names the row. Returns
// SQLITE_OK, or SQLITE_CONSTRAINT or SQLITE_MISMATCH when T refuses, which then is as before.
int write_row(Database& db, const TablePlan& plan, const std::vector<Value>& key,
              const RowFold& fold);

}  // namespace replic

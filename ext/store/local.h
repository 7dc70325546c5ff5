// Local writes: a patch of our own, under the next seq and a stamp greater than any seen.

#pragma once

#include <string>
#include <vector>

#include "model/message.h"
#include "store/catalog.h"
#include "store/identity.h"
#include "store/merge.h"
#include "store/state.h"

namespace replic {

class LocalWriter {
 public:
  LocalWriter(Database& db, Catalog& catalog, State& state, Merger& merger, Identity& identity)
      : db_(db), catalog_(catalog), state_(state), merger_(merger), identity_(identity), log_(db) {}

  // Writes a patch of `table`; a NULL cell sets NULL. Returns it as it is to be shipped. Inside
  // Gate::write; when it throws, the caller's statement must fail, which undoes it. Without
  // `wanted` an empty patch is returned. Throws E_TABLE, E_COLUMN, E_KEY, E_NULLS, E_CONSTRAINT,
  // E_CLOCK_RANGE, E_CLOCK_AHEAD.
  Patch write(std::string_view table, std::vector<Cell>&& cells, bool wanted);
  // Gives a patch of our own its stamp, the next of the transaction's group, and records it as
  // received. When it cannot be stored the caller's statement must fail, which undoes it. Throws
  // E_CLOCK_RANGE, E_CLOCK_AHEAD.
  void issue(const TablePlan& plan, RowPatch& row);
  // The row `key` is `values` now, one for each column: makes the patch that says so, when the log
  // says otherwise. T has it already. Throws E_KEY, E_NULLS, E_COLUMN and what issue() throws.
  void record(const TablePlan& plan, const std::vector<Value>& key,
              const std::vector<Value>& values);
  // The row is gone from T: makes its tombstone, and returns the value of that.
  Value record_gone(const TablePlan& plan, const std::vector<Value>& key);
  // The same for a row of which only some columns have changed, with the values of these.
  void record_changes(const TablePlan& plan, const std::vector<Value>& key,
                      const std::vector<size_t>& changed, const std::vector<Value>& values);
  // The same, when what T has now may be anything, the row may be gone, and the log may know that.
  void record_row(const TablePlan& plan, const std::vector<Value>& key);
  // Makes T show the row as the log says, when T lacks it: a deleted row that stays in T.
  void put_back(const TablePlan& plan, const std::vector<Value>& key);
  // `why` such a row cannot stay: SQLite's text. Throws E_CONSTRAINT.
  [[noreturn]] static void throw_cannot_stay(const TablePlan& plan, const std::string& why);
  // A stamp for a patch of our own that keeps its clock value `at`.
  Stamp next_stamp(int64_t at);

 private:
  RowPatch row_of(const TablePlan& plan, std::vector<Cell>&& cells);
  void add_expression_defaults(const TablePlan& plan, RowPatch& row);
  int64_t next_at();
  std::vector<RowPatch> deciding(const TablePlan& plan, const std::vector<Value>& key);
  RowPatch patch_of_row(const TablePlan& plan, const std::vector<Value>& key);
  void store(const TablePlan& plan, RowPatch&& row);

  Database& db_;
  Catalog& catalog_;
  State& state_;
  Merger& merger_;
  Identity& identity_;
  Log log_;
};

}  // namespace replic

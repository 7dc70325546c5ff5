// Many patches on their way into the log of one table, row by row.

#pragma once

#include <optional>
#include <vector>

#include "store/log.h"

namespace replic {

// Faster than Log for what comes in the order of the rows: entries are inserted many by one
// statement, and of new rows not each is looked at. Only where the write is undone as a whole when
// it fails, and where spelling does not matter (TablePlan::respells).
class LogBatch {
 public:
  explicit LogBatch(Database& db) : db_(db), log_(db) {}

  // From here on nothing but this object inserts into the logs, and keys that differ in the last
  // column alone come in ascending order.
  void begin();
  // The stamp of the newest patch of a row.
  std::optional<Stamp> newest(const TablePlan& plan, const std::vector<Value>& key);
  // Inserts an entry, at flush() at the latest: until then no other read has it, and `plan` and
  // `patch` must live.
  void insert(const TablePlan& plan, const RowPatch& patch);
  void flush();

 private:
  // Keys of which no patch is kept.
  struct Gap {
    const TablePlan* plan = nullptr;  // null: the last key was none of these
    std::vector<Value> after;         // a key
    std::optional<Value> before;      // the last column of the next key that is kept, if any is

    bool holds(const TablePlan& of, const std::vector<Value>& key) const;
  };
  bool has(const TablePlan& plan, const std::vector<Value>& key) const;

  Database& db_;
  Log log_;
  const TablePlan* plan_ = nullptr;  // of entries_
  std::vector<const RowPatch*> entries_;
  Gap gap_;
};

}  // namespace replic

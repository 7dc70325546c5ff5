// The log of one replicated table: T_patches.

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sqlite/database.h"
#include "store/plan.h"

namespace replic {

// A patch of one row in terms of its table's plan: what the log stores of it.
struct RowPatch {
  Stamp stamp;
  std::vector<Slot> slots;  // by ascending column, key columns included

  const Value* find(size_t column) const {
    // Of a whole row the n-th slot has the n-th column, and so have most keys.
    if (column < slots.size() && slots[column].column == column) return &slots[column].value;
    return search(column);
  }

 private:
  const Value* search(size_t column) const;
};

// The key of `patch`, in key order. Every key column must be there.
std::vector<Value> key_of(const TablePlan& plan, const RowPatch& patch);
// The same, into `key`, whose memory is used again.
void copy_key(const TablePlan& plan, const RowPatch& patch, std::vector<Value>& key);
// Sum of the cell hashes of `patch`: see model/content.h.
uint64_t cell_sum(const TablePlan& plan, const RowPatch& patch);
// Binds an entry of the log as TablePlan::log_insert wants it. `nulls` keeps what is bound without
// a copy, and must live as long as the run.
void bind_entry(Run& run, const TablePlan& plan, const RowPatch& patch, std::string& nulls);
// `patch` in the words of the wire.
std::vector<Cell> cells_of(const TablePlan& plan, const RowPatch& patch);

class Log {
 public:
  explicit Log(Database& db) : db_(db) {}

  // Throws what SQLite reports; a value that a STRICT log refuses is a constraint error.
  void insert(const TablePlan& plan, const RowPatch& patch);
  // Removes the entry. Returns whether there was one.
  bool erase(const TablePlan& plan, int64_t peer, int64_t seq);
  std::optional<Stamp> newest(const TablePlan& plan, const std::vector<Value>& key);
  std::optional<Stamp> oldest(const TablePlan& plan, const std::vector<Value>& key);
  std::optional<RowPatch> get(const TablePlan& plan, int64_t peer, int64_t seq);
  // Every patch of one row, oldest first.
  std::vector<RowPatch> row(const TablePlan& plan, const std::vector<Value>& key);
  // The patches of one row that are newer than `stamp`, newest first, until `visit` returns false.
  void newer(const TablePlan& plan, const std::vector<Value>& key, const Stamp& stamp,
             const std::function<bool(RowPatch&&)>& visit);

  // Reads the current row of a statement made from plan.log_row and its like. Throws E_STATE when
  // _nulls is damaged.
  static RowPatch read(const TablePlan& plan, Run& run);

 private:
  std::optional<Stamp> one_stamp(const Sql& sql, const std::vector<Value>& key);

  Database& db_;
};

}  // namespace replic

// The columns of a log, when those of its table have changed.

#include <algorithm>

#include "base/bytes.h"
#include "base/error.h"
#include "sqlite/ident.h"
#include "store/tracker.h"
#include "wire/json.h"

namespace replic {
namespace {

bool has_name(const std::vector<std::string>& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& n) { return same_name(n, name); });
}

std::vector<std::string> columns_of(Database& db, const std::string& table) {
  std::vector<std::string> names;
  Run run = db.once("PRAGMA main.table_info(" + ident(table) + ")");
  while (run.step()) names.push_back(run.text(1));
  return names;
}

}  // namespace

// Adds to the log what it lacks, but for the columns that it had once: those hold patches, under
// another name. Returns whether there was anything to do.
bool Tracker::amend_log(const TablePlan& plan, bool log_tombstone,
                        const std::vector<std::string>& had) {
  bool changed = false;
  const auto add = [&](const std::string& column, std::string_view type) {
    db_.exec("ALTER TABLE main." + ident(plan.log) + " ADD COLUMN " + ident(column) + " " +
             std::string(type));
    changed = true;
  };
  for (const Column& column : plan.columns) {
    if (!column.in_log && !has_name(had, column.name))
      add(column.name,
          plan.log_strict ? std::string_view(column.type) : affinity_type(column.affinity));
  }
  if (!plan.has_nulls) add("_nulls", "TEXT");
  if (log_tombstone && !plan.log_tombstone) add("_deletedAt", "INTEGER");
  return changed;
}

// Renames in the log, and in what is parked, the columns that were renamed in T. Dropping one is
// impossible while the triggers name it, so that each column is in the place where it was.
bool Tracker::rename_columns(const TablePlan& plan, const std::vector<std::string>& before) {
  bool any = false;
  for (size_t i = 0; i < std::min(before.size(), plan.columns.size()); i++) {
    const std::string& from = before[i];
    const std::string& to = plan.columns[i].name;
    const std::vector<std::string> log = columns_of(db_, plan.log);
    if (from == to || !has_name(log, from) || (has_name(log, to) && !same_name(from, to))) continue;
    db_.exec("ALTER TABLE main." + ident(plan.log) + " RENAME COLUMN " + ident(from) + " TO " +
             ident(to));
    db_.run(
           "UPDATE main._replic_tables SET tombstone=?3 WHERE tab=?1 AND tombstone=?2 COLLATE "
           "NOCASE")
        .bind(plan.name)
        .bind(from)
        .bind(to)
        .exec();
    if (has_name(log, "_nulls")) rename_nulls(plan.log, from, to);
    rename_parked(plan.name, from, to);
    any = true;
  }
  if (any) {
    catalog_.invalidate();
    catalog_.refresh();
  }
  return any;
}

void Tracker::rename_nulls(const std::string& log, const std::string& from, const std::string& to) {
  Run run = db_.once("SELECT _peerId,_sequenceId,_nulls FROM main." + ident(log) +
                     " WHERE _nulls IS NOT NULL");
  const std::string update =
      "UPDATE main." + ident(log) + " SET _nulls=?3 WHERE _peerId=?1 AND _sequenceId=?2";
  while (run.step()) {
    std::vector<std::string> names = wire::read_names(run.text(2));
    if (!has_name(names, from)) continue;
    for (std::string& name : names) {
      if (same_name(name, from)) name = to;
    }
    const std::string text = wire::write_names(names);
    db_.run(update).bind(run.integer(0)).bind(run.integer(1)).bind(std::string_view(text)).exec();
  }
}

void Tracker::rename_parked(const std::string& table, const std::string& from,
                            const std::string& to) {
  std::vector<ParkedPatch> parked;
  {
    Run run = db_.once("SELECT " + std::string(Parked::kColumns) +
                       " FROM main._replic_parked WHERE tab=" + literal(table) + " COLLATE NOCASE");
    while (run.step()) parked.push_back(Parked::read(run));
  }
  for (ParkedPatch& patch : parked) {
    bool any = false;
    for (Cell& cell : patch.patch.cells) {
      if (!same_name(cell.column, from)) continue;
      cell.column = to;
      any = true;
    }
    if (any) parked_.put(patch);
  }
}

// Columns that T has no longer: their cells are parked for the schema, like those of columns that
// have not come yet. So the patches stay whole for others, and the values come back with the
// column.
void Tracker::park_dropped(const std::string& table, const std::vector<std::string>& had) {
  const TablePlan* plan = catalog_.find_for_write(table);
  std::vector<std::string> dropped;
  for (const std::string& name : columns_of(db_, plan->log)) {
    const bool is_ours = same_name(name, plan->tombstone) || same_name(name, kWireTombstone);
    if (has_name(had, name) && !is_ours && !plan->own_column(name)) dropped.push_back(name);
  }
  if (dropped.empty()) return;
  std::string select = "SELECT _patchedAt,_peerId,_sequenceId,_nulls";
  for (const std::string& name : dropped) select.append(",").append(ident(name));
  const std::string log = " main." + ident(plan->log);
  {
    Run run = db_.once(select + " FROM" + log);
    while (run.step()) {
      const Stamp stamp{run.integer(0), run.integer(1), run.integer(2)};
      std::vector<Cell> cells;
      std::vector<std::string> nulls;
      if (!run.is_null(3)) nulls = wire::read_names(run.text(3));
      for (size_t i = 0; i < dropped.size(); i++) {
        const Value value = run.value(static_cast<int>(i) + 4);
        if (!value.is_null() || has_name(nulls, dropped[i])) cells.push_back({dropped[i], value});
      }
      if (cells.empty()) continue;
      park_cells(*plan, stamp, std::move(cells));
      const size_t before = nulls.size();
      std::erase_if(nulls, [&](const std::string& name) { return has_name(dropped, name); });
      if (nulls.size() == before) continue;
      const std::string names = wire::write_names(nulls);
      Run update = db_.once("UPDATE" + log + " SET _nulls=?1 WHERE _peerId=?2 AND _sequenceId=?3");
      nulls.empty() ? update.bind_null() : update.bind(std::string_view(names));
      update.bind(stamp.peer).bind(stamp.seq).exec();
    }
  }
  for (const std::string& name : dropped)
    db_.exec("ALTER TABLE" + log + " DROP COLUMN " + ident(name));
  catalog_.invalidate();
  catalog_.refresh();
  park_cells_of_parked(*catalog_.find_for_write(table));
}

// The same for patches that wait for a constraint.
void Tracker::park_cells_of_parked(const TablePlan& plan) {
  for (ParkedPatch& parked : parked_.waiting_in(plan.name)) {
    std::vector<Cell> unknown;
    std::vector<Cell> known;
    for (Cell& cell : parked.patch.cells)
      (plan.find(cell.column) ? known : unknown).push_back(std::move(cell));
    if (unknown.empty()) continue;
    parked.patch.cells = std::move(known);
    parked_.put(parked);
    park_cells(plan, parked.patch.stamp, std::move(unknown));
  }
}

void Tracker::park_cells(const TablePlan& plan, const Stamp& stamp, std::vector<Cell>&& cells) {
  ParkedPatch part;
  for (ParkedPatch& other : parked_.parts(stamp.peer, stamp.seq)) {
    if (other.reason == reason::kSchema) part = std::move(other);
  }
  if (part.reason.empty()) {
    part.patch = {stamp, state_.ver_of(stamp.peer, stamp.seq), plan.name, {}, {}};
    part.reason = reason::kSchema;
    part.detail = "table " + quoted(plan.name) +
                  " has lost this column: when it has it again, the patch is merged under its own "
                  "stamp";
    part.parked_unix_ms = db_.now_unix_ms();
    state_.row().schema_parked++;
  }
  for (Cell& cell : cells) part.patch.cells.push_back(std::move(cell));
  parked_.put(part);
}

// The tombstone has become a column of T, or is one no more: brings what the log has of it to its
// new place, and T along. Returns whether there was anything to do.
bool Tracker::move_tombstones(const std::string& table) {
  const TablePlan* plan = catalog_.find_for_write(table);
  const std::vector<std::string> columns = columns_of(db_, plan->log);
  const std::string in_table =
      plan->keeps_rows() ? plan->columns[*plan->tombstone_column].name : plan->tombstone;
  if (!has_name(columns, "_deletedAt") || !has_name(columns, in_table)) return false;
  const std::string log = "main." + ident(plan->log);
  const auto [from, to] = plan->keeps_rows() ? std::pair(std::string("_deletedAt"), in_table)
                                             : std::pair(in_table, std::string("_deletedAt"));
  db_.exec("UPDATE " + log + " SET " + ident(to) + "=" + ident(from) + " WHERE " + ident(from) +
           " IS NOT NULL");
  db_.exec("ALTER TABLE " + log + " DROP COLUMN " + ident(from));
  catalog_.invalidate();
  catalog_.refresh();
  plan = catalog_.find_for_write(table);
  const size_t tombstone = *plan->find(kWireTombstone);
  std::string row;
  Run run = db_.once(plan->log_all);
  while (run.step()) {
    const RowPatch patch = Log::read(*plan, run);
    if (patch.find(tombstone) == nullptr) continue;
    const std::vector<Value> key = key_of(*plan, patch);
    std::string its_row = row_key(*plan, key);
    if (its_row == row) continue;
    row = std::move(its_row);
    merger_.show(*plan, key);
  }
  return true;
}

}  // namespace replic

// replic_refresh: the logs and triggers of tables that the application has altered.

#include <algorithm>

#include "base/bytes.h"
#include "model/content.h"
#include "sqlite/ident.h"
#include "store/own_write.h"
#include "store/store.h"
#include "store/triggers.h"
#include "wire/json.h"

namespace replic {
namespace {

bool has_trigger(Database& db, std::string_view table, std::string_view name) {
  Run run = db.run(
      "SELECT 1 FROM main.sqlite_schema WHERE type='trigger' AND tbl_name=?1 COLLATE NOCASE AND "
      "name=?2");
  run.bind(table).bind(name);
  return run.step();
}

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

// The names that the triggers are made for.
std::string Store::column_names(const TablePlan& plan) {
  std::vector<std::string> names;
  for (const Column& column : plan.columns) names.push_back(column.name);
  return wire::write_names(names);
}

// Adds to the log what it lacks, but for the columns that it had once: those hold patches, under
// another name. Returns whether there was anything to do.
bool Store::amend_log(const TablePlan& plan, bool log_tombstone,
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

int64_t Store::refresh_schema() {
  int64_t count = 0;
  db_.connect();
  db_.gate.write([&] {
    const WriteScope scope(db_, OwnWrite::Kind::apply);
    catalog_.invalidate();
    catalog_.refresh();
    identity_.init(std::nullopt);
    count = follow_schema(true);
    receiver_.retry_schema(true);
  });
  return count;
}

// In mode manual the log is the user's to keep, unless he asks.
int64_t Store::follow_schema(bool manual_too) {
  std::vector<std::string> tables;
  {
    Run run =
        db_.run("SELECT tab FROM main._replic_tables WHERE mode<>'manual' OR ?1 ORDER BY tab");
    run.bind(int64_t{manual_too});
    while (run.step()) tables.push_back(run.text(0));
  }
  int64_t count = 0;
  for (const std::string& table : tables) count += follow_table(table) ? 1 : 0;
  catalog_.refresh();
  state_.row().tables_seen = catalog_.schema_version();
  return count;
}

// Brings one table's log and triggers up to date. Returns whether there was anything to do.
bool Store::follow_table(const std::string& tracked) {
  const std::string table = follow_rename(tracked);
  std::shared_ptr<TablePlan> plan = catalog_.inspect(table);
  // One that was dropped may come back, in a migration that makes it anew.
  if (!plan || plan->log.empty()) return false;
  bool renamed = table != tracked;
  bool lost = false;  // rows were written that no trigger has told of
  std::vector<std::string> before;
  {
    Run run = db_.run("SELECT columns FROM main._replic_tables WHERE tab=?1");
    run.bind(table);
    if (run.step()) before = wire::read_names(run.text(0));
  }
  for (const std::string& name : trigger_names(*plan))
    lost = lost || !has_trigger(db_, table, name);
  if (plan->mode != Mode::manual && !lost) renamed = follow_columns(*plan, before) || renamed;
  plan = catalog_.inspect(table);
  if (!plan->problem.empty()) return renamed;
  const bool changed = amend_log(*plan, !plan->keeps_rows(), before) || renamed;
  if (!changed && triggers_are_current(db_, *plan)) return false;
  const std::string names = column_names(*plan);
  const bool was_complete = plan->complete;
  db_.run("UPDATE main._replic_tables SET columns=?2,complete=complete AND NOT ?3 WHERE tab=?1")
      .bind(table)
      .bind(std::string_view(names))
      .bind(int64_t{lost})
      .exec();
  bring_up(table, lost && was_complete);
  if (renamed) sum_again();
  return true;
}

// The tombstone has become a column of T, or is one no more: brings what the log has of it to its
// new place, and T along. Returns whether there was anything to do.
bool Store::move_tombstones(const std::string& table) {
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

// The name that a tracked table has now. ALTER TABLE has taken its triggers along, but not its log.
std::string Store::follow_rename(const std::string& tracked) {
  if (db_.once("PRAGMA main.table_list(" + ident(tracked) + ")").step()) return tracked;
  std::string name;
  {
    Run run = db_.run(
        "SELECT tbl_name FROM main.sqlite_schema WHERE type='trigger' AND "
        "name='_replic_before_insert_'||?1 COLLATE NOCASE");
    run.bind(tracked);
    if (!run.step()) return tracked;
    name = run.text(0);
  }
  const std::string log = tracked + "_patches";
  if (!db_.once("PRAGMA main.table_list(" + ident(log) + ")").step() ||
      db_.once("PRAGMA main.table_list(" + ident(name + "_patches") + ")").step())
    return tracked;
  db_.exec("ALTER TABLE main." + ident(log) + " RENAME TO " + ident(name + "_patches"));
  for (const std::string_view sql :
       {"UPDATE main._replic_tables SET tab=?2 WHERE tab=?1",
        "UPDATE main._replic_parked SET tab=?2 WHERE tab=?1 COLLATE NOCASE"})
    db_.run(sql).bind(tracked).bind(name).exec();
  db_.run("DELETE FROM main._replic_claims WHERE tab=?1").bind(tracked).exec();
  catalog_.invalidate();
  catalog_.refresh();
  return name;
}

// Renames in the log, and in what is parked, the columns that were renamed in T. Dropping one is
// impossible while the triggers name it, so that each column is in the place where it was.
bool Store::follow_columns(const TablePlan& plan, const std::vector<std::string>& before) {
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

void Store::rename_nulls(const std::string& log, const std::string& from, const std::string& to) {
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

void Store::rename_parked(const std::string& table, const std::string& from,
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

// The content of a patch has the names of its table and columns: every sum is taken again.
void Store::sum_again() {
  state_.flush();
  std::vector<ReceivedRange> ranges;
  state_.for_each_range(true, 0, [&](const ReceivedRange& range) { ranges.push_back(range); });
  for (const ReceivedRange& range : ranges) {
    if (range.ver == kGoneVer) continue;
    uint64_t sum = 0;
    ChangeCursor cursor(db_, catalog_, {Span{range.peer, {range.first, range.last}, range.ver}});
    while (const auto change = cursor.next()) sum += content_hash(change->patch);
    state_.adjust_sum(range.peer, range.first, range.sum, sum);
  }
}

}  // namespace replic

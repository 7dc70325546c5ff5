// replic_track and replic_untrack.

#include "base/bytes.h"
#include "base/error.h"
#include "sqlite/ident.h"
#include "store/tracker.h"
#include "store/triggers.h"
#include "wire/json.h"

namespace replic {
namespace {

// The best shape for a log: WITHOUT ROWID by (peer, seq), which its one index then carries by
// itself. The log is never STRICT, since it must hold whatever a peer may send.
std::string log_ddl(const TablePlan& plan, const std::string& log, bool log_tombstone) {
  std::string sql =
      "CREATE TABLE main." + ident(log) +
      "(_patchedAt INTEGER NOT NULL,_sequenceId INTEGER NOT NULL,_peerId INTEGER NOT NULL";
  for (const Column& column : plan.columns) {
    sql.append(",").append(ident(column.name)).append(" ").append(affinity_type(column.affinity));
    if (column.key_position >= 0) sql.append(" NOT NULL COLLATE ").append(ident(column.collation));
  }
  if (log_tombstone) sql += ",_deletedAt INTEGER";
  return sql + ",_nulls TEXT,PRIMARY KEY(_peerId,_sequenceId)) WITHOUT ROWID";
}

[[noreturn]] void refuse(std::string_view table, const TablePlan& plan) {
  throw Error(Code::table, "table " + quoted(table) + " cannot be replicated: " + plan.problem,
              plan.cure);
}

}  // namespace

std::string Tracker::track(std::string_view table, const TrackOptions& options) {
  const std::optional<Mode> mode = mode_of(options.mode);
  if (!mode) {
    throw Error(Code::mode, "mode " + quoted(options.mode) + " is unknown",
                "the modes are capture, guard and manual");
  }
  auto plan = catalog_.inspect(table);
  if (!plan) catalog_.explain_missing(table);
  if (!plan->problem.empty()) refuse(table, *plan);
  std::string name = plan->name;
  std::string before = kWireTombstone.data();
  {
    Run run = db_.run("SELECT tombstone FROM main._replic_tables WHERE tab=?1");
    run.bind(name);
    if (run.step()) before = run.text(0);
  }
  std::string tombstone = options.tombstone.value_or(before);
  const auto tombstone_column = plan->own_column(tombstone);
  if (tombstone_column) tombstone = plan->columns[*tombstone_column].name;
  if (tombstone_column && plan->columns[*tombstone_column].key_position >= 0) {
    throw Error(Code::option,
                "the tombstone " + quoted(tombstone) + " is a key column of " + quoted(name),
                "name a column that is not part of the primary key");
  }
  if (plan->own_column(kWireTombstone) && !same_name(tombstone, kWireTombstone)) {
    throw Error(Code::option,
                "the tombstone " + quoted(tombstone) + " of " + quoted(name) +
                    " is called deletedAt in messages, and the table has another column of that "
                    "name",
                "rename that column, or let it be the tombstone");
  }
  const std::vector<std::string> had = noted_columns(name);
  const bool had_log = !plan->log.empty();
  if (had_log) {
    amend_log(*plan, !tombstone_column, {});
  } else {
    db_.exec(log_ddl(*plan, name + "_patches", !tombstone_column));
  }
  if (state_.peek().foreign_keys < 0)
    state_.row().foreign_keys = enforces_foreign_keys(db_) ? 1 : 0;
  note(*plan, options.mode, tombstone);
  bring_up(name, had, options.backfill);
  if (had_log && tombstone != before) sum_again();
  catalog_.refresh();
  state_.row().tables_seen = catalog_.schema_version();
  return name;
}

// Writes down how the table is treated.
void Tracker::note(const TablePlan& plan, const std::string& mode, const std::string& tombstone) {
  std::vector<std::string> columns;
  for (const Column& column : plan.columns) columns.push_back(column.name);
  const std::string names = wire::write_names(columns);
  db_.run(
         "INSERT INTO main._replic_tables(tab,mode,tombstone,columns) VALUES(?1,?2,?3,?4) "
         "ON CONFLICT(tab) DO UPDATE SET mode=excluded.mode,tombstone=excluded.tombstone,"
         "columns=excluded.columns,complete=complete AND excluded.mode<>'manual'")
      .bind(plan.name)
      .bind(mode)
      .bind(tombstone)
      .bind(std::string_view(names))
      .exec();
}

std::vector<std::string> Tracker::noted_columns(const std::string& table) {
  Run run = db_.run("SELECT columns FROM main._replic_tables WHERE tab=?1");
  run.bind(table);
  return run.step() ? wire::read_names(run.text(0)) : std::vector<std::string>();
}

// Gives the table, whose log has what it needs, the triggers of its mode, and patches for the rows
// that have none. `had`: the columns that it had when it was looked at last.
void Tracker::bring_up(const std::string& table, const std::vector<std::string>& had,
                       bool backfill) {
  catalog_.invalidate();
  catalog_.refresh();
  park_dropped(table, had);
  move_tombstones(table);
  const TablePlan* plan = catalog_.find_for_write(table);
  if (install_triggers(db_, *plan)) {
    catalog_.refresh();
    plan = catalog_.find_for_write(table);
  }
  if (!backfill || plan->complete) return;
  // Rows of a log that a mode of replic_track has kept complete differ from it only when they were
  // written without triggers.
  record_rows(*plan);
  if (plan->mode == Mode::manual) return;
  record_lost_rows(*plan);
  db_.run("UPDATE main._replic_tables SET complete=1 WHERE tab=?1").bind(plan->name).exec();
  catalog_.invalidate();
}

// Makes patches of the rows that differ from what the log says; of those that it knows nothing of
// alone in mode manual. Bounded memory: one row at a time.
void Tracker::record_rows(const TablePlan& plan) {
  std::string columns, condition;
  for (const Column& column : plan.columns)
    columns.append(columns.empty() ? "" : ",").append("t." + ident(column.name));
  for (const size_t k : plan.key) {
    const Column& column = plan.columns[k];
    condition.append(condition.empty() ? "" : " AND ")
        .append("l." + ident(column.name) + "=t." + ident(column.name) + " COLLATE " +
                ident(column.collation));
  }
  std::string sql = "SELECT " + columns + " FROM main." + ident(plan.name) + " AS t";
  if (plan.mode == Mode::manual)
    sql += " WHERE NOT EXISTS (SELECT 1 FROM main." + ident(plan.log) + " AS l WHERE " + condition +
           ")";
  Run run = db_.once(sql);
  while (run.step()) {
    std::vector<Value> values;
    for (size_t i = 0; i < plan.columns.size(); i++) {
      values.push_back(run.value(static_cast<int>(i)));
      if (values[i].type() != Type::text || !first_bad_utf8(values[i].bytes())) continue;
      throw Error(Code::utf8,
                  "column " + quoted(plan.columns[i].name) + " of table " + quoted(plan.name) +
                      " holds a text that is not valid UTF-8",
                  "store it as a blob, or track the table with {\"backfill\":false}");
    }
    std::vector<Value> key;
    for (const size_t k : plan.key) key.push_back(values[k]);
    // Each is a unit of its own: a receiver need not wait for all of a large table.
    state_.close_group();
    local_.record(plan, key, values);
  }
  state_.close_group();
}

// Makes tombstones of the rows that the log has and T has not.
void Tracker::record_lost_rows(const TablePlan& plan) {
  const size_t tombstone = plan.find(plan.tombstone).value_or(plan.columns.size());
  std::vector<Value> key;
  std::string row;
  bool alive = false;
  const auto end_row = [&] {
    if (row.empty() || !alive) return;
    {
      Run run = db_.run(plan.table_select);
      for (const Value& value : key) run.bind(value);
      if (run.step()) return;
    }
    state_.close_group();
    local_.record_gone(plan, key);
    // The deleted row stays in T.
    if (!plan.log_tombstone) merger_.show(plan, key);
  };
  Run run = db_.once(plan.log_all);
  while (run.step()) {
    const RowPatch patch = Log::read(plan, run);
    std::vector<Value> its_key = key_of(plan, patch);
    std::string its_row = row_key(plan, its_key);
    if (its_row != row) {
      end_row();
      row = std::move(its_row);
      key = std::move(its_key);
      alive = true;
    }
    if (const Value* value = patch.find(tombstone)) alive = value->is_null();
  }
  end_row();
  state_.close_group();
}

std::string Tracker::untrack(std::string_view table) {
  const TablePlan* plan = catalog_.find(table);
  if (plan == nullptr) catalog_.explain_missing(table);
  std::string name = plan->name;
  drop_triggers(db_, name);
  // Its columns stay noted: one that is dropped before the table is tracked again is missed then.
  db_.run("UPDATE main._replic_tables SET mode='manual',complete=0 WHERE tab=?1").bind(name).exec();
  catalog_.invalidate();
  catalog_.refresh();
  state_.row().tables_seen = catalog_.schema_version();
  return name;
}

}  // namespace replic

// replic_track and replic_untrack.

#include "base/bytes.h"
#include "base/error.h"
#include "sqlite/ident.h"
#include "store/store.h"
#include "store/triggers.h"

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

void Store::track(std::string_view table, const TrackOptions& options, const Give& give) {
  const std::optional<Mode> mode = mode_of(options.mode);
  if (!mode) {
    throw Error(Code::mode, "mode " + quoted(options.mode) + " is unknown",
                "the modes are capture, guard and manual");
  }
  write([&] {
    auto plan = catalog_.inspect(table);
    if (!plan) catalog_.explain_missing(table);
    if (!plan->problem.empty()) refuse(table, *plan);
    const std::string name = plan->name;
    std::string tombstone = options.tombstone.value_or("");
    if (tombstone.empty()) {
      Run run = db_.run("SELECT tombstone FROM main._replic_tables WHERE tab=?1");
      run.bind(name);
      tombstone = run.step() ? run.text(0) : "deletedAt";
    }
    for (const Column& column : plan->columns) {
      if (same_name(column.name, tombstone)) tombstone = column.name;
    }
    const auto tombstone_column = plan->log_tombstone ? std::nullopt : plan->find(tombstone);
    const bool log_tombstone = !tombstone_column || *tombstone_column == plan->columns.size();
    if (!log_tombstone && plan->columns[*tombstone_column].key_position >= 0) {
      throw Error(Code::option,
                  "the tombstone " + quoted(tombstone) + " is a key column of " + quoted(name),
                  "name a column that is not part of the primary key");
    }
    if (plan->log.empty()) {
      db_.exec(log_ddl(*plan, name + "_patches", log_tombstone));
    } else {
      const auto add = [&](const std::string& column, std::string_view type) {
        db_.exec("ALTER TABLE main." + ident(plan->log) + " ADD COLUMN " + ident(column) + " " +
                 std::string(type));
      };
      for (const Column& column : plan->columns) {
        if (!column.in_log)
          add(column.name,
              plan->log_strict ? std::string_view(column.type) : affinity_type(column.affinity));
      }
      if (!plan->has_nulls) add("_nulls", "TEXT");
      if (log_tombstone && !plan->log_tombstone) add("_deletedAt", "INTEGER");
    }
    db_.run(
           "INSERT INTO main._replic_tables(tab,mode,tombstone) VALUES(?1,?2,?3) "
           "ON CONFLICT(tab) DO UPDATE SET mode=excluded.mode,tombstone=excluded.tombstone")
        .bind(name)
        .bind(options.mode)
        .bind(tombstone)
        .exec();
    catalog_.invalidate();
    catalog_.refresh();
    install_triggers(db_, *catalog_.find_for_write(name));
    catalog_.refresh();
    receiver_.retry_schema(true);
    if (options.backfill) backfill(name);
    give(Value::text(name));
  });
}

// Makes patches of the rows that no patch has made. Bounded memory: one row at a time, in key
// order.
void Store::backfill(const std::string& table) {
  const TablePlan* plan = catalog_.find_for_write(table);
  std::string columns, condition, order;
  for (const Column& column : plan->columns)
    columns.append(columns.empty() ? "" : ",").append("t." + ident(column.name));
  for (const size_t k : plan->key) {
    const Column& column = plan->columns[k];
    condition.append(condition.empty() ? "" : " AND ")
        .append("l." + ident(column.name) + "=t." + ident(column.name) + " COLLATE " +
                ident(column.collation));
    order.append(order.empty() ? "" : ",").append("t." + ident(column.name));
  }
  Run run = db_.once("SELECT " + columns + " FROM main." + ident(plan->name) +
                     " AS t WHERE NOT EXISTS (SELECT 1 FROM main." + ident(plan->log) +
                     " AS l WHERE " + condition + ")");
  while (run.step()) {
    std::vector<Value> values;
    for (size_t i = 0; i < plan->columns.size(); i++) {
      values.push_back(run.value(static_cast<int>(i)));
      if (values[i].type() != Type::text || !first_bad_utf8(values[i].bytes())) continue;
      throw Error(Code::utf8,
                  "column " + quoted(plan->columns[i].name) + " of table " + quoted(table) +
                      " holds a text that is not valid UTF-8",
                  "store it as a blob, or track the table with {\"backfill\":false}");
    }
    std::vector<Value> key;
    for (const size_t k : plan->key) key.push_back(values[k]);
    // Each is a unit of its own: a receiver need not wait for all of a large table.
    state_.close_group();
    local_.record(*plan, key, &values);
  }
  state_.close_group();
}

void Store::untrack(std::string_view table, const Give& give) {
  write([&] {
    const TablePlan* plan = catalog_.find(table);
    if (plan == nullptr) catalog_.explain_missing(table);
    give(Value::text(plan->name));
    drop_triggers(db_, plan->name);
    db_.run("DELETE FROM main._replic_tables WHERE tab=?1").bind(plan->name).exec();
    catalog_.invalidate();
  });
}

}  // namespace replic

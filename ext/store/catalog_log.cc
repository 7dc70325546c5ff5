// The log of a table: whether it has the columns that it needs, and its indexes.

#include <algorithm>

#include "base/bytes.h"
#include "base/error.h"
#include "model/content.h"
#include "sqlite/ident.h"
#include "store/affinity.h"
#include "store/catalog.h"
#include "store/triggers.h"

namespace replic {
namespace {

// Whether every entry of a log has a value for its column.
bool is_always_there(const TablePlan& plan, const std::string& column) {
  const auto own = plan.own_column(column);
  return (own && plan.columns[*own].key_position >= 0) || same_name(column, "_patchedAt") ||
         same_name(column, "_sequenceId") || same_name(column, "_peerId");
}

}  // namespace

// Whether the log has no more than columns and the two indexes, as replic_track makes it.
bool Catalog::is_plain_log(const TablePlan& plan) {
  const Facts& log = facts(plan.log);
  if (plan.log_strict || log.has_triggers) return false;
  if (folded(log.sql).find("check") != std::string::npos) return false;
  if (db_.once("PRAGMA main.foreign_key_list(" + ident(plan.log) + ")").step()) return false;
  int indexes = 0;
  for (Run run = db_.once("PRAGMA main.index_list(" + ident(plan.log) + ")"); run.step();)
    indexes++;
  return indexes <= 2;
}

void Catalog::read_log(TablePlan& plan) {
  std::map<std::string, Affinity> log;
  {
    Run run = db_.once("PRAGMA main.table_xinfo(" + ident(plan.log) + ")");
    plan.log_is_plain = is_plain_log(plan);
    while (run.step()) {
      log[folded(run.text(1))] = affinity_of(run.text(2), plan.log_strict);
      const bool is_generated = run.integer(6) != 0;
      const bool may_refuse = run.integer(3) != 0 && !is_always_there(plan, run.text(1));
      if (is_generated || may_refuse) plan.log_is_plain = false;
    }
  }
  for (const char* name : {"_patchedAt", "_sequenceId", "_peerId"}) {
    if (log.count(folded(name)) != 0) continue;
    plan.problem = quoted(plan.log) + " has no column " + quoted(name);
    plan.cure = "make the log again with _patchedAt, _sequenceId and _peerId as INTEGER NOT NULL";
    return;
  }
  plan.has_nulls = log.count("_nulls") != 0;
  for (Column& column : plan.columns) {
    const auto it = log.find(folded(column.name));
    if (it != log.end() && it->second != column.affinity) {
      plan.problem = "column " + quoted(column.name) + " has another type in " + quoted(plan.log);
      plan.cure = "declare it in the log with the same affinity: " + ident(column.name) + " " +
                  std::string(plan.log_strict ? std::string_view(column.type)
                                              : affinity_type(column.affinity));
      return;
    }
    column.in_log = it != log.end();
    if (!column.in_log && column.key_position >= 0) {
      plan.problem = quoted(plan.log) + " lacks the key column " + quoted(column.name);
      plan.cure = "ALTER TABLE " + ident(plan.log) + " ADD COLUMN " + ident(column.name) + " " +
                  column.type;
      return;
    }
  }
  plan.tombstone = "deletedAt";
  if (initialised()) {
    Run run = db_.run("SELECT tombstone,mode,complete FROM main._replic_tables WHERE tab=?1");
    run.bind(plan.name);
    if (run.step()) {
      plan.tombstone = run.text(0);
      plan.mode = mode_of(run.text(1)).value_or(Mode::manual);
      plan.complete = run.integer(2) != 0;
    }
  }
  plan.tombstone_column = plan.own_column(plan.tombstone);
  plan.log_tombstone = log.count("_deletedat") != 0 && !plan.tombstone_column;
  if (plan.tombstone_column)
    plan.columns[*plan.tombstone_column].seed = column_seed(kWireTombstone);
  const auto rival = plan.own_column(kWireTombstone);
  if (!rival || rival == plan.tombstone_column) return;
  plan.problem = "its column " + quoted(plan.columns[*rival].name) +
                 " is not its tombstone, and has the name that the tombstone has in messages";
  plan.cure = "rename the column, or make it the tombstone: SELECT replic_track(" +
              literal(plan.name) + ",'{\"tombstone\":\"deletedAt\"}')";
}

const TablePlan* Catalog::find_for_write(std::string_view table) {
  Entry& found = entry(table);
  const TablePlan* plan = found.plan.get();
  if (plan == nullptr || !plan->problem.empty() || found.has_indexes) return plan;
  if (!ensure_indexes(*plan)) {
    found.has_indexes = true;
    return plan;
  }
  refresh();
  return find(table);
}

// `name`, or another that no table or index has: one of a log that was renamed has kept its name.
std::string Catalog::free_name(const std::string& name) {
  std::string out = name;
  for (int i = 2;; i++) {
    Run run = db_.run("SELECT 1 FROM main.sqlite_schema WHERE name=?1 COLLATE NOCASE");
    run.bind(out);
    if (!run.step()) return out;
    out = name + std::to_string(i);
  }
}

// Returns true when it has changed the schema.
bool Catalog::ensure_indexes(const TablePlan& plan) {
  std::vector<std::string> by_key;
  for (const size_t k : plan.key)
    by_key.push_back(folded(plan.columns[k].name + " " + plan.columns[k].collation));
  by_key.emplace_back("_patchedat binary");
  bool has_seq = false;
  bool has_key = false;
  {
    Run indexes = db_.once("PRAGMA main.index_list(" + ident(plan.log) + ")");
    while (indexes.step()) {
      if (indexes.integer(4) != 0) continue;  // partial
      std::vector<std::string> parts;
      Run columns = db_.once("PRAGMA main.index_xinfo(" + ident(indexes.text(1)) + ")");
      while (columns.step()) {
        if (columns.integer(5) != 0)
          parts.push_back(folded(columns.text(2) + " " + columns.text(4)));
      }
      const bool unique = indexes.integer(2) != 0;
      has_seq = has_seq || (unique && parts.size() == 2 && parts[0] == "_peerid binary" &&
                            parts[1] == "_sequenceid binary");
      has_key = has_key || (parts.size() >= by_key.size() &&
                            std::equal(by_key.begin(), by_key.end(), parts.begin()));
    }
  }
  if (has_seq && has_key) return false;
  const std::string& log = plan.log;
  std::string key_columns;
  for (const size_t k : plan.key) {
    key_columns +=
        ident(plan.columns[k].name) + " COLLATE " + ident(plan.columns[k].collation) + ",";
  }
  if (!has_seq) {
    db_.exec("CREATE UNIQUE INDEX main." + ident(free_name(log + "_seq")) + " ON " + ident(log) +
             "(_peerId,_sequenceId)");
  }
  if (!has_key) {
    db_.exec("CREATE INDEX main." + ident(free_name(log + "_row")) + " ON " + ident(log) + "(" +
             key_columns + "_patchedAt,_peerId,_sequenceId)");
  }
  return true;
}

}  // namespace replic

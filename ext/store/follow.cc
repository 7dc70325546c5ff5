// replic_refresh: tables that the application has altered.

#include "model/content.h"
#include "sqlite/ident.h"
#include "store/changes.h"
#include "store/tracker.h"
#include "store/triggers.h"

namespace replic {
namespace {

// Whether the table has all triggers without which writes to it would go unnoticed.
bool is_watched(Database& db, const TablePlan& plan) {
  std::vector<std::string> names = trigger_names(plan);
  Run run = db.run(
      "SELECT name FROM main.sqlite_schema WHERE type='trigger' AND tbl_name=?1 COLLATE NOCASE");
  run.bind(plan.name);
  while (run.step()) std::erase(names, run.text(0));
  return names.empty();
}

}  // namespace

int64_t Tracker::follow(bool manual_too) {
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
bool Tracker::follow_table(const std::string& tracked) {
  const std::string table = follow_rename(tracked);
  std::shared_ptr<TablePlan> plan = catalog_.inspect(table);
  // One that was dropped may come back, in a migration that makes it anew.
  if (!plan || plan->log.empty()) return false;
  bool renamed = table != tracked;
  const bool lost = !is_watched(db_, *plan);  // rows were written that no trigger has told of
  const std::vector<std::string> before = noted_columns(table);
  if (plan->mode != Mode::manual && !lost) renamed = rename_columns(*plan, before) || renamed;
  plan = catalog_.inspect(table);
  if (!plan->problem.empty()) return renamed;
  const bool changed = amend_log(*plan, !plan->keeps_rows(), before) || renamed;
  if (!changed && triggers_are_current(db_, *plan)) return false;
  const bool was_complete = plan->complete;
  // Renaming has changed the names.
  const std::vector<std::string> had = renamed ? std::vector<std::string>() : before;
  note(*plan, std::string(mode_name(plan->mode)), plan->tombstone);
  if (lost) {
    db_.run("UPDATE main._replic_tables SET complete=0 WHERE tab=?1").bind(table).exec();
  }
  bring_up(table, had, lost && was_complete);
  if (renamed) sum_again();
  return true;
}

// The name that a tracked table has now. ALTER TABLE has taken its triggers along, but not its log.
std::string Tracker::follow_rename(const std::string& tracked) {
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
        "UPDATE main._replic_parked SET tab=?2 WHERE tab=?1 COLLATE NOCASE",
        "UPDATE OR REPLACE main._replic_legal SET tab=?2 WHERE tab=?1"})
    db_.run(sql).bind(tracked).bind(name).exec();
  db_.run("DELETE FROM main._replic_claims WHERE tab=?1").bind(tracked).exec();
  catalog_.invalidate();
  catalog_.refresh();
  return name;
}

// The content of a patch has the names of its table and columns: every sum is taken again.
void Tracker::sum_again() {
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

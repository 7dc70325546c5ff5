#include "store/rows.h"

#include <algorithm>
#include <numeric>

#include "store/own_write.h"
#include "store/triggers_aside.h"

namespace replic {
namespace {

// Switches the connection's immediate foreign keys to deferred ones, for as long as it lives.
class DeferredForeignKeys {
 public:
  explicit DeferredForeignKeys(Database& db) : db_(db) {
    Run run = db_.once("PRAGMA defer_foreign_keys");
    was_on_ = run.step() && run.integer(0) != 0;
  }
  DeferredForeignKeys(const DeferredForeignKeys&) = delete;
  DeferredForeignKeys& operator=(const DeferredForeignKeys&) = delete;
  void on() {
    if (!was_on_) db_.exec("PRAGMA defer_foreign_keys=ON");
  }
  void off() {
    if (!was_on_) db_.exec("PRAGMA defer_foreign_keys=OFF");
  }

 private:
  Database& db_;
  bool was_on_ = false;
};

// What a local patch frees is merged like what others send: what triggers write then is ignored.
OwnWrite::Kind kind_of(const Database& db, const RowTarget& target) {
  return target.is_local ? db.own_write.kind : OwnWrite::Kind::apply;
}

bool delete_row(Database& db, const RowTarget& target) {
  const WriteScope scope(db, kind_of(db, target));
  const Announce announce(db, *target.plan, target.key, Announce::Statement::remove);
  Run run = db.run(target.plan->table_delete);
  for (const Value& value : target.key) run.bind(value);
  return run.try_exec() == SQLITE_OK;
}

// Foreign keys of the connection can do more than refuse what is not legal.
bool foreign_keys_matter(Database& db, const std::vector<RowTarget>& targets) {
  const auto has_ties = [](const RowTarget& target) { return target.plan->has_ties(); };
  if (std::none_of(targets.begin(), targets.end(), has_ties)) return false;
  Run run = db.run("PRAGMA foreign_keys");
  return run.step() && run.integer(0) != 0;
}

bool has_local_children(const std::vector<RowTarget>& targets) {
  return std::any_of(targets.begin(), targets.end(),
                     [](const RowTarget& target) { return target.plan->has_local_children; });
}

// Runs a statement that writes one row.
int finish(Database& db, const TablePlan& plan, Run& run) {
  const int rc = run.try_exec();
  return rc == SQLITE_OK && plan.has_triggers && db.changes() == 0 ? kIgnored : rc;
}

}  // namespace

int write_row(Database& db, const RowTarget& target) {
  const WriteScope scope(db, kind_of(db, target));
  const TablePlan& plan = *target.plan;
  const std::vector<Value>& key = target.key;
  const RowFold& fold = *target.fold;
  std::vector<size_t> changed;
  bool present = false;
  {
    Run run = db.run(plan.table_select);
    for (const Value& value : key) run.bind(value);
    present = run.step();
    for (size_t i = 0; present && fold.visible() && i < plan.columns.size(); i++) {
      const bool key_column = plan.columns[i].key_position >= 0;
      if (key_column && !plan.respells) continue;
      if (!(run.value(static_cast<int>(i)) == fold.value(i))) changed.push_back(i);
    }
  }
  if (!fold.visible()) {
    if (!present) return SQLITE_OK;
    const Announce announce(db, plan, key, Announce::Statement::remove);
    Run run = db.run(plan.table_delete);
    for (const Value& value : key) run.bind(value);
    return finish(db, plan, run);
  }
  if (!present) {
    const Announce announce(db, plan, key, Announce::Statement::insert);
    Run run = db.run(plan.table_insert);
    for (size_t i = 0; i < plan.columns.size(); i++) run.bind(fold.value(i));
    return finish(db, plan, run);
  }
  if (changed.empty()) return SQLITE_OK;
  const Announce announce(db, plan, key, Announce::Statement::update);
  Run run = db.run(plan.update_sql(changed));
  for (const size_t i : changed) run.bind(fold.value(i));
  for (const Value& value : key) run.bind(value);
  return finish(db, plan, run);
}

static bool write_with_triggers_aside(Database& db, const RowTarget& target) {
  if (target.is_local || !target.plan->has_triggers) return false;
  return db.gate.attempt([&] {
    TriggersAside aside(db, *target.plan);
    if (!aside.any() || write_row(db, target) != SQLITE_OK) return false;
    aside.restore();
    return true;
  });
}

std::optional<RowRefusal> write_rows(Database& db, const std::vector<RowTarget>& targets) {
  std::vector<size_t> left(targets.size());
  std::iota(left.begin(), left.end(), size_t{0});
  std::string why;
  bool enforced = foreign_keys_matter(db, targets);
  ForeignKeysOff keys(db);
  // Rows that refer to them and are not replicated need the actions.
  if (enforced && !has_local_children(targets) && !db.has_deferred_violations()) {
    keys.off();
    enforced = false;
  }
  // Each pass writes what can be written by now.
  const auto write_all = [&] {
    for (size_t before = left.size() + 1; !left.empty() && left.size() < before;) {
      before = left.size();
      std::erase_if(left, [&](size_t i) {
        const auto write = [&] {
          const int rc = write_row(db, targets[i]);
          if (rc == SQLITE_OK) return true;
          why = rc == kIgnored ? std::string(kIgnoredText) : db.errmsg();
          return false;
        };
        // What a trigger has left by RAISE(FAIL) is taken back; and a deferred FOREIGN KEY that a
        // statement of one row counts as broken before another one makes it fail. Source:
        // fkLookupParent() in fkey.c.
        const TablePlan& plan = *targets[i].plan;
        const bool may_leave_half = plan.has_triggers || (enforced && !plan.foreign_keys.empty());
        return may_leave_half ? db.gate.attempt(write) : write();
      });
    }
    return left.empty();
  };
  if (write_all()) return std::nullopt;
  while (std::erase_if(left, [&](size_t i) { return write_with_triggers_aside(db, targets[i]); }) >
         0)
    write_all();
  if (left.empty()) return std::nullopt;
  std::optional<DeferredForeignKeys> deferred;
  if (enforced) deferred.emplace(db).on();
  if (!write_all()) {
    // Values that change places in a circle: take the rows out, and put them in anew.
    for (const size_t i : left) delete_row(db, targets[i]);
    write_all();
  }
  if (deferred) deferred->off();
  if (left.empty()) return std::nullopt;
  return RowRefusal{left.front(), why};
}

}  // namespace replic

#include "store/merge.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/error.h"
#include "store/changes.h"
#include "store/own_write.h"

namespace replic {
namespace {

// The columns that a patch writes into T, beside the key, or with it where spelling matters.
void written_columns(const TablePlan& plan, const RowPatch& patch, bool with_key,
                     std::vector<size_t>& out) {
  out.clear();
  for (const Slot& slot : patch.slots) {
    if (slot.column >= plan.columns.size()) continue;
    if (plan.columns[slot.column].key_position < 0 || with_key) out.push_back(slot.column);
  }
}

bool has_needed_columns(const TablePlan& plan) {
  return std::any_of(plan.columns.begin(), plan.columns.end(), [](const Column& column) {
    return column.key_position < 0 && column.not_null &&
           column.default_kind != DefaultKind::constant;
  });
}

bool sets_every_needed_column(const TablePlan& plan, const RowPatch& patch) {
  for (size_t i = 0; i < plan.columns.size(); i++) {
    const Column& column = plan.columns[i];
    if (column.not_null && column.default_kind != DefaultKind::constant && patch.find(i) == nullptr)
      return false;
  }
  return true;
}

}  // namespace

bool sets_column_of(const ValueKey& key, const RowPatch& patch) {
  return std::any_of(key.columns.begin(), key.columns.end(), [&](const KeyColumn& column) {
    return column.column && patch.find(*column.column) != nullptr;
  });
}

void sort_slots(RowPatch& patch) {
  std::sort(patch.slots.begin(), patch.slots.end(),
            [](const Slot& a, const Slot& b) { return a.column < b.column; });
}

RowPatch row_patch_of(const TablePlan& plan, const Patch& patch) {
  RowPatch row;
  row.stamp = patch.stamp;
  for (const Cell& cell : patch.cells) {
    if (const auto column = plan.find(cell.column)) row.slots.push_back({*column, cell.value});
  }
  sort_slots(row);
  return row;
}

void Merger::begin() {
  prepare();
  if (has_ties_) logged_at_ = state_.clock(true).at;
}

// Sees to what the tables' keys need, once after each change of the schema: claims of all tables
// are needed, not only of the one that is written.
void Merger::prepare() {
  latest_late_.reset();
  if (prepared_ == catalog_.generation()) return;
  scratch_.clear();
  // Whoever wrote first after the last change of the schema has seen to it. It takes all tables, so
  // a connection that only comes to write does not do it once more. An engine that reads other keys
  // from the same schema has to be told from this one by kFormat.
  if (prepared_ < 0 && state_.peek().tables_seen == catalog_.schema_version()) {
    has_ties_ = db_.run("SELECT 1 FROM main._replic_keys LIMIT 1").step();
    has_foreign_keys_ = catalog_.may_have_foreign_keys();
    prepared_ = judged_ = catalog_.generation();
    return;
  }
  prepare_all();
}

void Merger::prepare_all() {
  const std::vector<std::string> tables = catalog_.tables();
  has_foreign_keys_ = has_ties_ = false;
  for (const std::string& table : tables) {
    const TablePlan* plan = catalog_.find_for_write(table);
    if (plan == nullptr || !plan->problem.empty()) continue;
    claims_.prepare(*plan);
    has_foreign_keys_ = has_foreign_keys_ || !plan->foreign_keys.empty();
    has_ties_ = has_ties_ || plan->has_ties();
  }
  // Whether foreign keys count is decided once for the file: by the connection that first needs it.
  if (has_foreign_keys_ && state_.peek().foreign_keys < 0)
    state_.row().foreign_keys = enforces_foreign_keys(db_) ? 1 : 0;
  prepared_ = catalog_.generation();
  knows_foreign_keys_ = true;
}

bool Merger::disregards_foreign_keys() {
  if (!has_foreign_keys_ || state_.peek().foreign_keys != 0 || !enforces_foreign_keys(db_))
    return false;
  if (!knows_foreign_keys_) prepare_all();
  return has_foreign_keys_;
}

bool enforces_foreign_keys(Database& db) {
  Run run = db.run("PRAGMA foreign_keys");
  return run.step() && run.integer(0) != 0;
}

bool Merger::ignores_checks() {
  Run run = db_.run("PRAGMA ignore_check_constraints");
  return run.step() && run.integer(0) != 0;
}

void Merger::place(std::span<UnitPart* const> plain, std::vector<Unit>&& units) {
  std::vector<Unit> slow;
  prepare();
  place_plain(plain, slow);
  for (Unit& unit : units) {
    if (unit.group) {
      db_.run("INSERT OR REPLACE INTO main._replic_groups(peer,first,last) VALUES(?1,?2,?3)")
          .bind(unit.stamp.peer)
          .bind(unit.group->first)
          .bind(unit.group->last)
          .exec();
    }
    if (unit.parts.empty()) continue;
    if (!place_fast(unit.parts))
      slow.push_back(std::move(unit));
    else
      logged_at_ = std::max(logged_at_, unit.stamp.at);
  }
  if (slow.empty()) return;
  Replay replay = new_replay();
  note_claims(slow);
  for (Unit& unit : slow) {
    logged_at_ = std::max(logged_at_, unit.stamp.at);
    replay.add(std::move(unit));
  }
  settle(replay);
}

// Places what may be placed fast; the others become units in `slow`.
void Merger::place_plain(std::span<UnitPart* const> plain, std::vector<Unit>& slow) {
  batch_.begin();
  for (UnitPart* part : plain) {
    const TablePlan& plan = *part->plan;
    const Stamp stamp = part->row.stamp;
    // While nothing waits, no other row of the log is looked at.
    in_batch_ =
        plain.size() > 1 && state_.peek().waiting == 0 && !plan.has_triggers && !plan.respells;
    if (!in_batch_) batch_.flush();
    if (place_fast({part, 1})) {
      logged_at_ = std::max(logged_at_, stamp.at);
    } else {
      slow.push_back({stamp, std::nullopt, {}});
      slow.back().parts.push_back(std::move(*part));
    }
  }
  in_batch_ = false;
  batch_.flush();
}

// Puts a patch that has been written to T into the log.
void Merger::insert(const TablePlan& plan, const RowPatch& patch) {
  if (in_batch_)
    batch_.insert(plan, patch);
  else
    log_.insert(plan, patch);
}

void Merger::note_claims(const std::vector<Unit>& units) {
  for (const Unit& unit : units) {
    for (const UnitPart& part : unit.parts) {
      if (part.plan->has_ties()) claims_.expect(*part.plan, part.row);
    }
  }
  for (const Unit& unit : units) {
    for (const UnitPart& part : unit.parts) {
      if (!part.plan->has_ties()) continue;
      claims_.note(*part.plan, part.row, true);
      claims_.note(*part.plan, part.row, false);
    }
  }
  claims_.forget_expected();
}

// Places a unit by the fast or the late path. False, with nothing done, when that cannot be.
bool Merger::place_fast(std::span<const UnitPart> parts) {
  for (const UnitPart& part : parts) {
    if (concerns_waiting(*part.plan, part.row)) return false;
  }
  const UnitPart& first = parts.front();
  // A trigger of the application may fail and leave what it wrote: RAISE(FAIL).
  const bool leaves_nothing = !first.plan->has_triggers;
  if (parts.size() == 1 && leaves_nothing) return write_fast(first);
  const auto write = [&](const UnitPart& part) { return write_fast(part); };
  if (db_.gate.care() == Care::parts) {
    return db_.gate.attempt([&] { return std::all_of(parts.begin(), parts.end(), write); });
  }
  // Seldom does one fail after others.
  db_.gate.need(Care::whole);
  if (write_fast(first)) {
    if (std::all_of(parts.begin() + 1, parts.end(), write)) return true;
  } else if (leaves_nothing) {
    return false;
  }
  db_.gate.need(Care::parts);
  return false;
}

bool Merger::write_fast(const UnitPart& part) {
  const TablePlan& plan = *part.plan;
  const RowPatch& patch = part.row;
  const std::vector<Value>& key = key_;
  copy_key(plan, patch, key_);
  const auto newest = in_batch_ ? batch_.newest(plan, key) : log_.newest(plan, key);
  const bool can_wait = plan.has_ties() || plan.needs_trial || has_needed_columns(plan);
  if (newest && can_wait && was_accepted_after(plan, key, patch.stamp)) return false;
  if (newest && *newest > patch.stamp)
    return may_merge_late(plan, key, patch) && merge_late(plan, key, patch);
  if (plan.log_strict && !is_harmless(plan, patch)) return false;
  if (plan.has_ties() &&
      !may_write_newest(plan, patch, !newest, claims_.note(plan, patch, !newest)))
    return false;
  if (plan.needs_trial && ignores_checks()) return false;
  bool replay_instead = false;
  const int rc = write_newest(plan, key, patch, newest.has_value(), &replay_instead);
  if (rc != SQLITE_OK || replay_instead) return false;
  insert(plan, patch);
  return true;
}

// Whether T, as it is, tells what the keys allow at the time of a patch that is the newest of its
// row: the rows tied to it have not changed since.
bool Merger::may_write_newest(const TablePlan& plan, const RowPatch& patch, bool is_new,
                              const Claims::Noted& noted) {
  if (!is_newest_of_all(patch)) {
    for (const auto& [key, tuple] : noted.provided) {
      if (key->is_unique && !is_untouched_since(claims_.holders(*key, tuple), patch, plan))
        return false;
    }
  }
  if (!is_new) {
    // What is given up may have been referred to, also when NULL takes its place; and where a key
    // is spelled anew, SQLite compares the row's references to itself by bytes.
    for (const ValueKey& key : plan.value_keys) {
      if (key.is_referenced && !key.is_primary && sets_column_of(key, patch)) return false;
    }
    if (plan.respells && plan.refers_to_itself()) return false;
  }
  const bool sets_tombstone = plan.log_tombstone && patch.find(plan.columns.size()) != nullptr;
  if (sets_tombstone && !plan.value_keys.empty()) return false;
  if (state_.peek().foreign_keys <= 0) return true;
  return std::all_of(noted.referred.begin(), noted.referred.end(), [&](const auto& reference) {
    // SQLite compares a row with itself by bytes, whatever the collation says.
    if (plan.respells && same_name(reference.first->parent_table, plan.name)) return false;
    return has_parent_now(*reference.first, reference.second, patch.stamp);
  });
}

// Nothing that is kept was written or accepted after it.
bool Merger::is_newest_of_all(const RowPatch& patch) {
  return patch.stamp.at > logged_at_ && !is_any_accepted_after(patch.stamp);
}

bool Merger::is_untouched_since(const std::vector<RowName>& rows, const RowPatch& patch,
                                const TablePlan& plan) {
  const std::string own = row_key(plan, key_of(plan, patch));
  for (const RowName& row : rows) {
    if (row.row_key == own && row.table == plan.name) continue;
    const TablePlan* other = catalog_.find(row.table);
    if (other == nullptr || !other->problem.empty()) continue;
    const std::vector<Value> key = key_from(row.row_key);
    const auto newest = log_.newest(*other, key);
    if (!newest) continue;
    if (*newest > patch.stamp || was_accepted_after(*other, key, patch.stamp)) return false;
  }
  return true;
}

// Whether the parent is there now and was at `stamp`. True as well when T itself will tell.
bool Merger::has_parent_now(const ForeignKey& foreign, const Tuple& tuple, const Stamp& stamp) {
  const TablePlan* plan = catalog_.find(foreign.parent_table);
  if (plan == nullptr || !plan->problem.empty() || !foreign.parent.is_primary) return false;
  const std::vector<Value> key = parent_key(*plan, foreign, tuple);
  // A row that was never deleted was there from its first patch on; unless that one had to wait.
  const auto newest = log_.newest(*plan, key);
  if (!newest || was_accepted_after(*plan, key, stamp)) return false;
  if (*newest > stamp) {
    if (*log_.oldest(*plan, key) > stamp) return false;
    if (plan->log_tombstone && claims_.was_ever_deleted(*plan, row_key(*plan, key))) return false;
  }
  Run run = db_.run(plan->table_select);
  for (const Value& value : key) run.bind(value);
  return run.step();
}

// Whether a patch that is older than others of its row changes no decision, its own included.
bool Merger::may_merge_late(const TablePlan& plan, const std::vector<Value>& key,
                            const RowPatch& patch) {
  if (plan.needs_trial || !is_harmless(plan, patch)) return false;
  if (plan.has_ties() && sets_tied_column(plan, patch)) return false;
  if (!plan.has_ties() && !has_needed_columns(plan)) return true;
  // After an older one the row is whole; or it is this one that makes it so.
  const auto oldest = log_.oldest(plan, key);
  if (oldest && *oldest < patch.stamp) return true;
  return !plan.has_ties() && sets_every_needed_column(plan, patch);
}

// Writes a patch that is the newest of its row. `logged`: the log has patches of that row.
int Merger::write_newest(const TablePlan& plan, const std::vector<Value>& key,
                         const RowPatch& patch, bool logged, bool* replay_instead) {
  db_.prepare(plan.log_insert);
  const bool sets_tombstone = plan.log_tombstone && patch.find(plan.columns.size()) != nullptr;
  if (sets_tombstone) {
    *replay_instead = true;
    return SQLITE_OK;
  }
  const auto bind_key = [&](Run& run) {
    for (const size_t k : plan.key) run.bind(*patch.find(k));
  };
  const auto upsert = [&](Announce::Statement statement) {
    written_columns(plan, patch, false, columns_);
    const Announce announce(db_, plan, key, statement);
    Run run = db_.run_unjournaled(plan.upsert_sql(columns_));
    bind_key(run);
    for (const size_t i : columns_) run.bind(*patch.find(i));
    const int rc = run.try_exec();
    return rc == SQLITE_OK && plan.has_triggers && db_.changes() == 0 ? kIgnored : rc;
  };
  // With triggers of the application an upsert could not be told from what they write.
  if (!logged && !plan.has_triggers && sets_every_needed_column(plan, patch))
    return upsert(Announce::Statement::upsert);
  {
    written_columns(plan, patch, plan.respells, columns_);
    const Announce announce(db_, plan, key, Announce::Statement::update);
    Run run = db_.run_unjournaled(plan.update_sql(columns_));
    for (const size_t i : columns_) run.bind(*patch.find(i));
    bind_key(run);
    const int rc = run.try_exec();
    if (rc != SQLITE_OK || db_.changes() > 0) return rc;
  }
  // The row is logged but not in T: deleted, or its T row was taken away by hand. Only all its
  // patches tell.
  if (logged) {
    *replay_instead = true;
    return SQLITE_OK;
  }
  // It inserts: an UPDATE of the row is one of a trigger.
  return upsert(plan.has_triggers ? Announce::Statement::insert : Announce::Statement::upsert);
}

// Merges a patch older than others of its row, all of which are accepted. False when T lacks the
// row.
bool Merger::merge_late(const TablePlan& plan, const std::vector<Value>& key,
                        const RowPatch& patch) {
  db_.prepare(plan.log_insert);
  std::vector<size_t> columns;
  written_columns(plan, patch, false, columns);
  log_.newer(plan, key, patch.stamp, [&](const RowPatch& newer) {
    std::erase_if(columns, [&](size_t column) { return newer.find(column) != nullptr; });
    return !columns.empty();
  });
  if (!columns.empty()) {
    const Announce announce(db_, plan, key, Announce::Statement::update);
    Run run = db_.run_unjournaled(plan.update_sql(columns));
    for (const size_t i : columns) run.bind(*patch.find(i));
    for (const Value& value : key) run.bind(value);
    if (run.try_exec() != SQLITE_OK || db_.changes() == 0) return false;
  }
  insert(plan, patch);
  return true;
}

}  // namespace replic

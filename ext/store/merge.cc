#include "store/merge.h"

#include <algorithm>

#include "base/error.h"
#include "store/judge.h"
#include "store/own_write.h"

namespace replic {
namespace {

void sort_slots(RowPatch& patch) {
  std::sort(patch.slots.begin(), patch.slots.end(),
            [](const Slot& a, const Slot& b) { return a.column < b.column; });
}

// No value of this patch can break NOT NULL or STRICT by itself.
bool harmless(const TablePlan& plan, const RowPatch& patch) {
  for (const Slot& slot : patch.slots) {
    if (slot.column >= plan.columns.size()) return false;  // a log tombstone
    const Column& column = plan.columns[slot.column];
    if (column.not_null && slot.value.is_null()) return false;
    if ((plan.strict || plan.log_strict) && !fits_strict(column, slot.value)) return false;
  }
  return true;
}

// The columns that a patch writes into T, beside the key, or with it where spelling matters.
std::vector<size_t> written_columns(const TablePlan& plan, const RowPatch& patch, bool with_key) {
  std::vector<size_t> out;
  for (const Slot& slot : patch.slots) {
    if (slot.column >= plan.columns.size()) continue;
    if (plan.columns[slot.column].key_position < 0 || with_key) out.push_back(slot.column);
  }
  return out;
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

// One patch of a row that is being settled.
struct Merger::Member {
  Unit unit;
  bool in_log = false;
  bool is_parked = false;
  int64_t since_unix_ms = 0;
};

RowPatch row_patch_of(const TablePlan& plan, const Patch& patch) {
  RowPatch row;
  row.stamp = patch.stamp;
  for (const Cell& cell : patch.cells) {
    if (const auto column = plan.find(cell.column)) row.slots.push_back({*column, cell.value});
  }
  sort_slots(row);
  return row;
}

std::optional<std::string> Merger::merge(const TablePlan& plan, const Unit& unit, bool park) {
  const RowPatch& patch = unit.row;
  const std::vector<Value> key = key_of(plan, patch);
  const bool waiters =
      state_.peek().waiting > 0 && !parked_.waiting(plan.name, row_key(plan, key)).empty();
  if (waiters) return settle(plan, key, &unit, park);

  const auto newest = log_.newest(plan, key);
  if (newest && *newest > patch.stamp) {
    if (!plan.needs_trial && harmless(plan, patch) && merge_late(plan, key, patch))
      return std::nullopt;
    return settle(plan, key, &unit, park);
  }
  if (plan.log_strict && !harmless(plan, patch)) return settle(plan, key, &unit, park);
  bool settle_instead = false;
  const int rc = write_newest(plan, key, patch, newest.has_value(), &settle_instead);
  if (settle_instead) return settle(plan, key, &unit, park);
  if (rc == SQLITE_OK) {
    log_.insert(plan, patch);
    return std::nullopt;
  }
  std::string why = db_.errmsg();
  if (park) park_waiting(plan, unit, row_key(plan, key), why, db_.now_unix_ms());
  return why;
}

void Merger::merge_again(const TablePlan& plan, const Unit& unit) {
  const bool was_ours = log_.erase(plan, unit.row.stamp.peer, unit.row.stamp.seq);
  unpark(unit.row.stamp);
  settle(plan, key_of(plan, unit.row), &unit, true, was_ours);
}

// Writes a patch that is the newest of its row. `logged`: the log has patches of that row.
int Merger::write_newest(const TablePlan& plan, const std::vector<Value>& key,
                         const RowPatch& patch, bool logged, bool* settle_instead) {
  const bool sets_tombstone = plan.log_tombstone && patch.find(plan.columns.size()) != nullptr;
  if (sets_tombstone) {
    *settle_instead = true;
    return SQLITE_OK;
  }
  const auto bind_key = [&](Run& run) {
    for (const size_t k : plan.key) run.bind(*patch.find(k));
  };
  const auto upsert = [&] {
    const std::vector<size_t> columns = written_columns(plan, patch, false);
    const Announce announce(db_, plan, key, Announce::Statement::upsert);
    Run run = db_.run(plan.upsert_sql(columns));
    bind_key(run);
    for (const size_t i : columns) run.bind(*patch.find(i));
    return run.try_exec();
  };
  // With triggers of the application an upsert could not be told from what they write.
  if (!logged && !plan.has_triggers && sets_every_needed_column(plan, patch)) return upsert();
  {
    const std::vector<size_t> columns = written_columns(plan, patch, plan.respells);
    const Announce announce(db_, plan, key, Announce::Statement::update);
    Run run = db_.run(plan.update_sql(columns));
    for (const size_t i : columns) run.bind(*patch.find(i));
    bind_key(run);
    const int rc = run.try_exec();
    if (rc != SQLITE_OK || db_.changes() > 0) return rc;
  }
  // The row is logged but not in T: deleted, or its T row was taken away by hand. Only all its
  // patches tell.
  if (logged) {
    *settle_instead = true;
    return SQLITE_OK;
  }
  return upsert();
}

// Merges a patch older than others of its row, all of which are accepted. False when T lacks the
// row.
bool Merger::merge_late(const TablePlan& plan, const std::vector<Value>& key,
                        const RowPatch& patch) {
  std::vector<size_t> columns = written_columns(plan, patch, false);
  log_.newer(plan, key, patch.stamp, [&](const RowPatch& newer) {
    std::erase_if(columns, [&](size_t column) { return newer.find(column) != nullptr; });
    return !columns.empty();
  });
  if (!columns.empty()) {
    const Announce announce(db_, plan, key, Announce::Statement::update);
    Run run = db_.run(plan.update_sql(columns));
    for (const size_t i : columns) run.bind(*patch.find(i));
    for (const Value& value : key) run.bind(value);
    if (run.try_exec() != SQLITE_OK || db_.changes() == 0) return false;
  }
  log_.insert(plan, patch);
  return true;
}

std::vector<Merger::Member> Merger::gather(const TablePlan& plan, const std::vector<Value>& key,
                                           const Unit* extra) {
  std::vector<Member> members;
  for (RowPatch& row : log_.row(plan, key))
    members.push_back({{std::move(row), 0, {}}, true, false, 0});
  for (ParkedPatch& parked : parked_.waiting(plan.name, row_key(plan, key))) {
    RowPatch row = row_patch_of(plan, parked.patch);
    const auto same = std::find_if(members.begin(), members.end(),
                                   [&](const Member& m) { return m.unit.row.stamp == row.stamp; });
    if (same == members.end()) {
      members.push_back({{std::move(row), parked.patch.ver, parked.patch.group},
                         false,
                         true,
                         parked.parked_unix_ms});
      continue;
    }
    // The log could not hold a value of it, since it is STRICT: the rest is there.
    for (Slot& slot : row.slots) {
      if (same->unit.row.find(slot.column) == nullptr)
        same->unit.row.slots.push_back(std::move(slot));
    }
    sort_slots(same->unit.row);
    same->unit.ver = parked.patch.ver;
    same->is_parked = true;
    same->since_unix_ms = parked.parked_unix_ms;
  }
  if (extra != nullptr) members.push_back({*extra, false, false, db_.now_unix_ms()});
  std::sort(members.begin(), members.end(),
            [](const Member& a, const Member& b) { return a.unit.row.stamp < b.unit.row.stamp; });
  return members;
}

std::optional<std::string> Merger::settle(const TablePlan& plan, const std::vector<Value>& key,
                                          const Unit* extra, bool park, bool was_ours) {
  const std::vector<Member> members = gather(plan, key, extra);
  std::vector<const RowPatch*> units;
  for (const Member& member : members) units.push_back(&member.unit.row);
  RowJudge judge(db_, plan, units);
  std::vector<bool> accepted;
  const auto replay = [&] { accepted = run_acceptance(units.size(), judge); };
  if (plan.needs_trial && !units.empty()) {
    db_.gate.trial(replay);
  } else {
    replay();
  }
  const std::string row = row_key(plan, key);
  std::optional<std::string> refusal;
  was_ours = was_ours ||
             std::any_of(members.begin(), members.end(), [](const Member& m) { return m.in_log; });
  for (size_t i = 0; i < members.size(); i++) {
    const Member& member = members[i];
    const bool is_extra = extra != nullptr && member.unit.row.stamp == extra->row.stamp;
    if (is_extra && !accepted[i]) {
      refusal = judge.refusal();
      if (!park) return refusal;
    }
    if (accepted[i]) {
      store_accepted(plan, member, row);
    } else {
      store_waiting(plan, member, row, judge.refusal());
    }
  }
  // A row that none of our patches has made is not ours to delete.
  if (judge.fold().empty() && !was_ours) return refusal;
  if (write_row(db_, plan, key, judge.fold()) != SQLITE_OK) {
    throw Error(
        Code::constraint,
        "table " + quoted(plan.name) + " refuses a row that it took in a trial: " + db_.errmsg(),
        "look for triggers that do not give the same result twice");
  }
  return refusal;
}

void Merger::store_accepted(const TablePlan& plan, const Member& member, const std::string& key) {
  if (member.in_log) return;
  if (member.is_parked) {
    unpark(member.unit.row.stamp);
  }
  if (!plan.log_strict) return log_.insert(plan, member.unit.row);
  Unit rest = member.unit;
  rest.row.slots.clear();
  RowPatch storable = member.unit.row;
  std::erase_if(storable.slots, [&](const Slot& slot) {
    if (slot.column >= plan.columns.size() || fits_strict(plan.columns[slot.column], slot.value))
      return false;
    rest.row.slots.push_back(slot);
    return true;
  });
  log_.insert(plan, storable);
  if (!rest.row.slots.empty()) {
    park(plan, rest, reason::kHeld, key, "a newer patch decides this column", member.since_unix_ms);
  }
}

void Merger::store_waiting(const TablePlan& plan, const Member& member, const std::string& key,
                           const std::string& why) {
  if (member.in_log) log_.erase(plan, member.unit.row.stamp.peer, member.unit.row.stamp.seq);
  if (member.is_parked && !member.in_log) return;
  if (member.is_parked) unpark(member.unit.row.stamp);
  park_waiting(plan, member.unit, key, why, db_.now_unix_ms());
}

void Merger::unpark(const Stamp& stamp) {
  const int64_t count = parked_.erase(stamp.peer, stamp.seq, reason::kConstraint) +
                        parked_.erase(stamp.peer, stamp.seq, reason::kHeld);
  if (count > 0) state_.row().waiting -= count;
}

void Merger::park_waiting(const TablePlan& plan, const Unit& unit, const std::string& key,
                          const std::string& why, int64_t since_unix_ms) {
  park(plan, unit, reason::kConstraint, key,
       why + "; it is tried again whenever this row changes, or call replic_retry()",
       since_unix_ms);
}

void Merger::park(const TablePlan& plan, const Unit& unit, std::string_view reason,
                  const std::string& key, std::string detail, int64_t since_unix_ms) {
  ParkedPatch parked;
  const Stamp& stamp = unit.row.stamp;
  const int64_t ver = unit.ver > 0 ? unit.ver : state_.ver_of(stamp.peer, stamp.seq);
  parked.patch = {stamp, ver, plan.name, cells_of(plan, unit.row), unit.group};
  parked.reason = reason;
  parked.row_key = key;
  parked.detail = std::move(detail);
  parked.parked_unix_ms = since_unix_ms;
  parked_.put(parked);
  state_.row().waiting++;
}

}  // namespace replic

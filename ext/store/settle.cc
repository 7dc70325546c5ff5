// Merging by replay: runs the rule, and stores what it says.

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "store/changes.h"
#include "store/merge.h"
#include "store/own_write.h"

namespace replic {
namespace {

bool is_late(const UnitHistory& unit, const Position& position) {
  return position != kNever && !unit.is_at_once(position);
}

// Replays that T may ask for by refusing what is legal.
constexpr int kMostRefusals = 100;

}  // namespace

Replay Merger::new_replay() {
  db_.gate.need(Care::whole);
  return {db_, catalog_, parked_, claims_, scratch_, state_.peek().foreign_keys > 0};
}

void Merger::show(const TablePlan& plan, const std::vector<Value>& key) {
  const std::vector<RowPatch> patches = log_.row(plan, key);
  RowFold fold(plan);
  for (const RowPatch& patch : patches) fold.add(patch);
  if (write_row(db_, {&plan, key, &fold}) == SQLITE_OK) return;
  throw Error(
      Code::constraint,
      "table " + quoted(plan.name) + " refuses a row that its patches make: " + db_.errmsg(),
      "look for triggers of its own, and for what is not replicated and refers to it");
}

// The units of a local transaction, which is in the logs and in T: one, or as many as it has
// patches when it is no group.
std::vector<Unit> Merger::local_units(int64_t peer, Range range) {
  std::map<int64_t, Unit> units;  // by first seq
  const bool is_group = group_of(db_, peer, range.first) == range;
  const std::vector<std::string> tables = catalog_.tables();
  for (const std::string& table : tables) {
    const TablePlan* plan = catalog_.find(table);
    if (plan == nullptr || !plan->problem.empty()) continue;
    Run run = db_.run(plan->log_range);
    run.bind(peer).bind(range.first).bind(range.last);
    while (run.step()) {
      RowPatch patch = Log::read(*plan, run);
      const int64_t first = is_group ? range.first : patch.stamp.seq;
      Unit& unit = units[first];
      unit.stamp = {patch.stamp.at, peer, first};
      if (is_group) unit.group = range;
      unit.parts.push_back({plan->shared_from_this(), std::move(patch), 0, true});
    }
  }
  std::vector<Unit> out;
  for (auto& [first, unit] : units) out.push_back(std::move(unit));
  return out;
}

void Merger::add_local(Replay& replay, int64_t peer, Range range) {
  for (Unit& unit : local_units(peer, range)) replay.add(std::move(unit));
}

bool Merger::needs_judging(const LocalGroup& group) {
  const StateRow& state = state_.peek();
  if (group.peer == 0) return false;
  if (group.is_replayed) return true;
  if (!group.is_tied) return false;
  return (state.foreign_keys > 0 && !enforces_foreign_keys(db_)) || ignores_checks();
}

void Merger::judge_group(bool committing) {
  const LocalGroup group = state_.group();
  if (!needs_judging(group)) return;
  prepare();
  state_.write_group();
  Replay replay = new_replay();
  add_local(replay, group.peer, group.range);
  replay.run();
  std::set<const RowHistory*> rows;  // of others, that change
  for (const UnitHistory* unit : replay.outcome()) {
    if (unit->added && unit->after == kNever) {
      throw Error(
          Code::constraint,
          "the transaction breaks a constraint that SQLite has not enforced: " + unit->refusal,
          committing ? "PRAGMA foreign_keys=ON and PRAGMA ignore_check_constraints=OFF show where; "
                       "so does PRAGMA foreign_key_check before the COMMIT"
                     : "apply what others sent after the COMMIT: what the transaction has written "
                       "before it has to be legal by itself");
    }
    if (unit->added || (unit->before == kNever) == (unit->after == kNever)) continue;
    for (const RowHistory::Part* part : unit->parts) rows.insert(part->row);
  }
  if (!committing) {
    settle(replay);
    return state_.group_judged();
  }
  // In a commit SQLite lets us write no table whose triggers write a virtual table, and nothing
  // could be undone by itself.
  const bool is_safe = std::all_of(rows.begin(), rows.end(), [&](const RowHistory* row) {
    return !row->plan.has_triggers && !row->plan.has_local_children;
  });
  if (!is_safe) return state_.add_due(group);
  const WriteScope scope(db_, OwnWrite::Kind::apply);
  std::vector<RowHistory*> written;
  if (const auto refused = store(replay, written)) {
    throw Error(Code::constraint,
                "table " + quoted(written[refused->target]->plan.name) +
                    " refuses what waited for this transaction: " + refused->why,
                "call replic_retry(), then commit again");
  }
}

void Merger::settle_due() {
  if (state_.peek().due == 0) return;
  prepare();
  Replay replay = new_replay();
  {
    Run run = db_.run("SELECT peer,first,last FROM main._replic_due");
    while (run.step()) add_local(replay, run.integer(0), {run.integer(1), run.integer(2)});
  }
  settle(replay);
  db_.run("DELETE FROM main._replic_due").exec();
  state_.row().due = 0;
}

void Merger::take_out(int64_t peer, int64_t seq, int64_t at, std::optional<Range> group) {
  prepare();
  Replay replay = new_replay();
  replay.remove(peer, seq, at, group);
  settle(replay);
}

int64_t Merger::retry() {
  const int64_t before = state_.peek().waiting;
  if (before == 0) return 0;
  prepare();
  Replay replay = new_replay();
  const Stamp end{state_.clock(true).at, kMaxInteger, kMaxInteger};
  for (const ParkedPatch& parked :
       parked_.of_reason(reason::kConstraint, std::numeric_limits<int64_t>::max())) {
    const TablePlan* plan = catalog_.find_for_write(parked.patch.table);
    if (plan == nullptr || !plan->problem.empty()) continue;
    const Stamp& stamp = parked.patch.stamp;
    UnitHistory& unit = replay.history().unit(stamp.peer, stamp.seq, stamp.at, parked.patch.group);
    replay.history().row(*plan, key_from(parked.row_key));
    replay.history().complete(unit);
    replay.retry(unit, end);
  }
  settle(replay);
  return before - state_.peek().waiting;
}

void Merger::judge_all() {
  prepare();
  Replay replay = new_replay();
  const std::vector<std::string> tables = catalog_.tables();
  for (const std::string& table : tables) {
    const TablePlan* plan = catalog_.find(table);
    if (plan != nullptr && plan->problem.empty()) replay.decide_all(*plan);
  }
  settle(replay);
}

void Merger::judge_changed() {
  if (judged_ == catalog_.generation()) return;
  prepare();
  Replay replay = new_replay();
  bool any = false;
  const std::vector<std::string> tables = catalog_.tables();
  for (const std::string& table : tables) {
    const TablePlan* plan = catalog_.find(table);
    if (plan == nullptr || !plan->problem.empty()) continue;
    const auto legality = static_cast<int64_t>(plan->legality);
    std::optional<int64_t> noted;
    {
      Run run = db_.run("SELECT signature FROM main._replic_legal WHERE tab=?1");
      run.bind(plan->name);
      if (run.step()) noted = run.integer(0);
    }
    if (noted == legality) continue;
    db_.run("INSERT OR REPLACE INTO main._replic_legal(tab,signature) VALUES(?1,?2)")
        .bind(plan->name)
        .bind(legality)
        .exec();
    if (!noted) continue;
    replay.decide_all(*plan);
    any = true;
  }
  if (any) settle(replay);
  judged_ = catalog_.generation();
}

// Runs the replay and stores its outcome. What T refuses though it is legal, by a trigger of the
// application for instance, has to wait like what is not legal.
void Merger::settle(Replay& replay) {
  for (int refusals = 0;; refusals++) {
    replay.run();
    std::vector<RowHistory*> rows;
    std::optional<RowRefusal> refused;
    db_.gate.attempt([&] {
      refused = store(replay, rows);
      return !refused;
    });
    if (!refused) return;
    UnitHistory* newest = nullptr;
    for (const RowHistory::Part* part : rows[refused->target]->parts) {
      const UnitHistory& unit = *part->unit;
      const bool is_new = unit.before == kNever && unit.after != kNever && !unit.banned;
      if (is_new && (newest == nullptr || newest->stamp < unit.stamp)) newest = part->unit;
    }
    if (newest == nullptr || refusals >= kMostRefusals) {
      throw Error(Code::constraint,
                  "table " + quoted(rows[refused->target]->plan.name) +
                      " refuses a row that its patches make: " + refused->why,
                  "look for triggers of its own, and for what is not replicated and refers to it");
    }
    newest->banned = true;
    newest->refusal = refused->why;
  }
}

std::optional<RowRefusal> Merger::store(Replay& replay, std::vector<RowHistory*>& rows,
                                        const UnitHistory* local) {
  std::vector<RowTarget> targets;
  std::set<const RowHistory*> listed;
  for (const UnitHistory* unit : replay.outcome()) {
    const bool was = unit->before != kNever;
    const bool is = unit->after != kNever && !unit->removed;
    if (unit->removed) {
      store_removed(*unit);
    } else {
      for (const RowHistory::Part* part : unit->parts)
        is ? store_accepted(*part) : store_waiting(*part);
      store_late(*unit);
    }
    if (was == is) continue;
    for (const RowHistory::Part* part : unit->parts) {
      // What is in the log and stays there is in T.
      if (is && part->in_log) continue;
      if (listed.insert(part->row).second) rows.push_back(part->row);
    }
  }
  for (RowHistory* row : rows) {
    const bool is_local = local != nullptr && std::any_of(local->parts.begin(), local->parts.end(),
                                                          [&](const RowHistory::Part* part) {
                                                            return part->row == row;
                                                          });
    targets.push_back({&row->plan, row->key, &replay.final_state(*row), is_local});
  }
  return write_rows(db_, targets);
}

void Merger::store_accepted(const RowHistory::Part& part) {
  if (part.in_log) return;
  const RowPatch& patch = part.patch;
  const TablePlan& plan = part.row->plan;
  if (part.is_parked) unpark(patch.stamp);
  if (!plan.log_strict) return log_.insert(plan, patch);
  RowPatch rest{patch.stamp, {}};
  RowPatch storable = patch;
  std::erase_if(storable.slots, [&](const Slot& slot) {
    if (slot.column >= plan.columns.size() || fits_strict(plan.columns[slot.column], slot.value))
      return false;
    rest.slots.push_back(slot);
    return true;
  });
  log_.insert(plan, storable);
  if (rest.slots.empty()) return;
  park(part, rest, reason::kHeld, "a newer patch decides this column",
       part.is_parked ? part.since_unix_ms : db_.now_unix_ms());
}

void Merger::store_waiting(const RowHistory::Part& part) {
  const Stamp& stamp = part.patch.stamp;
  if (part.is_parked && !part.in_log) return;
  if (part.in_log) log_.erase(part.row->plan, stamp.peer, stamp.seq);
  if (part.is_parked) unpark(stamp);
  std::string detail = part.unit->refusal;
  if (part.unit->is_group) {
    detail += ", in the transaction of peer " + std::to_string(stamp.peer) + " with the seqs " +
              std::to_string(part.unit->seqs.first) + " to " +
              std::to_string(part.unit->seqs.last) + ", which waits as a whole";
  }
  park(part, part.patch, reason::kConstraint,
       detail + "; it is tried again when what forbids it changes, or call replic_retry()",
       db_.now_unix_ms());
}

void Merger::store_late(const UnitHistory& unit) {
  if (is_late(unit, unit.after)) {
    const Position& at = unit.after;
    db_.run(
           "INSERT OR REPLACE INTO main._replic_late(peer,first,by_at,by_peer,by_seq,place) "
           "VALUES(?1,?2,?3,?4,?5,?6)")
        .bind(unit.stamp.peer)
        .bind(unit.stamp.seq)
        .bind(at.step.at)
        .bind(at.step.peer)
        .bind(at.step.seq)
        .bind(at.place)
        .exec();
  } else if (is_late(unit, unit.before)) {
    db_.run("DELETE FROM main._replic_late WHERE peer=?1 AND first=?2")
        .bind(unit.stamp.peer)
        .bind(unit.stamp.seq)
        .exec();
  }
}

void Merger::store_removed(const UnitHistory& unit) {
  for (const RowHistory::Part* part : unit.parts) {
    const Stamp& stamp = part->patch.stamp;
    if (part->in_log) log_.erase(part->row->plan, stamp.peer, stamp.seq);
    if (part->is_parked) unpark(stamp);
  }
  db_.run("DELETE FROM main._replic_late WHERE peer=?1 AND first=?2")
      .bind(unit.stamp.peer)
      .bind(unit.stamp.seq)
      .exec();
}

void Merger::unpark(const Stamp& stamp) {
  const int64_t count = parked_.erase(stamp.peer, stamp.seq, reason::kConstraint) +
                        parked_.erase(stamp.peer, stamp.seq, reason::kHeld);
  if (count > 0) state_.row().waiting -= count;
}

void Merger::park(const RowHistory::Part& part, const RowPatch& patch, std::string_view reason,
                  std::string detail, int64_t since_unix_ms) {
  ParkedPatch parked;
  const Stamp& stamp = patch.stamp;
  const TablePlan& plan = part.row->plan;
  const int64_t ver = part.ver > 0 ? part.ver : state_.ver_of(stamp.peer, stamp.seq);
  const std::optional<Range> group =
      part.unit->is_group ? std::optional(part.unit->seqs) : std::nullopt;
  parked.patch = {stamp, ver, plan.name, cells_of(plan, patch), group};
  parked.reason = reason;
  parked.row_key = part.row->name;
  parked.detail = std::move(detail);
  parked.parked_unix_ms = since_unix_ms;
  parked_.put(parked);
  state_.row().waiting++;
}

}  // namespace replic

#include "store/receive.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "base/bytes.h"
#include "base/error.h"
#include "model/content.h"
#include "sqlite/ident.h"
#include "store/affinity.h"
#include "store/changes.h"

namespace replic {
namespace {

Claim claim_of(const Patch& patch) { return {!patch.is_void(), patch.stamp.at, content_hash(patch)}; }

bool has_key(const TablePlan& plan, const RowPatch& row) {
  for (const size_t k : plan.key) {
    const Value* value = row.find(k);
    if (value == nullptr || value->is_null()) return false;
  }
  return true;
}

void append(std::string& list, std::string_view item) { list.append(list.empty() ? "" : ", ").append(item); }

}  // namespace

int64_t Receiver::receive(Message&& message) {
  if (auto* patch = std::get_if<Patch>(&message)) return receive_patch(std::move(*patch));
  if (const auto* ping = std::get_if<Ping>(&message)) {
    hear(*ping);
  } else if (const auto* gone = std::get_if<Gone>(&message)) {
    receive_gone(*gone);
  } else if (std::holds_alternative<Unknown>(message)) {
    state_.row().unknown_messages++;
  }
  return 0;
}

void Receiver::hear(const Ping& ping) {
  peers_.hear(ping);
  // A peer that holds more of us than we wrote: this file is a copy, or was restored from a backup.
  const int64_t own = state_.peek().peer;
  int64_t said = ping.last.peer == own ? ping.last.seq : 0;
  for (const Ping::Held& held : ping.held) {
    if (held.peer == own) said = std::max(said, held.last_seq);
  }
  if (said > state_.last_seq(own)) identity_.take(std::nullopt);
}

// Only what is known to exist and is not here can be said to be gone.
void Receiver::receive_gone(const Gone& gone) {
  const int64_t known = peers_.last_known_seq(gone.peer);
  const Range range{gone.range.first, std::min(gone.range.last, known)};
  if (range.first <= range.last) state_.add_gone(gone.peer, range);
}

// A patch of ours that lost its (peer, seq): it is written again under the present identity, with its old `at`, so that it
// takes the place in the order that it had.
void Receiver::reissue(Patch patch) {
  if (patch.is_void()) return;
  patch.stamp = local_.next_stamp(patch.stamp.at);
  patch.ver = state_.peek().ver;
  patch.group.reset();
  std::string problem;
  const TablePlan* plan = usable_plan(patch.table, &problem);
  state_.add_received(patch.stamp, patch.ver, content_hash(patch));
  place(std::move(patch), plan);
}

const TablePlan* Receiver::usable_plan(const std::string& table, std::string* problem) {
  const TablePlan* plan = catalog_.find_for_write(table);
  if (plan == nullptr) {
    *problem = "there is no replicated table " + quoted(table) +
               "; when it is made with its log, the patch is merged under its own stamp";
    return nullptr;
  }
  if (plan->problem.empty()) return plan;
  *problem = "table " + quoted(plan->name) + " cannot be replicated: " + plan->problem + "; " + plan->cure;
  return nullptr;
}

void Receiver::normalise(Patch& patch, const TablePlan& plan) {
  patch.table = plan.name;
  for (Cell& cell : patch.cells) {
    const auto column = plan.find(cell.column);
    if (!column) continue;
    cell.column = plan.column_name(*column);
    if (*column < plan.columns.size()) {
      cell.value = with_affinity(db_, std::move(cell.value), plan.columns[*column].affinity);
    }
  }
}

int64_t Receiver::receive_patch(Patch&& patch) {
  std::string problem;
  const TablePlan* plan = patch.is_void() ? nullptr : usable_plan(patch.table, &problem);
  if (plan != nullptr) {
    normalise(patch, *plan);
    std::string missing;
    for (const size_t k : plan->key) {
      bool given = false;
      for (const Cell& cell : patch.cells) given = given || (cell.column == plan->columns[k].name && !cell.value.is_null());
      if (!given) append(missing, plan->columns[k].name);
    }
    if (!missing.empty()) {
      throw Error(Code::key, "a patch of table " + quoted(plan->name) + " from peer " +
                                 std::to_string(patch.stamp.peer) + ", seq " + std::to_string(patch.stamp.seq) +
                                 " lacks the primary-key column(s) " + missing,
                  "the sender must put every key column into delta");
    }
  }
  const Stamp stamp = patch.stamp;
  const uint64_t content = content_hash(patch);
  peers_.heard_from(stamp.peer);
  if (state_.received(stamp.peer, stamp.seq)) return collide(std::move(patch), content);
  state_.add_received(stamp, patch.ver, content);
  const bool own = stamp.peer == state_.peek().peer;
  place(std::move(patch), plan);
  // A patch of our own id that we do not have: this file is a copy or a restored backup. We write under a new id from
  // now on, so that no two patches ever share a (peer, seq).
  if (own) identity_.take(std::nullopt);
  return 1;
}

int64_t Receiver::collide(Patch&& patch, uint64_t content) {
  const auto [at, peer, seq] = patch.stamp;
  const std::optional<Patch> old = find(peer, seq, patch.table);
  if (!old || content_hash(*old) == content || parked_.has_loser(peer, seq, content)) {
    state_.row().duplicates++;
    return 0;
  }
  state_.row().collisions++;
  const bool is_current = peer == state_.peek().peer;
  const bool is_ours = identity_.is_own(peer);
  Patch loser;
  if (claim_of(patch) > claim_of(*old)) {
    loser = *old;
    displace(*old);
    state_.adjust_sum(peer, seq, content_hash(*old), content);
    std::string problem;
    place(std::move(patch), patch.is_void() ? nullptr : usable_plan(patch.table, &problem));
  } else {
    const StateRow& state = state_.peek();
    if (at <= drift_bound(db_.now_unix_ms(), state.max_drift_ms)) state_.saw(patch.stamp);
    park(patch, reason::kIdentity, "another patch of this peer has the same seq and wins; see replic_status()", content);
    loser = std::move(patch);
  }
  if (is_current) identity_.take(std::nullopt);
  if (is_ours) reissue(std::move(loser));
  return 1;
}

// Takes `old` out of wherever it is, and keeps it as the loser of its (peer, seq).
void Receiver::displace(const Patch& old) {
  take_out(old);
  park(old, reason::kIdentity, "another patch of this peer has the same seq and wins; see replic_status()",
       content_hash(old));
}

void Receiver::make_void(const Patch& patch, int64_t at) {
  take_out(patch);
  Patch empty{{at, patch.stamp.peer, patch.stamp.seq}, patch.ver, {}, {}, {}};
  state_.adjust_sum(patch.stamp.peer, patch.stamp.seq, content_hash(patch), content_hash(empty));
  place(std::move(empty), nullptr);
}

void Receiver::take_out(const Patch& old) {
  const auto [at, peer, seq] = old.stamp;
  for (const std::string_view why : {reason::kClock, reason::kConstraint, reason::kHeld, reason::kSchema}) parked_.erase(peer, seq, why);
  db_.run("DELETE FROM main._replic_voids WHERE peer=?1 AND seq=?2").bind(peer).bind(seq).exec();
  recount();
  std::string problem;
  const TablePlan* plan = old.is_void() ? nullptr : usable_plan(old.table, &problem);
  if (plan == nullptr) return;
  Log log(db_);
  const std::optional<RowPatch> row = log.get(*plan, peer, seq);
  if (!row) return;
  log.erase(*plan, peer, seq);
  merger_.take_out(*plan, key_of(*plan, *row));
}

void Receiver::recount() {
  Run run = db_.run("SELECT count(*) FILTER (WHERE reason<>'schema'),count(*) FILTER (WHERE reason='schema') "
                    "FROM main._replic_parked WHERE reason IN ('constraint','held','schema')");
  run.step();
  state_.row().waiting = run.integer(0);
  state_.row().schema_parked = run.integer(1);
  state_.row().due_at = parked_.least_at(reason::kClock);
}

void Receiver::park(const Patch& patch, std::string_view why, std::string detail, uint64_t content) {
  ParkedPatch parked;
  parked.patch = patch;
  parked.reason = why;
  parked.content = content;
  parked.detail = std::move(detail);
  parked.parked_unix_ms = db_.now_unix_ms();
  parked_.put(parked);
}

void Receiver::park_schema(const Patch& patch, std::vector<Cell> cells, std::string detail) {
  Patch part{patch.stamp, patch.ver, patch.table, std::move(cells), patch.group};
  park(part, reason::kSchema, std::move(detail));
  state_.row().schema_parked++;
}

bool Receiver::can_set(const TablePlan& plan, const Cell& cell, std::string* why) const {
  const auto column = plan.find(cell.column);
  if (!column) {
    append(*why, "table " + quoted(plan.name) + " has no column " + quoted(cell.column) +
                     " that can be set: add it to the table and its log");
    return false;
  }
  if (*column < plan.columns.size() && !plan.columns[*column].in_log) {
    append(*why, quoted(plan.log) + " has no column " + quoted(cell.column) + ": add it");
    return false;
  }
  if (cell.value.is_null() && !plan.has_nulls) {
    append(*why, quoted(plan.log) + " cannot hold that " + quoted(cell.column) + " is set to NULL: call replic_track(" +
                     literal(plan.name) + ",'{\"mode\":\"manual\"}')");
    return false;
  }
  return true;
}

// Puts a patch, whose (peer, seq) is recorded, where it belongs. `plan`: of its table, when that is usable.
void Receiver::place(Patch&& patch, const TablePlan* plan) {
  const StateRow& state = state_.peek();
  if (patch.stamp.at > drift_bound(db_.now_unix_ms(), state.max_drift_ms)) {
    park(patch, reason::kClock,
         "its clock is more than max_drift_ms ahead of ours: it is merged when its time has come; "
         "look at the clocks of both machines");
    if (state.due_at == 0 || patch.stamp.at < state.due_at) state_.row().due_at = patch.stamp.at;
    return;
  }
  state_.saw(patch.stamp);
  if (patch.is_void()) {
    db_.run("INSERT OR REPLACE INTO main._replic_voids(peer,seq,at) VALUES(?1,?2,?3)")
        .bind(patch.stamp.peer)
        .bind(patch.stamp.seq)
        .bind(patch.stamp.at)
        .exec();
    return;
  }
  if (plan == nullptr) {
    std::string problem;
    usable_plan(patch.table, &problem);
    return park_schema(patch, patch.cells, problem);
  }
  place_row(*plan, patch);
}

void Receiver::place_row(const TablePlan& plan, const Patch& patch) {
  Unit unit;
  unit.ver = patch.ver;
  unit.group = patch.group;
  std::vector<Cell> unknown;
  std::string why;
  Patch known{patch.stamp, patch.ver, patch.table, {}, patch.group};
  for (const Cell& cell : patch.cells) (can_set(plan, cell, &why) ? known.cells : unknown).push_back(cell);
  unit.row = row_patch_of(plan, known);
  if (!has_key(plan, unit.row)) {
    return park_schema(patch, patch.cells, "it lacks a primary-key column of table " + quoted(plan.name));
  }
  if (!unknown.empty()) park_schema(patch, std::move(unknown), std::move(why));
  merger_.merge(plan, unit, true);
}

int64_t Receiver::release_due() {
  const StateRow& state = state_.peek();
  const int64_t bound = drift_bound(db_.now_unix_ms(), state.max_drift_ms);
  if (state.due_at == 0 || state.due_at > bound) return 0;
  const std::vector<ParkedPatch> due = parked_.of_reason(reason::kClock, bound);
  for (const ParkedPatch& parked : due) {
    parked_.erase(parked.patch.stamp.peer, parked.patch.stamp.seq, reason::kClock);
    Patch patch = parked.patch;
    std::string problem;
    place(std::move(patch), patch.is_void() ? nullptr : usable_plan(patch.table, &problem));
  }
  state_.row().due_at = parked_.least_at(reason::kClock);
  return static_cast<int64_t>(due.size());
}

int64_t Receiver::retry_schema(bool even_if_unchanged) {
  const StateRow& state = state_.peek();
  const int64_t before = state.schema_parked;
  if (before == 0) return 0;
  if (!even_if_unchanged && state.schema_seen == catalog_.schema_version()) return 0;
  for (const ParkedPatch& part : parked_.of_reason(reason::kSchema, std::numeric_limits<int64_t>::max())) {
    const auto [at, peer, seq] = part.patch.stamp;
    std::string why;
    const TablePlan* plan = usable_plan(part.patch.table, &why);
    if (plan == nullptr) continue;
    bool any = false;
    for (const Cell& cell : part.patch.cells) any = can_set(*plan, cell, &why) || any;
    std::optional<Patch> whole = any ? find(peer, seq, plan->name) : std::nullopt;
    if (!whole) continue;
    const uint64_t old_content = content_hash(*whole);
    normalise(*whole, *plan);
    Unit unit;
    unit.ver = whole->ver;
    unit.group = whole->group;
    Patch known{whole->stamp, whole->ver, whole->table, {}, whole->group};
    std::vector<Cell> unknown;
    why.clear();
    for (const Cell& cell : whole->cells) (can_set(*plan, cell, &why) ? known.cells : unknown).push_back(cell);
    unit.row = row_patch_of(*plan, known);
    if (!has_key(*plan, unit.row)) continue;
    state_.row().schema_parked -= parked_.erase(peer, seq, reason::kSchema);
    if (!unknown.empty()) park_schema(*whole, std::move(unknown), std::move(why));
    state_.adjust_sum(peer, seq, old_content, content_hash(*whole));
    merger_.merge_again(*plan, unit);
  }
  state_.row().schema_seen = catalog_.schema_version();
  return before - state_.peek().schema_parked;
}

int64_t Receiver::retry_constraints() {
  const int64_t before = state_.peek().waiting;
  if (before == 0) return 0;
  std::set<std::pair<std::string, std::string>> done;
  for (const ParkedPatch& parked : parked_.of_reason(reason::kConstraint, std::numeric_limits<int64_t>::max())) {
    std::string problem;
    const TablePlan* plan = usable_plan(parked.patch.table, &problem);
    if (plan == nullptr || !done.emplace(plan->name, parked.row_key).second) continue;
    merger_.settle(*plan, key_of(*plan, row_patch_of(*plan, parked.patch)));
  }
  return before - state_.peek().waiting;
}

std::optional<Patch> Receiver::find(int64_t peer, int64_t seq, std::string_view hint) {
  return find_patch(db_, catalog_, state_, parked_, peer, seq, hint);
}

}  // namespace replic

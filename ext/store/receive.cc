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
#include "store/triggers.h"

namespace replic {
namespace {

// The memory that patches which are merged together may take.
constexpr size_t kBatchBytes = size_t{8} << 20;
// Patches of transactions that are not whole yet which are kept in memory; then they are parked.
constexpr size_t kMostGrouped = 20'000;

bool has_key(const TablePlan& plan, const RowPatch& row) {
  for (const size_t k : plan.key) {
    const Value* value = row.find(k);
    if (value == nullptr || value->is_null()) return false;
  }
  return true;
}

void append(std::string& list, std::string_view item) {
  list.append(list.empty() ? "" : ", ").append(item);
}

}  // namespace

void Receiver::forget() {
  count_ = 0;
  messages_ = 0;
  batch_ = 0;
  batch_bytes_ = 0;
  in_memory_.clear();
  groups_.clear();
  grouped_ = 0;
  concerned_.clear();
  units_.clear();
  plain_.clear();
  places_.clear();
  now_unix_ms_ = db_.now_unix_ms();
}

void Receiver::receive(Message&& message) {
  // The second may fail when the first is written.
  if (++messages_ > 1) db_.gate.need(Care::whole);
  if (auto* patch = std::get_if<Patch>(&message)) {
    record(std::move(*patch));
  } else if (const auto* ping = std::get_if<Ping>(&message)) {
    hear(*ping);
  } else if (const auto* gone = std::get_if<Gone>(&message)) {
    receive_gone(*gone);
  } else if (std::holds_alternative<Unknown>(message)) {
    state_.row().unknown_messages++;
  }
}

void Receiver::hear(const Ping& ping) {
  peers_.hear(ping);
  // A peer that holds more of us than we wrote: this file is a copy, or was restored from a backup.
  const int64_t own = state_.peek().peer;
  int64_t said = ping.last.peer == own ? ping.last.seq : 0;
  for (const Ping::Held& held : ping.held) {
    if (held.peer == own) said = std::max(said, held.last_seq);
  }
  if (said > state_.last_seq(own) || is_rival(ping)) identity_.take(std::nullopt);
}

// Whether another database speaks under our own id: a copy of this file. What it says could not be
// an echo of a ping of ours: it holds of some peer what we do not, or has written as much as we
// have, but something else.
bool Receiver::is_rival(const Ping& ping) {
  const int64_t own = state_.peek().peer;
  if (ping.last.peer != own) return false;
  const Vector vector = state_.vector(true);
  for (const Ping::Held& held : ping.held) {
    const auto it = vector.find(held.peer);
    const RangeSet set = it == vector.end() ? RangeSet() : it->second;
    if (held.last_seq > set.last() || held.contiguous_seq > set.contiguous()) return true;
  }
  const auto sums = state_.contiguous_sums(true);
  const auto ours = sums.find(own);
  if (ours == sums.end() || ours->second.last != ping.last.seq || !ours->second.sum) return false;
  return std::any_of(ping.sums.begin(), ping.sums.end(),
                     [&](const std::pair<int64_t, uint64_t>& sum) {
                       return sum.first == own && sum.second != *ours->second.sum;
                     });
}

// Only what is known to exist and is not here can be said to be gone.
void Receiver::receive_gone(const Gone& gone) {
  const int64_t known = peers_.last_known_seq(gone.peer);
  const Range range{gone.range.first, std::min(gone.range.last, known)};
  if (range.first > range.last) return;
  state_.add_gone(gone.peer, range);
  concern_groups(gone.peer, range);
}

const TablePlan* Receiver::usable_plan(const std::string& table, std::string* problem) {
  const TablePlan* plan = catalog_.find_for_write(table);
  if (plan == nullptr) {
    *problem = "there is no replicated table " + quoted(table) +
               "; when it is made with its log, the patch is merged under its own stamp";
    return nullptr;
  }
  if (plan->problem.empty()) return plan;
  *problem =
      "table " + quoted(plan->name) + " cannot be replicated: " + plan->problem + "; " + plan->cure;
  return nullptr;
}

// Takes a patch apart by the columns that its table can take, each value after its column's
// affinity.
Arrival Receiver::arrive(Patch&& patch, const TablePlan* plan) {
  Arrival arrival;
  uint64_t sum = 0;
  if (plan != nullptr) {
    arrival.plan = plan->shared_from_this();
    arrival.row.stamp = patch.stamp;
    arrival.row.slots = take_slots();
    arrival.row.slots.reserve(patch.cells.size());
    patch.table = plan->name;
    size_t next = 0;
    bool sorted = true;
    for (Cell& cell : patch.cells) {
      const auto column = plan->find(cell.column, next);
      if (column) {
        sorted = sorted && *column >= next;
        next = *column + 1;
      }
      if (column && *column < plan->columns.size()) {
        const Affinity affinity = plan->columns[*column].affinity;
        if (!has_affinity(cell.value, affinity))
          cell.value = with_affinity(db_, std::move(cell.value), affinity);
      }
      sum += cell_hash(column ? plan->seed(*column) : column_seed(cell.column), cell.value);
      if (can_set(*plan, column, cell, &arrival.why)) {
        arrival.row.slots.push_back({*column, std::move(cell.value)});
      } else {
        arrival.unknown.push_back(std::move(cell));
      }
    }
    patch.cells.clear();
    if (!sorted) sort_slots(arrival.row);
    arrival.content = content_hash(patch.stamp, patch.table, sum);
  } else {
    arrival.content = content_hash(patch);
  }
  arrival.patch = std::move(patch);
  return arrival;
}

Patch Arrival::whole() const {
  Patch out = patch;
  if (plan == nullptr) return out;
  out.cells = cells_of(*plan, row);
  out.cells.insert(out.cells.end(), unknown.begin(), unknown.end());
  return out;
}

Arrival Receiver::arrive(Patch&& patch) {
  std::string problem;
  const TablePlan* plan = patch.is_void() ? nullptr : usable_plan(patch.table, &problem);
  return arrive(std::move(patch), plan);
}

// Records that a patch is here.
void Receiver::record(Patch&& patch) {
  Arrival arrival = arrive(std::move(patch));
  const Stamp stamp = arrival.patch.stamp;
  peers_.heard_from(stamp.peer, now_unix_ms_);
  if (state_.received(stamp.peer, stamp.seq)) {
    // What it is compared with may be in memory alone.
    const auto kept = in_memory_.find(stamp.peer);
    if (kept != in_memory_.end() && kept->second.first <= stamp.seq &&
        stamp.seq <= kept->second.last)
      finish();
    return collide(std::move(arrival));
  }
  if (state_.is_gone(stamp.peer, stamp.seq)) reopen_group(stamp);
  state_.add_received(stamp, arrival.patch.ver, arrival.content);
  count_++;
  // A patch of our own id that we do not have: this file is a copy or a restored backup. We write
  // under a new id from now on, so that no two patches ever share a (peer, seq).
  if (stamp.peer == state_.peek().peer) identity_.take(std::nullopt);
  place(std::move(arrival));
  patch = std::move(arrival.patch);  // what is left: its memory. NOLINT(bugprone-use-after-move)
}

// A patch that was said to exist no more is here after all: the transaction that was placed without
// it is taken apart, and its patches are placed anew.
void Receiver::reopen_group(const Stamp& stamp) {
  if (group_of(db_, stamp.peer, stamp.seq)) take_out({stamp, 1, {}, {}, {}});
}

void Receiver::finish() {
  while (!groups_.empty() || !concerned_.empty() || !units_.empty() || !plain_.empty())
    settle(true);
  in_memory_.clear();
}

void Receiver::recount() {
  Run run = db_.run(
      "SELECT count(*) FILTER (WHERE reason IN ('constraint','held')),count(*) FILTER (WHERE "
      "reason='schema'),count(*) FILTER (WHERE reason='group') FROM main._replic_parked");
  run.step();
  state_.row().waiting = run.integer(0);
  state_.row().schema_parked = run.integer(1);
  state_.row().grouped = run.integer(2);
  state_.row().due_at = parked_.least_at(reason::kClock);
}

void Receiver::park(const Patch& patch, std::string_view why, std::string detail,
                    uint64_t content) {
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

bool Receiver::can_set(const TablePlan& plan, std::optional<size_t> column, const Cell& cell,
                       std::string* why) const {
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
    append(*why, quoted(plan.log) + " cannot hold that " + quoted(cell.column) +
                     " is set to NULL: " + track_call(plan) + " adds what is missing");
    return false;
  }
  return true;
}

// Puts a patch, whose (peer, seq) is recorded, where it belongs.
void Receiver::place(Arrival&& arrival) {
  const StateRow& state = state_.peek();
  const Patch& patch = arrival.patch;
  if (patch.stamp.at > drift_bound(now_unix_ms_, state.max_drift_ms)) {
    park(arrival.whole(), reason::kClock,
         "its clock is more than max_drift_ms ahead of ours: it is merged when ours comes within "
         "max_drift_ms of "
         "replic_at_to_ms(at); look at the clocks of both machines");
    if (state.due_at == 0 || patch.stamp.at < state.due_at) state_.row().due_at = patch.stamp.at;
    return;
  }
  state_.saw(patch.stamp);
  concern_groups(patch.stamp.peer, {patch.stamp.seq, patch.stamp.seq});
  if (patch.is_void()) {
    db_.run("INSERT OR REPLACE INTO main._replic_voids(peer,seq,at) VALUES(?1,?2,?3)")
        .bind(patch.stamp.peer)
        .bind(patch.stamp.seq)
        .bind(patch.stamp.at)
        .exec();
    return;
  }
  if (arrival.plan == nullptr) {
    std::string problem;
    usable_plan(patch.table, &problem);
    park_schema(patch, patch.cells, problem);
  } else if (!has_key(*arrival.plan, arrival.row)) {
    // The message is well-formed: that a column belongs to the key is known by our schema alone,
    // and may be otherwise in the sender's.
    std::string names;
    for (const size_t k : arrival.plan->key) append(names, arrival.plan->columns[k].name);
    const Patch whole = arrival.whole();
    park_schema(whole, whole.cells,
                "it lacks a primary-key column of table " + quoted(arrival.plan->name) +
                    ": give the table the same key on all peers; it is: " + names);
  } else {
    if (!arrival.unknown.empty())
      park_schema(patch, std::move(arrival.unknown), std::move(arrival.why));
    return keep(std::move(arrival));
  }
  // What cannot be read counts as here: the rest of its transaction goes on without it.
  if (patch.group) groups_.try_emplace(GroupId{patch.stamp.peer, *patch.group});
}

// Keeps a patch in memory until the batch is settled.
void Receiver::keep(Arrival&& arrival) {
  const Stamp stamp = arrival.patch.stamp;
  Range& kept = in_memory_.try_emplace(stamp.peer, Range{stamp.seq, stamp.seq}).first->second;
  kept = {std::min(kept.first, stamp.seq), std::max(kept.last, stamp.seq)};
  batch_++;
  batch_bytes_ += sizeof(Arrival);
  for (const Slot& slot : arrival.row.slots)
    batch_bytes_ += sizeof(Slot) + slot.value.bytes().size();
  if (arrival.patch.group) {
    groups_[{stamp.peer, *arrival.patch.group}].push_back(std::move(arrival));
    grouped_++;
  } else if (arrival.plan->has_ties()) {
    std::vector<Arrival> members;
    members.push_back(std::move(arrival));
    add_unit(stamp, std::nullopt, std::move(members));
  } else {
    keep_plain({std::move(arrival.plan), std::move(arrival.row), arrival.patch.ver});
  }
  if (batch_ < kBatchPatches && batch_bytes_ < kBatchBytes) return;
  if (grouped_ < kMostGrouped) {
    settle(false);
  } else {
    finish();
  }
}

int64_t Receiver::release_due() {
  const StateRow& state = state_.peek();
  const int64_t bound = drift_bound(db_.now_unix_ms(), state.max_drift_ms);
  if (state.due_at == 0 || state.due_at > bound) return 0;
  const std::vector<ParkedPatch> due = parked_.of_reason(reason::kClock, bound);
  for (const ParkedPatch& parked : due) {
    parked_.erase(parked.patch.stamp.peer, parked.patch.stamp.seq, reason::kClock);
    Patch patch = parked.patch;
    place(arrive(std::move(patch)));
  }
  finish();
  state_.row().due_at = parked_.least_at(reason::kClock);
  return static_cast<int64_t>(due.size());
}

int64_t Receiver::retry_schema(bool even_if_unchanged) {
  const StateRow& state = state_.peek();
  const int64_t before = state.schema_parked;
  if (before == 0) return 0;
  if (!even_if_unchanged && state.schema_seen == catalog_.schema_version()) return 0;
  for (const ParkedPatch& part :
       parked_.of_reason(reason::kSchema, std::numeric_limits<int64_t>::max())) {
    const auto [at, peer, seq] = part.patch.stamp;
    std::string why;
    const TablePlan* plan = usable_plan(part.patch.table, &why);
    if (plan == nullptr || !parked_.has(peer, seq, reason::kSchema)) continue;
    bool any = false;
    for (const Cell& cell : part.patch.cells)
      any = can_set(*plan, plan->find(cell.column), cell, &why) || any;
    std::optional<Patch> whole = any ? find(peer, seq, plan->name) : std::nullopt;
    if (!whole) continue;
    const uint64_t old_content = content_hash(*whole);
    std::vector<Patch> unit;
    take_out_units(*whole, unit);
    Arrival arrival = arrive(*std::move(whole), plan);
    state_.adjust_sum(peer, seq, old_content, arrival.content);
    place(std::move(arrival));
    for (Patch& other : unit) {
      if (other.stamp.seq != seq) place(arrive(std::move(other)));
    }
    finish();
  }
  state_.row().schema_seen = catalog_.schema_version();
  return before - state_.peek().schema_parked;
}

std::optional<Patch> Receiver::find(int64_t peer, int64_t seq, std::string_view hint) {
  return find_patch(db_, catalog_, state_, parked_, peer, seq, hint);
}

}  // namespace replic

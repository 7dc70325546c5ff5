// Receiving transactions: patches are held back until all of their group are here, then placed as
// one unit. Groups that are incomplete at the end of a call are parked.

#include <algorithm>

#include "store/receive.h"

namespace replic {
namespace {

int order_of(const Value& x, const Value& y) {
  if (x.type() != y.type()) return x.type() < y.type() ? -1 : 1;
  if (x.type() == Type::integer && x.as_integer() != y.as_integer())
    return x.as_integer() < y.as_integer() ? -1 : 1;
  if (x.type() == Type::real && x.as_real() != y.as_real())
    return x.as_real() < y.as_real() ? -1 : 1;
  return x.bytes().compare(y.bytes());
}

bool is_plain(const Unit& unit) {
  return unit.parts.size() == 1 && !unit.parts.front().plan->has_ties();
}

// Single patches of tables without ties in the order of the tables' b-trees, since neighbours touch
// the same pages. Then the others by stamp, since what is newest of its rows is placed at once.
bool goes_before(const Unit& a, const Unit& b) {
  const bool plain = is_plain(a);
  if (plain != is_plain(b)) return plain;
  if (!plain) return a.stamp < b.stamp;
  const UnitPart& x = a.parts.front();
  const UnitPart& y = b.parts.front();
  if (x.plan != y.plan) return x.plan.get() < y.plan.get();
  for (const size_t k : x.plan->key) {
    const int order = order_of(*x.row.find(k), *y.row.find(k));
    if (order != 0) return order < 0;
  }
  return x.row.stamp < y.row.stamp;
}

std::string seqs_of(const Range& range) {
  return std::to_string(range.first) + " to " + std::to_string(range.last);
}

}  // namespace

void Receiver::add_to_group(Arrival&& arrival) {
  const GroupId id{arrival.patch.stamp.peer, *arrival.patch.group};
  groups_[id].push_back(std::move(arrival));
  grouped_++;
}

// Something came that groups which are parked may have waited for.
void Receiver::concern_groups(int64_t peer, Range range) {
  if (state_.peek().grouped == 0) return;
  Run run = db_.run(
      "SELECT DISTINCT grp_first,grp_last FROM main._replic_parked WHERE peer=?1 AND "
      "reason='group' AND grp_first<=?3 AND grp_last>=?2");
  run.bind(peer).bind(range.first).bind(range.last);
  while (run.step()) concerned_.insert({peer, {run.integer(0), run.integer(1)}});
}

// Places what is queued, and the groups that are whole now. `last`: the call is at its end, and
// parks those that are not.
void Receiver::settle_groups(bool last) {
  std::vector<Arrival> batch = std::exchange(queue_, {});
  queue_bytes_ = 0;
  for (Arrival& arrival : batch) place(std::move(arrival));
  // A unit that was taken apart goes on from the queue.
  if (!queue_.empty()) return;
  for (const GroupId& id : std::exchange(concerned_, {})) groups_.try_emplace(id);
  for (auto it = groups_.begin(); it != groups_.end();) {
    const size_t count = it->second.size();
    if (!last && !state_.holds_all(it->first.peer, it->first.range)) {
      ++it;
      continue;
    }
    settle_group(it->first, std::move(it->second));
    grouped_ -= count;
    it = groups_.erase(it);
  }
  std::sort(units_.begin(), units_.end(), goes_before);
  merger_.place(std::exchange(units_, {}));
}

void Receiver::settle_group(const GroupId& id, std::vector<Arrival>&& members) {
  for (ParkedPatch& parked : parked_.of_group(id.peer, id.range, reason::kGroup)) {
    if (parked.patch.group != id.range) continue;
    state_.row().grouped -= parked_.erase(id.peer, parked.patch.stamp.seq, reason::kGroup);
    members.push_back(arrive(std::move(parked.patch)));
  }
  if (members.empty()) return;
  if (!state_.holds_all(id.peer, id.range)) {
    return park_group(std::move(members),
                      "its transaction, the seqs " + seqs_of(id.range) + " of peer " +
                          std::to_string(id.peer) +
                          ", is not here as a whole; replic_missing has what to ask for");
  }
  if (!is_whole(id, members)) {
    return park_group(std::move(members),
                      "the patches of its transaction, the seqs " + seqs_of(id.range) +
                          " of peer " + std::to_string(id.peer) +
                          ", disagree on which they are or on their clock; look at that peer");
  }
  const Stamp stamp{members.front().patch.stamp.at, id.peer, id.range.first};
  add_unit(stamp, id.range, std::move(members));
}

// Whether every seq of a group is a patch that says so, of one clock value, or a void, or gone.
bool Receiver::is_whole(const GroupId& id, const std::vector<Arrival>& members) {
  std::set<int64_t> here;
  std::set<int64_t> clocks;
  for (const Arrival& member : members) {
    here.insert(member.patch.stamp.seq);
    clocks.insert(member.patch.stamp.at);
  }
  {
    Run run = db_.run(
        "SELECT seq,tab,at,grp_first,grp_last FROM main._replic_parked WHERE peer=?1 AND seq "
        "BETWEEN ?2 AND ?3 AND reason<>'identity'");
    run.bind(id.peer).bind(id.range.first).bind(id.range.last);
    while (run.step()) {
      const bool is_void = run.text(1) == "_";
      if (!is_void && Range{run.integer(3), run.integer(4)} != id.range) continue;
      here.insert(run.integer(0));
      if (!is_void) clocks.insert(run.integer(2));
    }
  }
  {
    Run run = db_.run("SELECT seq FROM main._replic_voids WHERE peer=?1 AND seq BETWEEN ?2 AND ?3");
    run.bind(id.peer).bind(id.range.first).bind(id.range.last);
    while (run.step()) here.insert(run.integer(0));
  }
  if (clocks.size() != 1) return false;
  for (int64_t seq = id.range.first; seq <= id.range.last; seq++) {
    if (here.count(seq) == 0 && !state_.is_gone(id.peer, seq)) return false;
  }
  return true;
}

void Receiver::park_group(std::vector<Arrival>&& members, const std::string& detail) {
  for (const Arrival& member : members) {
    park(member.whole(), reason::kGroup, detail);
    state_.row().grouped++;
  }
}

void Receiver::add_unit(const Stamp& stamp, std::optional<Range> group,
                        std::vector<Arrival>&& members) {
  Unit unit;
  unit.stamp = stamp;
  unit.group = group;
  std::sort(members.begin(), members.end(), [](const Arrival& a, const Arrival& b) {
    return a.patch.stamp.seq < b.patch.stamp.seq;
  });
  for (Arrival& member : members)
    unit.parts.push_back({std::move(member.plan), std::move(member.row), member.patch.ver});
  units_.push_back(std::move(unit));
}

}  // namespace replic

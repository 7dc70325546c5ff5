// Receiving transactions: patches are held back until all of their group are here, then placed as
// one unit. Groups that are incomplete at the end of a call are parked.

#include <algorithm>
#include <bit>

#include "store/receive.h"

namespace replic {
namespace {

// Slots of a patch whose memory is used again; so no more is kept than a batch of such patches.
constexpr size_t kMostSpareSlots = 16;

int order_of(const Value& x, const Value& y) {
  if (x.type() != y.type()) return x.type() < y.type() ? -1 : 1;
  if (x.type() == Type::integer && x.as_integer() != y.as_integer())
    return x.as_integer() < y.as_integer() ? -1 : 1;
  if (x.type() == Type::real && x.as_real() != y.as_real())
    return x.as_real() < y.as_real() ? -1 : 1;
  return x.bytes().compare(y.bytes());
}

// A number that is less, or the same, for a value that a b-tree has earlier.
uint64_t rank_of(const Value& value) {
  constexpr uint64_t kSign = uint64_t{1} << 63;
  if (value.type() == Type::integer) return static_cast<uint64_t>(value.as_integer()) ^ kSign;
  if (value.type() == Type::real) {
    const auto bits = std::bit_cast<uint64_t>(value.as_real());
    return (bits & kSign) != 0 ? ~bits : bits ^ kSign;
  }
  uint64_t rank = 0;
  for (size_t i = 0; i < sizeof rank; i++)
    rank = rank << 8 | (i < value.bytes().size() ? static_cast<uint8_t>(value.bytes()[i]) : 0);
  return rank;
}

std::string seqs_of(const Range& range) {
  return std::to_string(range.first) + " to " + std::to_string(range.last);
}

}  // namespace

// Something came that groups which are parked may have waited for. Where one group lies within
// another, or reaches into it, the other has seqs that say otherwise and cannot become whole: it
// may be passed over.
void Receiver::concern_groups(int64_t peer, Range range) {
  if (state_.peek().grouped == 0) return;
  Range group{0, range.first - 1};
  for (;;) {
    Run run = db_.run(
        "SELECT grp_first,grp_last FROM main._replic_parked WHERE peer=?1 AND reason='group' AND "
        "grp_last>?2 ORDER BY grp_last,grp_first DESC LIMIT 1");
    run.bind(peer).bind(group.last);
    if (!run.step()) return;
    group = {run.integer(0), run.integer(1)};
    if (group.first > range.last) return;
    concerned_.insert({peer, group});
  }
}

// Places what is kept in memory, and the groups that are whole now. `last`: the call is at its end,
// and parks those that are not.
void Receiver::settle(bool last) {
  batch_ = 0;
  batch_bytes_ = 0;
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
  // What is newest of its rows is placed at once.
  std::sort(units_.begin(), units_.end(),
            [](const Unit& a, const Unit& b) { return a.stamp < b.stamp; });
  merger_.place(ordered_plain(), std::exchange(units_, {}));
  for (UnitPart& part : plain_) {
    if (spare_slots_.size() == kBatchPatches) break;
    if (part.row.slots.capacity() > kMostSpareSlots) continue;
    part.row.slots.clear();
    spare_slots_.push_back(std::move(part.row.slots));
  }
  plain_.clear();
  places_.clear();
}

void Receiver::keep_plain(UnitPart&& part) {
  const auto rank = [&](size_t i) {
    return i < part.plan->key.size() ? rank_of(*part.row.find(part.plan->key[i])) : 0;
  };
  places_.push_back({part.plan.get(), {rank(0), rank(1)}, plain_.size()});
  plain_.push_back(std::move(part));
}

// What is in plain_ in the order of the tables' b-trees, since neighbours touch the same pages; by
// stamp for each row.
std::vector<UnitPart*> Receiver::ordered_plain() {
  const auto precedes = [&](const Place& a, const Place& b) {
    if (a.plan != b.plan) return a.plan < b.plan;
    if (a.rank != b.rank) return a.rank < b.rank;
    const RowPatch& x = plain_[a.index].row;
    const RowPatch& y = plain_[b.index].row;
    for (const size_t k : a.plan->key) {
      const int order = order_of(*x.find(k), *y.find(k));
      if (order != 0) return order < 0;
    }
    return x.stamp < y.stamp;
  };
  std::sort(places_.begin(), places_.end(), precedes);
  std::vector<UnitPart*> out;
  out.reserve(places_.size());
  for (const Place& place : places_) out.push_back(&plain_[place.index]);
  return out;
}

// An empty vector, of those that were used before when there are such.
std::vector<Slot> Receiver::take_slots() {
  if (spare_slots_.empty()) return {};
  std::vector<Slot> out = std::move(spare_slots_.back());
  spare_slots_.pop_back();
  return out;
}

void Receiver::settle_group(const GroupId& id, std::vector<Arrival>&& members) {
  if (!state_.holds_all(id.peer, id.range)) {
    return park_group(std::move(members),
                      "its transaction, the seqs " + seqs_of(id.range) + " of peer " +
                          std::to_string(id.peer) +
                          ", is not here as a whole; replic_missing has what to ask for");
  }
  for (ParkedPatch& parked : parked_.of_group(id.peer, id.range, reason::kGroup)) {
    if (parked.patch.group != id.range) continue;
    state_.row().grouped -= parked_.erase(id.peer, parked.patch.stamp.seq, reason::kGroup);
    members.push_back(arrive(std::move(parked.patch)));
  }
  if (members.empty()) return;
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

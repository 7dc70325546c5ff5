// Two patches with one (peer, seq): which one wins, and what becomes of the other.

#include <utility>

#include "model/content.h"
#include "store/receive.h"

namespace replic {
namespace {

Claim claim_of(const Patch& patch) {
  return {!patch.is_void(), patch.stamp.at, content_hash(patch)};
}

}  // namespace

void Receiver::collide(Arrival&& arrival) {
  const int64_t peer = arrival.patch.stamp.peer;
  const int64_t seq = arrival.patch.stamp.seq;
  const uint64_t content = arrival.content;
  const std::optional<Patch> old = find(peer, seq, arrival.patch.table);
  if (!old || content_hash(*old) == content || parked_.has_loser(peer, seq, content)) {
    state_.row().duplicates++;
    return;
  }
  state_.row().collisions++;
  count_++;
  // Winner and losers count alike: peers with equal sums hold the same losers too, so that each
  // comes to who wrote it.
  state_.adjust_sum(peer, seq, 0, content);
  const bool is_current = peer == state_.peek().peer;
  const bool is_ours = identity_.is_own(peer);
  Patch loser;
  if (Claim{!arrival.patch.is_void(), arrival.patch.stamp.at, content} > claim_of(*old)) {
    loser = *old;
    displace(*old);
    place(std::move(arrival));
  } else {
    loser = arrival.whole();
    if (loser.stamp.at <= drift_bound(now_unix_ms_, state_.peek().max_drift_ms))
      state_.saw(loser.stamp);
    park(loser, reason::kIdentity,
         "another patch of this peer has the same seq and wins; see replic_status()", content);
  }
  if (is_current) identity_.take(std::nullopt);
  if (is_ours) reissue(std::move(loser));
}

// Takes `old` out of wherever it is, and keeps it as the loser of its (peer, seq).
void Receiver::displace(const Patch& old) {
  take_out(old);
  park(old, reason::kIdentity,
       "another patch of this peer has the same seq and wins; see replic_status()",
       content_hash(old));
}

void Receiver::make_void(const Patch& patch, int64_t at) {
  take_out(patch);
  Patch empty{{at, patch.stamp.peer, patch.stamp.seq}, patch.ver, {}, {}, {}};
  state_.adjust_sum(patch.stamp.peer, patch.stamp.seq, content_hash(patch), content_hash(empty));
  place(arrive(std::move(empty)));
}

// Takes a patch out of wherever it is. The rest of its transaction is placed anew.
void Receiver::take_out(const Patch& old) {
  std::vector<Patch> others;
  take_out_units(old, others);
  for (Patch& other : others) {
    if (other.stamp.seq != old.stamp.seq) place(arrive(std::move(other)));
  }
}

// The same, with the patches that were placed together with it put into `others`, whole. A void, or
// a patch that is no more, can belong to several groups.
void Receiver::take_out_units(const Patch& old, std::vector<Patch>& others) {
  const int64_t peer = old.stamp.peer;
  const int64_t seq = old.stamp.seq;
  std::vector<Range> groups;
  {
    Run run = db_.run(
        "SELECT first,last FROM main._replic_groups WHERE peer=?1 AND first<=?2 AND last>=?2");
    run.bind(peer).bind(seq);
    while (run.step()) groups.push_back({run.integer(0), run.integer(1)});
  }
  if (groups.empty()) take_out_unit(old, {seq, seq}, false, others);
  for (const Range& group : groups) take_out_unit(old, group, true, others);
  parked_.erase(peer, seq, reason::kClock);
  db_.run("DELETE FROM main._replic_voids WHERE peer=?1 AND seq=?2").bind(peer).bind(seq).exec();
  recount();
}

void Receiver::take_out_unit(const Patch& old, Range range, bool is_group,
                             std::vector<Patch>& patches) {
  const int64_t peer = old.stamp.peer;
  const size_t before = patches.size();
  for (int64_t seq = range.first; seq <= range.last; seq++) {
    std::optional<Patch> patch = find(peer, seq, old.table);
    if (patch && !patch->is_void() && (!is_group || patch->group == range))
      patches.push_back(*std::move(patch));
  }
  for (size_t i = before; i < patches.size(); i++) {
    if (i == before)
      merger_.take_out(peer, patches[i].stamp.seq, patches[i].stamp.at,
                       is_group ? std::optional(range) : std::nullopt);
    for (const std::string_view why : {reason::kClock, reason::kGroup, reason::kSchema})
      parked_.erase(peer, patches[i].stamp.seq, why);
  }
  if (!is_group) return;
  db_.run("DELETE FROM main._replic_groups WHERE peer=?1 AND first=?2")
      .bind(peer)
      .bind(range.first)
      .exec();
}

// A patch of ours that lost its (peer, seq): it is written again under the present identity, with
// its old `at`, so that it takes the place in the order that it had.
void Receiver::reissue(Patch patch) {
  if (patch.is_void()) return;
  identity_.check_boot();
  patch.stamp = local_.next_stamp(patch.stamp.at);
  patch.ver = state_.peek().ver;
  patch.group.reset();
  Arrival arrival = arrive(std::move(patch));
  state_.add_received(arrival.patch.stamp, arrival.patch.ver, arrival.content);
  place(std::move(arrival));
}

}  // namespace replic

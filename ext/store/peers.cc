#include "store/peers.h"

#include <algorithm>
#include <map>

namespace replic {

std::vector<PeerView> view_peers(Database& db, State& state, bool initialised) {
  std::map<int64_t, PeerView> views;
  std::map<int64_t, RangeSet> received;
  state.for_each_range(initialised, 0, [&](const ReceivedRange& range) {
    PeerView& view = views[range.peer];
    RangeSet& set = received[range.peer];
    set.add({range.first, range.last});
    if (set.contiguous() == range.last) {
      view.contiguous_seq = range.last;
      view.contiguous_at = range.at;
    }
    view.last_seq = range.last;
    view.last_received_seq = range.last;
    view.last_at = std::max(view.last_at, range.at);
  });
  if (initialised) {
    Run run = db.run(
        "SELECT peer,role,name,seen_seq,seen_at,acked_seq,heard_unix_ms FROM main._replic_peers");
    while (run.step()) {
      PeerView& view = views[run.integer(0)];
      view.is_self = run.integer(1) == 2;
      view.name = run.text(2);
      if (run.integer(3) > view.last_seq) {
        view.last_seq = run.integer(3);
        view.last_at = std::max(view.last_at, run.integer(4));
      }
      view.acked_seq = run.integer(5);
      view.heard_unix_ms = run.integer(6);
    }
  }
  std::vector<PeerView> out;
  for (auto& [peer, view] : views) {
    view.peer = peer;
    if (view.last_seq > 0) view.gaps = received[peer].missing_in({1, view.last_seq});
    for (const Range& gap : view.gaps) view.missing += gap.last - gap.first + 1;
    if (view.missing > 0) {
      // Without a first patch there is nothing to measure from.
      view.lag_ms.reset();
      if (view.contiguous_seq > 0)
        view.lag_ms = std::max<int64_t>(
            0, unix_ms_from_at(view.last_at) - unix_ms_from_at(view.contiguous_at));
    }
    out.push_back(std::move(view));
  }
  return out;
}

void Peers::hear(const Ping& ping) {
  const int64_t own = state_.peek().peer;
  if (ping.last.peer == own) return;
  Run run = db_.run(
      "INSERT INTO main._replic_peers(peer,name,seen_seq,seen_at,heard_unix_ms,ancestor) "
      "VALUES(?1,?2,?3,?4,?5,?6) "
      "ON CONFLICT(peer) DO UPDATE SET name=CASE WHEN ?2<>'' THEN ?2 ELSE name END,"
      "seen_seq=max(seen_seq,?3),seen_at=max(seen_at,?4),heard_unix_ms=max(heard_unix_ms,?5),"
      "ancestor=?6");
  run.bind(ping.last.peer)
      .bind(ping.name)
      .bind(ping.last.seq)
      .bind(ping.last.at)
      .bind(db_.now_unix_ms());
  run.bind(int64_t{ping.now == 0}).exec();
  const auto holds = [&](int64_t peer, int64_t contiguous, int64_t last) {
    Run hold = db_.run(
        "INSERT INTO main._replic_holds(holder,peer,contiguous_seq,last_seq) VALUES(?1,?2,?3,?4) "
        "ON CONFLICT(holder,peer) DO UPDATE SET "
        "contiguous_seq=excluded.contiguous_seq,last_seq=excluded.last_seq "
        "WHERE contiguous_seq<>excluded.contiguous_seq OR last_seq<>excluded.last_seq");
    hold.bind(ping.last.peer).bind(peer).bind(contiguous).bind(last).exec();
  };
  if (ping.last.seq > 0) holds(ping.last.peer, ping.last.seq, ping.last.seq);
  for (const Ping::Held& held : ping.held) {
    if (held.peer != ping.last.peer) holds(held.peer, held.contiguous_seq, held.last_seq);
    if (held.peer == own) {
      Run acked =
          db_.run("UPDATE main._replic_peers SET acked_seq=max(acked_seq,?2) WHERE peer=?1");
      acked.bind(ping.last.peer).bind(held.contiguous_seq).exec();
    } else {
      // The sender has heard of a third peer's patches: so they exist.
      Run seen = db_.run(
          "INSERT INTO main._replic_peers(peer,seen_seq,seen_at) VALUES(?1,?2,?3) "
          "ON CONFLICT(peer) DO UPDATE SET seen_seq=max(seen_seq,?2),seen_at=max(seen_at,?3)");
      seen.bind(held.peer).bind(held.last_seq).bind(held.last_at).exec();
    }
  }
}

int64_t Peers::last_known_seq(int64_t peer) {
  Run run = db_.run("SELECT seen_seq FROM main._replic_peers WHERE peer=?1");
  run.bind(peer);
  return std::max(state_.last_seq(peer), run.step() ? run.integer(0) : 0);
}

void Peers::heard_from(int64_t peer, int64_t now_unix_ms) {
  const int64_t now = now_unix_ms;
  if (peer == last_heard_peer_ && now - last_heard_ms_ < 1000 && now >= last_heard_ms_) return;
  last_heard_peer_ = peer;
  last_heard_ms_ = now;
  {
    // To the second: a row is not written for every message.
    Run run = db_.run("SELECT 1 FROM main._replic_peers WHERE peer=?1 AND heard_unix_ms>?2");
    run.bind(peer).bind(now - 1000);
    if (run.step()) return;
  }
  Run run = db_.run(
      "INSERT INTO main._replic_peers(peer,heard_unix_ms) VALUES(?1,?2) "
      "ON CONFLICT(peer) DO UPDATE SET heard_unix_ms=max(heard_unix_ms,?2)");
  run.bind(peer).bind(now).exec();
}

}  // namespace replic

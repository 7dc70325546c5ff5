// What is known of other peers beside their patches: the table _replic_peers.

#pragma once

#include <string>
#include <vector>

#include "model/message.h"
#include "store/state.h"

namespace replic {

// What this database knows of one peer.
struct PeerView {
  int64_t peer = 0;
  std::string name;
  bool is_self = false;
  int64_t last_seq = 0;  // received or heard of
  int64_t last_received_seq = 0;
  int64_t last_at = 0;
  int64_t contiguous_seq = 0;
  int64_t contiguous_at = 0;
  int64_t missing = 0;  // patches that exist and are not here
  int64_t acked_seq = 0;
  int64_t heard_unix_ms = 0;  // 0: never
  std::optional<int64_t> lag_ms = 0;
  std::vector<Range> gaps;
};

// Every peer, ordered by id. O(ranges).
std::vector<PeerView> view_peers(Database& db, State& state, bool initialised);

class Peers {
 public:
  Peers(Database& db, State& state) : db_(db), state_(state) {}

  // Takes what a ping tells. Inside Gate::write.
  void hear(const Ping& ping);
  // The greatest seq of `peer` that was received or heard of.
  int64_t last_known_seq(int64_t peer);
  // Notes that a message of `peer` came, to the second.
  void heard_from(int64_t peer, int64_t now_unix_ms);
  // What is held in memory may have been rolled back.
  void forget() { last_heard_peer_ = 0; }

 private:
  Database& db_;
  State& state_;
  int64_t last_heard_peer_ =
      0;  // spares the look-up when one peer sends many messages; losing it costs nothing
  int64_t last_heard_ms_ = 0;
};

}  // namespace replic

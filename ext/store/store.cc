#include "store/store.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/error.h"
#include "model/content.h"
#include "store/own_write.h"
#include "wire/json.h"

namespace replic {
Store::Store(sqlite3* handle)
    : db_(handle),
      catalog_(db_),
      state_(db_),
      parked_(db_),
      merger_(db_, catalog_, state_, parked_),
      peers_(db_, state_),
      identity_(db_, catalog_, state_),
      local_(db_, catalog_, state_, merger_, identity_),
      receiver_(db_, catalog_, state_, parked_, merger_, peers_, identity_, local_),
      capture_(db_, catalog_, state_, identity_, local_, merger_),
      tracker_(db_, catalog_, state_, parked_, merger_, local_) {
  state_.before_sync = [this](bool committing) { capture_.settle(committing); };
  state_.on_end = [this] { capture_.end(); };
  state_.on_local_commit = [this] { merger_.judge_group(true); };
  state_.on_retry = [this] { peers_.forget(); };
  state_.on_undo = [this] {
    peers_.forget();
    capture_.forget();
    // A rollback may take DDL back, and with it the schema's number. An attempt makes none, and
    // its plans are in use.
    if (!db_.gate.in_attempt()) catalog_.invalidate();
  };
}

int Store::register_modules(const std::shared_ptr<void>& self) {
  return db_.register_modules(self, &state_, [this] {
    catalog_.clear();
    merger_.clear();
  });
}

void Store::write(const std::function<void()>& work, Care care) {
  db_.connect();
  // Or a failure of what follows would take it for something half done.
  db_.write_put_off();
  // What is not settled yet, or not loaded, has to be written first.
  if (!state_.loaded() || capture_.has_unsettled()) care = std::max(care, Care::whole);
  const auto whole = [&] {
    const WriteScope scope(db_, OwnWrite::Kind::apply);
    receiver_.forget();
    db_.trim();
    catalog_.refresh_all();
    if (!state_.loaded()) identity_.init(std::nullopt);
    capture_.settle(false);
    followed_ = 0;
    merger_.begin();
    ForeignKeysOff keys(db_);
    if (merger_.disregards_foreign_keys()) keys.off();
    if (state_.peek().tables_seen != catalog_.schema_version()) followed_ = tracker_.follow(false);
    merger_.judge_changed();
    merger_.settle_due();
    released_ = receiver_.release_due() + receiver_.retry_schema(false);
    work();
    receiver_.finish();
    merger_.judge_changed();
  };
  db_.gate.write(whole, care);
}

// What others wrote does not come into the middle of a transaction of ours: later local patches are
// of another group.
void Store::receive(const std::function<void()>& work, Care care) {
  const auto apart = [&] {
    merger_.judge_group(false);
    state_.close_group();
    work();
  };
  write(apart, care);
}

int64_t Store::init(std::optional<int64_t> peer) {
  db_.connect();
  int64_t out = 0;
  db_.gate.write([&] {
    catalog_.refresh();
    out = identity_.init(peer);
  });
  return out;
}

int64_t Store::fork(std::optional<int64_t> peer) {
  int64_t out = 0;
  write([&] {
    const int64_t former = state_.peek().peer;
    out = identity_.take(peer);
    reissue_future(former, drift_bound(db_.now_unix_ms(), state_.peek().max_drift_ms));
  });
  return out;
}

// Gives the patches that `former` wrote beyond `bound` the present time, under the new identity,
// and makes the old ones void.
void Store::reissue_future(int64_t former, int64_t bound) {
  if (state_.clock(true).at <= bound) return;
  std::vector<Patch> future;
  int64_t greatest = 0;
  {
    ChangeCursor cursor = changes({}, former, {1, kMaxInteger});
    while (auto change = cursor.next()) {
      if (change->reason == reason::kIdentity || change->patch.is_void()) continue;
      if (change->patch.stamp.at > bound) {
        future.push_back(std::move(change->patch));
      } else {
        greatest = std::max(greatest, change->patch.stamp.at);
      }
    }
  }
  state_.set_back(former, greatest);
  const ClockView clock = state_.clock(true);
  const int64_t now = tick(clock.at, clock.is_own, db_.now_unix_ms());
  for (const Patch& patch : future) receiver_.make_void(patch, now);
  for (Patch& patch : future) local_.write(patch.table, std::move(patch.cells), false);
}

bool Store::patch(std::string_view table, std::vector<Cell>&& cells, const Give& ship) {
  const int64_t commits = db_.gate.commits();
  const bool may_commit = db_.autocommit();
  const auto work = [&] {
    Patch patch = local_.write(table, std::vector<Cell>(cells), may_commit);
    // The application's triggers may have written more in the same transaction.
    const LocalGroup& group = state_.group();
    if (group.range.first < group.range.last) patch.group = group.range;
    if (may_commit) ship(Value::text(wire::write_patch(patch)));
  };
  write(work, Care::none);
  // Only what is committed may be shipped: inside BEGIN, or under a running write statement,
  // nothing is yet.
  return db_.gate.commits() != commits;
}

int64_t Store::apply(std::string_view messages) {
  int64_t count = 0;
  const auto work = [&] {
    wire::read_messages(messages,
                        [&](Message&& message) { receiver_.receive(std::move(message)); });
    receiver_.finish();
    count = receiver_.take_count();
  };
  receive(work, Care::none);
  return count;
}

Store::BundleResult Store::apply_bundle(std::string_view bytes) {
  BundleResult result;
  result.header = wire::BundleReader(bytes).header();
  receive([&] {
    wire::BundleReader reader(bytes);
    result.requests.clear();
    if (result.header.sender != 0) receiver_.hear(wire::ping_of(result.header));
    std::vector<Gone> gone;
    Message message;
    while (reader.next(message)) {
      if (const auto* request = std::get_if<Request>(&message)) {
        result.requests.push_back(*request);
      } else if (const auto* range = std::get_if<Gone>(&message)) {
        gone.push_back(*range);
      } else {
        receiver_.receive(std::move(message));
      }
    }
    for (const Gone& range : gone) receiver_.receive(range);
    receiver_.finish();
    result.count = receiver_.take_count();
    result.more = reader.more();
  });
  return result;
}

int64_t Store::retry() {
  int64_t count = 0;
  receive([&] { count = released_ + receiver_.retry_schema(true) + merger_.retry(); });
  return count;
}

void Store::track(std::string_view table, const TrackOptions& options, const Give& give) {
  write([&] {
    const std::string name = tracker_.track(table, options);
    receiver_.retry_schema(true);
    give(Value::text(name));
  });
}

void Store::untrack(std::string_view table, const Give& give) {
  write([&] { give(Value::text(tracker_.untrack(table))); });
}

int64_t Store::refresh_schema() {
  int64_t count = 0;
  write([&] {
    count = followed_ + tracker_.follow(true);
    receiver_.retry_schema(true);
  });
  return count;
}

int64_t Store::now_at() {
  const ClockView clock = state_.clock(initialised());
  return tick(clock.at, clock.is_own, db_.now_unix_ms());
}

Ping Store::word() {
  Ping ping;
  const StateRow state = row();
  ping.last.peer = state.peer;
  ping.ver = state.ver;
  ping.name = option("name").bytes();
  ping.now = now_at();
  for (const PeerView& peer : view_peers(db_, state_, initialised())) {
    if (peer.is_self) {
      ping.last.at = peer.last_at;
      ping.last.seq = peer.last_seq;
    } else {
      ping.held.push_back({peer.peer, peer.last_at, peer.last_received_seq, peer.contiguous_at,
                           peer.contiguous_seq, peer.heard_unix_ms, peer.acked_seq});
    }
  }
  return ping;
}

ChangeCursor Store::changes(const Vector& since, int64_t peer, Range seqs, bool outlives_call) {
  return ChangeCursor(db_, catalog_, spans_since(state_, initialised(), since, peer, seqs),
                      outlives_call);
}

}  // namespace replic

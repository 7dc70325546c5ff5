// Who we are, the clock, and what has been received: a few rows that every write needs.
//
// Within a transaction they are held in memory and written once, before the commit; SQLite's
// savepoint calls keep the copies right under partial rollback. From one transaction to the next
// they are kept as long as nothing else is written to the file.

#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/limits.h"
#include "model/clock.h"
#include "model/range.h"
#include "sqlite/database.h"

namespace replic {

// The ver of a range whose patches exist no more.
inline constexpr int64_t kGoneVer = -1;

// One row of _replic_ranges.
struct ReceivedRange {
  int64_t peer = 0;
  int64_t first = 0;
  int64_t last = 0;
  int64_t ver = 1;
  uint64_t sum = 0;
  int64_t at = 0;  // the greatest accepted in it
};

// The greatest clock value accepted.
struct ClockView {
  int64_t at = 0;
  bool is_own = false;  // the current identity made it, and no other peer an equal one
  int64_t own_at = 0;   // the greatest that the current identity made
};

// The name of a boot of the machine, cut after 47 bytes. It has no memory of its own: a StateRow is
// copied when SQLite opens a savepoint or goes back to one, which must not fail.
class BootId {
 public:
  BootId() = default;
  explicit BootId(std::string_view text) : size_(std::min(text.size(), bytes_.size())) {
    std::copy_n(text.begin(), size_, bytes_.begin());
  }
  std::string_view text() const { return {bytes_.data(), size_}; }
  friend bool operator==(const BootId&, const BootId&) = default;

 private:
  std::array<char, 47> bytes_{};
  size_t size_ = 0;
};

// The row of _replic_state.
struct StateRow {
  int64_t peer = 0;  // 0: no identity taken yet
  int64_t ver = 1;
  int64_t max_drift_ms = kDefaultMaxDriftMs;
  int64_t due_at = 0;
  int64_t waiting = 0;        // patches parked for a constraint
  int64_t grouped = 0;        // patches parked for the rest of their group
  int64_t schema_parked = 0;  // parts parked for the schema
  int64_t schema_seen = 0;
  int64_t tables_seen = 0;
  int64_t duplicates = 0;
  int64_t collisions = 0;
  int64_t unknown_messages = 0;
  int64_t due = 0;            // local transactions whose consequences are not drawn yet
  int64_t foreign_keys = -1;  // whether FOREIGN KEYs count: 1 or 0; -1: not decided yet
  int64_t group_max = kDefaultGroupMax;
  int64_t split_groups = 0;  // local transactions of more patches than group_max
  BootId boot;               // the machine's boot during which we last wrote
  bool unsafe = false;       // we wrote during it with synchronous below FULL
};

// The local patches of one transaction, as far as it has come. All have the same peer and `at`.
struct LocalGroup {
  int64_t peer = 0;  // 0: no patch yet
  int64_t at = 0;
  Range range;
  // It has touched rows that can be tied to others, or a table with constraints that the connection
  // may have switched off.
  bool is_tied = false;
  bool is_replayed = false;  // a patch of it has freed what waited, or was freed by it
};

// A peer's patches 1 to last, all received, and the sum of their contents where it is known.
struct ContiguousSum {
  int64_t last = 0;
  std::optional<uint64_t> sum;
};

class State : public TransactionListener {
 public:
  explicit State(Database& db) : db_(db) {}

  // The row as this connection sees it. `initialised`: the state tables are there; without them all
  // is zero.
  StateRow read(bool initialised);
  // Every range received or written, by peer and first; those of one peer when it is not 0.
  void for_each_range(bool initialised, int64_t peer,
                      const std::function<void(const ReceivedRange&)>& visit);
  Vector vector(bool initialised);
  // For each peer with a range that begins at 1. O(ranges).
  std::map<int64_t, ContiguousSum> contiguous_sums(bool initialised);
  // The clock. O(ranges) for the first call after another connection has written.
  ClockView clock(bool initialised);
  // The group that this transaction is writing, not yet in _replic_groups.
  const LocalGroup& group() const { return now_.group; }

  // The following only inside Gate::write, after load().
  void load();
  bool loaded() const { return now_.loaded; }
  // The row, to be changed; what is changed is written before the commit.
  StateRow& row() {
    now_.dirty = true;
    return now_.row;
  }
  const StateRow& peek() const { return now_.row; }
  // Whether this (peer, seq) was received or written.
  bool received(int64_t peer, int64_t seq);
  // Whether all of `range` was received or written, or exists no more.
  bool holds_all(int64_t peer, Range range);
  // Whether (peer, seq) exists no more.
  bool is_gone(int64_t peer, int64_t seq);
  // Records a (peer, seq) that was not received before. Does not move the clock.
  void add_received(const Stamp& stamp, int64_t ver, uint64_t content);
  // Records that the part of `range` that was not received exists no more.
  void add_gone(int64_t peer, Range range);
  // Changes the content sum of the range that holds (peer, seq).
  void adjust_sum(int64_t peer, int64_t seq, uint64_t minus, uint64_t plus);
  // The last seq that `peer` has in the received ranges, or 0.
  int64_t last_seq(int64_t peer);
  // Whether Identity::check_boot has run in this transaction.
  bool boot_checked() const { return now_.boot_checked; }
  void set_boot_checked() { now_.boot_checked = true; }
  // The schema version of the writer of a received (peer, seq).
  int64_t ver_of(int64_t peer, int64_t seq);
  // Moves the clock up to `at`, which came with the received (peer, seq).
  void saw(const Stamp& stamp);
  // To be called when the current identity has changed: what the former one wrote is another peer's
  // now.
  void identity_changed() {
    close_group();
    now_.clock_known = false;
  }
  // Makes `at` the greatest clock value of `peer`, even when it had a greater one.
  void set_back(int64_t peer, int64_t at);
  // The stamp of the next local patch: of the open group, or of a new one that begins with `at()`.
  Stamp next_in_group(const std::function<int64_t()>& at);
  // Notes that the open group has touched rows that can be tied to others.
  void tie_group() { now_.group.is_tied = true; }
  // Notes that the rule has to decide on the open group as a whole.
  void replay_group() { now_.group.is_replayed = true; }
  void group_judged() { now_.group.is_replayed = false; }
  // The next local patch begins a new group.
  void close_group();
  // How many savepoints SQLite has told of. What was done since the last one is undone together.
  int64_t savepoints() const { return savepoints_; }
  // Notes that the consequences of a local transaction are still to be drawn.
  void add_due(const LocalGroup& group);
  // Writes the row of the open group, when it is a group.
  void write_group();
  // Writes what is held in memory to the tables.
  void flush();

  void on_savepoint(int level) override;
  void on_release(int level) override;
  void on_rollback_to(int level) override;
  void on_sync() override;
  void on_commit() override {
    keep();
    drop();
    if (on_end) on_end();
  }
  void on_rollback() override;
  void on_detach() override;
  void on_hold() override { held_ = now_; }
  void on_unhold() override {
    now_ = held_;
    if (on_retry) on_retry();
  }
  // Called before what is held in memory is written; says whether for the commit.
  std::function<void(bool)> before_sync;
  // Called when the transaction has ended.
  std::function<void()> on_end;
  // Called before the commit of a transaction with local patches.
  std::function<void()> on_local_commit;
  // Called when a call that has written nothing begins again, or fails.
  std::function<void()> on_retry;
  // Called when a rollback may have taken the schema back, or could do so without being heard.
  std::function<void()> on_undo;

 private:
  // A range held in memory, with the first seq of the one after it.
  struct Hot {
    ReceivedRange range;  // peer 0: free
    int64_t next_first = 0;
    bool dirty = false;
    uint32_t used = 0;
  };
  struct Memory {
    bool loaded = false;
    bool dirty = false;
    bool clock_known = false;
    bool boot_checked = false;
    ClockView clock;
    StateRow row;
    std::array<Hot, 4> hot;
    uint32_t tick = 0;
    LocalGroup group;
    int64_t group_written = 0;  // the last seq of it that _replic_groups has; 0: it is not there
    bool split_told = false;
  };

  // What the last commit has left, for a statement that is a transaction of its own: in another one
  // the host may have written before us.
  struct Kept {
    uint32_t file_version;
    Memory memory;
  };
  // The clock as the last commit has left it, whatever the host has written to its own tables. Kept
  // when there are many ranges: else to read them takes no longer than to ask whether another
  // connection has written.
  // A backup that the host has put into its own connection is told by the schema's version.
  using Version = std::pair<int64_t, int64_t>;
  struct KeptClock {
    Version version;
    int64_t own;
    ClockView clock;
  };

  static StateRow read_row(Run& run);
  Version version();
  void keep();
  bool take_kept();
  void split_gone(int64_t peer, int64_t seq);
  void drop();
  void write_hot(Hot& hot);
  Hot* find_hot(int64_t peer, int64_t seq);
  // The range that holds seq or ends before it, put into memory; null when the peer has none so
  // low.
  Hot* load_hot(int64_t peer, int64_t seq);
  Hot& slot_for_use();

  Database& db_;
  Sql select_row_{
      "SELECT peer,ver,max_drift_ms,due_at,waiting,schema_parked,schema_seen,duplicates,collisions,"
      "unknown_messages,boot,unsafe,grouped,foreign_keys,group_max,split_groups,due,tables_seen "
      "FROM main._replic_state WHERE id=1"};
  // Asked first: what comes in order extends the last range of its peer.
  Sql select_last_range_{
      "SELECT peer,first,last,ver,sum,at FROM main._replic_ranges WHERE peer=?1 "
      "ORDER BY first DESC LIMIT 1"};
  Sql select_range_{
      "SELECT peer,first,last,ver,sum,at,"
      "(SELECT first FROM main._replic_ranges AS n WHERE n.peer=r.peer AND n.first>r.first "
      "ORDER BY n.first LIMIT 1) "
      "FROM main._replic_ranges AS r WHERE peer=?1 AND first<=?2 ORDER BY first DESC LIMIT 1"};
  Sql replace_range_{
      "INSERT OR REPLACE INTO main._replic_ranges(peer,first,last,ver,sum,at) "
      "VALUES(?,?,?,?,?,?)"};
  std::optional<Kept> kept_;
  std::optional<KeptClock> kept_clock_;
  std::optional<Version> version_;  // in this transaction, when it was asked for
  Memory now_;
  static_assert(std::is_trivially_copyable_v<Memory>, "going back to a savepoint must not fail");
  std::vector<std::optional<Memory>> saved_;  // by savepoint level
  Memory held_;                               // at the beginning of a call without a savepoint
  int64_t savepoints_ = 0;
  int unsaved_level_ = -1;  // the savepoint that could not be noted, for want of memory
};

}  // namespace replic

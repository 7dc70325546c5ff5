// Receiving: a message from outside becomes part of the database, or is parked with a reason.
// Nothing is dropped quietly, and one bad patch never stops the others. Runs inside Gate::write,
// through Store.

#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "model/message.h"
#include "store/catalog.h"
#include "store/identity.h"
#include "store/local.h"
#include "store/merge.h"
#include "store/parked.h"
#include "store/peers.h"
#include "store/state.h"

namespace replic {

// A patch that came in, taken apart.
struct Arrival {
  Patch patch;  // its cells moved into `row` and `unknown` when there is a plan
  std::shared_ptr<const TablePlan>
      plan;                   // of its table; null for a void and for a table that cannot take it
  RowPatch row;               // the columns that the table can take
  std::vector<Cell> unknown;  // the others
  std::string why;            // what the others wait for
  uint64_t content = 0;       // its content hash

  Patch whole() const;
};

class Receiver {
 public:
  Receiver(Database& db, Catalog& catalog, State& state, Parked& parked, Merger& merger,
           Peers& peers, Identity& identity, LocalWriter& local)
      : db_(db),
        catalog_(catalog),
        state_(state),
        parked_(parked),
        merger_(merger),
        peers_(peers),
        identity_(identity),
        local_(local) {}

  // Forgets what a call that failed has left in memory. To be called first in each write.
  void forget();
  // Takes one message of any type. Patches may be merged as late as at finish(), many at a time.
  void receive(Message&& message);
  // Places what was taken and is not placed yet. To be called before anything else looks at it.
  void finish();
  // The number of patches newly received since the last call.
  int64_t take_count() { return std::exchange(count_, 0); }
  // Takes what a ping, or a bundle's header, tells of its sender.
  void hear(const Ping& ping);

  // Merges what was parked for the clock and whose time has come. Returns how many.
  int64_t release_due();
  // Tries again what was parked for the schema; cheap when the schema is the one last tried.
  // Returns how many parts went.
  int64_t retry_schema(bool even_if_unchanged);

  // Puts a void with the clock value `at` in the place of a patch of a former identity of ours.
  void make_void(const Patch& patch, int64_t at);

  // The whole patch of a received (peer, seq), from the log, the parked parts and the voids;
  // nothing when it exists no more. `hint`: the table to look in first, or empty.
  std::optional<Patch> find(int64_t peer, int64_t seq, std::string_view hint);

 private:
  // Patches of a call that are merged together, in the order of their rows.
  static constexpr size_t kBatchPatches = 2560;

  Arrival arrive(Patch&& patch, const TablePlan* plan);
  Arrival arrive(Patch&& patch);
  void record(Patch&& patch);
  void collide(Arrival&& arrival);
  bool is_rival(const Ping& ping);
  void receive_gone(const Gone& gone);
  void reissue(Patch patch);
  void displace(const Patch& old);
  void take_out(const Patch& old);
  void take_out_units(const Patch& old, std::vector<Patch>& others);
  void take_out_unit(const Patch& old, Range range, bool is_group, std::vector<Patch>& patches);
  void reopen_group(const Stamp& stamp);
  void place(Arrival&& arrival);
  void keep(Arrival&& arrival);

  // Groups: see receive_groups.cc.
  struct GroupId {
    int64_t peer = 0;
    Range range;
    friend auto operator<=>(const GroupId& a, const GroupId& b) {
      return std::tuple(a.peer, a.range.first, a.range.last) <=>
             std::tuple(b.peer, b.range.first, b.range.last);
    }
  };
  void concern_groups(int64_t peer, Range range);
  void settle(bool last);
  std::vector<Slot> take_slots();
  void keep_plain(UnitPart&& part);
  std::vector<UnitPart*> ordered_plain();
  void settle_group(const GroupId& id, std::vector<Arrival>&& members);
  bool is_whole(const GroupId& id, const std::vector<Arrival>& members);
  void park_group(std::vector<Arrival>&& members, const std::string& detail);
  void add_unit(const Stamp& stamp, std::optional<Range> group, std::vector<Arrival>&& members);

  void park(const Patch& patch, std::string_view why, std::string detail, uint64_t content = 0);
  void park_schema(const Patch& patch, std::vector<Cell> cells, std::string detail);
  const TablePlan* usable_plan(const std::string& table, std::string* problem);
  void recount();
  bool can_set(const TablePlan& plan, std::optional<size_t> column, const Cell& cell,
               std::string* why) const;

  Database& db_;
  Catalog& catalog_;
  State& state_;
  Parked& parked_;
  Merger& merger_;
  Peers& peers_;
  Identity& identity_;
  LocalWriter& local_;
  int64_t messages_ = 0;     // in this call
  int64_t count_ = 0;        // patches newly received
  int64_t now_unix_ms_ = 0;  // when the call began
  // Recorded, and neither in a log nor parked yet: groups_, units_ and plain_.
  size_t batch_ = 0;  // patches that came since they were settled
  size_t batch_bytes_ = 0;
  std::map<int64_t, Range> in_memory_;  // by peer: what is in memory alone lies in these seqs
  std::map<GroupId, std::vector<Arrival>> groups_;
  size_t grouped_ = 0;           // patches in groups_
  std::set<GroupId> concerned_;  // groups that parked patches belong to, to be looked at again
  std::vector<Unit> units_;
  std::vector<UnitPart> plain_;  // single patches of tables without ties
  struct Place {
    const TablePlan* plan;
    std::array<uint64_t, 2> rank;  // of the first columns of the key
    size_t index;                  // in plain_
  };
  std::vector<Place> places_;                   // of plain_
  std::vector<std::vector<Slot>> spare_slots_;  // empty ones, for their memory
};

}  // namespace replic

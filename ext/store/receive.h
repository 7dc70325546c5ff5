// Receiving: a message from outside becomes part of the database, or is parked with a reason.
// Nothing is dropped quietly, and one bad patch never stops the others. Runs inside Gate::write,
// through Store.

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
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

  // Takes one message of any type. Returns the number of patches newly received, 0 or 1.
  int64_t receive(Message&& message);

  // Takes the patches that `next` gives until it gives none, many at a time. Returns the number
  // newly received.
  int64_t receive_all(const std::function<std::optional<Patch>()>& next);
  // Takes what a ping, or a bundle's header, tells of its sender.
  void hear(const Ping& ping);

  // Merges what was parked for the clock and whose time has come. Returns how many.
  int64_t release_due();
  // Tries again what was parked for the schema; cheap when the schema is the one last tried.
  // Returns how many parts went.
  int64_t retry_schema(bool even_if_unchanged);
  // Replays every row that something waits for. Returns how many patches became visible.
  int64_t retry_constraints();

  // Puts a void with the clock value `at` in the place of a patch of a former identity of ours.
  void make_void(const Patch& patch, int64_t at);

  // The whole patch of a received (peer, seq), from the log, the parked parts and the voids;
  // nothing when it exists no more. `hint`: the table to look in first, or empty.
  std::optional<Patch> find(int64_t peer, int64_t seq, std::string_view hint);

 private:
  Arrival arrive(Patch&& patch, const TablePlan* plan);
  Arrival arrive(Patch&& patch);
  std::optional<Arrival> record(Patch&& patch);
  static bool by_row(const Arrival& a, const Arrival& b);
  int64_t collide(Arrival&& arrival);
  bool is_rival(const Ping& ping);
  void receive_gone(const Gone& gone);
  void reissue(Patch patch);
  void displace(const Patch& old);
  void take_out(const Patch& old);
  void place(Arrival&& arrival);
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
  int64_t count_ = 0;  // patches newly received by the call that is running
};

}  // namespace replic

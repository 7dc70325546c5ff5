// Merging: what a patch does to its row, and to what waits for that row. Runs inside Gate::write
// only.
//
// The rule is the acceptance rule of model/accept.h over all patches of a row, received or written,
// in stamp order. The fast path gives its result without looking at them: the patch is the newest
// of its row, nothing waits for the row, and the write succeeds. The late path: an older patch that
// can break nothing is merged column by column against the newer ones. Everything else is settled:
// the row's patches are replayed by the rule.

#pragma once

#include <optional>
#include <string>

#include "store/log.h"
#include "store/parked.h"
#include "store/plan.h"
#include "store/state.h"

namespace replic {

// A patch of one row on its way into T, with what else must be kept of it.
struct Unit {
  RowPatch row;
  int64_t ver = 0;  // 0: what the received ranges say
  std::optional<Range> group;
};

class Merger {
 public:
  Merger(Database& db, State& state, Parked& parked)
      : db_(db), state_(state), parked_(parked), log_(db) {}

  // Merges a patch that is neither in the log nor parked. Returns nothing when it is visible. When
  // a constraint forbids it: parks it for that constraint and returns SQLite's text; a local one
  // (`park` false) is not parked, and what was written must be undone by the caller's failing.
  std::optional<std::string> merge(const TablePlan& plan, const Unit& unit, bool park);

  // The same for a patch that was in the log until now and has gained columns: takes it out and
  // replays the row with it.
  void merge_again(const TablePlan& plan, const Unit& unit);
  // Replays one row by the rule, after a patch of it was taken out of the log.
  void take_out(const TablePlan& plan, const std::vector<Value>& key) {
    settle(plan, key, nullptr, true, true);
  }
  // Replays one row by the rule.
  void settle(const TablePlan& plan, const std::vector<Value>& key) {
    settle(plan, key, nullptr, true);
  }

 private:
  struct Member;
  std::optional<std::string> settle(const TablePlan& plan, const std::vector<Value>& key,
                                    const Unit* extra, bool park, bool was_ours = false);
  std::vector<Member> gather(const TablePlan& plan, const std::vector<Value>& key,
                             const Unit* extra);
  void store_accepted(const TablePlan& plan, const Member& member, const std::string& key);
  void store_waiting(const TablePlan& plan, const Member& member, const std::string& key,
                     const std::string& why);
  int write_newest(const TablePlan& plan, const std::vector<Value>& key, const RowPatch& patch,
                   bool logged, bool* settle_instead);
  bool merge_late(const TablePlan& plan, const std::vector<Value>& key, const RowPatch& patch);
  void unpark(const Stamp& stamp);
  void park(const TablePlan& plan, const Unit& unit, std::string_view reason,
            const std::string& key, std::string detail, int64_t since_unix_ms);
  void park_waiting(const TablePlan& plan, const Unit& unit, const std::string& key,
                    const std::string& why, int64_t since_unix_ms);

  Database& db_;
  State& state_;
  Parked& parked_;
  Log log_;
};

// The slots of a parked patch, for the columns that the plan knows.
RowPatch row_patch_of(const TablePlan& plan, const Patch& patch);

}  // namespace replic

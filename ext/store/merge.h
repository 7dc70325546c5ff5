// Merging: what units do to the rows of T, and to what waits. Runs inside Gate::write only.
//
// The fast path gives the result of the rule without looking at other units: each patch is the
// newest of its row and of the rows tied to it, nothing that waits is tied to them, and the writes
// succeed. The late path: a patch that is older than others of its row, and can neither break
// anything nor be missed by anybody, is merged column by column against the newer ones. Everything
// else is replayed by the rule: replay.h.

#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "store/claims.h"
#include "store/log.h"
#include "store/log_batch.h"
#include "store/parked.h"
#include "store/plan.h"
#include "store/replay.h"
#include "store/rows.h"
#include "store/scratch.h"
#include "store/state.h"

namespace replic {

// PRAGMA foreign_keys of the connection.
bool enforces_foreign_keys(Database& db);

class Merger {
 public:
  Merger(Database& db, Catalog& catalog, State& state, Parked& parked)
      : db_(db),
        catalog_(catalog),
        state_(state),
        parked_(parked),
        claims_(db, catalog, parked),
        scratch_(db),
        log_(db),
        batch_(db) {}

  // To be called at the beginning of a call, before it moves the clock, once the catalogue is
  // fresh.
  void begin();
  // The connection enforces foreign keys that do not count in this file: what is merged has to be
  // written without them.
  bool disregards_foreign_keys();
  // Places units whose seqs are recorded, and that are neither in a log nor parked: each becomes
  // visible, or is parked for the constraint that forbids it, with all that follows for others.
  // `plain`: units of one patch, of tables without ties, by table, key and stamp; what is left of
  // them is of no more use. Both are taken in the order given.
  void place(std::span<UnitPart* const> plain, std::vector<Unit>&& units);
  // Places a local patch, the newest of all. Returns nothing when it is visible; otherwise SQLite's
  // text, and what was written must be undone by the caller's failing.
  std::optional<std::string> place_local(Unit&& unit);
  // Keeps a local patch, the newest of all, of what T has already.
  void store_local(const TablePlan& plan, RowPatch&& patch);
  // Other rows that ever held a value of a UNIQUE key that a row of these values holds; of the keys
  // that may hang on one of `columns`.
  std::vector<RowName> rivals(const TablePlan& plan, const std::vector<Value>& values,
                              const std::vector<size_t>& columns);
  // Makes a row of T show what the patches in its log say.
  void show(const TablePlan& plan, const std::vector<Value>& key);
  // Draws the consequences of the open group of local patches, which ends: what waited for it is
  // tried again. In a commit not every table can be written: what is left is done by settle_due().
  // Throws E_CONSTRAINT when the group breaks a constraint that the connection does not enforce.
  void judge_group(bool committing);
  // Draws the consequences that are due.
  void settle_due();
  // Takes a unit out of wherever it is kept, with all that follows for others.
  void take_out(int64_t peer, int64_t seq, int64_t at, std::optional<Range> group);
  // Tries everything that waits. Returns how many patches became visible.
  int64_t retry();
  // Replays everything that is kept of the tables whose rows can be tied: when what is legal has
  // changed. O(all their patches).
  void judge_all();
  // The same for the tables whose constraints are not those by which their patches were decided.
  void judge_changed();

  // Forgets what was made of the schema.
  void clear() { scratch_.clear(); }

 private:
  void prepare();
  void prepare_all();
  void place_plain(std::span<UnitPart* const> plain, std::vector<Unit>& slow);
  bool place_fast(std::span<const UnitPart> parts);
  // Whether something that waits may be freed, or freed otherwise, by this patch of a row, or have
  // a mate in it.
  Stamp moment_before(const Stamp& stamp);
  bool concerns_waiting(const TablePlan& plan, const RowPatch& patch);
  bool ties_concern_waiting(const TablePlan& plan, const RowPatch& patch,
                            const std::vector<RowPatch>& others, const RowName& own, bool late);
  std::vector<RowName> parents(const ForeignKey& foreign, const Tuple& tuple);
  bool parent_waits(const ForeignKey& foreign, const Tuple& tuple, const RowName& own);
  bool write_fast(const UnitPart& part);
  bool may_write_newest(const TablePlan& plan, const RowPatch& patch, bool is_new,
                        const Claims::Noted& noted);
  bool has_parent_now(const ForeignKey& foreign, const Tuple& tuple, const Stamp& stamp);
  bool is_newest_of_all(const RowPatch& patch);
  bool is_untouched_since(const std::vector<RowName>& rows, const RowPatch& patch,
                          const TablePlan& plan);
  bool is_any_accepted_after(const Stamp& stamp);
  bool was_accepted_after(const TablePlan& plan, const std::vector<Value>& key, const Stamp& stamp);
  bool may_merge_late(const TablePlan& plan, const std::vector<Value>& key, const RowPatch& patch);
  bool merge_late(const TablePlan& plan, const std::vector<Value>& key, const RowPatch& patch);
  int write_newest(const TablePlan& plan, const std::vector<Value>& key, const RowPatch& patch,
                   bool logged, bool* replay_instead);
  void insert(const TablePlan& plan, const RowPatch& patch);
  void note_local(const TablePlan& plan, const RowPatch& patch, bool first);
  bool acts_unseen(const TablePlan& plan, const RowPatch& patch);
  bool is_orphan(const TablePlan& plan, const RowPatch& patch);
  void note_claims(const std::vector<Unit>& units);
  bool ignores_checks();

  Replay new_replay();
  void settle(Replay& replay);
  std::vector<Unit> local_units(int64_t peer, Range range);
  void add_local(Replay& replay, int64_t peer, Range range);
  std::optional<std::string> replay_local(Unit&& unit);
  std::optional<Unit> with_its_group(const Unit& unit);
  bool needs_judging(const LocalGroup& group);
  std::optional<RowRefusal> store(Replay& replay, std::vector<RowHistory*>& rows,
                                  const UnitHistory* local = nullptr);
  void store_accepted(const RowHistory::Part& part);
  void store_waiting(const RowHistory::Part& part);
  void store_late(const UnitHistory& unit);
  void store_removed(const UnitHistory& unit);
  void unpark(const Stamp& stamp);
  void park(const RowHistory::Part& part, const RowPatch& patch, std::string_view reason,
            std::string detail, int64_t since_unix_ms);

  Database& db_;
  Catalog& catalog_;
  State& state_;
  Parked& parked_;
  Claims claims_;
  Scratch scratch_;
  Log log_;
  LogBatch batch_;
  bool in_batch_ = false;          // entries of logs go through batch_
  std::vector<Value> key_;         // of the row that write_fast() writes
  std::vector<size_t> columns_;    // that write_newest() writes
  bool has_foreign_keys_ = false;  // or may have, when it is not known yet
  bool knows_foreign_keys_ = false;
  bool has_ties_ = false;
  int64_t logged_at_ = 0;  // no patch in any log is newer; when there are ties
  // The latest step at which something that had had to wait was accepted; all zeros when nothing
  // was. Read once a call, when it is first asked for.
  std::optional<Stamp> latest_late_;
  int64_t prepared_ = -1;  // the catalogue's generation
  int64_t judged_ = -1;    // likewise
};

// The slots of a parked patch, for the columns that the plan knows.
RowPatch row_patch_of(const TablePlan& plan, const Patch& patch);
void sort_slots(RowPatch& patch);
// Whether the patch sets a column of the key.
bool sets_column_of(const ValueKey& key, const RowPatch& patch);

}  // namespace replic

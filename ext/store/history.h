// What was accepted when: the units that touch some rows, read from the logs and from what is
// parked, and the states that those rows went through. In memory, for one replay.
//
// A unit is one patch, or a group of patches of one transaction. Units execute in the order of
// their stamps; one that a constraint forbids waits, and may be accepted at the step of a later
// unit. When each unit was accepted is its Position; _replic_late holds those that are not the
// unit's own step. So the state of a row at any time is the fold of the units accepted by then.

#pragma once

#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "store/catalog.h"
#include "store/claims.h"
#include "store/fold.h"
#include "store/log.h"
#include "store/parked.h"

namespace replic {

// A moment of the execution: the step of the unit with the stamp `step`; at place 0 it is itself
// accepted, then come those that it frees.
struct Position {
  Stamp step;
  int64_t place = 0;
  friend auto operator<=>(const Position&, const Position&) = default;
};
inline constexpr int64_t kForever = std::numeric_limits<int64_t>::max();
// Waits, to the end.
inline constexpr Position kNever{{kForever, kForever, kForever}, kForever};

struct UnitHistory;

// One row of a table.
struct RowHistory {
  // A patch that touches it.
  struct Part {
    RowHistory* row = nullptr;
    UnitHistory* unit = nullptr;
    RowPatch patch;
    int64_t ver = 0;  // of the writer; 0: what the received ranges say
    bool in_log = false;
    bool is_parked = false;
    int64_t since_unix_ms = 0;  // parked since
    bool matters = true;        // see fold.h
  };

  explicit RowHistory(const TablePlan& the_plan) : plan(the_plan), now(the_plan) {}

  const TablePlan& plan;
  std::vector<Value> key;
  std::string name;           // row_key
  std::deque<Part*> parts;    // by stamp
  RowFold now;                // the state at the moment that the replay has come to
  bool may_lack = false;      // a part of it can break NOT NULL or STRICT, whatever the others say
  int64_t changed = 0;        // when `now` changed last, counted by the replay
  int64_t mated = 0;          // the same, when a unit of the row began to wait
  std::vector<Part*> events;  // parts whose units are not decided anew, by position
  size_t next_event = 0;
};

struct UnitHistory {
  Stamp stamp;  // at, peer, first seq
  Range seqs;
  bool is_group = false;
  std::vector<RowHistory::Part*> parts;  // of the rows that were loaded; all of them when `whole`
  bool whole = false;
  Position before = kNever;  // when it was accepted until now
  Position after = kNever;   // and when it is accepted in the replay
  bool decided_anew = false;
  bool added = false;
  bool removed = false;
  bool banned = false;                 // T itself refused it: it waits
  int64_t tried = 0;                   // when it was refused last, as RowHistory::changed counts
  std::string refusal;                 // why
  std::vector<RowHistory*> looked_at;  // the rows on which the last refusal depended
  std::set<RowHistory*> seen;          // the rows on which any answer to it has depended

  // Whether at `position` it was accepted by itself, without having to wait for another.
  bool is_at_once(const Position& position) const { return position == Position{stamp, 0}; }
};

class History {
 public:
  History(Database& db, Catalog& catalog, Parked& parked)
      : db_(db), catalog_(catalog), parked_(parked), log_(db) {}

  // The row with all patches that are kept of it, read on first need. O(its patches).
  RowHistory& row(const TablePlan& plan, std::vector<Value> key);
  // The same by its names; null when there is no such replicated table any more.
  RowHistory* row(const RowName& name);
  bool has_row(const TablePlan& plan, const std::string& name) const {
    return rows_.count({&plan, name}) != 0;
  }
  // When the oldest patch in the log of a row was accepted; nothing when there is none. O(1).
  std::optional<Position> first_accepted(const TablePlan& plan, const std::vector<Value>& key);
  // Every row of a table that has patches. O(the table's log).
  std::vector<RowHistory*> all_rows(const TablePlan& plan);
  // The unit of a (peer, seq) in the log; `group` says which, when it is known.
  UnitHistory& unit(int64_t peer, int64_t seq, int64_t at, std::optional<Range> group);
  // A unit that is not kept yet. Its parts follow by add_part().
  UnitHistory& add_unit(const Stamp& stamp, std::optional<Range> group);
  void add_part(UnitHistory& unit, const TablePlan& plan, RowPatch&& patch, int64_t ver,
                bool in_log);
  // Reads the parts of a unit in all rows.
  void complete(UnitHistory& unit);

  std::map<std::pair<const TablePlan*, std::string>, std::unique_ptr<RowHistory>>& rows() {
    return rows_;
  }
  std::map<std::pair<int64_t, int64_t>, std::unique_ptr<UnitHistory>>& units() { return units_; }

 private:
  RowHistory::Part& put(RowHistory& row, UnitHistory& unit, RowPatch&& patch);
  std::optional<Range> group_of(int64_t peer, int64_t seq);
  Position accepted_at(const UnitHistory& unit);
  bool has_rows(std::string_view sql, std::optional<bool>& known);

  Database& db_;
  Catalog& catalog_;
  Parked& parked_;
  Log log_;
  std::map<std::pair<const TablePlan*, std::string>, std::unique_ptr<RowHistory>> rows_;
  std::map<std::pair<int64_t, int64_t>, std::unique_ptr<UnitHistory>> units_;  // (peer, first seq)
  std::deque<RowHistory::Part> parts_;
  std::vector<std::shared_ptr<const TablePlan>> plans_;  // kept while they are in use
  std::optional<bool> has_groups_;
  std::optional<bool> has_late_;
};

}  // namespace replic

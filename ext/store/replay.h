// The acceptance rule with ties between rows: what becomes of some new units, and of those that
// they concern. One object is one replay. Runs inside Gate::write, and writes nothing but claims.
//
// The rule executes all units in the order of their stamps (docs/rule.md). Here
// only those are decided anew whose answer may differ from the one that is kept; all others are
// taken as accepted when they were (history.h). It begins with the new units. When a decision
// changes, the units that touch the rows of the changed one are decided anew too, and those of rows
// tied to them by a key (claims.h) whose holder or whose references have changed at some moment.
// This is repeated, from the earliest change on, until no more units are drawn in. So the cost
// follows what is concerned, not the table: see docs/rule.md, "What it costs".

#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "store/history.h"
#include "store/scratch.h"

namespace replic {

// A unit on its way into T.
struct UnitPart {
  std::shared_ptr<const TablePlan> plan;
  RowPatch row;
  int64_t ver = 0;
  bool in_log = false;  // of a local transaction: it is in the log and in T already
};
struct Unit {
  Stamp stamp;                 // of its first patch; for a group, with the group's first seq
  std::optional<Range> group;  // when it is a group
  std::vector<UnitPart> parts;
};

class Replay {
 public:
  Replay(Database& db, Catalog& catalog, Parked& parked, Claims& claims, Scratch& scratch,
         bool foreign_keys)
      : db_(db),
        catalog_(catalog),
        claims_(claims),
        scratch_(scratch),
        foreign_keys_(foreign_keys),
        history_(db, catalog, parked) {}

  // A unit to be placed, whose claims are noted.
  void add(Unit&& unit);
  // A unit that is kept, and shall be no more.
  UnitHistory& remove(int64_t peer, int64_t seq, int64_t at, std::optional<Range> group);
  // A unit that waits: try it after everything, at the step `end`.
  void retry(UnitHistory& unit, const Stamp& end);
  void run();

  // Everything that is kept of a table.
  void decide_all(const TablePlan& plan);
  // After run(): what a row is in the end.
  const RowFold& final_state(RowHistory& row);
  // After run(): the units that were added, or whose decision has changed.
  std::vector<UnitHistory*> outcome();
  History& history() { return history_; }

 private:
  struct Touched {
    RowHistory* row;
    RowFold fold;
  };
  using Units = std::span<UnitHistory* const>;

  // The replay of the units that are decided anew.
  void simulate();
  void start_row(RowHistory& row);
  void advance(RowHistory& row);
  RowHistory& look(RowHistory& row);
  void execute(UnitHistory& unit);
  void try_waiting();
  bool try_unit(UnitHistory& unit);
  void accept(UnitHistory& unit, const Position& position);
  std::vector<UnitHistory*> mates(UnitHistory& unit);

  // Legality at the present moment.
  bool legal(Units units);
  std::vector<Touched> touch(Units units);
  bool keys_legal(std::vector<Touched>& touched);
  bool trial_legal(const TablePlan& plan, const std::vector<Touched>& touched);
  bool references_legal(const std::vector<Touched>& touched);
  bool has_parent(const ForeignKey& foreign, const Tuple& tuple,
                  const std::vector<Touched>& touched);
  bool is_surely_there(const TablePlan& plan, const std::vector<Value>& key);
  bool has_local_parent(const ForeignKey& foreign, const Tuple& tuple);
  const RowFold& state(RowHistory& row, const std::vector<Touched>& touched);
  RowHistory* parent_row(const ForeignKey& foreign, const Tuple& tuple);

  // What a changed decision concerns: draws units into anew_.
  struct Changed {
    std::map<const ValueKey*, std::set<Tuple>> held;
    std::map<const ForeignKey*, std::set<Tuple>> referred;
  };
  void draw_in();
  static bool state_changes(const RowHistory& row, const Position& from);
  bool was_whole(const RowHistory& row);
  void draw_in_ties(RowHistory& row, const Position& from);
  Changed changed_values(const RowHistory& row, const Position& from);
  void compare(const TablePlan& plan, const RowFold& before, const RowFold& after, Changed& out);
  void decide_anew(RowHistory& row, const Position& from, const ValueKey* only = nullptr);
  void decide_anew(UnitHistory& unit);
  bool draw_in_waiting();

  Database& db_;
  Catalog& catalog_;
  Claims& claims_;
  Scratch& scratch_;
  bool foreign_keys_;
  History history_;

  std::set<UnitHistory*> anew_;  // the units that are decided anew
  bool grown_ = false;           // anew_ has grown since the last simulation
  Position start_ = kNever;
  std::optional<Position> now_;  // up to where given units are accepted; nothing: before start_
  Stamp step_;
  int64_t place_ = 0;   // of the unit that was accepted last in this step
  int64_t moment_ = 0;  // counts changes of rows
  std::map<Stamp, std::vector<RowHistory*>> agenda_;
  std::vector<UnitHistory*> waiting_;  // by stamp
  std::set<RowHistory*> started_;
  std::vector<RowHistory*> looked_at_;
  std::string refusal_;
};

}  // namespace replic

#include "store/replay.h"

#include <algorithm>

namespace replic {
namespace {

bool earlier(const UnitHistory* a, const UnitHistory* b) { return a->stamp < b->stamp; }

// Whether the part belongs to what a replay takes for given.
bool is_given(const RowHistory::Part& part) {
  return !part.unit->decided_anew && !part.unit->removed && part.unit->before != kNever;
}

}  // namespace

void Replay::add(Unit&& unit) {
  UnitHistory& added = history_.add_unit(unit.stamp, unit.group);
  added.added = true;
  added.whole = true;
  for (UnitPart& part : unit.parts)
    history_.add_part(added, *part.plan, std::move(part.row), part.ver, unit.in_log);
  start_ = std::min(start_, Position{added.stamp, 0});
  decide_anew(added);
}

UnitHistory& Replay::remove(int64_t peer, int64_t seq, int64_t at, std::optional<Range> group) {
  UnitHistory& unit = history_.unit(peer, seq, at, group);
  history_.complete(unit);
  unit.removed = true;
  start_ = std::min(start_, unit.before);
  return unit;
}

void Replay::retry(UnitHistory& unit, const Stamp& end) {
  start_ = std::min(start_, Position{end, 0});
  decide_anew(unit);
}

void Replay::decide_all(const TablePlan& plan) {
  for (RowHistory* row : history_.all_rows(plan)) {
    for (const RowHistory::Part* part : row->parts) {
      start_ = std::min(start_, Position{part->unit->stamp, 0});
      decide_anew(*part->unit);
    }
  }
}

const RowFold& Replay::final_state(RowHistory& row) {
  now_ = kNever;
  start_row(row);
  advance(row);
  return row.now;
}

void Replay::run() {
  do {
    grown_ = false;
    simulate();
    draw_in();
  } while (grown_);
}

std::vector<UnitHistory*> Replay::outcome() {
  std::vector<UnitHistory*> out;
  for (const auto& [id, unit] : history_.units()) {
    if (unit->added || unit->removed || (unit->decided_anew && unit->before != unit->after))
      out.push_back(unit.get());
  }
  std::sort(out.begin(), out.end(), earlier);
  return out;
}

// --- the replay
// ------------------------------------------------------------------------------------

void Replay::simulate() {
  // Completing a unit reads rows, and with them other units: those come in by draw_in().
  for (UnitHistory* unit : anew_) history_.complete(*unit);
  agenda_.clear();
  waiting_.clear();
  started_.clear();
  step_ = start_.step;
  place_ = start_.place;
  moment_ = 0;
  std::map<Stamp, UnitHistory*> executing;
  for (UnitHistory* unit : anew_) {
    unit->after = kNever;
    unit->tried = -1;
    unit->seen.clear();
    if (unit->removed) continue;
    if (Position{unit->stamp, 0} < start_) {
      waiting_.push_back(unit);
    } else {
      executing[unit->stamp] = unit;
      agenda_[unit->stamp];
    }
  }
  std::sort(waiting_.begin(), waiting_.end(), earlier);
  agenda_[start_.step];
  now_.reset();
  for (UnitHistory* unit : anew_) {
    for (RowHistory::Part* part : unit->parts) start_row(*part->row);
  }
  while (!agenda_.empty()) {
    const auto next = agenda_.begin();
    if (next->first != step_) place_ = 0;
    step_ = next->first;
    const std::vector<RowHistory*> rows = std::move(next->second);
    agenda_.erase(next);
    // First the unit of this step, then what it frees.
    now_ = std::max(Position{step_, 0}, start_);
    for (RowHistory* row : rows) advance(*row);
    const auto unit = executing.find(step_);
    if (unit != executing.end()) {
      UnitHistory& executed = *unit->second;
      executing.erase(unit);
      execute(executed);
    }
    now_ = Position{step_, kForever};
    for (RowHistory* row : rows) advance(*row);
    try_waiting();
  }
}

// Brings a row that the replay has not looked at yet to the present moment.
void Replay::start_row(RowHistory& row) {
  if (!started_.insert(&row).second) return;
  row.now = RowFold(row.plan);
  row.next_event = 0;
  row.changed = 0;
  row.mated = 0;
  row.events.clear();
  for (RowHistory::Part* part : row.parts) {
    if (is_given(*part)) row.events.push_back(part);
  }
  std::stable_sort(row.events.begin(), row.events.end(),
                   [](const RowHistory::Part* a, const RowHistory::Part* b) {
                     return a->unit->before < b->unit->before;
                   });
  while (row.next_event < row.events.size()) {
    const RowHistory::Part* part = row.events[row.next_event];
    const Position& at = part->unit->before;
    if (now_ ? at > *now_ : at >= start_) break;
    row.now.add(part->patch);
    row.next_event++;
  }
  for (size_t i = row.next_event; i < row.events.size(); i++)
    agenda_[row.events[i]->unit->before.step].push_back(&row);
}

RowHistory& Replay::look(RowHistory& row) {
  start_row(row);
  looked_at_.push_back(&row);
  return row;
}

void Replay::advance(RowHistory& row) {
  bool any = false;
  for (; row.next_event < row.events.size(); row.next_event++) {
    const RowHistory::Part* part = row.events[row.next_event];
    if (part->unit->before > *now_) break;
    any = any || part->matters || row.may_lack || !row.now.visible();
    row.now.add(part->patch);
  }
  if (any) row.changed = ++moment_;
}

void Replay::accept(UnitHistory& unit, const Position& position) {
  unit.after = position;
  moment_++;
  for (RowHistory::Part* part : unit.parts) {
    if (part->matters || part->row->may_lack || !part->row->now.visible())
      part->row->changed = moment_;
    part->row->now.add(part->patch);
  }
}

void Replay::execute(UnitHistory& unit) {
  if (try_unit(unit)) return accept(unit, {step_, 0});
  waiting_.insert(std::upper_bound(waiting_.begin(), waiting_.end(), &unit, earlier), &unit);
  // Others of its rows may now find a mate in it, when a row is not whole yet.
  moment_++;
  for (RowHistory::Part* part : unit.parts) {
    if (!part->row->now.visible() || part->row->may_lack) part->row->mated = moment_;
  }
}

bool Replay::try_unit(UnitHistory& unit) {
  UnitHistory* const alone[] = {&unit};
  looked_at_.clear();
  const bool ok = !unit.banned && legal(alone);
  unit.seen.insert(looked_at_.begin(), looked_at_.end());
  if (ok) return true;
  unit.looked_at = looked_at_;
  unit.tried = moment_;
  if (!unit.banned) unit.refusal = refusal_;
  return false;
}

void Replay::try_waiting() {
  for (;;) {
    bool any = false;
    for (UnitHistory* unit : waiting_) {
      const bool concerned =
          unit->tried < 0 ||
          std::any_of(unit->looked_at.begin(), unit->looked_at.end(),
                      [&](const RowHistory* row) { return row->changed > unit->tried; }) ||
          std::any_of(unit->parts.begin(), unit->parts.end(),
                      [&](const RowHistory::Part* part) { return part->row->mated > unit->tried; });
      if (!concerned || unit->banned) continue;
      std::vector<UnitHistory*> joint{unit};
      bool ok = try_unit(*unit);
      if (!ok) {
        joint = mates(*unit);
        const std::string why = unit->refusal;
        if (joint.size() > 1) {
          ok = legal(joint);
          unit->seen.insert(looked_at_.begin(), looked_at_.end());
          unit->looked_at.insert(unit->looked_at.end(), looked_at_.begin(), looked_at_.end());
        }
        unit->refusal = why;
      }
      if (!ok) continue;
      place_++;
      for (UnitHistory* accepted : joint) accept(*accepted, {step_, place_});
      std::erase_if(waiting_, [](const UnitHistory* w) { return w->after != kNever; });
      any = true;
      break;
    }
    if (!any) return;
  }
}

// `unit`, and for as long as a row that it touches lacks a NOT NULL column without a default, the
// oldest waiting unit that sets it.
std::vector<UnitHistory*> Replay::mates(UnitHistory& unit) {
  std::vector<UnitHistory*> joint{&unit};
  for (;;) {
    const std::vector<Touched> touched = touch(joint);
    const auto helps = [&](const UnitHistory* mate) {
      if (mate->banned || std::find(joint.begin(), joint.end(), mate) != joint.end()) return false;
      for (const RowHistory::Part* part : mate->parts) {
        const bool is_row_of_unit =
            std::any_of(unit.parts.begin(), unit.parts.end(),
                        [&](const RowHistory::Part* own) { return own->row == part->row; });
        if (!is_row_of_unit) continue;
        const auto row = std::find_if(touched.begin(), touched.end(),
                                      [&](const Touched& t) { return t.row == part->row; });
        if (!row->fold.visible()) continue;
        for (const Slot& slot : part->patch.slots) {
          if (!slot.value.is_null() && row->fold.needs(slot.column)) return true;
        }
      }
      return false;
    };
    const auto mate = std::find_if(waiting_.begin(), waiting_.end(), helps);
    if (mate == waiting_.end()) return joint;
    joint.push_back(*mate);
  }
}

// --- what a changed decision concerns
// --------------------------------------------------------------

void Replay::decide_anew(UnitHistory& unit) {
  if (unit.removed || unit.decided_anew) return;
  unit.decided_anew = true;
  anew_.insert(&unit);
  grown_ = true;
}

// The units that touch the row and were not accepted before `from`. With `only`: but for those that
// leave the values of that key as they are, and the row where it is.
void Replay::decide_anew(RowHistory& row, const Position& from, const ValueKey* only) {
  for (RowHistory::Part* part : row.parts) {
    if (part->unit->before < from) continue;
    if (only != nullptr && part->unit->before != kNever) {
      const auto sets = [&](size_t column) { return part->patch.find(column) != nullptr; };
      const bool concerns =
          sets(row.plan.columns.size()) ||
          (!only->is_primary && std::any_of(only->columns.begin(), only->columns.end(),
                                            [&](const KeyColumn& c) { return sets(*c.column); }));
      if (!concerns) continue;
    }
    decide_anew(*part->unit);
  }
}

void Replay::draw_in() {
  std::map<RowHistory*, Position> dirty;  // and the first moment at which it differs
  for (const auto& [id, unit] : history_.units()) {
    if (!unit->removed && (!unit->decided_anew || unit->before == unit->after)) continue;
    const Position from = std::min(unit->before, unit->after);
    for (RowHistory::Part* part : unit->parts) {
      const auto [it, is_new] = dirty.emplace(part->row, from);
      if (!is_new) it->second = std::min(it->second, from);
    }
  }
  for (const auto& [row, from] : dirty) {
    if (!state_changes(*row, from)) continue;
    decide_anew(*row, from);
    if (row->plan.has_ties()) draw_in_ties(*row, from);
  }
  while (draw_in_waiting()) {
  }
}

// Whether what has changed in a row, from a moment on, can change decisions.
bool Replay::state_changes(const RowHistory& row, const Position& from) {
  if (row.may_lack) return true;
  bool was_there = false;  // and so was whole
  for (const RowHistory::Part* part : row.parts) {
    const UnitHistory& unit = *part->unit;
    const bool changes = unit.removed || (unit.decided_anew && unit.before != unit.after);
    if (changes && part->matters) return true;
    if (row.plan.log_tombstone && part->patch.find(row.plan.columns.size()) != nullptr) return true;
    was_there = was_there || (!changes && unit.before < from);
  }
  return !was_there;
}

// Units that wait compete for what comes free, the oldest first, and may be accepted together: with
// one, all that wait, or waited, for its rows and for those on which its acceptance depends.
bool Replay::draw_in_waiting() {
  const std::vector<UnitHistory*> units(anew_.begin(), anew_.end());
  const auto waits = [](const UnitHistory& unit) { return !unit.is_at_once(unit.before); };
  const auto draw = [&](RowHistory& row, bool matters) {
    const bool is_whole = !row.may_lack && was_whole(row);
    for (const RowHistory::Part* part : row.parts) {
      if (is_whole && !matters && !part->matters) continue;
      if (waits(*part->unit) && !(part->unit->before < start_)) decide_anew(*part->unit);
    }
  };
  for (UnitHistory* unit : units) {
    if (!waits(*unit) && unit->is_at_once(unit->after)) continue;
    history_.complete(*unit);
    for (const RowHistory::Part* part : unit->parts) draw(*part->row, part->matters);
    for (RowHistory* row : unit->seen) draw(*row, false);
  }
  return anew_.size() > units.size();
}

// Whether a row was there, and so was whole, at the start, and stays so.
bool Replay::was_whole(const RowHistory& row) {
  if (row.plan.log_tombstone) {
    for (const RowHistory::Part* part : row.parts) {
      if (part->patch.find(row.plan.columns.size()) != nullptr) return false;
    }
  }
  return std::any_of(row.parts.begin(), row.parts.end(), [&](const RowHistory::Part* part) {
    return !part->unit->decided_anew && !part->unit->removed && part->unit->before < start_;
  });
}

void Replay::compare(const TablePlan& plan, const RowFold& before, const RowFold& after,
                     Changed& out) {
  const auto held = [](const ValueKey& key, const RowFold& fold) -> std::optional<Tuple> {
    if (!fold.visible()) return std::nullopt;
    return Claims::held_by(key, [&](size_t column) { return fold.value(column); });
  };
  const auto referred = [&](const ForeignKey& foreign,
                            const RowFold& fold) -> std::optional<Tuple> {
    if (!fold.visible()) return std::nullopt;
    return claims_.reference_of(foreign, [&](size_t column) { return fold.value(column); });
  };
  const bool same = before.shows_same(after);
  for (const ValueKey& key : plan.value_keys) {
    std::optional<Tuple> old_tuple = held(key, before);
    std::optional<Tuple> new_tuple = held(key, after);
    if (key.is_exact ? old_tuple == new_tuple : same) continue;
    if (old_tuple) out.held[&key].insert(*std::move(old_tuple));
    if (new_tuple) out.held[&key].insert(*std::move(new_tuple));
  }
  if (!foreign_keys_) return;
  for (const ForeignKey& foreign : plan.foreign_keys) {
    std::optional<Tuple> old_tuple = referred(foreign, before);
    std::optional<Tuple> new_tuple = referred(foreign, after);
    if (old_tuple == new_tuple) continue;
    if (old_tuple) out.referred[&foreign].insert(*std::move(old_tuple));
    if (new_tuple) out.referred[&foreign].insert(*std::move(new_tuple));
  }
}

// The values of its keys that a row holds, or refers to, at some moment from `from` on in only one
// of the two histories: that which is kept and that of the last simulation.
Replay::Changed Replay::changed_values(const RowHistory& row, const Position& from) {
  struct Event {
    Position at;
    const RowPatch* patch;
    bool in_before;
    bool in_after;
  };
  std::vector<Event> events;
  for (const RowHistory::Part* part : row.parts) {
    const UnitHistory& unit = *part->unit;
    const Position after = unit.removed || unit.decided_anew ? unit.after : unit.before;
    if (unit.before == after) {
      events.push_back({after, &part->patch, true, true});
    } else {
      events.push_back({unit.before, &part->patch, true, false});
      events.push_back({after, &part->patch, false, true});
    }
  }
  std::erase_if(events, [](const Event& event) { return event.at == kNever; });
  std::sort(events.begin(), events.end(),
            [](const Event& a, const Event& b) { return a.at < b.at; });
  Changed out;
  RowFold before(row.plan);
  RowFold after(row.plan);
  for (size_t i = 0; i < events.size(); i++) {
    if (events[i].in_before) before.add(*events[i].patch);
    if (events[i].in_after) after.add(*events[i].patch);
    const bool is_last = i + 1 == events.size() || events[i + 1].at != events[i].at;
    if (is_last && events[i].at >= from) compare(row.plan, before, after, out);
  }
  return out;
}

void Replay::draw_in_ties(RowHistory& row, const Position& from) {
  const Changed changed = changed_values(row, from);
  const auto draw = [&](const std::vector<RowName>& names, const ValueKey* only) {
    for (const RowName& name : names) {
      RowHistory* other = history_.row(name);
      if (other != nullptr && other != &row) decide_anew(*other, from, only);
    }
  };
  for (const auto& [key, tuples] : changed.held) {
    for (const Tuple& tuple : tuples) {
      if (key->is_unique) draw(claims_.holders(*key, tuple), nullptr);
      if (key->is_referenced && foreign_keys_) draw(claims_.referrers(*key, tuple), nullptr);
    }
  }
  for (const auto& [foreign, tuples] : changed.referred) {
    for (const Tuple& tuple : tuples) {
      if (!foreign->parent.is_primary) {
        draw(claims_.holders(foreign->parent, tuple), &foreign->parent);
      } else if (RowHistory* parent = parent_row(*foreign, tuple)) {
        if (parent != &row) decide_anew(*parent, from, &foreign->parent);
      }
    }
  }
}

}  // namespace replic

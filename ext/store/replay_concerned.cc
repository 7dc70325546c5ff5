// A replay: which units a changed decision concerns, so that they are decided anew.

#include <algorithm>
#include <tuple>

#include "store/replay.h"

namespace replic {

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
    // What a local transaction made of the row on its way: others may have been decided by that.
    bool is_step = false;
  };
  std::vector<Event> events;
  for (const RowHistory::Part* part : row.parts) {
    const UnitHistory& unit = *part->unit;
    const Position after = unit.removed || unit.decided_anew ? unit.after : unit.before;
    if (unit.before == after) {
      events.push_back({after, &part->patch, true, true});
    } else {
      events.push_back({unit.before, &part->patch, true, false});
      events.push_back({after, &part->patch, false, true, unit.added && part->in_log});
    }
  }
  std::erase_if(events, [](const Event& event) { return event.at == kNever; });
  std::sort(events.begin(), events.end(), [](const Event& a, const Event& b) {
    return std::tie(a.at, a.patch->stamp) < std::tie(b.at, b.patch->stamp);
  });
  Changed out;
  RowFold before(row.plan);
  RowFold after(row.plan);
  for (size_t i = 0; i < events.size(); i++) {
    if (events[i].in_before) before.add(*events[i].patch);
    if (events[i].in_after) after.add(*events[i].patch);
    const bool is_last = i + 1 == events.size() || events[i + 1].at != events[i].at;
    if ((is_last || events[i].is_step) && events[i].at >= from)
      compare(row.plan, before, after, out);
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

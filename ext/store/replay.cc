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
    history_.add_part(added, *part.plan, std::move(part.row), part.ver, part.in_log);
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

}  // namespace replic

// Legality in a replay: fold(A + J) at the present moment, in every row that J touches.

#include <algorithm>

#include "base/error.h"
#include "sqlite/ident.h"
#include "store/replay.h"
#include "wire/json_cells.h"

namespace replic {
namespace {

// Rows that are looked at one by one, to name the one that is in the way.
constexpr size_t kMostNamed = 16;

// `id 7` or `a 7, b the text "x"`: a row by its key.
std::string described(const RowHistory& row) {
  std::string out;
  for (size_t i = 0; i < row.plan.key.size(); i++) {
    out.append(out.empty() ? "" : ", ").append(row.plan.columns[row.plan.key[i]].name);
    out.append(" ").append(wire::shown(row.key[i]));
  }
  return out;
}

std::string values_of(const Tuple& tuple) {
  std::string out;
  for (const Value& value : tuple.values)
    out.append(out.empty() ? "" : ", ").append(wire::shown(value));
  return out;
}

std::string columns_of(const TablePlan& plan, const ForeignKey& foreign) {
  std::string out;
  for (const size_t column : foreign.columns)
    out.append(out.empty() ? "" : ", ").append(plan.name + "." + plan.columns[column].name);
  return out;
}

std::optional<Tuple> held(const ValueKey& key, const RowFold& fold) {
  if (!fold.visible()) return std::nullopt;
  return Claims::held_by(key, [&](size_t column) { return fold.value(column); });
}

}  // namespace

// The rows that `units` touch, as they would be with them.
std::vector<Replay::Touched> Replay::touch(Units units) {
  std::vector<Touched> out;
  for (UnitHistory* unit : units) {
    for (const RowHistory::Part* part : unit->parts) {
      auto it = std::find_if(out.begin(), out.end(),
                             [&](const Touched& t) { return t.row == part->row; });
      if (it == out.end()) {
        look(*part->row);
        out.push_back({part->row, part->row->now});
        it = out.end() - 1;
      }
      it->fold.add(part->patch);
    }
  }
  return out;
}

const RowFold& Replay::state(RowHistory& row, const std::vector<Touched>& touched) {
  for (const Touched& t : touched) {
    if (t.row == &row) return t.fold;
  }
  return look(row).now;
}

bool Replay::legal(Units units) {
  looked_at_.clear();
  std::vector<Touched> touched = touch(units);
  for (const Touched& t : touched) {
    if (auto refusal = refusal_of(t.fold)) {
      refusal_ = *std::move(refusal);
      return false;
    }
  }
  return keys_legal(touched) && (!foreign_keys_ || references_legal(touched));
}

bool Replay::keys_legal(std::vector<Touched>& touched) {
  std::set<const TablePlan*> trials;
  for (const Touched& t : touched) {
    if (!t.fold.visible()) continue;
    const TablePlan& plan = t.row->plan;
    if (plan.needs_trial) trials.insert(&plan);
    for (const ValueKey& key : plan.value_keys) {
      if (!key.is_unique || !key.is_exact) continue;
      const std::optional<Tuple> tuple = held(key, t.fold);
      if (!tuple) continue;
      for (const RowName& name : claims_.holders(key, *tuple)) {
        RowHistory* other = history_.row(name);
        if (other == nullptr || other == t.row) continue;
        const std::optional<Tuple> theirs = held(key, state(*other, touched));
        if (theirs != tuple) continue;
        refusal_ = "UNIQUE constraint failed: " + key.label + ": the row with " +
                   described(*other) + " holds " + values_of(*tuple);
        return false;
      }
    }
  }
  return std::all_of(trials.begin(), trials.end(),
                     [&](const TablePlan* plan) { return trial_legal(*plan, touched); });
}

// CHECK, and UNIQUE with expressions or conditions: SQLite tells, given all rows that may conflict.
bool Replay::trial_legal(const TablePlan& plan, const std::vector<Touched>& touched) {
  std::vector<const RowFold*> rows;
  std::set<RowHistory*> neighbours;
  for (const Touched& t : touched) {
    if (&t.row->plan != &plan || !t.fold.visible()) continue;
    rows.push_back(&t.fold);
    for (const ValueKey& key : plan.value_keys) {
      if (!key.is_unique || key.is_exact) continue;
      const std::optional<Tuple> tuple = held(key, t.fold);
      if (!tuple) continue;
      for (const RowName& name : claims_.holders(key, *tuple)) {
        RowHistory* other = history_.row(name);
        if (other != nullptr) neighbours.insert(other);
      }
    }
  }
  std::vector<const RowFold*> others;
  std::vector<const RowHistory*> names;
  for (RowHistory* row : neighbours) {
    const RowFold& fold = look(*row).now;
    const bool is_touched =
        std::any_of(touched.begin(), touched.end(), [&](const Touched& t) { return t.row == row; });
    if (is_touched || !fold.visible()) continue;
    others.push_back(&fold);
    names.push_back(row);
  }
  auto refusal = scratch_.refusal(plan, rows, others);
  if (!refusal) return true;
  refusal_ = *std::move(refusal);
  if (!refusal_.starts_with("UNIQUE")) return false;
  for (size_t i = 0; i < others.size() && i < kMostNamed; i++) {
    if (!scratch_.refusal(plan, rows, {others[i]})) continue;
    if (!scratch_.refusal(plan, rows, {}))
      refusal_ += ": the row with " + described(*names[i]) + " is in the way";
    break;
  }
  return false;
}

// FOREIGN KEY in both directions: each touched row has its parents, and no row loses its parent.
bool Replay::references_legal(const std::vector<Touched>& touched) {
  for (const Touched& t : touched) {
    const TablePlan& plan = t.row->plan;
    if (t.fold.visible()) {
      for (const ForeignKey& foreign : plan.foreign_keys) {
        const auto tuple =
            claims_.reference_of(foreign, [&](size_t column) { return t.fold.value(column); });
        if (!tuple || has_parent(foreign, *tuple, touched)) continue;
        refusal_ = "FOREIGN KEY constraint failed: " + columns_of(plan, foreign) + " is " +
                   values_of(*tuple) + ", and " + foreign.parent_table + " has no such row";
        return false;
      }
    }
    for (const ValueKey& key : plan.value_keys) {
      if (!key.is_referenced) continue;
      const std::optional<Tuple> before = held(key, t.row->now);
      if (!before || before == held(key, t.fold)) continue;
      for (const RowName& name : claims_.referrers(key, *before)) {
        RowHistory* child = history_.row(name);
        if (child == nullptr) continue;
        const RowFold& fold = state(*child, touched);
        if (!fold.visible()) continue;
        for (const ForeignKey& foreign : child->plan.foreign_keys) {
          if (foreign.parent.domain != key.domain) continue;
          const auto tuple =
              claims_.reference_of(foreign, [&](size_t column) { return fold.value(column); });
          if (tuple != before || has_parent(foreign, *before, touched)) continue;
          refusal_ = "FOREIGN KEY constraint failed: the row with " + described(*child) + " of " +
                     child->plan.name + " refers to " + values_of(*before) + " in " + plan.name;
          return false;
        }
      }
    }
  }
  return true;
}

// The row of the parent's table that has this primary key; null when it is not replicated.
RowHistory* Replay::parent_row(const ForeignKey& foreign, const Tuple& tuple) {
  const TablePlan* plan = catalog_.find(foreign.parent_table);
  if (plan == nullptr || !plan->problem.empty()) return nullptr;
  return &history_.row(*plan, parent_key(*plan, foreign, tuple));
}

// Whether a row is there at the present moment, without reading its history: it was never deleted,
// and its first patch did not have to wait. A row that the replay has in hand is not asked here.
bool Replay::is_surely_there(const TablePlan& plan, const std::vector<Value>& key) {
  const std::string name = row_key(plan, key);
  if (history_.has_row(plan, name)) return false;
  if (plan.log_tombstone && claims_.was_ever_deleted(plan, name)) return false;
  const auto oldest = history_.first_accepted(plan, key);
  return oldest && *oldest <= now_.value_or(start_);
}

bool Replay::has_parent(const ForeignKey& foreign, const Tuple& tuple,
                        const std::vector<Touched>& touched) {
  const TablePlan* plan = catalog_.find(foreign.parent_table);
  if (plan == nullptr || !plan->problem.empty()) return has_local_parent(foreign, tuple);
  if (foreign.parent.is_primary) {
    return is_surely_there(*plan, parent_key(*plan, foreign, tuple)) ||
           state(*parent_row(foreign, tuple), touched).visible();
  }
  for (const RowName& name : claims_.holders(foreign.parent, tuple)) {
    RowHistory* row = history_.row(name);
    if (row == nullptr || &row->plan != plan) continue;
    if (held(foreign.parent, state(*row, touched)) == tuple) return true;
  }
  return false;
}

// A parent that is not replicated is what it is now.
bool Replay::has_local_parent(const ForeignKey& foreign, const Tuple& tuple) {
  std::string sql = "SELECT 1 FROM main." + ident(foreign.parent_table) + " WHERE ";
  for (size_t i = 0; i < foreign.parent.columns.size(); i++) {
    const KeyColumn& column = foreign.parent.columns[i];
    sql += (i == 0 ? "" : " AND ") + ident(column.name) + "=? COLLATE " + ident(column.collation);
  }
  Run run = db_.run(sql);
  for (const Value& value : tuple.values) run.bind(value);
  return run.step();
}

}  // namespace replic

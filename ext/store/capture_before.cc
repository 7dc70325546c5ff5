// Capture: what the BEFORE triggers tell, and what it says of the AFTER triggers that follow.

#include <algorithm>

#include "base/error.h"
#include "sqlite/ident.h"
#include "store/capture.h"

namespace replic {
namespace {

// Rows that are being written at a time: one, and those that triggers write meanwhile.
constexpr size_t kMostTold = 16;

}  // namespace

std::vector<Value> Capture::values_of(std::span<sqlite3_value*> key) {
  std::vector<Value> out;
  for (sqlite3_value* value : key) out.push_back(value_of(value, "key"));
  return out;
}

Capture::RowId Capture::name_row(std::string_view table, std::span<sqlite3_value*> key) {
  return {std::string(table), values_of(key)};
}

bool Capture::is_key(const TablePlan& plan, const std::vector<Value>& a,
                     const std::vector<Value>& b) {
  return a.size() == b.size() && row_key(plan, a) == row_key(plan, b);
}

bool Capture::ignores(Op op, std::string_view table, std::span<sqlite3_value*> key) {
  const OwnWrite& own = db_.own_write;
  if (own.kind != OwnWrite::Kind::apply) {
    note_coming(op, table, key);
    return false;
  }
  return own.plan != nullptr && !is_announced(op, table, key);
}

// An update is told of when it moves a row to another key.
void Capture::note_coming(Op op, std::string_view table, std::span<sqlite3_value*> keys) {
  if (op == Op::remove) return;
  std::span<sqlite3_value*> from;
  if (op == Op::update) {
    const size_t half = keys.size() / 2;
    bool moves = false;
    for (size_t i = 0; i < half; i++) moves = moves || !same_value(keys[i], keys[half + i]);
    from = keys.first(half);
    note_updating(table, from);
    if (!moves) return;
    keys = keys.subspan(half);
  }
  tell(coming_, op, name_row(table, keys), from);
}

bool Capture::is_coming(const TablePlan& plan, const std::vector<Value>& key) {
  return std::any_of(coming_.begin(), coming_.end(), [&](const Told& told) {
    return told.savepoints == state_.savepoints() && is_row(plan, told.row, key);
  });
}

void Capture::tell(std::vector<Told>& list, Op op, RowId&& row, std::span<sqlite3_value*> from) {
  // From now on each statement has a savepoint of its own, by which it is known from a later one.
  if (db_.writing() && !state_.loaded()) load();
  if (list.size() == kMostTold) list.erase(list.begin());
  list.push_back({std::move(row), state_.savepoints(), op, values_of(from), taken_});
}

void Capture::meets(Op op, std::string_view table, std::span<sqlite3_value*> keys) {
  if (db_.own_write.kind == OwnWrite::Kind::apply) return;
  const size_t width = op == Op::update ? keys.size() / 2 : keys.size();
  tell(met_, op, name_row(table, keys.first(width)), keys.subspan(width));
  if (op == Op::insert && !coming_.empty()) met_.back().from = coming_.back().row.key;
}

bool Capture::guards(Op op, std::string_view table, std::span<sqlite3_value*> key) {
  OwnWrite& own = db_.own_write;
  if (own.kind != OwnWrite::Kind::none && (own.plan == nullptr || is_announced(op, table, key)))
    return false;
  if (own.kind == OwnWrite::Kind::apply) return true;
  throw Error(
      Code::guard,
      "table " + quoted(table) + " is in mode guard: a plain INSERT, UPDATE or DELETE is refused",
      "write with replic_patch(" + literal(table) + ",...), or SELECT replic_track(" +
          literal(table) + ",'{\"mode\":\"capture\"}')");
}

// True for the write that is announced, once: what comes after it is of the application's triggers.
bool Capture::is_announced(Op op, std::string_view table, std::span<sqlite3_value*> key) {
  OwnWrite& own = db_.own_write;
  const auto& plan = *static_cast<const TablePlan*>(own.plan);
  if (plan.name != table) {
    // A trigger that names a table that is no more stands on another one, perhaps on ours.
    if (catalog_.find(table) == nullptr) throw_stale(table);
    return false;
  }
  bool& may = op == Op::insert   ? own.may_insert
              : op == Op::update ? own.may_update
                                 : own.may_remove;
  if (!may || key.size() < plan.key.size()) return false;
  std::vector<Value> values;
  for (size_t i = 0; i < plan.key.size(); i++)
    values.push_back(stored(plan.columns[plan.key[i]], key[i]));
  if (row_key(plan, values) != row_key(plan, *own.key)) return false;
  may = false;
  return true;
}

void Capture::note_updating(std::string_view table, std::span<sqlite3_value*> key) {
  const TablePlan* plan = catalog_.find(table);
  if (plan == nullptr || !plan->can_be_disturbed()) return;
  if (db_.writing() && !state_.loaded()) load();
  if (updating_.size() == kMostTold) updating_.erase(updating_.begin());
  updating_.push_back({name_row(table, key), false, taken_});
}

// Whether a row that has been updated was captured between the BEFORE trigger of its update, which
// is forgotten now, and the AFTER trigger.
bool Capture::was_disturbed(const TablePlan& plan, const std::vector<Value>& key) {
  for (size_t i = updating_.size(); i-- > 0;) {
    if (!is_row(plan, updating_[i].row, key)) continue;
    const bool out = updating_[i].disturbed;
    updating_.resize(i);
    for (Updating& outer : updating_) outer.disturbed |= is_row(plan, outer.row, key);
    return out;
  }
  return true;
}

// Whether REPLACE takes the row away before it writes another one in its place: of the same key,
// or, by UPDATE, of a UNIQUE value of it. There no trigger can put it back, since SQLite refuses
// what is written to the table in the meantime; take_evicted() does.
bool Capture::makes_room(const TablePlan& plan, const std::vector<Value>& key) {
  const auto is_met = [&](const Told& told) {
    return told.op == Op::update && told.savepoints == state_.savepoints() &&
           is_row(plan, told.row, key);
  };
  const bool may =
      is_coming(plan, key) || (plan.keeps_rows() && std::any_of(met_.begin(), met_.end(), is_met));
  return may && recursive_triggers();
}

bool Capture::recursive_triggers() {
  Run run = db_.run("PRAGMA recursive_triggers");
  return run.step() && run.integer(0) != 0;
}

}  // namespace replic

#include "store/judge.h"

#include <algorithm>

#include "base/bytes.h"
#include "store/own_write.h"

namespace replic {
namespace {

const Value kNull = Value();

}  // namespace

void RowFold::add(const RowPatch& patch) {
  empty_ = false;
  for (const Slot& slot : patch.slots) {
    Cell& cell = cells_[slot.column];
    if (cell.value != nullptr && cell.stamp > patch.stamp) continue;
    cell = {patch.stamp, &slot.value};
  }
}

bool RowFold::visible() const {
  if (empty_) return false;
  if (!plan_->log_tombstone) return true;
  const Cell& tombstone = cells_[plan_->columns.size()];
  return tombstone.value == nullptr || tombstone.value->is_null();
}

const Value& RowFold::value(size_t column) const {
  const Cell& cell = cells_[column];
  if (cell.value != nullptr) return *cell.value;
  const Column& info = plan_->columns[column];
  return info.default_kind == DefaultKind::constant ? info.default_value : kNull;
}

std::optional<size_t> RowFold::lacking() const {
  if (!visible()) return std::nullopt;
  for (size_t i = 0; i < plan_->columns.size(); i++) {
    if (lacks(i)) return i;
  }
  return std::nullopt;
}

bool RowFold::lacks(size_t column) const {
  return column < plan_->columns.size() && plan_->columns[column].not_null &&
         value(column).is_null();
}

bool fits_strict(const Column& column, const Value& value) {
  switch (value.type()) {
    case Type::null:
      return true;
    case Type::integer:
      return same_name(column.type, "INT") || same_name(column.type, "INTEGER") ||
             same_name(column.type, "ANY");
    case Type::real:
      return same_name(column.type, "REAL") || same_name(column.type, "ANY");
    case Type::text:
      return same_name(column.type, "TEXT") || same_name(column.type, "ANY");
    case Type::blob:
      return same_name(column.type, "BLOB") || same_name(column.type, "ANY");
  }
  return true;
}

bool RowJudge::legal(const RowFold& fold) {
  if (!fold.visible()) {
    if (plan_.needs_trial) write_row(db_, plan_, key_of(plan_, *units_[0]), fold);
    return true;
  }
  if (const auto column = fold.lacking()) {
    refusal_ = "NOT NULL constraint failed: " + plan_.name + "." + plan_.columns[*column].name;
    return false;
  }
  if (plan_.rowid_alias && fold.value(plan_.key[0]).type() != Type::integer) {
    refusal_ = "datatype mismatch: " + plan_.name + "." + plan_.columns[plan_.key[0]].name +
               " takes integers only";
    return false;
  }
  if (plan_.strict || plan_.log_strict) {
    for (size_t i = 0; i < plan_.columns.size(); i++) {
      const Column& column = plan_.columns[i];
      if (fits_strict(column, fold.value(i))) continue;
      refusal_ = "cannot store this type of value in " + column.type + " column " + plan_.name +
                 "." + column.name;
      return false;
    }
  }
  if (!plan_.needs_trial) return true;
  if (write_row(db_, plan_, key_of(plan_, *units_[0]), fold) == SQLITE_OK) return true;
  refusal_ = db_.errmsg();
  return false;
}

bool RowJudge::admit(std::span<const size_t> units) {
  RowFold fold = fold_;
  for (const size_t unit : units) fold.add(*units_[unit]);
  if (!legal(fold)) return false;
  fold_ = std::move(fold);
  return true;
}

std::vector<size_t> RowJudge::mates(size_t waiter, std::span<const size_t> waiting) {
  std::vector<size_t> out{waiter};
  RowFold fold = fold_;
  fold.add(*units_[waiter]);
  const auto helps = [&](size_t mate) {
    if (std::find(out.begin(), out.end(), mate) != out.end()) return false;
    for (const Slot& slot : units_[mate]->slots) {
      if (!slot.value.is_null() && fold.lacks(slot.column)) return true;
    }
    return false;
  };
  while (fold.lacking()) {
    const auto mate = std::find_if(waiting.begin(), waiting.end(), helps);
    if (mate == waiting.end()) break;
    out.push_back(*mate);
    fold.add(*units_[*mate]);
  }
  return out;
}

int write_row(Database& db, const TablePlan& plan, const std::vector<Value>& key,
              const RowFold& fold) {
  std::vector<size_t> changed;
  bool present = false;
  {
    Run run = db.run(plan.table_select);
    for (const Value& value : key) run.bind(value);
    present = run.step();
    for (size_t i = 0; present && fold.visible() && i < plan.columns.size(); i++) {
      const bool key_column = plan.columns[i].key_position >= 0;
      if (key_column && !plan.respells) continue;
      if (!(run.value(static_cast<int>(i)) == fold.value(i))) changed.push_back(i);
    }
  }
  if (!fold.visible()) {
    if (!present) return SQLITE_OK;
    const Announce announce(db, plan, key, Announce::Statement::remove);
    Run run = db.run(plan.table_delete);
    for (const Value& value : key) run.bind(value);
    return run.try_exec();
  }
  if (!present) {
    const Announce announce(db, plan, key, Announce::Statement::insert);
    Run run = db.run(plan.table_insert);
    for (size_t i = 0; i < plan.columns.size(); i++) run.bind(fold.value(i));
    return run.try_exec();
  }
  if (changed.empty()) return SQLITE_OK;
  const Announce announce(db, plan, key, Announce::Statement::update);
  Run run = db.run(plan.update_sql(changed));
  for (const size_t i : changed) run.bind(fold.value(i));
  for (const Value& value : key) run.bind(value);
  return run.try_exec();
}

}  // namespace replic

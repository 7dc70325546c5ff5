#include "store/fold.h"

#include <algorithm>

#include "base/bytes.h"

namespace replic {
namespace {

const Value kNull = Value();

std::string_view name_of(Type type) {
  switch (type) {
    case Type::null:
      break;
    case Type::integer:
      return "INT";
    case Type::real:
      return "REAL";
    case Type::text:
      return "TEXT";
    case Type::blob:
      return "BLOB";
  }
  return "NULL";
}

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

bool RowFold::needs(size_t column) const {
  return lacks(column) && plan_->columns[column].default_kind != DefaultKind::constant;
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

bool RowFold::shows_same(const RowFold& other) const {
  if (!visible() || !other.visible()) return visible() == other.visible();
  for (size_t i = 0; i < plan_->columns.size(); i++) {
    if (!(value(i) == other.value(i))) return false;
  }
  return true;
}

bool is_harmless(const TablePlan& plan, const RowPatch& patch) {
  for (const Slot& slot : patch.slots) {
    if (slot.column >= plan.columns.size()) return false;  // a log tombstone
    const Column& column = plan.columns[slot.column];
    if (column.not_null && slot.value.is_null()) return false;
    if ((plan.strict || plan.log_strict) && !fits_strict(column, slot.value)) return false;
  }
  return true;
}

bool sets_tied_column(const TablePlan& plan, const RowPatch& patch) {
  const auto sets = [&](size_t column) {
    return plan.columns[column].key_position < 0 && patch.find(column) != nullptr;
  };
  for (const ValueKey& key : plan.value_keys) {
    if (!key.is_exact) return true;
    for (const KeyColumn& column : key.columns) {
      if (sets(*column.column)) return true;
    }
  }
  for (const ForeignKey& foreign : plan.foreign_keys) {
    if (std::any_of(foreign.columns.begin(), foreign.columns.end(), sets)) return true;
  }
  return false;
}

bool matters(const TablePlan& plan, const RowPatch& patch) {
  return plan.needs_trial || plan.strict || !is_harmless(plan, patch) ||
         sets_tied_column(plan, patch);
}

std::optional<std::string> refusal_of(const RowFold& fold) {
  const TablePlan& plan = fold.plan();
  if (!fold.visible()) return std::nullopt;
  if (const auto column = fold.lacking())
    return "NOT NULL constraint failed: " + plan.name + "." + plan.columns[*column].name;
  if (plan.rowid_alias && fold.value(plan.key[0]).type() != Type::integer) {
    return "datatype mismatch: " + plan.name + "." + plan.columns[plan.key[0]].name +
           " takes integers only";
  }
  if (!plan.strict && !plan.log_strict) return std::nullopt;
  for (size_t i = 0; i < plan.columns.size(); i++) {
    const Column& column = plan.columns[i];
    if (fits_strict(column, fold.value(i))) continue;
    return "cannot store " + std::string(name_of(fold.value(i).type())) + " value in " +
           column.type + " column " + plan.name + "." + column.name;
  }
  return std::nullopt;
}

}  // namespace replic

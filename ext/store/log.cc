#include "store/log.h"

#include <algorithm>

#include "base/error.h"
#include "model/content.h"
#include "wire/json.h"

namespace replic {

const Value* RowPatch::search(size_t column) const {
  for (const Slot& slot : slots) {
    if (slot.column == column) return &slot.value;
  }
  return nullptr;
}

std::vector<Value> key_of(const TablePlan& plan, const RowPatch& patch) {
  std::vector<Value> key;
  copy_key(plan, patch, key);
  return key;
}

void copy_key(const TablePlan& plan, const RowPatch& patch, std::vector<Value>& key) {
  key.resize(plan.key.size());
  for (size_t i = 0; i < key.size(); i++) {
    const Value* value = patch.find(plan.key[i]);
    if (value == nullptr)
      throw Error(Code::internal, "a patch without its key", "please report this");
    key[i] = *value;
  }
}

uint64_t cell_sum(const TablePlan& plan, const RowPatch& patch) {
  uint64_t sum = 0;
  for (const Slot& slot : patch.slots) sum += cell_hash(plan.seed(slot.column), slot.value);
  return sum;
}

std::vector<Cell> cells_of(const TablePlan& plan, const RowPatch& patch) {
  std::vector<Cell> cells;
  cells.reserve(patch.slots.size());
  for (const Slot& slot : patch.slots) cells.push_back({plan.column_name(slot.column), slot.value});
  return cells;
}

void bind_entry(Run& run, const TablePlan& plan, const RowPatch& patch, std::string& nulls) {
  run.bind(patch.stamp.at).bind(patch.stamp.seq).bind(patch.stamp.peer);
  std::vector<std::string> names;
  auto slot = patch.slots.begin();
  for (size_t i = 0; i < plan.width(); i++) {
    if (i < plan.columns.size() && !plan.columns[i].in_log) continue;
    while (slot != patch.slots.end() && slot->column < i) ++slot;
    if (slot == patch.slots.end() || slot->column != i) {
      run.bind_null();
      continue;
    }
    if (slot->value.is_null()) names.push_back(plan.column_name(i));
    run.bind(slot->value);
  }
  if (!plan.has_nulls) return;
  if (names.empty()) {
    run.bind_null();
  } else {
    nulls = wire::write_names(names);
    run.bind(std::string_view(nulls));
  }
}

void Log::insert(const TablePlan& plan, const RowPatch& patch) {
  std::string nulls;
  Run run = db_.run_unjournaled(plan.log_insert);
  bind_entry(run, plan, patch, nulls);
  run.exec();
}

bool Log::erase(const TablePlan& plan, int64_t peer, int64_t seq) {
  db_.run(plan.log_delete).bind(peer).bind(seq).exec();
  return db_.changes() > 0;
}

RowPatch Log::read(const TablePlan& plan, Run& run) {
  RowPatch patch;
  patch.stamp = {run.integer(0), run.integer(1), run.integer(2)};
  const auto width = plan.width();
  for (size_t i = 0; i < width; i++) {
    const int column = static_cast<int>(i) + 3;
    if (!run.is_null(column)) patch.slots.push_back({i, run.value(column)});
  }
  const int nulls = static_cast<int>(width) + 3;
  if (!plan.has_nulls || run.is_null(nulls)) return patch;
  for (const std::string& name : wire::read_names(run.text(nulls))) {
    const auto column = plan.find(name);
    if (!column || patch.find(*column) != nullptr)
      continue;  // dropped meanwhile, or damaged: replic_check tells
    patch.slots.push_back({*column, Value()});
  }
  std::sort(patch.slots.begin(), patch.slots.end(),
            [](const Slot& a, const Slot& b) { return a.column < b.column; });
  return patch;
}

std::optional<Stamp> Log::one_stamp(const Sql& sql, const std::vector<Value>& key) {
  Run run = db_.run(sql);
  for (const Value& value : key) run.bind(value);
  if (!run.step()) return std::nullopt;
  return Stamp{run.integer(0), run.integer(1), run.integer(2)};
}

std::optional<Stamp> Log::newest(const TablePlan& plan, const std::vector<Value>& key) {
  return one_stamp(plan.log_newest, key);
}

std::optional<Stamp> Log::oldest(const TablePlan& plan, const std::vector<Value>& key) {
  return one_stamp(plan.log_oldest, key);
}

std::optional<RowPatch> Log::get(const TablePlan& plan, int64_t peer, int64_t seq) {
  Run run = db_.run(plan.log_get);
  run.bind(peer).bind(seq);
  if (!run.step()) return std::nullopt;
  return read(plan, run);
}

std::vector<RowPatch> Log::row(const TablePlan& plan, const std::vector<Value>& key) {
  std::vector<RowPatch> patches;
  Run run = db_.run(plan.log_row);
  for (const Value& value : key) run.bind(value);
  while (run.step()) patches.push_back(read(plan, run));
  return patches;
}

void Log::newer(const TablePlan& plan, const std::vector<Value>& key, const Stamp& stamp,
                const std::function<bool(RowPatch&&)>& visit) {
  Run run = db_.run(plan.log_newer);
  for (const Value& value : key) run.bind(value);
  run.bind(stamp.at);
  while (run.step()) {
    RowPatch patch = read(plan, run);
    if (patch.stamp <= stamp || !visit(std::move(patch))) return;
  }
}

}  // namespace replic

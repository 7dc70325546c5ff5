#include "store/log_batch.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/bytes.h"

namespace replic {

void LogBatch::begin() {
  entries_.clear();
  gap_ = Gap();
}

// False as well where the order is not known: that of texts beyond ASCII depends on the encoding.
bool LogBatch::Gap::holds(const TablePlan& of, const std::vector<Value>& key) const {
  if (plan != &of || !std::equal(key.begin(), key.end() - 1, after.begin())) return false;
  const bool is_binary = of.columns[of.key.back()].collation == "BINARY";
  const auto precedes = [&](const Value& a, const Value& b) {
    if (a.type() != b.type()) return false;
    if (a.type() == Type::integer) return a.as_integer() < b.as_integer();
    return a.type() == Type::text && is_binary && is_ascii(a.bytes()) && is_ascii(b.bytes()) &&
           a.bytes() < b.bytes();
  };
  return precedes(after.back(), key.back()) && (!before || precedes(key.back(), *before));
}

std::optional<Stamp> LogBatch::newest(const TablePlan& plan, const std::vector<Value>& key) {
  if (has(plan, key)) flush();
  if (gap_.holds(plan, key)) {
    gap_.after.back() = key.back();
    return std::nullopt;
  }
  // Only where the key before was new: otherwise it would be a second look for nothing.
  if (gap_.plan == &plan) {
    std::optional<Value> next;
    {
      Run run = db_.run(plan.log_next);
      for (const Value& value : key) run.bind(value);
      if (run.step()) next = run.value(0);
    }
    if (next != key.back()) {
      gap_ = {&plan, key, std::move(next)};
      return std::nullopt;
    }
  }
  const auto found = log_.newest(plan, key);
  gap_ = {found ? nullptr : &plan, key, key.back()};
  return found;
}

void LogBatch::insert(const TablePlan& plan, const RowPatch& patch) {
  if (plan_ != &plan) flush();
  plan_ = &plan;
  entries_.push_back(&patch);
  if (entries_.size() == kLogBatch) flush();
}

// Whether an entry of the row waits. It is the last, by the order in which they come.
bool LogBatch::has(const TablePlan& plan, const std::vector<Value>& key) const {
  if (entries_.empty() || plan_ != &plan) return false;
  for (size_t i = 0; i < key.size(); i++) {
    if (!(*entries_.back()->find(plan.key[i]) == key[i])) return false;
  }
  return true;
}

void LogBatch::flush() {
  const std::vector<const RowPatch*> entries = std::exchange(entries_, {});
  if (entries.size() < kLogBatch || !db_.takes_parameters(plan_->log_insert_batch_parameters)) {
    for (const RowPatch* entry : entries) log_.insert(*plan_, *entry);
    return;
  }
  std::array<std::string, kLogBatch> nulls;
  Run run = db_.run(plan_->log_insert_batch);
  for (size_t i = 0; i < kLogBatch; i++) bind_entry(run, *plan_, *entries[i], nulls[i]);
  run.exec();
}

}  // namespace replic

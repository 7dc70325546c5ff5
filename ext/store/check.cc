#include "store/check.h"

#include <map>

#include "base/bytes.h"
#include "base/error.h"
#include "model/content.h"
#include "sqlite/ident.h"
#include "store/fold.h"
#include "store/state_tables.h"
#include "store/triggers.h"

namespace replic {
namespace {

constexpr size_t kMostFindings =
    1000;  // a table that is wrong everywhere need not be listed row by row

class Checker {
 public:
  explicit Checker(Store& store) : store_(store), db_(store.db()) {}

  void check_table(const TablePlan& plan);
  void check_sequences();
  std::vector<Finding> take() { return std::move(findings_); }

 private:
  void add(std::string severity, std::string code, const std::string& table, std::string detail,
           std::string cure);
  void check_row(const TablePlan& plan, const std::vector<RowPatch>& patches);
  void check_unlogged(const TablePlan& plan);

  Store& store_;
  Database& db_;
  std::vector<Finding> findings_;
};

std::string shown_key(const TablePlan& plan, const std::vector<Value>& key) {
  std::string out;
  for (size_t i = 0; i < key.size(); i++) {
    out.append(i == 0 ? "" : ", ").append(plan.columns[plan.key[i]].name).append("=");
    const Value& value = key[i];
    switch (value.type()) {
      case Type::integer:
        out += std::to_string(value.as_integer());
        break;
      case Type::real:
        out += std::to_string(value.as_real());
        break;
      case Type::text:
        out += quoted(value.bytes());
        break;
      case Type::blob:
        out += "a blob of " + std::to_string(value.bytes().size()) + " bytes";
        break;
      case Type::null:
        out += "NULL";
        break;
    }
  }
  return out;
}

void Checker::add(std::string severity, std::string code, const std::string& table,
                  std::string detail, std::string cure) {
  if (findings_.size() >= kMostFindings) return;
  findings_.push_back(
      {std::move(severity), std::move(code), table, std::move(detail), std::move(cure)});
}

// One row of T against the fold of its accepted patches, oldest first.
void Checker::check_row(const TablePlan& plan, const std::vector<RowPatch>& patches) {
  RowFold fold(plan);
  for (const RowPatch& patch : patches) fold.add(patch);
  const std::vector<Value> key = key_of(plan, patches.front());
  Run run = db_.run(plan.table_select);
  for (const Value& value : key) run.bind(value);
  const bool present = run.step();
  const std::string cure =
      "write the row again with replic_patch, or get a fresh copy from another peer";
  if (present != fold.visible()) {
    return add("error", "ROW", plan.name,
               "row " + shown_key(plan, key) +
                   (present ? " is there, and its patches say it is deleted"
                            : " is not there, and its patches make it"),
               cure);
  }
  if (!present) return;
  for (size_t i = 0; i < plan.columns.size(); i++) {
    if (run.value(static_cast<int>(i)) == fold.value(i)) continue;
    return add("error", "ROW", plan.name,
               "row " + shown_key(plan, key) + " shows another value in " +
                   quoted(plan.columns[i].name) + " than its patches say",
               cure);
  }
}

void Checker::check_unlogged(const TablePlan& plan) {
  std::string condition;
  for (const size_t k : plan.key) {
    const Column& column = plan.columns[k];
    condition.append(condition.empty() ? "" : " AND ")
        .append("l." + ident(column.name) + "=t." + ident(column.name) + " COLLATE " +
                ident(column.collation));
  }
  Run run = db_.once("SELECT count(*) FROM main." + ident(plan.name) +
                     " AS t WHERE NOT EXISTS (SELECT 1 FROM main." + ident(plan.log) +
                     " AS l WHERE " + condition + ")");
  if (run.step() && run.integer(0) > 0) {
    add("warning", "UNLOGGED", plan.name,
        std::to_string(run.integer(0)) +
            " row(s) were written without a patch, and are on this peer alone",
        track_call(plan) + " makes patches of them");
  }
}

void Checker::check_table(const TablePlan& plan) {
  if (!plan.problem.empty()) {
    return add("error", "TABLE", plan.name, plan.problem, plan.cure);
  }
  for (const Column& column : plan.columns) {
    if (column.in_log) continue;
    add("warning", "COLUMN", plan.name, quoted(plan.log) + " lacks column " + quoted(column.name),
        "ALTER TABLE " + ident(plan.log) + " ADD COLUMN " + ident(column.name) + " " + column.type);
  }
  std::vector<RowPatch> patches;
  std::string row;
  Run run = db_.once(plan.log_all);
  while (run.step()) {
    RowPatch patch = Log::read(plan, run);
    bool whole = true;
    for (const size_t k : plan.key) whole = whole && patch.find(k) != nullptr;
    if (!whole) {
      add("error", "LOG", plan.name,
          "the log entry of peer " + std::to_string(patch.stamp.peer) + ", seq " +
              std::to_string(patch.stamp.seq) + " has no whole key",
          "the log was changed by hand: get a fresh copy from another peer");
      continue;
    }
    std::string key = row_key(plan, key_of(plan, patch));
    if (key != row && !patches.empty()) {
      check_row(plan, patches);
      patches.clear();
    }
    row = std::move(key);
    patches.push_back(std::move(patch));
  }
  if (!patches.empty()) check_row(plan, patches);
  check_unlogged(plan);
}

// Every range against what is there: each seq once, and the sums of content.
void Checker::check_sequences() {
  const std::string cure =
      "the tables of replic were changed by hand: get a fresh copy from another peer";
  std::map<int64_t, RangeSet> seen;
  store_.state().for_each_range(true, 0, [&](const ReceivedRange& range) {
    RangeSet& set = seen[range.peer];
    if (range.first > range.last || range.first <= set.last()) {
      add("error", "RANGES", "",
          "the received ranges of peer " + std::to_string(range.peer) + " overlap", cure);
    }
    set.add({range.first, range.last});
    if (range.ver == kGoneVer) return;
    ChangeCursor cursor(db_, store_.catalog(),
                        {Span{range.peer, {range.first, range.last}, range.ver}});
    int64_t count = 0;
    uint64_t sum = 0;
    int64_t last = 0;
    while (const auto change = cursor.next()) {
      if (change->reason == reason::kIdentity) {
        sum += content_hash(change->patch);
        continue;
      }
      if (change->patch.stamp.seq == last) {
        add("error", "TWICE", change->patch.table,
            "peer " + std::to_string(range.peer) + ", seq " + std::to_string(last) +
                " stands in two places",
            cure);
        continue;
      }
      last = change->patch.stamp.seq;
      sum += content_hash(change->patch);
      count++;
    }
    const std::string name = "peer " + std::to_string(range.peer) + ", seqs " +
                             std::to_string(range.first) + " to " + std::to_string(range.last);
    if (count != range.last - range.first + 1) {
      add("error", "LOST", "",
          name + ": " + std::to_string(range.last - range.first + 1) +
              " patches are recorded and " + std::to_string(count) + " are there",
          cure);
    } else if (sum != range.sum) {
      add("error", "CONTENT", "", name + ": the patches are not what was received", cure);
    }
  });
  for (const std::string& table : store_.catalog().tables()) {
    const TablePlan* plan = store_.catalog().find(table);
    if (plan == nullptr || !plan->problem.empty()) continue;
    int64_t count = 0;
    int64_t peer = 0;
    Run run = db_.once("SELECT _peerId,_sequenceId FROM main." + ident(plan->log));
    while (run.step()) {
      const auto it = seen.find(run.integer(0));
      if (it != seen.end() && it->second.contains(run.integer(1))) continue;
      count++;
      peer = run.integer(0);
    }
    if (count == 0) continue;
    add("error", "UNRECORDED", plan->name,
        std::to_string(count) + " log entries, of peer " + std::to_string(peer) +
            " for one, are not recorded as received",
        cure);
  }
}

}  // namespace

std::vector<Finding> check(Store& store, std::string_view table) {
  std::optional<StateFault> fault;
  has_state_tables(store.db(), fault);
  // Nothing else can be looked at.
  if (fault) return {{"error", "STATE", "", fault->wrong, fault->cure}};
  Checker checker(store);
  if (!table.empty()) {
    const TablePlan* plan = store.catalog().find(table);
    if (plan == nullptr) store.catalog().explain_missing(table);
    checker.check_table(*plan);
    return checker.take();
  }
  for (const std::string& name : store.catalog().tables()) {
    if (const TablePlan* plan = store.catalog().find(name)) checker.check_table(*plan);
  }
  if (store.initialised()) checker.check_sequences();
  return checker.take();
}

}  // namespace replic

#include "store/claims.h"

#include <algorithm>

#include "base/bytes.h"
#include "model/content.h"
#include "store/affinity.h"
#include "store/key_function.h"
#include "store/merge.h"

namespace replic {
namespace {

// A row that has had so many different values in the columns of one key, multiplied up, claims
// "anything" instead of each combination.
constexpr size_t kMostTuples = 256;

// Rows of one claim that are looked at one by one.
constexpr int64_t kCommon = 64;

uint64_t held_hash(const ValueKey& key, std::string_view bytes) {
  return hash64(bytes, key.domain);
}
uint64_t referred_hash(const ValueKey& key, std::string_view bytes) {
  return hash64(bytes, ~key.domain);
}
// The hash of a row that may claim anything in this key.
uint64_t any_held(const ValueKey& key) { return hash64("*", key.domain + 1); }
uint64_t any_referred(const ValueKey& key) { return hash64("*", ~key.domain + 1); }

// The hash of a deleted row.
uint64_t deleted_hash(const TablePlan& plan, std::string_view row) {
  return hash64(row, hash64(folded(plan.name)) + 2);
}

// Everything about a table's keys that the claims depend on.
uint64_t signature_of(const TablePlan& plan) {
  std::string bytes;
  const auto add = [&](const ValueKey& key) {
    put_le64(bytes, key.domain);
    for (const KeyColumn& column : key.columns) bytes.append(folded(column.collation)).append(",");
    bytes += key.is_exact ? 'x' : 'p';
  };
  for (const ValueKey& key : plan.value_keys) add(key);
  bytes += ';';
  for (const ForeignKey& foreign : plan.foreign_keys) {
    add(foreign.parent);
    for (const size_t column : foreign.columns)
      bytes.append(folded(plan.columns[column].name)).append(",");
  }
  return hash64(bytes);
}

// Calls `visit` with each way to choose one value a column.
template <typename Visit>
void each_combination(const std::vector<std::vector<Value>>& choices, Visit&& visit) {
  std::vector<size_t> at(choices.size(), 0);
  for (;;) {
    std::vector<Value> values;
    for (size_t i = 0; i < choices.size(); i++) values.push_back(choices[i][at[i]]);
    visit(std::move(values));
    size_t i = 0;
    while (i < at.size() && ++at[i] == choices[i].size()) at[i++] = 0;
    if (i == at.size()) return;
  }
}

// What the row has in these columns when all patches that set them have to wait.
std::vector<Value> defaults_of(const TablePlan& plan, const std::vector<size_t>& columns) {
  std::vector<Value> out;
  for (const size_t i : columns) {
    const Column& column = plan.columns[i];
    out.push_back(column.default_kind == DefaultKind::constant ? column.default_value : Value());
  }
  return out;
}

size_t combinations(const std::vector<std::vector<Value>>& choices) {
  size_t count = 1;
  for (const auto& values : choices) {
    count *= values.size();
    if (count > kMostTuples) return count;
  }
  return count;
}

}  // namespace

std::optional<Tuple> tuple_of(const ValueKey& key, std::vector<Value>&& values) {
  Tuple tuple;
  if (key.function) {
    auto computed = (*key.function)(values);
    if (!computed) return std::nullopt;
    values = *std::move(computed);
  }
  for (size_t i = 0; i < values.size(); i++) {
    if (values[i].is_null()) return std::nullopt;
    append_key_part(tuple.bytes, values[i],
                    key.function ? key.function->terms()[i].collation : key.columns[i].collation);
  }
  tuple.values = std::move(values);
  return tuple;
}

std::vector<Value> parent_key(const TablePlan& parent, const ForeignKey& foreign,
                              const Tuple& tuple) {
  std::vector<Value> key;
  for (const size_t k : parent.key) {
    for (size_t i = 0; i < foreign.parent.columns.size(); i++) {
      if (foreign.parent.columns[i].column == k) key.push_back(tuple.values[i]);
    }
  }
  return key;
}

Value Claims::converted(const Value& value, Affinity affinity) {
  return with_affinity(db_, value, affinity);
}

std::vector<RowPatch> Claims::kept(const TablePlan& plan, const std::vector<Value>& key) {
  std::vector<RowPatch> out = log_.row(plan, key);
  for (const ParkedPatch& parked : parked_.waiting(plan.name, row_key(plan, key)))
    out.push_back(row_patch_of(plan, parked.patch));
  const auto expected = expected_.find({&plan, row_key(plan, key)});
  if (expected != expected_.end())
    out.insert(out.end(), expected->second.begin(), expected->second.end());
  return out;
}

void Claims::expect(const TablePlan& plan, const RowPatch& patch) {
  expected_[{&plan, row_key(plan, key_of(plan, patch))}].push_back(patch);
}

// The values that each of `columns` may have in the row when `patch` is part of it: its own and
// those of newer patches of the row, or else those of all its other patches, and the default. Empty
// when the patch adds nothing.
Claims::Choices Claims::choices(const TablePlan& plan, const std::vector<size_t>& columns,
                                const RowPatch& patch, bool first, std::vector<RowPatch>& others,
                                bool* read) {
  Choices out;
  size_t own = 0;
  for (const size_t column : columns) {
    out.emplace_back();
    if (const Value* value = patch.find(column)) {
      out.back().push_back(*value);
      own++;
    }
  }
  if (own == 0 && !first) return {};
  if (own == 1 && columns.size() == 1) return out;
  if (!first && !*read) {
    others = kept(plan, key_of(plan, patch));
    *read = true;
  }
  for (size_t i = 0; i < columns.size(); i++) {
    const Column& column = plan.columns[columns[i]];
    const bool is_own = !out[i].empty();
    if (!is_own && column.default_kind == DefaultKind::constant)
      out[i].push_back(column.default_value);
    for (const RowPatch& other : others) {
      if (is_own && other.stamp < patch.stamp) continue;
      const Value* value = other.find(columns[i]);
      if (value != nullptr && std::find(out[i].begin(), out[i].end(), *value) == out[i].end())
        out[i].push_back(*value);
    }
    if (out[i].empty()) out[i].emplace_back();  // NULL
  }
  return out;
}

Claims::Noted Claims::note(const TablePlan& plan, const RowPatch& patch, bool first) {
  Noted out;
  std::vector<RowPatch> others;
  bool read = false;
  const std::string row = row_key(plan, key_of(plan, patch));
  const bool deletes = plan.log_tombstone && patch.find(plan.columns.size()) != nullptr;
  if (deletes && !plan.value_keys.empty()) insert(deleted_hash(plan, row), plan.name, row);
  for (const ValueKey& key : plan.value_keys) {
    // The row of a primary key is found by the key itself.
    if (key.is_primary) continue;
    std::vector<size_t> columns;
    for (const KeyColumn& column : key.columns) columns.push_back(*column.column);
    if (columns.empty()) {  // on no column that can be told: all rows of the table are tied
      insert(held_hash(key, ""), plan.name, row);
      out.provided.emplace_back(&key, Tuple());
      continue;
    }
    if (first) {
      if (const auto tuple = tuple_of(key, defaults_of(plan, columns)))
        insert(held_hash(key, tuple->bytes), plan.name, row);
    }
    const Choices values = choices(plan, columns, patch, first, others, &read);
    if (values.empty()) continue;
    if (combinations(values) > kMostTuples)
      insert(any_held(key), plan.name, row);
    else
      each_combination(values, [&](std::vector<Value>&& chosen) {
        auto tuple = tuple_of(key, std::move(chosen));
        if (!tuple) return;
        insert(held_hash(key, tuple->bytes), plan.name, row);
        out.provided.emplace_back(&key, *std::move(tuple));
      });
  }
  for (const ForeignKey& foreign : plan.foreign_keys) {
    if (first) {
      std::vector<Value> defaults = defaults_of(plan, foreign.columns);
      for (size_t i = 0; i < defaults.size(); i++)
        defaults[i] = converted(defaults[i], foreign.parent.columns[i].affinity);
      if (const auto tuple = tuple_of(foreign.parent, std::move(defaults)))
        insert(referred_hash(foreign.parent, tuple->bytes), plan.name, row);
    }
    const Choices values = choices(plan, foreign.columns, patch, first, others, &read);
    if (values.empty()) continue;
    if (combinations(values) > kMostTuples) {
      insert(any_referred(foreign.parent), plan.name, row);
      continue;
    }
    each_combination(values, [&](std::vector<Value>&& chosen) {
      for (size_t i = 0; i < chosen.size(); i++)
        chosen[i] = converted(chosen[i], foreign.parent.columns[i].affinity);
      auto tuple = tuple_of(foreign.parent, std::move(chosen));
      if (!tuple) return;
      insert(referred_hash(foreign.parent, tuple->bytes), plan.name, row);
      out.referred.emplace_back(&foreign, *std::move(tuple));
    });
  }
  return out;
}

// A value that many rows have held: then it is what waits that is few, as a rule.
bool Claims::is_common(uint64_t hash) {
  Run run = db_.run(
      "SELECT count(*)>?2 FROM (SELECT 1 FROM main._replic_claims WHERE hash=?1 LIMIT ?2+1)");
  run.bind(static_cast<int64_t>(hash)).bind(kCommon);
  return run.step() && run.integer(0) != 0;
}

bool Claims::any_waits(uint64_t hash, const RowName& own) {
  Run run =
      db_.run(is_common(hash)
                  ? "SELECT 1 FROM main._replic_parked AS p CROSS JOIN main._replic_claims AS c ON "
                    "c.hash=?1 AND c.tab=p.tab AND c.row_key=p.row_key "
                    "WHERE NOT (c.tab=?2 AND c.row_key=?3) LIMIT 1"
                  : "SELECT 1 FROM main._replic_claims AS c CROSS JOIN main._replic_parked AS p ON "
                    "p.tab=c.tab AND p.row_key=c.row_key "
                    "WHERE c.hash=?1 AND NOT (c.tab=?2 AND c.row_key=?3) LIMIT 1");
  run.bind(static_cast<int64_t>(hash)).bind(own.table).bind_blob(own.row_key);
  return run.step();
}

bool Claims::holder_waits(const ValueKey& key, const Tuple& tuple, const RowName& own) {
  return any_waits(held_hash(key, tuple.bytes), own) || any_waits(any_held(key), own);
}

bool Claims::referrer_waits(const ValueKey& key, const Tuple& tuple, const RowName& own) {
  return any_waits(referred_hash(key, tuple.bytes), own) || any_waits(any_referred(key), own);
}

bool Claims::was_ever_deleted(const TablePlan& plan, const std::string& row_key) {
  return !rows_of(deleted_hash(plan, row_key)).empty();
}

void Claims::insert(uint64_t hash, const std::string& table, const std::string& row) {
  Run run = db_.run("INSERT OR IGNORE INTO main._replic_claims(hash,tab,row_key) VALUES(?1,?2,?3)");
  run.bind(static_cast<int64_t>(hash)).bind(table).bind_blob(row).exec();
}

std::vector<RowName> Claims::rows_of(uint64_t hash) {
  std::vector<RowName> out;
  Run run = db_.run("SELECT tab,row_key FROM main._replic_claims WHERE hash=?1");
  run.bind(static_cast<int64_t>(hash));
  while (run.step()) out.push_back({run.text(0), run.blob(1)});
  return out;
}

std::vector<RowName> Claims::holders(const ValueKey& key, const Tuple& tuple) {
  std::vector<RowName> out = rows_of(held_hash(key, tuple.bytes));
  for (RowName& row : rows_of(any_held(key))) out.push_back(std::move(row));
  return out;
}

std::vector<RowName> Claims::referrers(const ValueKey& key, const Tuple& tuple) {
  std::vector<RowName> out = rows_of(referred_hash(key, tuple.bytes));
  for (RowName& row : rows_of(any_referred(key))) out.push_back(std::move(row));
  return out;
}

bool Claims::prepare(const TablePlan& plan) {
  if (plan.claims_ready) return false;
  const auto signature = static_cast<int64_t>(signature_of(plan));
  std::optional<int64_t> noted;
  {
    Run run = db_.run("SELECT signature FROM main._replic_keys WHERE tab=?1");
    run.bind(plan.name);
    if (run.step()) noted = run.integer(0);
  }
  plan.claims_ready = true;
  if (noted == signature || (!noted && !plan.has_ties())) return false;
  rebuild(plan);
  db_.run("INSERT OR REPLACE INTO main._replic_keys(tab,signature) VALUES(?1,?2)")
      .bind(plan.name)
      .bind(signature)
      .exec();
  return true;
}

void Claims::rebuild(const TablePlan& plan) {
  db_.run("DELETE FROM main._replic_claims WHERE tab=?1").bind(plan.name).exec();
  if (!plan.has_ties()) return;
  Run run = db_.once(plan.log_all);
  std::string row;
  while (run.step()) {
    const RowPatch patch = Log::read(plan, run);
    const std::string key = row_key(plan, key_of(plan, patch));
    note(plan, patch, key != row);
    row = key;
  }
  for (const ParkedPatch& parked : parked_.waiting_in(plan.name)) {
    const RowPatch patch = row_patch_of(plan, parked.patch);
    note(plan, patch, true);
    note(plan, patch, false);
  }
}

}  // namespace replic

#include "store/local.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/error.h"
#include "model/content.h"
#include "sqlite/ident.h"
#include "store/affinity.h"
#include "store/fold.h"
#include "store/own_write.h"
#include "store/triggers.h"

namespace replic {
namespace {

std::string names_of(const TablePlan& plan, bool key_only) {
  std::string out;
  for (const Column& column : plan.columns) {
    if (key_only && column.key_position < 0) continue;
    out.append(out.empty() ? "" : ", ").append(column.name);
  }
  if (plan.log_tombstone && !key_only) out.append(", ").append(plan.tombstone);
  return out;
}

[[noreturn]] void throw_no_nulls(const TablePlan& plan, std::string_view column) {
  throw Error(Code::nulls,
              "column " + quoted(column) + " cannot be set to NULL: " + quoted(plan.log) +
                  " has no column _nulls to say so",
              track_call(plan) + " adds it");
}

[[noreturn]] void throw_no_key(const TablePlan& plan, const Column& column) {
  throw Error(Code::key,
              "primary-key column " + quoted(column.name) + " of table " + quoted(plan.name) +
                  " is missing or NULL",
              "give every key column: " + names_of(plan, true));
}

bool is_deleted(const TablePlan& plan, const RowFold& fold) {
  return !fold.visible() || (plan.keeps_rows() && !fold.value(*plan.tombstone_column).is_null());
}

// Where so many patches of a row have to be read to find out what an INSERT has changed in it, it
// says all columns: then the next one finds them in one patch.
constexpr size_t kMostRead = 32;

RowFold fold_of(const TablePlan& plan, const std::vector<RowPatch>& patches) {
  RowFold fold(plan);
  for (const RowPatch& patch : patches) fold.add(patch);
  return fold;
}

[[noreturn]] void throw_not_in_log(const TablePlan& plan, const Column& column) {
  throw Error(
      Code::column, quoted(plan.log) + " has no column " + quoted(column.name),
      "ALTER TABLE " + ident(plan.log) + " ADD COLUMN " + ident(column.name) + " " + column.type);
}

}  // namespace

RowPatch LocalWriter::row_of(const TablePlan& plan, std::vector<Cell>&& cells) {
  RowPatch row;
  row.slots.reserve(cells.size());
  for (Cell& cell : cells) {
    const auto index = plan.find(cell.column);
    if (!index) {
      throw Error(Code::column,
                  "table " + quoted(plan.name) + " has no column " + quoted(cell.column) +
                      " that can be set",
                  "its columns are: " + names_of(plan, false));
    }
    if (row.find(*index) != nullptr) {
      throw Error(Code::argument, "column " + quoted(cell.column) + " is given twice",
                  "name each column once");
    }
    const bool is_tombstone = *index == plan.columns.size();
    if (cell.value.is_null()) {
      if (!is_tombstone && plan.columns[*index].key_position >= 0) continue;  // reported as missing
      if (!plan.has_nulls) throw_no_nulls(plan, cell.column);
    }
    if (!is_tombstone) {
      const Column& column = plan.columns[*index];
      if (!column.in_log) throw_not_in_log(plan, column);
      cell.value = with_affinity(db_, std::move(cell.value), column.affinity);
    }
    row.slots.push_back({*index, std::move(cell.value)});
  }
  std::sort(row.slots.begin(), row.slots.end(),
            [](const Slot& a, const Slot& b) { return a.column < b.column; });
  for (const size_t k : plan.key) {
    if (row.find(k) == nullptr) throw_no_key(plan, plan.columns[k]);
  }
  return row;
}

// A new row takes the value of a DEFAULT that is an expression from its writer, so that all peers
// have the same.
void LocalWriter::add_expression_defaults(const TablePlan& plan, RowPatch& row) {
  const bool any = std::any_of(plan.columns.begin(), plan.columns.end(), [](const Column& column) {
    return column.default_kind == DefaultKind::expression;
  });
  if (!any) return;
  const std::vector<Value> key = key_of(plan, row);
  if (log_.newest(plan, key)) return;
  {
    Run run = db_.run(plan.table_select);
    for (const Value& value : key) run.bind(value);
    if (run.step()) return;
  }
  for (size_t i = 0; i < plan.columns.size(); i++) {
    const Column& column = plan.columns[i];
    if (column.default_kind != DefaultKind::expression || !column.in_log || row.find(i) != nullptr)
      continue;
    Run run = db_.once("SELECT " + column.default_sql);
    if (!run.step() || run.is_null(0)) continue;
    row.slots.push_back({i, with_affinity(db_, run.value(0), column.affinity)});
  }
  std::sort(row.slots.begin(), row.slots.end(),
            [](const Slot& a, const Slot& b) { return a.column < b.column; });
}

int64_t LocalWriter::next_at() {
  const StateRow& state = state_.peek();
  const int64_t now = db_.now_unix_ms();
  const ClockView clock = state_.clock(true);
  const int64_t at = tick(clock.at, clock.is_own, now);
  if (clock.own_at > drift_bound(now, state.max_drift_ms)) {
    throw Error(Code::clock_ahead,
                "the newest stamp made here is " +
                    std::to_string(unix_ms_from_at(clock.own_at) - now) +
                    " ms ahead of the system clock, which was ahead and has been set back",
                "correct the clock if it is wrong now; if it is right, SELECT replic_fork() gives "
                "the patches of the "
                "future the present time");
  }
  return at;
}

void LocalWriter::issue(const TablePlan& plan, RowPatch& row) {
  if (state_.group().peer == 0) identity_.check_boot();
  row.stamp = state_.next_in_group([&] { return next_at(); });
  state_.add_received(row.stamp, state_.peek().ver,
                      content_hash(row.stamp, plan.name, cell_sum(plan, row)));
  state_.saw(row.stamp);
}

// Stores a patch of what T has already.
void LocalWriter::store(const TablePlan& plan, RowPatch&& row) {
  std::sort(row.slots.begin(), row.slots.end(),
            [](const Slot& a, const Slot& b) { return a.column < b.column; });
  for (const Slot& slot : row.slots) {
    if (slot.column < plan.columns.size() && !plan.columns[slot.column].in_log)
      throw_not_in_log(plan, plan.columns[slot.column]);
    if (slot.value.is_null() && !plan.has_nulls)
      throw_no_nulls(plan, plan.column_name(slot.column));
  }
  issue(plan, row);
  merger_.store_local(plan, std::move(row));
}

RowPatch LocalWriter::patch_of_row(const TablePlan& plan, const std::vector<Value>& key) {
  RowPatch row;
  for (size_t i = 0; i < key.size(); i++) {
    if (key[i].is_null()) throw_no_key(plan, plan.columns[plan.key[i]]);
    row.slots.push_back({plan.key[i], key[i]});
  }
  return row;
}

Value LocalWriter::record_gone(const TablePlan& plan, const std::vector<Value>& key) {
  RowPatch row = patch_of_row(plan, key);
  const auto tombstone = plan.find(plan.tombstone);
  if (!tombstone) {
    throw Error(Code::column,
                "a row of " + quoted(plan.name) + " cannot be deleted: " + quoted(plan.log) +
                    " has no column _deletedAt to say so",
                track_call(plan) + " adds it");
  }
  Value now = Value::integer(db_.now_unix_ms());
  row.slots.push_back({*tombstone, now});
  store(plan, std::move(row));
  return now;
}

// The patches of a row, newest first, up to the one by which all of its columns are decided.
std::vector<RowPatch> LocalWriter::deciding(const TablePlan& plan, const std::vector<Value>& key) {
  std::vector<RowPatch> out;
  std::vector<bool> is_decided(plan.width());
  size_t left = plan.width();
  log_.newer(plan, key, Stamp(), [&](RowPatch&& patch) {
    for (const Slot& slot : patch.slots) {
      if (is_decided[slot.column]) continue;
      is_decided[slot.column] = true;
      left--;
    }
    out.push_back(std::move(patch));
    return left > 0;
  });
  return out;
}

void LocalWriter::record(const TablePlan& plan, const std::vector<Value>& key,
                         const std::vector<Value>& values) {
  RowPatch row = patch_of_row(plan, key);
  const std::vector<RowPatch> patches = deciding(plan, key);
  const RowFold said = fold_of(plan, patches);
  const bool says_all = patches.size() > kMostRead && plan.has_nulls;
  bool differs = patches.empty();
  for (size_t i = 0; i < plan.columns.size(); i++) {
    const Column& column = plan.columns[i];
    const Value& value = values[i];
    const bool is_key = column.key_position >= 0;
    const bool same = value == said.value(i);
    const bool is_said = same && (is_key || !patches.empty() || value.is_null());
    if (is_said && !(says_all && !is_key)) continue;
    if (!is_key) row.slots.push_back({i, value});
    differs = differs || (!is_said && (!is_key || plan.respells));
  }
  const bool comes_back = !patches.empty() && !said.visible();
  if (comes_back || (says_all && plan.log_tombstone))
    row.slots.push_back({plan.columns.size(), Value()});
  differs = differs || comes_back;
  if (differs) store(plan, std::move(row));
}

void LocalWriter::record_changes(const TablePlan& plan, const std::vector<Value>& key,
                                 const std::vector<size_t>& changed,
                                 const std::vector<Value>& values) {
  // A row that the log knows nothing of is told whole.
  if (!plan.complete && !log_.newest(plan, key)) return record_row(plan, key);
  RowPatch row = patch_of_row(plan, key);
  for (const size_t i : changed) {
    if (plan.columns[i].key_position < 0) row.slots.push_back({i, values[i]});
  }
  store(plan, std::move(row));
}

void LocalWriter::record_row(const TablePlan& plan, const std::vector<Value>& key) {
  std::vector<Value> values;
  bool present = false;
  {
    Run run = db_.run(plan.table_select);
    for (const Value& value : key) run.bind(value);
    present = run.step();
    for (int i = 0; present && i < static_cast<int>(plan.columns.size()); i++)
      values.push_back(run.value(i));
  }
  if (present) {
    return record(plan, key, values);
  }
  const std::vector<RowPatch> patches = deciding(plan, key);
  if (!patches.empty() && !is_deleted(plan, fold_of(plan, patches)))
    record_gone(plan, key_of(plan, patches.front()));
}

void LocalWriter::put_back(const TablePlan& plan, const std::vector<Value>& key) {
  {
    Run run = db_.run(plan.table_select);
    for (const Value& value : key) run.bind(value);
    if (run.step()) return;
  }
  const std::vector<RowPatch> patches = deciding(plan, key);
  if (patches.empty()) return;
  const RowFold said = fold_of(plan, patches);
  const WriteScope scope(db_, OwnWrite::Kind::apply);
  const Announce announce(db_, plan, key, Announce::Statement::insert);
  Run run = db_.run(plan.table_insert);
  for (size_t i = 0; i < plan.columns.size(); i++) run.bind(said.value(i));
  if (run.try_exec() != SQLITE_OK) throw_cannot_stay(plan, db_.errmsg());
}

void LocalWriter::throw_cannot_stay(const TablePlan& plan, const std::string& why) {
  const std::string tombstone = ident(plan.columns[*plan.tombstone_column].name);
  const bool is_key = why.starts_with("FOREIGN KEY");
  throw Error(Code::constraint,
              "a deleted row stays in table " + quoted(plan.name) + ", and " +
                  (is_key ? "still refers to others: " : "keeps its values from others: ") + why,
              is_key
                  ? "write the row that it refers to first, or set the reference to NULL; or track "
                    "a table without the column " +
                        tombstone
                  : "let the UNIQUE index leave out deleted rows: CREATE UNIQUE INDEX ... WHERE " +
                        tombstone + " IS NULL; or track a table without that column");
}

Stamp LocalWriter::next_stamp(int64_t at) {
  state_.close_group();
  const int64_t peer = state_.peek().peer;
  return {at, peer, state_.last_seq(peer) + 1};
}

Patch LocalWriter::write(std::string_view table, std::vector<Cell>&& cells, bool wanted) {
  const TablePlan* found = catalog_.find_for_write(table);
  if (found == nullptr || !found->problem.empty()) catalog_.explain_missing(table);
  // Kept: what the patch frees may have to be written with triggers put aside, and the catalogue is
  // then read anew.
  const std::shared_ptr<const TablePlan> plan = found->shared_from_this();
  RowPatch row = row_of(*plan, std::move(cells));
  add_expression_defaults(*plan, row);
  const int64_t ver = state_.peek().ver;
  // Before the merge: what the application's triggers write then comes after it.
  issue(*plan, row);
  Unit unit{row.stamp, std::nullopt, {}};
  unit.parts.push_back({plan, row, ver});
  const WriteScope scope(db_, OwnWrite::Kind::local);
  if (const auto refusal = merger_.place_local(std::move(unit))) {
    std::string wrong = *refusal;
    if (wrong.starts_with("NOT NULL")) {
      std::string set_null, missing;
      for (size_t i = 0; i < plan->columns.size(); i++) {
        const Column& column = plan->columns[i];
        if (!column.not_null) continue;
        const Value* value = row.find(i);
        std::string* list = nullptr;
        if (value != nullptr && value->is_null()) list = &set_null;
        if (value == nullptr && column.default_kind != DefaultKind::constant) list = &missing;
        if (list != nullptr) list->append(list->empty() ? "" : ", ").append(column.name);
      }
      wrong += set_null.empty() ? " (a new row needs: " + missing + ")"
                                : " (set to NULL: " + set_null + ")";
    } else if (wrong.starts_with("datatype mismatch") && plan->rowid_alias) {
      wrong = "datatype mismatch: " + plan->name + "." + plan->columns[plan->key[0]].name +
              " takes integers only";
    }
    throw Error(Code::constraint, "table " + quoted(plan->name) + " refuses the patch: " + wrong,
                "nothing was stored; change the values");
  }
  // The application's triggers may have written to this row too.
  if (plan->mode == Mode::capture && plan->has_triggers) record_row(*plan, key_of(*plan, row));
  if (!wanted) return {};
  return {row.stamp, ver, plan->name, cells_of(*plan, row), {}};
}

}  // namespace replic

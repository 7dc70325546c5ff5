#include "store/capture.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/error.h"
#include "sqlite/ident.h"
#include "store/affinity.h"

namespace replic {

void Capture::throw_stale(std::string_view table) {
  throw Error(
      Code::schema,
      "the table of the triggers for " + quoted(table) + " has been altered since they were made",
      "SELECT replic_refresh() brings its log and triggers up to date, then write again");
}

bool Capture::same_value(sqlite3_value* a, sqlite3_value* b) {
  const int type = sqlite3_value_type(a);
  if (type != sqlite3_value_type(b)) return false;
  switch (type) {
    case SQLITE_NULL:
      return true;
    case SQLITE_INTEGER:
      return sqlite3_value_int64(a) == sqlite3_value_int64(b);
    case SQLITE_FLOAT:
      return Value::real(sqlite3_value_double(a)) == Value::real(sqlite3_value_double(b));
    default:
      return bytes_of(a) == bytes_of(b);
  }
}

void Capture::load() {
  if (state_.loaded()) return catalog_.refresh_all();
  db_.connect();
  catalog_.refresh_all();
  db_.gate.renew(catalog_.schema_version());
  db_.gate.write([&] {
    if (catalog_.initialised()) identity_.init(std::nullopt);
  });
}

// The plan of a table that the application is writing, with the state loaded.
const TablePlan& Capture::join(std::string_view table, std::string_view fingerprint) {
  if (!db_.writing()) {
    throw Error(Code::argument, "a function of replic's triggers was called by hand",
                "write to the table itself");
  }
  load();
  const TablePlan* plan = catalog_.find(table);
  if (plan != nullptr && !plan->problem.empty()) {
    throw Error(Code::schema,
                "table " + quoted(table) + " cannot be replicated any more: " + plan->problem,
                plan->cure + "; or SELECT replic_untrack(" + literal(table) + ")");
  }
  const size_t point = std::min(fingerprint.find('.'), fingerprint.size());
  if (plan == nullptr || plan->mode != Mode::capture ||
      plan->fingerprint != fingerprint.substr(0, point) || !state_.loaded())
    throw_stale(table);
  knows_keys_ = plan->meetings && fingerprint.substr(point).ends_with(plan->fingerprint_of_keys);
  return *plan;
}

// A value as its column stores it.
Value Capture::stored(const Column& column, sqlite3_value* value) {
  // SQLite has converted it already, but for what an application's trigger or an older version may
  // hand over: a text that is no number stays one.
  const bool numeric = column.affinity != Affinity::blob && column.affinity != Affinity::text;
  if (numeric && sqlite3_value_type(value) == SQLITE_TEXT &&
      sqlite3_value_numeric_type(value) == SQLITE_TEXT)
    return value_of(value, column.name);
  return with_affinity(db_, value_of(value, column.name), column.affinity);
}

void Capture::read(const TablePlan& plan, Op op, std::span<sqlite3_value*> values) {
  const size_t each = op == Op::update ? 2 : 1;
  if (values.size() % each != 0 || row_.columns + values.size() / each > plan.columns.size())
    throw_stale(plan.name);
  row_.values.resize(plan.columns.size());
  row_.old_key.resize(plan.key.size());
  row_.new_key.resize(plan.key.size());
  for (size_t i = 0; i < values.size(); i += each) {
    const size_t index = row_.columns++;
    const Column& column = plan.columns[index];
    sqlite3_value* value = values[i + each - 1];
    const bool changed = op == Op::insert || !same_value(values[i], value);
    if (changed) row_.changed.push_back(index);
    if (changed) row_.values[index] = stored(column, value);
    if (column.key_position < 0) continue;
    const auto position = static_cast<size_t>(column.key_position);
    row_.new_key[position] = changed ? row_.values[index] : stored(column, value);
    row_.old_key[position] = changed ? stored(column, values[i]) : row_.new_key[position];
  }
}

void Capture::take_part(Op op, std::string_view table, std::string_view fingerprint,
                        int64_t first_column, std::span<sqlite3_value*> values) {
  if (db_.own_write.kind == OwnWrite::Kind::apply) return;
  const TablePlan& plan = join(table, fingerprint);
  if (first_column == 0) row_ = Row();
  if (first_column != static_cast<int64_t>(row_.columns)) throw_stale(table);
  read(plan, op, values);
}

void Capture::take(Op op, std::string_view table, std::string_view fingerprint,
                   std::span<sqlite3_value*> values) {
  const OwnWrite& own = db_.own_write;
  if (own.kind == OwnWrite::Kind::apply) return;
  const TablePlan& plan = join(table, fingerprint);
  if (op == Op::remove) {
    const size_t keys = plan.key.size();
    if (values.size() != keys + (plan.keeps_rows() ? 1 : 0)) throw_stale(table);
    row_ = Row();
    for (size_t i = 0; i < keys; i++)
      row_.old_key.push_back(stored(plan.columns[plan.key[i]], values[i]));
    if (plan.keeps_rows()) tombstone_ = value_of(values[keys], plan.tombstone);
  } else {
    // What take_part has taken is of this row when it is as much as the table has more than
    // `values`.
    const size_t each = op == Op::update ? 2 : 1;
    if (row_.columns + values.size() / each != plan.columns.size()) row_ = Row();
    read(plan, op, values);
    if (row_.columns != plan.columns.size()) throw_stale(table);
  }
  // The function may be called again by what we run now.
  const Row row = std::exchange(row_, Row());
  // By name: the catalogue is read anew when SQLite has gone back to a savepoint, as it does when T
  // refuses one of several rows.
  if (own.plan != nullptr && static_cast<const TablePlan*>(own.plan)->name == plan.name &&
      row_key(plan, *own.key) == row_key(plan, row.old_key))
    return;  // replic_patch makes the patch of it
  const auto is_it = [&](const Updating& updating) {
    return is_row(plan, updating.row, row.old_key);
  };
  if (op != Op::update) {
    for (Updating& updating : updating_) updating.disturbed |= is_it(updating);
  }
  switch (op) {
    case Op::insert:
      take_insert(plan, row);
      break;
    case Op::update:
      take_update(plan, row);
      break;
    case Op::remove:
      take_remove(plan, row);
  }
  taken_++;
}

// The row as T has it now: other triggers may have changed it since ours was told of it, or may
// change it before. Nothing when it is gone, which is captured by itself.
std::optional<std::vector<Value>> Capture::row_now(const TablePlan& plan,
                                                   const std::vector<Value>& key) {
  Run run = db_.run(plan.table_select);
  for (const Value& value : key) run.bind(value);
  if (!run.step()) return std::nullopt;
  std::vector<Value> values;
  for (size_t i = 0; i < plan.columns.size(); i++) values.push_back(run.value(static_cast<int>(i)));
  return values;
}

void Capture::take_insert(const TablePlan& plan, const Row& row) {
  const bool meets_more = plan.has_triggers && was_busy(plan, coming_, row.new_key);
  was_written(plan, row.new_key);
  if (is_row(plan, keeping_, row.new_key)) {
    keeping_ = RowId();
    // It has come back as it was when its statement began, and may have been changed since.
    if (plan.can_be_disturbed()) local_.record(plan, row.new_key, row.values);
    return;
  }
  take_evicted(plan, Op::insert, row, meets_more);
  if (!plan.has_triggers) return local_.record(plan, row.new_key, row.values);
  if (const auto now = row_now(plan, row.new_key)) local_.record(plan, row.new_key, *now);
}

void Capture::take_update(const TablePlan& plan, const Row& row) {
  // An UPSERT has told of an INSERT before.
  if (!coming_.empty()) was_written(plan, row.new_key);
  const bool meets_more = plan.has_triggers && was_busy(plan, updating_, row.old_key);
  const bool disturbed = plan.can_be_disturbed() && was_disturbed(plan, row.old_key);
  if (row.changed.empty() && !disturbed) return;
  // SQLite writes what the row was before the action, and does not test that again.
  if (disturbed && plan.has_actions) state_.replay_group();
  take_evicted(plan, Op::update, row, meets_more);
  if (row_key(plan, row.old_key) != row_key(plan, row.new_key)) {
    was_written(plan, row.new_key);
    take_gone(plan, row.old_key);
    if (const auto now = row_now(plan, row.new_key)) local_.record(plan, row.new_key, *now);
    return;
  }
  const bool may_differ = plan.has_triggers || disturbed;
  const auto now = may_differ ? row_now(plan, row.new_key) : std::nullopt;
  if (may_differ && !now) return;
  if (disturbed) return local_.record(plan, row.new_key, *now);
  local_.record_changes(plan, row.new_key, row.changed, now ? *now : row.values);
}

// REPLACE takes away, and tells no trigger of it, rows that hold a value of a UNIQUE key that the
// new row has. `meets_more`: not only those that our BEFORE trigger has found.
void Capture::take_evicted(const TablePlan& plan, Op op, const Row& row, bool meets_more) {
  const auto is_own = [&](const std::vector<Value>& key) {
    const std::string name = row_key(plan, key);
    return name == row_key(plan, row.new_key) || name == row_key(plan, row.old_key);
  };
  const auto take = [&](const std::vector<Value>& key) {
    local_.record_row(plan, key);
    if (plan.keeps_rows()) local_.put_back(plan, key);
  };
  if (knows_keys_) {
    for (Told& told : std::exchange(met_, {})) {
      // When a row is taken away, actions of foreign keys write others before the one that meets it
      // is written.
      const bool is_here = told.row.table == plan.name && told.op == op &&
                           is_key(plan, told.from, op == Op::insert ? row.new_key : row.old_key);
      if (is_here && !is_own(told.row.key) && !row_now(plan, told.row.key)) {
        // With recursive_triggers a trigger has told of it, and the row is on its way back.
        if (unsettled_.count(plan.name + '\0' + row_key(plan, told.row.key)) == 0)
          take(told.row.key);
      } else if (told.savepoints == state_.savepoints()) {
        // The row that meets it may still be on its way.
        met_.push_back(std::move(told));
      }
    }
    if (!meets_more) return;
  }
  // Any row that ever held the value: a constraint may have come after our triggers were made, or a
  // trigger may have written rows since.
  const bool any = std::any_of(plan.value_keys.begin(), plan.value_keys.end(),
                               [](const ValueKey& key) { return key.is_unique; });
  if (!any) return;
  const bool whole = row.changed.size() == plan.columns.size();
  const auto now = whole ? std::optional(row.values) : row_now(plan, row.new_key);
  if (!now) return;
  for (const RowName& rival : merger_.rivals(plan, *now, row.changed)) {
    const std::vector<Value> key = key_from(rival.row_key);
    if (!is_own(key)) take(key);
  }
}

void Capture::take_remove(const TablePlan& plan, const Row& row) {
  // A row that is about to be updated: UPDATE OR REPLACE has taken away what it meets, that had
  // this one deleted by ON DELETE CASCADE, and no trigger will tell of the update.
  for (const std::vector<Told>* list : {&coming_, &met_}) {
    for (const Told& told : *list) {
      if (told.op == Op::update && told.savepoints == state_.savepoints() &&
          told.row.table == plan.name && is_key(plan, told.from, row.old_key))
        leave_for_settle(plan, told.row.key);
    }
  }
  if (is_row(plan, burying_, row.old_key)) {
    burying_ = RowId();
    return leave_for_settle(plan, row.old_key);
  }
  if (makes_room(plan, row.old_key)) return leave_for_settle(plan, row.old_key);
  if (!plan.keeps_rows() || tombstone_.is_null()) return take_gone(plan, row.old_key);
  leave_for_settle(plan, row.old_key, tombstone_);
}

void Capture::take_gone(const TablePlan& plan, const std::vector<Value>& key) {
  if (plan.keeps_rows()) return leave_for_settle(plan, key, local_.record_gone(plan, key));
  // A temporary trigger runs before ours, and may have put it back.
  if (plan.has_triggers) return local_.record_row(plan, key);
  local_.record_gone(plan, key);
}

void Capture::leave_for_settle(const TablePlan& plan, const std::vector<Value>& key,
                               std::optional<Value> tombstone) {
  // One that is there already stays as old as it is.
  const auto it = unsettled_
                      .try_emplace(plan.name + '\0' + row_key(plan, key),
                                   Unsettled{{plan.name, key}, state_.savepoints(), {}})
                      .first;
  it->second.tombstone = std::move(tombstone);
}

void Capture::was_written(const TablePlan& plan, const std::vector<Value>& key) {
  std::erase_if(coming_, [&](const Told& told) { return is_row(plan, told.row, key); });
  if (unsettled_.empty()) return;
  const auto it = unsettled_.find(plan.name + '\0' + row_key(plan, key));
  // A savepoint between the two may take back the second alone.
  if (it != unsettled_.end() && it->second.savepoints == state_.savepoints()) unsettled_.erase(it);
}

void Capture::settle(bool committing) {
  coming_.clear();
  updating_.clear();
  met_.clear();
  // They stay in the list: what is written now may be taken back, and the commit tried again.
  const auto rows = unsettled_;
  for (const auto& [name, unsettled] : rows) {
    const RowId& row = unsettled.row;
    const TablePlan* plan = catalog_.find(row.table);
    if (plan == nullptr || !plan->problem.empty()) continue;
    local_.record_row(*plan, row.key);
    if (plan->keeps_rows()) local_.put_back(*plan, row.key);
    // SQLite has looked at these before it lets us do anything in the commit.
    if (committing && db_.has_deferred_violations())
      LocalWriter::throw_cannot_stay(*plan, "FOREIGN KEY constraint failed");
  }
}

void Capture::forget() {
  row_ = Row();
  coming_.clear();
  updating_.clear();
  met_.clear();
  burying_ = keeping_ = RowId();
}

bool Capture::buries(std::string_view table, std::span<sqlite3_value*> key) {
  if (db_.own_write.kind == OwnWrite::Kind::apply || !keeping_.table.empty()) return false;
  burying_ = name_row(table, key);
  return true;
}

bool Capture::keeps(std::string_view table, std::span<sqlite3_value*> key) {
  if (unsettled_.empty() || db_.own_write.kind == OwnWrite::Kind::apply) return false;
  RowId row = name_row(table, key);
  const TablePlan* plan = catalog_.find(table);
  if (plan == nullptr) throw_stale(table);
  const auto it = unsettled_.find(plan->name + '\0' + row_key(*plan, row.key));
  if (it == unsettled_.end() || !it->second.tombstone) return false;
  tombstone_ = *it->second.tombstone;
  it->second.tombstone.reset();
  keeping_ = std::move(row);
  return true;
}

void Capture::check_kept(std::string_view table) {
  if (keeping_.table.empty()) return;
  keeping_ = RowId();
  throw Error(Code::constraint,
              "a deleted row of " + quoted(table) +
                  " could not stay in it with its tombstone: a trigger or a conflict clause has "
                  "skipped it",
              "look at the BEFORE INSERT triggers of the table");
}

}  // namespace replic

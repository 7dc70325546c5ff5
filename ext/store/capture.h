// Capture: the application's own INSERT, UPDATE and DELETE become patches. This is the work of the
// functions that the triggers on a replicated table call; store/triggers.h makes the triggers.
//
// The triggers run inside the application's statement. The first row of a transaction that is
// captured enters the gate once, so that the transaction's life is known (see sqlite/gate.h); from
// then on a row needs only its entry in the log, which SQLite undoes together with a statement that
// fails: each trigger has a RAISE(ABORT), which makes SQLite keep a statement journal. The last
// entry of a statement is written when that journal is closed: see Database::put_off().
//
// The functions can be called by hand. Then they fail unless a write transaction is open, and do
// nothing that a trigger of the schema could not do as well.

#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sqlite/api.h"
#include "store/catalog.h"
#include "store/identity.h"
#include "store/local.h"
#include "store/state.h"

namespace replic {

class Capture {
 public:
  Capture(Database& db, Catalog& catalog, State& state, Identity& identity, LocalWriter& local,
          Merger& merger)
      : db_(db),
        catalog_(catalog),
        state_(state),
        identity_(identity),
        local_(local),
        merger_(merger) {}

  // Takes a part of the values of a row, for a table that is too wide for one call: those of the
  // columns from `first_column` on.
  void take_part(Op op, std::string_view table, std::string_view fingerprint, int64_t first_column,
                 std::span<sqlite3_value*> values);
  // After a row was written: makes its patch. `values`: of every column, for an update OLD and NEW
  // in turn; for a delete OLD's key, and OLD's tombstone where T keeps deleted rows. After
  // take_part, those of the columns that are still missing.
  // Throws E_SCHEMA when the table has changed since the triggers were made, E_UTF8, E_NULLS, and
  // what issuing a patch throws.
  void take(Op op, std::string_view table, std::string_view fingerprint,
            std::span<sqlite3_value*> values);
  // Before a row is written: true when the write is to be ignored, since others' patches are being
  // merged and this is not one of them. `key`: of NEW for an insert, of OLD for a delete, of OLD
  // and then of NEW for an update.
  bool ignores(Op op, std::string_view table, std::span<sqlite3_value*> key);
  // The same on a table in guard mode. Throws E_GUARD when the application writes.
  bool guards(Op op, std::string_view table, std::span<sqlite3_value*> key);

  // Before a row is written: there is another one that holds a UNIQUE value of it. REPLACE would
  // take that away, and tell no trigger of it. `keys`: its key, and then OLD's for an update.
  void meets(Op op, std::string_view table, std::span<sqlite3_value*> keys);

  // Where T keeps deleted rows. Before a row of `key` is inserted, when there is a deleted one:
  // true when that one is to be removed first.
  bool buries(std::string_view table, std::span<sqlite3_value*> key);
  // After a row was deleted: true when it is to be put back, with tombstone() in its column.
  bool keeps(std::string_view table, std::span<sqlite3_value*> key);
  const Value& tombstone() const { return tombstone_; }
  // After keeps: throws E_CONSTRAINT when the row was not put back.
  void check_kept(std::string_view table);

  // Makes right what only the end of a statement could tell: rows that made room for an INSERT that
  // then was skipped. To be called before others' patches are merged and before the commit.
  void settle(bool committing);
  bool has_unsettled() const { return !unsettled_.empty(); }
  // What is held in memory of the running statement is void: it was rolled back.
  void forget();
  // The transaction has ended.
  void end() { unsettled_.clear(); }

 private:
  // A row by its table and key.
  struct RowId {
    std::string table;  // empty: none
    std::vector<Value> key;
  };

  // What a BEFORE trigger has told.
  struct Told {
    RowId row;
    int64_t savepoints;       // State::savepoints() then: it is another number in a later statement
    Op op;                    // what is about to be done
    std::vector<Value> from;  // the key of the row that is about to be updated, or inserted
    int64_t taken = 0;        // taken_ then
  };

  // What the triggers have handed over of one row.
  struct Row {
    std::vector<Value> old_key, new_key;  // both set for every operation but delete
    std::vector<size_t> changed;          // columns; for an insert all
    std::vector<Value> values;            // of these columns
    size_t columns = 0;                   // how many have come
  };

  [[noreturn]] static void throw_stale(std::string_view table);
  static bool same_value(sqlite3_value* a, sqlite3_value* b);
  void load();
  const TablePlan& join(std::string_view table, std::string_view fingerprint);
  void tell(std::vector<Told>& list, Op op, RowId&& row, std::span<sqlite3_value*> from);
  bool is_announced(Op op, std::string_view table, std::span<sqlite3_value*> key);
  void read(const TablePlan& plan, Op op, std::span<sqlite3_value*> values);
  std::optional<std::vector<Value>> row_now(const TablePlan& plan, const std::vector<Value>& key);
  void take_insert(const TablePlan& plan, const Row& row);
  void take_update(const TablePlan& plan, const Row& row);
  void take_remove(const TablePlan& plan, const Row& row);
  void take_gone(const TablePlan& plan, const std::vector<Value>& key);
  void take_evicted(const TablePlan& plan, Op op, const Row& row, bool meets_more);
  Value stored(const Column& column, sqlite3_value* value);
  static std::vector<Value> values_of(std::span<sqlite3_value*> key);
  static RowId name_row(std::string_view table, std::span<sqlite3_value*> key);
  static bool is_key(const TablePlan& plan, const std::vector<Value>& a,
                     const std::vector<Value>& b);
  static bool is_row(const TablePlan& plan, const RowId& row, const std::vector<Value>& key) {
    return row.table == plan.name && is_key(plan, row.key, key);
  }
  void note_coming(Op op, std::string_view table, std::span<sqlite3_value*> keys);
  bool is_coming(const TablePlan& plan, const std::vector<Value>& key);
  void note_updating(std::string_view table, std::span<sqlite3_value*> key);
  // Whether any row has been captured since the last of `list` that is of this row was told.
  template <typename List>
  bool was_busy(const TablePlan& plan, const List& list, const std::vector<Value>& key) {
    for (auto it = list.rbegin(); it != list.rend(); ++it) {
      if (is_row(plan, it->row, key)) return it->taken != taken_;
    }
    return true;
  }
  bool was_disturbed(const TablePlan& plan, const std::vector<Value>& key);
  bool makes_room(const TablePlan& plan, const std::vector<Value>& key);
  bool recursive_triggers();
  void leave_for_settle(const TablePlan& plan, const std::vector<Value>& key,
                        std::optional<Value> tombstone = std::nullopt);
  void was_written(const TablePlan& plan, const std::vector<Value>& key);

  Database& db_;
  Catalog& catalog_;
  State& state_;
  Identity& identity_;
  LocalWriter& local_;
  Merger& merger_;
  Row row_;
  // Rows that are about to be written, of which no AFTER trigger has told yet, the newest last. One
  // that was skipped stays for a while.
  std::vector<Told> coming_;
  // Rows that are about to be updated, of tables where others can write them meanwhile, likewise;
  // and whether they have been captured in the meantime: what the trigger tells as OLD is older
  // then.
  struct Updating {
    RowId row;
    bool disturbed = false;
    int64_t taken = 0;  // taken_ when it was told
  };
  std::vector<Updating> updating_;
  int64_t taken_ = 0;        // how many rows have been captured
  std::vector<Told> met_;    // rows that REPLACE may have taken away, likewise
  bool knows_keys_ = false;  // the triggers that call know the UNIQUE constraints as they are
  RowId burying_;            // a deleted row that is being removed to make room
  RowId keeping_;            // a deleted row that is being put back
  Value tombstone_;          // of the row that is being deleted or put back
  struct Unsettled {
    RowId row;
    int64_t savepoints;              // State::savepoints() then
    std::optional<Value> tombstone;  // the row is to be put back with it
  };
  std::map<std::string, Unsettled> unsettled_;  // by table and row_key
};

}  // namespace replic

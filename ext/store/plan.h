// What we must know of a replicated table to merge into it, and the SQL that does it.

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/message.h"
#include "model/value.h"
#include "sqlite/statement.h"

namespace replic {

// The name of the tombstone in every message.
inline constexpr std::string_view kWireTombstone = "deletedAt";

// How a column gets a value when no patch sets it. An expression is evaluated by the writer of a
// new row and put into the patch; elsewhere such a column is NULL until a patch sets it.
enum class DefaultKind : uint8_t { none, constant, expression };

// What becomes of the application's own INSERT, UPDATE and DELETE: see replic_track.
enum class Mode : uint8_t { manual, guard, capture };
enum class Op : uint8_t { insert, update, remove };

struct Column {
  std::string name;
  std::string type;  // as declared
  Affinity affinity = Affinity::blob;
  bool not_null = false;
  bool in_log = false;  // the log has a column of this name and affinity
  DefaultKind default_kind = DefaultKind::none;
  std::string default_sql;
  Value default_value;    // of a constant default
  std::string collation;  // of a key column, as in the primary key's index
  uint64_t seed = 0;      // column_seed(name)
  int key_position = -1;  // 0, 1, ... in the primary key
};

// A column of a key of values, in the table that has the key.
struct KeyColumn {
  std::string name;
  std::optional<size_t> column;  // in the plan of that table; nothing when it is not there
  Affinity affinity = Affinity::blob;
  std::string collation;
};

class KeyFunction;

// Values that at most one row holds at a time: a UNIQUE constraint beside the primary key, or the
// key that a FOREIGN KEY of some table refers to.
struct ValueKey {
  std::vector<KeyColumn> columns;  // by folded name
  // The constraint is on what it computes of the columns; null: on the columns themselves.
  std::shared_ptr<KeyFunction> function;
  uint64_t domain = 0;      // the same for all who speak of these columns of this table
  bool is_primary = false;  // the columns are those of the primary key
  bool is_unique = false;   // to be judged as UNIQUE; false: other rows refer to it, no more
  // The columns are the whole constraint. False: it has a WHERE clause, collations of the program's
  // own, or expressions of which no function could be made; rows that share the plain columns may
  // conflict, and a trial tells.
  bool is_exact = true;
  bool is_referenced = false;
  std::string label;  // "t.a, t.b", as SQLite names it in an error
};

struct ForeignKey {
  std::vector<size_t> columns;  // of this table, in the order of `parent.columns`
  std::string parent_table;
  ValueKey parent;
};

// The rows that a new one meets by a UNIQUE constraint: see store/uniques.h.
struct Meeting {
  std::string condition;  // on a row of T, for the row NEW; SQL
  std::string changed;    // whether an UPDATE from OLD to NEW can have brought it about; or empty
};

// One cell of a patch, by the index of its column in the plan. NULL means "set to NULL".
struct Slot {
  size_t column;
  Value value;
};

// One table. The newest accepted patch that sets a column decides its value: docs/rule.md.
struct TablePlan : std::enable_shared_from_this<TablePlan> {
  std::string name;             // as the catalogue spells it
  std::string log;              // name + "_patches", likewise
  std::vector<Column> columns;  // without generated ones, in table order
  std::vector<size_t> key;      // indexes of the primary key's columns, in key order
  std::string tombstone;        // name of the tombstone column here; on the wire it is "deletedAt"
  std::optional<size_t> tombstone_column;  // when it is a column of T
  bool log_tombstone = false;  // the tombstone lives in the log alone: a deleted row leaves T
  bool log_strict = false;
  bool log_is_plain = false;  // nothing of it refuses an entry, or does more than keep it
  bool strict = false;
  bool has_nulls = false;    // the log has a _nulls column
  bool rowid_alias = false;  // INTEGER PRIMARY KEY: takes integers only
  // Legality can be told only by a trial: CHECK, a UNIQUE that is not exact, or one with a
  // function, which may fail.
  bool needs_trial = false;
  uint64_t legality = 0;  // a hash of everything that decides what is legal in this table
  std::vector<ValueKey> value_keys;  // what its rows hold that others may conflict with or refer to
  std::vector<ForeignKey> foreign_keys;
  std::vector<std::string> acted_on;  // replicated tables whose rows an update of a key may write
  bool has_local_children = false;    // a table that is not replicated refers to it
  // Nothing when a UNIQUE constraint cannot be put so.
  std::optional<std::vector<Meeting>> meetings;
  // What our triggers were made for, and the UNIQUE constraints that they know: they hand both back
  // with each row.
  std::string fingerprint;
  std::string fingerprint_of_keys;
  Mode mode = Mode::manual;
  bool complete = false;      // every row of T is in the log
  bool has_triggers = false;  // of the application
  bool has_actions = false;   // FOREIGN KEYs of it write its rows: CASCADE, SET NULL, SET DEFAULT
  std::string rowid_name;     // by which a rowid that is no column can be read, or empty
  bool respells = false;      // keys that compare equal can differ: the newest spelling wins
  mutable bool claims_ready = false;  // the claims of its rows are noted: see claims.h
  std::string problem;                // why the table cannot be replicated, or empty
  std::string cure;

  // Index of a column of T by its name, SQLite's way of comparing names. Found soonest at `guess`,
  // or soon after it.
  std::optional<size_t> own_column(std::string_view column, size_t guess = 0) const;
  // The same, or by its name on the wire, which is "deletedAt" for the tombstone. The
  // pseudo-column of a log tombstone has the index columns.size(). Nothing when there is none.
  std::optional<size_t> find(std::string_view column, size_t guess = 0) const;
  // The name on the wire.
  const std::string& column_name(size_t index) const;
  // SQLite does not test such a FOREIGN KEY in every statement: an upsert of a row whose key has a
  // SET NULL action passes. Source: isSetNullAction() in fkey.c.
  bool refers_to_itself() const;
  // A row can be written by others while a statement writes it.
  bool can_be_disturbed() const { return has_triggers || has_actions; }
  // Rows of this table can be tied to other rows.
  bool has_ties() const { return !value_keys.empty() || !foreign_keys.empty(); }
  // The tombstone is a column of T: a deleted row stays in T.
  bool keeps_rows() const { return tombstone_column.has_value(); }
  size_t width() const { return columns.size() + (log_tombstone ? 1 : 0); }
  uint64_t seed(size_t index) const;

  // SQL texts. Parameters are bound in the order that each says.
  Sql table_select;      // key -> every column
  Sql table_orphan;      // key -> a row when a parent is missing; see lacks_parent()
  Sql table_delete;      // key
  Sql table_insert;      // every column
  Sql log_insert;        // at, seq, peer, every column (, log tombstone) (, nulls)
  Sql log_insert_batch;  // the same, kLogBatch times
  size_t log_insert_batch_parameters = 0;
  Sql log_newest;  // key -> at, peer, seq
  Sql log_next;    // key -> its last column in the first key from this one on that has all its
                   // other columns
  Sql log_oldest;  // key -> at, peer, seq
  Sql log_newer;   // key, at -> at, peer, seq, every column (, log tombstone) (, nulls),
                   // newest first
  Sql log_row;     // key -> the same, oldest first
  Sql log_get;     // peer, seq -> the same
  Sql log_delete;  // peer, seq
  Sql log_range;   // peer, first, last -> the same, by seq
  Sql log_all;     // -> the same, by key, then oldest first

  // SQL for a set of columns other than the key: values in that order, then the key.
  const Sql& update_sql(const std::vector<size_t>& set) const;
  // SQL for a set of columns other than the key: the key, then the values in that order.
  const Sql& upsert_sql(const std::vector<size_t>& set) const;

 private:
  // The texts for sets of columns.
  struct Texts {
    std::map<std::vector<size_t>, Sql> texts;
    const std::pair<const std::vector<size_t>, Sql>* last = nullptr;  // that was asked for

    const Sql* find(const std::vector<size_t>& set);
    const Sql& add(const std::vector<size_t>& set, std::string sql);
  };
  mutable Texts updates_;
  mutable Texts upserts_;
};

// Rows that one statement of log_insert_batch inserts.
inline constexpr size_t kLogBatch = 16;

// Fills in the SQL texts.
void write_sql(TablePlan& plan);

// The identity of a row as bytes: equal for keys that the primary key holds for equal. `key` in key
// order, after affinity.
std::string row_key(const TablePlan& plan, const std::vector<Value>& key);
// A key that has this row_key. Spelling is that of the row_key, not that of the row.
std::vector<Value> key_from(std::string_view row_key);
// Appends a value so that values that are equal under `collation` (BINARY, NOCASE or RTRIM) give
// equal bytes.
void append_key_part(std::string& out, const Value& value, std::string_view collation);

}  // namespace replic

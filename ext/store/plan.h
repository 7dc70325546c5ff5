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

namespace replic {

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

// One cell of a patch, by the index of its column in the plan. NULL means "set to NULL".
struct Slot {
  size_t column;
  Value value;
};

// The newest patch that sets a column decides its value: see Judge in judge.h and the oracle in
// docs.
struct TablePlan : std::enable_shared_from_this<TablePlan> {
  std::string name;             // as the catalogue spells it
  std::string log;              // name + "_patches", likewise
  std::vector<Column> columns;  // without generated ones, in table order
  std::vector<size_t> key;      // indexes of the primary key's columns, in key order
  std::string tombstone;        // name of the tombstone column on the wire
  bool log_tombstone = false;   // the tombstone lives in the log alone: a deleted row leaves T
  bool log_strict = false;
  bool strict = false;
  bool has_nulls = false;    // the log has a _nulls column
  bool rowid_alias = false;  // INTEGER PRIMARY KEY: takes integers only
  bool needs_trial =
      false;  // legality can be told only by a write: CHECK, or triggers of the application
  // What our triggers were made for: they hand it back with each row.
  std::string fingerprint;
  Mode mode = Mode::manual;
  bool complete = false;      // every row of T is in the log
  bool has_triggers = false;  // of the application
  std::string rowid_name;     // by which a rowid that is no column can be read, or empty
  bool respells = false;      // keys that compare equal can differ: the newest spelling wins
  std::string problem;        // why the table cannot be replicated, or empty
  std::string cure;

  // Index of a column by its name, SQLite's way of comparing names; the pseudo-column of a log
  // tombstone has the index columns.size(). Nothing when there is none.
  std::optional<size_t> find(std::string_view column) const;
  const std::string& column_name(size_t index) const {
    return index < columns.size() ? columns[index].name : tombstone;
  }
  // The tombstone is a column of T: a deleted row stays in T.
  bool keeps_rows() const;
  size_t width() const { return columns.size() + (log_tombstone ? 1 : 0); }
  uint64_t seed(size_t index) const;

  // SQL texts. Parameters are bound in the order that each says.
  std::string table_select;  // key -> every column
  std::string table_delete;  // key
  std::string table_insert;  // every column
  std::string log_insert;    // at, seq, peer, every column (, log tombstone) (, nulls)
  std::string log_newest;    // key -> at, peer, seq
  std::string log_newer;     // key, at -> at, peer, seq, every column (, log tombstone) (, nulls),
                             // newest first
  std::string log_row;       // key -> the same, oldest first
  std::string log_get;       // peer, seq -> the same
  std::string log_delete;    // peer, seq
  std::string log_range;     // peer, first, last -> the same, by seq
  std::string log_all;       // -> the same, by key, then oldest first

  // SQL for a set of columns other than the key: values in that order, then the key.
  const std::string& update_sql(const std::vector<size_t>& columns) const;
  // SQL for a set of columns other than the key: the key, then the values in that order.
  const std::string& upsert_sql(const std::vector<size_t>& columns) const;

 private:
  mutable std::map<std::vector<size_t>, std::string> updates_;
  mutable std::map<std::vector<size_t>, std::string> upserts_;
};

// Fills in the SQL texts.
void write_sql(TablePlan& plan);

// The identity of a row as bytes: equal for keys that the primary key holds for equal. `key` in key
// order, after affinity.
std::string row_key(const TablePlan& plan, const std::vector<Value>& key);

}  // namespace replic

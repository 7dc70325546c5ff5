// What the extension offers, as tables: functions, tables, aggregates. Registration, replic_help
// and docs/reference.md all come from these.

#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/connection.h"
#include "sqlite/api.h"

namespace replic {

// The documentation of one name. `example` is SQL that a test runs on a database that has the
// tables of the demo.
struct Doc {
  std::string_view name;
  std::string_view usage;    // replic_apply(message) -> count
  std::string_view summary;  // what it does, ranges and units
  std::string_view example;
  std::string_view errors;  // E_ names, separated by spaces
};

// How a function may be used. Those that write must not be called from the schema's triggers and
// views.
inline constexpr int kWrites = SQLITE_UTF8 | SQLITE_DIRECTONLY;
inline constexpr int kReads = SQLITE_UTF8;
inline constexpr int kPure = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;

// Makes `value` the function's result.
void set_result(sqlite3_context* context, const Value& value);

// One call of a function: its arguments, and where its result goes.
class Call {
 public:
  Call(Connection& the_store, const Doc& doc, sqlite3_context* context, int argc,
       sqlite3_value** argv)
      : store(the_store), doc_(doc), context_(context), args_(argv, static_cast<size_t>(argc)) {}

  size_t count() const { return args_.size(); }
  // Absent and NULL are the same for optional arguments.
  bool given(size_t i) const {
    return i < args_.size() && sqlite3_value_type(args_[i]) != SQLITE_NULL;
  }
  // These throw E_ARGUMENT when the argument is NULL or of another type; `name` is the argument's
  // name.
  std::string text(size_t i, std::string_view name) const;
  int64_t integer(size_t i, std::string_view name) const;
  // Throws E_UTF8, with the argument's name, when it is a text that is not valid.
  Value value(size_t i, std::string_view name) const;
  sqlite3_value* raw(size_t i) const { return args_[i]; }

  void result(int64_t value) { sqlite3_result_int64(context_, value); }
  void result(std::string_view text);
  void result(const Value& value) { set_result(context_, value); }
  void result_null() { sqlite3_result_null(context_); }
  // For a result that is handed over inside the write.
  Store::Give giver() {
    return [this](const Value& value) { result(value); };
  }

  // Throws E_ARGUMENT with the function's usage as the cure.
  [[noreturn]] void wrong(std::string_view what) const;

  Connection& store;

 private:
  const Doc& doc_;
  sqlite3_context* context_;
  std::span<sqlite3_value*> args_;
};

struct FunctionDef {
  Doc doc;
  int min_args;
  int max_args;  // -1: any number
  int flags;
  void (*run)(Call&);
};

// A constraint that a query puts on a column, handed to a table's source.
struct Constraint {
  int column;
  unsigned char op;  // SQLITE_INDEX_CONSTRAINT_EQ, _GT, _GE, _LT, _LE
  Value value;
};

// The rows of one scan.
class RowSource {
 public:
  virtual ~RowSource() = default;
  virtual bool next() = 0;
  virtual Value column(int index) = 0;  // of the current row
};

struct ColumnDef {
  std::string_view name;
  std::string_view type;
  bool pushed = false;  // constraints on it are handed to the source
  bool hidden = false;  // an argument of the table-valued function
};

struct TableDef {
  Doc doc;
  std::span<const ColumnDef> columns;
  std::unique_ptr<RowSource> (*open)(Connection&, std::vector<Constraint>&&);
  // Takes an INSERT: the values of the row, in the order of columns. Null when the table is
  // read-only.
  void (*insert)(Connection&, std::span<sqlite3_value*>);
};

std::span<const FunctionDef> function_table();
std::span<const TableDef> module_table();
std::span<const Doc> aggregate_table();

// Registers everything on the store's connection. Returns an SQLite code.
int register_functions(const std::shared_ptr<Connection>& store);
int register_capture_functions(const std::shared_ptr<Connection>& store);
int register_tables(const std::shared_ptr<Connection>& store);
int register_aggregates(const std::shared_ptr<Connection>& store);

// Rows that are made at once; for tables that are small.
class FixedRows : public RowSource {
 public:
  explicit FixedRows(std::vector<std::vector<Value>>&& rows) : rows_(std::move(rows)) {}
  bool next() override { return ++next_ <= rows_.size(); }
  Value column(int index) override { return rows_[next_ - 1][static_cast<size_t>(index)]; }

 private:
  std::vector<std::vector<Value>> rows_;
  size_t next_ = 0;
};

// Rows of a statement whose columns are the table's.
class StatementRows : public RowSource {
 public:
  StatementRows(Connection& store, std::string_view sql)
      : statement_(store.db().handle(), sql), run_(statement_) {}
  Run& run() { return run_; }
  bool next() override { return run_.step(); }
  Value column(int index) override { return run_.value(index); }

 private:
  Statement statement_;
  Run run_;
};

// The bytes of a text or blob argument, valid until the next use of `value`. Throws E_ARGUMENT for
// numbers.
std::string_view bytes_of(sqlite3_value* value, std::string_view what);
// Applies one message argument: see replic_apply.
int64_t apply_value(Connection& store, sqlite3_value* value);

}  // namespace replic

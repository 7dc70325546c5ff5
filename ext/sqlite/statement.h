// Prepared statements. A Statement owns one; a Run is one execution of it.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "model/value.h"
#include "sqlite/api.h"

namespace replic {

// Throws the error that SQLite reports for `rc` on `db`: bad_alloc for SQLITE_NOMEM, else Error
// with SQLite's code and text and a cure. `doing` says what was being done.
[[noreturn]] void throw_sqlite(sqlite3* db, int rc, std::string_view doing);

// The bytes of a text, as UTF-8, or of a blob that a callback was given; valid until the next use
// of `value`.
std::string_view bytes_of(sqlite3_value* value);
// An owned copy of a value that a callback was given. Text comes as UTF-8; throws E_UTF8, with
// `what` for its name, when it is not valid.
Value value_of(sqlite3_value* value, std::string_view what);

// Move-only owner of a prepared statement.
class Statement {
 public:
  Statement() = default;
  // Throws E_SQLITE with SQLite's text.
  Statement(sqlite3* db, std::string_view sql);
  // The same, but empty when SQLite does not take the text.
  static Statement if_understood(sqlite3* db, const std::string& sql);
  Statement(Statement&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Statement& operator=(Statement&& other) noexcept;
  ~Statement() { sqlite3_finalize(handle_); }

  sqlite3_stmt* get() const { return handle_; }
  explicit operator bool() const { return handle_ != nullptr; }

 private:
  sqlite3_stmt* handle_ = nullptr;
};

// The text of a statement that is run often through one Database, which need not look for the kept
// statement every time.
class Sql {
 public:
  Sql() = default;
  explicit Sql(std::string text) : text_(std::move(text)) {}
  operator std::string_view() const { return text_; }

 private:
  friend class Database;
  std::string text_;
  mutable Statement* kept_ = nullptr;
  mutable int64_t cache_age_ = -1;  // of the cache that kept_ points into
};

// One execution: bind, step, read; resets the statement on destruction. Text and blobs are bound
// without a copy: they must live as long as the Run. Every parameter must be bound in every Run,
// since old bindings are not cleared.
class Run {
 public:
  explicit Run(Statement& statement) : handle_(statement.get()) {}
  // Owns a statement that is used once.
  explicit Run(Statement&& statement) : own_(std::move(statement)), handle_(own_.get()) {}
  Run(Run&& other) noexcept
      : own_(std::move(other.own_)),
        handle_(std::exchange(other.handle_, nullptr)),
        next_(other.next_) {}
  Run& operator=(Run&&) = delete;
  ~Run();

  // Bind the next parameter.
  Run& bind(int64_t value);
  Run& bind(std::string_view text);
  Run& bind_blob(std::string_view bytes);
  Run& bind(const Value& value);
  Run& bind_null();
  template <typename T>
  Run& bind(const std::optional<T>& value) {
    return value ? bind(*value) : bind_null();
  }

  // True when there is a row. Throws what SQLite reports.
  bool step();
  // Runs to the end. Throws what SQLite reports.
  void exec() {
    while (step()) {
    }
  }
  // Runs to the end. Returns SQLITE_OK, or the primary code SQLITE_CONSTRAINT or SQLITE_MISMATCH
  // when a constraint failed, which undoes this statement alone. Throws every other error.
  int try_exec();

  int64_t integer(int column) const { return sqlite3_column_int64(handle_, column); }
  bool is_null(int column) const { return sqlite3_column_type(handle_, column) == SQLITE_NULL; }
  std::optional<int64_t> optional_integer(int column) const {
    return is_null(column) ? std::nullopt : std::optional(integer(column));
  }
  std::string text(int column) const;
  std::string blob(int column) const;
  Value value(int column) const;
  // How often SQLite has prepared the statement anew, since the schema had changed.
  int times_reprepared() const {
    return sqlite3_stmt_status(handle_, SQLITE_STMTSTATUS_REPREPARE, 0);
  }
  int column_count() const { return sqlite3_column_count(handle_); }

 private:
  void check(int rc);
  std::string bytes(const void* data, int column, int type) const;

  Statement own_;
  sqlite3_stmt* handle_;
  int next_ = 1;
};

}  // namespace replic

// Thin owners of SQLite's handles for the benchmark: a connection, a prepared statement, a
// directory. Every failure throws std::runtime_error with SQLite's text; nothing here is on a timed
// path but the inline bind, step and reset of Stmt, which add nothing to the calls that they
// forward.
#ifndef REPLIC_TESTS_BENCH_DB_H_
#define REPLIC_TESTS_BENCH_DB_H_

#include <sqlite3.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace replic::bench {

[[noreturn]] void fail(sqlite3* db, std::string_view doing);

// A prepared statement. Text and blobs are bound STATIC: they must live until the next bind of the
// same parameter, or until the statement ends.
class Stmt {
 public:
  Stmt() = default;
  Stmt(sqlite3* db, std::string_view sql);
  Stmt(Stmt&& other) noexcept : stmt_(other.stmt_) { other.stmt_ = nullptr; }
  Stmt& operator=(Stmt&& other) noexcept;
  ~Stmt() { sqlite3_finalize(stmt_); }

  void bind(int index, int64_t value) { sqlite3_bind_int64(stmt_, index, value); }
  void bind(int index, double value) { sqlite3_bind_double(stmt_, index, value); }
  void bind(int index, std::string_view value) {
    sqlite3_bind_text(stmt_, index, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
  }
  void bind_blob(int index, std::string_view value) {
    sqlite3_bind_blob(stmt_, index, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
  }

  // True when there is a row, false at the end.
  bool step() {
    const int code = sqlite3_step(stmt_);
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) fail(sqlite3_db_handle(stmt_), sqlite3_sql(stmt_));
    return false;
  }
  void reset() { sqlite3_reset(stmt_); }

  // Runs the statement to its end, ignores its rows, and makes it ready for the next run.
  void run() {
    while (step()) {
    }
    reset();
  }

  int64_t integer(int column) { return sqlite3_column_int64(stmt_, column); }
  // The bytes of a text or blob; valid until the next step or reset. Empty for NULL.
  std::string_view bytes(int column);
  bool is_null(int column) { return sqlite3_column_type(stmt_, column) == SQLITE_NULL; }

 private:
  sqlite3_stmt* stmt_ = nullptr;
};

// A connection with the pragmas that all lanes share; see the head of bench_main.cc.
class Db {
 public:
  // Opens or creates the file. `with_extension` loads replic into the connection.
  Db(const std::string& path, bool with_extension);
  Db(const Db&) = delete;
  Db& operator=(const Db&) = delete;
  // Complains on stderr when close is refused: a statement of the extension was left behind.
  ~Db();

  sqlite3* handle() const { return db_; }
  void exec(const char* sql);
  Stmt prepare(std::string_view sql) { return Stmt(db_, sql); }
  int64_t integer(std::string_view sql);
  // The bytes of the first column of the first row; empty for NULL or no row.
  std::string text(std::string_view sql);
  // Moves the write-ahead log into the file and empties it.
  void checkpoint() { exec("PRAGMA wal_checkpoint(TRUNCATE)"); }

 private:
  sqlite3* db_ = nullptr;
};

// The extension under test: the environment's REPLIC_SO, else the path that the build compiled in.
std::string extension_path();
bool extension_loads(std::string* why_not);

// A fresh directory under TMPDIR or /tmp, removed with all it holds on destruction.
class TempDir {
 public:
  TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();
  // A path in the directory that was not given out before.
  std::string fresh(std::string_view stem);

 private:
  std::string path_;
  int next_ = 0;
};

TempDir& temp_dir();
// Removes a database with its -wal and -shm files.
void remove_database(const std::string& path);

}  // namespace replic::bench

#endif  // REPLIC_TESTS_BENCH_DB_H_

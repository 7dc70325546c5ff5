// A host program: a connection of its own with the real extension loaded.

#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <string>
#include <vector>

namespace replic::test {

// What one call gave: an extended result code, the error's text, and the rows.
struct Answer {
  int code = SQLITE_OK;
  std::string error;
  // Columns joined by '|'; NULL is "NULL", a blob x'00ff', a real has 17 digits.
  std::vector<std::string> rows;

  bool ok() const { return code == SQLITE_OK; }
  // SQLite's primary code.
  int primary() const { return code & 0xFF; }
  // The first row, or the error's text.
  const std::string& first() const;

  friend bool operator==(const Answer&, const Answer&) = default;
};

// Runs every statement of `sql` to its end; stops at the first error. Rows of all are collected.
Answer ask(sqlite3* db, const std::string& sql);

class Host {
 public:
  // Opens the file, with the VFS of that name when one is given, and loads the extension.
  // Throws std::runtime_error with SQLite's text.
  explicit Host(const std::string& path = ":memory:", const char* vfs = nullptr);
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  // The test fails when the connection cannot be closed.
  ~Host();

  sqlite3* db() const { return db_; }
  Answer ask(const std::string& sql) const { return test::ask(db_, sql); }
  // The same, for what must succeed: throws std::runtime_error with the error's text.
  std::vector<std::string> rows(const std::string& sql) const;
  // The first row.
  std::string one(const std::string& sql) const;
  int64_t number(const std::string& sql) const;
  // How many steps of SQLite's virtual machine it takes, in the extension too.
  int64_t steps(const std::string& sql) const;
  // The error's text; "no error" when there is none.
  std::string error(const std::string& sql) const;
  bool in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }
  // sqlite3_close; on SQLITE_OK the connection is gone.
  int close();
  // Leaves the connection to the caller.
  sqlite3* release();

 private:
  sqlite3* db_ = nullptr;
};

// Loads the extension by the C API. Returns an SQLite code; `error` gets the text.
int load_extension(sqlite3* db, std::string* error = nullptr);

// Everything in the main database that a host can see: the schema, and every row of every ordinary
// table with its exact values, in an order of its own. Equal texts: equal contents.
std::string dump(sqlite3* db);

// A text as an SQL literal.
std::string sql_text(const std::string& text);

// A message of type 10.
std::string patch_message(int64_t peer, int64_t seq, int64_t at, const std::string& table,
                          const std::string& delta);

}  // namespace replic::test

#include "support/host.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>

#include "support/alloc_fault.h"

namespace replic::test {
namespace {

std::string hex(const void* data, int size) {
  static const char* const kDigits = "0123456789abcdef";
  std::string out;
  for (int i = 0; i < size; i++) {
    const unsigned char byte = static_cast<const unsigned char*>(data)[i];
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::string shown(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_NULL:
      return "NULL";
    case SQLITE_BLOB: {
      const void* data = sqlite3_column_blob(statement, column);
      return "x'" + hex(data, sqlite3_column_bytes(statement, column)) + "'";
    }
    case SQLITE_INTEGER:
      return std::to_string(sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT: {
      char text[32];
      std::snprintf(text, sizeof text, "%.17g", sqlite3_column_double(statement, column));
      return text;
    }
    default:
      break;
  }
  // As a blob: sqlite3_column_text may allocate, and so fail where the extension has succeeded.
  const auto* text = static_cast<const char*>(sqlite3_column_blob(statement, column));
  const auto size = static_cast<size_t>(sqlite3_column_bytes(statement, column));
  return size == 0 ? "" : std::string(text, size);
}

std::string in_double_quotes(const std::string& name) {
  std::string out = "\"";
  for (const char c : name) out.append(c == '"' ? 2 : 1, c);
  return out + "\"";
}

// Reads a whole result without the extension's help; the text tells types apart.
void dump_rows(sqlite3* db, const std::string& sql, std::string& out) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(db, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) {
    throw std::runtime_error(sql + ": " + sqlite3_errmsg(db));
  }
  std::vector<std::string> rows;
  int rc = SQLITE_ROW;
  while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
    std::string row;
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
      const int type = sqlite3_column_type(statement, i);
      row += static_cast<char>('0' + type);
      if (type == SQLITE_FLOAT) {
        const double value = sqlite3_column_double(statement, i);
        row += hex(&value, sizeof value);
      } else {
        row += shown(statement, i);
      }
      row += '|';
    }
    rows.push_back(std::move(row));
  }
  const std::string error = rc == SQLITE_DONE ? "" : sqlite3_errmsg(db);
  sqlite3_finalize(statement);
  if (!error.empty()) throw std::runtime_error(sql + ": " + error);
  std::sort(rows.begin(), rows.end());
  out.append("-- ").append(sql).append("\n");
  for (const std::string& row : rows) out.append(row).append("\n");
}

int prepare(sqlite3* db, const char* sql, sqlite3_stmt** statement, const char** rest) {
  const InLibrary scope;
  return sqlite3_prepare_v2(db, sql, -1, statement, rest);
}

int step(sqlite3_stmt* statement) {
  const InLibrary scope;
  return sqlite3_step(statement);
}

void finalize(sqlite3_stmt* statement) {
  const InLibrary scope;
  sqlite3_finalize(statement);
}

}  // namespace

const std::string& Answer::first() const {
  static const std::string kNothing = "no row";
  if (!error.empty()) return error;
  return rows.empty() ? kNothing : rows.front();
}

Answer ask(sqlite3* db, const std::string& sql) {
  Answer answer;
  const char* rest = sql.c_str();
  while (answer.ok() && *rest != '\0') {
    sqlite3_stmt* statement = nullptr;
    int rc = prepare(db, rest, &statement, &rest);
    while (rc == SQLITE_OK && statement != nullptr && (rc = step(statement)) == SQLITE_ROW) {
      std::string row;
      for (int i = 0; i < sqlite3_column_count(statement); i++) {
        row.append(i == 0 ? "" : "|").append(shown(statement, i));
      }
      answer.rows.push_back(std::move(row));
      rc = SQLITE_OK;
    }
    if (rc != SQLITE_OK && rc != SQLITE_DONE) {
      answer.code = sqlite3_extended_errcode(db);
      if ((answer.code & 0xFF) != (rc & 0xFF)) answer.code = rc;
      answer.error = sqlite3_errmsg(db);
    }
    finalize(statement);
  }
  return answer;
}

int load_extension(sqlite3* db, std::string* error) {
  sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, nullptr);
  char* text = nullptr;
  const int rc = [&] {
    const InLibrary scope;
    return sqlite3_load_extension(db, REPLIC_SO, nullptr, &text);
  }();
  if (error != nullptr) *error = text == nullptr ? "" : text;
  sqlite3_free(text);
  return rc;
}

Host::Host(const std::string& path, const char* vfs) {
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI;
  int rc = sqlite3_open_v2(path.c_str(), &db_, flags, vfs);
  std::string error = sqlite3_errmsg(db_);
  if (rc == SQLITE_OK) rc = load_extension(db_, &error);
  if (rc == SQLITE_OK) return;
  sqlite3_close(db_);
  throw std::runtime_error(path + ": " + error);
}

Host::~Host() {
  if (db_ == nullptr) return;
  EXPECT_EQ(sqlite3_close(db_), SQLITE_OK) << "close: " << sqlite3_errmsg(db_);
}

std::vector<std::string> Host::rows(const std::string& sql) const {
  Answer answer = ask(sql);
  if (!answer.ok()) throw std::runtime_error(sql + ": " + answer.error);
  return std::move(answer.rows);
}

std::string Host::one(const std::string& sql) const {
  const std::vector<std::string> found = rows(sql);
  if (found.empty()) throw std::runtime_error(sql + ": no row");
  return found.front();
}

int64_t Host::number(const std::string& sql) const { return std::stoll(one(sql)); }

int64_t Host::steps(const std::string& sql) const {
  int64_t steps = 0;
  const auto count = [](void* data) { return ++*static_cast<int64_t*>(data), 0; };
  sqlite3_progress_handler(db_, 1, count, &steps);
  rows(sql);
  sqlite3_progress_handler(db_, 0, nullptr, nullptr);
  return steps;
}

std::string Host::error(const std::string& sql) const {
  const Answer answer = ask(sql);
  return answer.ok() ? "no error" : answer.error;
}

int Host::close() {
  const int rc = sqlite3_close(db_);
  if (rc == SQLITE_OK) db_ = nullptr;
  return rc;
}

sqlite3* Host::release() {
  sqlite3* db = db_;
  db_ = nullptr;
  return db;
}

std::string dump(sqlite3* db) {
  std::string out;
  dump_rows(db, "SELECT type, name, tbl_name, sql FROM main.sqlite_schema", out);
  const Answer tables = ask(db,
                            "SELECT name FROM pragma_table_list WHERE schema = 'main' "
                            "AND type IN ('table', 'shadow') AND name <> 'sqlite_schema' "
                            "ORDER BY name");
  if (!tables.ok()) throw std::runtime_error("dump: " + tables.error);
  for (const std::string& name : tables.rows) {
    dump_rows(db, "SELECT * FROM main." + in_double_quotes(name), out);
  }
  return out;
}

std::string sql_text(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out.append(c == '\'' ? 2 : 1, c);
  return out + "'";
}

std::string patch_message(int64_t peer, int64_t seq, int64_t at, const std::string& table,
                          const std::string& delta) {
  return "{\"type\":10,\"at\":" + std::to_string(at) + ",\"peer\":" + std::to_string(peer) +
         ",\"seq\":" + std::to_string(seq) + ",\"ver\":1,\"tab\":\"" + table +
         "\",\"delta\":" + delta + "}";
}

}  // namespace replic::test

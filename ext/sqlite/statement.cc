#include "sqlite/statement.h"

#include <new>

#include "base/bytes.h"
#include "base/error.h"

namespace replic {
namespace {

std::string_view cure_of(int rc) {
  switch (rc) {
    case SQLITE_BUSY_SNAPSHOT:
      return "the statement reads an old snapshot: run it again inside BEGIN IMMEDIATE";
    default:
      break;
  }
  switch (rc & 0xFF) {
    case SQLITE_BUSY:
      return "another connection holds the lock: set a busy timeout, or run it again";
    case SQLITE_LOCKED:
      return "another statement of this connection uses the table: finish it, then run it again";
    case SQLITE_FULL:
      return "nothing was changed: free some disk space, then run it again";
    case SQLITE_IOERR:
      return "nothing was changed: look at the disk, then run it again";
    case SQLITE_READONLY:
      return "open the database for writing, or PRAGMA query_only = OFF";
    case SQLITE_INTERRUPT:
      return "nothing was changed: run it again";
    case SQLITE_CONSTRAINT:
      return "nothing was changed: a deferred FOREIGN KEY is tested at the commit, so write its "
             "parent in the same transaction";
    case SQLITE_NOTADB:
      return "the file is no SQLite database: pass the path of one";
    case SQLITE_CORRUPT:
      return "run PRAGMA integrity_check on this database";
    default:
      return "nothing was changed";
  }
}

}  // namespace

void throw_sqlite(sqlite3* db, int rc, std::string_view doing) {
  // ALTER TABLE says why it was stopped in its text alone.
  const std::string_view text = sqlite3_errmsg(db);
  if (rc == SQLITE_ERROR && text.ends_with(": out of memory")) rc = SQLITE_NOMEM;
  if (rc == SQLITE_ERROR && text.ends_with(": interrupted")) rc = SQLITE_INTERRUPT;
  if ((rc & 0xFF) == SQLITE_NOMEM) throw std::bad_alloc();
  const int extended = sqlite3_extended_errcode(db);
  if ((extended & 0xFF) == (rc & 0xFF)) rc = extended;
  std::string wrong(doing);
  wrong.append(": ").append(text);
  Code code = Code::sqlite;
  if ((rc & 0xFF) == SQLITE_READONLY) code = Code::readonly;
  if ((rc & 0xFF) == SQLITE_CONSTRAINT) code = Code::constraint;
  throw Error(code, rc, wrong, cure_of(rc));
}

std::string_view bytes_of(sqlite3_value* value) {
  const bool text = sqlite3_value_type(value) == SQLITE_TEXT;
  const void* data =
      text ? static_cast<const void*>(sqlite3_value_text(value)) : sqlite3_value_blob(value);
  const auto size = static_cast<size_t>(sqlite3_value_bytes(value));
  if (data != nullptr) return {static_cast<const char*>(data), size};
  if (text || size > 0) throw std::bad_alloc();  // a conversion that found no memory
  return {};
}

Value value_of(sqlite3_value* value, std::string_view what) {
  switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
      return Value::integer(sqlite3_value_int64(value));
    case SQLITE_FLOAT:
      return Value::real(sqlite3_value_double(value));
    case SQLITE_BLOB:
      return Value::blob(std::string(bytes_of(value)));
    case SQLITE_NULL:
      return Value();
    default:
      break;
  }
  std::string out(bytes_of(value));
  if (const auto bad = first_bad_utf8(out)) {
    throw Error(
        Code::utf8,
        "the text of " + quoted(what) + " has invalid UTF-8 at byte " + std::to_string(*bad),
        "store it as a blob, or convert it to UTF-8 first");
  }
  return Value::text(std::move(out));
}

Statement::Statement(sqlite3* db, std::string_view sql) {
  const int rc = sqlite3_prepare_v3(db, sql.data(), static_cast<int>(sql.size()),
                                    SQLITE_PREPARE_PERSISTENT, &handle_, nullptr);
  if (rc != SQLITE_OK) throw_sqlite(db, rc, "cannot prepare " + quoted(sql));
}

Statement Statement::if_understood(sqlite3* db, const std::string& sql) {
  Statement out;
  const int rc = sqlite3_prepare_v2(db, sql.c_str(), -1, &out.handle_, nullptr);
  if ((rc & 0xFF) == SQLITE_NOMEM) throw std::bad_alloc();
  return out;
}

Statement& Statement::operator=(Statement&& other) noexcept {
  if (this != &other) {
    sqlite3_finalize(handle_);
    handle_ = std::exchange(other.handle_, nullptr);
  }
  return *this;
}

Run::~Run() {
  if (handle_ == nullptr) return;
  sqlite3_reset(handle_);
}

void Run::check(int rc) {
  if (rc != SQLITE_OK) throw_sqlite(sqlite3_db_handle(handle_), rc, "cannot bind a value");
}

Run& Run::bind(int64_t value) {
  check(sqlite3_bind_int64(handle_, next_++, value));
  return *this;
}

Run& Run::bind(std::string_view text) {
  const char* data = text.data() == nullptr ? "" : text.data();
  check(sqlite3_bind_text64(handle_, next_++, data, text.size(), SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

Run& Run::bind_blob(std::string_view bytes) {
  if (bytes.empty()) {
    check(sqlite3_bind_zeroblob(handle_, next_++, 0));
  } else {
    check(sqlite3_bind_blob64(handle_, next_++, bytes.data(), bytes.size(), SQLITE_STATIC));
  }
  return *this;
}

Run& Run::bind(const Value& value) {
  switch (value.type()) {
    case Type::null:
      return bind_null();
    case Type::integer:
      return bind(value.as_integer());
    case Type::text:
      return bind(std::string_view(value.bytes()));
    case Type::blob:
      return bind_blob(value.bytes());
    case Type::real:
      break;
  }
  check(sqlite3_bind_double(handle_, next_++, value.as_real()));
  return *this;
}

Run& Run::bind_null() {
  check(sqlite3_bind_null(handle_, next_++));
  return *this;
}

bool Run::step() {
  const int rc = sqlite3_step(handle_);
  if (rc == SQLITE_ROW) return true;
  if (rc == SQLITE_DONE) return false;
  sqlite3* db = sqlite3_db_handle(handle_);
  throw_sqlite(db, rc, "cannot run " + quoted(sqlite3_sql(handle_)));
}

int Run::try_exec() {
  int rc = SQLITE_ROW;
  while (rc == SQLITE_ROW) rc = sqlite3_step(handle_);
  if (rc == SQLITE_DONE) return SQLITE_OK;
  if ((rc & 0xFF) == SQLITE_CONSTRAINT || (rc & 0xFF) == SQLITE_MISMATCH) return rc & 0xFF;
  throw_sqlite(sqlite3_db_handle(handle_), rc, "cannot run " + quoted(sqlite3_sql(handle_)));
}

// `type`: that of the column before the conversion to `data`. One that finds no memory can leave
// NULL.
std::string Run::bytes(const void* data, int column, int type) const {
  if (data != nullptr) {
    return {static_cast<const char*>(data),
            static_cast<size_t>(sqlite3_column_bytes(handle_, column))};
  }
  // NULL and an empty blob have no bytes.
  if (type == SQLITE_NULL || (type == SQLITE_BLOB && sqlite3_column_bytes(handle_, column) == 0))
    return {};
  throw std::bad_alloc();
}

std::string Run::text(int column) const {
  const int type = sqlite3_column_type(handle_, column);
  return bytes(sqlite3_column_text(handle_, column), column, type);
}
std::string Run::blob(int column) const {
  const int type = sqlite3_column_type(handle_, column);
  return bytes(sqlite3_column_blob(handle_, column), column, type);
}

Value Run::value(int column) const {
  switch (sqlite3_column_type(handle_, column)) {
    case SQLITE_INTEGER:
      return Value::integer(integer(column));
    case SQLITE_FLOAT:
      return Value::real(sqlite3_column_double(handle_, column));
    case SQLITE_TEXT:
      return Value::text(bytes(sqlite3_column_text(handle_, column), column, SQLITE_TEXT));
    case SQLITE_BLOB:
      return Value::blob(bytes(sqlite3_column_blob(handle_, column), column, SQLITE_BLOB));
    default:
      return Value();
  }
}

}  // namespace replic

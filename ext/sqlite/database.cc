#include "sqlite/database.h"

#include "base/error.h"
#include "sqlite/boundary.h"

namespace replic {

// The virtual table replic_connection: always empty; its only purpose is its xDisconnect. No cached
// statement may name it, or SQLite would keep it connected until that statement is finalized.
struct OwnerTable {
  struct Table {
    sqlite3_vtab base{};
    Database* database = nullptr;
  };
  struct Registration {
    Database* database;
    std::shared_ptr<void> owner;
  };

  static int connect(sqlite3* db, void* aux, int, const char* const*, sqlite3_vtab** out, char**) {
    const int rc = sqlite3_declare_vtab(db, "CREATE TABLE x(unused)");
    if (rc != SQLITE_OK) return rc;
    auto* table = new (std::nothrow) Table;
    if (table == nullptr) return SQLITE_NOMEM;
    table->database = static_cast<Registration*>(aux)->database;
    table->database->connected_ = true;
    *out = &table->base;
    return SQLITE_OK;
  }
  static int disconnect(sqlite3_vtab* base) {
    auto* table = reinterpret_cast<Table*>(base);
    Database* database = table->database;
    database->connected_ = false;
    database->release();
    delete table;
    return SQLITE_OK;
  }
  static int best_index(sqlite3_vtab*, sqlite3_index_info*) { return SQLITE_OK; }
  static int open(sqlite3_vtab*, sqlite3_vtab_cursor** out) {
    *out = new (std::nothrow) sqlite3_vtab_cursor{};
    return *out == nullptr ? SQLITE_NOMEM : SQLITE_OK;
  }
  static int close(sqlite3_vtab_cursor* cursor) {
    delete cursor;
    return SQLITE_OK;
  }
  static int filter(sqlite3_vtab_cursor*, int, const char*, int, sqlite3_value**) {
    return SQLITE_OK;
  }
  static int next(sqlite3_vtab_cursor*) { return SQLITE_OK; }
  static int eof(sqlite3_vtab_cursor*) { return 1; }
  static int column(sqlite3_vtab_cursor*, sqlite3_context*, int) { return SQLITE_OK; }
  static int rowid(sqlite3_vtab_cursor*, sqlite3_int64* out) {
    *out = 0;
    return SQLITE_OK;
  }
  static const sqlite3_module* module() {
    static const sqlite3_module kModule = [] {
      sqlite3_module m{};
      m.iVersion = 0;
      m.xConnect = connect;
      m.xBestIndex = best_index;
      m.xDisconnect = disconnect;
      m.xOpen = open;
      m.xClose = close;
      m.xFilter = filter;
      m.xNext = next;
      m.xEof = eof;
      m.xColumn = column;
      m.xRowid = rowid;
      return m;
    }();
    return &kModule;
  }
};

int Database::register_modules(const std::shared_ptr<void>& owner, TransactionListener* listener,
                               std::function<void()> release) {
  release_ = std::move(release);
  const int rc = gate.register_module(owner, listener);
  if (rc != SQLITE_OK) return rc;
  return sqlite3_create_module_v2(
      db_, "replic_connection", OwnerTable::module(), new OwnerTable::Registration{this, owner},
      [](void* aux) { delete static_cast<OwnerTable::Registration*>(aux); });
}

void Database::connect() {
  if (connected_) return;
  exec("SELECT 1 FROM main.replic_connection");
  if (!connected_)
    throw Error(Code::internal, "the owner table did not connect", "please report this");
}

void Database::release() {
  release_();
  cache_age_++;
  cache_.clear();
  gate.clear();
}

void Database::without_cache(const std::function<void()>& work) {
  struct Off {
    explicit Off(bool& flag) : uses_cache(flag) { uses_cache = false; }
    Off(const Off&) = delete;
    Off& operator=(const Off&) = delete;
    ~Off() { uses_cache = true; }
    bool& uses_cache;
  } const off(uses_cache_);
  work();
}

// The kept statement of `sql`; null when there is none, or when it is in the middle of its rows: in
// nested use, a trigger's for instance.
Statement* Database::cached(std::string_view sql) {
  if (!uses_cache_) return nullptr;
  auto it = cache_.find(sql);
  if (it == cache_.end()) {
    connect();
    it = cache_.emplace(std::string(sql), Statement(db_, sql)).first;
  }
  return sqlite3_stmt_busy(it->second.get()) != 0 ? nullptr : &it->second;
}

Statement* Database::cached(const Sql& sql) {
  if (sql.cache_age_ != cache_age_ || !uses_cache_) {
    sql.kept_ = cached(std::string_view(sql));
    sql.cache_age_ = sql.kept_ == nullptr ? -1 : cache_age_;
    return sql.kept_;
  }
  return sqlite3_stmt_busy(sql.kept_->get()) != 0 ? nullptr : sql.kept_;
}

// When it fails and is not undone by that, it is kept: the host may go on with an outer statement.
void Database::run_put_off() {
  std::function<void()> write = std::exchange(put_off_, nullptr);
  const int64_t forgotten = forgotten_;
  const sqlite3_int64 rowid = sqlite3_last_insert_rowid(db_);
  std::exception_ptr failure;
  if (!guarded_into(failure, write) && forgotten_ == forgotten) put_off_ = std::move(write);
  sqlite3_set_last_insert_rowid(db_, rowid);
  if (failure) std::rethrow_exception(failure);
}

Run Database::run_unjournaled(const Sql& sql) {
  write_put_off();
  Statement* statement = cached(sql);
  return statement == nullptr ? Run(Statement(db_, sql)) : Run(*statement);
}

void Database::trim() {
  constexpr size_t kMostStatements = 500;
  if (cache_.size() <= kMostStatements) return;
  cache_age_++;
  std::erase_if(cache_,
                [](const auto& entry) { return sqlite3_stmt_busy(entry.second.get()) == 0; });
}

std::string Database::collation_of(const std::string& table, const std::string& column) {
  const char* collation = nullptr;
  const int rc = sqlite3_table_column_metadata(db_, "main", table.c_str(), column.c_str(), nullptr,
                                               &collation, nullptr, nullptr, nullptr);
  if (rc != SQLITE_OK && rc != SQLITE_ERROR) throw_sqlite(db_, rc, "cannot read the schema");
  return collation == nullptr ? std::string() : collation;
}

std::optional<uint32_t> Database::file_version() const {
  unsigned int version = 0;
  const int rc = sqlite3_file_control(db_, "main", SQLITE_FCNTL_DATA_VERSION, &version);
  return rc == SQLITE_OK ? std::optional<uint32_t>(version) : std::nullopt;
}

int64_t Database::now_unix_ms() const {
  constexpr int64_t kJulianUnixMs =
      210'866'760'000'000;  // the Julian day number of 1970-01-01, in milliseconds
  sqlite3_vfs* vfs = nullptr;
  sqlite3_file_control(db_, "main", SQLITE_FCNTL_VFS_POINTER, &vfs);
  if (vfs == nullptr) vfs = sqlite3_vfs_find(nullptr);
  sqlite3_int64 julian_ms = 0;
  if (vfs->iVersion >= 2 && vfs->xCurrentTimeInt64 != nullptr) {
    vfs->xCurrentTimeInt64(vfs, &julian_ms);
  } else {
    double days = 0;
    vfs->xCurrentTime(vfs, &days);
    julian_ms = static_cast<sqlite3_int64>(days * 86'400'000.0);
  }
  return julian_ms - kJulianUnixMs;
}

}  // namespace replic

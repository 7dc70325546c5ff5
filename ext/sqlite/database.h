// The host's connection, with the statements that we keep prepared on it.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sqlite/gate.h"
#include "sqlite/statement.h"

namespace replic {

// Which of our own writes to replicated tables is running. The triggers on the tables ask: see
// store/capture.h, which also has the classes that set it.
struct OwnWrite {
  enum class Kind : uint8_t {
    none,   // the application writes
    local,  // replic_patch: what the application's triggers write is captured
    apply   // what others sent: what the application's triggers write is ignored
  };
  Kind kind = Kind::none;
  // The statement that runs: its table's plan, its key, and what it may still do. Null: none runs.
  const void* plan = nullptr;
  const std::vector<Value>* key = nullptr;
  bool may_insert = false;
  bool may_update = false;
  bool may_remove = false;
};

// Non-owning front of the host's sqlite3*. Cached statements are finalized by the owner table's
// xDisconnect, which SQLite calls at the beginning of sqlite3_close: so close never meets them.
class Database {
 public:
  explicit Database(sqlite3* db) : gate(db), db_(db) {}
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Registers the gate, and the table `replic_connection` that owns the cached statements.
  // `release` is called when the connection is being closed: it must finalize every statement held
  // elsewhere.
  int register_modules(const std::shared_ptr<void>& owner, TransactionListener* listener,
                       std::function<void()> release);

  // One execution of `sql`, whose statement stays cached; for SQL text that is constant in the
  // program. Inside the gate, what writes needs Care::whole.
  Run run(std::string_view sql) {
    write_put_off();
    return run_checked(cached(sql), sql);
  }
  Run run(const Sql& sql) {
    write_put_off();
    return run_checked(cached(sql), sql);
  }
  // The same for what may be written without: one statement on T, and after it one on its log.
  Run run_unjournaled(const Sql& sql);
  // Without a journal: prepares what will be run after the first statement has written, so that it
  // does not fail then.
  void prepare(const Sql& sql) {
    if (gate.care() == Care::none) cached(sql);
  }
  // Changes when statements are forgotten.
  int64_t cache_age() const { return cache_age_; }
  // Puts a write to main off until we run another statement, or SQLite begins or ends a savepoint
  // or commits: the journal of the application's statement need not hold the pages that are changed
  // after it. Such a write must not fail where the application may go on: when it fails at the end
  // of a savepoint, SQLite rolls the whole transaction back.
  // `sql` is the statement that it needs.
  void put_off(const Sql& sql, std::function<void()> write) {
    write_put_off();
    cached(sql);
    put_off_ = std::move(write);
  }
  void write_put_off() {
    if (put_off_) run_put_off();
  }
  // What was put off has been taken back, with what came before it.
  void forget_put_off() {
    put_off_ = nullptr;
    forgotten_++;
  }
  // Forgets cached statements when there are too many. No Run may be alive that was not stepped
  // yet.
  void trim();
  // One execution of a statement that is not kept.
  Run once(std::string_view sql) {
    write_put_off();
    return Run(checked(Statement(db_, sql)));
  }
  void exec(std::string_view sql) { once(sql).exec(); }
  // Finalizes every statement that is kept, here or elsewhere.
  void release();
  // Runs `work`; run() is as once() meanwhile.
  void without_cache(const std::function<void()>& work);

  // Rows that the last finished INSERT, UPDATE or DELETE changed, without those of triggers.
  int64_t changes() const { return sqlite3_changes(db_); }
  // True while this connection holds the write lock of main.
  bool writing() const { return sqlite3_txn_state(db_, "main") == SQLITE_TXN_WRITE; }
  // The collation with which a column of main compares; empty when there is no such column.
  std::string collation_of(const std::string& table, const std::string& column);
  // Switches PRAGMA foreign_keys, inside a transaction too. Statements prepared before are prepared
  // anew when they run next.
  void enforce_foreign_keys(bool on) noexcept {
    sqlite3_db_config(db_, SQLITE_DBCONFIG_ENABLE_FKEY, on ? 1 : 0, nullptr);
  }
  // True when deferred foreign keys are broken in the open transaction.
  bool has_deferred_violations() const {
    int current = 0;
    int highest = 0;
    sqlite3_db_status(db_, SQLITE_DBSTATUS_DEFERRED_FKS, &current, &highest, 0);
    return current != 0;
  }
  // Whether a statement may have so many parameters.
  bool takes_parameters(size_t count) const {
    return count <= static_cast<size_t>(sqlite3_limit(db_, SQLITE_LIMIT_VARIABLE_NUMBER, -1));
  }
  // Whether a row may have so many bytes.
  bool takes_bytes(size_t count) const {
    return count <= static_cast<size_t>(sqlite3_limit(db_, SQLITE_LIMIT_LENGTH, -1));
  }
  bool is_writable() const { return sqlite3_db_readonly(db_, "main") == 0; }
  bool autocommit() const { return sqlite3_get_autocommit(db_) != 0; }
  std::string errmsg() const { return sqlite3_errmsg(db_); }
  // Unix milliseconds by the clock of the host's VFS.
  int64_t now_unix_ms() const;
  // Changes with each commit to main, by whatever connection: to be asked inside a transaction, or
  // when one has been committed. Nothing when SQLite cannot tell.
  std::optional<uint32_t> file_version() const;
  sqlite3* handle() const { return db_; }

  // Makes sure that the owner table is connected, so that what is prepared from now on will be
  // finalized at close.
  void connect();

  Gate gate;
  OwnWrite own_write;

 private:
  friend struct OwnerTable;
  template <typename T>
  T&& checked(T&& statement) {
    if (gate.care() == Care::none && sqlite3_stmt_readonly(statement.get()) == 0)
      gate.need(Care::whole);
    return std::forward<T>(statement);
  }
  Run run_checked(Statement* statement, std::string_view sql) {
    return statement == nullptr ? once(sql) : Run(checked(*statement));
  }
  void run_put_off();
  Statement* cached(std::string_view sql);
  Statement* cached(const Sql& sql);
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view s) const { return std::hash<std::string_view>()(s); }
  };

  sqlite3* db_;
  std::unordered_map<std::string, Statement, Hash, std::equal_to<>> cache_;
  int64_t cache_age_ = 0;  // how often statements were taken out of it
  std::function<void()> put_off_;
  int64_t forgotten_ = 0;  // how often what was put off was forgotten
  std::function<void()> release_;
  bool connected_ = false;
  bool uses_cache_ = true;
};

}  // namespace replic

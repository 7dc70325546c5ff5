#include "sqlite/gate.h"

#include "base/error.h"
#include "sqlite/boundary.h"

namespace replic {

// The virtual table's C face. Life: connected at the first use in a connection, disconnected at its
// close; it holds no rows, so the cursor methods do nothing.
struct GateTable {
  struct Table {
    sqlite3_vtab base{};
    Gate* gate = nullptr;
  };
  struct Registration {
    Gate* gate;
    std::shared_ptr<void> owner;
  };

  static int connect(sqlite3* db, void* aux, int, const char* const*, sqlite3_vtab** out, char**) {
    const int rc = sqlite3_declare_vtab(db, "CREATE TABLE x(op)");
    if (rc != SQLITE_OK) return rc;
    sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
    auto* table = new (std::nothrow) Table;
    if (table == nullptr) return SQLITE_NOMEM;
    table->gate = static_cast<Registration*>(aux)->gate;
    *out = &table->base;
    return SQLITE_OK;
  }
  static int disconnect(sqlite3_vtab* table) {
    delete reinterpret_cast<Table*>(table);
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
  static int update(sqlite3_vtab* table, int, sqlite3_value**, sqlite3_int64* rowid) {
    Gate* gate = gate_of(table);
    *rowid = sqlite3_last_insert_rowid(gate->db_);
    if (gate->job_ == nullptr) {
      table->zErrMsg = sqlite3_mprintf(
          "replic: E_ARGUMENT: replic_gate is internal; call replic_patch or replic_apply");
      return SQLITE_MISUSE;
    }
    return gate->update();
  }

  static Gate* gate_of(sqlite3_vtab* table) { return reinterpret_cast<Table*>(table)->gate; }
  static TransactionListener* listener_of(sqlite3_vtab* table) { return gate_of(table)->listener_; }

  static int begin(sqlite3_vtab* table) {
    gate_of(table)->joined_ = true;
    return SQLITE_OK;
  }
  static int sync(sqlite3_vtab* table) {
    return guarded_method(table, [&] { listener_of(table)->on_sync(); });
  }
  static int commit(sqlite3_vtab* table) {
    gate_of(table)->joined_ = false;
    gate_of(table)->commits_++;
    return guarded_method(table, [&] { listener_of(table)->on_commit(); });
  }
  static int rollback(sqlite3_vtab* table) {
    gate_of(table)->joined_ = false;
    // A rollback has ended the write before it comes here. sqlite3_close comes before it knows
    // whether it can close, and leaves the transaction to the host when it cannot. Source:
    // sqlite3Close() in main.c.
    if (sqlite3_txn_state(gate_of(table)->db_, "main") == SQLITE_TXN_WRITE)
      return guarded_method(table, [&] { listener_of(table)->on_detach(); });
    gate_of(table)->rollbacks_++;
    gate_of(table)->undone_++;
    return guarded_method(table, [&] { listener_of(table)->on_rollback(); });
  }
  static int savepoint(sqlite3_vtab* table, int level) {
    return guarded_method(table, [&] { listener_of(table)->on_savepoint(level); });
  }
  static int release(sqlite3_vtab* table, int level) {
    return guarded_method(table, [&] { listener_of(table)->on_release(level); });
  }
  static int rollback_to(sqlite3_vtab* table, int level) {
    gate_of(table)->undone_++;
    return guarded_method(table, [&] { listener_of(table)->on_rollback_to(level); });
  }

  static const sqlite3_module* module() {
    static const sqlite3_module kModule = [] {
      sqlite3_module m{};
      m.iVersion = 2;       // savepoint methods
      m.xCreate = nullptr;  // eponymous only
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
      m.xUpdate = update;
      m.xBegin = begin;
      m.xSync = sync;
      m.xCommit = commit;
      m.xRollback = rollback;
      m.xSavepoint = savepoint;
      m.xRelease = release;
      m.xRollbackTo = rollback_to;
      return m;
    }();
    return &kModule;
  }
};

int Gate::register_module(std::shared_ptr<void> owner, TransactionListener* listener) {
  listener_ = listener;
  auto* registration = new GateTable::Registration{this, std::move(owner)};
  return sqlite3_create_module_v2(
      db_, "replic_gate", GateTable::module(), registration,
      [](void* aux) { delete static_cast<GateTable::Registration*>(aux); });
}

[[noreturn]] static void throw_rolled_back() {
  throw Error(Code::sqlite, SQLITE_ABORT_ROLLBACK,
              "the whole transaction was rolled back in the middle of a write",
              "begin it again; look for triggers with RAISE(ROLLBACK), at the memory and the disk");
}

int Gate::update() noexcept {
  Job* job = std::exchange(job_, nullptr);
  job->done = true;
  const int64_t rollbacks = rollbacks_;
  // cppcheck-suppress throwInNoexceptFunction
  const bool threw = !guarded_into(job->failure, [&] {
    // When memory ends while SQLite reads a schema that has changed, it rolls back, and then begins
    // the statement once more as if nothing had happened. Source: sqlite3_step() in vdbeapi.c.
    if (job->in_transaction && sqlite3_get_autocommit(db_) != 0) throw_rolled_back();
    job->undo = !(*job->work)();
    // A trigger with RAISE(ROLLBACK), for one: what the work did before it is gone.
    if (rollbacks_ != rollbacks) throw_rolled_back();
  });
  job->undone = undone_;
  if (threw) return SQLITE_ERROR;
  // Any error makes SQLite undo the statement. SQLITE_ERROR is the one that never rolls back more
  // than that.
  return job->undo ? SQLITE_ERROR : SQLITE_OK;
}

void Gate::run(Job& job) {
  const auto level = static_cast<size_t>(depth_);
  if (statements_.size() <= level) statements_.resize(level + 1);
  if (!statements_[level])
    statements_[level] = Statement(db_, "INSERT INTO main.replic_gate(op) SELECT 0");
  sqlite3_stmt* statement = statements_[level].get();
  const sqlite3_int64 rowid = sqlite3_last_insert_rowid(db_);
  const int64_t rollbacks = rollbacks_;
  job.in_transaction = sqlite3_get_autocommit(db_) == 0;
  job_ = &job;
  depth_++;
  const int rc = sqlite3_step(statement);
  depth_--;
  job_ = nullptr;
  // What the work threw says more than the error of the statement that it made fail.
  const bool expected = job.done && job.undo && !job.failure && (rc & 0xFF) == SQLITE_ERROR;
  std::exception_ptr failure = std::exchange(job.failure, nullptr);
  // SQLite asks the progress handler once more when a statement has ended, and can so report
  // SQLITE_INTERRUPT for one that stays. Source: sqlite3VdbeExec() in vdbe.c, at vdbe_return.
  const bool stays = job.done && !job.undo && undone_ == job.undone;
  if (!failure && !expected && !stays && rc != SQLITE_DONE) {
    guarded_into(failure, [&] { throw_sqlite(db_, rc, "cannot write"); });
  }
  sqlite3_reset(statement);
  sqlite3_set_last_insert_rowid(db_, rowid);
  // SQLite has forgotten us at the first rollback. Drop what the work has loaded since then.
  if (rollbacks_ != rollbacks) listener_->on_rollback();
  if (failure) std::rethrow_exception(failure);
}

void Gate::write(const std::function<void()>& work) {
  if (depth_ > 0) {
    throw Error(Code::reentrant, "a writing function of replic was called from inside another one",
                "take the call out of the trigger or function that makes it");
  }
  if (sqlite3_db_readonly(db_, "main") == 1) {
    throw Error(Code::readonly, "the database is read-only", "open it for writing");
  }
  const std::function<bool()> whole = [&work] {
    work();
    return true;
  };
  Job job{&whole};
  run(job);
}

bool Gate::attempt(const std::function<bool()>& work) {
  Job job{&work};
  const int64_t rollbacks = rollbacks_;
  run(job);
  // Undoing needs memory and the journal. Without them SQLite takes the whole transaction back, and
  // reports only the error that asked for the undoing. Source: sqlite3VdbeHalt() in vdbeaux.c.
  if (rollbacks_ != rollbacks) throw_rolled_back();
  return !job.undo;
}

}  // namespace replic

#include "sqlite/gate.h"

#include <algorithm>

#include "base/error.h"
#include "sqlite/boundary.h"

namespace replic {
namespace {

// How many writes begin with more care after one that had to begin again.
constexpr int kCarefulWrites = 30;

Care more_than(Care care) { return care == Care::none ? Care::whole : Care::parts; }

[[noreturn]] void throw_rolled_back() {
  throw Error(Code::sqlite, SQLITE_ABORT_ROLLBACK,
              "the whole transaction was rolled back in the middle of a write",
              "begin it again; look for triggers with RAISE(ROLLBACK), at the memory and the disk");
}

}  // namespace

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
    return guarded_method(table, [&] {
      if (gate_of(table)->is_broken_) throw_rolled_back();
      listener_of(table)->on_sync();
    });
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
    gate_of(table)->is_broken_ = false;
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

sqlite3_stmt* Gate::statement_at(size_t level) {
  if (statements_.size() <= level) statements_.resize(level + 1);
  if (!statements_[level])
    statements_[level] = Statement(db_, "INSERT INTO main.replic_gate(op) SELECT 0");
  return statements_[level].get();
}

sqlite3_stmt* Gate::next_statement() {
  const bool is_whole = depth_ == 0 && sqlite3_get_autocommit(db_) != 0 &&
                        sqlite3_txn_state(db_, "main") != SQLITE_TXN_WRITE;
  if (!is_whole) return statement_at(static_cast<size_t>(depth_));
  if (!alone_) alone_ = Statement(db_, "INSERT INTO main.replic_gate(op) VALUES (0)");
  return alone_.get();
}

void Gate::run(Job& job) {
  sqlite3_stmt* statement = next_statement();
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

void Gate::write(const std::function<void()>& work, Care care) {
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
  if (care == Care::none && !can_run_unjournaled()) care = Care::whole;
  for (; care < Care::parts; care = more_than(care)) {
    int& careful = careful_for_[static_cast<size_t>(care)];
    if (careful == 0) break;
    careful--;
  }
  for (;;) {
    care_ = care;
    needed_ = care;
    std::exception_ptr failure;
    guarded_into(failure, [&] {
      if (care == Care::none) return run_unjournaled(work);
      Job job{&whole};
      run(job);
    });
    const Care needed = std::exchange(needed_, Care::none);
    care_ = Care::parts;
    if (!failure) return;
    if (needed == care) std::rethrow_exception(failure);
    for (; care < needed; care = more_than(care))
      careful_for_[static_cast<size_t>(care)] = kCarefulWrites;
  }
}

void Gate::need(Care care) {
  if (care_ >= care) return;
  needed_ = care;
  throw Error(Code::internal, "a write has to begin again with more care", "please report this");
}

bool Gate::can_run_unjournaled() {
  // Without our table in the transaction, its end would not be heard of; without a transaction,
  // each statement would be one.
  if (!joined_ || sqlite3_get_autocommit(db_) != 0) return false;
  // The host may have forbidden it.
  std::exception_ptr failure;
  if (!rollback_) guarded_into(failure, [this] { rollback_ = Statement(db_, "ROLLBACK"); });
  return static_cast<bool>(rollback_);
}

// Takes back the whole transaction. An interrupt stops that as well; but a statement that may write
// and is stopped by one makes SQLite do the same. Source: sqlite3VdbeHalt() in vdbeaux.c.
void Gate::roll_back() {
  is_broken_ = true;
  for (sqlite3_stmt* statement : {rollback_.get(), statement_at(0)}) {
    if (sqlite3_get_autocommit(db_) != 0) break;
    sqlite3_step(statement);
    sqlite3_reset(statement);
  }
  is_broken_ = sqlite3_get_autocommit(db_) == 0;
}

// Only as good as the order of the work: one statement on T, which may fail, and then one on its
// log, which does not.
void Gate::run_unjournaled(const std::function<void()>& work) {
  const sqlite3_int64 rowid = sqlite3_last_insert_rowid(db_);
  const int64_t rollbacks = rollbacks_;
  const int changes = sqlite3_total_changes(db_);
  listener_->on_hold();
  std::exception_ptr failure;
  depth_++;
  guarded_into(failure, work);
  depth_--;
  sqlite3_set_last_insert_rowid(db_, rowid);
  const bool was_rolled_back = rollbacks_ != rollbacks;
  if (!failure && !was_rolled_back) return;
  if (!was_rolled_back && sqlite3_total_changes(db_) == changes) {
    listener_->on_unhold();
    std::rethrow_exception(failure);
  }
  needed_ = care_;  // not again: the transaction is over
  if (!was_rolled_back) {
    roll_back();
    failure = nullptr;
  }
  // SQLite has forgotten us at the first rollback. Drop what the work has loaded since then.
  listener_->on_rollback();
  if (failure) std::rethrow_exception(failure);
  throw_rolled_back();
}

bool Gate::attempt(const std::function<bool()>& work) {
  need(Care::whole);
  Job job{&work};
  const int64_t rollbacks = rollbacks_;
  run(job);
  // Undoing needs memory and the journal. Without them SQLite takes the whole transaction back, and
  // reports only the error that asked for the undoing. Source: sqlite3VdbeHalt() in vdbeaux.c.
  if (rollbacks_ != rollbacks) throw_rolled_back();
  return !job.undo;
}

}  // namespace replic

// The write gate: atomic writes from inside an SQL function.
//
// A function cannot open a savepoint while a write statement runs, and a half-done write must never
// stay. So every write is one nested statement, INSERT INTO replic_gate(op) SELECT 0, on an
// eponymous virtual table, and all its work is done by nested statements inside that table's
// xUpdate. SQLite undoes the whole statement when xUpdate fails, inside BEGIN and under a running
// statement that writes. Where the write is the whole transaction, it is INSERT INTO
// replic_gate(op) VALUES (0), which SQLite undoes by taking back the transaction, and so needs no
// journal for.
//
// The same table gives the transaction's life to a Listener: it is how state may be held in memory
// within a transaction and written once, before the commit.
//
// What SQLite is to undo by itself costs: before a page changes it copies it, into a file once a
// statement of the transaction has changed more than some. So work begins with as little care as it
// may do with, and begins again with more when it turns out to need that: it must be able to. With
// Care::none there is no such nested statement at all.

#pragma once

#include <array>
#include <exception>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "sqlite/statement.h"

namespace replic {

// What happens to the transaction that the gate has written in. Numbers are SQLite's savepoint
// levels.
class TransactionListener {
 public:
  virtual ~TransactionListener() = default;
  virtual void on_savepoint(int level) = 0;
  virtual void on_release(int level) = 0;
  virtual void on_rollback_to(int level) = 0;
  // Before the commit; may write to plain tables; may throw, which rolls the transaction back. Runs
  // again when the commit met SQLITE_BUSY and is retried.
  virtual void on_sync() = 0;
  virtual void on_commit() = 0;
  virtual void on_rollback() = 0;
  // The transaction goes on, and nothing more will be heard of it until the gate writes in it
  // again: what is held in memory is to be written and dropped. May write to plain tables, with
  // statements that are not kept.
  virtual void on_detach() = 0;
  // What is held in memory may have to be as it is now once more: on_unhold(), if nothing was
  // written in the meantime. SQLite knows nothing of this.
  virtual void on_hold() = 0;
  virtual void on_unhold() = 0;
};

// How much of a write can be undone by itself.
enum class Care : uint8_t {
  none,   // nothing: what fails must fail before anything is written, or costs the transaction
  whole,  // all of it together
  parts   // also one after the other, where it is attempts
};

class Gate {
 public:
  explicit Gate(sqlite3* db) : db_(db) {}
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  // Registers the virtual table. `owner` is kept alive for as long as the registration.
  // The listener must outlive the connection.
  int register_module(std::shared_ptr<void> owner, TransactionListener* listener);

  // Runs `work` as one atomic write of the main database. When it throws, nothing that it wrote
  // stays, and the exception goes on. It begins with `care`, or with more where that was of no use
  // of late, and is run from its start again when it asks for more. The host's last_insert_rowid()
  // is left as it was. Throws E_READONLY before any work, E_REENTRANT when called from inside
  // itself.
  void write(const std::function<void()>& work, Care care = Care::whole);
  // Only inside write(): goes on when the work runs with that much care already. With none, it must
  // be called before the first thing is written; Database::run() sees to that.
  void need(Care care);
  Care care() const { return care_; }

  // Only inside write(): runs `work`, and undoes everything that it wrote to the main database,
  // triggers' writes included, when it returns false or throws. Returns what it returned. Throws
  // E_SQLITE when it could not be undone alone.
  bool attempt(const std::function<bool()>& work);

  // Prepares the statement anew when the schema has another version than at the last call. To be
  // called before write() inside of a running statement: SQLite would find out in the midst, go
  // back to the savepoint of ours, and roll back the whole transaction where it cannot do that:
  // while UPDATE OR REPLACE has a cursor pinned. Source: saveCursorPosition() in btree.c.
  void renew(int64_t schema_version) {
    if (std::exchange(schema_version_, schema_version) != schema_version && depth_ == 0) clear();
  }

  // True when the end of the transaction that is open will be heard of.
  bool has_joined() const { return joined_; }
  // True while an attempt runs or is being undone.
  bool in_attempt() const { return depth_ > 1; }
  // The number of transactions that have been committed through the gate.
  int64_t commits() const { return commits_; }
  // Finalizes the cached statements.
  void clear() {
    statements_.clear();
    alone_ = Statement();
    rollback_ = Statement();
  }

 private:
  friend struct GateTable;
  struct Job {
    const std::function<bool()>* work;
    bool undo = false;  // the work has returned false
    bool done = false;
    bool in_transaction = false;  // when it began
    int64_t undone = 0;           // undone_ when the work ended
    std::exception_ptr failure = nullptr;
  };

  void run(Job& job);
  void run_unjournaled(const std::function<void()>& work);
  bool can_run_unjournaled();
  void roll_back();
  sqlite3_stmt* statement_at(size_t level);
  sqlite3_stmt* next_statement();
  int update() noexcept;

  sqlite3* db_;
  TransactionListener* listener_ = nullptr;
  std::vector<Statement> statements_;  // one a level of nesting
  Statement alone_;                    // for a write that is the whole transaction
  int64_t schema_version_ = 0;         // see renew()
  Job* job_ = nullptr;                 // what the next xUpdate is to do
  int depth_ = 0;
  Care care_ = Care::parts;
  Care needed_ = Care::none;          // what the work has asked for
  std::array<int, 2> careful_for_{};  // by Care: so many writes begin with more
  Statement rollback_;                // of the whole transaction
  bool joined_ = false;
  bool is_broken_ = false;  // a half-done write could not be undone: no commit
  int64_t commits_ = 0;
  int64_t rollbacks_ = 0;  // of whole transactions
  int64_t undone_ = 0;     // those, and returns to a savepoint
};

}  // namespace replic

// What we write to replicated tables ourselves, made known to the triggers on them: so that it is
// not captured again, and so that while others' patches are merged, writes that are not ours are
// ignored (DESIGN.md, rule 9).

#pragma once

#include <vector>

#include "sqlite/database.h"
#include "store/plan.h"

namespace replic {

// While it lives, what is written is of this kind. Nests.
class WriteScope {
 public:
  WriteScope(Database& db, OwnWrite::Kind kind) : own_(db.own_write), before_(own_) {
    own_ = OwnWrite();
    own_.kind = kind;
  }
  ~WriteScope() { own_ = before_; }
  WriteScope(const WriteScope&) = delete;
  WriteScope& operator=(const WriteScope&) = delete;

 private:
  OwnWrite& own_;
  OwnWrite before_;
};

// From off() on, while it lives, the connection does not enforce foreign keys: what is written is
// legal as a whole, though not after each statement, and what a foreign key's action would write to
// replicated tables comes from the origin as its own patches.
class ForeignKeysOff {
 public:
  explicit ForeignKeysOff(Database& db) : db_(db) {}
  ForeignKeysOff(const ForeignKeysOff&) = delete;
  ForeignKeysOff& operator=(const ForeignKeysOff&) = delete;
  ~ForeignKeysOff() {
    if (is_off_) db_.enforce_foreign_keys(true);
  }
  void off() {
    is_off_ = true;
    db_.enforce_foreign_keys(false);
  }

 private:
  Database& db_;
  bool is_off_ = false;
};

// Announces one statement of ours on the row `key` of T; it must stand in the scope of that
// statement. An upsert may insert and update, each once.
class Announce {
 public:
  enum class Statement : uint8_t { insert, update, upsert, remove };

  // `plan` and `key` must outlive it.
  Announce(Database& db, const TablePlan& plan, const std::vector<Value>& key, Statement statement)
      : own_(db.own_write), before_(own_) {
    own_.plan = &plan;
    own_.key = &key;
    own_.may_insert = statement == Statement::insert || statement == Statement::upsert;
    own_.may_update = statement == Statement::update || statement == Statement::upsert;
    own_.may_remove = statement == Statement::remove;
  }
  ~Announce() { own_ = before_; }
  Announce(const Announce&) = delete;
  Announce& operator=(const Announce&) = delete;

 private:
  OwnWrite& own_;
  OwnWrite before_;
};

}  // namespace replic

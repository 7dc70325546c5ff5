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

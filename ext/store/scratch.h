// A private database in memory that has the tables of the host's, to ask SQLite whether a row is
// legal without touching the real table: no trigger runs, no page is written, and the answer does
// not depend on what the host's connection has switched off (ignore_check_constraints,
// foreign_keys).

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sqlite/database.h"
#include "store/fold.h"

namespace replic {

class Scratch {
 public:
  explicit Scratch(Database& host) : host_(host) {}

  // Why CHECK and UNIQUE forbid `rows`, given that `neighbours` are there already, in SQLite's
  // words; nothing when they do not. All are visible rows of one table.
  std::optional<std::string> refusal(const TablePlan& plan, const std::vector<const RowFold*>& rows,
                                     const std::vector<const RowFold*>& neighbours);

  // Why it cannot judge this table, in SQLite's words: a constraint needs a function or collation
  // that the program has defined for its own connection. Nothing when it can.
  std::optional<std::string> fault(const TablePlan& plan);

  // Forgets everything; to be called when the schema has changed.
  void clear();

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  void open();
  void exec(const std::string& sql);
  int make(const TablePlan& plan);
  Statement& insert_of(const TablePlan& plan);
  std::optional<std::string> insert(const TablePlan& plan, const RowFold& row);

  Database& host_;
  std::unique_ptr<sqlite3, Close> handle_;
  std::map<std::string, Statement> inserts_;  // by table; closed before the connection
};

}  // namespace replic

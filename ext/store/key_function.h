// The values by which a UNIQUE index with expressions, or over generated columns, compares rows: as
// SQLite computes them, in a private database in memory that has the table's columns and nothing of
// its constraints.

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sqlite/database.h"
#include "store/plan.h"

namespace replic {

class KeyFunction {
 public:
  // An expression over the columns of a row, and the collation by which its values are compared.
  struct Term {
    std::string sql;
    std::string collation;
  };

  // Nothing when the columns on which the terms depend cannot be told, or there are none. `sql`:
  // the CREATE TABLE of the table.
  static std::shared_ptr<KeyFunction> make(Database& host, const TablePlan& plan,
                                           const std::string& sql, std::vector<Term> terms);

  // The columns on which the terms depend, by folded name.
  const std::vector<size_t>& columns() const { return columns_; }
  const std::vector<Term>& terms() const { return terms_; }
  // The values of the terms for those of columns(). Nothing when SQLite cannot compute them: T
  // holds no such row.
  std::optional<std::vector<Value>> operator()(const std::vector<Value>& values);

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  explicit KeyFunction(std::vector<Term>&& terms) : terms_(std::move(terms)) {}
  bool open(Database& host, const TablePlan& plan, const std::string& sql);
  bool find_columns(const TablePlan& plan);
  bool exec(const std::string& sql);

  std::vector<Term> terms_;
  std::vector<size_t> columns_;
  std::map<std::string, std::string> generated_;  // the expressions, by folded name
  std::unique_ptr<sqlite3, Close> handle_;
  Statement set_;  // closed before the connection
  Statement get_;
};

}  // namespace replic

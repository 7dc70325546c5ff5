// A database in memory with a Store on it, and the store's parts by themselves.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "store/catalog.h"
#include "store/claims.h"
#include "store/log.h"
#include "store/parked.h"
#include "store/replay.h"
#include "store/scratch.h"
#include "store/store.h"

struct sqlite3;

namespace replic::test {

sqlite3* open_in_memory();

inline Cell cell(std::string_view column, int64_t value) {
  return {std::string(column), Value::integer(value)};
}
inline Cell cell(std::string_view column, const std::string& value) {
  return {std::string(column), Value::text(value)};
}
inline Cell null_cell(std::string_view column) { return {std::string(column), Value()}; }

class Inner : public testing::Test {
 protected:
  Inner();
  ~Inner() override;

  // Runs SQL without a result.
  void sql(std::string_view text) { db().exec(text); }
  // The rows of a query, columns with | and rows with newlines between.
  std::string rows(std::string_view query);
  // Makes a table and its log, in mode manual.
  void track(const std::string& create, const std::string& table);
  // A patch for a table that is tracked.
  RowPatch patch(const std::string& table, const Stamp& stamp, const std::vector<Cell>& cells);
  // The same as one that is on its way into T.
  Unit unit(const std::string& table, const Stamp& stamp, const std::vector<Cell>& cells);
  // Gives a message to the store, as replic_apply does.
  void apply(const std::string& table, const Stamp& stamp, const std::vector<Cell>& cells,
             std::optional<Range> group = std::nullopt);
  // Runs `work` inside the gate.
  void write(const std::function<void()>& work) { db().gate.write(work); }

  Database& db() { return store_->db(); }
  Catalog& catalog() { return store_->catalog(); }
  Parked& parked() { return store_->parked(); }
  const TablePlan& plan(const std::string& table);

  sqlite3* handle_;
  std::shared_ptr<Store> store_;
};

}  // namespace replic::test

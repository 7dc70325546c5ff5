#include "store/scratch.h"

#include "base/error.h"
#include "sqlite/ident.h"

namespace replic {

void Scratch::clear() {
  inserts_.clear();
  handle_.reset();
}

void Scratch::exec(const std::string& sql) { Run(Statement(handle_.get(), sql)).exec(); }

void Scratch::open() {
  if (handle_) return;
  sqlite3* handle = nullptr;
  const int rc =
      sqlite3_open_v2(":memory:", &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  handle_.reset(handle);
  if (rc != SQLITE_OK) throw std::bad_alloc();
  std::string encoding;
  {
    Run run = host_.run("PRAGMA main.encoding");
    if (run.step()) encoding = run.text(0);
  }
  exec("PRAGMA encoding=" + literal(encoding));
  exec("PRAGMA foreign_keys=OFF");
}

// Makes the table's double. Returns SQLITE_OK or SQLITE_ERROR; throws for other errors.
int Scratch::make(const TablePlan& plan) {
  std::vector<std::string> ddl;
  {
    Run run = host_.run(
        "SELECT sql FROM main.sqlite_schema WHERE tbl_name=?1 COLLATE NOCASE AND (type='table' OR "
        "type='index' AND sql LIKE 'CREATE UNIQUE %') ORDER BY type DESC");
    run.bind(plan.name);
    while (run.step()) ddl.push_back(run.text(0));
  }
  for (const std::string& sql : ddl) {
    const int rc = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
    if (rc == SQLITE_ERROR) return rc;
    if (rc != SQLITE_OK) throw_sqlite(handle_.get(), rc, "cannot judge table " + quoted(plan.name));
  }
  return SQLITE_OK;
}

// The statement that inserts into the table's double; makes that on first need.
Statement& Scratch::insert_of(const TablePlan& plan) {
  Statement& statement = inserts_[plan.name];
  if (statement) return statement;
  const int rc = make(plan);
  if (rc != SQLITE_OK) throw_sqlite(handle_.get(), rc, "cannot judge table " + quoted(plan.name));
  statement = Statement(handle_.get(), plan.table_insert);
  return statement;
}

std::optional<std::string> Scratch::fault(const TablePlan& plan) {
  open();
  if (make(plan) == SQLITE_OK) return std::nullopt;
  return sqlite3_errmsg(handle_.get());
}

std::optional<std::string> Scratch::insert(const TablePlan& plan, const RowFold& row) {
  Run run(insert_of(plan));
  for (size_t i = 0; i < plan.columns.size(); i++) run.bind(row.value(i));
  if (run.try_exec() == SQLITE_OK) return std::nullopt;
  return sqlite3_errmsg(handle_.get());
}

std::optional<std::string> Scratch::refusal(const TablePlan& plan,
                                            const std::vector<const RowFold*>& rows,
                                            const std::vector<const RowFold*>& neighbours) {
  open();
  insert_of(plan);
  exec("BEGIN");
  std::optional<std::string> out;
  for (const RowFold* row : neighbours) insert(plan, *row);
  for (const RowFold* row : rows) {
    if (!out) out = insert(plan, *row);
  }
  exec("ROLLBACK");
  return out;
}

}  // namespace replic

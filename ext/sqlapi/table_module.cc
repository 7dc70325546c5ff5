// The C face of every table-valued function and eponymous table: one virtual table module, driven
// by a TableDef.
//
// Plan encoding: xBestIndex hands each constraint on a pushed or hidden column to xFilter, and
// describes it in idxStr as
// "<column>,<op>;", in the order of the arguments. Life: connected at the first use in a
// connection; one cursor a scan.

#include <charconv>

#include "base/error.h"
#include "sqlapi/registry.h"
#include "sqlite/boundary.h"

namespace replic {
namespace {

struct Registration {
  const TableDef* def;
  std::shared_ptr<Connection> store;
};

struct Table {
  sqlite3_vtab base{};
  const TableDef* def = nullptr;
  std::shared_ptr<Connection> store;
};

struct Cursor {
  sqlite3_vtab_cursor base{};
  std::unique_ptr<RowSource> source;
  int64_t row = 0;
  bool at_end = true;
};

Table* table_of(sqlite3_vtab* table) { return reinterpret_cast<Table*>(table); }
Cursor* cursor_of(sqlite3_vtab_cursor* cursor) { return reinterpret_cast<Cursor*>(cursor); }

std::string declaration_of(const TableDef& def) {
  std::string sql = "CREATE TABLE x(";
  for (const ColumnDef& column : def.columns) {
    if (&column != def.columns.data()) sql += ",";
    sql.append(column.name).append(" ").append(column.type).append(column.hidden ? " HIDDEN" : "");
  }
  return sql + ")";
}

int connect(sqlite3* db, void* aux, int, const char* const*, sqlite3_vtab** out, char** error) {
  const auto* registration = static_cast<Registration*>(aux);
  int rc = SQLITE_OK;
  const int thrown =
      guarded([&] { rc = sqlite3_declare_vtab(db, declaration_of(*registration->def).c_str()); },
              [&](const char* text) { *error = sqlite3_mprintf("%s", text); });
  if (thrown != SQLITE_OK) return thrown;
  if (rc != SQLITE_OK) return rc;
  sqlite3_vtab_config(
      db, registration->def->insert != nullptr ? SQLITE_VTAB_DIRECTONLY : SQLITE_VTAB_INNOCUOUS);
  auto* table = new (std::nothrow) Table;
  if (table == nullptr) return SQLITE_NOMEM;
  table->def = registration->def;
  table->store = registration->store;
  *out = &table->base;
  return SQLITE_OK;
}

int disconnect(sqlite3_vtab* table) {
  delete table_of(table);
  return SQLITE_OK;
}

bool is_pushed_op(unsigned char op) {
  return op == SQLITE_INDEX_CONSTRAINT_EQ || op == SQLITE_INDEX_CONSTRAINT_GT ||
         op == SQLITE_INDEX_CONSTRAINT_GE || op == SQLITE_INDEX_CONSTRAINT_LT ||
         op == SQLITE_INDEX_CONSTRAINT_LE;
}

int best_index(sqlite3_vtab* base, sqlite3_index_info* info) {
  const auto columns = table_of(base)->def->columns;
  bool refused = false;
  const int rc = guarded_method(base, [&] {
    std::string plan;
    int arguments = 0;
    double cost = 1e6;
    for (int i = 0; i < info->nConstraint; i++) {
      const auto& constraint = info->aConstraint[i];
      if (constraint.iColumn < 0 || !is_pushed_op(constraint.op)) continue;
      const ColumnDef& column = columns[static_cast<size_t>(constraint.iColumn)];
      if (!column.pushed && !column.hidden) continue;
      const bool equal = constraint.op == SQLITE_INDEX_CONSTRAINT_EQ;
      if (column.hidden && !equal) continue;
      if (!constraint.usable) {
        // An argument that is not known yet: this order of the join is of no use.
        refused = refused || column.hidden;
        continue;
      }
      info->aConstraintUsage[i].argvIndex = ++arguments;
      info->aConstraintUsage[i].omit = column.hidden ? 1 : 0;
      plan += std::to_string(constraint.iColumn) + "," + std::to_string(constraint.op) + ";";
      cost /= equal ? 100 : 4;
    }
    info->estimatedCost = cost;
    info->idxStr = sqlite3_mprintf("%s", plan.c_str());
    info->needToFreeIdxStr = 1;
    if (info->idxStr == nullptr) throw std::bad_alloc();
  });
  if (rc != SQLITE_OK) return rc;
  return refused ? SQLITE_CONSTRAINT : SQLITE_OK;
}

int open(sqlite3_vtab*, sqlite3_vtab_cursor** out) {
  auto* cursor = new (std::nothrow) Cursor;
  if (cursor == nullptr) return SQLITE_NOMEM;
  *out = &cursor->base;
  return SQLITE_OK;
}

int close(sqlite3_vtab_cursor* cursor) {
  delete cursor_of(cursor);
  return SQLITE_OK;
}

int next(sqlite3_vtab_cursor* base) {
  Cursor* cursor = cursor_of(base);
  return guarded_method(base->pVtab, [&] {
    cursor->at_end = !cursor->source->next();
    cursor->row++;
  });
}

int filter(sqlite3_vtab_cursor* base, int, const char* plan, int argc, sqlite3_value** argv) {
  Cursor* cursor = cursor_of(base);
  const Table* table = table_of(base->pVtab);
  const int rc = guarded_method(base->pVtab, [&] {
    cursor->source.reset();
    cursor->row = 0;
    std::vector<Constraint> constraints;
    const char* p = plan;
    const char* const end = plan + std::char_traits<char>::length(plan);
    for (int i = 0; i < argc && p < end; i++) {
      int column = 0;
      int op = 0;
      p = std::from_chars(p, end, column).ptr + 1;
      p = std::from_chars(p, end, op).ptr + 1;
      const std::string_view name = table->def->columns[static_cast<size_t>(column)].name;
      constraints.push_back({column, static_cast<unsigned char>(op), value_of(argv[i], name)});
    }
    table->store->refresh();
    cursor->source = table->def->open(*table->store, std::move(constraints));
  });
  return rc == SQLITE_OK ? next(base) : rc;
}

int eof(sqlite3_vtab_cursor* cursor) { return cursor_of(cursor)->at_end ? 1 : 0; }

int column(sqlite3_vtab_cursor* base, sqlite3_context* context, int index) {
  Cursor* cursor = cursor_of(base);
  const Table* table = table_of(base->pVtab);
  return guarded_method(base->pVtab, [&] {
    if (table->def->columns[static_cast<size_t>(index)].hidden) return;
    Call(*table->store, table->def->doc, context, 0, nullptr).result(cursor->source->column(index));
  });
}

int rowid(sqlite3_vtab_cursor* base, sqlite3_int64* out) {
  *out = cursor_of(base)->row;
  return SQLITE_OK;
}

int update(sqlite3_vtab* base, int argc, sqlite3_value** argv, sqlite3_int64* rowid) {
  const Table* table = table_of(base);
  return guarded_method(base, [&] {
    if (argc < 2 || sqlite3_value_type(argv[0]) != SQLITE_NULL) {
      throw Error(Code::argument, std::string(table->def->doc.name) + " takes INSERT only",
                  "usage: " + std::string(table->def->doc.usage));
    }
    *rowid = sqlite3_last_insert_rowid(table->store->db().handle());
    table->store->refresh();
    table->def->insert(*table->store, {argv + 2, static_cast<size_t>(argc - 2)});
  });
}

sqlite3_module make_module(bool writable) {
  sqlite3_module m{};
  m.iVersion = 0;
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
  m.xUpdate = writable ? update : nullptr;
  return m;
}

}  // namespace

int register_tables(const std::shared_ptr<Connection>& store) {
  static const sqlite3_module kReadOnly = make_module(false);
  static const sqlite3_module kWritable = make_module(true);
  for (const TableDef& def : module_table()) {
    const std::string name(def.doc.name);
    const int rc = sqlite3_create_module_v2(
        store->db().handle(), name.c_str(), def.insert != nullptr ? &kWritable : &kReadOnly,
        new Registration{&def, store}, [](void* data) { delete static_cast<Registration*>(data); });
    if (rc != SQLITE_OK) return rc;
  }
  return SQLITE_OK;
}

}  // namespace replic

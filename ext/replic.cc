// The entry point of the loadable extension: check the host's SQLite, register, nothing else.

#include <memory>

#include "sqlapi/registry.h"
#include "sqlite/boundary.h"

// Defines the pointer to SQLite's API, our only global that is written, once, by the host.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-declarations"
SQLITE_EXTENSION_INIT1
#pragma GCC diagnostic pop

namespace replic {
namespace {

constexpr int kOldestSqlite = 3037000;  // PRAGMA table_list, STRICT

int initialise(sqlite3* db) {
  auto store = std::make_shared<Connection>(db);
  int rc = store->register_modules(store);
  if (rc == SQLITE_OK) rc = register_tables(store);
  if (rc == SQLITE_OK) rc = register_aggregates(store);
  if (rc == SQLITE_OK) rc = register_capture_functions(store);
  // The last of them is the one that is_loaded() asks for: loading that failed half-way can be
  // repeated.
  if (rc == SQLITE_OK) rc = register_functions(store);
  // The database itself is not read yet: it may be locked, or encrypted and still without its key.
  return rc;
}

// Loaded before on this connection: registering again would fail under the SELECT load_extension()
// that is running.
bool is_loaded(sqlite3* db) {
  sqlite3_stmt* statement = nullptr;
  const int rc = sqlite3_prepare_v2(db, "SELECT replic_version()", -1, &statement, nullptr);
  sqlite3_finalize(statement);
  return rc == SQLITE_OK;
}

}  // namespace
}  // namespace replic

#ifdef _WIN32
#define REPLIC_EXPORT __declspec(dllexport)
#else
#define REPLIC_EXPORT __attribute__((visibility("default")))
#endif

extern "C" REPLIC_EXPORT int sqlite3_replic_init(sqlite3* db, char** error,
                                                 const sqlite3_api_routines* api) {
  SQLITE_EXTENSION_INIT2(api);
  // Calling a function that an older SQLite does not have is a crash, not an error: so this is the
  // first thing.
  if (sqlite3_libversion_number() < replic::kOldestSqlite) {
    *error = sqlite3_mprintf(
        "replic: E_SQLITE_VERSION: this program has SQLite %s, and replic needs 3.37 or newer; "
        "update the program's SQLite",
        sqlite3_libversion());
    return SQLITE_ERROR;
  }
  if (replic::is_loaded(db)) return SQLITE_OK;
  int rc = SQLITE_OK;
  const int thrown =
      replic::guarded([&] { rc = replic::initialise(db); },
                      [&](const char* text) { *error = sqlite3_mprintf("%s", text); });
  return thrown == SQLITE_OK ? rc : thrown;
}

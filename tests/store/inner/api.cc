// The extension's code calls SQLite through a pointer that its entry point gets. Here it is linked
// into a program; SQLite hands the pointer to it like to any extension. No header of the extension
// may be included here: SQLite itself is called.
#include <sqlite3.h>

#include <mutex>

struct sqlite3_api_routines;
// NOLINTNEXTLINE(readability-identifier-naming): the name is SQLite's
const sqlite3_api_routines* sqlite3_api = nullptr;

namespace replic::test {
namespace {

int take_api(sqlite3*, char**, const sqlite3_api_routines* api) {
  sqlite3_api = api;
  return SQLITE_OK;
}

}  // namespace

sqlite3* open_in_memory() {
  static std::once_flag once;
  std::call_once(once, [] { sqlite3_auto_extension(reinterpret_cast<void (*)()>(take_api)); });
  sqlite3* handle = nullptr;
  return sqlite3_open(":memory:", &handle) == SQLITE_OK ? handle : nullptr;
}

}  // namespace replic::test

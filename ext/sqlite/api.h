// SQLite's API as a loadable extension sees it: through the pointer that the entry point stores.

#pragma once

#include <sqlite3ext.h>

SQLITE_EXTENSION_INIT3

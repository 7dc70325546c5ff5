// Column affinity, as SQLite applies it when a value is stored.

#pragma once

#include "model/value.h"
#include "sqlite/database.h"

namespace replic {

// The value as a column of `affinity` stores it. Most values are returned as they are; a text that
// must become a number, or a number that must become text, is converted by SQLite itself. Source:
// sqlite.org/datatype3.html, section 3.
Value with_affinity(Database& db, Value value, Affinity affinity);

}  // namespace replic

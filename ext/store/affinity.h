// Column affinity, as SQLite applies it when a value is stored.

#pragma once

#include "model/value.h"
#include "sqlite/database.h"

namespace replic {

// Whether a column of `affinity` stores the value as it is. False as well where only SQLite can
// tell.
inline bool has_affinity(const Value& value, Affinity affinity) {
  switch (value.type()) {
    case Type::null:
    case Type::blob:
      return true;
    case Type::text:
      return affinity == Affinity::text || affinity == Affinity::blob;
    case Type::integer:
      return affinity == Affinity::integer || affinity == Affinity::numeric ||
             affinity == Affinity::blob;
    case Type::real:
      return affinity == Affinity::blob || (affinity == Affinity::real && value.as_real() != 0);
  }
  return false;
}

// The value as a column of `affinity` stores it. Most values are returned as they are; a text that
// must become a number, or a number that must become text, is converted by SQLite itself. Source:
// sqlite.org/datatype3.html, section 3.
Value with_affinity(Database& db, Value value, Affinity affinity);

}  // namespace replic

// The UNIQUE constraints of a table as conditions in the SQL of a trigger.
//
// REPLACE takes rows away to make room for the one that is written, and tells no trigger of it. So
// our BEFORE triggers look for the rows that the new one would meet, by the same indexes.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sqlite/database.h"
#include "store/plan.h"

namespace replic {

// One for each UNIQUE constraint beside the primary key, whatever its columns, expressions,
// collations and WHERE clause are. Nothing when one of them cannot be put so.
std::optional<std::vector<Meeting>> read_meetings(Database& db, const TablePlan& plan);

// The parts of a CREATE INDEX statement. Their texts are as they stand there.
struct IndexText {
  std::vector<std::string> terms;  // without ASC and DESC
  std::string where;               // or empty
};
IndexText read_index(std::string_view sql);
// Those of an index by its name; empty when no CREATE INDEX has made it.
IndexText index_text(Database& db, const std::string& index);

// An expression in parentheses, also when it ends with a comment.
std::string enclosed(std::string_view text);

}  // namespace replic

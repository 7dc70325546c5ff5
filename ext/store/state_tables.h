// replic's own tables, _replic_...: made once, and looked at before they are used, since they lie
// open in the user's database.

#pragma once

#include <optional>
#include <string>

#include "sqlite/database.h"

namespace replic {

struct StateFault {
  std::string wrong;
  std::string cure;
};

// Makes the tables, without an identity. Only inside Gate::write.
void make_state_tables(Database& db);

// Whether the tables are there. `fault` gets what is wrong with them: one is missing or was
// altered, the row of _replic_state is missing, or a newer version of replic has made them.
bool has_state_tables(Database& db, std::optional<StateFault>& fault);

// The same. Throws E_STATE when something is wrong.
bool has_state_tables(Database& db);

}  // namespace replic

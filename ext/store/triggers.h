// The triggers that replic_track puts on a table, and what else it knows of them.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sqlite/database.h"
#include "store/plan.h"

namespace replic {

// Sets plan.fingerprint and plan.fingerprint_of_keys: what the triggers of a table are made for.
// They hand it back with each row, and a table that has been altered since has another.
void set_fingerprints(TablePlan& plan);

// The names of the triggers of its mode without which writes to the table would go unnoticed.
std::vector<std::string> trigger_names(const TablePlan& plan);
// Drops every trigger of ours on the table. Inside Gate::write.
void drop_triggers(Database& db, const std::string& table);
// True when the table has the triggers of its mode, as they must be for its columns, in the right
// order with those of the application.
bool triggers_are_current(Database& db, const TablePlan& plan);
// Makes it so. Returns whether there was anything to do, which changes the schema. Inside
// Gate::write.
bool install_triggers(Database& db, const TablePlan& plan);

// The operation of a trigger function's second argument. Nothing for an unknown one.
std::optional<Op> op_of(std::string_view name);

std::string_view mode_name(Mode mode);
// The call of replic_track that leaves a table in its mode.
std::string track_call(const TablePlan& plan);
// Nothing for an unknown name.
std::optional<Mode> mode_of(std::string_view name);

}  // namespace replic

// The triggers that replic_track puts on a table, and what else it knows of them.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sqlite/database.h"
#include "store/plan.h"

namespace replic {

// What the triggers of a table are made for. They hand it back with each row, and a table that has
// been altered since has another.
std::string trigger_fingerprint(const TablePlan& plan);

// The statements that make the triggers of `plan.mode`; none for Mode::manual.
std::vector<std::string> trigger_sql(const TablePlan& plan);

// Whether the application has triggers on the table, temporary ones included.
bool has_triggers(Database& db, const std::string& table);
// Drops every trigger of ours on the table. Inside Gate::write.
void drop_triggers(Database& db, const std::string& table);
// True when the triggers on the table are those that trigger_sql makes, and run before those of
// the application.
bool triggers_are_current(Database& db, const TablePlan& plan);
// Makes them so. Returns whether there was anything to do, which changes the schema.
bool install_triggers(Database& db, const TablePlan& plan);

// The operation of a trigger function's second argument. Nothing for an unknown one.
std::optional<Op> op_of(std::string_view name);

std::string_view mode_name(Mode mode);
// Nothing for an unknown name.
std::optional<Mode> mode_of(std::string_view name);

}  // namespace replic

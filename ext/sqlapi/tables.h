// Tables that have a file of their own: how their rows are made.

#pragma once

#include <memory>
#include <vector>

#include "sqlapi/registry.h"

namespace replic {

std::unique_ptr<RowSource> open_answer(Connection& store, std::vector<Constraint>&& constraints);
std::unique_ptr<RowSource> open_changes(Connection& store, std::vector<Constraint>&& constraints);
std::unique_ptr<RowSource> open_check(Connection& store, std::vector<Constraint>&& constraints);
std::unique_ptr<RowSource> open_help(Connection& store, std::vector<Constraint>&& constraints);
std::unique_ptr<RowSource> open_missing(Connection& store, std::vector<Constraint>&& constraints);
std::unique_ptr<RowSource> open_options(Connection& store, std::vector<Constraint>&& constraints);
std::unique_ptr<RowSource> open_peers(Connection& store, std::vector<Constraint>&& constraints);
std::unique_ptr<RowSource> open_pending(Connection& store, std::vector<Constraint>&& constraints);
std::unique_ptr<RowSource> open_tables(Connection& store, std::vector<Constraint>&& constraints);

// INSERT INTO replic_changes(message).
void insert_message(Connection& store, std::span<sqlite3_value*> row);

}  // namespace replic

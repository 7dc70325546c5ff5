// Tables that have a file of their own: how their rows are made.

#pragma once

#include <memory>
#include <vector>

#include "sqlapi/registry.h"

namespace replic {

std::unique_ptr<RowSource> open_changes(Store& store, std::vector<Constraint>&& constraints);
std::unique_ptr<RowSource> open_check(Store& store, std::vector<Constraint>&& constraints);
std::unique_ptr<RowSource> open_help(Store& store, std::vector<Constraint>&& constraints);
std::unique_ptr<RowSource> open_missing(Store& store, std::vector<Constraint>&& constraints);
std::unique_ptr<RowSource> open_options(Store& store, std::vector<Constraint>&& constraints);
std::unique_ptr<RowSource> open_peers(Store& store, std::vector<Constraint>&& constraints);
std::unique_ptr<RowSource> open_pending(Store& store, std::vector<Constraint>&& constraints);
std::unique_ptr<RowSource> open_tables(Store& store, std::vector<Constraint>&& constraints);

// INSERT INTO replic_changes(message).
void insert_message(Store& store, std::span<sqlite3_value*> row);

}  // namespace replic

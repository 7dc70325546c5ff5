// Order-free hash of what replicated tables show.

#pragma once

#include <optional>

#include "store/catalog.h"

namespace replic {

// The digest of one table: the sum of a hash of each row, over the columns that are not NULL. With
// `first` and `last`, only rows whose first key column lies between them. O(rows).
uint64_t table_digest(Database& db, const TablePlan& plan, const std::optional<Value>& first,
                      const std::optional<Value>& last);

}  // namespace replic

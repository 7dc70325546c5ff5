// Looks for whatever breaks an invariant.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/store.h"

namespace replic {

struct Finding {
  std::string severity;  // "error": data is at stake; "warning": something to look at
  std::string code;
  std::string table;  // may be empty
  std::string detail;
  std::string cure;
};

// Everything that is wrong, with `table` only what concerns that table. Reads all logs and tables;
// interruptible. Throws E_TABLE when `table` is not replicated.
std::vector<Finding> check(Store& store, std::string_view table);

}  // namespace replic

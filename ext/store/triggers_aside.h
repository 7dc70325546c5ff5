// The application's triggers that refuse or ignore writes by RAISE, put aside for one write.
//
// They have done their work at the origin of a patch. What the rule accepts has to be shown on
// every peer, whatever state a trigger looks at here: so the triggers of the table that contain a
// RAISE are dropped, the row is written, with the table's other triggers running (a full-text index
// is kept up), and they are made again, in the order that they had. Dear, and rare. Runs inside
// Gate::write only: an error undoes the whole.

#pragma once

#include <string>
#include <vector>

#include "sqlite/database.h"
#include "store/plan.h"

namespace replic {

class TriggersAside {
 public:
  // Drops them.
  TriggersAside(Database& db, const TablePlan& plan);
  // Whether there were any.
  bool any() const { return !raising_.empty(); }
  // Makes them again. SQLite runs the triggers of a table in an order that follows from the order
  // in which they were made, so those that were made after the first of them are made again too.
  void restore();

 private:
  struct Trigger {
    std::string schema;  // main or temp
    std::string name;
    std::string sql;
    bool raises = false;
  };
  void drop(const Trigger& trigger);

  Database& db_;
  std::vector<Trigger> raising_;
  std::vector<Trigger> to_make_;  // in order
};

}  // namespace replic

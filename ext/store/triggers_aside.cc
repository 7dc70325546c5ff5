#include "store/triggers_aside.h"

#include "base/bytes.h"
#include "sqlite/ident.h"

namespace replic {

TriggersAside::TriggersAside(Database& db, const TablePlan& plan) : db_(db) {
  for (const char* schema : {"main", "temp"}) {
    std::vector<Trigger> triggers;
    {
      Run run = db_.once(std::string("SELECT name,sql FROM ") + schema +
                         ".sqlite_schema WHERE type='trigger' AND tbl_name=?1 COLLATE NOCASE "
                         "ORDER BY rowid");
      run.bind(plan.name);
      while (run.step()) {
        const std::string sql = run.text(1);
        const bool is_ours = run.text(0).starts_with("_replic_");
        const bool raises = !is_ours && folded(sql).find("raise") != std::string::npos;
        triggers.push_back({schema, run.text(0), sql, raises});
      }
    }
    bool from_here = false;
    for (Trigger& trigger : triggers) {
      from_here = from_here || trigger.raises;
      if (!from_here) continue;
      if (trigger.raises) raising_.push_back(trigger);
      to_make_.push_back(std::move(trigger));
    }
  }
  for (const Trigger& trigger : raising_) drop(trigger);
}

void TriggersAside::drop(const Trigger& trigger) {
  db_.exec("DROP TRIGGER " + trigger.schema + "." + ident(trigger.name));
}

void TriggersAside::restore() {
  for (const Trigger& trigger : to_make_) {
    if (!trigger.raises) drop(trigger);
  }
  for (const Trigger& trigger : to_make_) {
    // The text that SQLite keeps has no schema, and begins with CREATE TRIGGER.
    constexpr std::string_view kCreate = "CREATE TRIGGER ";
    db_.exec((trigger.schema == "temp" ? "CREATE TEMP TRIGGER " : std::string(kCreate)) +
             trigger.sql.substr(kCreate.size()));
  }
}

}  // namespace replic

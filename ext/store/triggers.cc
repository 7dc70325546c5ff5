#include "store/triggers.h"

#include <algorithm>
#include <cstdio>

#include "base/bytes.h"
#include "sqlite/ident.h"

namespace replic {
namespace {

// Values that one call of a function is given. SQLite takes 100 arguments at least.
constexpr size_t kValuesPerCall = 90;

struct Kind {
  Op op;
  std::string_view name;  // as the functions are told
  std::string_view event;
};
constexpr Kind kKinds[] = {
    {Op::insert, "insert", "INSERT"},
    {Op::update, "update", "UPDATE"},
    {Op::remove, "delete", "DELETE"},
};

std::string trigger_name(const TablePlan& plan, std::string_view what, const Kind& kind) {
  return "_replic_" + std::string(what) + "_" + std::string(kind.name) + "_" + plan.name;
}

std::string trigger_head(const TablePlan& plan, std::string_view time, std::string_view what,
                         const Kind& kind) {
  std::string sql = "CREATE TRIGGER " + ident(trigger_name(plan, what, kind));
  return sql.append(" ").append(time).append(" ").append(kind.event) + " ON main." +
         ident(plan.name) + " BEGIN";
}

// A call that fails when something is wrong, and never returns true. The RAISE is there for its
// effect: SQLite keeps a statement journal for each statement that fires the trigger, so that what
// the function writes is undone when the statement fails later.
std::string call_sql(const std::string& call) {
  return " SELECT CASE WHEN " + call + " THEN RAISE(ABORT,'replic: E_INTERNAL') END;";
}

// ,OLD."k1",OLD."k2"
std::string key_of_row(const TablePlan& plan, std::string_view row) {
  std::string out;
  for (const size_t k : plan.key)
    out.append(",").append(row).append(".").append(ident(plan.columns[k].name));
  return out;
}

// 'T','insert'
std::string subject(const TablePlan& plan, const Kind& kind) {
  return literal(plan.name) + ",'" + std::string(kind.name) + "'";
}

// "k1"=NEW."k1" COLLATE x AND ...
std::string key_equals(const TablePlan& plan, std::string_view left, std::string_view right) {
  std::string out;
  for (const size_t k : plan.key) {
    const Column& column = plan.columns[k];
    const std::string name = ident(column.name);
    if (!out.empty()) out += " AND ";
    out.append(left).append(name).append("=").append(right).append(name);
    out.append(" COLLATE ").append(ident(column.collation));
  }
  return "(" + out + ")";
}

// A deleted row that T keeps makes room for a new one of its key.
std::string bury_sql(const TablePlan& plan, const Kind& kind) {
  const std::string moved =
      kind.op == Op::update ? "NOT " + key_equals(plan, "OLD.", "NEW.") + " AND " : "";
  return " DELETE FROM " + ident(plan.name) + " WHERE " + moved + key_equals(plan, "", "NEW.") +
         " AND " + ident(plan.tombstone) + " IS NOT NULL AND replic_buries(" + subject(plan, kind) +
         key_of_row(plan, "NEW") + ");";
}

// After all other triggers: puts a deleted row back, with its tombstone.
std::string keep_sql(const TablePlan& plan, const Kind& kind) {
  std::string names, values;
  if (kind.op == Op::remove && !plan.rowid_name.empty()) {
    names = plan.rowid_name;
    values = "OLD." + plan.rowid_name;
  }
  for (const Column& column : plan.columns) {
    const std::string name = ident(column.name);
    names.append(names.empty() ? "" : ",").append(name);
    const bool is_tombstone = same_name(column.name, plan.tombstone);
    values.append(values.empty() ? "" : ",")
        .append(is_tombstone ? "replic_tombstone()" : "OLD." + name);
  }
  const std::string row = "(" + subject(plan, kind) + key_of_row(plan, "OLD") + ")";
  const std::string moved =
      kind.op == Op::update ? "NOT " + key_equals(plan, "OLD.", "NEW.") + " AND " : "";
  // The INSERT below has the conflict clause of the application's statement. With REPLACE the
  // deleted row would so take away the new one.
  const std::string refuse_lost =
      kind.op != Op::update
          ? ""
          : " SELECT RAISE(ABORT," +
                literal("replic: E_CONSTRAINT: the deleted row stays in table " + plan.name +
                        " and keeps its values from the new one; let the UNIQUE index leave out "
                        "deleted rows: CREATE UNIQUE INDEX ... WHERE " +
                        ident(plan.tombstone) + " IS NULL") +
                ") WHERE " + moved + "NOT EXISTS (SELECT 1 FROM " + ident(plan.name) + " WHERE " +
                key_equals(plan, "", "NEW.") + ");";
  return trigger_head(plan, "AFTER", "keep", kind) + " INSERT INTO " + ident(plan.name) + "(" +
         names + ") SELECT " + values + " WHERE " + moved + "replic_keeps" + row + ";" +
         call_sql("replic_kept" + row) + refuse_lost + " END";
}

// Tells of the rows that the new one meets, which REPLACE would take away.
std::string meet_sql(const TablePlan& plan, const Kind& kind) {
  const bool is_update = kind.op == Op::update;
  std::string key;
  for (const size_t k : plan.key) key += "," + ident(plan.columns[k].name);
  if (is_update) key += key_of_row(plan, "OLD");
  std::string sql;
  for (const Meeting& meeting : *plan.meetings) {
    sql += " SELECT replic_meets(" + subject(plan, kind) + key + ") FROM " + ident(plan.name) +
           " WHERE ";
    if (is_update && !meeting.changed.empty()) sql += "(" + meeting.changed + ") AND ";
    sql +=
        meeting.condition + " AND NOT " + key_equals(plan, "", is_update ? "OLD." : "NEW.") + ";";
  }
  return sql;
}

std::string before_sql(const TablePlan& plan, const Kind& kind) {
  const std::string function = plan.mode == Mode::guard ? "replic_guards" : "replic_ignores";
  std::string key = key_of_row(plan, kind.op == Op::insert ? "NEW" : "OLD");
  if (kind.op == Op::update) key += key_of_row(plan, "NEW");
  std::string sql = trigger_head(plan, "BEFORE", "before", kind) + " SELECT RAISE(IGNORE) WHERE " +
                    function + "(" + subject(plan, kind) + key + ");";
  const bool may_meet = plan.mode == Mode::capture && kind.op != Op::remove;
  if (may_meet && plan.keeps_rows()) sql += bury_sql(plan, kind);
  if (may_meet && plan.meetings) sql += meet_sql(plan, kind);
  return sql + " END";
}

std::string after_sql(const TablePlan& plan, const Kind& kind) {
  std::string sql = trigger_head(plan, "AFTER", "after", kind);
  const std::string start =
      subject(plan, kind) + "," + literal(plan.fingerprint + "." + plan.fingerprint_of_keys);
  if (kind.op == Op::remove) {
    const std::string tombstone = plan.keeps_rows() ? ",OLD." + ident(plan.tombstone) : "";
    sql += call_sql("replic_capture(" + start + key_of_row(plan, "OLD") + tombstone + ")");
  }
  const bool is_update = kind.op == Op::update;
  const size_t per_call = is_update ? kValuesPerCall / 2 : kValuesPerCall;
  const size_t width = kind.op == Op::remove ? 0 : plan.columns.size();
  for (size_t first = 0; first < width; first += per_call) {
    const size_t last = std::min(first + per_call, width);
    std::string values;
    for (size_t i = first; i < last; i++) {
      const std::string name = ident(plan.columns[i].name);
      if (is_update) values += ",OLD." + name;
      values += ",NEW." + name;
    }
    const std::string part =
        last < width ? "_part(" + start + "," + std::to_string(first) : "(" + start;
    sql += call_sql(std::string("replic_capture").append(part).append(values).append(")"));
  }
  return sql + " END";
}

struct Trigger {
  std::string name;
  std::string sql;
  bool is_ours() const { return name.starts_with("_replic_"); }
};

// The triggers of the table's mode that must stand before those of the application, and so run
// after them: see install_triggers.
std::vector<Trigger> early_triggers(const TablePlan& plan) {
  std::vector<Trigger> out;
  if (plan.mode != Mode::capture || !plan.keeps_rows()) return out;
  for (const Kind& kind : kKinds) {
    if (kind.op != Op::insert)
      out.push_back({trigger_name(plan, "keep", kind), keep_sql(plan, kind)});
  }
  return out;
}

// Those that must stand after them, and so run first.
std::vector<Trigger> late_triggers(const TablePlan& plan) {
  std::vector<Trigger> out;
  if (plan.mode == Mode::manual) return out;
  for (const Kind& kind : kKinds) {
    out.push_back({trigger_name(plan, "before", kind), before_sql(plan, kind)});
    if (plan.mode == Mode::capture)
      out.push_back({trigger_name(plan, "after", kind), after_sql(plan, kind)});
  }
  return out;
}

// The triggers on a table, in the order in which they were made: the last runs first.
std::vector<Trigger> triggers_on(Database& db, const std::string& table) {
  std::vector<Trigger> out;
  Run run = db.run(
      "SELECT name,sql FROM main.sqlite_schema WHERE type='trigger' AND tbl_name=?1 COLLATE NOCASE "
      "ORDER BY rowid");
  run.bind(table);
  while (run.step()) out.push_back({run.text(0), run.text(1)});
  return out;
}

void drop(Database& db, const std::string& trigger) {
  db.exec("DROP TRIGGER main." + ident(trigger));
}

}  // namespace

std::optional<Op> op_of(std::string_view name) {
  for (const Kind& kind : kKinds) {
    if (kind.name == name) return kind.op;
  }
  return std::nullopt;
}

std::string_view mode_name(Mode mode) {
  switch (mode) {
    case Mode::manual:
      return "manual";
    case Mode::guard:
      return "guard";
    case Mode::capture:
      break;
  }
  return "capture";
}

std::string track_call(const TablePlan& plan) {
  const std::string mode(mode_name(plan.mode));
  const std::string options = plan.mode == Mode::capture ? "" : ",'{\"mode\":\"" + mode + "\"}'";
  return "SELECT replic_track(" + literal(plan.name) + options + ")";
}

std::optional<Mode> mode_of(std::string_view name) {
  for (const Mode mode : {Mode::manual, Mode::guard, Mode::capture}) {
    if (name == mode_name(mode)) return mode;
  }
  return std::nullopt;
}

void set_fingerprints(TablePlan& plan) {
  const auto hex_of = [](const std::string& text) {
    char hex[17];
    std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(hash64(text)));
    return std::string(hex);
  };
  std::string text = plan.name;
  for (const Column& column : plan.columns)
    text += '\0' + column.name + '\0' + std::to_string(column.key_position);
  plan.fingerprint = hex_of(text);
  plan.fingerprint_of_keys = "unknown";
  if (!plan.meetings) return;
  text.clear();
  for (const Meeting& meeting : *plan.meetings) text += meeting.condition + '\0';
  plan.fingerprint_of_keys = hex_of(text);
}

std::vector<std::string> trigger_names(const TablePlan& plan) {
  std::vector<std::string> names;
  for (const Trigger& trigger : late_triggers(plan)) names.push_back(trigger.name);
  return names;
}

void drop_triggers(Database& db, const std::string& table) {
  for (const Trigger& trigger : triggers_on(db, table)) {
    if (trigger.is_ours()) drop(db, trigger.name);
  }
}

bool triggers_are_current(Database& db, const TablePlan& plan) {
  std::vector<Trigger> early = early_triggers(plan);
  std::vector<Trigger> late = late_triggers(plan);
  const auto take = [](std::vector<Trigger>& wanted, const Trigger& trigger) {
    return std::erase_if(wanted, [&](const Trigger& w) { return w.sql == trigger.sql; }) > 0;
  };
  const size_t all_late = late.size();
  for (const Trigger& trigger : triggers_on(db, plan.name)) {
    const bool in_order = trigger.is_ours() ? take(early, trigger) || take(late, trigger)
                                            : early.empty() && late.size() == all_late;
    if (!in_order) return false;
  }
  return early.empty() && late.empty();
}

// What the application's triggers do to a row, fail in the midst of it included, must come after
// our BEFORE trigger has let the write pass that was announced, and after our AFTER trigger has
// captured it. A deleted row is put back after their AFTER triggers: to a full-text index that they
// keep, it must have gone before it comes again.
bool install_triggers(Database& db, const TablePlan& plan) {
  if (triggers_are_current(db, plan)) return false;
  drop_triggers(db, plan.name);
  const std::vector<Trigger> early = early_triggers(plan);
  std::vector<Trigger> others;
  if (!early.empty()) others = triggers_on(db, plan.name);
  for (const Trigger& trigger : others) drop(db, trigger.name);
  for (const Trigger& trigger : early) db.exec(trigger.sql);
  for (const Trigger& trigger : others) db.exec(trigger.sql);
  for (const Trigger& trigger : late_triggers(plan)) db.exec(trigger.sql);
  return true;
}

}  // namespace replic

#include "store/triggers.h"

#include <algorithm>
#include <cstdio>

#include "base/bytes.h"
#include "sqlite/ident.h"

namespace replic {
namespace {

// Values that one call of a function is given. SQLite takes 100 arguments at least.
constexpr size_t kValuesPerCall = 90;

// The function never returns true. The RAISE is there for its effect: SQLite keeps a statement
// journal for each statement that fires the trigger, so that what the function writes is undone
// when the statement fails later.
constexpr std::string_view kNever = " THEN RAISE(ABORT,'replic: E_INTERNAL') END;";

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

std::string trigger_head(const TablePlan& plan, std::string_view time, const Kind& kind) {
  const std::string what = std::string(time) + "_" + std::string(kind.name);
  std::string sql = "CREATE TRIGGER " + ident("_replic_" + folded(what) + "_" + plan.name);
  return sql.append(" ").append(time).append(" ").append(kind.event) + " ON main." +
         ident(plan.name) + " BEGIN ";
}

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

std::string before_sql(const TablePlan& plan, const Kind& kind) {
  const std::string function = plan.mode == Mode::guard ? "replic_guards" : "replic_ignores";
  return trigger_head(plan, "BEFORE", kind) + "SELECT RAISE(IGNORE) WHERE " + function + "(" +
         subject(plan, kind) + key_of_row(plan, kind.op == Op::insert ? "NEW" : "OLD") + "); END";
}

std::string after_sql(const TablePlan& plan, const Kind& kind) {
  std::string sql = trigger_head(plan, "AFTER", kind);
  const std::string start = subject(plan, kind) + "," + literal(plan.fingerprint);
  const auto call = [&](std::string_view function, const std::string& arguments) {
    sql.append("SELECT CASE WHEN ").append(function).append("(") += start + arguments + ")";
    sql += kNever;
  };
  if (kind.op == Op::remove) {
    call("replic_capture", key_of_row(plan, "OLD"));
    return sql + " END";
  }
  const size_t per_call = kind.op == Op::update ? kValuesPerCall / 2 : kValuesPerCall;
  for (size_t first = 0; first < plan.columns.size(); first += per_call) {
    const size_t last = std::min(first + per_call, plan.columns.size());
    std::string values;
    for (size_t i = first; i < last; i++) {
      const std::string name = ident(plan.columns[i].name);
      if (kind.op == Op::update) values += ",OLD." + name;
      values += ",NEW." + name;
    }
    if (last < plan.columns.size()) {
      call("replic_capture_part", "," + std::to_string(first) + values);
    } else {
      call("replic_capture", values);
    }
  }
  return sql + " END";
}

std::vector<std::string> names_of_ours(Database& db, const std::string& table) {
  std::vector<std::string> names;
  Run run = db.run(
      "SELECT name FROM main.sqlite_schema WHERE type='trigger' AND tbl_name=?1 COLLATE NOCASE AND "
      "substr(name,1,8)='_replic_'");
  run.bind(table);
  while (run.step()) names.push_back(run.text(0));
  return names;
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

std::optional<Mode> mode_of(std::string_view name) {
  for (const Mode mode : {Mode::manual, Mode::guard, Mode::capture}) {
    if (name == mode_name(mode)) return mode;
  }
  return std::nullopt;
}

std::string trigger_fingerprint(const TablePlan& plan) {
  std::string text = plan.name;
  for (const Column& column : plan.columns)
    text += '\0' + column.name + '\0' + std::to_string(column.key_position);
  char hex[17];
  std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(hash64(text)));
  return hex;
}

std::vector<std::string> trigger_sql(const TablePlan& plan) {
  std::vector<std::string> out;
  if (plan.mode == Mode::manual) return out;
  for (const Kind& kind : kKinds) {
    out.push_back(before_sql(plan, kind));
    if (plan.mode == Mode::capture) out.push_back(after_sql(plan, kind));
  }
  return out;
}

bool has_triggers(Database& db, const std::string& table) {
  Run run = db.run(
      "SELECT 1 FROM (SELECT name,tbl_name FROM main.sqlite_schema WHERE type='trigger' UNION ALL "
      "SELECT name,tbl_name FROM temp.sqlite_schema WHERE type='trigger') WHERE tbl_name=?1 "
      "COLLATE NOCASE AND substr(name,1,8)<>'_replic_'");
  run.bind(table);
  return run.step();
}

void drop_triggers(Database& db, const std::string& table) {
  for (const std::string& name : names_of_ours(db, table))
    db.exec("DROP TRIGGER main." + ident(name));
}

bool triggers_are_current(Database& db, const TablePlan& plan) {
  std::vector<std::string> wanted = trigger_sql(plan);
  bool seen_ours = false;
  Run run = db.run(
      "SELECT substr(name,1,8)='_replic_',sql FROM main.sqlite_schema WHERE "
      "type='trigger' AND tbl_name=?1 COLLATE NOCASE ORDER BY rowid");
  run.bind(plan.name);
  while (run.step()) {
    if (run.integer(0) == 0) {
      if (seen_ours) return false;
      continue;
    }
    seen_ours = true;
    if (std::erase(wanted, run.text(1)) == 0) return false;
  }
  return wanted.empty();
}

bool install_triggers(Database& db, const TablePlan& plan) {
  if (triggers_are_current(db, plan)) return false;
  drop_triggers(db, plan.name);
  for (const std::string& sql : trigger_sql(plan)) db.exec(sql);
  return true;
}

}  // namespace replic

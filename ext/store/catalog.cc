#include "store/catalog.h"

#include <algorithm>
#include <set>

#include "base/bytes.h"
#include "base/error.h"
#include "model/content.h"
#include "sqlite/ident.h"
#include "store/affinity.h"
#include "store/scratch.h"
#include "store/state_tables.h"
#include "store/triggers.h"
#include "store/uniques.h"

namespace replic {
namespace {

constexpr std::string_view kLogSuffix = "_patches";

// A DEFAULT that is a literal, by the text that table_xinfo gives: SQLite hands over the expression
// without its enclosing parentheses.
bool is_literal(std::string_view sql) {
  if (sql.empty()) return false;
  for (const std::string_view word : {"null", "true", "false"}) {
    if (same_name(sql, word)) return true;
  }
  const size_t sign = sql[0] == '+' || sql[0] == '-' ? 1 : 0;
  const std::string_view body = sql.substr(sign);
  if (body.empty()) return false;
  if (body[0] >= '0' && body[0] <= '9') {
    return body.find_first_not_of("0123456789abcdefABCDEFxX.+-") == std::string_view::npos &&
           body.find_first_of("+-", 1) == std::string_view::npos;
  }
  const bool blob = (body[0] == 'x' || body[0] == 'X') && body.size() > 1 && body[1] == '\'';
  const std::string_view text = blob ? body.substr(1) : body;
  if (text[0] != '\'' || text.size() < 2 || text.back() != '\'') return false;
  for (size_t i = 1; i + 1 < text.size(); i++) {
    if (text[i] == '\'' && text[++i] != '\'') return false;
  }
  return true;
}

}  // namespace

void Catalog::clear() {
  generation_++;
  entries_.clear();
  last_ = nullptr;
  tables_.clear();
  references_.clear();
  references_read_ = false;
  facts_of_ = {-1, -1};
  listed_ = false;
  known_initialised_ = false;
  version_ = -1;
}

// A change of the temporary schema makes SQLite prepare every statement anew, so most calls need
// not read that version. Source: OP_SetCookie in vdbe.c.
void Catalog::refresh_all() {
  refresh();
  if (std::exchange(temp_seen_, prepared_) == prepared_) return;
  int64_t version = 0;
  {
    Run run = db_.run("PRAGMA temp.schema_version");
    if (run.step()) version = run.integer(0);
  }
  if (std::exchange(temp_version_, version) == version) return;
  invalidate();
  refresh();
}

void Catalog::refresh() {
  int64_t version = 0;
  {
    Run run = db_.run(version_sql_);
    if (run.step()) version = run.integer(0);
    prepared_ = {db_.cache_age(), run.times_reprepared()};
  }
  if (version == version_ && !uncommitted_) return;
  clear();
  version_ = version;
  // The rollback of a transaction that the gate has not joined is not heard of: what is read now
  // may be taken back, and another schema get the same number.
  uncommitted_ = !db_.autocommit() && !db_.gate.has_joined();
}

bool Catalog::initialised() {
  if (!known_initialised_) known_initialised_ = has_state_tables(db_);
  return known_initialised_;
}

const std::vector<std::string>& Catalog::tables() {
  if (listed_) return tables_;
  std::vector<std::string> names;
  std::set<std::string> known;  // folded
  {
    Run run = db_.run(
        "SELECT name FROM main.sqlite_schema WHERE type='table' AND name NOT LIKE 'sqlite\\_%' "
        "ESCAPE '\\' AND name NOT LIKE '\\_replic\\_%' ESCAPE '\\' ORDER BY name");
    while (run.step()) {
      names.push_back(run.text(0));
      known.insert(folded(names.back()));
    }
  }
  tables_.clear();
  for (std::string& name : names) {
    if (known.count(folded(name) + std::string(kLogSuffix)) > 0) tables_.push_back(std::move(name));
  }
  listed_ = true;
  return tables_;
}

const Catalog::Facts& Catalog::facts(const std::string& table) {
  std::pair<int64_t, int64_t> versions{0, 0};
  {
    Run run = db_.run(version_sql_);
    if (run.step()) versions.first = run.integer(0);
  }
  {
    Run run = db_.run("PRAGMA temp.schema_version");
    if (run.step()) versions.second = run.integer(0);
  }
  if (facts_of_ != versions) {
    facts_.clear();
    Run run = db_.run(
        "SELECT type,name,tbl_name,coalesce(sql,'') FROM main.sqlite_schema UNION ALL SELECT "
        "type,name,tbl_name,'' FROM temp.sqlite_schema WHERE type='trigger'");
    while (run.step()) {
      Facts& facts = facts_[folded(run.text(2))];
      const std::string type = run.text(0);
      std::string sql = run.text(3);
      if (type == "table")
        facts.sql = std::move(sql);
      else if (type == "index" && sql.starts_with("CREATE UNIQUE "))
        facts.unique.push_back(std::move(sql));
      else if (type == "trigger" && !run.text(1).starts_with("_replic_"))
        facts.has_triggers = true;
    }
    for (auto& [name, facts] : facts_) std::sort(facts.unique.begin(), facts.unique.end());
    facts_of_ = versions;
  }
  return facts_[folded(table)];
}

bool Catalog::may_have_foreign_keys() {
  facts("");  // reads those of all tables
  return std::any_of(tables().begin(), tables().end(), [&](const std::string& table) {
    return folded(facts_[folded(table)].sql).find("references") != std::string::npos;
  });
}

const TablePlan* Catalog::find(std::string_view table) { return entry(table).plan.get(); }

Catalog::Entry& Catalog::entry(std::string_view table) {
  if (last_ != nullptr && table == last_->plan->name) return *last_;
  std::string name = folded(table);
  auto it = entries_.find(name);
  if (it == entries_.end()) {
    std::shared_ptr<TablePlan> plan = inspect(table);
    if (plan && plan->log.empty()) plan.reset();
    it = entries_.emplace(std::move(name), Entry{std::move(plan), false}).first;
  }
  if (it->second.plan) last_ = &it->second;
  return it->second;
}

std::shared_ptr<TablePlan> Catalog::inspect(std::string_view table) {
  // SQLite has no such names, and PRAGMA would read half of it.
  if (table.find('\0') != std::string_view::npos) return nullptr;
  auto plan = std::make_shared<TablePlan>();
  if (folded(table).starts_with("_replic_") || folded(table).starts_with("sqlite_")) return nullptr;
  const auto fail = [&](std::string problem, std::string cure) {
    if (!plan->problem.empty()) return;
    plan->problem = std::move(problem);
    plan->cure = std::move(cure);
  };
  {
    Run run = db_.once("PRAGMA main.table_list(" + ident(table) + ")");
    if (!run.step()) return nullptr;
    plan->name = run.text(1);
    if (run.text(2) != "table") {
      fail("it is a " + run.text(2), "it must be an ordinary table in main");
    }
    plan->strict = run.integer(5) != 0;
    if (run.integer(4) == 0) plan->rowid_name = "rowid";
  }
  {
    Run run =
        db_.once("PRAGMA main.table_list(" + ident(plan->name + std::string(kLogSuffix)) + ")");
    if (run.step()) {
      plan->log = run.text(1);
      plan->log_strict = run.integer(5) != 0;
      if (run.text(2) != "table") {
        fail(quoted(plan->log) + " is a " + run.text(2), "it must be an ordinary table in main");
      }
    }
  }
  if (folded(plan->name).ends_with(kLogSuffix)) {
    const std::string owner = plan->name.substr(0, plan->name.size() - kLogSuffix.size());
    if (db_.once("PRAGMA main.table_list(" + ident(owner) + ")").step()) {
      fail("it is the log of " + quoted(owner), "name the table itself");
    }
  }
  if (!plan->problem.empty()) return plan;
  read_columns(*plan);
  read_key_collations(*plan);
  plan->has_triggers = facts(plan->name).has_triggers;
  if (plan->problem.empty()) read_constraints(*plan);
  if (plan->problem.empty()) plan->meetings = read_meetings(db_, *plan);
  set_fingerprints(*plan);
  if (plan->problem.empty() && !plan->log.empty()) read_log(*plan);
  if (plan->problem.empty()) write_sql(*plan);
  if (plan->problem.empty() && plan->needs_trial) {
    if (const auto wrong = Scratch(db_).fault(*plan)) {
      plan->problem = "one of its constraints works in this program only: " + *wrong;
      plan->cure =
          "use what SQLite itself has in CHECK, in UNIQUE indexes and in generated columns";
    }
  }
  return plan;
}

void Catalog::read_columns(TablePlan& plan) {
  Run run = db_.once("PRAGMA main.table_xinfo(" + ident(plan.name) + ")");
  std::vector<std::pair<int64_t, size_t>> key;
  std::set<std::string> names;
  while (run.step()) {
    names.insert(folded(run.text(1)));
    for (const std::string_view reserved :
         {"_patchedAt", "_sequenceId", "_peerId", "_nulls", "_deletedAt"}) {
      if (!same_name(run.text(1), reserved)) continue;
      plan.problem =
          "its column " + quoted(run.text(1)) + " has a name that the log needs for itself";
      plan.cure = "rename the column";
    }
    if (run.integer(6) != 0) continue;  // generated: computed on every peer from the others
    Column column;
    column.name = run.text(1);
    column.type = run.text(2);
    column.affinity = affinity_of(column.type, plan.strict);
    column.not_null = run.integer(3) != 0;
    column.default_sql = run.text(4);
    column.seed = column_seed(column.name);
    if (!run.is_null(4)) {
      column.default_kind =
          is_literal(column.default_sql) ? DefaultKind::constant : DefaultKind::expression;
    }
    if (run.integer(5) > 0) key.emplace_back(run.integer(5), plan.columns.size());
    plan.columns.push_back(std::move(column));
  }
  for (const char* name : {"rowid", "_rowid_", "oid", ""}) {
    if (!plan.rowid_name.empty()) plan.rowid_name = name;
    if (names.count(name) == 0) break;
  }
  std::sort(key.begin(), key.end());
  for (const auto& [position, index] : key) {
    plan.columns[index].key_position = static_cast<int>(plan.key.size());
    plan.columns[index].not_null = true;
    plan.key.push_back(index);
  }
  for (Column& column : plan.columns) {
    if (column.default_kind != DefaultKind::constant) continue;
    Run value = db_.once("SELECT " + column.default_sql);
    if (value.step()) column.default_value = with_affinity(db_, value.value(0), column.affinity);
  }
  if (plan.key.empty()) {
    plan.problem = "it has no primary key";
    plan.cure = "make it again with a PRIMARY KEY: a row must have a name that all peers agree on";
  }
}

void Catalog::read_key_collations(TablePlan& plan) {
  for (Column& column : plan.columns) column.collation = "BINARY";
  plan.rowid_alias = plan.key.size() == 1 && same_name(plan.columns[plan.key[0]].type, "INTEGER");
  Run indexes = db_.once("PRAGMA main.index_list(" + ident(plan.name) + ")");
  while (indexes.step()) {
    if (indexes.text(3) != "pk") continue;
    plan.rowid_alias = false;
    Run parts = db_.once("PRAGMA main.index_xinfo(" + ident(indexes.text(1)) + ")");
    while (parts.step()) {
      const auto position = static_cast<size_t>(parts.integer(0));
      if (parts.integer(5) != 0 && position < plan.key.size()) {
        plan.columns[plan.key[position]].collation = parts.text(4);
      }
    }
  }
  if (plan.rowid_alias) plan.rowid_name.clear();
  for (const size_t k : plan.key) {
    const Column& column = plan.columns[k];
    const bool binary = same_name(column.collation, "BINARY");
    if (!binary && !same_name(column.collation, "NOCASE") &&
        !same_name(column.collation, "RTRIM")) {
      plan.problem = "its key column " + quoted(column.name) + " has the collation " +
                     quoted(column.collation);
      plan.cure =
          "use BINARY, NOCASE or RTRIM in a primary key: every peer must hold the same keys for "
          "equal";
    }
    plan.respells = plan.respells || !binary || column.affinity == Affinity::blob;
  }
}

void Catalog::read_constraints(TablePlan& plan) {
  // A word in a comment or a name makes the slow path slower, never wrong.
  plan.needs_trial = folded(facts(plan.name).sql).find("check") != std::string::npos;
  read_unique_keys(plan);
  read_foreign_keys(plan);
  plan.legality = legality_of(plan);
}

// Columns and key of a table that need not be replicated. False when there is no such table.
bool Catalog::read_shape(const std::string& table, TablePlan& plan) {
  {
    Run run = db_.once("PRAGMA main.table_list(" + ident(table) + ")");
    if (!run.step()) return false;
    plan.name = run.text(1);
    plan.strict = run.integer(5) != 0;
  }
  read_columns(plan);
  read_key_collations(plan);
  return true;
}

void Catalog::explain_missing(std::string_view table) {
  const std::shared_ptr<TablePlan> plan = inspect(table);
  if (plan && plan->problem.empty()) {
    throw Error(Code::table,
                "table " + quoted(plan->name) + " is not replicated: it has no log " +
                    quoted(plan->name + std::string(kLogSuffix)),
                "SELECT replic_track(" + literal(plan->name) + ")");
  }
  if (plan)
    throw Error(Code::table,
                "table " + quoted(plan->name) + " cannot be replicated: " + plan->problem,
                plan->cure);
  if (folded(table).starts_with("_replic_") || folded(table).starts_with("sqlite_")) {
    throw Error(Code::table, "table " + quoted(table) + " belongs to replic or to SQLite itself",
                "name a table of your own");
  }
  {
    Run run =
        db_.run("SELECT 1 FROM temp.sqlite_schema WHERE type='table' AND name=?1 COLLATE NOCASE");
    run.bind(table);
    if (run.step())
      throw Error(Code::table, "table " + quoted(table) + " is temporary",
                  "it must be an ordinary table in main");
  }
  std::string names;
  for (const std::string& name : tables()) names.append(names.empty() ? "" : ", ").append(name);
  throw Error(Code::table, "there is no table " + quoted(table) + " in main",
              names.empty()
                  ? "no table is replicated yet: CREATE TABLE it, then SELECT replic_track('...')"
                  : "the replicated tables are: " + names);
}

}  // namespace replic

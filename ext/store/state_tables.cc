#include "store/state_tables.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "base/error.h"
#include "embedded_sql.h"

namespace replic {
namespace {

// Raised when a released version changes the state tables.
constexpr int64_t kFormat = 1;

constexpr const char* kCure =
    "it was changed by hand: restore the file from a backup, or get a fresh copy from another peer";

// The tables by name, each with the text that SQLite keeps of it: from its name to the semicolon.
std::map<std::string, std::string, std::less<>> tables_as_made() {
  constexpr std::string_view kCreate = "\nCREATE TABLE main.";
  const std::string_view script = sql::kState;
  std::map<std::string, std::string, std::less<>> out;
  for (size_t at = script.find(kCreate); at != std::string_view::npos;
       at = script.find(kCreate, at)) {
    at += kCreate.size();
    const std::string_view text = script.substr(at, script.find(";\n", at) - at);
    const std::string_view name = text.substr(1, text.find('"', 1) - 1);
    out.emplace(name, "CREATE TABLE " + std::string(text));
  }
  return out;
}

std::optional<int64_t> format_of(Database& db) {
  Run columns =
      db.once("SELECT 1 FROM pragma_table_info('_replic_state','main') WHERE name='format'");
  if (!columns.step()) return std::nullopt;
  Run run = db.once("SELECT format FROM main._replic_state WHERE id=1");
  return run.step() ? run.optional_integer(0) : std::nullopt;
}

}  // namespace

void make_state_tables(Database& db) {
  const std::string script(sql::kState);
  const char* rest = script.c_str();
  while (*rest != '\0') {
    sqlite3_stmt* raw = nullptr;
    const int rc = sqlite3_prepare_v2(db.handle(), rest, -1, &raw, &rest);
    if (rc != SQLITE_OK) throw_sqlite(db.handle(), rc, "cannot make replic's tables");
    if (raw == nullptr) continue;  // a comment
    const int step = sqlite3_step(raw);
    sqlite3_finalize(raw);
    if (step != SQLITE_DONE) throw_sqlite(db.handle(), step, "cannot make replic's tables");
  }
  db.once("INSERT INTO main._replic_state(id,format,peer) VALUES(1,?1,0)").bind(kFormat).exec();
}

bool has_state_tables(Database& db, std::optional<StateFault>& fault) {
  static const std::map<std::string, std::string, std::less<>> kTables = tables_as_made();
  std::map<std::string, std::string, std::less<>> found;
  {
    Run run = db.run(
        "SELECT name,sql FROM main.sqlite_schema WHERE type='table' AND "
        "substr(name,1,8)='_replic_'");
    while (run.step()) found.emplace(run.text(0), run.text(1));
  }
  const auto is_ours = [&](const auto& table) { return kTables.contains(table.first); };
  if (std::none_of(found.begin(), found.end(), is_ours)) return false;
  if (const auto format = format_of(db); format && *format > kFormat) {
    fault = {"a newer version of replic has made the tables of this file", "update replic"};
    return true;
  }
  for (const auto& [name, sql] : kTables) {
    const auto it = found.find(name);
    if (it == found.end()) {
      fault = {"table " + name + " is missing", kCure};
    } else if (it->second != sql) {
      fault = {"table " + name + " was altered", kCure};
    } else {
      continue;
    }
    return true;
  }
  if (!format_of(db)) fault = {"table _replic_state has no row", kCure};
  return true;
}

bool has_state_tables(Database& db) {
  std::optional<StateFault> fault;
  const bool there = has_state_tables(db, fault);
  if (fault) throw Error(Code::state, fault->wrong, fault->cure);
  return there;
}

}  // namespace replic

#include "store/key_function.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "base/bytes.h"
#include "sqlite/ident.h"
#include "store/uniques.h"

namespace replic {
namespace {

// The columns of T that a statement reads.
struct Reads {
  std::set<std::string> names;  // folded
};

int note_read(void* data, int action, const char*, const char* column, const char*, const char*) {
  if (action == SQLITE_READ && column != nullptr && *column != '\0')
    static_cast<Reads*>(data)->names.insert(folded(column));
  return SQLITE_OK;
}

// The name at the front of a column's definition.
std::string first_name(std::string_view definition) {
  size_t at = 0;
  while (at < definition.size()) {  // spaces and comments
    const std::string_view rest = definition.substr(at);
    if (rest.starts_with("--") || rest.starts_with("/*"))
      at = skip_quoted(definition, at);
    else if (std::isspace(static_cast<unsigned char>(rest[0])) != 0)
      at++;
    else
      break;
  }
  const std::string_view rest = definition.substr(at);
  if (rest.empty()) return {};
  const char quote = rest[0] == '[' ? ']' : rest[0];
  if (std::string_view("]\"`'").find(quote) == std::string_view::npos)
    return folded(rest.substr(0, rest.find_first_of(" \t\r\n\f(/-'\"`[")));
  std::string name;
  for (size_t i = 1; i < rest.size(); i++) {
    if (rest[i] == quote && (quote == ']' || i + 1 == rest.size() || rest[++i] != quote)) break;
    name += rest[i];
  }
  return folded(name);
}

// The expression of a generated column, by its definition in CREATE TABLE: nothing else there has
// the word AS outside of parentheses.
std::string expression_of(std::string_view definition) {
  const std::string lower = folded(definition);
  const auto is_word = [&](size_t at) {
    return at < lower.size() && (std::isalnum(static_cast<unsigned char>(lower[at])) != 0 ||
                                 lower[at] == '_' || (lower[at] & 0x80) != 0);
  };
  int depth = 0;
  for (size_t at = 0; at < definition.size();) {
    const size_t end = skip_quoted(definition, at);
    if (end > at) {
      at = end;
      continue;
    }
    if (definition[at] == '(') depth++;
    if (definition[at] == ')') depth--;
    size_t next = at + 1;
    if (is_word(at)) {
      while (is_word(next)) next++;
      if (depth == 0 && lower.compare(at, next - at, "as") == 0) {
        const IndexText text = read_index(definition.substr(next));
        return text.terms.size() == 1 ? text.terms.front() : std::string();
      }
    }
    at = next;
  }
  return {};
}

}  // namespace

std::shared_ptr<KeyFunction> KeyFunction::make(Database& host, const TablePlan& plan,
                                               const std::string& sql, std::vector<Term> terms) {
  std::shared_ptr<KeyFunction> out(new KeyFunction(std::move(terms)));
  return out->open(host, plan, sql) && out->find_columns(plan) ? out : nullptr;
}

bool KeyFunction::exec(const std::string& sql) {
  const int rc = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if ((rc & 0xFF) == SQLITE_NOMEM) throw std::bad_alloc();
  return rc == SQLITE_OK;
}

// Makes the double of T. Each generated column must be there: a name in double quotes that SQLite
// does not know would be taken for a text.
bool KeyFunction::open(Database& host, const TablePlan& plan, const std::string& sql) {
  sqlite3* handle = nullptr;
  const int rc =
      sqlite3_open_v2(":memory:", &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  handle_.reset(handle);
  if (rc != SQLITE_OK) throw std::bad_alloc();
  std::map<std::string, std::string> definitions;  // by folded name
  const IndexText parts = read_index(sql);         // CREATE TABLE has its parts in parentheses, too
  for (const std::string& part : parts.terms) definitions.emplace(first_name(part), part);
  std::string columns;
  Run run = host.once("PRAGMA main.table_xinfo(" + ident(plan.name) + ")");
  while (run.step()) {
    const std::string name = run.text(1);
    columns.append(columns.empty() ? "" : ",").append(ident(name)).append(" ");
    columns.append(affinity_type(affinity_of(run.text(2), plan.strict)));
    columns.append(" COLLATE ").append(ident(host.collation_of(plan.name, name)));
    if (run.integer(6) == 0) continue;
    const std::string expression = expression_of(definitions[folded(name)]);
    if (expression.empty()) return false;
    columns.append(" GENERATED ALWAYS AS (").append(expression).append("\n)");
    generated_.emplace(folded(name), expression);
  }
  std::string encoding;
  {
    Run pragma = host.run("PRAGMA main.encoding");
    if (pragma.step()) encoding = pragma.text(0);
  }
  return exec("PRAGMA encoding=" + literal(encoding)) &&
         exec("CREATE TABLE " + ident(plan.name) + "(" + columns + ")") &&
         exec("INSERT INTO " + ident(plan.name) + " DEFAULT VALUES");
}

// Finds out on which columns the terms depend, and prepares their computation.
bool KeyFunction::find_columns(const TablePlan& plan) {
  // Not by an index: its value is what is asked for.
  const std::string from = " FROM " + ident(plan.name) + " NOT INDEXED";
  std::string all;
  for (const Term& term : terms_) all.append(all.empty() ? "" : ",").append(term.sql);
  Reads reads;
  sqlite3_set_authorizer(handle_.get(), note_read, &reads);
  get_ = Statement::if_understood(handle_.get(), "SELECT " + all + from);
  if (!get_) return false;  // a function or a collation of the program's own
  const auto read = [&](const std::string& expression) {
    return static_cast<bool>(
        Statement::if_understood(handle_.get(), "SELECT (" + expression + "\n)" + from));
  };
  // To compute a generated column others are read.
  std::set<std::string> seen;
  while (seen.size() < reads.names.size()) {
    for (const std::string& name : std::set<std::string>(reads.names)) {
      if (!seen.insert(name).second) continue;
      const auto generated = generated_.find(name);
      const bool is_known = generated != generated_.end() ? read(generated->second)
                                                          : plan.own_column(name).has_value();
      if (!is_known) return false;  // the rowid
    }
  }
  sqlite3_set_authorizer(handle_.get(), nullptr, nullptr);
  std::string sets;
  for (const std::string& name : seen) {  // by folded name
    if (generated_.count(name) > 0) continue;
    columns_.push_back(*plan.own_column(name));
    sets.append(sets.empty() ? "" : ",").append(ident(name)).append("=?");
  }
  if (columns_.empty()) return false;
  set_ = Statement(handle_.get(), "UPDATE " + ident(plan.name) + " SET " + sets);
  return true;
}

std::optional<std::vector<Value>> KeyFunction::operator()(const std::vector<Value>& values) {
  {
    Run run(set_);
    for (const Value& value : values) run.bind(value);
    run.exec();
  }
  std::vector<Value> out;
  Run run(get_);
  const int rc = sqlite3_step(get_.get());
  if ((rc & 0xFF) == SQLITE_NOMEM) throw std::bad_alloc();
  if (rc != SQLITE_ROW) return std::nullopt;
  for (size_t i = 0; i < terms_.size(); i++) out.push_back(run.value(static_cast<int>(i)));
  return out;
}

}  // namespace replic

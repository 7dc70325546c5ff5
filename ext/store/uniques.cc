#include "store/uniques.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/error.h"
#include "sqlite/boundary.h"
#include "sqlite/ident.h"

namespace replic {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\r\n\f";
  const size_t first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) + 1 - first);
}

std::string_view without_order(std::string_view term) {
  term = trimmed(term);
  const std::string lower = folded(term);
  for (const std::string_view word : {"asc", "desc"}) {
    if (!lower.ends_with(word) || lower.size() == word.size()) continue;
    const char before = lower[lower.size() - word.size() - 1];
    if (std::string_view(" \t\r\n\f)'\"]`/").find(before) != std::string_view::npos)
      return trimmed(term.substr(0, term.size() - word.size()));
  }
  return term;
}

// A row that has the columns of T, under T's name, each by `value(name)`.
template <typename Value>
std::string row_like(Database& db, const TablePlan& plan, Value&& value) {
  std::string out;
  Run run = db.once("PRAGMA main.table_xinfo(" + ident(plan.name) + ")");
  while (run.step()) {
    const std::string name = run.text(1);
    out.append(out.empty() ? "" : ",").append(value(name)).append(" AS ").append(ident(name));
  }
  return "(SELECT " + out + ") AS " + ident(plan.name);
}

// Whether SQLite takes the texts for expressions over a row of T.
bool is_understood(Database& db, const TablePlan& plan, const IndexText& text) {
  std::string all;
  for (const std::string& term : text.terms) all += (all.empty() ? "" : ",") + enclosed(term);
  if (!text.where.empty()) all += "," + enclosed(text.where);
  const std::string row = row_like(db, plan, [](const std::string&) { return "NULL"; });
  return static_cast<bool>(Statement::if_understood(db.handle(), "SELECT " + all + " FROM " + row));
}

bool has_generated_columns(Database& db, const TablePlan& plan) {
  Run run = db.once("PRAGMA main.table_xinfo(" + ident(plan.name) + ")");
  size_t count = 0;
  while (run.step()) count++;
  return count > plan.columns.size();
}

// Whether a BEFORE trigger of an INSERT can compute what an index of more than plain columns
// compares. It knows no number that SQLite itself is about to give, and of generated columns no
// value that comes of a default in the place of NULL.
bool is_known_before(Database& db, const TablePlan& plan, const ValueKey& key) {
  if (!key.function) return false;
  return std::none_of(key.columns.begin(), key.columns.end(), [&](const KeyColumn& part) {
    const Column& column = plan.columns[*part.column];
    if (plan.rowid_alias && column.key_position >= 0) return true;
    return column.not_null && !column.default_sql.empty() && has_generated_columns(db, plan);
  });
}

}  // namespace

std::string enclosed(std::string_view text) { return "(" + std::string(text) + "\n)"; }

IndexText read_index(std::string_view sql) {
  IndexText out;
  int depth = 0;
  size_t begin = 0;
  size_t at = 0;
  for (; at < sql.size(); at++) {
    const size_t end = skip_quoted(sql, at);
    if (end > at) {
      at = end - 1;
      continue;
    }
    const char c = sql[at];
    if (c == '(' && depth++ == 0) begin = at + 1;
    const bool closes = c == ')' && --depth == 0;
    if (closes || (c == ',' && depth == 1)) {
      out.terms.emplace_back(without_order(sql.substr(begin, at - begin)));
      begin = at + 1;
      if (closes) {
        at++;
        break;
      }
    }
  }
  // What is between it and WHERE can be a comment only.
  while (at < sql.size()) {
    const size_t end = skip_quoted(sql, at);
    if (end == at && folded(sql.substr(at, 5)) == "where") {
      out.where = trimmed(sql.substr(at + 5));
      break;
    }
    at = end == at ? at + 1 : end;
  }
  return out;
}

IndexText index_text(Database& db, const std::string& index) {
  Run run = db.run("SELECT sql FROM main.sqlite_schema WHERE type='index' AND name=?1");
  run.bind(index);
  return run.step() && !run.is_null(0) ? read_index(run.text(0)) : IndexText();
}

std::optional<std::vector<Meeting>> read_meetings(Database& db, const TablePlan& plan) {
  std::vector<Meeting> out;
  // A column of the new row. Where it may not be NULL, REPLACE puts the default in the place of
  // one.
  const auto new_value = [&](const std::string& name) {
    const auto own = plan.own_column(name);
    std::string value = "NEW." + ident(name);
    if (!own || !plan.columns[*own].not_null || plan.columns[*own].default_sql.empty())
      return value;
    return "ifnull(" + value + "," + enclosed(plan.columns[*own].default_sql) + ")";
  };
  const auto new_row = [&] { return row_like(db, plan, new_value); };
  Run indexes = db.once("PRAGMA main.index_list(" + ident(plan.name) + ")");
  size_t number = 0;
  while (indexes.step()) {
    if (indexes.integer(2) == 0 || indexes.text(3) == "pk") continue;
    const std::string index = indexes.text(1);
    const ValueKey& key = plan.value_keys[number++];  // they are in the same order
    const bool has_text = indexes.text(3) == "c";     // by CREATE INDEX
    const IndexText text = has_text ? index_text(db, index) : IndexText();
    if (!text.terms.empty() && !is_understood(db, plan, text)) return std::nullopt;
    Meeting meeting;
    bool only_columns = text.where.empty();
    Run parts = db.once("PRAGMA main.index_xinfo(" + ident(index) + ")");
    for (size_t i = 0; parts.step(); i++) {
      if (parts.integer(5) == 0) continue;  // carried along, not part of the key
      std::string name = parts.text(2);
      // An INTEGER PRIMARY KEY has no name there.
      if (name.empty() && i >= text.terms.size()) name = plan.columns[plan.key.front()].name;
      std::string& all = meeting.condition;
      all.append(all.empty() ? "" : " AND ");
      if (!plan.own_column(name) && !is_known_before(db, plan, key)) return std::nullopt;
      if (name.empty()) {
        const std::string term = enclosed(text.terms[i]);
        all.append(term).append("=(SELECT ").append(term) += " FROM " + new_row() + ")";
        only_columns = false;
        continue;
      }
      const std::string collated = ident(name) + " COLLATE " + ident(parts.text(4));
      const std::string value = new_value(name);
      all.append(collated).append("=").append(value);
      std::string& changed = meeting.changed;
      changed.append(changed.empty() ? "" : " OR ").append(value);
      changed.append(" COLLATE ").append(ident(parts.text(4)));
      changed.append(" IS NOT OLD.").append(ident(name));
    }
    if (!text.where.empty()) meeting.condition += " AND " + enclosed(text.where);
    if (!only_columns) meeting.changed.clear();
    out.push_back(std::move(meeting));
  }
  return out;
}

}  // namespace replic

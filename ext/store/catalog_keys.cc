// What ties the rows of a table to others: its UNIQUE constraints, its FOREIGN KEYs, and the keys
// that FOREIGN KEYs of replicated tables refer to.

#include <algorithm>
#include <cctype>

#include "base/bytes.h"
#include "base/error.h"
#include "sqlite/ident.h"
#include "store/catalog.h"
#include "store/key_function.h"
#include "store/uniques.h"

namespace replic {
namespace {

bool is_builtin(std::string_view collation) {
  return same_name(collation, "BINARY") || same_name(collation, "NOCASE") ||
         same_name(collation, "RTRIM");
}

// Whether an action of a FOREIGN KEY, as PRAGMA foreign_key_list names it, writes rows.
bool does_something(std::string_view action) {
  return action != "NO ACTION" && action != "RESTRICT";
}

void sort_columns(ValueKey& key) {
  std::sort(key.columns.begin(), key.columns.end(),
            [](const KeyColumn& a, const KeyColumn& b) { return folded(a.name) < folded(b.name); });
}

uint64_t domain_of(std::string_view table, const ValueKey& key) {
  std::string bytes = folded(table);
  for (const KeyColumn& column : key.columns) bytes.append(1, '\0').append(folded(column.name));
  return hash64(bytes);
}

bool same_columns(const ValueKey& a, const ValueKey& b) {
  return std::equal(a.columns.begin(), a.columns.end(), b.columns.begin(), b.columns.end(),
                    [](const KeyColumn& x, const KeyColumn& y) {
                      return same_name(x.name, y.name) && same_name(x.collation, y.collation);
                    });
}

// The expressions of a table's CHECK constraints and generated columns, in its SQL. What stands in
// a comment counts too, and costs a replay at most.
std::string conditions_in(const std::string& sql) {
  std::string out;
  const std::string lower = folded(sql);
  const auto is_word = [&](size_t at) {
    return at < lower.size() && (std::isalnum(static_cast<unsigned char>(lower[at])) != 0 ||
                                 lower[at] == '_' || (lower[at] & 0x80) != 0);
  };
  for (size_t at = 0; at < lower.size(); at++) {
    if (at > 0 && is_word(at - 1)) continue;
    size_t open = at;
    while (is_word(open)) open++;
    const std::string_view word = std::string_view(lower).substr(at, open - at);
    if (word != "check" && word != "as") continue;
    open = lower.find_first_not_of(" \t\r\n", open);
    if (open == std::string::npos || lower[open] != '(') continue;
    int depth = 0;
    size_t end = open;
    do {
      const size_t behind = skip_quoted(sql, end);
      const char c = sql[end];
      end = std::max(behind, end + 1);
      if (behind < end && (c == '(' || c == ')')) depth += c == '(' ? 1 : -1;
    } while (depth > 0 && end < sql.size());
    out.append(sql, open, end - open);
  }
  return out;
}

}  // namespace

// NOT NULL, types of a STRICT table, CHECK, UNIQUE and FOREIGN KEY.
uint64_t Catalog::legality_of(const TablePlan& plan) {
  std::string bytes = plan.strict ? "strict" : "";
  for (const Column& column : plan.columns) {
    if (!column.not_null && !plan.strict) continue;
    bytes += folded(column.name) + (column.not_null ? "!" : "?") + column.default_sql + ",";
    if (plan.strict) bytes += folded(column.type) + ",";
  }
  if (plan.needs_trial) {
    bytes += conditions_in(facts(plan.name).sql);
    for (const std::string& sql : facts(plan.name).unique) bytes += sql + ";";
  }
  std::vector<std::string> keys;
  const auto add = [&](const ValueKey& key, std::string text) {
    text += std::to_string(key.domain);
    for (const KeyColumn& column : key.columns) text += folded(column.collation) + ",";
    keys.push_back(std::move(text));
  };
  for (const ValueKey& key : plan.value_keys) {
    if (key.is_unique) add(key, "u");
  }
  for (const ForeignKey& foreign : plan.foreign_keys) {
    std::string text = "f" + folded(foreign.parent_table) + ":";
    for (const size_t column : foreign.columns) text += folded(plan.columns[column].name) + ",";
    add(foreign.parent, std::move(text));
  }
  std::sort(keys.begin(), keys.end());
  for (const std::string& key : keys) bytes += key;
  return hash64(bytes);
}

// The key of an index over what is no column that patches set: expressions, generated columns, the
// rowid. False when there is nothing of that kind, or it cannot be followed.
bool Catalog::set_function(const TablePlan& plan, const std::string& index, ValueKey& key) {
  std::vector<KeyFunction::Term> terms;
  bool any = false;
  bool all_named = true;
  Run parts = db_.once("PRAGMA main.index_xinfo(" + ident(index) + ")");
  while (parts.step()) {
    if (parts.integer(5) == 0) continue;  // carried along, not part of the key
    const bool has_name = !parts.is_null(2);
    any = any || !has_name || !plan.own_column(parts.text(2));
    if (!is_builtin(parts.text(4))) return false;
    terms.push_back({has_name ? ident(parts.text(2)) : "", parts.text(4)});
    all_named = all_named && has_name;
    if (has_name)
      key.label.append(key.label.empty() ? "" : ", ").append(plan.name + "." + parts.text(2));
  }
  if (!any) return false;
  if (!all_named) {
    const IndexText text = index_text(db_, index);
    if (text.terms.size() != terms.size()) return false;
    for (size_t i = 0; i < terms.size(); i++) {
      if (terms[i].sql.empty()) terms[i].sql = enclosed(text.terms[i]);
    }
  }
  std::string bytes = folded(plan.name);
  for (const KeyFunction::Term& term : terms) bytes.append(1, '\0').append(term.sql);
  key.function = KeyFunction::make(db_, plan, facts(plan.name).sql, std::move(terms));
  if (!key.function) return false;
  for (const size_t i : key.function->columns())
    key.columns.push_back({plan.columns[i].name, i, plan.columns[i].affinity, "BINARY"});
  if (!all_named) key.label = "index '" + index + "'";
  for (const KeyColumn& column : key.columns) bytes.append(1, '\0').append(folded(column.name));
  key.domain = hash64(bytes, 1);
  return true;
}

// The columns of one index. `plan` may be of a table that is not replicated.
ValueKey Catalog::read_key(const TablePlan& plan, const std::string& index) {
  ValueKey key;
  if (set_function(plan, index, key)) return key;
  key = {};
  Run parts = db_.once("PRAGMA main.index_xinfo(" + ident(index) + ")");
  while (parts.step()) {
    if (parts.integer(5) == 0) continue;  // carried along, not part of the key
    const std::string name = parts.text(2);
    const auto column = parts.is_null(2) ? std::nullopt : plan.find(name);
    if (!column || *column >= plan.columns.size() || !is_builtin(parts.text(4))) {
      key.is_exact = false;
      continue;
    }
    key.columns.push_back(
        {plan.columns[*column].name, column, plan.columns[*column].affinity, parts.text(4)});
  }
  for (const KeyColumn& column : key.columns)
    key.label.append(key.label.empty() ? "" : ", ").append(plan.name + "." + column.name);
  sort_columns(key);
  key.domain = domain_of(plan.name, key);
  return key;
}

ValueKey Catalog::primary_key(const TablePlan& plan) {
  ValueKey key;
  for (const size_t k : plan.key) {
    const Column& column = plan.columns[k];
    key.columns.push_back({column.name, k, column.affinity, column.collation});
    key.label.append(key.label.empty() ? "" : ", ").append(plan.name + "." + column.name);
  }
  key.is_primary = true;
  sort_columns(key);
  key.domain = domain_of(plan.name, key);
  return key;
}

void Catalog::read_unique_keys(TablePlan& plan) {
  Run indexes = db_.once("PRAGMA main.index_list(" + ident(plan.name) + ")");
  while (indexes.step()) {
    if (indexes.integer(2) == 0 || indexes.text(3) == "pk") continue;
    ValueKey key = read_key(plan, indexes.text(1));
    key.is_unique = true;
    if (indexes.integer(4) != 0) key.is_exact = false;  // partial
    // A function may fail for a row: then the row is refused.
    plan.needs_trial = plan.needs_trial || !key.is_exact || key.function;
    plan.value_keys.push_back(std::move(key));
  }
}

// The key of `parent` that a FOREIGN KEY names by `columns`; the primary key when there are none.
// Nothing when the parent has no such key: SQLite then reports a mismatch at each write.
std::optional<ValueKey> Catalog::parent_key(const TablePlan& parent,
                                            const std::vector<std::string>& columns) {
  const auto matches = [&](const ValueKey& key) {
    return !key.function && key.columns.size() == columns.size() &&
           std::all_of(columns.begin(), columns.end(), [&](const std::string& name) {
             return std::any_of(key.columns.begin(), key.columns.end(),
                                [&](const KeyColumn& c) { return same_name(c.name, name); });
           });
  };
  // SQLite takes no index that compares otherwise than the columns themselves.
  const auto compares_as_declared = [&](const ValueKey& key) {
    return std::all_of(key.columns.begin(), key.columns.end(), [&](const KeyColumn& c) {
      return same_name(c.collation, db_.collation_of(parent.name, c.name));
    });
  };
  ValueKey primary = primary_key(parent);
  if (columns.empty() || matches(primary)) return primary;
  Run indexes = db_.once("PRAGMA main.index_list(" + ident(parent.name) + ")");
  while (indexes.step()) {
    if (indexes.integer(2) == 0 || indexes.integer(4) != 0) continue;
    ValueKey key = read_key(parent, indexes.text(1));
    if (key.is_exact && matches(key) && compares_as_declared(key)) return key;
  }
  return std::nullopt;
}

const std::vector<Catalog::Reference>& Catalog::references() {
  if (references_read_) return references_;
  references_.clear();
  std::vector<std::string> children;
  {
    Run run = db_.run("SELECT name FROM main.sqlite_schema WHERE type='table' ORDER BY name");
    while (run.step()) children.push_back(run.text(0));
  }
  for (const std::string& child : children) {
    const bool is_replicated = std::find(tables().begin(), tables().end(), child) != tables().end();
    Run run = db_.once("PRAGMA main.foreign_key_list(" + ident(child) + ")");
    int64_t id = -1;
    while (run.step()) {
      if (run.integer(0) != id) {
        references_.push_back({child,
                               run.text(2),
                               {},
                               {},
                               is_replicated,
                               does_something(run.text(5)),
                               does_something(run.text(6))});
      }
      id = run.integer(0);
      references_.back().from.push_back(run.text(3));
      if (!run.is_null(4)) references_.back().to.push_back(run.text(4));
    }
  }
  references_read_ = true;
  return references_;
}

void Catalog::read_foreign_keys(TablePlan& plan) {
  for (const Reference& reference : references()) {
    const bool is_child = same_name(reference.child, plan.name);
    const bool is_parent = same_name(reference.parent, plan.name);
    if (!is_child && !is_parent) continue;
    if (is_child && (reference.acts_on_update || reference.acts_on_delete)) plan.has_actions = true;
    if (!reference.is_replicated) {
      plan.has_local_children = plan.has_local_children || is_parent;
      continue;
    }
    if (is_parent && reference.acts_on_update) plan.acted_on.push_back(reference.child);
    TablePlan other;
    if (!is_parent && !read_shape(reference.parent, other)) continue;  // SQLite: no such table
    const TablePlan& parent = is_parent ? plan : other;
    const std::optional<ValueKey> key = parent_key(parent, reference.to);
    if (!key) continue;
    if (is_parent) {
      const auto known = std::find_if(
          plan.value_keys.begin(), plan.value_keys.end(),
          [&](const ValueKey& k) { return k.is_exact && !k.function && same_columns(k, *key); });
      if (known == plan.value_keys.end()) {
        plan.value_keys.push_back(*key);
        plan.value_keys.back().is_referenced = true;
      } else {
        known->is_referenced = true;
      }
    }
    if (!is_child) continue;
    ForeignKey foreign;
    foreign.parent_table = parent.name;
    foreign.parent = *key;
    for (const KeyColumn& column : key->columns) {
      size_t position = 0;
      for (size_t i = 0; i < reference.to.size(); i++) {
        if (same_name(reference.to[i], column.name)) position = i;
      }
      if (reference.to.empty())
        position = static_cast<size_t>(parent.columns[*column.column].key_position);
      const auto from = plan.find(reference.from[position]);
      // A generated column is computed from others: it can't be followed.
      if (from && *from < plan.columns.size()) foreign.columns.push_back(*from);
    }
    if (foreign.columns.size() == key->columns.size())
      plan.foreign_keys.push_back(std::move(foreign));
  }
}

}  // namespace replic

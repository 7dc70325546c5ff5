#include "store/plan.h"

#include <algorithm>
#include <bit>

#include "base/bytes.h"
#include "base/reader.h"
#include "model/content.h"
#include "sqlite/ident.h"

namespace replic {
namespace {

// OR ABORT throughout: a conflict clause in the user's CREATE TABLE must not drop or change what a
// patch says.

// How many column sets keep their SQL text, per table and kind. Programs use a few; a random
// workload must not grow it.
constexpr size_t kMaxColumnSets = 200;

std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (const std::string& part : parts) {
    if (!out.empty()) out.append(separator);
    out.append(part);
  }
  return out;
}

std::string marks(size_t count) { return joined(std::vector<std::string>(count, "?"), ","); }

// "k1" = ? COLLATE x AND ...: the collation is the key's, whatever the log declares. `last`: how
// the last column compares.
std::string key_condition(const TablePlan& plan, std::string_view last = "=") {
  std::vector<std::string> parts;
  for (const size_t k : plan.key) {
    const Column& column = plan.columns[k];
    const bool is_last = k == plan.key.back();
    parts.push_back(ident(column.name).append(is_last ? last : "=") + "? COLLATE " +
                    ident(column.collation));
  }
  return joined(parts, " AND ");
}

std::string main_table(const std::string& name) { return "main." + ident(name); }

// Whether the row c refers to a row that is not there; empty where SQLite would tell. It does not
// in every statement in which an action of a FOREIGN KEY may run, and miscounts when a row is its
// own parent. Source: isSetNullAction() and sqlite3FkCheck() in fkey.c.
std::string lacks_parent(const TablePlan& plan) {
  if (!plan.refers_to_itself() && !(plan.has_actions && plan.has_triggers)) return {};
  std::vector<std::string> any;
  for (const ForeignKey& foreign : plan.foreign_keys) {
    std::vector<std::string> all;
    std::vector<std::string> equal;
    for (size_t i = 0; i < foreign.columns.size(); i++) {
      const std::string child = "c." + ident(plan.columns[foreign.columns[i]].name);
      all.push_back(child + " IS NOT NULL");
      equal.push_back("p." + ident(foreign.parent.columns[i].name) + "=" + child);
    }
    all.push_back("NOT EXISTS (SELECT 1 FROM " + main_table(foreign.parent_table) + " AS p WHERE " +
                  joined(equal, " AND ") + ")");
    any.push_back("(" + joined(all, " AND ") + ")");
  }
  return joined(any, " OR ");
}

}  // namespace

std::optional<size_t> TablePlan::own_column(std::string_view column, size_t guess) const {
  guess = std::min(guess, columns.size());
  for (size_t i = guess; i < columns.size(); i++) {
    if (columns[i].name == column) return i;
  }
  for (size_t i = 0; i < guess; i++) {
    if (columns[i].name == column) return i;
  }
  for (size_t i = 0; i < columns.size(); i++) {
    if (same_name(columns[i].name, column)) return i;
  }
  return std::nullopt;
}

std::optional<size_t> TablePlan::find(std::string_view column, size_t guess) const {
  if (const auto own = own_column(column, guess)) return own;
  const bool is_tombstone = same_name(column, kWireTombstone) || same_name(column, tombstone);
  if (!is_tombstone) return std::nullopt;
  return log_tombstone ? columns.size() : tombstone_column;
}

const std::string& TablePlan::column_name(size_t index) const {
  static const std::string kName(kWireTombstone);
  return index == columns.size() || index == tombstone_column ? kName : columns[index].name;
}

bool TablePlan::refers_to_itself() const {
  return std::any_of(foreign_keys.begin(), foreign_keys.end(), [&](const ForeignKey& foreign) {
    return same_name(foreign.parent_table, name);
  });
}

uint64_t TablePlan::seed(size_t index) const {
  return index < columns.size() ? columns[index].seed : column_seed(kWireTombstone);
}

const Sql* TablePlan::Texts::find(const std::vector<size_t>& set) {
  if (last != nullptr && last->first == set) return &last->second;
  const auto it = texts.find(set);
  if (it == texts.end()) return nullptr;
  last = &*it;
  return &last->second;
}

const Sql& TablePlan::Texts::add(const std::vector<size_t>& set, std::string sql) {
  if (texts.size() > kMaxColumnSets) texts.clear();
  last = &*texts.emplace(set, Sql(std::move(sql))).first;
  return last->second;
}

const Sql& TablePlan::update_sql(const std::vector<size_t>& set) const {
  if (const Sql* kept = updates_.find(set)) return *kept;
  std::vector<std::string> parts;
  for (const size_t i : set) parts.push_back(ident(columns[i].name) + "=?");
  // A patch of the key alone changes nothing, but the statement must still say whether the row is
  // there.
  if (parts.empty())
    parts.push_back(ident(columns[key[0]].name) + "=" + ident(columns[key[0]].name));
  std::string sql = "UPDATE OR ABORT " + main_table(name) + " SET " + joined(parts, ",") +
                    " WHERE " + key_condition(*this);
  return updates_.add(set, std::move(sql));
}

const Sql& TablePlan::upsert_sql(const std::vector<size_t>& set) const {
  if (const Sql* kept = upserts_.find(set)) return *kept;
  std::vector<std::string> names, targets, updates;
  for (const size_t k : key) {
    names.push_back(ident(columns[k].name));
    targets.push_back(ident(columns[k].name));
    if (respells) updates.push_back(names.back() + "=excluded." + names.back());
  }
  std::vector<bool> given(columns.size(), false);
  for (const size_t i : set) {
    names.push_back(ident(columns[i].name));
    updates.push_back(names.back() + "=excluded." + names.back());
    given[i] = true;
  }
  std::string values = marks(names.size());
  for (size_t i = 0; i < columns.size(); i++) {
    if (columns[i].default_kind != DefaultKind::expression || given[i] ||
        columns[i].key_position >= 0)
      continue;
    names.push_back(ident(columns[i].name));
    values += ",NULL";
  }
  std::string sql = "INSERT OR ABORT INTO " + main_table(name) + "(" + joined(names, ",") +
                    ") VALUES(" + values + ") ON CONFLICT(" + joined(targets, ",") + ") DO ";
  sql += updates.empty() ? "NOTHING" : "UPDATE SET " + joined(updates, ",");
  return upserts_.add(set, std::move(sql));
}

void write_sql(TablePlan& plan) {
  std::vector<std::string> names, key_names, key_order;
  for (const Column& column : plan.columns) names.push_back(ident(column.name));
  for (const size_t k : plan.key) {
    key_names.push_back(names[k]);
    key_order.push_back(names[k] + " COLLATE " + ident(plan.columns[k].collation));
  }
  const std::string condition = key_condition(plan);
  const std::string table = main_table(plan.name);
  const std::string log = main_table(plan.log);
  plan.table_select =
      Sql("SELECT " + joined(names, ",") + " FROM " + table + " WHERE " + condition);
  if (const std::string lacks = lacks_parent(plan); !lacks.empty()) {
    plan.table_orphan =
        Sql("SELECT 1 FROM " + table + " AS c WHERE " + condition + " AND (" + lacks + ")");
  }
  plan.table_delete = Sql("DELETE FROM " + table + " WHERE " + condition);
  plan.table_insert = Sql("INSERT OR ABORT INTO " + table + "(" + joined(names, ",") + ") VALUES(" +
                          marks(names.size()) + ")");

  std::vector<std::string> log_names{"_patchedAt", "_sequenceId", "_peerId"};
  std::vector<std::string> read{"_patchedAt", "_peerId", "_sequenceId"};
  for (size_t i = 0; i < names.size(); i++) {
    if (plan.columns[i].in_log) log_names.push_back(names[i]);
    read.push_back(plan.columns[i].in_log ? names[i] : "NULL");
  }
  for (const auto& [present, name] :
       {std::pair(plan.log_tombstone, "_deletedAt"), std::pair(plan.has_nulls, "_nulls")}) {
    if (!present) continue;
    log_names.emplace_back(name);
    read.emplace_back(name);
  }
  const std::string insert = " INTO " + log + "(" + joined(log_names, ",") + ") VALUES";
  const std::string row = "(" + marks(log_names.size()) + ")";
  plan.log_insert = Sql("INSERT OR ABORT" + insert + row);
  // OR FAIL: without a journal of its own. Who runs it undoes more than the statement when it
  // fails.
  plan.log_insert_batch =
      Sql("INSERT OR FAIL" + insert + joined(std::vector<std::string>(kLogBatch, row), ","));
  plan.log_insert_batch_parameters = kLogBatch * log_names.size();
  plan.log_newest =
      Sql("SELECT _patchedAt,_peerId,_sequenceId FROM " + log + " WHERE " + condition +
          " ORDER BY _patchedAt DESC,_peerId DESC,_sequenceId DESC LIMIT 1");
  const Column& last = plan.columns[plan.key.back()];
  plan.log_next = Sql("SELECT " + ident(last.name) + " FROM " + log + " WHERE " +
                      key_condition(plan, ">=") + " ORDER BY " + key_order.back() + " LIMIT 1");
  plan.log_oldest = Sql("SELECT _patchedAt,_peerId,_sequenceId FROM " + log + " WHERE " +
                        condition + " ORDER BY _patchedAt,_peerId,_sequenceId LIMIT 1");
  const std::string select = "SELECT " + joined(read, ",") + " FROM " + log;
  const std::string oldest_first = "_patchedAt,_peerId,_sequenceId";
  plan.log_newer = Sql(select + " WHERE " + condition +
                       " AND _patchedAt>=? ORDER BY _patchedAt DESC,_peerId DESC,_sequenceId DESC");
  plan.log_row = Sql(select + " WHERE " + condition + " ORDER BY " + oldest_first);
  plan.log_get = Sql(select + " WHERE _peerId=? AND _sequenceId=?");
  plan.log_delete = Sql("DELETE FROM " + log + " WHERE _peerId=? AND _sequenceId=?");
  plan.log_range =
      Sql(select + " WHERE _peerId=? AND _sequenceId BETWEEN ? AND ? ORDER BY _sequenceId");
  plan.log_all = Sql(select + " ORDER BY " + joined(key_order, ",") + "," + oldest_first);
}

void append_key_part(std::string& out, const Value& value, std::string_view collation) {
  Type type = value.type();
  uint64_t bits = static_cast<uint64_t>(value.as_integer());
  std::string bytes;
  if (type == Type::real) {
    int64_t integer = 0;
    // 1 and 1.0 are one key, and so are 0.0 and -0.0.
    if (real_is_integer(value.as_real(), &integer)) {
      type = Type::integer;
      bits = static_cast<uint64_t>(integer);
    } else {
      bits = std::bit_cast<uint64_t>(value.as_real());
    }
  } else if (type == Type::text || type == Type::blob) {
    bytes = value.bytes();
    if (type == Type::text && same_name(collation, "NOCASE")) bytes = folded(bytes);
    if (type == Type::text && same_name(collation, "RTRIM"))
      bytes.erase(bytes.find_last_not_of(' ') + 1);
    bits = bytes.size();
  }
  out += static_cast<char>(type);
  put_le64(out, bits);
  out += bytes;
}

std::string row_key(const TablePlan& plan, const std::vector<Value>& key) {
  std::string out;
  for (size_t i = 0; i < key.size(); i++)
    append_key_part(out, key[i], plan.columns[plan.key[i]].collation);
  return out;
}

std::vector<Value> key_from(std::string_view row_key) {
  std::vector<Value> out;
  ByteReader reader(row_key);
  while (reader.ok() && reader.left() > 0) {
    const auto type = static_cast<Type>(reader.byte());
    const uint64_t bits = reader.le64();
    switch (type) {
      case Type::null:
        out.emplace_back();
        break;
      case Type::integer:
        out.push_back(Value::integer(static_cast<int64_t>(bits)));
        break;
      case Type::real:
        out.push_back(Value::real(std::bit_cast<double>(bits)));
        break;
      case Type::text:
        out.push_back(Value::text(std::string(reader.take(bits))));
        break;
      case Type::blob:
        out.push_back(Value::blob(std::string(reader.take(bits))));
        break;
    }
  }
  return out;
}

}  // namespace replic

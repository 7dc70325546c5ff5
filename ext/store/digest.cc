#include "store/digest.h"

#include "base/bytes.h"
#include "model/content.h"
#include "sqlite/ident.h"

namespace replic {

uint64_t table_digest(Database& db, const TablePlan& plan, const std::optional<Value>& first,
                      const std::optional<Value>& last) {
  std::string sql;
  for (const Column& column : plan.columns)
    sql.append(sql.empty() ? "SELECT " : ",").append(ident(column.name));
  sql += " FROM main." + ident(plan.name);
  const std::string key = ident(plan.columns[plan.key[0]].name);
  if (first) sql += " WHERE " + key + ">=?";
  if (last) sql += (first ? " AND " : " WHERE ") + key + "<=?";
  Run run = db.once(sql);
  if (first) run.bind(*first);
  if (last) run.bind(*last);
  const std::string table = folded(plan.name);
  uint64_t sum = 0;
  while (run.step()) {
    uint64_t cells = 0;
    for (size_t i = 0; i < plan.columns.size(); i++) {
      const Value value = run.value(static_cast<int>(i));
      if (!value.is_null()) cells += cell_hash(plan.columns[i].seed, value);
    }
    sum += hash64(table, cells);
  }
  return sum;
}

}  // namespace replic

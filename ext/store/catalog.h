// Which tables are replicated, and how each is made: read from the schema, kept until the schema
// changes.

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sqlite/database.h"
#include "store/plan.h"

namespace replic {

class Catalog {
 public:
  explicit Catalog(Database& db) : db_(db) {}

  // Forgets everything when the schema is not the one that was read. Cheap; call it at the start of
  // each operation.
  void refresh();
  // The same, and notices temporary triggers on replicated tables too.
  void refresh_all();
  void clear();
  // Makes the next refresh() read everything anew; plans stay valid until then.
  void invalidate() { version_ = -1; }
  int64_t schema_version() const { return version_; }
  // Changes whenever everything was forgotten.
  int64_t generation() const { return generation_; }
  // False when no replicated table has a FOREIGN KEY. O(tables), and does not read their plans.
  bool may_have_foreign_keys();
  // True when replic's own tables are there. Throws E_STATE when they are damaged.
  bool initialised();

  // The plan of a replicated table, by any spelling of its name; null when there is no table T with
  // a T_patches. A plan with a problem is returned too: the caller must look at plan->problem.
  const TablePlan* find(std::string_view table);
  // The names of all replicated tables, ordered by name.
  const std::vector<std::string>& tables();
  // Why `table` is not replicated: throws E_TABLE with the cure that fits.
  [[noreturn]] void explain_missing(std::string_view table);
  // The same, for writing: adds to the log the two indexes that merging needs, where they are
  // missing. Only then the schema changes, and plans found earlier are gone.
  const TablePlan* find_for_write(std::string_view table);
  // The plan for a T whose log need not exist: for replic_track. Null when there is no such
  // ordinary table.
  std::shared_ptr<TablePlan> inspect(std::string_view table);

 private:
  struct Entry {
    std::shared_ptr<TablePlan> plan;
    bool has_indexes = false;
  };
  // A FOREIGN KEY of some table. `to` is empty when it names no columns.
  struct Reference {
    std::string child;
    std::string parent;
    std::vector<std::string> from;
    std::vector<std::string> to;
    bool is_replicated = false;  // the child
    // Whether it writes the child's rows: CASCADE, SET NULL, SET DEFAULT.
    bool acts_on_update = false;
    bool acts_on_delete = false;
  };
  Entry& entry(std::string_view table);
  std::string free_name(const std::string& name);
  bool ensure_indexes(const TablePlan& plan);
  bool read_shape(const std::string& table, TablePlan& plan);
  void read_columns(TablePlan& plan);
  void read_unique_keys(TablePlan& plan);
  void read_foreign_keys(TablePlan& plan);
  ValueKey read_key(const TablePlan& plan, const std::string& index);
  bool set_function(const TablePlan& plan, const std::string& index, ValueKey& key);
  static ValueKey primary_key(const TablePlan& plan);
  std::optional<ValueKey> parent_key(const TablePlan& parent,
                                     const std::vector<std::string>& columns);
  const std::vector<Reference>& references();
  void read_key_collations(TablePlan& plan);
  void read_constraints(TablePlan& plan);
  uint64_t legality_of(const TablePlan& plan);
  bool is_plain_log(const TablePlan& plan);
  void read_log(TablePlan& plan);
  // What sqlite_schema says of one table.
  struct Facts {
    std::string sql;                  // of the table; "" when there is none
    std::vector<std::string> unique;  // of its UNIQUE indexes that were made by themselves
    bool has_triggers = false;        // temporary ones too, but for ours
  };
  const Facts& facts(const std::string& table);

  Database& db_;
  std::map<std::string, Entry> entries_;  // by folded name
  Entry* last_ = nullptr;                 // that was asked for, with a plan
  std::vector<std::string> tables_;
  std::vector<Reference> references_;
  bool references_read_ = false;
  // Of all tables, by folded name: to look for each by itself would read the schema once a table.
  std::map<std::string, Facts> facts_;
  std::pair<int64_t, int64_t> facts_of_{-1, -1};  // the versions of main and temp that were read
  bool listed_ = false;
  bool known_initialised_ = false;
  int64_t version_ = -1;
  Sql version_sql_{"PRAGMA main.schema_version"};
  // The cache that holds its statement, and how often SQLite has prepared it anew.
  using Prepared = std::pair<int64_t, int>;
  Prepared prepared_{-1, 0};
  Prepared temp_seen_{-2, 0};  // when temp_version_ was read
  int64_t temp_version_ = 0;
  int64_t generation_ = 0;
  bool uncommitted_ = false;  // read in a transaction whose end will not be heard of
};

}  // namespace replic

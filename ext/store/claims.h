// What rows claim: the values of their UNIQUE keys, of keys that others refer to, and of their
// FOREIGN KEYs. Rows that have ever claimed the same, in any patch that is kept, are tied: what one
// of them does can decide whether the other may. Tables without such keys have no claims and pay
// nothing. Runs inside Gate::write only.
//
// A claim is kept as a hash of (which key, which values), so a hash that two claims share by chance
// ties rows needlessly, and is harmless.

#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/catalog.h"
#include "store/log.h"
#include "store/parked.h"

namespace replic {

// A row of a replicated table by its names in the tables of replic.
struct RowName {
  std::string table;
  std::string row_key;
  friend auto operator<=>(const RowName&, const RowName&) = default;
};

// The values of one key in one row. `bytes`: equal for values that the key holds for equal.
struct Tuple {
  std::vector<Value> values;  // in the order of ValueKey::columns, or as its function computes them
  std::string bytes;
  friend bool operator==(const Tuple& a, const Tuple& b) { return a.bytes == b.bytes; }
  friend auto operator<=>(const Tuple& a, const Tuple& b) { return a.bytes <=> b.bytes; }
};

// `values` in the order of key.columns. Nothing when one is NULL: such a row conflicts with none,
// and refers to none.
std::optional<Tuple> tuple_of(const ValueKey& key, std::vector<Value>&& values);

// The primary key of the row that a reference means.
std::vector<Value> parent_key(const TablePlan& parent, const ForeignKey& foreign,
                              const Tuple& tuple);

class Claims {
 public:
  Claims(Database& db, Catalog& catalog, Parked& parked)
      : db_(db), catalog_(catalog), parked_(parked), log_(db) {}

  // To be called before a table is written: notes the claims of all that is kept of it, when its
  // keys are not those for which claims were noted. Returns true when it did. O(log) then.
  bool prepare(const TablePlan& plan);

  // What a patch may come to claim, given the other patches of its row.
  struct Noted {
    std::vector<std::pair<const ValueKey*, Tuple>> provided;
    std::vector<std::pair<const ForeignKey*, Tuple>> referred;
  };
  // Patches that will be kept soon; note() counts them in until forget_expected().
  void expect(const TablePlan& plan, const RowPatch& patch);
  void forget_expected() { expected_.clear(); }
  // Notes the claims of a patch that is about to be kept, or is kept already. `first`: no other
  // patch of its row is kept.
  Noted note(const TablePlan& plan, const RowPatch& patch, bool first);

  // Whether a row, other than `own`, that ever held these values, or referred to them, is one that
  // something waits for.
  bool holder_waits(const ValueKey& key, const Tuple& tuple, const RowName& own);
  bool referrer_waits(const ValueKey& key, const Tuple& tuple, const RowName& own);
  // Whether a patch that is kept, or was, has deleted this row. Noted for tables that others refer
  // to, where the tombstone is in the log alone.
  bool was_ever_deleted(const TablePlan& plan, const std::string& row_key);
  // The rows that ever held these values of this key.
  std::vector<RowName> holders(const ValueKey& key, const Tuple& tuple);
  // The rows that ever referred to these values of this key.
  std::vector<RowName> referrers(const ValueKey& key, const Tuple& tuple);
  // The values of a foreign key, as the parent's key holds them. `value(column)` gives a column.
  template <typename Get>
  std::optional<Tuple> reference_of(const ForeignKey& foreign, Get&& value) {
    std::vector<Value> values;
    for (size_t i = 0; i < foreign.columns.size(); i++)
      values.push_back(converted(value(foreign.columns[i]), foreign.parent.columns[i].affinity));
    return tuple_of(foreign.parent, std::move(values));
  }
  template <typename Get>
  static std::optional<Tuple> held_by(const ValueKey& key, Get&& value) {
    std::vector<Value> values;
    for (const KeyColumn& column : key.columns) values.push_back(value(*column.column));
    return tuple_of(key, std::move(values));
  }

 private:
  using Choices = std::vector<std::vector<Value>>;  // for each column of a key
  Value converted(const Value& value, Affinity affinity);
  void rebuild(const TablePlan& plan);
  std::vector<RowPatch> kept(const TablePlan& plan, const std::vector<Value>& key);
  Choices choices(const TablePlan& plan, const std::vector<size_t>& columns, const RowPatch& patch,
                  bool first, std::vector<RowPatch>& others, bool* read);
  void insert(uint64_t hash, const std::string& table, const std::string& row);
  std::vector<RowName> rows_of(uint64_t hash);
  bool is_common(uint64_t hash);
  bool any_waits(uint64_t hash, const RowName& own);

  Database& db_;
  Catalog& catalog_;
  Parked& parked_;
  Log log_;
  std::map<std::pair<const TablePlan*, std::string>, std::vector<RowPatch>> expected_;  // by row
};

}  // namespace replic

// Merging: patches that are written here, and so are the newest of all.

#include <algorithm>

#include "base/bytes.h"
#include "store/merge.h"

namespace replic {
namespace {

// Whether a row of a local patch may have become its own parent. An UPDATE that does that is
// counted twice by SQLite as mending a deferred FOREIGN KEY, and another one that is broken passes.
bool may_be_miscounted(const TablePlan& plan, const RowPatch& patch, bool first) {
  return std::any_of(
      plan.foreign_keys.begin(), plan.foreign_keys.end(), [&](const ForeignKey& foreign) {
        if (!same_name(foreign.parent_table, plan.name)) return false;
        if (!first && !foreign.parent.is_primary && sets_column_of(foreign.parent, patch))
          return true;
        for (size_t i = 0; i < foreign.columns.size(); i++) {
          const Value* child = patch.find(foreign.columns[i]);
          const Value* parent = patch.find(*foreign.parent.columns[i].column);
          if (child == nullptr || parent == nullptr || !(*child == *parent)) return false;
        }
        return true;
      });
}

// The most bytes of texts and blobs in a patch that is put off, and what else a row of the log may
// have: together no more than SQLite takes.
constexpr size_t kMostPutOff = 4'000;
constexpr size_t kMostBeside = 100'000;

size_t size_of(const RowPatch& patch) {
  size_t size = 0;
  for (const Slot& slot : patch.slots) {
    if (slot.value.type() == Type::text || slot.value.type() == Type::blob)
      size += slot.value.bytes().size();
  }
  return size;
}

}  // namespace

std::optional<std::string> Merger::place_local(Unit&& unit) {
  UnitPart& part = unit.parts.front();
  const TablePlan& plan = *part.plan;
  prepare();
  logged_at_ = std::max(logged_at_, unit.stamp.at);
  const std::vector<Value> key = key_of(plan, part.row);
  // More than one statement may follow the one on T.
  if (plan.has_ties() || plan.has_triggers) db_.gate.need(Care::whole);
  const bool concerns = concerns_waiting(plan, part.row);
  if (!concerns && !acts_unseen(plan, part.row) &&
      !(plan.log_strict && !is_harmless(plan, part.row)) &&
      !(plan.needs_trial && ignores_checks())) {
    const bool logged = log_.newest(plan, key).has_value();
    bool replay_instead = false;
    const int rc = write_newest(plan, key, part.row, logged, &replay_instead);
    if (rc != SQLITE_OK) return rc == kIgnored ? std::string(kIgnoredText) : db_.errmsg();
    const bool needs_parents = state_.peek().foreign_keys > 0 && plan.has_ties() &&
                               (plan.refers_to_itself() || !enforces_foreign_keys(db_));
    if (!replay_instead && !needs_parents) {
      note_local(plan, part.row, !logged);
      log_.insert(plan, part.row);
      return std::nullopt;
    }
  }
  std::vector<Unit> units;
  units.push_back(std::move(unit));
  note_claims(units);
  if (plan.has_ties() || plan.needs_trial) state_.tie_group();
  state_.replay_group();
  // A transaction is accepted as a whole, with what it has written before: what that frees cannot
  // make room for this. Only a FOREIGN KEY may be broken on its way.
  auto group = concerns ? with_its_group(units.front()) : std::nullopt;
  if (group) {
    auto refusal = replay_local(*std::move(group));
    if (!refusal || !refusal->starts_with("FOREIGN KEY")) return refusal;
  }
  return replay_local(std::move(units.front()));
}

// Decides on a local unit by the rule, and writes it when it is accepted.
std::optional<std::string> Merger::replay_local(Unit&& unit) {
  const std::pair id{unit.stamp.peer, unit.stamp.seq};
  Replay replay = new_replay();
  replay.add(std::move(unit));
  replay.run();
  const UnitHistory& placed = *replay.history().units().at(id);
  if (placed.after == kNever) return placed.refusal;
  std::vector<RowHistory*> rows;
  if (const auto refused = store(replay, rows, &placed)) return refused->why;
  return std::nullopt;
}

// The open group with a patch that is its last, and not in the log yet. Nothing when it is alone.
std::optional<Unit> Merger::with_its_group(const Unit& unit) {
  const LocalGroup& open = state_.group();
  if (open.peer != unit.stamp.peer || open.range.first == open.range.last) return std::nullopt;
  db_.gate.need(Care::whole);
  state_.write_group();
  std::vector<Unit> units = local_units(open.peer, open.range);
  if (units.size() != 1 || !units.front().group) return std::nullopt;
  units.front().parts.push_back(unit.parts.front());
  return std::move(units.front());
}

void Merger::store_local(const TablePlan& plan, RowPatch&& patch) {
  prepare();
  logged_at_ = std::max(logged_at_, patch.stamp.at);
  note_local(plan, patch, plan.has_ties() && !log_.newest(plan, key_of(plan, patch)).has_value());
  if (!std::string_view(plan.table_orphan).empty() && is_orphan(plan, patch)) state_.replay_group();
  if (!plan.log_is_plain || size_of(patch) > kMostPutOff ||
      !db_.takes_bytes(kMostPutOff + kMostBeside))
    return log_.insert(plan, patch);
  db_.put_off(plan.log_insert, [this, kept = plan.shared_from_this(), entry = std::move(patch)] {
    log_.insert(*kept, entry);
  });
}

// Whether SQLite would write rows of other tables for a patch, and no trigger of ours would tell.
bool Merger::acts_unseen(const TablePlan& plan, const RowPatch& patch) {
  const bool sets_key =
      std::any_of(plan.value_keys.begin(), plan.value_keys.end(), [&](const ValueKey& key) {
        return key.is_referenced && (!key.is_primary || plan.respells) &&
               sets_column_of(key, patch);
      });
  return sets_key &&
         std::any_of(plan.acted_on.begin(), plan.acted_on.end(), [&](const std::string& child) {
           const TablePlan* other = catalog_.find(child);
           return other == nullptr || other->mode != Mode::capture;
         });
}

bool Merger::is_orphan(const TablePlan& plan, const RowPatch& patch) {
  const std::vector<Value> key = key_of(plan, patch);
  Run run = db_.run(plan.table_orphan);
  for (const Value& value : key) run.bind(value);
  return run.step();
}

std::vector<RowName> Merger::rivals(const TablePlan& plan, const std::vector<Value>& values,
                                    const std::vector<size_t>& columns) {
  std::vector<RowName> out;
  prepare();
  for (const ValueKey& key : plan.value_keys) {
    // Whether a row is in a partial index at all may hang on any column.
    const bool concerned =
        !key.is_exact ||
        std::any_of(key.columns.begin(), key.columns.end(), [&](const KeyColumn& column) {
          return std::find(columns.begin(), columns.end(), *column.column) != columns.end();
        });
    if (!key.is_unique || !concerned) continue;
    const auto tuple = Claims::held_by(key, [&](size_t column) { return values[column]; });
    if (!tuple) continue;
    for (RowName& row : claims_.holders(key, *tuple)) out.push_back(std::move(row));
  }
  return out;
}

void Merger::note_local(const TablePlan& plan, const RowPatch& patch, bool first) {
  if (concerns_waiting(plan, patch) || may_be_miscounted(plan, patch, first)) state_.replay_group();
  if (plan.has_ties()) claims_.note(plan, patch, first);
  if (plan.has_ties() || plan.needs_trial) state_.tie_group();
}

}  // namespace replic

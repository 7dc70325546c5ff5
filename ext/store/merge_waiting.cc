// Merging: whether a patch concerns what waits, or waited until after it. What does not, needs no
// replay.

#include <algorithm>

#include "store/changes.h"
#include "store/merge.h"

namespace replic {
namespace {

// The state of a row before and with one more patch.
struct RowChange {
  RowFold before;
  RowFold after;
};

RowChange change_of(const TablePlan& plan, const RowPatch& patch,
                    const std::vector<RowPatch>& others) {
  RowChange change{RowFold(plan), RowFold(plan)};
  for (const RowPatch& other : others) {
    if (!(other.stamp == patch.stamp)) change.before.add(other);
  }
  change.after = change.before;
  change.after.add(patch);
  return change;
}

}  // namespace

// The last moment before the unit of a patch: that of the open transaction begins with its first.
Stamp Merger::moment_before(const Stamp& stamp) {
  const LocalGroup& open = state_.group();
  if (open.peer != stamp.peer || open.at != stamp.at) return stamp;
  return {open.at, open.peer, open.range.first - 1};
}

bool Merger::concerns_waiting(const TablePlan& plan, const RowPatch& patch) {
  // What was accepted late might have been accepted earlier with this patch.
  const bool late = plan.has_ties() && is_any_accepted_after(moment_before(patch.stamp));
  if (state_.peek().waiting == 0 && !late) return false;
  const std::vector<Value> key = key_of(plan, patch);
  const RowName own{plan.name, row_key(plan, key)};
  const bool is_there = log_.newest(plan, key).has_value();
  const std::vector<ParkedPatch> waiting = parked_.waiting(own.table, own.row_key);
  if (!waiting.empty() && (!is_there || matters(plan, patch))) return true;
  // What breaks NOT NULL or STRICT by itself is freed by any newer value.
  for (const ParkedPatch& parked : waiting) {
    if (!is_harmless(plan, row_patch_of(plan, parked.patch))) return true;
  }
  if (!plan.has_ties()) return false;
  const bool sets_tombstone = plan.log_tombstone && patch.find(plan.columns.size()) != nullptr;
  if (is_there && !sets_tombstone && !sets_tied_column(plan, patch)) return false;
  return ties_concern_waiting(plan, patch, log_.row(plan, key), own, late);
}

// Values that are given up can free one that claims them, or a parent that is to be deleted; values
// that are taken can free a child. `late`: what was accepted after the patch counts as well.
bool Merger::ties_concern_waiting(const TablePlan& plan, const RowPatch& patch,
                                  const std::vector<RowPatch>& others, const RowName& own,
                                  bool late) {
  const RowChange change = change_of(plan, patch, others);
  const auto held = [](const ValueKey& key, const RowFold& fold) -> std::optional<Tuple> {
    if (!fold.visible()) return std::nullopt;
    return Claims::held_by(key, [&](size_t column) { return fold.value(column); });
  };
  const auto any_late = [&](const std::vector<RowName>& rows) {
    return std::any_of(rows.begin(), rows.end(), [&](const RowName& row) {
      const TablePlan* other = row == own ? nullptr : catalog_.find(row.table);
      return other != nullptr && other->problem.empty() &&
             was_accepted_after(*other, key_from(row.row_key), moment_before(patch.stamp));
    });
  };
  for (const ValueKey& key : plan.value_keys) {
    for (const auto& tuple : {held(key, change.before), held(key, change.after)}) {
      if (!tuple) continue;
      if (key.is_unique && claims_.holder_waits(key, *tuple, own)) return true;
      if (key.is_referenced && claims_.referrer_waits(key, *tuple, own)) return true;
      if (late && key.is_unique && any_late(claims_.holders(key, *tuple))) return true;
      if (late && key.is_referenced && any_late(claims_.referrers(key, *tuple))) return true;
    }
  }
  if (!change.before.visible()) return false;
  return std::any_of(plan.foreign_keys.begin(), plan.foreign_keys.end(),
                     [&](const ForeignKey& foreign) {
                       const auto tuple = claims_.reference_of(
                           foreign, [&](size_t column) { return change.before.value(column); });
                       if (!tuple) return false;
                       if (parent_waits(foreign, *tuple, own)) return true;
                       return late && any_late(parents(foreign, *tuple));
                     });
}

std::vector<RowName> Merger::parents(const ForeignKey& foreign, const Tuple& tuple) {
  if (!foreign.parent.is_primary) return claims_.holders(foreign.parent, tuple);
  const TablePlan* plan = catalog_.find(foreign.parent_table);
  if (plan == nullptr || !plan->problem.empty()) return {};
  return {{plan->name, row_key(*plan, parent_key(*plan, foreign, tuple))}};
}

bool Merger::parent_waits(const ForeignKey& foreign, const Tuple& tuple, const RowName& own) {
  if (!foreign.parent.is_primary) return claims_.holder_waits(foreign.parent, tuple, own);
  const std::vector<RowName> rows = parents(foreign, tuple);
  return !rows.empty() && !parked_.waiting(rows[0].table, rows[0].row_key).empty();
}

// Whether anything had to wait, and was accepted at a step later than `stamp` only.
bool Merger::is_any_accepted_after(const Stamp& stamp) {
  if (!latest_late_) {
    latest_late_ = Stamp{};
    Run run = db_.run(
        "SELECT by_at,by_peer,by_seq FROM main._replic_late "
        "ORDER BY by_at DESC,by_peer DESC,by_seq DESC LIMIT 1");
    if (run.step()) latest_late_ = Stamp{run.integer(0), run.integer(1), run.integer(2)};
  }
  return *latest_late_ > stamp;
}

// Whether a patch of the row had to wait, and was accepted at a step later than `stamp` only: then
// T does not tell what the row was at that time.
bool Merger::was_accepted_after(const TablePlan& plan, const std::vector<Value>& key,
                                const Stamp& stamp) {
  if (!is_any_accepted_after(stamp)) return false;
  const std::vector<RowPatch> patches = log_.row(plan, key);
  return std::any_of(patches.begin(), patches.end(), [&](const RowPatch& patch) {
    const auto group = group_of(db_, patch.stamp.peer, patch.stamp.seq);
    Run run = db_.run(
        "SELECT 1 FROM main._replic_late WHERE (by_at,by_peer,by_seq)>(?1,?2,?3) "
        "AND peer=?4 AND first=?5");
    run.bind(stamp.at).bind(stamp.peer).bind(stamp.seq);
    run.bind(patch.stamp.peer).bind(group ? group->first : patch.stamp.seq);
    return run.step();
  });
}

}  // namespace replic

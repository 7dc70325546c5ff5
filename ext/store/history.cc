#include "store/history.h"

#include <algorithm>
#include <set>

#include "store/changes.h"
#include "store/merge.h"

namespace replic {

bool History::has_rows(std::string_view sql, std::optional<bool>& known) {
  if (!known) known = db_.run(sql).step();
  return *known;
}

std::optional<Range> History::group_of(int64_t peer, int64_t seq) {
  if (!has_rows("SELECT 1 FROM main._replic_groups LIMIT 1", has_groups_)) return std::nullopt;
  return replic::group_of(db_, peer, seq);
}

Position History::accepted_at(const UnitHistory& unit) {
  if (has_rows("SELECT 1 FROM main._replic_late LIMIT 1", has_late_)) {
    Run run = db_.run(
        "SELECT by_at,by_peer,by_seq,place FROM main._replic_late WHERE peer=?1 AND first=?2");
    run.bind(unit.stamp.peer).bind(unit.stamp.seq);
    if (run.step()) return {{run.integer(0), run.integer(1), run.integer(2)}, run.integer(3)};
  }
  return {unit.stamp, 0};
}

std::optional<Position> History::first_accepted(const TablePlan& plan,
                                                const std::vector<Value>& key) {
  const auto oldest = log_.oldest(plan, key);
  if (!oldest) return std::nullopt;
  UnitHistory unit;
  const auto group = group_of(oldest->peer, oldest->seq);
  unit.stamp = {oldest->at, oldest->peer, group ? group->first : oldest->seq};
  return accepted_at(unit);
}

UnitHistory& History::add_unit(const Stamp& stamp, std::optional<Range> group) {
  const int64_t first = group ? group->first : stamp.seq;
  auto& slot = units_[{stamp.peer, first}];
  if (!slot) {
    slot = std::make_unique<UnitHistory>();
    slot->stamp = {stamp.at, stamp.peer, first};
    slot->seqs = group.value_or(Range{first, first});
    slot->is_group = group.has_value();
  }
  return *slot;
}

UnitHistory& History::unit(int64_t peer, int64_t seq, int64_t at, std::optional<Range> group) {
  if (!group) group = group_of(peer, seq);
  return add_unit({at, peer, seq}, group);
}

RowHistory::Part& History::put(RowHistory& row, UnitHistory& unit, RowPatch&& patch) {
  const auto at = std::lower_bound(
      row.parts.begin(), row.parts.end(), patch.stamp,
      [](const RowHistory::Part* part, const Stamp& stamp) { return part->patch.stamp < stamp; });
  if (at != row.parts.end() && (*at)->patch.stamp == patch.stamp) {
    // The log could not hold a value of it, since it is STRICT: the rest is there.
    for (Slot& slot : patch.slots) {
      if ((*at)->patch.find(slot.column) == nullptr) (*at)->patch.slots.push_back(std::move(slot));
    }
    sort_slots((*at)->patch);
    return **at;
  }
  parts_.push_back({});
  RowHistory::Part& part = parts_.back();
  part.row = &row;
  part.unit = &unit;
  part.patch = std::move(patch);
  part.matters = matters(row.plan, part.patch);
  row.may_lack = row.may_lack || !is_harmless(row.plan, part.patch);
  row.parts.insert(at, &part);
  unit.parts.push_back(&part);
  return part;
}

RowHistory& History::row(const TablePlan& plan, std::vector<Value> key) {
  std::string name = row_key(plan, key);
  const auto it = rows_.find({&plan, name});
  if (it != rows_.end()) return *it->second;
  plans_.push_back(plan.shared_from_this());
  auto& row =
      *rows_.emplace(std::pair(&plan, name), std::make_unique<RowHistory>(plan)).first->second;
  row.key = std::move(key);
  row.name = std::move(name);
  for (RowPatch& patch : log_.row(plan, row.key)) {
    const Stamp stamp = patch.stamp;
    UnitHistory& owner = unit(stamp.peer, stamp.seq, stamp.at, std::nullopt);
    RowHistory::Part& part = put(row, owner, std::move(patch));
    part.in_log = true;
    if (!owner.added) owner.before = accepted_at(owner);
  }
  for (ParkedPatch& parked : parked_.waiting(plan.name, row.name)) {
    const Stamp stamp = parked.patch.stamp;
    UnitHistory& owner = unit(stamp.peer, stamp.seq, stamp.at, parked.patch.group);
    RowHistory::Part& part = put(row, owner, row_patch_of(plan, parked.patch));
    part.is_parked = true;
    part.ver = parked.patch.ver;
    part.since_unix_ms = parked.parked_unix_ms;
  }
  return row;
}

RowHistory* History::row(const RowName& name) {
  const TablePlan* plan = catalog_.find(name.table);
  if (plan == nullptr || !plan->problem.empty()) return nullptr;
  return &row(*plan, key_from(name.row_key));
}

std::vector<RowHistory*> History::all_rows(const TablePlan& plan) {
  std::set<std::string> names;
  {
    Run run = db_.once(plan.log_all);
    while (run.step()) names.insert(row_key(plan, key_of(plan, Log::read(plan, run))));
  }
  for (const ParkedPatch& parked : parked_.waiting_in(plan.name)) names.insert(parked.row_key);
  std::vector<RowHistory*> out;
  for (const std::string& name : names) out.push_back(&row(plan, key_from(name)));
  return out;
}

void History::add_part(UnitHistory& unit, const TablePlan& plan, RowPatch&& patch, int64_t ver,
                       bool in_log) {
  RowHistory& owner = row(plan, key_of(plan, patch));
  RowHistory::Part& part = put(owner, unit, std::move(patch));
  part.ver = ver;
  part.in_log = in_log;
}

void History::complete(UnitHistory& unit) {
  if (unit.whole) return;
  unit.whole = true;
  const bool is_one_row = unit.seqs.first == unit.seqs.last && !unit.parts.empty();
  if (unit.added || is_one_row) return;
  const std::vector<std::string> tables = catalog_.tables();
  for (const std::string& table : tables) {
    const TablePlan* plan = catalog_.find(table);
    if (plan == nullptr || !plan->problem.empty()) continue;
    std::vector<std::vector<Value>> keys;
    {
      Run run = db_.run(plan->log_range);
      run.bind(unit.stamp.peer).bind(unit.seqs.first).bind(unit.seqs.last);
      while (run.step()) keys.push_back(key_of(*plan, Log::read(*plan, run)));
    }
    for (std::vector<Value>& key : keys) row(*plan, std::move(key));
  }
  for (const ParkedPatch& parked :
       parked_.of_group(unit.stamp.peer, unit.seqs, reason::kConstraint))
    row({parked.patch.table, parked.row_key});
}

}  // namespace replic

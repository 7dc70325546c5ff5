#include "store/state.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/error.h"

namespace replic {
namespace {

constexpr int64_t kNone = std::numeric_limits<int64_t>::max();
// Beside so many ranges to ask for the data version is nothing.
constexpr size_t kManyRanges = 64;

// peer, first, last, ver, sum, at
ReceivedRange read_range(const Run& run) {
  return {run.integer(0),
          run.integer(1),
          run.integer(2),
          run.integer(3),
          static_cast<uint64_t>(run.integer(4)),
          run.integer(5)};
}

}  // namespace

StateRow State::read_row(Run& run) {
  StateRow row;
  row.peer = run.integer(0);
  row.ver = run.integer(1);
  row.max_drift_ms = run.integer(2);
  row.due_at = run.integer(3);
  row.waiting = run.integer(4);
  row.schema_parked = run.integer(5);
  row.schema_seen = run.integer(6);
  row.duplicates = run.integer(7);
  row.collisions = run.integer(8);
  row.unknown_messages = run.integer(9);
  row.boot = BootId(run.text(10));
  row.unsafe = run.integer(11) != 0;
  row.grouped = run.integer(12);
  row.foreign_keys = run.integer(13);
  row.group_max = run.integer(14);
  row.split_groups = run.integer(15);
  row.due = run.integer(16);
  row.tables_seen = run.integer(17);
  return row;
}

StateRow State::read(bool initialised) {
  if (now_.loaded) return now_.row;
  if (!initialised) return {};
  Run run = db_.run(select_row_);
  return run.step() ? read_row(run) : StateRow();
}

void State::load() {
  if (now_.loaded) return;
  version_.reset();
  if (take_kept()) return;
  Run run = db_.run(select_row_);
  if (!run.step()) {
    throw Error(Code::state, "table _replic_state has no row",
                "restore the file from a backup, or from another peer");
  }
  now_ = Memory();
  now_.row = read_row(run);
  now_.loaded = true;
  if (!kept_clock_) return;
  version_ = version();
  if (kept_clock_->version != *version_ || kept_clock_->own != now_.row.peer)
    return kept_clock_.reset();
  now_.clock = kept_clock_->clock;
  now_.clock_known = true;
}

void State::for_each_range(bool initialised, int64_t peer,
                           const std::function<void(const ReceivedRange&)>& visit) {
  if (!initialised) return;
  Run run = db_.run(
      "SELECT peer,first,last,ver,sum,at FROM main._replic_ranges WHERE peer BETWEEN ?1 AND ?2 "
      "ORDER BY peer,first");
  run.bind(peer).bind(peer == 0 ? kNone : peer);
  while (run.step()) {
    ReceivedRange range = read_range(run);
    if (now_.loaded) {
      for (const Hot& hot : now_.hot) {
        if (hot.dirty && hot.range.peer == range.peer && hot.range.first == range.first)
          range = hot.range;
      }
    }
    visit(range);
  }
}

Vector State::vector(bool initialised) {
  Vector out;
  for_each_range(initialised, 0, [&](const ReceivedRange& range) {
    out[range.peer].add({range.first, range.last});
  });
  return out;
}

State::Hot& State::slot_for_use() {
  Hot* oldest = now_.hot.data();
  for (Hot& hot : now_.hot) {
    if (hot.range.peer == 0) return hot;
    if (hot.used < oldest->used) oldest = &hot;
  }
  write_hot(*oldest);
  *oldest = Hot();
  return *oldest;
}

State::Hot* State::find_hot(int64_t peer, int64_t seq) {
  for (Hot& hot : now_.hot) {
    if (hot.range.peer != peer || seq < hot.range.first || seq >= hot.next_first) continue;
    hot.used = ++now_.tick;
    return &hot;
  }
  return nullptr;
}

State::Hot* State::load_hot(int64_t peer, int64_t seq) {
  if (Hot* hot = find_hot(peer, seq)) return hot;
  ReceivedRange range;
  int64_t next_first = kNone;
  {
    Run run = db_.run(select_last_range_);
    run.bind(peer);
    if (!run.step()) return nullptr;
    range = read_range(run);
  }
  if (range.first > seq) {
    Run run = db_.run(select_range_);
    run.bind(peer).bind(seq);
    if (!run.step()) return nullptr;
    range = read_range(run);
    next_first = run.integer(6);
  }
  Hot& hot = slot_for_use();
  hot = {range, next_first, false, ++now_.tick};
  return &hot;
}

bool State::received(int64_t peer, int64_t seq) {
  const Hot* hot = load_hot(peer, seq);
  return hot != nullptr && seq <= hot->range.last && hot->range.ver != kGoneVer;
}

bool State::holds_all(int64_t peer, Range range) {
  for (int64_t seq = range.first; seq <= range.last;) {
    const Hot* hot = load_hot(peer, seq);
    if (hot == nullptr || hot->range.last < seq) return false;
    seq = hot->range.last + 1;
  }
  return true;
}

bool State::is_gone(int64_t peer, int64_t seq) {
  const Hot* hot = load_hot(peer, seq);
  return hot != nullptr && seq <= hot->range.last && hot->range.ver == kGoneVer;
}

std::map<int64_t, ContiguousSum> State::contiguous_sums(bool initialised) {
  std::map<int64_t, ContiguousSum> out;
  for_each_range(initialised, 0, [&](const ReceivedRange& range) {
    const auto it = range.first == 1 ? out.try_emplace(range.peer, ContiguousSum{0, 0}).first
                                     : out.find(range.peer);
    if (it == out.end() || it->second.last + 1 != range.first) return;
    it->second.last = range.last;
    if (range.ver == kGoneVer) it->second.sum.reset();
    if (it->second.sum) *it->second.sum += range.sum;
  });
  return out;
}

void State::add_gone(int64_t peer, Range range) {
  flush();
  RangeSet held;
  for_each_range(true, peer, [&](const ReceivedRange& r) { held.add({r.first, r.last}); });
  for (Hot& hot : now_.hot) hot = Hot();
  for (const Range& gap : held.missing_in(range)) {
    db_.run("INSERT INTO main._replic_ranges(peer,first,last,ver,sum,at) VALUES(?1,?2,?3,-1,0,0)")
        .bind(peer)
        .bind(gap.first)
        .bind(gap.last)
        .exec();
  }
}

// Takes one seq out of the gone range that holds it.
void State::split_gone(int64_t peer, int64_t seq) {
  const ReceivedRange range = load_hot(peer, seq)->range;
  flush();
  for (Hot& hot : now_.hot) hot = Hot();
  db_.run("DELETE FROM main._replic_ranges WHERE peer=?1 AND first=?2")
      .bind(peer)
      .bind(range.first)
      .exec();
  for (const Range& part : {Range{range.first, seq - 1}, Range{seq + 1, range.last}}) {
    if (part.first <= part.last) add_gone(peer, part);
  }
}

void State::add_received(const Stamp& stamp, int64_t ver, uint64_t content) {
  const int64_t peer = stamp.peer;
  const int64_t seq = stamp.seq;
  Hot* before = load_hot(peer, seq);
  if (before != nullptr && seq <= before->range.last) {
    split_gone(peer, seq);
    before = load_hot(peer, seq);
  }
  const bool extends =
      before != nullptr && before->range.last + 1 == seq && before->range.ver == ver;
  if (extends && seq + 1 < before->next_first) {  // the common case: no table is touched
    before->range.last = seq;
    before->range.sum += content;
    before->dirty = true;
    return;
  }
  // The range after it may have come within reach.
  ReceivedRange merged{peer, seq, seq, ver, content, 0};
  if (extends) {
    merged.first = before->range.first;
    merged.sum += before->range.sum;
    merged.at = before->range.at;
  }
  int64_t next_first = kNone;
  {
    Run run = db_.run(
        "SELECT first,last,ver,sum,at FROM main._replic_ranges WHERE peer=?1 AND first>?2 ORDER BY "
        "first LIMIT 2");
    run.bind(peer).bind(seq);
    if (run.step()) {
      next_first = run.integer(0);
      // A hot copy of the range after it would be newer than the row: write it first.
      if (Hot* after = find_hot(peer, next_first); after != nullptr && after->dirty) {
        write_hot(*after);
        return add_received(stamp, ver, content);
      }
      if (next_first == seq + 1 && run.integer(2) == ver) {
        merged.last = run.integer(1);
        merged.sum += static_cast<uint64_t>(run.integer(3));
        merged.at = std::max(merged.at, run.integer(4));
        next_first = run.step() ? run.integer(0) : kNone;
      }
    }
  }
  if (merged.last > seq) {
    if (Hot* after = find_hot(peer, seq + 1); after != nullptr && after->range.first == seq + 1)
      *after = Hot();
    db_.run("DELETE FROM main._replic_ranges WHERE peer=?1 AND first=?2")
        .bind(peer)
        .bind(seq + 1)
        .exec();
  }
  if (before != nullptr) {
    if (extends) {
      *before = Hot();
    } else {
      before->next_first = seq;
    }
  }
  Hot& hot = slot_for_use();
  hot = {merged, next_first, true, ++now_.tick};
  write_hot(hot);
}

void State::adjust_sum(int64_t peer, int64_t seq, uint64_t minus, uint64_t plus) {
  Hot* hot = load_hot(peer, seq);
  if (hot == nullptr) return;
  hot->range.sum += plus - minus;
  hot->dirty = true;
}

int64_t State::last_seq(int64_t peer) {
  const Hot* hot = load_hot(peer, kNone - 1);
  return hot == nullptr ? 0 : hot->range.last;
}

int64_t State::ver_of(int64_t peer, int64_t seq) {
  const Hot* hot = load_hot(peer, seq);
  return hot == nullptr ? 1 : hot->range.ver;
}

void State::saw(const Stamp& stamp) {
  // What others wrote has been seen: our later patches are of another group.
  if (stamp.peer != now_.group.peer) close_group();
  Hot* hot = load_hot(stamp.peer, stamp.seq);
  if (hot == nullptr || hot->range.at >= stamp.at) return;
  hot->range.at = stamp.at;
  hot->dirty = true;
  ClockView& clock = now_.clock;
  if (!now_.clock_known) return;
  const bool own = stamp.peer == now_.row.peer;
  if (own) clock.own_at = std::max(clock.own_at, stamp.at);
  if (stamp.at < clock.at) return;
  clock.is_own = own && (stamp.at > clock.at || clock.is_own);
  clock.at = stamp.at;
}

void State::set_back(int64_t peer, int64_t at) {
  close_group();
  flush();
  db_.run("UPDATE main._replic_ranges SET at=min(at,?2) WHERE peer=?1").bind(peer).bind(at).exec();
  for (Hot& hot : now_.hot) hot = Hot();
  now_.clock_known = false;
}

ClockView State::clock(bool initialised) {
  if (now_.loaded && now_.clock_known) return now_.clock;
  const int64_t own = read(initialised).peer;
  int64_t greatest_own = 0;
  int64_t greatest = 0;
  size_t count = 0;
  for_each_range(initialised, 0, [&](const ReceivedRange& range) {
    count++;
    int64_t& slot = range.peer == own ? greatest_own : greatest;
    slot = std::max(slot, range.at);
  });
  const ClockView clock{std::max(greatest, greatest_own), greatest_own > greatest, greatest_own};
  if (now_.loaded) {
    now_.clock = clock;
    now_.clock_known = true;
    if (count > kManyRanges && !version_) version_ = version();
  }
  return clock;
}

State::Version State::version() {
  Version out{0, 0};
  {
    Run run = db_.run("PRAGMA main.data_version");
    if (run.step()) out.first = run.integer(0);
  }
  Run run = db_.run("PRAGMA main.schema_version");
  if (run.step()) out.second = run.integer(0);
  return out;
}

// Only once: what is loaded again in the same transaction may have been written in it.
bool State::take_kept() {
  const std::optional<Kept> kept = std::exchange(kept_, std::nullopt);
  if (!kept || !db_.autocommit()) return false;
  if (db_.file_version() != kept->file_version) return false;
  now_ = kept->memory;
  if (kept_clock_) version_ = kept_clock_->version;
  return true;
}

void State::keep() {
  if (!now_.loaded) return;
  if (const auto version = db_.file_version()) {
    kept_ = Kept{*version, now_};
    Memory& memory = kept_->memory;
    memory.group = LocalGroup();
    memory.group_written = 0;
    memory.boot_checked = memory.split_told = false;
  }
  kept_clock_.reset();
  if (now_.clock_known && version_) kept_clock_ = KeptClock{*version_, now_.row.peer, now_.clock};
}

void State::write_hot(Hot& hot) {
  if (!hot.dirty) return;
  Run run = db_.run(replace_range_);
  const ReceivedRange& range = hot.range;
  run.bind(range.peer).bind(range.first).bind(range.last).bind(range.ver);
  run.bind(static_cast<int64_t>(range.sum)).bind(range.at).exec();
  hot.dirty = false;
}

void State::flush() {
  if (!now_.loaded) return;
  write_group();
  for (Hot& hot : now_.hot) {
    if (hot.range.peer != 0) write_hot(hot);
  }
  if (!now_.dirty) return;
  const StateRow& row = now_.row;
  Run run = db_.run(
      "UPDATE main._replic_state SET "
      "peer=?,ver=?,max_drift_ms=?,due_at=?,waiting=?,schema_parked=?,schema_seen=?,"
      "duplicates=?,collisions=?,unknown_messages=?,boot=?,unsafe=?,grouped=?,foreign_keys=?,"
      "group_max=?,split_groups=?,due=?,tables_seen=? WHERE id=1");
  run.bind(row.peer).bind(row.ver).bind(row.max_drift_ms);
  run.bind(row.due_at).bind(row.waiting);
  run.bind(row.schema_parked).bind(row.schema_seen).bind(row.duplicates).bind(row.collisions);
  run.bind(row.unknown_messages).bind(row.boot.text()).bind(int64_t{row.unsafe});
  run.bind(row.grouped).bind(row.foreign_keys).bind(row.group_max).bind(row.split_groups);
  run.bind(row.due).bind(row.tables_seen).exec();
  now_.dirty = false;
}

}  // namespace replic

#include "store/changes.h"

#include <algorithm>
#include <limits>

#include "base/bytes.h"
#include "store/merge.h"

namespace replic {
namespace {

const std::string kParkedRange =
    "SELECT " + std::string(Parked::kColumns) +
    " FROM main._replic_parked WHERE peer=?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq";
constexpr std::string_view kVoidRange =
    "SELECT at,peer,seq FROM main._replic_voids WHERE peer=?1 AND seq BETWEEN ?2 AND ?3 ORDER BY "
    "seq";
// The groups that overlap a range.
constexpr std::string_view kGroupRange =
    "SELECT first,last FROM main._replic_groups WHERE peer=?1 AND first<=?3 AND first>=coalesce("
    "(SELECT max(first) FROM main._replic_groups WHERE peer=?1 AND first<=?2),0) ORDER BY first";
constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();

// Adds the cells of a part, those that are not there yet.
void add_cells(Patch& patch, const std::vector<Cell>& cells) {
  for (const Cell& cell : cells) {
    const bool there = std::any_of(patch.cells.begin(), patch.cells.end(),
                                   [&](const Cell& c) { return same_name(c.column, cell.column); });
    if (!there) patch.cells.push_back(cell);
  }
}

// What a host wants to hear first, when a patch has parts parked for several reasons.
void add_reason(std::string& reason, const std::string& more) {
  if (more == reason::kHeld) return;
  if (reason.empty() || more == reason::kConstraint) reason = more;
}

}  // namespace

std::optional<Range> group_of(Database& db, int64_t peer, int64_t seq) {
  Run run = db.run(
      "SELECT first,last FROM main._replic_groups WHERE peer=?1 AND first<=?2 ORDER BY first DESC "
      "LIMIT 1");
  run.bind(peer).bind(seq);
  if (!run.step() || run.integer(1) < seq) return std::nullopt;
  return Range{run.integer(0), run.integer(1)};
}

std::optional<Patch> find_patch(Database& db, Catalog& catalog, State& state, Parked& parked,
                                int64_t peer, int64_t seq, std::string_view hint) {
  std::optional<Patch> out;
  Log log(db);
  const auto look = [&](std::string_view table) {
    const TablePlan* plan = catalog.find(table);
    if (out || plan == nullptr || !plan->problem.empty()) return;
    if (const auto row = log.get(*plan, peer, seq)) {
      out = Patch{row->stamp, state.ver_of(peer, seq), plan->name, cells_of(*plan, *row),
                  group_of(db, peer, seq)};
    }
  };
  if (!hint.empty()) look(hint);
  const std::vector<ParkedPatch> parts = parked.parts(peer, seq);
  if (!out && !parts.empty()) look(parts.front().patch.table);
  const std::vector<std::string> tables =
      out || !parts.empty() ? std::vector<std::string>() : catalog.tables();
  for (const std::string& table : tables) look(table);
  for (const ParkedPatch& part : parts) {
    if (out) {
      add_cells(*out, part.patch.cells);
    } else {
      out = part.patch;
    }
  }
  if (out) {
    if (!out->group) out->group = group_of(db, peer, seq);
    return out;
  }
  Run run = db.run("SELECT at,peer,seq FROM main._replic_voids WHERE peer=?1 AND seq=?2");
  run.bind(peer).bind(seq);
  if (run.step())
    out = Patch{
        {run.integer(0), run.integer(1), run.integer(2)}, state.ver_of(peer, seq), {}, {}, {}};
  return out;
}

std::vector<Span> spans_since(State& state, bool initialised, const Vector& since, int64_t peer,
                              Range seqs) {
  std::vector<Span> spans;
  state.for_each_range(initialised, peer, [&](const ReceivedRange& range) {
    const Range wanted{std::max(range.first, seqs.first), std::min(range.last, seqs.last)};
    if (wanted.first > wanted.last) return;
    const auto it = since.find(range.peer);
    if (it == since.end()) {
      spans.push_back({range.peer, wanted, range.ver});
      return;
    }
    for (const Range& missing : it->second.missing_in(wanted))
      spans.push_back({range.peer, missing, range.ver});
  });
  return spans;
}

ChangeCursor::ChangeCursor(Database& db, Catalog& catalog, std::vector<Span> spans,
                           bool outlives_call)
    : db_(db), spans_(std::move(spans)) {
  if (spans_.empty()) return;
  const auto own = [&](std::string_view sql) {
    return outlives_call ? Statement(db_.handle(), sql) : Statement();
  };
  for (const std::string& table : catalog.tables()) {
    const TablePlan* plan = catalog.find(table);
    if (plan == nullptr || !plan->problem.empty()) continue;
    logs_.push_back({plan->shared_from_this(), own(plan->log_range), std::nullopt, std::nullopt});
  }
  parked_statement_ = own(kParkedRange);
  void_statement_ = own(kVoidRange);
  group_statement_ = own(kGroupRange);
}

void ChangeCursor::open_span() {
  const Span& span = spans_[next_span_++];
  ver_ = span.ver;
  const auto start = [&](std::optional<Run>& run, Statement& owned, std::string_view sql) {
    run.reset();
    if (owned) {
      run.emplace(owned);
    } else {
      run.emplace(db_.run(sql));
    }
    run->bind(span.peer).bind(span.range.first).bind(span.range.last);
  };
  for (LogSource& source : logs_) {
    start(source.run, source.statement, source.plan->log_range);
    advance(source);
  }
  start(parked_run_, parked_statement_, kParkedRange);
  advance_parked();
  start(void_run_, void_statement_, kVoidRange);
  advance_void();
  start(group_run_, group_statement_, kGroupRange);
  advance_group();
}

void ChangeCursor::advance(LogSource& source) {
  source.head.reset();
  if (source.run && source.run->step()) {
    source.head = Log::read(*source.plan, *source.run);
  } else {
    source.run.reset();
  }
}

void ChangeCursor::advance_parked() {
  parked_head_.reset();
  if (parked_run_ && parked_run_->step()) {
    parked_head_ = Parked::read(*parked_run_);
  } else {
    parked_run_.reset();
  }
}

void ChangeCursor::advance_void() {
  void_head_.reset();
  if (void_run_ && void_run_->step()) {
    void_head_ = Stamp{void_run_->integer(0), void_run_->integer(1), void_run_->integer(2)};
  } else {
    void_run_.reset();
  }
}

void ChangeCursor::advance_group() {
  group_head_.reset();
  if (group_run_ && group_run_->step()) {
    group_head_ = Range{group_run_->integer(0), group_run_->integer(1)};
  } else {
    group_run_.reset();
  }
}

std::optional<Range> ChangeCursor::group_of(int64_t seq) {
  while (group_head_ && group_head_->last < seq) advance_group();
  return group_head_ && group_head_->first <= seq ? group_head_ : std::nullopt;
}

std::optional<Change> ChangeCursor::take() {
  int64_t seq = kEnd;
  for (const LogSource& source : logs_) {
    if (source.head) seq = std::min(seq, source.head->stamp.seq);
  }
  if (parked_head_) seq = std::min(seq, parked_head_->patch.stamp.seq);
  if (void_head_) seq = std::min(seq, void_head_->seq);
  if (seq == kEnd) return std::nullopt;

  std::optional<Change> change;
  for (LogSource& source : logs_) {
    if (!source.head || source.head->stamp.seq != seq) continue;
    change = Change{
        {source.head->stamp, ver_, source.plan->name, cells_of(*source.plan, *source.head), {}},
        ""};
    advance(source);
  }
  while (parked_head_ && parked_head_->patch.stamp.seq == seq) {
    ParkedPatch& part = *parked_head_;
    if (part.reason == reason::kIdentity) {
      losers_.push_back({std::move(part.patch), part.reason});
    } else if (change) {
      add_cells(change->patch, part.patch.cells);
      add_reason(change->reason, part.reason);
    } else {
      part.patch.ver = ver_;
      change = Change{std::move(part.patch), ""};
      add_reason(change->reason, part.reason);
    }
    advance_parked();
  }
  if (void_head_ && void_head_->seq == seq) {
    if (!change) change = Change{{*void_head_, ver_, {}, {}, {}}, ""};
    advance_void();
  }
  if (change) {
    if (!change->patch.group) change->patch.group = group_of(seq);
    return change;
  }
  change = std::move(losers_.front());
  losers_.pop_front();
  return change;
}

std::optional<Change> ChangeCursor::next() {
  if (!losers_.empty()) {
    Change loser = std::move(losers_.front());
    losers_.pop_front();
    return loser;
  }
  for (;;) {
    if (auto change = take()) return change;
    if (next_span_ == spans_.size()) return std::nullopt;
    open_span();
  }
}

}  // namespace replic

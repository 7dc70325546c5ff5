// Everything received or written, as patches again: put together from the logs, the parked parts
// and the voids.

#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "model/message.h"
#include "store/catalog.h"
#include "store/log.h"
#include "store/parked.h"
#include "store/state.h"

namespace replic {

struct Change {
  Patch patch;         // whole: visible and parked parts together
  std::string reason;  // why it, or a part of it, is parked; empty when it is visible
};

// The group of a (peer, seq), when it is in _replic_groups.
std::optional<Range> group_of(Database& db, int64_t peer, int64_t seq);

// The whole patch of one received (peer, seq), losers of an identity conflict left out; nothing
// when it exists no more. `hint`: the table to look in first, or empty.
std::optional<Patch> find_patch(Database& db, Catalog& catalog, State& state, Parked& parked,
                                int64_t peer, int64_t seq, std::string_view hint);

// A run of sequence numbers to read.
struct Span {
  int64_t peer = 0;
  Range range;
  int64_t ver = 1;
};

// The spans of what was received and `since` lacks, limited to `peer` (0: all) and to `seqs`.
std::vector<Span> spans_since(State& state, bool initialised, const Vector& since, int64_t peer,
                              Range seqs);

// Reads spans in order, patch by patch, in constant memory.
class ChangeCursor {
 public:
  // `outlives_call`: the cursor belongs to a scan of the host's, which may be open while the
  // connection is being closed; it then owns its statements. Else it uses the cached ones, which is
  // quicker to start.
  ChangeCursor(Database& db, Catalog& catalog, std::vector<Span> spans, bool outlives_call = false);

  // The next patch, by span and seq; nothing at the end.
  std::optional<Change> next();

 private:
  struct LogSource {
    std::shared_ptr<const TablePlan> plan;  // kept: the catalog may change while we read
    Statement statement;
    std::optional<Run> run;
    std::optional<RowPatch> head;
  };
  void open_span();
  void advance(LogSource& source);
  void advance_parked();
  void advance_void();
  void advance_group();
  std::optional<Range> group_of(int64_t seq);
  std::optional<Change> take();

  Database& db_;
  std::vector<Span> spans_;
  size_t next_span_ = 0;
  int64_t ver_ = 1;
  std::vector<LogSource> logs_;
  Statement parked_statement_;
  std::optional<Run> parked_run_;
  std::optional<ParkedPatch> parked_head_;
  Statement void_statement_;
  std::optional<Run> void_run_;
  std::optional<Stamp> void_head_;
  Statement group_statement_;
  std::optional<Run> group_run_;
  std::optional<Range> group_head_;
  std::deque<Change> losers_;  // of the seq that was taken last
};

}  // namespace replic

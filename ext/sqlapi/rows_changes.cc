// replic_changes: reading what was received or written, and the door for messages.

#include <algorithm>
#include <deque>

#include "base/error.h"
#include "base/limits.h"
#include "sqlapi/tables.h"
#include "wire/json.h"

namespace replic {
namespace {

enum Column {
  col_peer,
  col_seq,
  col_at,
  col_ver,
  col_tab,
  col_delta,
  col_message,
  col_reason,
  col_since
};

class ChangeRows : public RowSource {
 public:
  // Rows as they are read.
  explicit ChangeRows(ChangeCursor&& cursor) : cursor_(std::move(cursor)) {}
  // A few rows, read already.
  explicit ChangeRows(std::deque<Change>&& changes) : few_(std::move(changes)) {}

  bool next() override {
    change_.reset();
    if (cursor_) {
      change_ = cursor_->next();
    } else if (!few_.empty()) {
      change_ = std::move(few_.front());
      few_.pop_front();
    }
    return change_.has_value();
  }

  Value column(int index) override {
    const Patch& patch = change_->patch;
    switch (index) {
      case col_peer:
        return Value::integer(patch.stamp.peer);
      case col_seq:
        return Value::integer(patch.stamp.seq);
      case col_at:
        return Value::integer(patch.stamp.at);
      case col_ver:
        return Value::integer(patch.ver);
      case col_tab:
        return Value::text(patch.is_void() ? "_" : patch.table);
      case col_delta:
        return Value::text(wire::write_delta(patch.cells));
      case col_message:
        return Value::text(wire::write_patch(patch));
      default:
        return change_->reason.empty() ? Value() : Value::text(change_->reason);
    }
  }

 private:
  std::optional<ChangeCursor> cursor_;
  std::deque<Change> few_;
  std::optional<Change> change_;
};

// Narrows `range` by a constraint on a whole number. A constraint with another type of value is
// left to SQLite.
void narrow(Range& range, const Constraint& constraint) {
  if (constraint.value.type() != Type::integer) return;
  const int64_t value = constraint.value.as_integer();
  switch (constraint.op) {
    case SQLITE_INDEX_CONSTRAINT_EQ:
      range.first = std::max(range.first, value);
      range.last = std::min(range.last, value);
      return;
    case SQLITE_INDEX_CONSTRAINT_GT:
      range.first = std::max(range.first, std::min(value, kMaxInteger) + 1);
      return;
    case SQLITE_INDEX_CONSTRAINT_GE:
      range.first = std::max(range.first, value);
      return;
    case SQLITE_INDEX_CONSTRAINT_LT:
      range.last = std::min(range.last, std::max(value, int64_t{0}) - 1);
      return;
    case SQLITE_INDEX_CONSTRAINT_LE:
      range.last = std::min(range.last, value);
      return;
    default:
      return;
  }
}

}  // namespace

std::unique_ptr<RowSource> open_changes(Connection& store, std::vector<Constraint>&& constraints) {
  Vector since;
  Range seqs{1, kMaxInteger};
  Range peers{1, kMaxInteger};
  for (const Constraint& constraint : constraints) {
    if (constraint.column == col_seq) narrow(seqs, constraint);
    if (constraint.column == col_peer) narrow(peers, constraint);
    if (constraint.column != col_since || constraint.value.is_null()) continue;
    if (constraint.value.type() != Type::text) {
      throw Error(Code::argument, "replic_changes: since is not a text",
                  "pass what replic_vector() returned, or nothing");
    }
    since = wire::read_vector(constraint.value.bytes());
  }
  if (seqs.first > seqs.last || peers.first > peers.last) seqs = {1, 0};
  const int64_t peer = peers.first == peers.last ? peers.first : 0;
  if (peer != 0 && seqs.first == seqs.last) {
    std::deque<Change> few;
    ChangeCursor cursor = store.changes(since, peer, seqs);
    while (auto change = cursor.next()) few.push_back(*std::move(change));
    return std::make_unique<ChangeRows>(std::move(few));
  }
  return std::make_unique<ChangeRows>(store.changes(since, peer, seqs, true));
}

void insert_message(Connection& store, std::span<sqlite3_value*> row) {
  sqlite3_value* message = row[col_message];
  // .import fills the columns from the left: a line of messages alone stands in the first one.
  if (sqlite3_value_type(message) == SQLITE_NULL &&
      sqlite3_value_type(row[col_peer]) == SQLITE_TEXT)
    message = row[col_peer];
  for (const int other :
       {col_peer, col_seq, col_at, col_ver, col_tab, col_delta, col_reason, col_since}) {
    if (row[static_cast<size_t>(other)] == message ||
        sqlite3_value_type(row[static_cast<size_t>(other)]) == SQLITE_NULL) {
      continue;
    }
    throw Error(Code::argument, "replic_changes takes a message and nothing else",
                "INSERT INTO replic_changes(message) VALUES (?)");
  }
  apply_value(store, message);
}

}  // namespace replic

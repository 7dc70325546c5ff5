// keep_last(value, at, peer, seq): the non-NULL value with the greatest stamp, whatever the
// visiting order.
//
//   SELECT id, keep_last(name, _patchedAt, _peerId, _sequenceId) FROM user_patches GROUP BY id;
//
// No two patches share a stamp. Rows made otherwise may: of their values the greatest is taken, so
// that here, too, the order plays no part.
//
// As a window function rows leave the frame in the order in which they came. So only a row that no
// later row of the frame beats can ever be the answer: those are kept in a queue, greatest stamp
// first (a monotonic queue), O(1) a row.

#include <compare>
#include <deque>
#include <memory>

#include "base/error.h"
#include "model/clock.h"
#include "sqlapi/registry.h"
#include "sqlite/boundary.h"

namespace replic {
namespace {

struct FreeValue {
  void operator()(sqlite3_value* value) const { sqlite3_value_free(value); }
};

// A total order of values: numbers, texts, blobs, each by its value or bytes. Never throws but
// bad_alloc.
std::partial_ordering compare(sqlite3_value* a, sqlite3_value* b) {
  const int type = sqlite3_value_type(a);
  if (type != sqlite3_value_type(b)) return type <=> sqlite3_value_type(b);
  if (type == SQLITE_INTEGER) return sqlite3_value_int64(a) <=> sqlite3_value_int64(b);
  if (type == SQLITE_FLOAT) return sqlite3_value_double(a) <=> sqlite3_value_double(b);
  return bytes_of(a) <=> bytes_of(b);
}

struct Entry {
  int64_t row;  // number of the row in order of arrival
  Stamp stamp;
  std::unique_ptr<sqlite3_value, FreeValue> value;
};

struct KeepLast {
  std::deque<Entry> queue;  // stamps and their values fall, row numbers rise
  int64_t arrived = 0;
  int64_t left = 0;
};

KeepLast* state_of(sqlite3_context* context, bool create) {
  constexpr int kBytes = sizeof(void*);  // SQLite keeps a pointer for us
  auto** slot = static_cast<KeepLast**>(sqlite3_aggregate_context(context, create ? kBytes : 0));
  if (slot == nullptr) {
    if (create) throw std::bad_alloc();
    return nullptr;
  }
  if (*slot == nullptr && create) *slot = new KeepLast;
  return *slot;
}

void step(sqlite3_context* context, int, sqlite3_value** argv) {
  guarded_call(context, [&] {
    KeepLast& state = *state_of(context, true);
    const int64_t row = state.arrived++;
    if (sqlite3_value_type(argv[0]) == SQLITE_NULL) return;
    for (int i = 1; i <= 3; i++) {
      if (sqlite3_value_type(argv[i]) == SQLITE_INTEGER) continue;
      throw Error(Code::argument, "keep_last: at, peer and seq must be integers",
                  "usage: keep_last(value, at, peer, seq)");
    }
    const Stamp stamp{sqlite3_value_int64(argv[1]), sqlite3_value_int64(argv[2]),
                      sqlite3_value_int64(argv[3])};
    const auto beats = [&](const Entry& before) {
      if (before.stamp != stamp) return before.stamp < stamp;
      return compare(before.value.get(), argv[0]) <= 0;
    };
    while (!state.queue.empty() && beats(state.queue.back())) state.queue.pop_back();
    Entry entry{row, stamp, std::unique_ptr<sqlite3_value, FreeValue>(sqlite3_value_dup(argv[0]))};
    if (!entry.value) throw std::bad_alloc();
    state.queue.push_back(std::move(entry));
  });
}

void inverse(sqlite3_context* context, int, sqlite3_value**) {
  guarded_call(context, [&] {
    KeepLast& state = *state_of(context, true);
    const int64_t row = state.left++;
    if (!state.queue.empty() && state.queue.front().row == row) state.queue.pop_front();
  });
}

void value(sqlite3_context* context) {
  guarded_call(context, [&] {
    const KeepLast* state = state_of(context, false);
    if (state == nullptr || state->queue.empty()) return sqlite3_result_null(context);
    sqlite3_result_value(context, state->queue.front().value.get());
  });
}

void final(sqlite3_context* context) {
  value(context);
  guarded_call(context, [&] { delete state_of(context, false); });
}

constexpr Doc kAggregates[] = {
    {"keep_last", "keep_last(value, at, peer, seq) -> value",
     "Aggregate and window function: the non-NULL value with the greatest stamp (at, peer, seq), "
     "whatever the order in "
     "which rows are visited.",
     "SELECT keep_last(body, _patchedAt, _peerId, _sequenceId) FROM note_patches WHERE id = 1;",
     "E_ARGUMENT"},
};

}  // namespace

std::span<const Doc> aggregate_table() { return kAggregates; }

int register_aggregates(const std::shared_ptr<Connection>& store) {
  return sqlite3_create_window_function(store->db().handle(), "keep_last", 4, kPure, nullptr, step,
                                        final, value, inverse, nullptr);
}

}  // namespace replic

// What peers say to one another, as plain values. The text form is in wire/json.h.

#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "model/clock.h"
#include "model/range.h"
#include "model/value.h"

namespace replic {

// One column of a patch. A NULL value means "set to NULL": columns that a patch does not set are
// absent.
struct Cell {
  std::string column;
  Value value;
  friend bool operator==(const Cell&, const Cell&) = default;
};

// A partial row, or a void (a patch that takes a seq and carries no data).
struct Patch {
  Stamp stamp;
  int64_t ver = 1;             // schema version of the writer
  std::string table;           // empty for a void
  std::vector<Cell> cells;     // no column twice; empty for a void
  std::optional<Range> group;  // seqs of the writer's transaction, when it has more than one patch

  bool is_void() const { return table.empty(); }
  friend bool operator==(const Patch&, const Patch&) = default;
};

// How far a peer has come, and how far it holds the others.
struct Ping {
  struct Held {
    int64_t peer = 0;
    int64_t last_at = 0;
    int64_t last_seq = 0;
    int64_t contiguous_at = 0;
    int64_t contiguous_seq = 0;
    int64_t last_message_ms = 0;
    int64_t acked_seq = 0;
    friend bool operator==(const Held&, const Held&) = default;
  };
  Stamp last;  // the sender's last stamp; seq 0 when it has written nothing
  int64_t ver = 1;
  std::vector<Held> held;
  std::vector<std::pair<int64_t, uint64_t>> sums;  // peer -> sum of content of its contiguous range
  int64_t now = 0;                                 // the sender's clock, 0 when not told
  std::string name;
  friend bool operator==(const Ping&, const Ping&) = default;
};

// "Send `for_peer` these patches of `peer`."
struct Request {
  int64_t peer = 0;
  Range range;
  int64_t for_peer = 0;
  // The asker holds patches of that content in all of the range: send only if ours differ.
  std::optional<uint64_t> sum = std::nullopt;
  friend bool operator==(const Request&, const Request&) = default;
};

// "These patches of `peer` exist no more, and newer ones decide what they did."
struct Gone {
  int64_t peer = 0;
  Range range;
  friend bool operator==(const Gone&, const Gone&) = default;
};

// A message of a type that this version does not know.
struct Unknown {
  int64_t type = 0;
  friend bool operator==(const Unknown&, const Unknown&) = default;
};

using Message = std::variant<Patch, Ping, Request, Gone, Unknown>;

}  // namespace replic

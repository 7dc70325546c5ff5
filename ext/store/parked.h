// Patches, or parts of them, that are received and kept but not visible: the table _replic_parked.

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "model/message.h"
#include "sqlite/database.h"

namespace replic {

namespace reason {
inline constexpr std::string_view kClock = "clock";
inline constexpr std::string_view kConstraint = "constraint";
inline constexpr std::string_view kGroup = "group";
// Not shown as pending: a value of an accepted patch that the log, being STRICT, cannot hold. A
// newer patch decides it.
inline constexpr std::string_view kHeld = "held";
inline constexpr std::string_view kIdentity = "identity";
inline constexpr std::string_view kSchema = "schema";
}  // namespace reason

struct ParkedPatch {
  Patch patch;  // for reason schema: the part that is parked
  std::string reason;
  uint64_t content = 0;  // for reason identity: the content hash of the whole patch
  std::string row_key;   // for reason constraint
  std::string detail;    // what it waits for, and the cure
  int64_t parked_unix_ms = 0;
};

class Parked {
 public:
  explicit Parked(Database& db) : db_(db) {}

  // Adds it, or replaces the one of the same (peer, seq, reason, content).
  void put(const ParkedPatch& parked);
  // Removes every part of (peer, seq) that is parked for `reason`. Returns how many there were.
  int64_t erase(int64_t peer, int64_t seq, std::string_view reason);
  // Every part of (peer, seq), those of reason identity left out.
  std::vector<ParkedPatch> parts(int64_t peer, int64_t seq);
  // The patches that wait for this row, and what is held for it, oldest first.
  std::vector<ParkedPatch> waiting(std::string_view table, const std::string& row_key);
  // The same for all rows of a table.
  std::vector<ParkedPatch> waiting_in(std::string_view table);
  // The patches of a group, or of one seq, that are parked for `reason`, by seq.
  std::vector<ParkedPatch> of_group(int64_t peer, Range group, std::string_view reason);
  // Those parked for `reason` with at <= `most_at`, by at.
  std::vector<ParkedPatch> of_reason(std::string_view reason, int64_t most_at);
  // The least `at` parked for `reason`, or 0.
  int64_t least_at(std::string_view reason);
  // Whether a part of (peer, seq) is parked for `reason`.
  bool has(int64_t peer, int64_t seq, std::string_view reason);
  // Whether a patch of this content lost its (peer, seq) before.
  bool has_loser(int64_t peer, int64_t seq, uint64_t content);

  // Columns that read() takes, in its order; for statements that others write.
  static constexpr std::string_view kColumns =
      "peer,seq,reason,content,tab,at,ver,delta,grp_first,grp_last,row_key,detail,parked_unix_ms";
  static ParkedPatch read(Run& run);

 private:
  std::vector<ParkedPatch> read_all(Run run);

  Database& db_;
};

}  // namespace replic

// What the benchmark writes: a deterministic sequence of patches, the same for every lane.
//
// A plan has `rows` creations, each a whole row, followed by one-column updates that walk over all
// rows in a shuffled order, pass after pass. Patch i has the stamp (base + i, a peer, its next
// seq); `base` is ten minutes before the start of the process, so that no patch is from the future.
#ifndef REPLIC_TESTS_BENCH_WORKLOAD_H_
#define REPLIC_TESTS_BENCH_WORKLOAD_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace replic::bench {

// The replicated table, and the log that the realistic floor keeps beside it.
inline constexpr const char* kTableSql =
    "CREATE TABLE bench(tenantId INTEGER NOT NULL, id INTEGER NOT NULL,"
    " quantity INTEGER, name TEXT, price REAL, note TEXT, PRIMARY KEY(tenantId, id))";
inline constexpr const char* kLogSql =
    "CREATE TABLE bench_patches(_patchedAt INTEGER NOT NULL, _sequenceId INTEGER NOT NULL,"
    " _peerId INTEGER NOT NULL, tenantId INTEGER NOT NULL, id INTEGER NOT NULL,"
    " quantity INTEGER, name TEXT, price REAL, note TEXT, _nulls TEXT,"
    " PRIMARY KEY(_peerId, _sequenceId)) WITHOUT ROWID;"
    "CREATE INDEX bench_patches_key ON bench_patches(tenantId, id, _patchedAt)";

// Which columns a patch sets beside the key: one, or all four. A number, since it is an index into
// the statements that a lane prepares.
using Shape = int;
inline constexpr Shape kQuantity = 0;
inline constexpr Shape kName = 1;
inline constexpr Shape kPrice = 2;
inline constexpr Shape kNote = 3;
inline constexpr Shape kWholeRow = 4;
inline constexpr int kShapes = 5;
// The names of the columns, by the shape that sets just one.
inline constexpr const char* kColumns[] = {"quantity", "name", "price", "note"};

// The peer that writes the late patches; no plan uses it otherwise.
inline constexpr int64_t kLatePeer = 9;

struct Patch {
  Shape shape;
  int64_t tenant;
  int64_t id;
  int64_t quantity;
  std::string name;
  double price;
  std::string note;
  int64_t at;
  int64_t peer;
  int64_t seq;
};

class Plan {
 public:
  // Peers are 2, 3, ..., in turn. When `gaps` is not 0, about so many of the updates are lost: see
  // lost().
  Plan(size_t rows, size_t patches, int peers, size_t gaps = 0);

  size_t rows() const { return rows_; }
  size_t patches() const { return patches_; }
  Patch patch(size_t index) const;
  std::vector<Patch> range(size_t first, size_t count) const;
  bool lost(size_t index) const;
  // The k-th late patch: a column of a row of its own (for k below rows), just after all creations
  // and before all updates.
  Patch late(size_t k) const;
  // How many patches a database holds that received all but the lost ones.
  size_t received() const { return received_; }
  // The vector of a peer that received the first `count` patches, the lost ones included.
  std::string vector_json(size_t count) const;

 private:
  size_t rows_;
  size_t patches_;
  size_t peers_;
  size_t lost_every_;
  size_t received_ = 0;
  std::vector<uint32_t> order_;
};

// The delta of a patch as a JSON object, and the patch as a message (DESIGN.md section 5).
void append_delta(const Patch& patch, std::string* out);
void append_message(const Patch& patch, std::string* out);
// A JSON array of messages.
std::string message_array(std::span<const Patch> patches);

}  // namespace replic::bench

#endif  // REPLIC_TESTS_BENCH_WORKLOAD_H_

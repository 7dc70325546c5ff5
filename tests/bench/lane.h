// A lane is one way to write patches into a database of its own; lanes race each other in race.h.
#ifndef REPLIC_TESTS_BENCH_LANE_H_
#define REPLIC_TESTS_BENCH_LANE_H_

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "db.h"
#include "workload.h"

namespace replic::bench {

// A lane that works on a file that it did not create leaves the schema alone.
enum class Schema { create, keep };
// Every write in a transaction of its own, or in one that the caller holds open.
enum class Commit { each_patch, by_caller };

class Lane {
 public:
  Lane(const std::string& path, bool with_extension) : db_(path, with_extension) {}
  virtual ~Lane() = default;
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // Not timed: takes what the next runs write (the caller keeps it alive), and makes what a host
  // would have at hand: messages as text, bundles.
  virtual void prepare(std::span<const Patch> patches) { patches_ = patches; }
  // Not timed: from now on, who ends transactions. At first the caller does.
  virtual void set_commit(Commit) {}
  // Timed: writes patches [first, first + count) of those prepared.
  virtual void run(size_t first, size_t count) = 0;

  Db& db() { return db_; }

 protected:
  Db db_;
  std::span<const Patch> patches_;
};

using LaneMaker = std::function<std::unique_ptr<Lane>(const std::string& path)>;

// Binds the values that the patch sets to consecutive parameters.
inline void bind_values(Stmt& stmt, int first, const Patch& patch) {
  switch (patch.shape) {
    case kQuantity:
      stmt.bind(first, patch.quantity);
      break;
    case kName:
      stmt.bind(first, std::string_view(patch.name));
      break;
    case kPrice:
      stmt.bind(first, patch.price);
      break;
    case kNote:
      stmt.bind(first, std::string_view(patch.note));
      break;
    case kWholeRow:
      stmt.bind(first, patch.quantity);
      stmt.bind(first + 1, std::string_view(patch.name));
      stmt.bind(first + 2, patch.price);
      stmt.bind(first + 3, std::string_view(patch.note));
      break;
  }
}

// The floor of DESIGN.md section 7: a prepared upsert into the table alone.
std::unique_ptr<Lane> make_floor(const std::string& path);
// The realistic floor: also one log row with two indexes, and the look-up of the row's newest
// stamp.
std::unique_ptr<Lane> make_realistic(const std::string& path, Schema schema);

// replic's lanes. The table is tracked by hand ("mode":"manual"), except for captured writes.
std::unique_ptr<Lane> make_patch_typed(const std::string& path);
std::unique_ptr<Lane> make_patch_json(const std::string& path);
// replic_apply of JSON: one message a call when `batch` is 1, else arrays of `batch` messages (the
// last may be shorter); runs begin and end at multiples of it.
std::unique_ptr<Lane> make_apply(const std::string& path, Schema schema, size_t batch);
// replic_apply of bundles of `batch` patches, cut beforehand from a second database.
std::unique_ptr<Lane> make_apply_bundle(const std::string& path, size_t batch);
// Plain INSERT and UPDATE, captured by triggers.
std::unique_ptr<Lane> make_captured(const std::string& path);

// Creates and tracks the table in an empty database that has the extension loaded.
void create_tracked(Db& db, const char* mode);
// What the extension can do, so that a benchmark of a part not built yet is left out.
bool has_function(const char* name);
bool has_capture();

}  // namespace replic::bench

#endif  // REPLIC_TESTS_BENCH_LANE_H_

#include "library.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <stdexcept>
#include <utility>
#include <vector>

#include "lane.h"

namespace replic::bench {
namespace {

constexpr size_t kBlock = 1'000;
constexpr size_t kTransaction = 100'000;
constexpr int kPeers = 3;
constexpr size_t kGaps = 10;

// What arrived of the block that begins at `first`.
std::vector<Patch> arrived(const Plan& plan, size_t first) {
  std::vector<Patch> patches;
  const size_t end = std::min(first + kBlock, plan.patches());
  for (size_t i = first; i < end; ++i) {
    if (!plan.lost(i)) patches.push_back(plan.patch(i));
  }
  return patches;
}

void build(const std::string& path, size_t size, bool ours) {
  std::fprintf(stderr, "  building a log of %zu patches (%s)\n", size,
               ours ? "replic" : "realistic floor");
  const Plan& plan = library_plan(size);
  auto lane =
      ours ? make_apply(path, Schema::create, kBlock) : make_realistic(path, Schema::create);
  Db& db = lane->db();
  for (size_t first = 0; first < size; first += kBlock) {
    if (first % kTransaction == 0) db.exec("BEGIN");
    const std::vector<Patch> patches = arrived(plan, first);
    lane->prepare(patches);
    lane->run(0, ours ? kBlock : patches.size());  // For ours: one array, however short.
    if ((first + kBlock) % kTransaction == 0 || first + kBlock >= size) {
      db.exec("COMMIT");
      db.checkpoint();
    }
  }
  const auto stored = static_cast<size_t>(db.integer("SELECT count(*) FROM bench_patches"));
  if (stored != plan.received()) {
    throw std::runtime_error("a log of " + std::to_string(plan.received()) + " patches holds " +
                             std::to_string(stored));
  }
}

}  // namespace

const Plan& library_plan(size_t size) {
  static std::map<size_t, Plan> plans;
  return plans.try_emplace(size, size / 4, size, kPeers, kGaps).first->second;
}

std::string library_path(size_t size, bool ours) {
  static std::map<std::pair<size_t, bool>, std::string> paths;
  std::string& path = paths[{size, ours}];
  if (path.empty()) {
    const std::string fresh = temp_dir().fresh("library");
    build(fresh, size, ours);
    path = fresh;
  }
  return path;
}

void warm(Db& db) {
  if (db.text("PRAGMA quick_check") != "ok") throw std::runtime_error("the database is damaged");
}

}  // namespace replic::bench

// One late patch: its row has three newer ones, and the log has many more of other rows.
#include <memory>
#include <stdexcept>
#include <vector>

#include "growth.h"
#include "lane.h"
#include "library.h"

namespace replic::bench {
namespace {

constexpr size_t kWarmUp = 10;
constexpr size_t kTurn = 10;
constexpr size_t kTurns = 20;

// Late patches in a transaction that is rolled back, so that every round finds the same log. Each
// patch belongs to another row, and each round to other rows when there are enough.
class LateWork : public Work {
 public:
  LateWork(size_t size, bool ours) : plan_(library_plan(size)) {
    const std::string path = library_path(size, ours);
    lane_ = ours ? make_apply(path, Schema::keep, 1) : make_realistic(path, Schema::keep);
    warm(lane_->db());
  }

  void begin_round(int round) override {
    constexpr size_t kPatches = kWarmUp + kTurn * kTurns;
    patches_.clear();
    for (size_t k = 0; k < kPatches; ++k) {
      patches_.push_back(plan_.late(static_cast<size_t>(round) * kPatches + k));
      patches_.back().seq = static_cast<int64_t>(k + 1);
    }
    lane_->prepare(patches_);
    lane_->db().exec("BEGIN IMMEDIATE");
    lane_->run(0, kWarmUp);
  }
  void end_round() override { lane_->db().exec("ROLLBACK"); }
  void turn(size_t turn) override { lane_->run(kWarmUp + turn * kTurn, kTurn); }
  double operations() const override { return kTurn; }

  Lane& lane() { return *lane_; }

 private:
  const Plan& plan_;
  std::unique_ptr<Lane> lane_;
  std::vector<Patch> patches_;
};

void verify_late(Work& ours, Work& realistic) {
  Db& left = static_cast<LateWork&>(ours).lane().db();
  Db& right = static_cast<LateWork&>(realistic).lane().db();
  if (table_hash(left) != table_hash(right)) {
    throw std::runtime_error("after late patches the table differs from the realistic floor's");
  }
}

}  // namespace

void add_late_benchmarks() {
  GrowthCase growth;
  growth.name = "late_patch";
  growth.make = [](size_t size, bool ours) { return std::make_unique<LateWork>(size, ours); };
  growth.base = 1'000;
  growth.sizes = log_sizes({1'000, 10'000, 100'000, 1'000'000});
  growth.rounds = 9;
  growth.turns = kTurns;
  growth.target = "as under 1000";
  growth.limit = 1.25;
  growth.verify = verify_late;
  add_growth_benchmarks(growth);
}

}  // namespace replic::bench

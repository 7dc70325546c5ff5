#include "race.h"

#include <cstdio>
#include <exception>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace replic::bench {
namespace {

// A lane in a database file that goes with it.
class Runner {
 public:
  explicit Runner(const LaneMaker& make) : path_(temp_dir().fresh("lane")), lane_(make(path_)) {}
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  ~Runner() {
    lane_.reset();
    remove_database(path_);
  }
  Lane& lane() { return *lane_; }

 private:
  std::string path_;
  std::unique_ptr<Lane> lane_;
};

void verify_lanes(const std::vector<std::unique_ptr<Runner>>& runners, size_t patches) {
  const uint64_t expected = table_hash(runners.front()->lane().db());
  for (size_t i = 1; i < runners.size(); ++i) {
    Db& db = runners[i]->lane().db();
    if (table_hash(db) != expected) {
      throw std::runtime_error("lane " + std::to_string(i) + ": the table differs from lane 0's");
    }
    const bool has_log =
        db.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'bench_patches'") == 1;
    const auto logged = has_log ? db.integer("SELECT count(*) FROM bench_patches") : 0;
    if (logged != static_cast<int64_t>(patches)) {
      throw std::runtime_error("lane " + std::to_string(i) + ": the log has " +
                               std::to_string(logged) + " patches");
    }
  }
}

}  // namespace

uint64_t table_hash(Db& db) {
  Stmt rows = db.prepare("SELECT * FROM bench ORDER BY tenantId, id");
  uint64_t hash = 14695981039346656037U;  // FNV-1a
  while (rows.step()) {
    for (int column = 0; column < 6; ++column) {
      for (const char byte : rows.bytes(column)) {
        hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211U;
      }
      hash = (hash ^ 0xff) * 1099511628211U;
    }
  }
  return hash;
}

std::vector<std::vector<double>> take_turns(
    const std::vector<std::function<void(size_t)>>& contestants, size_t turns) {
  std::vector<std::vector<double>> seconds(contestants.size());
  for (size_t turn = 0; turn < turns; ++turn) {
    for (size_t k = 0; k < contestants.size(); ++k) {
      const size_t who = (turn + k) % contestants.size();
      const double begin = now_s();
      contestants[who](turn);
      seconds[who].push_back(now_s() - begin);
    }
  }
  return seconds;
}

std::vector<double> WriteRace::round(bool verify) const {
  const Plan plan(rows, rows + updates, 1);
  std::vector<std::unique_ptr<Runner>> runners;
  for (const LaneMaker& make : lanes) runners.push_back(std::make_unique<Runner>(make));

  std::vector<Patch> patches = plan.range(0, rows);
  if (phase == Phase::updates) {
    for (const auto& runner : runners) {
      Lane& lane = runner->lane();
      lane.prepare(patches);
      lane.db().exec("BEGIN");
      lane.run(0, rows);
      lane.db().exec("COMMIT");
      lane.db().checkpoint();
    }
    patches = plan.range(rows, updates);
  }

  for (const auto& runner : runners) {
    Lane& lane = runner->lane();
    lane.prepare(patches);
    lane.set_commit(commit);
    if (commit == Commit::each_patch) {
      lane.db().exec("PRAGMA wal_autocheckpoint=1000");
    } else {
      lane.db().exec("BEGIN");
    }
  }
  std::vector<std::function<void(size_t)>> contestants;
  contestants.reserve(runners.size());
  for (const auto& runner : runners) {
    contestants.emplace_back([this, &runner, turns = operations() / chunk](size_t turn) {
      runner->lane().run(turn * chunk, chunk);
      if (commit == Commit::by_caller && turn + 1 == turns) runner->lane().db().exec("COMMIT");
    });
  }
  std::vector<double> seconds;
  for (const std::vector<double>& turns : take_turns(contestants, operations() / chunk)) {
    seconds.push_back(std::accumulate(turns.begin(), turns.end(), 0.0));
  }
  if (verify) verify_lanes(runners, phase == Phase::updates ? rows + updates : rows);
  return seconds;
}

void run_rounds(benchmark::State& state, const std::string& name,
                const std::function<double(int)>& body) {
  try {
    int round = 0;
    while (state.KeepRunning()) {
      std::fprintf(stderr, "  %s: round %d of %d\n", name.c_str(), round + 1,
                   static_cast<int>(state.max_iterations));
      state.SetIterationTime(body(round++));
    }
  } catch (const std::exception& error) {
    report_failure(name, error.what());
    state.SkipWithError(error.what());
  }
}

void add_benchmark(const std::string& name, int rounds, BenchmarkBody body) {
  if (options().rounds > 0) rounds = options().rounds;
  benchmark::RegisterBenchmark(name.c_str(), std::move(body))
      ->Iterations(rounds)
      ->UseManualTime()
      ->Unit(benchmark::kMicrosecond);
}

}  // namespace replic::bench

// Interleaved measurement: contestants do the same amount of work in small turns, one after the
// other, so that a slow minute of the machine hits all of them; only ratios within a round count.
#ifndef REPLIC_TESTS_BENCH_RACE_H_
#define REPLIC_TESTS_BENCH_RACE_H_

#include <benchmark/benchmark.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "lane.h"
#include "report.h"

namespace replic::bench {

// Seconds since an arbitrary moment.
inline double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Runs `turns` turns of each contestant, interleaved, each turn beginning with another contestant.
// Returns the seconds of each turn of each contestant, which is called with the turn's number.
std::vector<std::vector<double>> take_turns(
    const std::vector<std::function<void(size_t)>>& contestants, size_t turns);

// A hash of the whole table, in key order.
uint64_t table_hash(Db& db);

enum class Phase { new_rows, updates };

// A race of lanes, each with a fresh database a round: `rows` patches of new rows or, after these
// (not timed, in one transaction), `updates` one-column updates.
struct WriteRace {
  Phase phase = Phase::new_rows;
  Commit commit = Commit::by_caller;
  size_t rows = 0;
  size_t updates = 0;
  // Patches a turn.
  size_t chunk = 0;
  std::vector<LaneMaker> lanes;

  size_t operations() const { return phase == Phase::new_rows ? rows : updates; }
  // One round: seconds of each lane, its COMMIT included. With `verify`, throws unless all lanes
  // end with the same table, and all logs with one entry for each patch.
  std::vector<double> round(bool verify) const;
};

// Runs `body` for each iteration that Google Benchmark asks for (one iteration = one round), giving
// it the round's number; `body` returns the seconds of one operation. An exception becomes
// a skipped benchmark and a line of the report.
void run_rounds(benchmark::State& state, const std::string& name,
                const std::function<double(int)>& body);

using BenchmarkBody = std::function<void(benchmark::State&)>;
// Registers a benchmark of `rounds` rounds (or of --rounds) that reports its own time.
void add_benchmark(const std::string& name, int rounds, BenchmarkBody body);

// Each registers the benchmarks of one file.
void add_write_benchmarks();
void add_late_benchmarks();
void add_constraint_benchmarks();
void add_read_benchmarks();
void add_bundle_benchmarks();

}  // namespace replic::bench

#endif  // REPLIC_TESTS_BENCH_RACE_H_

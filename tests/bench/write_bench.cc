// Writing: the floors, replic_patch and replic_apply, for new rows and for one-column updates.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "race.h"

namespace replic::bench {
namespace {

std::unique_ptr<Lane> make_realistic_new(const std::string& path) {
  return make_realistic(path, Schema::create);
}

LaneMaker apply_maker(size_t batch) {
  return [batch](const std::string& path) { return make_apply(path, Schema::create, batch); };
}

struct Contest {
  std::string name;
  // Absent: the realistic floor itself is reported.
  std::optional<LaneMaker> ours;
  Commit commit = Commit::by_caller;
  // Patches that one call takes: turns are multiples of it.
  size_t batch = 1;
  // At most so many times the realistic floor; 0: no target.
  double target = 0;
};

WriteRace make_race(const Contest& contest, Phase phase) {
  WriteRace race;
  race.phase = phase;
  race.commit = contest.commit;
  race.rows = options().quick ? 10'000 : 100'000;
  race.updates = race.rows;
  if (contest.commit == Commit::each_patch) {
    // A commit costs ten times the write: a fifth of the patches tells as much.
    race.updates /= 5;
    if (phase == Phase::new_rows) race.rows /= 5;
  }
  race.chunk = std::max<size_t>(race.operations() / 20, contest.batch);
  race.lanes = {make_floor, make_realistic_new};
  if (contest.ours) race.lanes.push_back(*contest.ours);
  return race;
}

void run_contest(benchmark::State& state, const std::string& name, const Contest& contest,
                 Phase phase) {
  const WriteRace race = make_race(contest, phase);
  const size_t ours = race.lanes.size() - 1;
  const auto operations = static_cast<double>(race.operations());
  std::vector<std::vector<double>> seconds(race.lanes.size());
  run_rounds(state, name, [&](int round) {
    const std::vector<double> result = race.round(round == 0);
    for (size_t i = 0; i < result.size(); ++i) seconds[i].push_back(result[i]);
    return result[ours] / operations;
  });
  if (seconds[ours].empty()) return;

  const double times_floor = median_ratio(seconds[ours], seconds[0]);
  const double times_realistic = median_ratio(seconds[ours], seconds[1]);
  state.counters["x_floor"] = times_floor;
  state.counters["x_realistic"] = times_realistic;
  Line line{.name = name};
  line.value = median(seconds[ours]) / operations * 1e6;
  line.times_floor = times_floor;
  line.times_realistic = times_realistic;
  if (contest.target > 0) {
    line.target = "<= " + fixed2(contest.target) + " x realistic";
    line.met = yes_no(times_realistic <= contest.target);
  }
  if (!contest.ours) {
    Line floor{.name = name.substr(std::string("realistic_").size())};
    floor.value = median(seconds[0]) / operations * 1e6;
    floor.times_floor = 1;
    floor.times_realistic = 1 / times_floor;
    report(std::move(floor));
  }
  report(std::move(line));
}

}  // namespace

void add_write_benchmarks() {
  std::vector<Contest> contests = {
      {"realistic_floor", std::nullopt},
      {"realistic_floor_autocommit", std::nullopt, Commit::each_patch},
  };
  if (!options().floors_only) {
    contests.push_back({"patch_typed", make_patch_typed, Commit::by_caller, 1, 2.0});
    contests.push_back({"patch_json", make_patch_json});
    contests.push_back({"apply_json_one", apply_maker(1), Commit::by_caller, 1, 2.5});
    contests.push_back({"apply_json_1000", apply_maker(1'000), Commit::by_caller, 1'000});
    contests.push_back({"apply_json_autocommit", apply_maker(1), Commit::each_patch, 1, 1.3});
    if (has_capture()) {
      contests.push_back({"captured", make_captured, Commit::by_caller, 1, 2.5});
    }
    if (has_function("replic_bundle")) {
      const LaneMaker maker = [](const std::string& path) {
        return make_apply_bundle(path, 10'000);
      };
      contests.push_back({"apply_bundle_10000", maker, Commit::by_caller, 10'000, 1.2});
    }
  }
  for (const Contest& contest : contests) {
    for (const Phase phase : {Phase::new_rows, Phase::updates}) {
      const std::string name = contest.name + (phase == Phase::new_rows ? "/new" : "/update");
      add_benchmark(name, options().quick ? 3 : 5,
                    [=](benchmark::State& state) { run_contest(state, name, contest, phase); });
    }
  }
}

}  // namespace replic::bench

#include "growth.h"

#include <algorithm>
#include <array>
#include <utility>

namespace replic::bench {
namespace {

// The places of a race; those that a case lacks are left out.
constexpr size_t kOurs = 0;
constexpr size_t kOursAtBase = 1;
constexpr size_t kRealistic = 2;
constexpr size_t kRealisticAtBase = 3;
constexpr size_t kPlaces = 4;

struct Starters {
  std::array<std::unique_ptr<Work>, kPlaces> works;
  // Seconds of one operation, a round each.
  std::array<std::vector<double>, kPlaces> seconds;
};

Starters make_starters(const GrowthCase& growth, size_t size) {
  Starters starters;
  starters.works[kOurs] = growth.make(size, true);
  starters.works[kRealistic] = growth.make(size, false);
  if (growth.base != 0 && size != growth.base) {
    starters.works[kOursAtBase] = growth.make(growth.base, true);
    starters.works[kRealisticAtBase] = growth.make(growth.base, false);
  }
  return starters;
}

// Returns the seconds of one operation of ours.
double run_round(const GrowthCase& growth, int round, Starters& starters) {
  std::vector<std::function<void(size_t)>> contestants;
  std::vector<size_t> places;
  for (size_t place = 0; place < kPlaces; ++place) {
    Work* work = starters.works[place].get();
    if (work == nullptr) continue;
    work->begin_round(round);
    contestants.emplace_back([work](size_t turn) { work->turn(turn); });
    places.push_back(place);
  }
  const std::vector<std::vector<double>> seconds = take_turns(contestants, growth.turns);
  Work* realistic = starters.works[kRealistic].get();
  if (round == 0 && growth.verify && realistic != nullptr) {
    growth.verify(*starters.works[kOurs], *realistic);
  }
  for (size_t i = 0; i < places.size(); ++i) {
    Work& work = *starters.works[places[i]];
    work.end_round();
    // The median of turns: these are short, and one interruption would spoil their sum.
    starters.seconds[places[i]].push_back(median(seconds[i]) / work.operations());
  }
  return starters.seconds[kOurs].back();
}

void judge(const GrowthCase& growth, const Starters& starters, benchmark::State& state,
           Line* line) {
  const double factor = median_ratio(starters.seconds[kOurs], starters.seconds[kOursAtBase]);
  double allowed = growth.limit;
  line->target = growth.target + " (" + fixed2(factor) + " x";
  if (starters.works[kRealistic] != nullptr) {
    const double floor =
        median_ratio(starters.seconds[kRealistic], starters.seconds[kRealisticAtBase]);
    allowed *= std::max(1.0, floor);
    line->target += ", floor " + fixed2(floor);
  }
  line->target += ")";
  state.counters["x_base"] = factor;
  if (growth.limit > 0) line->met = yes_no(factor <= allowed);
}

void run_case(benchmark::State& state, const std::string& name, const GrowthCase& growth,
              size_t size) {
  Starters starters;
  run_rounds(state, name, [&](int round) {
    if (round == 0) starters = make_starters(growth, size);
    return run_round(growth, round, starters);
  });
  if (starters.seconds[kOurs].empty() || state.error_occurred()) return;
  Line line{.name = name};
  line.value = median(starters.seconds[kOurs]) * 1e6;
  line.times_realistic = median_ratio(starters.seconds[kOurs], starters.seconds[kRealistic]);
  if (size != growth.base && !growth.target.empty()) judge(growth, starters, state, &line);
  report(std::move(line));
}

}  // namespace

void add_growth_benchmarks(const GrowthCase& growth) {
  for (const size_t size : growth.sizes) {
    const std::string name = growth.name + "/" + std::to_string(size);
    add_benchmark(name, growth.rounds, [growth, name, size](benchmark::State& state) {
      run_case(state, name, growth, size);
    });
  }
}

std::vector<size_t> log_sizes(const std::vector<size_t>& wanted) {
  std::vector<size_t> sizes = wanted;
  if (options().quick) std::erase_if(sizes, [](size_t size) { return size > 10'000; });
  return sizes;
}

}  // namespace replic::bench

// Does the cost of an operation grow with the length of the log? Races of the same work on logs of
// two lengths, and of its counterpart on the realistic floor's logs of the same lengths.
#ifndef REPLIC_TESTS_BENCH_GROWTH_H_
#define REPLIC_TESTS_BENCH_GROWTH_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "race.h"

namespace replic::bench {

// One operation, done again and again on one library.
class Work {
 public:
  Work() = default;
  virtual ~Work() = default;
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  // Not timed: before and after the turns of a round.
  virtual void begin_round(int /*round*/) {}
  virtual void end_round() {}
  // Timed.
  virtual void turn(size_t turn) = 0;
  // How many operations a turn is.
  virtual double operations() const = 0;
};

// Null when there is no counterpart on the realistic floor.
using WorkMaker = std::function<std::unique_ptr<Work>(size_t size, bool ours)>;

struct GrowthCase {
  std::string name;
  WorkMaker make;
  // The short log that the longer ones are compared with; 0: none.
  size_t base = 10'000;
  std::vector<size_t> sizes;
  int rounds = 5;
  size_t turns = 20;
  // What DESIGN.md asks, and the greatest factor from base to size that passes for it, in units of
  // the factor by which the realistic floor grows (deeper trees, colder caches). 0: no target.
  std::string target{};
  double limit = 0;
  // Checks that both sides did the same, after the first round's turns; may be empty.
  std::function<void(Work& ours, Work& realistic)> verify{};
};

void add_growth_benchmarks(const GrowthCase& growth);

// The lengths of log that a run looks at: 10^4 alone when quick.
std::vector<size_t> log_sizes(const std::vector<size_t>& wanted);

}  // namespace replic::bench

#endif  // REPLIC_TESTS_BENCH_GROWTH_H_

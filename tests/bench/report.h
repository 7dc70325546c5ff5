// What a run found: options, medians, and the one table at its end.
#ifndef REPLIC_TESTS_BENCH_REPORT_H_
#define REPLIC_TESTS_BENCH_REPORT_H_

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

namespace replic::bench {

struct Options {
  bool quick = false;
  // Only the floors, for a look at the method without the extension.
  bool floors_only = false;
  // PRAGMA temp_store=MEMORY on every connection: statement journals never go to a file.
  bool memory_journals = false;
  // How many tenants the rows belong to, in turn.
  int tenants = 10;
  // Rounds of a race; 0: what each benchmark thinks right.
  int rounds = 0;
};
Options& options();

inline constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// One line of the table. A NaN prints as "-", an empty text too.
struct Line {
  std::string name;
  double value = kNone;
  std::string unit = "us";
  double times_floor = kNone;
  double times_realistic = kNone;
  std::string target{};
  // "yes", "no", or empty when there is no target.
  std::string met{};
};

// Adds a line; one with the same name, from an earlier repetition, is replaced.
void report(Line line);
void report_failure(const std::string& name, const std::string& why);
// Prints the table to stdout. False when a benchmark failed (a target that is missed is no failure:
// the machine may be busy; the reader judges).
bool print_report();

double median(std::vector<double> values);
// Element by element; then the median of that.
double median_ratio(const std::vector<double>& over, const std::vector<double>& under);

inline const char* yes_no(bool met) { return met ? "yes" : "no"; }
// "1.25", for names and targets.
std::string fixed2(double value);

}  // namespace replic::bench

#endif  // REPLIC_TESTS_BENCH_REPORT_H_

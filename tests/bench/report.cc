#include "report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace replic::bench {
namespace {

std::vector<Line>& lines() {
  static std::vector<Line> all;
  return all;
}

std::vector<std::string>& failures() {
  static std::vector<std::string> all;
  return all;
}

std::string times(double ratio) { return std::isnan(ratio) ? "-" : fixed2(ratio) + " x"; }
const char* text_or_dash(const std::string& text) { return text.empty() ? "-" : text.c_str(); }

std::string measure(const Line& line) {
  char buffer[48];
  const int digits = line.value < 100 ? 2 : line.value < 1000 ? 1 : 0;
  std::snprintf(buffer, sizeof(buffer), "%.*f %s", digits, line.value, line.unit.c_str());
  return buffer;
}

}  // namespace

Options& options() {
  static Options instance;
  return instance;
}

void report(Line line) {
  for (Line& old : lines()) {
    if (old.name == line.name) {
      old = std::move(line);
      return;
    }
  }
  lines().push_back(std::move(line));
}

void report_failure(const std::string& name, const std::string& why) {
  failures().push_back(name + ": " + why);
}

bool print_report() {
  if (!lines().empty()) {
    std::printf("%-42s %12s %9s %12s  %-32s %s\n", "benchmark", "per op", "x floor", "x realistic",
                "target", "met");
  }
  for (const Line& line : lines()) {
    std::printf("%-42s %12s %9s %12s  %-32s %s\n", line.name.c_str(), measure(line).c_str(),
                times(line.times_floor).c_str(), times(line.times_realistic).c_str(),
                text_or_dash(line.target), text_or_dash(line.met));
  }
  for (const std::string& failure : failures()) std::printf("FAILED %s\n", failure.c_str());
  std::fflush(stdout);
  return failures().empty();
}

double median(std::vector<double> values) {
  if (values.empty()) return kNone;
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double median_ratio(const std::vector<double>& over, const std::vector<double>& under) {
  std::vector<double> ratios;
  for (size_t i = 0; i < over.size() && i < under.size(); ++i) ratios.push_back(over[i] / under[i]);
  return median(std::move(ratios));
}

std::string fixed2(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof(buffer), "%.2f", value);
  return buffer;
}

}  // namespace replic::bench

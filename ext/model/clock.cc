#include "model/clock.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "base/limits.h"

namespace replic {

int64_t tick(int64_t greatest_at, bool greatest_is_own, int64_t wall_unix_ms) {
  if (wall_unix_ms < kEpochUnixMs || wall_unix_ms > kLastUnixMs) {
    throw Error(Code::clock_range,
                "the system clock says " + std::to_string(wall_unix_ms) +
                    " Unix milliseconds, which is outside the years 2025 to 2059",
                "set the clock of this machine and write again");
  }
  const int64_t wall = at_from_unix_ms(wall_unix_ms);
  if (wall > greatest_at) return wall;
  const int64_t next = greatest_is_own ? greatest_at : greatest_at + 1;
  if (next > kMaxInteger) {
    throw Error(Code::clock_range, "the logical clock has reached its greatest value",
                "look for the peer whose clock is wrong in replic_peers");
  }
  return next;
}

int64_t drift_bound(int64_t wall_unix_ms, int64_t max_drift_ms) {
  const int64_t ms = std::clamp(wall_unix_ms, int64_t{0}, kLastUnixMs) +
                     std::clamp(max_drift_ms, int64_t{0}, kLastUnixMs);
  if (ms >= kLastUnixMs) return kMaxInteger;
  if (ms < kEpochUnixMs) return -1;
  return at_from_unix_ms(ms) | ((int64_t{1} << kCounterBits) - 1);
}

}  // namespace replic

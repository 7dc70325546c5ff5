// Time: the hybrid logical clock, and stamps.
//
// `at` is a 53-bit hybrid logical clock value: milliseconds since 2025-01-01T00:00Z times 2^13,
// plus a counter. Source: Kulkarni et al. 2014, "Logical physical clocks", adapted: the counter may
// run over into the milliseconds.

#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>

namespace replic {

inline constexpr int64_t kEpochUnixMs = 1'735'689'600'000;  // 2025-01-01T00:00:00Z
inline constexpr int kCounterBits = 13;

// The triple that orders all patches. Compared in the order of its members, the order is total.
struct Stamp {
  int64_t at = 0;
  int64_t peer = 0;
  int64_t seq = 0;
  friend auto operator<=>(const Stamp&, const Stamp&) = default;
};

// The last millisecond that `at` can express, 2059-11-04.
inline constexpr int64_t kLastUnixMs = ((int64_t{1} << 40) - 1) + kEpochUnixMs;

// The first `at` of a millisecond. A `unix_ms` outside 2025..2059 gives a value outside 0..2^53-1:
// callers check the result.
constexpr int64_t at_from_unix_ms(int64_t unix_ms) {
  const int64_t ms = std::clamp(unix_ms, kEpochUnixMs - 1, kLastUnixMs + 1);
  return (ms - kEpochUnixMs) * (int64_t{1} << kCounterBits);
}
constexpr int64_t unix_ms_from_at(int64_t at) { return (at >> kCounterBits) + kEpochUnixMs; }

// The clock value for a local write: the wall clock or `greatest_at`, whichever is greater, plus 1
// when it is a `greatest_at` that another peer made. `wall_unix_ms` is Unix milliseconds; the
// result may run ahead of it. Throws E_CLOCK_RANGE when wall_unix_ms is before 2025 or after 2059,
// or when the clock is used up.
int64_t tick(int64_t greatest_at, bool greatest_is_own, int64_t wall_unix_ms);

// The greatest `at` that is accepted at this wall time. Saturates.
int64_t drift_bound(int64_t wall_unix_ms, int64_t max_drift_ms);

}  // namespace replic

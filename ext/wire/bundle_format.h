// The numbers of the bundle format, see wire/bundle.h. For its writer and reader only.

#pragma once

#include <cstddef>
#include <cstdint>

#include "model/clock.h"

namespace replic::wire {

inline constexpr uint64_t kVersion = 1;
inline constexpr size_t kChecksumBytes = 8;
// Shapes that can be in use at a time: with more, a table of many NULLs could fill the memory.
inline constexpr size_t kMaxShapes = 1024;
inline constexpr int64_t kTicksPerMs = int64_t{1} << kCounterBits;

// What a record begins with.
enum Tag : uint8_t {
  kEnd = 0,
  kName = 1,
  kShape = 2,
  kMove = 3,
  kGroup = 4,
  kVoid = 5,
  kGone = 6,
  kRequest = 7,
  kSkip = 8,
  kFirstShape = 16  // plus the number of the shape: a patch
};

constexpr uint64_t u(int64_t value) { return static_cast<uint64_t>(value); }

}  // namespace replic::wire

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
namespace tag {
inline constexpr uint64_t kEnd = 0;
inline constexpr uint64_t kName = 1;
inline constexpr uint64_t kShape = 2;
inline constexpr uint64_t kMove = 3;
inline constexpr uint64_t kGroup = 4;
inline constexpr uint64_t kVoid = 5;
inline constexpr uint64_t kGone = 6;
inline constexpr uint64_t kRequest = 7;
inline constexpr uint64_t kSkip = 8;
inline constexpr uint64_t kFirstShape = 16;  // plus the number of the shape: a patch
}  // namespace tag

constexpr uint64_t u(int64_t value) { return static_cast<uint64_t>(value); }

}  // namespace replic::wire

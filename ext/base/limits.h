// Every limit of replic, with its unit and its reason.

#pragma once

#include <cstddef>
#include <cstdint>

namespace replic {

// Largest peer, seq and at: integers that every host language holds exactly (IEEE-754 doubles).
inline constexpr int64_t kMaxInteger = (int64_t{1} << 53) - 1;

// Bytes of one text input. A message host rarely sends more than a page; a larger input is a
// mistake.
inline constexpr size_t kMaxTextBytes = size_t{16} << 20;

// Nesting of JSON. Messages need four levels; the rest is room for arrays of arrays.
inline constexpr int kMaxJsonDepth = 32;

// Columns of a table: SQLite's own default limit.
inline constexpr size_t kMaxColumns = 2000;

// Bytes of the name of a table or column in a message. Names are sent once and copied into each
// patch: without a limit, the work for a bundle would grow with the square of its size.
inline constexpr size_t kMaxIdentifierBytes = 1000;

// How far ahead of the wall clock a patch may be before it is parked. Milliseconds.
inline constexpr int64_t kDefaultMaxDriftMs = 300'000;

// Patches of one local transaction that still travel as a group. A receiver holds a group back
// until all of it is there.
inline constexpr int64_t kDefaultGroupMax = 10'000;

}  // namespace replic

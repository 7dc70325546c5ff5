// Memory that runs out at a chosen moment.
//
// SQLite's allocations go through a wrapper that is installed before SQLite starts. Those of C++,
// the extension's included, are caught as the process's own `malloc`, or, under the address
// sanitizer, which needs that one itself, as its own `operator new`. While no fault is armed all
// of it only counts.

#pragma once

#include <cstdint>

namespace replic::test {

// While one lives, C++'s allocations are the library's: only those count and fail. Not nested.
class InLibrary {
 public:
  InLibrary();
  InLibrary(const InLibrary&) = delete;
  InLibrary& operator=(const InLibrary&) = delete;
  ~InLibrary();
};

enum class Allocator : uint8_t { sqlite, cpp };

// While it lives, the `nth` allocation (from 1) fails; with `for_good` so do all after it.
// At most one at a time, on one thread.
class AllocFault {
 public:
  AllocFault(Allocator allocator, int64_t nth, bool for_good = false);
  AllocFault(const AllocFault&) = delete;
  AllocFault& operator=(const AllocFault&) = delete;
  ~AllocFault() { disarm(); }

  void disarm();
  // Whether an allocation has failed.
  bool hit() const;
};

// How many allocations `allocator` has made since the process began.
int64_t allocations(Allocator allocator);

}  // namespace replic::test

// A VFS that fails at a chosen moment, and whose clock stands still.

#pragma once

#include <cstdint>

namespace replic::test {

// The name to open a database with. Beneath it lies the default VFS; the clock is kFaultVfsUnixMs.
inline constexpr const char* kFaultVfs = "replic-fault";
inline constexpr int64_t kFaultVfsUnixMs = 1'767'225'600'000;  // 2026-01-01T00:00Z

// What is counted, and fails.
enum class Io : uint8_t { write, sync, read, open, shared_memory };

// While it lives, the `nth` call of that kind (from 1) fails with `code`; with `for_good` so do all
// after it. At most one at a time, on one thread.
class IoFault {
 public:
  IoFault(Io io, int code, int64_t nth, bool for_good = false);
  IoFault(const IoFault&) = delete;
  IoFault& operator=(const IoFault&) = delete;
  ~IoFault() { disarm(); }

  void disarm();
  bool hit() const;
};

// Registers the VFS; harmless when it is there.
void register_fault_vfs();

}  // namespace replic::test

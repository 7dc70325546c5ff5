#include "support/alloc_fault.h"

#include <sqlite3.h>

#include <cstddef>
#include <cstdlib>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define REPLIC_UNDER_ASAN 1
#else
#define REPLIC_UNDER_ASAN 0
extern "C" void* __libc_malloc(size_t size);
#endif

namespace replic::test {
namespace {

struct Fault {
  bool armed = false;
  bool for_good = false;
  bool hit = false;
  Allocator allocator = Allocator::sqlite;
  int64_t left = 0;  // allocations until the one that fails
};

// Plain data: it is used before and after every constructor and destructor of the process.
constinit Fault fault;
constinit int64_t counts[2] = {0, 0};
constinit bool in_library = false;

bool fails(Allocator allocator) {
  if (allocator == Allocator::cpp && !in_library) return false;
  counts[static_cast<size_t>(allocator)]++;
  if (!fault.armed || fault.allocator != allocator) return false;
  if (fault.left > 1) {
    fault.left--;
    return false;
  }
  if (fault.hit && !fault.for_good) return false;
  fault.hit = true;
  return true;
}

void* raw_malloc(size_t size) {
#if REPLIC_UNDER_ASAN
  return std::malloc(size);
#else
  return __libc_malloc(size);
#endif
}

// SQLite wants to know how large an allocation is, so its size stands before it.
constexpr size_t kHeader = 16;

void* sqlite_malloc(int size) {
  if (fails(Allocator::sqlite)) return nullptr;
  auto* block = static_cast<char*>(raw_malloc(static_cast<size_t>(size) + kHeader));
  if (block == nullptr) return nullptr;
  *reinterpret_cast<int64_t*>(block) = size;
  return block + kHeader;
}

int sqlite_size(void* memory) {
  if (memory == nullptr) return 0;
  return static_cast<int>(*reinterpret_cast<int64_t*>(static_cast<char*>(memory) - kHeader));
}

void sqlite_free(void* memory) {
  if (memory != nullptr) std::free(static_cast<char*>(memory) - kHeader);
}

void* sqlite_realloc(void* memory, int size) {
  if (fails(Allocator::sqlite)) return nullptr;
  auto* block = static_cast<char*>(
      std::realloc(static_cast<char*>(memory) - kHeader, static_cast<size_t>(size) + kHeader));
  if (block == nullptr) return nullptr;
  *reinterpret_cast<int64_t*>(block) = size;
  return block + kHeader;
}

int sqlite_roundup(int size) { return (size + 7) & ~7; }
int sqlite_init(void*) { return SQLITE_OK; }
void sqlite_shutdown(void*) {}

// Before main: SQLite takes an allocator only while it has not started.
const int installed = [] {
  static const sqlite3_mem_methods kMethods = {sqlite_malloc,   sqlite_free,    sqlite_realloc,
                                               sqlite_size,     sqlite_roundup, sqlite_init,
                                               sqlite_shutdown, nullptr};
  // No lookaside memory: every allocation of a connection is to be seen.
  sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
  return sqlite3_config(SQLITE_CONFIG_MALLOC, &kMethods);
}();

}  // namespace

InLibrary::InLibrary() { in_library = true; }
InLibrary::~InLibrary() { in_library = false; }

AllocFault::AllocFault(Allocator allocator, int64_t nth, bool for_good) {
  fault = {true, for_good, false, allocator, nth};
}

void AllocFault::disarm() { fault.armed = false; }
bool AllocFault::hit() const { return fault.hit; }

int64_t allocations(Allocator allocator) {
  if (installed != SQLITE_OK) std::abort();
  return counts[static_cast<size_t>(allocator)];
}

}  // namespace replic::test

#if REPLIC_UNDER_ASAN

void* operator new(size_t size) {
  using replic::test::Allocator;
  void* memory = replic::test::fails(Allocator::cpp) ? nullptr : std::malloc(size > 0 ? size : 1);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  using replic::test::Allocator;
  return replic::test::fails(Allocator::cpp) ? nullptr : std::malloc(size > 0 ? size : 1);
}
void* operator new[](size_t size) { return operator new(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }

#else

extern "C" void* malloc(size_t size) {
  return replic::test::fails(replic::test::Allocator::cpp) ? nullptr : __libc_malloc(size);
}

#endif

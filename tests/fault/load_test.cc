// Loading the extension while memory runs out: it is loaded or not, and can be loaded again.

#include <gtest/gtest.h>

#include "support/alloc_fault.h"
#include "support/host.h"

namespace replic::test {
namespace {

// Calls of each kind that is registered, the first and the last of them included.
constexpr const char* kEverything =
    "CREATE TABLE t(id INTEGER PRIMARY KEY, v);"
    "SELECT replic_track('t', '{\"mode\":\"manual\"}');"
    "SELECT replic_patch('t', 'id', 1, 'v', 2);"
    "SELECT count(*) FROM replic_help;"
    "SELECT keep_last(v, _patchedAt, _peerId, _sequenceId) FROM t_patches;"
    "SELECT count(*) FROM replic_tables; SELECT * FROM replic_check;"
    "SELECT replic_version(); SELECT replic_apply(NULL);";

// Returns whether the fault was hit.
bool load_with(Allocator allocator, int64_t nth, bool for_good) {
  sqlite3* db = nullptr;
  EXPECT_EQ(sqlite3_open(":memory:", &db), SQLITE_OK);
  AllocFault fault(allocator, nth, for_good);
  const int rc = load_extension(db);
  fault.disarm();
  const bool hit = fault.hit();
  EXPECT_TRUE(rc == SQLITE_OK || hit) << sqlite3_errmsg(db);
  std::string error;
  EXPECT_EQ(load_extension(db, &error), SQLITE_OK) << error;
  const Answer answer = ask(db, kEverything);
  EXPECT_TRUE(answer.ok()) << answer.error;
  EXPECT_EQ(sqlite3_close(db), SQLITE_OK);
  return hit;
}

class Loading : public testing::TestWithParam<Allocator> {};

TEST_P(Loading, WithoutMemoryCanBeRepeated) {
  load_with(GetParam(), INT64_MAX, false);  // the library itself, which stays in the process
  for (const bool for_good : {false, true}) {
    for (int64_t nth = 1; !HasFailure(); nth++) {
      SCOPED_TRACE((for_good ? "for good, fault " : "fault ") + std::to_string(nth));
      if (!load_with(GetParam(), nth, for_good)) {
        EXPECT_GT(nth, 10) << "too few allocations were seen";
        break;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, Loading, testing::Values(Allocator::sqlite, Allocator::cpp),
                         [](const auto& test) {
                           return test.param == Allocator::sqlite ? "OfSqlite" : "OfCpp";
                         });

}  // namespace
}  // namespace replic::test

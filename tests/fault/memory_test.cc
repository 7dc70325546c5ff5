// Out of memory at every allocation of every call, SQLite's and C++'s.

#include <gtest/gtest.h>

#include "support/alloc_fault.h"
#include "support/scenarios.h"

namespace replic::test {
namespace {

class OutOfMemory : public testing::TestWithParam<Scenario> {
 protected:
  static Sweep failing(Allocator allocator, bool for_good) {
    Sweep how;
    how.call = [=](Host& host, const std::string& sql, int64_t nth) {
      AllocFault fault(allocator, nth, for_good);
      Outcome outcome{host.ask(sql)};
      fault.disarm();
      outcome.hit = fault.hit();
      return outcome;
    };
    how.codes = {SQLITE_NOMEM, SQLITE_ABORT};
    how.runs = 20;
    return how;
  }
};

TEST_P(OutOfMemory, OfSqliteLeavesNothingBehind) {
  EXPECT_GT(sweep(GetParam(), failing(Allocator::sqlite, false)), 10);
}

TEST_P(OutOfMemory, OfSqliteForGoodLeavesNothingBehind) {
  EXPECT_GT(sweep(GetParam(), failing(Allocator::sqlite, true)), 10);
}

TEST_P(OutOfMemory, OfCppLeavesNothingBehind) {
  EXPECT_GT(sweep(GetParam(), failing(Allocator::cpp, false)), 2);
}

TEST_P(OutOfMemory, OfCppForGoodLeavesNothingBehind) {
  EXPECT_GT(sweep(GetParam(), failing(Allocator::cpp, true)), 2);
}

TEST_P(OutOfMemory, InATransactionLeavesNothingBehind) {
  for (const Allocator allocator : {Allocator::sqlite, Allocator::cpp}) {
    Sweep how = failing(allocator, false);
    how.in_transaction = true;
    how.runs = 20;
    sweep(GetParam(), how);
  }
}

TEST_P(OutOfMemory, UnderAHeapLimitLeavesNothingBehind) {
  Sweep how;
  how.call = [](Host& host, const std::string& sql, int64_t nth) {
    constexpr int64_t kStepBytes = 512;
    const int64_t before = sqlite3_hard_heap_limit64(sqlite3_memory_used() + nth * kStepBytes);
    Outcome outcome{host.ask(sql)};
    sqlite3_hard_heap_limit64(before);
    outcome.hit = outcome.answer.primary() == SQLITE_NOMEM;
    return outcome;
  };
  how.codes = {SQLITE_NOMEM};
  how.in_transaction = true;
  how.runs = 15;
  sweep(GetParam(), how);
}

INSTANTIATE_TEST_SUITE_P(, OutOfMemory, testing::ValuesIn(scenarios()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace replic::test

// A full disk and I/O errors at every write, sync, read and open of every call.

#include <gtest/gtest.h>

#include "support/io_fault.h"
#include "support/scenarios.h"
#include "support/temp_folder.h"

namespace replic::test {
namespace {

struct DiskFault {
  Io io;
  int code;
};

class Disk : public testing::TestWithParam<Scenario> {
 protected:
  void fail(const std::vector<DiskFault>& faults, const std::string& setup) {
    const TempFolder folder;
    for (const DiskFault& kind : faults) {
      for (const bool for_good : {false, true}) {
        SCOPED_TRACE("code " + std::to_string(kind.code) + (for_good ? " for good" : ""));
        Sweep how;
        how.call = [=](Host& host, const std::string& sql, int64_t nth) {
          IoFault fault(kind.io, kind.code, nth, for_good);
          Outcome outcome{host.ask(sql)};
          fault.disarm();
          outcome.hit = fault.hit();
          return outcome;
        };
        how.codes = {SQLITE_FULL, SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_ABORT};
        how.in_transaction = true;
        how.runs = 12;
        how.path = folder.file("sample.db");
        how.setup = setup;
        sweep(GetParam(), how);
        if (HasFailure()) return;
      }
    }
  }
};

TEST_P(Disk, FullOrBrokenWithARollbackJournalLeavesNothingBehind) {
  fail({{Io::write, SQLITE_FULL},
        {Io::write, SQLITE_IOERR_WRITE},
        {Io::sync, SQLITE_IOERR_FSYNC},
        {Io::read, SQLITE_IOERR_READ},
        {Io::open, SQLITE_CANTOPEN}},
       "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL");
}

TEST_P(Disk, FullOrBrokenWithAWriteAheadLogLeavesNothingBehind) {
  fail({{Io::write, SQLITE_FULL},
        {Io::sync, SQLITE_IOERR_FSYNC},
        {Io::read, SQLITE_IOERR_READ},
        {Io::shared_memory, SQLITE_IOERR_SHMMAP}},
       "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
}

// A cache of a few pages: dirty pages are written in the middle of a transaction, and read back.
TEST_P(Disk, FullOrBrokenWithASmallCacheLeavesNothingBehind) {
  fail({{Io::write, SQLITE_FULL}, {Io::read, SQLITE_IOERR_READ}},
       "PRAGMA journal_mode = DELETE; PRAGMA cache_size = 5; PRAGMA cache_spill = 1");
}

INSTANTIATE_TEST_SUITE_P(, Disk, testing::ValuesIn(writing_scenarios()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace replic::test

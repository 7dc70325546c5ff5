// What a write costs must not grow with the rows that ever held the same value of a UNIQUE key. The
// cost is counted in steps of SQLite's virtual machine, so it is the same in every run.

#include <gtest/gtest.h>

#include "support/host.h"

namespace replic::test {
namespace {

// One job runs at a time, and all have run once.
std::string jobs(int64_t first, int64_t count) {
  std::string sql = "BEGIN;";
  for (int64_t i = first; i < first + count; i++) {
    const std::string id = std::to_string(i);
    sql += "INSERT INTO job VALUES (" + id + ", 'queued', '" + id + "');";
    for (const char* status : {"running", "done"})
      sql += "UPDATE job SET status = '" + std::string(status) + "' WHERE id = " + id + ";";
  }
  return sql + "COMMIT";
}

void make_tables(const Host& host, const std::string& index) {
  host.rows(
      "CREATE TABLE job(id INTEGER PRIMARY KEY, status TEXT, name TEXT CHECK (name <> 'bad'));" +
      index + ";SELECT replic_track('job')");
}

class CostOfAKey : public testing::TestWithParam<const char*> {};

TEST_P(CostOfAKey, DoesNotGrowWithTheRowsThatHeldItsValues) {
  Host here, there;
  make_tables(here, GetParam());
  make_tables(there, GetParam());
  const auto send = [&] {
    const std::string has = here.one("SELECT quote(replic_bundle(" +
                                     sql_text(there.one("SELECT replic_vector()")) + "))");
    return "SELECT replic_apply(" + has + ")";
  };
  // Something waits on both sides, as it may for ever. By an expression all rows are tied, also to
  // the one that waits.
  const bool may_wait = std::string(GetParam()).find("||") == std::string::npos;
  if (may_wait) {
    for (const Host* host : {&here, &there}) {
      const std::string bad = patch_message(7, 1, 1, "job", R"({"id":-1,"name":"bad"})");
      host->rows("SELECT replic_apply(" + sql_text(bad) + ")");
    }
  }
  here.rows(jobs(0, 20));
  there.rows(send());
  const int64_t write_early = here.steps(jobs(20, 20));
  const int64_t apply_early = there.steps(send());
  here.rows(jobs(40, 400));
  there.rows(send());
  const int64_t write_late = here.steps(jobs(440, 20));
  const int64_t apply_late = there.steps(send());
  EXPECT_LT(write_late, write_early * 2);
  EXPECT_LT(apply_late, apply_early * 2);
  EXPECT_EQ(here.one("SELECT replic_digest()"), there.one("SELECT replic_digest()"));
  EXPECT_EQ(there.number("SELECT count(*) FROM replic_pending"), may_wait ? 1 : 0);
}

constexpr const char* kNames[] = {"Partial", "Expression", "Plain"};

INSTANTIATE_TEST_SUITE_P(
    , CostOfAKey,
    testing::Values("CREATE UNIQUE INDEX one ON job(status) WHERE status = 'running'",
                    "CREATE UNIQUE INDEX one ON job(status || '') WHERE status = 'running'",
                    "CREATE UNIQUE INDEX one ON job(status, name)"),
    [](const auto& test) { return kNames[test.index]; });

}  // namespace
}  // namespace replic::test

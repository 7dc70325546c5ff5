// What a write costs must not grow with the rows that ever held the same value of a UNIQUE key, nor
// with what has been written of its row. The cost is counted in steps of SQLite's virtual machine,
// so it is the same in every run.

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

class CostOfARow : public testing::TestWithParam<const char*> {};

TEST_P(CostOfARow, DoesNotGrowWithItsHistory) {
  const Host host;
  host.rows(
      "CREATE TABLE kv(k TEXT PRIMARY KEY, v, kind TEXT, owner TEXT); SELECT replic_track('kv');"
      "INSERT INTO kv VALUES ('a', 0, 'number', NULL)");
  const auto write = [&](int64_t first, int64_t count) {
    std::string sql = "BEGIN;";
    for (int64_t i = first; i < first + count; i++) {
      std::string one = GetParam();
      one.replace(one.find('?'), 1, std::to_string(i));
      sql += one + ";";
    }
    return sql + "COMMIT";
  };
  host.rows(write(1, 40));
  const int64_t early = host.steps(write(100, 40));
  host.rows(write(200, 1000));
  const int64_t late = host.steps(write(2000, 40));
  EXPECT_LT(late, early * 2);
  EXPECT_EQ(host.rows("SELECT * FROM replic_check"), std::vector<std::string>());
  EXPECT_EQ(host.one("SELECT * FROM kv"), "a|2039|number|NULL");
}

INSTANTIATE_TEST_SUITE_P(
    , CostOfARow,
    testing::Values("INSERT OR REPLACE INTO kv VALUES ('a', ?, 'number', NULL)",
                    "DELETE FROM kv; INSERT INTO kv VALUES ('a', ?, 'number', NULL)",
                    "UPDATE kv SET v = ?",
                    "INSERT INTO kv VALUES ('a', ?, 'number', NULL) ON CONFLICT DO UPDATE SET v = "
                    "excluded.v"));

// An INSERT says what it has changed. Of a row of many patches it says all, seldom, so that what
// the row was is found in few.
TEST(PatchesOfReplace, SayWhatHasChangedAndSeldomAll) {
  const Host host;
  host.rows(
      "CREATE TABLE kv(k TEXT PRIMARY KEY, v, kind TEXT, owner TEXT); SELECT replic_track('kv');"
      "INSERT INTO kv VALUES ('a', 0, 'number', NULL)");
  for (int i = 1; i <= 200; i++) {
    const std::string sql =
        "INSERT OR REPLACE INTO kv VALUES ('a', " + std::to_string(i) + ", 'number', NULL)";
    host.rows(sql);
    host.rows(sql);  // changes nothing
  }
  EXPECT_EQ(host.number("SELECT count(*) FROM kv_patches"), 201);
  EXPECT_EQ(host.number("SELECT count(*) FROM kv_patches WHERE kind IS NOT NULL"), 1 + 200 / 33);
  EXPECT_EQ(host.one("SELECT _nulls FROM kv_patches WHERE kind IS NOT NULL AND v > 0"),
            "[\"owner\",\"deletedAt\"]");
  EXPECT_EQ(host.one("SELECT * FROM kv"), "a|200|number|NULL");
  EXPECT_EQ(host.rows("SELECT * FROM replic_check"), std::vector<std::string>());
}

}  // namespace
}  // namespace replic::test

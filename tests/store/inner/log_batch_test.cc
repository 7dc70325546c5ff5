// LogBatch: the log of many rows, in their order.
#include "store/log_batch.h"

#include "sqlite/api.h"
#include "store/inner/inner.h"

namespace replic::test {
namespace {

class LogBatchTest : public Inner {
 protected:
  // Handles patches in the order given, as the merger does; returns the stamps that the batch
  // found to be the newest of each row before: their seqs, 0 where there was none.
  std::vector<int64_t> handle(const std::string& table, const std::vector<RowPatch>& patches) {
    std::vector<int64_t> out;
    write([&] {
      LogBatch batch(db());
      batch.begin();
      for (const RowPatch& one : patches) {
        const auto newest = batch.newest(plan(table), key_of(plan(table), one));
        out.push_back(newest ? newest->seq : 0);
        batch.insert(plan(table), one);
      }
      batch.flush();
    });
    return out;
  }
  std::string logged(const std::string& table) {
    return rows("SELECT count(*), min(_sequenceId), max(_sequenceId) FROM " + table + "_patches");
  }
};

TEST_F(LogBatchTest, FindsTheNewestPatchAmongNewRowsAndKnownOnes) {
  track("CREATE TABLE t(a INTEGER, b INTEGER, v, PRIMARY KEY(a, b))", "t");
  apply("t", {1, 9, 1}, {cell("a", 1), cell("b", 5), cell("v", 0)});
  apply("t", {2, 9, 2}, {cell("a", 1), cell("b", 5), cell("v", 1)});
  apply("t", {3, 9, 3}, {cell("a", 2), cell("b", 2), cell("v", 0)});
  std::vector<RowPatch> patches;
  int64_t seq = 10;
  for (const auto& [a, b] : std::vector<std::pair<int64_t, int64_t>>{{1, 1},
                                                                     {1, 2},
                                                                     {1, 2},
                                                                     {1, 4},
                                                                     {1, 5},
                                                                     {1, 6},
                                                                     {1, 9},
                                                                     {2, 1},
                                                                     {2, 2},
                                                                     {2, 2},
                                                                     {3, 1}}) {
    patches.push_back(patch("t", {seq, 8, seq}, {cell("a", a), cell("b", b), null_cell("v")}));
    seq++;
  }
  EXPECT_EQ(handle("t", patches), (std::vector<int64_t>{0, 0, 11, 0, 2, 0, 0, 0, 3, 18, 0}));
  EXPECT_EQ(logged("t"), "14|1|20");
  EXPECT_EQ(rows("SELECT DISTINCT _nulls FROM t_patches WHERE _peerId = 8"), "[\"v\"]");
}

TEST_F(LogBatchTest, FindsItAmongTexts) {
  track("CREATE TABLE t(a TEXT PRIMARY KEY, v)", "t");
  apply("t", {1, 9, 1}, {cell("a", "m"), cell("v", 0)});
  std::vector<RowPatch> patches;
  int64_t seq = 10;
  for (const char* a : {"", "a", "b", "b", "m", "n", "\xC3\xA4", "\xC3\xB6", "\xEF\xBF\xBE"}) {
    patches.push_back(patch("t", {seq, 8, seq}, {cell("a", std::string(a)), cell("v", 1)}));
    seq++;
  }
  EXPECT_EQ(handle("t", patches), (std::vector<int64_t>{0, 0, 0, 12, 1, 0, 0, 0, 0}));
  EXPECT_EQ(logged("t"), "10|1|18");
}

TEST_F(LogBatchTest, ChangesTheTableInTheMidst) {
  track("CREATE TABLE t(id INTEGER PRIMARY KEY, v)", "t");
  track("CREATE TABLE s(id INTEGER PRIMARY KEY)", "s");
  const RowPatch one = patch("t", {1, 9, 1}, {cell("id", 1), cell("v", 1)});
  const RowPatch two = patch("s", {2, 9, 2}, {cell("id", 1)});
  write([&] {
    LogBatch batch(db());
    batch.begin();
    batch.insert(plan("t"), one);
    EXPECT_EQ(batch.newest(plan("s"), {Value::integer(1)}), std::nullopt);
    batch.insert(plan("s"), two);
    EXPECT_EQ(batch.newest(plan("s"), {Value::integer(1)})->seq, 2);
    EXPECT_EQ(batch.newest(plan("t"), {Value::integer(1)})->seq, 1);
  });
}

TEST_F(LogBatchTest, KeepsToTheHostsLimitOfParameters) {
  track("CREATE TABLE t(id INTEGER PRIMARY KEY, v)", "t");
  const size_t wanted = plan("t").log_insert_batch_parameters;
  const auto patches_from = [&](int64_t first) {
    std::vector<RowPatch> out;
    for (int64_t i = first; i < first + 20; i++)
      out.push_back(patch("t", {i, 9, i}, {cell("id", i), cell("v", i)}));
    return out;
  };
  for (const size_t limit : {wanted, wanted - 1}) {
    sqlite3_limit(handle_, SQLITE_LIMIT_VARIABLE_NUMBER, static_cast<int>(limit));
    const int64_t first = limit == wanted ? 1 : 101;
    EXPECT_EQ(handle("t", patches_from(first)), std::vector<int64_t>(20, 0));
  }
  EXPECT_EQ(logged("t"), "40|1|120");
}

}  // namespace
}  // namespace replic::test

// Scratch: what SQLite itself says of rows, without the host's tables being touched.
#include "store/scratch.h"

#include "sqlite/api.h"
#include "store/inner/inner.h"

namespace replic::test {
namespace {

class ScratchTest : public Inner {
 protected:
  // Why the rows that the patches make by themselves are refused; "" when they are not.
  std::string refusal(const std::string& table, const std::vector<RowPatch>& patches,
                      const std::vector<RowPatch>& neighbours = {}) {
    std::vector<RowFold> folds;
    folds.reserve(patches.size() + neighbours.size());
    std::vector<const RowFold*> rows;
    std::vector<const RowFold*> others;
    for (const RowPatch& one : patches) {
      folds.emplace_back(plan(table)).add(one);
      rows.push_back(&folds.back());
    }
    for (const RowPatch& one : neighbours) {
      folds.emplace_back(plan(table)).add(one);
      others.push_back(&folds.back());
    }
    return scratch_.refusal(plan(table), rows, others).value_or("");
  }

  Scratch scratch_{db()};
};

TEST_F(ScratchTest, AsksForChecks) {
  track("CREATE TABLE t(id INTEGER PRIMARY KEY, lo INTEGER, hi INTEGER, CHECK (lo <= hi))", "t");
  EXPECT_EQ(refusal("t", {patch("t", {1, 1, 1}, {cell("id", 1), cell("lo", 1), cell("hi", 2)})}),
            "");
  EXPECT_EQ(refusal("t", {patch("t", {1, 1, 1}, {cell("id", 1), cell("lo", 3), cell("hi", 2)})}),
            "CHECK constraint failed: lo <= hi");
  // Nothing of a question is left for the next one.
  EXPECT_EQ(refusal("t", {patch("t", {1, 1, 1}, {cell("id", 1), cell("lo", 1), cell("hi", 2)})}),
            "");
}

TEST_F(ScratchTest, AsksForUniqueExpressionsAmongTheRowsAndTheirNeighbours) {
  track("CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)", "t");
  sql("CREATE UNIQUE INDEX t_v ON t(lower(v))");
  const RowPatch one = patch("t", {1, 1, 1}, {cell("id", 1), cell("v", "Ab")});
  const RowPatch two = patch("t", {2, 1, 2}, {cell("id", 2), cell("v", "aB")});
  const RowPatch three = patch("t", {3, 1, 3}, {cell("id", 3), cell("v", "c")});
  EXPECT_EQ(refusal("t", {one, two}), "UNIQUE constraint failed: index 't_v'");
  EXPECT_EQ(refusal("t", {two}, {one}), "UNIQUE constraint failed: index 't_v'");
  EXPECT_EQ(refusal("t", {one, three}), "");
  EXPECT_EQ(refusal("t", {three}, {one}), "");
}

TEST_F(ScratchTest, TouchesNothingOfTheHostAndHeedsNoneOfItsSwitches) {
  track("CREATE TABLE t(id INTEGER PRIMARY KEY, v INTEGER CHECK (v > 0))", "t");
  sql("CREATE TABLE seen(x)");
  sql("CREATE TRIGGER see AFTER INSERT ON t BEGIN INSERT INTO seen VALUES (NEW.id); END");
  sql("PRAGMA ignore_check_constraints = ON");
  EXPECT_EQ(refusal("t", {patch("t", {1, 1, 1}, {cell("id", 1), cell("v", 0)})}),
            "CHECK constraint failed: v > 0");
  EXPECT_EQ(rows("SELECT count(*) FROM t"), "0");
  EXPECT_EQ(rows("SELECT count(*) FROM seen"), "0");
}

TEST_F(ScratchTest, SaysWhatItCannotJudge) {
  const auto twice = [](sqlite3_context* context, int, sqlite3_value** values) {
    sqlite3_result_int64(context, 2 * sqlite3_value_int64(values[0]));
  };
  sqlite3_create_function(handle_, "twice", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, nullptr, twice,
                          nullptr, nullptr);
  sql("CREATE TABLE own(id INTEGER PRIMARY KEY, v INTEGER CHECK (twice(v) < 9))");
  sql("CREATE TABLE plain(id INTEGER PRIMARY KEY, v INTEGER CHECK (v < 9))");
  catalog().refresh();
  const auto fault = scratch_.fault(*catalog().inspect("own"));
  ASSERT_TRUE(fault.has_value());
  EXPECT_NE(fault->find("no such function: twice"), std::string::npos) << *fault;
  EXPECT_EQ(scratch_.fault(*catalog().inspect("plain")), std::nullopt);
}

}  // namespace
}  // namespace replic::test

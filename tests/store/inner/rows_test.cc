// write_rows: rows that are legal all together are written, whatever is in the way of one before
// another.
#include "store/rows.h"

#include <deque>

#include "store/inner/inner.h"

namespace replic::test {
namespace {

class RowsTest : public Inner {
 protected:
  // A row that shall be what this patch says, alone.
  void want(const std::string& table, const std::vector<Cell>& cells, bool is_local = false) {
    patches_.push_back(patch(table, {1, 1, static_cast<int64_t>(patches_.size()) + 1}, cells));
    folds_.emplace_back(plan(table)).add(patches_.back());
    targets_.push_back(
        {&plan(table), key_of(plan(table), patches_.back()), &folds_.back(), is_local});
  }
  std::optional<RowRefusal> write_all() {
    std::optional<RowRefusal> refusal;
    write([&] { refusal = write_rows(db(), targets_); });
    return refusal;
  }

  std::deque<RowPatch> patches_;
  std::deque<RowFold> folds_;
  std::vector<RowTarget> targets_;
};

TEST_F(RowsTest, LetsUniqueValuesChangePlaces) {
  track("CREATE TABLE t(id INTEGER PRIMARY KEY, u TEXT UNIQUE)", "t");
  sql("INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')");
  want("t", {cell("id", 1), cell("u", "b")});
  want("t", {cell("id", 2), cell("u", "c")});
  want("t", {cell("id", 3), cell("u", "a")});
  EXPECT_FALSE(write_all());
  EXPECT_EQ(rows("SELECT * FROM t"), "1|b\n2|c\n3|a");
}

TEST_F(RowsTest, TakesChildrenBeforeTheirParents) {
  sql("PRAGMA foreign_keys = ON");
  track("CREATE TABLE p(id INTEGER PRIMARY KEY)", "p");
  track("CREATE TABLE c(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id))", "c");
  want("c", {cell("id", 1), cell("p", 7)});
  want("p", {cell("id", 7)});
  EXPECT_FALSE(write_all());
  EXPECT_EQ(rows("SELECT c.id, p.id FROM c JOIN p ON c.p = p.id"), "1|7");
  EXPECT_EQ(rows("PRAGMA foreign_key_check"), "");
}

TEST_F(RowsTest, DeletesWhatIsNotVisible) {
  track("CREATE TABLE t(id INTEGER PRIMARY KEY, u TEXT UNIQUE)", "t");
  sql("INSERT INTO t VALUES (1, 'a')");
  want("t", {cell("id", 2), cell("u", "a")});
  want("t", {cell("id", 1), cell("deletedAt", 5)});
  EXPECT_FALSE(write_all());
  EXPECT_EQ(rows("SELECT * FROM t"), "2|a");
}

TEST_F(RowsTest, NamesTheRowThatIsRefused) {
  track("CREATE TABLE t(id INTEGER PRIMARY KEY, v INTEGER CHECK (v > 0))", "t");
  want("t", {cell("id", 1), cell("v", 1)});
  want("t", {cell("id", 2), cell("v", -1)});
  const auto refusal = write_all();
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->target, 1U);
  EXPECT_EQ(refusal->why, "CHECK constraint failed: v > 0");
}

TEST_F(RowsTest, OverrulesATriggerThatRefusesAndHeedsItForLocalRows) {
  track("CREATE TABLE t(id INTEGER PRIMARY KEY, v INTEGER)", "t");
  sql("CREATE TRIGGER no BEFORE INSERT ON t BEGIN SELECT RAISE(ABORT, 'not you'); END");
  want("t", {cell("id", 1), cell("v", 1)});
  EXPECT_FALSE(write_all());
  EXPECT_EQ(rows("SELECT * FROM t"), "1|1");
  EXPECT_EQ(rows("SELECT count(*) FROM sqlite_schema WHERE name = 'no'"), "1");
  targets_.clear();
  want("t", {cell("id", 2), cell("v", 1)}, true);
  const auto refusal = write_all();
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->why, "not you");
}

TEST_F(RowsTest, WritesNothingWhenARowIsAsItShallBe) {
  track("CREATE TABLE t(id INTEGER PRIMARY KEY, v INTEGER)", "t");
  sql("INSERT INTO t VALUES (1, 1)");
  sql("CREATE TABLE seen(x)");
  sql("CREATE TRIGGER see AFTER UPDATE ON t BEGIN INSERT INTO seen VALUES (NEW.id); END");
  want("t", {cell("id", 1), cell("v", 1)});
  EXPECT_FALSE(write_all());
  EXPECT_EQ(rows("SELECT count(*) FROM seen"), "0");
}

}  // namespace
}  // namespace replic::test

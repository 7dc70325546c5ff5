// History: the units that touch a row, and when each was accepted.
#include "store/history.h"

#include "store/inner/inner.h"

namespace replic::test {
namespace {

class HistoryTest : public Inner {
 protected:
  HistoryTest() {
    track("CREATE TABLE t(id INTEGER PRIMARY KEY, u TEXT UNIQUE, v)", "t");
    track("CREATE TABLE s(id INTEGER PRIMARY KEY, v)", "s");
  }
  static std::string stamps(const RowHistory& row) {
    std::string out;
    for (const RowHistory::Part* part : row.parts)
      out += (out.empty() ? "" : " ") + std::to_string(part->patch.stamp.at) + "." +
             std::to_string(part->patch.stamp.peer);
    return out;
  }
  RowHistory& row(const std::string& table, int64_t id) {
    return history_.row(plan(table), {Value::integer(id)});
  }

  History history_{db(), catalog(), parked()};
};

TEST_F(HistoryTest, ReadsTheLogAndWhatWaitsByStamp) {
  apply("t", {30, 8, 1}, {cell("id", 1), cell("u", "x")});
  apply("t", {10, 9, 1}, {cell("id", 2), cell("u", "z")});
  apply("t", {40, 9, 2}, {cell("id", 1), cell("u", "z")});  // waits: row 2 has it
  apply("t", {20, 9, 3}, {cell("id", 1), cell("v", 1)});
  RowHistory& one = row("t", 1);
  EXPECT_EQ(stamps(one), "20.9 30.8 40.9");
  EXPECT_TRUE(one.parts[0]->in_log);
  EXPECT_TRUE(one.parts[2]->is_parked);
  EXPECT_EQ(one.parts[1]->unit->before, (Position{{30, 8, 1}, 0}));
  EXPECT_EQ(one.parts[2]->unit->before, kNever);
  EXPECT_EQ(stamps(row("t", 2)), "10.9");
  EXPECT_EQ(stamps(row("t", 3)), "");
  EXPECT_EQ(&row("t", 1), &one);  // read once
}

TEST_F(HistoryTest, PutsTheUnitsOfATransactionTogether) {
  const Range group{1, 3};
  apply("t", {10, 9, 1}, {cell("id", 1), cell("u", "x")}, group);
  apply("s", {10, 9, 2}, {cell("id", 1), cell("v", 5)}, group);
  EXPECT_EQ(stamps(row("t", 1)), "");  // not all here: it is not decided on
  apply("s", {10, 9, 3}, {cell("id", 2), cell("v", 6)}, group);
  History history(db(), catalog(), parked());
  RowHistory& one = history.row(plan("t"), {Value::integer(1)});
  ASSERT_EQ(one.parts.size(), 1U);
  UnitHistory& unit = *one.parts[0]->unit;
  EXPECT_TRUE(unit.is_group);
  EXPECT_EQ(unit.seqs, group);
  EXPECT_FALSE(unit.whole);
  history.complete(unit);
  EXPECT_TRUE(unit.whole);
  EXPECT_EQ(unit.parts.size(), 3U);
  EXPECT_EQ(stamps(history.row(plan("s"), {Value::integer(2)})), "10.9");
}

TEST_F(HistoryTest, KnowsWhoWasAcceptedLater) {
  apply("t", {10, 9, 1}, {cell("id", 1), cell("u", "x")});
  apply("t", {20, 9, 2}, {cell("id", 2), cell("u", "x")});  // waits
  apply("t", {30, 8, 1}, {cell("id", 1), cell("u", "y")});  // and is freed
  EXPECT_EQ(rows("SELECT id, u FROM t ORDER BY id"), "1|y\n2|x");
  const UnitHistory& late = *row("t", 2).parts.at(0)->unit;
  EXPECT_EQ(late.before, (Position{{30, 8, 1}, 1}));
  EXPECT_FALSE(late.is_at_once(late.before));
  EXPECT_EQ(history_.first_accepted(plan("t"), {Value::integer(2)}), late.before);
  EXPECT_EQ(history_.first_accepted(plan("t"), {Value::integer(1)}), (Position{{10, 9, 1}, 0}));
  EXPECT_EQ(history_.first_accepted(plan("t"), {Value::integer(3)}), std::nullopt);
}

TEST_F(HistoryTest, FindsEveryRowOfATable) {
  for (int64_t i = 1; i <= 5; i++) apply("s", {i, 9, i}, {cell("id", i % 3), cell("v", i)});
  EXPECT_EQ(history_.all_rows(plan("s")).size(), 3U);
  EXPECT_TRUE(history_.all_rows(plan("t")).empty());
}

}  // namespace
}  // namespace replic::test

// RowFold: what a row is after some of its patches, and what can be said of it without SQLite.
#include "store/fold.h"

#include <algorithm>
#include <numeric>

#include "store/inner/inner.h"

namespace replic::test {
namespace {

class FoldTest : public Inner {
 protected:
  FoldTest() {
    track(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT NOT NULL, b INTEGER NOT NULL DEFAULT 5,"
        " c, u TEXT UNIQUE)",
        "t");
  }
  std::string shown(const RowFold& fold) {
    std::string out;
    for (size_t i = 0; i < fold.plan().columns.size(); i++) {
      const Value& value = fold.value(i);
      if (i > 0) out += '|';
      if (value.type() == Type::integer) out += std::to_string(value.as_integer());
      if (value.type() == Type::text) out += value.bytes();
    }
    return out;
  }
};

TEST_F(FoldTest, GivesEachColumnItsNewestValueInEveryOrder) {
  const std::vector<RowPatch> patches = {
      patch("t", {10, 1, 1}, {cell("id", 1), cell("a", "one"), cell("c", "old")}),
      patch("t", {20, 1, 2}, {cell("id", 1), cell("a", "two")}),
      // Of equal clock values the greater peer wins, and of one peer the greater seq.
      patch("t", {20, 2, 1}, {cell("id", 1), cell("a", "three"), cell("u", "x")}),
      patch("t", {20, 2, 2}, {cell("id", 1), cell("u", "y"), null_cell("c")}),
  };
  std::vector<size_t> order(patches.size());
  std::iota(order.begin(), order.end(), 0U);
  do {
    RowFold fold(plan("t"));
    for (const size_t i : order) fold.add(patches[i]);
    EXPECT_EQ(shown(fold), "1|three|5||y");
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_F(FoldTest, IsVisibleWhileNoTombstoneIsSet) {
  RowFold fold(plan("t"));
  EXPECT_TRUE(fold.empty());
  EXPECT_FALSE(fold.visible());
  const RowPatch row = patch("t", {1, 1, 1}, {cell("id", 1), cell("a", "x")});
  const RowPatch gone = patch("t", {2, 1, 2}, {cell("id", 1), cell("deletedAt", 7)});
  const RowPatch back = patch("t", {3, 1, 3}, {cell("id", 1), null_cell("deletedAt")});
  fold.add(row);
  EXPECT_TRUE(fold.visible());
  fold.add(gone);
  EXPECT_FALSE(fold.visible());
  fold.add(back);
  EXPECT_TRUE(fold.visible());
}

TEST_F(FoldTest, KnowsWhatIsMissing) {
  RowFold fold(plan("t"));
  const RowPatch row = patch("t", {1, 1, 1}, {cell("id", 1), null_cell("b")});
  fold.add(row);
  const size_t a = *plan("t").find("a");
  const size_t b = *plan("t").find("b");
  EXPECT_TRUE(fold.lacks(a));
  EXPECT_TRUE(fold.needs(a));
  EXPECT_TRUE(fold.lacks(b));  // an explicit NULL, in spite of the default
  EXPECT_FALSE(fold.needs(b));
  EXPECT_EQ(fold.lacking(), a);
  EXPECT_EQ(refusal_of(fold), "NOT NULL constraint failed: t.a");
  const RowPatch rest = patch("t", {2, 1, 2}, {cell("id", 1), cell("a", "x"), cell("b", 1)});
  fold.add(rest);
  EXPECT_EQ(fold.lacking(), std::nullopt);
  EXPECT_EQ(refusal_of(fold), std::nullopt);
}

TEST_F(FoldTest, SaysWhichPatchesCanDecideSomething) {
  const auto of = [&](const std::vector<Cell>& cells) { return patch("t", {1, 1, 1}, cells); };
  EXPECT_TRUE(is_harmless(plan("t"), of({cell("id", 1), cell("a", "x")})));
  EXPECT_FALSE(is_harmless(plan("t"), of({cell("id", 1), null_cell("a")})));
  EXPECT_FALSE(matters(plan("t"), of({cell("id", 1), cell("c", "x")})));
  EXPECT_TRUE(matters(plan("t"), of({cell("id", 1), cell("u", "x")})));
  EXPECT_TRUE(sets_tied_column(plan("t"), of({cell("id", 1), cell("u", "x")})));
  EXPECT_FALSE(sets_tied_column(plan("t"), of({cell("id", 1), cell("a", "x")})));
}

TEST_F(FoldTest, TestsTheTypesOfAStrictTable) {
  track("CREATE TABLE s(id INTEGER PRIMARY KEY, i INTEGER, t TEXT, b BLOB, x ANY, r REAL) STRICT",
        "s");
  const auto fits = [&](const char* column, const Value& value) {
    return fits_strict(plan("s").columns[*plan("s").find(column)], value);
  };
  for (const char* column : {"i", "t", "b", "x", "r"}) EXPECT_TRUE(fits(column, Value())) << column;
  EXPECT_TRUE(fits("i", Value::integer(1)));
  EXPECT_FALSE(fits("i", Value::text("one")));
  EXPECT_FALSE(fits("i", Value::real(1.5)));
  EXPECT_TRUE(fits("t", Value::text("one")));
  EXPECT_FALSE(fits("t", Value::blob("one")));
  EXPECT_TRUE(fits("b", Value::blob("one")));
  EXPECT_FALSE(fits("b", Value::text("one")));
  EXPECT_TRUE(fits("x", Value::blob("one")));
  EXPECT_TRUE(fits("r", Value::real(1.5)));
  EXPECT_FALSE(fits("r", Value::text("1.5x")));
}

TEST_F(FoldTest, TellsWhetherTwoShowTheSame) {
  const RowPatch one = patch("t", {1, 1, 1}, {cell("id", 1), cell("a", "x")});
  const RowPatch same = patch("t", {9, 3, 1}, {cell("id", 1), cell("a", "x"), cell("b", 5)});
  const RowPatch other = patch("t", {2, 1, 2}, {cell("id", 1), cell("a", "y")});
  RowFold x(plan("t"));
  RowFold y(plan("t"));
  RowFold z(plan("t"));
  x.add(one);
  y.add(same);
  z.add(other);
  EXPECT_TRUE(x.shows_same(y));
  EXPECT_FALSE(x.shows_same(z));
  EXPECT_TRUE(RowFold(plan("t")).shows_same(RowFold(plan("t"))));
}

}  // namespace
}  // namespace replic::test

// Claims: which rows are tied, by the values that they have ever held or referred to.
#include "store/claims.h"

#include <algorithm>

#include "store/inner/inner.h"

namespace replic::test {
namespace {

class ClaimsTest : public Inner {
 protected:
  // The keys, all integers, of the rows that ever held `value` by UNIQUE(`column`).
  std::string holders(const std::string& table, const std::string& column, const Value& value) {
    return names(claims_.holders(key(table, column), tuple(table, column, value)));
  }
  std::string referrers(const std::string& table, const std::string& column, const Value& value) {
    return names(claims_.referrers(key(table, column), tuple(table, column, value)));
  }
  const ValueKey& key(const std::string& table, const std::string& column) {
    for (const ValueKey& one : plan(table).value_keys) {
      if (one.columns.size() == 1 && one.columns[0].name == column) return one;
    }
    throw std::runtime_error("no key " + column);
  }
  Tuple tuple(const std::string& table, const std::string& column, const Value& value) {
    return *tuple_of(key(table, column), {value});
  }
  static std::string names(std::vector<RowName> found) {
    std::sort(found.begin(), found.end());
    std::string out;
    for (const RowName& name : found) {
      out.append(out.empty() ? "" : " ").append(name.table);
      out += std::to_string(key_from(name.row_key).front().as_integer());
    }
    return out;
  }
  void note(const std::string& table, const RowPatch& of, bool first) {
    write([&] { claims_.note(plan(table), of, first); });
  }

  Claims claims_{db(), catalog(), parked()};
};

TEST_F(ClaimsTest, RemembersWhoEverHeldAValue) {
  track("CREATE TABLE t(id INTEGER PRIMARY KEY, u TEXT COLLATE NOCASE UNIQUE)", "t");
  apply("t", {1, 9, 1}, {cell("id", 1), cell("u", "x")});
  apply("t", {2, 9, 2}, {cell("id", 1), cell("u", "y")});
  apply("t", {3, 9, 3}, {cell("id", 2), cell("u", "X")});
  apply("t", {4, 9, 4}, {cell("id", 3), null_cell("u")});
  EXPECT_EQ(holders("t", "u", Value::text("x")), "t1 t2");
  EXPECT_EQ(holders("t", "u", Value::text("Y")), "t1");
  EXPECT_EQ(holders("t", "u", Value::text("z")), "");
  EXPECT_EQ(tuple_of(key("t", "u"), {Value()}), std::nullopt);  // NULL conflicts with nothing
}

TEST_F(ClaimsTest, RemembersWhoEverReferred) {
  sql("PRAGMA foreign_keys = ON");
  track("CREATE TABLE p(id INTEGER PRIMARY KEY, code TEXT UNIQUE)", "p");
  track("CREATE TABLE c(id INTEGER PRIMARY KEY, code TEXT REFERENCES p(code))", "c");
  apply("p", {1, 9, 1}, {cell("id", 1), cell("code", "a")});
  apply("c", {2, 9, 2}, {cell("id", 5), cell("code", "a")});
  apply("c", {3, 9, 3}, {cell("id", 6), cell("code", "b")});  // waits; it refers all the same
  EXPECT_EQ(referrers("p", "code", Value::text("a")), "c5");
  EXPECT_EQ(referrers("p", "code", Value::text("b")), "c6");
  const RowName other{"p", row_key(plan("p"), {Value::integer(1)})};
  EXPECT_TRUE(
      claims_.referrer_waits(key("p", "code"), tuple("p", "code", Value::text("b")), other));
  EXPECT_FALSE(
      claims_.referrer_waits(key("p", "code"), tuple("p", "code", Value::text("a")), other));
}

TEST_F(ClaimsTest, TellsWhatAPatchMayComeToClaim) {
  track("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b TEXT, UNIQUE(a, b))", "t");
  apply("t", {1, 9, 1}, {cell("id", 1), cell("a", "x"), cell("b", "1")});
  apply("t", {2, 9, 2}, {cell("id", 1), cell("b", "2")});
  // With each value of b that the row has ever had.
  Claims::Noted noted;
  write([&] {
    noted = claims_.note(plan("t"), patch("t", {3, 9, 3}, {cell("id", 1), cell("a", "y")}), false);
  });
  std::vector<std::string> pairs;
  for (const auto& [key, tuple] : noted.provided)
    pairs.push_back(tuple.values[0].bytes() + tuple.values[1].bytes());
  std::sort(pairs.begin(), pairs.end());
  EXPECT_EQ(pairs, (std::vector<std::string>{"y1", "y2"}));
}

TEST_F(ClaimsTest, CountsInWhatIsExpected) {
  track("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b TEXT, UNIQUE(a, b))", "t");
  const RowPatch one = patch("t", {1, 9, 1}, {cell("id", 1), cell("a", "x")});
  const RowPatch two = patch("t", {2, 9, 2}, {cell("id", 1), cell("b", "1")});
  Claims::Noted noted;
  write([&] {
    claims_.expect(plan("t"), one);
    noted = claims_.note(plan("t"), two, false);
    claims_.forget_expected();
  });
  ASSERT_EQ(noted.provided.size(), 1U);
  EXPECT_EQ(noted.provided[0].second.values[0].bytes(), "x");
}

TEST_F(ClaimsTest, NotesTheLogAnewWhenTheKeysChange) {
  track("CREATE TABLE t(id INTEGER PRIMARY KEY, u TEXT)", "t");
  apply("t", {1, 9, 1}, {cell("id", 1), cell("u", "x")});
  apply("t", {2, 9, 2}, {cell("id", 1), cell("u", "y")});
  sql("CREATE UNIQUE INDEX t_u ON t(u)");
  write([&] { EXPECT_TRUE(claims_.prepare(plan("t"))); });
  write([&] { EXPECT_FALSE(claims_.prepare(plan("t"))); });
  EXPECT_EQ(holders("t", "u", Value::text("x")), "t1");
  EXPECT_EQ(holders("t", "u", Value::text("y")), "t1");
}

TEST_F(ClaimsTest, KnowsWhichParentsWereEverDeleted) {
  track("CREATE TABLE p(id INTEGER PRIMARY KEY)", "p");
  track("CREATE TABLE c(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id))", "c");
  const std::string name = row_key(plan("p"), {Value::integer(1)});
  apply("p", {1, 9, 1}, {cell("id", 1)});
  EXPECT_FALSE(claims_.was_ever_deleted(plan("p"), name));
  apply("p", {2, 9, 2}, {cell("id", 1), cell("deletedAt", 5)});
  apply("p", {3, 9, 3}, {cell("id", 1), null_cell("deletedAt")});
  EXPECT_TRUE(claims_.was_ever_deleted(plan("p"), name));
}

}  // namespace
}  // namespace replic::test

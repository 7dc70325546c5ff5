// KeyFunction: what a UNIQUE index computes, as SQLite does it.
#include "store/key_function.h"

#include "store/inner/inner.h"

namespace replic::test {
namespace {

class KeyFunctionTest : public Inner {
 protected:
  // The function of the UNIQUE key that was made last; null when it has none.
  KeyFunction* function() {
    const TablePlan& t = plan("t");
    return t.value_keys.empty() ? nullptr : t.value_keys.front().function.get();
  }
  // Its columns, with commas between; "none" without one.
  std::string columns() {
    if (function() == nullptr) return "none";
    std::string out;
    for (const size_t i : function()->columns())
      out.append(out.empty() ? "" : ",").append(plan("t").columns[i].name);
    return out;
  }
};

TEST_F(KeyFunctionTest, KnowsTheColumnsAndComputesWhatSQLiteDoes) {
  track("CREATE TABLE t(id INTEGER PRIMARY KEY, \"e mail\" TEXT, n INTEGER, unused)", "t");
  sql("CREATE UNIQUE INDEX i ON t(n DESC, lower(\"E MAIL\") -- as it is read\n COLLATE NOCASE)");
  EXPECT_EQ(columns(), "e mail,n");
  EXPECT_EQ((*function())({Value::text("Ab"), Value::integer(3)}),
            (std::vector<Value>{Value::integer(3), Value::text("ab")}));
  EXPECT_EQ((*function())({Value(), Value::integer(3)}),
            (std::vector<Value>{Value::integer(3), Value()}));
  EXPECT_EQ(function()->terms()[1].collation, "NOCASE");
  EXPECT_EQ(plan("t").value_keys.front().label, "index 'i'");
}

TEST_F(KeyFunctionTest, ComparesAsTheTableDoes) {
  track("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT COLLATE NOCASE, b INTEGER)", "t");
  sql("CREATE UNIQUE INDEX i ON t((a = 'X'), (b = '7'))");
  EXPECT_EQ((*function())({Value::text("x"), Value::integer(7)}),
            (std::vector<Value>{Value::integer(1), Value::integer(1)}));
}

TEST_F(KeyFunctionTest, FollowsGeneratedColumns) {
  track(
      "CREATE TABLE t(/* first */ id INTEGER PRIMARY KEY, [as] TEXT, b DEFAULT (1 AND 2),"
      " \"made\"\"up\" TEXT CHECK (1) AS (twice || [as]) UNIQUE,"
      " twice AS (b * 2) STORED, CHECK (id > 0))",
      "t");
  EXPECT_EQ(columns(), "as,b");
  EXPECT_EQ((*function())({Value::text("x"), Value::integer(4)}),
            (std::vector<Value>{Value::text("8x")}));
  EXPECT_EQ(plan("t").value_keys.front().label, "t.made\"up");
}

TEST_F(KeyFunctionTest, IsAskedForRowsThatSQLiteCannotHave) {
  track("CREATE TABLE t(id INTEGER PRIMARY KEY, body TEXT NOT NULL)", "t");
  sql("CREATE UNIQUE INDEX i ON t(json_extract(body, '$.name'))");
  EXPECT_EQ((*function())({Value::text("{\"name\":7}")}), std::vector<Value>{Value::integer(7)});
  EXPECT_EQ((*function())({Value::text("{")}), std::nullopt);
  EXPECT_EQ((*function())({Value()}), std::vector<Value>{Value()});
}

TEST_F(KeyFunctionTest, IsThereWhereItIsNeededOnly) {
  track("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT UNIQUE, b TEXT)", "t");
  EXPECT_EQ(columns(), "none");
  sql("CREATE UNIQUE INDEX i ON t(b, id)");
  EXPECT_EQ(columns(), "none");
  EXPECT_TRUE(plan("t").value_keys.front().is_exact);
  sql("CREATE UNIQUE INDEX j ON t((1))");
  EXPECT_EQ(columns(), "none");
  EXPECT_FALSE(plan("t").value_keys.front().is_exact);
}

}  // namespace
}  // namespace replic::test

#include "model/value.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace replic {
namespace {

TEST(Value, IsNullUnlessMadeOtherwise) {
  EXPECT_TRUE(Value().is_null());
  EXPECT_EQ(Value().type(), Type::null);
  EXPECT_FALSE(Value::integer(0).is_null());
}

TEST(Value, KeepsWhatItWasMadeOf) {
  EXPECT_EQ(Value::integer(INT64_MIN).as_integer(), INT64_MIN);
  EXPECT_EQ(Value::real(2.5).as_real(), 2.5);
  const std::string bytes("a\0b", 3);
  EXPECT_EQ(Value::text(bytes).bytes(), bytes);
  EXPECT_EQ(Value::blob(bytes).bytes(), bytes);
  EXPECT_EQ(Value::blob(bytes).take_bytes(), bytes);
}

TEST(Value, IsNullForNotANumberAsInSqlite) {
  EXPECT_TRUE(Value::real(std::numeric_limits<double>::quiet_NaN()).is_null());
  EXPECT_TRUE(Value::real(-std::numeric_limits<double>::quiet_NaN()).is_null());
  EXPECT_FALSE(Value::real(std::numeric_limits<double>::infinity()).is_null());
}

TEST(Value, EqualsWhatHasTheSameTypeAndBits) {
  EXPECT_EQ(Value(), Value());
  EXPECT_EQ(Value::integer(7), Value::integer(7));
  EXPECT_EQ(Value::real(0.1), Value::real(0.1));
  EXPECT_EQ(Value::text("x"), Value::text("x"));
}

TEST(Value, DiffersFromWhatOnlyComparesEqualInSql) {
  EXPECT_NE(Value::integer(1), Value::real(1.0));
  EXPECT_NE(Value::real(0.0), Value::real(-0.0));
  EXPECT_NE(Value::text("x"), Value::blob("x"));
  EXPECT_NE(Value::text(""), Value());
  EXPECT_NE(Value::text("a"), Value::text("A"));
}

// Source: the examples of sqlite.org/datatype3.html, 3.1.1, and the order of its rules.
TEST(AffinityOf, FollowsTheRulesOfSqlite) {
  const std::pair<std::string_view, Affinity> table[] = {
      {"INT", Affinity::integer},
      {"INTEGER", Affinity::integer},
      {"tinyint", Affinity::integer},
      {"UNSIGNED BIG INT", Affinity::integer},
      {"INT8", Affinity::integer},
      {"CHARACTER(20)", Affinity::text},
      {"VARCHAR(255)", Affinity::text},
      {"VARYING CHARACTER(255)", Affinity::text},
      {"NATIVE CHARACTER(70)", Affinity::text},
      {"TEXT", Affinity::text},
      {"clob", Affinity::text},
      {"BLOB", Affinity::blob},
      {"", Affinity::blob},
      {"REAL", Affinity::real},
      {"DOUBLE PRECISION", Affinity::real},
      {"FLOAT", Affinity::real},
      {"NUMERIC", Affinity::numeric},
      {"DECIMAL(10,5)", Affinity::numeric},
      {"BOOLEAN", Affinity::numeric},
      {"DATETIME", Affinity::numeric},
      {"STRING", Affinity::numeric},
      {"ANY", Affinity::numeric},
      {"FLOATING POINT", Affinity::integer},  // it ends in POINT
      {"CHARINT", Affinity::integer},
      {"TEXTBLOB", Affinity::text},
      {"BLOBTEXT", Affinity::text},
      {"REALBLOB", Affinity::blob},
      {"XREALX", Affinity::real},
  };
  for (const auto& [type, affinity] : table) {
    EXPECT_EQ(affinity_of(type, false), affinity) << type;
  }
}

TEST(AffinityOf, TakesAnyAsItIsInAStrictTable) {
  EXPECT_EQ(affinity_of("ANY", true), Affinity::blob);
  EXPECT_EQ(affinity_of("any", true), Affinity::blob);
  EXPECT_EQ(affinity_of("INT", true), Affinity::integer);
  EXPECT_EQ(affinity_of("TEXT", true), Affinity::text);
}

TEST(AffinityType, IsATypeOfThatAffinity) {
  for (const Affinity affinity :
       {Affinity::blob, Affinity::text, Affinity::numeric, Affinity::integer, Affinity::real}) {
    EXPECT_EQ(affinity_of(affinity_type(affinity), false), affinity);
  }
}

TEST(RealIsInteger, TakesExactIntegersWithin64Bits) {
  const std::pair<double, int64_t> table[] = {
      {0.0, 0},
      {-0.0, 0},
      {1.0, 1},
      {-3.0, -3},
      {9007199254740993.0, 9007199254740992},
      {1e18, 1000000000000000000},
      {9223372036854774784.0, 9223372036854774784},    // the double below 2^63
      {-9223372036854774784.0, -9223372036854774784},  // the double above -2^63
  };
  for (const auto& [real, integer] : table) {
    int64_t out = 1;
    EXPECT_TRUE(real_is_integer(real, &out)) << real;
    EXPECT_EQ(out, integer) << real;
  }
}

TEST(RealIsInteger, LeavesEverythingElse) {
  const double table[] = {0.5,
                          -1.5,
                          1e-300,
                          9223372036854775808.0,   // 2^63
                          -9223372036854775808.0,  // SQLite keeps -2^63 a real too
                          1e300,
                          std::numeric_limits<double>::infinity(),
                          -std::numeric_limits<double>::infinity(),
                          std::numeric_limits<double>::quiet_NaN()};
  for (const double real : table) {
    int64_t out = 17;
    EXPECT_FALSE(real_is_integer(real, &out)) << real;
    EXPECT_EQ(out, 17) << real;
  }
}

}  // namespace
}  // namespace replic

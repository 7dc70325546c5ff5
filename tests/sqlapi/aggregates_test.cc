// keep_last against a search through every row of the group or frame.

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <random>
#include <tuple>

#include "support/host.h"

namespace replic::test {
namespace {

struct Row {
  std::optional<int> value;
  int at, peer, seq;
};

std::string sql_of(const std::optional<int>& value) {
  return value ? std::to_string(*value) : "NULL";
}

std::string expected(const std::vector<Row>& rows, int first, int last) {
  const Row* best = nullptr;
  for (int i = std::max(first, 0); i <= last && i < static_cast<int>(rows.size()); i++) {
    const Row& row = rows[static_cast<size_t>(i)];
    if (!row.value) continue;
    if (best == nullptr ||
        std::tie(best->at, best->peer, best->seq) < std::tie(row.at, row.peer, row.seq)) {
      best = &row;
    }
  }
  return best == nullptr ? "NULL" : std::to_string(*best->value);
}

void fill(const Host& host, const std::vector<Row>& rows) {
  std::string sql = "DROP TABLE IF EXISTS t; CREATE TABLE t(place, value, at, peer, seq);";
  for (size_t i = 0; i < rows.size(); i++) {
    const Row& r = rows[i];
    sql += "INSERT INTO t VALUES (" + std::to_string(i) + "," + sql_of(r.value) + "," +
           std::to_string(r.at) + "," + std::to_string(r.peer) + "," + std::to_string(r.seq) + ");";
  }
  host.rows(sql);
}

// Stamps that are often equal in `at`, sometimes in `peer`, never in all three.
std::vector<Row> random_rows(std::mt19937& random, size_t count) {
  std::vector<Row> rows;
  for (size_t i = 0; i < count; i++) {
    Row row{std::nullopt, static_cast<int>(random() % 4), static_cast<int>(random() % 3),
            static_cast<int>(i)};
    if (random() % 3 != 0) row.value = static_cast<int>(random() % 100);
    rows.push_back(row);
  }
  std::shuffle(rows.begin(), rows.end(), random);
  return rows;
}

constexpr const char* kCall = "keep_last(value, at, peer, seq)";

TEST(KeepLast, DoesNotDependOnTheOrderOfVisits) {
  const Host host;
  std::vector<Row> rows = {
      {1, 5, 1, 1}, {2, 5, 2, 1}, {std::nullopt, 9, 9, 9}, {3, 5, 2, 2}, {4, 1, 9, 9}};
  std::vector<size_t> order(rows.size());
  std::iota(order.begin(), order.end(), size_t{0});
  do {
    std::vector<Row> permuted;
    for (const size_t i : order) permuted.push_back(rows[i]);
    fill(host, permuted);
    EXPECT_EQ(host.one(std::string("SELECT ") + kCall + " FROM t"), "3");
    EXPECT_EQ(host.one(std::string("SELECT ") + kCall + " FROM (SELECT * FROM t ORDER BY place)"),
              "3");
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(KeepLast, FindsTheGreatestStampOfEveryGroup) {
  const Host host;
  std::mt19937 random(1);
  for (int round = 0; round < 200; round++) {
    const std::vector<Row> rows = random_rows(random, 1 + random() % 30);
    fill(host, rows);
    std::vector<std::string> groups;
    for (int group = 0; group < 3; group++) {
      std::vector<Row> members;
      for (size_t i = 0; i < rows.size(); i++) {
        if (static_cast<int>(i % 3) == group) members.push_back(rows[i]);
      }
      if (members.empty()) continue;
      groups.push_back(std::to_string(group) + "|" + expected(members, 0, 100));
    }
    EXPECT_EQ(
        host.rows(std::string("SELECT place % 3, ") + kCall + " FROM t GROUP BY 1 ORDER BY 1"),
        groups);
  }
}

TEST(KeepLast, FindsTheGreatestStampOfEveryFrame) {
  const Host host;
  std::mt19937 random(2);
  for (int round = 0; round < 300; round++) {
    const std::vector<Row> rows = random_rows(random, 1 + random() % 24);
    fill(host, rows);
    const int before = static_cast<int>(random() % 7) - 1;  // -1: from the beginning
    const int after = static_cast<int>(random() % 7) - 1;   // -1: to the end
    const auto bound = [](int distance, const char* direction) {
      if (distance < 0) return std::string("UNBOUNDED ") + direction;
      return std::to_string(distance) + " " + direction;
    };
    const std::string frame =
        "ROWS BETWEEN " + bound(before, "PRECEDING") + " AND " + bound(after, "FOLLOWING");
    std::vector<std::string> values;
    const int end = static_cast<int>(rows.size());
    for (int i = 0; i < end; i++) {
      values.push_back(expected(rows, before < 0 ? 0 : i - before, after < 0 ? end : i + after));
    }
    EXPECT_EQ(host.rows(std::string("SELECT ") + kCall + " OVER (ORDER BY place " + frame +
                        ") FROM t ORDER BY place"),
              values)
        << frame;
  }
}

TEST(KeepLast, FollowsFramesThatMoveAhead) {
  const Host host;
  std::mt19937 random(3);
  for (int round = 0; round < 100; round++) {
    const std::vector<Row> rows = random_rows(random, 1 + random() % 20);
    fill(host, rows);
    const int end = static_cast<int>(rows.size());
    std::vector<std::string> ahead, behind;
    for (int i = 0; i < end; i++) {
      ahead.push_back(expected(rows, i + 1, i + 3));
      behind.push_back(i >= 1 ? expected(rows, i - 4, i - 1) : "NULL");
    }
    const auto window = [&](const std::string& frame) {
      return host.rows(std::string("SELECT ") + kCall + " OVER (ORDER BY place ROWS BETWEEN " +
                       frame + ") FROM t ORDER BY place");
    };
    EXPECT_EQ(window("1 FOLLOWING AND 3 FOLLOWING"), ahead);
    EXPECT_EQ(window("4 PRECEDING AND 1 PRECEDING"), behind);
  }
}

TEST(KeepLast, GivesEveryTypeAsItIs) {
  const Host host;
  EXPECT_EQ(host.one("SELECT typeof(v), v FROM (SELECT keep_last(column1, column2, 1, 1) AS v "
                     "FROM (VALUES (9223372036854775807, 2), ('x', 1)))"),
            "integer|9223372036854775807");
  EXPECT_EQ(host.one("SELECT keep_last(x'00ff', 1, 1, 1)"), "x'00ff'");
  EXPECT_EQ(host.one("SELECT keep_last(1.5, 1, 1, 1)"), "1.5");
  EXPECT_EQ(host.one("SELECT hex(keep_last('a' || char(0) || 'b', 1, 1, 1))"), "610062");
  EXPECT_EQ(host.one("SELECT keep_last(NULL, 1, 1, 1)"), "NULL");
  EXPECT_EQ(host.one("SELECT keep_last(1, 1, 1, 1) FROM (SELECT 1) WHERE 0"), "NULL");
  EXPECT_EQ(host.one("SELECT keep_last(1, 1, 1, 1) FILTER (WHERE 0)"), "NULL");
}

TEST(KeepLast, RefusesStampsThatAreNotWholeNumbers) {
  Host host;
  for (const char* stamp : {"'x', 1, 1", "1, 1.5, 1", "1, 1, NULL", "1, x'00', 1"}) {
    const std::string call = std::string("SELECT keep_last(5, ") + stamp + ")";
    EXPECT_NE(host.error(call).find("replic: E_ARGUMENT: keep_last: "), std::string::npos) << call;
    EXPECT_NE(host.error(call + " OVER () FROM (VALUES (1), (2))").find("E_ARGUMENT"),
              std::string::npos);
  }
  EXPECT_NE(host.error("SELECT keep_last(1, 2, 3)").find("wrong number of arguments"),
            std::string::npos);
  // A NULL is not looked at, so neither is its stamp.
  EXPECT_EQ(host.one("SELECT keep_last(NULL, 'x', 1, 1)"), "NULL");
  EXPECT_EQ(host.close(), SQLITE_OK);
}

TEST(KeepLast, MergesALogAsTheTableDoes) {
  const Host host;
  host.rows(
      "CREATE TABLE note(id INTEGER PRIMARY KEY, a, b); SELECT replic_init(1);"
      "SELECT replic_track('note', '{\"mode\":\"manual\"}')");
  std::mt19937 random(4);
  for (int seq = 1; seq <= 200; seq++) {
    const char* column = random() % 2 == 0 ? "a" : "b";
    host.rows("SELECT replic_apply(" +
              sql_text(patch_message(2 + seq % 3, seq, static_cast<int64_t>(random() % 50), "note",
                                     "{\"id\":" + std::to_string(random() % 5) + ",\"" + column +
                                         "\":" + std::to_string(seq) + "}")) +
              ")");
  }
  EXPECT_EQ(
      host.rows("SELECT id, keep_last(a, _patchedAt, _peerId, _sequenceId), "
                "keep_last(b, _patchedAt, _peerId, _sequenceId) FROM note_patches GROUP BY id"),
      host.rows("SELECT id, a, b FROM note ORDER BY id"));
}

}  // namespace
}  // namespace replic::test

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

// Frames of every kind, over partitions, with rows left out of them.
class Frame {
 public:
  explicit Frame(std::mt19937& random)
      : unit_(random() % 3),
        before_(static_cast<int>(random() % 5) - 1),
        after_(static_cast<int>(random() % 5) - 1),
        exclude_(random() % 4),
        filtered_(random() % 2 == 0) {}

  std::string sql() const {
    constexpr const char* kUnits[] = {"ROWS", "GROUPS", "RANGE"};
    constexpr const char* kExcluded[] = {"NO OTHERS", "CURRENT ROW", "GROUP", "TIES"};
    const auto bound = [](int distance, const char* direction) {
      return (distance < 0 ? "UNBOUNDED" : std::to_string(distance)) + " " + direction;
    };
    return std::string(filtered_ ? "FILTER (WHERE seq % 3 > 0)" : "") +
           " OVER (PARTITION BY peer ORDER BY at" + (unit_ == 0 ? ", seq " : " ") + kUnits[unit_] +
           " BETWEEN " + bound(before_, "PRECEDING") + " AND " + bound(after_, "FOLLOWING") +
           " EXCLUDE " + kExcluded[exclude_] + ")";
  }
  // Whether row j of a partition that is in order belongs to the frame of row i.
  bool holds(const std::vector<Row>& rows, size_t i, size_t j) const {
    const bool peers = i == j || (unit_ != 0 && rows[i].at == rows[j].at);
    if (exclude_ == 1 && i == j) return false;
    if (exclude_ == 2 && peers) return false;
    if (exclude_ == 3 && peers && i != j) return false;
    if (filtered_ && rows[j].seq % 3 == 0) return false;
    const int distance = place(rows, j) - place(rows, i);
    return (before_ < 0 || distance >= -before_) && (after_ < 0 || distance <= after_);
  }

 private:
  // What the bounds count: rows, different values of `at`, or `at` itself.
  int place(const std::vector<Row>& rows, size_t i) const {
    if (unit_ == 0) return static_cast<int>(i);
    if (unit_ == 2) return rows[i].at;
    int groups = 0;
    for (size_t k = 1; k <= i; k++) groups += rows[k].at != rows[k - 1].at;
    return groups;
  }

  size_t unit_;
  int before_, after_;  // -1: unbounded
  size_t exclude_;
  bool filtered_;
};

TEST(KeepLast, FindsTheGreatestStampOfFramesOfEveryKind) {
  const Host host;
  std::mt19937 random(5);
  for (int round = 0; round < 600; round++) {
    std::vector<Row> rows = random_rows(random, 1 + random() % 24);
    // The stamp is another than what orders the rows.
    fill(host, rows);
    host.rows("ALTER TABLE t ADD COLUMN stamp; UPDATE t SET stamp = (seq * 7 + at * 5) % 11");
    std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
      return std::tie(a.peer, a.at, a.seq) < std::tie(b.peer, b.at, b.seq);
    });
    const Frame frame(random);
    std::vector<std::string> values;
    for (auto first = rows.begin(); first != rows.end();) {
      const auto last =
          std::find_if(first, rows.end(), [&](const Row& row) { return row.peer != first->peer; });
      const std::vector<Row> partition(first, last);
      for (size_t i = 0; i < partition.size(); i++) {
        std::vector<Row> members;
        for (size_t j = 0; j < partition.size(); j++) {
          if (!frame.holds(partition, i, j)) continue;
          Row row = partition[j];
          row.at = (row.seq * 7 + row.at * 5) % 11;
          members.push_back(row);
        }
        values.push_back(expected(members, 0, 100));
      }
      first = last;
    }
    EXPECT_EQ(host.rows("SELECT keep_last(value, stamp, peer, seq) " + frame.sql() +
                        " FROM t ORDER BY peer, at, seq"),
              values)
        << frame.sql();
  }
}

TEST(KeepLast, DoesNotDependOnTheOrderOfEqualStamps) {
  const Host host;
  std::vector<std::string> values = {"1", "1.5", "'x'", "x'00'", "NULL", "'xy'"};
  std::sort(values.begin(), values.end());
  do {
    std::string rows;
    for (const std::string& value : values) rows += (rows.empty() ? "(" : "),(") + value;
    const std::string from = " FROM (VALUES " + rows + "))";
    EXPECT_EQ(host.one("SELECT keep_last(column1, 1, 1, 1)" + from), "x'00'");
    EXPECT_EQ(
        host.one("SELECT keep_last(column1, 1, 1, 1)" + from + " WHERE typeof(column1) = 'text'"),
        "xy");
    EXPECT_EQ(host.rows("SELECT keep_last(column1, 1, 1, 1) OVER (ROWS BETWEEN UNBOUNDED PRECEDING "
                        "AND UNBOUNDED FOLLOWING)" +
                        from),
              std::vector<std::string>(values.size(), "x'00'"));
  } while (std::next_permutation(values.begin(), values.end()));
}

TEST(KeepLast, ComparesStampsOfAllSixtyFourBits) {
  const Host host;
  const std::string numbers[] = {"-9223372036854775808", "-1", "0", "1", "9223372036854775807"};
  for (const std::string& a : numbers) {
    for (const std::string& b : numbers) {
      const std::string greater = std::stoll(a) >= std::stoll(b) ? a : b;
      for (const char* stamp : {"column1, 0, 0", "0, column1, 0", "0, 0, column1"}) {
        EXPECT_EQ(host.one(std::string("SELECT keep_last(column1, ") + stamp + ") FROM (VALUES (" +
                           a + "),(" + b + "))"),
                  greater);
      }
    }
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
  // In the middle of a window's frames: what it had kept is given back, and the next call works.
  EXPECT_NE(
      host.error("SELECT keep_last('a text that is kept', column1, 1, 1) OVER (ROWS BETWEEN 2 "
                 "PRECEDING AND CURRENT ROW) FROM (VALUES (3), (2), (1), ('x'), (0))")
          .find("E_ARGUMENT"),
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

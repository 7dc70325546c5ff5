// What a message costs must not grow with what has come before it. The cost is counted in steps of
// SQLite's virtual machine, so it is the same in every run.

#include <gtest/gtest.h>

#include <algorithm>

#include "support/host.h"
#include "support/temp_folder.h"

namespace replic::test {
namespace {

constexpr const char* kTables =
    "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT);"
    "CREATE UNIQUE INDEX item_name ON item(lower(name)); SELECT replic_track('item');";

// Two peers of one table; what one has written is sent to the other, a message a call.
class CostOfAMessage : public testing::Test {
 protected:
  CostOfAMessage() {
    for (const Host* host : {&here_, &there_}) host->rows(kTables);
  }

  void write(int64_t first, int64_t count) {
    for (int64_t i = first; i < first + count; i++) {
      const std::string id = std::to_string(i);
      here_.rows("INSERT INTO item VALUES (" + id + ", 'Item " + id + "')");
    }
  }
  std::vector<std::string> sent() { return here_.rows("SELECT message FROM replic_changes"); }
  int64_t apply(const std::vector<std::string>& messages, size_t first, size_t count) {
    int64_t steps = 0;
    for (size_t i = first; i < first + count; i++)
      steps += there_.steps("SELECT replic_apply(" + sql_text(messages[i]) + ")");
    return steps;
  }

  Host here_;
  Host there_;
};

TEST_F(CostOfAMessage, IsTheSameHoweverMuchOfItsTransactionIsHere) {
  here_.rows("BEGIN");
  write(0, 600);
  here_.rows("COMMIT");
  const auto messages = sent();
  ASSERT_EQ(messages.size(), 600);
  apply(messages, 0, 20);
  const int64_t early = apply(messages, 20, 20);
  apply(messages, 40, 500);
  const int64_t late = apply(messages, 540, 20);
  EXPECT_LT(late, early * 2);
  EXPECT_EQ(there_.number("SELECT count(*) FROM item"), 0);
  apply(messages, 560, 40);
  EXPECT_EQ(here_.one("SELECT replic_digest()"), there_.one("SELECT replic_digest()"));
}

TEST_F(CostOfAMessage, OutOfOrderIsTheSameHoweverManyRowsAnIndexOfExpressionsHas) {
  write(0, 400);
  auto messages = sent();
  std::reverse(messages.begin(), messages.end());
  apply(messages, 0, 20);
  const int64_t early = apply(messages, 20, 20);
  apply(messages, 40, 340);
  const int64_t late = apply(messages, 380, 20);
  EXPECT_LT(late, early * 2);
  EXPECT_EQ(here_.one("SELECT replic_digest()"), there_.one("SELECT replic_digest()"));
}

// Each table costs a look at what the schema says of it, and no more.
TEST(CostOfTheFirstMessage, HardlyDependsOnTheNumberOfTables) {
  const TempFolder folder;
  const std::string path = "file:" + folder.file("tables") + "?psow=1";
  int made = 0;
  int64_t seq = 0;
  const auto make = [&](int count) {
    const Host host(path);
    for (const int end = made + count; made < end; made++) {
      const std::string table = "t" + std::to_string(made);
      host.rows("CREATE TABLE " + table +
                "(id INTEGER PRIMARY KEY, a TEXT UNIQUE, b INTEGER REFERENCES t0);"
                "SELECT replic_track('" +
                table + "')");
    }
  };
  const auto apply = [&] {
    const Host host(path);
    seq++;
    return host.steps("SELECT replic_apply(" +
                      sql_text(patch_message(7, seq, 1, "t0", R"({"id":2})")) + ")");
  };
  make(10);
  const int64_t few = apply();
  make(40);
  const int64_t many = apply();
  EXPECT_LT(many - few, 40 * 400);
}

TEST_F(CostOfAMessage, OfOurOwnIsTheSameHoweverManyPeersThereAre) {
  const std::string write = "UPDATE item SET name = name || 'x' WHERE id = 1";
  const auto know = [&](int64_t first, int64_t count) {
    for (int64_t peer = first; peer < first + count; peer++)
      there_.rows("SELECT replic_apply(" +
                  sql_text(patch_message(peer, 1, 1, "item", R"({"id":2})")) + ")");
  };
  there_.rows("INSERT INTO item VALUES (1, 'a'), (2, 'b')");
  know(100, 100);
  there_.rows(write);
  const int64_t early = there_.steps(write);
  know(1000, 900);
  there_.rows(write);
  const int64_t late = there_.steps(write);
  EXPECT_LT(late, early * 2);
}

}  // namespace
}  // namespace replic::test

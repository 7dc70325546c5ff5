// Replay: what the rule says of new units, and of those that they concern.
#include "store/replay.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <random>

#include "store/inner/inner.h"

namespace replic::test {
namespace {

class ReplayTest : public Inner {
 protected:
  ReplayTest() {
    sql("PRAGMA foreign_keys = ON");
    track("CREATE TABLE t(id INTEGER PRIMARY KEY, u TEXT UNIQUE, v INTEGER)", "t");
    track("CREATE TABLE p(id INTEGER PRIMARY KEY)", "p");
    track("CREATE TABLE c(id INTEGER PRIMARY KEY, p INTEGER REFERENCES p(id))", "c");
    track("CREATE TABLE k(id INTEGER PRIMARY KEY, lo INTEGER, hi INTEGER, CHECK (lo <= hi))", "k");
  }
  // The decisions that change when these units come, by seq; "never" for what has to wait.
  std::map<int64_t, std::string> decide(std::vector<Unit> units) {
    std::map<int64_t, std::string> out;
    write([&] {
      Claims claims(db(), catalog(), parked());
      for (const Unit& one : units) {
        for (const UnitPart& part : one.parts) {
          if (part.plan->has_ties()) claims.note(*part.plan, part.row, false);
        }
      }
      Scratch scratch(db());
      Replay replay(db(), catalog(), parked(), claims, scratch, true);
      for (Unit& one : units) replay.add(std::move(one));
      replay.run();
      for (const UnitHistory* decided : replay.outcome()) {
        const Position& at = decided->after;
        out[decided->stamp.seq] = at == kNever
                                      ? "never: " + decided->refusal
                                      : std::to_string(at.step.at) + "/" + std::to_string(at.place);
      }
    });
    return out;
  }
  using Decisions = std::map<int64_t, std::string>;
};

TEST_F(ReplayTest, AcceptsWhatIsLegalAtItsOwnStep) {
  EXPECT_EQ(decide({unit("t", {10, 9, 1}, {cell("id", 1), cell("u", "x")})}),
            (Decisions{{1, "10/0"}}));
}

TEST_F(ReplayTest, LetsALaterUnitWaitAndFreesItWhenTheValueIsGivenUp) {
  apply("t", {10, 9, 1}, {cell("id", 1), cell("u", "x")});
  EXPECT_EQ(
      decide({unit("t", {20, 9, 2}, {cell("id", 2), cell("u", "x")})}),
      (Decisions{
          {2, "never: UNIQUE constraint failed: t.u: the row with id 1 holds the text 'x'"}}));
  apply("t", {20, 9, 2}, {cell("id", 2), cell("u", "x")});
  EXPECT_EQ(decide({unit("t", {30, 9, 3}, {cell("id", 1), cell("u", "y")})}),
            (Decisions{{2, "30/1"}, {3, "30/0"}}));
}

TEST_F(ReplayTest, TakesBackWhatAnOlderUnitForbids) {
  apply("t", {20, 9, 2}, {cell("id", 2), cell("u", "x")});
  EXPECT_EQ(
      decide({unit("t", {10, 8, 1}, {cell("id", 1), cell("u", "x")})}),
      (Decisions{
          {1, "10/0"},
          {2, "never: UNIQUE constraint failed: t.u: the row with id 1 holds the text 'x'"}}));
}

TEST_F(ReplayTest, LetsAChildWaitForItsParent) {
  const auto child = decide({unit("c", {10, 9, 1}, {cell("id", 1), cell("p", 7)})});
  EXPECT_TRUE(child.at(1).starts_with("never: FOREIGN KEY constraint failed")) << child.at(1);
  apply("c", {10, 9, 1}, {cell("id", 1), cell("p", 7)});
  EXPECT_EQ(decide({unit("p", {20, 9, 2}, {cell("id", 7)})}),
            (Decisions{{1, "20/1"}, {2, "20/0"}}));
  // A parent that is older makes the child legal at its own step.
  EXPECT_EQ(decide({unit("p", {5, 9, 2}, {cell("id", 7)})}), (Decisions{{1, "10/0"}, {2, "5/0"}}));
}

TEST_F(ReplayTest, AsksSqliteForChecks) {
  apply("k", {10, 9, 1}, {cell("id", 1), cell("lo", 1), cell("hi", 5)});
  EXPECT_EQ(decide({unit("k", {20, 9, 2}, {cell("id", 1), cell("lo", 9)})}),
            (Decisions{{2, "never: CHECK constraint failed: lo <= hi"}}));
}

TEST_F(ReplayTest, AcceptsTogetherWhatIsLegalOnlyTogether) {
  apply("t", {10, 9, 1}, {cell("id", 1), cell("u", "x")});
  apply("t", {11, 9, 2}, {cell("id", 2), cell("u", "y")});
  Unit swap{{20, 8, 3}, Range{3, 4}, {}};
  swap.parts.push_back(
      {plan("t").shared_from_this(), patch("t", {20, 8, 3}, {cell("id", 1), cell("u", "y")}), 1});
  swap.parts.push_back(
      {plan("t").shared_from_this(), patch("t", {20, 8, 4}, {cell("id", 2), cell("u", "x")}), 1});
  EXPECT_EQ(decide({std::move(swap)}), (Decisions{{3, "20/0"}}));
}

// Six patches of three rows that take and give up three values: in each order the same is accepted,
// and nothing is left that a replay of everything would decide otherwise.
TEST(ReplayOrder, DoesNotMatter) {
  class Peer : public ReplayTest {
   public:
    void TestBody() override {}
    std::string receive(const std::vector<size_t>& order) {
      struct Message {
        int64_t at;
        int64_t id;
        const char* u;
      };
      static constexpr Message kMessages[] = {{1, 0, "y"}, {2, 1, "x"}, {3, 2, "y"},
                                              {4, 0, "x"}, {5, 0, "y"}, {6, 1, "z"}};
      for (const size_t i : order) {
        const Message& one = kMessages[i];
        apply("t", {one.at, 7, one.at}, {cell("id", one.id), cell("u", one.u)});
      }
      write([&] {
        Claims claims(db(), catalog(), parked());
        Scratch scratch(db());
        Replay replay(db(), catalog(), parked(), claims, scratch, true);
        replay.decide_all(plan("t"));
        replay.run();
        EXPECT_TRUE(replay.outcome().empty());
      });
      return rows("SELECT id, u FROM t ORDER BY id") + "\n" +
             rows("SELECT seq FROM _replic_parked ORDER BY seq");
    }
  };
  std::vector<size_t> order(6);
  std::iota(order.begin(), order.end(), 0U);
  const std::string expected = Peer().receive(order);
  std::mt19937 random(1);
  for (int i = 0; i < 100; i++) {
    std::shuffle(order.begin(), order.end(), random);
    EXPECT_EQ(Peer().receive(order), expected) << testing::PrintToString(order);
  }
}

}  // namespace
}  // namespace replic::test

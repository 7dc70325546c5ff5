#include "model/accept.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace replic {
namespace {

using Units = std::vector<size_t>;

// A unit of one patch, in a table with a unique column `key` and two NOT NULL columns.
struct Unit {
  int row = 0;
  int key = 0;        // 0: the patch does not set it
  unsigned sets = 3;  // bits: the NOT NULL columns that it sets
};

// Judges by folding everything anew each time, as the rule is written down.
class TableJudge : public Judge {
 public:
  explicit TableJudge(std::vector<Unit> units) : units_(std::move(units)) {}

  bool admit(std::span<const size_t> units) override {
    asked_++;
    if (!legal(units)) return false;
    for (const size_t unit : units) accepted_[unit] = true;
    return true;
  }

  std::vector<size_t> mates(size_t waiter, std::span<const size_t> waiting) override {
    Units group{waiter};
    while (const unsigned lacks = lacking(units_[waiter].row, group)) {
      const auto mate = std::find_if(waiting.begin(), waiting.end(), [&](size_t unit) {
        return units_[unit].row == units_[waiter].row && (units_[unit].sets & lacks) != 0 &&
               std::find(group.begin(), group.end(), unit) == group.end();
      });
      if (mate == waiting.end()) break;
      group.push_back(*mate);
    }
    return group;
  }

  int asked() const { return asked_; }

 private:
  std::map<size_t, bool> with(std::span<const size_t> units) const {
    std::map<size_t, bool> all = accepted_;
    for (const size_t unit : units) all[unit] = true;
    return all;
  }

  unsigned lacking(int row, std::span<const size_t> units) const {
    unsigned sets = 0;
    for (const auto& [unit, _] : with(units)) {
      if (units_[unit].row == row) sets |= units_[unit].sets;
    }
    return 3U & ~sets;
  }

  bool legal(std::span<const size_t> units) const {
    std::map<int, int> key_of_row;  // the fold: in stamp order, so the last one wins
    for (const auto& [unit, _] : with(units)) {
      if (units_[unit].key != 0) key_of_row[units_[unit].row] = units_[unit].key;
    }
    for (const size_t unit : units) {
      const int row = units_[unit].row;
      if (lacking(row, units) != 0) return false;
      if (!key_of_row.contains(row)) continue;
      for (const auto& [other, key] : key_of_row) {
        if (other != row && key == key_of_row[row]) return false;
      }
    }
    return true;
  }

  std::vector<Unit> units_;
  std::map<size_t, bool> accepted_;
  int asked_ = 0;
};

std::vector<bool> accept(const std::vector<Unit>& units) {
  TableJudge judge(units);
  return run_acceptance(units.size(), judge);
}

TEST(RunAcceptance, OfNothingIsNothing) { EXPECT_EQ(accept({}), std::vector<bool>()); }

TEST(RunAcceptance, AcceptsWhatNothingForbids) {
  EXPECT_EQ(accept({{1, 1}, {2, 2}, {1, 0}}), std::vector<bool>({true, true, true}));
}

TEST(RunAcceptance, LeavesTheKeyToItsEarlierHolder) {
  EXPECT_EQ(accept({{1, 7}, {2, 7}}), std::vector<bool>({true, false}));
}

TEST(RunAcceptance, TriesAWaiterAgainWhenItsCauseGoesAway) {
  // Row 2 waits for the key 7, which row 1 gives up.
  EXPECT_EQ(accept({{1, 7}, {2, 7}, {1, 8}}), std::vector<bool>({true, true, true}));
}

TEST(RunAcceptance, FreesTheOldestWaiterFirst) {
  EXPECT_EQ(accept({{1, 7}, {2, 7}, {3, 7}, {1, 8}}), std::vector<bool>({true, true, false, true}));
}

TEST(RunAcceptance, FreesAWholeChain) {
  // 3 waits for 2's key, 2 for 1's; the last unit starts the chain.
  EXPECT_EQ(accept({{1, 7}, {2, 8}, {3, 9}, {3, 8}, {2, 7}, {1, 10}}),
            std::vector<bool>({true, true, true, true, true, true}));
}

TEST(RunAcceptance, JoinsTwoPartsOfARow) {
  EXPECT_EQ(accept({{1, 0, 1}, {1, 0, 2}}), std::vector<bool>({true, true}));
  EXPECT_EQ(accept({{1, 0, 1}, {2, 5, 3}, {1, 0, 2}}), std::vector<bool>({true, true, true}));
}

TEST(RunAcceptance, KeepsAPartWaitingWithoutTheRest) {
  EXPECT_EQ(accept({{1, 0, 1}, {2, 0, 2}, {1, 0, 1}}), std::vector<bool>({false, false, false}));
}

TEST(RunAcceptance, RefusesPartsThatAreLegalOnlyInPart) {
  // Together a whole row, but its key is taken.
  EXPECT_EQ(accept({{1, 7}, {2, 0, 1}, {2, 7, 2}}), std::vector<bool>({true, false, false}));
}

TEST(RunAcceptance, AsksOnceForEachUnitWhenNoneWaits) {
  TableJudge judge(std::vector<Unit>(100, Unit{1, 0}));
  run_acceptance(100, judge);
  EXPECT_EQ(judge.asked(), 100);
}

TEST(RunAcceptance, AsksOnceForEachUnitWhenAllWait) {
  TableJudge judge(std::vector<Unit>(100, Unit{1, 0, 1}));
  run_acceptance(100, judge);
  EXPECT_EQ(judge.asked(), 100);
}

// The rule as DESIGN.md writes it, without any thought of speed.
std::vector<bool> by_the_book(const std::vector<Unit>& units) {
  TableJudge judge(units);
  std::vector<bool> accepted(units.size(), false);
  Units waiting;
  const auto step = [&] {
    for (const size_t waiter : waiting) {
      for (const Units& group : {Units{waiter}, judge.mates(waiter, waiting)}) {
        if (!judge.admit(group)) continue;
        for (const size_t unit : group) accepted[unit] = true;
        std::erase_if(waiting, [&](size_t unit) { return accepted[unit]; });
        return true;
      }
    }
    return false;
  };
  for (size_t unit = 0; unit < units.size(); unit++) {
    if (judge.admit({&unit, 1})) {
      accepted[unit] = true;
    } else {
      waiting.push_back(unit);
    }
    while (step()) {
    }
  }
  return accepted;
}

TEST(RunAcceptance, DoesWhatTheRuleSaysOnRandomUnits) {
  for (unsigned seed = 0; seed < 3000; seed++) {
    std::mt19937 random(seed);
    std::vector<Unit> units(2 + random() % 9);
    for (Unit& unit : units) {
      unit.row = static_cast<int>(1 + random() % 3);
      unit.key = static_cast<int>(random() % 4);
      unit.sets = random() % 2 == 0 ? 3 : random() % 4;
    }
    ASSERT_EQ(accept(units), by_the_book(units)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace replic

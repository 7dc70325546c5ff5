#include "model/range.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "base/limits.h"

namespace replic {
namespace {

using Ranges = std::vector<Range>;

RangeSet set_of(const Ranges& ranges) {
  RangeSet set;
  for (const Range& range : ranges) set.add(range);
  return set;
}

TEST(RangeSet, IsEmptyAtFirst) {
  const RangeSet set;
  EXPECT_TRUE(set.empty());
  EXPECT_EQ(set.last(), 0);
  EXPECT_EQ(set.contiguous(), 0);
  EXPECT_FALSE(set.contains(1));
  EXPECT_EQ(set.missing_in({3, 7}), (Ranges{{3, 7}}));
}

TEST(RangeSet, JoinsWhatOverlapsOrTouches) {
  EXPECT_EQ(set_of({{1, 1}, {2, 2}, {3, 3}}).ranges(), (Ranges{{1, 3}}));
  EXPECT_EQ(set_of({{5, 6}, {1, 2}}).ranges(), (Ranges{{1, 2}, {5, 6}}));
  EXPECT_EQ(set_of({{5, 6}, {1, 4}}).ranges(), (Ranges{{1, 6}}));
  EXPECT_EQ(set_of({{1, 2}, {4, 5}, {7, 8}, {2, 7}}).ranges(), (Ranges{{1, 8}}));
  EXPECT_EQ(set_of({{1, 2}, {4, 5}, {7, 8}, {3, 3}}).ranges(), (Ranges{{1, 5}, {7, 8}}));
  EXPECT_EQ(set_of({{1, 10}, {3, 4}}).ranges(), (Ranges{{1, 10}}));
  EXPECT_EQ(set_of({{3, 4}, {1, 10}}).ranges(), (Ranges{{1, 10}}));
}

TEST(RangeSet, TakesARangeThatEndsBeforeItBeginsForEmpty) {
  EXPECT_EQ(set_of({{1, 2}, {9, 8}}).ranges(), (Ranges{{1, 2}}));
  EXPECT_EQ(set_of({{1, 2}}).missing_in({9, 8}), Ranges{});
}

TEST(RangeSet, ReachesToTheGreatestSeq) {
  RangeSet set = set_of({{kMaxInteger, kMaxInteger}, {1, 1}});
  EXPECT_TRUE(set.contains(kMaxInteger));
  EXPECT_EQ(set.missing_in({1, kMaxInteger}), (Ranges{{2, kMaxInteger - 1}}));
  set.add({1, kMaxInteger});
  EXPECT_EQ(set.ranges(), (Ranges{{1, kMaxInteger}}));
  EXPECT_EQ(set.missing_in({1, kMaxInteger}), Ranges{});
}

TEST(RangeSet, KeepsAJumpOfABillionAsOneRange) {
  const RangeSet set = set_of({{1, 5}, {1'000'000'005, 1'000'000'005}});
  EXPECT_EQ(set.ranges().size(), 2);
  EXPECT_EQ(set.missing_in({1, set.last()}), (Ranges{{6, 1'000'000'004}}));
}

TEST(RangeSet, IsContiguousFromOneOnly) {
  EXPECT_EQ(set_of({{2, 9}}).contiguous(), 0);
  EXPECT_EQ(set_of({{1, 9}, {11, 12}}).contiguous(), 9);
}

// The model: a plain set of numbers.
struct Model {
  std::set<int64_t> seqs;

  void add(Range range) {
    for (int64_t seq = range.first; seq <= range.last; seq++) seqs.insert(seq);
  }
  Ranges ranges(Range whole, bool present) const {
    Ranges out;
    for (int64_t seq = whole.first; seq <= whole.last; seq++) {
      if (seqs.contains(seq) != present) continue;
      if (!out.empty() && out.back().last == seq - 1) {
        out.back().last = seq;
      } else {
        out.push_back({seq, seq});
      }
    }
    return out;
  }
};

TEST(RangeSet, DoesWhatASetOfNumbersDoes) {
  for (unsigned seed = 0; seed < 300; seed++) {
    std::mt19937 random(seed);
    const auto up_to = [&](int64_t most) {
      return 1 + static_cast<int64_t>(random() % static_cast<uint64_t>(most));
    };
    const int64_t most = seed % 3 == 0 ? 12 : 120;
    RangeSet set;
    Model model;
    for (int step = 0; step < 60; step++) {
      const int64_t first = up_to(most);
      const Range range{first, std::min(most, first + up_to(seed % 2 == 0 ? 3 : 20) - 1)};
      set.add(range);
      model.add(range);
      ASSERT_EQ(set.ranges(), model.ranges({1, most}, true)) << "seed " << seed;
      const int64_t from = up_to(most);
      const Range whole{from, std::min(most, from + up_to(most) - 1)};
      ASSERT_EQ(set.missing_in(whole), model.ranges(whole, false)) << "seed " << seed;
      const int64_t probe = up_to(most);
      ASSERT_EQ(set.contains(probe), model.seqs.contains(probe)) << "seed " << seed;
      ASSERT_EQ(set.last(), *model.seqs.rbegin()) << "seed " << seed;
    }
  }
}

TEST(Range, HoldsTheSameOrder) {
  EXPECT_EQ((Range{1, 2}), (Range{1, 2}));
  EXPECT_NE((Range{1, 2}), (Range{1, 3}));
  EXPECT_EQ(set_of({{1, 2}, {4, 4}}), set_of({{4, 4}, {1, 2}}));
}

}  // namespace
}  // namespace replic

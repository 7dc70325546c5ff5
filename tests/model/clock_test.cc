#include "model/clock.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "support/raised.h"

namespace replic {
namespace {

using test::raised;

constexpr int64_t kNowMs = 1'774'487'482'373;  // in March 2026
constexpr int64_t kNow = at_from_unix_ms(kNowMs);

TEST(At, BeginsIn2025AndEndsIn2059) {
  EXPECT_EQ(at_from_unix_ms(kEpochUnixMs), 0);
  EXPECT_EQ(at_from_unix_ms(kEpochUnixMs + 1), 8192);
  EXPECT_EQ(at_from_unix_ms(kLastUnixMs), kMaxInteger - 8191);
  EXPECT_EQ(kLastUnixMs, 2'835'201'227'775);  // 2059-11-04T23:53:47.775Z
  EXPECT_EQ(unix_ms_from_at(0), kEpochUnixMs);
  EXPECT_EQ(unix_ms_from_at(8191), kEpochUnixMs);
  EXPECT_EQ(unix_ms_from_at(8192), kEpochUnixMs + 1);
  EXPECT_EQ(unix_ms_from_at(kMaxInteger), kLastUnixMs);
  EXPECT_EQ(unix_ms_from_at(at_from_unix_ms(kNowMs)), kNowMs);
}

TEST(At, IsOutOfRangeForWhatIsOutsideThoseYears) {
  for (const int64_t ms : {INT64_MIN, int64_t{-1}, int64_t{0}, kEpochUnixMs - 1}) {
    EXPECT_LT(at_from_unix_ms(ms), 0) << ms;
  }
  for (const int64_t ms : {kLastUnixMs + 1, INT64_MAX}) {
    EXPECT_GT(at_from_unix_ms(ms), kMaxInteger) << ms;
  }
}

TEST(Stamp, IsOrderedByAtThenPeerThenSeq) {
  EXPECT_LT((Stamp{1, 9, 9}), (Stamp{2, 1, 1}));
  EXPECT_LT((Stamp{1, 1, 9}), (Stamp{1, 2, 1}));
  EXPECT_LT((Stamp{1, 1, 1}), (Stamp{1, 1, 2}));
  EXPECT_EQ((Stamp{1, 2, 3}), (Stamp{1, 2, 3}));
}

TEST(Tick, IsTheWallClockWhenThatIsAhead) {
  EXPECT_EQ(tick(0, false, kNowMs), kNow);
  EXPECT_EQ(tick(kNow - 1, false, kNowMs), kNow);
  EXPECT_EQ(tick(kNow - 1, true, kNowMs), kNow);
}

TEST(Tick, IsTheGreatestAtWhenThatIsOurOwn) {
  EXPECT_EQ(tick(kNow, true, kNowMs), kNow);
  EXPECT_EQ(tick(kNow + 5, true, kNowMs), kNow + 5);
}

TEST(Tick, IsAboveTheGreatestAtOfAnotherPeer) {
  EXPECT_EQ(tick(kNow, false, kNowMs), kNow + 1);
  EXPECT_EQ(tick(kNow + 8191, false, kNowMs), kNow + 8192);  // runs over into the milliseconds
}

TEST(Tick, GoesOnWhenTheWallClockStepsBack) {
  const int64_t a_day_ms = 86'400'000;
  EXPECT_EQ(tick(kNow, true, kNowMs - a_day_ms), kNow);
  EXPECT_EQ(tick(kNow, false, kNowMs - a_day_ms), kNow + 1);
}

TEST(Tick, WorksAtTheEndsOfItsRange) {
  EXPECT_EQ(tick(0, true, kEpochUnixMs), 0);
  EXPECT_EQ(tick(0, false, kEpochUnixMs), 1);
  EXPECT_EQ(tick(0, false, kLastUnixMs), at_from_unix_ms(kLastUnixMs));
  EXPECT_EQ(tick(kMaxInteger, true, kNowMs), kMaxInteger);
  EXPECT_EQ(tick(kMaxInteger - 1, false, kNowMs), kMaxInteger);
}

TEST(Tick, RefusesAWallClockOutsideItsYears) {
  for (const int64_t ms : {INT64_MIN, int64_t{0}, kEpochUnixMs - 1, kLastUnixMs + 1, INT64_MAX}) {
    const std::string text = raised([&] { tick(0, false, ms); });
    EXPECT_TRUE(text.starts_with("E_CLOCK_RANGE: the system clock says " + std::to_string(ms)))
        << text;
  }
}

TEST(Tick, RefusesWhenTheClockIsUsedUp) {
  const std::string text = raised([] { tick(kMaxInteger, false, kNowMs); });
  EXPECT_TRUE(text.starts_with("E_CLOCK_RANGE: the logical clock")) << text;
}

TEST(DriftBound, IsTheLastAtOfTheLastAcceptedMillisecond) {
  EXPECT_EQ(drift_bound(kNowMs, 0), kNow + 8191);
  EXPECT_EQ(drift_bound(kNowMs, 300'000), at_from_unix_ms(kNowMs + 300'001) - 1);
  EXPECT_EQ(drift_bound(kEpochUnixMs, 0), 8191);
  EXPECT_EQ(drift_bound(kEpochUnixMs - 1, 1), 8191);
}

TEST(DriftBound, AcceptsNothingBeforeTheEpoch) {
  EXPECT_EQ(drift_bound(kEpochUnixMs - 1, 0), -1);
  EXPECT_EQ(drift_bound(0, 300'000), -1);
  EXPECT_EQ(drift_bound(INT64_MIN, 300'000), -1);
}

TEST(DriftBound, Saturates) {
  EXPECT_EQ(drift_bound(kLastUnixMs, 0), kMaxInteger);
  EXPECT_EQ(drift_bound(kLastUnixMs - 1, 0), kMaxInteger - 8192);
  EXPECT_EQ(drift_bound(INT64_MAX, INT64_MAX), kMaxInteger);
  EXPECT_EQ(drift_bound(kNowMs, INT64_MAX), kMaxInteger);
  EXPECT_EQ(drift_bound(kNowMs, INT64_MIN), kNow + 8191);  // a negative drift is none
}

}  // namespace
}  // namespace replic

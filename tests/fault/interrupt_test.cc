// A call that is interrupted at any step, or forbidden at any point by the host's authorizer.

#include <gtest/gtest.h>

#include "support/scenarios.h"

namespace replic::test {
namespace {

struct Countdown {
  sqlite3* db;
  int64_t left;
  bool hit = false;
};

bool comes_to_zero(Countdown* countdown) {
  if (countdown->hit || --countdown->left > 0) return false;
  return countdown->hit = true;
}

class Stopped : public testing::TestWithParam<Scenario> {};

TEST_P(Stopped, ByInterruptLeavesNothingBehind) {
  Sweep how;
  how.call = [](Host& host, const std::string& sql, int64_t nth) {
    Countdown countdown{host.db(), nth};
    const auto progress = [](void* data) {
      auto* c = static_cast<Countdown*>(data);
      if (comes_to_zero(c)) sqlite3_interrupt(c->db);
      return 0;
    };
    sqlite3_progress_handler(host.db(), 1, progress, &countdown);
    Outcome outcome{host.ask(sql)};
    sqlite3_progress_handler(host.db(), 0, nullptr, nullptr);
    outcome.hit = countdown.hit;
    return outcome;
  };
  how.codes = {SQLITE_INTERRUPT, SQLITE_ABORT};
  how.may_come_after = true;
  how.in_transaction = true;
  how.runs = 20;
  sweep(GetParam(), how);
}

TEST_P(Stopped, ByTheProgressHandlerLeavesNothingBehind) {
  Sweep how;
  how.call = [](Host& host, const std::string& sql, int64_t nth) {
    Countdown countdown{host.db(), nth};
    const auto progress = [](void* data) {
      return comes_to_zero(static_cast<Countdown*>(data)) ? 1 : 0;
    };
    sqlite3_progress_handler(host.db(), 3, progress, &countdown);
    Outcome outcome{host.ask(sql)};
    sqlite3_progress_handler(host.db(), 0, nullptr, nullptr);
    outcome.hit = countdown.hit;
    return outcome;
  };
  how.codes = {SQLITE_INTERRUPT, SQLITE_ABORT};
  how.may_come_after = true;
  how.in_transaction = true;
  how.runs = 15;
  sweep(GetParam(), how);
}

TEST_P(Stopped, ByTheAuthorizerLeavesNothingBehind) {
  Sweep how;
  how.call = [](Host& host, const std::string& sql, int64_t nth) {
    Countdown countdown{host.db(), nth};
    const auto authorize = [](void* data, int, const char*, const char*, const char*, const char*) {
      return comes_to_zero(static_cast<Countdown*>(data)) ? SQLITE_DENY : SQLITE_OK;
    };
    sqlite3_set_authorizer(host.db(), authorize, &countdown);
    Outcome outcome{host.ask(sql)};
    sqlite3_set_authorizer(host.db(), nullptr, nullptr);
    outcome.hit = countdown.hit;
    return outcome;
  };
  // A statement that is prepared already is denied when it runs: one on the log, after T was
  // written without a journal, costs the transaction.
  how.codes = {SQLITE_AUTH, SQLITE_ERROR, SQLITE_ABORT};
  how.in_transaction = true;
  how.may_roll_back = false;
  how.runs = 20;
  sweep(GetParam(), how);
}

INSTANTIATE_TEST_SUITE_P(, Stopped, testing::ValuesIn(scenarios()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace replic::test

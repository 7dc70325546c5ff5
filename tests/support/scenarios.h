// Calls of every kind, for tests in which something fails in the middle of one.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "support/host.h"

namespace replic::test {

// SQL that calls functions of ours on the sample database, or on an empty one.
struct Scenario {
  std::string name;           // in the words of a test's name
  std::string sql;            // $BUNDLE, $OPENING and $FILE stand for what another peer has made
  std::string on_empty = {};  // not on the sample but on an empty database, after this SQL
  // It changes something, and then reads: what it has changed stays when the reading fails.
  bool keeps_writes = false;
  // It takes a random identity. SQLite's journals use the same source of random numbers.
  bool takes_identity = false;
};
std::ostream& operator<<(std::ostream& out, const Scenario& scenario);

// The SQL with what another peer has made in its place.
std::string sql_of(const Scenario& scenario);

// All of them, those that write first.
const std::vector<Scenario>& scenarios();
// Those that write.
std::vector<Scenario> writing_scenarios();

// A connection of its own to a copy of the scenario's database, in memory or in a file. It has the
// fault VFS, so its clock stands still; random numbers are the same in each copy.
std::unique_ptr<Host> open_sample(const Scenario& scenario, const std::string& path = ":memory:",
                                  const std::string& setup = "");

// What the call that is to fail gave, and whether the fault was hit.
struct Outcome {
  Answer answer;
  bool hit = false;
};
// Makes the scenario's call on `host` with a fault at its `nth` chance.
using FaultyCall = std::function<Outcome(Host& host, const std::string& sql, int64_t nth)>;

struct Sweep {
  FaultyCall call;
  // Primary result codes that the fault may end in.
  std::vector<int> codes;
  // Also inside a transaction of the host that has written before.
  bool in_transaction = false;
  // The fault may roll the host's whole transaction back. Otherwise only SQLITE_ABORT, where it is
  // among the codes, may say that it has.
  bool may_roll_back = true;
  // The fault may also come after the call, in the rest of the host's statement. Then the text is
  // SQLite's own, not one of ours, and what the call has done stays.
  bool may_come_after = false;
  // At most about this many runs, early chances first; 0: all.
  int64_t runs = 0;
  // The database: ":memory:", or the name of a file, which is made anew for each run.
  std::string path = ":memory:";
  std::string setup = {};  // SQL to run on the new connection
};

// Fails the scenario's call at its 1st, 2nd, ... chance, until there is none left. Each time: an
// error leaves everything as it was, success is what it is without a fault; then the same call
// succeeds, the database is whole, replic_check is empty, and close returns OK.
// Returns the number of chances.
int64_t sweep(const Scenario& scenario, const Sweep& how);

}  // namespace replic::test

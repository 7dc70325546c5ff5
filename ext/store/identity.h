// Who this database is: the current identity and the former ones.

#pragma once

#include <optional>
#include <string>

#include "store/catalog.h"
#include "store/state.h"

namespace replic {

class Identity {
 public:
  Identity(Database& db, Catalog& catalog, State& state)
      : db_(db), catalog_(catalog), state_(state) {}

  // Makes the state tables if they are missing, and takes an identity: `peer`, or a random one.
  // When there is an identity already: a no-op if `peer` is absent or is or ever was this
  // database's id. Returns the current identity. Inside Gate::write. Throws E_IDENTITY when `peer`
  // is another id.
  int64_t init(std::optional<int64_t> peer);
  // Takes a new identity, a random one when none is given. Inside Gate::write, after init.
  // Throws E_IDENTITY when the id is known already.
  int64_t take(std::optional<int64_t> peer);
  // Before a local write, once a transaction: after a power loss commits may be gone that were
  // shipped already, when they were made with synchronous below FULL. So a new boot of the machine
  // then means a new identity. Source: sqlite.org/pragma.html#pragma_synchronous.
  void check_boot();
  // True for the current and for every former identity.
  bool is_own(int64_t peer);

 private:
  const BootId& boot();
  bool may_lose_commits();
  void adopt_logs();
  bool is_known(int64_t peer);
  int64_t random_peer();

  Database& db_;
  Catalog& catalog_;
  State& state_;
  BootId boot_;  // of this machine
};

}  // namespace replic

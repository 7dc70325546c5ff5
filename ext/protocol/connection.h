// One connection of the host: its store, and the dialogue with other peers.

#pragma once

#include "protocol/exchange.h"
#include "store/store.h"

namespace replic {

class Connection : public Store {
 public:
  explicit Connection(sqlite3* handle) : Store(handle), exchange(*this) {}

  Exchange exchange;
};

}  // namespace replic

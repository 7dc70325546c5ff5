#include "store/identity.h"

#ifdef __linux__
#include <fcntl.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <string>

#include "base/error.h"
#include "base/limits.h"
#include "model/content.h"
#include "sqlite/ident.h"
#include "store/log.h"
#include "store/state_tables.h"

namespace replic {
namespace {

// What tells one boot of the machine from another. Source: Linux,
// Documentation/admin-guide/sysctl/kernel.rst, random.
BootId read_boot_id() {
  // Without a stream: one that finds no memory looks like a file that is not there.
  std::string id;
#ifdef __linux__
  const int file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  char text[64];
  const ssize_t size = file < 0 ? 0 : read(file, text, sizeof text);
  if (file >= 0) close(file);
  if (size > 0) id.assign(text, static_cast<size_t>(size));
  id.erase(std::min(id.find('\n'), id.size()));
#endif
  return BootId(id.empty() ? "unknown" : id);
}

}  // namespace

const BootId& Identity::boot() {
  if (boot_.text().empty()) boot_ = read_boot_id();
  return boot_;
}

bool Identity::may_lose_commits() {
  Run run = db_.run("PRAGMA main.synchronous");
  constexpr int64_t kFull = 2;
  return run.step() && run.integer(0) < kFull;
}

void Identity::check_boot() {
  if (state_.boot_checked()) return;
  const StateRow& row = state_.peek();
  if (!(row.boot == boot())) {
    if (row.unsafe) take(std::nullopt);
    state_.row().boot = boot();
    state_.row().unsafe = false;
  }
  if (!row.unsafe && may_lose_commits()) state_.row().unsafe = true;
  state_.set_boot_checked();
}

int64_t Identity::random_peer() {
  for (;;) {
    uint64_t bits = 0;
    sqlite3_randomness(sizeof bits, &bits);
    const auto peer = static_cast<int64_t>(bits & static_cast<uint64_t>(kMaxInteger));
    if (peer > 0 && !is_known(peer)) return peer;
  }
}

bool Identity::is_known(int64_t peer) {
  Run run = db_.run(
      "SELECT 1 FROM main._replic_peers WHERE peer=?1 UNION ALL SELECT 1 FROM main._replic_ranges "
      "WHERE peer=?1 LIMIT 1");
  run.bind(peer);
  return run.step();
}

bool Identity::is_own(int64_t peer) {
  if (peer == state_.peek().peer) return true;
  Run run = db_.run("SELECT 1 FROM main._replic_peers WHERE peer=?1 AND role>0");
  run.bind(peer);
  return run.step();
}

int64_t Identity::init(std::optional<int64_t> peer) {
  if (!catalog_.initialised()) {
    make_state_tables(db_);
    catalog_.refresh();
  }
  state_.load();
  const int64_t current = state_.peek().peer;
  if (current == 0) {
    adopt_logs();
    state_.row().schema_seen = catalog_.schema_version();
    return take(peer);
  }
  if (!peer || is_own(*peer)) return current;
  throw Error(
      Code::identity,
      "this database is peer " + std::to_string(current) + " already, and was never " +
          std::to_string(*peer),
      "call replic_fork(" + std::to_string(*peer) + ") to write under a new identity from now on");
}

int64_t Identity::take(std::optional<int64_t> peer) {
  const int64_t before = state_.peek().peer;
  // A first identity may name a peer whose patches the logs hold: it goes on with its own sequence.
  if (peer && before != 0 && is_known(*peer)) {
    throw Error(Code::identity, "peer id " + std::to_string(*peer) + " is known already",
                "call replic_fork() without an argument for a random id");
  }
  const int64_t taken = peer ? *peer : random_peer();
  db_.run("UPDATE main._replic_peers SET role=1 WHERE role=2").exec();
  db_.run(
         "INSERT INTO main._replic_peers(peer,role) VALUES(?1,2) ON CONFLICT(peer) DO UPDATE SET "
         "role=2")
      .bind(taken)
      .exec();
  state_.row().peer = taken;
  // Noted before the first write: a power loss could take that write and its note together.
  state_.row().boot = boot();
  state_.row().unsafe = may_lose_commits();
  state_.identity_changed();
  return taken;
}

// Logs that are older than our state, of a database that was replicated by an ancestor: what they
// hold was received.
void Identity::adopt_logs() {
  const std::vector<std::string> tables = catalog_.tables();
  for (const std::string& table : tables) {
    const TablePlan* plan = catalog_.find_for_write(table);
    if (plan == nullptr || !plan->problem.empty()) continue;
    Run run = db_.once(plan->log_all);
    while (run.step()) {
      const RowPatch patch = Log::read(*plan, run);
      const Stamp& stamp = patch.stamp;
      if (stamp.peer < 1 || stamp.seq < 1 || state_.received(stamp.peer, stamp.seq)) continue;
      state_.add_received(stamp, 1, content_hash(stamp, plan->name, cell_sum(*plan, patch)));
      state_.saw(stamp);
    }
  }
}

}  // namespace replic

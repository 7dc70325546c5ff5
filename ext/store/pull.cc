// replic_pull: what another database file on this machine has, read from it directly.

#include <map>
#include <memory>

#include "base/error.h"
#include "base/limits.h"
#include "store/store.h"

namespace replic {
namespace {

// How long to wait for a lock of the other file. Milliseconds.
constexpr int kBusyTimeoutMs = 5000;

// A read-only connection of our own, with a store on it. Closed on destruction, the store first.
class Other {
 public:
  explicit Other(const std::string& path) {
    sqlite3* handle = nullptr;
    const int rc = sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READONLY, nullptr);
    handle_.reset(handle);
    if (rc != SQLITE_OK) {
      const std::string why = handle == nullptr ? "out of memory" : sqlite3_errmsg(handle);
      throw Error(Code::argument, rc, "cannot open the database " + quoted(path) + ": " + why,
                  "pass the path of a database file that replic has written");
    }
    sqlite3_busy_timeout(handle, kBusyTimeoutMs);
    store_ = std::make_shared<Store>(handle);
  }
  // Whether the two connections have opened one file. SQLite gives both names in full.
  bool is_file_of(sqlite3* db) const {
    const char* ours = sqlite3_db_filename(db, "main");
    const char* theirs = sqlite3_db_filename(handle_.get(), "main");
    return ours != nullptr && theirs != nullptr && *ours != '\0' &&
           std::string_view(ours) == theirs;
  }
  Store& start(const std::string& path) {
    sqlite3* handle = handle_.get();
    const int rc = sqlite3_exec(handle, "SELECT 1 FROM sqlite_schema", nullptr, nullptr, nullptr);
    if (rc != SQLITE_OK) throw_sqlite(handle, rc, "cannot read the database " + quoted(path));
    if (store_->register_modules(store_) != SQLITE_OK)
      throw_sqlite(handle, sqlite3_errcode(handle), "cannot read");
    store_->db().exec("BEGIN");  // one snapshot for all that is read
    store_->refresh();
    return *store_;
  }

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  std::unique_ptr<sqlite3, Close> handle_;
  std::shared_ptr<Store> store_;
};

}  // namespace

int64_t Store::pull(const std::string& path) {
  Other connection(path);
  if (connection.is_file_of(db_.handle())) {
    throw Error(Code::argument, quoted(path) + " is this database itself",
                "pass the path of another one");
  }
  Store& other = connection.start(path);
  if (!other.initialised() || other.row().peer == 0) {
    throw Error(Code::argument,
                "the database " + quoted(path) + " has no identity: replic has not written to it",
                "call replic_init() there first");
  }
  int64_t count = 0;
  receive([&] {
    const auto take = [&](const Vector& since, int64_t peer, Range seqs) {
      other.state().for_each_range(true, peer, [&](const ReceivedRange& range) {
        if (range.ver == kGoneVer) receiver_.receive(Gone{range.peer, {range.first, range.last}});
      });
      ChangeCursor cursor = other.changes(since, peer, seqs);
      while (auto change = cursor.next()) receiver_.receive(std::move(change->patch));
      receiver_.finish();
      count += receiver_.take_count();
    };
    count = 0;
    const Vector ours = state_.vector(true);
    receiver_.hear(other.word());
    take(ours, 0, {1, kMaxInteger});
    // Equal ranges can hide different content: then all of it is compared. So is it when the other
    // database has fewer patches of its own identity than we: it was restored, or is a copy, and
    // gives seqs a second time.
    const auto sums = state_.contiguous_sums(true);
    for (const auto& [peer, theirs] : other.state().contiguous_sums(true)) {
      const auto it = sums.find(peer);
      if (it == sums.end()) continue;
      const bool equal = it->second.last == theirs.last;
      const bool differs = equal && it->second.sum && theirs.sum && *it->second.sum != *theirs.sum;
      const bool fewer_of_its_own = peer == other.row().peer && theirs.last < it->second.last;
      if (differs || fewer_of_its_own) take({}, peer, {1, theirs.last});
    }
  });
  return count;
}

}  // namespace replic

// The database as replic sees it: every operation that the SQL surface offers.
//
// Writing operations run inside the gate and are atomic. Reading ones never write.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/capture.h"
#include "store/catalog.h"
#include "store/changes.h"
#include "store/identity.h"
#include "store/local.h"
#include "store/merge.h"
#include "store/parked.h"
#include "store/peers.h"
#include "store/receive.h"
#include "store/state.h"
#include "store/tracker.h"
#include "wire/bundle.h"

namespace replic {

class Store {
 public:
  explicit Store(sqlite3* handle);
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Registers what the store itself needs on the connection; `self` is kept alive by it.
  int register_modules(const std::shared_ptr<void>& self);

  // --- write ---
  // A result that is not a plain number is handed over inside the write: no memory is needed after
  // the commit, so a call that reports an error has changed nothing.
  using Give = std::function<void(const Value&)>;

  int64_t init(std::optional<int64_t> peer);
  int64_t fork(std::optional<int64_t> peer);
  // Writes a local patch. Returns true when it is committed; the message to ship was then given to
  // `ship`.
  bool patch(std::string_view table, std::vector<Cell>&& cells, const Give& ship);
  // Applies text messages. Returns the number of patches newly received.
  int64_t apply(std::string_view messages);
  // Applies a bundle: its sender's word first, then its patches. Its requests are for the protocol
  // to answer.
  struct BundleResult {
    int64_t count = 0;  // patches newly received
    wire::BundleHeader header;
    std::vector<Request> requests;
    bool more = false;  // the sender has more than this page
  };
  BundleResult apply_bundle(std::string_view bytes);
  // Applies what another database on this machine holds and this one lacks. Returns the number of
  // patches newly received.
  int64_t pull(const std::string& path);
  // Tries everything parked again. Returns how many patches, or parts of them, are parked no more.
  int64_t retry();
  // These give the name of the table, and the value of the option.
  void track(std::string_view table, const TrackOptions& options, const Give& give);
  void untrack(std::string_view table, const Give& give);
  // Brings logs, triggers and parked patches up to date with the schema. Every writing operation
  // does so first when the schema has changed. Returns how many tables there was something to do
  // for.
  int64_t refresh_schema();
  void set_option(std::string_view name, const Value& value, const Give& give);

  // --- read ---
  // To be called before the readers below: notices schema changes.
  void refresh() { catalog_.refresh(); }
  bool initialised() { return catalog_.initialised(); }
  StateRow row() { return state_.read(initialised()); }
  Vector vector() { return state_.vector(initialised()); }
  Value option(std::string_view name);
  int64_t now_at();
  // What we tell others of ourselves, but for the sums.
  Ping word();
  // An option that is a whole number.
  int64_t number_option(std::string_view name) { return option(name).as_integer(); }
  ChangeCursor changes(const Vector& since, int64_t peer, Range seqs, bool outlives_call = false);

  Database& db() { return db_; }
  Catalog& catalog() { return catalog_; }
  State& state() { return state_; }
  Parked& parked() { return parked_; }
  // What the triggers call.
  Capture& capture() { return capture_; }

 private:
  void write(const std::function<void()>& work, Care care = Care::whole);
  void receive(const std::function<void()>& work, Care care = Care::whole);
  void reissue_future(int64_t former, int64_t bound);

  Database db_;
  Catalog catalog_;
  State state_;
  Parked parked_;
  Merger merger_;
  Peers peers_;
  Identity identity_;
  LocalWriter local_;
  Receiver receiver_;
  Capture capture_;
  Tracker tracker_;
  int64_t followed_ = 0;  // tables that the write that runs has found to be altered
  int64_t released_ = 0;  // what the write that runs has found to be parked no more
};

// The options there are, in order of name: name, default, meaning.
struct OptionInfo {
  std::string_view name;
  std::string_view default_value;
  std::string_view meaning;
};
std::vector<OptionInfo> option_table();

}  // namespace replic

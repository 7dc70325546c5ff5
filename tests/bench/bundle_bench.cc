// Bundles: making them, and catching up with their help. Registered once the extension has them.
#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "growth.h"
#include "lane.h"
#include "library.h"

namespace replic::bench {
namespace {

// What a page of a catch-up may hold.
constexpr int64_t kPageBytes = 1 << 20;

void apply_all(Db& db, const std::vector<Patch>& patches) {
  Stmt apply = db.prepare("SELECT replic_apply(?1)");
  constexpr size_t kBlock = 1'000;
  db.exec("BEGIN");
  for (size_t i = 0; i < patches.size(); i += kBlock) {
    const auto count = std::min(kBlock, patches.size() - i);
    const std::string text = message_array({patches.data() + i, count});
    apply.bind(1, std::string_view(text));
    apply.run();
  }
  db.exec("COMMIT");
}

// A tracked table in a file that goes with it.
class Peer {
 public:
  Peer() : path_(temp_dir().fresh("peer")), db_(std::make_unique<Db>(path_, true)) {
    create_tracked(*db_, "manual");
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() {
    db_.reset();
    remove_database(path_);
  }
  Db& db() { return *db_; }

 private:
  std::string path_;
  std::unique_ptr<Db> db_;
};

// Pages from `source` to `target` until both are level. Returns the bytes that travelled.
size_t catch_up(Db& source, Db& target) {
  Stmt vector = target.prepare("SELECT replic_vector()");
  Stmt bundle = source.prepare("SELECT replic_bundle(?1, ?2)");
  Stmt apply = target.prepare("SELECT replic_apply(?1)");
  size_t bytes = 0;
  for (;;) {
    vector.step();
    const std::string has(vector.bytes(0));
    vector.reset();
    bundle.bind(1, std::string_view(has));
    bundle.bind(2, kPageBytes);
    bundle.step();
    const std::string_view page = bundle.bytes(0);
    if (page.empty()) return bytes;
    bytes += page.size();
    apply.bind_blob(1, page);
    apply.step();
    if (apply.integer(0) == 0) throw std::runtime_error("a page brought nothing new");
    apply.reset();
    bundle.reset();
  }
}

// One-column updates of one column, or of any, in one bundle: microseconds and bytes a patch.
void run_make_bundle(benchmark::State& state, const std::string& name, bool integers_only,
                     bool has_target) {
  const size_t rows = options().quick ? 10'000 : 100'000;
  std::unique_ptr<Peer> source;
  std::string before;
  double patches = 0;
  std::vector<double> seconds;
  std::vector<double> bytes;
  run_rounds(state, name, [&](int round) {
    if (round == 0) {
      source = std::make_unique<Peer>();
      const Plan plan(rows, 2 * rows, 1);
      apply_all(source->db(), plan.range(0, rows));
      std::vector<Patch> updates = plan.range(rows, rows);
      for (Patch& patch : updates) {
        if (!integers_only) break;
        patch.quantity = patch.at % 1'000'000;
        patch.shape = kQuantity;
      }
      before = source->db().text("SELECT replic_vector()");
      apply_all(source->db(), updates);
      patches = static_cast<double>(updates.size());
      warm(source->db());
    }
    Stmt bundle = source->db().prepare("SELECT replic_bundle(?1)");
    bundle.bind(1, std::string_view(before));
    const double begin = now_s();
    bundle.step();
    bytes.push_back(static_cast<double>(bundle.bytes(0).size()) / patches);
    seconds.push_back((now_s() - begin) / patches);
    return seconds.back();
  });
  if (seconds.empty() || state.error_occurred()) return;
  Line time{.name = name};
  time.value = median(seconds) * 1e6;
  Line size{.name = name + ", size"};
  size.value = median(bytes);
  size.unit = "B ";
  if (has_target) {
    time.target = "<= 1 us";
    time.met = yes_no(time.value <= 1);
    size.target = "<= 20 B";
    size.met = yes_no(size.value <= 20);
  }
  report(std::move(time));
  report(std::move(size));
}

// An empty database gets all that a library holds, page by page, each in its own transaction.
void run_catch_up(benchmark::State& state, const std::string& name, size_t log_size) {
  std::unique_ptr<Db> source;
  std::vector<double> seconds;
  double bytes = 0;
  const auto patches = static_cast<double>(library_plan(log_size).received());
  run_rounds(state, name, [&](int round) {
    if (round == 0) {
      source = std::make_unique<Db>(library_path(log_size, true), true);
      warm(*source);
    }
    Peer target;
    const double begin = now_s();
    bytes = static_cast<double>(catch_up(*source, target.db())) / patches;
    seconds.push_back((now_s() - begin) / patches);
    if (round == 0 && table_hash(*source) != table_hash(target.db())) {
      throw std::runtime_error("caught up, but the table differs");
    }
    return seconds.back();
  });
  if (seconds.empty() || state.error_occurred()) return;
  Line time{.name = name};
  time.value = median(seconds) * 1e6;
  report(std::move(time));
  Line size{.name = name + ", size"};
  size.value = bytes;
  size.unit = "B ";
  report(std::move(size));
}

// Two peers are level at a long log; one gets a hundred more patches, and passes them on. Both roll
// back at the end of a round. One operation is the whole exchange.
class LastHundredWork : public Work {
 public:
  static constexpr size_t kLast = 100;

  explicit LastHundredWork(size_t size)
      : plan_(library_plan(size)), source_(library_path(size, true), true) {
    catch_up(source_, target_.db());
    target_.db().checkpoint();
    warm(source_);
    warm(target_.db());
  }

  // Each round updates other rows: a rollback drops the pages that it undoes from the cache.
  void begin_round(int round) override {
    std::vector<Patch> news;
    for (size_t k = 0; k < kLast; ++k) {
      const size_t back = static_cast<size_t>(round) * kLast + k;
      Patch patch = plan_.patch(plan_.patches() - 1 - back);
      patch.at += static_cast<int64_t>(2 * back + 1);
      patch.peer = kLatePeer;
      patch.seq = static_cast<int64_t>(k + 1);
      news.push_back(patch);
    }
    source_.exec("BEGIN");
    target_.db().exec("BEGIN");
    Stmt apply = source_.prepare("SELECT replic_apply(?1)");
    const std::string text = message_array(news);
    apply.bind(1, std::string_view(text));
    apply.run();
  }
  void turn(size_t) override { catch_up(source_, target_.db()); }
  void end_round() override {
    source_.exec("ROLLBACK");
    target_.db().exec("ROLLBACK");
  }
  double operations() const override { return 1; }

 private:
  const Plan& plan_;
  Db source_;
  Peer target_;
};

}  // namespace

void add_bundle_benchmarks() {
  if (!has_function("replic_bundle")) return;
  const auto add_make = [](const std::string& name, bool integers_only, bool has_target) {
    add_benchmark(name, 5, [=](benchmark::State& state) {
      run_make_bundle(state, name, integers_only, has_target);
    });
  };
  add_make("bundle_updates_per_patch", false, true);
  add_make("bundle_integer_updates_per_patch", true, false);

  for (const size_t size : log_sizes({10'000, 1'000'000})) {
    const std::string name = "catch_up_per_patch/" + std::to_string(size);
    add_benchmark(name, 3, [=](benchmark::State& state) { run_catch_up(state, name, size); });
  }

  GrowthCase last;
  last.name = "catch_up_last_100";
  last.make = [](size_t size, bool ours) {
    return ours ? std::make_unique<LastHundredWork>(size) : nullptr;
  };
  last.sizes = log_sizes({10'000, 1'000'000});
  last.turns = 1;
  last.target = "no scan";
  last.limit = 3;
  add_growth_benchmarks(last);
}

}  // namespace replic::bench

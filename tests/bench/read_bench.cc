// Reading: export of everything, the last patches, one patch, the gaps; and start-up.
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "growth.h"
#include "lane.h"
#include "library.h"

namespace replic::bench {
namespace {

constexpr const char* kLogColumns =
    "SELECT _patchedAt, _sequenceId, _peerId, tenantId, id, quantity, name, price, note"
    " FROM bench_patches";

// Keeps the compiler from dropping what nobody looks at.
void consume(std::string_view bytes) { benchmark::DoNotOptimize(bytes.size()); }

// Steps through the rows, reads `columns` of each, and returns how many rows there were.
size_t read_rows(Stmt& stmt, int columns) {
  size_t rows = 0;
  for (; stmt.step(); ++rows) {
    for (int column = 0; column < columns; ++column) consume(stmt.bytes(column));
  }
  stmt.reset();
  return rows;
}

void expect_rows(size_t rows, size_t expected, const char* what) {
  if (rows != expected) {
    throw std::runtime_error(std::string(what) + ": " + std::to_string(rows) + " rows, not " +
                             std::to_string(expected));
  }
}

// A work that reads one library; `ours` tells whose.
class ReadWork : public Work {
 public:
  ReadWork(size_t size, bool ours)
      : size_(size), ours_(ours), plan_(library_plan(size)), db_(library_path(size, ours), ours) {
    warm(db_);
  }

 protected:
  size_t size_;
  bool ours_;
  const Plan& plan_;
  Db db_;
};

// Every patch, once; the counterpart reads the columns of the log and makes no text of them.
class ExportWork : public ReadWork {
 public:
  ExportWork(size_t size, bool ours) : ReadWork(size, ours) {
    stmt_ = db_.prepare(ours ? "SELECT message FROM replic_changes"
                             : std::string(kLogColumns) + " ORDER BY _peerId, _sequenceId");
  }
  void turn(size_t) override {
    expect_rows(read_rows(stmt_, ours_ ? 1 : 9), plan_.received(), "export");
  }
  double operations() const override { return static_cast<double>(plan_.received()); }

 private:
  Stmt stmt_;
};

// The last hundred of the log, for a peer whose vector says that it has all others.
class LastWork : public ReadWork {
 public:
  static constexpr size_t kLast = 100;
  static constexpr int kRepeats = 5;

  LastWork(size_t size, bool ours)
      : ReadWork(size, ours), vector_(plan_.vector_json(size - kLast)) {
    if (ours) {
      stmt_ = db_.prepare("SELECT message FROM replic_changes(?1)");
    } else {
      stmt_ = db_.prepare(std::string(kLogColumns) + " WHERE _peerId = ?1 AND _sequenceId > ?2");
    }
  }
  void turn(size_t) override {
    for (int i = 0; i < kRepeats; ++i) {
      size_t rows = 0;
      if (ours_) {
        stmt_.bind(1, std::string_view(vector_));
        rows = read_rows(stmt_, 1);
      } else {
        for (size_t index = size_ - kLast - 3; index < size_ - kLast; ++index) {
          const Patch seen = plan_.patch(index);
          stmt_.bind(1, seen.peer);
          stmt_.bind(2, seen.seq);
          rows += read_rows(stmt_, 9);
        }
      }
      expect_rows(rows, kLast, "the last patches");
    }
  }
  double operations() const override { return kRepeats; }

 private:
  std::string vector_;
  Stmt stmt_;
};

// One patch that another peer misses, found by its peer and seq.
class ServedWork : public ReadWork {
 public:
  static constexpr size_t kRepeats = 25;

  ServedWork(size_t size, bool ours) : ReadWork(size, ours) {
    stmt_ =
        db_.prepare(ours ? "SELECT message FROM replic_changes WHERE peer = ?1 AND seq = ?2"
                         : std::string(kLogColumns) + " WHERE _peerId = ?1 AND _sequenceId = ?2");
  }
  void begin_round(int round) override {
    wanted_.clear();
    size_t index = static_cast<size_t>(round) * 7'919;
    while (wanted_.size() < 1'000) {
      index = (index + 611'953) % size_;
      if (plan_.lost(index)) continue;
      const Patch patch = plan_.patch(index);
      wanted_.emplace_back(patch.peer, patch.seq);
    }
  }
  void turn(size_t turn) override {
    for (size_t i = 0; i < kRepeats; ++i) {
      const auto& [peer, seq] = wanted_[(turn * kRepeats + i) % wanted_.size()];
      stmt_.bind(1, peer);
      stmt_.bind(2, seq);
      expect_rows(read_rows(stmt_, ours_ ? 1 : 9), 1, "a patch served");
    }
  }
  double operations() const override { return kRepeats; }

 private:
  Stmt stmt_;
  std::vector<std::pair<int64_t, int64_t>> wanted_;
};

class GapsWork : public ReadWork {
 public:
  static constexpr int kRepeats = 10;

  explicit GapsWork(size_t size) : ReadWork(size, true) {
    stmt_ = db_.prepare("SELECT * FROM replic_missing");
  }
  void turn(size_t) override {
    for (int i = 0; i < kRepeats; ++i) {
      expect_rows(read_rows(stmt_, 5), size_ - plan_.received(), "gaps");
    }
  }
  double operations() const override { return kRepeats; }

 private:
  Stmt stmt_;
};

// Opens the file, loads the extension, and asks for the vector; or opens it, and reads the newest
// patch of a peer.
class StartupWork : public Work {
 public:
  StartupWork(size_t size, bool ours) : ours_(ours), path_(library_path(size, ours)) {}
  void turn(size_t) override {
    Db db(path_, ours_);
    consume(db.text(ours_ ? "SELECT replic_vector()"
                          : "SELECT max(_sequenceId) FROM bench_patches WHERE _peerId = 2"));
  }
  double operations() const override { return 1; }

 private:
  bool ours_;
  std::string path_;
};

// Opens the file, prepares, and writes one patch, which is rolled back.
class StartupWriteWork : public Work {
 public:
  StartupWriteWork(size_t size, bool ours)
      : ours_(ours), path_(library_path(size, ours)), patch_{library_plan(size).late(0)} {}
  void turn(size_t) override {
    auto lane = ours_ ? make_apply(path_, Schema::keep, 1) : make_realistic(path_, Schema::keep);
    lane->prepare(patch_);
    lane->db().exec("BEGIN IMMEDIATE");
    lane->run(0, 1);
    lane->db().exec("ROLLBACK");
  }
  double operations() const override { return 1; }

 private:
  bool ours_;
  std::string path_;
  std::vector<Patch> patch_;
};

template <typename AnyWork>
GrowthCase make_case(const std::string& name, const std::vector<size_t>& sizes) {
  GrowthCase growth;
  growth.name = name;
  growth.make = [](size_t size, bool ours) { return std::make_unique<AnyWork>(size, ours); };
  growth.sizes = log_sizes(sizes);
  return growth;
}

// A scan would cost a hundred times more at a hundred times the patches.
GrowthCase no_scan(GrowthCase growth) {
  growth.target = "no scan";
  growth.limit = 3;
  return growth;
}

}  // namespace

void add_read_benchmarks() {
  GrowthCase all = make_case<ExportWork>("export_per_row", {10'000, 100'000, 1'000'000});
  all.turns = 1;
  all.base = 0;
  add_growth_benchmarks(all);

  const std::vector<size_t> sizes = {10'000, 1'000'000};
  add_growth_benchmarks(no_scan(make_case<LastWork>("changes_last_100", sizes)));
  add_growth_benchmarks(no_scan(make_case<ServedWork>("one_patch_served", sizes)));

  GrowthCase gaps;
  gaps.name = "gaps_listed";
  gaps.make = [](size_t size, bool ours) {
    return ours ? std::make_unique<GapsWork>(size) : nullptr;
  };
  gaps.sizes = log_sizes(sizes);
  add_growth_benchmarks(no_scan(gaps));

  add_growth_benchmarks(no_scan(make_case<StartupWork>("startup_vector", sizes)));
  add_growth_benchmarks(no_scan(make_case<StartupWriteWork>("startup_first_apply", sizes)));
}

}  // namespace replic::bench

// replic's lanes, through the real shared library and its SQL surface alone.
#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "lane.h"

namespace replic::bench {
namespace {

class PatchTypedLane : public Lane {
 public:
  explicit PatchTypedLane(const std::string& path) : Lane(path, true) {
    create_tracked(db_, "manual");
    for (int shape = 0; shape < kShapes; ++shape) {
      std::string sql = "SELECT replic_patch('bench', 'tenantId', ?1, 'id', ?2";
      int parameter = 3;
      for (int i = 0; i < 4; ++i) {
        if (shape != kWholeRow && shape != i) continue;
        sql += ", '" + std::string(kColumns[i]) + "', ?" + std::to_string(parameter++);
      }
      patch_[shape] = db_.prepare(sql + ")");
    }
  }

  void run(size_t first, size_t count) override {
    for (size_t i = first; i < first + count; ++i) {
      const Patch& patch = patches_[i];
      Stmt& stmt = patch_[patch.shape];
      stmt.bind(1, patch.tenant);
      stmt.bind(2, patch.id);
      bind_values(stmt, 3, patch);
      stmt.run();
    }
  }

 private:
  Stmt patch_[kShapes];
};

class PatchJsonLane : public Lane {
 public:
  explicit PatchJsonLane(const std::string& path) : Lane(path, true) {
    create_tracked(db_, "manual");
    patch_ = db_.prepare("SELECT replic_patch('bench', ?1)");
  }

  void prepare(std::span<const Patch> patches) override {
    deltas_.assign(patches.size(), {});
    for (size_t i = 0; i < patches.size(); ++i) append_delta(patches[i], &deltas_[i]);
  }

  void run(size_t first, size_t count) override {
    for (size_t i = first; i < first + count; ++i) {
      patch_.bind(1, std::string_view(deltas_[i]));
      patch_.run();
    }
  }

 private:
  Stmt patch_;
  std::vector<std::string> deltas_;
};

class ApplyLane : public Lane {
 public:
  ApplyLane(const std::string& path, Schema schema, size_t batch)
      : Lane(path, true), batch_(batch) {
    if (schema == Schema::create) create_tracked(db_, "manual");
    apply_ = db_.prepare("SELECT replic_apply(?1)");
  }

  void prepare(std::span<const Patch> patches) override {
    messages_.clear();
    for (size_t i = 0; i < patches.size(); i += batch_) {
      if (batch_ == 1) {
        append_message(patches[i], &messages_.emplace_back());
      } else {
        messages_.push_back(
            message_array(patches.subspan(i, std::min(batch_, patches.size() - i))));
      }
    }
  }

  void run(size_t first, size_t count) override {
    for (size_t i = first / batch_; i < (first + count) / batch_; ++i) {
      apply_.bind(1, std::string_view(messages_[i]));
      apply_.run();
    }
  }

 private:
  size_t batch_;
  Stmt apply_;
  std::vector<std::string> messages_;
};

class ApplyBundleLane : public Lane {
 public:
  ApplyBundleLane(const std::string& path, size_t batch)
      : Lane(path, true),
        batch_(batch),
        source_path_(path + "-source"),
        source_(source_path_, Schema::create, batch) {
    create_tracked(db_, "manual");
    apply_ = db_.prepare("SELECT replic_apply(?1)");
  }
  ~ApplyBundleLane() override { remove_database(source_path_); }

  // Lets the source receive one batch after the other, and asks for each: what a peer lacks that
  // has everything up to it.
  void prepare(std::span<const Patch> patches) override {
    bundles_.clear();
    source_.prepare(patches);
    Stmt bundle = source_.db().prepare("SELECT replic_bundle(?1)");
    for (size_t i = 0; i < patches.size(); i += batch_) {
      const std::string before = source_.db().text("SELECT replic_vector()");
      source_.run(i, batch_);
      bundle.bind(1, std::string_view(before));
      if (!bundle.step()) throw std::runtime_error("replic_bundle returned no row");
      bundles_.emplace_back(bundle.bytes(0));
      bundle.reset();
    }
  }

  void run(size_t first, size_t count) override {
    for (size_t i = first / batch_; i < (first + count) / batch_; ++i) {
      apply_.bind_blob(1, bundles_[i]);
      apply_.run();
    }
  }

 private:
  size_t batch_;
  std::string source_path_;
  ApplyLane source_;
  Stmt apply_;
  std::vector<std::string> bundles_;
};

class CapturedLane : public Lane {
 public:
  explicit CapturedLane(const std::string& path) : Lane(path, true) {
    create_tracked(db_, "capture");
    for (int i = 0; i < 4; ++i) {
      write_[i] = db_.prepare("UPDATE bench SET " + std::string(kColumns[i]) +
                              " = ?3 WHERE tenantId = ?1 AND id = ?2");
    }
    write_[kWholeRow] = db_.prepare(
        "INSERT INTO bench(tenantId, id, quantity, name, price, note)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
  }

  void run(size_t first, size_t count) override {
    for (size_t i = first; i < first + count; ++i) {
      const Patch& patch = patches_[i];
      Stmt& stmt = write_[patch.shape];
      stmt.bind(1, patch.tenant);
      stmt.bind(2, patch.id);
      bind_values(stmt, 3, patch);
      stmt.run();
    }
  }

 private:
  Stmt write_[kShapes];
};

}  // namespace

void create_tracked(Db& db, const char* mode) {
  // A random id: two databases that exchange bundles must not share one.
  db.exec("SELECT replic_init()");
  db.exec(kTableSql);
  db.exec(("SELECT replic_track('bench', '{\"mode\":\"" + std::string(mode) + "\"}')").c_str());
}

bool has_function(const char* name) {
  try {
    Db db(":memory:", true);
    Stmt stmt = db.prepare("SELECT 1 FROM replic_help WHERE name = ?1");
    stmt.bind(1, std::string_view(name));
    return stmt.step();
  } catch (const std::exception&) {
    return false;
  }
}

bool has_capture() {
  try {
    Db db(":memory:", true);
    create_tracked(db, "capture");
    db.exec("INSERT INTO bench(tenantId, id) VALUES (1, 1)");
    return db.integer("SELECT count(*) FROM bench_patches") == 1;
  } catch (const std::exception&) {
    return false;
  }
}

std::unique_ptr<Lane> make_patch_typed(const std::string& path) {
  return std::make_unique<PatchTypedLane>(path);
}

std::unique_ptr<Lane> make_patch_json(const std::string& path) {
  return std::make_unique<PatchJsonLane>(path);
}

std::unique_ptr<Lane> make_apply(const std::string& path, Schema schema, size_t batch) {
  return std::make_unique<ApplyLane>(path, schema, batch);
}

std::unique_ptr<Lane> make_apply_bundle(const std::string& path, size_t batch) {
  return std::make_unique<ApplyBundleLane>(path, batch);
}

std::unique_ptr<Lane> make_captured(const std::string& path) {
  return std::make_unique<CapturedLane>(path);
}

}  // namespace replic::bench

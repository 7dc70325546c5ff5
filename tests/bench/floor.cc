// The two floors: the least that any program must do to store a patch, without replic.
#include <cstdint>
#include <string>

#include "lane.h"

namespace replic::bench {
namespace {

// The columns that a patch of a shape sets, as an SQL list.
std::string columns(int shape) {
  if (shape != kWholeRow) return kColumns[shape];
  std::string list;
  for (const char* column : kColumns) list += (list.empty() ? "" : ", ") + std::string(column);
  return list;
}

std::string markers(int first, int shape) {
  std::string list;
  const int count = shape == kWholeRow ? 4 : 1;
  for (int i = 0; i < count; ++i) {
    list += (i == 0 ? "?" : ", ?") + std::to_string(first + i);
  }
  return list;
}

std::string upsert_sql(int shape) {
  std::string set;
  for (int i = 0; i < 4; ++i) {
    if (shape != kWholeRow && shape != i) continue;
    const std::string column = kColumns[i];
    if (!set.empty()) set += ", ";
    set += column;
    set += " = excluded.";
    set += column;
  }
  return "INSERT INTO bench(tenantId, id, " + columns(shape) + ") VALUES (?1, ?2, " +
         markers(3, shape) + ") ON CONFLICT(tenantId, id) DO UPDATE SET " + set;
}

class FloorLane : public Lane {
 public:
  explicit FloorLane(const std::string& path) : Lane(path, false) {
    db_.exec(kTableSql);
    for (int shape = 0; shape < kShapes; ++shape) upsert_[shape] = db_.prepare(upsert_sql(shape));
  }

  void run(size_t first, size_t count) override {
    for (size_t i = first; i < first + count; ++i) {
      const Patch& patch = patches_[i];
      Stmt& stmt = upsert_[patch.shape];
      stmt.bind(1, patch.tenant);
      stmt.bind(2, patch.id);
      bind_values(stmt, 3, patch);
      stmt.run();
    }
  }

 private:
  Stmt upsert_[kShapes];
};

class RealisticLane : public Lane {
 public:
  RealisticLane(const std::string& path, Schema schema) : Lane(path, false) {
    if (schema == Schema::create) {
      db_.exec(kTableSql);
      db_.exec(kLogSql);
    }
    begin_ = db_.prepare("BEGIN IMMEDIATE");
    commit_ = db_.prepare("COMMIT");
    newest_ = db_.prepare(
        "SELECT _patchedAt, _peerId, _sequenceId FROM bench_patches WHERE tenantId = ?1 AND id = ?2"
        " ORDER BY _patchedAt DESC, _peerId DESC, _sequenceId DESC LIMIT 1");
    for (int shape = 0; shape < kShapes; ++shape) {
      upsert_[shape] = db_.prepare(upsert_sql(shape));
      log_[shape] =
          db_.prepare("INSERT INTO bench_patches(_patchedAt, _sequenceId, _peerId, tenantId, id, " +
                      columns(shape) + ") VALUES (?1, ?2, ?3, ?4, ?5, " + markers(6, shape) + ")");
    }
    for (int shape = 0; shape < kWholeRow; ++shape) {
      covered_[shape] = db_.prepare(
          "SELECT 1 FROM bench_patches WHERE tenantId = ?1 AND id = ?2 AND _patchedAt >= ?3"
          " AND (_patchedAt, _peerId, _sequenceId) > (?3, ?4, ?5) AND " +
          std::string(kColumns[shape]) + " IS NOT NULL LIMIT 1");
    }
  }

  void set_commit(Commit commit) override { commit_each_ = commit == Commit::each_patch; }

  void run(size_t first, size_t count) override {
    for (size_t i = first; i < first + count; ++i) {
      if (commit_each_) begin_.run();
      write(patches_[i]);
      if (commit_each_) commit_.run();
    }
  }

 private:
  void write(const Patch& patch) {
    const bool late = is_late(patch);
    Stmt& log = log_[patch.shape];
    log.bind(1, patch.at);
    log.bind(2, patch.seq);
    log.bind(3, patch.peer);
    log.bind(4, patch.tenant);
    log.bind(5, patch.id);
    bind_values(log, 6, patch);
    log.run();
    if (late && patch.shape != kWholeRow && is_covered(patch)) return;
    Stmt& upsert = upsert_[patch.shape];
    upsert.bind(1, patch.tenant);
    upsert.bind(2, patch.id);
    bind_values(upsert, 3, patch);
    upsert.run();
  }

  bool is_late(const Patch& patch) {
    newest_.bind(1, patch.tenant);
    newest_.bind(2, patch.id);
    bool late = false;
    if (newest_.step()) {
      const int64_t at = newest_.integer(0);
      const int64_t peer = newest_.integer(1);
      const int64_t seq = newest_.integer(2);
      late = at != patch.at       ? at > patch.at
             : peer != patch.peer ? peer > patch.peer
                                  : seq > patch.seq;
    }
    newest_.reset();
    return late;
  }

  // Whether a newer patch of the same row sets the column.
  bool is_covered(const Patch& patch) {
    Stmt& stmt = covered_[patch.shape];
    stmt.bind(1, patch.tenant);
    stmt.bind(2, patch.id);
    stmt.bind(3, patch.at);
    stmt.bind(4, patch.peer);
    stmt.bind(5, patch.seq);
    const bool covered = stmt.step();
    stmt.reset();
    return covered;
  }

  bool commit_each_ = false;
  Stmt begin_;
  Stmt commit_;
  Stmt newest_;
  Stmt upsert_[kShapes];
  Stmt log_[kShapes];
  Stmt covered_[kWholeRow];
};

}  // namespace

std::unique_ptr<Lane> make_floor(const std::string& path) {
  return std::make_unique<FloorLane>(path);
}

std::unique_ptr<Lane> make_realistic(const std::string& path, Schema schema) {
  return std::make_unique<RealisticLane>(path, schema);
}

}  // namespace replic::bench

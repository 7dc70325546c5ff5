#include "db.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include "report.h"

#ifndef REPLIC_SO
#define REPLIC_SO "build/replic.so"
#endif

namespace replic::bench {

void fail(sqlite3* db, std::string_view doing) {
  const char* why = db != nullptr ? sqlite3_errmsg(db) : "out of memory";
  throw std::runtime_error(std::string(why) + " (in: " + std::string(doing.substr(0, 200)) + ")");
}

Stmt::Stmt(sqlite3* db, std::string_view sql) {
  if (sqlite3_prepare_v3(db, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                         &stmt_, nullptr) != SQLITE_OK) {
    fail(db, sql);
  }
}

Stmt& Stmt::operator=(Stmt&& other) noexcept {
  std::swap(stmt_, other.stmt_);
  return *this;
}

std::string_view Stmt::bytes(int column) {
  const void* data = sqlite3_column_blob(stmt_, column);
  const int size = sqlite3_column_bytes(stmt_, column);
  return {static_cast<const char*>(data), data != nullptr ? static_cast<size_t>(size) : 0};
}

Db::Db(const std::string& path, bool with_extension) {
  if (sqlite3_open(path.c_str(), &db_) != SQLITE_OK) {
    const std::string why = sqlite3_errmsg(db_);
    sqlite3_close(db_);
    throw std::runtime_error(path + ": " + why);
  }
  // A constructor that throws runs no destructor: close by hand.
  try {
    exec(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-1048576;"
        "PRAGMA wal_autocheckpoint=0");
    if (options().memory_journals) exec("PRAGMA temp_store=MEMORY");
    if (with_extension) {
      sqlite3_db_config(db_, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, nullptr);
      char* why = nullptr;
      if (sqlite3_load_extension(db_, extension_path().c_str(), nullptr, &why) != SQLITE_OK) {
        const std::string text = why != nullptr ? why : "unknown reason";
        sqlite3_free(why);
        throw std::runtime_error(extension_path() + ": " + text);
      }
    }
  } catch (...) {
    sqlite3_close(db_);
    throw;
  }
}

Db::~Db() {
  if (sqlite3_close(db_) != SQLITE_OK) {
    std::fprintf(stderr, "bench: close refused: %s\n", sqlite3_errmsg(db_));
    sqlite3_close_v2(db_);
  }
}

void Db::exec(const char* sql) {
  if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(db_, sql);
}

int64_t Db::integer(std::string_view sql) {
  Stmt stmt = prepare(sql);
  return stmt.step() ? stmt.integer(0) : 0;
}

std::string Db::text(std::string_view sql) {
  Stmt stmt = prepare(sql);
  return stmt.step() ? std::string(stmt.bytes(0)) : std::string();
}

std::string extension_path() {
  const char* path = std::getenv("REPLIC_SO");
  return path != nullptr && *path != '\0' ? path : REPLIC_SO;
}

bool extension_loads(std::string* why_not) {
  try {
    Db db(":memory:", true);
    return true;
  } catch (const std::exception& error) {
    *why_not = error.what();
    return false;
  }
}

TempDir::TempDir() {
  const char* root = std::getenv("TMPDIR");
  path_ = std::string(root != nullptr && *root != '\0' ? root : "/tmp") + "/replic_bench.XXXXXX";
  if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot create " + path_);
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TempDir::fresh(std::string_view stem) {
  return path_ + "/" + std::string(stem) + std::to_string(next_++) + ".db";
}

TempDir& temp_dir() {
  static TempDir dir;
  return dir;
}

void remove_database(const std::string& path) {
  std::error_code ignored;
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix, ignored);
}

}  // namespace replic::bench

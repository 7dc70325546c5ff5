// The life of a connection: what we keep prepared on it never outlives it, nor keeps it open.

#include <gtest/gtest.h>

#include <fstream>

#include "support/scenarios.h"
#include "support/temp_folder.h"

namespace replic::test {
namespace {

constexpr const char* kManual = "'{\"mode\":\"manual\"}'";

std::string note_table() {
  return std::string("CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT, deletedAt INTEGER);") +
         "SELECT replic_init(1); SELECT replic_track('note'," + kManual +
         "); SELECT replic_patch('note', 'id', 1, 'body', 'one');"
         "SELECT replic_patch('note', 'id', 2, 'body', 'two');";
}

// A statement of the host in the middle of its rows.
class OpenStatement {
 public:
  OpenStatement(sqlite3* db, const std::string& sql) {
    EXPECT_EQ(sqlite3_prepare_v2(db, sql.c_str(), -1, &handle_, nullptr), SQLITE_OK)
        << sqlite3_errmsg(db);
    EXPECT_EQ(sqlite3_step(handle_), SQLITE_ROW) << sql;
  }
  OpenStatement(const OpenStatement&) = delete;
  OpenStatement& operator=(const OpenStatement&) = delete;
  ~OpenStatement() { finish(); }
  int step() { return sqlite3_step(handle_); }
  void finish() {
    sqlite3_finalize(handle_);
    handle_ = nullptr;
  }

 private:
  sqlite3_stmt* handle_ = nullptr;
};

// Cursors of every table of ours that has rows here, and of the host's own.
const std::vector<std::string>& cursors() {
  static const std::vector<std::string> kAll = {
      "SELECT * FROM replic_changes",
      "SELECT * FROM replic_changes('{}') WHERE peer = 1",
      "SELECT * FROM replic_pending",
      "SELECT * FROM replic_missing",
      "SELECT * FROM replic_peers",
      "SELECT * FROM replic_tables",
      "SELECT * FROM replic_options",
      "SELECT * FROM replic_help",
      "SELECT * FROM "
      "replic_answer('{\"type\":30,\"peer\":1,\"minSeq\":1,\"maxSeq\":9,\"forPeer\":5}')",
      "SELECT * FROM note",
      "SELECT replic_status() FROM note",
      "SELECT replic_patch('note', 'id', id + 10, 'body', body) FROM note WHERE id < 3",
      "SELECT c.peer, p.tab FROM replic_changes AS c, replic_pending AS p",
      "SELECT keep_last(body, _patchedAt, _peerId, _sequenceId) OVER () FROM note_patches",
  };
  return kAll;
}

std::unique_ptr<Host> with_notes() {
  auto host = std::make_unique<Host>();
  host->rows(note_table());
  host->rows("SELECT replic_apply(" + sql_text(patch_message(7, 2, 5, "unheard", "{\"id\":1}")) +
             ")");
  return host;
}

TEST(Connection, ClosesAfterEveryKindOfCall) {
  for (const Scenario& scenario : scenarios()) {
    SCOPED_TRACE(scenario.name);
    const auto host = open_sample(scenario);
    host->ask(sql_of(scenario));
    EXPECT_EQ(host->close(), SQLITE_OK);
  }
}

TEST(Connection, ClosesAfterAllKindsOfCalls) {
  const auto host = open_sample(scenarios()[2]);
  for (int round = 0; round < 2; round++) {
    for (const Scenario& scenario : scenarios()) host->ask(sql_of(scenario));
  }
  EXPECT_EQ(host->close(), SQLITE_OK);
}

TEST(Connection, ClosesInsideATransaction) {
  const TempFolder folder;
  Host reader(folder.file("a.db"));
  reader.rows(note_table());
  const std::string before = dump(reader.db());
  for (const char* begin : {"BEGIN", "SAVEPOINT s", "BEGIN; SAVEPOINT s; SAVEPOINT t"}) {
    Host host(folder.file("a.db"));
    host.rows(begin);
    host.rows("SELECT replic_patch('note', 'id', 3, 'body', 'lost')");
    EXPECT_EQ(host.close(), SQLITE_OK);
    EXPECT_EQ(dump(reader.db()), before);
  }
}

TEST(Connection, StaysUsableWhenItCannotBeClosedYet) {
  const std::string messages =
      patch_message(7, 1, 900, "note", "{\"id\":8,\"body\":\"from another\"}") +
      patch_message(7, 3, 900, "unheard", "{\"id\":3}");
  for (const std::string& sql : cursors()) {
    SCOPED_TRACE(sql);
    const auto host = with_notes();
    {
      OpenStatement cursor(host->db(), sql);
      EXPECT_EQ(host->close(), SQLITE_BUSY);
      EXPECT_EQ(host->close(), SQLITE_BUSY);
      // What was finalized is prepared again, and the cursor goes on.
      EXPECT_EQ(host->one("SELECT count(*) FROM replic_changes WHERE peer = 7"), "1");
      const Answer written = host->ask("SELECT replic_patch('note', 'id', 9, 'body', 'later')");
      EXPECT_TRUE(written.ok()) << written.error;
      EXPECT_EQ(host->one("SELECT replic_apply(" + sql_text(messages) + ")"), "2");
      EXPECT_EQ(host->close(), SQLITE_BUSY);
      EXPECT_EQ(host->one("SELECT replic_apply(" + sql_text(messages) + ")"), "0");
      while (cursor.step() == SQLITE_ROW) {
      }
    }
    EXPECT_EQ(host->one("SELECT body FROM note WHERE id = 9"), "later");
    EXPECT_EQ(host->one("SELECT body FROM note WHERE id = 8"), "from another");
    EXPECT_EQ(host->one("SELECT count(*) FROM replic_pending"), "2");
    EXPECT_EQ(host->rows("SELECT * FROM replic_check"), std::vector<std::string>{});
    EXPECT_EQ(host->close(), SQLITE_OK);
  }
}

TEST(Connection, StaysUsableWhenABlobOrABackupHoldsItOpen) {
  const auto host = with_notes();
  const Host copy;
  sqlite3_blob* blob = nullptr;
  ASSERT_EQ(sqlite3_blob_open(host->db(), "main", "note", "body", 1, 0, &blob), SQLITE_OK);
  EXPECT_EQ(host->close(), SQLITE_BUSY);
  host->rows("SELECT replic_patch('note', 'id', 3, 'body', 'three')");
  sqlite3_blob_close(blob);
  sqlite3_backup* backup = sqlite3_backup_init(copy.db(), "main", host->db(), "main");
  ASSERT_NE(backup, nullptr);
  EXPECT_EQ(sqlite3_backup_step(backup, 1), SQLITE_OK);
  EXPECT_EQ(host->close(), SQLITE_BUSY);
  host->rows("SELECT replic_patch('note', 'id', 4, 'body', 'four')");
  EXPECT_EQ(sqlite3_backup_step(backup, -1), SQLITE_DONE);
  EXPECT_EQ(sqlite3_backup_finish(backup), SQLITE_OK);
  EXPECT_EQ(copy.one("SELECT replic_vector()"), R"({"1":[[1,4]],"7":[[2,2]]})");
  EXPECT_EQ(host->rows("SELECT * FROM replic_check"), std::vector<std::string>{});
  EXPECT_EQ(host->close(), SQLITE_OK);
}

// SQLite tells virtual tables of a rollback when it tries to close, and then may not close at all.
TEST(Connection, GoesOnInItsTransactionWhenItCannotBeClosedYet) {
  const std::string patch = "SELECT replic_patch('note', 'id', 3, 'body', 'three');";
  const std::string apply =
      "SELECT replic_apply(" +
      sql_text(patch_message(7, 1, 900, "note", "{\"id\":1,\"body\":\"late\"}") +
               patch_message(7, 3, 900, "unheard", "{\"id\":3}")) +
      ");";
  const std::string more = "SELECT replic_patch('note', 'id', 4, 'body', 'four');";
  struct Case {
    const char* name;
    std::string before, after, vector;
  };
  const std::vector<Case> cases = {
      {"commit", "BEGIN;" + patch + apply, "COMMIT", R"({"1":[[1,3]],"7":[[1,3]]})"},
      {"write again", "BEGIN;" + patch, more + apply + "COMMIT", R"({"1":[[1,4]],"7":[[1,3]]})"},
      {"roll back", "BEGIN;" + patch + apply, "ROLLBACK", R"({"1":[[1,2]],"7":[[2,2]]})"},
      {"a savepoint kept", "SAVEPOINT a;" + patch + "SAVEPOINT b;" + apply,
       more + "RELEASE b; RELEASE a", R"({"1":[[1,4]],"7":[[1,3]]})"},
      {"a savepoint undone", "BEGIN; SAVEPOINT a;" + patch + apply,
       "ROLLBACK TO a;" + more + "COMMIT", R"({"1":[[1,3]],"7":[[2,2]]})"},
      {"an outer savepoint undone", "SAVEPOINT a;" + patch + "SAVEPOINT b;" + apply,
       more + "ROLLBACK TO a;" + apply + "RELEASE a", R"({"1":[[1,2]],"7":[[1,3]]})"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto host = with_notes();
    host->rows(c.before);
    {
      const OpenStatement cursor(host->db(), "SELECT * FROM replic_changes");
      EXPECT_EQ(host->close(), SQLITE_BUSY);
      EXPECT_EQ(host->close(), SQLITE_BUSY);
    }
    EXPECT_TRUE(host->in_transaction());
    host->rows(c.after);
    EXPECT_EQ(host->one("SELECT replic_vector()"), c.vector);
    EXPECT_EQ(host->rows("SELECT * FROM replic_check"), std::vector<std::string>{});
    host->rows(more);
    EXPECT_EQ(host->rows("SELECT * FROM replic_check"), std::vector<std::string>{});
    EXPECT_EQ(host->close(), SQLITE_OK);
  }
}

TEST(Connection, GoesOnCapturingWhenItCannotBeClosedYet) {
  const char* const kWrites[] = {
      "INSERT INTO task(id, body) VALUES (3, 'three')",
      "UPDATE task SET body = 'changed' WHERE id = 1",
      "DELETE FROM task WHERE id = 2",
      // Where deleted rows stay: one made room for an INSERT that then was skipped.
      "DELETE FROM task WHERE id = 2; INSERT OR IGNORE INTO task(id, body) VALUES (2, NULL)",
      "DELETE FROM task WHERE id = 2; INSERT INTO task(id, body) VALUES (2, 'again')",
  };
  for (const char* tombstone : {"", ", deletedAt INTEGER"}) {
    for (const char* before : kWrites) {
      for (const char* after : {"COMMIT", "UPDATE task SET body = 'more'; COMMIT", "ROLLBACK"}) {
        SCOPED_TRACE(std::string(tombstone) + " " + before + " " + after);
        Host host;
        host.rows(std::string("CREATE TABLE task(id INTEGER PRIMARY KEY, body TEXT NOT NULL") +
                  tombstone + "); SELECT replic_init(1); SELECT replic_track('task');" +
                  "INSERT INTO task(id, body) VALUES (1, 'one'), (2, 'two'); BEGIN");
        host.rows(before);
        {
          const OpenStatement cursor(host.db(), "SELECT * FROM replic_changes");
          EXPECT_EQ(host.close(), SQLITE_BUSY);
        }
        host.rows(after);
        EXPECT_EQ(host.rows("SELECT * FROM replic_check"), std::vector<std::string>{});
        host.rows("INSERT OR REPLACE INTO task(id, body) VALUES (9, 'nine')");
        EXPECT_EQ(host.one("SELECT min(seq) = 1 AND max(seq) = count(*) FROM replic_changes"), "1");
        EXPECT_EQ(host.rows("SELECT * FROM replic_check"), std::vector<std::string>{});
        // Another peer is shown the same.
        Host other;
        other.rows(std::string("CREATE TABLE task(id INTEGER PRIMARY KEY, body TEXT NOT NULL") +
                   tombstone + "); SELECT replic_init(2); SELECT replic_track('task')");
        other.rows("SELECT replic_apply(x'" + host.one("SELECT hex(replic_bundle())") + "')");
        EXPECT_EQ(other.one("SELECT replic_digest()"), host.one("SELECT replic_digest()"));
        EXPECT_EQ(other.rows("SELECT * FROM task"), host.rows("SELECT * FROM task"));
        EXPECT_EQ(host.close(), SQLITE_OK);
      }
    }
  }
}

TEST(Connection, ClosesAtTheEndOfTheLastStatementAfterCloseV2) {
  for (const std::string& sql : cursors()) {
    SCOPED_TRACE(sql);
    const auto host = with_notes();
    OpenStatement cursor(host->db(), sql);
    OpenStatement other(host->db(), "SELECT * FROM replic_changes");
    EXPECT_EQ(sqlite3_close_v2(host->release()), SQLITE_OK);
    cursor.step();
    other.finish();
    while (cursor.step() == SQLITE_ROW) {
    }
  }
}

TEST(Connection, OutlivesTheRemovalOfItsModules) {
  const auto host = with_notes();
  EXPECT_EQ(sqlite3_drop_modules(host->db(), nullptr), SQLITE_OK);
  EXPECT_FALSE(host->ask("SELECT replic_patch('note', 'id', 1, 'body', 'x')").ok());
  EXPECT_FALSE(host->ask("SELECT * FROM replic_changes").ok());
  EXPECT_FALSE(host->ask("SELECT replic_vector()").ok());
  EXPECT_TRUE(host->ask("SELECT replic_version()").ok());
  EXPECT_EQ(host->close(), SQLITE_OK);
}

TEST(Connection, KeepsItsStatementsThroughSchemaChanges) {
  const TempFolder folder;
  Host host(folder.file("a.db"));
  host.rows(note_table());
  int id = 10;
  const auto write = [&] {
    host.rows("SELECT replic_patch('note', 'id', " + std::to_string(id++) + ", 'body', 'b')");
  };
  for (const char* sql :
       {"ALTER TABLE note ADD COLUMN extra", "ALTER TABLE note_patches ADD COLUMN odd",
        "CREATE TABLE other(x)", "DROP TABLE other", "BEGIN; CREATE TABLE other(x); ROLLBACK",
        "VACUUM", "ATTACH ':memory:' AS aux1; CREATE TABLE aux1.note(id)", "DETACH aux1",
        "PRAGMA writable_schema = RESET", "REINDEX", "ANALYZE"}) {
    SCOPED_TRACE(sql);
    host.rows(sql);
    write();
  }
  sqlite3_db_release_memory(host.db());
  write();
  Host(folder.file("a.db")).rows("CREATE TABLE by_another(x); SELECT replic_untrack('note')");
  write();
  EXPECT_EQ(host.one("SELECT count(*) FROM note"), "15");
  EXPECT_EQ(host.rows("SELECT * FROM replic_check WHERE severity = 'error'"),
            std::vector<std::string>{});
  EXPECT_EQ(host.close(), SQLITE_OK);
}

TEST(Connection, ServesManyColumnSets) {
  std::string columns;
  for (int i = 0; i < 12; i++) columns += ", c" + std::to_string(i);
  Host host;
  host.rows("CREATE TABLE wide(id INTEGER PRIMARY KEY" + columns + "); SELECT replic_init(1);" +
            "SELECT replic_track('wide'," + kManual + ")");
  for (unsigned set = 1; set < 1U << 12; set += 3) {
    std::string sql = "SELECT replic_patch('wide', 'id', " + std::to_string(set % 10);
    for (unsigned i = 0; i < 12; i++) {
      if ((set >> i & 1) != 0) sql += ", 'c" + std::to_string(i) + "', " + std::to_string(set);
    }
    host.rows(sql + ")");
  }
  EXPECT_EQ(host.rows("SELECT * FROM replic_check"), std::vector<std::string>{});
  int64_t kept = 0;
  for (sqlite3_stmt* s = nullptr; (s = sqlite3_next_stmt(host.db(), s)) != nullptr;) kept++;
  EXPECT_LT(kept, 1000) << "statements are kept for every set of columns";
  EXPECT_EQ(host.close(), SQLITE_OK);
}

// --- loading ------------------------------------------------------------------------------------

std::string load_sql() { return std::string("SELECT load_extension('") + REPLIC_SO + "')"; }

TEST(LoadedExtension, TwiceIsHarmless) {
  const auto host = with_notes();
  sqlite3_enable_load_extension(host->db(), 1);
  EXPECT_EQ(load_extension(host->db()), SQLITE_OK);
  EXPECT_EQ(host->rows(load_sql()).size(), 1U);
  host->rows("BEGIN");
  host->rows("SELECT replic_patch('note', 'id', 3, 'body', 'three')");
  EXPECT_EQ(host->rows(load_sql()).size(), 1U);
  EXPECT_EQ(load_extension(host->db()), SQLITE_OK);
  host->rows("COMMIT");
  OpenStatement cursor(host->db(), "SELECT * FROM replic_changes");
  EXPECT_EQ(load_extension(host->db()), SQLITE_OK);
  EXPECT_EQ(cursor.step(), SQLITE_ROW);
  cursor.finish();
  EXPECT_EQ(host->one("SELECT replic_vector()"), R"({"1":[[1,3]],"7":[[2,2]]})");
  EXPECT_EQ(host->close(), SQLITE_OK);
}

TEST(LoadedExtension, BySqlAloneWorks) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(":memory:", &db), SQLITE_OK);
  sqlite3_enable_load_extension(db, 1);
  EXPECT_TRUE(ask(db, load_sql()).ok());
  EXPECT_TRUE(ask(db, load_sql()).ok());
  EXPECT_TRUE(ask(db, note_table()).ok());
  EXPECT_EQ(sqlite3_close(db), SQLITE_OK);
}

TEST(LoadedExtension, DoesNotReadTheDatabaseWhileLoading) {
  const TempFolder folder;
  const Host holder(folder.file("a.db"));
  holder.rows(note_table());
  holder.rows("BEGIN EXCLUSIVE");
  const Host host(folder.file("a.db"));
  EXPECT_NE(host.error("SELECT replic_peer()").find("database is locked; "), std::string::npos);
  holder.rows("COMMIT");
  EXPECT_EQ(host.one("SELECT replic_peer()"), "1");
  // Nor a file that is no database, as one is whose key is still to come.
  std::ofstream(folder.file("secret.db")) << std::string(4096, 'x');
  const Host secret(folder.file("secret.db"));
  EXPECT_NE(secret.error("SELECT replic_peer()").find("file is not a database"), std::string::npos);
}

TEST(LoadedExtension, InTwoConnectionsKeepsThemApart) {
  const Host first;
  const Host second;
  first.rows(note_table());
  second.rows(note_table());
  first.rows("SELECT replic_patch('note', 'id', 3, 'body', 'in the first')");
  EXPECT_EQ(first.one("SELECT replic_vector()"), R"({"1":[[1,3]]})");
  EXPECT_EQ(second.one("SELECT replic_vector()"), R"({"1":[[1,2]]})");
}

TEST(Connection, TwoOnOneFileSeeEachOthersWrites) {
  const TempFolder folder;
  Host one(folder.file("a.db"));
  Host two(folder.file("a.db"));
  one.rows(note_table());
  for (int round = 0; round < 20; round++) {
    for (const Host* host : {&one, &two}) {
      const std::string id = std::to_string(10 + 2 * round + (host == &two ? 1 : 0));
      host->rows("SELECT replic_patch('note', 'id', " + id + ", 'body', 'b')");
    }
  }
  for (const Host* host : {&one, &two}) {
    EXPECT_EQ(host->one("SELECT replic_vector()"), R"({"1":[[1,42]]})");
    EXPECT_EQ(host->rows("SELECT * FROM replic_check"), std::vector<std::string>{});
  }
  EXPECT_EQ(one.close(), SQLITE_OK);
  EXPECT_EQ(two.one("SELECT count(*) FROM replic_changes"), "42");
  EXPECT_EQ(two.close(), SQLITE_OK);
}

}  // namespace
}  // namespace replic::test

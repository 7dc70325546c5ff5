// The log entries of captured statements, which are written when SQLite has closed the statement's
// journal, or before anything else is asked.

#include <gtest/gtest.h>

#include "support/host.h"
#include "support/io_fault.h"
#include "support/temp_folder.h"

namespace replic::test {
namespace {

constexpr const char* kLog =
    "SELECT group_concat(_sequenceId || ':' || id || coalesce(body, ''), ' ')"
    " FROM (SELECT * FROM note_patches ORDER BY _sequenceId)";

// run_sql(sql) runs statements in the middle of another one, and gives their error's text or NULL.
void run_statements(sqlite3_context* context, int, sqlite3_value** values) {
  const Answer answer = ask(sqlite3_context_db_handle(context),
                            reinterpret_cast<const char*>(sqlite3_value_text(values[0])));
  if (!answer.ok()) sqlite3_result_text(context, answer.error.c_str(), -1, SQLITE_TRANSIENT);
}

class PutOff : public testing::TestWithParam<bool> {
 protected:
  PutOff() {
    sqlite3_create_function(host.db(), "run_sql", 1, SQLITE_UTF8, nullptr, run_statements, nullptr,
                            nullptr);
    host.rows(
        "CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT); SELECT replic_init(1);"
        "SELECT replic_track('note')");
    if (GetParam()) host.rows("BEGIN");
  }
  void expect_log(const std::string& log) {
    EXPECT_EQ(host.one(kLog), log);
    if (host.in_transaction()) host.rows("COMMIT");
    EXPECT_EQ(host.one(kLog), log);
    EXPECT_EQ(host.rows("SELECT * FROM replic_check"), std::vector<std::string>{});
    EXPECT_EQ(host.number("SELECT count(*) FROM replic_missing"), 0);
  }

  Host host;
};

TEST_P(PutOff, IsInTheLogWhenItsStatementHasEnded) {
  host.rows("INSERT INTO note VALUES (1,'a'), (2,'b')");
  EXPECT_EQ(host.one(kLog), "1:1a 2:2b");
  host.rows("UPDATE note SET body = 'c' WHERE id = 2");
  EXPECT_EQ(host.one(kLog), "1:1a 2:2b 3:2c");
  EXPECT_EQ(host.one("DELETE FROM note WHERE id = 1 RETURNING id"), "1");
  expect_log("1:1a 2:2b 3:2c 4:1");
}

TEST_P(PutOff, IsTakenBackWithItsStatement) {
  host.rows("INSERT INTO note VALUES (1,'a')");
  EXPECT_NE(host.error("INSERT INTO note VALUES (2,'b'), (3,'c'), (1,'d')"), "no error");
  EXPECT_EQ(host.one(kLog), "1:1a");
  host.rows("INSERT INTO note VALUES (4,'e')");
  expect_log("1:1a 2:4e");
}

TEST_P(PutOff, IsTakenBackToASavepoint) {
  host.rows(
      "SAVEPOINT one; INSERT INTO note VALUES (1,'a'); SAVEPOINT two;"
      "INSERT INTO note VALUES (2,'b'); SAVEPOINT three; INSERT INTO note VALUES (3,'c');"
      "RELEASE three; ROLLBACK TO two; INSERT INTO note VALUES (4,'d'); RELEASE one");
  expect_log("1:1a 2:4d");
}

// The trigger runs between our entry and the end of the statement.
TEST_P(PutOff, OutlivesAnInnerStatementThatFails) {
  host.rows(
      "CREATE TRIGGER meanwhile AFTER INSERT ON note WHEN NEW.id < 10 BEGIN"
      " SELECT run_sql('INSERT INTO note VALUES (' || (NEW.id + 10) || ', ''x''), (1, ''y'')');"
      " END; SELECT replic_refresh()");
  host.rows("INSERT INTO note VALUES (1,'a'), (2,'b')");
  expect_log("1:1a 2:2b");
}

TEST_P(PutOff, ComesBeforeAnInnerStatement) {
  host.rows(
      "CREATE TRIGGER meanwhile AFTER INSERT ON note WHEN NEW.id < 10 BEGIN"
      " SELECT run_sql('INSERT INTO note VALUES (' || (NEW.id + 10) || ', ''x'')'); END;"
      "SELECT replic_refresh()");
  host.rows("INSERT INTO note VALUES (1,'a'), (2,'b')");
  expect_log("1:1a 2:11x 3:2b 4:12x");
}

TEST_P(PutOff, IsSeenByWhatTheStatementCalls) {
  host.rows(
      "CREATE TABLE seen(n); CREATE TRIGGER meanwhile AFTER INSERT ON note BEGIN"
      " SELECT run_sql('INSERT INTO seen SELECT count(*) FROM replic_changes'); END;"
      "SELECT replic_refresh()");
  host.rows("INSERT INTO note VALUES (1,'a'), (2,'b')");
  EXPECT_EQ(host.rows("SELECT n FROM seen"), (std::vector<std::string>{"1", "2"}));
  expect_log("1:1a 2:2b");
}

TEST_P(PutOff, LeavesTheLastRowid) {
  host.rows(
      "CREATE TABLE memo(id INTEGER PRIMARY KEY, body TEXT);"
      "CREATE TABLE memo_patches(_patchedAt INTEGER NOT NULL, _sequenceId INTEGER NOT NULL,"
      " _peerId INTEGER NOT NULL, id INTEGER NOT NULL, body TEXT, _deletedAt INTEGER, _nulls TEXT);"
      "SELECT replic_track('memo')");
  host.rows("INSERT INTO memo VALUES (100,'a')");
  EXPECT_EQ(host.one("SELECT last_insert_rowid()"), "100");
  EXPECT_EQ(host.one("SELECT max(rowid) FROM memo_patches"), "1");
}

INSTANTIATE_TEST_SUITE_P(, PutOff, testing::Bool(), [](const auto& test) {
  return std::string(test.param ? "InATransaction" : "Alone");
});

// An error at the end of a statement would cost the whole transaction.
class LogThatRefuses : public testing::TestWithParam<const char*> {};

TEST_P(LogThatRefuses, FailsTheStatementAlone) {
  for (const bool transaction : {false, true}) {
    SCOPED_TRACE(transaction ? "in a transaction" : "alone");
    Host host;
    host.rows(
        "CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT); SELECT replic_init(1);"
        "SELECT replic_track('note');" +
        std::string(GetParam()));
    if (transaction) host.rows("BEGIN");
    host.rows("INSERT INTO note VALUES (1,'a')");
    EXPECT_NE(host.error("INSERT INTO note VALUES (2,'bad')"), "no error");
    EXPECT_EQ(host.in_transaction(), transaction);
    host.rows("INSERT INTO note VALUES (3,'b')");
    EXPECT_EQ(host.number("SELECT count(*) FROM note_patches WHERE body IN ('a', 'b')"), 2);
    if (transaction) host.rows("COMMIT");
    EXPECT_EQ(host.rows("SELECT id FROM note"), (std::vector<std::string>{"1", "3"}));
    EXPECT_EQ(host.rows("SELECT * FROM replic_check"), std::vector<std::string>{});
  }
}

INSTANTIATE_TEST_SUITE_P(
    , LogThatRefuses,
    testing::Values(
        "ALTER TABLE note_patches ADD COLUMN x CHECK (body <> 'bad')",
        "ALTER TABLE note_patches ADD COLUMN x AS (CASE body WHEN 'bad' THEN NULL ELSE 1 END)"
        " NOT NULL",
        "ALTER TABLE note_patches ADD COLUMN x NOT NULL DEFAULT 1;"
        "CREATE TRIGGER t BEFORE INSERT ON note_patches WHEN NEW.body = 'bad'"
        " BEGIN SELECT RAISE(ABORT, 'no'); END",
        "CREATE TEMP TRIGGER t BEFORE INSERT ON main.note_patches WHEN NEW.body = 'bad'"
        " BEGIN SELECT RAISE(ABORT, 'no'); END",
        "CREATE UNIQUE INDEX one ON note_patches(length(body)) WHERE body IN ('xyz', 'bad');"
        "INSERT INTO note VALUES (9,'xyz'); DELETE FROM note"));

// The log's row is longer than that of the table.
TEST(LongRow, ThatTheLogCannotTakeFailsItsStatementAlone) {
  Host host;
  host.rows(
      "CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT); SELECT replic_init(1);"
      "SELECT replic_track('note'); INSERT INTO note VALUES (1, 'a')");
  sqlite3_limit(host.db(), SQLITE_LIMIT_LENGTH, 1000);
  host.rows("BEGIN; INSERT INTO note VALUES (2, 'b')");
  EXPECT_NE(host.error("INSERT INTO note VALUES (3, printf('%.*c', 990, 'x'))"), "no error");
  EXPECT_TRUE(host.in_transaction());
  host.rows("COMMIT");
  EXPECT_EQ(host.one("SELECT group_concat(id) FROM note"), "1,2");
  EXPECT_EQ(host.rows("SELECT * FROM replic_check"), std::vector<std::string>{});
}

// SQLite lets no virtual table be written in the commit that had no part before.
TEST(LogWithAnIndex, IsWrittenInTheStatement) {
  Host host;
  host.rows(
      "CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT); SELECT replic_init(1);"
      "SELECT replic_track('note'); CREATE VIRTUAL TABLE words USING fts5(body);"
      "CREATE TRIGGER t AFTER INSERT ON note_patches BEGIN"
      " INSERT INTO words VALUES (NEW.body); END");
  host.rows("INSERT INTO note VALUES (1,'a lazy dog')");
  EXPECT_EQ(host.number("SELECT count(*) FROM words('dog')"), 1);
}

// While they were written in the statement, one in some thousand changed so many pages that SQLite
// kept the journal in a file from then on.
TEST(PutOffForLong, LeavesNoJournalThatNeedsAFile) {
  register_fault_vfs();
  const TempFolder folder;
  Host host(folder.file("sample.db"), kFaultVfs);
  host.rows(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -100000;"
      "CREATE TABLE pair(a INTEGER, b INTEGER, c, d, e, f, PRIMARY KEY (a, b));"
      "SELECT replic_init(1); SELECT replic_track('pair'); BEGIN; INSERT INTO pair(a, b) VALUES "
      "(0, 0)");
  IoFault fault(Io::open, SQLITE_CANTOPEN, 1);
  for (int i = 1; i <= 40'000; i++) {
    const std::string row = std::to_string(i % 1000) + "," + std::to_string(i * 7919L % 1'000'003);
    ASSERT_EQ(
        host.ask("INSERT INTO pair VALUES (" + row + ", 12345, 'text 12345', 1.5, NULL)").error, "")
        << i;
  }
  EXPECT_FALSE(fault.hit());
  fault.disarm();
  host.rows("COMMIT");
}

}  // namespace
}  // namespace replic::test

#include "support/scenarios.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>

#include "support/io_fault.h"
#include "support/temp_folder.h"

namespace replic::test {
namespace {

constexpr int64_t kNowAt = (kFaultVfsUnixMs - 1'735'689'600'000) << 13;

// Tables of several shapes, with rows, waiting and parked patches; so that a call meets all paths.
std::string sample_sql() {
  const std::string manual = ",'{\"mode\":\"manual\"}');";
  const auto apply = [](const std::string& message) {
    return "SELECT replic_apply(" + sql_text(message) + ");";
  };
  return "CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT NOT NULL,"
         " stars INTEGER CHECK (stars BETWEEN 0 AND 5), extra);"
         "CREATE TABLE item(tenant INTEGER, name TEXT COLLATE NOCASE, amount REAL,"
         " memo TEXT DEFAULT (upper('made')), deletedAt INTEGER,"
         " PRIMARY KEY (tenant, name)) WITHOUT ROWID;"
         "CREATE TABLE task(id INTEGER NOT NULL, tenantId INTEGER NOT NULL, name TEXT,"
         " deletedAt INTEGER, PRIMARY KEY (id, tenantId)) STRICT;"
         "CREATE TABLE task_patches(_patchedAt INTEGER NOT NULL, _sequenceId INTEGER NOT NULL,"
         " _peerId INTEGER NOT NULL, id INTEGER NOT NULL, tenantId INTEGER NOT NULL, name TEXT,"
         " deletedAt INTEGER) STRICT;"
         "CREATE TABLE plain(id INTEGER PRIMARY KEY, v TEXT, b BLOB);"
         "CREATE TABLE memo(id INTEGER PRIMARY KEY, body TEXT, stars INTEGER DEFAULT 1, extra);"
         "CREATE TABLE tag(id INTEGER PRIMARY KEY, name TEXT UNIQUE);"
         "CREATE TABLE entry(id INTEGER PRIMARY KEY, body TEXT NOT NULL, deletedAt INTEGER);"
         "INSERT INTO plain VALUES (1, 'one', NULL), (2, 'two', x'0102'), (3, NULL, x'');"
         "SELECT replic_init(1);"
         "SELECT replic_track('note'" +
         manual + "SELECT replic_track('item'" + manual +
         "SELECT replic_track('memo'), replic_track('tag'), replic_track('entry');"
         "INSERT INTO memo(body) VALUES ('one'), ('two'), (NULL);"
         "INSERT INTO tag(name) VALUES ('red'), ('blue');"
         "INSERT INTO entry(body) VALUES ('here'), ('gone'), ('here too');"
         "DELETE FROM memo WHERE id = 3; DELETE FROM entry WHERE id = 2;"
         "SELECT replic_patch('note', 'id', 1, 'body', 'first', 'stars', 3);"
         "SELECT replic_patch('note', 'id', 2, 'body', 'second');"
         "SELECT replic_patch('item', 'tenant', 1, 'name', 'Bolt', 'amount', 1.5);"
         "SELECT replic_patch('task', 'id', 1, 'tenantId', 1, 'name', 'plan');" +
         apply(patch_message(7, 1, 1000, "note", "{\"id\":1,\"extra\":\"old\"}")) +
         apply(patch_message(7, 2, 1000, "note", "{\"id\":50,\"stars\":2}")) +
         apply(patch_message(7, 3, 1001, "note", "{\"id\":51,\"body\":\"b\",\"stars\":9}")) +
         apply(patch_message(7, 4, 1002, "unheard", "{\"id\":1}")) +
         apply(patch_message(7, 5, 1003, "note", "{\"id\":1,\"colour\":\"red\",\"extra\":5}")) +
         apply(patch_message(7, 9, kNowAt + (int64_t{400'000} << 13), "note",
                             "{\"id\":1,\"body\":\"of the future\"}"));
}

std::string batch() {
  const std::vector<std::string> messages = {
      patch_message(8, 1, kNowAt, "note", "{\"id\":60,\"body\":\"new\",\"extra\":1e-5}"),
      patch_message(8, 2, 5, "note",
                    "{\"id\":1,\"body\":\"late\",\"extra\":{\"base64\":\"AAE=\"}}"),
      patch_message(8, 3, 6, "note", "{\"id\":50,\"body\":\"the rest of a row\"}"),
      patch_message(8, 4, 7, "note", "{\"id\":61,\"stars\":1}"),
      patch_message(8, 5, kNowAt, "item", "{\"tenant\":1,\"name\":\"BOLT\",\"amount\":2}"),
      patch_message(8, 6, kNowAt, "item", "{\"tenant\":1,\"name\":\"nut\",\"deletedAt\":5}"),
      patch_message(8, 7, kNowAt, "task",
                    "{\"id\":1,\"tenantId\":1,\"name\":\"gr\\u00f6\\u00dfer\"}"),
      patch_message(8, 8, kNowAt, "task", "{\"id\":2,\"tenantId\":1,\"name\":7}"),
      patch_message(8, 9, kNowAt, "note", "{\"id\":2,\"deletedAt\":5}"),
      patch_message(8, 12, kNowAt, "unheard", "{\"id\":2}"),
      patch_message(8, 11, kNowAt, "_", "{}"),
      patch_message(7, 1, 1000, "note", "{\"id\":1,\"extra\":\"old\"}"),
      patch_message(7, 2, 1000, "note", "{\"id\":1,\"body\":\"of another with this seq\"}"),
      "{\"type\":20,\"at\":9,\"peer\":9,\"seq\":5,\"ver\":1,\"tab\":\"_\",\"delta\":"
      "{\"1\":[1,2,3,4,5,6],\"7\":[1,20,3,4,5,6]},\"name\":\"nine\"}",
      "{\"type\":99}",
  };
  std::string out = "[";
  for (const std::string& message : messages) out.append(out == "[" ? "" : ",").append(message);
  return out + "]";
}

// Another peer, with patches that the sample lacks and one that it has otherwise.
std::unique_ptr<Host> other_peer(const std::string& path = ":memory:") {
  auto other = std::make_unique<Host>(path, kFaultVfs);
  other->rows(
      "CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT NOT NULL, stars INTEGER, extra);"
      "SELECT replic_init(9);"
      "SELECT replic_track('note', '{\"mode\":\"manual\"}');"
      "SELECT replic_patch('note', 'id', 1, 'stars', 4, 'body', 'by the other');"
      "SELECT replic_patch('note', 'id', 90, 'body', 'x', 'stars', 7, 'extra', x'00');");
  const std::string messages =
      patch_message(7, 1, 2000, "note", "{\"id\":1,\"body\":\"of a copy\"}") + " " +
      patch_message(7, 7, 2000, "note", "{\"id\":51,\"stars\":0}");
  other->rows("SELECT replic_apply(" + sql_text(messages) + ")");
  return other;
}

// A file that another peer has written; it stays for as long as the process.
std::string file_of_another() {
  static const TempFolder kFolder;
  static const std::string kPath = [] {
    std::string path = kFolder.file("other.db");
    register_fault_vfs();
    other_peer(path)->rows("PRAGMA journal_mode = DELETE");
    return path;
  }();
  return kPath;
}

std::vector<Scenario> make_writing() {
  const std::string bad = batch().substr(0, batch().size() - 1) + ",{\"type\":10}]";
  const std::string of_mine = patch_message(1, 99, 9, "note", "{\"id\":1,\"extra\":\"restored\"}");
  return {
      {"InitOnEmpty", "SELECT replic_init(5)", "CREATE TABLE t(x)"},
      {"TrackOnEmpty", "SELECT replic_track('t', '{\"mode\":\"manual\"}')",
       "CREATE TABLE t(a PRIMARY KEY, b); INSERT INTO t VALUES (1, 2), ('x', x'00')", false, true},
      {"Track", "SELECT replic_track('plain', '{\"mode\":\"manual\"}')"},
      {"TrackALogMadeByHand", "SELECT replic_track('task', '{\"mode\":\"manual\"}')"},
      {"Untrack", "SELECT replic_untrack('note')"},
      {"PatchJsonNewRow",
       "SELECT replic_patch('note', '{\"id\":70,\"body\":\"n\\u00e9\\u0000w\",\"stars\":5}')"},
      {"PatchTypedUpdate", "SELECT replic_patch('note', 'id', 1, 'body', 'b', 'extra', x'00ff')"},
      {"PatchSetsNull", "SELECT replic_patch('note', 'id', 1, 'stars', NULL)"},
      {"PatchDeletes", "SELECT replic_patch('note', 'id', 1, 'deletedAt', 5)"},
      {"PatchMeetsAWaiter", "SELECT replic_patch('note', 'id', 50, 'body', 'now whole')"},
      {"PatchWithDefault", "SELECT replic_patch('item', 'tenant', 2, 'name', 'x', 'amount', 1)"},
      {"PatchOfASeedTable", "SELECT replic_patch('task', 'id', 2, 'tenantId', 1, 'name', 'x')"},
      {"PatchesInOneStatement",
       "INSERT INTO plain(v) SELECT replic_patch('note', 'id', id + 80, 'body', v) FROM plain "
       "WHERE v IS NOT NULL"},
      {"ApplyOne", "SELECT replic_apply(" +
                       sql_text(patch_message(9, 1, 9, "note", "{\"id\":70,\"body\":\"b\"}")) +
                       ")"},
      {"ApplyMany", "SELECT replic_apply(" + sql_text(batch()) + ")"},
      {"ApplyByInsert", "INSERT INTO replic_changes(message) VALUES (" + sql_text(batch()) + ")"},
      {"ApplyBadAtTheEnd", "SELECT replic_apply(" + sql_text(bad) + ")"},
      {"ApplyOneOfMine", "SELECT replic_apply(" + sql_text(of_mine) + ")", {}, false, true},
      {"ApplyBundle", "SELECT replic_apply($BUNDLE)"},
      {"Pull", "SELECT replic_pull($FILE)"},
      {"SyncFirst", "SELECT replic_sync()"},
      {"SyncAnswer", "SELECT replic_sync($OPENING)", {}, true},
      {"Retry", "SELECT replic_retry()"},
      {"ReleaseTheFuture", "SELECT replic_option('max_drift_ms', 500000)"},
      {"OptionName", "SELECT replic_option('name', 'peer one')"},
      {"Fork", "SELECT replic_fork(5)"},
  };
}

// Plain SQL on tables that are captured, and what makes them so.
std::vector<Scenario> make_captured() {
  const std::string tracked =
      "CREATE TABLE t(a INTEGER PRIMARY KEY, b, c DEFAULT 5); SELECT replic_init(1),"
      " replic_track('t'); INSERT INTO t VALUES (1, 'x', NULL), (2, NULL, x'00'), (3, 3, 3);"
      "DELETE FROM t WHERE a = 3;";
  return {
      {"CapturedInsert",
       "INSERT INTO memo(body, extra) VALUES ('n\u00e9w', x'00'), ('x', 1.5) RETURNING id"},
      {"CapturedInsertOfARowThatWasDeleted", "INSERT INTO memo(id, extra) VALUES (3, 'back')"},
      {"CapturedInsertThatFailsHalfWay", "INSERT INTO memo(id) VALUES (50), (51), (1), (52)"},
      {"CapturedUpsert",
       "INSERT INTO memo(id, body) VALUES (1, 'a'), (60, 'b') ON CONFLICT DO UPDATE SET body = "
       "excluded.body"},
      {"CapturedUpdate", "UPDATE memo SET body = body || '!', stars = NULL"},
      {"CapturedUpdateOfTheKey", "UPDATE memo SET id = id + 100"},
      {"CapturedDelete", "DELETE FROM memo"},
      {"CapturedReplace", "REPLACE INTO tag VALUES (3, 'red'), (2, 'green')"},
      {"CapturedDeleteOfARowThatStays", "DELETE FROM entry WHERE id = 1"},
      {"CapturedInsertOverADeletedRow", "INSERT INTO entry(id, body) VALUES (2, 'again')"},
      {"CapturedInsertThatIsSkipped", "INSERT OR IGNORE INTO entry(id, body) VALUES (2, NULL)"},
      {"CapturedUpdateOfAKeyThatStays", "UPDATE entry SET id = 2 WHERE id = 3"},
      {"TrackForCapture", "SELECT replic_track('plain')"},
      {"TrackForGuard", "SELECT replic_track('memo', '{\"mode\":\"guard\"}')"},
      {"UntrackCaptured", "SELECT replic_untrack('entry')"},
      {"RefreshAfterAColumnWasAdded", "SELECT replic_refresh()",
       tracked + "ALTER TABLE t ADD COLUMN d"},
      {"RefreshAfterRenaming", "SELECT replic_refresh()",
       tracked + "ALTER TABLE t RENAME COLUMN b TO bb; ALTER TABLE t RENAME TO u"},
      {"RefreshAfterMakingAnew", "SELECT replic_refresh()",
       tracked + "CREATE TABLE n(a INTEGER PRIMARY KEY, b, c DEFAULT 5, deletedAt INTEGER);"
                 "INSERT INTO n(a, b) SELECT a + 1, b FROM t; DROP TABLE t;"
                 "ALTER TABLE n RENAME TO t"},
      {"ApplyToAnIndexOfExpressions",
       "SELECT replic_apply(" +
           sql_text("[" + patch_message(8, 1, 5, "t", "{\"a\":2,\"b\":\"X\"}") + "," +
                    patch_message(8, 2, kNowAt, "t", "{\"a\":3,\"b\":\"y\"}") + "]") +
           ")",
       "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c TEXT AS (b || 'c') UNIQUE);"
       "CREATE UNIQUE INDEX i ON t(lower(b)); SELECT replic_init(1), replic_track('t');"
       "INSERT INTO t(a, b) VALUES (1, 'x')"},
      {"TrackAfterAColumnWasDropped", "SELECT replic_track('t')",
       tracked + "SELECT replic_untrack('t'); ALTER TABLE t DROP COLUMN c"},
  };
}

std::vector<Scenario> make_reading() {
  return {
      {"ReadFunctions",
       "SELECT replic_peer(), replic_vector(), replic_status(), replic_digest(),"
       " replic_digest('note', 1, 50), replic_now(), replic_version(), replic_at_to_ms(8192),"
       " replic_at_from_ms(1767225600000), replic_option('name')"},
      {"ReadChanges", "SELECT * FROM replic_changes"},
      {"ReadChangesSince",
       "SELECT peer, seq, message FROM replic_changes('{\"1\":[[1,2]],\"7\":[[2,3]]}') WHERE "
       "peer = 7 AND seq > 1"},
      {"ReadBundle", "SELECT replic_bundle(), replic_bundle('{\"1\":[[1,3]]}', 10), replic_ping()"},
      {"ReadAnswer",
       "SELECT * FROM "
       "replic_answer('{\"type\":30,\"peer\":7,\"minSeq\":1,\"maxSeq\":9,\"forPeer\":5}');"
       "SELECT * FROM replic_answer('{\"type\":20,\"at\":9,\"peer\":5,\"seq\":3,\"ver\":1,"
       "\"tab\":\"_\",\"delta\":{\"7\":[1,20,3,4,5,6]}}')",
       {},
       true},
      {"ReadTables",
       "SELECT * FROM replic_pending; SELECT * FROM replic_missing; SELECT * FROM replic_peers;"
       "SELECT * FROM replic_tables; SELECT * FROM replic_options; SELECT * FROM replic_help"},
      {"ReadCheck", "SELECT * FROM replic_check; SELECT * FROM replic_check('item')"},
      {"KeepLast",
       "SELECT id, keep_last(extra, _patchedAt, _peerId, _sequenceId) FROM note_patches GROUP BY "
       "id;"
       "SELECT keep_last(body, _patchedAt, _peerId, _sequenceId) OVER (ORDER BY id ROWS BETWEEN 1"
       " PRECEDING AND 1 FOLLOWING) FROM note_patches"},
  };
}

// The same random numbers before each call to compare, and others in each process: SQLite names its
// temporary files by them, and one that finds its name taken by another process becomes read-only.
void seed_randomness() { sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, getpid(), nullptr); }

void copy_database(sqlite3* from, sqlite3* to) {
  sqlite3_backup* backup = sqlite3_backup_init(to, "main", from, "main");
  sqlite3_backup_step(backup, -1);
  EXPECT_EQ(sqlite3_backup_finish(backup), SQLITE_OK) << sqlite3_errmsg(to);
}

constexpr const char* kHostsOwnWrite =
    "BEGIN; INSERT INTO plain(v) VALUES ('by the host');"
    "SELECT replic_patch('note', 'id', 40, 'body', 'before the fault');";

void begin(Host& host, const Scenario& scenario) {
  host.rows(scenario.on_empty.empty() ? kHostsOwnWrite : "BEGIN; CREATE TABLE of_the_host(x)");
}

// What the call gives and leaves when nothing fails.
struct Expected {
  std::string sql;
  Answer answer;
  std::string before, after;
};

Expected run_unharmed(const Scenario& scenario, const Sweep& how, bool transaction) {
  const std::unique_ptr<Host> host = open_sample(scenario, how.path, how.setup);
  Expected expected;
  expected.sql = sql_of(scenario);
  if (transaction) begin(*host, scenario);
  expected.before = dump(host->db());
  seed_randomness();
  expected.answer = host->ask(expected.sql);
  expected.after = dump(host->db());
  if (transaction) host->rows("COMMIT");
  return expected;
}

void expect_whole(Host& host) {
  EXPECT_EQ(host.rows("PRAGMA integrity_check"), std::vector<std::string>{"ok"});
  EXPECT_EQ(host.rows("SELECT code, tab, detail FROM replic_check"), std::vector<std::string>{});
}

// One run. Returns whether the fault was hit.
bool run_harmed(const Scenario& scenario, const Sweep& how, bool transaction, int64_t nth,
                const Expected& expected) {
  const std::unique_ptr<Host> host = open_sample(scenario, how.path, how.setup);
  const std::string at_first = transaction ? dump(host->db()) : expected.before;
  if (transaction) begin(*host, scenario);
  const std::string before = transaction ? dump(host->db()) : expected.before;
  seed_randomness();
  const Outcome outcome = how.call(*host, expected.sql, nth);
  const bool same = outcome.answer == expected.answer;
  const int primary = outcome.answer.primary();
  // ALTER TABLE can lose the code, and with it the reason.
  const bool by_alter = primary == SQLITE_ERROR &&
                        outcome.answer.error.find("cannot run 'ALTER TABLE") != std::string::npos;
  // SQLite does without the error's text where there is no memory for it.
  const bool lost_text = !outcome.answer.ok() && outcome.answer.code == expected.answer.code;
  const bool right_code = by_alter || lost_text ||
                          std::find(how.codes.begin(), how.codes.end(), primary) != how.codes.end();
  EXPECT_TRUE(same || (outcome.hit && right_code))
      << "code " << outcome.answer.code << ": " << outcome.answer.first() << "\nexpected code "
      << expected.answer.code << ": " << expected.answer.first();
  bool rolled_back = false;
  bool done = false;
  const bool comparable = !scenario.takes_identity;  // a random number
  if (same && outcome.answer.ok()) {
    if (comparable) {
      EXPECT_EQ(dump(host->db()), expected.after);
    }
  } else {
    rolled_back = transaction && !host->in_transaction();
    EXPECT_TRUE(!rolled_back || how.may_roll_back || primary == SQLITE_ABORT)
        << "the host's transaction is gone";
    const std::string now = dump(host->db());
    const bool ours = outcome.answer.error.rfind("replic: ", 0) == 0;
    done = now == expected.after && (scenario.keeps_writes || (how.may_come_after && !ours));
    if (!done) {
      EXPECT_EQ(now, rolled_back ? at_first : before);
    }
  }
  EXPECT_EQ(host->in_transaction(), transaction && !rolled_back);
  // The next call is as if nothing had happened.
  if (!same && !done) {
    if (rolled_back) begin(*host, scenario);
    seed_randomness();
    const Answer again = host->ask(expected.sql);
    EXPECT_TRUE(scenario.keeps_writes || again == expected.answer)
        << "the call after the fault: " << again.first();
    if (comparable) {
      EXPECT_EQ(dump(host->db()), expected.after) << "after the call after the fault";
    }
  }
  if (host->in_transaction()) host->rows("COMMIT");
  expect_whole(*host);
  EXPECT_EQ(host->close(), SQLITE_OK);
  return outcome.hit;
}

// As tests/support/seeds.py.
uint64_t fresh_seed() {
  const char* given = std::getenv("REPLIC_FRESH_SEED");
  return given != nullptr ? std::stoull(given) : std::random_device{}();
}

int64_t sweep_one(const Scenario& scenario, const Sweep& how, bool transaction) {
  const Expected expected = run_unharmed(scenario, how, transaction);
  const bool everything = std::getenv("REPLIC_EVERY_FAULT") != nullptr;
  const int64_t most = everything || how.runs == 0 ? INT64_MAX : how.runs;
  std::mt19937_64 random(fresh_seed());
  int64_t nth = 0;
  int64_t chances = 0;
  for (;;) {
    // Longer and longer steps, other ones in each run.
    const int64_t longest = std::max<int64_t>(1, nth * 6 / most);
    nth += std::uniform_int_distribution<int64_t>(1, longest)(random);
    SCOPED_TRACE((transaction ? "in a transaction, fault " : "fault ") + std::to_string(nth) +
                 ", again with REPLIC_EVERY_FAULT=1");
    if (!run_harmed(scenario, how, transaction, nth, expected)) return chances;
    chances = nth;
    if (testing::Test::HasFailure()) return chances;  // one explains the others
  }
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Scenario& scenario) {
  return out << scenario.name;
}

std::string sql_of(const Scenario& scenario) {
  std::string sql = scenario.sql;
  const auto put = [&](const std::string& mark, const std::function<std::string()>& text) {
    const size_t at = sql.find(mark);
    if (at != std::string::npos) sql.replace(at, mark.size(), text());
  };
  register_fault_vfs();
  put("$BUNDLE", [] { return "x'" + other_peer()->one("SELECT hex(replic_bundle())") + "'"; });
  put("$OPENING", [] { return "x'" + other_peer()->one("SELECT hex(replic_sync())") + "'"; });
  put("$FILE", [] { return sql_text(file_of_another()); });
  return sql;
}

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> kAll = [] {
    std::vector<Scenario> all = writing_scenarios();
    for (Scenario& scenario : make_reading()) all.push_back(std::move(scenario));
    return all;
  }();
  return kAll;
}

std::vector<Scenario> writing_scenarios() {
  std::vector<Scenario> all = make_writing();
  for (Scenario& scenario : make_captured()) all.push_back(std::move(scenario));
  return all;
}

std::unique_ptr<Host> open_sample(const Scenario& scenario, const std::string& path,
                                  const std::string& setup) {
  register_fault_vfs();
  static const std::unique_ptr<Host> kSample = [] {
    auto sample = std::make_unique<Host>(":memory:", kFaultVfs);
    sample->rows(sample_sql());
    return sample;
  }();
  if (path != ":memory:") {
    for (const char* suffix : {"", "-journal", "-wal", "-shm"})
      std::remove((path + suffix).c_str());
  }
  auto host = std::make_unique<Host>(path, kFaultVfs);
  if (scenario.on_empty.empty()) {
    copy_database(kSample->db(), host->db());
  } else {
    host->rows(scenario.on_empty);
  }
  host->rows(setup);
  return host;
}

int64_t sweep(const Scenario& scenario, const Sweep& how) {
  const int64_t chances = sweep_one(scenario, how, false);
  if (how.in_transaction && !testing::Test::HasFailure()) sweep_one(scenario, how, true);
  return chances;
}

}  // namespace replic::test

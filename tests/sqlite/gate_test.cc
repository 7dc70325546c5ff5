// Calls inside transactions, savepoints, statements and triggers of the host.

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "support/host.h"
#include "support/temp_folder.h"

namespace replic::test {
namespace {

constexpr const char* kTables =
    "CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT NOT NULL,"
    " stars INTEGER CHECK (stars BETWEEN 0 AND 5));"
    "CREATE TABLE plain(id INTEGER PRIMARY KEY, v);"
    "INSERT INTO plain(id, v) VALUES (1, 'one'), (2, 'two'), (3, 'three');"
    "SELECT replic_init(1);"
    "SELECT replic_track('note', '{\"mode\":\"manual\"}');";

std::string patch(int64_t id, const std::string& body = "b") {
  return "replic_patch('note', 'id', " + std::to_string(id) + ", 'body', '" + body + "')";
}

std::string apply(const std::string& messages) {
  return "replic_apply(" + sql_text(messages) + ")";
}

std::string from_afar(int64_t seq, int64_t id) {
  return patch_message(7, seq, 1000 + seq, "note",
                       "{\"id\":" + std::to_string(id) + ",\"body\":\"afar\"}");
}

void expect_sound(const Host& host) {
  EXPECT_EQ(host.rows("SELECT code, detail FROM replic_check"), std::vector<std::string>{});
}

TEST(Gate, ShipsOnlyWhatIsCommitted) {
  Host host;
  host.rows(kTables);
  EXPECT_NE(host.one("SELECT " + patch(1)), "NULL");
  for (const char* begin : {"BEGIN", "SAVEPOINT s", "BEGIN IMMEDIATE", "BEGIN; SAVEPOINT s"}) {
    host.rows(begin);
    EXPECT_EQ(host.one("SELECT " + patch(2)), "NULL") << begin;
    host.rows("COMMIT");
  }
  // The write statement that runs around it may still fail.
  EXPECT_EQ(host.one("INSERT INTO plain(v) SELECT " + patch(3) + " RETURNING v"), "NULL");
  EXPECT_EQ(host.one("UPDATE plain SET v = " + patch(4) + " WHERE id = 1 RETURNING v"), "NULL");
  EXPECT_EQ(host.one("SELECT replic_vector()"), R"({"1":[[1,7]]})");
  EXPECT_EQ(host.rows("SELECT seq FROM replic_changes").size(), 7U);
}

TEST(Gate, LeavesNothingOfARolledBackTransaction) {
  Host host;
  host.rows(kTables);
  host.rows("SELECT " + patch(1));
  const std::string before = dump(host.db());
  host.rows("BEGIN; SELECT " + patch(2) + "; SELECT " + apply(from_afar(1, 5)) +
            "; SELECT replic_fork(2); SELECT " + patch(3) + "; ROLLBACK");
  EXPECT_EQ(dump(host.db()), before);
  EXPECT_EQ(host.one("SELECT replic_peer()"), "1");
  EXPECT_EQ(host.one("SELECT replic_vector()"), R"({"1":[[1,1]]})");
  // Making the tables, too.
  Host fresh;
  fresh.rows(
      "BEGIN; CREATE TABLE t(id INTEGER PRIMARY KEY); SELECT replic_init(3);"
      "SELECT replic_track('t', '{\"mode\":\"manual\"}'); SELECT replic_patch('t','id',1);"
      "ROLLBACK");
  EXPECT_EQ(fresh.one("SELECT replic_peer()"), "NULL");
  EXPECT_EQ(fresh.one("SELECT count(*) FROM sqlite_schema"), "0");
  fresh.rows("SELECT replic_init(4)");
  EXPECT_EQ(fresh.one("SELECT replic_peer()"), "4");
}

// What is read goes on when a call that is the whole transaction fails and is taken back.
TEST(Gate, LetsAStatementThatReadsGoOn) {
  Host host;
  host.rows(kTables);
  host.rows("SELECT " + patch(1) + "; SELECT " + patch(2) + "; SELECT " + patch(3));
  sqlite3_stmt* reading = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(host.db(), "SELECT id FROM note", -1, &reading, nullptr), SQLITE_OK);
  ASSERT_EQ(sqlite3_step(reading), SQLITE_ROW);
  const std::string good = patch_message(7, 1, 5, "note", "{\"id\":9,\"body\":\"x\"}");
  EXPECT_FALSE(host.ask("SELECT replic_apply(" + sql_text(good + good + "{}") + ")").ok());
  EXPECT_EQ(sqlite3_step(reading), SQLITE_ROW);
  EXPECT_EQ(sqlite3_column_int64(reading, 0), 2);
  EXPECT_EQ(sqlite3_step(reading), SQLITE_ROW);
  EXPECT_EQ(sqlite3_step(reading), SQLITE_DONE);
  sqlite3_finalize(reading);
  EXPECT_EQ(host.one("SELECT count(*) FROM note"), "3");
  expect_sound(host);
  EXPECT_EQ(host.close(), SQLITE_OK);
}

// --- every nesting of savepoints, against a model ------------------------------------------------

struct World {
  int64_t own = 0;           // patches written here
  std::set<int64_t> remote;  // seqs of peer 7
  std::map<int64_t, std::string> notes;
};

class Nesting {
 public:
  Nesting(unsigned seed, const std::string& path) : random_(seed), host_(path) {
    host_.rows(kTables);
  }

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); i++) {
      SCOPED_TRACE("step " + std::to_string(i));
      step();
      compare();
    }
    if (host_.in_transaction()) sql("COMMIT");
    expect_sound(host_);
    EXPECT_EQ(host_.close(), SQLITE_OK) << script_;
  }

 private:
  int64_t below(int64_t end) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(end));
  }

  Answer sql(const std::string& text) {
    script_ += text + ";\n";
    return host_.ask(text);
  }

  void must(const std::string& text) {
    const Answer answer = sql(text);
    EXPECT_TRUE(answer.ok()) << answer.error << "\n" << script_;
  }

  std::string fresh_patch(int64_t* id, std::string* body) {
    *id = 1 + below(9);
    *body = "v" + std::to_string(++bodies_);
    return patch(*id, *body);
  }

  void wrote(int64_t id, const std::string& body) {
    now_.own++;
    now_.notes[id] = body;
  }

  void step() {
    const bool open = host_.in_transaction();
    if (!open) at_begin_ = now_;
    switch (below(16)) {
      case 0:
      case 1: {
        saved_.emplace_back("s" + std::to_string(saved_.size()), now_);
        return must("SAVEPOINT " + saved_.back().first);
      }
      case 2:
        return release();
      case 3:
      case 4:
        return roll_back_to();
      case 5:
        return open ? end("COMMIT") : must("BEGIN");
      case 6:
        return open && below(2) == 0 ? end("ROLLBACK") : write();
      case 7:
        return refuse();
      case 8:
        return receive();
      case 9:
        return receive_badly();
      case 10:
        return write_in_a_statement();
      default:
        return write();
    }
  }

  void release() {
    if (saved_.empty()) return;
    const auto at = static_cast<size_t>(below(static_cast<int64_t>(saved_.size())));
    must("RELEASE " + saved_[at].first);
    saved_.resize(at);
  }

  void roll_back_to() {
    if (saved_.empty()) return;
    const auto at = static_cast<size_t>(below(static_cast<int64_t>(saved_.size())));
    must("ROLLBACK TO " + saved_[at].first);
    now_ = saved_[at].second;
    saved_.resize(at + 1);
  }

  void end(const std::string& how) {
    must(how);
    saved_.clear();
    if (how == "ROLLBACK") now_ = at_begin_;
  }

  void write() {
    int64_t id = 0;
    std::string body;
    const std::string call = fresh_patch(&id, &body);
    // What fails after the call leaves the call alone.
    if (below(5) == 0) {
      sql("SELECT " + call + ", abs(-9223372036854775807 - 1)");
    } else {
      must("SELECT " + call);
    }
    wrote(id, body);
  }

  void refuse() {
    EXPECT_FALSE(sql("SELECT replic_patch('note', 'id', 1, 'stars', 9)").ok()) << script_;
    EXPECT_FALSE(sql("SELECT replic_patch('note', 'id', 77)").ok()) << script_;
  }

  void receive() {
    std::string messages;
    for (int64_t i = 1 + below(3); i > 0; i--) {
      const int64_t seq = 1 + below(12);
      messages += from_afar(seq, 100 + seq) + " ";
      now_.remote.insert(seq);
      now_.notes[100 + seq] = "afar";
    }
    must("SELECT " + apply(messages));
  }

  void receive_badly() {
    const std::string messages = from_afar(20 + below(5), 200) + " {\"type\":10}";
    EXPECT_FALSE(sql("SELECT " + apply(messages)).ok()) << script_;
  }

  // Two calls inside an INSERT whose second row meets a key that is taken.
  void write_in_a_statement() {
    static const char* const kOr[] = {"ABORT", "FAIL", "IGNORE", "REPLACE", "ROLLBACK"};
    const std::string conflict = kOr[below(5)];
    int64_t ids[2];
    std::string bodies[2];
    std::string values;
    for (int i = 0; i < 2; i++) {
      fresh_patch(&ids[i], &bodies[i]);
      values += (i == 0 ? "(NULL," : ",(1,") + std::to_string(ids[i]) + ",'" + bodies[i] + "')";
    }
    const Answer answer = sql("INSERT OR " + conflict +
                              " INTO plain(id, v) SELECT column1, replic_patch('note', "
                              "'id', column2, 'body', column3) FROM (VALUES " +
                              values + ")");
    EXPECT_EQ(answer.ok(), conflict == "IGNORE" || conflict == "REPLACE") << answer.error;
    if (conflict == "ROLLBACK") {
      now_ = at_begin_;
      saved_.clear();
    } else if (conflict != "ABORT") {
      wrote(ids[0], bodies[0]);
      wrote(ids[1], bodies[1]);
    }
  }

  void compare() {
    std::string vector;
    if (now_.own > 0) vector = "\"1\":[[1," + std::to_string(now_.own) + "]]";
    std::string ranges;
    for (auto it = now_.remote.begin(); it != now_.remote.end();) {
      const int64_t first = *it;
      int64_t last = first;
      while (++it != now_.remote.end() && *it == last + 1) last++;
      ranges.append(ranges.empty() ? "[" : ",[").append(std::to_string(first)).append(",");
      ranges.append(std::to_string(last)).append("]");
    }
    if (!ranges.empty()) vector.append(vector.empty() ? "" : ",").append("\"7\":[" + ranges + "]");
    EXPECT_EQ(host_.one("SELECT replic_vector()"), "{" + vector + "}") << script_;
    std::vector<std::string> notes;
    for (const auto& [id, body] : now_.notes) notes.push_back(std::to_string(id) + "|" + body);
    EXPECT_EQ(host_.rows("SELECT id, body FROM note ORDER BY id"), notes) << script_;
    if (below(4) == 0) expect_sound(host_);
    EXPECT_EQ(host_.number("SELECT count(*) FROM replic_changes"),
              now_.own + static_cast<int64_t>(now_.remote.size()))
        << script_;
  }

  std::mt19937 random_;
  Host host_;
  World now_, at_begin_;
  std::vector<std::pair<std::string, World>> saved_;
  int64_t bodies_ = 0;
  std::string script_;
};

TEST(Gate, FollowsEveryNestingOfSavepoints) {
  for (unsigned seed = 0; seed < 400 && !HasFailure(); seed++) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Nesting(seed, ":memory:").run(60);
  }
}

TEST(Gate, FollowsEveryNestingOfSavepointsOnAFile) {
  const TempFolder folder;
  for (unsigned seed = 1000; seed < 1020 && !HasFailure(); seed++) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Nesting(seed, "file:" + folder.file(std::to_string(seed)) + "?vfs=unix-none").run(60);
  }
}

// --- without a journal ---------------------------------------------------------------------------

TEST(Gate, KeepsTheTransactionWhenTheTableRefuses) {
  Host host;
  host.rows(kTables);
  host.rows("BEGIN; SELECT " + patch(1) + "; SELECT " + patch(2));
  const std::string before = dump(host.db());
  EXPECT_FALSE(host.ask("SELECT replic_patch('note', 'id', 1, 'stars', 9)").ok());
  EXPECT_FALSE(host.ask("SELECT replic_patch('note', 'id', 3)").ok());
  EXPECT_EQ(dump(host.db()), before);
  host.rows("SELECT " + patch(3));
  // What others wrote is parked instead, which takes more than two statements.
  const std::string bad = patch_message(7, 1, 1001, "note", R"({"id":1,"stars":9})");
  EXPECT_EQ(host.one("SELECT " + apply(bad)), "1");
  host.rows("COMMIT");
  EXPECT_EQ(host.one("SELECT replic_vector()"), R"({"1":[[1,3]],"7":[[1,1]]})");
  EXPECT_EQ(host.rows("SELECT peer, seq, reason FROM replic_pending"),
            std::vector<std::string>{"7|1|constraint"});
  expect_sound(host);
}

// A half-done write must never stay. Where it cannot be undone alone, nothing of the transaction is
// kept.
TEST(Gate, GivesTheTransactionUpWhenTheLogRefuses) {
  for (const std::string& call : {patch(5), apply(from_afar(2, 5))}) {
    SCOPED_TRACE(call);
    Host host;
    host.rows(kTables);
    host.rows(
        "CREATE TRIGGER moody BEFORE INSERT ON note_patches WHEN new.id = 5 "
        "BEGIN SELECT RAISE(ABORT, 'moody'); END");
    host.rows("SELECT " + patch(9));
    const std::string before = dump(host.db());
    // The first write of a transaction has a journal, and is undone alone.
    host.rows("BEGIN");
    EXPECT_FALSE(host.ask("SELECT " + call).ok());
    EXPECT_TRUE(host.in_transaction());
    EXPECT_EQ(dump(host.db()), before);
    host.rows("ROLLBACK; BEGIN; SELECT " + patch(1));
    // Calls that had to have a journal make the next ones begin with it.
    for (int i = 0; i < 40; i++) host.rows("SELECT " + apply(from_afar(1, 6)));
    const Answer answer = host.ask("SELECT " + call);
    EXPECT_EQ(answer.primary(), SQLITE_ABORT);
    EXPECT_EQ(answer.error.rfind("replic: E_SQLITE: the whole transaction was rolled back", 0), 0U)
        << answer.error;
    EXPECT_FALSE(host.in_transaction());
    EXPECT_EQ(dump(host.db()), before);
    host.rows("BEGIN; SELECT " + patch(1) + "; SELECT " + patch(2) + "; COMMIT");
    EXPECT_EQ(host.one("SELECT replic_vector()"), R"({"1":[[1,3]]})");
    expect_sound(host);
  }
}

// A transaction of another peer is placed without a journal of its own. When its second part
// cannot be, the call begins again, and nothing of it counts twice.
TEST(Gate, CountsOnceWhatBeginsAgain) {
  const auto part = [](int64_t seq, const std::string& cells) {
    return R"({"type":10,"at":1001,"peer":7,"seq":)" + std::to_string(seq) +
           R"(,"ver":1,"tab":"note","delta":{)" + cells + R"(},"grp":[1,2]})";
  };
  const std::string good = part(1, R"("id":1,"body":"good")");
  const std::string bad = part(2, R"("id":2,"body":"bad","stars":9)");
  const std::string own = patch_message(8, 1, 1500, "note", R"({"id":3,"body":"b"})");
  for (const char* begin : {"", "BEGIN"}) {
    Host host;
    host.rows(kTables);
    host.rows(begin);
    EXPECT_EQ(host.one("SELECT " + apply(own)), "1");
    EXPECT_EQ(host.one("SELECT " + apply(own + good + bad)), "2");
    EXPECT_EQ(host.one("SELECT replic_status() ->> 'duplicates'"), "1");
    EXPECT_EQ(host.rows("SELECT id FROM note"), std::vector<std::string>{"3"});
    EXPECT_EQ(host.rows("SELECT seq, reason FROM replic_pending ORDER BY seq"),
              (std::vector<std::string>{"1|constraint", "2|constraint"}));
    // Calls go on with more care for a while, and then without.
    for (int64_t seq = 3; seq < 50; seq += 2) {
      const std::string grp = "\"grp\":[" + std::to_string(seq) + "," + std::to_string(seq + 1);
      std::string both = patch_message(7, seq, 1000 + seq, "note", R"({"id":4,"body":"b"})") +
                         patch_message(7, seq + 1, 1000 + seq, "note", R"({"id":5,"body":"b"})");
      for (size_t at = 0; (at = both.find("\"ver\"", at)) != std::string::npos; at += 30)
        both.insert(at, grp + "],");
      EXPECT_EQ(host.one("SELECT " + apply(both)), "2");
    }
    if (host.in_transaction()) host.rows("COMMIT");
    EXPECT_EQ(host.rows("SELECT id FROM note"), (std::vector<std::string>{"3", "4", "5"}));
    expect_sound(host);
  }
}

// --- what is the host's own ----------------------------------------------------------------------

TEST(Gate, KeepsTheRowidThatTheHostInserted) {
  Host host;
  host.rows(kTables);
  host.rows("INSERT INTO plain(id, v) VALUES (1234, 'x')");
  for (const std::string& call :
       {patch(1), patch(1), apply(from_afar(1, 5)), std::string("replic_retry()"),
        std::string("replic_option('name', 'x')"), std::string("replic_fork()")}) {
    host.rows("SELECT " + call);
    EXPECT_EQ(host.one("SELECT last_insert_rowid()"), "1234") << call;
  }
  EXPECT_FALSE(host.ask("SELECT replic_patch('note', 'id', 1, 'stars', 9)").ok());
  host.rows("INSERT INTO replic_changes(message) VALUES (" + sql_text(from_afar(2, 6)) + ")");
  EXPECT_EQ(host.one("SELECT last_insert_rowid()"), "1234");
}

TEST(Gate, LeavesTheCountOfChangesToTheStatementAroundIt) {
  Host host;
  host.rows(kTables);
  host.rows("INSERT INTO plain(v) SELECT " + patch(1) + " FROM plain");
  EXPECT_EQ(sqlite3_changes(host.db()), 3);
  host.rows("UPDATE plain SET v = " + patch(2) + " WHERE id < 3");
  EXPECT_EQ(sqlite3_changes(host.db()), 2);
  host.rows("DELETE FROM plain WHERE " + patch(3) + " IS NULL");
  EXPECT_EQ(sqlite3_changes(host.db()), 6);
}

struct HostHooks {
  int commits = 0, rollbacks = 0, updates = 0;
};

TEST(Gate, LeavesTheHooksOfTheHostWhereTheyAre) {
  Host host;
  host.rows(kTables);
  HostHooks hooks;
  const auto commit = [](void* data) { return static_cast<HostHooks*>(data)->commits++, 0; };
  const auto rollback = [](void* data) { static_cast<HostHooks*>(data)->rollbacks++; };
  const auto update = [](void* data, int, const char*, const char*, sqlite3_int64) {
    static_cast<HostHooks*>(data)->updates++;
  };
  sqlite3_commit_hook(host.db(), commit, &hooks);
  sqlite3_rollback_hook(host.db(), rollback, &hooks);
  sqlite3_update_hook(host.db(), update, &hooks);
  host.rows("SELECT " + patch(1));
  EXPECT_EQ(hooks.commits, 1);
  EXPECT_GT(hooks.updates, 0);
  host.rows("SELECT " + apply(from_afar(1, 5)) + "; SELECT * FROM replic_check");
  EXPECT_EQ(hooks.commits, 2);
  EXPECT_FALSE(host.ask("SELECT replic_patch('note', 'id', 1, 'stars', 9)").ok());
  host.rows("BEGIN; SELECT " + patch(2) + "; ROLLBACK");
  EXPECT_GT(hooks.rollbacks, 0);
  EXPECT_EQ(hooks.commits, 2);
  EXPECT_EQ(sqlite3_commit_hook(host.db(), nullptr, nullptr), &hooks);
  EXPECT_EQ(sqlite3_rollback_hook(host.db(), nullptr, nullptr), &hooks);
  EXPECT_EQ(sqlite3_update_hook(host.db(), nullptr, nullptr), &hooks);
}

TEST(Gate, IsUndoneWhenTheHostForbidsTheCommit) {
  Host host;
  host.rows(kTables);
  const std::string before = dump(host.db());
  sqlite3_commit_hook(
      host.db(), [](void*) { return 1; }, nullptr);
  for (const std::string& call : {patch(1), apply(from_afar(1, 5))}) {
    EXPECT_EQ(host.ask("SELECT " + call).primary(), SQLITE_CONSTRAINT);
    EXPECT_EQ(dump(host.db()), before);
  }
  host.rows("BEGIN; SELECT " + patch(1));
  EXPECT_EQ(host.ask("COMMIT").primary(), SQLITE_CONSTRAINT);
  EXPECT_EQ(dump(host.db()), before);
  sqlite3_commit_hook(host.db(), nullptr, nullptr);
  host.rows("SELECT " + patch(1));
  EXPECT_EQ(host.one("SELECT replic_vector()"), R"({"1":[[1,1]]})");
  expect_sound(host);
}

TEST(Gate, WorksForACarefulHost) {
  Host host;
  host.rows(kTables);
  for (const int option : {SQLITE_DBCONFIG_DEFENSIVE, SQLITE_DBCONFIG_ENABLE_FKEY}) {
    sqlite3_db_config(host.db(), option, 1, nullptr);
  }
  for (const int option : {SQLITE_DBCONFIG_TRUSTED_SCHEMA, SQLITE_DBCONFIG_DQS_DML,
                           SQLITE_DBCONFIG_DQS_DDL, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION}) {
    sqlite3_db_config(host.db(), option, 0, nullptr);
  }
  host.rows("PRAGMA recursive_triggers = ON; PRAGMA cell_size_check = ON");
  host.rows(
      "CREATE TABLE more(a TEXT, b, PRIMARY KEY (a)) WITHOUT ROWID;"
      "SELECT replic_track('more', '{\"mode\":\"manual\"}');"
      "SELECT replic_patch('more', '{\"a\":\"x\",\"b\":1.5}');"
      "CREATE VIEW digests AS SELECT tab, replic_digest(tab) AS d FROM replic_tables;"
      "SELECT " +
      patch(1) + "; SELECT " + apply(from_afar(1, 5)) +
      "; SELECT count(*) FROM replic_changes; SELECT replic_retry()");
  expect_sound(host);
}

// --- triggers ------------------------------------------------------------------------------------

TEST(Gate, RefusesACallFromATriggerThatItsOwnWriteFires) {
  const std::vector<std::pair<std::string, std::string>> triggers = {
      {"SELECT " + patch(9), "E_REENTRANT"},
      {"SELECT " + apply(from_afar(9, 9)), "E_REENTRANT"},
      {"SELECT replic_retry()", "E_REENTRANT"},
      {"SELECT replic_fork()", "E_REENTRANT"},
      {"SELECT replic_option('name', 'x')", "E_REENTRANT"},
      {"SELECT replic_track('plain', '{\"mode\":\"manual\"}')", "E_REENTRANT"},
      {"INSERT INTO replic_changes(message) VALUES (" + sql_text(from_afar(9, 9)) + ")",
       "unsafe use of virtual table"},
      {"INSERT INTO replic_gate(op) VALUES (0)", "unsafe use of virtual table"},
  };
  for (const auto& [body, error] : triggers) {
    for (const std::string& call : {patch(1), apply(from_afar(1, 5))}) {
      SCOPED_TRACE(body + " while " + call);
      Host host;
      host.rows(kTables);
      host.rows("CREATE TEMP TRIGGER spy AFTER INSERT ON main.note BEGIN " + body + "; END");
      const std::string before = dump(host.db());
      EXPECT_NE(host.error("SELECT " + call).find(error), std::string::npos)
          << host.error("SELECT " + call);
      EXPECT_EQ(dump(host.db()), before);
      host.rows("BEGIN; INSERT INTO plain(v) VALUES ('of the host')");
      const std::string inside = dump(host.db());
      EXPECT_FALSE(host.ask("SELECT " + call).ok());
      EXPECT_EQ(dump(host.db()), inside);
      host.rows("COMMIT; DROP TRIGGER spy; SELECT " + call);
      expect_sound(host);
    }
  }
}

TEST(Gate, TakesCallsFromTempTriggersOfOtherTables) {
  Host host;
  host.rows(kTables);
  host.rows(
      "CREATE TEMP TRIGGER copy AFTER INSERT ON main.plain BEGIN SELECT replic_patch('note',"
      "'id', NEW.id, 'body', NEW.v); END");
  host.rows("INSERT INTO plain(id, v) VALUES (11, 'x'), (12, 'y')");
  EXPECT_EQ(host.rows("SELECT id, body FROM note"), (std::vector<std::string>{"11|x", "12|y"}));
  // The whole statement fails with the call in it.
  const std::string before = dump(host.db());
  EXPECT_FALSE(host.ask("INSERT INTO plain(id, v) VALUES (13, 'z'), (14, NULL)").ok());
  EXPECT_EQ(dump(host.db()), before);
  host.rows("BEGIN; INSERT INTO plain(id, v) VALUES (13, 'z')");
  EXPECT_FALSE(host.ask("INSERT INTO plain(id, v) VALUES (15, 'z'), (16, NULL)").ok());
  host.rows("COMMIT");
  EXPECT_EQ(host.one("SELECT replic_vector()"), R"({"1":[[1,3]]})");
  EXPECT_EQ(host.one("SELECT count(*) FROM plain WHERE id > 10"), "3");
  expect_sound(host);
}

TEST(Gate, LetsReadersBeCalledFromTriggers) {
  Host host;
  host.rows(kTables);
  host.rows(
      "CREATE TABLE seen(vector TEXT, digest TEXT);"
      "CREATE TEMP TRIGGER spy AFTER INSERT ON main.note BEGIN INSERT INTO seen SELECT "
      "replic_vector(), replic_digest(); END");
  host.rows("SELECT " + patch(1) + "; SELECT " + patch(2) + "; SELECT " + apply(from_afar(1, 5)));
  EXPECT_EQ(host.one("SELECT count(*) FROM seen"), "3");
  expect_sound(host);
}

TEST(Gate, RefusesWritersInTheSchemasTriggersAndViews) {
  for (const int trusted : {0, 1}) {
    Host host;
    host.rows(kTables);
    sqlite3_db_config(host.db(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, trusted, nullptr);
    host.rows("CREATE TRIGGER spy AFTER INSERT ON plain BEGIN SELECT " + patch(9) +
              "; END;"
              "CREATE TRIGGER door AFTER DELETE ON plain BEGIN INSERT INTO replic_changes(message) "
              "VALUES (OLD.v); END;"
              "CREATE TRIGGER gate AFTER UPDATE ON plain BEGIN INSERT INTO replic_gate(op) VALUES "
              "(0); END; CREATE VIEW v AS SELECT " +
              patch(9));
    const std::string before = dump(host.db());
    for (const char* sql : {"INSERT INTO plain(v) VALUES ('x')", "DELETE FROM plain",
                            "UPDATE plain SET v = 1", "SELECT * FROM v"}) {
      EXPECT_NE(host.error(sql).find("unsafe use of"), std::string::npos) << host.error(sql);
    }
    EXPECT_EQ(dump(host.db()), before);
  }
}

TEST(Gate, DoesNothingWhenItIsWrittenByHand) {
  Host host;
  host.rows(kTables);
  const std::string before = dump(host.db());
  for (const char* sql :
       {"INSERT INTO replic_gate(op) VALUES (0)", "INSERT INTO replic_gate(op) SELECT 0",
        "INSERT INTO replic_gate DEFAULT VALUES"}) {
    EXPECT_NE(host.error(sql).find("replic: E_ARGUMENT: replic_gate is internal"),
              std::string::npos);
  }
  host.rows("DELETE FROM replic_gate; UPDATE replic_gate SET op = 1; SELECT * FROM replic_gate");
  host.rows("SELECT * FROM replic_connection");
  EXPECT_EQ(dump(host.db()), before);
  host.rows("SELECT " + patch(1));
  expect_sound(host);
}

// --- commits that meet another connection --------------------------------------------------------

TEST(Gate, CommitsWhatACommitAnsweredBusyHasLeft) {
  const TempFolder folder;
  Host host(folder.file("a.db"));
  host.rows(kTables);
  host.rows("SELECT " + patch(1));
  Host reader(folder.file("a.db"));
  for (int round = 0; round < 3; round++) {
    const std::string id = std::to_string(10 * (round + 1));
    host.rows("BEGIN; SELECT " + patch(10 * (round + 1)) + "; SELECT " +
              apply(from_afar(round + 1, 100 + round)));
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v2(reader.db(), "SELECT * FROM plain", -1, &statement, nullptr);
    ASSERT_EQ(sqlite3_step(statement), SQLITE_ROW);
    EXPECT_EQ(host.ask("COMMIT").primary(), SQLITE_BUSY);
    EXPECT_TRUE(host.in_transaction());
    // The transaction goes on where it was.
    host.rows("SELECT " + patch(10 * (round + 1) + 1) + "; SAVEPOINT s; SELECT " + patch(5) +
              "; ROLLBACK TO s; RELEASE s");
    EXPECT_EQ(host.ask("COMMIT").primary(), SQLITE_BUSY);
    sqlite3_finalize(statement);
    EXPECT_TRUE(host.ask("COMMIT").ok());
    expect_sound(host);
    expect_sound(reader);
  }
  EXPECT_EQ(reader.one("SELECT replic_vector()"), R"({"1":[[1,7]],"7":[[1,3]]})");
  // In autocommit, all of it is undone.
  const std::string before = dump(host.db());
  sqlite3_stmt* statement = nullptr;
  sqlite3_prepare_v2(reader.db(), "SELECT * FROM plain", -1, &statement, nullptr);
  ASSERT_EQ(sqlite3_step(statement), SQLITE_ROW);
  const Answer busy = host.ask("SELECT " + patch(77));
  EXPECT_EQ(busy.primary(), SQLITE_BUSY);
  EXPECT_NE(busy.error.find("; another connection holds the lock"), std::string::npos)
      << busy.error;
  sqlite3_finalize(statement);
  EXPECT_EQ(dump(host.db()), before);
  host.rows("SELECT " + patch(77));
  EXPECT_EQ(reader.one("SELECT replic_vector()"), R"({"1":[[1,8]],"7":[[1,3]]})");
  expect_sound(reader);
}

}  // namespace
}  // namespace replic::test

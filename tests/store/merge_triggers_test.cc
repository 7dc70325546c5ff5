// Triggers of the application that fail while we write its table, each in every way SQLite has.

#include <gtest/gtest.h>

#include "support/host.h"

namespace replic::test {
namespace {

struct Trigger {
  std::string schema;  // main or temp
  std::string when;    // BEFORE INSERT
  std::string raise;   // ABORT
};

std::ostream& operator<<(std::ostream& out, const Trigger& trigger) {
  return out << trigger.schema << " " << trigger.when << " " << trigger.raise;
}

std::vector<Trigger> triggers() {
  std::vector<Trigger> all;
  for (const char* schema : {"main", "temp"}) {
    for (const char* when : {"BEFORE INSERT", "AFTER INSERT", "BEFORE UPDATE", "AFTER UPDATE",
                             "BEFORE DELETE", "AFTER DELETE"}) {
      for (const char* raise : {"ABORT", "FAIL", "ROLLBACK"}) all.push_back({schema, when, raise});
    }
  }
  return all;
}

const std::vector<std::string>& calls() {
  static const std::vector<std::string> kAll = {
      "SELECT replic_patch('note', 'id', 5, 'body', 'new')",
      "SELECT replic_patch('note', 'id', 1, 'body', 'changed')",
      "SELECT replic_patch('note', 'id', 1, 'deletedAt', 9)",
      "SELECT replic_apply(" +
          sql_text(patch_message(7, 4, 2000, "note", "{\"id\":5,\"body\":\"new\"}") +
                   patch_message(7, 5, 2001, "note", "{\"id\":6,\"body\":\"next\"}")) +
          ")",
      "SELECT replic_apply(" +
          sql_text(patch_message(7, 4, 3000, "note", "{\"id\":2,\"body\":\"changed\"}")) + ")",
      "SELECT replic_apply(" + sql_text(patch_message(7, 4, 1, "note", "{\"id\":2,\"stars\":1}")) +
          ")",
      "SELECT replic_apply(" +
          sql_text(patch_message(7, 4, 3000, "note", "{\"id\":2,\"deletedAt\":9}")) + ")",
      "SELECT replic_retry()",
  };
  return kAll;
}

class FailingTrigger : public testing::TestWithParam<Trigger> {};

TEST_P(FailingTrigger, LeavesLogAndTableAgreed) {
  const Trigger& trigger = GetParam();
  for (const std::string& call : calls()) {
    for (const bool transaction : {false, true}) {
      SCOPED_TRACE(call + (transaction ? " in a transaction" : ""));
      Host host;
      host.rows(
          "CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT NOT NULL, stars INTEGER);"
          "CREATE TABLE audit(text); SELECT replic_init(1);"
          "SELECT replic_track('note', '{\"mode\":\"manual\"}');"
          "SELECT replic_patch('note', 'id', 1, 'body', 'one');");
      host.rows("SELECT replic_apply(" +
                sql_text(patch_message(7, 1, 1000, "note", "{\"id\":2,\"body\":\"two\"}") +
                         patch_message(7, 2, 1001, "note", "{\"id\":3,\"stars\":3}")) +
                ")");
      host.rows("CREATE " + std::string(trigger.schema == "temp" ? "TEMP " : "") + "TRIGGER t " +
                trigger.when + " ON " + (trigger.schema == "temp" ? "main." : "") +
                "note BEGIN INSERT INTO audit VALUES ('fired'); SELECT RAISE(" + trigger.raise +
                ", 'the application forbids it'); END");
      if (transaction)
        host.rows(
            "BEGIN; SELECT replic_patch('note', 'id', 40, 'stars', 1)"
            " WHERE 0; CREATE TABLE of_the_host(x)");
      const std::string before = dump(host.db());
      const Answer answer = host.ask(call);
      if (!answer.ok()) {
        const bool gone = transaction && !host.in_transaction();
        EXPECT_TRUE(!gone || trigger.raise == "ROLLBACK") << answer.error;
        if (!gone) {
          EXPECT_EQ(dump(host.db()), before) << answer.error;
        } else {
          EXPECT_EQ(host.one("SELECT count(*) FROM audit"), "0");
        }
        EXPECT_NE(answer.error.find("replic: E_"), std::string::npos) << answer.error;
      }
      EXPECT_EQ(host.rows("SELECT code, detail FROM replic_check"), std::vector<std::string>{})
          << answer.first();
      if (host.in_transaction()) host.rows("COMMIT");
      host.rows("DROP TRIGGER t");
      const Answer again = host.ask(call);
      EXPECT_TRUE(again.ok()) << again.error;
      host.rows("SELECT replic_retry()");
      EXPECT_EQ(host.rows("SELECT code, detail FROM replic_check"), std::vector<std::string>{});
      EXPECT_EQ(host.rows("SELECT seq FROM replic_pending WHERE seq <> 2"),
                std::vector<std::string>{});
      EXPECT_EQ(host.close(), SQLITE_OK);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, FailingTrigger, testing::ValuesIn(triggers()), [](const auto& test) {
  std::string name = test.param.schema + test.param.when + test.param.raise;
  std::erase(name, ' ');
  return name;
});

// What it frees is written with the trigger put aside, which changes the schema under the patch.
TEST(RefusingTrigger, IsPutAsideForWhatALocalPatchFrees) {
  Host host;
  host.rows(
      "CREATE TABLE tag(id INTEGER PRIMARY KEY, name TEXT UNIQUE);"
      "CREATE TRIGGER t BEFORE INSERT ON tag WHEN NEW.id = 2 BEGIN SELECT RAISE(ABORT, 'no'); END;"
      "SELECT replic_init(1); SELECT replic_track('tag'); INSERT INTO tag VALUES (1, 'x')");
  const int64_t at = std::stoll(host.one("SELECT at FROM replic_changes")) + 1;
  host.rows("SELECT replic_apply(" +
            sql_text(patch_message(7, 1, at, "tag", "{\"id\":2,\"name\":\"x\"}")) + ")");
  EXPECT_EQ(host.one("SELECT reason FROM replic_pending"), "constraint");
  const Answer answer = host.ask("SELECT replic_patch('tag', 'id', 1, 'name', 'y')");
  EXPECT_TRUE(answer.ok()) << answer.error;
  EXPECT_EQ(host.rows("SELECT id, name FROM tag"), (std::vector<std::string>{"1|y", "2|x"}));
  EXPECT_EQ(host.one("SELECT count(*) FROM sqlite_schema WHERE name = 't'"), "1");
  EXPECT_EQ(host.rows("SELECT code, detail FROM replic_check"), std::vector<std::string>{});
  EXPECT_EQ(host.close(), SQLITE_OK);
}

TEST(TemporaryTrigger, IsNoticedByWhatIsCaptured) {
  for (const char* transaction : {"SELECT 1", "BEGIN"}) {
    SCOPED_TRACE(transaction);
    Host host;
    host.rows(
        "CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT); SELECT replic_init(1);"
        "SELECT replic_track('note'); INSERT INTO note VALUES (1, 'a');" +
        std::string(transaction));
    host.rows(
        "CREATE TEMP TRIGGER t AFTER INSERT ON main.note BEGIN"
        " UPDATE note SET body = 'changed' WHERE id = NEW.id; END");
    host.rows("INSERT INTO note VALUES (2, 'b')");
    if (host.in_transaction()) host.rows("COMMIT");
    EXPECT_EQ(host.rows("SELECT * FROM replic_check"), std::vector<std::string>{});
    EXPECT_EQ(host.one("SELECT body FROM note WHERE id = 2"), "changed");
  }
}

// A temporary trigger is noticed, and its end, whenever it comes: by DDL, and by a rollback of it.
TEST(TemporaryTrigger, IsNoticedWhenItComesAndWhenItGoes) {
  Host host;
  host.rows(
      "CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT); SELECT replic_init(1);"
      "SELECT replic_track('note', '{\"mode\":\"manual\"}')");
  const std::string ignore =
      "CREATE TEMP TRIGGER t BEFORE INSERT ON main.note BEGIN SELECT RAISE(IGNORE); END";
  int64_t seq = 0;
  const auto apply = [&] {
    seq++;
    host.rows("SELECT replic_apply(" +
              sql_text(patch_message(7, seq, 1000 + seq, "note",
                                     "{\"id\":" + std::to_string(seq) + ",\"body\":\"x\"}")) +
              ")");
    EXPECT_EQ(host.one("SELECT count(*) FROM note WHERE id > 0"), std::to_string(seq));
  };
  // Without one our own patch is written, with one it is refused.
  int64_t id = 0;
  const auto patch = [&](bool is_ignored) {
    const std::string row = std::to_string(--id);
    const Answer answer = host.ask("SELECT replic_patch('note', 'id', " + row + ", 'body', 'y')");
    EXPECT_EQ(answer.ok(), !is_ignored) << answer.error;
  };
  for (int round = 0; round < 2; round++) {
    apply();
    patch(false);
    host.rows(ignore);
    apply();
    patch(true);
    host.rows("DROP TRIGGER t");
    apply();
    patch(false);
    host.rows("BEGIN; " + ignore);
    patch(true);
    host.rows("ROLLBACK");
    patch(false);
    host.rows("BEGIN");
    patch(false);
    host.rows("SAVEPOINT s; " + ignore);
    patch(true);
    host.rows("ROLLBACK TO s");
    patch(false);
    apply();
    host.rows("COMMIT");
  }
  EXPECT_EQ(host.rows("SELECT code, detail FROM replic_check"), std::vector<std::string>{});
  EXPECT_EQ(host.close(), SQLITE_OK);
}

// The application's trigger has done its work at the origin, on this row too.
TEST(WritingTrigger, ChangesNothingOfANewRowThatIsApplied) {
  Host host;
  host.rows(
      "CREATE TABLE tag(id INTEGER PRIMARY KEY, name TEXT, stars INTEGER);"
      "CREATE TRIGGER t AFTER INSERT ON tag BEGIN UPDATE tag SET name = 'x' WHERE id = NEW.id; END;"
      "SELECT replic_init(1); SELECT replic_track('tag')");
  host.rows("SELECT replic_apply(" +
            sql_text(patch_message(7, 1, 1000, "tag", "{\"id\":1,\"stars\":5}") +
                     patch_message(7, 2, 1001, "tag", "{\"id\":2,\"name\":\"a\",\"stars\":6}")) +
            ")");
  EXPECT_EQ(host.rows("SELECT id, name, stars FROM tag"),
            (std::vector<std::string>{"1|NULL|5", "2|a|6"}));
  EXPECT_EQ(host.rows("SELECT code, detail FROM replic_check"), std::vector<std::string>{});
  EXPECT_EQ(host.close(), SQLITE_OK);
}

}  // namespace
}  // namespace replic::test

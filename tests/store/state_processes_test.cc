// Several processes on one file: sequences stay contiguous, nothing is lost.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <exception>
#include <functional>

#include "support/host.h"
#include "support/temp_folder.h"

namespace replic::test {
namespace {

constexpr int kProcesses = 4;

// Runs `work` in kProcesses processes, each with its number; all must return.
void in_processes(const std::function<void(int number)>& work) {
  std::vector<pid_t> children;
  for (int number = 0; number < kProcesses; number++) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      int status = 0;
      try {
        work(number);
      } catch (const std::exception& error) {
        std::fprintf(stderr, "process %d: %s\n", number, error.what());
        status = 1;
      }
      _exit(status);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << "a process failed";
  }
}

// Runs `work` in kProcesses processes that never end by themselves, and kills each when it has
// acknowledged as many of its calls as `most` says, in the middle of one that it makes then.
// Returns everything acknowledged. `work` acknowledges a number after the call that it stands for.
using Acknowledge = std::function<void(int64_t id)>;
std::vector<int64_t> in_killed_processes(
    const std::function<void(int number, const Acknowledge&)>& work,
    const std::function<int(int number)>& most) {
  struct Word {
    int64_t number, id;
  };
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) throw std::runtime_error("no pipe");
  std::vector<pid_t> children;
  for (int number = 0; number < kProcesses; number++) {
    const pid_t child = fork();
    if (child == 0) {
      close(ends[0]);
      try {
        work(number, [&](int64_t id) {
          const Word word{number, id};
          if (write(ends[1], &word, sizeof word) != sizeof word) _exit(1);
        });
      } catch (const std::exception& error) {
        std::fprintf(stderr, "process %d: %s\n", number, error.what());
      }
      _exit(1);
    }
    children.push_back(child);
  }
  close(ends[1]);
  std::vector<int64_t> acknowledged;
  std::vector<int> counts(kProcesses);
  for (Word word{}; read(ends[0], &word, sizeof word) == sizeof word;) {
    acknowledged.push_back(word.id);
    const auto number = static_cast<size_t>(word.number);
    if (++counts[number] == most(static_cast<int>(number))) kill(children[number], SIGKILL);
  }
  close(ends[0]);
  for (const pid_t child : children) {
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status)) << "a process failed";
  }
  return acknowledged;
}

class OneFile : public testing::TestWithParam<const char*> {
 protected:
  // A connection that waits for locks. Not synced: it is not the disk that is tested.
  std::unique_ptr<Host> open() const {
    auto host = std::make_unique<Host>(folder_.file("a.db"));
    sqlite3_busy_timeout(host->db(), 60'000);
    host->rows(std::string("PRAGMA journal_mode = ") + GetParam() + "; PRAGMA synchronous = OFF");
    return host;
  }

  void make_tables() const {
    open()->rows(
        "CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT NOT NULL, hits INTEGER);"
        "SELECT replic_init(1); SELECT replic_track('note', '{\"mode\":\"manual\"}');"
        "SELECT replic_patch('note', 'id', 0, 'body', 'shared');");
  }

  void expect_sound() const {
    const auto host = open();
    EXPECT_EQ(host->rows("SELECT * FROM replic_check"), std::vector<std::string>{});
    EXPECT_EQ(host->one("PRAGMA integrity_check"), "ok");
  }

 private:
  TempFolder folder_;
};

TEST_P(OneFile, TakesPatchesOfFourProcesses) {
  make_tables();
  in_processes([&](int number) {
    const auto host = open();
    for (int i = 0; i < 300; i++) {
      const std::string id = std::to_string(i % 10 == 0 ? 0 : 1000 * (number + 1) + i);
      host->one("SELECT replic_patch('note', 'id', " + id + ", 'body', 'p" +
                std::to_string(number) + "')");
    }
  });
  const auto host = open();
  EXPECT_EQ(host->one("SELECT replic_vector()"), R"({"1":[[1,1201]]})");
  EXPECT_EQ(host->one("SELECT count(*), count(DISTINCT seq) FROM replic_changes"), "1201|1201");
  EXPECT_EQ(host->one("SELECT count(*) FROM note"), std::to_string(1 + kProcesses * 270));
  // Stamps rise with the sequence.
  EXPECT_EQ(host->one("SELECT count(*) FROM (SELECT at, lag(at) OVER (ORDER BY seq) AS before FROM "
                      "replic_changes) WHERE at < before"),
            "0");
  expect_sound();
}

TEST_P(OneFile, TakesTransactionsOfFourProcesses) {
  make_tables();
  in_processes([&](int number) {
    const auto host = open();
    for (int i = 0; i < 60; i++) {
      const std::string id = std::to_string(1000 * (number + 1) + i);
      host->rows("BEGIN IMMEDIATE");
      for (int part = 0; part < 3; part++) {
        host->rows("SELECT replic_patch('note', 'id', " + id + ", 'body', 'b', 'hits', " +
                   std::to_string(part) + ")");
      }
      host->rows(i % 4 == 3 ? "ROLLBACK" : "COMMIT");
    }
  });
  const auto host = open();
  const int64_t written = 1 + kProcesses * 45 * 3;
  EXPECT_EQ(host->one("SELECT replic_vector()"), "{\"1\":[[1," + std::to_string(written) + "]]}");
  EXPECT_EQ(host->one("SELECT count(*), min(hits), max(hits) FROM note WHERE id > 0"),
            std::to_string(kProcesses * 45) + "|2|2");
  expect_sound();
}

TEST_P(OneFile, TakesMessagesWhileOthersWrite) {
  make_tables();
  constexpr int64_t kMessages = 300;
  in_processes([&](int number) {
    const auto host = open();
    if (number < 2) {
      for (int i = 0; i < 150; i++) {
        host->one("SELECT replic_patch('note', 'id', " + std::to_string(i % 50) + ", 'body', 'by " +
                  std::to_string(number) + "')");
      }
      return;
    }
    // Both receive all of it, one from the front and one from the back, so that it comes twice.
    for (int64_t i = 0; i < kMessages; i += 3) {
      std::string messages;
      for (int64_t k = i; k < i + 3; k++) {
        const int64_t seq = number == 2 ? k + 1 : kMessages - k;
        messages += patch_message(
            7, seq, 1000 + seq, "note",
            "{\"id\":" + std::to_string(seq % 50) + ",\"hits\":" + std::to_string(seq) + "}");
      }
      host->one("SELECT replic_apply(" + sql_text(messages) + ")");
    }
  });
  const auto host = open();
  EXPECT_EQ(host->one("SELECT replic_vector()"), R"({"1":[[1,301]],"7":[[1,300]]})");
  EXPECT_EQ(host->one("SELECT count(*), min(hits), max(hits) FROM note"), "50|251|300");
  EXPECT_EQ(host->one("SELECT count(*) FROM replic_pending"), "0");
  EXPECT_EQ(host->one("SELECT count(*) FROM replic_missing"), "0");
  expect_sound();
}

TEST_P(OneFile, LosesNothingAcknowledgedWhenProcessesAreKilled) {
  make_tables();
  constexpr int64_t kMessageIds = 1'000'000;
  constexpr int kRounds = 6;
  std::vector<int64_t> acknowledged;
  for (int round = 0; round < kRounds; round++) {
    const auto work = [&](int number, const Acknowledge& acknowledge) {
      const auto host = open();
      for (int64_t i = 1;; i++) {
        const int64_t id = number * 100'000 + round * 10'000 + i;
        const std::string patch = "SELECT replic_patch('note', 'id', " + std::to_string(id);
        if (number < 2) {
          host->rows(patch + ", 'body', 'b', 'hits', 1)");
          acknowledge(id);
        } else if (number == 2) {  // two patches, one row: both or none
          host->rows("BEGIN IMMEDIATE;" + patch + ", 'body', 'b');" + patch +
                     ", 'hits', 1); COMMIT");
          acknowledge(id);
        } else {  // what came in the rounds before comes again
          host->rows("SELECT replic_apply(" +
                     sql_text(patch_message(7, i, 1000 + i, "note",
                                            "{\"id\":" + std::to_string(kMessageIds + i) +
                                                ",\"body\":\"b\",\"hits\":1}")) +
                     ")");
          acknowledge(kMessageIds + i);
        }
      }
    };
    const auto most = [&](int number) { return 10 + 7 * round + number; };
    for (const int64_t id : in_killed_processes(work, most)) acknowledged.push_back(id);
    expect_sound();
    if (HasFailure()) return;
  }
  const auto host = open();
  EXPECT_GE(acknowledged.size(), 600U);
  for (const int64_t id : acknowledged) {
    EXPECT_EQ(host->one("SELECT hits FROM note WHERE id = " + std::to_string(id)), "1") << id;
  }
  EXPECT_EQ(host->one("SELECT count(*) FROM note WHERE id > 0 AND hits IS NOT 1"), "0");
  EXPECT_EQ(host->one("SELECT count(*) FROM replic_missing"), "0");
  EXPECT_EQ(host->one("SELECT min(seq), max(seq) = count(*) FROM replic_changes WHERE peer = 1"),
            "1|1");
}

TEST_P(OneFile, TakesOneIdentityWhenAllBeginAtOnce) {
  open()->rows("CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT NOT NULL, hits INTEGER)");
  in_processes([&](int number) {
    const auto host = open();
    host->one("SELECT replic_track('note', '{\"mode\":\"manual\"}')");
    host->one("SELECT replic_patch('note', 'id', " + std::to_string(number) + ", 'body', 'b')");
  });
  const auto host = open();
  EXPECT_EQ(host->one("SELECT count(DISTINCT peer), max(seq) FROM replic_changes"), "1|4");
  EXPECT_EQ(host->one("SELECT count(*) FROM replic_peers"), "1");
  expect_sound();
}

INSTANTIATE_TEST_SUITE_P(, OneFile, testing::Values("WAL", "DELETE"),
                         [](const auto& test) { return std::string(test.param); });

// One process, two connections, WAL: what the text of SQLITE_BUSY_SNAPSHOT says.
TEST(OneSnapshot, ThatIsOldIsToldWithItsCure) {
  const TempFolder folder;
  Host one(folder.file("a.db"));
  Host two(folder.file("a.db"));
  one.rows(
      "PRAGMA journal_mode = WAL; CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT);"
      "SELECT replic_init(1); SELECT replic_track('note', '{\"mode\":\"manual\"}');"
      "SELECT replic_patch('note', 'id', 1), replic_patch('note', 'id', 2)");
  two.rows("SELECT replic_patch('note', 'id', 5)");
  // The outer statement reads a snapshot when the first of its calls comes to write.
  sqlite3_stmt* outer = nullptr;
  sqlite3_prepare_v2(two.db(),
                     "SELECT CASE WHEN id > 1 THEN replic_patch('note', 'id', id, 'body', "
                     "'new') END FROM note ORDER BY id",
                     -1, &outer, nullptr);
  ASSERT_EQ(sqlite3_step(outer), SQLITE_ROW);
  one.rows("SELECT replic_patch('note', 'id', 3)");
  EXPECT_EQ(sqlite3_step(outer), SQLITE_BUSY_SNAPSHOT & 0xFF);
  EXPECT_EQ(sqlite3_extended_errcode(two.db()), SQLITE_BUSY_SNAPSHOT);
  const std::string text = sqlite3_errmsg(two.db());
  EXPECT_NE(text.find("replic: E_SQLITE: "), std::string::npos) << text;
  EXPECT_NE(text.find("; the statement reads an old snapshot: run it again inside BEGIN IMMEDIATE"),
            std::string::npos)
      << text;
  sqlite3_finalize(outer);
  two.rows(
      "BEGIN IMMEDIATE; SELECT replic_patch('note', 'id', id, 'body', 'new') FROM note WHERE "
      "id > 1; COMMIT");
  EXPECT_EQ(two.one("SELECT replic_vector()"), R"({"1":[[1,7]]})");
  EXPECT_EQ(two.rows("SELECT * FROM replic_check"), std::vector<std::string>{});
}

}  // namespace
}  // namespace replic::test

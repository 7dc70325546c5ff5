// What was received: ranges and sums in a table, against a plain set of numbers.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "support/host.h"
#include "support/temp_folder.h"

namespace replic::test {
namespace {

constexpr const char* kTables =
    "CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT); SELECT replic_init(1);"
    "SELECT replic_track('note', '{\"mode\":\"manual\"}');";

std::string message(int64_t peer, int64_t seq, int64_t ver = 1) {
  const std::string number = std::to_string(seq);
  return "{\"type\":10,\"at\":" + number + ",\"peer\":" + std::to_string(peer) +
         ",\"seq\":" + number + ",\"ver\":" + std::to_string(ver) +
         ",\"tab\":\"note\",\"delta\":{\"id\":" + std::to_string(seq % 7) + ",\"body\":\"" +
         number + "\"}}";
}

Answer receive(const Host& host, const std::string& messages) {
  return host.ask("SELECT replic_apply(" + sql_text(messages) + ")");
}

// The model: peer -> seqs.
using Model = std::map<int64_t, std::set<int64_t>>;

std::vector<std::pair<int64_t, int64_t>> ranges(const std::set<int64_t>& seqs) {
  std::vector<std::pair<int64_t, int64_t>> out;
  for (const int64_t seq : seqs) {
    if (!out.empty() && out.back().second == seq - 1) {
      out.back().second = seq;
    } else {
      out.emplace_back(seq, seq);
    }
  }
  return out;
}

std::string vector_of(const Model& model) {
  std::string out;
  for (const auto& [peer, seqs] : model) {
    std::string list;
    for (const auto& [first, last] : ranges(seqs)) {
      list.append(list.empty() ? "[" : ",[").append(std::to_string(first)).append(",");
      list.append(std::to_string(last)).append("]");
    }
    if (!list.empty()) {
      out.append(out.empty() ? "\"" : ",\"").append(std::to_string(peer)).append("\":[");
      out.append(list).append("]");
    }
  }
  return "{" + out + "}";
}

std::vector<std::string> missing_of(const Model& model) {
  std::vector<std::string> out;
  for (const auto& [peer, seqs] : model) {
    int64_t next = 1;
    for (const auto& [first, last] : ranges(seqs)) {
      if (next < first) {
        out.push_back(std::to_string(peer) + "|" + std::to_string(next) + "|" +
                      std::to_string(first - 1) + "|" + std::to_string(first - next));
      }
      next = last + 1;
    }
  }
  return out;
}

void expect_same(const Host& host, const Model& model) {
  EXPECT_EQ(host.one("SELECT replic_vector()"), vector_of(model));
  EXPECT_EQ(host.rows("SELECT peer, min_seq, max_seq, count FROM replic_missing"),
            missing_of(model));
  EXPECT_EQ(host.rows("SELECT code, detail FROM replic_check"), std::vector<std::string>{});
}

// Random messages of a few peers and schema versions: alone, in arrays, in transactions that are
// rolled back or not, on two connections in turn.
void run(unsigned seed, const std::string& path) {
  std::mt19937 random(seed);
  const auto below = [&](int64_t end) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(end));
  };
  const Host one(path);
  one.rows(kTables);
  const Host two(path == ":memory:" ? ":memory:" : path);
  Model model;
  const int64_t peers = 1 + below(6);  // more than are held in memory at a time
  const int64_t most = below(2) == 0 ? 12 : 60;
  for (int step = 0; step < 40; step++) {
    SCOPED_TRACE("step " + std::to_string(step));
    const Host& host = path != ":memory:" && below(2) == 0 ? two : one;
    const Model before = model;
    const int64_t kind = below(6);
    if (kind == 0) host.rows("BEGIN");
    int64_t fresh = 0;
    std::string messages;
    for (int64_t i = 1 + below(kind < 2 ? 12 : 3); i > 0; i--) {
      const int64_t peer = 2 + below(peers);
      const int64_t seq = 1 + below(most);
      // The schema version of a seq is what it was when it was written.
      messages += message(peer, seq, 1 + seq * 5 / most) + "\n";
      fresh += model[peer].insert(seq).second ? 1 : 0;
      if (kind == 0) {
        EXPECT_TRUE(receive(host, messages).ok());
        messages.clear();
      }
    }
    if (kind == 0) {
      expect_same(host, model);
      const bool commit = below(2) == 0;
      host.rows(commit ? "COMMIT" : "ROLLBACK");
      if (!commit) model = before;
    } else {
      EXPECT_EQ(receive(host, messages).first(), std::to_string(fresh));
    }
    expect_same(host, model);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(Ranges, AreThoseOfASetOfNumbers) {
  for (unsigned seed = 0; seed < 150 && !HasFailure(); seed++) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    run(seed, ":memory:");
  }
}

TEST(Ranges, AreThoseOfASetOfNumbersOnTwoConnections) {
  const TempFolder folder;
  for (unsigned seed = 500; seed < 515 && !HasFailure(); seed++) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    run(seed, "file:" + folder.file(std::to_string(seed)) + "?psow=1");
  }
}

// With many peers the clock is kept from one transaction to the next.
TEST(Clock, IsAheadOfAllThatWasSeenWhicheverConnectionHasSeenIt) {
  const TempFolder folder;
  const std::string path = "file:" + folder.file("clock") + "?psow=1";
  const Host a(path), b(path);
  a.rows(kTables);
  for (int64_t peer = 100; peer < 180; peer++) EXPECT_TRUE(receive(a, message(peer, 1)).ok());
  const auto greatest = [&] {
    return a.number("SELECT max(at) FROM _replic_ranges WHERE peer <> 1");
  };
  const auto own = [&] {
    return a.number("SELECT coalesce(max(_patchedAt), 0) FROM note_patches WHERE _peerId = 1");
  };
  std::mt19937 random(1);
  int64_t seq = 1;
  int written = 0;
  for (int step = 0; step < 400 && !testing::Test::HasFailure(); step++) {
    const Host& host = random() % 2 == 0 ? a : b;
    const int64_t before = greatest();
    const int64_t mine = own();
    // What others send is ahead of our clock at times.
    const auto act = [&] {
      if (random() % 2 == 0) {
        host.rows("SELECT replic_patch('note', 'id', 1, 'body', 'x')");
        return true;
      }
      const int64_t at = std::max(before, host.number("SELECT replic_now()")) + 50;
      host.rows("SELECT replic_apply(" +
                sql_text(patch_message(100 + random() % 80, ++seq, at, "note", R"({"id":2})")) +
                ")");
      return false;
    };
    bool writes = false;
    if (random() % 3 == 0) {
      host.rows("BEGIN");
      for (int i = 0; i < 3; i++) {
        host.rows("SAVEPOINT s");
        const bool wrote = act();
        const bool undone = random() % 2 == 0;
        host.rows(undone ? "ROLLBACK TO s; RELEASE s" : "RELEASE s");
        writes = writes || (wrote && !undone);
      }
      const bool undone = random() % 3 == 0;
      host.rows(undone ? "ROLLBACK" : "COMMIT");
      writes = writes && !undone;
    } else {
      writes = act();
    }
    if (!writes) continue;
    written++;
    EXPECT_GT(own(), before) << "step " << step;
    EXPECT_GE(own(), mine) << "step " << step;
  }
  EXPECT_GT(written, 100);
}

void back_up(const Host& from, const Host& to) {
  sqlite3_backup* backup = sqlite3_backup_init(to.db(), "main", from.db(), "main");
  sqlite3_backup_step(backup, -1);
  EXPECT_EQ(sqlite3_backup_finish(backup), SQLITE_OK);
}

TEST(Clock, IsThatOfABackupThatWasPutIntoItsConnection) {
  const Host here, copy;
  here.rows(kTables);
  for (int64_t peer = 100; peer < 180; peer++) EXPECT_TRUE(receive(here, message(peer, 1)).ok());
  const std::string write = "SELECT replic_patch('note', 'id', 1, 'body', 'x')";
  here.rows(write);
  for (int64_t seq = 2; seq < 6; seq++) {
    back_up(here, copy);
    const int64_t at = here.number("SELECT replic_now()") + seq * 50'000;
    const std::string ahead = patch_message(100, seq, at, "note", R"({"id":2})");
    EXPECT_TRUE(receive(copy, ahead).ok());
    back_up(copy, here);
    here.rows(write);
    EXPECT_GT(here.number("SELECT max(_patchedAt) FROM note_patches WHERE _peerId = 1"), at) << seq;
  }
}

// What a transaction needs of the state is kept for the next one, unless anything else is written
// to the file.
class KeptState : public testing::TestWithParam<const char*> {
 protected:
  KeptState() : path_("file:" + folder_.file("kept") + "?psow=1"), here_(path_) {
    here_.rows(std::string("PRAGMA journal_mode=") + GetParam());
    here_.rows(kTables);
    EXPECT_EQ(receive(here_, message(7, 1)).first(), "1");
    EXPECT_EQ(receive(here_, message(7, 1)).first(), "0");
  }
  // The first patch of the peer 7 is taken for a new one.
  void expect_forgotten() const { EXPECT_EQ(receive(here_, message(7, 1)).first(), "1"); }

  static constexpr const char* kForget =
      "DELETE FROM _replic_ranges WHERE peer = 7; DELETE FROM note_patches WHERE _peerId = 7";
  TempFolder folder_;
  std::string path_;
  Host here_;
};

TEST_P(KeptState, IsNotReadAgain) {
  int reads = 0;
  const auto count = [](unsigned, void* context, void*, void* sql) {
    const std::string_view text = static_cast<const char*>(sql);
    const bool is_read = text.find("SELECT") != std::string_view::npos &&
                         (text.find("main._replic_state") != std::string_view::npos ||
                          text.find("main._replic_ranges") != std::string_view::npos);
    if (is_read) ++*static_cast<int*>(context);
    return 0;
  };
  sqlite3_trace_v2(here_.db(), SQLITE_TRACE_STMT, count, &reads);
  for (int64_t seq = 2; seq < 10; seq++)
    EXPECT_EQ(receive(here_, message(7, seq)).first(), "1") << seq;
  EXPECT_EQ(reads, 0);
  here_.rows("UPDATE _replic_state SET duplicates = 0");
  EXPECT_EQ(receive(here_, message(7, 10)).first(), "1");
  EXPECT_GT(reads, 0);
  sqlite3_trace_v2(here_.db(), 0, nullptr, nullptr);
}

TEST_P(KeptState, IsNotTrustedAfterAWriteOfTheSameConnection) {
  here_.rows(kForget);
  expect_forgotten();
}

TEST_P(KeptState, IsNotTrustedAfterAWriteOfTheSameTransaction) {
  here_.rows(std::string("BEGIN; ") + kForget);
  expect_forgotten();
  here_.rows("COMMIT");
  EXPECT_EQ(receive(here_, message(7, 1)).first(), "0");
}

TEST_P(KeptState, IsTrustedAfterARollback) {
  here_.rows(std::string("BEGIN; ") + kForget);
  expect_forgotten();
  here_.rows("ROLLBACK");
  EXPECT_EQ(receive(here_, message(7, 1)).first(), "0");
  EXPECT_EQ(receive(here_, message(7, 2)).first(), "1");
}

TEST_P(KeptState, IsNotTrustedAfterAWriteOfAnotherConnection) {
  const Host there(path_);
  there.rows(kForget);
  expect_forgotten();
  EXPECT_EQ(receive(there, message(7, 2)).first(), "1");
  EXPECT_EQ(receive(here_, message(7, 2)).first(), "0");
}

TEST_P(KeptState, IsNotTrustedAfterABackup) {
  const Host other;
  other.rows(kTables);
  back_up(other, here_);
  expect_forgotten();
}

INSTANTIATE_TEST_SUITE_P(, KeptState, testing::Values("delete", "wal"),
                         [](const auto& mode) { return std::string(mode.param); });

TEST(Ranges, TakeOneRowForAJumpOfABillion) {
  const Host host;
  host.rows(kTables);
  const int64_t far = 1'000'000'000;
  for (const int64_t seq : {far, int64_t{1}, far + 1, far - 1, int64_t{9007199254740991}}) {
    EXPECT_EQ(receive(host, message(7, seq)).first(), "1");
  }
  EXPECT_EQ(host.one("SELECT count(*) FROM _replic_ranges WHERE peer = 7"), "3");
  EXPECT_EQ(host.rows("SELECT min_seq, max_seq, count FROM replic_missing"),
            (std::vector<std::string>{"2|999999998|999999997",
                                      "1000000002|9007199254740990|9007198254740989"}));
  EXPECT_EQ(host.rows("SELECT code FROM replic_check"), std::vector<std::string>{});
}

TEST(Ranges, FindGapsAtTheStartTheMiddleAndTheEnd) {
  const Host host;
  host.rows(kTables);
  receive(host, message(7, 3) + message(7, 4) + message(7, 8));
  // The end is known from what a peer says that it has.
  receive(host,
          "{\"type\":20,\"at\":20,\"peer\":7,\"seq\":10,\"ver\":1,\"tab\":\"_\",\"delta\":"
          "{\"8\":[5,2,0,0,0,0]}}");
  EXPECT_EQ(host.rows("SELECT peer, min_seq, max_seq, count FROM replic_missing"),
            (std::vector<std::string>{"7|1|2|2", "7|5|7|3", "7|9|10|2", "8|1|2|2"}));
  EXPECT_EQ(host.one("SELECT request FROM replic_missing"),
            R"({"type":30,"peer":7,"minSeq":1,"maxSeq":2,"forPeer":1})");
  EXPECT_EQ(host.one("SELECT last_seq, contiguous_seq, missing FROM replic_peers WHERE peer = 7"),
            "10|0|7");
}

TEST(Ranges, JoinWhateverTheOrder) {
  for (int mask = 0; mask < 24; mask++) {
    std::vector<int64_t> seqs = {1, 2, 3, 4};
    for (int i = 0; i < mask; i++) std::next_permutation(seqs.begin(), seqs.end());
    const Host host;
    host.rows(kTables);
    for (const int64_t seq : seqs) receive(host, message(7, seq));
    EXPECT_EQ(host.one("SELECT first, last FROM _replic_ranges WHERE peer = 7"), "1|4");
    EXPECT_EQ(host.one("SELECT count(*) FROM _replic_ranges WHERE peer = 7"), "1");
    EXPECT_EQ(host.rows("SELECT code FROM replic_check"), std::vector<std::string>{});
  }
}

TEST(Ranges, SurviveARestart) {
  const TempFolder folder;
  {
    Host host(folder.file("a.db"));
    host.rows(kTables);
    receive(host, message(7, 1) + message(7, 2) + message(8, 5));
    host.rows("SELECT replic_patch('note', 'id', 1, 'body', 'mine')");
  }
  Host host(folder.file("a.db"));
  EXPECT_EQ(host.one("SELECT replic_vector()"), R"({"1":[[1,1]],"7":[[1,2]],"8":[[5,5]]})");
  host.rows("SELECT replic_patch('note', 'id', 1, 'body', 'mine again')");
  EXPECT_EQ(host.one("SELECT max(seq) FROM replic_changes WHERE peer = 1"), "2");
  EXPECT_EQ(host.rows("SELECT code FROM replic_check"), std::vector<std::string>{});
}

}  // namespace
}  // namespace replic::test

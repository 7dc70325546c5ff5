// What plain SQL costs that is captured, and what keys that tie rows cost.
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "race.h"

namespace replic::bench {
namespace {

constexpr size_t kTurns = 20;
constexpr const char* kItem =
    "CREATE TABLE item(id INTEGER PRIMARY KEY, owner INTEGER, code TEXT, note TEXT);";

size_t rows_a_round() { return options().quick ? 4'000 : 40'000; }

std::string code_of(size_t i) { return "code " + std::to_string(i * 7919 % 1'000'003); }

// --- plain SQL -------------------------------------------------------------------------------

enum class Change { insert, update, remove };
enum class How { untracked, realistic, captured };

// The same statement for each row of a table of its own, inside one transaction.
class PlainSql {
 public:
  PlainSql(Change change, How how, size_t rows)
      : change_(change), how_(how), db_(temp_dir().fresh("plain"), how == How::captured) {
    db_.exec(kItem);
    if (how == How::captured) db_.exec("SELECT replic_track('item')");
    if (how == How::realistic) {
      db_.exec(
          "CREATE TABLE log(at INTEGER, peer INTEGER, seq INTEGER, id INTEGER, owner, code, note,"
          " deletedAt, PRIMARY KEY(peer, seq)) WITHOUT ROWID; CREATE INDEX row ON log(id, at)");
      newest_ = db_.prepare("SELECT at FROM log WHERE id=?1 ORDER BY at DESC LIMIT 1");
      log_ = db_.prepare("INSERT INTO log VALUES(?2, 1, ?2, ?1, ?3, ?4, ?5, ?6)");
    }
    const char* const sql[] = {"INSERT INTO item VALUES(?1, ?2, ?3, ?4)",
                               "UPDATE item SET note=?4 WHERE id=?1",
                               "DELETE FROM item WHERE id=?1"};
    if (change != Change::insert) {
      statement_ = db_.prepare(sql[0]);
      db_.exec("BEGIN");
      for (size_t i = 0; i < rows; i++) run(Change::insert, i);
      db_.exec("COMMIT");
      db_.checkpoint();
    }
    statement_ = db_.prepare(sql[static_cast<size_t>(change)]);
    db_.exec("BEGIN");
  }

  void run(size_t first, size_t count) {
    for (size_t i = first; i < first + count; i++) run(change_, i);
  }
  void commit() { db_.exec("COMMIT"); }
  int64_t count() { return db_.integer("SELECT count(*) FROM item"); }

 private:
  void run(Change change, size_t i) {
    const auto id = static_cast<int64_t>(i + 1);
    code_ = code_of(i);
    note_ = "thirty characters of a note ..";
    if (change == Change::update) note_ += "!";
    if (how_ == How::realistic) {
      newest_.bind(1, id);
      newest_.run();
      log_.bind(1, id);
      log_.bind(2, ++seq_);
      if (change == Change::insert) {
        log_.bind(3, id);
        log_.bind(4, std::string_view(code_));
      }
      if (change != Change::remove) log_.bind(5, std::string_view(note_));
      if (change == Change::remove) log_.bind(6, seq_);
      log_.run();
    }
    statement_.bind(1, id);
    if (change == Change::insert) {
      statement_.bind(2, id);
      statement_.bind(3, std::string_view(code_));
    }
    if (change != Change::remove) statement_.bind(4, std::string_view(note_));
    statement_.run();
  }

  Change change_;
  How how_;
  Db db_;
  Stmt statement_;
  Stmt newest_;
  Stmt log_;
  int64_t seq_ = 0;
  std::string code_;
  std::string note_;
};

void run_plain(benchmark::State& state, const std::string& name, Change change) {
  const size_t rows = rows_a_round();
  std::vector<std::vector<double>> seconds(3);
  run_rounds(state, name, [&](int) {
    std::vector<std::unique_ptr<PlainSql>> sides;
    std::vector<std::function<void(size_t)>> turns;
    for (const How how : {How::untracked, How::realistic, How::captured}) {
      sides.push_back(std::make_unique<PlainSql>(change, how, rows));
      PlainSql& side = *sides.back();
      turns.emplace_back([&side, rows](size_t turn) {
        side.run(turn * (rows / kTurns), rows / kTurns);
        if (turn + 1 == kTurns) side.commit();
      });
    }
    const auto times = take_turns(turns, kTurns);
    for (size_t i = 0; i < sides.size(); i++) {
      double sum = 0;
      for (const double time : times[i]) sum += time;
      seconds[i].push_back(sum / static_cast<double>(rows));
      if (sides[i]->count() != sides[0]->count()) throw std::runtime_error("the tables differ");
    }
    return seconds[2].back();
  });
  if (seconds[2].empty()) return;
  Line line{.name = name};
  line.value = median(seconds[2]) * 1e6;
  line.times_floor = median_ratio(seconds[2], seconds[0]);
  line.times_realistic = median_ratio(seconds[2], seconds[1]);
  line.target = "<= 2.50 x realistic; floor: untracked";
  line.met = yes_no(line.times_realistic <= 2.5);
  report(std::move(line));
}

// --- keys that tie rows ----------------------------------------------------------------------

std::string message(int64_t peer, size_t seq, size_t at, const char* table,
                    const std::string& set) {
  return R"({"type":10,"at":)" + std::to_string(at) + R"(,"peer":)" + std::to_string(peer) +
         R"(,"seq":)" + std::to_string(seq) + R"(,"ver":1,"tab":")" + table + R"(","delta":{)" +
         set + "}}";
}

// One message a call, of new rows; each tenth breaks a key when `conflicts`.
class Applied {
 public:
  Applied(bool unique, bool foreign, bool conflicts, size_t rows)
      : db_(temp_dir().fresh("keys"), true) {
    db_.exec("PRAGMA foreign_keys=ON; CREATE TABLE person(id INTEGER PRIMARY KEY)");
    db_.exec((std::string("CREATE TABLE item(id INTEGER PRIMARY KEY, owner INTEGER") +
              (foreign ? " REFERENCES person(id)" : "") + ", code TEXT" +
              (unique ? " UNIQUE" : "") + ", note TEXT)")
                 .c_str());
    db_.exec("SELECT replic_track('person'), replic_track('item')");
    apply_ = db_.prepare("SELECT replic_apply(?1)");
    for (size_t i = 0; i < 100; i++) {
      const std::string text = message(6, i + 1, 1 + i, "person", "\"id\":" + std::to_string(i));
      apply_.bind(1, std::string_view(text));
      apply_.run();
    }
    for (size_t i = 0; i < rows; i++) {
      const bool breaks = conflicts && i % 10 == 9;
      messages_.push_back(message(7, i + 1, 1000 + i, "item",
                                  "\"id\":" + std::to_string(i + 1) + ",\"owner\":" +
                                      std::to_string(breaks && foreign ? 1000 + i : i % 100) +
                                      ",\"code\":\"" + code_of(breaks && unique ? i - 5 : i) +
                                      "\",\"note\":\"thirty characters of a note\""));
    }
    db_.exec("BEGIN");
  }

  void run(size_t first, size_t count) {
    for (size_t i = first; i < first + count; i++) {
      apply_.bind(1, std::string_view(messages_[i]));
      apply_.run();
    }
  }
  void commit() { db_.exec("COMMIT"); }
  int64_t parked() { return db_.integer("SELECT count(*) FROM replic_pending"); }

 private:
  Db db_;
  std::vector<std::string> messages_;
  Stmt apply_;
};

void run_keys(benchmark::State& state, const std::string& name, bool unique, bool foreign,
              bool conflicts) {
  const size_t rows = rows_a_round() / 2;
  std::vector<std::vector<double>> seconds(2);
  run_rounds(state, name, [&](int) {
    Applied plain(false, false, false, rows);
    Applied tied(unique, foreign, conflicts, rows);
    const auto turn_of = [&](Applied& side) {
      return [&side, rows](size_t turn) {
        side.run(turn * (rows / kTurns), rows / kTurns);
        if (turn + 1 == kTurns) side.commit();
      };
    };
    const auto times = take_turns({turn_of(plain), turn_of(tied)}, kTurns);
    for (size_t i = 0; i < 2; i++) {
      double sum = 0;
      for (const double time : times[i]) sum += time;
      seconds[i].push_back(sum / static_cast<double>(rows));
    }
    const size_t expected = conflicts ? rows / 10 : 0;
    if (tied.parked() != static_cast<int64_t>(expected))
      throw std::runtime_error("other patches are parked than should be");
    return seconds[1].back();
  });
  if (seconds[1].empty()) return;
  Line line{.name = name};
  line.value = median(seconds[1]) * 1e6;
  line.target = fixed2(median_ratio(seconds[1], seconds[0])) + " x without keys";
  report(std::move(line));
}

// The claims of one value by `tied` rows, of which the first has it: one more, older than all.
void run_tied(benchmark::State& state, const std::string& name, size_t tied) {
  std::vector<double> seconds;
  run_rounds(state, name, [&](int) {
    Db db(temp_dir().fresh("tied"), true);
    db.exec("CREATE TABLE item(id INTEGER PRIMARY KEY, code TEXT UNIQUE)");
    db.exec("SELECT replic_track('item')");
    Stmt apply = db.prepare("SELECT replic_apply(?1)");
    const auto claim = [&](size_t i, size_t at) {
      const std::string text =
          message(7, i + 1, at, "item", "\"id\":" + std::to_string(i + 1) + ",\"code\":\"same\"");
      apply.bind(1, std::string_view(text));
      apply.run();
    };
    db.exec("BEGIN");
    for (size_t i = 0; i < tied; i++) claim(i, 1'000'000 + i);
    constexpr size_t kOlder = 20;
    const double start = now_s();
    for (size_t i = 0; i < kOlder; i++) claim(tied + i, 1'000'000 - 1 - i);
    seconds.push_back((now_s() - start) / kOlder);
    db.exec("COMMIT");
    if (db.integer("SELECT id FROM item") != static_cast<int64_t>(tied + kOlder))
      throw std::runtime_error("another row has the value than the oldest");
    return seconds.back();
  });
  if (seconds.empty()) return;
  Line line{.name = name};
  line.value = median(seconds) * 1e6;
  report(std::move(line));
}

}  // namespace

void add_constraint_benchmarks() {
  const int rounds = options().quick ? 3 : 5;
  const std::pair<const char*, Change> changes[] = {
      {"insert", Change::insert}, {"update", Change::update}, {"delete", Change::remove}};
  for (const auto& [change_name, change] : changes) {
    const std::string name = std::string("captured_") + change_name;
    add_benchmark(name, rounds, [name, change = change](benchmark::State& state) {
      run_plain(state, name, change);
    });
  }
  struct Keys {
    const char* name;
    bool unique;
    bool foreign;
  };
  for (const Keys keys : {Keys{"unique", true, false}, Keys{"foreign_key", false, true}}) {
    for (const bool conflicts : {false, true}) {
      const std::string name = std::string("apply_") + keys.name + (conflicts ? "/conflicts" : "");
      add_benchmark(name, rounds, [=](benchmark::State& state) {
        run_keys(state, name, keys.unique, keys.foreign, conflicts);
      });
    }
  }
  for (const size_t tied : {1, 10, 100}) {
    const std::string name = "claim_older_than/" + std::to_string(tied);
    add_benchmark(name, 3, [=](benchmark::State& state) { run_tied(state, name, tied); });
  }
}

}  // namespace replic::bench

// The writers of messages: the exact text, and that it reads back.

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <random>
#include <string>

#include "base/limits.h"
#include "model/content.h"
#include "wire/json.h"

namespace replic::wire {
namespace {

template <typename T>
T read_back(const std::string& text) {
  std::vector<Message> messages;
  read_messages(text, [&](Message&& message) { messages.push_back(std::move(message)); });
  EXPECT_EQ(messages.size(), 1) << text;
  return std::get<T>(messages.at(0));
}

TEST(WritePatch, WritesWhatAnAncestorReads) {
  const Patch patch{{317834829004800, 1234567890123, 42},
                    3,
                    "customers",
                    {{"id", Value::integer(1)}, {"name", Value::text("x")}},
                    {}};
  EXPECT_EQ(write_patch(patch),
            R"({"type":10,"at":317834829004800,"peer":1234567890123,"seq":42,"ver":3,)"
            R"("tab":"customers","delta":{"id":1,"name":"x"}})");
}

TEST(WritePatch, WritesNullsAndGroupOnlyWhenThereAreAny) {
  Patch patch{{5, 7, 3}, 1, "T", {{"a", Value()}}, Range{3, 4}};
  EXPECT_EQ(write_patch(patch), R"({"type":10,"at":5,"peer":7,"seq":3,"ver":1,"tab":"T",)"
                                R"("delta":{},"nulls":["a"],"grp":[3,4]})");
  patch.cells = {{"b", Value::integer(2)}};
  patch.group.reset();
  EXPECT_EQ(write_patch(patch),
            R"({"type":10,"at":5,"peer":7,"seq":3,"ver":1,"tab":"T","delta":{"b":2}})");
}

TEST(WritePatch, WritesAVoid) {
  EXPECT_EQ(write_patch(Patch{{5, 7, 3}, 1, "", {}, {}}),
            R"({"type":10,"at":5,"peer":7,"seq":3,"ver":1,"tab":"_","delta":{}})");
}

TEST(WritePing, WritesWhatAnAncestorReads) {
  EXPECT_EQ(write_ping({{0, 7, 0}, 1, {}, {}, 0, ""}),
            R"({"type":20,"at":0,"peer":7,"seq":0,"ver":1,"tab":"_","delta":{}})");
  const Ping ping{{100, 7, 9},
                  2,
                  {{8, 1, 2, 3, 4, 5, 6}, {9, 0, 0, 0, 0, 0, 0}},
                  {{8, 0xabc}, {9, ~uint64_t{0}}},
                  101,
                  "till"};
  EXPECT_EQ(write_ping(ping),
            R"({"type":20,"at":100,"peer":7,"seq":9,"ver":2,"tab":"_","delta":{)"
            R"("8":[1,2,3,4,5,6],"9":[0,0,0,0,0,0]},"sums":{"8":"0000000000000abc",)"
            R"("9":"ffffffffffffffff"},"now":101,"name":"till"})");
  EXPECT_EQ(read_back<Ping>(write_ping(ping)), ping);
}

TEST(WriteRequest, WritesWhatAnAncestorReads) {
  const Request request{7, {2, kMaxInteger}, 8};
  EXPECT_EQ(write_request(request),
            R"({"type":30,"peer":7,"minSeq":2,"maxSeq":9007199254740991,"forPeer":8})");
  EXPECT_EQ(read_back<Request>(write_request(request)), request);
  const Request summed{7, {2, 5}, 8, 0xabc};
  EXPECT_EQ(write_request(summed), R"({"type":30,"peer":7,"minSeq":2,"maxSeq":5,"forPeer":8,)"
                                   R"("sums":{"7":"0000000000000abc"}})");
  EXPECT_EQ(read_back<Request>(write_request(summed)), summed);
}

TEST(WriteGone, ReadsBack) {
  const Gone gone{7, {2, 5}};
  EXPECT_EQ(write_gone(gone), R"({"type":40,"peer":7,"minSeq":2,"maxSeq":5})");
  EXPECT_EQ(read_back<Gone>(write_gone(gone)), gone);
}

TEST(WriteDelta, ReadsBackWithItsNulls) {
  const std::vector<Cell> cells = {
      {"a", Value()}, {"b\"", Value::text("x")}, {"", Value::blob("")}};
  EXPECT_EQ(write_delta(cells), R"({"a":null,"b\"":"x","":{"base64":""}})");
  EXPECT_EQ(read_delta(write_delta(cells), "delta"), cells);
  EXPECT_EQ(write_delta({}), "{}");
}

TEST(WriteVector, HasOneSpelling) {
  Vector vector;
  vector[12].add({7, 9});
  vector[12].add({1, 5});
  vector[3].add({1, 1});
  EXPECT_EQ(write_vector(vector), R"({"3":[[1,1]],"12":[[1,5],[7,9]]})");
  EXPECT_EQ(read_vector(write_vector(vector)), vector);
  EXPECT_EQ(write_vector({}), "{}");
}

TEST(WriteNames, ReadsBack) {
  const std::vector<std::string> names = {"a", "", "b\"\\", std::string("c\0", 2)};
  EXPECT_EQ(write_names(names), R"(["a","","b\"\\","c\u0000"])");
  EXPECT_EQ(read_names(write_names(names)), names);
  EXPECT_EQ(write_names({}), "[]");
}

// --- Random messages
// ------------------------------------------------------------------------------

class Maker {
 public:
  explicit Maker(unsigned seed) : random_(seed) {}

  uint64_t below(uint64_t bound) { return random_() % bound; }

  int64_t whole(int64_t least) {
    return std::max(
        least, static_cast<int64_t>(random_() & static_cast<uint64_t>(kMaxInteger)) >> below(53));
  }

  std::string text() {
    static constexpr std::string_view kPieces[] = {
        "a", "B",  "\"", "\\", "/", "\n", "\x01", std::string_view("\0", 1),
        "é", "語", "😀",  " ",  "1"};
    std::string out;
    for (uint64_t i = below(8); i > 0; i--) out += kPieces[below(std::size(kPieces))];
    return out;
  }

  std::string bytes() {
    std::string out;
    for (uint64_t i = below(9); i > 0; i--) out += static_cast<char>(random_());
    return out;
  }

  Value value() {
    switch (below(6)) {
      case 0:
        return Value();
      case 1:
        return Value::integer(static_cast<int64_t>(random_()) >> below(64));
      case 2:
        return Value::real(std::bit_cast<double>(random_()));
      case 3:
        return Value::real(std::numeric_limits<double>::infinity());
      case 4:
        return Value::text(text());
      default:
        return Value::blob(bytes());
    }
  }

  Patch patch() {
    Patch patch{{whole(0), whole(1), whole(2)}, whole(0), "", {}, {}};
    if (below(3) == 0) patch.group = Range{patch.stamp.seq - 1, patch.stamp.seq};
    if (below(8) == 0) return patch;
    patch.table = "t" + text();
    for (uint64_t i = below(50); i > 0; i--) {
      patch.cells.push_back({std::to_string(i) + "_" + text(), value()});
    }
    return patch;
  }

  Ping ping() {
    Ping ping{{whole(0), whole(1), whole(0)}, whole(0), {}, {}, 0, ""};
    for (uint64_t i = below(4); i > 0; i--) {
      const int64_t peer = static_cast<int64_t>(i * 1000);
      ping.held.push_back({peer, whole(0), whole(0), whole(0), whole(0), whole(0), whole(0)});
      if (below(2) == 0) ping.sums.emplace_back(peer, random_());
    }
    if (below(2) == 0) ping.now = whole(0);
    if (below(2) == 0) ping.name = text();
    return ping;
  }

 private:
  std::mt19937_64 random_;
};

TEST(WritePatch, WritesRandomPatchesSoThatTheyReadBack) {
  for (unsigned seed = 0; seed < 3000; seed++) {
    Patch patch = Maker(seed).patch();
    const Patch back = read_back<Patch>(write_patch(patch));
    // NULLs come last in the message.
    std::stable_partition(patch.cells.begin(), patch.cells.end(),
                          [](const Cell& cell) { return !cell.value.is_null(); });
    ASSERT_EQ(back, patch) << "seed " << seed;
    ASSERT_EQ(content_hash(back), content_hash(patch)) << "seed " << seed;
    ASSERT_EQ(read_delta(write_delta(patch.cells), "delta"), patch.cells) << "seed " << seed;
  }
}

TEST(WritePing, WritesRandomPingsSoThatTheyReadBack) {
  for (unsigned seed = 0; seed < 1000; seed++) {
    const Ping ping = Maker(seed).ping();
    ASSERT_EQ(read_back<Ping>(write_ping(ping)), ping) << "seed " << seed;
  }
}

}  // namespace
}  // namespace replic::wire

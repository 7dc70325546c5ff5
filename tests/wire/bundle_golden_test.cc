// The golden files: text messages and bundles as they are sent, byte for byte. See
// golden/README.md.

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/limits.h"
#include "support/hex.h"
#include "wire/bundle.h"
#include "wire/json.h"

namespace replic::wire {
namespace {

constexpr int64_t kAt = 258'344'755'200'000;  // 2026-01-01T00:00Z

struct Golden {
  std::string name;
  BundleHeader header;
  bool more = false;
};

std::vector<Golden> golden_files() {
  BundleHeader asking;
  asking.kind = BundleKind::request;
  asking.sender = 9;
  BundleHeader opening{BundleKind::opening,
                       kMaxInteger,
                       3,
                       kAt + 1,
                       "k\xC3\xBC"
                       "che",
                       {},
                       {}};
  const std::pair<int64_t, Range> held[] = {{2, {1, 5}},
                                            {2, {7, 7}},
                                            {3, {1, 1}},
                                            {300, {2, 3}},
                                            {300, {303, 600}},
                                            {300, {1000, 1000}},
                                            {kMaxInteger, {1, kMaxInteger}}};
  for (const auto& [peer, range] : held) opening.vector[peer].add(range);
  opening.vector[301];
  opening.sums = {{2, 0xFEDCBA9876543210}, {kMaxInteger, 1}};
  std::vector<Golden> files = {{"gone_requests", asking, true}, {"opening", opening}};
  for (const char* name : {"integers", "reals", "texts", "blobs_nulls", "groups", "peers"})
    files.push_back({name, {}});
  return files;
}

std::string file(const std::string& name) {
  const std::string path = std::string(REPLIC_TESTS_DIR) + "/wire/golden/" + name;
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<Message> read_text(const std::string& text) {
  std::vector<Message> messages;
  read_messages(text, [&](Message&& message) { messages.push_back(std::move(message)); });
  return messages;
}

std::string write_text(const std::vector<Message>& messages) {
  std::string out;
  for (const Message& message : messages) {
    if (const auto* patch = std::get_if<Patch>(&message)) out += write_patch(*patch);
    if (const auto* ping = std::get_if<Ping>(&message)) out += write_ping(*ping);
    if (const auto* request = std::get_if<Request>(&message)) out += write_request(*request);
    if (const auto* gone = std::get_if<Gone>(&message)) out += write_gone(*gone);
    out += '\n';
  }
  return out;
}

TEST(Golden, TextsAreReadAndWrittenAsTheyAre) {
  std::vector<std::string> names = {"pings"};
  for (const Golden& golden : golden_files()) names.push_back(golden.name);
  for (const std::string& name : names) {
    const std::string text = file(name + ".json");
    EXPECT_EQ(write_text(read_text(text)), text) << name;
  }
}

TEST(Golden, BundlesAreReadAsTheirTexts) {
  for (const Golden& golden : golden_files()) {
    const std::string bytes = test::from_hex(file(golden.name + ".bundle"));
    BundleReader reader(bytes);
    std::vector<Message> messages;
    Message message;
    while (reader.next(message)) messages.push_back(message);
    EXPECT_EQ(reader.header(), golden.header) << golden.name;
    EXPECT_EQ(write_text(messages), file(golden.name + ".json")) << golden.name;
    EXPECT_EQ(reader.more(), golden.more) << golden.name;
  }
}

TEST(Golden, BundlesAreWrittenAsTheyAre) {
  for (const Golden& golden : golden_files()) {
    BundleWriter writer(golden.header);
    for (const Message& message : read_text(file(golden.name + ".json"))) {
      if (const auto* patch = std::get_if<Patch>(&message)) writer.add(*patch);
      if (const auto* request = std::get_if<Request>(&message)) writer.add(*request);
      if (const auto* gone = std::get_if<Gone>(&message)) writer.add(*gone);
    }
    EXPECT_EQ(test::to_hex(writer.finish(golden.more)),
              test::to_hex(test::from_hex(file(golden.name + ".bundle"))))
        << golden.name;
  }
}

// Both forms might be read wrong in the same way: what they say, in other words.
TEST(Golden, TheirValuesAreThese) {
  const auto patch_of = [](const std::string& name) {
    return std::get<Patch>(read_text(file(name + ".json")).at(0));
  };
  const Patch integers = patch_of("integers");
  EXPECT_EQ(integers.stamp, (Stamp{kAt, 2, 1}));
  EXPECT_EQ(integers.cells.at(14), (Cell{"i14", Value::integer(INT64_MAX)}));
  EXPECT_EQ(integers.cells.at(15), (Cell{"i15", Value::integer(INT64_MIN)}));
  const Patch reals = patch_of("reals");
  EXPECT_EQ(reals.cells.at(1), (Cell{"r1", Value::real(-0.0)}));
  EXPECT_EQ(reals.cells.at(7), (Cell{"r7", Value::real(5e-324)}));
  const Patch texts = patch_of("texts");
  EXPECT_EQ(texts.table, "my \"texts\"");
  EXPECT_EQ(texts.cells.at(3), (Cell{"select", Value::text(std::string("x\0y", 3))}));
  EXPECT_EQ(texts.cells.at(7), (Cell{"t7", Value::text("\xF0\x9F\x98\x80")}));
  const Patch blobs = patch_of("blobs_nulls");
  EXPECT_EQ(blobs.cells.at(2), (Cell{"bytes", Value::blob(std::string("\0\xFF\x80\x7F\1", 5))}));
  EXPECT_EQ(blobs.cells.at(3), (Cell{"none", Value()}));
  EXPECT_EQ(patch_of("groups").group, (Range{3, 7}));
}

}  // namespace
}  // namespace replic::wire

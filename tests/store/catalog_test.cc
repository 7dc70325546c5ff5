// The schema as replic knows it follows the schema as it is.

#include <gtest/gtest.h>

#include "support/host.h"

namespace replic::test {
namespace {

// Adds a column to note and its log.
std::string add(const std::string& column) {
  return "ALTER TABLE note ADD COLUMN " + column + "; ALTER TABLE note_patches ADD COLUMN " +
         column + ";";
}

// What looks at the schema: by itself, in a transaction that writes no patch, nothing is heard of
// the rollback.
class RolledBack : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    host_.rows(
        "CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT); SELECT replic_init(1);"
        "SELECT replic_track('note', '{\"mode\":\"manual\"}');"
        "SELECT replic_patch('note', 'id', 1, 'body', 'x')");
  }
  Host host_;
};

TEST_P(RolledBack, SchemaIsForgotten) {
  for (const char* begin : {"BEGIN; ", "SAVEPOINT s; "}) {
    host_.rows(begin + add("wrong"));
    host_.ask(GetParam());
    host_.rows("ROLLBACK");
    // This schema has the same number as the one that is gone.
    host_.rows("SAVEPOINT again;" + add("truly"));
    EXPECT_EQ(host_.error("SELECT replic_patch('note', 'id', 1, 'truly', 'by us')"), "no error");
    EXPECT_EQ(
        host_.one("SELECT replic_apply(" +
                  sql_text(patch_message(7, 1, 5, "note", "{\"id\":2,\"truly\":\"sent\"}")) + ")"),
        "1");
    EXPECT_EQ(host_.one("SELECT count(*) FROM replic_pending"), "0");
    EXPECT_EQ(host_.rows("SELECT truly FROM note ORDER BY id"),
              (std::vector<std::string>{"by us", "sent"}));
    EXPECT_NE(host_.error("SELECT replic_patch('note', 'id', 1, 'wrong', 1)").find("E_COLUMN"),
              std::string::npos);
    EXPECT_EQ(host_.rows("SELECT * FROM replic_check"), std::vector<std::string>{});
    host_.rows("ROLLBACK TO again; RELEASE again");
  }
}

INSTANTIATE_TEST_SUITE_P(
    , RolledBack,
    testing::Values("SELECT * FROM replic_tables", "SELECT * FROM replic_check",
                    "SELECT replic_digest()", "SELECT * FROM replic_changes",
                    "SELECT replic_bundle()", "SELECT replic_patch('note', 'id', 1, 'wrong', 1)",
                    "SELECT replic_patch('note', 'id', 1, 'no such column', 1)"),
    [](const auto& test) { return "After" + std::to_string(test.index); });

}  // namespace
}  // namespace replic::test

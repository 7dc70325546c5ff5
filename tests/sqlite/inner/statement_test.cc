#include "sqlite/statement.h"

#include <gtest/gtest.h>

#include <new>

#include "store/inner/inner.h"

namespace replic::test {
namespace {

// As long as this lives SQLite finds no byte of memory more.
class NoMemory {
 public:
  NoMemory() { sqlite3_hard_heap_limit64(sqlite3_memory_used()); }
  NoMemory(const NoMemory&) = delete;
  NoMemory& operator=(const NoMemory&) = delete;
  ~NoMemory() { sqlite3_hard_heap_limit64(0); }
};

class StatementTest : public Inner {
 protected:
  StatementTest() { sql("CREATE TABLE t(v)"); }
};

// SQLite ends a text with a zero only when it is asked for. Where that finds no memory, the column
// is NULL from then on; it must not pass for an empty text.
TEST_F(StatementTest, ATextThatFindsNoMemoryIsNotEmpty) {
  const std::string long_text(2000, 'x');  // too long for the connection's own small allocations
  sql("INSERT INTO t VALUES ('" + long_text + "')");
  Statement select(db().handle(), "SELECT lower(v) FROM t");
  {
    replic::Run run(select);
    ASSERT_TRUE(run.step());
    const NoMemory none;
    EXPECT_THROW(run.text(0), std::bad_alloc);
  }
  {
    replic::Run run(select);
    ASSERT_TRUE(run.step());
    const NoMemory none;
    EXPECT_THROW(run.value(0), std::bad_alloc);
  }
  replic::Run run(select);
  ASSERT_TRUE(run.step());
  EXPECT_EQ(run.text(0), long_text);
}

TEST_F(StatementTest, NullAndAnEmptyBlobNeedNoMemory) {
  Statement select(db().handle(), "SELECT NULL, x''");
  replic::Run run(select);
  ASSERT_TRUE(run.step());
  const NoMemory none;
  EXPECT_EQ(run.text(0), "");
  EXPECT_EQ(run.blob(0), "");
  EXPECT_EQ(run.blob(1), "");
}

}  // namespace
}  // namespace replic::test

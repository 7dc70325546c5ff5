#include "model/content.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace replic {
namespace {

uint64_t cell(std::string_view column, const Value& value) {
  return cell_hash(column_seed(column), value);
}

// Golden: peers compare these numbers. Computed by another implementation of XXH64 and of the
// formula on top of content.h. Never to be regenerated.
TEST(CellHash, HasItsGoldenValues) {
  EXPECT_EQ(column_seed("id"), 0x5a8c237b1560df26);
  EXPECT_EQ(cell("c", Value()), 0x98f7e751f4226bb5);
  EXPECT_EQ(cell("c", Value::integer(1)), 0x28ff5ed699b4574a);
  EXPECT_EQ(cell("c", Value::integer(INT64_MIN)), 0xd81b86333786387b);
  EXPECT_EQ(cell("c", Value::real(1.0)), 0x72a958552bfdf2b1);
  EXPECT_EQ(cell("c", Value::real(-0.0)), 0x2095890a1d048ea4);
  EXPECT_EQ(cell("c", Value::text("x")), 0xc1d779ad69227e87);
  EXPECT_EQ(cell("c", Value::text("")), 0x75f42cd6bdfe62fd);
  EXPECT_EQ(cell("c", Value::text(std::string("a\0b", 3))), 0x90d071dbcd2ef6b2);
  EXPECT_EQ(cell("c", Value::blob("x")), 0x3e2d0c2ebd06f65a);
  EXPECT_EQ(cell("c", Value::text(std::string(126, 'y'))), 0xa687b4e7c0d10521);
  EXPECT_EQ(cell("c", Value::text(std::string(127, 'y'))), 0x70ac50c09ab50020);
  EXPECT_EQ(cell("c", Value::text(std::string(128, 'y'))), 0x4bbd6b949abde39f);
}

TEST(ContentHash, HasItsGoldenValues) {
  EXPECT_EQ(content_hash(Patch{{5, 7, 1}, 1, "", {}, {}}), 0x381571777488bc94);
  EXPECT_EQ(content_hash(Patch{{5, 7, 1}, 1, "T", {}, {}}), 0xaa83658348cfe050);
  const Patch patch{{317834829004800, 1234567890123, 42},
                    3,
                    "Customers",
                    {{"id", Value::integer(4711)},
                     {"name", Value::text("Jörg")},
                     {"score", Value::real(3.25)},
                     {"photo", Value::blob(std::string("\0\xFF", 2))},
                     {"note", Value()}},
                    {}};
  EXPECT_EQ(content_hash(patch), 0x7a8c4845c698899c);
}

TEST(ContentHash, DoesNotDependOnTheOrderOfColumnsOrTheCaseOfNames) {
  Patch patch{
      {5, 7, 1}, 1, "T", {{"a", Value::integer(1)}, {"b", Value::text("x")}, {"c", Value()}}, {}};
  const uint64_t expected = content_hash(patch);
  std::reverse(patch.cells.begin(), patch.cells.end());
  EXPECT_EQ(content_hash(patch), expected);
  patch.table = "t";
  for (Cell& each : patch.cells) each.column[0] = static_cast<char>(each.column[0] - 'a' + 'A');
  EXPECT_EQ(content_hash(patch), expected);
}

TEST(ContentHash, DoesNotDependOnVersionOrGroup) {
  const Patch plain{{5, 7, 1}, 1, "T", {}, {}};
  const Patch grouped{{5, 7, 1}, 9, "T", {}, Range{1, 2}};
  EXPECT_EQ(content_hash(plain), content_hash(grouped));
}

TEST(ContentHash, TellsEverythingElseApart) {
  const Patch patch{{5, 7, 1}, 1, "T", {{"a", Value::integer(1)}}, {}};
  const uint64_t hash = content_hash(patch);
  const auto differs = [&](auto change) {
    Patch other = patch;
    change(other);
    return content_hash(other) != hash;
  };
  EXPECT_TRUE(differs([](Patch& p) { p.stamp.at++; }));
  EXPECT_TRUE(differs([](Patch& p) { p.stamp.peer++; }));
  EXPECT_TRUE(differs([](Patch& p) { p.stamp.seq++; }));
  EXPECT_TRUE(differs([](Patch& p) { p.table = "U"; }));
  EXPECT_TRUE(differs([](Patch& p) { p.table.clear(); }));
  EXPECT_TRUE(differs([](Patch& p) { p.cells.clear(); }));
  EXPECT_TRUE(differs([](Patch& p) { p.cells[0].column = "b"; }));
  EXPECT_TRUE(differs([](Patch& p) { p.cells[0].value = Value::real(1.0); }));
  EXPECT_TRUE(differs([](Patch& p) { p.cells[0].value = Value::text("1"); }));
  EXPECT_TRUE(differs([](Patch& p) { p.cells[0].value = Value(); }));
  EXPECT_TRUE(differs([](Patch& p) { p.cells.push_back({"b", Value()}); }));
}

TEST(Claim, PrefersDataThenTheLaterThenTheGreaterContent) {
  EXPECT_LT((Claim{false, 9, 9}), (Claim{true, 1, 1}));
  EXPECT_LT((Claim{true, 1, 9}), (Claim{true, 2, 1}));
  EXPECT_LT((Claim{true, 1, 1}), (Claim{true, 1, 0x8000000000000000}));
  EXPECT_EQ((Claim{true, 1, 1}), (Claim{true, 1, 1}));
}

}  // namespace
}  // namespace replic

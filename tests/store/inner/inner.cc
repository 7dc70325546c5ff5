#include "store/inner/inner.h"

#include "sqlite/api.h"
#include "wire/json.h"

namespace replic::test {

Inner::Inner() : handle_(open_in_memory()), store_(std::make_shared<Store>(handle_)) {
  EXPECT_EQ(store_->register_modules(store_), SQLITE_OK);
  store_->init(1);
}

Inner::~Inner() {
  store_.reset();
  EXPECT_EQ(sqlite3_close(handle_), SQLITE_OK);
}

std::string Inner::rows(std::string_view query) {
  std::string out;
  replic::Run run = db().once(query);
  while (run.step()) {
    if (!out.empty()) out += '\n';
    for (int i = 0; i < run.column_count(); i++)
      out.append(i == 0 ? "" : "|").append(run.is_null(i) ? "NULL" : run.text(i));
  }
  return out;
}

void Inner::track(const std::string& create, const std::string& table) {
  sql(create);
  TrackOptions options;
  options.mode = "manual";
  store_->track(table, options, [](const Value&) {});
}

const TablePlan& Inner::plan(const std::string& table) {
  catalog().refresh();
  const TablePlan* found = catalog().find(table);
  if (found == nullptr) throw std::runtime_error("no replicated table " + table);
  return *found;
}

RowPatch Inner::patch(const std::string& table, const Stamp& stamp,
                      const std::vector<Cell>& cells) {
  return row_patch_of(plan(table), Patch{stamp, 1, table, cells, {}});
}

Unit Inner::unit(const std::string& table, const Stamp& stamp, const std::vector<Cell>& cells) {
  Unit out{stamp, std::nullopt, {}};
  out.parts.push_back({plan(table).shared_from_this(), patch(table, stamp, cells), 1});
  return out;
}

void Inner::apply(const std::string& table, const Stamp& stamp, const std::vector<Cell>& cells,
                  std::optional<Range> group) {
  EXPECT_EQ(store_->apply(wire::write_patch(Patch{stamp, 1, table, cells, group})), 1);
}

}  // namespace replic::test

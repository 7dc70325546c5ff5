// What looks at the whole: replic_check, replic_digest, replic_status.

#include <algorithm>
#include <cstdio>

#include "base/error.h"
#include "sqlapi/functions.h"
#include "sqlapi/tables.h"
#include "store/check.h"
#include "store/digest.h"
#include "wire/json_writer.h"

namespace replic {
namespace {

struct Problem {
  std::string code, detail, cure;
  bool is_past = false;  // told, but nothing is to be done
};

// What is wrong, as far as it can be told without reading the data.
std::vector<Problem> problems_of(Connection& store, const StateRow& row, int64_t missing) {
  std::vector<Problem> out;
  for (const std::string& name : store.catalog().tables()) {
    const TablePlan* plan = store.catalog().find(name);
    if (plan != nullptr && !plan->problem.empty())
      out.push_back({"TABLE", name + ": " + plan->problem, plan->cure});
  }
  if (missing > 0) {
    out.push_back({"MISSING", std::to_string(missing) + " patches exist and are not here",
                   "send the requests of replic_missing to peers that have them"});
  }
  if (!store.initialised()) return out;
  Run parked = store.db().run(
      "SELECT reason,count(*) FROM (SELECT DISTINCT peer,seq,reason FROM main._replic_parked WHERE "
      "reason<>'held') "
      "GROUP BY reason");
  while (parked.step()) {
    const std::string why = parked.text(0);
    out.push_back(
        {"PARKED_" + why, std::to_string(parked.integer(1)) + " patches are parked for " + why,
         "SELECT * FROM replic_pending WHERE reason='" + why + "' says what each waits for",
         why == reason::kIdentity});
  }
  Run former = store.db().run("SELECT count(*) FROM main._replic_peers WHERE role=1");
  if (former.step() && former.integer(0) > 0) {
    out.push_back({"FORMER_IDENTITY",
                   std::to_string(former.integer(0)) + " former identities of this database",
                   "nothing to do: it was copied, restored or forked, and writes under a new id",
                   true});
  }
  if (row.split_groups > 0) {
    out.push_back({"SPLIT_GROUPS",
                   std::to_string(row.split_groups) +
                       " transactions were larger than group_max and travelled as single patches",
                   "keep transactions smaller, or raise the option group_max", true});
  }
  if (store.state().clock(true).own_at > drift_bound(store.db().now_unix_ms(), row.max_drift_ms)) {
    out.push_back({"CLOCK_AHEAD",
                   "the newest stamp here is ahead of the system clock by more than max_drift_ms",
                   "correct the clock, or call replic_fork()"});
  }
  return out;
}

}  // namespace

std::unique_ptr<RowSource> open_check(Connection& store, std::vector<Constraint>&& constraints) {
  std::string table;
  for (const Constraint& constraint : constraints) {
    if (constraint.value.is_null()) continue;
    if (constraint.value.type() != Type::text) {
      throw Error(Code::argument, "replic_check: the table is not a text",
                  "usage: replic_check([table])");
    }
    table = constraint.value.bytes();
  }
  std::vector<std::vector<Value>> rows;
  for (Finding& f : check(store, table)) {
    rows.push_back({Value::text(std::move(f.severity)), Value::text(std::move(f.code)),
                    f.table.empty() ? Value() : Value::text(std::move(f.table)),
                    Value::text(std::move(f.detail)), Value::text(std::move(f.cure))});
  }
  return std::make_unique<FixedRows>(std::move(rows));
}

void fn_digest(Call& call) {
  uint64_t sum = 0;
  Catalog& catalog = call.store.catalog();
  const auto add = [&](const std::string& name) {
    const TablePlan* plan = catalog.find(name);
    if (plan == nullptr || !plan->problem.empty()) catalog.explain_missing(name);
    const auto bound = [&](size_t i) {
      return call.given(i) ? std::optional(call.value(i, i == 1 ? "first" : "last")) : std::nullopt;
    };
    sum += table_digest(call.store.db(), *plan, bound(1), bound(2));
  };
  if (call.given(0)) {
    add(call.text(0, "table"));
  } else {
    if (call.given(1) || call.given(2)) call.wrong("first and last need a table");
    for (const std::string& name : catalog.tables()) {
      const TablePlan* plan = catalog.find(name);
      if (plan != nullptr && plan->problem.empty()) add(name);
    }
  }
  char hex[17];
  std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(sum));
  call.result(std::string_view(hex));
}

void fn_status(Call& call) {
  Connection& store = call.store;
  const StateRow row = store.row();
  int64_t missing = 0;
  int64_t peers = 0;
  int64_t received = 0;
  store.state().for_each_range(store.initialised(), 0, [&](const ReceivedRange& range) {
    if (range.peer != row.peer) received += range.last - range.first + 1;
  });
  for (const PeerView& peer : view_peers(store.db(), store.state(), store.initialised())) {
    missing += peer.missing;
    peers++;
  }
  const std::vector<Problem> problems = problems_of(store, row, missing);
  wire::JsonWriter json;
  json.begin_object();
  const bool ok =
      std::all_of(problems.begin(), problems.end(), [](const Problem& p) { return p.is_past; });
  json.key("ok").boolean(ok);
  json.key("peer").value(row.peer == 0 ? Value() : Value::integer(row.peer));
  json.key("name").value(store.option("name"));
  json.key("ver").integer(row.ver);
  json.key("problems").begin_array();
  for (const Problem& problem : problems) {
    json.begin_object().key("code").text(problem.code).key("detail").text(problem.detail);
    json.key("cure").text(problem.cure).end_object();
  }
  json.end_array();
  json.key("peers").integer(peers);
  json.key("received").integer(received);
  json.key("missing").integer(missing);
  json.key("waiting").integer(row.waiting);
  json.key("duplicates").integer(row.duplicates);
  json.key("collisions").integer(row.collisions);
  json.key("splitGroups").integer(row.split_groups);
  json.key("unknownMessages").integer(row.unknown_messages);
  json.key("version").text(REPLIC_VERSION);
  json.key("sqlite").text(sqlite3_libversion());
  call.result(std::string_view(json.end_object().take()));
}

}  // namespace replic

// The small tables: pending, missing, peers, tables, options.

#include <map>

#include "base/limits.h"
#include "sqlapi/tables.h"
#include "sqlite/ident.h"
#include "wire/json.h"

namespace replic {
namespace {

using Rows = std::vector<std::vector<Value>>;

std::unique_ptr<RowSource> fixed(Rows&& rows) {
  return std::make_unique<FixedRows>(std::move(rows));
}

}  // namespace

std::unique_ptr<RowSource> open_pending(Connection& store, std::vector<Constraint>&&) {
  if (!store.initialised()) return fixed({});
  return std::make_unique<StatementRows>(
      store,
      // Of several losers of one (peer, seq) the greatest is shown.
      "SELECT tab,peer,seq,at,ver,delta,reason,detail,parked_unix_ms FROM ("
      "SELECT *,row_number() OVER (PARTITION BY peer,seq,reason "
      "ORDER BY tab<>'_' DESC,at DESC,content<0 DESC,content DESC) AS place FROM "
      "main._replic_parked WHERE reason<>'held') "
      "WHERE place=1 ORDER BY peer,seq,reason");
}

std::unique_ptr<RowSource> open_missing(Connection& store, std::vector<Constraint>&&) {
  Rows rows;
  const StateRow state = store.row();
  for (const PeerView& peer : view_peers(store.db(), store.state(), store.initialised())) {
    for (const Range& gap : peer.gaps) {
      const Request request{peer.peer, gap, state.peer};
      rows.push_back({Value::integer(peer.peer), Value::integer(gap.first),
                      Value::integer(gap.last), Value::integer(gap.last - gap.first + 1),
                      Value::text(wire::write_request(request))});
    }
  }
  return fixed(std::move(rows));
}

std::unique_ptr<RowSource> open_peers(Connection& store, std::vector<Constraint>&&) {
  Rows rows;
  for (const PeerView& peer : view_peers(store.db(), store.state(), store.initialised())) {
    rows.push_back({Value::integer(peer.peer), Value::text(peer.name),
                    Value::integer(peer.is_self ? 1 : 0), Value::integer(peer.last_seq),
                    Value::integer(peer.last_at), Value::integer(peer.contiguous_seq),
                    Value::integer(peer.missing), Value::integer(peer.acked_seq),
                    peer.heard_unix_ms == 0 ? Value() : Value::integer(peer.heard_unix_ms),
                    peer.lag_ms ? Value::integer(*peer.lag_ms) : Value()});
  }
  return fixed(std::move(rows));
}

std::unique_ptr<RowSource> open_tables(Connection& store, std::vector<Constraint>&&) {
  Rows rows;
  Database& db = store.db();
  for (const std::string& name : store.catalog().tables()) {
    const TablePlan* plan = store.catalog().find(name);
    if (plan == nullptr) continue;
    std::vector<Value> row{Value::text(plan->name), Value::text("manual"), Value(),
                           Value::integer(0), Value()};
    if (store.initialised()) {
      Run mode = db.run("SELECT mode FROM main._replic_tables WHERE tab=?1");
      mode.bind(plan->name);
      if (mode.step()) row[1] = mode.value(0);
      Run pending = db.run(
          "SELECT count(*) FROM (SELECT DISTINCT peer,seq,reason FROM main._replic_parked "
          "WHERE tab=?1 COLLATE NOCASE AND reason<>'held')");
      pending.bind(plan->name);
      if (pending.step()) row[3] = pending.value(0);
    }
    if (plan->problem.empty()) {
      Run patches = db.once("SELECT count(*) FROM main." + ident(plan->log));
      if (patches.step()) row[2] = patches.value(0);
    } else {
      row[4] = Value::text(plan->problem + "; " + plan->cure);
    }
    rows.push_back(std::move(row));
  }
  return fixed(std::move(rows));
}

std::unique_ptr<RowSource> open_options(Connection& store, std::vector<Constraint>&&) {
  Rows rows;
  for (const OptionInfo& info : option_table()) {
    rows.push_back({Value::text(std::string(info.name)), store.option(info.name),
                    Value::text(std::string(info.default_value)),
                    Value::text(std::string(info.meaning))});
  }
  return fixed(std::move(rows));
}

}  // namespace replic

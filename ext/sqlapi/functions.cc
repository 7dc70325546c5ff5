// The scalar functions. One array; what each does stands below it, or in a file of its own.

#include "sqlapi/functions.h"

#include <algorithm>

#include "base/error.h"
#include "base/limits.h"
#include "sqlapi/registry.h"
#include "wire/json.h"

namespace replic {
namespace {

std::optional<int64_t> peer_argument(const Call& call) {
  if (!call.given(0)) return std::nullopt;
  const int64_t peer = call.integer(0, "peer");
  if (peer < 1 || peer > kMaxInteger)
    call.wrong("peer " + std::to_string(peer) + " is not from 1 to 2^53-1");
  return peer;
}

void fn_init(Call& call) { call.result(call.store.init(peer_argument(call))); }

void fn_fork(Call& call) { call.result(call.store.fork(peer_argument(call))); }

void fn_peer(Call& call) {
  const int64_t peer = call.store.row().peer;
  if (peer == 0) return call.result_null();
  call.result(peer);
}

void fn_patch(Call& call) {
  const std::string table = call.text(0, "table");
  if (table.empty()) call.wrong("table is empty");
  std::vector<Cell> cells;
  if (call.count() == 2) {
    if (!call.given(1)) call.wrong("json is NULL");
    cells = wire::read_delta(bytes_of(call.raw(1), "json"), "json");
  } else {
    if (call.count() % 2 == 0) call.wrong("column names and values must come in pairs");
    for (size_t i = 1; i < call.count(); i += 2) {
      std::string column = call.text(i, "column");
      Value value = call.value(i + 1, column);
      cells.push_back({std::move(column), std::move(value)});
    }
  }
  if (!call.store.patch(table, std::move(cells), call.giver())) call.result_null();
}

void fn_apply(Call& call) { call.result(apply_value(call.store, call.raw(0))); }
void fn_ping(Call& call) {
  call.store.refresh();
  if (call.store.row().peer == 0) {
    if (!call.store.db().is_writable()) return call.result_null();
    call.store.init(std::nullopt);
    call.store.refresh();
  }
  call.result(std::string_view(wire::write_ping(call.store.exchange.ping())));
}
void fn_pull(Call& call) { call.result(call.store.pull(call.text(0, "path"))); }

std::optional<int64_t> page_argument(const Call& call) {
  if (!call.given(1)) return std::nullopt;
  const int64_t bytes = call.integer(1, "max_bytes");
  if (bytes < 1) call.wrong("max_bytes " + std::to_string(bytes) + " is below 1");
  return bytes;
}

void fn_bundle(Call& call) {
  const Vector vector =
      call.given(0) ? wire::read_vector(bytes_of(call.raw(0), "vector")) : Vector();
  const auto bundle = call.store.exchange.bundle(vector, page_argument(call));
  bundle ? call.result(Value::blob(*bundle)) : call.result_null();
}

void fn_sync(Call& call) {
  if (!call.given(0)) return call.result(Value::blob(call.store.exchange.open()));
  const std::string_view blob = bytes_of(call.raw(0), "blob");
  // An empty answer, as an HTTP server gives it for none.
  if (blob.empty()) return call.result_null();
  const auto answer = call.store.exchange.sync(blob, page_argument(call));
  answer ? call.result(Value::blob(*answer)) : call.result_null();
}

void fn_refresh(Call& call) { call.result(call.store.refresh_schema()); }
void fn_retry(Call& call) { call.result(call.store.retry()); }
void fn_vector(Call& call) {
  call.result(std::string_view(wire::write_vector(call.store.vector())));
}
void fn_version(Call& call) { call.result(std::string_view(REPLIC_VERSION)); }
void fn_now(Call& call) { call.result(call.store.now_at()); }

void fn_at_to_ms(Call& call) {
  if (!call.given(0)) return call.result_null();
  const int64_t at = call.integer(0, "at");
  if (at < 0 || at > kMaxInteger)
    call.wrong("at " + std::to_string(at) + " is not from 0 to 2^53-1");
  call.result(unix_ms_from_at(at));
}

void fn_at_from_ms(Call& call) {
  if (!call.given(0)) return call.result_null();
  const int64_t ms = call.integer(0, "unix_ms");
  if (ms < kEpochUnixMs || ms > kLastUnixMs) {
    throw Error(
        Code::clock_range,
        std::to_string(ms) + " Unix milliseconds is outside the years 2025 to 2059",
        "pass a time from " + std::to_string(kEpochUnixMs) + " to " + std::to_string(kLastUnixMs));
  }
  call.result(at_from_unix_ms(ms));
}

void fn_track(Call& call) {
  TrackOptions options;
  if (call.given(1)) {
    for (Cell& cell : wire::read_delta(bytes_of(call.raw(1), "options"), "options")) {
      const Value& value = cell.value;
      const bool text = value.type() == Type::text;
      if (cell.column == "mode" && text) {
        options.mode = value.bytes();
      } else if (cell.column == "tombstone" && text && !value.bytes().empty()) {
        options.tombstone = value.bytes();
      } else if (cell.column == "backfill" && value.type() == Type::integer &&
                 (value.as_integer() | 1) == 1) {
        options.backfill = value.as_integer() == 1;
      } else {
        call.wrong("option " + quoted(cell.column) +
                   " is unknown, or its value is; the options are \"mode\", \"tombstone\" (texts) "
                   "and \"backfill\" "
                   "(true or false)");
      }
    }
  }
  call.store.track(call.text(0, "table"), options, call.giver());
}

void fn_untrack(Call& call) { call.store.untrack(call.text(0, "table"), call.giver()); }

void fn_option(Call& call) {
  const std::string name = call.text(0, "name");
  if (call.given(1)) return call.store.set_option(name, call.value(1, name), call.giver());
  call.result(call.store.option(name));
}

constexpr FunctionDef kFunctions[] = {
    {{"replic_apply", "replic_apply(message) -> count",
      "Applies what other peers sent: a bundle (a BLOB), or UTF-8 JSON (TEXT or BLOB) with one "
      "message, an array of them, "
      "or several separated by white space, at most 16 MiB. Atomic: malformed input is an error "
      "and changes nothing; well-formed "
      "input that cannot be shown is parked. Returns the number of patches newly received; 0 for "
      "NULL and for empty "
      "input.",
      "SELECT "
      "replic_apply('{\"type\":10,\"at\":1000,\"peer\":77,\"seq\":1,\"ver\":1,\"tab\":\"note\","
      "\"delta\":{\"id\":9,\"body\":\"from afar\"}}');",
      "E_ARGUMENT E_BUNDLE E_LIMIT E_MESSAGE E_READONLY E_SQLITE E_SYNTAX E_UTF8"},
     1,
     1,
     kWrites,
     fn_apply},
    {{"replic_at_from_ms", "replic_at_from_ms(unix_ms) -> at",
      "The first clock value of a millisecond. unix_ms: Unix milliseconds from 2025 to 2059.",
      "SELECT replic_at_from_ms(1767225600000);", "E_ARGUMENT E_CLOCK_RANGE"},
     1,
     1,
     kPure,
     fn_at_from_ms},
    {{"replic_at_to_ms", "replic_at_to_ms(at) -> unix_ms",
      "The Unix milliseconds of a clock value. at: 0 to 2^53-1.",
      "SELECT replic_at_to_ms(258344755200000);", "E_ARGUMENT"},
     1,
     1,
     kPure,
     fn_at_to_ms},
    {{"replic_bundle", "replic_bundle([vector [, max_bytes]]) -> blob",
      "What a holder of vector lacks, from any origin, as one compact, checksummed blob for "
      "replic_apply; everything when "
      "vector is absent; NULL when nothing is lacking. With max_bytes a page of about that size: "
      "ask again with the new "
      "vector for the next.",
      "SELECT replic_apply(replic_bundle()); SELECT replic_bundle(replic_vector()) IS NULL;",
      "E_ARGUMENT E_SYNTAX"},
     0,
     2,
     kReads,
     fn_bundle},
    {{"replic_digest", "replic_digest([table [, first, last]]) -> text",
      "An order-free hash of the rows of all replicated tables, or of one, as 16 hex digits: equal "
      "on peers that have "
      "converged. first and last limit it to the rows whose first key column lies between them. "
      "Columns that are NULL do "
      "not count, so that a peer with a column more has the same digest while the column is "
      "unused.",
      "SELECT replic_digest(), replic_digest('note', 1, 5);", "E_ARGUMENT E_TABLE"},
     0,
     3,
     kReads,
     fn_digest},
    {{"replic_fork", "replic_fork([peer]) -> peer",
      "Takes a new identity, a random one when none is given: local writes go on under it. What "
      "was written here with a "
      "clock that is more than max_drift_ms ahead now is written again with the present time, and "
      "the old patches become "
      "void. peer: 1 to 2^53-1.",
      "SELECT replic_fork() <> 1;", "E_ARGUMENT E_IDENTITY E_READONLY"},
     0,
     1,
     kWrites,
     fn_fork},
    {{"replic_init", "replic_init([peer]) -> peer",
      "Makes replic's state tables and takes an identity: peer, 1 to 2^53-1, or a random one. A "
      "no-op when peer is or "
      "ever was this database's id. Every function that writes calls it on first need.",
      "SELECT replic_init();", "E_ARGUMENT E_IDENTITY E_READONLY"},
     0,
     1,
     kWrites,
     fn_init},
    {{"replic_now", "replic_now() -> at",
      "The clock value that a local write would get now: milliseconds since 2025 times 2^13, plus "
      "a counter.",
      "SELECT replic_now() > 0;", "E_CLOCK_RANGE"},
     0,
     0,
     kReads,
     fn_now},
    {{"replic_option", "replic_option(name [, value]) -> value",
      "Reads an option that is stored in the file, or sets it first. replic_options lists them.",
      "SELECT replic_option('max_drift_ms', 60000);", "E_ARGUMENT E_OPTION E_READONLY"},
     1,
     2,
     kWrites,
     fn_option},
    {{"replic_patch",
      "replic_patch(table, json) or replic_patch(table, column, value, column, value, ...) -> "
      "message",
      "Writes a local patch: a partial row with its whole primary key. In json a null sets NULL "
      "and a blob is "
      "{\"base64\":\"...\"}; in the typed form values are taken as they are. Returns the message "
      "to ship, or NULL while a "
      "transaction is open: ship from replic_changes after COMMIT.",
      "SELECT replic_patch('note', '{\"id\":1,\"body\":\"hello\"}'); SELECT replic_patch('note', "
      "'id', 2, 'body', 'typed');",
      "E_ARGUMENT E_CLOCK_AHEAD E_CLOCK_RANGE E_COLUMN E_CONSTRAINT E_KEY E_NULLS E_READONLY "
      "E_SYNTAX E_TABLE E_UTF8"},
     2,
     -1,
     kWrites,
     fn_patch},
    {{"replic_peer", "replic_peer() -> peer",
      "The current identity, or NULL when none is taken yet.", "SELECT replic_peer() IS NOT NULL;",
      ""},
     0,
     0,
     kReads,
     fn_peer},
    {{"replic_ping", "replic_ping() -> message",
      "Tells others where we stand: our last patch, how far we hold each peer, and the sums of "
      "their contents. Send it on "
      "connect and on a timer; replic_answer gives what a peer that hears it asks for. Takes an "
      "identity when there is none; NULL in a database that is read-only and has none.",
      "SELECT json_extract(replic_ping(), '$.type');", "E_CLOCK_RANGE"},
     0,
     0,
     kWrites,
     fn_ping},
    {{"replic_pull", "replic_pull(path) -> count",
      "Applies what another database file holds and this one lacks; opens it read-only, it may be "
      "open elsewhere. Returns "
      "the number of patches newly received.",
      "VACUUM INTO 'copy.db'; SELECT replic_pull('copy.db');", "E_ARGUMENT E_READONLY E_SQLITE"},
     1,
     1,
     kWrites,
     fn_pull},
    {{"replic_refresh", "replic_refresh() -> count",
      "Brings the logs and triggers of tracked tables up to date after a schema change: columns "
      "that "
      "were added or renamed, tables that were renamed or made again. Every function that writes "
      "does so first; call it when a plain INSERT, UPDATE or DELETE says so. Returns how many "
      "tables "
      "there was something to do for.",
      "ALTER TABLE note ADD COLUMN stars INTEGER; SELECT replic_refresh();", "E_READONLY E_SQLITE"},
     0,
     0,
     kWrites,
     fn_refresh},
    {{"replic_retry", "replic_retry() -> count",
      "Tries everything parked again; it is also done by itself when a cause goes away. Returns "
      "how many patches, or "
      "parts of them, are parked no more.",
      "SELECT replic_retry();", "E_READONLY E_SQLITE"},
     0,
     0,
     kWrites,
     fn_retry},
    {{"replic_status", "replic_status() -> json",
      "How this peer is: "
      "{\"ok\":bool,\"peer\":..,\"name\":..,\"ver\":..,\"problems\":[{\"code\":..,\"detail\":..,"
      "\"cure\":..}],"
      "...} with counts of what was received, parked, missing and repeated.",
      "SELECT json_extract(replic_status(), '$.ok');", ""},
     0,
     0,
     kReads,
     fn_status},
    {{"replic_sync", "replic_sync([blob [, max_bytes]]) -> blob",
      "The whole exchange in one call. Without argument: the opening bundle. Else applies the "
      "other side's bundle and "
      "returns the one that answers it, or NULL when both are level. Client: m = sync(); while m: "
      "m = sync(post(m)). "
      "Server: return sync(body). max_bytes: about the size of a page, 16 MiB by default.",
      "SELECT length(replic_sync()) > 0;", "E_ARGUMENT E_BUNDLE E_READONLY E_SQLITE"},
     0,
     2,
     kWrites,
     fn_sync},
    {{"replic_track", "replic_track(table [, options_json]) -> table",
      "Makes a table replicated: makes its log, or adds to it what it lacks, and makes patches of "
      "the "
      "rows already there. \"mode\": \"capture\", the default: plain INSERT, UPDATE and DELETE "
      "become "
      "patches; \"guard\": they are refused, and replic_patch writes; \"manual\": neither. "
      "\"tombstone\": the column that marks a deleted row, deletedAt by default; without such a "
      "column a deleted row leaves the table. \"backfill\": whether the rows already there become "
      "patches, true by default. A second call changes what is given; it has nothing to do when "
      "all "
      "is so already.",
      "CREATE TABLE task(id INTEGER PRIMARY KEY, title TEXT); SELECT replic_track('task'); "
      "INSERT INTO task(title) VALUES ('Buy milk'); SELECT delta FROM replic_changes WHERE tab = "
      "'task';",
      "E_ARGUMENT E_MODE E_OPTION E_READONLY E_TABLE E_UTF8"},
     1,
     2,
     kWrites,
     fn_track},
    {{"replic_untrack", "replic_untrack(table) -> table",
      "Takes replic's triggers off a table, so that it is an ordinary one. It stays in mode "
      "manual: "
      "its log stays, with what others send and replic_patch writes.",
      "SELECT replic_untrack('note');", "E_ARGUMENT E_READONLY E_TABLE"},
     1,
     1,
     kWrites,
     fn_untrack},
    {{"replic_vector", "replic_vector() -> json",
      "What this database has received or written: {\"<peer>\":[[first,last],...]}.",
      "SELECT replic_vector();", ""},
     0,
     0,
     kReads,
     fn_vector},
    {{"replic_version", "replic_version() -> text", "The version of the extension.",
      "SELECT replic_version();", ""},
     0,
     0,
     kPure,
     fn_version},
};

constexpr bool sorted_and_documented() {
  for (size_t i = 0; i < std::size(kFunctions); i++) {
    const Doc& doc = kFunctions[i].doc;
    if (doc.usage.empty() || doc.summary.empty() || doc.example.empty()) return false;
    if (i > 0 && !(kFunctions[i - 1].doc.name < doc.name)) return false;
  }
  return true;
}
static_assert(sorted_and_documented(), "functions are sorted, unique and documented");
static_assert(std::end(kFunctions)[-1].doc.name == "replic_version",
              "is_loaded() relies on its being last");

}  // namespace

std::span<const FunctionDef> function_table() { return kFunctions; }

}  // namespace replic

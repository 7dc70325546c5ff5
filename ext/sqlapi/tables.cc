// The tables of the SQL surface, one array; how rows are made stands in rows_*.cc.

#include "sqlapi/tables.h"

namespace replic {
namespace {

constexpr ColumnDef kAnswer[] = {
    {"peer", "INTEGER"},
    {"message", "TEXT"},
    {"asked", "TEXT", false, true},
};
constexpr ColumnDef kChanges[] = {
    {"peer", "INTEGER", true}, {"seq", "INTEGER", true}, {"at", "INTEGER"},
    {"ver", "INTEGER"},        {"tab", "TEXT"},          {"delta", "TEXT"},
    {"message", "TEXT"},       {"reason", "TEXT"},       {"since", "TEXT", false, true},
};
constexpr ColumnDef kCheck[] = {
    {"severity", "TEXT"}, {"code", "TEXT"}, {"tab", "TEXT"},
    {"detail", "TEXT"},   {"cure", "TEXT"}, {"only", "TEXT", false, true},
};
constexpr ColumnDef kHelp[] = {
    {"name", "TEXT"},    {"kind", "TEXT"},    {"usage", "TEXT"},
    {"summary", "TEXT"}, {"example", "TEXT"}, {"errors", "TEXT"},
};
constexpr ColumnDef kMissing[] = {
    {"peer", "INTEGER"},  {"min_seq", "INTEGER"}, {"max_seq", "INTEGER"},
    {"count", "INTEGER"}, {"request", "TEXT"},
};
constexpr ColumnDef kOptions[] = {
    {"name", "TEXT"},
    {"value", ""},
    {"default_value", "TEXT"},
    {"meaning", "TEXT"},
};
constexpr ColumnDef kPeers[] = {
    {"peer", "INTEGER"},     {"name", "TEXT"},         {"is_self", "INTEGER"},
    {"last_seq", "INTEGER"}, {"last_at", "INTEGER"},   {"contiguous_seq", "INTEGER"},
    {"missing", "INTEGER"},  {"acked_seq", "INTEGER"}, {"last_message_unix_ms", "INTEGER"},
    {"lag_ms", "INTEGER"},
};
constexpr ColumnDef kPending[] = {
    {"tab", "TEXT"},    {"peer", "INTEGER"}, {"seq", "INTEGER"},
    {"at", "INTEGER"},  {"ver", "INTEGER"},  {"delta", "TEXT"},
    {"reason", "TEXT"}, {"detail", "TEXT"},  {"parked_unix_ms", "INTEGER"},
};
constexpr ColumnDef kTables[] = {
    {"tab", "TEXT"},        {"mode", "TEXT"},    {"patches", "INTEGER"},
    {"pending", "INTEGER"}, {"problem", "TEXT"},
};

constexpr TableDef kModules[] = {
    {{"replic_answer", "replic_answer(message)(peer, message)",
      "What a message asks for: a request gets the patches, a page of them; a ping gets requests "
      "for what we lack. Send "
      "each answer back on the connection by which the message came; peer is for channels that "
      "many share. Apply the "
      "message first. Only reads.",
      "SELECT count(*) FROM "
      "replic_answer('{\"type\":30,\"peer\":1,\"minSeq\":1,\"maxSeq\":1,\"forPeer\":2}');",
      "E_ARGUMENT E_LIMIT E_MESSAGE E_SYNTAX E_UTF8"},
     kAnswer,
     open_answer,
     nullptr},
    {{"replic_changes", "replic_changes([since])(peer, seq, at, ver, tab, delta, message, reason)",
      "Everything received or written, parked patches included, by peer and seq; with since, a "
      "vector, only what its "
      "holder lacks. Constraints on peer and seq are used, not scanned. delta: the columns as "
      "replic_patch takes them; "
      "message: as it is shipped; reason: NULL when visible. INSERT INTO replic_changes(message) "
      "applies a message.",
      "SELECT seq, tab, delta FROM replic_changes WHERE peer = replic_peer(); SELECT count(*) FROM "
      "replic_changes(replic_vector()); INSERT INTO replic_changes(message) VALUES (NULL);",
      "E_ARGUMENT E_MESSAGE E_SYNTAX, and those of replic_apply on INSERT"},
     kChanges,
     open_changes,
     insert_message},
    {{"replic_check", "replic_check([table])(severity, code, tab, detail, cure)",
      "Whatever breaks an invariant: rows that differ from what their patches say, patches that "
      "are recorded but not "
      "there, damaged state tables. Empty when all is well. It reads everything: seconds for a "
      "million patches.",
      "SELECT * FROM replic_check;", "E_TABLE"},
     kCheck,
     open_check,
     nullptr},
    {{"replic_help", "replic_help(name, kind, usage, summary, example, errors)",
      "Every function and table of this version, with an example that runs.",
      "SELECT usage FROM replic_help WHERE name = 'replic_apply';", ""},
     kHelp,
     open_help,
     nullptr},
    {{"replic_missing", "replic_missing(peer, min_seq, max_seq, count, request)",
      "The patches that exist and are not here, as ranges: gaps in what was received, and what a "
      "peer said that it has. "
      "request is the message that asks for the range.",
      "SELECT peer, min_seq, max_seq FROM replic_missing;", ""},
     kMissing,
     open_missing,
     nullptr},
    {{"replic_options", "replic_options(name, value, default_value, meaning)",
      "The options that are stored in the file.", "SELECT name, value FROM replic_options;", ""},
     kOptions,
     open_options,
     nullptr},
    {{"replic_peers",
      "replic_peers(peer, name, is_self, last_seq, last_at, contiguous_seq, missing, acked_seq, "
      "last_message_unix_ms, "
      "lag_ms)",
      "Every peer that is known. last_seq, last_at: its newest patch that we know of; "
      "contiguous_seq: up to where we have "
      "everything; acked_seq: up to where it has everything of ours; lag_ms, NULL when we have "
      "none: how much older the "
      "newest patch that we have "
      "without a gap is than its newest.",
      "SELECT peer, is_self, last_seq FROM replic_peers;", ""},
     kPeers,
     open_peers,
     nullptr},
    {{"replic_pending",
      "replic_pending(tab, peer, seq, at, ver, delta, reason, detail, parked_unix_ms)",
      "Patches, or parts of them, that are received and not visible, one row for each (peer, seq, "
      "reason). reason: clock "
      "(its clock is too far ahead), constraint (NOT NULL, CHECK or STRICT forbids it for now), "
      "schema (a table or "
      "column is unknown here), identity (another patch has the same peer and seq). detail says "
      "the cure.",
      "SELECT tab, reason, detail FROM replic_pending;", ""},
     kPending,
     open_pending,
     nullptr},
    {{"replic_tables", "replic_tables(tab, mode, patches, pending, problem)",
      "The replicated tables: those with a T_patches beside them. problem says why one cannot be "
      "replicated.",
      "SELECT tab, mode, patches FROM replic_tables;", ""},
     kTables,
     open_tables,
     nullptr},
};

constexpr bool sorted() {
  for (size_t i = 1; i < std::size(kModules); i++) {
    if (!(kModules[i - 1].doc.name < kModules[i].doc.name)) return false;
  }
  return true;
}
static_assert(sorted(), "tables are sorted and unique");

std::vector<Value> help_row(const Doc& doc, std::string_view kind) {
  const auto text = [](std::string_view s) { return Value::text(std::string(s)); };
  return {text(doc.name),    text(kind),        text(doc.usage),
          text(doc.summary), text(doc.example), text(doc.errors)};
}

}  // namespace

std::span<const TableDef> module_table() { return kModules; }

std::unique_ptr<RowSource> open_help(Connection&, std::vector<Constraint>&&) {
  std::vector<std::vector<Value>> rows;
  for (const FunctionDef& def : function_table()) rows.push_back(help_row(def.doc, "function"));
  for (const TableDef& def : module_table()) rows.push_back(help_row(def.doc, "table"));
  for (const Doc& doc : aggregate_table()) rows.push_back(help_row(doc, "aggregate"));
  return std::make_unique<FixedRows>(std::move(rows));
}

}  // namespace replic

#include "store/parked.h"

#include "wire/json.h"

namespace replic {

void Parked::put(const ParkedPatch& parked) {
  const Patch& patch = parked.patch;
  const std::string delta = wire::write_delta(patch.cells);
  const Range group = patch.group.value_or(Range());
  Run run = db_.run(
      "INSERT OR REPLACE INTO "
      "main._replic_parked(peer,seq,reason,content,tab,at,ver,delta,grp_first,grp_last,row_key,"
      "detail,parked_unix_ms) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)");
  run.bind(patch.stamp.peer).bind(patch.stamp.seq).bind(parked.reason);
  run.bind(static_cast<int64_t>(parked.content));
  run.bind(patch.is_void() ? std::string_view("_") : std::string_view(patch.table));
  run.bind(patch.stamp.at)
      .bind(patch.ver)
      .bind(std::string_view(delta))
      .bind(group.first)
      .bind(group.last);
  if (parked.row_key.empty()) {
    run.bind_null();
  } else {
    run.bind_blob(parked.row_key);
  }
  run.bind(parked.detail).bind(parked.parked_unix_ms).exec();
}

int64_t Parked::erase(int64_t peer, int64_t seq, std::string_view reason) {
  Run run = db_.run("DELETE FROM main._replic_parked WHERE peer=?1 AND seq=?2 AND reason=?3");
  run.bind(peer).bind(seq).bind(reason).exec();
  return db_.changes();
}

ParkedPatch Parked::read(Run& run) {
  ParkedPatch parked;
  Patch& patch = parked.patch;
  patch.stamp = {run.integer(5), run.integer(0), run.integer(1)};
  parked.reason = run.text(2);
  parked.content = static_cast<uint64_t>(run.integer(3));
  patch.table = run.text(4);
  patch.ver = run.integer(6);
  patch.cells = wire::read_delta(run.text(7), "delta in _replic_parked");
  if (run.integer(8) > 0) patch.group = Range{run.integer(8), run.integer(9)};
  parked.row_key = run.blob(10);
  parked.detail = run.text(11);
  parked.parked_unix_ms = run.integer(12);
  if (patch.table == "_") patch.table.clear();
  return parked;
}

std::vector<ParkedPatch> Parked::read_all(Run run) {
  std::vector<ParkedPatch> out;
  while (run.step()) out.push_back(read(run));
  return out;
}

std::vector<ParkedPatch> Parked::parts(int64_t peer, int64_t seq) {
  static const std::string kSql =
      "SELECT " + std::string(kColumns) +
      " FROM main._replic_parked WHERE peer=?1 AND seq=?2 AND reason<>'identity'";
  Run run = db_.run(kSql);
  run.bind(peer).bind(seq);
  return read_all(std::move(run));
}

std::vector<ParkedPatch> Parked::waiting(std::string_view table, const std::string& row_key) {
  static const std::string kSql =
      "SELECT " + std::string(kColumns) +
      " FROM main._replic_parked WHERE tab=?1 AND row_key=?2 ORDER BY at,peer,seq";
  Run run = db_.run(kSql);
  run.bind(table).bind_blob(row_key);
  return read_all(std::move(run));
}

std::vector<ParkedPatch> Parked::waiting_in(std::string_view table) {
  static const std::string kSql =
      "SELECT " + std::string(kColumns) +
      " FROM main._replic_parked WHERE tab=?1 AND row_key IS NOT NULL ORDER BY at,peer,seq";
  Run run = db_.run(kSql);
  run.bind(table);
  return read_all(std::move(run));
}

std::vector<ParkedPatch> Parked::of_group(int64_t peer, Range group, std::string_view reason) {
  static const std::string kSql = "SELECT " + std::string(kColumns) +
                                  " FROM main._replic_parked WHERE peer=?1 AND seq BETWEEN ?2 AND "
                                  "?3 AND reason=?4 ORDER BY seq";
  Run run = db_.run(kSql);
  run.bind(peer).bind(group.first).bind(group.last).bind(reason);
  return read_all(std::move(run));
}

std::vector<ParkedPatch> Parked::of_reason(std::string_view reason, int64_t most_at) {
  static const std::string kSql =
      "SELECT " + std::string(kColumns) +
      " FROM main._replic_parked WHERE reason=?1 AND at<=?2 ORDER BY at,peer,seq";
  Run run = db_.run(kSql);
  run.bind(reason).bind(most_at);
  return read_all(std::move(run));
}

int64_t Parked::least_at(std::string_view reason) {
  Run run = db_.run("SELECT min(at) FROM main._replic_parked WHERE reason=?1");
  run.bind(reason);
  return run.step() ? run.integer(0) : 0;
}

bool Parked::has(int64_t peer, int64_t seq, std::string_view reason) {
  Run run = db_.run("SELECT 1 FROM main._replic_parked WHERE peer=?1 AND seq=?2 AND reason=?3");
  run.bind(peer).bind(seq).bind(reason);
  return run.step();
}

bool Parked::has_loser(int64_t peer, int64_t seq, uint64_t content) {
  Run run = db_.run(
      "SELECT 1 FROM main._replic_parked WHERE peer=?1 AND seq=?2 AND reason='identity' AND "
      "content=?3");
  run.bind(peer).bind(seq).bind(static_cast<int64_t>(content));
  return run.step();
}

}  // namespace replic

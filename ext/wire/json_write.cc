#include <cstdio>

#include "wire/json.h"
#include "wire/json_writer.h"

namespace replic::wire {
namespace {

void write_range(JsonWriter& json, const Range& range) {
  json.begin_array().integer(range.first).integer(range.last).end_array();
}

void write_sums(JsonWriter& json, const std::vector<std::pair<int64_t, uint64_t>>& sums) {
  json.key("sums").begin_object();
  for (const auto& [peer, sum] : sums) {
    char hex[17];
    std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(sum));
    json.key(std::to_string(peer)).text(hex);
  }
  json.end_object();
}

}  // namespace

std::string write_patch(const Patch& patch) {
  JsonWriter json;
  json.begin_object();
  json.key("type").integer(10);
  json.key("at").integer(patch.stamp.at);
  json.key("peer").integer(patch.stamp.peer);
  json.key("seq").integer(patch.stamp.seq);
  json.key("ver").integer(patch.ver);
  json.key("tab").text(patch.is_void() ? "_" : std::string_view(patch.table));
  json.key("delta").begin_object();
  bool any_null = false;
  for (const Cell& cell : patch.cells) {
    if (cell.value.is_null()) {
      any_null = true;
    } else {
      json.key(cell.column).value(cell.value);
    }
  }
  json.end_object();
  if (any_null) {
    json.key("nulls").begin_array();
    for (const Cell& cell : patch.cells) {
      if (cell.value.is_null()) json.text(cell.column);
    }
    json.end_array();
  }
  if (patch.group) {
    json.key("grp");
    write_range(json, *patch.group);
  }
  return json.end_object().take();
}

std::string write_ping(const Ping& ping) {
  JsonWriter json;
  json.begin_object();
  json.key("type").integer(20);
  json.key("at").integer(ping.last.at);
  json.key("peer").integer(ping.last.peer);
  json.key("seq").integer(ping.last.seq);
  json.key("ver").integer(ping.ver);
  json.key("tab").text("_");
  json.key("delta").begin_object();
  for (const Ping::Held& held : ping.held) {
    json.key(std::to_string(held.peer)).begin_array();
    json.integer(held.last_at).integer(held.last_seq);
    json.integer(held.contiguous_at).integer(held.contiguous_seq);
    json.integer(held.last_message_ms).integer(held.acked_seq).end_array();
  }
  json.end_object();
  if (!ping.sums.empty()) write_sums(json, ping.sums);
  if (ping.now > 0) json.key("now").integer(ping.now);
  if (!ping.name.empty()) json.key("name").text(ping.name);
  return json.end_object().take();
}

std::string write_request(const Request& request) {
  JsonWriter json;
  json.begin_object();
  json.key("type").integer(30);
  json.key("peer").integer(request.peer);
  json.key("minSeq").integer(request.range.first);
  json.key("maxSeq").integer(request.range.last);
  json.key("forPeer").integer(request.for_peer);
  if (request.sum) write_sums(json, {{request.peer, *request.sum}});
  return json.end_object().take();
}

std::string write_gone(const Gone& gone) {
  JsonWriter json;
  json.begin_object();
  json.key("type").integer(40);
  json.key("peer").integer(gone.peer);
  json.key("minSeq").integer(gone.range.first);
  json.key("maxSeq").integer(gone.range.last);
  return json.end_object().take();
}

std::string write_delta(const std::vector<Cell>& cells) {
  JsonWriter json;
  json.begin_object();
  for (const Cell& cell : cells) json.key(cell.column).value(cell.value);
  return json.end_object().take();
}

std::string write_vector(const Vector& vector) {
  JsonWriter json;
  json.begin_object();
  for (const auto& [peer, set] : vector) {
    json.key(std::to_string(peer)).begin_array();
    for (const Range& range : set.ranges()) write_range(json, range);
    json.end_array();
  }
  return json.end_object().take();
}

std::string write_names(const std::vector<std::string>& names) {
  JsonWriter json;
  json.begin_array();
  for (const std::string& name : names) json.text(name);
  return json.end_array().take();
}

}  // namespace replic::wire

// Options that are stored in the file.

#include "base/bytes.h"
#include "base/error.h"
#include "store/store.h"

namespace replic {
namespace {

constexpr int64_t kMaxDriftMs = int64_t{10} * 365 * 86'400'000;  // ten years: as good as none
constexpr size_t kMaxNameBytes = 200;

[[noreturn]] void unknown_option(std::string_view name) {
  std::string names;
  for (const OptionInfo& info : option_table()) names.append(names.empty() ? "" : ", ").append(info.name);
  throw Error(Code::option, "there is no option " + quoted(name), "the options are: " + names);
}

}  // namespace

std::vector<OptionInfo> option_table() {
  return {
      {"max_drift_ms", "300000",
       "milliseconds that a patch's clock may be ahead of ours before it is parked, 0 to 315360000000"},
      {"name", "", "a name for this peer, shown to others in replic_peers; at most 200 bytes"},
  };
}

Value Store::option(std::string_view name) {
  if (same_name(name, "max_drift_ms")) return Value::integer(row().max_drift_ms);
  if (!same_name(name, "name")) unknown_option(name);
  if (!initialised()) return Value::text("");
  Run run = db_.run("SELECT name FROM main._replic_peers WHERE role=2");
  return run.step() ? run.value(0) : Value::text("");
}

void Store::set_option(std::string_view name, const Value& value) {
  if (same_name(name, "max_drift_ms")) {
    if (value.type() != Type::integer || value.as_integer() < 0 || value.as_integer() > kMaxDriftMs) {
      throw Error(Code::option, "option max_drift_ms does not take this value",
                  "give whole milliseconds from 0 to " + std::to_string(kMaxDriftMs));
    }
    return write([&] {
      state_.row().max_drift_ms = value.as_integer();
      receiver_.release_due();
    });
  }
  if (!same_name(name, "name")) unknown_option(name);
  if (value.type() != Type::text || value.bytes().size() > kMaxNameBytes) {
    throw Error(Code::option, "option name does not take this value", "give a text of at most 200 bytes");
  }
  write([&] { db_.run("UPDATE main._replic_peers SET name=?1 WHERE role=2").bind(value).exec(); });
}

}  // namespace replic

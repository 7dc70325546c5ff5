// Options that are stored in the file.

#include "base/bytes.h"
#include "base/error.h"
#include "store/store.h"

namespace replic {
namespace {

constexpr int64_t kMostDriftMs = int64_t{10} * 365 * 86'400'000;  // ten years: as good as none
constexpr int64_t kMostGroupMax = 1'000'000;
constexpr size_t kMostNameBytes = 200;

[[noreturn]] void unknown_option(std::string_view name) {
  std::string names;
  for (const OptionInfo& info : option_table())
    names.append(names.empty() ? "" : ", ").append(info.name);
  throw Error(Code::option, "there is no option " + quoted(name), "the options are: " + names);
}

// An option that is a whole number, stored in _replic_options.
struct NumberOption {
  std::string_view name;
  int64_t default_value;
  int64_t least;
  int64_t most;
};
constexpr NumberOption kNumbers[] = {
    {"answer_page", 2000, 1, 100'000},
    {"retry_ms", 500, 0, 3'600'000},
};

const NumberOption* number_option_of(std::string_view name) {
  for (const NumberOption& option : kNumbers) {
    if (same_name(option.name, name)) return &option;
  }
  return nullptr;
}

[[noreturn]] void refuse(std::string_view name, std::string_view cure) {
  throw Error(Code::option, "option " + quoted(name) + " does not take this value", cure);
}

void check_number(std::string_view name, const Value& value, int64_t least, int64_t most) {
  if (value.type() == Type::integer && value.as_integer() >= least && value.as_integer() <= most)
    return;
  refuse(name, "give a whole number from " + std::to_string(least) + " to " + std::to_string(most));
}

}  // namespace

std::vector<OptionInfo> option_table() {
  return {
      {"answer_page", "2000",
       "patches that replic_answer sends for one request at most, 1 to 100000"},
      {"foreign_keys", "",
       "1: FOREIGN KEYs of replicated tables count in the rule; 0: they do not; set from PRAGMA "
       "foreign_keys when the first such table is replicated, and the same on all peers; a change "
       "replays what is kept"},
      {"group_max", "10000",
       "patches of one local transaction that still travel as a group, whole or not at all; a "
       "larger "
       "transaction travels as single patches, and replic_status() counts it; 1 to 1000000"},
      {"max_drift_ms", "300000",
       "milliseconds that a patch's clock may be ahead of ours before it is parked, 0 to "
       "315360000000"},
      {"name", "", "a name for this peer, shown to others in replic_peers; at most 200 bytes"},
      {"retry_ms", "500",
       "milliseconds before replic_answer asks again for the same patches; doubled each time, up "
       "to 8 times; 0 to 3600000"},
  };
}

Value Store::option(std::string_view name) {
  if (same_name(name, "max_drift_ms")) return Value::integer(row().max_drift_ms);
  if (same_name(name, "group_max")) return Value::integer(row().group_max);
  if (same_name(name, "foreign_keys")) {
    const int64_t stored = row().foreign_keys;
    return Value::integer(stored < 0 ? int64_t{enforces_foreign_keys(db_)} : stored);
  }
  if (const NumberOption* number = number_option_of(name)) {
    if (!initialised()) return Value::integer(number->default_value);
    Run run = db_.run("SELECT value FROM main._replic_options WHERE name=?1");
    run.bind(number->name);
    return run.step() ? run.value(0) : Value::integer(number->default_value);
  }
  if (!same_name(name, "name")) unknown_option(name);
  if (!initialised()) return Value::text("");
  Run run = db_.run("SELECT name FROM main._replic_peers WHERE role=2");
  return run.step() ? run.value(0) : Value::text("");
}

void Store::set_option(std::string_view name, const Value& value, const Give& give) {
  if (same_name(name, "max_drift_ms")) {
    check_number(name, value, 0, kMostDriftMs);
    return write([&] {
      give(value);
      state_.row().max_drift_ms = value.as_integer();
      receiver_.release_due();
    });
  }
  if (same_name(name, "foreign_keys")) {
    check_number(name, value, 0, 1);
    return write([&] {
      give(value);
      const bool changes = state_.peek().foreign_keys == 1 - value.as_integer();
      state_.row().foreign_keys = value.as_integer();
      if (changes) merger_.judge_all();
    });
  }
  if (same_name(name, "group_max")) {
    check_number(name, value, 1, kMostGroupMax);
    return write([&] {
      give(value);
      state_.row().group_max = value.as_integer();
    });
  }
  if (const NumberOption* number = number_option_of(name)) {
    check_number(name, value, number->least, number->most);
    return write([&] {
      give(value);
      db_.run("INSERT OR REPLACE INTO main._replic_options(name,value) VALUES(?1,?2)")
          .bind(number->name)
          .bind(value)
          .exec();
    });
  }
  if (!same_name(name, "name")) unknown_option(name);
  if (value.type() != Type::text || value.bytes().size() > kMostNameBytes)
    refuse(name, "give a text of at most 200 bytes");
  write([&] {
    give(value);
    db_.run("UPDATE main._replic_peers SET name=?1 WHERE role=2").bind(value).exec();
  });
}

}  // namespace replic

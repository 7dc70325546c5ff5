// read_vector and read_names over any bytes: they throw replic::Error or succeed, and what they
// give is written and read again as the same. A vector's ranges are disjoint, not adjacent and
// ascending.

#include <string>
#include <vector>

#include "base/limits.h"
#include "fuzz/check.h"
#include "wire/json.h"

namespace {

using namespace replic;

void check_vector(std::string_view input) {
  Vector vector;
  try {
    vector = wire::read_vector(input);
  } catch (const Error& error) {
    return fuzz::check_error(error);
  }
  const std::string text = wire::write_vector(vector);
  for (const auto& [peer, set] : vector) {
    fuzz::check(peer >= 1 && peer <= kMaxInteger, "a peer out of range", text);
    int64_t before = -1;
    for (const Range& range : set.ranges()) {
      fuzz::check(range.first > before + 1 && range.first <= range.last, "ranges in disorder",
                  text);
      before = range.last;
    }
    fuzz::check(before <= kMaxInteger, "a seq out of range", text);
  }
  fuzz::check(wire::read_vector(text) == vector, "a written vector reads otherwise", text);
}

void check_names(std::string_view input) {
  std::vector<std::string> names;
  try {
    names = wire::read_names(input);
  } catch (const Error& error) {
    return fuzz::check_error(error);
  }
  const std::string text = wire::write_names(names);
  fuzz::check(wire::read_names(text) == names, "written names read otherwise", text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check_vector(input);
  check_names(input);
  return 0;
}

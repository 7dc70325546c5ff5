// read_delta over any bytes: it throws replic::Error or succeeds, and the cells that it gives are
// written by write_delta and read again as the same cells.

#include <string>
#include <vector>

#include "fuzz/check.h"
#include "wire/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace replic;
  std::vector<Cell> cells;
  try {
    cells = wire::read_delta({reinterpret_cast<const char*>(data), size}, "delta");
  } catch (const Error& error) {
    fuzz::check_error(error);
    return 0;
  }
  const std::string text = wire::write_delta(cells);
  fuzz::check(wire::read_delta(text, "delta") == cells, "a written delta reads otherwise", text);
  return 0;
}

// What holds for every input: used by the fuzz targets.

#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"

namespace replic::fuzz {

// Ends the process when `condition` does not hold, which is how a fuzzer learns of it.
inline void check(bool condition, const char* what, std::string_view detail = "") {
  if (condition) return;
  std::fprintf(stderr, "%s: %.*s\n", what, static_cast<int>(detail.size()), detail.data());
  std::abort();
}

// An error is one line of UTF-8 with a code and a cure, whatever the input was.
inline void check_error(const Error& error) {
  const std::string_view text = error.what();
  check(text.starts_with("replic: E_"), "an error without its code", text);
  check(text.find("; ") != std::string_view::npos, "an error without a cure", text);
  check(!first_bad_utf8(text), "an error that is not UTF-8", text);
  for (const char c : text) {
    check(static_cast<unsigned char>(c) >= 0x20, "an error with a control character", text);
  }
}

}  // namespace replic::fuzz

// What a call raises, as text to compare.

#pragma once

#include <string>

#include "base/error.h"

namespace replic::test {

// The text of the replic::Error that `call` throws, without "replic: "; empty when it throws none.
template <typename Call>
std::string raised(Call call) {
  try {
    call();
  } catch (const Error& error) {
    const std::string text = error.what();
    const std::string prefix = "replic: ";
    return text.starts_with(prefix) ? text.substr(prefix.size()) : "without prefix: " + text;
  }
  return "";
}

}  // namespace replic::test

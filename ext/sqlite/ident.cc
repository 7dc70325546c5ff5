#include "sqlite/ident.h"

namespace replic {
namespace {

std::string enclosed(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  return out += quote;
}

}  // namespace

std::string ident(std::string_view name) { return enclosed(name, '"'); }
std::string literal(std::string_view text) { return enclosed(text, '\''); }

}  // namespace replic

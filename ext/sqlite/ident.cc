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

size_t skip_quoted(std::string_view sql, size_t at) {
  const auto behind = [&](std::string_view end, size_t opening = 1) {
    const size_t found = sql.find(end, at + opening);
    return found == std::string_view::npos ? sql.size() : found + end.size();
  };
  const std::string_view rest = sql.substr(at);
  if (rest.starts_with("--")) return behind("\n");
  if (rest.starts_with("/*")) return behind("*/", 2);
  if (rest.starts_with("[")) return behind("]");
  // A doubled quote ends one text and begins another: for us the same.
  for (const std::string_view quote : {"'", "\"", "`"}) {
    if (rest.starts_with(quote)) return behind(quote);
  }
  return at;
}

}  // namespace replic

// Names in SQL text.

#pragma once

#include <string>
#include <string_view>

namespace replic {

// `name` in double quotes, with quotes inside doubled: any name, as SQL.
std::string ident(std::string_view name);

// `text` in single quotes, with quotes inside doubled.
std::string literal(std::string_view text);

// The end of the quoted name, text or comment that begins at `at`, or `at` itself.
size_t skip_quoted(std::string_view sql, size_t at);

}  // namespace replic

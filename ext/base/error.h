// Errors that reach the host: a stable name, a sentence, a cure.
//
// Untrusted bytes never throw from the middle of a decoder: decoders latch their first fault and
// raise it once, at the end. Everything else throws Error; only sqlite/boundary.h catches.

#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <string>
#include <string_view>

namespace replic {

// Each value is API under the name in error_table(). Add at the end of a group, never rename.
enum class Code : uint8_t {
  argument,        // E_ARGUMENT
  bundle,          // E_BUNDLE
  clock_ahead,     // E_CLOCK_AHEAD
  clock_range,     // E_CLOCK_RANGE
  column,          // E_COLUMN
  constraint,      // E_CONSTRAINT
  guard,           // E_GUARD
  identity,        // E_IDENTITY
  internal,        // E_INTERNAL
  key,             // E_KEY
  limit,           // E_LIMIT
  message,         // E_MESSAGE
  mode,            // E_MODE
  nulls,           // E_NULLS
  option,          // E_OPTION
  readonly,        // E_READONLY
  reentrant,       // E_REENTRANT
  schema,          // E_SCHEMA
  sqlite,          // E_SQLITE
  sqlite_version,  // E_SQLITE_VERSION
  state,           // E_STATE
  syntax,          // E_SYNTAX
  table,           // E_TABLE
  utf8,            // E_UTF8
  value,           // E_VALUE
};

struct ErrorInfo {
  Code code;
  std::string_view name;     // "E_ARGUMENT"
  int sqlite_code;           // result code that accompanies it, unless SQLite itself gave one
  std::string_view meaning;  // one line for the reference
};

// Every error code, in the order of Code.
std::span<const ErrorInfo> error_table();
const ErrorInfo& error_info(Code code);

// `what()` reads "replic: E_NAME: what is wrong; what to do".
class Error : public std::exception {
 public:
  // `wrong` says what is wrong and the offending value, `cure` what to do.
  Error(Code code, std::string_view wrong, std::string_view cure);
  // The same, with the result code that SQLite gave.
  Error(Code code, int sqlite_code, std::string_view wrong, std::string_view cure);

  const char* what() const noexcept override { return text_.c_str(); }
  Code code() const noexcept { return code_; }
  int sqlite_code() const noexcept { return sqlite_code_; }

 private:
  Code code_;
  int sqlite_code_;
  std::string text_;
};

// `text` in single quotes, for error texts: shortened to about `most` bytes on a character
// boundary, control characters and bytes that are not UTF-8 as \xNN, so that the error is one line
// of text.
std::string quoted(std::string_view text, size_t most = 80);

}  // namespace replic

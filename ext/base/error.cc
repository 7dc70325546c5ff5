#include "base/error.h"

#include <array>

#include "base/bytes.h"

namespace replic {
namespace {

// SQLite's primary result codes, which are part of its stable file and API format. This layer does
// not include SQLite.
constexpr int kError = 1;
constexpr int kReadonly = 8;
constexpr int kToobig = 18;
constexpr int kConstraint = 19;
constexpr int kMismatch = 20;
constexpr int kMisuse = 21;

constexpr std::array kTable = {
    ErrorInfo{Code::argument, "E_ARGUMENT", kMisuse,
              "wrong number, type or NULL-ness of arguments"},
    ErrorInfo{Code::bundle, "E_BUNDLE", kError, "a bundle is damaged or of an unknown version"},
    ErrorInfo{Code::clock_ahead, "E_CLOCK_AHEAD", kError,
              "stamps written here lie in the future: the clock was ahead and has been set back"},
    ErrorInfo{Code::clock_range, "E_CLOCK_RANGE", kError,
              "the wall clock is before 2025 or after 2059"},
    ErrorInfo{Code::column, "E_COLUMN", kError, "a column does not exist or cannot be set"},
    ErrorInfo{Code::constraint, "E_CONSTRAINT", kConstraint,
              "a local patch breaks a constraint of its table; nothing was stored"},
    ErrorInfo{Code::guard, "E_GUARD", kConstraint,
              "a plain INSERT, UPDATE or DELETE on a table that replic_track guards"},
    ErrorInfo{Code::identity, "E_IDENTITY", kError, "a peer id is in use already or out of range"},
    ErrorInfo{Code::internal, "E_INTERNAL", kError, "a fault of replic itself; please report it"},
    ErrorInfo{Code::key, "E_KEY", kConstraint, "a primary-key column is missing or NULL"},
    ErrorInfo{Code::limit, "E_LIMIT", kToobig, "an input exceeds a stated limit"},
    ErrorInfo{Code::message, "E_MESSAGE", kMismatch, "a message is JSON, but not of a known shape"},
    ErrorInfo{Code::mode, "E_MODE", kError,
              "a mode of replic_track that this version does not have"},
    ErrorInfo{Code::nulls, "E_NULLS", kError, "an explicit NULL, but the log has no _nulls column"},
    ErrorInfo{Code::option, "E_OPTION", kError, "no such option, or a value that it does not take"},
    ErrorInfo{Code::readonly, "E_READONLY", kReadonly, "the database cannot be written"},
    ErrorInfo{
        Code::reentrant, "E_REENTRANT", kMisuse,
        "a writing function was called while another one was at work, from a trigger for instance"},
    ErrorInfo{Code::schema, "E_SCHEMA", kError,
              "a table was altered since its triggers were made: call replic_refresh()"},
    ErrorInfo{Code::sqlite, "E_SQLITE", kError,
              "SQLite refused; its own text and code are passed on"},
    ErrorInfo{Code::sqlite_version, "E_SQLITE_VERSION", kError,
              "the host's SQLite is older than 3.37"},
    ErrorInfo{Code::state, "E_STATE", kError,
              "replic's own tables were changed by hand or are damaged"},
    ErrorInfo{Code::syntax, "E_SYNTAX", kError, "a text is not JSON; the byte offset is given"},
    ErrorInfo{Code::table, "E_TABLE", kError, "a table does not exist or cannot be replicated"},
    ErrorInfo{Code::utf8, "E_UTF8", kError, "a text is not valid UTF-8"},
    ErrorInfo{Code::value, "E_VALUE", kMismatch, "a value that cannot be stored or sent"},
};

constexpr bool in_order() {
  for (size_t i = 0; i < kTable.size(); i++) {
    if (static_cast<size_t>(kTable[i].code) != i) return false;
  }
  return kTable.size() == static_cast<size_t>(Code::value) + 1;
}
static_assert(in_order(), "kTable follows the order of Code");

}  // namespace

std::span<const ErrorInfo> error_table() { return kTable; }

const ErrorInfo& error_info(Code code) { return kTable[static_cast<size_t>(code)]; }

Error::Error(Code code, std::string_view wrong, std::string_view cure)
    : Error(code, error_info(code).sqlite_code, wrong, cure) {}

Error::Error(Code code, int sqlite_code, std::string_view wrong, std::string_view cure)
    : code_(code), sqlite_code_(sqlite_code) {
  text_.append("replic: ").append(error_info(code).name).append(": ").append(wrong);
  if (!cure.empty()) text_.append("; ").append(cure);
}

std::string quoted(std::string_view text, size_t most) {
  constexpr std::string_view kHex = "0123456789abcdef";
  size_t end = text.size();
  if (end > most) {
    end = most;
    while (end > 0 && most - end < 3 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) {
      end--;
    }
  }
  const std::string_view shown = text.substr(0, end);
  std::string out = "'";
  for (size_t i = 0; i < end;) {
    const size_t size = utf8_length(shown, i);
    const auto byte = static_cast<unsigned char>(shown[i]);
    if (size == 0 || byte < 0x20 || byte == 0x7F) {
      out.append("\\x").append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
      i++;
    } else {
      out.append(shown.substr(i, size));
      i += size;
    }
  }
  if (end < text.size()) out += "...";
  return out += '\'';
}

}  // namespace replic

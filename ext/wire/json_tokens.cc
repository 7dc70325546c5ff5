#include "wire/json_tokens.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"

// RapidJSON reports a broken invariant of its own through this macro; a library must not abort its
// host.
#define RAPIDJSON_ASSERT(x) \
  ((x) ? void()             \
       : throw replic::Error(replic::Code::internal, "JSON reader: " #x, "please report this"))
#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>

namespace replic::wire {
namespace {

constexpr std::string_view kSpace = " \t\r\n";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

[[noreturn]] void fail(Code code, std::string_view what, std::string_view wrong, size_t offset,
                       std::string_view cure) {
  std::string text(what);
  text.append(": ").append(wrong).append(" at byte ").append(std::to_string(offset));
  throw Error(code, text, cure);
}

[[noreturn]] void fail_number(std::string_view what, std::string_view digits, size_t offset,
                              std::string_view limit) {
  fail(Code::limit, what, "number " + quoted(digits) + " is out of range", offset, limit);
}

constexpr std::string_view kRealLimit =
    "a real must lie within IEEE-754 doubles, up to 1.7976931348623157e308";

// Whether a number that is no double is too large for one, rather than too close to zero: whether
// its first significant digit stands before the point, once the exponent has moved the point.
bool is_huge(std::string_view digits) {
  const size_t end = std::min(digits.find_first_of("eE"), digits.size());
  const std::string_view mantissa = digits.substr(0, end);
  int64_t exponent = 0;
  if (end < digits.size()) {
    std::string_view power = digits.substr(end + 1);
    if (power.starts_with('+')) power.remove_prefix(1);
    const bool fits =
        std::from_chars(power.data(), power.data() + power.size(), exponent).ec == std::errc();
    if (!fits) return !power.starts_with('-');
  }
  const auto point = static_cast<int64_t>(std::min(mantissa.find('.'), mantissa.size()));
  const auto first = static_cast<int64_t>(mantissa.find_first_of("123456789"));
  return exponent > first - point;
}

// The keys of the objects that are open, to find one that comes twice. The views are into the
// reader's buffer, so that their addresses tell which of two stands first.
class OpenKeys {
 public:
  OpenKeys() { keys_.reserve(32); }
  void open(size_t depth) { first_[depth] = keys_.size(); }
  void add(std::string_view key) { keys_.push_back(key); }
  // Forgets the keys of the object at `depth`. Returns the later one of two that are equal, or a
  // view without data.
  std::string_view close(size_t depth) {
    const auto begin = keys_.begin() + static_cast<std::ptrdiff_t>(first_[depth]);
    const std::string_view twice = find_twice(begin, keys_.end());
    keys_.erase(begin, keys_.end());
    return twice;
  }

 private:
  using Iterator = std::vector<std::string_view>::iterator;

  static std::string_view find_twice(Iterator begin, Iterator end) {
    constexpr std::ptrdiff_t kFew = 32;
    if (end - begin <= kFew) {
      for (auto b = begin; b != end; ++b) {
        for (auto a = begin; a != b; ++a) {
          if (*a == *b) return *b;
        }
      }
      return {};
    }
    std::sort(begin, end);
    const auto twice = std::adjacent_find(begin, end);
    return twice == end ? std::string_view() : std::max(twice[0], twice[1], by_address);
  }
  static bool by_address(std::string_view a, std::string_view b) { return a.data() < b.data(); }

  std::vector<std::string_view> keys_;
  std::array<size_t, kMaxJsonDepth + 1> first_{};
};

// Passes the events of RapidJSON on. Reading in situ, it hands out addresses within the buffer,
// from which the offsets follow.
class Handler : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Handler> {
 public:
  Handler(std::string_view what, bool has_escapes, const rapidjson::InsituStringStream& stream,
          TokenSink& sink)
      : what_(what),
        has_escapes_(has_escapes),
        buffer_(stream.head_),
        stream_(stream),
        sink_(sink) {}

  bool Null() { return put(here() - 4, Value()); }
  bool Bool(bool b) {
    sink_.set_offset(here() - (b ? 4 : 5));
    sink_.boolean(b);
    return true;
  }
  bool String(const char* text, rapidjson::SizeType size, bool) {
    const size_t offset = offset_of(text) - 1;
    return put(offset, Value::text(std::string(checked({text, size}, offset))));
  }
  bool RawNumber(const char* text, rapidjson::SizeType size, bool) {
    return put(offset_of(text), number(std::string_view(text, size)));
  }
  bool Key(const char* text, rapidjson::SizeType size, bool) {
    const size_t offset = offset_of(text) - 1;
    const std::string_view name = checked({text, size}, offset);
    keys_.add(name);
    sink_.set_offset(offset);
    sink_.key(std::string(name));
    return true;
  }
  bool StartObject() {
    deeper();
    keys_.open(depth_);
    sink_.begin_object();
    return true;
  }
  bool EndObject(rapidjson::SizeType) {
    if (const auto twice = keys_.close(depth_); twice.data() != nullptr) {
      fail(Code::message, what_, "key " + quoted(twice) + " comes twice",
           offset_of(twice.data()) - 1, "name each key of an object once");
    }
    depth_--;
    sink_.set_offset(here() - 1);
    sink_.end_object();
    return true;
  }
  bool StartArray() {
    deeper();
    sink_.begin_array();
    return true;
  }
  bool EndArray(rapidjson::SizeType) {
    depth_--;
    sink_.set_offset(here() - 1);
    sink_.end_array();
    return true;
  }

 private:
  size_t offset_of(const char* place) const { return static_cast<size_t>(place - buffer_); }
  size_t here() const { return offset_of(stream_.src_); }

  bool put(size_t offset, Value&& value) {
    sink_.set_offset(offset);
    sink_.value(std::move(value));
    return true;
  }

  void deeper() {
    sink_.set_offset(here() - 1);
    if (depth_ == kMaxJsonDepth) {
      fail(Code::limit, what_,
           "JSON is nested deeper than " + std::to_string(kMaxJsonDepth) + " levels", here() - 1,
           "send flat messages");
    }
    depth_++;
  }

  // RapidJSON 1.1 takes a low surrogate that stands alone; it shows as bytes that are not UTF-8,
  // which the text as a whole is.
  std::string_view checked(std::string_view text, size_t offset) const {
    if (has_escapes_ && first_bad_utf8(text)) {
      fail(Code::utf8, what_, "a lone surrogate in a \\u escape of the string", offset,
           "send text as valid Unicode");
    }
    return text;
  }

  Value number(std::string_view digits) const {
    const char* begin = digits.data();
    const char* end = begin + digits.size();
    int64_t integer = 0;
    const auto read = std::from_chars(begin, end, integer);
    if (read.ptr == end) {
      if (read.ec == std::errc()) return Value::integer(integer);
      fail_number(what_, digits, offset_of(begin),
                  "an integer must lie within 64 bits, -2^63 to 2^63-1");
    }
    double real = 0;
    if (std::from_chars(begin, end, real).ec == std::errc()) return Value::real(real);
    if (is_huge(digits)) fail_number(what_, digits, offset_of(begin), kRealLimit);
    // Too close to zero is no error: it rounds to zero, as in every JSON reader.
    return Value::real(digits[0] == '-' ? -0.0 : 0.0);
  }

  std::string_view what_;
  bool has_escapes_;
  const char* buffer_;
  const rapidjson::InsituStringStream& stream_;
  TokenSink& sink_;
  OpenKeys keys_;
  size_t depth_ = 0;
};

[[noreturn]] void fail_syntax(std::string_view what, std::string detail, size_t offset,
                              std::string_view rest) {
  if (!detail.empty() && detail.back() == '.') detail.pop_back();
  detail += rest.empty() ? ", the text ends" : ", near " + quoted(rest, 20);
  fail(Code::syntax, what, "not JSON: " + detail, offset, "pass valid JSON in UTF-8");
}

[[noreturn]] void raise(rapidjson::ParseErrorCode code, size_t offset, std::string_view text,
                        std::string_view what) {
  const std::string_view rest = text.substr(std::min(offset, text.size()));
  switch (code) {
    case rapidjson::kParseErrorStringUnicodeSurrogateInvalid:
      fail(Code::utf8, what, "a lone surrogate in a \\u escape", offset,
           "send text as valid Unicode");
    case rapidjson::kParseErrorNumberTooBig:
      fail_number(what, rest.substr(0, rest.find_first_not_of("+-.0123456789eE")), offset,
                  kRealLimit);
    case rapidjson::kParseErrorStringEscapeInvalid:
    case rapidjson::kParseErrorStringMissQuotationMark:
      if (!rest.empty() && static_cast<unsigned char>(rest.front()) < 0x20) {
        fail_syntax(what, "A control character in a string must be escaped", offset, rest);
      }
      break;
    default:
      break;
  }
  fail_syntax(what, rapidjson::GetParseError_En(code), offset, rest);
}

}  // namespace

void read_tokens(std::string_view text, std::string_view what, bool single, TokenSink& sink) {
  if (text.size() > kMaxTextBytes) {
    throw Error(Code::limit,
                std::string(what) + " has " + std::to_string(text.size()) +
                    " bytes, the limit is " + std::to_string(kMaxTextBytes) + " (16 MiB)",
                "split it into several calls");
  }
  if (const auto bad = first_bad_utf8(text)) {
    fail(Code::utf8, what, "invalid UTF-8", *bad, "send text as valid UTF-8");
  }
  std::string buffer(text);  // decoded in place; RapidJSON needs the NUL at its end
  rapidjson::InsituStringStream stream(buffer.data());
  if (text.starts_with(kByteOrderMark)) stream.src_ += kByteOrderMark.size();
  const auto skip_space = [&] {
    const size_t next = text.find_first_not_of(kSpace, stream.Tell());
    stream.src_ = stream.head_ + std::min(next, text.size());
    return stream.Tell() < text.size();
  };
  // Recursive, not iterative: it is faster, and Handler bounds its depth. It allocates nothing.
  constexpr unsigned kFlags = rapidjson::kParseInsituFlag | rapidjson::kParseStopWhenDoneFlag |
                              rapidjson::kParseNumbersAsStringsFlag;
  rapidjson::Reader reader;
  Handler handler(what, text.find('\\') != std::string_view::npos, stream, sink);
  if (!skip_space()) {
    if (!single) return;
    fail(Code::syntax, what, "empty, no JSON value", stream.Tell(), "pass one JSON value");
  }
  do {
    const auto result = reader.Parse<kFlags>(stream, handler);
    if (result.IsError()) raise(result.Code(), result.Offset(), text, what);
    if (skip_space() && single) {
      fail(Code::syntax, what, "more text after the JSON value", stream.Tell(),
           "pass one JSON value");
    }
  } while (stream.Tell() < text.size());
}

}  // namespace replic::wire

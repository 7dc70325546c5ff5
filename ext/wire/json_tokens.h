// JSON as a stream of checked tokens. RapidJSON reads; this layer adds our limits and error texts.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"
#include "model/value.h"

namespace replic::wire {

// Receives the tokens of one or more JSON texts, in the order in which they stand there. May throw.
class TokenSink {
 public:
  virtual ~TokenSink() = default;
  // A string, number or null.
  virtual void value(Value&& value) = 0;
  // true or false: as 1 or 0 for whom it is all the same.
  virtual void boolean(bool b) { value(Value::integer(b ? 1 : 0)); }
  virtual void key(std::string&& name) = 0;
  virtual void begin_object() = 0;
  // Called only when no key of the object came twice.
  virtual void end_object() = 0;
  virtual void begin_array() = 0;
  virtual void end_array() = 0;

  // During a call: the byte offset at which its token begins.
  size_t offset() const { return offset_; }
  void set_offset(size_t offset) { offset_ = offset; }

 private:
  size_t offset_ = 0;
};

// Reads one JSON text after another, separated by white space, until the end of `text`; with
// `single`, exactly one. A byte order mark at the start is skipped. `what` names the input in error
// texts. Throws E_SYNTAX, E_UTF8, E_LIMIT (size, depth, numbers), E_MESSAGE (a key twice in one
// object, at any depth; compared byte by byte), each with the byte offset, and whatever `sink`
// throws. Time and memory are linear in the size of `text`, but for n log n in the keys of one
// object.
void read_tokens(std::string_view text, std::string_view what, bool single, TokenSink& sink);

}  // namespace replic::wire

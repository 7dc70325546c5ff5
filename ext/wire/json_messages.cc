// The grammar of messages over the token stream: a stack of places, and for each place what may
// come next.

#include <array>

#include "base/limits.h"
#include "wire/json.h"
#include "wire/json_cells.h"
#include "wire/json_draft.h"
#include "wire/json_tokens.h"

namespace replic::wire {
namespace {

enum class Where : uint8_t {
  top,      // between messages
  list,     // in an array of messages
  message,  // in a message
  delta,    // in its delta
  tagged,   // in an object in the delta: {"base64":"..."}
  tuple,    // in an array in the delta, as a ping has them
  nulls,    // in its nulls
  group,    // in its grp
  sums,     // in its sums
  skip      // in something that nobody needs
};

class MessageGrammar : public TokenSink {
 public:
  explicit MessageGrammar(const std::function<void(Message&&)>& sink) : sink_(sink) {}

  void value(Value&& value) override;
  void boolean(bool b) override;
  void key(std::string&& name) override;
  void begin_object() override { push(open_object()); }
  void end_object() override { close(); }
  void begin_array() override { push(open_array()); }
  void end_array() override { close(); }

 private:
  Where where() const { return stack_[depth_]; }
  void push(Where where) { stack_[++depth_] = where; }
  Where open_object();
  Where open_array();
  Where open_nested(std::string_view found);
  void close();
  [[noreturn]] void not_a_message(std::string_view found) const;

  const std::function<void(Message&&)>& sink_;
  std::array<Where, kMaxJsonDepth + 1> stack_{Where::top};
  size_t depth_ = 0;
  int64_t count_ = 0;  // messages begun
  Draft draft_;
  Key key_ = Key::other;
  std::string column_;  // the key in delta or sums
  size_t column_offset_ = 0;
  TaggedValue tagged_;
  std::vector<int64_t> numbers_;  // of a tuple or group
  bool all_whole_ = false;        // which held nothing else
  size_t group_offset_ = 0;
};

void MessageGrammar::not_a_message(std::string_view found) const {
  throw Error(Code::message,
              "at byte " + std::to_string(offset()) + ": found " + std::string(found) +
                  " where a message should be",
              "a message is a JSON object such as {\"type\":10,\"at\":..,\"peer\":..,\"seq\":..,"
              "\"ver\":..,\"tab\":..,\"delta\":{..}}");
}

void MessageGrammar::value(Value&& value) {
  switch (where()) {
    case Where::top:
    case Where::list:
      not_a_message(shown(value));
    case Where::message:
      return draft_.plain(key_, std::move(value), offset());
    case Where::delta:
      return draft_.cell(std::move(column_), std::move(value), column_offset_);
    case Where::tagged:
      return tagged_.value(std::move(value));
    case Where::tuple:
    case Where::group:
      all_whole_ = all_whole_ && value.type() == Type::integer;
      if (numbers_.size() < 7) numbers_.push_back(value.as_integer());  // 7 are too many for all
      return;
    case Where::nulls:
      return draft_.null(std::move(value), offset());
    case Where::sums:
      return draft_.sum(column_, value, column_offset_);
    case Where::skip:
      return;
  }
}

void MessageGrammar::boolean(bool b) {
  const char* const name = b ? "true" : "false";
  switch (where()) {
    case Where::top:
    case Where::list:
      not_a_message(name);
    case Where::message:
      return draft_.fault(key_, std::string("is ") + name, offset());
    case Where::nulls:
    case Where::sums:
      return draft_.fault(key_, std::string("holds ") + name, offset());
    case Where::tuple:
    case Where::group:
      all_whole_ = false;
      return;
    default:
      return value(Value::integer(b ? 1 : 0));
  }
}

void MessageGrammar::key(std::string&& name) {
  switch (where()) {
    case Where::message:
      key_ = key_of(name);
      return;
    case Where::delta:
    case Where::sums:
      column_ = std::move(name);
      column_offset_ = offset();
      return;
    case Where::tagged:
      return tagged_.key(std::move(name));
    default:
      return;
  }
}

Where MessageGrammar::open_object() {
  switch (where()) {
    case Where::top:
    case Where::list:
      draft_ = Draft(++count_, offset());
      return Where::message;
    case Where::message:
      if (key_ == Key::sums) return Where::sums;
      if (key_ != Key::delta) return open_nested("an object");
      draft_.delta();
      return Where::delta;
    case Where::delta:
      tagged_ = TaggedValue();
      return Where::tagged;
    default:
      return open_nested("an object");
  }
}

Where MessageGrammar::open_array() {
  switch (where()) {
    case Where::top:
      return Where::list;
    case Where::list:
      not_a_message("an array inside the array of messages");
    case Where::message:
      if (key_ == Key::nulls) return Where::nulls;
      if (key_ != Key::grp) return open_nested("an array");
      group_offset_ = offset();
      numbers_.clear();
      all_whole_ = true;
      return Where::group;
    case Where::delta:
      numbers_.clear();
      all_whole_ = true;
      return Where::tuple;
    default:
      return open_nested("an array");
  }
}

// Something nested where there should be a plain value.
Where MessageGrammar::open_nested(std::string_view found) {
  switch (where()) {
    case Where::message:
      draft_.fault(key_, "is " + std::string(found), offset());
      break;
    case Where::nulls:
    case Where::sums:
      draft_.fault(key_, "holds " + std::string(found), offset());
      break;
    case Where::tagged:
      tagged_.spoil();
      break;
    case Where::tuple:
    case Where::group:
      all_whole_ = false;
      break;
    default:
      break;
  }
  return Where::skip;
}

void MessageGrammar::close() {
  const Where was = where();
  depth_--;
  if ((was == Where::tuple || was == Where::group) && !all_whole_) numbers_.clear();
  switch (was) {
    case Where::message:
      return sink_(draft_.finish());
    case Where::tagged:
      if (auto value = tagged_.take()) {
        return draft_.cell(std::move(column_), *std::move(value), column_offset_);
      }
      return draft_.bad_cell(column_, column_offset_);
    case Where::tuple:
      return draft_.tuple(column_, numbers_, column_offset_);
    case Where::group:
      return draft_.group(numbers_, group_offset_);
    default:
      return;
  }
}

}  // namespace

void read_messages(std::string_view text, const std::function<void(Message&&)>& sink) {
  MessageGrammar grammar(sink);
  read_tokens(text, "message", false, grammar);
}

}  // namespace replic::wire

// The readers of single values: a delta, a vector, an array of names.

#include <algorithm>
#include <optional>

#include "base/limits.h"
#include "wire/json.h"
#include "wire/json_cells.h"
#include "wire/json_tokens.h"

namespace replic::wire {
namespace {

// One flat object of column values.
class DeltaGrammar : public TokenSink {
 public:
  explicit DeltaGrammar(std::string_view what) : what_(what) {}

  void value(Value&& value) override {
    if (depth_ == 0) not_an_object();
    if (depth_ == 2) return tagged_.value(std::move(value));
    if (cells.size() == kMaxColumns) {
      wrong(Code::limit, "more than " + std::to_string(kMaxColumns) + " columns",
            "a table has at most that many");
    }
    cells.push_back({std::move(column_), std::move(value)});
  }
  void key(std::string&& name) override {
    if (depth_ == 2) return tagged_.key(std::move(name));
    column_ = std::move(name);
    column_offset_ = offset();
    if (too_long(column_)) wrong(Code::limit, too_long_text(column_), kTooLongCure);
  }
  void begin_object() override {
    if (++depth_ > 2) no_value();
    tagged_ = TaggedValue();
    if (depth_ == 1) cells.reserve(8);
  }
  void end_object() override {
    if (--depth_ == 0) return check_columns();
    auto tagged = tagged_.take();
    if (!tagged) no_value();
    value(*std::move(tagged));
  }
  void begin_array() override {
    if (depth_ == 0) not_an_object();
    wrong(Code::message, "column " + quoted(column_) + " holds an array", kCellCure);
  }
  void end_array() override {}

  std::vector<Cell> cells;

 private:
  [[noreturn]] void wrong(Code code, std::string_view text, std::string_view cure) {
    throw Error(code,
                std::string(what_) + ": " + std::string(text) + " at byte " +
                    std::to_string(depth_ == 0 ? offset() : column_offset_),
                cure);
  }
  [[noreturn]] void no_value() {
    wrong(Code::message, "column " + quoted(column_) + " holds an object that is no value",
          kCellCure);
  }
  [[noreturn]] void not_an_object() {
    throw Error(Code::message, std::string(what_) + " is not a JSON object",
                "pass {\"column\":value, ...}");
  }
  void check_columns() {
    if (const auto twice = column_twice(cells)) {
      throw Error(Code::message,
                  std::string(what_) + ": column " + quoted(cells[*twice].column) + " comes twice",
                  "name each column once; upper and lower case are the same");
    }
  }

  std::string_view what_;
  int depth_ = 0;
  std::string column_;
  size_t column_offset_ = 0;
  TaggedValue tagged_;
};

// {"<peer>":[[first,last],...]}
class VectorGrammar : public TokenSink {
 public:
  void value(Value&& value) override {
    if (depth_ != 3 || value.type() != Type::integer) wrong();
    pair_.push_back(value.as_integer());
  }
  void boolean(bool) override { wrong(); }
  void key(std::string&& name) override {
    const auto peer = peer_of_key(name);
    if (!peer) wrong();
    peer_ = *peer;
  }
  void begin_object() override {
    if (depth_++ != 0) wrong();
  }
  void end_object() override { depth_--; }
  void begin_array() override {
    if (depth_ == 0 || depth_ == 3) wrong();
    depth_++;
    pair_.clear();
  }
  void end_array() override {
    depth_--;
    if (depth_ == 1) {
      // In ascending order each addition is at the end: linear however the ranges came.
      std::sort(ranges_.begin(), ranges_.end(),
                [](const Range& a, const Range& b) { return a.first < b.first; });
      RangeSet& set = vector[peer_];
      for (const Range& range : ranges_) set.add(range);
      ranges_.clear();
      return;
    }
    if (pair_.size() != 2 || pair_[0] < 1 || pair_[1] < pair_[0] || pair_[1] > kMaxInteger) {
      wrong();
    }
    ranges_.push_back({pair_[0], pair_[1]});
  }

  Vector vector;

 private:
  [[noreturn]] void wrong() {
    throw Error(Code::message, "not a vector at byte " + std::to_string(offset()),
                "a vector is what replic_vector() returns: {\"<peer>\":[[first,last],...]}");
  }

  int depth_ = 0;  // 1 in the object, 2 in a peer's array, 3 in a range
  int64_t peer_ = 0;
  std::vector<Range> ranges_;
  std::vector<int64_t> pair_;
};

class NamesGrammar : public TokenSink {
 public:
  void value(Value&& value) override {
    if (depth_ != 1 || value.type() != Type::text) wrong();
    names.push_back(std::move(value).take_bytes());
  }
  void key(std::string&&) override {}
  void begin_object() override { wrong(); }
  void end_object() override {}
  void begin_array() override {
    if (++depth_ > 1) wrong();
  }
  void end_array() override {}

  std::vector<std::string> names;

 private:
  [[noreturn]] void wrong() {
    throw Error(Code::message, "not an array of names at byte " + std::to_string(offset()),
                "it must be a JSON array of texts");
  }
  int depth_ = 0;
};

}  // namespace

std::vector<Cell> read_delta(std::string_view text, std::string_view what) {
  DeltaGrammar grammar(what);
  read_tokens(text, what, true, grammar);
  return std::move(grammar.cells);
}

Vector read_vector(std::string_view text) {
  VectorGrammar grammar;
  read_tokens(text, "vector", true, grammar);
  return std::move(grammar.vector);
}

std::vector<std::string> read_names(std::string_view text) {
  NamesGrammar grammar;
  read_tokens(text, "names", true, grammar);
  return std::move(grammar.names);
}

}  // namespace replic::wire

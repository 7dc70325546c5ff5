// One SQL value, owned.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace replic {

// The numbers are the tag bytes of the content hash and of the bundle format.
enum class Type : uint8_t { null = 0, integer = 1, real = 2, text = 3, blob = 4 };

class Value {
 public:
  Value() = default;
  static Value integer(int64_t v) {
    Value out;
    out.type_ = Type::integer;
    out.integer_ = v;
    return out;
  }
  // NULL for not-a-number, as in SQLite, which cannot store one.
  static Value real(double v) {
    Value out;
    if (v != v) return out;
    out.type_ = Type::real;
    out.real_ = v;
    return out;
  }
  static Value text(std::string v) { return Value(Type::text, std::move(v)); }
  static Value blob(std::string v) { return Value(Type::blob, std::move(v)); }

  Type type() const { return type_; }
  bool is_null() const { return type_ == Type::null; }
  // Each is meaningful for its own type only.
  int64_t as_integer() const { return integer_; }
  double as_real() const { return real_; }
  const std::string& bytes() const { return bytes_; }
  // The bytes, moved out; the value is then empty.
  std::string take_bytes() && { return std::move(bytes_); }

  // Same type and same bits: 1 and 1.0 differ, 0.0 and -0.0 differ.
  friend bool operator==(const Value& a, const Value& b);

 private:
  Value(Type type, std::string bytes) : type_(type), bytes_(std::move(bytes)) {}

  Type type_ = Type::null;
  union {
    int64_t integer_ = 0;
    double real_;
  };
  std::string bytes_;
};

// How SQLite converts a value that is stored into a column. Source: sqlite.org/datatype3.html, 3.1.
enum class Affinity : uint8_t { blob, text, numeric, integer, real };

// The affinity of a declared type, by the rules of sqlite.org/datatype3.html, 3.1. In a STRICT
// table the type ANY has affinity blob.
Affinity affinity_of(std::string_view declared_type, bool strict);

// A declared type that has this affinity in a table that is not STRICT.
std::string_view affinity_type(Affinity affinity);

// The integer that a real is stored as in a column of affinity integer or numeric: only when it is
// exactly that integer and lies strictly inside the 64-bit range. -0.0 is stored as 0.
bool real_is_integer(double value, int64_t* out);

}  // namespace replic

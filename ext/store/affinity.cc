#include "store/affinity.h"

#include <memory>
#include <new>

namespace replic {
namespace {

struct FreeValue {
  void operator()(sqlite3_value* value) const { sqlite3_value_free(value); }
};

// A protected copy of `value`, on which SQLite's own conversions can be called.
std::unique_ptr<sqlite3_value, FreeValue> protected_value(Database& db, const Value& value) {
  Statement select(db.handle(), "SELECT ?1");
  sqlite3_stmt* stmt = select.get();
  Run run(select);
  run.bind(value);
  run.step();
  std::unique_ptr<sqlite3_value, FreeValue> out(sqlite3_value_dup(sqlite3_column_value(stmt, 0)));
  if (!out) throw std::bad_alloc();
  return out;
}

Value integer_if_exact(double real) {
  int64_t integer = 0;
  return real_is_integer(real, &integer) ? Value::integer(integer) : Value::real(real);
}

}  // namespace

Value with_affinity(Database& db, Value value, Affinity affinity) {
  if (has_affinity(value, affinity)) return value;
  const Type type = value.type();
  if (affinity == Affinity::text) {
    const auto copy = protected_value(db, value);
    const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(copy.get()));
    if (text == nullptr) throw std::bad_alloc();
    return Value::text(std::string(text, static_cast<size_t>(sqlite3_value_bytes(copy.get()))));
  }
  if (type == Type::text) {
    const auto copy = protected_value(db, value);
    const int numeric = sqlite3_value_numeric_type(copy.get());
    if (numeric == SQLITE_INTEGER)
      return with_affinity(db, Value::integer(sqlite3_value_int64(copy.get())), affinity);
    if (numeric == SQLITE_FLOAT)
      return with_affinity(db, Value::real(sqlite3_value_double(copy.get())), affinity);
    return value;
  }
  if (affinity != Affinity::real) return integer_if_exact(value.as_real());
  if (type == Type::integer) return Value::real(static_cast<double>(value.as_integer()));
  // SQLite stores a real that is a whole number as an integer here, and so loses the sign of zero.
  return Value::real(0.0);
}

}  // namespace replic

#include "model/value.h"

#include <bit>

#include "base/bytes.h"

namespace replic {

bool operator==(const Value& a, const Value& b) {
  if (a.type_ != b.type_) return false;
  switch (a.type_) {
    case Type::null:
      return true;
    case Type::integer:
      return a.integer_ == b.integer_;
    case Type::real:
      return std::bit_cast<uint64_t>(a.real_) == std::bit_cast<uint64_t>(b.real_);
    case Type::text:
    case Type::blob:
      return a.bytes_ == b.bytes_;
  }
  return false;
}

Affinity affinity_of(std::string_view declared_type, bool strict) {
  const std::string type = folded(declared_type);
  auto has = [&](std::string_view word) { return type.find(word) != std::string::npos; };
  if (strict && type == "any") return Affinity::blob;
  if (has("int")) return Affinity::integer;
  if (has("char") || has("clob") || has("text")) return Affinity::text;
  if (has("blob") || type.empty()) return Affinity::blob;
  if (has("real") || has("floa") || has("doub")) return Affinity::real;
  return Affinity::numeric;
}

std::string_view affinity_type(Affinity affinity) {
  switch (affinity) {
    case Affinity::integer:
      return "INTEGER";
    case Affinity::real:
      return "REAL";
    case Affinity::text:
      return "TEXT";
    case Affinity::numeric:
      return "NUMERIC";
    case Affinity::blob:
      break;
  }
  return "BLOB";
}

bool real_is_integer(double value, int64_t* out) {
  constexpr double kTwo63 = 9223372036854775808.0;
  if (!(value > -kTwo63 && value < kTwo63)) return false;
  const auto i = static_cast<int64_t>(value);
  if (static_cast<double>(i) != value) return false;
  if (i == INT64_MAX || i == INT64_MIN) return false;
  *out = i;
  return true;
}

}  // namespace replic

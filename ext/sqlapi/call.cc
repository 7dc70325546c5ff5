#include "base/error.h"
#include "sqlapi/registry.h"
#include "sqlite/boundary.h"

namespace replic {

void Call::wrong(std::string_view what) const {
  throw Error(Code::argument, std::string(doc_.name) + ": " + std::string(what),
              "usage: " + std::string(doc_.usage));
}

std::string Call::text(size_t i, std::string_view name) const {
  if (!given(i)) wrong(std::string(name) + " is NULL");
  if (sqlite3_value_type(args_[i]) != SQLITE_TEXT) wrong(std::string(name) + " is not a text");
  return value_of(args_[i], name).bytes();
}

int64_t Call::integer(size_t i, std::string_view name) const {
  if (!given(i)) wrong(std::string(name) + " is NULL");
  if (sqlite3_value_type(args_[i]) != SQLITE_INTEGER)
    wrong(std::string(name) + " is not an integer");
  return sqlite3_value_int64(args_[i]);
}

Value Call::value(size_t i, std::string_view name) const {
  return i < args_.size() ? value_of(args_[i], name) : Value();
}

void set_result(sqlite3_context* context, const Value& value) {
  const std::string& bytes = value.bytes();
  switch (value.type()) {
    case Type::null:
      return sqlite3_result_null(context);
    case Type::integer:
      return sqlite3_result_int64(context, value.as_integer());
    case Type::real:
      return sqlite3_result_double(context, value.as_real());
    case Type::text:
      return sqlite3_result_text64(context, bytes.data(), bytes.size(), SQLITE_TRANSIENT,
                                   SQLITE_UTF8);
    case Type::blob:
      break;
  }
  sqlite3_result_blob64(context, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
}

void Call::result(std::string_view text) {
  sqlite3_result_text64(context_, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

std::string_view bytes_of(sqlite3_value* value, std::string_view what) {
  const int type = sqlite3_value_type(value);
  if (type != SQLITE_TEXT && type != SQLITE_BLOB) {
    throw Error(Code::argument, std::string(what) + " is a number", "pass a text or a blob");
  }
  return bytes_of(value);
}

int64_t apply_value(Connection& store, sqlite3_value* value) {
  if (sqlite3_value_type(value) == SQLITE_NULL) return 0;
  const std::string_view bytes = bytes_of(value, "message");
  if (bytes.empty()) return 0;
  if (sqlite3_value_type(value) == SQLITE_BLOB && wire::is_bundle(bytes))
    return store.apply_bundle(bytes).count;
  return store.apply(bytes);
}

namespace {

struct Registration {
  const FunctionDef* def;
  std::shared_ptr<Connection> store;
};

void run_function(sqlite3_context* context, int argc, sqlite3_value** argv) {
  const auto* registration = static_cast<Registration*>(sqlite3_user_data(context));
  const FunctionDef& def = *registration->def;
  guarded_call(context, [&] {
    Call call(*registration->store, def.doc, context, argc, argv);
    if (argc < def.min_args || (def.max_args >= 0 && argc > def.max_args))
      call.wrong("wrong number of arguments");
    // Functions that write do it themselves, under the write lock.
    if (def.flags == kReads) registration->store->refresh();
    def.run(call);
  });
}

}  // namespace

int register_functions(const std::shared_ptr<Connection>& store) {
  for (const FunctionDef& def : function_table()) {
    const std::string name(def.doc.name);
    // Any number of arguments, so that a wrong one gets our own error with the usage.
    const int rc =
        sqlite3_create_function_v2(store->db().handle(), name.c_str(), -1, def.flags,
                                   new Registration{&def, store}, run_function, nullptr, nullptr,
                                   [](void* data) { delete static_cast<Registration*>(data); });
    if (rc != SQLITE_OK) return rc;
  }
  return SQLITE_OK;
}

}  // namespace replic

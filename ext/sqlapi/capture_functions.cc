// The functions that the triggers on replicated tables call. They are no part of the surface that
// people write SQL for: see store/capture.h.

#include "base/error.h"
#include "sqlapi/registry.h"
#include "sqlite/boundary.h"
#include "store/triggers.h"

namespace replic {
namespace {

// A trigger of the schema may call only what is innocuous, when trusted_schema is off.
constexpr int kTrigger = SQLITE_UTF8 | SQLITE_INNOCUOUS;

using Values = std::span<sqlite3_value*>;

// The first arguments of each function: the table, and the operation.
struct Subject {
  std::string_view table;
  Op op;
};

Subject subject_of(Values values, size_t least) {
  const auto text = [&](size_t i) {
    return i < values.size() && sqlite3_value_type(values[i]) == SQLITE_TEXT ? bytes_of(values[i])
                                                                             : std::string_view();
  };
  const std::optional<Op> op = op_of(text(1));
  if (values.size() < least || !op) {
    throw Error(Code::argument, "a function of replic's triggers was called by hand",
                "write to the table itself");
  }
  return {text(0), *op};
}

Value truth(bool value) { return Value::integer(value ? 1 : 0); }

Value run_capture(Connection& store, Values values) {
  const Subject subject = subject_of(values, 3);
  store.capture().take(subject.op, subject.table, bytes_of(values[2]), values.subspan(3));
  return {};
}

Value run_capture_part(Connection& store, Values values) {
  const Subject subject = subject_of(values, 4);
  store.capture().take_part(subject.op, subject.table, bytes_of(values[2]),
                            sqlite3_value_int64(values[3]), values.subspan(4));
  return {};
}

Value run_guards(Connection& store, Values values) {
  const Subject subject = subject_of(values, 3);
  return truth(store.capture().guards(subject.op, subject.table, values.subspan(2)));
}

Value run_ignores(Connection& store, Values values) {
  const Subject subject = subject_of(values, 3);
  return truth(store.capture().ignores(subject.op, subject.table, values.subspan(2)));
}

Value run_buries(Connection& store, Values values) {
  const Subject subject = subject_of(values, 3);
  return truth(store.capture().buries(subject.table, values.subspan(2)));
}

Value run_meets(Connection& store, Values values) {
  const Subject subject = subject_of(values, 3);
  store.capture().meets(subject.op, subject.table, values.subspan(2));
  return {};
}

Value run_keeps(Connection& store, Values values) {
  const Subject subject = subject_of(values, 3);
  return truth(store.capture().keeps(subject.table, values.subspan(2)));
}

Value run_kept(Connection& store, Values values) {
  store.capture().check_kept(subject_of(values, 3).table);
  return {};
}

Value run_tombstone(Connection& store, Values) { return store.capture().tombstone(); }

struct TriggerFunction {
  const char* name;
  Value (*run)(Connection&, Values);
};
constexpr TriggerFunction kFunctions[] = {
    {"replic_buries", run_buries},
    {"replic_capture", run_capture},
    {"replic_capture_part", run_capture_part},
    {"replic_guards", run_guards},
    {"replic_ignores", run_ignores},
    {"replic_keeps", run_keeps},
    {"replic_kept", run_kept},
    {"replic_meets", run_meets},
    {"replic_tombstone", run_tombstone},
};

struct Registration {
  const TriggerFunction* function;
  std::shared_ptr<Connection> store;
};

void call_function(sqlite3_context* context, int argc, sqlite3_value** argv) {
  const auto* registration = static_cast<Registration*>(sqlite3_user_data(context));
  guarded_call(context, [&] {
    const Values values(argv, static_cast<size_t>(argc));
    set_result(context, registration->function->run(*registration->store, values));
  });
}

}  // namespace

int register_capture_functions(const std::shared_ptr<Connection>& store) {
  for (const TriggerFunction& function : kFunctions) {
    const int rc = sqlite3_create_function_v2(
        store->db().handle(), function.name, -1, kTrigger, new Registration{&function, store},
        call_function, nullptr, nullptr,
        [](void* data) { delete static_cast<Registration*>(data); });
    if (rc != SQLITE_OK) return rc;
  }
  return SQLITE_OK;
}

}  // namespace replic

// replic_answer: what a message asks for.

#include "base/error.h"
#include "sqlapi/tables.h"
#include "wire/json.h"

namespace replic {

std::unique_ptr<RowSource> open_answer(Connection& store, std::vector<Constraint>&& constraints) {
  std::vector<std::vector<Value>> rows;
  for (const Constraint& constraint : constraints) {
    const Value& message = constraint.value;
    if (message.is_null()) continue;
    if (message.type() != Type::text && message.type() != Type::blob) {
      throw Error(Code::argument, "replic_answer: the message is a number",
                  "usage: replic_answer(message)");
    }
    const auto add = [&](std::vector<Reply>&& replies) {
      for (Reply& reply : replies)
        rows.push_back({Value::integer(reply.peer), Value::text(std::move(reply.message))});
    };
    if (message.type() == Type::blob && wire::is_bundle(message.bytes())) {
      add(store.exchange.answer_bundle(message.bytes()));
    } else {
      wire::read_messages(message.bytes(), [&](Message&& m) { add(store.exchange.answer(m)); });
    }
  }
  return std::make_unique<FixedRows>(std::move(rows));
}

}  // namespace replic

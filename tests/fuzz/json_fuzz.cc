// read_messages over any bytes: it throws replic::Error or succeeds, and each message that it gives
// is written by write_* and read again as the same message.

#include <string>
#include <vector>

#include "fuzz/check.h"
#include "model/content.h"
#include "wire/json.h"

namespace {

using namespace replic;

std::string written(const Patch& patch) { return wire::write_patch(patch); }
std::string written(const Ping& ping) { return wire::write_ping(ping); }
std::string written(const Request& request) { return wire::write_request(request); }
std::string written(const Gone& gone) { return wire::write_gone(gone); }
std::string written(const Unknown& unknown) {
  return "{\"type\":" + std::to_string(unknown.type) + "}";
}

std::vector<Message> read(std::string_view text) {
  std::vector<Message> messages;
  try {
    wire::read_messages(text, [&](Message&& message) { messages.push_back(std::move(message)); });
  } catch (const Error& error) {
    fuzz::check_error(error);
  }
  return messages;  // those before the fault too
}

void check_message(const Message& message) {
  const std::string text = std::visit([](const auto& any) { return written(any); }, message);
  const std::vector<Message> again = read(text);
  fuzz::check(again.size() == 1, "a written message does not read", text);
  fuzz::check(again[0] == message, "a written message reads as another one", text);
  if (const auto* patch = std::get_if<Patch>(&message)) {
    fuzz::check(content_hash(*patch) == content_hash(std::get<Patch>(again[0])),
                "a written patch has another content", text);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  for (const Message& message : read({reinterpret_cast<const char*>(data), size})) {
    check_message(message);
  }
  return 0;
}

// BundleReader over any bytes: it throws E_BUNDLE or succeeds, and the header and messages that it
// gives are written by BundleWriter and read again as the same. Bytes that begin with the magic are
// taken as they are; others as the part of a bundle between its version and its checksum, so that
// the fuzzer gets past them.

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"
#include "fuzz/check.h"
#include "model/content.h"
#include "wire/bundle.h"

namespace {

using namespace replic;

struct Bundle {
  wire::BundleHeader header;
  std::vector<Message> messages;  // those before a fault too
  bool complete = false;
  bool more = false;
};

Bundle read(std::string_view bytes) {
  Bundle bundle;
  try {
    wire::BundleReader reader(bytes);
    bundle.header = reader.header();
    Message message;
    while (reader.next(message)) bundle.messages.push_back(message);
    bundle.complete = true;
    bundle.more = reader.more();
  } catch (const Error& error) {
    fuzz::check_error(error);
    fuzz::check(error.code() == Code::bundle, "another error than E_BUNDLE", error.what());
  }
  return bundle;
}

std::string written(const Bundle& bundle) {
  wire::BundleWriter writer(bundle.header);
  for (const Message& message : bundle.messages) {
    if (const auto* patch = std::get_if<Patch>(&message)) writer.add(*patch);
    if (const auto* gone = std::get_if<Gone>(&message)) writer.add(*gone);
    if (const auto* request = std::get_if<Request>(&message)) writer.add(*request);
  }
  fuzz::check(writer.empty() == bundle.messages.empty(), "a writer that miscounts");
  return writer.finish(bundle.more);
}

bool is_seq_range(const Range& range) {
  return range.first >= 1 && range.first <= range.last && range.last <= kMaxInteger;
}

void check_patch(const Patch& patch) {
  const Stamp& stamp = patch.stamp;
  fuzz::check(stamp.at >= 0 && stamp.at <= kMaxInteger, "a clock value out of range");
  fuzz::check(stamp.peer >= 1 && stamp.peer <= kMaxInteger, "a peer out of range");
  fuzz::check(stamp.seq >= 1 && stamp.seq <= kMaxInteger, "a seq out of range");
  fuzz::check(patch.ver >= 0 && patch.ver <= kMaxInteger, "a ver out of range");
  if (patch.group) {
    fuzz::check(is_seq_range(*patch.group) && patch.group->first < patch.group->last &&
                    patch.group->first <= stamp.seq && stamp.seq <= patch.group->last,
                "a group that does not hold its patch");
  }
  fuzz::check(patch.cells.size() <= kMaxColumns, "too many columns");
  fuzz::check(!patch.is_void() || patch.cells.empty(), "a void with columns");
}

// Besides the messages, a bundle never takes more memory than a fixed multiple of its bytes.
void check_bundle(std::string_view bytes) {
  const Bundle bundle = read(bytes);
  size_t cells = 0;
  for (const Message& message : bundle.messages) {
    if (const auto* patch = std::get_if<Patch>(&message)) {
      check_patch(*patch);
      cells += 1 + patch->cells.size();
    } else if (const auto* gone = std::get_if<Gone>(&message)) {
      fuzz::check(gone->peer >= 1 && is_seq_range(gone->range), "gone out of range");
    } else if (const auto* request = std::get_if<Request>(&message)) {
      fuzz::check(request->peer >= 1 && is_seq_range(request->range), "a request out of range");
      fuzz::check(request->for_peer == bundle.header.sender, "a request for somebody else");
    } else {
      fuzz::check(false, "a message that no bundle holds");
    }
  }
  fuzz::check(cells <= bytes.size(), "more cells than bytes");
  const std::string again_bytes = written(bundle);
  const Bundle again = read(again_bytes);
  fuzz::check(again.complete, "a written bundle does not read");
  fuzz::check(again.header == bundle.header, "a written header reads otherwise");
  fuzz::check(again.messages == bundle.messages, "written messages read otherwise");
  fuzz::check(again.more == bundle.more, "a written end reads otherwise");
  fuzz::check(written(again) == again_bytes, "a bundle written twice differs");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (wire::is_bundle(input)) {
    check_bundle(input);
    return 0;
  }
  std::string bytes = std::string(wire::kBundleMagic) + '\1' + std::string(input);
  put_le64(bytes, hash64(bytes));
  check_bundle(bytes);
  return 0;
}

// What peers say to one another: pings, requests and their answers, bundles, and the dialogue of
// replic_sync.
//
// Stateless on purpose: each message carries all that its answer needs, so any of them may be lost,
// doubled or late. The one thing remembered, in memory, is when a range was asked for last, so that
// it is not asked for at every ping.

#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "store/store.h"

namespace replic {

struct Reply {
  int64_t peer = 0;  // to whom
  std::string message;
};

class Exchange {
 public:
  explicit Exchange(Store& store) : store_(store) {}

  // Tells others where we stand.
  Ping ping();
  // What `message` asks for. Reads only. Patches come one by one from `next` of the result.
  std::vector<Reply> answer(const Message& message);
  // The same for a bundle: what its sender's vector says that we lack.
  std::vector<Reply> answer_bundle(std::string_view bytes);

  // What a holder of `vector` lacks; nothing when it lacks nothing. A page of about `max_bytes`,
  // when that is given.
  std::optional<std::string> bundle(const Vector& vector, std::optional<int64_t> max_bytes);
  // The opening bundle of a dialogue.
  std::string open();
  // Applies a bundle of the dialogue. Returns the one that answers it; nothing when both are level.
  std::optional<std::string> sync(std::string_view blob, std::optional<int64_t> max_bytes);

 private:
  struct Asked {
    int64_t at_unix_ms = 0;  // when last
    int64_t times = 0;
    int64_t holder = 0;  // whom
  };
  wire::BundleHeader header(wire::BundleKind kind);
  bool add_missing(wire::BundleWriter& writer, const Vector& vector,
                   std::optional<int64_t> max_bytes);
  void answer_ping(const Ping& ping, std::vector<Reply>& out);
  void answer_request(const Request& request, std::vector<Reply>& out);
  bool is_turn_of(int64_t holder, int64_t peer, const Range& range);
  bool is_ancestor(int64_t peer);
  bool has_other_holder(int64_t holder, int64_t peer, const Range& range, int64_t now);
  std::optional<uint64_t> sum_of(int64_t peer, Range range);
  std::vector<Request> narrow(const Request& request, bool* send);

  Store& store_;
  std::map<std::pair<int64_t, int64_t>, Asked> asked_;  // (peer, first seq of the gap)
};

}  // namespace replic

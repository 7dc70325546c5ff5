#include "protocol/exchange.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/limits.h"
#include "model/content.h"
#include "wire/json.h"

namespace replic {
namespace {

// Where two peers hold different content under equal ranges, a range of at most this many patches
// is sent, a longer one is cut into kParts, and each part's sum compared.
constexpr int64_t kFewPatches = 64;
constexpr int64_t kParts = 16;
// Sums of ranges that one bundle may ask to be compared: each costs a pass over its range.
constexpr int64_t kMaxSumRequests = kParts * kParts;

// A peer that was not heard of for so long is not counted among those that can be asked.
constexpr int64_t kRecentMs = 60'000;
// Ranges whose last request is remembered; beyond it all are forgotten, and asked for again.
constexpr size_t kMaxAsked = 10'000;
constexpr int64_t kMaxDoublings = 3;

// One page of a dialogue, so that neither side holds more at a time.
constexpr int64_t kSyncPageBytes = int64_t{16} << 20;

}  // namespace

Ping Exchange::ping() {
  Ping ping = store_.word();
  for (const auto& [peer, contiguous] : store_.state().contiguous_sums(store_.initialised())) {
    if (contiguous.sum) ping.sums.emplace_back(peer, *contiguous.sum);
  }
  return ping;
}

std::vector<Reply> Exchange::answer(const Message& message) {
  std::vector<Reply> out;
  if (const auto* ping = std::get_if<Ping>(&message)) answer_ping(*ping, out);
  if (const auto* request = std::get_if<Request>(&message)) answer_request(*request, out);
  return out;
}

std::vector<Reply> Exchange::answer_bundle(std::string_view bytes) {
  std::vector<Reply> out;
  const wire::BundleReader reader(bytes);
  if (reader.header().sender != 0) answer_ping(wire::ping_of(reader.header()), out);
  return out;
}

// Whether `holder`, who has just told us that it holds a range, is to be asked for it now. It is,
// when nobody was asked yet; so a page follows the other at once, and the timer keeps a second
// holder from being asked for the same. When the timer has run out without an answer it is another
// holder's turn, if one was heard of lately.
bool Exchange::is_turn_of(int64_t holder, int64_t peer, const Range& range) {
  if (holder != peer && is_ancestor(holder)) return false;  // it re-sends its own patches only
  const int64_t now = store_.db().now_unix_ms();
  const int64_t retry_ms = store_.number_option("retry_ms");
  if (asked_.size() > kMaxAsked) asked_.clear();
  Asked& asked = asked_[{peer, range.first}];
  const int64_t wait_ms = retry_ms << std::min(asked.times, kMaxDoublings);
  const bool clock_jumped = now < asked.at_unix_ms;
  if (asked.times > 0 && !clock_jumped) {
    if (now - asked.at_unix_ms < wait_ms) return false;
    // The one that did not answer is asked again after the others have had their time.
    const bool others = asked.holder == holder && now - asked.at_unix_ms < 2 * wait_ms;
    if (others && has_other_holder(holder, peer, range, now)) return false;
  }
  asked = {now, asked.times + 1, holder};
  return true;
}

bool Exchange::is_ancestor(int64_t peer) {
  if (!store_.initialised()) return false;
  Run run = store_.db().run("SELECT 1 FROM main._replic_peers WHERE peer=?1 AND ancestor=1");
  return run.bind(peer).step();
}

bool Exchange::has_other_holder(int64_t holder, int64_t peer, const Range& range, int64_t now) {
  Run run = store_.db().run(
      "SELECT 1 FROM main._replic_holds AS h JOIN main._replic_peers AS p ON p.peer=h.holder "
      "WHERE h.peer=?1 AND h.last_seq>=?2 AND p.role<>2 AND p.heard_unix_ms>=?3 AND h.holder<>?4 "
      "AND (p.ancestor=0 OR h.holder=h.peer) LIMIT 1");
  run.bind(peer).bind(range.first).bind(now - kRecentMs).bind(holder);
  return run.step();
}

void Exchange::answer_ping(const Ping& ping, std::vector<Reply>& out) {
  const StateRow state = store_.row();
  const int64_t sender = ping.last.peer;
  if (sender == state.peer) return;
  std::map<int64_t, int64_t> offered;  // peer -> up to where the sender may have it
  offered[sender] = ping.last.seq;
  for (const Ping::Held& held : ping.held)
    offered[held.peer] = std::max(offered[held.peer], held.last_seq);
  const int64_t page = store_.number_option("answer_page");
  const Vector ours = store_.vector();
  for (const auto& [peer, last] : offered) {
    if (last < 1 || peer == state.peer) continue;
    const auto held = ours.find(peer);
    const RangeSet none;
    int64_t left = page;
    for (Range gap : (held == ours.end() ? none : held->second).missing_in({1, last})) {
      if (left <= 0) break;
      if (!is_turn_of(sender, peer, gap)) continue;
      gap.last = std::min(gap.last, gap.first + left - 1);
      left -= gap.last - gap.first + 1;
      out.push_back({sender, wire::write_request({peer, gap, state.peer, std::nullopt})});
    }
  }
  // Equal ranges can hide different content.
  const auto sums = store_.state().contiguous_sums(store_.initialised());
  for (const auto& [peer, sum] : ping.sums) {
    const auto it = sums.find(peer);
    if (it == sums.end() || !it->second.sum || *it->second.sum == sum) continue;
    int64_t theirs = peer == sender ? ping.last.seq : 0;
    for (const Ping::Held& held : ping.held) {
      if (held.peer == peer) theirs = held.contiguous_seq;
    }
    if (theirs != it->second.last) continue;
    out.push_back({sender, wire::write_request({peer, {1, theirs}, state.peer, it->second.sum})});
  }
}

// The sum of the contents of a range, losers of an identity conflict included; nothing when not all
// of it is here. O(range).
std::optional<uint64_t> Exchange::sum_of(int64_t peer, Range range) {
  uint64_t sum = 0;
  int64_t count = 0;
  ChangeCursor cursor = store_.changes({}, peer, range);
  while (const auto change = cursor.next()) {
    sum += content_hash(change->patch);
    if (change->reason != reason::kIdentity) count++;
  }
  if (count != range.last - range.first + 1) return std::nullopt;
  return sum;
}

// What to ask back about a range under which both hold something else. Sets `send` when our patches
// are to be sent.
std::vector<Request> Exchange::narrow(const Request& request, bool* send) {
  *send = false;
  std::vector<Request> out;
  const auto ours = sum_of(request.peer, request.range);
  if (!ours || *ours == *request.sum) return out;
  const int64_t own = store_.row().peer;
  const int64_t length = request.range.last - request.range.first + 1;
  if (length <= kFewPatches) {
    *send = true;
    out.push_back({request.peer, request.range, own, std::nullopt});
    return out;
  }
  const int64_t step = (length + kParts - 1) / kParts;
  for (int64_t first = request.range.first; first <= request.range.last; first += step) {
    const Range part{first, std::min(first + step - 1, request.range.last)};
    out.push_back({request.peer, part, own, sum_of(request.peer, part)});
  }
  return out;
}

void Exchange::answer_request(const Request& request, std::vector<Reply>& out) {
  const StateRow state = store_.row();
  if (request.for_peer == state.peer || !store_.initialised()) return;
  bool send = true;
  if (request.sum) {
    for (const Request& back : narrow(request, &send))
      out.push_back({request.for_peer, wire::write_request(back)});
  }
  if (!send) return;
  bool ancestor = false;
  {
    Run run = store_.db().run("SELECT ancestor FROM main._replic_peers WHERE peer=?1");
    run.bind(request.for_peer);
    ancestor = run.step() && run.integer(0) != 0;
  }
  int64_t left = store_.number_option("answer_page");
  for (const Span& span : spans_since(store_.state(), true, {}, request.peer, request.range)) {
    if (span.ver != kGoneVer || left <= 0) continue;
    if (!ancestor) {
      out.push_back({request.for_peer, wire::write_gone({span.peer, span.range})});
      continue;
    }
    // An ancestor knows no type 40: it gets voids, which take their seqs.
    for (int64_t seq = span.range.first; seq <= span.range.last && left > 0; seq++, left--) {
      out.push_back(
          {request.for_peer, wire::write_patch({{0, span.peer, seq}, state.ver, {}, {}, {}})});
    }
  }
  bool more = false;
  ChangeCursor cursor = store_.changes({}, request.peer, request.range);
  while (const auto change = cursor.next()) {
    // Losers of an identity conflict go with the patch that they lost to.
    if (change->reason != reason::kIdentity && left-- <= 0) {
      more = true;
      break;
    }
    out.push_back({request.for_peer, wire::write_patch(change->patch)});
  }
  if (ancestor) return;
  if (left == 0 && request.range.last < kMaxInteger) {
    const Range rest{request.range.last + 1, kMaxInteger};
    more = store_.changes({}, request.peer, rest).next().has_value();
  }
  // The page is full, and there is more: our word brings the request for the next one at once.
  if (more) out.push_back({request.for_peer, wire::write_ping(ping())});
}

wire::BundleHeader Exchange::header(wire::BundleKind kind) {
  wire::BundleHeader header;
  const StateRow state = store_.row();
  header.kind = kind;
  header.sender = state.peer;
  header.ver = state.ver;
  header.now = store_.now_at();
  header.name = store_.option("name").bytes();
  header.vector = store_.vector();
  for (const auto& [peer, contiguous] : store_.state().contiguous_sums(store_.initialised())) {
    if (contiguous.sum) header.sums[peer] = *contiguous.sum;
  }
  return header;
}

// Adds what a holder of `vector` lacks. Returns true when a page is full before all is in it.
bool Exchange::add_missing(wire::BundleWriter& writer, const Vector& vector,
                           std::optional<int64_t> max_bytes) {
  const std::vector<Span> spans =
      spans_since(store_.state(), store_.initialised(), vector, 0, {1, kMaxInteger});
  for (const Span& span : spans) {
    if (span.ver == kGoneVer) writer.add(Gone{span.peer, span.range});
  }
  ChangeCursor cursor(store_.db(), store_.catalog(), spans);
  bool any = false;
  while (const auto change = cursor.next()) {
    // A page holds one patch at least, or nothing would ever move; and all the losers of its (peer,
    // seq), which the receiver's vector would not ask for again.
    const bool full = max_bytes && static_cast<int64_t>(writer.size()) >= *max_bytes;
    if (any && full && change->reason != reason::kIdentity) return true;
    writer.add(change->patch);
    any = true;
  }
  return false;
}

std::optional<std::string> Exchange::bundle(const Vector& vector,
                                            std::optional<int64_t> max_bytes) {
  wire::BundleWriter writer(header(wire::BundleKind::plain));
  const bool more = add_missing(writer, vector, max_bytes);
  if (writer.empty()) return std::nullopt;
  return writer.finish(more);
}

std::string Exchange::open() {
  store_.init(std::nullopt);
  return wire::BundleWriter(header(wire::BundleKind::opening)).finish(false);
}

std::optional<std::string> Exchange::sync(std::string_view blob, std::optional<int64_t> max_bytes) {
  using wire::BundleKind;
  if (!max_bytes) max_bytes = kSyncPageBytes;
  const Store::BundleResult got = store_.apply_bundle(blob);
  store_.refresh();
  const BundleKind kind = got.header.kind;
  if (kind == BundleKind::plain) return std::nullopt;
  const bool is_client = kind == BundleKind::first_response || kind == BundleKind::response;
  BundleKind answer_kind = BundleKind::request;
  if (kind == BundleKind::opening) answer_kind = BundleKind::first_response;
  if (kind == BundleKind::request) answer_kind = BundleKind::response;
  wire::BundleWriter writer(header(answer_kind));

  bool asks = false;
  int64_t left = store_.number_option("answer_page");
  int64_t sums_left = kMaxSumRequests;
  for (Request request : got.requests) {
    if (request.sum && --sums_left < 0) continue;
    request.for_peer = got.header.sender;
    bool send = true;
    if (request.sum) {
      for (const Request& back : narrow(request, &send)) {
        writer.add(back);
        asks = true;
      }
    }
    if (!send) continue;
    ChangeCursor cursor = store_.changes({}, request.peer, request.range);
    // What does not fit is asked for again in a later dialogue.
    while (left-- > 0) {
      const auto change = cursor.next();
      if (!change) break;
      writer.add(change->patch);
    }
  }
  // Sums are compared once a dialogue, so that it ends even if they can't be made equal.
  if (kind == BundleKind::first_response) {
    const auto ours = store_.state().contiguous_sums(store_.initialised());
    for (const auto& [peer, sum] : got.header.sums) {
      const auto it = ours.find(peer);
      const int64_t theirs = got.header.vector.at(peer).contiguous();
      if (it == ours.end() || it->second.last != theirs || !it->second.sum ||
          *it->second.sum == sum)
        continue;
      writer.add(Request{peer, {1, theirs}, store_.row().peer, it->second.sum});
      asks = true;
    }
  }
  const bool more = add_missing(writer, got.header.vector, max_bytes);
  if (is_client && !asks && writer.empty()) {
    // We have nothing for the other side. Go on only while it has more for us and something comes.
    if (!got.more || got.count == 0) return std::nullopt;
  }
  return writer.finish(more);
}

}  // namespace replic

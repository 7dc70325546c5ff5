#include "workload.h"

#include <charconv>
#include <chrono>
#include <numeric>
#include <utility>

#include "report.h"

namespace replic::bench {
namespace {

// SplitMix64 (Steele, Lea, Flood 2014): a good 64-bit hash of a counter, the same on every machine.
uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

std::string random_text(uint64_t seed, size_t size) {
  static constexpr char kAlphabet[] = "abcdefghijklmnopqrstuvwxyz 0123456789";
  std::string text(size, ' ');
  for (size_t i = 0; i < size; ++i) {
    text[i] = kAlphabet[mix(seed + i) % (sizeof(kAlphabet) - 1)];
  }
  return text;
}

int64_t base_at() {
  static const int64_t kBase = [] {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const int64_t now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
    return (now_ms - 600'000 - 1'735'689'600'000) * 8192;
  }();
  return kBase;
}

void fill_value(Shape shape, uint64_t seed, Patch* patch) {
  const bool all = shape == kWholeRow;
  patch->shape = shape;
  if (all || shape == kQuantity) patch->quantity = static_cast<int64_t>(mix(seed) % 1'000'000);
  if (all || shape == kName) patch->name = random_text(seed * 31, 10 + mix(seed + 1) % 5);
  if (all || shape == kPrice) patch->price = static_cast<double>(mix(seed + 2) % 10'000'000) / 100;
  if (all || shape == kNote) patch->note = random_text(seed * 37, 26 + mix(seed + 3) % 9);
}

// New rows go to each tenant in turn: with n tenants there are n places in the table's key where
// rows are inserted, with one they are appended.
void set_key(size_t row, Patch* patch) {
  const auto tenants = static_cast<size_t>(options().tenants);
  patch->tenant = static_cast<int64_t>(row % tenants + 1);
  patch->id = static_cast<int64_t>(row / tenants + 1);
}

template <typename Number>
void append_number(Number value, std::string* out) {
  char buffer[32];
  out->append(buffer, std::to_chars(buffer, buffer + sizeof(buffer), value).ptr);
}

}  // namespace

Plan::Plan(size_t rows, size_t patches, int peers, size_t gaps)
    : rows_(rows),
      patches_(patches),
      peers_(static_cast<size_t>(peers)),
      lost_every_(gaps == 0 ? 0 : patches / gaps),
      order_(rows) {
  std::iota(order_.begin(), order_.end(), 0U);
  for (size_t i = rows; i > 1; --i) std::swap(order_[i - 1], order_[mix(i) % i]);
  for (size_t i = 0; i < patches; ++i) received_ += lost(i) ? 0 : 1;
}

Patch Plan::patch(size_t index) const {
  Patch patch{};
  size_t row = index;
  if (index < rows_) {
    fill_value(kWholeRow, index * 64, &patch);
  } else {
    // Each pass starts elsewhere in the shuffled order, so that a row's updates lie apart.
    const size_t pass = index / rows_;
    row = order_[(index + pass * (rows_ / 3)) % rows_];
    fill_value(static_cast<Shape>(mix(index * 7) % 4), index * 64, &patch);
  }
  set_key(row, &patch);
  patch.at = base_at() + static_cast<int64_t>(index);
  patch.peer = static_cast<int64_t>(2 + index % peers_);
  patch.seq = static_cast<int64_t>(index / peers_ + 1);
  return patch;
}

std::vector<Patch> Plan::range(size_t first, size_t count) const {
  std::vector<Patch> result;
  result.reserve(count);
  for (size_t i = first; i < first + count; ++i) result.push_back(patch(i));
  return result;
}

bool Plan::lost(size_t index) const {
  return lost_every_ != 0 && index >= rows_ && index % lost_every_ == lost_every_ / 2;
}

Patch Plan::late(size_t k) const {
  Patch patch{};
  const size_t row = order_[k % rows_];
  fill_value(static_cast<Shape>(mix(k * 11) % 4), (patches_ + k) * 64, &patch);
  set_key(row, &patch);
  patch.at = base_at() + static_cast<int64_t>(rows_ - 1);
  patch.peer = kLatePeer;
  patch.seq = static_cast<int64_t>(k + 1);
  return patch;
}

std::string Plan::vector_json(size_t count) const {
  std::string json = "{";
  for (size_t p = 0; p < peers_; ++p) {
    const size_t last = (count + peers_ - 1 - p) / peers_;
    if (last == 0) continue;
    if (json.size() > 1) json += ',';
    json += '"' + std::to_string(2 + p) + "\":[[1," + std::to_string(last) + "]]";
  }
  return json + "}";
}

void append_delta(const Patch& patch, std::string* out) {
  const bool all = patch.shape == kWholeRow;
  *out += "{\"tenantId\":";
  append_number(patch.tenant, out);
  *out += ",\"id\":";
  append_number(patch.id, out);
  if (all || patch.shape == kQuantity) {
    *out += ",\"quantity\":";
    append_number(patch.quantity, out);
  }
  // The alphabet of random_text needs no escapes.
  if (all || patch.shape == kName) *out += ",\"name\":\"" + patch.name + '"';
  if (all || patch.shape == kPrice) {
    *out += ",\"price\":";
    append_number(patch.price, out);
  }
  if (all || patch.shape == kNote) *out += ",\"note\":\"" + patch.note + '"';
  *out += '}';
}

void append_message(const Patch& patch, std::string* out) {
  *out += "{\"type\":10,\"at\":";
  append_number(patch.at, out);
  *out += ",\"peer\":";
  append_number(patch.peer, out);
  *out += ",\"seq\":";
  append_number(patch.seq, out);
  *out += ",\"ver\":1,\"tab\":\"bench\",\"delta\":";
  append_delta(patch, out);
  *out += '}';
}

std::string message_array(std::span<const Patch> patches) {
  std::string text = "[";
  for (const Patch& patch : patches) {
    if (text.size() > 1) text += ',';
    append_message(patch, &text);
  }
  return text + "]";
}

}  // namespace replic::bench

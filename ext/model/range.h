// Sequence numbers as ranges, and vectors: what a database has received.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace replic {

// A closed range of sequence numbers, 1 <= first <= last <= 2^53-1.
struct Range {
  int64_t first = 0;
  int64_t last = 0;
  friend bool operator==(const Range&, const Range&) = default;
};

// Disjoint, non-adjacent, ascending closed ranges: ranges()[i].last + 1 < ranges()[i + 1].first.
class RangeSet {
 public:
  // Adds a range; overlapping and adjacent ones become one. A range whose first is above its last
  // is empty. O(n) in the number of ranges, amortized O(1) at the end: add many in ascending order.
  void add(Range range);
  bool contains(int64_t seq) const;
  // The part of `whole` that is not in this set. O(log n) and the ranges within `whole`.
  std::vector<Range> missing_in(Range whole) const;
  const std::vector<Range>& ranges() const { return ranges_; }
  bool empty() const { return ranges_.empty(); }
  int64_t last() const { return ranges_.empty() ? 0 : ranges_.back().last; }
  // The last of the range that begins at 1, or 0.
  int64_t contiguous() const;

  friend bool operator==(const RangeSet&, const RangeSet&) = default;

 private:
  std::vector<Range> ranges_;
};

// peer -> what is held of it. Ordered, so that its JSON has one spelling.
using Vector = std::map<int64_t, RangeSet>;

}  // namespace replic

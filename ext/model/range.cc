#include "model/range.h"

#include <algorithm>

namespace replic {

void RangeSet::add(Range range) {
  if (range.first > range.last) return;
  // The first range that reaches at least the seq before `range`: what is earlier cannot touch it.
  auto begin = ranges_.end();
  if (!ranges_.empty() && ranges_.back().last + 1 >= range.first) {
    begin = std::lower_bound(ranges_.begin(), ranges_.end(), range.first,
                             [](const Range& r, int64_t first) { return r.last + 1 < first; });
  }
  auto end = begin;
  while (end != ranges_.end() && end->first <= range.last + 1) {
    range.first = std::min(range.first, end->first);
    range.last = std::max(range.last, end->last);
    ++end;
  }
  if (begin == end) {
    ranges_.insert(begin, range);
  } else {
    *begin = range;
    ranges_.erase(begin + 1, end);
  }
}

bool RangeSet::contains(int64_t seq) const {
  auto it = std::upper_bound(ranges_.begin(), ranges_.end(), seq,
                             [](int64_t s, const Range& r) { return s < r.first; });
  return it != ranges_.begin() && seq <= std::prev(it)->last;
}

std::vector<Range> RangeSet::missing_in(Range whole) const {
  std::vector<Range> out;
  int64_t next = whole.first;
  auto it = std::lower_bound(ranges_.begin(), ranges_.end(), whole.first,
                             [](const Range& r, int64_t first) { return r.last < first; });
  for (; it != ranges_.end() && it->first <= whole.last && next <= whole.last; ++it) {
    if (it->first > next) out.push_back({next, it->first - 1});
    next = it->last + 1;
  }
  if (next <= whole.last) out.push_back({next, whole.last});
  return out;
}

int64_t RangeSet::contiguous() const {
  return !ranges_.empty() && ranges_.front().first == 1 ? ranges_.front().last : 0;
}

}  // namespace replic

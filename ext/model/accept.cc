#include "model/accept.h"

#include <algorithm>
#include <optional>

namespace replic {
namespace {

// Admits one waiter, alone or with its mates, and takes them out of `waiting`. False when none can
// be. With `newest`, nothing was accepted since all the others were refused, alone and with their
// mates; as the answer would be the same, only groups that it belongs to are tried.
bool admit_one(std::vector<size_t>& waiting, std::vector<bool>& accepted, Judge& judge,
               std::optional<size_t> newest) {
  for (const size_t waiter : waiting) {
    std::vector<size_t> units{waiter};
    bool ok = !newest && judge.admit(units);
    if (!ok) {
      units = judge.mates(waiter, waiting);
      ok = units.size() > 1 &&
           (!newest || std::find(units.begin(), units.end(), *newest) != units.end()) &&
           judge.admit(units);
    }
    if (!ok) continue;
    for (const size_t unit : units) accepted[unit] = true;
    std::erase_if(waiting, [&](size_t unit) { return accepted[unit]; });
    return true;
  }
  return false;
}

}  // namespace

std::vector<bool> run_acceptance(size_t count, Judge& judge) {
  std::vector<bool> accepted(count, false);
  std::vector<size_t> waiting;
  for (size_t unit = 0; unit < count; unit++) {
    std::optional<size_t> newest;
    if (judge.admit({&unit, 1})) {
      accepted[unit] = true;
    } else {
      waiting.push_back(unit);
      newest = unit;
    }
    while (admit_one(waiting, accepted, judge, newest)) newest.reset();
  }
  return accepted;
}

}  // namespace replic

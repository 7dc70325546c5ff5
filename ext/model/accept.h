// The acceptance rule: which units execute and which wait, given all of them.

#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace replic {

// What the rule asks of the table. Units are numbered in stamp order, oldest first.
class Judge {
 public:
  virtual ~Judge() = default;

  // If fold(accepted so far + `units`) is legal in every row that `units` touch: adds them to the
  // accepted and returns true. Otherwise changes nothing and returns false. The same question about
  // the same accepted units must have the same answer: it is not asked again.
  virtual bool admit(std::span<const size_t> units) = 0;

  // `waiter`, and for as long as a row that it touches lacks a NOT NULL column without a default,
  // the oldest of `waiting` that sets it. Just {waiter} when there is nothing to add. `waiting` is
  // in ascending order and holds `waiter`.
  virtual std::vector<size_t> mates(size_t waiter, std::span<const size_t> waiting) = 0;
};

// Runs the rule over units 0 .. count-1. Returns accepted[i]. Units execute in order; one that is
// not legal waits, and after each step that could free it the waiters are tried again, the oldest
// first, each alone and then with its mates. With n units of which w wait at a time, at most about
// n * w questions; n, when none waits. Source: DESIGN.md, section 3.
std::vector<bool> run_acceptance(size_t count, Judge& judge);

}  // namespace replic

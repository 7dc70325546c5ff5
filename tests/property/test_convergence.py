"""The property test of convergence: random schedules on real peers against the oracle.

    test_convergence.py                    2,000 fixed seeds and 100 fresh ones
    test_convergence.py --count 50         fewer fixed seeds; --fresh N as well
    test_convergence.py --seed 7           one schedule; a failure is shrunk and printed
    test_convergence.py --script F --trace a printed schedule, with every call that changes a peer

The extension is $REPLIC_SO, or build/replic.so. $REPLIC_SCHEDULES: another number of fixed seeds.
"""

import argparse
import ast
import os
import pathlib
import random
import sys
import unittest

from engine import explain, run_many, run_once, run_schedule
from peer import extension_path
from schedule import make_schedule

FIXED_COUNT = int(os.environ.get("REPLIC_SCHEDULES", "2000"))
FRESH_COUNT = 100
FRESH_SEEDS_FROM = 10**6  # fixed seeds are below, fresh ones above


def run_all(count=FIXED_COUNT, fresh=FRESH_COUNT, jobs=2):
    """True when every schedule holds; the first one that does not is explained."""
    first_fresh = random.SystemRandom().randrange(FRESH_SEEDS_FROM, 2**40)
    seeds = list(range(1, count + 1)) + list(range(first_fresh, first_fresh + fresh))
    print(f"seeds 1 to {count}, and fresh ones from {first_fresh} to {first_fresh + fresh - 1}",
          flush=True)
    failure = run_many(seeds, jobs)
    if failure:
        explain(make_schedule(failure[0]), failure[1])
    return failure is None


def run_one(schedule, trace):
    if trace:
        failure = run_schedule(schedule, trace=True)
        print(failure[1] if failure else "no failure")
    else:
        failure = run_once(schedule)
        if failure:
            explain(schedule, failure)
        else:
            print(f"seed {schedule['seed']}: agrees with the oracle")
    return failure is None


class ConvergenceTest(unittest.TestCase):
    def test_peers_agree_with_the_oracle_and_with_each_other(self):
        extension_path()
        self.assertTrue(run_all(), "see the schedule above")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int)
    parser.add_argument("--script", type=pathlib.Path)
    parser.add_argument("--trace", action="store_true")
    parser.add_argument("--count", type=int, default=FIXED_COUNT)
    parser.add_argument("--fresh", type=int, default=FRESH_COUNT)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    extension_path()
    if options.script:
        text = options.script.read_text(encoding="utf-8")
        return 0 if run_one(ast.literal_eval(text), options.trace) else 1
    if options.seed is not None:
        return 0 if run_one(make_schedule(options.seed), options.trace) else 1
    return 0 if run_all(options.count, options.fresh, options.jobs) else 1


if __name__ == "__main__":
    sys.exit(main())

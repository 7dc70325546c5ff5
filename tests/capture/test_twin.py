"""Random SQL on a tracked table and on an untracked twin: see twin.py."""

import os
import random
import unittest

from seeds import fixed_and_fresh
from twin import PRAGMAS, SHAPES, TRIGGERS, Twins

SCHEDULES = int(os.environ.get("REPLIC_SCHEDULES", "300"))
STEPS = 40


def run(seed, steps=STEPS, show=False):
    """The first fault of a schedule, with the statements that led there; None when there is none."""
    choose = random.Random(seed)
    shape = choose.choice(sorted(SHAPES))
    triggers = choose.sample(sorted(TRIGGERS), choose.choice([0, 0, 1, 2]))
    pragmas = {name: choose.randint(0, 1) for name in PRAGMAS}
    twins = Twins(seed, shape, choose.random() < 0.4, triggers, pragmas, choose.random() < 0.5)
    log = [f"seed {seed}: {shape}, {triggers}, {pragmas}, keeps_rows={twins.keeps_rows}"]
    try:
        for _ in range(steps):
            sql, ours, theirs = twins.step()
            log.append(f"{sql};  -- {theirs}")
            if ours != theirs:
                return "\n".join(log + [f"here it is {ours}"])
            faults = twins.faults()
            if faults:
                return "\n".join(log + faults)
    finally:
        twins.close()
    if show:
        print("\n".join(log))
    return None


class TwinTest(unittest.TestCase):
    def test_random_sql_does_to_a_tracked_table_what_it_does_to_an_untracked_one(self):
        for seed in fixed_and_fresh(SCHEDULES, SCHEDULES // 5):
            fault = run(seed)
            self.assertIsNone(fault, fault)


if __name__ == "__main__":
    unittest.main()

"""Tests of the property test itself, on peers made of the oracle: planted faults are found."""

import contextlib
import io
import unittest

import engine
from engine import Suite
from fake_constraint_peer import FAULTS, FakeConstraintPeer
from unit_run import UnitRun
from unit_schedule import make_schedule, simpler_schedules

SEEDS = range(1, 121)


def with_fault(fault):
    def make_peer(peer_id, kind, pragma):
        return FakeConstraintPeer(peer_id, kind, pragma, fault)
    return Suite("test_units.py", make_schedule, UnitRun, lambda *_: make_peer, simpler_schedules)


class HarnessTest(unittest.TestCase):
    def test_a_peer_that_follows_the_oracle_passes(self):
        for seed in SEEDS:
            self.assertIsNone(engine.run_schedule(make_schedule(seed), with_fault(None)), seed)

    def test_each_planted_fault_is_found(self):
        for fault in FAULTS:
            with self.subTest(fault=fault):
                self.assertTrue(any(engine.run_schedule(make_schedule(seed), with_fault(fault))
                                    for seed in SEEDS))

    def test_a_failing_schedule_shrinks_to_few_events_and_reads_back(self):
        suite = with_fault("never tried again")
        seed, failure = next((s, f) for s in SEEDS
                             for f in [engine.run_schedule(make_schedule(s), suite)] if f)
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            small = engine.explain(make_schedule(seed), failure, suite)
        self.assertLessEqual(len(small["events"]), 4, printed.getvalue())
        self.assertIn(f"--seed {seed}", printed.getvalue())

    def test_equal_seeds_make_equal_schedules(self):
        self.assertEqual(make_schedule(3), make_schedule(3))
        self.assertNotEqual(make_schedule(3), make_schedule(4))


if __name__ == "__main__":
    unittest.main()

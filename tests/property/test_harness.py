"""Tests of the property test itself, on peers made of the oracle: planted faults are found."""

import contextlib
import io
import os
import unittest

import engine
from engine import Suite
from fake_peer import FAULTS, FakePeer
from runner import Run
from schedule import make_schedule
from shrink import simpler_schedules


def suite_of(make_peer):
    return Suite("test_convergence.py", make_schedule, Run, lambda *_: make_peer,
                 simpler_schedules)


def with_fault(fault):
    return suite_of(lambda peer_id, kind: FakePeer(peer_id, kind, fault))


class HarnessTest(unittest.TestCase):
    def test_peers_that_follow_the_oracle_pass(self):
        for seed in range(1, 41):
            self.assertIsNone(engine.run_schedule(make_schedule(seed), with_fault(None)), seed)

    def test_each_planted_fault_is_found(self):
        for fault in FAULTS:
            with self.subTest(fault=fault):
                self.assertTrue(any(engine.run_schedule(make_schedule(seed), with_fault(fault))
                                    for seed in range(1, 41)))

    def test_a_failing_schedule_shrinks_to_few_events_and_reads_back(self):
        suite = with_fault("arrival order")
        seed, failure = next((s, f) for s in range(1, 41)
                             for f in [engine.run_schedule(make_schedule(s), suite)] if f)
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            small = engine.explain(make_schedule(seed), failure, suite)
        self.assertLessEqual(len(small["events"]), 5, printed.getvalue())
        self.assertIn(f"--seed {seed}", printed.getvalue())

    def test_a_crash_is_a_failure_with_its_seed(self):
        crash = suite_of(lambda peer_id, kind: os.abort())
        with contextlib.redirect_stdout(io.StringIO()):
            seed, (kind, text) = engine.run_many([5, 6], crash)
        self.assertIn(seed, (5, 6))
        self.assertEqual((kind, text), ("crash", "killed by SIGABRT"))

    def test_equal_seeds_make_equal_schedules(self):
        self.assertEqual(make_schedule(3), make_schedule(3))
        self.assertNotEqual(make_schedule(3), make_schedule(4))


if __name__ == "__main__":
    unittest.main()

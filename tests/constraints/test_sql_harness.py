"""Tests of the property test of plain SQL itself, on peers made of the oracle and of differences."""

import contextlib
import io
import unittest

import engine
from engine import Suite
from fake_sql_peer import FAULTS, FakeSqlPeer
from sql_run import SqlRun
from sql_schedule import make_schedule, simpler_schedules


def with_fault(fault):
    def make_peer(peer_id, kind, pragmas):
        return FakeSqlPeer(peer_id, kind, pragmas, fault)
    return Suite("test_sql.py", make_schedule, SqlRun, lambda *_: make_peer, simpler_schedules)


def schedules(last):
    """Those of plain SQL alone, and without tombstone columns, which a difference does not know."""
    for seed in range(1, last + 1):
        made = make_schedule(seed)
        if not made["mixed"] and all(table["tombstone"] is None for table in made["tables"]):
            yield made


class HarnessTest(unittest.TestCase):
    def test_a_peer_that_follows_the_oracle_passes(self):
        for schedule in schedules(200):
            self.assertIsNone(engine.run_schedule(schedule, with_fault(None)), schedule["seed"])

    def test_each_planted_fault_is_found(self):
        for fault in FAULTS:
            with self.subTest(fault=fault):
                self.assertTrue(any(engine.run_schedule(schedule, with_fault(fault))
                                    for schedule in schedules(1000)))

    def test_a_failing_schedule_shrinks_to_few_events_and_reads_back(self):
        suite = with_fault("nothing deleted")
        schedule, failure = next((s, f) for s in schedules(200)
                                 for f in [engine.run_schedule(s, suite)] if f)
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            small = engine.explain(schedule, failure, suite)
        self.assertLessEqual(sum(len(e.get("steps", [0])) for e in small["events"]), 4,
                             printed.getvalue())

    def test_equal_seeds_make_equal_schedules(self):
        self.assertEqual(make_schedule(3), make_schedule(3))
        self.assertNotEqual(make_schedule(3), make_schedule(4))


if __name__ == "__main__":
    unittest.main()

"""The property test of constraints and groups: random units of ghost peers, delivered to one
database in random order, against the oracle.

By itself it runs fixed seeds and some fresh ones; command_line.py says what else it can do.
$REPLIC_SCHEDULES: another number of fixed seeds.
"""

import os
import sys
import unittest

import command_line
from engine import Suite
from peer import extension_path
from unit_run import ConstraintPeer, UnitRun
from unit_schedule import make_schedule, simpler_schedules

FIXED_COUNT = int(os.environ.get("REPLIC_SCHEDULES", "1500"))
FRESH_COUNT = 100


def constraint_peers(folder, trace=False):
    return lambda peer_id, kind, pragma: ConstraintPeer(peer_id, kind, folder, trace, pragma)


SUITE = Suite("test_units.py", make_schedule, UnitRun, constraint_peers, simpler_schedules)


class UnitsTest(unittest.TestCase):
    def test_a_database_agrees_with_the_oracle_in_every_order(self):
        extension_path()
        self.assertTrue(command_line.run_all(SUITE, FIXED_COUNT, FRESH_COUNT),
                        "see the schedule above")


if __name__ == "__main__":
    sys.exit(command_line.main(SUITE, FIXED_COUNT, FRESH_COUNT))

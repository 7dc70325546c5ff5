"""The property test of convergence: random schedules on real peers against the oracle.

By itself it runs 2,000 fixed seeds and 100 fresh ones; command_line.py says what else it can do.
$REPLIC_SCHEDULES: another number of fixed seeds.
"""

import os
import sys
import unittest

import command_line
from engine import Suite
from peer import SqlPeer, extension_path
from runner import Run
from schedule import make_schedule
from shrink import simpler_schedules

FIXED_COUNT = int(os.environ.get("REPLIC_SCHEDULES", "2000"))
FRESH_COUNT = 100


def sql_peers(folder, trace=False):
    return lambda peer_id, kind: SqlPeer(peer_id, kind, folder, trace)


SUITE = Suite("test_convergence.py", make_schedule, Run, sql_peers, simpler_schedules)


class ConvergenceTest(unittest.TestCase):
    def test_peers_agree_with_the_oracle_and_with_each_other(self):
        extension_path()
        self.assertTrue(command_line.run_all(SUITE, FIXED_COUNT, FRESH_COUNT),
                        "see the schedule above")


if __name__ == "__main__":
    sys.exit(command_line.main(SUITE, FIXED_COUNT, FRESH_COUNT))

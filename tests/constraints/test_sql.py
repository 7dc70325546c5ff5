"""The property test of plain SQL: peers whose INSERT, UPDATE and DELETE are captured write under
constraints, exchange what they wrote in random order, and are held against the oracle.

By itself it runs fixed seeds and some fresh ones; command_line.py says what else it can do.
$REPLIC_SCHEDULES: another number of fixed seeds.
"""

import os
import sys
import unittest

import command_line
from capture_peer import CapturePeer
from engine import Suite
from peer import extension_path
from sql_run import SqlRun
from sql_schedule import make_schedule, simpler_schedules

FIXED_COUNT = int(os.environ.get("REPLIC_SCHEDULES", "400"))
FRESH_COUNT = 40


def capture_peers(folder, trace=False):
    return lambda peer_id, kind, pragmas: CapturePeer(peer_id, kind, folder, trace, pragmas)


SUITE = Suite("test_sql.py", make_schedule, SqlRun, capture_peers, simpler_schedules)


class SqlTest(unittest.TestCase):
    def test_peers_that_write_sql_agree_with_the_oracle_and_with_each_other(self):
        extension_path()
        self.assertTrue(command_line.run_all(SUITE, FIXED_COUNT, FRESH_COUNT),
                        "see the schedule above")


if __name__ == "__main__":
    sys.exit(command_line.main(SUITE, FIXED_COUNT, FRESH_COUNT))

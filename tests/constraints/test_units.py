"""The property test of constraints and groups: random units of ghost peers, delivered to one
database in random order, against the oracle.

By itself it runs fixed seeds and some fresh ones; command_line.py says what else it can do.
$REPLIC_SCHEDULES: another number of fixed seeds.
"""

import os
import sys
import tempfile
import unittest

import command_line
from engine import Suite
from peer import extension_path
from unit_run import ConstraintPeer, UnitRun
from unit_schedule import make_schedule, simpler_schedules
from wire import write_message

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

    def test_the_option_is_that_of_the_connection_which_tracks_first(self):
        for pragma in (0, 1):
            with self.subTest(foreign_keys=pragma), tempfile.TemporaryDirectory() as folder:
                peer = ConstraintPeer(11, "file", folder, pragma=pragma)
                for name, kind in (("parent", ""), ("child", ", p REFERENCES parent")):
                    peer.run(f"CREATE TABLE {name}(id INTEGER PRIMARY KEY{kind})")
                    peer.run(f"SELECT replic_track('{name}', '{{\"mode\":\"manual\"}}')")
                    peer.close()
                    peer.pragma = 1 - pragma  # of the connections from now on
                orphan = write_message(901, 1, 1000, "child", {"id": 1, "p": 7})
                peer.apply([orphan])
                self.assertEqual(peer.read("SELECT replic_option('foreign_keys')"), [(pragma,)])
                self.assertEqual(peer.rows("child", ["id", "p"]), [] if pragma else [(1, 7)])
                peer.close()


if __name__ == "__main__":
    sys.exit(command_line.main(SUITE, FIXED_COUNT, FRESH_COUNT))

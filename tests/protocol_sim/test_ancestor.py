"""Peers that speak the ancestor's wire share a cluster with ours, and all converge.

    test_ancestor.py           the named cases, COUNT fixed seeds and some fresh ones
    test_ancestor.py SEED      one random schedule, with every call that changes a peer

The extension is $REPLIC_SO, or build/replic.so.
"""

import json
import random
import sys
import tempfile
import unittest

from ancestor import Ancestor
from cluster import Cluster, NotLevel
from seeds import fixed_and_fresh

COUNT = 60
FRESH = 5
COLUMNS = {"fact": ("id", "a", "b", "c"), "shared": ("id", "x", "y", "deletedAt")}


class MixedCluster(Cluster):
    """Ours, the Peers, and ancestors."""

    def add_ancestor(self, peer_id, retention=10**9):
        ancestor = Ancestor(self, f"a{len(self.peers) + 1}", peer_id, COLUMNS, retention)
        self.peers.append(ancestor)
        return ancestor

    @property
    def ancestors(self):
        return [peer for peer in self.peers if isinstance(peer, Ancestor)]

    @property
    def ours(self):
        return [peer for peer in self.peers if not isinstance(peer, Ancestor)]

    def arrive(self, on_arrival=None):
        super().arrive(on_arrival)
        for ancestor in self.ancestors:
            for message in ancestor.outbox:
                self.ship(ancestor, message)
            ancestor.outbox = []

    def write_random(self, peer):
        """A write without an explicit NULL: those are told among ours alone."""
        if self.rng.random() < 0.5:
            return peer.write_fact()
        values = {"id": self.rng.randrange(4)}
        for name, value in (("x", self.rng.randrange(5)), ("y", self.rng.choice("pq")),
                            ("deletedAt", 1767225600000)):
            if self.rng.random() < 0.4:
                values[name] = value
        if isinstance(peer, Ancestor):
            return peer.write("shared", values)
        return peer.patch("shared", values)

    def is_level(self):
        return not self.difference()

    def difference(self):
        pictures = [(peer.name, peer.picture()) for peer in self.ours]
        name, first = pictures[0]
        lines = [f"{name} and {other}: {first} {picture}" for other, picture in pictures[1:]
                 if picture != first]
        if first["missing"]:
            lines.append(f"{name} lacks {first['missing']}")
        last = {peer: ranges[-1][1] for peer, ranges in first["vector"].items()}
        for ancestor in self.ancestors:
            if ancestor.vector() != last:
                lines.append(f"{ancestor.name} has {ancestor.vector()}, not {last}")
            for table in COLUMNS:
                theirs, ours = ancestor.rows(table), self.rows_of_ours(table)
                if theirs != ours:
                    lines.append(f"{table} of {ancestor.name}: {theirs}, not {ours}")
        return "\n".join(lines)

    def rows_of_ours(self, table):
        names = COLUMNS[table]
        return {row[0]: {name: value for name, value in zip(names, row) if value is not None}
                for row in self.ours[0].rows(f"SELECT {', '.join(names)} FROM {table}")}

    def check_level(self):
        if not self.is_level():
            raise NotLevel(self.difference())
        for peer in self.ours:
            problems = peer.rows("SELECT * FROM replic_check")
            if problems or peer.lost_facts():
                raise NotLevel(f"{peer.name}: {problems} {peer.lost_facts()}")


def run_schedule(seed, trace=False):
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="replic-sim-") as folder:
        cluster = MixedCluster(rng, folder, trace)
        for _ in range(rng.randint(1, 3)):
            cluster.add(rng.choice(("memory", "file", "wal")))
        for number in range(rng.randint(1, 3)):
            cluster.add_ancestor(1000 + number)
        network = cluster.network
        network.loss = network.doubling = 0.3
        for _ in range(rng.randint(20, 50)):
            peer = rng.choice(cluster.peers)
            event = rng.random()
            if event < 0.45:
                cluster.ship(peer, cluster.write_random(peer))
            elif event < 0.50 and isinstance(peer, Ancestor):
                cluster.ship(peer, peer.write_statistics())
            elif event < 0.60:
                cluster.ping(peer)
            elif event < 0.65:
                peer.restart()
            else:
                for _ in range(min(rng.randint(1, 4), len(network.in_flight))):
                    cluster.arrive()
        cluster.heal_by_ping()
        cluster.check_level()
        cluster.close()


class AncestorTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="replic-sim-")
        self.addCleanup(folder.cleanup)
        self.cluster = MixedCluster(random.Random(self.id()), folder.name)
        self.addCleanup(self.cluster.close)

    def heal(self):
        self.cluster.network.loss = self.cluster.network.doubling = 0.3
        self.cluster.heal_by_ping()
        self.cluster.check_level()

    def test_a_random_cluster_converges_in_both_directions_under_loss(self):
        for seed in fixed_and_fresh(COUNT, FRESH):
            try:
                run_schedule(seed)
            except Exception:
                print(f"FAILED; replay: test_ancestor.py {seed}", flush=True)
                raise

    def test_pings_before_the_first_write(self):
        ours, theirs = self.cluster.add(), self.cluster.add_ancestor(1000)
        ping = theirs.ping()
        self.assertEqual(json.loads(ping)["seq"], 0)
        ours.apply(ping)
        self.assertEqual(ours.answers(ping), [])
        ping = json.loads(ours.ping())
        self.assertEqual((ping["seq"], ping["at"], ping["tab"]), (0, 0, "_"))
        self.assertEqual([len(held) for held in ping["delta"].values()], [6])
        theirs.apply(json.dumps(ping))
        self.assertEqual(theirs.outbox, [])
        self.heal()

    def test_a_row_sent_again_whole_is_the_same_patch(self):
        ours, theirs = self.cluster.add(), self.cluster.add_ancestor(1000)
        ours.apply(theirs.write("shared", {"id": 1, "x": 5}))
        ours.patch("shared", {"id": 1, "y": "later"})
        request = json.dumps({"type": 30, "peer": 1000, "minSeq": 1, "maxSeq": 1,
                              "forPeer": ours.id})
        whole, = theirs.answers(request)
        self.assertEqual(json.loads(whole)["delta"],
                         {"id": 1, "x": 5, "y": None, "deletedAt": None})
        self.assertEqual(ours.apply(whole), 0)
        self.assertEqual(ours.status()["collisions"], 0)
        self.heal()

    def test_statistics_take_a_seq_and_hold_no_data(self):
        ours, theirs = self.cluster.add(), self.cluster.add_ancestor(1000)
        theirs.write_fact()
        ours.apply(theirs.write_statistics())
        self.assertEqual(ours.rows("SELECT peer, min_seq, max_seq FROM replic_missing"),
                         [(1000, 1, 1)])
        self.heal()
        self.assertEqual(ours.vector()[1000], [[1, 2]])
        self.assertEqual(ours.rows("SELECT * FROM replic_pending"), [])

    def test_patches_beyond_the_retention_come_from_another_holder(self):
        holder, late = self.cluster.add(), self.cluster.add()
        theirs, other = self.cluster.add_ancestor(1000, retention=3), \
            self.cluster.add_ancestor(1001)
        for _ in range(10):
            holder.apply(theirs.write_fact())
        self.heal()
        self.assertEqual(late.vector()[1000], [[1, 10]])
        self.assertEqual(other.vector()[1000], 10)

    def test_an_ancestor_is_not_asked_for_what_it_never_re_sends(self):
        ours, holder = self.cluster.add(), self.cluster.add()
        first, second = self.cluster.add_ancestor(1000), self.cluster.add_ancestor(1001)
        message = first.write_fact()
        for peer in (holder, second):
            peer.apply(message)
        for peer in (holder, second):
            ping = peer.ping()
            ours.apply(ping)
        self.assertEqual(ours.answers(second.ping()), [])
        self.assertEqual(len(ours.answers(holder.ping())), 1)

    def test_what_is_gone_comes_to_an_ancestor_as_voids(self):
        ours, theirs = self.cluster.add(), self.cluster.add_ancestor(1000)
        ours.apply(theirs.ping())
        gone = {"type": 40, "peer": 77, "minSeq": 1, "maxSeq": 3}
        patch = {"type": 10, "at": 5, "peer": 77, "seq": 4, "ver": 1, "tab": "fact",
                 "delta": {"id": "r", "a": "x"}}
        ours.apply(json.dumps([patch, gone]))
        self.assertEqual(ours.vector(), {77: [[1, 4]]})
        theirs.apply(json.dumps(patch))
        self.heal()
        self.assertEqual(theirs.vector()[77], 4)

    def test_an_ancestor_acknowledges(self):
        ours, theirs = self.cluster.add(), self.cluster.add_ancestor(1000)
        for _ in range(3):
            theirs.apply(ours.write_fact())
        ours.apply(theirs.ping())
        self.assertEqual(ours.rows("SELECT acked_seq FROM replic_peers WHERE peer = 1000"), [(3,)])
        self.heal()


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1].isdigit():
        run_schedule(int(sys.argv[1]), trace=True)
    else:
        unittest.main()

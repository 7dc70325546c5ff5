"""Files that are copied, restored or lose their last commits: found, told, healed.

DESIGN.md section 3, points 5 and 6. Whatever happens, in the end every acknowledged write is
visible on every peer, all are equal, and the former identities are told in replic_status.

    test_identity.py           the named cases, COUNT fixed seeds and some fresh ones
    test_identity.py SEED      one random schedule, with every call that changes a peer
"""

import json
import random
import sys
import tempfile
import unittest

from cluster import Cluster
from seeds import fixed_and_fresh

COUNT = 60
FRESH = 5
WAYS = {"ping": Cluster.heal_by_ping, "sync": Cluster.heal_by_sync, "pull": Cluster.heal_by_pull,
        "sync in pages": lambda cluster: cluster.heal_by_sync(200)}


class IdentityTest(unittest.TestCase):
    def setUp(self):
        self.start()

    def start(self):
        """An empty cluster; a sub-test that needs another one calls it again."""
        folder = tempfile.TemporaryDirectory(prefix="replic-sim-")
        self.addCleanup(folder.cleanup)
        self.cluster = Cluster(random.Random(self.id()), folder.name)
        self.addCleanup(self.cluster.close)
        self.folder = folder.name

    def every_way(self, scenario):
        """Runs `scenario`, a method without arguments, and heals its cluster: by each way."""
        for name, heal in WAYS.items():
            with self.subTest(way=name):
                self.start()
                self.forked = ()
                scenario()
                heal(self.cluster)
                self.cluster.check_level()
                for peer in self.forked:
                    self.assertIn("FORMER_IDENTITY", peer.problems())
                for peer in self.cluster.peers:
                    peer.write_fact()
                heal(self.cluster)
                self.cluster.check_level()
                ids = [peer.id for peer in self.cluster.peers]
                self.assertEqual(len(set(ids)), len(ids), "two peers write under one identity")

    def add(self, *kinds):
        return [self.cluster.add(kind) for kind in kinds]

    def give(self, source, *targets):
        """Delivers everything that `source` has, but not what it tells of itself."""
        for target in targets:
            for message in source.changes():
                target.apply(message)

    # --- replic_fork -----------------------------------------------------------------------------

    def test_a_fork_goes_on_under_a_new_identity(self):
        a, b = self.add("file", "file")
        a.write_facts(3)
        former = a.id
        self.assertEqual(a.one("SELECT replic_fork(4711)"), 4711)
        self.assertEqual(a.id, 4711)
        a.write_facts(2)
        self.assertEqual(a.vector(), {former: [[1, 3]], 4711: [[1, 2]]})
        self.assertEqual(a.one("SELECT replic_init(?)", former), 4711, "it was ours once")
        self.assertIn("FORMER_IDENTITY", a.problems())
        self.cluster.heal_by_ping()
        self.cluster.check_level()

    # --- our own patches come back ---------------------------------------------------------------

    def test_a_restored_backup_that_hears_of_its_lost_patches_before_it_writes(self):
        def scenario():
            a, b = self.add("file", "file")
            a.write_facts(3)
            self.cluster.backup(a, self.folder + "/backup.db")
            a.write_facts(4)
            self.give(a, b)
            self.cluster.restore(a, self.folder + "/backup.db")
            self.give(b, a)
            self.assertEqual(a.lost_facts(), {})
            a.write_facts(2)
            self.forked = (a,)
        self.every_way(scenario)

    def test_a_restored_backup_that_writes_first(self):
        def scenario():
            a, b = self.add("file", "file")
            a.write_facts(3)
            self.cluster.backup(a, self.folder + "/backup.db")
            a.write_facts(4)
            self.give(a, b)
            self.cluster.restore(a, self.folder + "/backup.db")
            a.write_facts(2)
            self.forked = (a,)
        self.every_way(scenario)

    def test_a_restored_backup_that_writes_as_much_as_it_lost(self):
        def scenario():
            a, b = self.add("file", "file")
            a.write_facts(3)
            self.cluster.backup(a, self.folder + "/backup.db")
            a.write_facts(4)
            self.give(a, b)
            self.cluster.restore(a, self.folder + "/backup.db")
            a.write_facts(4)
            self.forked = (a,)
        self.every_way(scenario)

    def test_a_restored_backup_that_writes_more_than_it_lost(self):
        def scenario():
            a, b = self.add("file", "file")
            a.write_facts(3)
            self.cluster.backup(a, self.folder + "/backup.db")
            a.write_facts(2)
            self.give(a, b)
            self.cluster.restore(a, self.folder + "/backup.db")
            a.write_facts(150)
            self.forked = (a,)
        self.every_way(scenario)

    def test_a_backup_restored_twice_each_life_known_to_another_peer(self):
        def scenario():
            a, b, c = self.add("file", "file", "file")
            a.write_facts(3)
            self.cluster.backup(a, self.folder + "/backup.db")
            for other in (b, c):
                a.write_facts(4)
                self.give(a, other)
                self.cluster.restore(a, self.folder + "/backup.db")
            a.write_facts(4)
            self.forked = (a,)
        self.every_way(scenario)

    def test_a_restored_backup_whose_lives_meet_elsewhere_first(self):
        def scenario():
            a, b, c = self.add("file", "file", "file")
            a.write_facts(3)
            self.cluster.backup(a, self.folder + "/backup.db")
            a.write_facts(4)
            self.give(a, b)
            self.cluster.restore(a, self.folder + "/backup.db")
            a.write_facts(4)
            self.give(a, c)
            self.give(b, c)
            self.give(c, b)
            self.forked = (a,)
        self.every_way(scenario)

    def test_a_backup_from_before_the_last_fork(self):
        def scenario():
            a, b = self.add("file", "file")
            a.write_facts(3)
            self.cluster.backup(a, self.folder + "/backup.db")
            a.write_facts(2)
            a.one("SELECT replic_fork()")
            a.write_facts(2)
            self.give(a, b)
            self.cluster.restore(a, self.folder + "/backup.db")
            a.write_facts(3)
            self.forked = (a,)
        self.every_way(scenario)

    # --- a peer's word ---------------------------------------------------------------------------

    def test_a_ping_that_says_it_holds_more_of_us_than_we_wrote(self):
        a, b = self.add("file", "file")
        a.write_facts(2)
        former = a.id
        b.apply(json.dumps({"type": 20, "at": 0, "peer": 99, "seq": 0, "ver": 1, "tab": "_",
                            "delta": {}}))
        ping = {"type": 20, "at": 0, "peer": 99, "seq": 0, "ver": 1, "tab": "_",
                "delta": {str(former): [0, 2, 0, 2, 0, 0]}}
        a.apply(json.dumps(ping))
        self.assertEqual(a.id, former, "two is what we wrote")
        ping["delta"][str(former)][1] = 3
        a.apply(json.dumps(ping))
        self.assertNotEqual(a.id, former)
        a.apply(json.dumps(ping))
        self.assertEqual(a.rows("SELECT peer, min_seq, max_seq FROM replic_missing"),
                         [(former, 3, 3)])
        self.assertEqual(b.id, b.id)

    def test_an_echo_of_our_own_ping_changes_nothing(self):
        a, = self.add("file")
        a.write_facts(2)
        former, old = a.id, a.ping()
        a.write_facts(2)
        for ping in (old, a.ping()):
            a.apply(ping)
            self.assertEqual(a.answers(ping), [])
        self.assertEqual(a.id, former)

    # --- copies ----------------------------------------------------------------------------------

    def copies_then_third_peers(self, writes, copy_count=1, chain=False):
        """Each side's writes are delivered to a different third peer first."""
        def scenario():
            originals = self.add("file")
            thirds = self.add(*["file"] * (copy_count + 1))
            originals[0].write_facts(3)
            self.give(originals[0], *thirds)
            for _ in range(copy_count):
                originals.append(self.cluster.copy(originals[-1 if chain else 0]))
                if chain:
                    originals[-1].write_facts(2)
            for side, third in zip(originals, thirds):
                side.write_facts(writes)
                self.give(side, third)
            self.forked = originals[1:]
        return scenario

    def test_a_copied_file_written_on_both_sides(self):
        self.every_way(self.copies_then_third_peers(1))

    def test_a_copied_file_written_often_on_both_sides(self):
        self.every_way(self.copies_then_third_peers(100))

    def test_three_copies(self):
        self.every_way(self.copies_then_third_peers(5, copy_count=3))

    def test_copies_of_copies(self):
        self.every_way(self.copies_then_third_peers(3, copy_count=3, chain=True))

    def test_a_copy_and_its_original_alone(self):
        for mine, yours in ((1, 1), (3, 1), (1, 3), (70, 70)):
            def scenario(mine=mine, yours=yours):
                a, = self.add("file")
                a.write_facts(2)
                b = self.cluster.copy(a)
                a.write_facts(mine)
                b.write_facts(yours)
                self.forked = (b,)
            with self.subTest(mine=mine, yours=yours):
                self.every_way(scenario)

    def test_copies_that_write_nothing_but_hold_different_patches_of_others(self):
        def scenario():
            a, = self.add("file")
            a.write_facts(2)
            b, c = self.cluster.copy(a), self.cluster.copy(a)
            for copy, ghost in ((b, 77), (c, 78)):
                copy.apply("".join(json.dumps(
                    {"type": 10, "at": 1000 + seq, "peer": ghost, "seq": seq, "ver": 1,
                     "tab": "shared", "delta": {"id": ghost, "y": "p"}}) for seq in (1, 2, 3)))
        self.every_way(scenario)

    def test_a_copy_whose_sides_meet_at_a_third_peer_only(self):
        def scenario():
            a, third = self.add("file", "file")
            a.write_facts(2)
            b = self.cluster.copy(a)
            a.write_facts(2)
            b.write_facts(3)
            self.cluster.are_linked = lambda x, y: third in (x, y)
        self.every_way(scenario)

    def test_both_sides_go_on_writing_between_the_exchanges(self):
        def scenario():
            a, third = self.add("file", "file")
            b = self.cluster.copy(a)
            for _ in range(5):
                a.write_facts(2)
                b.write_facts(2)
                self.give(a, third)
                third.apply(b.bundle(third.vector_text()))
                a.apply(third.ping())
                b.apply(third.ping())
        self.every_way(scenario)

    # --- content sums ----------------------------------------------------------------------------

    def test_one_difference_in_thousands_of_equal_patches_is_narrowed_down(self):
        for count, place in ((3000, 1), (3000, 1500), (5000, 5000)):
            for way in ("ping", "sync"):
                with self.subTest(count=count, place=place, way=way):
                    self.start()
                    a, b = self.add("memory", "memory")
                    self.two_contents(a, b, count, place)
                    bytes_before = self.count_bytes()
                    WAYS[way](self.cluster)
                    self.cluster.check_level()
                    self.assertLess(bytes_before() if way == "ping" else 0, 60_000)
                    for peer in (a, b):
                        self.assertEqual(
                            peer.rows("SELECT peer, seq, reason FROM replic_pending"),
                            [(77, place, "identity")])
                        self.assertIn("PARKED_identity", peer.problems())

    @staticmethod
    def two_contents(a, b, count, place):
        """Both hold patches 1 to count of one peer; of patch number `place` each other content."""
        for peer, value in ((a, "one"), (b, "other")):
            peer.apply("".join(json.dumps(
                {"type": 10, "at": 1000 + seq, "peer": 77, "seq": seq, "ver": 1, "tab": "shared",
                 "delta": {"id": 1000 + seq, "y": value if seq == place else "same"}})
                for seq in range(1, count + 1)))

    def count_bytes(self):
        """How many bytes are sent from now on."""
        network, send, sizes = self.cluster.network, self.cluster.network.send, []

        def counting(source, target, message):
            sizes.append(len(message))
            send(source, target, message)

        network.send = counting
        return lambda: sum(sizes)

    def test_differences_are_narrowed_down_under_loss(self):
        a, b, c = self.add("memory", "memory", "memory")
        self.two_contents(a, b, 2000, 700)
        self.two_contents(c, c, 2000, 1300)
        self.cluster.network.loss = self.cluster.network.doubling = 0.3
        self.cluster.heal_by_ping()
        self.cluster.check_level()

    # --- power loss ------------------------------------------------------------------------------

    def test_a_power_loss_after_writes_that_were_not_synchronous(self):
        for synchronous, forks in (("NORMAL", True), ("OFF", True), ("FULL", False),
                                   ("EXTRA", False)):
            with self.subTest(synchronous=synchronous):
                self.start()
                a, b = self.add("wal", "file")
                a.synchronous = synchronous
                a.restart()
                a.one("SELECT replic_fork()")  # the set-up was written with another setting
                a.one("UPDATE _replic_state SET unsafe = 0, boot = ''")
                a.write_facts(3)
                former = a.id
                self.cluster.backup(a, self.folder + "/durable.db")
                if forks:
                    a.write_facts(2)  # acknowledged and shipped, then lost
                    self.give(a, b)
                    self.cluster.restore(a, self.folder + "/durable.db")
                a.db.execute("UPDATE _replic_state SET boot = 'another boot of the machine'")
                a.restart()
                self.assertEqual(a.id, former, "nothing is written yet")
                a.write_facts(2)
                self.assertEqual(a.id != former, forks)
                now = a.id
                a.write_facts(2)
                self.assertEqual(a.id, now, "one new identity a boot")
                self.cluster.heal_by_ping()
                self.cluster.check_level()

    def test_a_power_loss_that_takes_the_very_first_writes(self):
        a, b = self.add("wal", "file")
        a.synchronous = "NORMAL"
        a.restart()
        a.one("SELECT replic_fork()")
        former = a.id
        self.cluster.backup(a, self.folder + "/durable.db")
        a.write_facts(2)
        self.give(a, b)
        self.cluster.restore(a, self.folder + "/durable.db")
        a.db.execute("UPDATE _replic_state SET boot = 'another boot of the machine'")
        a.restart()
        a.write_fact()
        self.assertNotEqual(a.id, former)
        self.cluster.heal_by_ping()
        self.cluster.check_level()

    def test_patches_issued_again_after_a_power_loss_have_a_new_identity(self):
        """The identity must not be one whose last seqs may have been lost."""
        a, b, c = self.add("wal", "file", "file")
        a.synchronous = "NORMAL"
        a.restart()
        a.write_facts(2)
        former = a.id
        copy = self.cluster.copy(a)
        a.write_fact()
        copy.write_fact()
        self.give(copy, b)
        a.one("SELECT replic_fork()")
        forked = a.id
        a.write_fact()
        a.db.execute("UPDATE _replic_state SET boot = 'another boot of the machine'")
        self.give(copy, a)  # one of the two is issued again, by a
        self.give(a, c)
        self.assertNotIn(a.id, (former, forked))
        self.cluster.heal_by_ping()
        self.cluster.check_level()

    # --- at random -------------------------------------------------------------------------------

    def test_random_copies_and_restores_heal(self):
        for seed in fixed_and_fresh(COUNT, FRESH):
            try:
                run_schedule(seed)
            except Exception:
                print(f"FAILED; replay: test_identity.py {seed}", flush=True)
                raise


def run_schedule(seed, trace=False):
    """Writes, messages, copies, backups and restores; nobody loses a write for ever."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="replic-sim-") as folder:
        cluster = Cluster(rng, folder, trace)
        for _ in range(rng.choice((2, 3))):
            cluster.add(rng.choice(("file", "wal")))
        network = cluster.network
        network.loss = network.doubling = 0.3
        backups = {}  # peer -> path
        for number in range(rng.randint(20, 50)):
            peer = rng.choice(cluster.peers)
            event = rng.random()
            if event < 0.5:
                cluster.ship(peer, peer.write_random(rng))
            elif event < 0.58:
                cluster.ping(peer)
            elif event < 0.63 and len(cluster.peers) < 5:
                cluster.copy(peer, rng.choice(("file", "wal")))
            elif event < 0.70:
                backups[peer] = f"{folder}/backup{number}.db"
                cluster.backup(peer, backups[peer])
            elif event < 0.76 and peer in backups:
                keep_all(cluster, peer)
                cluster.restore(peer, backups[peer])
            else:
                for _ in range(min(rng.randint(1, 4), len(network.in_flight))):
                    cluster.arrive()
        way = rng.choice(sorted(WAYS))
        if way != "ping":
            network.in_flight.clear()
            network.loss = 0
        WAYS[way](cluster)
        cluster.check_level()
        cluster.close()


def keep_all(cluster, peer):
    """What only `peer` has would be lost with its database: one other receives it as it is."""
    other = cluster.rng.choice([p for p in cluster.peers if p is not peer])
    for message in peer.changes():
        other.apply(message)


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1].isdigit():
        run_schedule(int(sys.argv[1]), trace=True)
    else:
        unittest.main()

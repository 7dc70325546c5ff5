"""A cluster under loss, duplicates, reordering, one-way partitions and restarts heals by each way.

    test_sim.py                the named cases, COUNT fixed seeds of each way and some fresh ones
    test_sim.py WAY SEED       one schedule, with every call that changes a peer

The extension is $REPLIC_SO, or build/replic.so.
"""

import json
import random
import sys
import tempfile
import time
import unittest

from cluster import Cluster
from seeds import fixed_and_fresh

COUNT = 55
FRESH = 5
WAYS = ("ping", "sync", "bundle", "pull", "relay")


def run_schedule(way, seed, trace=False):
    """Random writes and messages on an unreliable network, then healing by `way`."""
    rng = random.Random(f"{way} {seed}")
    with tempfile.TemporaryDirectory(prefix="replic-sim-") as folder:
        cluster = Cluster(rng, folder, trace)
        for position in range(rng.choice((2, 2, 3, 3, 4, 5, 6))):
            kind = rng.choice(("file", "wal") if way == "pull" else ("memory", "file", "wal"))
            cluster.add(kind, 100 + position)
        for peer in cluster.peers:
            peer.one("SELECT replic_option('answer_page', ?)", rng.choice((1, 3, 2000)))
        play(cluster, rng)
        heal(cluster, way, rng)
        cluster.check_level()
        cluster.close()


def play(cluster, rng):
    network = cluster.network
    network.loss = network.doubling = 0.3
    for _ in range(rng.randint(20, 60)):
        peer = rng.choice(cluster.peers)
        event = rng.random()
        if event < 0.45:
            cluster.ship(peer, peer.write_random(rng))
        elif event < 0.55:
            cluster.ping(peer)
        elif event < 0.60:
            peer.restart()
        elif event < 0.65:
            other = rng.choice(cluster.peers)
            network.cut ^= {(peer.name, other.name)}
        else:
            for _ in range(min(rng.randint(1, 4), len(network.in_flight))):
                cluster.arrive()


def heal(cluster, way, rng):
    network = cluster.network
    network.cut.clear()
    if way == "ping":
        cluster.heal_by_ping()
        return
    network.in_flight.clear()
    page = rng.choice((None, None, 1, 200, 200, 1000))
    if way == "sync":
        network.loss = rng.choice((0, 0, 0.3))
        cluster.heal_by_sync(page)
    elif way == "bundle":
        cluster.heal_by_bundles(page)
    elif way == "pull":
        cluster.heal_by_pull()
    else:
        cluster.heal_by_relay()


class ScheduleTest(unittest.TestCase):
    def run_seeds(self, way):
        for seed in fixed_and_fresh(COUNT, FRESH):
            try:
                run_schedule(way, seed)
            except Exception:
                print(f"FAILED; replay: test_sim.py {way} {seed}", flush=True)
                raise

    def test_heals_by_pings_and_answers_alone(self):
        self.run_seeds("ping")

    def test_heals_by_sync(self):
        self.run_seeds("sync")

    def test_heals_by_bundles(self):
        self.run_seeds("bundle")

    def test_heals_by_pull(self):
        self.run_seeds("pull")

    def test_heals_by_relay_of_changes(self):
        self.run_seeds("relay")


class NamedTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="replic-sim-")
        self.addCleanup(folder.cleanup)
        self.cluster = Cluster(random.Random(self.id()), folder.name)
        self.addCleanup(self.cluster.close)
        self.network = self.cluster.network

    def add(self, count, kind="memory"):
        return [self.cluster.add(kind, 101 + position) for position in range(count)]

    def test_the_last_message_is_lost(self):
        a, b = self.add(2)
        for message in a.write_facts(3)[:2]:
            b.apply(message)
        self.assertEqual(self.cluster.heal_by_ping(), 1)
        self.cluster.check_level()

    def test_everything_is_lost_and_the_first_patches_are_missing_too(self):
        a, b = self.add(2)
        b.apply(a.write_facts(4)[2])
        self.assertEqual(b.rows("SELECT peer, min_seq, max_seq, count FROM replic_missing"),
                         [(a.id, 1, 2, 2)])
        self.cluster.heal_by_ping()
        self.cluster.check_level()

    def test_requests_of_replic_missing_are_answered(self):
        a, b = self.add(2)
        b.apply(a.write_facts(4)[2])
        b.apply(a.ping())
        for (request,) in b.rows("SELECT request FROM replic_missing"):
            for answer in a.answers(request):
                b.apply(answer)
        self.cluster.check_level()

    def test_a_peer_that_pings_and_never_answers(self):
        a, mute, c, d = self.add(4)
        for message in a.write_facts(20):
            mute.apply(message)
            c.apply(message)
        self.cluster.are_linked = lambda x, y: not {x, y} == {a, d}
        for _ in range(40):  # d hears of the patches from two holders, one of which is mute
            for peer in (mute, c):
                ping = peer.ping()
                d.apply(ping)
                for request in d.answers(ping):
                    for answer in peer.answers(request) if peer is c else ():
                        d.apply(answer)
        self.assertEqual(d.lost_facts(), {})
        self.assertEqual(d.rows("SELECT * FROM replic_missing"), [])

    def test_the_origin_is_gone_for_ever_and_one_other_holds_its_patches(self):
        for kind, heal in (("memory", Cluster.heal_by_ping), ("memory", Cluster.heal_by_sync),
                           ("memory", Cluster.heal_by_bundles), ("file", Cluster.heal_by_pull),
                           ("memory", Cluster.heal_by_relay)):
            with self.subTest(heal=heal.__name__), tempfile.TemporaryDirectory() as folder:
                self.cluster = Cluster(random.Random(5), folder)
                origin, holder, *_ = self.add(4, kind)
                for number, message in enumerate(origin.write_facts(9)):
                    holder.apply(message)
                    if number % 2:
                        self.cluster.peers[2].apply(message)
                self.cluster.remove(origin)
                self.cluster.network.loss = 0.3 if kind == "memory" else 0
                heal(self.cluster)
                self.cluster.check_level()
                self.cluster.close()
        self.cluster.peers = []

    def test_a_hub_relays_what_spokes_write(self):
        hub, *spokes = self.add(5)
        self.cluster.are_linked = lambda a, b: hub in (a, b)
        sent = {}  # what each peer has sent to the others

        def ship(peer):
            since = sent.get(peer)
            messages = (peer.changes(since) if peer is hub else
                        [m for m in peer.changes(since) if json.loads(m)["peer"] == peer.id])
            sent[peer] = peer.vector_text()
            for message in messages:
                self.cluster.ship(peer, message)

        for number in range(40):
            spoke = spokes[number % 4]
            spoke.write_fact()
            ship(spoke)
            while self.network.in_flight:
                self.cluster.arrive(lambda source, target, message: ship(target))
        self.cluster.check_level()

    def test_a_hub_relays_by_pings_under_loss(self):
        hub, *spokes = self.add(5)
        self.cluster.are_linked = lambda a, b: hub in (a, b)
        self.network.loss = self.network.doubling = 0.3
        for spoke in spokes:
            for message in spoke.write_facts(10):
                self.cluster.ship(spoke, message)
        self.cluster.heal_by_ping()
        self.cluster.check_level()

    def test_one_way_partitions_heal_by_pings_while_two_way_links_join_all(self):
        peers = self.add(4)
        for peer in peers:
            peer.write_facts(5)
        for source, target in zip(peers, peers[1:]):
            self.network.cut.add((source.name, target.name))
        self.cluster.heal_by_ping()
        self.cluster.check_level()

    def test_acknowledgements_and_lag_are_told(self):
        a, b = self.add(2)
        a.write_facts(7)
        b.apply(a.ping())
        missing, lag = b.rows("SELECT missing, lag_ms FROM replic_peers WHERE peer = ?", a.id)[0]
        self.assertEqual(missing, 7)
        self.assertIsNone(lag, "nothing of it is here, so nobody knows how old the first is")
        self.cluster.heal_by_ping()
        self.cluster.heal_by_ping()
        self.assertEqual(a.rows("SELECT acked_seq FROM replic_peers WHERE peer = ?", b.id), [(7,)])
        self.assertEqual(b.rows("SELECT contiguous_seq, missing, lag_ms FROM replic_peers "
                                "WHERE peer = ?", a.id), [(7, 0, 0)])

    def test_answers_come_in_pages(self):
        a, b = self.add(2)
        a.write_facts(10)
        a.one("SELECT replic_option('answer_page', 4)")
        request = json.dumps({"type": 30, "peer": a.id, "minSeq": 1, "maxSeq": 10,
                              "forPeer": b.id})
        answer = [json.loads(m) for m in a.answers(request)]
        # A full page ends with a ping, which makes the asker ask for the next.
        self.assertEqual([m["type"] for m in answer], [10, 10, 10, 10, 20])
        self.assertEqual([m["seq"] for m in answer[:4]], [1, 2, 3, 4])
        # So it does when that much was asked for, but not when there is no more.
        for last, types in (4, [10, 10, 10, 10, 20]), (3, [10, 10, 10]):
            asked = {"type": 30, "peer": a.id, "minSeq": 1, "maxSeq": last, "forPeer": b.id}
            answer = [json.loads(m)["type"] for m in a.answers(json.dumps(asked))]
            self.assertEqual(answer, types)
        asked = {"type": 30, "peer": a.id, "minSeq": 7, "maxSeq": 10, "forPeer": b.id}
        answer = [json.loads(m)["type"] for m in a.answers(json.dumps(asked))]
        self.assertEqual(answer, [10, 10, 10, 10])
        self.cluster.heal_by_ping()
        self.cluster.check_level()

    def test_a_request_backs_off(self):
        a, b = self.add(2)
        a.write_facts(3)
        b.one("SELECT replic_option('retry_ms', 2000)")
        ping = a.ping()
        b.apply(ping)
        self.assertEqual(len(b.answers(ping)), 1)
        self.assertEqual(b.answers(ping), [], "asked again at once")
        deadline = time.monotonic() + 60
        while not b.answers(ping) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertLess(time.monotonic(), deadline, "never asked again")

    def test_one_range_is_not_asked_of_everyone(self):
        peers = self.add(5)
        asker = peers.pop()
        for message in peers[0].write_facts(3):
            for holder in peers[1:]:
                holder.apply(message)
        asker.one("SELECT replic_option('retry_ms', 60000)")
        pings = [holder.ping() for holder in peers]
        for ping in pings:
            asker.apply(ping)
        self.assertEqual(sum(len(asker.answers(ping)) for ping in pings), 1)

    def test_a_dialogue_of_peers_that_differ_little_takes_two_calls_a_side(self):
        a, b = self.add(2)
        a.write_facts(5)
        self.cluster.dialogue(a, b)
        a.write_fact()
        b.write_fact()
        opening = a.sync()
        request = a.sync(b.sync(opening))
        self.assertIsNone(a.sync(b.sync(request)))
        self.cluster.check_level()

    def test_pages_of_a_dialogue_stay_small(self):
        a, b = self.add(2)
        a.write_facts(100)
        b.write_facts(100)
        sizes = []
        message = a.sync()
        while message is not None:
            answer = b.sync(message, 400)
            sizes += [len(message), len(answer)]
            message = a.sync(answer, 400)
        self.assertLess(max(sizes), 700)
        self.cluster.check_level()


if __name__ == "__main__":
    if len(sys.argv) == 3:
        run_schedule(sys.argv[1], int(sys.argv[2]), trace=True)
    else:
        unittest.main()

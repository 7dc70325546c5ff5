"""A cluster of peers with the real extension, and the network between them, both deterministic.

    cluster = Cluster(random.Random(7), folder)
    a, b = cluster.add("file"), cluster.add("memory")
    a.write_fact()
    cluster.heal_by_ping()
    cluster.check_level()

Each acknowledged write of write_fact has a row and column of its own, so that it can be looked for
afterwards: whatever happens, nothing else ever overwrites it.
"""

import json
import pathlib
import sqlite3
import sys

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "support"))

from database import connect  # noqa: E402  (needs the path above)

SCHEMA = """
CREATE TABLE fact(id TEXT PRIMARY KEY, a TEXT, b TEXT, c TEXT);
CREATE TABLE shared(id INTEGER PRIMARY KEY, x INTEGER, y TEXT, deletedAt INTEGER);
CREATE TABLE need(id INTEGER PRIMARY KEY, a TEXT NOT NULL, b TEXT NOT NULL);
SELECT replic_track('fact', '{"mode":"manual"}');
SELECT replic_track('shared', '{"mode":"manual"}');
SELECT replic_track('need', '{"mode":"manual"}');
SELECT replic_option('retry_ms', 0);
"""
COLUMNS = ("a", "b", "c")


class NotLevel(AssertionError):
    """The peers of a cluster are not equal when they should be."""


class Peer:
    """One database. `kind`: memory, file or wal. `path` is None for one in memory."""

    def __init__(self, cluster, name, kind, path=None):
        self.cluster = cluster
        self.name = name
        self.kind = kind
        self.path = path
        self.synchronous = None
        self.db = None
        self.open()

    def open(self):
        self.db = connect(self.path or ":memory:")
        if self.kind == "wal":
            self.one("PRAGMA journal_mode = WAL")
        if self.synchronous:
            self.db.execute(f"PRAGMA synchronous = {self.synchronous}")

    def close(self):
        self.db.close()
        self.db = None

    def restart(self):
        if self.kind != "memory":
            self.close()
            self.open()

    def one(self, sql, *arguments):
        """The first value of the first row."""
        if self.cluster.trace:
            print(f"[{self.name}] {sql} {arguments or ''}", flush=True)
        row = self.db.execute(sql, arguments).fetchone()
        return row and row[0]

    def rows(self, sql, *arguments):
        return self.db.execute(sql, arguments).fetchall()

    # --- what a host calls -----------------------------------------------------------------------

    @property
    def id(self):
        return self.one("SELECT replic_peer()")

    def apply(self, message):
        return self.one("SELECT replic_apply(?)", message)

    def answers(self, message):
        """[message]: what `message` asks for."""
        return [row[0] for row in self.rows("SELECT message FROM replic_answer(?)", message)]

    def ping(self):
        return self.one("SELECT replic_ping()")

    def vector_text(self):
        return self.one("SELECT replic_vector()")

    def vector(self):
        return {int(peer): ranges for peer, ranges in json.loads(self.vector_text()).items()}

    def bundle(self, vector, max_bytes=None):
        return self.one("SELECT replic_bundle(?, ?)", vector, max_bytes)

    def sync(self, *arguments):
        marks = ", ".join("?" * len(arguments))
        return self.one(f"SELECT replic_sync({marks})", *arguments)

    def pull(self, other):
        return self.one("SELECT replic_pull(?)", other.path)

    def changes(self, since=None):
        """[message] of what a holder of `since` lacks."""
        return [row[0] for row in self.rows("SELECT message FROM replic_changes(?)", since)]

    def status(self):
        return json.loads(self.one("SELECT replic_status()"))

    def problems(self):
        return {problem["code"] for problem in self.status()["problems"]}

    # --- writes ----------------------------------------------------------------------------------

    def patch(self, table, values):
        return self.one("SELECT replic_patch(?, ?)", table, json.dumps(values))

    def write_fact(self):
        """Writes a value that nothing overwrites; returns its message."""
        number = len(self.cluster.facts)
        row, column = f"row{number // len(COLUMNS)}", COLUMNS[number % len(COLUMNS)]
        message = self.patch("fact", {"id": row, column: f"fact {number}"})
        self.cluster.facts[row, column] = f"fact {number}"
        return message

    def write_facts(self, count):
        return [self.write_fact() for _ in range(count)]

    def write_random(self, rng):
        """Writes something; returns the message, or None when a constraint forbids it."""
        kind = rng.randrange(3)
        if kind == 0:
            return self.write_fact()
        if kind == 1:
            values = {"id": rng.randrange(4)}
            for name, value in (("x", rng.randrange(5)), ("y", rng.choice("pq")), ("x", None),
                                ("deletedAt", rng.choice((None, 1767225600000)))):
                if rng.random() < 0.4:
                    values[name] = value
            return self.patch("shared", values)
        values = {"id": rng.randrange(3)}
        for name in "ab":
            if rng.random() < 0.6:
                values[name] = rng.choice("rst")
        try:
            return self.patch("need", values)
        except sqlite3.IntegrityError:
            return None

    # --- looking ---------------------------------------------------------------------------------

    def picture(self):
        """What must be equal on all peers that have received the same."""
        pending = sorted(self.rows("SELECT tab, peer, seq, reason, at FROM replic_pending"))
        return {"vector": self.vector(), "digest": self.one("SELECT replic_digest()"),
                "pending": pending, "missing": self.rows("SELECT * FROM replic_missing"),
                "sums": sorted(tuple(s) for s in json.loads(self.ping()).get("sums", {}).items())}

    def lost_facts(self):
        seen = {}
        for row, *values in self.rows("SELECT id, a, b, c FROM fact"):
            seen.update(((row, column), value) for column, value in zip(COLUMNS, values))
        return {place: value for place, value in self.cluster.facts.items()
                if seen.get(place) != value}


class Network:
    """Messages in flight; which is next, which are lost and which doubled is the rng's choice."""

    def __init__(self, rng):
        self.rng = rng
        self.loss = self.doubling = 0.0
        self.cut = set()       # (from, to): nothing gets through that way
        self.in_flight = []

    def loses(self, source, target):
        return (source.name, target.name) in self.cut or self.rng.random() < self.loss

    def send(self, source, target, message):
        for _ in range(2 if self.rng.random() < self.doubling else 1):
            if not self.loses(source, target):
                self.in_flight.append((source, target, message))

    def take(self):
        """A message from the middle of all that are in flight."""
        place = self.rng.randrange(len(self.in_flight))
        self.in_flight[place], self.in_flight[-1] = self.in_flight[-1], self.in_flight[place]
        return self.in_flight.pop()


class Cluster:
    """The peers, and the host loop of each. `links`: who talks to whom; by default all to all."""

    def __init__(self, rng, folder, trace=False):
        self.rng = rng
        self.folder = pathlib.Path(folder)
        self.trace = trace
        self.network = Network(rng)
        self.peers = []
        self.facts = {}
        self.are_linked = lambda a, b: True

    def add(self, kind="memory", peer_id=None, schema=SCHEMA):
        name = f"p{len(self.peers) + 1}"
        path = None if kind == "memory" else str(self.folder / f"{name}.db")
        peer = Peer(self, name, kind, path)
        if peer_id:
            peer.one("SELECT replic_init(?)", peer_id)
        peer.db.executescript(schema)
        self.peers.append(peer)
        return peer

    def copy(self, source, kind="file"):
        """A peer whose file is a copy of that of `source`, identity included."""
        name = f"p{len(self.peers) + 1}"
        path = str(self.folder / f"{name}.db")
        self.backup(source, path)
        peer = Peer(self, name, kind, path)
        self.peers.append(peer)
        return peer

    @staticmethod
    def backup(peer, path):
        target = sqlite3.connect(path)
        peer.db.backup(target)
        target.close()

    @staticmethod
    def restore(peer, path):
        """Puts the backup in the place of the peer's database."""
        source = sqlite3.connect(path)
        source.backup(peer.db)
        source.close()
        peer.restart()

    def remove(self, peer):
        self.peers.remove(peer)
        self.network.in_flight = [m for m in self.network.in_flight if peer not in m[:2]]
        peer.close()

    def close(self):
        for peer in self.peers:
            peer.close()

    def others(self, peer):
        return [other for other in self.peers if other is not peer and self.are_linked(peer, other)]

    def pairs(self):
        """Every linked pair, in random order."""
        pairs = [(a, b) for a in self.peers for b in self.others(a)]
        self.rng.shuffle(pairs)
        return pairs

    # --- the host loop of DESIGN.md, section 4 ---------------------------------------------------

    def ping(self, peer):
        message = peer.ping()
        for other in self.others(peer):
            self.network.send(peer, other, message)

    def ship(self, peer, message):
        for other in self.others(peer):
            if message is not None:
                self.network.send(peer, other, message)

    def arrive(self, on_arrival=None):
        source, target, message = self.network.take()
        if message[0] != "{":
            raise ValueError(f"not a message: {message!r}")
        target.apply(message)
        for answer in target.answers(message):
            self.network.send(target, source, answer)
        if on_arrival:
            on_arrival(source, target, message)

    def drain(self):
        while self.network.in_flight:
            self.arrive()

    # --- healing ---------------------------------------------------------------------------------

    def heal_by_ping(self, rounds=80):
        """Everyone pings everyone on a timer, until all are level. Returns the number of rounds."""
        for number in range(rounds):
            for peer in self.rng.sample(self.peers, len(self.peers)):
                self.ping(peer)
            self.drain()
            if self.is_level():
                return number + 1
        raise NotLevel(f"{rounds} rounds of pings do not heal:\n{self.difference()}")

    def dialogue(self, client, server, max_bytes=None, steps=5000):
        """replic_sync until both are level; it begins anew when a message is lost."""
        message = client.sync()
        for _ in range(steps):
            if message is None:
                return
            lost = self.network.loses(client, server)
            answer = None if lost else server.sync(message, *filter(None, [max_bytes]))
            if lost or self.network.loses(server, client):
                message = client.sync()
            else:
                message = client.sync(*([answer, max_bytes] if max_bytes else [answer]))
        raise NotLevel(f"the dialogue of {client.name} with {server.name} does not end")

    def heal_by_sync(self, max_bytes=None, rounds=12):
        for number in range(rounds):
            for a, b in self.pairs():
                self.dialogue(a, b, max_bytes)
            if self.is_level():
                return number + 1
        raise NotLevel(f"{rounds} rounds of sync do not heal:\n{self.difference()}")

    def heal_by_bundles(self, max_bytes=None, rounds=12, steps=5000):
        for number in range(rounds):
            for a, b in self.pairs():
                for _ in range(steps):
                    bundle = a.bundle(b.vector_text(), max_bytes)
                    if bundle is None:
                        break
                    if not self.network.loses(a, b):
                        b.apply(bundle)
                else:
                    raise NotLevel(f"the pages from {a.name} to {b.name} do not end")
            if self.is_level():
                return number + 1
        raise NotLevel(f"{rounds} rounds of bundles do not heal:\n{self.difference()}")

    def heal_by_pull(self, rounds=12):
        for number in range(rounds):
            for a, b in self.pairs():
                a.pull(b)
            if self.is_level():
                return number + 1
        raise NotLevel(f"{rounds} rounds of pull do not heal:\n{self.difference()}")

    def heal_by_relay(self, rounds=80):
        """Everyone sends everyone what that one, as its vector says, lacks."""
        for number in range(rounds):
            for a, b in self.pairs():
                for message in a.changes(b.vector_text()):
                    self.network.send(a, b, message)
            while self.network.in_flight:
                _, target, message = self.network.take()
                target.apply(message)
            if self.is_level():
                return number + 1
        raise NotLevel(f"{rounds} rounds of relay do not heal:\n{self.difference()}")

    # --- the end ---------------------------------------------------------------------------------

    def is_level(self):
        pictures = [peer.picture() for peer in self.peers]
        return not pictures[0]["missing"] and all(p == pictures[0] for p in pictures[1:])

    def difference(self):
        lines = [f"  {peer.name} (id {peer.id}): {peer.picture()}" for peer in self.peers]
        return "\n".join(lines)

    def check_level(self):
        """Equal, complete, without fault; every acknowledged write is visible on every peer."""
        if not self.is_level():
            raise NotLevel(self.difference())
        for peer in self.peers:
            problems = peer.rows("SELECT * FROM replic_check")
            if problems:
                raise NotLevel(f"{peer.name}: replic_check: {problems}")
            lost = peer.lost_facts()
            if lost:
                raise NotLevel(f"{peer.name} (id {peer.id}) does not show {lost}\n"
                               + self.difference())

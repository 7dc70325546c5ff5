"""Copies of one application's database, the transactions that run on them, and a bad network.

A copy is a file that has the application's schema; each of its tables has been given to
replic_track, and nothing else was changed. The network shuffles, doubles and loses messages.
"""

import contextlib
import sqlite3
import time

from database import connect, one, rows

RETRY_MS = 20  # the network is a fast one
KEYS_OF_A_COPY = 10**9  # integer keys of copy n begin at n times this
LETTERS = "0123456789abcdef"
PATCH = '{"type":10,'  # how a message that is a patch begins


class Copy:
    """One copy, and what its application has done.

    `executed` statements, transactions `refused` {text: count}; how often UPDATEs that begin like
    one of `counted` have changed a row, {key, their last argument: times}, in `counts`.
    """

    def __init__(self, path, number, schema, counted=()):
        self.number = number
        self.db = connect(path)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA foreign_keys = ON")
        self.db.executescript(schema)
        self.executed = 0
        self.refused = {}
        self.counted = tuple(counted)
        self.counts = {}
        self.changed = []
        self.last_key = 0
        self.sent = None

    def track(self, tables):
        one(self.db, "SELECT replic_init(?)", self.number)
        one(self.db, "SELECT replic_option('retry_ms', ?)", RETRY_MS)
        for table in tables:
            one(self.db, "SELECT replic_track(?)", table)

    def close(self):
        self.db.close()

    # --- the application ---------------------------------------------------------------------------

    def run(self, sql, *arguments):
        """Executes one statement, and returns its rows."""
        self.executed += 1
        cursor = self.db.execute(sql, arguments)
        if sql.startswith(self.counted) and cursor.rowcount == 1:
            self.changed.append(arguments[-1])
        return cursor.fetchall()

    @contextlib.contextmanager
    def transaction(self):
        """BEGIN ... COMMIT; what a constraint refuses is rolled back, as an application does it."""
        self.db.execute("BEGIN IMMEDIATE")
        self.changed = []
        try:
            yield
            self.db.execute("COMMIT")
            for key in self.changed:
                self.counts[key] = self.counts.get(key, 0) + 1
        except sqlite3.IntegrityError as error:
            self.db.execute("ROLLBACK")
            self.refused[str(error)] = self.refused.get(str(error), 0) + 1

    def new_key(self):
        """An integer that no other copy gives to anything."""
        self.last_key += 1
        return self.number * KEYS_OF_A_COPY + self.last_key

    def pick(self, choose, table, key, condition="1"):
        """The key of some row, each as likely; None when there is none."""
        count = one(self.db, f"SELECT count(*) FROM {table} WHERE {condition}")
        if count == 0:
            return None
        return one(self.db, f"SELECT {key} FROM {table} WHERE {condition} ORDER BY {key} "
                            "LIMIT 1 OFFSET ?", choose.randrange(count))

    # --- the exchange ------------------------------------------------------------------------------

    def new_messages(self):
        """What was written here since the last call, as it is shipped."""
        self.db.execute("BEGIN")
        found = rows(self.db, "SELECT message FROM replic_changes(?) WHERE peer = replic_peer()",
                     self.sent)
        self.sent = one(self.db, "SELECT replic_vector()")
        self.db.execute("COMMIT")
        return [message for (message,) in found]

    def receive(self, arrived):
        """Applies (sender, packet) pairs in one call, and returns [(sender, answers)]."""
        one(self.db, "SELECT replic_apply(?)", "\n".join(packet for _, packet in arrived))
        return [(sender, rows(self.db, "SELECT message FROM replic_answer(?)", packet))
                for sender, packet in arrived if not packet.startswith(PATCH)]


def random_key(choose):
    return "".join(choose.choices(LETTERS, k=16))


class Network:
    """Packets under way between copies, taken out in any order. A packet holds a few patches, or one
    ping or request; the patches of one transaction may travel in several."""

    def __init__(self, copies, choose, loss=0.05, doubles=0.1):
        self.copies = copies
        self.choose = choose
        self.loss = loss
        self.doubles = doubles
        self.under_way = {copy: [] for copy in copies}  # receiver -> [(sender, packet)]
        self.sent = self.lost = self.doubled = self.calls = 0

    def send(self, sender, receiver, packet):
        self.sent += 1
        if self.choose.random() < self.loss:
            self.lost += 1
            return
        self.under_way[receiver].append((sender, packet))
        if self.choose.random() < self.doubles:
            self.doubled += 1
            self.under_way[receiver].append((sender, packet))

    def send_patches(self, sender, receiver, messages):
        messages = self.choose.sample(messages, len(messages))
        while messages:
            size = self.choose.randint(1, 20)
            self.send(sender, receiver, "\n".join(messages[:size]))
            del messages[:size]

    def broadcast(self, sender):
        """Sends what was written at a copy since the last time to the others."""
        messages = sender.new_messages()
        for receiver in self.others(sender):
            self.send_patches(sender, receiver, messages)

    def ping(self, sender):
        for receiver in self.others(sender):
            self.send(sender, receiver, one(sender.db, "SELECT replic_ping()"))

    def deliver(self, receiver, share=1.0):
        """Hands over a random share of what is under way to a copy, shuffled; its answers leave."""
        waiting = self.under_way[receiver]
        self.choose.shuffle(waiting)
        count = round(len(waiting) * share)
        arrived, self.under_way[receiver] = waiting[:count], waiting[count:]
        if not arrived:
            return
        for sender, answers in receiver.receive(arrived):
            texts = [text for (text,) in answers]
            self.send_patches(receiver, sender, [t for t in texts if t.startswith(PATCH)])
            for text in texts:
                if not text.startswith(PATCH):
                    self.send(receiver, sender, text)

    def call(self, caller, called):
        """Two copies reach each other, and level all that they have by bundles."""
        self.calls += 1
        blob = one(caller.db, "SELECT replic_sync()")
        while blob is not None:
            blob = one(called.db, "SELECT replic_sync(?)", blob)
            if blob is not None:
                blob = one(caller.db, "SELECT replic_sync(?)", blob)

    def heal(self):
        """Pings and answers, on the same bad network, until every copy has everything.

        Returns how many rounds that took.
        """
        for round_number in range(1, 100):
            for copy in self.copies:
                self.broadcast(copy)
                self.ping(copy)
            for _ in range(3):  # a ping, its request, its answer
                for copy in self.copies:
                    self.deliver(copy)
            if self.all_level():
                return round_number
            time.sleep(RETRY_MS / 1000)  # what was asked for a moment ago is not asked for again
        raise AssertionError("100 rounds of pings and answers did not heal the copies")

    def others(self, sender):
        return [copy for copy in self.copies if copy is not sender]

    def all_level(self):
        vectors = {one(copy.db, "SELECT replic_vector()") for copy in self.copies}
        return len(vectors) == 1 and not any(
            rows(copy.db, "SELECT * FROM replic_missing") for copy in self.copies)

"""Three peers of one table, each with a database file in one folder, and the wires between them.

Each peer has an application, which writes plain SQL, and a host, which sends and receives messages
as ../replica.py shows. The messages travel within this program, slowly enough to be seen; a peer
that is cut off gets none, and loses those that are on their way."""

import collections
import heapq
import os
import pathlib
import sqlite3
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from replica import Replica  # noqa: E402  its folder is known only now

SCHEMA = """CREATE TABLE talk(
  id TEXT PRIMARY KEY,
  title TEXT NOT NULL,
  room TEXT UNIQUE,
  starts INTEGER NOT NULL,
  ends INTEGER NOT NULL,
  CONSTRAINT "a talk ends after it starts" CHECK (starts < ends)
) STRICT"""
COLUMNS = ("id", "title", "room", "starts", "ends")
FIRST = [("1", "Welcome", "Hall", 9, 10), ("2", "Rooftop bees", "Garden", 10, 12),
         ("3", "Slow bread", "Kitchen", 11, 12)]
WRITES = {"add": f"INSERT INTO talk VALUES ({', '.join(':' + name for name in COLUMNS)})",
          "delete": "DELETE FROM talk WHERE id = :id",
          **{name: f"UPDATE talk SET {name} = :value WHERE id = :id" for name in COLUMNS[1:]}}
# Which patch each cell shows; a patch whose reason is not NULL is parked.
WROTE = """SELECT json_extract(delta, '$.id'), key, keep_last(value, at, peer, seq),
  keep_last(c.peer, at, peer, seq), replic_at_to_ms(max(at))
  FROM replic_changes AS c, json_each(delta) WHERE reason IS NULL GROUP BY 1, 2"""
PARKED = "SELECT peer, replic_at_to_ms(at), delta, reason, detail FROM replic_pending ORDER BY at"
TRAVEL_S = 0.5  # of a message, so that it can be seen
PING_S = 3
LOG = 600       # events that are kept


class Peer:
    def __init__(self, folder, name, number):
        self.name, self.is_on = name, True
        path = os.path.join(folder, f"{name.lower()}.db")
        self.application = db = sqlite3.connect(path, 10, 0, None, False)  # for any thread
        db.enable_load_extension(True)
        db.load_extension(os.environ["REPLIC"])
        db.execute("SELECT replic_init(?)", (number,))
        db.execute(SCHEMA)
        db.execute("SELECT replic_track('talk')")
        self.host = Replica(path, threads=True)

    def write(self, request):
        traced = []
        self.application.set_trace_callback(traced.append)
        self.application.execute(WRITES[request["do"]], request)
        return traced[0]  # as SQLite prints it, with its values; then come those of triggers

    def state(self):
        one, query = self.host.one, lambda sql: self.host.db.execute(sql).fetchall()
        return {"name": self.name, "on": self.is_on, "digest": one("SELECT replic_digest()"),
                "vector": one("SELECT replic_vector()"), "wrote": query(WROTE),
                "rows": query("SELECT * FROM talk ORDER BY id"), "parked": query(PARKED)}


class Cluster(threading.Condition):
    def __init__(self, folder):
        super().__init__()
        self.peers = [Peer(folder, name, i) for i, name in enumerate(("Ada", "Ben", "Cleo"), 1)]
        self.flying, self.log, self.count, self.next_ping = [], collections.deque((), LOG), 0, 0
        self.about = {"run": time.time(), "schema": SCHEMA, "folder": folder}
        for values in FIRST:
            self.peers[0].write({"do": "add", **dict(zip(COLUMNS, values))})

    def tell(self, kind, **fields):
        """For the pages, each of which waits in state_after()."""
        self.count += 1
        self.log.append({"n": self.count, "ms": time.time() * 1000, "kind": kind, **fields})
        self.notify_all()

    def send(self, source, target, text):
        if self.peers[source].is_on and self.peers[target].is_on and source != target:
            self.tell("message", source=source, target=target, text=text)
            arrival = time.monotonic() + TRAVEL_S
            heapq.heappush(self.flying, (arrival, self.count, source, target, text))

    def ping(self, sources, targets):
        for source in sources:
            for target in targets:
                self.send(source, target, self.peers[source].host.ping())

    def step(self):
        with self:
            everyone = range(len(self.peers))
            for source, peer in enumerate(self.peers):
                for text in peer.host.new():  # of one that is cut off none is sent: pings mend that
                    for target in everyone:
                        self.send(source, target, text)
            if time.monotonic() > self.next_ping:
                self.next_ping = time.monotonic() + PING_S
                self.ping(everyone, everyone)
            while self.flying and self.flying[0][0] <= time.monotonic():
                _, _, source, target, text = heapq.heappop(self.flying)
                for answer in self.peers[target].host.receive(text)[1]:
                    self.send(target, source, answer)
                self.count += 1  # the pages show what it has changed
                self.notify_all()

    def link(self, number, is_on):
        self.peers[number].is_on = is_on
        self.tell("link", source=number, on=is_on)
        for _, n, source, target, text in self.flying:
            if not is_on and number in (source, target):
                self.tell("lost", of=n, source=source, target=target, text=text)
        self.flying = [item for item in self.flying if is_on or number not in item[2:4]]
        heapq.heapify(self.flying)
        self.ping([number], range(len(self.peers)))
        self.ping(range(len(self.peers)), [number])

    def act(self, request):
        with self:
            if request["do"] == "link":
                self.link(request["peer"], bool(request["on"]))
            else:
                text = self.peers[request["peer"]].write(request)
                self.tell("sql", source=request["peer"], text=text)

    def state_after(self, count):
        with self:
            self.wait_for(lambda: self.count > count, 5)
            return self.count, {**self.about, "peers": [peer.state() for peer in self.peers],
                                "log": [event for event in self.log if event["n"] > count]}

    def close(self):
        with self:
            for peer in self.peers:
                peer.application.close()
                peer.host.close()

"""Runs a schedule of sql_schedule.py: peers that write ordinary SQL, against the oracle.

What a peer has received is known from its vector, since each (peer, seq) is written once: `world`
holds the message of each, as its writer's replic_changes gave it after the commit.
"""

import contextlib
import os
import random
import sqlite3
import time

from checks import Broken, check_agreement, check_peer
from constrained_tables import tables_of
from healing import heal
from oracle import oracle
from peer import SqlPeer
from schedule import PIN_MS
from schema import quote
from shadow import Shadow, result_of
from shapes import schema_of
from unit_run import PIN_GHOST
from wire import at_from_ms, fold, read_message, write_void

PRAGMAS = ("foreign_keys", "recursive_triggers", "trusted_schema")
WHOLE = {"form": "array", "share": 1.0, "pick": 0, "own": False}


class CapturePeer(SqlPeer):
    """`pragmas`: of each of its connections."""

    def __init__(self, peer_id, kind, folder, trace, pragmas):
        self.pragmas = pragmas
        super().__init__(peer_id, kind, folder, trace)

    def _connect(self, content=None):
        db = super()._connect(content)
        for name, value in self.pragmas.items():
            db.execute(f"PRAGMA {name} = {value}")
        return db

    def track(self, table):
        for sql in table.setup_sql(mode="capture"):
            self.run(sql)

    def statement(self, sql, has_rowid):
        """Runs a statement of the application; see shadow.result_of."""
        if self.trace:
            print(f"[{self.id}] {sql}", flush=True)
        return result_of(self._handle(), sql, has_rowid)


def holds_keys_when_deleted(table):
    """Can a deleted row, which stays in the table, keep a UNIQUE value from others?"""
    tombstone = table.literal["tombstone"]
    indexes = [sql for sql in table.index_sql() if not sql.endswith(f"WHERE {tombstone} IS NULL")]
    constraints = [sql for sql in table.literal["constraints"] if sql.startswith("UNIQUE")]
    return tombstone is not None and bool(indexes + constraints)


class SqlRun:
    """`make_peer(id, kind, pragmas)` opens an empty database."""

    def __init__(self, schedule, make_peer, folder):
        self.schedule = schedule
        self.folder = folder
        self.tables = tables_of(schedule["tables"])
        self.schema = schema_of(table.spec() for table in self.tables)
        self.world = {}         # (peer, seq) -> message
        self.vectors = [{} for _ in schedule["peers"]]
        self.pinned_at = at_from_ms(int(time.time() * 1000) + PIN_MS)
        self.has_told = False   # has one peer told another of patches, without sending all of them?
        pragmas = {name: schedule[name] for name in PRAGMAS}
        self.peers = [make_peer(p["id"], p["kind"], pragmas) for p in schedule["peers"]]
        self.without_rowid = [table.name for table in self.tables
                              if "WITHOUT ROWID" in table.literal["options"]]
        self.deleted_rows_hold_keys = any(holds_keys_when_deleted(table) for table in self.tables)
        self.setup = [table.create_sql() for table in self.tables]
        self.setup += [sql for table in self.tables for sql in table.index_sql()]
        self.setup += ["CREATE TABLE noted(what)"] + schedule["triggers"]
        self.shadow = None
        if all(table.literal["tombstone"] is None for table in self.tables):
            self.shadow = Shadow(self.tables, self.setup, schedule["foreign_keys"],
                                 schedule["recursive_triggers"])

    def execute(self):
        for i in range(len(self.peers)):
            self.set_up(i)
        for event in self.schedule["events"]:
            getattr(self, "do_" + event["do"])(event)
            if self.schedule["watchful"]:
                self.do_check(event)
        self.finish()

    def set_up(self, i):
        peer = self.peers[i]
        for sql in self.setup:
            peer.run(sql)
        if i == 0 and self.schedule["before"]:
            self.write_before(peer)
        else:
            for table in self.tables:
                peer.track(table)
        if self.schedule["pinned"]:
            pin = write_void(PIN_GHOST, 1, self.pinned_at)
            self.world[PIN_GHOST, 1] = pin
            peer.apply([pin])
            self.note_received(i)

    def write_before(self, peer):
        """Rows that are there before their tables are tracked become patches, and stay."""
        for sql in self.schedule["before"]:
            with contextlib.suppress(sqlite3.IntegrityError):
                peer.run(sql)
        before = self.picture(peer)
        for table in self.tables:
            peer.track(table)
        for text in peer.own_messages(0):
            self.world[peer.id, read_message(text).seq] = text
        self.note_received(0)
        self.check(0)
        if repr(self.picture(peer)) != repr(before):
            raise Broken("backfill", f"{before} became {self.picture(peer)}")

    def close(self):
        for peer in self.peers:
            peer.close()
        if self.shadow:
            self.shadow.close()

    # What a peer has

    def received(self, i):
        return [text for (peer, seq), text in self.world.items()
                if any(first <= seq <= last for first, last in self.vectors[i].get(peer, ()))]

    def expected(self, i):
        return oracle(self.received(i), self.schema, int(time.time() * 1000),
                      foreign_keys=bool(self.schedule["foreign_keys"]))

    def note_received(self, i):
        """Takes note of the vector, which never holds less than before, nor what nobody wrote."""
        before, now = self.vectors[i], self.peers[i].vector()
        seqs = {(p, s) for p, ranges in now.items() for a, b in ranges for s in range(a, b + 1)}
        lost = {(p, s) for p, ranges in before.items() for a, b in ranges for s in range(a, b + 1)}
        if lost - seqs or seqs - self.world.keys():
            raise Broken("vector", f"peer {self.peers[i].id}: {before} became {now}; "
                         f"written was {sorted(self.world)}")
        self.vectors[i] = now

    def check(self, i):
        if self.schedule["triggers"]:  # then what a commit frees is shown by the next call of replic
            self.peers[i].retry()
        expected = self.expected(i)
        check_peer(self.peers[i], expected, self.received(i), self.schema, not self.has_told)
        for pragma in ["integrity_check"] + ["foreign_key_check"] * self.schedule["foreign_keys"]:
            rows = self.peers[i].read(f"PRAGMA {pragma}")
            if rows not in ([], [("ok",)]):
                raise Broken(pragma, f"peer {self.peers[i].id}: {rows}")
        return expected

    def do_check(self, event):
        peers = {event[n] for n in ("peer", "to") if n in event} or range(len(self.peers))
        for i in peers:
            self.check(i)

    def do_restart(self, event):
        if self.peers[event["peer"]].restart():
            self.check(event["peer"])

    # Writing

    def do_txn(self, event):
        i = event["peer"]
        peer = self.peers[i]
        if self.shadow:
            self.shadow.take_over(peer)
        before = self.picture(peer) if self.is_one_update(event) else None
        in_transaction = False
        for step in ["BEGIN"] * ("end" in event) + event["steps"]:
            in_transaction = self.run_step(peer, step, event)[-1]
            if not in_transaction:
                self.learn_own(i, event)
        if in_transaction:
            now = self.picture(peer) if before is not None else None
            is_error = self.run_step(peer, event.get("end", "COMMIT"), event)[0] == "error"
            if is_error:
                self.run_step(peer, "ROLLBACK", event)
            patches = self.learn_own(i, event)
            if before is not None and not is_error and event["end"] == "COMMIT":
                self.check_only_changes(before, now, patches, event)

    def run_step(self, peer, sql, event):
        """A statement has the result that it would have without us, and the same effect."""
        has_rowid = not any(f'INTO "{name}"' in sql for name in self.without_rowid)
        result = peer.statement(sql, has_rowid)
        is_ours = result[0] == "error" and "replic: " in result[1]
        if is_ours and not ("E_CONSTRAINT" in result[1] and self.deleted_rows_hold_keys):
            raise Broken("statement", f"peer {peer.id}: {sql}\n    {result[1]}")
        if self.shadow:
            wanted = result_of(self.shadow.db, sql, has_rowid)
            if result != wanted:
                raise Broken("statement", f"peer {peer.id}: {sql}\n    without us: {wanted}\n"
                             f"    with us:    {result}\n    in {event}")
            if result[-1]:  # what waits is tried at the commit, not between statements
                self.must_show(peer, sql)
        return result

    def must_show(self, peer, sql):
        for table in self.tables:
            query = f"SELECT {', '.join(map(quote, table.column_names()))} FROM {quote(table.name)}"
            wanted = sorted(map(repr, self.shadow.db.execute(query)))
            shown = sorted(map(repr, peer.read(query)))
            if wanted != shown:
                raise Broken("effect", f"peer {peer.id}, after {sql}: {table.name}\n"
                             f"    without us: {wanted}\n    with us:    {shown}")

    def learn_own(self, i, event):
        """What was committed: messages under the next seqs, one group, accepted at once."""
        peer = self.peers[i]
        last = max((seq for writer, seq in self.world if writer == peer.id), default=0)
        texts = peer.own_messages(last)
        patches = [read_message(text) for text in texts]
        newest = max((read_message(text).stamp for text in self.received(i)), default=(0, 0, 0))
        seqs = list(range(last + 1, last + 1 + len(patches)))
        group = (seqs[0], seqs[-1]) if len(seqs) > 1 else None
        if [p.seq for p in patches] != seqs or any(p.group != group for p in patches) \
                or len({p.at for p in patches}) > 1 or any(p.stamp <= newest for p in patches):
            raise Broken("messages", f"peer {peer.id}: after seq {last} and {newest}, {event} "
                         "gave\n" + "\n".join(texts))
        self.world.update({(p.peer, p.seq): text for p, text in zip(patches, texts)})
        self.note_received(i)
        accepted = self.check(i).accepted
        if any((p.peer, p.seq) not in accepted and not p.is_void for p in patches):
            raise Broken("refused", f"peer {peer.id}: {event} was written and waits:\n"
                         + "\n".join(texts))
        return patches

    # What a plain UPDATE becomes

    def is_one_update(self, event):
        return (event.get("end") == "COMMIT" and len(event["steps"]) == 1
                and event["steps"][0].startswith('UPDATE "') and not self.schedule["triggers"])

    def picture(self, peer):
        """(table, key) -> the values of the row by wire name."""
        shown = {}
        for table in self.schema.tables.values():
            wire_names = [column.wire_name for column in table.columns]
            for row in peer.rows(table.name, [column.name for column in table.columns]):
                values = dict(zip(wire_names, row))
                shown[table.name, table.key_of(values)] = values
        return shown

    def check_only_changes(self, before, now, patches, event):
        """A row that was there and still is has in its patches exactly what has changed."""
        for place in before.keys() & now.keys():
            table = self.schema.table(place[0])
            keys = {column.wire_name for column in table.key_columns}
            changed = {name for name, value in now[place].items()
                       if repr(value) != repr(before[place][name])}
            sent = {table.column(name).wire_name for patch in patches for name in patch.values
                    if fold(patch.tab) == fold(table.name)
                    and (table.name, table.key_of(patch.values)) == place}
            if changed - keys != sent - keys:
                raise Broken("changes", f"{event}: of {place} {sorted(changed)} changed and "
                             f"{sorted(sent)} was written")

    # Sending

    def do_send(self, event):
        source, target = self.peers[event["from"]], self.peers[event["to"]]
        if event["way"] == "messages" or len(source.ways) == 1:
            self.send_messages(source, target, {**WHOLE, **event})
        else:
            self.has_told = True
            getattr(self, "send_" + event["way"])(source, target, event)
        for i in (event["from"], event["to"]):
            self.note_received(i)
        self.check(event["to"])

    def send_messages(self, source, target, event):
        rng = random.Random(event["pick"])
        texts = [row[2] for row in source.changes() if not event["own"] or row[0] == source.id]
        texts = rng.sample(texts, round(len(texts) * event["share"]))
        texts += rng.sample(texts, len(texts) // 4)
        new = {text for text in texts if text in self.messages_lacking(target)}
        count = target.apply(texts, event["form"]) if texts else 0
        if count not in (len(new), None):
            raise Broken("count", f"peer {target.id} counted {count} of {len(new)} new messages")

    def messages_lacking(self, peer):
        vector = peer.vector()
        return {text for (writer, seq), text in self.world.items()
                if not any(a <= seq <= b for a, b in vector.get(writer, ()))}

    @staticmethod
    def send_bundle(source, target, event):
        for _ in range(event["rounds"]):
            blob = source.bundle(target.vector_text(), event["pages"])
            if blob is not None:
                target.apply_blob(blob)

    @staticmethod
    def send_sync(source, target, event):
        """A dialogue that is lost after some rounds."""
        message = target.sync(None, None)
        for _ in range(event["rounds"]):
            if message is not None:
                message = target.sync(source.sync(message, event["pages"]), event["pages"])

    def send_pull(self, source, target, _event):
        path = os.path.join(self.folder, "pulled.db")
        source.snapshot(path)
        target.pull(path)
        os.remove(path)

    # The end

    def finish(self):
        """Everything to everyone; then all peers show the same, and what the oracle says."""
        rng = random.Random(self.schedule["seed"])
        way = self.schedule["heal"]
        if way in self.peers[0].ways and way != "changes":
            heal(way, self.peers, rng, self.folder)
        else:
            for source in self.peers:
                for target in self.peers:
                    texts = [row[2] for row in source.changes()]
                    rng.shuffle(texts)
                    if texts and source is not target:
                        target.apply(texts, rng.choice(("array", "spaced", "insert")))
        self.has_told = False
        for i in range(len(self.peers)):
            self.note_received(i)
            if len(self.received(i)) < len(self.world):
                raise Broken("healed", f"peer {self.peers[i].id} lacks messages after {way}")
            self.check(i)
        check_agreement(self.peers, [table.name for table in self.tables], self.schema)

"""Runs a schedule of sql_schedule.py: peers that write ordinary SQL, against the oracle.

What a peer has received is known from its vector, since each (peer, seq) is written once: `world`
holds the message of each, as its writer's replic_changes gave it after the commit.
"""

import copy
import random
import sqlite3
import time

from checks import Broken, check_agreement, check_peer
from constrained_tables import tables_of
from oracle import oracle
from schedule import PIN_MS
from schema import quote
from shadow import Shadow, result_of
from shapes import schema_of
from sql_exchange import make_level, picked, send
from unit_run import NOT_ENFORCED, PIN_GHOST
from wire import at_from_ms, fold, read_message, write_void

PRAGMAS = ("foreign_keys", "recursive_triggers", "trusted_schema")


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
        self.world = {}         # (peer, seq) -> message
        self.altered = set()    # peers whose table has a new column that replic was not told of
        self.has_told = False   # has one peer told another of patches, without sending all of them?
        self.pinned_at = at_from_ms(int(time.time() * 1000) + PIN_MS)
        pragmas = {name: schedule[name] for name in PRAGMAS}
        option = schedule["option"]
        self.foreign_keys = bool(schedule["foreign_keys"] if option is None else option)
        self.peers = [make_peer(p["id"], p["kind"], pragmas) for p in schedule["peers"]]
        self.vectors = [{} for _ in self.peers]
        self.tables = [tables_of(copy.deepcopy(schedule["tables"])) for _ in self.peers]
        tables = self.tables[0]
        self.without_rowid = [t.name for t in tables if "WITHOUT ROWID" in t.literal["options"]]
        self.may_refuse = (any(holds_keys_when_deleted(table) for table in tables)
                           or self.foreign_keys > schedule["foreign_keys"])
        self.refers_to_itself = any(f"REFERENCES {table.name}(" in sql for table in tables
                                    for sql in table.literal["constraints"])
        self.setup = [table.create_sql() for table in tables]
        self.setup += [sql for table in tables for sql in table.index_sql()]
        self.setup += ["CREATE TABLE noted(what)"] + schedule["triggers"]
        self.shadow = None
        if not schedule["mixed"] and all(t.literal["tombstone"] is None for t in tables):
            self.shadow = Shadow(tables, self.setup, schedule["foreign_keys"],
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
            self.track(i)
        if self.schedule["pinned"]:
            pin = write_void(PIN_GHOST, 1, self.pinned_at)
            self.world[PIN_GHOST, 1] = pin
            peer.apply([pin])
            self.note_received(i)

    def track(self, i):
        for table in self.tables[i]:
            self.peers[i].track(table)
        if self.schedule["option"] is not None:
            self.peers[i].set_option("foreign_keys", self.schedule["option"])

    def write_before(self, peer):
        """Rows that are there before their tables are tracked become patches, and stay."""
        for sql in self.schedule["before"]:
            try:
                peer.run(sql)
            except sqlite3.IntegrityError:
                pass
            except sqlite3.OperationalError as error:  # a trigger that fires itself
                if "trigger recursion" not in str(error):
                    raise
        before = self.picture(0)
        self.track(0)
        for text in peer.own_messages(0):
            self.world[peer.id, read_message(text).seq] = text
        self.note_received(0)
        self.check(0)
        if repr(self.picture(0)) != repr(before) and self.foreign_keys <= self.schedule[
                "foreign_keys"]:
            raise Broken("backfill", f"{before} became {self.picture(0)}")

    def close(self):
        for peer in self.peers:
            peer.close()
        if self.shadow:
            self.shadow.close()

    # What a peer has

    def schema(self, i):
        return schema_of(table.spec() for table in self.tables[i])

    def received(self, i):
        return [text for (peer, seq), text in self.world.items()
                if any(first <= seq <= last for first, last in self.vectors[i].get(peer, ()))]

    def expected(self, i):
        return oracle(self.received(i), self.schema(i), int(time.time() * 1000),
                      foreign_keys=self.foreign_keys)

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
        peer = self.peers[i]
        if i in self.altered:
            self.altered.remove(i)
            peer.refresh()
        if self.schedule["triggers"]:  # then what a commit frees is shown by the next call of replic
            peer.retry()
        expected = self.expected(i)
        check_peer(peer, expected, self.received(i), self.schema(i), not self.has_told)
        for pragma in ["integrity_check"] + ["foreign_key_check"] * self.foreign_keys:
            rows = peer.read(f"PRAGMA {pragma}")
            if rows not in ([], [("ok",)]):
                raise Broken(pragma, f"peer {peer.id}: {rows}")
        return expected

    def picture(self, i):
        """(table, key) -> the values of the row by wire name."""
        shown = {}
        for table in self.schema(i).tables.values():
            wire_names = [column.wire_name for column in table.columns]
            for row in self.peers[i].rows(table.name, [column.name for column in table.columns]):
                values = dict(zip(wire_names, row))
                shown[table.name, table.key_of(values)] = values
        return shown

    # Events

    def do_check(self, event):
        peers = {event[n] for n in ("peer", "to") if n in event} or range(len(self.peers))
        for i in peers:
            self.check(i)

    def do_restart(self, event):
        if self.peers[event["peer"]].restart():
            self.check(event["peer"])

    def do_alter(self, event):
        """The application adds the late column; replic is told, or has to notice."""
        i, late = event["peer"], self.schedule["late"]
        table = next(t for t in self.tables[i] if t.name == late["table"])
        if "late" in table.column_names():
            return
        self.peers[i].run(f"ALTER TABLE {table.name} ADD COLUMN late {late['kind']}")
        table.literal["columns"].append(["late", late["kind"]])
        self.altered.add(i)
        if event["refresh"]:
            self.check(i)

    def do_send(self, event):
        source, target = self.peers[event["from"]], self.peers[event["to"]]
        lacking = self.world.keys() - self.numbers(event["to"])
        self.has_told = self.has_told or event["way"] != "messages"
        count = send(source, target, event, self.folder)
        for i in (event["from"], event["to"]):
            self.note_received(i)
        new = lacking & self.numbers(event["to"])
        if count not in (len(new), None):
            raise Broken("count", f"peer {target.id} counted {count} of {len(new)} new messages")
        self.check(event["to"])

    def numbers(self, i):
        return {(peer, seq) for peer, ranges in self.vectors[i].items()
                for first, last in ranges for seq in range(first, last + 1)}

    # Writing

    def do_txn(self, event):
        i = event["peer"]
        peer = self.peers[i]
        peer.handle = event.get("handle", 0) if peer.kind != "memory" else 0
        if self.shadow:
            self.shadow.take_over(peer)
        before = self.picture(i) if self.is_one_update(event) else None
        in_transaction = False
        for step in ["BEGIN"] * ("end" in event) + event["steps"]:
            in_transaction = self.run_step(i, step, event)[-1]
            if not in_transaction:
                self.learn_own(i, event)
        if in_transaction:
            now = self.picture(i) if before is not None else None
            result = self.run_step(i, event.get("end", "COMMIT"), event)
            if result[0] == "error" and result[-1]:
                self.run_step(i, "ROLLBACK", event)
            patches = self.learn_own(i, event)
            if before is not None and result[0] != "error":
                self.check_only_changes(i, before, now, patches, event)
        peer.handle = 0

    def run_step(self, i, step, event):
        """A statement has the result that it would have without us, and the same effect."""
        peer = self.peers[i]
        if isinstance(step, dict):
            try:
                peer.apply(picked(self.peers[step["from"]], step), "array", peer.handle)
            except sqlite3.IntegrityError as error:  # what this transaction has written so far
                is_broken = NOT_ENFORCED in str(error) and peer.run("PRAGMA foreign_key_check")
                if not is_broken and not self.is_apt("", str(error)):
                    raise
            return [], True
        has_rowid = not any(f'INTO "{name}"' in step for name in self.without_rowid)
        result = peer.statement(step, has_rowid)
        if result[0] == "error" and "replic: " in result[1] and not self.is_apt(step, result[1]):
            raise Broken("statement", f"peer {peer.id}: {step}\n    {result[1]}")
        if self.shadow:
            wanted = result_of(self.shadow.db, step, has_rowid)
            if result != wanted and not self.is_miscounted(result):
                raise Broken("statement", f"peer {peer.id}: {step}\n    without us: {wanted}\n"
                             f"    with us:    {result}\n    in {event}")
            if result[-1]:  # what waits is tried at the commit, not between statements
                self.must_show(i, step)
        return result

    def is_apt(self, step, error):
        """May this statement get this error of ours?"""
        miscounted = self.refers_to_itself and NOT_ENFORCED in error
        refers = "still refers to others: FOREIGN KEY" in error  # a deleted row, which stays
        return ("E_CONSTRAINT" in error and (self.may_refuse or miscounted or refers)
                or "replic_patch" in step and ("E_SQLITE" not in error
                                               or "trigger recursion" in error)
                or "E_SCHEMA" in error and self.schedule["late"] is not None)

    def is_miscounted(self, result):
        """SQLite has let a deferred FOREIGN KEY pass that is broken, and replic has not."""
        return (result[0] == "error" and NOT_ENFORCED in result[1]
                and not self.shadow.db.in_transaction
                and self.shadow.db.execute("PRAGMA foreign_key_check").fetchall() != [])

    def must_show(self, i, sql):
        for table in self.tables[i]:
            query = f"SELECT {', '.join(map(quote, table.column_names()))} FROM {quote(table.name)}"
            wanted = sorted(map(repr, self.shadow.db.execute(query)))
            shown = sorted(map(repr, self.peers[i].read(query)))
            if wanted != shown:
                raise Broken("effect", f"peer {self.peers[i].id}, after {sql}: {table.name}\n"
                             f"    without us: {wanted}\n    with us:    {shown}")

    def learn_own(self, i, event):
        """What was committed: messages under the next seqs, in groups, accepted at once."""
        peer = self.peers[i]
        last = max((seq for writer, seq in self.world if writer == peer.id), default=0)
        texts = peer.own_messages(last)
        patches = [read_message(text) for text in texts]
        newest = max((read_message(text).stamp for text in self.received(i)), default=(0, 0, 0))
        has_received = any(isinstance(step, dict) for step in event["steps"])
        if ([p.seq for p in patches] != list(range(last + 1, last + 1 + len(patches)))
                or any(p.stamp <= newest for p in patches)
                or not groups_are_sound(patches, has_received)):
            raise Broken("messages", f"peer {peer.id}: after seq {last} and {newest}, {event} "
                         "gave\n" + "\n".join(texts))
        self.world.update({(p.peer, p.seq): text for p, text in zip(patches, texts)})
        self.note_received(i)
        accepted = self.check(i).accepted
        if not has_received and any((p.peer, p.seq) not in accepted and not p.is_void
                                    for p in patches):
            raise Broken("refused", f"peer {peer.id}: {event} was written and waits:\n"
                         + "\n".join(texts))
        return patches

    # What a plain UPDATE becomes

    def is_one_update(self, event):
        return (event.get("end") == "COMMIT" and len(event["steps"]) == 1
                and str(event["steps"][0]).startswith('UPDATE "') and not self.schedule["triggers"])

    def check_only_changes(self, i, before, now, patches, event):
        """A row that was there and still is has in its patches exactly what has changed."""
        for place in before.keys() & now.keys():
            table = self.schema(i).table(place[0])
            keys = {column.wire_name for column in table.columns
                    if column.key_position or column.is_generated}
            changed = {name for name, value in now[place].items()
                       if repr(value) != repr(before[place][name])}
            sent = {table.column(name).wire_name for patch in patches for name in patch.values
                    if fold(patch.tab) == fold(table.name)
                    and (table.name, table.key_of(patch.values)) == place}
            if changed - keys != sent - keys:
                raise Broken("changes", f"{event}: of {place} {sorted(changed)} changed and "
                             f"{sorted(sent)} was written")

    # The end

    def finish(self):
        """Everything to everyone; then all peers show the same, and what the oracle says."""
        for i in range(len(self.peers)):
            if self.schedule["late"]:
                self.do_alter({"peer": i, "refresh": True})
        make_level(self.peers, self.schedule["heal"], random.Random(self.schedule["seed"]),
                   self.folder)
        self.has_told = False
        for i in range(len(self.peers)):
            self.note_received(i)
            if len(self.received(i)) < len(self.world):
                raise Broken("healed", f"peer {self.peers[i].id} lacks messages")
            self.check(i)
        check_agreement(self.peers, [table.name for table in self.tables[0]], self.schema(0))


def groups_are_sound(patches, may_be_cut):
    """The patches of one transaction are one group; when something was received meanwhile, some."""
    while patches:
        first, last = patches[0].group or (patches[0].seq, patches[0].seq)
        members, patches = patches[:last - first + 1], patches[last - first + 1:]
        if (first != members[0].seq or last != members[-1].seq or len({p.at for p in members}) > 1
                or any(p.group != members[0].group for p in members)
                or len(members) == 1 and members[0].group or patches and not may_be_cut):
            return False
    return True

"""Runs a schedule of unit_schedule.py on one database, and holds it against the oracle."""

import contextlib
import copy
import json
import random
import sqlite3
import time

from checks import Broken, check_agreement, check_local_patch
from constrained_tables import tables_of
from oracle import oracle
from peer import SqlPeer
from runner import Run
from schedule import DAY_MS, PIN_MS
from shapes import schema_of
from wire import EPOCH_MS, at_from_ms, fold, read_message, write_message, write_void

OLD_MS = EPOCH_MS + 300 * DAY_MS  # when the ghosts of a schedule that is not pinned wrote
PIN_GHOST = 900
NOT_ENFORCED = "SQLite has not enforced: FOREIGN KEY"
PEER, RELAY, CARRIER = 11, 12, 13


def messages_of(unit, base_at):
    """seq -> message, for the parts of a unit as unit_schedule.py describes it."""
    ghost, at, seqs = unit["ghost"], base_at + unit["at"], [part["seq"] for part in unit["parts"]]
    group = (min(seqs), max(seqs)) if len(seqs) > 1 else None
    return {part["seq"]: write_void(ghost, part["seq"], at) if part["table"] == "_" else
            write_message(ghost, part["seq"], at, part["table"], part["set"], group=group)
            for part in unit["parts"]}


class ConstraintPeer(SqlPeer):
    """A database of such a schedule; `pragma`: foreign_keys of each of its connections."""

    def __init__(self, peer_id, kind, folder, trace=False, pragma=0):
        self.pragma = pragma
        super().__init__(peer_id, kind, folder, trace)

    def _connect(self, content=None):
        db = super()._connect(content)
        db.execute(f"PRAGMA foreign_keys = {self.pragma}")
        return db

    def apply_carried(self, messages):
        """Takes the messages as a bundle of a database that knows none of the tables."""
        carrier = SqlPeer(CARRIER, "memory", None)
        carrier.apply(messages, "array")
        count = self.apply_blob(carrier.bundle(None, None))
        carrier.close()
        return count


class UnitRun(Run):
    """`make_peer(id, kind, pragma)` opens an empty database."""

    def __init__(self, schedule, make_peer, _folder):
        self.schedule = schedule
        self.make_peer = make_peer
        self.tables = tables_of(copy.deepcopy(schedule["tables"]))
        pinned = schedule["pinned"]
        self.base_at = at_from_ms(int(time.time() * 1000) + PIN_MS if pinned else OLD_MS)
        self.peers, self.received, self.gone, self.max_drift_ms, self.options = [], [], [], [], []
        self.ahead = set()
        self.add_peer(PEER, schedule["kind"])
        self.messages = {}    # (id of the unit, seq) -> message
        self.groups = {}      # content of a message -> its group
        self.lost = set()     # those of them that are never delivered
        self.delivered = set()

    def add_peer(self, peer_id, kind):
        pragma, option = self.schedule["pragma"], self.schedule["option"]
        peer = self.make_peer(peer_id, kind, pragma)
        self.peers.append(peer)
        self.received.append({})
        self.gone.append([])
        self.max_drift_ms.append(300_000)
        self.options.append(pragma if option is None else option)
        for sql in [table.create_sql() for table in self.tables] + ["CREATE TABLE noted(what)"]:
            peer.run(sql)
        for sql in self.schedule["triggers"]:
            peer.run(sql)
        for table in self.tables:
            self.run_indexes(peer, table, late=False)
            peer.bring_table(table, "track")
            self.run_indexes(peer, table, late=True)
        if option is not None and self.tables:
            peer.set_option("foreign_keys", option)

    @staticmethod
    def run_indexes(peer, table, late):
        if table.literal["indexes_late"] == late:
            for sql in table.index_sql():
                peer.run(sql)

    def execute(self):
        for event in self.schedule["events"]:
            if event["do"] == "unit":
                self.make_unit(event)
        if self.schedule["pinned"]:
            self.hand_over(0, [write_void(PIN_GHOST, 1, self.base_at)], "array")
        for event in self.schedule["events"]:
            if event["do"] != "unit":
                getattr(self, "do_" + event["do"])(event)
                if self.schedule["watchful"]:
                    self.check(0)
        self.finish()

    # What Run asks for

    def schema(self, _i):
        return schema_of(table.spec() for table in self.tables)

    def expected(self, i, more=()):
        return oracle([*self.received[i].values(), *self.gone[i], *more], self.schema(i),
                      int(time.time() * 1000), self.max_drift_ms[i], bool(self.options[i]))

    def learn_identity(self, i):
        pass  # nothing is copied

    def give(self, i, texts, form, handle):
        if form == "bundle":
            return self.peers[i].apply_carried(texts)
        return super().give(i, texts, form, handle)

    # Events

    def make_unit(self, event):
        """Keeps the messages of a unit. Of two with the same content one group alone can be true."""
        lost = {part["seq"] for part in event["parts"] if part.get("lost")}
        for seq, text in messages_of(event, self.base_at).items():
            message = read_message(text)
            content = self.schema(0).same_content_key(message)
            if self.groups.setdefault(content, message.group) == message.group:
                self.messages[event["id"], seq] = text
                if seq in lost:
                    self.lost.add((event["id"], seq))

    def do_deliver(self, event):
        known = [tuple(item) for item in event["what"] if tuple(item) in self.messages]
        self.delivered.update(known)
        if known:
            self.hand_over(0, [self.messages[item] for item in known], event["form"])

    def do_gone(self, event):
        """Only what is known to exist can be gone, so the ghost tells first that it wrote it."""
        ghost, last = event["ghost"], event["last"]
        ping = {"type": 20, "at": self.base_at, "peer": ghost, "seq": last, "ver": 1, "tab": "_",
                "delta": {}}
        gone = {"type": 40, "peer": ghost, "minSeq": event["first"], "maxSeq": last}
        texts = [json.dumps(ping), json.dumps(gone)]
        self.peers[0].apply(texts, "array")
        self.gone[0].append(texts[1])

    def do_write(self, event):
        values = self.known(event)
        try:
            text = self.peers[0].write(event["table"], values, event["form"])
        except sqlite3.Error as error:
            check_local_patch(self, 0, event["table"], values, None, error)
            self.check(0)
            return
        check_local_patch(self, 0, event["table"], values, text, None)
        self.learn(0, text)

    def do_txn(self, event):
        peer, steps = self.peers[0], event["steps"]
        kept = {"commit": len(steps), "rollback": 0, "savepoint": len(steps) // 2}[event["end"]]
        peer.run("BEGIN")
        texts, written = self.run_steps(steps[:kept])
        if event["end"] == "savepoint":
            peer.run("SAVEPOINT halfway")
        self.run_steps(steps[kept:])
        if event["end"] == "savepoint":
            peer.run("ROLLBACK TO halfway")
        try:
            peer.run("ROLLBACK" if event["end"] == "rollback" else "COMMIT")
        except sqlite3.IntegrityError as error:  # a deferred foreign key, for one
            with contextlib.suppress(sqlite3.OperationalError):  # when nothing is open any more
                peer.run("ROLLBACK")
            self.check_refused_commit(texts, written, error)
            texts, written = [], []
        own = peer.own_messages(self.last_own_seq(0))
        self.check_groups(own, written)
        for text in texts + own:
            self.learn(0, text)
        self.check(0)

    def run_steps(self, steps):
        """Inside a transaction: the messages handed over, and the writes.

        A write is (table, values, is_cut): was anything new handed over between it and the one
        before? None when something was, but nothing new.
        """
        known = {message for message, _ in self.received[0]}
        texts, written, is_cut = [], [], False
        for step in steps:
            if step["do"] == "deliver":
                items = [tuple(item) for item in step["what"] if tuple(item) in self.messages]
                more = [self.messages[item] for item in items]
                try:
                    self.peers[0].apply(more, step["form"])
                except sqlite3.Error as error:
                    # A deferred key is broken, and what was written before goes out by itself.
                    if (NOT_ENFORCED in str(error)
                            and self.peers[0].run("PRAGMA foreign_key_check")):
                        continue
                    raise Broken("apply", f"well-formed input refused: {error}") from error
                texts += more
                is_new = not known.issuperset(read_message(text) for text in more)
                is_cut = True if is_new or is_cut else None
                known.update(read_message(text) for text in more)
            else:
                try:
                    values = self.known(step)
                    text = self.peers[0].write(step["table"], values, step["form"])
                except sqlite3.Error:
                    continue
                written.append((step["table"], values, is_cut))
                is_cut = False
                if text is not None:
                    raise Broken("txn", f"replic_patch in a transaction returned {text}")
        return texts, written

    def check_groups(self, own, written):
        """The messages of a transaction are those writes, and each run of writes is one group."""
        patches = [read_message(text) for text in own]
        groups = [p.group or (p.seq, p.seq) for p in patches]
        joined = [a == b for a, b in zip(groups, groups[1:])]
        first = patches[0].seq if patches else 0
        is_good = (len(own) == len(written)
                   and [p.seq for p in patches] == list(range(first, first + len(own)))
                   and all(is_cut is None or is_cut != join
                           for (_, _, is_cut), join in zip(written[1:], joined)))
        for group in set(groups):
            members = [p for p, g in zip(patches, groups) if g == group]
            is_good = (is_good and group == (members[0].seq, members[-1].seq)
                       and len({p.at for p in members}) == 1)
        if not is_good:
            raise Broken("txn", f"{written} gave the messages\n" + "\n".join(own))

    def check_refused_commit(self, texts, written, error):
        """A commit that failed was of a transaction which the oracle does not accept."""
        seq = self.last_own_seq(0)
        at = max([self.newest_stamp(0)[0]] + [read_message(text).at for text in texts]) + 1
        units = []
        for table, values, is_cut in written:
            if is_cut is not False or not units:
                units.append([])
            units[-1].append((table, values))
        own, more = [], []
        for unit in units:
            group = (seq + 1, seq + len(unit)) if len(unit) > 1 else None
            for table, values in unit:
                seq += 1
                own.append((PEER, seq))
                more.append(write_message(PEER, seq, at, table, values, group=group))
        if set(own) <= self.expected(0, texts + more).accepted:
            raise Broken("commit", f"{units} is legal, but: {error}")

    def do_fk(self, event):
        self.peers[0].set_option("foreign_keys", event["value"])
        self.options[0] = event["value"]
        self.check(0)

    def do_index(self, event):
        """The application changes an index; T shows what it would with this schema ever since."""
        indexes = next(t.literal["indexes"] for t in self.tables if t.name == event["table"])
        name = event["sql"].split()[2]
        try:
            self.peers[0].run(event["sql"])
        except sqlite3.Error:
            return  # the rows are not unique in this; or there is no such index
        if event["sql"].startswith("DROP"):
            indexes[:] = [sql for sql in indexes if sql.split()[3] != name]
        else:
            indexes.append(event["sql"])
        self.peers[0].retry()
        self.check(0)

    def do_column(self, event):
        """The application adds a column; what was parked for it is merged."""
        table = next(t for t in self.tables if t.name == event["table"])
        self.peers[0].run(f"ALTER TABLE {table.name} ADD COLUMN {event['name']} {event['kind']}")
        table.literal["columns"].append([event["name"], event["kind"]])
        self.peers[0].run("SELECT replic_refresh()")
        self.check(0)

    def known(self, event):
        """What a write of the application sets: it knows no other columns than the database."""
        table = self.schema(0).table(event["table"])
        return {n: v for n, v in event["set"].items() if table.column(n) is not None}

    def do_drift(self, _event):
        self.peers[0].set_option("max_drift_ms", DAY_MS)
        self.peers[0].retry()
        self.max_drift_ms[0] = DAY_MS
        self.check(0)

    def do_restart(self, _event):
        if self.peers[0].restart():
            self.check(0)

    # The end

    def finish(self):
        rng = random.Random(self.schedule["seed"])
        form = rng.choice(("single", "array", "bundle"))
        left = [item for item in self.messages if item not in self.delivered | self.lost]
        # An order that stays when some are taken away, while a schedule is shrunk.
        left.sort(key=lambda item: random.Random(f"{self.schedule['seed']} {item}").random())
        if left:
            self.hand_over(0, [self.messages[item] for item in left], form)
        self.check(0)
        if self.schedule["relay"]:
            self.relay(self.schedule["relay"], rng)

    def relay(self, way, rng):
        """A second database receives what the first one holds, and must show the same."""
        self.add_peer(RELAY, "memory")
        first, second = self.peers
        if self.options[0] != self.options[1]:
            second.set_option("foreign_keys", self.options[0])
            self.options[1] = self.options[0]
        if self.max_drift_ms[0] == DAY_MS:
            second.set_option("max_drift_ms", DAY_MS)
            self.max_drift_ms[1] = DAY_MS
        if way == "changes" or way not in first.ways:
            texts = [row[2] for row in first.changes()]
            rng.shuffle(texts)
            self.hand_over(1, texts, "array")
        else:
            self.relay_in_binary(way, first, second, rng)
            self.received[1], self.gone[1] = dict(self.received[0]), list(self.gone[0])
        self.check(1)
        same = (self.received[0].keys() == self.received[1].keys()
                and set(self.gone[0]) == set(self.gone[1]))
        if same and not first.missing():
            check_agreement(self.peers, [table.name for table in self.tables], self.schema(0))

    @staticmethod
    def relay_in_binary(way, first, second, rng):
        max_bytes = rng.choice((None, 1, 300))
        if way == "bundle":
            while blob := first.bundle(second.vector_text(), max_bytes):
                second.apply_blob(blob)
            return
        message = second.sync(None, None)
        while message is not None:
            message = second.sync(first.sync(message, max_bytes), max_bytes)

    def check(self, i):
        super().check(i)
        self.check_exported_groups(i)

    def check_exported_groups(self, i):
        """replic_changes gives each patch with the group that it came with."""
        def group_of(text):
            message = read_message(text)
            return (message.peer, message.seq, fold(message.tab), message.group)
        wanted = {group_of(text) for (m, _), text in self.received[i].items() if not m.is_void}
        given = {group_of(row[2]) for row in self.peers[i].changes()
                 if not read_message(row[2]).is_void}
        if wanted != given:
            raise Broken("group", f"groups of replic_changes: {sorted(given - wanted)}, not "
                         f"{sorted(wanted - given)}")

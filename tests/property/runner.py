"""Runs one schedule on real peers and holds them against the oracle.

After each event the runner knows, for every peer, the set R of messages that it has received or
written. At each checkpoint and at the end the peer must show exactly what the oracle says for R;
after healing all must be equal.
"""

import pathlib
import random
import sqlite3
import time

from checks import Broken, check_local_patch, check_peer, check_agreement
from oracle import DEFAULT_MAX_DRIFT_MS, oracle
from healing import heal
from schedule import DAY_MS, GHOSTS, PIN_MS
from shapes import BY_NAME, schema_of
from bad_input import bad_batch, bad_write
from wire import at_from_ms, read_message, write_message, write_void

PIN_GHOST = 900  # writes the one void that sets the clocks of a pinned schedule


class Run:
    """The peers of one schedule while it runs. `make_peer(id, kind)` opens an empty database.

    `folder` is for the files that a way of healing or a backup needs.
    """

    def __init__(self, schedule, make_peer, folder):
        self.schedule = schedule
        self.folder = folder
        self.backups = {}                               # position -> what it was like
        self.ahead = set()                              # too far in the future when they came
        self.replaced = set()                           # identities whose file a copy has replaced
        self.shapes = [(BY_NAME[t["shape"]], t["style"]) for t in schedule["tables"]]
        self.base_at = at_from_ms(int(time.time() * 1000) + (PIN_MS if schedule["pinned"] else 0))
        self.messages = {}                              # event id -> message
        self.peers = []
        for peer in schedule["peers"]:
            self.peers.append(make_peer(peer["id"], peer["kind"]))
        count = len(self.peers)
        self.received = [{} for _ in range(count)]      # R: message as read -> its text
        self.late = [{} for _ in range(count)]          # table -> late columns; no entry: no table
        self.max_drift_ms = [DEFAULT_MAX_DRIFT_MS] * count

    def execute(self):
        for table in self.schedule["tables"]:
            for i, is_here in enumerate(table["here"]):
                if is_here:
                    self.bring_table(i, table["shape"])
                    for position in table["late"][i]:
                        self.bring_column(i, table["shape"], position)
        if self.schedule["pinned"]:
            for i in range(len(self.peers)):
                self.hand_over(i, [write_void(PIN_GHOST, 1, self.base_at)], "single")
        for event in self.schedule["events"]:
            getattr(self, "do_" + event["do"])(event)
            if self.schedule["watchful"]:
                for i in event.get("to", [event["peer"]] if "peer" in event else []):
                    self.check(i)
        self.do_check(None)
        self.heal()

    def close(self):
        for peer in self.peers:
            peer.close()

    # What a peer has

    def schema(self, i):
        return schema_of(shape.spec(style, sorted(self.late[i][shape.name]))
                         for shape, style in self.shapes if shape.name in self.late[i])

    def expected(self, i, more=()):
        return oracle(list(self.received[i].values()) + list(more), self.schema(i),
                      int(time.time() * 1000), self.max_drift_ms[i])

    def learn(self, i, text):
        message = read_message(text)
        if message.at > self.drift_limit(i):
            self.ahead.add(message)
        values = frozenset((n, type(v), v) for n, v in message.values.items())
        self.received[i].setdefault((message, values), text)

    def last_own_seq(self, i):
        return max((m.seq for m, _ in self.received[i] if m.peer == self.peers[i].id), default=0)

    def drift_limit(self, i):
        return at_from_ms(int(time.time() * 1000) + self.max_drift_ms[i])

    def newest_stamp(self, i):
        """The greatest stamp that must have moved the clock: not one too far in the future, nor one
        that was when it came, and has lost its (peer, seq)."""
        limit = self.drift_limit(i)
        most = {}
        for m, _ in self.received[i]:
            most[m.peer, m.seq] = max(most.get((m.peer, m.seq), (False, 0)), (not m.is_void, m.at))
        return max((m.stamp for m, _ in self.received[i] if m.at <= limit
                    and (m not in self.ahead or (not m.is_void, m.at) == most[m.peer, m.seq])),
                   default=(0, 0, 0))

    def bring_table(self, i, name):
        shape, style = next(pair for pair in self.shapes if pair[0].name == name)
        self.peers[i].bring_table(shape, style)
        self.late[i][name] = set()

    def bring_column(self, i, name, position):
        self.peers[i].bring_column(BY_NAME[name], position)
        self.late[i][name].add(position)

    def check(self, i):
        check_peer(self.peers[i], self.expected(i), self.received[i].values(), self.schema(i))

    def hand_over(self, i, texts, form, handle=0):
        """Applies messages, learns them, and checks the returned number of new patches."""
        schema = self.schema(i)
        known = {schema.same_content_key(read_message(t)) for t in self.received[i].values()}
        fresh = {schema.same_content_key(read_message(t)) for t in texts} - known
        least = {key[:2] for key in fresh} - {key[:2] for key in known}
        try:
            count = self.give(i, texts, form, handle)
        except sqlite3.Error as error:
            raise Broken("apply", f"peer {self.peers[i].id}: well-formed input refused: {error}\n"
                         + "\n".join(texts)) from error
        for text in texts:
            self.learn(i, text)
        self.learn_identity(i)
        if count is not None and not len(least) <= count <= len(fresh):
            raise Broken("count", f"peer {self.peers[i].id}: replic_apply gave {count} for "
                         f"{len(fresh)} new patches:\n" + "\n".join(texts))

    def give(self, i, texts, form, handle):
        return self.peers[i].apply(texts, form, handle)

    # Events

    def do_write(self, event):
        i, table = event["peer"], event["table"]
        if table not in self.late[i]:
            return
        values = self.known_values(i, event)
        try:
            text = self.peers[i].write(table, values, event["form"], event["handle"])
        except sqlite3.Error as error:
            check_local_patch(self, i, table, values, None, error)
            self.check(i)
            return
        check_local_patch(self, i, table, values, text, None)
        self.messages[event["id"]] = text
        self.learn(i, text)

    def known_values(self, i, event):
        table = self.schema(i).table(event["table"])
        return {n: v for n, v in event["set"].items() if table.column(n) is not None}

    def do_ghost(self, event):
        at = self.base_at + event["at"]
        if event["table"] == "_":
            text = write_void(event["ghost"], event["seq"], at)
        else:
            text = write_message(event["ghost"], event["seq"], at, event["table"], event["set"])
        self.messages[event["id"]] = text
        for i in event["to"]:
            self.hand_over(i, [text], "single")

    def do_deliver(self, event):
        self.hand_over(event["peer"], self.texts(event["what"]), event["form"], event["handle"])

    def texts(self, ids):
        return [self.messages[i] for i in ids if i in self.messages]

    def do_relay(self, event):
        source, target = self.peers[event["from"]], self.peers[event["peer"]]
        rng = random.Random(event["pick"])
        since = target.vector_text() if event["since"] else None
        texts = [row[2] for row in source.changes(since)]
        texts.sort(key=lambda t: repr(sorted(read_message(t).__dict__.items(), key=repr)))
        texts = rng.sample(texts, round(len(texts) * event["share"]))
        self.hand_over(event["peer"], texts, event["form"])

    def do_txn(self, event):
        i, handle = event["peer"], event["handle"]
        peer, steps = self.peers[i], event["steps"]
        kept = {"commit": len(steps), "rollback": 0, "savepoint": len(steps) // 2}[event["end"]]
        peer.run("BEGIN", (), handle)
        texts, written = self.run_steps(i, steps[:kept], handle)
        if event["end"] == "savepoint":
            peer.run("SAVEPOINT halfway", (), handle)
        self.run_steps(i, steps[kept:], handle)
        if event["end"] == "savepoint":
            peer.run("ROLLBACK TO halfway", (), handle)
        peer.run("ROLLBACK" if event["end"] == "rollback" else "COMMIT", (), handle)
        own = peer.own_messages(self.last_own_seq(i))
        if len(own) != len(written):
            raise Broken("txn", f"peer {peer.id}: {len(written)} writes gave the messages {own}")
        self.messages.update(zip(written, own))
        for text in texts + own:
            self.learn(i, text)
        self.check(i)

    def run_steps(self, i, steps, handle):
        """Inside a transaction: the messages that were handed over, the ids of the writes."""
        texts, written = [], []
        for step in steps:
            try:
                if step["do"] == "deliver":
                    more = self.texts(step["what"])
                    self.peers[i].apply(more, step["form"], handle)
                    texts += more
                elif step["table"] in self.late[i]:
                    text = self.peers[i].write(step["table"], self.known_values(i, step),
                                               step["form"], handle)
                    written.append(step["id"])
                    if text is not None:
                        raise Broken("txn", f"replic_patch in a transaction returned {text}")
            except sqlite3.Error as error:
                if step["do"] == "deliver":
                    raise Broken("apply", f"well-formed input refused: {error}") from error
        return texts, written

    def do_check(self, _):
        for i in range(len(self.peers)):
            self.check(i)

    def do_restart(self, event):
        if self.peers[event["peer"]].restart():
            self.check(event["peer"])

    # Copies: several databases under one identity, each with what it has received

    def do_backup(self, event):
        self.take_copy(event["peer"], event["peer"])

    def do_restore(self, event):
        self.become_copy(event["peer"])

    def do_clone(self, event):
        self.take_copy(event["from"], "clone")
        self.become_copy(event["peer"], "clone")

    def take_copy(self, i, name):
        peer = self.peers[i]
        if peer.kind == "utf16" or not peer.can_be_copied:  # a copy keeps its encoding
            return
        path = f"{self.folder}/copy{name}.db"
        pathlib.Path(path).unlink(missing_ok=True)
        peer.snapshot(path)
        late = {table: set(columns) for table, columns in self.late[i].items()}
        self.backups[name] = (path, dict(self.received[i]), late, self.max_drift_ms[i])

    def become_copy(self, i, name=None):
        copy = self.backups.get(i if name is None else name)
        if copy is None or self.peers[i].kind == "utf16":
            return
        path, received, late, self.max_drift_ms[i] = copy
        self.replaced.update(self.peers[i].identities())
        self.peers[i].become(path)
        self.received[i] = dict(received)
        self.late[i] = {table: set(columns) for table, columns in late.items()}
        self.check(i)

    def learn_identity(self, i):
        """After patches came in: a peer may write under a new id, and have issued some again."""
        peer = self.peers[i]
        if not self.schedule.get("copies") or not peer.can_be_copied:
            return
        peer.id = peer.identity()
        original = {p["id"] for p in self.schedule["peers"]} | set(GHOSTS) | {PIN_GHOST}
        known = set(self.received[i].values())
        schema = self.schema(i)
        contents = {schema.same_content_key(message)[2:]
                    for received in self.received for message, _ in received}
        for peer_id, _, text, _ in peer.changes():
            if peer_id in original or text in known:
                continue
            if schema.same_content_key(read_message(text))[2:] not in contents:
                raise Broken("again", f"peer {peer.id} issued {text}, which nobody wrote before")
            self.learn(i, text)
            self.messages[text] = text

    def do_ddl(self, event):
        i, name, column = event["peer"], event["table"], event["column"]
        if name not in self.late[i]:
            self.bring_table(i, name)
        elif column is not None and column not in self.late[i][name]:
            self.bring_column(i, name, column)
        else:
            return
        if event["then"] == "apply" and self.received[i]:
            self.peers[i].apply([next(iter(self.received[i].values()))])
        else:
            self.peers[i].retry()
        self.check(i)

    def do_drift(self, event):
        i = event["peer"]
        self.peers[i].set_option("max_drift_ms", event["ms"])
        self.peers[i].retry()
        self.max_drift_ms[i] = event["ms"]
        self.check(i)

    def do_bad_write(self, event):
        self.must_refuse(event, lambda peer: bad_write(peer, BY_NAME[event["table"]],
                                                       event["kind"]))

    def do_bad_apply(self, event):
        batch = bad_batch(self.texts(event["what"]), BY_NAME[event["table"]], event["kind"])
        self.must_refuse(event, lambda peer: peer.apply([batch]))

    def must_refuse(self, event, call):
        i = event["peer"]
        if event["table"] not in self.late[i]:
            return
        try:
            call(self.peers[i])
        except sqlite3.Error:
            self.check(i)
            return
        raise Broken("accepted", f"peer {self.peers[i].id}: {event['kind']!r} was accepted")

    # The end

    def heal(self):
        """Every message, schema and option to everyone, as the peers export it; then all agree."""
        for i in range(len(self.peers)):
            self.max_drift_ms[i] = DAY_MS
            self.peers[i].set_option("max_drift_ms", DAY_MS)
            for shape, _ in self.shapes:
                if shape.name not in self.late[i]:
                    self.bring_table(i, shape.name)
                for position in set(range(len(shape.late))) - self.late[i][shape.name]:
                    self.bring_column(i, shape.name, position)
            self.peers[i].retry()
        rng = random.Random(self.schedule["seed"])
        self.hand_over(0, list(self.messages.values()), "array")  # those that were lost everywhere
        self.hand_over(0, self.voids_for_holes(), "array")
        way = self.schedule.get("heal", "changes")
        if way in self.peers[0].ways and way != "changes":
            heal(way, self.peers, rng, self.folder)
            self.learn_all(by_export=way == "bundles" and self.hides())
        if way not in self.peers[0].ways or way == "changes" or way == "bundles" and self.hides():
            self.heal_by_changes(rng)
        for i in range(len(self.peers)):
            self.check(i)
        check_agreement(self.peers, [s.name for s, _ in self.shapes], self.schema(0))
        self.check_again()

    def learn_all(self, by_export):
        """Everyone has received everything; by_export: what it says, since some may hide."""
        for i, peer in enumerate(self.peers):
            self.learn_identity(i)
            for row in peer.changes() if by_export else ():
                self.learn(i, row[2])
        if not by_export:
            everything = {m: text for received in self.received for m, text in received.items()}
            self.received = [dict(everything) for _ in self.peers]

    def voids_for_holes(self):
        """Seqs of ghosts that exist nowhere: events that made them were taken away."""
        seqs = {}
        for received in self.received:
            for message, _ in received:
                seqs.setdefault(message.peer, set()).add(message.seq)
        return [write_void(ghost, seq, self.base_at) for ghost in GHOSTS if ghost in seqs
                for seq in range(1, max(seqs[ghost])) if seq not in seqs[ghost]]

    def hides(self):
        """Are there several contents under one (peer, seq)? Vectors do not tell them apart."""
        keys = {self.schema(0).same_content_key(m) for r in self.received for m, _ in r}
        return len({key[:2] for key in keys}) < len(keys)

    def check_again(self):
        """No write of a peer is lost: under its own (peer, seq), or issued again. But for those of
        an identity that no file has any more, since a copy of another has taken its place."""
        schema = self.schema(0)
        ghosts = {*GHOSTS, PIN_GHOST}
        messages = [m for m, _ in self.received[0] if m.peer not in ghosts and not m.is_void]
        winners = {}
        for message in sorted(messages, key=lambda m: (m.at, schema.content(m))):
            winners[message.peer, message.seq] = schema.same_content_key(message)
        shown = {key[2:] for key in winners.values()}
        gone = self.replaced - {own for peer in self.peers for own in peer.identities()}
        for message in messages:
            if message.peer not in gone and schema.same_content_key(message)[2:] not in shown:
                raise Broken("again", f"{message} lost its seq to another patch, and was not "
                             "issued again under a new identity")

    def heal_by_changes(self, rng):
        pairs = [(a, b) for a in range(len(self.peers)) for b in range(len(self.peers)) if a != b]
        rng.shuffle(pairs)
        # Equal vectors can hide other content, and what loses its seq may be issued again.
        for use_vector in (True, False) + (False, False) * self.schedule.get("copies", False):
            for a, b in pairs:
                since = self.peers[b].vector_text() if use_vector else None
                texts = [row[2] for row in self.peers[a].changes(since)]
                rng.shuffle(texts)
                self.hand_over(b, texts, rng.choice(("array", "spaced", "insert")))

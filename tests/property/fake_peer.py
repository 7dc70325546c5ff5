"""A peer without the extension: it keeps what it receives and answers by the oracle.

It proves nothing about replic. It lets the tests of the property test run it, with a fault planted
on purpose (`fault`), to see that the fault is found and the schedule shrunk.
"""

import copy
import json
import sqlite3
import time

from oracle import DEFAULT_MAX_DRIFT_MS, oracle
from peer import in_form
from shapes import schema_of
from wire import (EPOCH_MS, Patch, at_from_ms, fold, read_message, value_from_json,
                  value_to_json, write_message)

FAULTS = ("arrival order", "null forgotten", "duplicate counted", "rollback ignored",
          "equal stamps")


class FakePeer:
    ways = ("changes",)
    can_be_copied = False

    def __init__(self, peer_id, kind, fault=None):
        self.id = peer_id
        self.kind = kind
        self.fault = fault
        self.state = {"texts": [], "tables": {}, "drift": DEFAULT_MAX_DRIFT_MS}
        self._saved = []

    def run(self, sql, _arguments=(), _handle=0):
        if sql in ("BEGIN", "SAVEPOINT halfway"):
            self._saved.append(copy.deepcopy(self.state))
        elif sql in ("ROLLBACK", "ROLLBACK TO halfway"):
            saved = self._saved.pop()
            self.state = self.state if self.fault == "rollback ignored" else saved
        elif sql == "COMMIT":
            self._saved = []
        return []

    def close(self):
        pass

    def restart(self):
        return self.kind != "memory"

    def bring_table(self, shape, style):
        self.state["tables"][shape.name] = (shape, style, [])

    def bring_column(self, shape, position):
        self.state["tables"][shape.name][2].append(position)

    def _schema(self):
        return schema_of(shape.spec(style, sorted(late))
                         for shape, style, late in self.state["tables"].values())

    def _outcome(self, more=()):
        messages = [self._read(t, n) for n, t in enumerate(self.state["texts"] + list(more))]
        return oracle(messages, self._schema(), int(time.time() * 1000), self.state["drift"])

    def _read(self, text, arrival):
        patch = read_message(text)
        values, at, peer = patch.values, patch.at, patch.peer
        if self.fault == "arrival order" and not patch.is_void and at < at_from_ms(
                int(time.time() * 1000) + self.state["drift"]):
            at = at_from_ms(EPOCH_MS, arrival)
        if self.fault == "null forgotten":
            values = {n: v for n, v in values.items() if v is not None}
        if self.fault == "equal stamps" and peer != self.id:
            at -= at % 2
        return Patch(peer, patch.seq, at, patch.ver, patch.tab, values, patch.group)

    def _known(self):
        return {self._schema().same_content_key(read_message(t)) for t in self.state["texts"]}

    def write(self, table, values, _form, _handle=0):
        text = json.dumps({n: value_to_json(v) for n, v in values.items()})
        return self.write_text(table, text)

    def write_text(self, name, text):
        try:
            pairs = json.loads(text, object_pairs_hook=lambda p: p)
        except ValueError as error:
            raise sqlite3.OperationalError("replic: E_JSON: fake") from error
        values = {n: value_from_json(dict(v) if isinstance(v, list) else v) for n, v in pairs}
        table = self._schema().table(name)
        unknown = table is None or any(table.column(name) is None for name in values)
        if unknown or len(values) < len(pairs):
            raise sqlite3.OperationalError("replic: E_ARGUMENT: fake")
        if any(values.get(c.wire_name) is None for c in table.key_columns):
            raise sqlite3.OperationalError("replic: E_KEY: fake")
        if None in values.values() and not table.spec.log_has_nulls:
            raise sqlite3.OperationalError("replic: E_NULLS: fake")
        patches = [read_message(t) for t in self.state["texts"]]
        row = table.key_of(values)
        if not any(p.tab == table.name and table.key_of(p.values) == row for p in patches
                   if (p.peer, p.seq) in self._outcome().accepted and fold(p.tab) == fold(name)):
            values = self._with_defaults(table, values)
        seq = 1 + max((p.seq for p in patches if p.peer == self.id), default=0)
        limit = int(time.time() * 1000) + self.state["drift"]
        newest = max((p.stamp for p in patches if p.at <= at_from_ms(limit)), default=(0, 0, 0))
        at = max(at_from_ms(int(time.time() * 1000)), newest[0] + int(newest[1] != self.id))
        message = write_message(self.id, seq, at, table.name, values)
        if (self.id, seq) not in self._outcome([message]).accepted:
            raise sqlite3.IntegrityError("constraint failed")
        self.state["texts"].append(message)
        return None if self._saved else message

    @staticmethod
    def _with_defaults(table, values):
        given = {fold(n) for n in values}
        db = sqlite3.connect(":memory:")
        filled = {c.wire_name: db.execute(f"SELECT {c.default}").fetchone()[0]
                  for c in table.columns if c.has_expression_default and fold(c.name) not in given}
        return {**values, **filled}

    def apply(self, messages, form="single", _handle=0):
        count = 0
        for argument in in_form(messages, form):
            argument = argument.decode() if isinstance(argument, bytes) else argument
            texts = self._split(argument)
            for text in texts:
                self._refuse_malformed(read_message(text))
            known = self._known()
            for text in texts:
                key = self._schema().same_content_key(read_message(text))
                if key not in known:
                    known.add(key)
                    self.state["texts"].append(text)
                    count += 1
                elif self.fault == "duplicate counted":
                    count += 1
        return None if form == "insert" else count

    def _refuse_malformed(self, patch):
        if not 0 < patch.seq < 2**53 or patch.at >= 2**53:
            raise sqlite3.OperationalError("replic: E_MESSAGE: fake")

    @staticmethod
    def _split(text):
        decoder, found = json.JSONDecoder(), []
        text = text.strip()
        while text:
            try:
                value, end = decoder.raw_decode(text)
            except ValueError as error:
                raise sqlite3.OperationalError("replic: E_JSON: fake") from error
            for message in value if isinstance(value, list) else [value]:
                if not isinstance(message, dict) or "seq" not in message:
                    raise sqlite3.OperationalError("replic: E_MESSAGE: fake")
                found.append(json.dumps(message))
            text = text[end:].strip()
        return found

    def identities(self):
        return [self.id]

    def retry(self):
        return 0

    def set_option(self, _name, value):
        self.state["drift"] = value

    def rows(self, table, columns):
        names = [c.name for c in self._schema().table(table).columns]
        picked = [names.index(c) for c in columns]
        return [tuple(row[p] for p in picked) for row in self._outcome().rows[table]]

    def changes(self, _since=None):
        parked = {entry[1:3]: entry[3] for entry in self._outcome().pending}
        patches = [(read_message(t), t) for t in self.state["texts"]]
        return [(p.peer, p.seq, t, parked.get((p.peer, p.seq))) for p, t in patches]

    def own_messages(self, after_seq):
        return [row[2] for row in self.changes() if row[0] == self.id and row[1] > after_seq]

    def pending(self):
        return [entry + (0, 1, None) for entry in self._outcome().pending]

    def vector_text(self):
        return json.dumps(self._outcome().vector)

    def vector(self):
        return {int(peer): ranges for peer, ranges in json.loads(self.vector_text()).items()}

    def missing(self):
        gaps = []
        for peer, ranges in self._outcome().vector.items():
            ends = [[0, 0]] + ranges
            gaps += [(peer, a[1] + 1, b[0] - 1) for a, b in zip(ends, ends[1:]) if a[1] + 1 < b[0]]
        return gaps

    def digest(self):
        return repr(sorted(self._outcome().rows.items()))

    def problems(self):
        return []


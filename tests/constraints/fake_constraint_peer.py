"""A peer without the extension for the schedules of unit_schedule.py: it answers by the oracle.

It proves nothing about replic. With a fault planted on purpose, in what it receives or in the rule
by which it answers, it proves that the property test finds such a fault.
"""

import contextlib
import json
import sqlite3
import time
from unittest import mock

import oracle as rule
from fake_peer import FAULTS as FAULTS_OF_ANY_PEER, FakePeer
from schema import quote


def _single_groups(patches):
    return {(p.peer, p.seq, p.seq): {(p.peer, p.seq): p} for p in patches.values() if not p.is_void}


def _free_newest(waiting, fold):
    reverse = waiting[::-1]
    freed = _free_one(reverse, fold)
    waiting[:] = reverse[::-1]
    return freed


_free_one = rule.free_one

# What another rule would be: (where, function or attribute, what it is then)
RULE_FAULTS = {
    "no mates": (rule, "mates", lambda unit, _waiting, _fold: [unit]),
    "never tried again": (rule, "free_one", lambda _waiting, _fold: False),
    "newest first": (rule, "free_one", _free_newest),
    "groups torn": (rule, "groups_of", _single_groups),
    "groups not awaited": (rule, "is_void_or_gone", lambda *_: True),
    "gone forgotten": (rule, "is_void_or_gone", lambda peer, seq, patches, _gone:
                       (peer, seq) in patches and patches[peer, seq].is_void),
}
FAULTS = (*FAULTS_OF_ANY_PEER, *RULE_FAULTS, "foreign keys ignored", "message lost",
          "stamp swapped")


class FakeConstraintPeer(FakePeer):
    def __init__(self, peer_id, kind, pragma, fault=None):
        super().__init__(peer_id, kind, fault)
        self.state.update(foreign_keys=pragma, gone=[], open=[])
        self._remembered = (None, None)

    def set_option(self, name, value):
        if name == "foreign_keys":
            self.state["foreign_keys"] = value
        else:
            super().set_option(name, value)

    def run(self, sql, arguments=(), handle=0):
        if sql in ("COMMIT", "ROLLBACK"):
            if sql == "COMMIT":
                self._make_groups()
            self.state["open"] = []
        if sql.startswith("CREATE UNIQUE INDEX"):
            self._try_index(sql)
        return super().run(sql, arguments, handle)

    def _try_index(self, sql):
        """Raises what SQLite does when the rows are not unique in this."""
        with contextlib.closing(sqlite3.connect(":memory:")) as db:
            for table in self._schema().tables.values():
                for statement in table.spec.sql.split(";"):
                    db.execute(statement)
                stored = [c.name for c in table.columns if not c.is_generated]
                db.executemany(f"INSERT INTO {quote(table.name)}({', '.join(map(quote, stored))})"
                               f" VALUES ({', '.join('?' * len(stored))})",
                               self.rows(table.name, stored))
            with contextlib.suppress(sqlite3.OperationalError):  # it is there already
                db.execute(sql)

    def write_text(self, name, text):
        before = len(self.state["texts"])
        message = super().write_text(name, text)
        if self._saved:
            self.state["open"].append(before)
        return message

    def _make_groups(self):
        """The writes of a transaction that stand side by side are one group."""
        texts, run = self.state["texts"], []
        for position in self.state["open"] + [None]:
            if run and position != run[-1] + 1:
                messages = [json.loads(texts[p]) for p in run]
                for place, message in zip(run, messages):
                    message["at"] = messages[0]["at"]
                    if len(run) > 1:
                        message["grp"] = [messages[0]["seq"], messages[-1]["seq"]]
                    texts[place] = json.dumps(message)
                run = []
            run.append(position)

    def apply(self, messages, form="single", _handle=0):
        self.state["gone"] += [m for m in messages if json.loads(m)["type"] == 40]
        return super().apply([m for m in messages if json.loads(m)["type"] == 10], form)

    def apply_carried(self, messages):
        return self.apply(messages, "array")

    def _outcome(self, more=()):
        texts = self.state["texts"] + list(more)
        question = (tuple(texts), tuple(self.state["gone"]), self._schema(), self.state["drift"],
                    self.state["foreign_keys"])
        if self._remembered[0] != question:
            self._remembered = (question, self._answer(texts))
        return self._remembered[1]

    def _answer(self, texts):
        messages = [self._read(text, arrival) for arrival, text in enumerate(texts)]
        if self.fault == "message lost":
            messages[4:5] = []
        if self.fault == "stamp swapped" and len(messages) > 3:
            a, b = messages[2:4]
            messages[2:4] = [_with_at(a, b.at), _with_at(b, a.at)]
        change = contextlib.nullcontext()
        if self.fault in RULE_FAULTS:
            where, name, other = RULE_FAULTS[self.fault]
            change = mock.patch.object(where, name, other)
        with change:
            return rule.oracle(messages + self.state["gone"], self._schema(),
                               int(time.time() * 1000), self.state["drift"],
                               self.state["foreign_keys"] and self.fault != "foreign keys ignored")


def _with_at(patch, at):
    return type(patch)(patch.peer, patch.seq, at, patch.ver, patch.tab, patch.values, patch.group)


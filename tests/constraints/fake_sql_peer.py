"""A peer without the extension for the schedules of sql_schedule.py.

It runs the statements on an ordinary database, makes patches of the difference at each commit, and
shows what the oracle says. It proves nothing about replic: it shows that the property test passes
what is right and finds faults that are planted on purpose.
"""

import sqlite3
import time

from fake_constraint_peer import FakeConstraintPeer
from schema import quote
from shadow import idle_triggers, result_of
from shapes import schema_of
from wire import at_from_ms, read_message, write_message

FAULTS = ("message lost", "never tried again", "groups torn", "group forgotten", "whole rows sent",
          "nothing deleted", "clock stands")


class FakeSqlPeer(FakeConstraintPeer):
    def __init__(self, peer_id, kind, pragmas, fault=None):
        super().__init__(peer_id, kind, pragmas["foreign_keys"], fault)
        self.tables = []
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        for name, value in pragmas.items():
            self.db.execute(f"PRAGMA {name} = {value}")

    def run(self, sql, arguments=(), _handle=0):
        return self.db.execute(sql, arguments).fetchall()

    read = run

    def track(self, table):
        self.tables.append(table)
        for sql in idle_triggers(table.name):
            self.run(sql)
        for place, row in self._picture().items():
            if place[0] == table.name:
                self._write({}, {place: row})

    def _schema(self):
        return schema_of(table.spec() for table in self.tables)

    def close(self):
        self.db.close()

    def restart(self):
        return False

    def rows(self, table, columns):
        names = ", ".join(quote(column) for column in columns)
        return self.run(f"SELECT {names} FROM {quote(table)}")

    def apply(self, messages, form="single", _handle=0):
        count = super().apply(messages, form)
        self._show()
        return count

    def statement(self, sql, has_rowid):
        before = self._picture() if not self.db.in_transaction else self.before
        result = result_of(self.db, sql, has_rowid)
        self.before = before
        if not self.db.in_transaction:
            self._write(before, self._picture())
            self._show()
        return result

    def _picture(self):
        shown = {}
        for table in self._schema().tables.values():
            for row in self.rows(table.name, [column.name for column in table.columns]):
                values = dict(zip([column.wire_name for column in table.columns], row))
                shown[table.name, table.key_of(values)] = values
        return shown

    def _write(self, before, now):
        """The messages of the difference, as one group."""
        patches = []
        for place in sorted({*before, *now}, key=repr):
            table = self._schema().table(place[0])
            old, new = before.get(place), now.get(place)
            key = {column.wire_name for column in table.key_columns}
            if new is None and self.fault != "nothing deleted":
                values = {n: v for n, v in old.items() if n in key}
                patches.append((table.name, {**values, "deletedAt": 1}))
            elif old is None:
                patches.append((table.name, {**new, "deletedAt": new.get("deletedAt")}))
            elif new is not None and repr(old) != repr(new):
                values = {n: v for n, v in new.items() if n in key or repr(old[n]) != repr(v)
                          or self.fault == "whole rows sent"}
                patches.append((table.name, values))
        known = [read_message(text) for text in self.state["texts"]]
        newest = max((p.stamp for p in known), default=(0, 0, 0))
        seq = max((p.seq for p in known if p.peer == self.id), default=0)
        at = max(at_from_ms(int(time.time() * 1000)), newest[0] + int(newest[1] != self.id))
        at = newest[0] if self.fault == "clock stands" and newest[0] else at
        group = (seq + 1, seq + len(patches)) if len(patches) > 1 else None
        group = None if self.fault == "group forgotten" else group
        for number, (name, values) in enumerate(patches, 1):
            self.state["texts"].append(write_message(self.id, seq + number, at, name, values,
                                                     group=group))

    def _show(self):
        """Puts what the oracle says into the tables."""
        rows = self._outcome().rows
        pragma = self.run("PRAGMA foreign_keys")[0][0]
        self.run("PRAGMA foreign_keys = 0")
        triggers = self.run("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
        for name, _ in triggers:
            self.run(f"DROP TRIGGER {quote(name)}")
        for table in self._schema().tables.values():
            self.run(f"DELETE FROM {quote(table.name)}")
            stored = [n for n, column in enumerate(table.columns) if not column.is_generated]
            names = ", ".join(quote(table.columns[n].name) for n in stored)
            marks = ", ".join("?" * len(stored))
            self.db.executemany(f"INSERT INTO {quote(table.name)}({names}) VALUES ({marks})",
                                [[row[n] for n in stored] for row in rows[table.name]])
        for _, sql in triggers:
            self.run(sql)
        self.run(f"PRAGMA foreign_keys = {pragma}")

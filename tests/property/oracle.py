"""The oracle of DESIGN.md section 3: what a database must show that has received the messages R.

    schema = Schema([TableSpec("t", "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT NOT NULL)")])
    outcome = oracle(messages, schema, now_ms=1767225600000)
    outcome.rows["t"], outcome.pending

It follows the text of the rule line by line, at any cost, and shares nothing with ext/. The order
of `messages` never matters. What the text leaves open is decided here, in one place each:

 1. A patch parked with `clock` is not also listed with `schema`.
 2. Several losers of one (peer, seq) are one pending entry, under the table of the greatest.
 3. A column that no accepted patch sets shows its constant DEFAULT, or NULL when its DEFAULT is an
    expression. For mates(w), a NOT NULL column with such a DEFAULT counts as without default.
 4. mates(w): a row lacks a column when the fold gives NULL for it; a unit helps when it sets one of
    the lacking columns to a value; the oldest that sets any of them is added, again and again.
 5. A row with a log-only tombstone is absent from T, lacks nothing and breaks nothing.
 6. Parts of a group disagree when their `grp` or their `at` differ: they wait with `group`.
 7. FOREIGN KEY is tested in both directions: a unit may not take a parent away from a row either.
    A reference is good when PRAGMA foreign_key_check says so, in the parent's collation; a row may
    refer to itself.
 8. A part that is parked for the schema counts as here: the rest of its group goes on.
 9. Two messages with equal content and other groups are one patch twice, and the rule does not say
    which group it has: peers do not write such.
 8. A patch that lacks a column of its table's key, or sets it to NULL, is of no row: `schema`.
"""

import sqlite3
from dataclasses import dataclass, field

from schema import Schema, TableSpec, quote  # noqa: F401  (the first two are part of the interface)
from wire import Gone, Patch, add_range, at_from_ms, read_message

DEFAULT_MAX_DRIFT_MS = 300_000


@dataclass(frozen=True)
class Part:
    """The part of a patch that this schema knows: one row, some of its columns."""
    patch: Patch
    row: tuple      # (table name, key)
    values: dict    # by wire name, None is an explicit NULL


@dataclass(frozen=True)
class Unit:
    """What is accepted or waits as a whole."""
    stamp: tuple    # (at, peer, first seq)
    parts: tuple

    @property
    def rows(self):
        return {part.row for part in self.parts}


@dataclass
class Outcome:
    rows: dict = field(default_factory=dict)      # table -> [tuple of all columns], sorted
    pending: set = field(default_factory=set)     # {(tab, peer, seq, reason)}
    accepted: set = field(default_factory=set)    # {(peer, seq)} that the fold is made of
    vector: dict = field(default_factory=dict)    # peer -> [[first, last], ..]

    def park(self, patch, reason, tab=None):
        self.pending.add((tab or patch.tab, patch.peer, patch.seq, reason))


def oracle(messages, schema, now_ms, max_drift_ms=DEFAULT_MAX_DRIFT_MS, foreign_keys=True,
           is_breaking=lambda ver: False):
    """The outcome for the messages received or written, as texts or as Patch and Gone objects.

    `foreign_keys`: the option of the file. `is_breaking(ver)`: patches of that schema version
    cannot be read.
    """
    outcome = Outcome()
    received = [read_message(m) if isinstance(m, str) else m for m in messages]
    gone = [m for m in received if isinstance(m, Gone)]
    patches = keep_greatest([m for m in received if isinstance(m, Patch)], schema, outcome)
    outcome.vector = vector_of(patches, gone)
    parts = readable_parts(patches, schema, at_from_ms(now_ms + max_drift_ms), is_breaking, outcome)
    units = complete_units(patches, parts, gone, outcome)
    fold = Fold(schema, foreign_keys)
    try:
        waiting = execute(units, fold)
        outcome.rows = fold.table_rows()
        outcome.accepted = {(part.patch.peer, part.patch.seq)
                            for parts in fold.accepted.values() for part in parts}
    finally:
        fold.close()
    for unit in waiting:
        for part in unit.parts:
            outcome.park(part.patch, "constraint", part.row[0])
    return outcome


def keep_greatest(received, schema, outcome):
    """Of one (peer, seq) the greatest by (not void, at, content); the others -> identity."""
    rivals = {}
    for patch in received:
        contents = rivals.setdefault((patch.peer, patch.seq), {})
        contents.setdefault(schema.same_content_key(patch), patch)
    patches = {}
    for identity, contents in rivals.items():
        ordered = list(contents.values())
        if len(ordered) > 1:
            ordered.sort(key=lambda p: (not p.is_void, p.at, schema.content(p)))
            outcome.park(ordered[-2], "identity", canonical_name(schema, ordered[-2].tab))
        patches[identity] = ordered[-1]
    return patches


def canonical_name(schema, tab):
    table = schema.table(tab)
    return table.name if table else tab


def vector_of(patches, gone):
    vector = {}
    for peer, seq in patches:
        vector[peer] = add_range(vector.get(peer, []), seq, seq)
    for g in gone:
        vector[g.peer] = add_range(vector.get(g.peer, []), g.first, g.last)
    return vector


def readable_parts(patches, schema, latest_at, is_breaking, outcome):
    """(peer, seq) -> Part: what is neither void, nor of the future, nor of an unknown table."""
    parts = {}
    for identity, patch in patches.items():
        table = schema.table(patch.tab)
        if patch.at > latest_at:
            outcome.park(patch, "clock", canonical_name(schema, patch.tab))
        elif patch.is_void:
            pass
        elif table is None or is_breaking(patch.ver):
            outcome.park(patch, "schema", canonical_name(schema, patch.tab))
        else:
            known = {}
            for name, value in schema.values_of(patch).items():
                column = table.column(name)
                if column is None or (value is None and not table.spec.log_has_nulls):
                    outcome.park(patch, "schema", table.name)
                else:
                    known[column.wire_name] = value
            if any(known.get(c.wire_name) is None for c in table.key_columns):
                outcome.park(patch, "schema", table.name)
                continue
            parts[identity] = Part(patch, (table.name, table.key_of(known)), known)
    return parts


def complete_units(patches, parts, gone, outcome):
    """Parts by group, when all its seqs are here (void, type 40 count as here), else -> group."""
    units = []
    for group, members in groups_of(patches).items():
        peer, first, last = group
        here = all((peer, seq) in members or is_void_or_gone(peer, seq, patches, gone)
                   for seq in range(first, last + 1))
        agree = len({p.at for p in members.values()}) == 1
        readable = [parts[i] for i in sorted(members) if i in parts]
        if here and agree:
            if readable:
                units.append(Unit((readable[0].patch.at, peer, first), tuple(readable)))
        else:
            for part in readable:
                outcome.park(part.patch, "group", part.row[0])
    return units


def groups_of(patches):
    """(peer, first seq, last seq) -> {(peer, seq): patch}; a patch without group is its own."""
    groups = {}
    for (peer, seq), patch in patches.items():
        if not patch.is_void:
            first, last = patch.group or (seq, seq)
            groups.setdefault((peer, first, last), {})[(peer, seq)] = patch
    return groups


def is_void_or_gone(peer, seq, patches, gone):
    patch = patches.get((peer, seq))
    if patch is not None:
        return patch.is_void
    return any(g.peer == peer and g.first <= seq <= g.last for g in gone)


def execute(units, fold):
    """Executes the units in stamp order into `fold`; returns those that wait in the end."""
    waiting = []
    for unit in sorted(units, key=lambda u: u.stamp):
        if not fold.accept_if_legal([unit]):
            waiting.append(unit)
        while free_one(waiting, fold):
            pass  # start again at the oldest
    return waiting


def free_one(waiting, fold):
    """Accepts the oldest waiting unit that is legal, alone or with mates; false: there is none."""
    for unit in waiting:  # in stamp order, since they were appended in that order
        for joint in ([unit], mates(unit, waiting, fold)):
            if fold.accept_if_legal(joint):
                for accepted in joint:
                    waiting.remove(accepted)
                return True
    return False


def mates(unit, waiting, fold):
    joint = [unit]
    while True:
        lacking = {(row, name) for row in unit.rows for name in fold.lacking_columns(row, joint)}
        helper = next((w for w in waiting if w not in joint and sets_any(w, lacking)), None)
        if helper is None:  # nothing lacks, or nobody helps
            return joint
        joint.append(helper)


def sets_any(unit, lacking):
    return any((part.row, name) in lacking for part in unit.parts
               for name, value in part.values.items() if value is not None)


class Fold:
    """fold(A), held as real rows in the schema's scratch database, where legal() is tried out."""

    def __init__(self, schema, foreign_keys):
        self.schema = schema
        self.db = schema.scratch
        self.foreign_keys = foreign_keys and schema.has_foreign_keys
        self.accepted = {}    # row -> [Part]
        self._refused = set()  # found not legal since the last acceptance: the answer is the same
        self.db.execute("BEGIN")

    def close(self):
        self.db.execute("ROLLBACK")

    def accept_if_legal(self, units):
        """legal(A, units); if it is, A += units. Tested once, at the end, on every row touched."""
        joint = frozenset(unit.stamp for unit in units)
        if joint in self._refused:
            return False
        rows = {row for unit in units for row in unit.rows}
        self.db.execute("SAVEPOINT legal")
        try:
            for row in rows:
                self._delete(row)
            for row in rows:
                self._insert(row, self.values(row, units))
            legal = not self.foreign_keys or not self.db.execute(
                "PRAGMA foreign_key_check").fetchone()
        except (sqlite3.IntegrityError, sqlite3.DataError):
            legal = False
        if legal:
            for unit in units:
                for part in unit.parts:
                    self.accepted.setdefault(part.row, []).append(part)
            self._refused.clear()
        else:
            self.db.execute("ROLLBACK TO legal")
            self._refused.add(joint)
        self.db.execute("RELEASE legal")
        return legal

    def values(self, row, units=()):
        """fold(A + units) of one row: per column, the value of the greatest stamp that sets it."""
        parts = self.accepted.get(row, []) + [p for u in units for p in u.parts if p.row == row]
        values = {}
        for part in sorted(parts, key=lambda p: p.patch.stamp):
            values.update(part.values)
        return values

    def lacking_columns(self, row, units):
        table = self.schema.table(row[0])
        values = self.values(row, units)
        if self._is_absent(table, values):
            return []
        return [c.wire_name for c in table.patch_columns
                if c.must_be_set and not c.is_generated and values.get(c.wire_name) is None]

    def table_rows(self):
        """table -> its rows, all columns in their order, sorted by value."""
        rows = {}
        for table in self.schema.tables.values():
            names = ", ".join(quote(c.name) for c in table.columns)
            found = self.db.execute(f"SELECT {names} FROM {quote(table.name)}").fetchall()
            rows[table.name] = sorted(found, key=repr)
        return rows

    @staticmethod
    def _is_absent(table, values):
        """Has the row, whose fold gives these values, a tombstone that is kept in the log alone?"""
        return not values or (table.spec.log_tombstone and
                              values.get(table.patch_columns[-1].wire_name) is not None)

    def _delete(self, row):
        table = self.schema.table(row[0])
        values = self.values(row)
        if self._is_absent(table, values):
            return
        where = " AND ".join(f"{quote(c.name)} IS ? COLLATE BINARY" for c in table.key_columns)
        self.db.execute(f"DELETE FROM {quote(table.name)} WHERE {where}",
                        [values[c.wire_name] for c in table.key_columns])

    def _insert(self, row, values):
        table = self.schema.table(row[0])
        if self._is_absent(table, values):
            return
        shown = {c.name: values.get(c.wire_name) for c in table.columns
                 if c.wire_name in values or c.has_expression_default and not c.is_generated}
        names = ", ".join(quote(name) for name in shown)
        marks = ", ".join("?" * len(shown))
        # OR ABORT: an ON CONFLICT clause of the schema must not drop or mend the row quietly.
        self.db.execute(f"INSERT OR ABORT INTO {quote(table.name)}({names}) VALUES ({marks})",
                        list(shown.values()))

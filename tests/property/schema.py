"""What the oracle knows of the replicated tables, read from a scratch database in memory.

Every question about SQLite's own rules (affinity, collation, NOT NULL, CHECK, STRICT, UNIQUE,
FOREIGN KEY, defaults, generated columns) is answered by SQLite itself, through the tables' real
CREATE TABLE.
"""

import re
import sqlite3
from dataclasses import dataclass

from wire import content_of, fold

WIRE_TOMBSTONE = "deletedAt"  # the tombstone's name in every message, whatever the column is called

_LITERAL_DEFAULT = re.compile(
    r"""[+-]?\s*(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)? | 0x[0-9a-f]+ | '([^']|'')*' | "([^"]|"")*"
        | x'[0-9a-f]*' | (?!current_)[a-z_]\w*""", re.IGNORECASE | re.VERBOSE)


def quote(name):
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True)
class TableSpec:
    """A replicated table as the test declares it.

    `sql` is its CREATE TABLE, followed by any ALTER TABLE and CREATE UNIQUE INDEX. `log_has_nulls`:
    the log has the column `_nulls`. `log_tombstone`: T has no tombstone column, the log keeps
    `_deletedAt` alone.
    """
    name: str
    sql: str
    log_has_nulls: bool = True
    log_tombstone: bool = False
    tombstone: str = WIRE_TOMBSTONE


@dataclass(frozen=True)
class Column:
    name: str
    wire_name: str
    declared_type: str
    not_null: bool
    default: str        # SQL text of the DEFAULT, or None
    is_generated: bool
    key_position: int   # 1, 2, .. in the primary key; 0 for the other columns

    @property
    def has_constant_default(self):
        return (self.default is not None and self.default.upper() != "NULL"
                and _LITERAL_DEFAULT.fullmatch(self.default) is not None)

    @property
    def has_expression_default(self):
        return self.default is not None and _LITERAL_DEFAULT.fullmatch(self.default) is None

    @property
    def must_be_set(self):
        """NOT NULL without a default that the fold shows (an expression is the writer's work)."""
        return self.not_null and not self.has_constant_default


class Table:
    """One table: its columns, its key, and how its values are compared."""

    def __init__(self, db, spec):
        self.spec = spec
        self.name = spec.name
        rows = db.execute("SELECT name, type, \"notnull\", dflt_value, pk, hidden"
                          " FROM pragma_table_xinfo(?)", (spec.name,)).fetchall()
        self.columns = [Column(name, WIRE_TOMBSTONE if fold(name) == fold(spec.tombstone) else name,
                               kind, bool(not_null), default, hidden in (2, 3), key_position)
                        for name, kind, not_null, default, key_position, hidden in rows]
        if spec.log_tombstone:  # never a column of T, but a column of its patches
            tombstone = Column(None, WIRE_TOMBSTONE, "INTEGER", False, None, False, 0)
            self.patch_columns = self.columns + [tombstone]
        else:
            self.patch_columns = self.columns
        self.by_wire_name = {fold(c.wire_name): c for c in self.patch_columns if not c.is_generated}
        self.key_columns = sorted((c for c in self.columns if c.key_position),
                                  key=lambda c: c.key_position)
        self.strict = bool(db.execute("SELECT strict FROM pragma_table_list(?)",
                                      (spec.name,)).fetchone()[0])
        self._collations = self._read_collations(db)
        self._affinity_cache = {}

    def _read_collations(self, db):
        index = db.execute("SELECT name FROM pragma_index_list(?) WHERE origin = 'pk'",
                           (self.name,)).fetchone()
        if index is None:  # INTEGER PRIMARY KEY
            return ["BINARY"] * len(self.key_columns)
        return [row[0] for row in db.execute(
            "SELECT coll FROM pragma_index_xinfo(?) WHERE key = 1 ORDER BY seqno", index)]

    def column(self, wire_name):
        """The column of that name which a patch can set, or None."""
        return self.by_wire_name.get(fold(wire_name))

    def after_affinity(self, wire_name, value):
        """The value as the column stores it; as it is for a column that is not known."""
        column = self.column(wire_name)
        if column is None or value is None:
            return value
        cache_key = (column.wire_name, type(value), value)
        if cache_key not in self._affinity_cache:
            kind = column.declared_type
            if self.strict and kind.upper() == "ANY":
                kind = "BLOB"  # no conversion
            with sqlite3.connect(":memory:") as db:
                db.execute(f"CREATE TABLE affinity(value {kind})")
                db.execute("INSERT INTO affinity VALUES (?)", (value,))
                stored = db.execute("SELECT value FROM affinity").fetchone()[0]
            db.close()
            self._affinity_cache[cache_key] = stored
        return self._affinity_cache[cache_key]

    def key_of(self, values):
        """The row that `values` (by wire name) belong to; equal when SQLite says the keys are."""
        by_name = {fold(name): value for name, value in values.items()}
        key = []
        for column, collation in zip(self.key_columns, self._collations):
            value = self.after_affinity(column.wire_name, by_name[fold(column.wire_name)])
            if isinstance(value, str) and collation == "NOCASE":
                value = fold(value)
            elif isinstance(value, str) and collation == "RTRIM":
                value = value.rstrip(" ")
            key.append(value)
        return tuple(key)


class Schema:
    """The tables of one database, and a scratch database in which their constraints are tested."""

    def __init__(self, specs):
        self.specs = tuple(specs)
        self._content_keys = {}
        self.scratch = sqlite3.connect(":memory:", isolation_level=None)
        self.scratch.execute("PRAGMA foreign_keys = OFF")  # foreign_key_check tells; no actions
        for spec in self.specs:
            self.scratch.executescript(spec.sql)
        self.tables = {fold(spec.name): Table(self.scratch, spec) for spec in self.specs}
        self.has_foreign_keys = any(
            self.scratch.execute("SELECT 1 FROM pragma_foreign_key_list(?)", (name,)).fetchone()
            for name in [spec.name for spec in self.specs])

    def table(self, name):
        return self.tables.get(fold(name))

    def values_of(self, patch):
        """The values of a patch after the affinity of its table, unknown columns as received."""
        table = self.table(patch.tab)
        if table is None:
            return patch.values
        return {name: table.after_affinity(name, value) for name, value in patch.values.items()}

    def same_content_key(self, patch):
        """Equal for two patches if and only if their content is equal; cheaper than content()."""
        cached = self._content_keys.get(id(patch))
        if cached is None:
            if len(self._content_keys) > 5000:
                self._content_keys.clear()
            values = frozenset((fold(name), type(value), value)
                               for name, value in self.values_of(patch).items())
            key = (patch.peer, patch.seq, patch.at, fold(patch.tab), values)
            cached = self._content_keys[id(patch)] = (patch, key)  # holds the patch, so its id too
        return cached[1]

    def content(self, patch):
        return content_of(patch.peer, patch.seq, patch.at, patch.tab, self.values_of(patch))

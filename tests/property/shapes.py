"""The kinds of tables that the property tests replicate.

A shape says how a table is made and which values are worth writing into it. Pools of values are
small, so that random writes meet in the same rows and columns. `odd` values need a conversion, or
break STRICT or a CHECK.
"""

import functools
from dataclasses import dataclass

from schema import Schema, TableSpec, quote

WORDS = ["", "a", "B", "ä", "\U0001f600", "x\x00y", 'say "so"\\\n']
INTEGERS = [0, 1, 2, 5, -7, 2**53 + 1, 2**63 - 1, -(2**63)]
REALS = [0.1, -2.5, 3.0, 1e300, 5e-324, 1.7976931348623157e308]
BLOBS = [b"", b"\x00\xff", b"abc"]
TIMES = [1767225600000, 1767225600001, None]  # tombstones; None resurrects


@dataclass(frozen=True)
class ColumnShape:
    name: str
    sql: str            # type and constraints, as in T
    values: tuple       # stored as they are
    odd: tuple = ()     # converted, or refused
    is_key: bool = False
    is_generated: bool = False

    @property
    def log_type(self):
        return self.sql.split()[0]


@dataclass(frozen=True)
class Shape:
    name: str
    columns: tuple
    key: str                          # PRIMARY KEY (..) clause, or "" when a column carries it
    options: str = ""                 # STRICT, WITHOUT ROWID
    checks: tuple = ()                # table constraints
    late: tuple = ()                  # columns that a migration may bring
    log_styles: tuple = ("hand", "hand_nulls", "track")

    @property
    def log_tombstone(self):
        return not any(c.name == "deletedAt" for c in self.columns)

    def create_sql(self):
        body = [f"{quote(c.name)} {c.sql}" for c in self.columns]
        body += [self.key] if self.key else []
        body += list(self.checks)
        return f"CREATE TABLE {quote(self.name)}({', '.join(body)}) {self.options}"

    def hand_log_sql(self, with_nulls):
        """The log exactly as the ancestor's documents show it, plus `_nulls` when asked for."""
        body = ["_patchedAt INTEGER NOT NULL", "_sequenceId INTEGER NOT NULL",
                "_peerId INTEGER NOT NULL"]
        body += [f"{quote(c.name)} {c.log_type}{' NOT NULL' if c.is_key else ''}"
                 for c in self.columns if not c.is_generated]
        body += ["_nulls TEXT"] if with_nulls else []
        strict = "STRICT" if "STRICT" in self.options else ""
        return f"CREATE TABLE {quote(self.name + '_patches')}({', '.join(body)}) {strict}"

    def setup_sql(self, log_style):
        """The statements that make T replicated, in order."""
        if log_style == "track":
            name = self.name.replace("'", "''")
            return [self.create_sql(), f"SELECT replic_track('{name}', '{{\"mode\":\"manual\"}}')"]
        return [self.create_sql(), self.hand_log_sql(log_style == "hand_nulls")]

    def late_sql(self, position):
        """The statements that bring late column number `position` to T and its log."""
        column = self.late[position]
        log_type = column.log_type
        if self.log_styles == ("track",):  # that log is not STRICT, where ANY would mean NUMERIC
            log_type = log_type.replace("ANY", "BLOB")
        return [f"ALTER TABLE {quote(self.name)} ADD COLUMN {quote(column.name)} {column.sql}",
                f"ALTER TABLE {quote(self.name + '_patches')}"
                f" ADD COLUMN {quote(column.name)} {log_type}"]

    def spec(self, log_style, late_present=()):
        """What the oracle must know of the table, with the late columns that are there by now."""
        return self._spec(log_style, tuple(late_present))

    @functools.lru_cache(maxsize=1000)
    def _spec(self, log_style, late_present):
        alters = [self.late_sql(position)[0] for position in late_present]
        return TableSpec(self.name, ";".join([self.create_sql()] + alters),
                         log_has_nulls=log_style != "hand",
                         log_tombstone=self.log_tombstone and log_style == "track")


_schemas = {}


def schema_of(specs):
    """The Schema of these TableSpecs; each is built once and reused."""
    specs = tuple(specs)
    if specs not in _schemas:
        if len(_schemas) >= 500:
            _schemas.pop(next(iter(_schemas))).scratch.close()
        _schemas[specs] = Schema(specs)
    return _schemas[specs]


def _column(name, sql, values, odd=(), is_key=False, is_generated=False):
    return ColumnShape(name, sql, tuple(values), tuple(odd), is_key, is_generated)


def _key(name, sql, values, odd=()):
    return _column(name, sql, values, odd, is_key=True)


def _generated(name, sql):
    return _column(name, sql, (), is_generated=True)


DELETED_AT = _column("deletedAt", "INTEGER", TIMES, ["1767225600000"])

SHAPES = [
    # The ancestor's own example.
    Shape("myTable",
          (_key("id", "INTEGER NOT NULL", [1, 2], ["1", 2.0]),
           _key("tenantId", "INTEGER NOT NULL", [1, 7]),
           _column("name", "TEXT", WORDS + [None], [5, 0.5, b"x"]), DELETED_AT),
          "PRIMARY KEY (id, tenantId)", "STRICT",
          late=(_column("age", "INTEGER CHECK (age < 100)", [1, 50, 150, None]),)),
    Shape("plain",
          (_key("id", "INTEGER PRIMARY KEY", [1, 2, -(2**63)], ["2", 1.0, "no number"]),
           _column("a", "TEXT", WORDS + [None], [7, 2.5, b"\x01"]),
           _column("b", "INTEGER DEFAULT 7", INTEGERS + [None], ["12", "x", 4.0]),
           _column("c", "REAL", REALS + [None], [4, "1e3"]),
           _column("d", "BLOB", BLOBS + ["text", 1, 1.0, None]), DELETED_AT), "",
          late=(_column("e", "TEXT NOT NULL DEFAULT 'none'", ["p", "q", None]),
                _column("f", "REAL", [0.5, 1.5, None]))),
    Shape("words",
          (_key("word", "TEXT", ["a", "b", "ä", ""], [5]),
           _column("n", "INTEGER NOT NULL DEFAULT 5", [0, 1, 2, None], ["3"]),
           _column("note", "TEXT DEFAULT 'it''s'", WORDS + [None]), DELETED_AT),
          "PRIMARY KEY (word)", "WITHOUT ROWID"),
    Shape("Nocase",
          (_key("k", "TEXT COLLATE NOCASE PRIMARY KEY", ["ab", "AB", "Ab", "é", "É"]),
           _column("v", "NUMERIC", [1, 2.5, "x", None], ["3", "4.5"]), DELETED_AT), ""),
    Shape("nocaseWithout",
          (_key("k", "TEXT NOT NULL", ["ab", "AB", "Ab"]), _key("n", "INTEGER NOT NULL", [1, 2]),
           _column("v", "TEXT COLLATE NOCASE CHECK (v <> 'bad')", ["x", "X", "BAD", None])),
          "PRIMARY KEY (n, k COLLATE NOCASE)", "WITHOUT ROWID", log_styles=("track",)),
    Shape("lines",
          (_key("id", "INTEGER PRIMARY KEY", [1, 2]),
           _generated("total", "REAL GENERATED ALWAYS AS (qty * price) STORED"),
           _column("qty", "INTEGER", [1, 2, 9, None], ["3"]),
           _column("price", "REAL", [1.5, 2.0, 40.0, None], [7]),
           _generated("shout", "TEXT AS (upper(name)) VIRTUAL"),
           _column("name", "TEXT", ["ab", "cd", None]), DELETED_AT),
          "", checks=("CHECK (total < 100)",)),
    Shape("needs",
          (_key("id", "INTEGER PRIMARY KEY", [1, 2]),
           _column("a", "TEXT NOT NULL", ["a1", "a2", None]),
           _column("b", "INTEGER NOT NULL", [1, 2, None], ["3"]),
           _column("c", "TEXT NOT NULL DEFAULT 'dflt'", ["c1", "c2", None]),
           _column("d", "TEXT DEFAULT (upper('made'))", ["d1", None]), DELETED_AT), ""),
    Shape("needsStrict",
          (_key("k", "TEXT NOT NULL PRIMARY KEY", ["r", "s"], [1]),
           _column("a", "INTEGER NOT NULL", [1, 2], ["3", "x", None]),
           _column("b", "ANY NOT NULL", [1, 1.0, "1", b"1"]),
           _column("e", "TEXT NOT NULL DEFAULT (hex('e'))", ["e1", None])),
          "", "STRICT, WITHOUT ROWID", log_styles=("track",)),
    Shape("small",
          (_key("id", "INTEGER PRIMARY KEY", [1, 2]),
           _column("n", "INTEGER CHECK (n BETWEEN 0 AND 5)", [0, 5, 6, -1, None], ["4", "x"]),
           _column("t", "TEXT CHECK (length(t) < 3)", ["ab", "abc", None]), DELETED_AT), "",
          late=(_column("m", "INTEGER CHECK (m > n)", [1, 6, None]),)),
    Shape("interval",
          (_key("id", "INTEGER PRIMARY KEY", [1, 2]),
           _column("lo", "INTEGER", [1, 4, 6, 9, None], ["5"]),
           _column("hi", "INTEGER", [2, 5, 7, 8, None]), DELETED_AT),
          "", checks=("CHECK (lo <= hi)",)),
    Shape("intervalGone",  # a deleted row leaves the table
          (_key("id", "INTEGER NOT NULL", [1, 2]),
           _column("lo", "INTEGER NOT NULL", [1, 4, 6, 9]),
           _column("hi", "INTEGER NOT NULL", [2, 5, 7, 8]),
           _column("x", "INTEGER", [0, 1, None])),
          "PRIMARY KEY (id)", "STRICT", checks=("CHECK (lo <= hi)", "CHECK (x IS NULL OR lo < 6)"),
          late=(_column("y", "INTEGER NOT NULL DEFAULT 3", [3, 4, None]),), log_styles=("track",)),
    Shape('order "by" Größe',
          (_key("primary key", "BLOB NOT NULL", [b"1", b"\x00"]),
           _key("désc", "ANY NOT NULL", [1, 1.0, "1", b"1"]),
           _column("sélect \"x\"", "TEXT", WORDS + [None]),
           _column("it's", "INTEGER", INTEGERS + [None])),
          "PRIMARY KEY (\"désc\", \"primary key\")", "STRICT, WITHOUT ROWID",
          late=(_column("add;", "ANY", [1, "1", None]),), log_styles=("track",)),
    Shape("onlyKey",
          (_key("a", "INTEGER NOT NULL", [1, 2]), _key("b", "TEXT NOT NULL", ["x", "y"])),
          "PRIMARY KEY (b, a)", log_styles=("track",)),
]

BY_NAME = {shape.name: shape for shape in SHAPES}

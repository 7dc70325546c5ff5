"""Random tables with constraints, as Python literals that a schedule can hold.

    {"name": "t0", "columns": [["id", "INTEGER PRIMARY KEY"], ["u", "TEXT UNIQUE"]], "key": [],
     "generated": ["g AS (lower(u))"], "constraints": ["CHECK (lo <= hi)"],
     "indexes": ["CREATE UNIQUE INDEX i ON t0(u)"],
     "options": "STRICT", "tombstone": "deletedAt", "indexes_late": False}

"key": the columns of a PRIMARY KEY clause, empty when a column carries it. "tombstone": the name of
the tombstone column, None when the log alone keeps it. "indexes_late": the indexes are created after
replic_track. Whoever draws values for the tables asks `Pools`, which are not part of the literal.
"""

import contextlib
import sqlite3
from dataclasses import dataclass, field

from schema import TableSpec, quote

KEY_NAMES = {"id", "part"}
OTHER_NAMES = ("lo", "hi", "u", "v", "w", "req", "dflt", "any")
INTEGERS = (1, 2, 3)
WORDS = ("x", "y", "X")
DELETED = (1767225600000, 1767225600001)
ACTIONS = ("", "", " ON DELETE CASCADE", " ON DELETE SET NULL", " ON UPDATE CASCADE",
           " ON DELETE RESTRICT", " DEFERRABLE INITIALLY DEFERRED",
           " ON DELETE SET DEFAULT", " ON UPDATE SET NULL ON DELETE CASCADE")


class ConstrainedTable:
    """One table as peers and the oracle want it: what a Shape is to the other property test."""
    log_styles = ("track",)
    late = ()

    def __init__(self, literal):
        self.literal = literal
        self.name = literal["name"]

    def column_names(self):
        return [name for name, _ in self.literal["columns"]]

    def create_sql(self):
        table = self.literal
        body = [f"{quote(name)} {kind}" for name, kind in table["columns"]]
        body += table.get("generated", [])
        if table["key"]:
            body.append(f"PRIMARY KEY ({', '.join(table['key'])})")
        body += table["constraints"]
        return f"CREATE TABLE {quote(self.name)}({', '.join(body)}) {table['options']}"

    def setup_sql(self, _style="track", mode="manual"):
        """The statements that make the table, which is there, a replicated one."""
        tombstone = self.literal["tombstone"]
        more = f',"tombstone":"{tombstone}"' if tombstone not in (None, "deletedAt") else ""
        return [f"SELECT replic_track('{self.name}', '{{\"mode\":\"{mode}\"{more}}}')"]

    def index_sql(self):
        return list(self.literal["indexes"])

    def spec(self, _style="track", _late=()):
        tombstone = self.literal["tombstone"]
        return TableSpec(self.name, ";".join([self.create_sql()] + self.index_sql()),
                         log_tombstone=tombstone is None, tombstone=tombstone or "deletedAt")


@dataclass
class Pools:
    """The values that random writes draw for one table."""
    key: dict = field(default_factory=dict)      # column -> values, all of them needed
    columns: dict = field(default_factory=dict)  # column -> values; None is an explicit NULL
    odd: dict = field(default_factory=dict)      # column -> values that are converted or refused

    def row(self, rng, density, odd_share):
        """The values of one patch: the key, and each other column with probability `density`."""
        values = {name: rng.choice(pool) for name, pool in self.key.items()}
        for name, pool in self.columns.items():
            if rng.random() < density:
                is_odd = self.odd.get(name) and rng.random() < odd_share
                values[name] = rng.choice(self.odd[name] if is_odd else pool)
        return values


def random_tables(rng):
    """[(literal, Pools)], parents and children in any order."""
    makers = [_TableMaker(rng, f"t{i}") for i in range(rng.choice((1, 1, 2, 2, 3)))]
    for maker in makers:
        if rng.random() < 0.25:
            maker.make_hot()
        else:
            maker.make()
    wanted = rng.choice((0, 1, 1, 2, 3)) if len(makers) > 1 else rng.choice((0, 0, 1))
    for number in range(wanted):
        child, parent = rng.choice(makers), rng.choice(makers)
        child.add_foreign_key(parent, f"f{number}")
    return [(maker.literal(), maker.pools) for maker in makers]


class _TableMaker:
    def __init__(self, rng, name):
        self.rng = rng
        self.name = name
        self.columns = {}        # name -> type and constraints
        self.key = []
        self.generated = []
        self.constraints = []
        self.indexes = []
        self.parent_keys = []    # [(columns)] that a foreign key may reference
        self.strict = rng.random() < 0.25
        self.without_rowid = False
        self.tombstone = rng.choice(("deletedAt", "deletedAt", "gone", None, None, None))
        self.may_come_late = True  # a foreign key needs the index of its parent from the start
        self.pools = Pools()

    def literal(self):
        options = ["STRICT"] * self.strict + ["WITHOUT ROWID"] * self.without_rowid
        return {"name": self.name, "columns": [list(item) for item in self.columns.items()],
                "key": self.key, "generated": self.generated, "constraints": self.constraints,
                "indexes": self.indexes,
                "options": ", ".join(options), "tombstone": self.tombstone,
                "indexes_late": self.may_come_late and self.rng.random() < 0.3}

    def make(self):
        self._make_key()
        names = self.rng.sample(OTHER_NAMES[2:], self.rng.randint(1, 4))
        if self.rng.random() < 0.4:
            names += OTHER_NAMES[:2]
        for name in names:
            getattr(self, "_add_" + name)()
        if self.tombstone:
            self.columns[self.tombstone] = "INTEGER"
        self._make_unique()

    def make_hot(self):
        """Few columns, all of them unique: nearly every write meets another."""
        self._make_key()
        self._column("u", "TEXT", WORDS, (None,))
        self.constraints.append("UNIQUE (u)")
        self.parent_keys.append(("u",))
        if self.rng.random() < 0.5:
            self._add_v()
            self._add_unique("v", ["u", "v"], 0)
        if self.tombstone:
            self.columns[self.tombstone] = "INTEGER"

    def _make_key(self):
        rng = self.rng
        kind = rng.choice(("rowid", "rowid", "rowid", "text", "nocase", "pair", "pair"))
        few = rng.choice((2, 3, 3))
        if kind == "rowid":
            self.columns["id"] = "INTEGER PRIMARY KEY"
            self.pools.key["id"] = INTEGERS[:few]
        elif kind in ("text", "nocase"):
            collate = " COLLATE NOCASE" if kind == "nocase" else ""
            self.columns["id"] = "TEXT NOT NULL PRIMARY KEY" + collate
            self.pools.key["id"] = ("a", "b", "A" if kind == "nocase" else "c")[:few]
            self.without_rowid = rng.random() < 0.5
        else:
            self.columns["id"] = "INTEGER NOT NULL"
            self.columns["part"] = "TEXT NOT NULL"
            self.key = rng.choice((["id", "part"], ["part", "id"]))
            self.pools.key.update(id=INTEGERS[:2], part=("a", "b"))
            self.without_rowid = rng.random() < 0.5
        self.parent_keys.append(tuple(self.key) or ("id",))

    # The other columns: what each declares, and values that meet, break or pass

    def _column(self, name, sql, values, odd=()):
        self.columns[name] = sql
        self.pools.columns[name] = tuple(values)
        self.pools.odd[name] = tuple(odd)

    def _add_lo(self):
        self._column("lo", "INTEGER" + self.rng.choice(("", " NOT NULL")), (1, 4, 6, None))

    def _add_hi(self):
        self._column("hi", "INTEGER", (2, 5, 7, None))
        self.constraints.append(self.rng.choice((
            "CHECK (lo <= hi)", "CHECK (hi IS NULL OR lo <= hi)", "CHECK (lo + hi <> 9)")))

    def _add_u(self):
        collate = self.rng.choice(("", "", " COLLATE NOCASE"))
        self._column("u", "TEXT" + collate, WORDS[:self.rng.choice((2, 3))] + (None,), (1, "Y"))

    def _add_v(self):
        self._column("v", "INTEGER", INTEGERS[:2] + (None,), ("1", "x"))

    def _add_w(self):
        kind = "ANY" if self.strict else self.rng.choice(("", "NUMERIC", "REAL"))
        self._column("w", kind, (1, 2, None), (1.0, "1", b"1"))

    def _add_req(self):
        self._column("req", "TEXT NOT NULL", ("p", "q"), (None, 5))

    def _add_dflt(self):
        self._column("dflt", "INTEGER NOT NULL DEFAULT 5", (5, 6), (None,))

    def _add_any(self):
        check = self.rng.choice(("", " CHECK (any <> 'bad')", " CHECK (length(any) < 3)"))
        self._column("any", "TEXT" + check, ("m", "n", None), ("bad",))

    # UNIQUE

    def _make_unique(self):
        for number in range(self.rng.choice((0, 1, 1, 1, 2))):
            names = [n for n in self.pools.columns if n in ("u", "v", "w", "any", "dflt", "lo")]
            if names:
                self._add_unique(self.rng.choice(names), names, number)

    def _add_unique(self, name, names, number):
        rng = self.rng
        pair = sorted({name, rng.choice(names + list(self.pools.key))})
        columns = [name] if rng.random() < 0.6 or len(pair) == 1 else pair
        listed = ", ".join(columns)
        kind = rng.choice(("column", "column", "index", "partial", "partial", "nocase", "expression",
                           "generated"))
        index = f"CREATE UNIQUE INDEX {self.name}_{number} ON {self.name}"
        if kind == "column":
            self.constraints.append(f"UNIQUE ({listed})")
            self.parent_keys.append(tuple(columns))
        elif kind == "index":
            self.indexes.append(f"{index}({listed})")
            self.parent_keys.append(tuple(columns))
            self.may_come_late = False
        elif kind == "partial":
            self.indexes.append(f"{index}({listed}) WHERE {self._condition(columns)}")
        elif kind == "nocase":
            self.indexes.append(f"{index}({', '.join(c + ' COLLATE NOCASE' for c in columns)})")
        else:
            form = rng.choice(("lower({})", "coalesce({}, 'none')", "{} || 'z'", "typeof({})"))
            terms = [form.format(column) for column in columns]
            if len(columns) == 2 and rng.random() < 0.5:
                terms = [f"coalesce({columns[0]}, 'n') || coalesce({columns[1]}, 'n')"]
            if kind == "generated":
                where = rng.choice(("VIRTUAL", "STORED"))
                # What a STRICT table does not test of such a column, integrity_check does.
                of_type = "ANY" if self.strict else "TEXT"
                self.generated.append(f"[made {number}] {of_type} AS ({terms[0]}) {where}")
                terms[0] = f"[made {number}]"
            if rng.random() < 0.3:
                terms.append(rng.choice(columns))
            if kind == "generated" and rng.random() < 0.3:
                self.constraints.append(f"UNIQUE ({terms[0]})")
                return
            partial = f" WHERE {self._condition(columns)}" if rng.random() < 0.2 else ""
            self.indexes.append(f"{index}({', '.join(terms)}){partial}")

    def _condition(self, columns):
        if self.tombstone and self.rng.random() < 0.7:
            return f"{self.tombstone} IS NULL"
        others = [n for n in self.pools.columns if n not in columns] or columns
        name = self.rng.choice(others)
        return self.rng.choice((f"{name} IS NOT NULL", f"{name} IS NULL",
                                f"{name} IN (1, 'm', 'p', 5)"))

    # FOREIGN KEY

    def add_foreign_key(self, parent, prefix):
        """New columns that reference a key of `parent`, which may be this very table."""
        rng = self.rng
        wanted = rng.choice(parent.parent_keys)
        local = []
        for position, target in enumerate(wanted):
            name = f"{prefix}{'abc'[position]}"
            kind = self._type_like(parent.columns[target])
            pool = parent.pools.key.get(target) or parent.pools.columns[target]
            pool = tuple(value for value in pool if value is not None)
            not_null = rng.random() < 0.15
            self._column(name, kind + " NOT NULL" * not_null,
                         pool + ((None,) if not not_null else ()))
            local.append(name)
        self.constraints.append(
            f"FOREIGN KEY ({', '.join(local)}) REFERENCES {parent.name}({', '.join(wanted)})"
            + rng.choice(ACTIONS))

    def _type_like(self, sql):
        """The type of a column that references one which is declared so."""
        kind = (sql.split() or [""])[0]
        if self.strict:
            return kind if kind in ("INTEGER", "TEXT", "REAL") else "ANY"
        return kind if kind in ("INTEGER", "TEXT", "REAL", "NUMERIC") else ""


def are_sound(literals):
    """Does SQLite take these tables, foreign keys included?"""
    with contextlib.closing(sqlite3.connect(":memory:")) as db:
        db.execute("PRAGMA foreign_keys = 1")
        try:
            for table in tables_of(literals):
                for sql in [table.create_sql()] + table.index_sql():
                    db.execute(sql)
            for literal in literals:
                db.execute(f"EXPLAIN DELETE FROM {literal['name']}")
                db.execute(f"EXPLAIN INSERT INTO {literal['name']} DEFAULT VALUES")
        except sqlite3.Error:
            return False
    return True


def tables_of(literals):
    return [ConstrainedTable(literal) for literal in literals]

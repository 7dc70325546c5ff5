"""Random statements of ordinary SQL on the tables of constrained_tables.py, as texts."""

import json

from constrained_tables import DELETED
from schema import quote
from wire import value_to_json

KINDS = {"insert": 26, "many": 6, "replace": 9, "upsert": 11, "update": 26, "update_or": 4,
         "move": 5, "delete": 10, "copy": 3}


def literal_of(value):
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return repr(value)


class Statements:
    """Draws statements on one table."""

    def __init__(self, rng, literal, pools, odd_share):
        self.rng = rng
        self.name = literal["name"]
        self.tombstone = literal["tombstone"]
        self.pools = pools
        self.odd_share = odd_share
        self.keys = list(pools.key)

    def draw(self):
        kind = self.rng.choices(list(KINDS), KINDS.values())[0]
        sql = getattr(self, "_" + kind)()
        if self.rng.random() < 0.1:
            sql += " RETURNING *"
        return sql

    def draw_insert(self):
        return self._insert()

    def draw_patch(self):
        """A local patch of replic's own, between statements."""
        values = {name: value_to_json(value) for name, value in self._row().items()}
        if self.rng.random() < 0.2:
            values["deletedAt"] = self.rng.choice(DELETED + (None,))
        return f"SELECT replic_patch('{self.name}', {literal_of(json.dumps(values))})"

    def _row(self, density=None):
        density = density or self.rng.choice((0.6, 1.0, 1.0))
        return self.pools.row(self.rng, density, self.odd_share)

    def _values(self, rows):
        names = list(rows[0])
        tuples = ", ".join("(" + ", ".join(literal_of(row[n]) for n in names) + ")" for row in rows)
        return f"{quote(self.name)}({', '.join(names)}) VALUES {tuples}"

    def _insert(self, clause=""):
        return f"INSERT {clause}INTO {self._values([self._row()])}"

    def _many(self):
        first = self._row()
        rows = [first] + [self._row(2) for _ in range(self.rng.randint(1, 3))]
        clause = self.rng.choice(("", "", "OR IGNORE ", "OR FAIL ", "OR REPLACE "))
        return f"INSERT {clause}INTO {self._values([{n: row[n] for n in first} for row in rows])}"

    def _replace(self):
        return self._insert(self.rng.choice(("OR REPLACE ", "OR REPLACE ", "OR IGNORE ")))

    def _upsert(self):
        target = self.rng.choice(("", f"({', '.join(self.keys)}) "))
        if self.rng.random() < 0.25:
            return f"{self._insert()} ON CONFLICT {target}DO NOTHING"
        sets = [f"{name} = {self.rng.choice((f'excluded.{name}', literal_of(value)))}"
                for name, value in self._some_columns().items()]
        where = self.rng.choice(("", "", f" WHERE {self.condition(self.name + '.')}"))
        return f"{self._insert()} ON CONFLICT {target}DO UPDATE SET {', '.join(sets)}{where}"

    def _some_columns(self):
        """Values of one to three columns that are not of the key."""
        values = {n: v for n, v in self._row(2).items() if n not in self.keys}
        if self.tombstone and self.rng.random() < 0.15:
            return {self.tombstone: self.rng.choice(DELETED + (None,))}
        names = self.rng.sample(list(values), min(len(values), self.rng.choice((1, 1, 2, 3))))
        return {name: values[name] for name in names}

    def _update(self, clause=""):
        sets = ", ".join(f"{n} = {literal_of(v)}" for n, v in self._some_columns().items())
        return f"UPDATE {clause}{quote(self.name)} SET {sets}{self._where()}"

    def _update_or(self):
        return self._update(self.rng.choice(("OR REPLACE ", "OR IGNORE ", "OR FAIL ")))

    def _move(self):
        """The primary key changes."""
        name = self.rng.choice(self.keys)
        clause = self.rng.choice(("", "", "", "OR REPLACE ", "OR IGNORE "))
        new = literal_of(self.rng.choice(self.pools.key[name]))
        return f"UPDATE {clause}{quote(self.name)} SET {name} = {new}{self._where()}"

    def _delete(self):
        return f"DELETE FROM {quote(self.name)}{self._where()}"

    def _copy(self):
        """INSERT ... SELECT of the table's own rows under another key."""
        names = self.keys + [n for n in self.pools.columns if self.rng.random() < 0.7]
        key = literal_of(self.rng.choice(self.pools.key[self.keys[0]]))
        values = ", ".join([key] + names[1:])
        clause = self.rng.choice(("OR IGNORE ", "OR REPLACE ", ""))
        return (f"INSERT {clause}INTO {quote(self.name)}({', '.join(names)})"
                f" SELECT {values} FROM {quote(self.name)}{self._where()}")

    def _where(self):
        if self.rng.random() < 0.1:
            return ""
        return f" WHERE {self.condition()}"

    def condition(self, prefix=""):
        if self.rng.random() < 0.75 or not self.pools.columns:
            return " AND ".join(f"{prefix}{name} = {literal_of(self.rng.choice(pool))}"
                                for name, pool in self.pools.key.items())
        name = self.rng.choice(list(self.pools.columns))
        return f"{prefix}{name} IS {literal_of(self.rng.choice(self.pools.columns[name]))}"

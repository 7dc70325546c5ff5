"""A tracked database and an untracked twin of it, which are given the same random SQL.

Whatever the statements do, the tracked one must behave as its twin: the same errors, row counts and
RETURNING rows, and the same content; where a table keeps deleted rows, the same live rows. And what
the patches say must be what the table shows, to the extension's own check, to a fold made here, and
to a receiver.
"""

import json
import random
import sqlite3

from database import connect, one, rows

PRAGMAS = ["recursive_triggers", "foreign_keys", "trusted_schema"]
# Each with the columns of its key. {live} is for indexes: where T keeps deleted rows, they must not
# hold a UNIQUE key.
SHAPES = {
    "rowid": ("t(id INTEGER PRIMARY KEY, a TEXT, b, c REAL DEFAULT 1.5)", ["id"]),
    "checked": ("t(id INTEGER PRIMARY KEY, a TEXT NOT NULL, b CHECK (b IS NULL OR b <> 3), c REAL)",
                ["id"]),
    "composite": ("t(k1 INTEGER, a TEXT, k2 TEXT COLLATE NOCASE, b NUMERIC DEFAULT 7, c REAL,"
                  " PRIMARY KEY (k1, k2)) WITHOUT ROWID", ["k1", "k2"]),
    "strict": ("t(id INTEGER PRIMARY KEY, a TEXT, b ANY, c REAL) STRICT", ["id"]),
    "text key": ("t(id TEXT PRIMARY KEY NOT NULL, a TEXT DEFAULT (lower('MADE')), b, c REAL,"
                 " g AS (a || '!'), h AS (b) STORED)", ["id"]),
    "loose key": ("t(id PRIMARY KEY NOT NULL, a TEXT, b DATETIME, c)", ["id"]),
    "unique": ("t(id INTEGER PRIMARY KEY, a TEXT, b, c REAL);"
               "CREATE UNIQUE INDEX t_a ON t(a){live};"
               "CREATE UNIQUE INDEX t_bc ON t(c, b){live}", ["id"]),
    "unique nocase": ("t(k1 INTEGER, a TEXT COLLATE NOCASE, k2 TEXT COLLATE NOCASE, b, c,"
                      " PRIMARY KEY (k1, k2)) WITHOUT ROWID;"
                      "CREATE UNIQUE INDEX t_a ON t(a){live}", ["k1", "k2"]),
    "quoted": ('t("a ""key""" INTEGER PRIMARY KEY, "b" TEXT, "select" , "ü" REAL)', ['a "key"']),
}
# Where a table keeps deleted rows, deleting one inserts it again, and a new row of its key deletes
# it first: the application's triggers must look at the tombstone, as {new} and {old} do.
TRIGGERS = {
    "touch": "CREATE TRIGGER touch AFTER UPDATE OF {x} ON t WHEN OLD.{x} IS NOT NEW.{x} BEGIN"
             " UPDATE t SET {y} = coalesce({y}, 0) + 1 WHERE {key}; END",
    "fill": "CREATE TRIGGER fill AFTER INSERT ON t WHEN NEW.{y} IS NULL{new} BEGIN"
            " UPDATE t SET {y} = 5 WHERE {key}; END",
    "count": "CREATE TRIGGER count AFTER INSERT ON t WHEN true{new} BEGIN"
             " UPDATE other SET n = n + 1 WHERE id = 1; END",
    "copy": "CREATE TRIGGER copy AFTER DELETE ON t WHEN true{old} BEGIN"
            " INSERT INTO other(n) VALUES (-1); END",
    "refuse": "CREATE TRIGGER refuse BEFORE UPDATE ON t WHEN NEW.{y} = 4 BEGIN"
              " SELECT RAISE(ABORT, 'no 4'); END",
    "skip": "CREATE TRIGGER skip BEFORE INSERT ON t WHEN NEW.{y} = 8{new} BEGIN"
            " SELECT RAISE(IGNORE); END",
}


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def exact_text(raw):
    """A generated column can make a text that is not UTF-8 out of a blob."""
    return raw.decode("utf-8", "surrogateescape")


class Twins:
    def __init__(self, seed, shape, keeps_rows=False, triggers=(), pragmas=None, late_triggers=False):
        self.random = random.Random(seed)
        self.keeps_rows = keeps_rows
        self.strict = shape == "strict"
        # Where a row that REPLACE takes away by a UNIQUE key has to stay as a deleted one, SQLite
        # may refuse (SQLITE_CONSTRAINT_PINNED), when recursive triggers do it in the midst.
        self.may_replace = not (keeps_rows and "unique" in shape
                                and (pragmas or {}).get("recursive_triggers"))
        script_of_shape, self.key = SHAPES[shape]
        table, *indexes = script_of_shape.format(
            live=" WHERE deletedAt IS NULL" if keeps_rows else "").split(";")
        pragmas = pragmas or {}
        script = [f"PRAGMA {name} = {value}" for name, value in pragmas.items()]
        if keeps_rows:
            cut = table.index(", PRIMARY KEY") if ", PRIMARY KEY (" in table else table.index(")")
            if "CHECK" in table or "(lower" in table or " AS (" in table:
                cut = table.rindex(")")
            table = table[:cut] + ", deletedAt INTEGER" + table[cut:]
        # A row of `other` goes with its row of t. A deleted row that stays would go on being a parent.
        self.refers = len(self.key) == 1 and not keeps_rows
        parent = f" REFERENCES t({quoted(self.key[0])}) ON DELETE CASCADE ON UPDATE CASCADE"
        script += ["CREATE TABLE " + table, *indexes,
                   "CREATE TABLE other(id INTEGER PRIMARY KEY, n INTEGER DEFAULT 0,"
                   f" parent{parent if self.refers else ''})",
                   "INSERT INTO other(id) VALUES (1)"]
        self.tracked, self.twin = connect(), sqlite3.connect(":memory:", isolation_level=None)
        for db in (self.tracked, self.twin):
            db.text_factory = exact_text
        for statement in script:
            self.both(statement)
        names = [name for _, name, _, _, _, _, hidden in
                 rows(self.twin, "PRAGMA table_xinfo(t)") if hidden == 0 and name != "deletedAt"]
        self.all_names = names
        self.names = [name for name in names if name not in self.key]
        rule = " AND ".join(f"{quoted(k)} = NEW.{quoted(k)}" for k in self.key)
        live = " AND {}.deletedAt IS NULL" if keeps_rows else ""
        made = [TRIGGERS[name].format(x=quoted(self.names[0]), y=quoted(self.names[1]), key=rule,
                                      new=live.format("NEW"), old=live.format("OLD"))
                for name in triggers]
        if not late_triggers:
            for statement in made:
                self.both(statement)
        self.tracked.execute("SELECT replic_init(1)").fetchall()
        for name in ("t", "other"):
            self.tracked.execute("SELECT replic_track(?)", (name,)).fetchall()
        if late_triggers:
            for statement in made:
                self.both(statement)
            self.tracked.execute("SELECT replic_refresh()").fetchall()
        self.receiver = connect()
        self.receiver.text_factory = exact_text
        for statement in script[len(pragmas):]:
            if statement.startswith("CREATE"):
                self.receiver.execute(statement)
        self.receiver.execute("SELECT replic_init(2)").fetchall()
        for name in ("t", "other"):
            self.receiver.execute("SELECT replic_track(?)", (name,)).fetchall()
        self.savepoints = []
        self.in_transaction = False

    def close(self):
        for db in (self.tracked, self.twin, self.receiver):
            db.close()

    def both(self, sql):
        self.tracked.execute(sql).fetchall()
        self.twin.execute(sql).fetchall()

    # --- random SQL ---

    def value(self, name):
        r = self.random
        if name in self.key:
            if self.key == ["k1", "k2"]:
                return str(r.randint(1, 3)) if name == "k1" else r.choice(["'a'", "'B'", "'A'", "'b'"])
            return str(r.randint(1, 8))
        return r.choice(["NULL", "1", "'x'", "2.5", "'12'", "x'00ff'", "3", "4", "8", "'ü'", "1.0",
                         "'a' || char(0) || 'b'", "-0.0", "9007199254740993", "''"])

    def fitting(self, name):
        """A value for a column. With a BEFORE trigger on it, a STRICT table looks at types before it
        looks for conflicts: there, the types fit."""
        if not self.strict or name in self.key or name == "b":
            return self.value(name)
        if name == "a":
            return self.random.choice(["NULL", "'x'", "'12'", "''", "5", "'ü'"])
        return self.random.choice(["NULL", "1", "2.5", "'12'", "-0.0"])

    def row(self, names):
        return "(" + ", ".join(self.fitting(name) for name in names) + ")"

    def some_names(self):
        names = [n for n in self.names if self.random.random() < 0.6]
        auto = self.key == ["id"] and not self.keeps_rows and self.random.random() < 0.2
        return ([] if auto else list(self.key)) + names

    def condition(self):
        r = self.random
        name = r.choice(self.all_names)
        text = r.choice([f"{quoted(name)} = {self.value(name)}",
                         f"{quoted(self.key[0])} > {self.value(self.key[0])}",
                         f"{quoted(name)} IS NOT NULL", "true"])
        return f"({text}) AND deletedAt IS NULL" if self.keeps_rows else text

    def clause(self):
        choices = ["", "", "", " OR IGNORE", " OR FAIL", " OR ABORT", " OR ROLLBACK"]
        return self.random.choice(choices + [" OR REPLACE"] * self.may_replace)

    def returning(self):
        names = ", ".join(quoted(n) for n in self.all_names)
        return f" RETURNING {names}" if self.random.random() < 0.3 else ""

    def insert(self):
        names = self.some_names()
        values = ", ".join(self.row(names) for _ in range(self.random.choice([1, 1, 2, 5])))
        columns = ", ".join(quoted(n) for n in names)
        body = f" INTO t({columns}) VALUES {values}" if names else " INTO t DEFAULT VALUES"
        if self.random.random() < 0.3 and names:
            upsert = self.random.choice([" ON CONFLICT DO NOTHING",
                                         f" ON CONFLICT DO UPDATE SET {self.assignment(False)}"])
            return "INSERT" + body + upsert + self.returning()
        return "INSERT" + self.clause() + body + self.returning()

    def assignment(self, with_key=True):
        r = self.random
        names = [n for n in self.names if r.random() < 0.5] or [self.names[0]]
        if with_key and r.random() < 0.25:
            names.append(r.choice(self.key))
        parts = []
        for name in names:
            change = quoted(name) if r.random() < 0.3 else self.fitting(name)
            if name in self.key and self.key == ["id"] and r.random() < 0.3:
                change = f"{quoted(name)} + 1"
            parts.append(f"{quoted(name)} = {change}")
        return ", ".join(parts)

    def update(self):
        clause = self.clause()
        # Where a row that REPLACE takes away in the middle of an UPDATE has to stay as a deleted
        # one, SQLite may refuse (SQLITE_CONSTRAINT_PINNED), or come to that row as well.
        if self.keeps_rows and clause == " OR REPLACE":
            clause = ""
        condition = self.condition()
        # In which order SQLite comes to the rows depends on the triggers there are.
        if clause.split()[1:] in (["IGNORE"], ["REPLACE"], ["FAIL"]):
            condition += "".join(f" AND {quoted(k)} = {self.value(k)}" for k in self.key)
        return f"UPDATE{clause} t SET {self.assignment()} WHERE {condition}" + self.returning()

    def delete(self):
        return f"DELETE FROM t WHERE {self.condition()}" + self.returning()

    def copy(self):
        names = ", ".join(quoted(n) for n in self.names)
        live = " WHERE deletedAt IS NULL" if self.keeps_rows else ""
        if self.key == ["id"] or len(self.key) == 1:
            key = quoted(self.key[0])
            return f"INSERT OR IGNORE INTO t({key}, {names}) SELECT {key} + 1, {names} FROM t{live}"
        return "DELETE FROM t WHERE false"

    def child(self):
        if not self.refers or self.random.random() < 0.3:
            return f"DELETE FROM other WHERE id > 1 AND id % 3 = {self.random.randint(0, 2)}"
        key = self.value(self.key[0])
        if self.random.random() < 0.3:
            return f"UPDATE other SET parent = {key} WHERE id > {self.random.randint(1, 5)}"
        return f"INSERT INTO other(n, parent) VALUES (9, {key})"

    def control(self):
        r = self.random
        if not self.in_transaction:
            self.in_transaction = True
            return "BEGIN"
        choice = r.choice(["SAVEPOINT", "SAVEPOINT", "RELEASE", "ROLLBACK TO", "COMMIT", "ROLLBACK"])
        if choice == "SAVEPOINT":
            self.savepoints.append(f"s{len(self.savepoints)}")
            return "SAVEPOINT " + self.savepoints[-1]
        if choice in ("RELEASE", "ROLLBACK TO") and self.savepoints:
            index = r.randrange(len(self.savepoints))
            name = self.savepoints[index]
            self.savepoints = self.savepoints[:index + (choice == "ROLLBACK TO")]
            return f"{choice} {name}"
        self.in_transaction = False
        self.savepoints = []
        return choice if choice in ("COMMIT", "ROLLBACK") else "COMMIT"

    def statement(self):
        kind = self.random.choices(["insert", "update", "delete", "copy", "child", "control"],
                                   [10, 8, 3, 1, 2, 4])[0]
        return getattr(self, kind)()

    # --- running and comparing ---

    def run(self, db, sql):
        try:
            cursor = db.execute(sql)
            found = sorted(map(repr, cursor.fetchall()))
            # What changes() gives after COMMIT is that of the last statement, ours or theirs.
            writes = sql.split()[0] in ("INSERT", "UPDATE", "DELETE")
            changes = one(db, "SELECT changes()") if writes else None
            # Deleted rows that stay have rowids too; and a failing INSERT may leave one behind.
            inserts = sql.startswith("INSERT INTO") and "CONFLICT" not in sql and changes
            rowid = one(db, "SELECT last_insert_rowid()") \
                if inserts and not self.keeps_rows else None
            return None, found, changes, rowid
        except sqlite3.Error as error:
            return str(error), None, None, None

    def step(self):
        sql = self.statement()
        ours, theirs = self.run(self.tracked, sql), self.run(self.twin, sql)
        # OR ROLLBACK has ended the transaction.
        self.in_transaction = self.twin.in_transaction
        if not self.in_transaction:
            self.savepoints = []
        return sql, ours, theirs

    def content(self, db, table, live=True):
        names = "*" if not (self.keeps_rows and table == "t") else ", ".join(
            quoted(n) for n in self.all_names)
        where = " WHERE deletedAt IS NULL" if self.keeps_rows and table == "t" and live else ""
        return sorted(repr([(type(v), v) for v in row])
                      for row in rows(db, f"SELECT {names} FROM {table}{where}"))

    def faults(self):
        """What is wrong now, as texts."""
        out = []
        for table in ("t", "other"):
            if self.content(self.tracked, table) != self.content(self.twin, table):
                out.append(f"{table}: {self.content(self.tracked, table)} is not "
                           f"{self.content(self.twin, table)}")
        if not self.tracked.in_transaction:
            out += [f"check: {row}" for row in rows(self.tracked, "SELECT * FROM replic_check")]
            out += self.receive()
        return out

    def receive(self):
        vector = one(self.receiver, "SELECT replic_vector()")
        messages = [m for (m,) in rows(
            self.tracked, "SELECT message FROM replic_changes(?) WHERE peer = 1", vector)]
        seqs = [json.loads(m)["seq"] for m in messages]
        held = json.loads(vector).get("1", [[1, 0]])[0][1]
        out = []
        if seqs != list(range(held + 1, held + 1 + len(seqs))):
            out.append(f"seqs after {held}: {seqs}")
        self.receiver.execute("SELECT replic_apply(?)", ("\n".join(messages),)).fetchall()
        for table in ("t", "other"):
            ours = self.content(self.receiver, table, False)
            theirs = self.content(self.tracked, table, False)
            if ours != theirs:
                out.append(f"receiver: {table}: {ours} is not {theirs}")
        out += [f"receiver: {row}" for row in rows(self.receiver, "SELECT * FROM replic_pending")]
        return out

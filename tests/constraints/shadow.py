"""An ordinary database beside a peer: what its statements would have done without the extension.

Before each transaction it takes over the peer's rows, in the order in which the peer would visit
them; then both run the same statements, and each must have the same result.

Its tables have triggers that do nothing, since SQLite does some things differently where there are
any, whoever made them: it tests STRICT types first, it fails an UPDATE OR REPLACE that loses its row
to a foreign-key action, and it does not miscount deferred foreign keys when an INSERT fails.
"""

import sqlite3

from schema import quote


def result_of(db, sql, has_rowid=False):
    """What a program sees of a statement: rows and changes(), or SQLite's error.

    `has_rowid`: an INSERT of one row sets last_insert_rowid().
    """
    try:
        rows = sorted(map(repr, db.execute(sql).fetchall()))
    except sqlite3.Error as error:
        return "error", str(error), db.in_transaction
    if not sql.startswith(("INSERT", "UPDATE", "DELETE")):
        return rows, db.in_transaction
    changes, last_rowid = db.execute("SELECT changes(), last_insert_rowid()").fetchone()
    is_plain = has_rowid and sql.startswith("INSERT INTO") and "ON CONFLICT" not in sql and changes == 1
    return rows, changes, last_rowid if is_plain else None, db.in_transaction


def idle_triggers(name):
    return [f"CREATE TRIGGER {when}_{what}_{name} {when} {what} ON {name} WHEN 0"
            " BEGIN SELECT RAISE(ABORT, ''); END"
            for when in ("BEFORE", "AFTER") for what in ("INSERT", "UPDATE", "DELETE")]


class Shadow:
    def __init__(self, tables, setup_sql, foreign_keys, recursive_triggers):
        self.tables = tables
        self.foreign_keys = foreign_keys
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        self.db.execute(f"PRAGMA recursive_triggers = {recursive_triggers}")
        for sql in setup_sql:
            self.db.execute(sql)
        for table in tables:
            for sql in idle_triggers(table.name):
                self.db.execute(sql)
        self.triggers = self.db.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()

    def take_over(self, peer):
        """Puts the peer's rows in the place of its own."""
        self.db.execute("PRAGMA foreign_keys = 0")
        for name, _ in self.triggers:
            self.db.execute(f"DROP TRIGGER {quote(name)}")
        for table in self.tables:
            self.db.execute(f"DELETE FROM {quote(table.name)}")
            rowid = [] if "WITHOUT ROWID" in table.literal["options"] else ["rowid"]
            names = rowid + [quote(name) for name in table.column_names()]
            order = f"ORDER BY {', '.join(rowid or table.literal['key'] or ['id'])}"
            rows = peer.read(f"SELECT {', '.join(names)} FROM {quote(table.name)} {order}")
            self.db.executemany(f"INSERT INTO {quote(table.name)}({', '.join(names)})"
                                f" VALUES ({', '.join('?' * len(names))})", rows)
        for _, sql in self.triggers:
            self.db.execute(sql)
        self.db.execute(f"PRAGMA foreign_keys = {self.foreign_keys}")

    def close(self):
        self.db.close()

"""Small sets of units in every order against the oracle: known hard cases, then random ones.

The known cases are delivered to a fresh database in each order (the first one), or in some of them,
others in each run, and cut into calls at random. Random sets are walked as a tree inside one
transaction, with a savepoint at each message, where every subset on the way is checked too; larger
ones in a random order and random calls.
"""

import contextlib
import itertools
import math
import random
import unittest

from checks import check_peer
from constrained_tables import tables_of, random_tables
from oracle import oracle
from peer import extension_path
from schedule import DAY_MS
from seeds import fixed_and_fresh, fresh_seed
from shapes import schema_of
from unit_run import ConstraintPeer, messages_of
from wire import EPOCH_MS, at_from_ms, read_message

BASE_AT = at_from_ms(EPOCH_MS + 300 * DAY_MS)
NOW_MS = EPOCH_MS + 301 * DAY_MS
TIME = 1767225600000  # of deletions
RANDOM_SETS = 40
ORDERS = 24           # of a known case in one run, but for the first
LARGER_SETS = 200     # and a tenth of it with fresh seeds
LARGER_SIZE = 12      # messages


def table(name, *columns, constraints=(), indexes=(), options="", tombstone=None):
    """A literal of constrained_tables.py; columns as "name type"."""
    return {"name": name, "columns": [column.split(" ", 1) for column in columns], "key": [],
            "constraints": list(constraints), "indexes": list(indexes), "options": options,
            "tombstone": tombstone, "indexes_late": False}


def units(*written):
    """Units from (at, ghost, patch, ..), a patch being (table, values); seqs count by ghost."""
    seqs, made = {}, []
    for at, ghost, *patches in written:
        first = seqs.get(ghost, 0) + 1
        seqs[ghost] = first + len(patches) - 1
        made.append({"ghost": ghost, "at": at, "parts": [
            {"seq": first + k, "table": name, "set": values}
            for k, (name, values) in enumerate(patches)]})
    return made


def t(**values):
    return "t", values


UNIQUE = [table("t", "id INTEGER PRIMARY KEY", "u TEXT UNIQUE")]
FAMILY = [table("t", "id INTEGER PRIMARY KEY", "u TEXT UNIQUE", "p INTEGER REFERENCES t(id)"),
          table("c", "id INTEGER PRIMARY KEY", "u TEXT REFERENCES t(u) ON UPDATE CASCADE",
                "p INTEGER NOT NULL REFERENCES t(id) ON DELETE CASCADE")]

LABELS = [table("t", "id INTEGER PRIMARY KEY", "u TEXT NOT NULL COLLATE NOCASE UNIQUE",
                "v TEXT NOT NULL DEFAULT 'grey'"),
          table("c", "id INTEGER", "p INTEGER NOT NULL REFERENCES t(id) ON DELETE CASCADE",
                constraints=["PRIMARY KEY (id, p)"], options="WITHOUT ROWID")]

THE_HARD_CASE = "handed from row to row"

# name -> (tables, units)
KNOWN = {
    THE_HARD_CASE: (UNIQUE, units(
        (1, 1, t(id=0, u="y")), (2, 2, t(id=1, u="x")), (3, 1, t(id=2, u="y")),
        (4, 2, t(id=0, u="x")), (5, 1, t(id=0, u="y")), (6, 2, t(id=1, u="z")))),
    "two claims wait for one value": (UNIQUE, units(
        (2, 1, t(id=1, u="x")), (2, 2, t(id=2, u="x")), (6, 1, t(id=3, u="x")),
        (9, 3, t(id=1, u="y")))),
    "a column with a default helps nobody": ([table(
        "t", "id INTEGER PRIMARY KEY", "v INT", "d INT NOT NULL DEFAULT 5 UNIQUE")], units(
            (1, 1, t(id=2, d=6)), (1, 3, t(id=1, v=1, d=None)), (2, 2, t(id=3, d=6)),
            (2, 2, t(id=1, d=6)), (3, 1, t(id=2, deletedAt=TIME)))),
    "a ring that turns": (UNIQUE, units(
        (1, 1, t(id=0, u="x"), t(id=1, u="y")), (2, 1, t(id=0, u="y")), (2, 2, t(id=1, u="x")),
        (3, 2, t(id=0, u="z")))),
    "a swap as a group, against a claim": (UNIQUE, units(
        (1, 1, t(id=0, u="x"), t(id=1, u="y")), (2, 1, t(id=0, u="y"), t(id=1, u="x")),
        (2, 2, t(id=2, u="x")))),
    "equal clocks": (UNIQUE, units(
        (1, 3, t(id=0, u="x")), (1, 1, t(id=1, u="x")), (1, 2, t(id=1, u="y")),
        (1, 3, t(id=2, u="y")), (1, 2, t(id=0, u=None)))),
    "two unique columns": ([table("t", "id INTEGER PRIMARY KEY", "u TEXT UNIQUE", "v INT UNIQUE")],
                           units((1, 1, t(id=0, u="x", v=1)), (2, 2, t(id=1, u="x", v=2)),
                                 (3, 1, t(id=2, u="y", v=2)), (4, 2, t(id=0, u="y")),
                                 (5, 1, t(id=1, v=1)), (6, 2, t(id=0, v=3)))),
    "halves of a row and a unique value": ([table(
        "t", "id INTEGER PRIMARY KEY", "a TEXT NOT NULL", "b TEXT NOT NULL",
        constraints=["UNIQUE (a, b)"])], units(
            (1, 1, t(id=0, a="x")), (2, 2, t(id=0, b="x"), t(id=1, a="x")), (3, 1, t(id=1, b="x")),
            (4, 2, t(id=0, b="z")))),
    "deleted rows let go": ([table(
        "t", "id INTEGER PRIMARY KEY", "u TEXT", "deletedAt INTEGER", tombstone="deletedAt",
        indexes=["CREATE UNIQUE INDEX live ON t(u) WHERE deletedAt IS NULL"])], units(
            (1, 1, t(id=0, u="x")), (2, 2, t(id=1, u="x")), (3, 1, t(id=0, deletedAt=TIME)),
            (4, 2, t(id=0, deletedAt=None)), (5, 1, t(id=1, deletedAt=TIME)),
            (6, 2, t(id=2, u="x")))),
    "deleted rows are not there": (UNIQUE, units(
        (1, 1, t(id=0, u="x")), (2, 2, t(id=1, u="x")), (3, 1, t(id=0, deletedAt=TIME)),
        (4, 2, t(id=0, deletedAt=None)), (5, 1, t(id=1, u="y", deletedAt=TIME)),
        (6, 2, t(id=1, u="x", deletedAt=None)))),
    "a spelling": ([table("t", "id TEXT COLLATE NOCASE PRIMARY KEY", "u TEXT COLLATE NOCASE UNIQUE",
                          options="WITHOUT ROWID")], units(
        (1, 1, t(id="a", u="x")), (2, 2, t(id="b", u="X")), (3, 1, t(id="A", u="y")),
        (4, 2, t(id="c", u="Y")), (5, 1, t(id="B")))),
    "a column of two tests": ([table(
        "t", "id INTEGER PRIMARY KEY", "lo INT", "hi INT UNIQUE",
        constraints=["CHECK (lo <= hi)"])], units(
            (1, 1, t(id=0, lo=1, hi=5)), (2, 2, t(id=1, lo=4, hi=5)), (3, 1, t(id=0, hi=0)),
            (4, 2, t(id=0, lo=0)), (5, 1, t(id=1, hi=9)), (6, 2, t(id=1, lo=6)))),
    "an expression": ([table("t", "id INTEGER PRIMARY KEY", "a INT", "b INT",
                             indexes=["CREATE UNIQUE INDEX both ON t(a + b)"])], units(
        (1, 1, t(id=0, a=1, b=2)), (2, 2, t(id=1, a=2, b=1)), (3, 1, t(id=0, a=2)),
        (4, 2, t(id=2, a=0, b=4)), (5, 1, t(id=0, b=None)))),
    "child, parent and grandparent": (FAMILY, units(
        (1, 1, t(id=2, p=1)), (2, 2, t(id=1, p=0)), (3, 1, t(id=0)),
        (4, 2, t(id=1, deletedAt=TIME)), (5, 1, t(id=2, p=None)), (6, 2, t(id=0, p=0)))),
    "a parent leaves": (FAMILY, units(
        (1, 1, t(id=0, u="x"), ("c", {"id": 0, "p": 0})), (2, 2, t(id=0, deletedAt=TIME)),
        (3, 1, ("c", {"id": 0, "deletedAt": TIME})), (4, 2, ("c", {"id": 1, "p": 0})))),
    "a ring of foreign keys": (FAMILY, units(
        (1, 1, t(id=0, p=1), t(id=1, p=0)), (2, 2, t(id=1, deletedAt=TIME)),
        (3, 1, t(id=0, p=0), t(id=1, deletedAt=TIME)))),
    "a referenced value moves on": (FAMILY, units(
        (1, 1, t(id=0, u="x")), (2, 2, ("c", {"id": 0, "u": "x", "p": 0})), (3, 1, t(id=0, u="y")),
        (4, 2, t(id=1, u="x")), (5, 1, ("c", {"id": 0, "u": "y"})), (6, 2, t(id=2, u="y")))),
    "a change of a row that had to wait until later": (LABELS, units(
        (1, 1, t(id=1, u="b", v="red")), (2, 2, t(id=2, u="b", v="red")),
        (3, 3, ("c", {"id": 0, "p": 1})), (4, 4, t(id=2, v="blue")),
        (5, 5, t(id=1, deletedAt=TIME)))),
    "a child of a row that had to wait until later": (LABELS, units(
        (1, 1, t(id=1, u="b", v="red")), (2, 2, t(id=2, u="b", v="red")),
        (3, 3, ("c", {"id": 3, "p": 1})), (4, 4, ("c", {"id": 1, "p": 2})),
        (5, 5, t(id=1, deletedAt=TIME)))),
    "a tuple of an older and a newer patch": ([
        table("t", "id INTEGER PRIMARY KEY", "u TEXT", "w INT", constraints=["UNIQUE (u, w)"]),
        table("c", "id INTEGER PRIMARY KEY", "u TEXT", "w INT",
              constraints=["FOREIGN KEY (u, w) REFERENCES t(u, w)"])], units(
                  (3, 1, t(id=1, u="y")), (1, 2, t(id=1, u=None, w=2)),
                  (2, 3, ("c", {"id": 1, "u": "y", "w": 2})))),
    "NULL takes the place of what is referred to": ([
        table("t", "id INTEGER PRIMARY KEY", "w INT UNIQUE"),
        table("c", "id INTEGER PRIMARY KEY", "w INT REFERENCES t(w) ON UPDATE SET NULL")], units(
            (2, 1, ("c", {"id": 1, "w": 2})), (1, 2, t(id=1, w=2)), (3, 3, t(id=1, w=None)))),
    "a parent comes for what was accepted without": ([
        table("t", "id TEXT COLLATE NOCASE PRIMARY KEY", "u TEXT UNIQUE", "p TEXT REFERENCES t(u)",
              "gone INT", tombstone="gone", options="WITHOUT ROWID")], units(
                  (4, 1, t(id="a", u="x", p=None, deletedAt=TIME)), (2, 1, t(id="a", p="X")),
                  (1, 2, t(id="b", u="X", p=None)),
                  (2, 3, t(id="b", u="x", p="X"), t(id="b", u="x", p="x")))),
    "an index that compares otherwise is no parent key": ([
        table("t", "id INTEGER PRIMARY KEY", "u TEXT UNIQUE", "p TEXT REFERENCES t(u)",
              indexes=["CREATE UNIQUE INDEX loose ON t(u COLLATE NOCASE)"])], units(
                  (1, 1, t(id=1, u="x", p="X")), (2, 2, t(id=2, p="x")), (3, 1, t(id=1, p="x")))),
    "a row that refers to itself is spelled anew": ([
        table("t", "id TEXT COLLATE NOCASE PRIMARY KEY", "u TEXT UNIQUE",
              "p TEXT REFERENCES t(id) DEFERRABLE INITIALLY DEFERRED",
              options="WITHOUT ROWID")], units(
                  (1, 1, t(id="a", u="y", p="a")), (2, 2, t(id="A")), (3, 1, t(id="A", u="z")))),
    "what sets a default aside has to wait": ([table(
        "t", "id INTEGER PRIMARY KEY", "v INT", "d INT NOT NULL DEFAULT 5 UNIQUE")], units(
            (1, 1, t(id=1, d=6)), (2, 2, t(id=2, d=6)), (3, 1, t(id=3, d=5)), (4, 2, t(id=2, v=1)))),
    "a group in two parts, and a row that had to wait": (LABELS, units(
        (1, 1, t(id=1, u="a", v="red")), (2, 2, t(id=2, u="a", v="red")), (3, 3, t(id=2, v="blue")),
        (4, 4, t(id=1, deletedAt=TIME), t(id=3, u="a", v="red")),
        (5, 5, t(id=1, deletedAt=TIME)))),
}


# Calls in which the engine went wrong once.
AS_FOUND = {
    "a change of a row that had to wait until later": [[0, 4, 1, 3, 2]],
    "a child of a row that had to wait until later": [[0, 4, 1, 3, 2]],
    "a tuple of an older and a newer patch": [[0], [1], [2]],
    "NULL takes the place of what is referred to": [[0], [1], [2]],
    "a parent comes for what was accepted without": [[0], [3], [1], [2], [4]],
    "an index that compares otherwise is no parent key": [[0], [1], [2]],
    "a row that refers to itself is spelled anew": [[0], [1], [2]],
    "what sets a default aside has to wait": [[1], [3], [0], [2]],
    "a group in two parts, and a row that had to wait": [[0], [1], [4], [5], [2], [3]],
}


class Outcomes:
    """The oracle's outcomes for the subsets of one set of messages."""

    def __init__(self, tables, messages, foreign_keys):
        self.schema = schema_of(table.spec() for table in tables)
        self.messages = messages
        self.foreign_keys = foreign_keys
        self._known = {}

    def check(self, peer, order):
        received = [self.messages[position] for position in order]
        key = frozenset(order)
        if key not in self._known:
            self._known[key] = oracle([read_message(text) for text in received], self.schema,
                                      NOW_MS, foreign_keys=self.foreign_keys)
        check_peer(peer, self._known[key], received, self.schema)


def fresh_peer(tables, foreign_keys):
    peer = ConstraintPeer(11, "memory", None, pragma=foreign_keys)
    for each in tables:
        peer.run(each.create_sql())
        for sql in each.index_sql():
            peer.run(sql)
    for each in tables:
        peer.bring_table(each, "track")
    return peer


def walk_tree(peer, outcomes, order=()):
    """All orders in one transaction: after each message the rest is tried under a savepoint."""
    outcomes.check(peer, order)
    for position in set(range(len(outcomes.messages))) - set(order):
        peer.run(f"SAVEPOINT level{len(order)}")
        peer.apply([outcomes.messages[position]])
        walk_tree(peer, outcomes, order + (position,))
        peer.run(f"ROLLBACK TO level{len(order)}")
        peer.run(f"RELEASE level{len(order)}")


def messages_of_all(written):
    return [text for unit in written for text in messages_of(unit, BASE_AT).values()]


def cut(rng, order):
    """The order in pieces, one for each call."""
    calls, rest = [], list(order)
    while rest:
        length = rng.choice((1, 1, 2, 3, len(rest)))
        calls.append(rest[:length])
        rest = rest[length:]
    return calls


def random_set(rng, least=4, stamps=4):
    """(tables, messages): at least so many messages, one more at most, of a few units."""
    made = random_tables(rng)
    written, size = [], 0
    while size < least:
        patches = []
        for _ in range(rng.choice((1, 1, 1, 2)) if size < least - 1 else 1):
            literal, pools = rng.choice(made)
            values = pools.row(rng, rng.choice((0.6, 1.0, 1.0)), 0.05)
            if rng.random() < 0.15:
                values["deletedAt"] = rng.choice((TIME, None))
            patches.append((literal["name"], values))
        written.append((rng.randint(1, stamps), rng.choice((901, 902, 903)), *patches))
        size += len(patches)
    return tables_of(literal for literal, _ in made), messages_of_all(units(*written))


class EveryOrderTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        extension_path()  # one clear error when it is not there

    def test_known_cases_in_every_order(self):
        rng = random.Random(fresh_seed())
        for name, (literals, written) in KNOWN.items():
            with self.subTest(name=name):
                tables, messages = tables_of(literals), messages_of_all(written)
                outcomes = Outcomes(tables, messages, True)
                for order in self.orders(rng, name, len(messages)):
                    for calls in ([[k] for k in order], cut(rng, order)):
                        self.deliver(tables, messages, calls, outcomes)

    def test_known_cases_as_they_were_found(self):
        for name, calls in AS_FOUND.items():
            with self.subTest(name=name):
                literals, written = KNOWN[name]
                tables, messages = tables_of(literals), messages_of_all(written)
                self.deliver(tables, messages, calls, Outcomes(tables, messages, True))

    def deliver(self, tables, messages, calls, outcomes):
        with contextlib.closing(fresh_peer(tables, outcomes.foreign_keys)) as peer:
            try:
                for call in calls:
                    peer.apply([messages[position] for position in call])
                outcomes.check(peer, [position for call in calls for position in call])
            except Exception:
                print(f"the calls: {calls}")
                raise

    @staticmethod
    def orders(rng, name, length):
        step = 1 if name == THE_HARD_CASE else max(1, math.factorial(length) // ORDERS)
        return itertools.islice(itertools.permutations(range(length)),
                                rng.randrange(step), None, step)

    def test_the_hard_case_as_it_was_found(self):
        tables, messages = tables_of(UNIQUE), messages_of_all(KNOWN[THE_HARD_CASE][1])
        with contextlib.closing(fresh_peer(tables, True)) as peer:
            for at in (2, 5, 6, 1, 4, 3):
                peer.apply([messages[at - 1]])
            self.assertEqual(sorted(peer.rows("t", ["id", "u"])), [(0, "y"), (1, "z")])
            self.assertEqual([row[:4] for row in peer.pending()], [("t", 1, 2, "constraint")])

    def test_random_sets_in_every_order_under_savepoints(self):
        for seed in range(RANDOM_SETS):
            with self.subTest(seed=seed):
                tables, messages = random_set(random.Random(seed))
                with contextlib.closing(fresh_peer(tables, seed % 4 > 0)) as peer:
                    peer.run("BEGIN")
                    walk_tree(peer, Outcomes(tables, messages, seed % 4 > 0))
                    peer.run("ROLLBACK")


    def test_larger_sets_in_random_orders_and_calls(self):
        for seed in fixed_and_fresh(LARGER_SETS, LARGER_SETS // 10):
            with self.subTest(seed=seed):
                self.deliver_larger_set(seed)

    def deliver_larger_set(self, seed):
        rng = random.Random(seed)
        tables, messages = random_set(rng, LARGER_SIZE - 1, LARGER_SIZE)
        order = rng.sample(range(len(messages)), len(messages))
        self.deliver(tables, messages, cut(rng, order),
                     Outcomes(tables, messages, seed % 4 > 0))


class OracleTest(unittest.TestCase):
    def test_the_oracle_itself_does_not_depend_on_the_order(self):
        for literals, written in KNOWN.values():
            schema = schema_of(table.spec() for table in tables_of(literals))
            messages = [read_message(text) for text in messages_of_all(written)]
            outcomes = [oracle([messages[p] for p in order], schema, NOW_MS) for order in
                        itertools.islice(itertools.permutations(range(len(messages))), 0, None, 7)]
            self.assertTrue(all(outcome == outcomes[0] for outcome in outcomes))


if __name__ == "__main__":
    unittest.main()

"""Brute force: small sets of messages to one table, delivered in every order, against the oracle.

Each set goes to a fresh peer in each order. Small sets are also walked as a tree inside one
transaction, with a savepoint at each message, where every subset on the way is checked too.
"""

import itertools
import random
import tempfile
import unittest

from checks import check_peer
from oracle import oracle
from peer import SqlPeer, extension_path
from shapes import BY_NAME, SHAPES, schema_of
from wire import at_from_ms, read_message, write_message, write_void

NOW_MS = 1767225600000
BASE_AT = at_from_ms(NOW_MS - 86_400_000)

# (shape, log style, [(peer, seq, at, values)]); values None: a void
HAND_MADE = [
    # lo <= hi: both ends move, each alone is sometimes forbidden
    ("interval", "track", [
        (1, 1, 1, {"id": 1, "lo": 4, "hi": 5}), (2, 1, 2, {"id": 1, "hi": 2}),
        (1, 2, 3, {"id": 1, "lo": 1}), (2, 2, 4, {"id": 1, "lo": 9}),
        (1, 3, 5, {"id": 1, "hi": 8}), (2, 3, 6, {"id": 1, "hi": None})]),
    ("interval", "hand", [
        (1, 1, 1, {"id": 1, "lo": 4, "hi": 5}), (2, 1, 1, {"id": 1, "lo": 6, "hi": 7}),
        (1, 2, 2, {"id": 1, "lo": 9}), (2, 2, 2, {"id": 1, "hi": 2}),
        (3, 1, 2, {"id": 1, "hi": None})]),
    # two halves of a row, an explicit NULL where none may be, a default
    ("needs", "hand_nulls", [
        (1, 1, 1, {"id": 1, "a": "a1"}), (2, 1, 2, {"id": 1, "b": 2}),
        (1, 2, 3, {"id": 1, "a": None}), (2, 2, 4, {"id": 1, "c": None}),
        (1, 3, 5, {"id": 1, "c": "c1"}), (2, 3, 6, {"id": 1, "d": "d1"})]),
    # three pieces that are a row only together, one of the wrong type
    ("needsStrict", "track", [
        (1, 1, 3, {"k": "r", "a": 1}), (2, 1, 2, {"k": "r", "b": b"1"}),
        (3, 1, 1, {"k": "r", "e": "e1"}), (1, 2, 4, {"k": "r", "a": "x"}),
        (2, 2, 5, {"k": "r", "a": "3"})]),
    # a row that leaves the table and comes back
    ("intervalGone", "track", [
        (1, 1, 1, {"id": 1, "lo": 4, "hi": 5}), (2, 1, 2, {"id": 1, "deletedAt": NOW_MS}),
        (1, 2, 3, {"id": 1, "x": 1}), (2, 2, 4, {"id": 1, "deletedAt": None}),
        (1, 3, 5, {"id": 1, "lo": 6, "hi": 7}), (2, 3, 6, {"id": 1, "x": None})]),
    # while the row is deleted nothing is forbidden; when it comes back, something is
    ("intervalGone", "track", [
        (2, 1, 1, {"id": 1, "deletedAt": NOW_MS}), (1, 1, 2, {"id": 1, "lo": 9}),
        (1, 2, 3, {"id": 1, "hi": 2}), (2, 2, 4, {"id": 1, "deletedAt": None}),
        (1, 3, 5, {"id": 1, "hi": 9})]),
    ("Nocase", "hand", [
        (1, 1, 1, {"k": "ab", "v": 1}), (2, 1, 1, {"k": "AB", "v": 2.5}), (1, 2, 2, {"k": "Ab"}),
        (3, 1, 2, {"k": "aB", "v": "3"}), (2, 2, 3, {"k": "ab", "nothing": 1})]),
    # reused identities, a void among them
    ("small", "track", [
        (1, 1, 1, {"id": 1, "n": 5}), (1, 1, 1, {"id": 1, "n": 4}), (1, 1, 2, {"id": 1, "n": 9}),
        (1, 1, 3, None), (2, 1, 1, {"id": 1, "n": 1, "t": "ab"})]),
    ("words", "hand", [
        (1, 1, 1, {"word": "a", "n": None}), (2, 1, 2, {"word": "a", "note": None, "n": 2}),
        (1, 2, 3, {"word": "a", "note": "x"}), (1, 4, 3, {"word": "a", "deletedAt": NOW_MS})]),
    ("lines", "track", [
        (1, 1, 1, {"id": 1, "qty": 2, "price": 40.0}), (2, 1, 2, {"id": 1, "qty": 9}),
        (1, 2, 3, {"id": 1, "price": 1.5}), (2, 2, 4, {"id": 1, "price": 40, "total": 1}),
        (3, 1, 4, {"id": 1, "qty": 1})]),
]
RANDOM_SETS = 40
TREE_SETS = 25


def message(peer, seq, at, tab, values):
    if values is None:
        return write_void(peer, seq, BASE_AT + at)
    return write_message(peer, seq, BASE_AT + at, tab, values)


def hand_made_sets():
    return [(BY_NAME[name], style, [message(peer, seq, at, name, values)
                                    for peer, seq, at, values in patches])
            for name, style, patches in HAND_MADE]


def random_set(rng, size):
    """Random patches to one row of a random shape; now and then a (peer, seq) is used twice."""
    shape = rng.choice(SHAPES)
    style = rng.choice(shape.log_styles)
    columns = [c for c in shape.columns if not c.is_key and not c.is_generated]
    key = {c.name: c.values[0] for c in shape.columns if c.is_key}
    seqs, messages = {}, []
    while len(messages) < size:
        peer = rng.choice((1, 2, 3))
        seqs[peer] = seqs.get(peer, 0) + (rng.random() < 0.9 or peer not in seqs)
        values = {c.name: rng.choice(c.values + c.odd) for c in columns if rng.random() < 0.5}
        if style == "track" and rng.random() < 0.2:
            values["deletedAt"] = rng.choice((NOW_MS, None))
        text = message(peer, seqs[peer], rng.randint(1, 4), shape.name, {**key, **values})
        if text not in messages:
            messages.append(text)
    return shape, style, messages


class Expectations:
    """The oracle's outcomes for the subsets of one set of messages."""

    def __init__(self, shape, style, messages):
        self.schema = schema_of([shape.spec(style)])
        self.messages = messages
        self._known = {}

    def check(self, peer, order):
        """`order`: positions of the messages delivered, in that order."""
        received = [self.messages[p] for p in order]
        subset = frozenset(order)
        if subset not in self._known:
            self._known[subset] = oracle(received, self.schema, NOW_MS)
        try:
            check_peer(peer, self._known[subset], received, self.schema)
        except AssertionError as error:
            raise AssertionError(f"delivered in the order {order}:\n{error}") from None


def fresh_peer(shape, style):
    peer = SqlPeer(11, "memory", tempfile.gettempdir())
    peer.bring_table(shape, style)
    return peer


def deliver_in_every_order(shape, style, messages):
    """Each order to a fresh peer; returns the number of orders."""
    expectations = Expectations(shape, style, messages)
    count = 0
    for order in itertools.permutations(range(len(messages))):
        peer = fresh_peer(shape, style)
        for position in order:
            peer.apply([messages[position]])
        expectations.check(peer, order)
        peer.close()
        count += 1
    return count


def walk_tree(peer, expectations, order=()):
    """All orders in one transaction: after each message the rest is tried under a savepoint."""
    expectations.check(peer, order)
    for position in set(range(len(expectations.messages))) - set(order):
        peer.run(f"SAVEPOINT level{len(order)}")
        peer.apply([expectations.messages[position]])
        walk_tree(peer, expectations, order + (position,))
        peer.run(f"ROLLBACK TO level{len(order)}")
        peer.run(f"RELEASE level{len(order)}")


class PermutationTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        extension_path()  # one clear error when it is not there

    def test_hand_made_sets_in_every_order(self):
        count = 0
        for number, (shape, style, messages) in enumerate(hand_made_sets()):
            with self.subTest(number=number, shape=shape.name):
                count += deliver_in_every_order(shape, style, messages)
        print(f"  {count} orders of {len(HAND_MADE)} hand-made sets", flush=True)

    def test_random_sets_in_every_order(self):
        count = 0
        for seed in range(RANDOM_SETS):
            with self.subTest(seed=seed):
                count += deliver_in_every_order(*random_set(random.Random(seed), 3 + seed % 2))
        print(f"  {count} orders of {RANDOM_SETS} random sets", flush=True)

    def test_every_order_under_savepoints(self):
        for seed in range(1000, 1000 + TREE_SETS):
            with self.subTest(seed=seed):
                shape, style, messages = random_set(random.Random(seed), 4)
                peer = fresh_peer(shape, style)
                peer.run("BEGIN")
                walk_tree(peer, Expectations(shape, style, messages))
                peer.run("ROLLBACK")
                peer.close()


class OracleTest(unittest.TestCase):
    def test_the_oracle_itself_does_not_depend_on_the_order(self):
        for shape, style, messages in hand_made_sets():
            schema = schema_of([shape.spec(style)])
            outcomes = [oracle([read_message(messages[p]) for p in order], schema, NOW_MS)
                        for order in itertools.islice(
                            itertools.permutations(range(len(messages))), 0, None, 7)]
            self.assertTrue(all(o == outcomes[0] for o in outcomes))


if __name__ == "__main__":
    unittest.main()

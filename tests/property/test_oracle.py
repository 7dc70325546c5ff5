"""Tests of the oracle against outcomes worked out by hand from DESIGN.md section 3."""

import itertools
import unittest

from oracle import Schema, TableSpec, oracle
from wire import at_from_ms, content_of, fold, read_message, write_message, write_void
from xxh64 import xxh64

NOW_MS = 1767225600000
LATE = at_from_ms(NOW_MS + 300_001, 0)


def patch(at, values, peer=1, seq=None, tab="t", **more):
    """A message; its seq is its at when none is given."""
    return write_message(peer, at if seq is None else seq, at, tab, values, **more)


class OracleCase(unittest.TestCase):
    sql = "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INTEGER)"
    options = {}

    def schema(self, **options):
        return Schema([TableSpec("t", self.sql, **{**self.options, **options})])

    def expect(self, messages, rows, pending=(), schema=None, **options):
        """The outcome must be this in many orders, and with every message doubled."""
        schema = schema or self.schema()
        orders = list(itertools.islice(itertools.permutations(messages), 0, 720, 23))
        for order in orders + [list(messages) * 2]:
            outcome = oracle(order, schema, NOW_MS, **options)
            self.assertEqual(repr(outcome.rows["t"]), repr(rows))
            self.assertEqual({(p, s, r) for _, p, s, r in outcome.pending}, set(pending))
        return outcome


class Fold(OracleCase):
    def test_the_greatest_stamp_wins_in_each_column(self):
        self.expect([patch(1, {"id": 1, "a": "x", "b": 1}), patch(2, {"id": 1, "a": "y"}),
                     patch(3, {"id": 2})], [(1, "y", 1), (2, None, None)])

    def test_equal_clocks_are_decided_by_peer_then_seq(self):
        self.expect([patch(5, {"id": 1, "a": "p1"}, 1, 9), patch(5, {"id": 1, "a": "p2"}, 2, 1),
                     patch(5, {"id": 1, "a": "p2 later"}, 2, 2)], [(1, "p2 later", None)])

    def test_an_explicit_null_is_a_value_and_a_null_in_the_delta_is_none(self):
        ignored = '{"type":10,"at":9,"peer":1,"seq":9,"ver":1,"tab":"t","delta":{"id":1,"b":null}}'
        self.expect([patch(1, {"id": 1, "a": "x", "b": 1}), patch(2, {"id": 1, "a": None}),
                     ignored], [(1, None, 1)])

    def test_names_of_tables_and_columns_are_folded(self):
        self.expect([patch(1, {"ID": 1, "A": "x"}, tab="T")], [(1, "x", None)])

    def test_values_take_the_affinity_of_their_column(self):
        self.expect([patch(1, {"id": "1", "a": 5, "b": "7"}), patch(2, {"id": 1.0, "b": "x"})],
                    [(1, "5", "x")])

    def test_other_messages_are_ignored_and_voids_show_nothing(self):
        outcome = self.expect([write_void(1, 1, 1), '{"type":99}', patch(3, {"id": 1})],
                              [(1, None, None)])
        self.assertEqual(outcome.vector, {1: [[1, 1], [3, 3]]})


class Keys(OracleCase):
    def test_the_spelling_of_a_nocase_key_is_that_of_the_greatest_stamp(self):
        schema = Schema([TableSpec("t", "CREATE TABLE t(k TEXT COLLATE NOCASE PRIMARY KEY, v)")])
        self.expect([patch(2, {"k": "AB"}), patch(1, {"k": "ab", "v": 1}), patch(3, {"k": "É"}),
                     patch(4, {"k": "é"})], [("AB", 1), ("É", None), ("é", None)], schema=schema)

    def test_a_composite_key_without_rowid(self):
        schema = Schema([TableSpec("t", "CREATE TABLE t(b TEXT, a INTEGER, c, PRIMARY KEY (a, b))"
                                        " WITHOUT ROWID")])
        self.expect([patch(1, {"a": 1, "b": "x", "c": 1}), patch(2, {"a": "1", "b": "x", "c": 2}),
                     patch(3, {"a": 2, "b": "x"})], [("x", 1, 2), ("x", 2, None)], schema=schema)

    def test_a_key_of_the_wrong_type_waits(self):
        self.expect([patch(1, {"id": "one"})], [], {(1, 1, "constraint")})


class Defaults(OracleCase):
    sql = ("CREATE TABLE t(id INTEGER PRIMARY KEY, c TEXT NOT NULL DEFAULT 'c',"
           " e DEFAULT (abs(-1)), g AS (c || '!'))")

    def test_constants_show_and_expressions_do_not(self):
        self.expect([patch(1, {"id": 1})], [(1, "c", None, "c!")])

    def test_an_explicit_null_is_not_the_default(self):
        self.expect([patch(1, {"id": 1, "c": None}), patch(2, {"id": 2, "c": "x"})],
                    [(2, "x", None, "x!")], {(1, 1, "constraint")})

    def test_a_generated_column_cannot_be_set(self):
        self.expect([patch(1, {"id": 1, "g": "x"})], [(1, "c", None, "c!")], {(1, 1, "schema")})


class Waiting(OracleCase):
    sql = ("CREATE TABLE t(id INTEGER PRIMARY KEY, lo INTEGER NOT NULL, hi INTEGER NOT NULL, x,"
           " CHECK (lo <= hi))")

    def test_two_halves_become_one_row(self):
        self.expect([patch(1, {"id": 1, "lo": 1})], [], {(1, 1, "constraint")})
        self.expect([patch(1, {"id": 1, "lo": 1}), patch(2, {"id": 1, "hi": 2})], [(1, 1, 2, None)])

    def test_mates_are_the_oldest_that_set_what_lacks(self):
        # 1 lacks lo and hi: 2 helps with lo, then 4 with hi, and they are accepted. Then 3 is legal
        # by itself. 5 sets lo to NULL and waits.
        self.expect([patch(1, {"id": 1, "x": 1}), patch(2, {"id": 1, "lo": 5}),
                     patch(3, {"id": 1, "x": 3}), patch(4, {"id": 1, "hi": 7}),
                     patch(5, {"id": 1, "lo": None})], [(1, 5, 7, 3)], {(1, 5, "constraint")})

    def test_a_helper_that_makes_the_row_illegal_keeps_all_waiting(self):
        # 1 lacks lo: the oldest that sets it is 2, and lo = 9 is not legal with hi = 1. And with 3:
        # {1} and {1, 2} are not legal, nor {2} and {2, 1}, nor {3}; {3, 1} is. Then {2}, covered.
        self.expect([patch(1, {"id": 1, "hi": 1}), patch(2, {"id": 1, "lo": 9})], [],
                    {(1, 1, "constraint"), (1, 2, "constraint")})
        self.expect([patch(1, {"id": 1, "hi": 1}), patch(2, {"id": 1, "lo": 9}),
                     patch(3, {"id": 1, "lo": 0})], [(1, 0, 1, None)])

    def test_what_was_forbidden_is_tried_again_oldest_first(self):
        # lo = 6 waits until hi = 8; in the second case lo = 4 covers it by then.
        self.expect([patch(1, {"id": 1, "lo": 1, "hi": 5}), patch(2, {"id": 1, "lo": 6}),
                     patch(3, {"id": 1, "hi": 8})], [(1, 6, 8, None)])
        self.expect([patch(1, {"id": 1, "lo": 1, "hi": 5}), patch(2, {"id": 1, "lo": 6}),
                     patch(3, {"id": 1, "lo": 4}), patch(4, {"id": 1, "hi": 8})], [(1, 4, 8, None)])

    def test_an_older_claim_comes_first_and_the_later_waits(self):
        # In stamp order hi = 3 is legal and then lo = 4 is not, whichever arrives first.
        self.expect([patch(1, {"id": 1, "lo": 1, "hi": 5}), patch(3, {"id": 1, "lo": 4}),
                     patch(2, {"id": 1, "hi": 3})], [(1, 1, 3, None)], {(1, 3, "constraint")})

    def test_strict_types_wait(self):
        schema = Schema([TableSpec("t", "CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER)"
                                        " STRICT")])
        self.expect([patch(1, {"id": 1, "n": "x"}), patch(2, {"id": 2, "n": "7"})], [(2, 7)],
                    {(1, 1, "constraint")}, schema=schema)

    def test_an_on_conflict_clause_of_the_schema_changes_nothing(self):
        schema = Schema([TableSpec("t", "CREATE TABLE t(id INTEGER PRIMARY KEY ON CONFLICT REPLACE,"
                                        " n NOT NULL ON CONFLICT REPLACE DEFAULT 1)")])
        self.expect([patch(1, {"id": 1, "n": None})], [], {(1, 1, "constraint")}, schema=schema)


class Tombstones(OracleCase):
    sql = "CREATE TABLE t(id INTEGER PRIMARY KEY, n NOT NULL, x CHECK (x < 5))"
    options = {"log_tombstone": True}

    def test_a_deleted_row_is_absent_and_comes_back(self):
        row, gone = patch(1, {"id": 1, "n": 1}), patch(2, {"id": 1, "deletedAt": NOW_MS})
        edit, back = patch(3, {"id": 1, "x": 3}), patch(4, {"id": 1, "deletedAt": None})
        self.expect([row, gone, edit], [])
        self.expect([row, gone, edit, back], [(1, 1, 3)])

    def test_a_deleted_row_breaks_nothing_until_it_comes_back(self):
        gone, bad = patch(1, {"id": 1, "deletedAt": NOW_MS}), patch(2, {"id": 1, "x": 9})
        back, whole = patch(3, {"id": 1, "deletedAt": None}), patch(4, {"id": 1, "n": 4, "x": 0})
        self.expect([gone, bad], [])
        self.expect([gone, bad, back], [], {(1, 3, "constraint")})
        # 4 is accepted while the row is deleted, and frees 3
        self.expect([gone, bad, back, whole], [(1, 4, 0)])

    def test_without_either_kind_of_tombstone_it_is_an_unknown_column(self):
        self.expect([patch(1, {"id": 1, "n": 1, "deletedAt": NOW_MS})], [(1, 1, None)],
                    {(1, 1, "schema")}, schema=self.schema(log_tombstone=False))

    def test_a_tombstone_column_of_another_name_is_deletedAt_on_the_wire(self):
        schema = Schema([TableSpec("t", "CREATE TABLE t(id INTEGER PRIMARY KEY, gone INTEGER)",
                                   tombstone="gone")])
        self.expect([patch(1, {"id": 1, "deletedAt": 5})], [(1, 5)], schema=schema)


class Parked(OracleCase):
    def test_a_patch_of_the_future_waits_for_its_time(self):
        early, late = patch(1, {"id": 1, "b": 1}), patch(LATE, {"id": 1, "b": 2}, seq=2)
        self.expect([early, late], [(1, None, 1)], {(1, 2, "clock")})
        self.expect([early, late], [(1, None, 2)], max_drift_ms=400_000)

    def test_unknown_tables_and_columns(self):
        self.expect([patch(1, {"id": 1, "zz": 1, "b": 5}), patch(2, {"id": 1}, tab="other")],
                    [(1, None, 5)], {(1, 1, "schema"), (1, 2, "schema")})

    def test_an_explicit_null_for_a_log_that_cannot_hold_it(self):
        self.expect([patch(1, {"id": 1, "a": "x"}), patch(2, {"id": 1, "a": None, "b": 1})],
                    [(1, "x", 1)], {(1, 2, "schema")}, schema=self.schema(log_has_nulls=False))

    def test_a_breaking_version(self):
        self.expect([patch(1, {"id": 1}, ver=3)], [], {(1, 1, "schema")},
                    is_breaking=lambda ver: ver > 2)


class Identity(OracleCase):
    def test_a_patch_beats_a_void_and_a_later_one_an_earlier(self):
        same = [patch(4, {"id": 1, "b": 1}, seq=1), patch(5, {"id": 1, "b": 2}, seq=1),
                write_void(1, 1, 6)]
        self.expect(same, [(1, None, 2)], {(1, 1, "identity")})

    def test_equal_clocks_are_decided_by_content(self):
        rivals = [patch(4, {"id": 1, "a": "x"}, seq=1), patch(4, {"id": 1, "b": 2}, seq=1)]
        contents = [content_of(1, 1, 4, "t", read_message(m).values) for m in rivals]
        rows = [(1, "x", None)] if contents[0] > contents[1] else [(1, None, 2)]
        self.expect(rivals, rows, {(1, 1, "identity")})

    def test_values_that_are_equal_after_affinity_are_the_same_content(self):
        self.expect([patch(1, {"id": 1, "b": "7"}), patch(1, {"ID": 1.0, "B": 7})], [(1, None, 7)])

    def test_a_loser_never_counts_for_anything_else(self):
        self.expect([patch(1, {"id": 1, "b": 1}), patch(LATE, {"id": 1, "zz": 2}, seq=1)], [],
                    {(1, 1, "clock"), (1, 1, "identity")})


class Unique(OracleCase):
    sql = "CREATE TABLE t(id INTEGER PRIMARY KEY, u TEXT UNIQUE)"

    def test_the_earlier_holder_keeps_the_key_and_the_later_claim_waits(self):
        self.expect([patch(1, {"id": 1, "u": "x"}), patch(2, {"id": 2, "u": "x"})], [(1, "x")],
                    {(1, 2, "constraint")})

    def test_the_later_claim_is_freed_when_the_key_is(self):
        self.expect([patch(1, {"id": 1, "u": "x"}), patch(2, {"id": 2, "u": "x"}),
                     patch(3, {"id": 1, "u": "y"})], [(1, "y"), (2, "x")])

    def test_the_hard_case(self):
        # @3 r2=y waits for r0. @4 r0=x waits for r1. @5 r0=y is legal (r0 has y) and makes @4
        # legal, which it covers. @6 r1=z. @3 still waits: r0 has y.
        by_at = {at: patch(at, {"id": row, "u": u}, peer=at % 2 + 1) for at, row, u in
                 [(1, 0, "y"), (2, 1, "x"), (3, 2, "y"), (4, 0, "x"), (5, 0, "y"), (6, 1, "z")]}
        rows, pending = [(0, "y"), (1, "z")], {(2, 3, "constraint")}
        schema = self.schema()
        outcome = oracle([by_at[at] for at in (2, 5, 6, 1, 4, 3)], schema, NOW_MS)
        self.assertEqual(outcome.rows["t"], rows)
        self.expect(list(by_at.values()), rows, pending, schema)

    def test_a_partial_index_lets_deleted_rows_go(self):
        schema = Schema([TableSpec(
            "t", "CREATE TABLE t(id INTEGER PRIMARY KEY, u, deletedAt INTEGER);"
                 "CREATE UNIQUE INDEX live ON t(u) WHERE deletedAt IS NULL")])
        self.expect([patch(1, {"id": 1, "u": "x"}), patch(2, {"id": 1, "deletedAt": 5}),
                     patch(3, {"id": 2, "u": "x"}), patch(4, {"id": 1, "deletedAt": None})],
                    [(1, "x", 5), (2, "x", None)], {(1, 4, "constraint")}, schema=schema)


class Groups(OracleCase):
    sql = "CREATE TABLE t(id INTEGER PRIMARY KEY, u TEXT UNIQUE)"

    def group(self, at, seq, rows, peer=1):
        last = seq + len(rows) - 1
        return [patch(at, {"id": row, "u": u}, peer, seq + i, group=(seq, last))
                for i, (row, u) in enumerate(rows)]

    def test_a_swap_of_unique_values_is_legal_as_a_group(self):
        self.expect(self.group(1, 1, [(1, "x"), (2, "y")]) + self.group(2, 3, [(1, "y"), (2, "x")]),
                    [(1, "y"), (2, "x")])

    def test_a_group_waits_until_it_is_whole_and_voids_count_as_here(self):
        first, second, third = self.group(1, 1, [(1, "x"), (2, "y"), (3, "z")])
        self.expect([first, third], [], {(1, 1, "group"), (1, 3, "group")})
        self.expect([first, third, write_void(1, 2, 1)], [(1, "x"), (3, "z")])
        gone = '{"type":40,"peer":1,"minSeq":2,"maxSeq":2}'
        self.expect([first, third, gone], [(1, "x"), (3, "z")])
        self.expect([first, third, gone, second], [(1, "x"), (2, "y"), (3, "z")])

    def test_one_forbidden_part_keeps_the_whole_group_waiting(self):
        self.expect([patch(1, {"id": 9, "u": "x"}, 2)] + self.group(2, 1, [(1, "w"), (2, "x")]),
                    [(9, "x")], {(1, 1, "constraint"), (1, 2, "constraint")})

    def test_a_part_for_an_unknown_table_does_not_hold_up_the_others(self):
        first, second = self.group(1, 1, [(1, "x"), (2, "y")])
        unknown = patch(1, {"id": 1}, seq=2, tab="other", group=(1, 2))
        self.expect([first, unknown], [(1, "x")], {(1, 2, "schema")})
        self.expect([first, second], [(1, "x"), (2, "y")])

    def test_parts_that_disagree_wait(self):
        first, _ = self.group(1, 1, [(1, "x"), (2, "y")])
        self.expect([first, patch(1, {"id": 2, "u": "y"}, seq=2)], [(2, "y")], {(1, 1, "group")})


class ForeignKeys(unittest.TestCase):
    def setUp(self):
        self.schema = Schema([
            TableSpec("parent", "CREATE TABLE parent(id INTEGER PRIMARY KEY)", log_tombstone=True),
            TableSpec("child", "CREATE TABLE child(id INTEGER PRIMARY KEY,"
                               " p REFERENCES parent ON DELETE CASCADE)", log_tombstone=True)])
        self.child = patch(1, {"id": 1, "p": 7}, tab="child")
        self.parent = patch(2, {"id": 7}, tab="parent")
        self.gone = patch(3, {"id": 7, "deletedAt": 1}, tab="parent")

    def outcome(self, *messages, **options):
        outcome = oracle(messages, self.schema, NOW_MS, **options)
        return outcome.rows, {(s, r) for _, _, s, r in outcome.pending}

    def test_a_child_waits_for_its_parent(self):
        self.assertEqual(self.outcome(self.child),
                         ({"parent": [], "child": []}, {(1, "constraint")}))
        self.assertEqual(self.outcome(self.child, self.parent),
                         ({"parent": [(7,)], "child": [(1, 7)]}, set()))

    def test_a_parent_with_a_child_stays_and_no_action_is_taken(self):
        self.assertEqual(self.outcome(self.child, self.parent, self.gone),
                         ({"parent": [(7,)], "child": [(1, 7)]}, {(3, "constraint")}))

    def test_by_option(self):
        self.assertEqual(self.outcome(self.child, foreign_keys=False),
                         ({"parent": [], "child": [(1, 7)]}, set()))


class Hashes(unittest.TestCase):
    def test_xxh64_known_answers(self):
        for text, seed, expected in [
                (b"", 0, 0xEF46DB3751D8E999), (b"", 2654435761, 0xAC75FDA2929B17EF),
                (b"a", 0, 0xD24EC4F1A98C6E5B), (b"abc", 0, 0x44BC2CF5AD770999),
                (b"xxhash", 20141025, 0xB559B98D844E0635),
                (b"Nobody inspects the spammish repetition", 0, 0xFBCEA83C8A378BF1)]:
            self.assertEqual(xxh64(text, seed), expected)

    def test_content_follows_its_definition(self):
        name = xxh64(b"a", 0)
        values = {"A": None, "a": 1}  # folded to one name; a sum of both, for the test alone
        columns = (xxh64(b"\x00", name) + xxh64(b"\x01" + b"\x01" + bytes(7), name)) % 2**64
        head = b"".join(n.to_bytes(8, "little") for n in (3, 4, 5)) + "tä".encode()
        self.assertEqual(content_of(3, 4, 5, "Tä", values), xxh64(head, columns))
        self.assertEqual(content_of(3, 4, 5, "_", values), xxh64(head[:24] + b"_", 0))

    def test_only_ascii_letters_are_folded(self):
        self.assertEqual(fold("ÄbCÉ"), "ÄbcÉ")


if __name__ == "__main__":
    unittest.main()

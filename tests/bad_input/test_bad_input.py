"""Bad input, and what it gets, as one table through the real extension.

A case of kind E must raise an error that reads "replic: E_NAME: what is wrong; what to do", with the
name given here, that names the offending thing and the cure; afterwards the file is byte for byte
what it was, replic's own tables included, and an ordinary write works. A case of kind P is kept in
replic_pending with a reason, a case of kind N is a counted no-op; for both replic_check finds no
fault. What is not a single call stands in a test of its own below. The numbers are those of the
list of bad input in the design. Bundles, requests and failures of the machine are in
test_exchange.py; the rows left out in both belong to features that are not there yet.
"""

import os
import re
import sqlite3
import tempfile
import unittest
from typing import NamedTuple

from database import (MANUAL, at_time, code_of, connect, dump, error_of, faketime_library, one,
                      patch, rows)

SETUP = f"""
PRAGMA foreign_keys = ON;
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT NOT NULL,
                  stars INTEGER CHECK (stars BETWEEN 0 AND 5), extra BLOB);
CREATE TABLE pair(a INTEGER, b TEXT, c TEXT, PRIMARY KEY (a, b));
CREATE TABLE exact(id INTEGER PRIMARY KEY, n INTEGER, t TEXT) STRICT;
CREATE TABLE bare(id INTEGER PRIMARY KEY, v TEXT);
CREATE TABLE bare_patches(_patchedAt INTEGER NOT NULL, _sequenceId INTEGER NOT NULL,
                          _peerId INTEGER NOT NULL, id INTEGER NOT NULL, v TEXT);
CREATE TABLE plain(id INTEGER PRIMARY KEY, v);
CREATE TABLE keyless(x);
CREATE TABLE one_of(id INTEGER PRIMARY KEY, code TEXT UNIQUE);
INSERT INTO one_of VALUES (1, 'taken');
CREATE TABLE child(id INTEGER PRIMARY KEY, parent REFERENCES note);
CREATE VIEW seen AS SELECT id, body FROM note;
CREATE TABLE seen_patches(_patchedAt, _sequenceId, _peerId, id, body);
CREATE TABLE half(id INTEGER PRIMARY KEY);
CREATE VIEW half_patches AS SELECT 1 AS _patchedAt, 1 AS _sequenceId, 1 AS _peerId, id FROM half;
CREATE VIRTUAL TABLE words USING fts5(word);
CREATE TEMP TABLE scratch(id INTEGER PRIMARY KEY);
SELECT replic_init(1);
SELECT replic_track('note', '{MANUAL}');
SELECT replic_track('pair', '{MANUAL}');
SELECT replic_track('exact', '{MANUAL}');
SELECT replic_track('one_of', '{MANUAL}');
SELECT replic_track('child', '{MANUAL}');
SELECT replic_patch('note', '{{"id":1,"body":"first"}}');
"""
BIG = 16 * 1024 * 1024 + 1
TOP = 2**53


class Local(NamedTuple):
    """A replic_patch that is refused."""
    row: int
    arguments: tuple
    code: str
    named: tuple  # texts that the error must hold
    sqlite: str = "SQLITE_ERROR"


class Remote(NamedTuple):
    """Text for replic_apply that is refused."""
    row: int
    text: object
    code: str
    named: tuple
    sqlite: str = "SQLITE_MISMATCH"


class Parked(NamedTuple):
    """A message of which something is parked. `shown`: what table note then holds of row 5."""
    row: int
    text: str
    reason: str
    detail: str
    shown: tuple = None


LOCAL = [
    Local(1, (None, "{}"), "E_ARGUMENT", ("table is NULL", "usage: replic_patch("), "SQLITE_MISUSE"),
    Local(1, ("", "{}"), "E_ARGUMENT", ("table is empty", "usage: replic_patch("), "SQLITE_MISUSE"),
    Local(2, ("nobody", '{"id":1}'), "E_TABLE", ("'nobody'", "bare, child, exact, note, one_of, pair")),
    Local(3, ("plain", '{"id":1}'), "E_TABLE", ("'plain'", "; SELECT replic_track('plain'")),
    Local(4, ("seen", '{"id":1}'), "E_TABLE", ("'seen'", "a view", "an ordinary table in main")),
    Local(4, ("half", '{"id":1}'), "E_TABLE", ("'half_patches'", "an ordinary table in main")),
    Local(4, ("words", '{"id":1}'), "E_TABLE", ("'words'", "virtual", "an ordinary table in main")),
    Local(4, ("scratch", '{"id":1}'), "E_TABLE", ("'scratch'", "in main")),
    Local(4, ("sqlite_schema", '{"id":1}'), "E_TABLE", ("'sqlite_schema'",)),
    Local(4, ("_replic_state", '{"id":1}'), "E_TABLE", ("'_replic_state'",)),
    Local(6, ("pair", '{"a":1}'), "E_KEY", ("'b'", "'pair'", "; give every key column: a, b"),
          "SQLITE_CONSTRAINT"),
    Local(6, ("pair", '{"a":1,"b":null}'), "E_KEY", ("'b'", "a, b"), "SQLITE_CONSTRAINT"),
    Local(6, ("pair", "{}"), "E_KEY", ("'a'", "a, b"), "SQLITE_CONSTRAINT"),
    Local(6, ("pair", "a", 1, "b", None), "E_KEY", ("'b'", "a, b"), "SQLITE_CONSTRAINT"),
    Local(8, ("note", '{"id":1,"colour":"red"}'), "E_COLUMN",
          ("'colour'", "'note'", "its columns are: id, body, stars, extra")),
    Local(8, ("note", "id", 1, "colour", 2), "E_COLUMN", ("'colour'", "id, body, stars, extra")),
    Local(11, ("note", '{"id":2}'), "E_CONSTRAINT", ("'note'", "NOT NULL", "a new row needs: body"),
          "SQLITE_CONSTRAINT"),
    Local(11, ("note", '{"id":2,"body":null}'), "E_CONSTRAINT", ("NOT NULL", "body"),
          "SQLITE_CONSTRAINT"),
    Local(11, ("note", '{"id":1,"body":null}'), "E_CONSTRAINT", ("NOT NULL", "body"),
          "SQLITE_CONSTRAINT"),
    Local(13, ("note", '{"id":1,"stars":6}'), "E_CONSTRAINT", ("'note'", "CHECK constraint failed"),
          "SQLITE_CONSTRAINT"),
    Local(13, ("exact", '{"id":1,"n":"five"}'), "E_CONSTRAINT", ("INTEGER column exact.n",),
          "SQLITE_CONSTRAINT"),
    Local(13, ("note", '{"id":"one","body":"x"}'), "E_CONSTRAINT", ("'note'", "datatype mismatch"),
          "SQLITE_CONSTRAINT"),
    Local(13, ("one_of", '{"id":2,"code":"taken"}'), "E_CONSTRAINT",
          ("'one_of'", "UNIQUE constraint failed: one_of.code"), "SQLITE_CONSTRAINT"),
    Local(13, ("child", '{"id":1,"parent":77}'), "E_CONSTRAINT",
          ("'child'", "FOREIGN KEY constraint failed"), "SQLITE_CONSTRAINT"),
    Local(15, ("note", "id=1"), "E_SYNTAX", ("json", "at byte 0")),
    Local(15, ("note", ""), "E_SYNTAX", ("json", "at byte 0")),
    Local(15, ("note", '{"id":1,"body":"x'), "E_SYNTAX", ("byte",)),
    Local(15, ("note", '{"id":1,"body":"x"} {}'), "E_SYNTAX", ("at byte",)),
    Local(15, ("note", '{"id":1,"stars":NaN}'), "E_SYNTAX", ("at byte",)),
    Local(16, ("note", '{"id":1,"stars":1e400}'), "E_LIMIT", ("'1e400'", "1.79769"),
          "SQLITE_TOOBIG"),
    Local(16, ("note", '{"id":1,"stars":%d}' % 2**70), "E_LIMIT", (str(2**70), "64 bits"),
          "SQLITE_TOOBIG"),
    Local(16, ("note", '{"id":1,"extra":' + "[" * 40 + "]" * 40 + "}"), "E_MESSAGE",
          ("'extra'", "base64"), "SQLITE_MISMATCH"),
    Local(16, ("note", " " * BIG), "E_LIMIT", (f"{BIG} bytes", "16 MiB"), "SQLITE_TOOBIG"),
    Local(17, ("note", '{"id":1,"body":"a","body":"b"}'), "E_MESSAGE", ("'body'", "twice", "byte"),
          "SQLITE_MISMATCH"),
    Local(17, ("note", '{"id":1,"body":"a","Body":"b"}'), "E_MESSAGE", ("'Body'", "twice"),
          "SQLITE_MISMATCH"),
    Local(17, ("note", "id", 1, "body", "a", "BODY", "b"), "E_ARGUMENT", ("'BODY'", "twice"),
          "SQLITE_MISUSE"),
    Local(18, ("note", b'{"id":1,"body":"a\xff"}'), "E_UTF8", ("at byte",)),
    Local(18, ("note", '{"id":1,"body":"\\udc00"}'), "E_UTF8", ("surrogate", "byte")),
    Local(20, ("note", "[1]"), "E_MESSAGE", ("json", "object"), "SQLITE_MISMATCH"),
    Local(20, ("note", "7"), "E_MESSAGE", ("json", "object"), "SQLITE_MISMATCH"),
    Local(20, ("note", '{"id":1,"body":{"a":1}}'), "E_MESSAGE", ("'body'", "base64"),
          "SQLITE_MISMATCH"),
    Local(20, ("note", '{"id":1,"body":[1]}'), "E_MESSAGE", ("'body'", "base64"), "SQLITE_MISMATCH"),
    Local(20, ("note", '{"id":1,"body":{"base64":"?"}}'), "E_MESSAGE", ("'body'", "base64"),
          "SQLITE_MISMATCH"),
    Local(20, ("note", 5), "E_ARGUMENT", ("json is a number",), "SQLITE_MISUSE"),
    Local(20, ("note", None), "E_ARGUMENT", ("json is NULL",), "SQLITE_MISUSE"),
    Local(20, ("note",), "E_ARGUMENT", ("number of arguments", "usage"), "SQLITE_MISUSE"),
    Local(20, ("note", "id", 1, "body"), "E_ARGUMENT", ("pairs", "usage"), "SQLITE_MISUSE"),
    Local(20, ("note", None, 1), "E_ARGUMENT", ("column is NULL", "usage"), "SQLITE_MISUSE"),
    Local(20, (5, "{}"), "E_ARGUMENT", ("table is not a text", "usage"), "SQLITE_MISUSE"),
]

REMOTE = [
    Remote(15, "hello", "E_SYNTAX", ("at byte 0",), "SQLITE_ERROR"),
    Remote(15, patch()[:-1], "E_SYNTAX", ("at byte",), "SQLITE_ERROR"),
    Remote(15, "[" + patch(), "E_SYNTAX", ("at byte",), "SQLITE_ERROR"),
    Remote(15, patch() + "!", "E_SYNTAX", ("at byte",), "SQLITE_ERROR"),
    Remote(15, patch() + "\0", "E_SYNTAX", ("at byte",), "SQLITE_ERROR"),
    Remote(15, patch(delta={"id": 1, "stars": float("nan")}), "E_SYNTAX", ("NaN", "at byte"),
           "SQLITE_ERROR"),
    Remote(15, patch(delta={"id": 1, "stars": float("inf")}), "E_SYNTAX", ("at byte",),
           "SQLITE_ERROR"),
    Remote(16, patch(delta={"id": 1, "stars": 2**70}), "E_LIMIT", ("64 bits", "at byte"),
           "SQLITE_TOOBIG"),
    Remote(16, patch().replace('"from afar"', "1e400"), "E_LIMIT", ("1e400", "at byte"),
           "SQLITE_TOOBIG"),
    Remote(16, patch().replace('"from afar"', "[" * 40 + "]" * 40), "E_LIMIT", ("32", "at byte"),
           "SQLITE_TOOBIG"),
    Remote(16, b" " * BIG, "E_LIMIT", (f"{BIG} bytes", "16 MiB"), "SQLITE_TOOBIG"),
    Remote(17, patch().replace('"at"', '"seq"'), "E_MESSAGE", ("'seq'", "twice", "byte")),
    Remote(17, patch().replace('"body"', '"id"'), "E_MESSAGE", ("'id'", "twice", "byte")),
    Remote(17, patch(delta={"id": 1, "body": "a", "BODY": "b"}), "E_MESSAGE", ("'BODY'", "twice")),
    Remote(18, patch().encode().replace(b"afar", b"af\xc3\x28"), "E_UTF8", ("at byte",),
           "SQLITE_ERROR"),
    Remote(18, patch().replace("afar", "\\ud800"), "E_UTF8", ("surrogate", "byte"),
           "SQLITE_ERROR"),
    Remote(20, "17", "E_MESSAGE", ("17", "a message is")),
    Remote(20, '"hello"', "E_MESSAGE", ("'hello'", "a message is")),
    Remote(20, "null", "E_MESSAGE", ("null", "a message is")),
    Remote(20, "[[]]", "E_MESSAGE", ("array", "a message is")),
    Remote(20, "{}", "E_MESSAGE", ('"type"', "missing")),
    Remote(20, '{"type":"ten"}', "E_MESSAGE", ('"type"', "'ten'")),
    Remote(20, patch(at=...), "E_MESSAGE", ('"at"', "missing")),
    Remote(20, patch(peer=...), "E_MESSAGE", ('"peer"', "missing")),
    Remote(20, patch(seq=...), "E_MESSAGE", ('"seq"', "missing")),
    Remote(20, patch(ver=...), "E_MESSAGE", ('"ver"', "missing")),
    Remote(20, patch(tab=...), "E_MESSAGE", ('"tab"', "missing")),
    Remote(20, patch().replace("delta", "Delta"), "E_MESSAGE", ('"delta"', "missing")),
    Remote(20, patch(tab=5), "E_MESSAGE", ('"tab"', "5")),
    Remote(20, patch(tab=""), "E_MESSAGE", ('"tab"', "''")),
    Remote(20, patch().replace('{"id": 1, "body": "from afar"}', "5"), "E_MESSAGE", ('"delta"',)),
    Remote(20, patch(delta={"id": 1, "body": {"x": {"y": 1}}}), "E_MESSAGE", ("'body'", "base64")),
    Remote(20, patch(delta={"id": 1, "body": [1, 2]}), "E_MESSAGE", ("'body'", "array")),
    Remote(20, patch(nulls="body"), "E_MESSAGE", ('"nulls"', "array")),
    Remote(20, patch(grp=[1]), "E_MESSAGE", ('"grp"', "[first,last]")),
    Remote(20, patch(grp=[5, 9]), "E_MESSAGE", ("seq 1", '"grp"')),
    Remote(23, patch(seq=0), "E_MESSAGE", ('"seq"', "0", "1 to 2^53-1")),
    Remote(23, patch(seq=-1), "E_MESSAGE", ('"seq"', "-1", "1 to 2^53-1")),
    Remote(23, patch(seq=1.5), "E_MESSAGE", ('"seq"', "1.5", "whole")),
    Remote(23, patch(seq=TOP), "E_MESSAGE", ('"seq"', str(TOP), "2^53-1")),
    Remote(23, patch(seq="1"), "E_MESSAGE", ('"seq"', "'1'", "whole")),
    Remote(23, patch(seq=None), "E_MESSAGE", ('"seq"', "null")),
    Remote(23, patch(seq=True), "E_MESSAGE", ('"seq"', "true")),
    Remote(23, patch(peer=0), "E_MESSAGE", ('"peer"', "0", "1 to 2^53-1")),
    Remote(23, patch(peer=-5), "E_MESSAGE", ('"peer"', "-5")),
    Remote(23, patch(peer=TOP), "E_MESSAGE", ('"peer"', str(TOP))),
    Remote(23, patch(at=-1), "E_MESSAGE", ('"at"', "-1", "0 to 2^53-1")),
    Remote(23, patch(at=TOP), "E_MESSAGE", ('"at"', str(TOP))),
    Remote(23, patch(at=0.5), "E_MESSAGE", ('"at"', "0.5")),
    Remote(23, '{"type":30,"peer":0,"minSeq":1,"maxSeq":2,"forPeer":1}', "E_MESSAGE", ('"peer"',)),
    Remote(23, '{"type":30,"peer":7,"minSeq":0,"maxSeq":2,"forPeer":1}', "E_MESSAGE", ('"minSeq"',)),
    Remote(23, '{"type":30,"peer":7,"minSeq":1,"maxSeq":%d,"forPeer":1}' % TOP, "E_MESSAGE",
           ('"maxSeq"', str(TOP))),
    Remote(30, '{"type":30,"peer":7,"minSeq":3,"maxSeq":2,"forPeer":1}', "E_MESSAGE",
           ('"minSeq" 3', '"maxSeq" 2')),
    Remote(30, '{"type":40,"peer":7,"minSeq":3,"maxSeq":2}', "E_MESSAGE", ('"minSeq" 3',)),
    Remote(20, 5, "E_ARGUMENT", ("message", "number"), "SQLITE_MISUSE"),
]

FAR = TOP - 1  # a clock in the year 2059
PARKED = [
    # Which columns are the key is not in the message: a peer's table may have another one.
    Parked(6, patch(delta={"body": "x"}), "schema", "key column of table 'note': give"),
    Parked(6, patch(delta={"id": None, "body": "x"}), "schema", "it is: id"),
    Parked(6, patch(delta={"body": "x"}, nulls=["id"]), "schema", "it is: id"),
    Parked(6, patch(tab="pair", delta={"a": 5}), "schema", "it is: a, b"),
    Parked(6, patch(tab="bare", delta={"v": "x"}, nulls=["id"]), "schema", "it is: id"),
    Parked(9, patch(tab="unheard", delta={"id": 5}), "schema", "'unheard'"),
    Parked(9, patch(delta={"id": 5, "body": "b", "colour": "red"}), "schema", "'colour'", ("b",)),
    Parked(9, patch(tab="bare", delta={"id": 5}, nulls=["v"]), "schema", "replic_track('bare'"),
    Parked(12, patch(delta={"id": 5, "stars": 1}), "constraint", "NOT NULL"),
    Parked(12, patch(delta={"id": 5}, nulls=["body"]), "constraint", "NOT NULL"),
    Parked(14, patch(delta={"id": 5, "body": "b", "stars": 6}), "constraint", "CHECK"),
    Parked(14, patch(tab="exact", delta={"id": 5, "n": "five"}), "constraint", "INTEGER"),
    Parked(14, patch(delta={"id": "five", "body": "b"}), "constraint", "datatype mismatch"),
    Parked(14, patch(tab="child", delta={"id": 5, "parent": 77}), "constraint", "FOREIGN KEY"),
    Parked(24, patch(at=FAR, delta={"id": 5, "body": "b"}), "clock", "max_drift_ms"),
]


def fresh(path=":memory:"):
    db = connect(path)
    db.executescript(SETUP)
    return db


class Base(unittest.TestCase):
    def must_raise(self, code, named, sqlite_name, sql, *arguments, db=None):
        db = db or self.db
        before = dump(db)
        error = error_of(db, sql, *arguments)
        self.assertIsNotNone(error, "no error")
        text = str(error)
        self.assertRegex(text, r"(?s)^replic: E_[A-Z0-9_]+: .+; .+")
        self.assertEqual(code_of(error), code, text)
        for name in named:
            self.assertIn(name, text)
        if sqlite_name:
            self.assertEqual(error.sqlite_errorname, sqlite_name, text)
        self.assertEqual(dump(db), before)
        return text

    def must_work(self, db=None):
        """An ordinary write succeeds, and all is well."""
        db = db or self.db
        self.assertRegex(one(db, """SELECT replic_patch('note', 'id', 99, 'body', 'ok')"""), "99")
        self.assertEqual(rows(db, "SELECT * FROM replic_check"), [])


class InMemory(Base):
    def setUp(self):
        self.db = fresh()

    def tearDown(self):
        self.db.close()

    # The tables

    def test_local_writes(self):
        for case in LOCAL:
            with self.subTest(row=case.row, arguments=repr(case.arguments)[:90]):
                marks = ",".join("?" * len(case.arguments))
                self.must_raise(case.code, case.named, case.sqlite, f"SELECT replic_patch({marks})",
                                *case.arguments)
        self.must_work()

    def test_messages(self):
        for case in REMOTE:
            with self.subTest(row=case.row, text=repr(case.text)[:90]):
                self.must_raise(case.code, case.named, case.sqlite, "SELECT replic_apply(?)",
                                case.text)
        self.must_work()

    def test_messages_after_good_ones(self):
        good = patch(seq=8, delta={"id": 8, "body": "good"})
        for case in REMOTE:
            if not isinstance(case.text, str):
                continue
            for text in (good + "\n" + case.text, f"[{good},{case.text}]"):
                with self.subTest(row=case.row, text=text[:200]):
                    before = dump(self.db)
                    self.assertIsNotNone(code_of(error_of(self.db, "SELECT replic_apply(?)", text)))
                    self.assertEqual(dump(self.db), before)

    def test_messages_by_insert(self):
        for case in REMOTE:
            with self.subTest(row=case.row, text=repr(case.text)[:90]):
                self.must_raise(case.code, case.named, case.sqlite,
                                "INSERT INTO replic_changes(message) VALUES (?)", case.text)

    def test_parked_messages(self):
        for case in PARKED:
            with self.subTest(row=case.row, text=case.text):
                self.tearDown()
                self.setUp()
                note = rows(self.db, "SELECT * FROM note")
                clock = one(self.db, "SELECT coalesce(max(at), 0) FROM _replic_ranges")
                self.assertEqual(one(self.db, "SELECT replic_apply(?)", case.text), 1)
                pending = rows(self.db, "SELECT peer, seq, reason, detail FROM replic_pending")
                self.assertEqual([row[:3] for row in pending], [(7, 1, case.reason)])
                self.assertIn(case.detail, pending[0][3])
                shown = rows(self.db, "SELECT body FROM note WHERE id = 5")
                self.assertEqual(shown, [case.shown] if case.shown else [])
                self.assertEqual(rows(self.db, "SELECT * FROM note WHERE id <> 5"), note)
                self.assertEqual(one(self.db, "SELECT coalesce(max(at), 0) FROM _replic_ranges"), clock)
                again = one(self.db, "SELECT message FROM replic_changes WHERE peer = 7")
                self.assertEqual(one(self.db, "SELECT replic_apply(?)", again), 0, "exported whole")
                good = patch(peer=8, delta={"id": 6, "body": "next"})
                self.assertEqual(one(self.db, "SELECT replic_apply(?)", good), 1)
                self.assertEqual(rows(self.db, "SELECT body FROM note WHERE id = 6"), [("next",)])
                self.must_work()

    # Single rows of the list

    def test_5_odd_names_work(self):
        for name in ('a "quoted" one', "semi;colon", "it's", "select", "größe 🚲", "tab\tnew\nline",
                     "MiXed", "[x]", "a.b", "percent %s"):
            with self.subTest(name=name):
                other = connect()
                quoted = name.replace('"', '""')
                create = f'CREATE TABLE "{quoted}"("{quoted}" TEXT PRIMARY KEY, "key {quoted}" TEXT)'
                for db in (self.db, other):
                    db.execute(create)
                    self.assertEqual(one(db, "SELECT replic_track(?, ?)", name, MANUAL), name)
                message = one(self.db, "SELECT replic_patch(?, ?, 'k', ?, 'v')", name, name,
                              "key " + name)
                upper = "".join(c.upper() if c.isascii() else c for c in name)
                one(self.db, "SELECT replic_patch(?, ?, 'l', ?, 'w')", upper, upper, "KEY " + upper)
                self.assertEqual(one(other, "SELECT replic_apply(?)", message), 1)
                for (text,) in rows(self.db, "SELECT message FROM replic_changes WHERE tab = ?", name):
                    one(other, "SELECT replic_apply(?)", text)
                expected = [("k", "v"), ("l", "w")]
                for db in (self.db, other):
                    self.assertEqual(rows(db, f'SELECT * FROM "{quoted}" ORDER BY 1'), expected)
                    self.assertEqual(rows(db, "SELECT * FROM replic_check"), [])
                other.close()

    def test_7_a_table_without_a_key(self):
        for table, named in (("keyless", "primary key"), ("seen", "ordinary table in main"),
                             ("words", "ordinary table in main"), ("nobody", "bare, child, exact, note, one_of, pair"),
                             ("", "''"), ("scratch", "main"), ("_replic_state", "'_replic_state'")):
            with self.subTest(table=table):
                self.must_raise("E_TABLE", (named,), "SQLITE_ERROR", "SELECT replic_track(?, ?)",
                                table, MANUAL)
        self.must_work()

    def test_10_only_the_key(self):
        one(self.db, "SELECT replic_patch('pair', 'a', 1, 'b', 'x')")
        self.assertEqual(rows(self.db, "SELECT * FROM pair"), [(1, "x", None)])
        self.assertEqual(one(self.db, "SELECT replic_apply(?)",
                             patch(tab="pair", delta={"a": 2, "b": "y"})), 1)
        self.assertEqual(rows(self.db, "SELECT * FROM pair"), [(1, "x", None), (2, "y", None)])
        self.must_work()

    def test_12_a_row_in_two_parts(self):
        one(self.db, "SELECT replic_apply(?)", patch(delta={"id": 5, "stars": 3}))
        self.assertEqual(one(self.db, "SELECT count(*) FROM replic_pending"), 1)
        one(self.db, "SELECT replic_apply(?)", patch(peer=8, delta={"id": 5, "body": "rest"}))
        self.assertEqual(one(self.db, "SELECT count(*) FROM replic_pending"), 0)
        self.assertEqual(rows(self.db, "SELECT body, stars FROM note WHERE id = 5"), [("rest", 3)])
        self.must_work()

    def test_13_a_missing_nulls_column(self):
        self.must_raise("E_NULLS", ("'v'", "replic_track('bare'"), "SQLITE_ERROR",
                        "SELECT replic_patch('bare', 'id', 1, 'v', NULL)")

    def test_14_a_cause_that_goes_away(self):
        one(self.db, "SELECT replic_apply(?)", patch(delta={"id": 5, "body": "b", "stars": 6}))
        one(self.db, "SELECT replic_apply(?)", patch(seq=2, at=1001, delta={"id": 5, "stars": 4}))
        self.assertEqual(rows(self.db, "SELECT body, stars FROM note WHERE id = 5"), [("b", 4)])
        self.assertEqual(one(self.db, "SELECT count(*) FROM replic_pending"), 0)
        self.must_work()

    def test_14_a_key_that_another_row_holds(self):
        held = patch(tab="one_of", delta={"id": 5, "code": "mine"})
        later = patch(peer=8, at=2000, tab="one_of", delta={"id": 6, "code": "mine"})
        for order in ((held, later), (later, held)):
            db = fresh()
            for text in order:
                self.assertEqual(one(db, "SELECT replic_apply(?)", text), 1)
            self.assertEqual(rows(db, "SELECT * FROM one_of WHERE code = 'mine'"), [(5, "mine")])
            ((peer, reason, detail),) = rows(db, "SELECT peer, reason, detail FROM replic_pending")
            self.assertEqual((peer, reason), (8, "constraint"))
            self.assertIn("UNIQUE constraint failed: one_of.code", detail)
            one(db, "SELECT replic_patch('one_of', 'id', 5, 'code', 'another')")
            self.assertEqual(rows(db, "SELECT * FROM one_of WHERE code = 'mine'"), [(6, "mine")])
            self.assertEqual(rows(db, "SELECT * FROM replic_pending"), [])
            self.must_work(db)
            db.close()

    def test_14_a_child_waits_for_its_parent(self):
        one(self.db, "SELECT replic_apply(?)", patch(tab="child", delta={"id": 5, "parent": 9}))
        self.assertEqual(rows(self.db, "SELECT reason FROM replic_pending"), [("constraint",)])
        self.assertEqual(rows(self.db, "SELECT * FROM child"), [])
        one(self.db, "SELECT replic_apply(?)", patch(seq=2, at=2000, delta={"id": 9, "body": "b"}))
        self.assertEqual(rows(self.db, "SELECT * FROM child"), [(5, 9)])
        self.assertEqual(rows(self.db, "SELECT * FROM replic_pending"), [])
        self.must_work()

    def test_19_text_with_a_zero_character(self):
        other = fresh()
        text = "a\0b\0"
        message = one(self.db, "SELECT replic_patch('note', 'id', 5, 'body', ?)", text)
        one(other, "SELECT replic_apply(?)", message)
        for db in (self.db, other):
            self.assertEqual(rows(db, "SELECT body FROM note WHERE id = 5"), [(text,)])
            self.assertEqual(one(db, "SELECT hex(body) FROM note WHERE id = 5"), "61006200")
            self.assertEqual(rows(db, "SELECT * FROM replic_check"), [])
        other.close()

    def test_22_an_unknown_type(self):
        tables = dump(self.db)["content"]
        for text in ('{"type":99}', '{"type":11,"at":"x","seq":-1}', '{"type":0,"peer":[1]}'):
            self.assertEqual(one(self.db, "SELECT replic_apply(?)", text), 0)
        self.assertEqual(one(self.db, "SELECT json_extract(replic_status(), '$.unknownMessages')"), 3)
        after = dump(self.db)["content"]
        changed = [name for name in tables if tables[name] != after[name]]
        self.assertEqual(changed, ["_replic_state"])
        self.must_work()

    def test_23_a_ping_of_a_peer_that_has_written_nothing(self):
        ping = '{"type":20,"at":0,"peer":9,"seq":%s,"ver":1,"tab":"_","delta":{}}'
        self.assertEqual(one(self.db, "SELECT replic_apply(?)", ping % 0), 0)
        self.assertEqual(rows(self.db, "SELECT * FROM replic_missing"), [])
        self.must_raise("E_MESSAGE", ('"seq"', "-1"), "SQLITE_MISMATCH", "SELECT replic_apply(?)",
                        ping % -1)

    def test_24_the_time_comes(self):
        one(self.db, "SELECT replic_apply(?)",
            patch(at=one(self.db, "SELECT replic_now() + 8192 * 600000"),
                  delta={"id": 5, "body": "b"}))
        self.assertEqual(one(self.db, "SELECT count(*) FROM note WHERE id = 5"), 0)
        one(self.db, "SELECT replic_option('max_drift_ms', 900000)")
        self.assertEqual(one(self.db, "SELECT count(*) FROM note WHERE id = 5"), 1)
        self.assertEqual(one(self.db, "SELECT count(*) FROM replic_pending"), 0)
        self.must_work()

    def test_25_an_exact_duplicate(self):
        one(self.db, "SELECT replic_apply(?)", patch())
        before = rows(self.db, "SELECT * FROM replic_changes"), rows(self.db, "SELECT * FROM note")
        for text in (patch(), patch(ver=2), patch(delta={"body": "from afar", "id": 1.0}),
                     f"[{patch()},{patch()}]", patch(TAB="x", delta={"ID": 1, "BODY": "from afar"})):
            self.assertEqual(one(self.db, "SELECT replic_apply(?)", text), 0, text)
        after = rows(self.db, "SELECT * FROM replic_changes"), rows(self.db, "SELECT * FROM note")
        self.assertEqual(after, before)
        self.assertEqual(one(self.db, "SELECT json_extract(replic_status(), '$.duplicates')"), 6)
        self.must_work()

    def test_26_a_reused_identity(self):
        texts = [patch(delta={"id": 5, "body": word}) for word in ("one", "two", "three")]
        pictures = set()
        for order in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)):
            db = fresh()
            for i in order:
                self.assertEqual(one(db, "SELECT replic_apply(?)", texts[i]), 1)
                self.assertEqual(one(db, "SELECT replic_apply(?)", texts[order[0]]), 0, "again")
            self.assertEqual(rows(db, "SELECT peer, seq, reason FROM replic_pending"),
                             [(7, 1, "identity")])
            self.assertEqual(one(db, "SELECT count(*) FROM replic_changes WHERE peer = 7"), 3)
            self.assertEqual(one(db, "SELECT json_extract(replic_status(), '$.collisions')"), 2)
            self.assertEqual(rows(db, "SELECT * FROM replic_check"), [])
            pictures.add(repr(rows(db, "SELECT * FROM note WHERE id = 5")))
            db.close()
        self.assertEqual(len(pictures), 1, "the order does not matter")

    def test_27_my_own_patch_comes_back(self):
        (message,) = rows(self.db, "SELECT message FROM replic_changes")[0]
        before = rows(self.db, "SELECT * FROM replic_changes")
        self.assertEqual(one(self.db, "SELECT replic_apply(?)", message), 0)
        self.assertEqual(rows(self.db, "SELECT * FROM replic_changes"), before)
        self.assertEqual(one(self.db, "SELECT replic_peer()"), 1)
        self.must_work()

    def test_28_a_patch_of_mine_that_i_do_not_have(self):
        text = patch(peer=1, seq=5, delta={"id": 5, "body": "before the restore"})
        self.assertEqual(one(self.db, "SELECT replic_apply(?)", text), 1)
        self.assertNotEqual(one(self.db, "SELECT replic_peer()"), 1)
        self.assertIn("FORMER_IDENTITY", one(self.db, "SELECT replic_status()"))
        self.assertEqual(rows(self.db, "SELECT peer, min_seq, max_seq FROM replic_missing"),
                         [(1, 3, 4)])
        self.must_work()

    def test_29_a_jump_of_a_billion(self):
        far = 10**9
        one(self.db, "SELECT replic_apply(?)", patch(seq=far, delta={"id": 5, "body": "b"}))
        self.assertEqual(rows(self.db, "SELECT peer, min_seq, max_seq, count FROM replic_missing"),
                         [(7, 1, far - 1, far - 1)])
        self.assertEqual(one(self.db, "SELECT replic_vector()"),
                         '{"1":[[1,2]],"7":[[1000000000,1000000000]]}')
        self.assertEqual(one(self.db, "SELECT count(*) FROM _replic_ranges WHERE peer = 7"), 1)
        self.must_work()

    def test_30_requests_that_nothing_answers(self):
        before = dump(self.db)["content"]
        for first, last in ((1, 1), (1, 10**9), (TOP - 1, TOP - 1)):
            text = f'{{"type":30,"peer":7,"minSeq":{first},"maxSeq":{last},"forPeer":1}}'
            self.assertEqual(one(self.db, "SELECT replic_apply(?)", text), 0)
        self.assertEqual(dump(self.db)["content"], before)

    def test_40_from_a_trigger_or_view_of_the_schema(self):
        db = self.db
        db.execute("CREATE TRIGGER spy AFTER INSERT ON plain BEGIN "
                   "SELECT replic_patch('note', 'id', NEW.id, 'body', 'x'); END")
        db.execute("CREATE TRIGGER door AFTER UPDATE ON plain BEGIN "
                   "INSERT INTO replic_changes(message) VALUES (NEW.v); END")
        db.execute("CREATE VIEW fork AS SELECT replic_fork()")
        before = dump(db)
        for sql in ("INSERT INTO plain VALUES (5, 'x')", "UPDATE plain SET v = 1",
                    "SELECT * FROM fork"):
            with self.subTest(sql=sql):
                self.assertIn("unsafe use of", str(error_of(db, sql)))
                self.assertEqual(dump(db), before)
        db.execute("DROP TRIGGER spy")
        self.must_work()

    def test_45_damage_that_check_finds(self):
        for sql, code in (
                ("DELETE FROM _replic_ranges", "UNRECORDED"),
                ("UPDATE _replic_ranges SET last = last + 1", "LOST"),
                ("UPDATE _replic_ranges SET sum = sum + 1", "CONTENT"),
                ("INSERT INTO _replic_ranges VALUES (1, 2, 1, 1, 0, 0)", "RANGES"),
                ("DELETE FROM note_patches", "LOST"),
                ("UPDATE note_patches SET body = 'forged'", "ROW"),
                ("UPDATE note_patches SET body = 'forged'", "CONTENT"),
                ("UPDATE note SET body = 'forged'", "ROW"),
                ("DELETE FROM note", "ROW"),
                ("INSERT INTO note(id, body) VALUES (77, 'unseen')", "UNLOGGED"),
                ("DROP INDEX note_patches_row", None)):
            with self.subTest(sql=sql):
                self.tearDown()
                self.setUp()
                self.db.execute(sql)
                found = rows(self.db, "SELECT severity, code, detail, cure FROM replic_check")
                if code:
                    self.assertIn(code, [row[1] for row in found])
                for severity, _, detail, cure in found:
                    self.assertIn(severity, ("error", "warning"))
                    self.assertTrue(detail and cure)

    def test_46_kinds_of_tables(self):
        columns = "k1 {key}, k2 TEXT, v INTEGER, b BLOB, r REAL"
        shapes = [
            f"CREATE TABLE t({columns.format(key='INTEGER PRIMARY KEY')}) {tail}"
            for tail in ("", "STRICT", "WITHOUT ROWID", "STRICT, WITHOUT ROWID")
        ] + [
            f"CREATE TABLE t({columns.format(key=key)}, PRIMARY KEY (k1, k2)) {tail}"
            for key in ("INTEGER", "TEXT", "BLOB", "REAL", "TEXT COLLATE NOCASE")
            for tail in ("", "WITHOUT ROWID")
        ] + [
            "CREATE TABLE t(k1 INTEGER PRIMARY KEY, k2 TEXT, v INTEGER, b BLOB, r REAL, "
            "g INTEGER GENERATED ALWAYS AS (v * 2) VIRTUAL, h TEXT AS (k2 || 'x') STORED)",
        ]
        for encoding in ("UTF-8", "UTF-16le", "UTF-16be"):
            for page_size in (512, 65536):
                for shape in shapes:
                    with self.subTest(encoding=encoding, page_size=page_size, shape=shape):
                        self.converges(encoding, page_size, shape)

    def converges(self, encoding, page_size, shape):
        key = {"TEXT": "kä"}.get(shape.split("k1 ")[1].split()[0].rstrip(","), 5)
        peers = []
        for peer in (1, 2):
            db = connect()
            db.execute(f"PRAGMA encoding = '{encoding}'")
            db.execute(f"PRAGMA page_size = {page_size}")
            db.execute(shape)
            db.execute("SELECT replic_init(?)", (peer,))
            db.execute("SELECT replic_track('t', ?)", (MANUAL,))
            peers.append(db)
        values = ((key, "zwei \U0001F6B2", 2**63 - 1, b"\0\xff", 0.1),
                  (key, "zwei \U0001F6B2", -2**63, b"", 5e-324))
        for db, (k1, k2, v, b, r) in zip(peers, values):
            one(db, "SELECT replic_patch('t', 'k1', ?, 'k2', ?, 'v', ?, 'b', ?, 'r', ?)",
                k1, k2, v, b, r)
        texts = [[m for (m,) in rows(db, "SELECT message FROM replic_changes")] for db in peers]
        for db, others in zip(peers, reversed(texts)):
            for text in others:
                self.assertEqual(one(db, "SELECT replic_apply(?)", text), 1)
        shown = [rows(db, "SELECT * FROM t") for db in peers]
        self.assertEqual(shown[0], shown[1])
        self.assertEqual(len(shown[0]), 1)
        for db in peers:
            self.assertEqual(rows(db, "SELECT * FROM replic_check"), [])
            self.assertEqual(rows(db, "SELECT * FROM replic_pending"), [])
            db.close()

    def test_48_a_message_inside_a_transaction(self):
        db = self.db
        for begin, end in (("BEGIN", "COMMIT"), ("SAVEPOINT s", "RELEASE s"), ("BEGIN", "ROLLBACK")):
            db.execute(begin)
            self.assertIsNone(one(db, "SELECT replic_patch('note', 'id', 5, 'body', 'b')"))
            db.execute(end)
        self.assertEqual(one(db, "SELECT count(*) FROM replic_changes"), 4)


class OnFiles(Base):
    """What needs a file: other connections, other modes, other times."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="replic-")
        self.path = os.path.join(self.folder.name, "peer.db")
        self.db = fresh(self.path)

    def tearDown(self):
        self.db.close()
        self.folder.cleanup()

    READERS = (
        "SELECT replic_peer()", "SELECT replic_vector()", "SELECT replic_status()",
        "SELECT replic_digest()", "SELECT replic_now() > 0", "SELECT replic_version()",
        "SELECT replic_option('name')", "SELECT * FROM replic_changes", "SELECT * FROM replic_pending",
        "SELECT * FROM replic_missing", "SELECT * FROM replic_peers", "SELECT * FROM replic_tables",
        "SELECT * FROM replic_check", "SELECT * FROM replic_help", "SELECT * FROM replic_options",
        "SELECT * FROM replic_changes(replic_vector())")
    WRITERS = (
        ("SELECT replic_patch('note', 'id', 1, 'body', 'x')",), ("SELECT replic_apply(?)", patch()),
        ("SELECT replic_retry()",), ("SELECT replic_fork()",),
        ("SELECT replic_option('name', 'me')",), ("SELECT replic_untrack('note')",),
        ("SELECT replic_track('plain', ?)", MANUAL))
    DOOR = "INSERT INTO replic_changes(message) VALUES (?)"  # SQLite itself refuses, in its words

    def test_37_a_read_only_database(self):
        expected = [rows(self.db, sql) for sql in self.READERS]
        self.db.close()
        for uri in (f"file:{self.path}?mode=ro", f"file:{self.path}?immutable=1"):
            db = connect(uri, uri=True)
            for sql, *arguments in self.WRITERS:
                with self.subTest(uri=uri, sql=sql):
                    self.must_raise("E_READONLY", ("; open",), "SQLITE_READONLY", sql, *arguments,
                                    db=db)
            self.assertIn("readonly", str(error_of(db, self.DOOR, patch())))
            self.assertEqual([rows(db, sql) for sql in self.READERS], expected)
            db.close()

    def test_37_query_only(self):
        self.db.execute("PRAGMA query_only = ON")
        expected = [rows(self.db, sql) for sql in self.READERS]
        for sql, *arguments in self.WRITERS:
            with self.subTest(sql=sql):
                self.must_raise("E_READONLY", (), "SQLITE_READONLY", sql, *arguments)
        self.assertIn("readonly", str(error_of(self.db, self.DOOR, patch())))
        self.assertEqual([rows(self.db, sql) for sql in self.READERS], expected)
        self.db.execute("PRAGMA query_only = OFF")
        self.must_work()

    def test_37_a_file_that_is_not_replicated_yet(self):
        path = os.path.join(self.folder.name, "plain.db")
        plain = sqlite3.connect(path)
        plain.execute("CREATE TABLE t(x)")
        plain.close()
        db = connect(f"file:{path}?mode=ro", uri=True)
        for sql in self.READERS:
            with self.subTest(sql=sql):
                rows(db, sql)
        self.must_raise("E_READONLY", ("; open",), "SQLITE_READONLY", "SELECT replic_init()", db=db)
        db.close()

    def test_38_a_locked_database(self):
        other = connect(self.path, timeout=0)
        self.db.execute("BEGIN IMMEDIATE")
        for sql, *arguments in self.WRITERS:
            with self.subTest(sql=sql):
                before = dump(other)
                error = error_of(other, sql, *arguments)
                self.assertEqual(code_of(error), "E_SQLITE")
                self.assertRegex(str(error), "database is locked; .*busy timeout")
                self.assertEqual(error.sqlite_errorname, "SQLITE_BUSY")
                self.assertEqual(dump(other), before)
        self.assertIn("locked", str(error_of(other, self.DOOR, patch())))
        self.db.execute("COMMIT")
        self.must_work(other)
        other.close()

    def test_38_a_snapshot_that_is_old(self):
        self.db.execute("PRAGMA journal_mode = WAL")
        other = connect(self.path)
        other.execute("BEGIN")
        rows(other, "SELECT * FROM note")
        one(self.db, "SELECT replic_patch('note', 'id', 2, 'body', 'newer')")
        error = error_of(other, "SELECT replic_patch('note', 'id', 3, 'body', 'stale')")
        self.assertEqual(error.sqlite_errorname, "SQLITE_BUSY_SNAPSHOT")
        self.assertRegex(str(error), "^replic: E_SQLITE: .*; .*BEGIN IMMEDIATE")
        other.execute("ROLLBACK")
        other.execute("BEGIN IMMEDIATE")
        one(other, "SELECT replic_patch('note', 'id', 3, 'body', 'fresh')")
        other.execute("COMMIT")
        self.must_work(other)
        other.close()

    def test_41_altered_by_others_meanwhile(self):
        other = sqlite3.connect(self.path, isolation_level=None)  # without the extension
        write = "SELECT replic_patch('note', ?)"
        one(self.db, write, '{"id":2,"body":"b"}')
        other.execute("ALTER TABLE note ADD COLUMN colour TEXT")
        self.must_raise("E_COLUMN", ("'colour'", "ADD COLUMN"), "SQLITE_ERROR", write,
                        '{"id":2,"colour":"red"}')
        other.execute("ALTER TABLE note_patches ADD COLUMN colour TEXT")
        one(self.db, write, '{"id":2,"colour":"red"}')
        other.execute("ALTER TABLE note RENAME COLUMN colour TO color")
        other.execute("ALTER TABLE note_patches RENAME COLUMN colour TO color")
        one(self.db, write, '{"id":2,"color":"blue"}')
        self.must_raise("E_COLUMN", ("'colour'", "color"), "SQLITE_ERROR", write,
                        '{"id":2,"colour":"red"}')
        other.execute("DROP INDEX note_patches_row")
        one(self.db, write, '{"id":2,"color":"green"}')
        self.assertEqual(rows(self.db, "SELECT body, color FROM note WHERE id = 2"), [("b", "green")])
        other.execute("DROP TABLE note_patches")
        self.must_raise("E_TABLE", ("'note'", "replic_track('note'"), "SQLITE_ERROR", write,
                        '{"id":2,"body":"x"}')
        other.execute("DROP TABLE note")
        self.must_raise("E_TABLE", ("'note'", "bare, child, exact, one_of, pair"), "SQLITE_ERROR", write,
                        '{"id":2,"body":"x"}')
        other.close()

    def test_45_internal_tables_damaged_by_hand(self):
        tables = [name for (name,) in rows(
            self.db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB '_replic_*'")]
        self.assertGreater(len(tables), 5)
        backup = "restore the file from a backup"
        for sql, named, cure in (
                ("DELETE FROM _replic_state", "_replic_state has no row", backup),
                *((f"DROP TABLE {name}", f"{name} is missing", backup) for name in tables),
                ("ALTER TABLE _replic_peers RENAME TO peers", "_replic_peers is missing", backup),
                ("ALTER TABLE _replic_state DROP COLUMN due_at", "_replic_state was altered", backup),
                ("ALTER TABLE _replic_ranges ADD COLUMN x ANY", "_replic_ranges was altered", backup),
                ("UPDATE _replic_state SET format = 2", "a newer version of replic", "update replic")):
            with self.subTest(sql=sql):
                path = os.path.join(self.folder.name, "damaged.db")
                fresh(path).close()
                other = sqlite3.connect(path, isolation_level=None)
                other.execute(sql)
                other.close()
                db = connect(path)
                for call, *arguments in (
                        ("SELECT replic_apply(?)", patch(seq=2)), ("SELECT replic_init()",),
                        ("SELECT replic_patch('note', 'id', 1, 'body', 'x')",),
                        ("SELECT replic_vector()",), ("SELECT * FROM replic_changes",)):
                    self.must_raise("E_STATE", (named, cure), "SQLITE_ERROR", call, *arguments, db=db)
                found = rows(db, "SELECT severity, code, detail FROM replic_check")
                self.assertEqual([row[:2] for row in found], [("error", "STATE")])
                self.assertIn(named, found[0][2])
                db.close()
                os.remove(path)

    def test_44_a_copied_file(self):
        one(self.db, "SELECT replic_patch('note', 'id', 2, 'body', 'before the copy')")
        copy = connect(os.path.join(self.folder.name, "copy.db"))
        self.db.backup(copy)
        one(self.db, "SELECT replic_patch('note', 'id', 3, 'body', 'in the original')")
        one(copy, "SELECT replic_patch('note', 'id', 3, 'body', 'in the copy')")
        one(copy, "SELECT replic_patch('note', 'id', 4, 'body', 'in the copy too')")
        for source, target in ((self.db, copy), (copy, self.db), (self.db, copy), (copy, self.db)):
            for (text,) in rows(source, "SELECT message FROM replic_changes"):
                one(target, "SELECT replic_apply(?)", text)
        peers = set()
        for db in (self.db, copy):
            status = one(db, "SELECT replic_status()")
            self.assertIn("PARKED_identity", status)
            self.assertIn("FORMER_IDENTITY", status)
            peers.add(one(db, "SELECT replic_peer()"))
            self.assertEqual(rows(db, "SELECT * FROM replic_check"), [])
        self.assertEqual(len(peers | {1}), 3, "two new identities")
        self.assertEqual(rows(self.db, "SELECT * FROM note"), rows(copy, "SELECT * FROM note"))
        self.assertEqual(one(self.db, "SELECT count(*) FROM note"), 4)
        self.assertEqual(one(self.db, "SELECT replic_vector()"), one(copy, "SELECT replic_vector()"))
        self.must_work()
        self.must_work(copy)
        copy.close()


@unittest.skipUnless(faketime_library(), "libfaketime is not there, or not under a sanitizer")
class OtherTimes(unittest.TestCase):
    NOON = "2026-03-01 12:00:00"
    WRITE = "SELECT replic_patch('note', 'id', {}, 'body', 'b')"

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="replic-")
        self.path = os.path.join(self.folder.name, "peer.db")
        at_time(self.NOON, self.path, [
            "CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT)", "SELECT replic_init(1)",
            f"SELECT replic_track('note', '{MANUAL}')", self.WRITE.format(1), self.WRITE.format(2)])

    def tearDown(self):
        self.folder.cleanup()

    def stamps(self):
        db = connect(self.path)
        found = rows(db, "SELECT at, peer, seq FROM replic_changes WHERE tab = 'note' ORDER BY seq")
        self.assertEqual(rows(db, "SELECT * FROM replic_check"), [])
        db.close()
        return found

    def test_35_a_clock_outside_the_years_2025_to_2059(self):
        before = self.stamps()
        for when in ("2024-12-31 23:59:00", "1970-01-02 00:00:00", "2059-11-05 00:00:00"):
            with self.subTest(when=when):
                for answer in at_time(when, self.path, [self.WRITE.format(1), self.WRITE.format(3)]):
                    self.assertRegex(answer, "^replic: E_CLOCK_RANGE: .*2025 to 2059; set the clock")
                self.assertEqual(self.stamps(), before)
        for answer in at_time("2059-11-03 00:00:00", self.path, [self.WRITE.format(3)]):
            self.assertIn('"seq":3', answer[0][0])

    def test_36_a_clock_set_back_by_less_than_the_drift(self):
        for when in ("2026-03-01 11:59:30", "2026-03-01 11:56:00"):
            at_time(when, self.path, [self.WRITE.format(1), self.WRITE.format(2)])
        stamps = self.stamps()
        self.assertEqual(len(stamps), 6)
        self.assertEqual(stamps, sorted(stamps), "stamps go on rising")

    def test_36_a_clock_set_back_by_a_day(self):
        before = self.stamps()
        answers = at_time("2026-02-28 12:00:00", self.path,
                          [self.WRITE.format(1), "SELECT count(*) FROM replic_changes"])
        self.assertRegex(answers[0], "^replic: E_CLOCK_AHEAD: .* ms ahead .*; .*replic_fork")
        self.assertEqual(answers[1], [[2]])
        self.assertEqual(self.stamps(), before)
        at_time("2026-03-02 12:00:00", self.path, [self.WRITE.format(1)])
        self.assertEqual(self.stamps(), sorted(self.stamps()))
        self.assertEqual(len(self.stamps()), 3)

    def test_49_a_clock_that_was_a_year_ahead(self):
        right = "2025-03-01 12:00:00"
        answers = at_time(right, self.path, [
            self.WRITE.format(1), "SELECT replic_status()", "SELECT replic_fork(2)",
            self.WRITE.format(3), "SELECT peer, tab, delta FROM replic_changes", "SELECT * FROM note",
            "SELECT * FROM replic_check", "SELECT * FROM replic_pending",
            "SELECT max(replic_at_to_ms(at)) / 1000 FROM replic_changes",
            "SELECT count(DISTINCT seq), max(seq) FROM replic_changes WHERE peer = 2"])
        self.assertRegex(answers[0], "^replic: E_CLOCK_AHEAD: .*; .*replic_fork")
        self.assertIn("CLOCK_AHEAD", answers[1][0][0])
        self.assertEqual(answers[2], [[2]])
        self.assertIn('"peer":2', answers[3][0][0])
        self.assertEqual([row[:2] for row in answers[4]],
                         [[1, "_"], [1, "_"], [2, "note"], [2, "note"], [2, "note"]])
        self.assertEqual(answers[5], [[1, "b"], [2, "b"], [3, "b"]])
        self.assertEqual(answers[6:8], [[], []])
        self.assertAlmostEqual(answers[8][0][0], 1740830400, delta=60)
        self.assertEqual(answers[9], [[3, 3]])


if __name__ == "__main__":
    unittest.main()

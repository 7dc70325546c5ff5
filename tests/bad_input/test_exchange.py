"""Bad input for bundles, requests, and the functions of the exchange; failures of the machine.

The numbers are those of the list of bad input in the design, as in test_bad_input.py, which has the
rest of its rows.
"""

import json
import multiprocessing
import os
import sqlite3
import tempfile
import unittest
from typing import NamedTuple

from database import MANUAL, connect, dump, error_of, one, patch, rows
from test_bad_input import TOP, Base, fresh
from xxh64 import xxh64

MAGIC = b"\x8crpb"


def varint(number):
    out = b""
    while number >= 128:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def sealed(body):
    """A bundle of these bytes, with a checksum that is right."""
    return body + xxh64(body).to_bytes(8, "little")


# Version 1, a plain one of peer 7 without a name and without a vector.
HEAD = MAGIC + b"\x01\x00\x07\x01\x00\x00\x00"
END = b"\x00\x00"
NAMES = b"\x01\x02id" b"\x01\x04body" b"\x01\x04note"
SHAPE = b"\x02\x02\x02\x01\x0b"  # note: id an integer, body a text
NEXT = b"\x03\x07\x01\x01\x05"   # peer 7, ver 1, seq 1, at 5
ROW = b"\x10\x00\x0a\x01x"       # id 5, body x
GOOD = HEAD + NAMES + SHAPE + NEXT + ROW + END

BUNDLES = {
    "nothing but the magic": (MAGIC, "cut off"),
    "a version of the future": (sealed(MAGIC + b"\x02" + GOOD[5:]), "version"),
    "a wrong checksum": (sealed(GOOD)[:-1] + b"\x00", "checksum"),
    "a bit in the middle": (sealed(GOOD).replace(b"\x01x", b"\x01y"), "checksum"),
    "cut off": (sealed(GOOD)[:-20], "cut off"),
    "bytes after the end": (sealed(GOOD + b"\x00"), "end"),
    "no end": (sealed(GOOD[:-2]), "byte"),
    "a kind of the future": (sealed(GOOD.replace(b"\x01\x00\x07", b"\x01\x09\x07", 1)), "byte 5"),
    "a record of the future": (sealed(HEAD + b"\x09" + END), "byte"),
    "an overlong varint": (sealed(HEAD + b"\x01\x82\x00id" + END), "byte"),
    "a varint beyond 64 bits": (sealed(HEAD + b"\x01" + b"\xff" * 10 + b"\x01" + END), "byte"),
    "a length past the end": (sealed(HEAD + b"\x01\x7fid" + END), "byte"),
    "a length of 2^32": (sealed(HEAD + b"\x01" + varint(2**32) + b"id" + END), "byte"),
    "2^32 columns": (sealed(HEAD + NAMES + b"\x02\x02" + varint(2**32) + END), "byte"),
    "2^32 peers": (sealed(HEAD[:-1] + varint(2**32) + END), "byte"),
    "2^62 ranges": (sealed(HEAD[:-1] + b"\x01\x07" + varint(2**62) + END), "byte"),
    "a name that is not there": (sealed(HEAD + b"\x02\x00\x01\x01" + END), "byte"),
    "a shape that is not there": (sealed(HEAD + NEXT + ROW + END), "byte"),
    "a type that is not there": (sealed(HEAD + NAMES + b"\x02\x02\x01\x07" + END), "byte"),
    "a column twice": (sealed(HEAD + NAMES + b"\x02\x02\x02\x01\x01" + END), "byte"),
    "a patch before its stamp": (sealed(HEAD + NAMES + SHAPE + ROW + END), "byte"),
    "seq 0": (sealed(HEAD + NAMES + SHAPE + b"\x03\x07\x01\x00\x05" + ROW + END), "byte"),
    "peer 0": (sealed(HEAD + NAMES + SHAPE + b"\x03\x00\x01\x01\x05" + ROW + END), "byte"),
    "a seq of 2^53": (sealed(HEAD + b"\x03\x07\x01" + varint(TOP) + b"\x05\x05\x00" + END), "byte"),
    "a clock of 2^53": (sealed(HEAD + b"\x03\x07\x01\x01" + varint(TOP) + b"\x05\x00" + END),
                        "byte"),
    "a step past 2^53": (sealed(HEAD + NEXT + b"\x05" + varint(2**63 + 1) + END), "byte"),
    "a range past 2^53": (sealed(HEAD + b"\x06\x07\x01" + varint(TOP) + END), "byte"),
    "text that is not UTF-8": (sealed(GOOD.replace(b"\x01x", b"\x01\xff")), "byte"),
    "a flag of 2": (sealed(GOOD[:-1] + b"\x02"), "byte"),
}

REQUEST = '{"type":30,"peer":%d,"minSeq":%d,"maxSeq":%d,"forPeer":5}'


class Refused(NamedTuple):
    """A call of the exchange that is refused."""
    sql: str
    code: str
    named: tuple
    sqlite: str = "SQLITE_MISUSE"
    arguments: tuple = ()


CALLS = [
    Refused("SELECT replic_bundle('{')", "E_SYNTAX", ("vector", "byte 1"), "SQLITE_ERROR"),
    Refused("SELECT replic_bundle('[]')", "E_MESSAGE", ("byte 0", "replic_vector()"),
            "SQLITE_MISMATCH"),
    Refused("""SELECT replic_bundle('{"1":[[2,1]]}')""", "E_MESSAGE", ("byte 10",),
            "SQLITE_MISMATCH"),
    Refused("""SELECT replic_bundle('{"0":[[1,1]]}')""", "E_MESSAGE", ("byte",), "SQLITE_MISMATCH"),
    Refused("""SELECT replic_bundle('{"1":[[1,9007199254740992]]}')""", "E_MESSAGE", ("byte 25",),
            "SQLITE_MISMATCH"),
    Refused("SELECT replic_bundle(5)", "E_ARGUMENT", ("vector", "number")),
    Refused("SELECT replic_bundle(NULL, 0)", "E_ARGUMENT", ("max_bytes 0", "usage")),
    Refused("SELECT replic_bundle(NULL, 'x')", "E_ARGUMENT", ("max_bytes", "usage")),
    Refused("SELECT * FROM replic_changes('x')", "E_SYNTAX", ("vector", "byte 0"), "SQLITE_ERROR"),
    Refused("SELECT * FROM replic_changes(5)", "E_ARGUMENT", ("since", "replic_vector()")),
    Refused("SELECT replic_sync('hello')", "E_BUNDLE", ("byte 0",), "SQLITE_ERROR"),
    Refused("SELECT replic_sync(x'00')", "E_BUNDLE", ("byte 0",), "SQLITE_ERROR"),
    Refused("SELECT replic_sync(5)", "E_ARGUMENT", ("number",)),
    Refused("SELECT replic_sync(?, -1)", "E_ARGUMENT", ("max_bytes -1", "usage"),
            arguments=(sealed(GOOD),)),
    Refused("SELECT * FROM replic_answer('x')", "E_SYNTAX", ("byte 0",), "SQLITE_ERROR"),
    Refused("SELECT * FROM replic_answer(5)", "E_ARGUMENT", ("number", "usage")),
    Refused("SELECT * FROM replic_answer(?)", "E_MESSAGE", ('"minSeq" 3', '"maxSeq" 2'),
            "SQLITE_MISMATCH", (REQUEST % (7, 3, 2),)),
    Refused("SELECT replic_pull(NULL)", "E_ARGUMENT", ("path is NULL", "usage")),
    Refused("SELECT replic_pull('/nowhere/x.db')", "E_ARGUMENT", ("'/nowhere/x.db'", "pass the path"),
            "SQLITE_CANTOPEN"),
    Refused("SELECT replic_pull(':memory:')", "E_ARGUMENT", ("no identity", "replic_init()")),
    Refused("SELECT replic_fork(1)", "E_IDENTITY", ("1", "replic_fork()"), "SQLITE_ERROR"),
    Refused("SELECT replic_fork(0)", "E_ARGUMENT", ("peer 0", "usage")),
    Refused("SELECT replic_init(2)", "E_IDENTITY", ("peer 1", "replic_fork(2)"), "SQLITE_ERROR"),
    Refused("SELECT replic_init(9007199254740992)", "E_ARGUMENT", ("9007199254740992", "2^53-1")),
    Refused("SELECT replic_option('colour')", "E_OPTION", ("'colour'", "max_drift_ms"),
            "SQLITE_ERROR"),
    Refused("SELECT replic_option('max_drift_ms', -1)", "E_OPTION", ("'max_drift_ms'", "from 0"),
            "SQLITE_ERROR"),
    Refused("SELECT replic_digest('nobody')", "E_TABLE", ("'nobody'", "note"), "SQLITE_ERROR"),
    Refused("SELECT * FROM replic_check('nobody')", "E_TABLE", ("'nobody'", "note"), "SQLITE_ERROR"),
]


class InMemory(Base):
    def setUp(self):
        self.db = fresh()

    def tearDown(self):
        self.db.close()

    def test_calls(self):
        for case in CALLS:
            with self.subTest(sql=case.sql):
                self.must_raise(case.code, case.named, case.sqlite, case.sql, *case.arguments)
        self.must_work()

    def test_21_damaged_bundles(self):
        for name, (blob, named) in BUNDLES.items():
            for sql in ("SELECT replic_apply(?)", "SELECT replic_sync(?)",
                        "INSERT INTO replic_changes(message) VALUES (?)"):
                with self.subTest(name=name, sql=sql):
                    self.must_raise("E_BUNDLE", (named, "wrong at byte"), "SQLITE_ERROR", sql, blob)
        self.must_work()

    def test_21_a_bundle_cut_off_anywhere(self):
        whole = sealed(GOOD)
        for size in range(len(MAGIC), len(whole)):
            self.must_raise("E_BUNDLE", ("cut off",), "SQLITE_ERROR", "SELECT replic_apply(?)",
                            whole[:size])
        self.assertEqual(one(self.db, "SELECT replic_apply(?)", whole), 1)
        self.assertEqual(rows(self.db, "SELECT body FROM note WHERE id = 5"), [("x",)])
        self.must_work()

    def test_21_any_bit_of_a_bundle(self):
        """Found by the checksum; what the first bytes say is told first."""
        whole = sealed(GOOD)
        before = dump(self.db)
        for bit in range(8 * len(whole)):
            damaged = bytearray(whole)
            damaged[bit // 8] ^= 1 << bit % 8
            error = error_of(self.db, "SELECT replic_apply(?)", bytes(damaged))
            # Without its magic it is a message in JSON.
            self.assertRegex(str(error), "^replic: E_(BUNDLE|SYNTAX|UTF8): .*; ", f"bit {bit}")
        self.assertEqual(dump(self.db), before)

    def test_21_sizes_are_not_believed(self):
        """What a bundle says of its own sizes makes nothing be allocated."""
        db = self.db
        db.execute(f"PRAGMA hard_heap_limit = {64 << 20}")
        try:
            for name in ("a length of 2^32", "2^32 columns", "2^32 peers", "2^62 ranges"):
                self.must_raise("E_BUNDLE", (), "SQLITE_ERROR", "SELECT replic_apply(?)",
                                BUNDLES[name][0])
        finally:
            db.execute("PRAGMA hard_heap_limit = 0")

    def test_9_6_a_patch_of_a_bundle_that_cannot_be_shown(self):
        """The others of the bundle are not held up."""
        other = connect()
        other.executescript("CREATE TABLE note(id TEXT, body TEXT PRIMARY KEY, colour TEXT);"
                            "CREATE TABLE unheard(id INTEGER PRIMARY KEY);"
                            f"SELECT replic_init(7), replic_track('note', '{MANUAL}'),"
                            f"       replic_track('unheard', '{MANUAL}');")
        for sql in ("SELECT replic_patch('note', 'body', 'no id')",
                    "SELECT replic_patch('note', 'body', 'whole', 'id', 5)",
                    "SELECT replic_patch('note', 'body', 'odd', 'id', 6, 'colour', 'red')",
                    "SELECT replic_patch('unheard', 'id', 1)"):
            one(other, sql)
        self.assertEqual(one(self.db, "SELECT replic_apply(?)",
                             one(other, "SELECT replic_bundle()")), 4)
        self.assertEqual(rows(self.db, "SELECT id, body FROM note WHERE id > 1"),
                         [(5, "whole"), (6, "odd")])
        self.assertEqual(rows(self.db, "SELECT seq, reason FROM replic_pending ORDER BY seq"),
                         [(1, "schema"), (3, "schema"), (4, "schema")])
        self.must_work()

    def test_29_a_jump_of_a_billion_is_asked_for_in_pages(self):
        other = fresh()
        one(other, "SELECT replic_fork(2)")
        far = 10**9
        one(self.db, "SELECT replic_apply(?)", patch(seq=far, delta={"id": 5, "body": "b"}))
        ping = one(self.db, "SELECT replic_ping()")
        one(other, "SELECT replic_apply(?)", ping)
        asked = [json.loads(m) for (m,) in rows(other, "SELECT message FROM replic_answer(?)", ping)]
        page = one(other, "SELECT replic_option('answer_page')")
        self.assertEqual([(m["type"], m["minSeq"], m["maxSeq"]) for m in asked if m["peer"] == 7],
                         [(30, 1, page)])
        # The patch that is there comes; what is not there costs nothing, and is not a row each.
        answer = rows(self.db, "SELECT message FROM replic_answer(?)", REQUEST % (7, 1, far))
        self.assertEqual([json.loads(m)["seq"] for (m,) in answer], [far])
        other.close()

    def test_30_requests(self):
        for first, last in ((2, 2), (1, 10**9), (TOP - 1, TOP - 1)):
            self.assertEqual(rows(self.db, "SELECT * FROM replic_answer(?)",
                                  REQUEST % (8, first, last)), [], "nobody has it")
        page = one(self.db, "SELECT replic_option('answer_page', 10)")
        with_many = ", ".join(patch(seq=s, delta={"id": s + 10, "body": "b"}) for s in range(1, 36))
        one(self.db, "SELECT replic_apply(?)", f"[{with_many}]")
        got, first = [], 1
        while True:
            answer = [json.loads(m) for (m,) in rows(
                self.db, "SELECT message FROM replic_answer(?)", REQUEST % (7, first, 10**9))]
            if not answer:
                break
            patches = [m["seq"] for m in answer if m["type"] == 10]
            self.assertLessEqual(len(patches), page)
            # A full page ends with a ping, which makes the asker ask for the next.
            self.assertEqual([m["type"] for m in answer if m["type"] != 10],
                             [20] * (len(patches) == page))
            got += patches
            first = got[-1] + 1
        self.assertEqual(got, list(range(1, 36)))

    def test_31_seqs_that_exist_no_more(self):
        """Type 40 counts inside known gaps only, and a patch that comes later replaces it."""
        db = self.db
        one(db, "SELECT replic_apply(?)", patch(seq=5, delta={"id": 5, "body": "b"}))
        gone = '{"type":40,"peer":7,"minSeq":%d,"maxSeq":%d}'
        self.assertEqual(one(db, "SELECT replic_apply(?)", gone % (1, 3) + gone % (4, 10**9)), 0)
        self.assertEqual(rows(db, "SELECT * FROM replic_missing"), [])
        self.assertEqual(one(db, "SELECT replic_vector()"), '{"1":[[1,2]],"7":[[1,5]]}')
        self.assertEqual(one(db, "SELECT replic_apply(?)",
                             patch(seq=2, delta={"id": 6, "body": "after all"})), 1)
        self.assertEqual(rows(db, "SELECT body FROM note WHERE id = 6"), [("after all",)])
        # Asked for, they are said to exist no more.
        answer = [json.loads(m) for (m,) in rows(db, "SELECT message FROM replic_answer(?)",
                                                 REQUEST % (7, 1, 5))]
        self.assertEqual({m["seq"] for m in answer if m["type"] == 10}, {2, 5})
        self.assertEqual({seq for m in answer if m["type"] == 40
                          for seq in range(m["minSeq"], m["maxSeq"] + 1)}, {1, 3, 4})
        self.must_work()

    def test_39_interrupted(self):
        db = self.db
        big = "[%s]" % ",".join(patch(seq=s, delta={"id": s + 10, "body": "b"})
                                for s in range(1, 200))
        calls = (("SELECT replic_apply(?)", big), ("SELECT replic_retry()",),
                 ("SELECT replic_patch('note', ?)", '{"id":1,"body":"x"}'))
        for steps in (3, 40, 200, 1000):
            for sql, *arguments in calls:
                before = dump(db)
                db.set_progress_handler(lambda: 1, steps)
                error = error_of(db, sql, *arguments)
                db.set_progress_handler(None, 0)
                if error is None:  # it was done before
                    self.assertGreater(steps, 40)
                    continue
                self.assertEqual(error.sqlite_errorname, "SQLITE_INTERRUPT", sql)
                self.assertEqual(dump(db), before)
                self.assertFalse(db.in_transaction)
        self.must_work()


class OnFiles(Base):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="replic-")
        self.path = os.path.join(self.folder.name, "peer.db")
        self.db = fresh(self.path)

    def tearDown(self):
        self.db.close()
        self.folder.cleanup()

    def test_pull_from_what_is_no_peer(self):
        broken = os.path.join(self.folder.name, "broken.db")
        with open(broken, "wb") as file:
            file.write(b"x" * 4096)
        plain = os.path.join(self.folder.name, "plain.db")
        sqlite3.connect(plain).execute("CREATE TABLE t(x)").connection.close()
        link = os.path.join(self.folder.name, "link.db")
        os.symlink(self.path, link)
        for path, code, sqlite_name, *named in (
                (broken, "E_SQLITE", "SQLITE_NOTADB", "pass the path of one"),
                (plain, "E_ARGUMENT", "SQLITE_MISUSE", "replic_init()"),
                (self.folder.name, "E_ARGUMENT", None, "pass the path"),
                (self.path, "E_ARGUMENT", "SQLITE_MISUSE", "this database itself"),
                (link, "E_ARGUMENT", "SQLITE_MISUSE", "this database itself")):
            with self.subTest(path=path):
                self.must_raise(code, (repr(path), *named), sqlite_name, "SELECT replic_pull(?)",
                                path)
        self.must_work()

    def test_39_a_full_database(self):
        text = json.dumps({"id": 2, "body": "x" * 100_000})
        message = patch(delta={"id": 2, "body": "x" * 100_000})
        for mode in ("DELETE", "WAL"):
            self.db.execute(f"PRAGMA journal_mode = {mode}")
            pages = one(self.db, "PRAGMA page_count")
            self.db.execute(f"PRAGMA max_page_count = {pages + 1}")
            for begin, end in ((None, None), ("BEGIN", "COMMIT")):
                for sql, argument in (("SELECT replic_patch('note', ?)", text),
                                      ("SELECT replic_apply(?)", message)):
                    with self.subTest(mode=mode, begin=begin, sql=sql):
                        if begin:
                            self.db.execute(begin)
                        self.must_raise("E_SQLITE", ("full; ", "disk space"), "SQLITE_FULL", sql,
                                        argument)
                        if self.db.in_transaction:
                            self.db.execute(end)
            self.db.execute("PRAGMA max_page_count = 1000000")
            self.must_work()

    def test_43_two_processes_write_one_file(self):
        for mode in ("WAL", "DELETE"):
            with self.subTest(mode=mode):
                self.db.execute(f"PRAGMA journal_mode = {mode}")
                first = 1 + one(self.db, "SELECT max(seq) FROM replic_changes WHERE peer = 1")
                with multiprocessing.get_context("spawn").Pool(2) as pool:
                    found = pool.starmap(write_many, [(self.path, n, 100) for n in (1, 2)])
                seqs = sorted(found[0] + found[1])
                self.assertEqual(seqs, list(range(first, first + 200)))
                self.assertEqual(one(self.db, "SELECT max(seq) FROM replic_changes"), seqs[-1])
                self.assertEqual(one(self.db, "SELECT count(*) FROM replic_missing"), 0)
                self.must_work()


def write_many(path, number, count):
    """The seqs of `count` patches, every other with a message of another peer before it."""
    db = connect(path, timeout=60)
    seqs = []
    for i in range(1, count + 1):
        if i % 2 == 0:
            one(db, "SELECT replic_apply(?)",
                patch(peer=10 + number, seq=i // 2, delta={"id": 50 + i, "body": "b"}))
        text = one(db, "SELECT replic_patch('note', 'id', ?, 'body', ?)", 100 + i % 7, f"of {number}")
        seqs.append(json.loads(text)["seq"])
    db.close()
    return seqs


if __name__ == "__main__":
    unittest.main()

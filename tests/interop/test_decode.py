"""Bundles, read by a decoder that was written from docs/wire.md: the golden ones, damaged ones, and
those that the extension makes, against what it says in text.
"""

import json
import pathlib
import sqlite3
import unittest

from database import connect, one, rows
from decode_bundle import decode
from wire import content_of, value_from_json

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "wire" / "golden"


def golden_bytes(path):
    lines = path.read_text(encoding="utf-8").split("\n")
    return bytes.fromhex("".join(line.split("#")[0] for line in lines))


def texts(messages):
    """Exactly what the messages say: integers and reals apart, and keys in their order."""
    return [json.dumps(message) for message in messages]


def messages_of(db):
    return [json.loads(text) for text, in rows(
        db, "SELECT message FROM replic_changes ORDER BY peer, seq")]


def value_of(cell):
    is_infinite = isinstance(cell, dict) and "real" in cell
    return float(cell["real"]) if is_infinite else value_from_json(cell)


def sum_of(messages, peer, last):
    """The sum of the contents of the patches 1 to `last` of a peer."""
    total = 0
    for message in messages:
        if message["type"] != 10 or message["peer"] != peer or message["seq"] > last:
            continue
        values = {name: value_of(cell) for name, cell in message["delta"].items()}
        values.update((name, None) for name in message.get("nulls", ()))
        total += content_of(peer, message["seq"], message["at"], message["tab"], values)
    return f"{total % 2**64:016x}"


class Golden(unittest.TestCase):
    def test_bundles_say_what_their_texts_say(self):
        paths = sorted(GOLDEN.glob("*.bundle"))
        self.assertGreater(len(paths), 7)
        for path in paths:
            with self.subTest(path.name):
                header, messages = decode(golden_bytes(path))
                self.assertEqual(header, json.loads(
                    path.with_suffix(".header.json").read_text(encoding="utf-8")))
                lines = path.with_suffix(".json").read_text(encoding="utf-8").split("\n")
                self.assertEqual(texts(messages), texts(json.loads(x) for x in lines if x))

    def test_damage_is_noticed(self):
        good = golden_bytes(GOLDEN / "groups.bundle")
        for i in range(len(good)):
            with self.assertRaises(ValueError, msg=f"byte {i}"):
                decode(good[:i] + bytes([good[i] ^ 1]) + good[i + 1:])
            with self.assertRaises(ValueError, msg=f"{i} bytes"):
                decode(good[:i])


class Extension(unittest.TestCase):
    def setUp(self):
        self.db = connect()
        self.addCleanup(self.db.close)

    def assert_bundle_equals_text(self):
        header, messages = decode(one(self.db, "SELECT replic_bundle()"))
        patches = sorted((m for m in messages if m["type"] == 10),
                         key=lambda m: (m["peer"], m["seq"]))
        self.assertEqual(texts(patches), texts(messages_of(self.db)))
        self.assertEqual(header["vector"], json.loads(one(self.db, "SELECT replic_vector()")))
        self.assertEqual(header["sender"], one(self.db, "SELECT replic_peer()"))
        self.assertEqual(header["kind"], 0)
        self.assertFalse(header["more"])
        return header, messages

    def test_values_of_every_type(self):
        self.db.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, a, b, c, d)")
        self.db.execute("""SELECT replic_track('t', '{"mode":"manual"}')""")
        for values in ((1, 2**63 - 1, -2**63, 0, None), (2, 0.1, -1e300, 5e-324, float("-inf")),
                       (3, "", "x\0y", "ü€😀", '"\\\n'), (4, b"", b"\0\xff", "1", 1.0),
                       (1, -2**63, 2**63 - 1, None, None)):
            self.db.execute("SELECT replic_patch('t', 'id', ?, 'a', ?, 'b', ?, 'c', ?, 'd', ?)",
                            values)
        self.db.execute("SELECT replic_patch('t', 'id', 3, 'deletedAt', 1767225600000)")
        header, messages = self.assert_bundle_equals_text()
        me = header["sender"]
        last = header["vector"][str(me)][0][1]
        self.assertEqual(header["sums"][str(me)], sum_of(messages, me, last))

    def test_groups_and_many_shapes(self):
        columns = [f"c{i}" for i in range(12)]
        self.db.execute(f"CREATE TABLE t(id INTEGER PRIMARY KEY, {', '.join(columns)})")
        self.db.execute("""SELECT replic_track('t', '{"mode":"manual"}')""")
        self.db.execute("BEGIN")
        for i in range(2500):  # more shapes than are in use at a time
            delta = {c: i for k, c in enumerate(columns) if i * 7 % 4096 >> k & 1}
            self.db.execute("SELECT replic_patch('t', ?)", (json.dumps({"id": i, **delta}),))
        self.db.execute("COMMIT")
        self.db.execute("""SELECT replic_patch('t', '{"id":1,"c0":2}')""")
        _, messages = self.assert_bundle_equals_text()
        self.assertEqual(len(messages), 2501)
        self.assertEqual([m.get("grp") for m in messages],
                         [m.get("grp") for m in messages_of(self.db)])

    def test_other_peers_voids_parked_and_gone(self):
        self.db.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT NOT NULL)")
        self.db.execute("""SELECT replic_track('t', '{"mode":"manual"}')""")
        self.db.execute("SELECT replic_patch('t', 'id', 1, 'v', 'ours')")
        for message in (
                {"type": 10, "at": 9, "peer": 7, "seq": 1, "ver": 3, "tab": "t",
                 "delta": {"id": 2, "v": "theirs", "unknown": 1.5}, "nulls": ["other"],
                 "grp": [1, 2]},
                {"type": 10, "at": 9, "peer": 7, "seq": 2, "ver": 3, "tab": "_", "delta": {},
                 "grp": [1, 2]},
                {"type": 10, "at": 8, "peer": 7, "seq": 5, "ver": 4, "tab": "nowhere",
                 "delta": {"id": {"base64": "AP8="}}},
                {"type": 10, "at": 2**53 - 1, "peer": 8, "seq": 4, "ver": 1, "tab": "t",
                 "delta": {"id": 3, "v": "from the future"}},
                {"type": 10, "at": 10, "peer": 2**53 - 1, "seq": 1, "ver": 0, "tab": "t",
                 "delta": {"id": 4}},
                {"type": 20, "at": 11, "peer": 9, "seq": 30, "ver": 1, "tab": "_", "delta": {}},
                {"type": 40, "peer": 9, "minSeq": 3, "maxSeq": 20}):
            self.db.execute("SELECT replic_apply(?)", (json.dumps(message),))
        _, messages = self.assert_bundle_equals_text()
        self.assertEqual([m for m in messages if m["type"] == 40],
                         [{"type": 40, "peer": 9, "minSeq": 3, "maxSeq": 20}])

    def test_pages_and_the_dialogue(self):
        self.db.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, v)")
        self.db.execute("""SELECT replic_track('t', '{"mode":"manual"}')""")
        for i in range(100):
            self.db.execute("SELECT replic_patch('t', 'id', ?, 'v', ?)", (i, "x" * 50))
        header, messages = decode(one(self.db, "SELECT replic_bundle('{}', 1000)"))
        self.assertTrue(header["more"])
        self.assertTrue(10 <= len(messages) < 100, len(messages))
        other = connect()
        self.addCleanup(other.close)
        other.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, v)")
        other.execute("""SELECT replic_track('t', '{"mode":"manual"}')""")
        bundle, kinds = one(other, "SELECT replic_sync()"), []
        while bundle is not None:
            header, _ = decode(bundle)
            kinds.append(header["kind"])
            side = self.db if len(kinds) % 2 else other
            bundle = one(side, "SELECT replic_sync(?)", bundle)
        self.assertEqual(kinds[:2], [1, 2])
        self.assertEqual(rows(other, "SELECT count(*) FROM t"), [(100,)])

    def test_a_damaged_bundle_changes_nothing(self):
        bundle = bytes.fromhex("8c7270620100000100000000000000000000000000")
        with self.assertRaisesRegex(sqlite3.Error, "E_BUNDLE: .* at byte 13: "):
            self.db.execute("SELECT replic_apply(?)", (bundle,)).fetchall()


if __name__ == "__main__":
    unittest.main()

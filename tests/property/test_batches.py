"""Many patches at once give what the same patches give one by one.

What comes in one call is merged in the order of its rows, many together; these tests have more rows
than any batch, new ones beside known ones, and several patches of one row.
"""

import contextlib
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import unittest

from peer import extension_path
from seeds import fixed_and_fresh
from wire import at_from_ms, write_message

BASE_AT = at_from_ms(1767225600000)
PATCHES = 6000
PEERS = (11, 12, 13)

TABLES = {
    "integers": "CREATE TABLE T(a INTEGER, b INTEGER, u, v TEXT, PRIMARY KEY(a, b))",
    "rowid": "CREATE TABLE T(a INTEGER PRIMARY KEY, u, v TEXT DEFAULT 'd')",
    "texts": "CREATE TABLE T(a TEXT PRIMARY KEY, u, v TEXT) WITHOUT ROWID",
    "words": "CREATE TABLE T(a TEXT, b TEXT, u, v TEXT, PRIMARY KEY(a, b))",
    "nocase": "CREATE TABLE T(a TEXT COLLATE NOCASE PRIMARY KEY, u, v TEXT)",
    "numbers": "CREATE TABLE T(a NUMERIC PRIMARY KEY, u, v TEXT)",
    "anything": "CREATE TABLE T(a PRIMARY KEY, u, v TEXT)",
    "strict": "CREATE TABLE T(a INTEGER PRIMARY KEY, u INTEGER, v TEXT) STRICT",
    "needs": "CREATE TABLE T(a INTEGER PRIMARY KEY, u INTEGER NOT NULL, v TEXT CHECK(v <> 'no'))",
    "kept": "CREATE TABLE T(a INTEGER PRIMARY KEY, u, v TEXT, deletedAt INTEGER)",
    "triggers": "CREATE TABLE T(a INTEGER PRIMARY KEY, u, v TEXT); CREATE TABLE seen(a);"
                "CREATE TRIGGER t AFTER INSERT ON T BEGIN INSERT INTO seen VALUES (NEW.a); END",
}


def key_of(name, rng):
    """A random primary key of a table; most come several times among the patches."""
    number = rng.randint(1, 1500)
    if name == "integers":
        return {"a": rng.randint(1, 3), "b": number - 750}
    if name == "rowid":
        return {"a": rng.choice([number, rng.randint(-2**63, 2**63 - 1)])}
    if name == "texts":
        return {"a": "".join(rng.choices("ab\x00\uffee\U00010000", k=rng.randint(1, 7)))}
    if name == "words":
        return {"a": rng.choice("xy"), "b": f"{number:x}"}
    if name == "nocase":
        return {"a": "".join(rng.choices("abAB", k=rng.randint(1, 9)))}
    if name == "numbers":
        return {"a": rng.choice([number, number / 4, str(number), f"w{number}"])}
    if name == "anything":
        return {"a": rng.choice([number, number * 1.0, str(number)])}
    return {"a": number}


def messages_of(name, rng):
    last = dict.fromkeys(PEERS, 0)
    out = []
    for i in range(PATCHES):
        peer = rng.choice(PEERS)
        last[peer] += 1
        values = key_of(name, rng)
        if rng.random() < 0.7:
            values["u"] = rng.choice([None, rng.randint(0, 99)])
        if rng.random() < 0.5:
            values["v"] = rng.choice(["no", "yes", "a text that is too long to be short", None])
        if name in ("kept", "words", "rowid") and rng.random() < 0.1:
            values["deletedAt"] = rng.choice([None, 1767225600000])
        out.append(write_message(peer, last[peer], BASE_AT + i + rng.randint(-50, 50), "T", values))
    return out


@contextlib.contextmanager
def peer(name, mode, encoding):
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        db.enable_load_extension(True)
        db.load_extension(extension_path())
        db.execute(f"PRAGMA encoding = '{encoding}'")
        db.executescript(TABLES[name])
        db.execute("SELECT replic_init(1)")
        db.execute("SELECT replic_track('T', ?)", (json.dumps({"mode": mode}),))
        yield db


def content(db):
    """Everything that peers must agree on, and what is inside."""
    questions = {
        "T": "SELECT * FROM T ORDER BY 1, 2",
        "log": "SELECT * FROM T_patches ORDER BY _peerId, _sequenceId",
        "pending": "SELECT peer, seq, reason FROM replic_pending ORDER BY 1, 2",
        "digest": "SELECT replic_digest()",
        "vector": "SELECT replic_vector()",
        "check": "SELECT * FROM replic_check",
    }
    return {what: db.execute(sql).fetchall() for what, sql in questions.items()}


class Batches(unittest.TestCase):
    maxDiff = 4000

    def compare(self, name, mode, encoding, seed):
        rng = random.Random(seed)
        messages = messages_of(name, rng)
        known = rng.randint(0, PATCHES // 2)
        shuffled = rng.sample(messages, len(messages))
        first, then = shuffled[:known], shuffled[known:]

        def one_by_one(db):
            db.execute("BEGIN")
            for message in then:
                db.execute("SELECT replic_apply(?)", (message,)).fetchone()
            db.execute("COMMIT")

        def array(db):
            db.execute("SELECT replic_apply(?)", ("[" + ",".join(then) + "]",)).fetchone()

        def bundle(db):
            db.execute("SELECT replic_apply(?)", (whole,)).fetchone()

        contents = []
        for way in (one_by_one, array, bundle):
            with peer(name, mode, encoding) as db:
                db.execute("SELECT replic_apply(?)", ("[" + ",".join(first) + "]",)).fetchone()
                way(db)
                contents.append(content(db))
                if not contents[1:]:
                    whole, = db.execute("SELECT replic_bundle()").fetchone()
        self.assertEqual(contents[0]["check"], [])
        for other in contents[1:]:
            for what, expected in contents[0].items():
                self.assertEqual(other[what], expected, (name, what, seed))

    def test_every_table(self):
        for seed in fixed_and_fresh(1, 1):
            for name in TABLES:
                for mode in ("manual", "capture"):
                    encoding = "UTF-8" if (seed + len(name) + len(mode)) % 2 else "UTF-16le"
                    with self.subTest(table=name, mode=mode, encoding=encoding, seed=seed):
                        self.compare(name, mode, encoding, seed)


# In a process of its own: applies the bundle in a file, and prints by how many KiB the most memory
# that the process ever had has grown meanwhile.
APPLY = """
import re, sqlite3, sys
def most():  # ru_maxrss would begin with that of the process before exec
    with open("/proc/self/status") as status:
        return int(re.search(r"VmHWM:\\s+(\\d+)", status.read())[1])
extension, folder = sys.argv[1:]
db = sqlite3.connect(folder + "/to.db", isolation_level=None)
db.enable_load_extension(True)
db.load_extension(extension)
db.executescript("PRAGMA synchronous = OFF; CREATE TABLE T(id INTEGER PRIMARY KEY, a);"
                 "SELECT replic_init(2); SELECT replic_track('T', '{\\"mode\\":\\"manual\\"}')")
with open(folder + "/bundle", "rb") as file:
    bundle = file.read()
before = most()
count = db.execute("SELECT replic_apply(?)", (bundle,)).fetchone()[0]
print(count, most() - before)
"""


class Memory(unittest.TestCase):
    def growth(self, patches):
        """By how many KiB a process grows that applies so many."""
        with tempfile.TemporaryDirectory() as folder:
            with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
                db.enable_load_extension(True)
                db.load_extension(extension_path())
                db.executescript("CREATE TABLE T(id INTEGER PRIMARY KEY, a); SELECT replic_init(1);"
                                 "SELECT replic_track('T'); SELECT replic_option('group_max', 1)")
                db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                           " WHERE i < ?) INSERT INTO T SELECT i * 7919 % ?, i FROM n",
                           (patches, 1_000_003))
                bundle, = db.execute("SELECT replic_bundle()").fetchone()
            with open(f"{folder}/bundle", "wb") as file:
                file.write(bundle)
            environment = dict(os.environ)  # what is freed shall not be kept for a while
            environment["ASAN_OPTIONS"] = (os.environ.get("ASAN_OPTIONS", "")
                                           + ":quarantine_size_mb=1")
            out = subprocess.run([sys.executable, "-c", APPLY, extension_path(), folder],
                                 check=True, env=environment, stdout=subprocess.PIPE, text=True)
        count, grown = map(int, out.stdout.split())
        self.assertEqual(count, patches)
        return grown

    def test_does_not_grow_with_a_bundle(self):
        few, many = self.growth(20_000), self.growth(400_000)
        print(f"{few} KiB for 20,000 patches, {many} KiB for 400,000")
        self.assertLess(many - few, 6_000)


if __name__ == "__main__":
    unittest.main()

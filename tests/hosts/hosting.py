"""What the tests of hosts share: databases that an application writes, host programs that are
started, stopped and killed, and waiting until all agree."""

import contextlib
import ctypes
import fcntl
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOSTS = ROOT / "docs" / "hosts"
SO = pathlib.Path(os.environ.get("REPLIC_SO", ROOT / "build" / "replic.so")).resolve()
PYTHON = "/usr/bin/python3"
SCHEMA = """
CREATE TABLE note(id TEXT PRIMARY KEY, body TEXT NOT NULL, stars INTEGER CHECK(stars <= 5));
CREATE TABLE tag(name TEXT PRIMARY KEY, note TEXT REFERENCES note(id), color TEXT UNIQUE);
SELECT replic_track('note');
SELECT replic_track('tag');
"""


def free_port(kind=socket.SOCK_STREAM):
    """A port that nobody has, below those that the system gives to whoever connects."""
    while True:
        port = random.randrange(20000, 32768)
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET, kind) as s:
            s.bind(("127.0.0.1", port))
            return port


def find_program(name):
    """Where a server or a language is. What is absent is a failure: .ci/deps hosts brings all."""
    path = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/bin")
    if path is None:
        raise AssertionError(f"there is no {name}: .ci/deps hosts installs it")
    return path


def from_npm(source, files=()):
    """What the package.json in folder `source` names, installed below build/, once for all tests.
    Returns that folder; copies of `files` are in it, beside what they import."""
    folder = ROOT / "build" / f"{source.parent.name}-{source.name}"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as lock:  # tests run side by side
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock_file = source / "package-lock.json"
        installed = folder / "installed-package-lock.json"
        if not installed.exists() or installed.read_bytes() != lock_file.read_bytes():
            for name in ("package.json", "package-lock.json"):
                shutil.copy(source / name, folder / name)
            subprocess.run([find_program("npm"), "ci", "--no-audit", "--no-fund"], cwd=folder,
                           check=True, stdout=subprocess.DEVNULL, timeout=600)
            shutil.copy(lock_file, installed)
        for file in files:
            copy = folder / f".{file.name}.{os.getpid()}"
            shutil.copy(file, copy)
            copy.replace(folder / file.name)  # another test may be reading it
    return folder


def open_database(path):
    db = sqlite3.connect(path, timeout=20, isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(str(SO.with_suffix("")))
    db.execute("PRAGMA foreign_keys = ON")
    return db


class Peer:
    """A database with the tables of SCHEMA, as its application sees it."""

    def __init__(self, folder, name, schema=SCHEMA):
        self.name = name
        self.path = pathlib.Path(folder) / f"{name}.db"
        db = open_database(self.path)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        for sql in filter(str.strip, schema.split(";\n")):
            db.execute(sql)
        db.close()
        self.count = 0

    @contextlib.contextmanager
    def connected(self):
        db = open_database(self.path)
        try:
            yield db
        finally:
            db.close()

    def run(self, sql, *arguments):
        with self.connected() as db:
            return db.execute(sql, arguments).fetchall()

    def one(self, sql, *arguments):
        return self.run(sql, *arguments)[0][0]

    def write(self, count):
        """Notes of its own, in transactions, each with a tag; and changes of what is there."""
        with self.connected() as db:
            for _ in range(count):
                self.count += 1
                name = f"{self.name}-{self.count}"
                db.execute("BEGIN IMMEDIATE")
                db.execute("INSERT INTO note VALUES (?, ?, 1)", (name, f"by {self.name}: 'ä' 🙂"))
                db.execute("INSERT INTO tag VALUES (?, ?, ?)", (f"t-{name}", name, None))
                db.execute("UPDATE note SET stars = stars + 1 WHERE id = 'shared' AND stars < 5")
                db.execute("COMMIT")

    def write_many(self, count):
        with self.connected() as db:
            db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
                       " INSERT INTO note SELECT ? || '/' || i, 'row ' || i, 1 FROM n",
                       (count, self.name))

    def digest(self):
        return self.one("SELECT replic_digest()")


def end_with_the_test():
    """For a child: end when the test does, however it does (Linux)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Process:
    """A host program; what it logs is kept in a file."""

    def __init__(self, folder, name, command, env=None):
        self.command = [str(word) for word in command]
        self.log_path = pathlib.Path(folder) / f"{name}.log"
        self.env = {**os.environ, "REPLIC": str(SO.with_suffix("")), "PYTHONUNBUFFERED": "1",
                    "PYTHONDONTWRITEBYTECODE": "1", **(env or {})}
        self.process = None
        self.is_wanted = False  # else it may end

    def start(self):
        self.is_wanted = True
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, env=self.env,
                                            stdin=subprocess.DEVNULL, cwd=self.log_path.parent,
                                            preexec_fn=end_with_the_test)
        return self

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def kill(self):
        """As the power does."""
        self.is_wanted = False
        self.process.kill()
        self.process.wait()

    def interrupt(self):
        """Ctrl-C. Returns the exit code."""
        self.is_wanted = False
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(8)

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.kill()

    def has_ended(self):
        return self.process.poll() is not None


class HostTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="replic-hosts-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.processes = []

    def peers(self, *names, schema=SCHEMA, first="INSERT INTO note VALUES ('shared', 'of all', 0)"):
        """Databases of these names; `first` is run in the first of them."""
        peers = [Peer(self.folder, name, schema) for name in names]
        if first:
            peers[0].run(first)
        return peers

    def start(self, name, *command, env=None):
        process = Process(self.folder, name, command, env)
        self.addCleanup(process.stop)
        self.processes.append(process)
        return process.start()

    def logs(self):
        return "\n".join(f"--- {p.log_path.name}\n" + "\n".join(p.log().splitlines()[-15:])
                         for p in self.processes)

    def wait_until(self, condition, what, seconds=60):
        deadline = time.monotonic() + seconds
        while not condition():
            for process in self.processes:
                if process.is_wanted and process.has_ended():
                    self.fail(f"{what}: a host has ended\n{self.logs()}")
            if time.monotonic() > deadline:
                self.fail(f"{what}: not within {seconds} s\n{self.logs()}")
            time.sleep(0.1)

    def wait_for_port(self, port, seconds=20):
        def answers():
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return True
            return False
        self.wait_until(answers, f"nobody listens on port {port}", seconds)

    def wait_level(self, peers, seconds=60):
        """Until all have received the same, and show the same."""
        def level():
            return len({(p.one("SELECT replic_vector()"), p.digest()) for p in peers}) == 1
        try:
            self.wait_until(level, "the peers differ", seconds)
        except AssertionError as error:
            state = "\n".join(f"{p.name}: {p.digest()} {p.one('SELECT replic_vector()')}"
                              for p in peers)
            raise AssertionError(f"{error}\n{state}") from None
        for peer in peers:
            self.assertEqual(peer.run("SELECT * FROM replic_check"), [], peer.name)
            self.assertEqual(peer.run("PRAGMA foreign_key_check"), [], peer.name)

    def assert_logged(self, process, pattern, seconds=10):
        self.wait_until(lambda: re.search(pattern, process.log()), f"no {pattern!r} in the log",
                        seconds)

    def assert_closed(self, peers):
        """SQLite removes this file when the last connection is closed as it should be."""
        for peer in peers:
            self.assertFalse(peer.path.with_name(f"{peer.path.name}-wal").exists(), peer.name)

    def assert_stops(self, *processes):
        for process in processes:
            self.assertEqual(process.interrupt(), 0, process.log()[-2000:])
            self.assertNotIn("Traceback", process.log())

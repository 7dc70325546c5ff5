"""One peer of a schedule: a database with the real extension loaded, driven through SQL alone.

The extension is $REPLIC_SO, or build/replic.so of this repository.
"""

import contextlib
import functools
import json
import os
import pathlib
import sqlite3

from healing import WAYS
from schema import quote
from wire import fold, value_to_json

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


@functools.lru_cache(maxsize=None)
def extension_path():
    path = pathlib.Path(os.environ.get("REPLIC_SO") or REPOSITORY / "build" / "replic.so").resolve()
    if not path.is_file():
        raise FileNotFoundError(f"no extension at {path}: build it, or set REPLIC_SO")
    return str(path)


def in_form(messages, form):
    """The arguments of the calls that hand over these messages: one a call, or all in one."""
    if form == "single":
        return list(messages)
    if form == "blob":
        return [m.encode("utf-8") for m in messages]
    if form == "array":
        return ["[" + ",".join(messages) + "]"]
    if form == "spaced":
        return [" \n\t".join(messages) + "\n"]
    return ["\r\n".join(messages)]  # insert


def folded(delta):
    """The delta with its column names as SQLite compares them: a parked one keeps its spelling."""
    return {fold(name): value for name, value in delta.items()}


class SqlPeer:
    """`kind`: memory, file, wal or utf16 (a file too); `folder` holds the files.

    With `trace` every call that changes something is printed.
    """
    ways = WAYS
    can_be_copied = True

    def __init__(self, peer_id, kind, folder, trace=False):
        self.id = peer_id
        self.kind = kind
        self.trace = trace
        self.path = ":memory:" if kind == "memory" else f"{folder}/peer{peer_id}.db"
        self._handles = {}
        if kind == "utf16":
            self.run("PRAGMA encoding = 'UTF-16le'")
        if kind == "wal":
            self.run("PRAGMA journal_mode = WAL")
        self.run("SELECT replic_init(?)", (peer_id,))

    def _connect(self, content=None):
        db = sqlite3.connect(self.path, isolation_level=None)
        if content:
            with contextlib.closing(sqlite3.connect(content)) as source:
                source.backup(db)
        db.enable_load_extension(True)
        db.load_extension(extension_path())
        db.enable_load_extension(False)
        db.execute("PRAGMA synchronous = OFF")
        return db

    def _handle(self, handle=0):
        """A file peer has two connections, opened when first used; a memory peer has one."""
        handle = handle if self.kind != "memory" else 0
        if handle not in self._handles:
            self._handles[handle] = self._connect()
        return self._handles[handle]

    def run(self, sql, arguments=(), handle=0):
        if self.trace:
            print(f"[{self.id}.{handle}] {sql}  {arguments if arguments else ''}", flush=True)
        return self._handle(handle).execute(sql, arguments).fetchall()

    def read(self, sql, arguments=()):
        return self._handle().execute(sql, arguments).fetchall()

    def close(self):
        for db in self._handles.values():
            db.close()
        self._handles = {}

    def restart(self):
        """Closes every connection; false for a peer in memory, which would forget everything."""
        if self.kind == "memory":
            return False
        self.close()
        if self.trace:
            print(f"[{self.id}] -- closed and opened again", flush=True)
        return True

    def snapshot(self, path):
        """A copy of the whole database, identity included."""
        with contextlib.closing(sqlite3.connect(path)) as target:
            target.execute("PRAGMA synchronous = OFF")
            self._handle().backup(target)

    def become(self, path):
        """Puts the database at `path` in the place of this one."""
        self.close()
        for suffix in ("", "-wal", "-shm", "-journal"):
            pathlib.Path(self.path + suffix).unlink(missing_ok=True)
        if self.trace:
            print(f"[{self.id}] -- becomes {path}", flush=True)
        self._handles[0] = self._connect(path)
        if self.kind == "wal":
            self.run("PRAGMA journal_mode = WAL")
        self.id = self.identity()

    def identity(self):
        return self.read("SELECT replic_peer()")[0][0]

    def identities(self):
        """The present one, and former ones."""
        return [row[0] for row in self.read("SELECT peer FROM _replic_peers WHERE role > 0")]

    def bring_table(self, shape, style):
        for sql in shape.setup_sql(style):
            self.run(sql)

    def bring_column(self, shape, position):
        for sql in shape.late_sql(position):
            self.run(sql)

    # Writing and receiving

    def write(self, table, values, form, handle=0):
        """Applies a local patch; returns its message, or None inside a transaction."""
        if form == "json":
            text = json.dumps({n: value_to_json(v) for n, v in values.items()}, ensure_ascii=False)
            return self.write_text(table, text, handle)
        pairs = [part for pair in values.items() for part in pair]
        marks = ", ".join("?" * len(pairs))
        return self.run(f"SELECT replic_patch(?, {marks})", [table] + pairs, handle)[0][0]

    def write_text(self, table, text, handle=0):
        return self.run("SELECT replic_patch(?, ?)", (table, text), handle)[0][0]

    def apply(self, messages, form="single", handle=0):
        """Hands the messages over; returns how many patches were new (None: not told)."""
        arguments = in_form(messages, form)
        if form == "insert":
            for argument in arguments:
                self.run("INSERT INTO replic_changes(message) VALUES (?)", (argument,), handle)
            return None
        return sum(self.run("SELECT replic_apply(?)", (a,), handle)[0][0] for a in arguments)

    def apply_blob(self, bundle):
        return self.run("SELECT replic_apply(?)", (bundle,))[0][0]

    def ping(self):
        return self.read("SELECT replic_ping()")[0][0]

    def answers(self, message):
        return [row[0] for row in self.read("SELECT message FROM replic_answer(?)", (message,))]

    def bundle(self, vector, max_bytes):
        return self.read("SELECT replic_bundle(?, ?)", (vector, max_bytes))[0][0]

    def sync(self, bundle, max_bytes):
        arguments = (bundle, max_bytes) if bundle is not None else ()
        return self.run(f"SELECT replic_sync({', '.join('?' * len(arguments))})", arguments)[0][0]

    def pull(self, path):
        return self.run("SELECT replic_pull(?)", (path,))[0][0]

    def retry(self):
        return self.run("SELECT replic_retry()")[0][0]

    def set_option(self, name, value):
        self.run("SELECT replic_option(?, ?)", (name, value))

    # Looking

    def rows(self, table, columns):
        names = ", ".join(quote(c) for c in columns)
        return self.read(f"SELECT {names} FROM {quote(table)}")

    def changes(self, since=None):
        """[(peer, seq, message, reason)]"""
        sql = "SELECT peer, seq, message, reason FROM replic_changes"
        return self.read(sql) if since is None else self.read(sql + "(?)", (since,))

    def own_messages(self, after_seq):
        return [row[0] for row in self.read(
            "SELECT message FROM replic_changes WHERE peer = ? AND seq > ? ORDER BY seq",
            (self.id, after_seq))]

    def pending(self):
        """[(tab, peer, seq, reason, at, ver, delta)], the delta as a JSON value."""
        rows = self.read("SELECT tab, peer, seq, reason, at, ver, delta FROM replic_pending")
        return [row[:6] + (folded(json.loads(row[6])) if row[6] is not None else None,)
                for row in rows]

    def vector_text(self):
        return self.read("SELECT replic_vector()")[0][0]

    def vector(self):
        return {int(peer): ranges for peer, ranges in json.loads(self.vector_text()).items()}

    def missing(self):
        return self.read("SELECT peer, min_seq, max_seq FROM replic_missing")

    def digest(self):
        return self.read("SELECT replic_digest()")[0][0]

    def problems(self):
        return self.read("SELECT severity, code, tab, detail, cure FROM replic_check")

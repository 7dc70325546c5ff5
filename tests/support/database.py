"""Connections with the extension loaded, and what tests ask of them.

The extension is $REPLIC_SO, or build/replic.so of this repository.
"""

import functools
import glob
import json
import os
import pathlib
import sqlite3
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
MANUAL = '{"mode":"manual"}'


@functools.lru_cache(maxsize=None)
def extension_path():
    path = pathlib.Path(os.environ.get("REPLIC_SO") or REPOSITORY / "build" / "replic.so").resolve()
    if not path.is_file():
        raise FileNotFoundError(f"no extension at {path}: build it, or set REPLIC_SO")
    return str(path)


def connect(database=":memory:", **options):
    """A connection in autocommit mode. `options` are those of sqlite3.connect."""
    db = sqlite3.connect(database, isolation_level=None, **options)
    db.enable_load_extension(True)
    db.load_extension(extension_path())
    db.enable_load_extension(False)
    db.execute("PRAGMA synchronous = OFF")
    return db


def one(db, sql, *arguments):
    """The first value of the first row."""
    return db.execute(sql, arguments).fetchone()[0]


def rows(db, sql, *arguments):
    return db.execute(sql, arguments).fetchall()


def error_of(db, sql, *arguments):
    """The error that this SQL raises; None when it raises none."""
    try:
        db.execute(sql, arguments).fetchall()
    except sqlite3.Error as error:
        return error
    return None


def code_of(error):
    """The E_ name in the text of an error of ours, or None."""
    parts = str(error).split(": ")
    return parts[1] if parts[0] == "replic" and parts[1].startswith("E_") else None


def patch(peer=7, seq=1, at=1000, tab="note", delta=None, **keys):
    """A message of type 10. A key given as ... is left out."""
    message = {"type": 10, "at": at, "peer": peer, "seq": seq, "ver": 1, "tab": tab,
               "delta": {"id": 1, "body": "from afar"} if delta is None else delta}
    message.update(keys)
    return json.dumps({k: v for k, v in message.items() if v is not ...}, ensure_ascii=False)


def dump(db):
    """Everything that the file holds: its schema, and each row of each table with exact values."""
    factory, db.text_factory = db.text_factory, lambda raw: ("text", raw)
    try:
        schema = rows(db, "SELECT type, name, tbl_name, sql FROM sqlite_schema")
        tables = rows(db, "SELECT name FROM pragma_table_list WHERE schema = 'main' "
                          "AND type IN ('table', 'shadow')")
        content = {}
        for ((_, name),) in tables:
            quoted = name.decode().replace('"', '""')
            content[name.decode()] = sorted(map(repr, rows(db, f'SELECT * FROM main."{quoted}"')))
        return {"schema": sorted(map(repr, schema)), "content": content}
    finally:
        db.text_factory = factory


def faketime_library():
    """The path of libfaketime, or None where it cannot be used."""
    if os.environ.get("REPLIC_SANITIZE"):
        return None  # both want to be the first in the process
    return next(iter(glob.glob("/usr/lib/*/faketime/libfaketime.so.1")), None)


def at_time(when, path, statements):
    """Runs statements in a process whose clock starts at `when`, "2026-01-31 12:00:00" in UTC.

    Returns for each the rows, or the text of the error.
    """
    environment = dict(os.environ, LD_PRELOAD=faketime_library(), FAKETIME="@" + when, TZ="UTC",
                       PYTHONPATH=str(pathlib.Path(__file__).parent))
    run = subprocess.run([sys.executable, __file__, str(path)], input=json.dumps(statements),
                         env=environment, capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def _main(path):
    db = connect(path)
    answers = []
    for sql in json.load(sys.stdin):
        try:
            answers.append(rows(db, sql))
        except sqlite3.Error as error:
            answers.append(str(error))
    db.close()
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    _main(sys.argv[1])

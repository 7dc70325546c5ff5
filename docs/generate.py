"""Writes docs/reference.md from the built extension: `generate.py REPLIC_SO OUTPUT`.

Names, usage, summaries, examples and errors come from replic_help. Every example is run on a fresh
database (SET_UP below), and what it printed stands beneath it. The codes of errors come from the
table in ext/base/error.cc. The output depends on nothing else: clock values in it are replaced.
"""

import ast
import contextlib
import os
import pathlib
import re
import sqlite3
import sys
import tempfile

ERROR_TABLE = pathlib.Path(__file__).resolve().parents[1] / "ext" / "base" / "error.cc"

# What every example finds. Peer 2 has sent its third message, with a column that is unknown here;
# its first two are missing.
SET_UP = """\
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT, done INTEGER NOT NULL DEFAULT 0);
SELECT replic_init(1);
SELECT replic_track('note', '{"mode":"manual"}');
SELECT replic_patch('note', '{"id":1,"body":"Buy bread"}');
SELECT replic_patch('note', '{"id":1,"done":1}');
SELECT replic_apply('{"type":10,"at":258344755200000,"peer":2,"seq":3,"ver":1,"tab":"note",
                      "delta":{"id":2,"body":"Call Eve","due":"Monday"}}');
"""

INTRODUCTION = """\
# Reference

Everything that the extension offers, in the words of `replic_help`, which a connection can read as
well. This page is written by `make docs`; change the tables in `ext/sqlapi/` instead.

* A peer id and a sequence number are whole numbers from 1 to 2^53-1, a clock value `at` from 0 to
  2^53-1. Names that end in `_unix_ms` are points in time, Unix milliseconds; those that end in
  `_ms` are durations in milliseconds.
* An optional argument that is NULL is the same as one that is absent. A needed one that is NULL is
  an error.
* A function that writes cannot be called from a trigger or view of the schema.
* An error reads `replic: E_NAME: what is wrong; what to do`. The names are [below](#errors).

Each example ran on a new database that was set up by the following statements; the comment lines
under a statement are what it printed, with `|` between columns. Clock values differ from run to
run: in outputs they are replaced by one fixed value.

"""

KINDS = [("function", "Functions"), ("table", "Tables and table-valued functions"),
         ("aggregate", "Aggregate functions")]


def connect(extension, path=":memory:"):
    """A connection with the extension loaded, set up for the examples."""
    db = sqlite3.connect(path, isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(str(extension))
    db.enable_load_extension(False)
    for statement in statements_of(SET_UP):
        db.execute(statement).fetchall()
    return db


def statements_of(sql):
    """The statements of `sql`, each with its semicolon."""
    statements, begun = [], ""
    for part in re.split(r"(?<=;)", sql):
        begun += part
        if sqlite3.complete_statement(begun):
            statements.append(begun.strip())
            begun = ""
    if begun.strip():
        raise ValueError(f"not a whole statement: {begun.strip()}")
    return statements


def shown(value):
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    return "NULL" if value is None else str(value)


def with_fixed_clock(text):
    return re.sub(r'"at":\d+', '"at":258344755200001', text)


@contextlib.contextmanager
def empty_folder():
    """Runs its body in an empty folder: an example may write a file."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory(prefix="replic-") as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def run_example(extension, sql):
    """[(statement, lines that it printed)]; a statement without columns has None for lines."""
    out = []
    with empty_folder(), contextlib.closing(connect(extension)) as db:
        for statement in statements_of(sql):
            cursor = db.execute(statement)
            rows = cursor.fetchall()
            lines = ["|".join(map(shown, row)) for row in rows] or ["(no rows)"]
            out.append((statement, lines if cursor.description else None))
    return out


def example_block(extension, sql):
    block = ["```sql"]
    for statement, lines in run_example(extension, sql):
        block.append(statement)
        block += ["-- " + with_fixed_clock(line) for line in lines or []]
    return "\n".join(block + ["```"])


def help_rows(extension):
    db = connect(extension)
    db.row_factory = sqlite3.Row
    rows = db.execute("SELECT * FROM replic_help ORDER BY name").fetchall()
    db.close()
    return rows


def entry(extension, row):
    parts = [f"### {row['name']}", f"`{row['usage']}`", row["summary"].replace("<", "&lt;"),
             example_block(extension, row["example"])]
    if row["errors"]:
        names = re.sub(r"\bE_\w+", lambda match: f"`{match.group(0)}`", row["errors"])
        parts.append(f"Errors: {names}")
    return "\n\n".join(parts)


def error_rows():
    """[(E_ name, SQLite's result code, meaning)], from the table that the extension is made of."""
    source = ERROR_TABLE.read_text(encoding="utf-8")
    numbers = dict(re.findall(r"constexpr int (k\w+) = (\d+);", source))
    pattern = (r'ErrorInfo\{\s*Code::\w+,\s*"(E_\w+)",\s*(k\w+),'
               r'\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\}')
    rows = [(name, f"SQLITE_{constant[1:].upper()} ({numbers[constant]})",
             ast.literal_eval(f"({meaning})"))
            for name, constant, meaning in re.findall(pattern, source)]
    if len(rows) != source.count("ErrorInfo{Code") + source.count("ErrorInfo{\n"):
        raise ValueError(f"{ERROR_TABLE} is not written as this program expects")
    return rows


def errors_section():
    lines = ["## Errors", "",
             "Every error of the extension, with the result code of SQLite that comes with it.",
             "Where SQLite itself has refused, its own code is passed on instead, SQLITE_BUSY",
             "for instance. An error changes nothing in the database.", "",
             "| error | result code | meaning |", "|---|---|---|"]
    return "\n".join(lines + [f"| `{name}` | {code} | {meaning} |"
                              for name, code, meaning in error_rows()])


def options_section(extension):
    db = connect(extension)
    lines = ["## Options", "", "Read and set by `replic_option`, stored in the file.", "",
             "| option | default | meaning |", "|---|---|---|"]
    for name, default, meaning in db.execute(
            "SELECT name, default_value, meaning FROM replic_options"):
        lines.append(f"| `{name}` | {default if default else 'empty'} | {meaning} |")
    db.close()
    return "\n".join(lines)


def contents(rows):
    lines = []
    for kind, title in KINDS:
        names = [f"[{row['name']}](#{row['name']})" for row in rows if row["kind"] == kind]
        lines.append(f"{title}: {', '.join(names)}.")
    return "\n\n".join(lines) + "\n\nThen [options](#options) and [errors](#errors)."


def reference(extension):
    """The whole page."""
    rows = help_rows(extension)
    parts = [INTRODUCTION + "```sql\n" + SET_UP + "```", contents(rows)]
    for kind, title in KINDS:
        parts.append(f"## {title}")
        parts += [entry(extension, row) for row in rows if row["kind"] == kind]
    parts += [options_section(extension), errors_section()]
    return "\n\n".join(parts) + "\n"


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: generate.py REPLIC_SO OUTPUT")
    extension = pathlib.Path(sys.argv[1]).resolve()
    pathlib.Path(sys.argv[2]).write_text(reference(extension), encoding="utf-8")


if __name__ == "__main__":
    main()

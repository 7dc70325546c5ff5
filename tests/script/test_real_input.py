"""Real input, end to end: sql/real_input.sql in the sqlite3 shell, over the real extension.

Three files load the Unicode character table and the machine's package list, edit the same rows at
once and exchange messages. The script itself says whether the three files are equal; this test also
works out, without replic, what they must hold.
"""

import os
import pathlib
import sqlite3
import subprocess
import tempfile
import time
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "sql" / "real_input.sql"
UNICODE = pathlib.Path("/usr/share/unicode/UnicodeData.txt")
PACKAGES = pathlib.Path("/var/lib/dpkg/status")
DELETED_AT = 1767225600000


def run_script(folder):
    """Runs the script in `folder`, passing its output on as it comes; returns the output."""
    (folder / "replic.so").symlink_to(os.environ["REPLIC_SO"])
    command = ["stdbuf", "-oL", "-eL", "sqlite3", "-batch", "-init", os.devnull]
    lines = []
    started = time.monotonic()
    with open(SCRIPT, encoding="utf-8") as script, subprocess.Popen(
            command, cwd=folder, stdin=script, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True) as shell:
        for line in shell.stdout:
            print(f"{time.monotonic() - started:5.1f} s  {line}", end="", flush=True)
            lines.append(line.rstrip("\n"))
    return shell.returncode, lines


def expected_characters():
    """code -> (name, upper, lower, note, deletedAt): the last edit of each column wins.

    The edits come in this order: one.db, two.db, three.db.
    """
    rows = {}
    for line in UNICODE.read_text(encoding="ascii").splitlines():
        field = line.split(";")
        code, name, category, decomposed = field[0], field[1], field[2], field[5] != ""
        upper, lower = field[12] or None, field[13] or None
        note = deleted_at = None
        if category in ("Ll", "Lu", "Lt"):
            name = name.lower()
            note = {"Ll": "two", "Lu": None, "Lt": "one"}[category] if decomposed else "three"
            deleted_at = DELETED_AT if decomposed else None
        upper = None if category == "Ll" else upper
        lower = None if category == "Lu" else lower
        rows[code] = (name, upper, lower, note, deleted_at)
    return rows


def expected_packages():
    """(name, architecture) -> (version, installed_kb, note), without the deleted ones."""
    rows = {}
    for paragraph in PACKAGES.read_text(encoding="utf-8").split("\n\n"):
        field = dict(line.split(": ", 1) for line in paragraph.split("\n")
                     if ": " in line and not line.startswith(" "))
        if "Version" not in field or field["Package"].endswith("-dev"):
            continue
        late = "+two" if field.get("Section", "").endswith("libs") else ""
        rows[field["Package"], field["Architecture"]] = (field["Version"] + late, None, "one")
    return rows


@unittest.skipUnless(UNICODE.is_file() and PACKAGES.is_file(), "needs unicode-data and dpkg")
class RealInput(unittest.TestCase):
    def test_three_files_that_edit_the_same_rows_become_equal(self):
        with tempfile.TemporaryDirectory(prefix="replic-") as name:
            folder = pathlib.Path(name)
            code, lines = run_script(folder)
            self.assertEqual(code, 0)
            self.assertEqual(lines[-1], "All three files hold the same rows.")
            self.assertFalse([line for line in lines if "rror" in line])
            digests = [line.split(" ")[1:] for line in lines if line.endswith(" faults")]
            self.assertEqual(len(digests), 3)
            self.assertEqual(digests, digests[:1] * 3)
            self.assertEqual(digests[0][2], "0")
            for file in ("one.db", "two.db", "three.db"):
                self.check_rows(folder / file)

    def check_rows(self, path):
        self.maxDiff = 2000
        db = sqlite3.connect(path)
        try:
            characters = {row[0]: row[1:] for row in db.execute(
                "SELECT code, name, upper, lower, note, deletedAt FROM character")}
            packages = {row[:2]: row[2:] for row in db.execute(
                "SELECT name, architecture, version, installed_kb, note FROM package")}
        finally:
            db.close()
        self.assertEqual(characters, expected_characters())
        self.assertEqual(packages, expected_packages())


if __name__ == "__main__":
    unittest.main()

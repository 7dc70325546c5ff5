"""What docs/languages.md says of values, of what is refused, and of versions; its code is that of
the programs in tests/hosts/languages."""

import json
import os
import re
import subprocess
import unittest

from hosting import HOSTS, SO, HostTest, Peer
from runtimes import LANGUAGES, NAMES, PAGE, command, program

SCHEMA = """
CREATE TABLE value(name TEXT PRIMARY KEY, v);
SELECT replic_track('value');
"""
SEES_VERSION = """
CREATE TABLE seen(version TEXT);
CREATE TRIGGER sees AFTER INSERT ON value BEGIN INSERT INTO seen SELECT sqlite_version(); END;
"""
TEXT = "ä🙂"
STORED = {"small": ("integer", "5"), "big": ("integer", str(2**53 + 1)), "float": ("real", "0.5"),
          "text": ("text", TEXT), "zero": ("text", "a\0b"), "blob": ("blob", "X'00FF'")}
# How long a runtime says that the text, that with U+0000 and the blob are.
LENGTHS = {"shell": None, "python": (2, 3, 2), "node": (3, 3, 2), "perl": (2, 3, 2),
           "ruby": (2, 3, 2), "tcl": (2, 1, 2), "php": (6, 1, 2), "bun": (3, 3, 2),
           "deno": (3, 1, 2)}
HEADINGS = {"sqlite3 shell": "shell", "Python": "python", "Node.js": "node", "Deno": "deno",
            "Bun": "bun", "Perl": "perl", "Ruby": "ruby", "PHP": "php", "Tcl": "tcl"}
BIG = "SELECT 9007199254740993 AS v"
SHELL = ("""sqlite3 -batch {} -init /dev/null -cmd ".load '$REPLIC'" "$1" << 'SQL' 2> /dev/null
BEGIN;
INSERT INTO value VALUES ('first', 1);
INSERT INTO nowhere VALUES (1);
COMMIT;
SQL
sqlite3 "$1" "SELECT 'written ' || count(*) FROM value" """)
PERL = ("use DBI; my $db = DBI->connect('dbi:SQLite:dbname=' . shift, '', '', {RaiseError => 1,"
        " PrintError => 0}); $db->sqlite_load_extension($ENV{REPLIC}); ")
TCL = ("package require sqlite3\nsqlite3 db [lindex $argv 0]\ndb enable_load_extension 1\n"
       "db eval {SELECT load_extension($env(REPLIC))}\n")
BETTER = ("import Database from 'better-sqlite3'; const db = new Database(process.argv[2]);"
          " db.loadExtension(process.env.REPLIC); ")
BUN = "import { Database } from 'bun:sqlite'; const db = new Database(process.argv[2]); "
DENO = "import { DatabaseSync } from 'node:sqlite'; const db = new DatabaseSync(':memory:'"
HALF = "INSERT INTO value VALUES ('half', ?)"
# (runtime, what is done, what is printed)
PITFALLS = [
    ("shell", SHELL.format("-bail"), r"^written 0$"),
    ("shell", SHELL.format(""), r"^written 1$"),
    ("node", BETTER + f"console.log(db.prepare('{BIG}').get().v)", r"9007199254740992"),
    ("node", BETTER + "console.log(db.prepare('SELECT typeof(?)').pluck().get(5))", r"real"),
    ("node", BETTER + f'db.prepare("{HALF}").run("🙂".slice(0, 1))', r"E_UTF8"),
    ("deno", DENO + f"); console.log(db.prepare('{BIG}').get().v)", r"too large"),
    ("deno", DENO + "); console.log(db.prepare('SELECT typeof(?) AS t').get(5).t)", r"^real"),
    ("deno", DENO + "); console.log(db.prepare('SELECT hex(?) AS h').get('🙂'.slice(0, 1)).h)",
     r"^EFBFBD$"),
    ("deno", DENO + "); db.loadExtension(Deno.env.get('REPLIC'))", r"allowExtension"),
    ("bun", BUN + f"console.log(db.query('{BIG}').get().v)", r"9007199254740992"),
    ("bun", BUN + "console.log(db.query('SELECT CAST(? AS TEXT) AS t').get(2n ** 53n + 1n).t)",
     r"9007199254740993"),
    ("bun", BUN + "console.log(db.query('SELECT typeof(?) AS t').get(5.0).t)", r"^integer$"),
    ("bun", BUN + "console.log(db.query('SELECT hex(?) AS h').get('🙂'.slice(0, 1)).h)",
     r"^EFBFBD$"),
    ("perl", PERL + "print $db->selectrow_array('SELECT typeof(?)', {}, 5)", r"^text"),
    ("perl", PERL + f'''$db->do("{HALF}", {{}}, "\\xe4")''', r"E_UTF8"),
    ("ruby", "require 'sqlite3'; db = SQLite3::Database.new(ARGV[0]);"
             " puts db.get_first_value('SELECT typeof(?)', 'text'.b)", r"^blob$"),
    ("php", "<?php ini_set('sqlite3.extension_dir', '/usr/lib'); $db = new SQLite3($argv[1]);"
            " echo ini_get('sqlite3.extension_dir');", re.escape(str(SO.parent))),
    ("php", "<?php $db = new SQLite3($argv[1]); $db->enableExceptions(true);"
            " $db->loadExtension('replic');", r"Unable to load extension"),
    ("php", "<?php $db = new PDO('sqlite::memory:'); var_dump(method_exists($db, 'loadExtension'));"
            " $db->query(\"SELECT load_extension('\" . getenv('REPLIC') . \"')\");",
     r"(?s)false.*not authorized"),
    ("tcl", TCL.replace("db enable_load_extension 1\n", ""), r"not authorized"),
    ("tcl", TCL + "set n 5\nputs [db eval {SELECT typeof($n)}]", r"^text$"),
    ("tcl", TCL + "set n 5\nincr n 0\nputs [db eval {SELECT typeof($n)}]", r"^integer$"),
    ("tcl", TCL + 'set t "a\\0b"\ndb eval {INSERT INTO value VALUES (\'t\', $t)}', r"E_UTF8"),
    ("tcl", TCL + 'set t "\\ud83d\\ude42"\ndb eval {INSERT INTO value VALUES (\'t\', $t)}',
     r"E_UTF8"),
    ("tcl", TCL + 'set t "\\U0001F642"\nputs [db eval {SELECT hex($t)}]', r"^EFBFBD$"),
]


def sections():
    """{heading: its lines} of the page."""
    found, lines = {}, []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            lines = found.setdefault(line[3:], [])
        lines.append(line)
    return found


def rows_of_the_table():
    """{runtime: (version, SQLite's version)}, as the page gives them."""
    rows = re.findall(r"(?m)^\| \[(.*?)\]\(#.*?\) \|.*?\| (.*?) \| (.*?) \|", PAGE.read_text("utf-8"))
    return {HEADINGS[runtime]: (version, sqlite) for runtime, version, sqlite in rows}


def output_of(*words):
    """What a program prints, on both streams."""
    done = subprocess.run([str(word) for word in words], capture_output=True, check=False,
                          timeout=60, env={**os.environ, "REPLIC": str(SO.with_suffix("")),
                                           "NO_COLOR": "1"})
    return (done.stdout + done.stderr).decode("utf-8", "replace")


class LanguagesTest(HostTest):
    def test_values(self):
        for name in NAMES:
            with self.subTest(name):
                peer = Peer(self.folder, name, SCHEMA + SEES_VERSION)
                said = output_of(*command(name, program(name, "_values")), peer.path)
                if LENGTHS[name] is None:
                    expected = f"big {2**53 + 1}\nblob \nfloat 0.5\nsmall 5\ntext {TEXT}\nzero a\n"
                else:
                    text, zero, blob = LENGTHS[name]
                    expected = (f"big {2**53 + 1}\nblob {blob}\nfloat 0.5\nsmall 5\n"
                                f"text {text}\nzero {zero}\n")
                self.assertEqual(said, expected)
                self.assert_stored(peer, name)
                self.assertEqual(peer.run("SELECT DISTINCT version FROM seen"),
                                 [(rows_of_the_table()[name][1],)])

                messages = [m for (m,) in peer.run("SELECT message FROM replic_changes")]
                self.assertIn(r'"a\u0000b"', "".join(messages))
                other = Peer(self.folder, f"{name}-other", SCHEMA)
                other.one("SELECT replic_apply(?)", "\n".join(messages))
                self.assert_stored(other, name)
                self.assertEqual(other.digest(), peer.digest())

    def assert_stored(self, peer, name):
        stored = {key: (kind, value) for key, kind, value in peer.run(
            "SELECT name, typeof(v), iif(typeof(v) = 'blob', quote(v), CAST(v AS TEXT)) FROM value")}
        expected = {**STORED, "text": ("text", "äö")} if name == "tcl" else STORED
        self.assertEqual(stored, expected)

    def test_pitfalls(self):
        database = Peer(self.folder, "pitfalls", SCHEMA).path
        for i, (name, code, expected) in enumerate(PITFALLS):
            with self.subTest(name, code=code):
                file = self.folder / f"pitfall{i}{program(name).suffix}"
                file.write_text(code, encoding="utf-8")
                self.assertRegex(output_of(*command(name, file), database), expected)

    def test_what_deno_and_php_must_be_told(self):
        database = Peer(self.folder, "rights", SCHEMA).path
        deno = [word for word in command("deno", program("deno")) if word != "--allow-ffi"]
        self.assertIn("--allow-ffi", output_of(*deno, database, 1))
        php, *_, writer = command("php", program("php"))
        self.assertIn("Extension are disabled", output_of(php, writer, database, 1))


class PageTest(unittest.TestCase):
    def test_each_runtime_has_a_section_and_a_row(self):
        self.assertEqual({HEADINGS.get(heading) for heading in sections()} - {None}, set(NAMES))
        self.assertEqual(set(rows_of_the_table()), set(NAMES))

    def test_code_is_that_of_the_programs(self):
        for heading, lines in sections().items():
            blocks = re.findall(r"(?ms)^```\w*\n(.*?)^```$", "\n".join(lines) + "\n")
            if heading not in HEADINGS:
                self.assertEqual(blocks, [], heading)
                continue
            name = HEADINGS[heading]
            files = [program(name, suffix).read_text(encoding="utf-8") for suffix in ("", "_values")]
            self.assertIn(blocks[0], files[0])
            for block in blocks[1:]:
                self.assertTrue(any(f"\n{block}" in text for text in files), f"{heading}: {block}")

    def test_versions(self):
        said = {"python": ["-V"], "php": ["-v"],
                "perl": ["-MDBD::SQLite", "-e", "print $^V, ' ', DBD::SQLite->VERSION"],
                "ruby": ["-rsqlite3", "-e", "puts RUBY_VERSION, SQLite3::VERSION"]}
        for name, arguments in said.items():
            output = output_of(command(name, program(name))[0], *arguments)
            for version in re.findall(r"\d+\.\d+(?:\.\d+)?", rows_of_the_table()[name][0]):
                self.assertRegex(output, rf"(?<![\d.]){re.escape(version)}(?!\d)", name)
        for name, folder in (("bun", LANGUAGES), ("deno", LANGUAGES), ("node", HOSTS)):
            package = {"node": "better-sqlite3"}.get(name, name)
            locked = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))
            version = locked["packages"][f"node_modules/{package}"]["version"]
            self.assertTrue(rows_of_the_table()[name][0].startswith(version), name)


if __name__ == "__main__":
    unittest.main()

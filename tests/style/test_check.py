"""check.py finds each fault that it is there for, in a small repository full of them."""

import pathlib
import tempfile
import unittest

from check import Checker

# path -> text. A clean tree, in which each invalid case changes or adds one file.
CLEAN = {
    "ext/base/error.h": "#pragma once\n",
    "ext/wire/json.h": '#include "base/error.h"\n',
    "ext/wire/json.cc": '#include "wire/json.h"\n\n#include <string>\n',
    "ext/sqlite/api.h": "#include <sqlite3ext.h>\n",
    "ext/sqlite/boundary.h": "try { f(); } catch (const Error& e) { g(e); }\n",
    "ext/store/log.cc": '#include "embedded_sql.h"\nx = sqlite3_step(statement);\n',
    "ext/replic.cc": '#include "store/log.h"\n#include "sqlite/api.h"\n',
    "ext/store/log.h": "// In this catch() of words nothing is caught.\n",
    "tests/wire/json_test.cc": '#include "wire/json.h"\n',
    "tests/wire/json_numbers_test.cc": '#include "wire/json.h"\n',
    "tests/fault/memory_test.cc": "\n",
    "docs/hosts/host.py": "x\n" * 150,
    "docs/guide.md": "A table | " + "wide " * 40 + "|\n",
    "Makefile": "all:\n\ttrue\n",
}

# (path, text, the whole list of faults)
INVALID = [
    ("ext/base/up.h", '#include "wire/json.h"\n',
     ["ext/base/up.h:1: base includes the later layer wire"]),
    ("ext/base/gone.h", '\n#include "base/gone2.h"\n',
     ["ext/base/gone.h:2: there is no ext/base/gone2.h"]),
    ("ext/base/near.h", '#include "error.h"\n',
     ['ext/base/near.h:1: "error.h" is not written from ext/, as "layer/file.h"']),
    ("ext/wire/sql.h", '#include "embedded_sql.h"\n',
     ["ext/wire/sql.h:1: wire includes the later layer sqlite"]),
    ("ext/misc/a.h", "\n", ["ext/misc/a.h:1: ext/misc is none of the layers "
                            "base, model, wire, sqlite, store, protocol, sqlapi"]),
    ("ext/store/x.cc", "try {\n} catch (...) {\n}\n",
     ["ext/store/x.cc:2: only ext/sqlite catches exceptions"]),
    ("ext/store/x.cc", "#include <sqlite3ext.h>\n",
     ["ext/store/x.cc:1: only ext/sqlite includes SQLite's header"]),
    ("ext/sqlite/x.cc", "#include <sqlite3.h>\n",
     ["ext/sqlite/x.cc:1: an extension includes sqlite3ext.h"]),
    ("ext/sqlite/x.cc", "e = sqlite3_error_offset(db);\n",
     ["ext/sqlite/x.cc:1: sqlite3_error_offset came with SQLite 3.38"]),
    ("tests/wire/yaml_test.cc", "\n", ["tests/wire/yaml_test.cc:1: tests no unit of ext/wire"]),
    ("docs/hosts/host.py", "x\n" * 151, ["docs/hosts/host.py:152: more than 150 lines"]),
    ("ext/base/x.cc", "x" * 101 + "\n", ["ext/base/x.cc:1: 101 columns, more than 100"]),
    ("tests/property/x.py", "if x:\n\ty()\n", ["tests/property/x.py:2: a tab"]),
    ("sql/embedded/x.sql", "SELECT 1; \n",
     ["sql/embedded/x.sql:1: white space at the end of the line"]),
    ("ext/base/x.cc", "int x;", ["ext/base/x.cc:1: no newline at the end of the file"]),
    ("docs/x.md", "\nTO" "DO: write\n", ["docs/x.md:2: TO" "DO has no place here"]),
    ("docs/x.md", "cd /ro" "ot/replic\n", ["docs/x.md:1: /ro" "ot/ has no place here"]),
    ("docs/x.md", "cd (/ho" "me/ann/replic)\n", ["docs/x.md:1: /ho" "me/ann/ has no place here"]),
    ("tests/interop/package-lock.json", ' "resolved": "x"\n',
     ["tests/interop/package-lock.json:1: names a registry; "
      "npm install --omit-lockfile-registry-resolved leaves that out"]),
]


def faults_of(files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return Checker(folder).run()


class CheckTest(unittest.TestCase):
    def test_a_clean_tree_has_no_fault(self):
        self.assertEqual(faults_of(CLEAN), [])

    def test_each_fault_is_found_at_its_line(self):
        for path, text, expected in INVALID:
            with self.subTest(path=path, text=text):
                self.assertEqual(faults_of({**CLEAN, path: text}), expected)

    def test_columns_are_characters_not_bytes(self):
        self.assertEqual(faults_of({**CLEAN, "ext/base/x.cc": "é" * 100 + "\n"}), [])


if __name__ == "__main__":
    unittest.main()

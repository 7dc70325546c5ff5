"""What replic.so is to a program that loads it: one symbol, no company, and removable."""

import os
import pathlib
import re
import sqlite3
import subprocess
import tempfile
import unittest

EXTENSION = pathlib.Path(os.environ["REPLIC_SO"])


def output_of(*command, **environment):
    env = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    return subprocess.run(command, env=env | environment, check=True, capture_output=True,
                          text=True).stdout


def load(path):
    db = sqlite3.connect(":memory:")
    db.enable_load_extension(True)
    db.load_extension(str(path))
    return db


class SharedObjectTest(unittest.TestCase):
    def test_it_exports_its_entry_point_and_nothing_else(self):
        symbols = output_of("nm", "-D", "--defined-only", EXTENSION)
        self.assertEqual([line.split()[1:] for line in symbols.splitlines()],
                         [["T", "sqlite3_replic_init"]])

    @unittest.skipIf(os.environ["REPLIC_SANITIZE"], "the sanitizer brings its own libraries")
    def test_it_needs_the_c_library_only(self):
        needed = re.findall(r"\(NEEDED\).*\[(.*)\]", output_of("readelf", "-d", EXTENSION))
        self.assertIn("libc.so.6", needed)
        others = [name for name in needed if not re.match(r"(libc|libm|ld-linux.*)\.so", name)]
        self.assertEqual(others, [])

    def test_it_calls_sqlite_through_the_hosts_table_only(self):
        undefined = output_of("nm", "-D", "--undefined-only", EXTENSION)
        self.assertNotRegex(undefined, r"\bsqlite3_")

    def test_it_loads_in_many_connections_of_one_process(self):
        connections = [load(EXTENSION) for _ in range(10)]
        versions = {db.execute("SELECT replic_version()").fetchone() for db in connections}
        self.assertEqual(len(versions), 1)
        for db in connections:
            db.close()

    def test_the_installed_file_loads(self):
        with tempfile.TemporaryDirectory() as folder:
            output_of("cmake", "--install", EXTENSION.parent, "--prefix", "/usr/local",
                      DESTDIR=folder)
            installed = pathlib.Path(folder, "usr/local/lib/sqlite3/replic")
            db = load(installed)  # without suffix, as one writes it in SQL
            self.assertIsNotNone(db.execute("SELECT replic_version()").fetchone()[0])
            db.close()


if __name__ == "__main__":
    unittest.main()

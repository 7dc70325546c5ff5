"""The extension in real SQLite versions: the last too old one, the oldest supported, the newest.

npm's package better-sqlite3 carries SQLite's source and the compile-time options of a host that
many programs use: quoting "x" is an error, foreign keys are on, several interfaces are left out.
The sources are fetched once into REPLIC_CACHE. Without network the tests are skipped, but not in
CI (where the environment has CI=true).
"""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile
import unittest

# SQLite -> version and SHA-256 of the package that carries it.
PACKAGES = {
    "3.36.0": ("7.4.5", "0cefb1093d56e12d0199b35d17c95a3e51dfd053e1acc45e8af872db95988794"),
    "3.37.0": ("7.4.6", "e893c1608ce81fab1e067c958c2c60531d63188b8baa0c2e16a241355480d7d8"),
    "3.54.1": ("13.2.0", "40487589df3496f2ee0079d22b73c63fccebe7db0e8ee9a2c42421861e321e0b"),
}
HOST_SOURCE = pathlib.Path(__file__).with_name("host.c")
EXTENSION = os.environ["REPLIC_SO"]
CACHE = pathlib.Path(os.environ["REPLIC_CACHE"])


def host_with(sqlite):
    """Path of host.c compiled with that SQLite; fetched and compiled unless it is in the cache."""
    version, sha256 = PACKAGES[sqlite]
    key = hashlib.sha256(HOST_SOURCE.read_bytes() + sha256.encode()).hexdigest()[:12]
    host = CACHE / f"sqlite-{sqlite}-{key}" / "host"
    if host.exists():
        return host
    CACHE.mkdir(parents=True, exist_ok=True)
    # Made aside and renamed when complete, so that two runs at once do not disturb each other.
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        folder = pathlib.Path(scratch, "made")
        folder.mkdir()
        package = fetch(version, sha256, pathlib.Path(scratch))
        compile_host(package / "deps", folder / "host")
        try:
            folder.rename(host.parent)
        except OSError:
            if not host.exists():
                raise
    return host


def fetch(version, sha256, folder):
    """Folder of the unpacked npm package."""
    npm = subprocess.run(
        ["npm", "pack", "--silent", f"better-sqlite3@{version}"],
        cwd=folder, env=tool_environment(), capture_output=True, text=True)
    archive = folder / f"better-sqlite3-{version}.tgz"
    if npm.returncode != 0 or not archive.exists():
        reason = f"npm pack better-sqlite3@{version} failed: {npm.stderr}{npm.stdout}"
        if os.environ.get("CI"):
            raise RuntimeError(reason)
        raise unittest.SkipTest(reason)
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != sha256:
        raise RuntimeError(f"{archive.name} has SHA-256 {found}, expected {sha256}")
    extract(archive, folder)
    deps = folder / "package" / "deps"
    if (deps / "sqlite3.tar.gz").exists():  # up to 7.4
        (deps / "sqlite3").mkdir()
        extract(deps / "sqlite3.tar.gz", deps / "sqlite3")
    return folder / "package"


def extract(archive, folder):
    with tarfile.open(archive) as tar:
        tar.extractall(folder)


def compile_host(deps, output):
    """Compiles as better-sqlite3's own build does, but without optimisation, to be quick."""
    defines = re.findall(r"'([A-Z][A-Z0-9_]+(?:=[^']*)?)'", (deps / "defines.gypi").read_text())
    subprocess.run(
        ["cc", "-O0", "-w", *("-D" + define for define in defines), "-I", deps / "sqlite3",
         HOST_SOURCE, deps / "sqlite3" / "sqlite3.c", "-o", output, "-ldl", "-lpthread", "-lm"],
        env=tool_environment(), check=True)


def tool_environment():
    """Ours, without the sanitizer's run time, which is meant for the host alone."""
    return {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}


class SqliteVersionTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.hosts = {sqlite: host_with(sqlite) for sqlite in PACKAGES}

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def run_host(self, sqlite, *statements, database="test.db"):
        """(exit code, standard output, standard error)"""
        done = subprocess.run([self.hosts[sqlite], database, EXTENSION, *statements],
                              cwd=self.folder, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    def rows(self, sqlite, *statements, database="test.db"):
        code, output, errors = self.run_host(sqlite, *statements, database=database)
        self.assertEqual((code, errors), (0, ""))
        return output.splitlines()

    def test_a_too_old_sqlite_is_refused_with_both_versions_named(self):
        code, output, errors = self.run_host("3.36.0", "SELECT 1")
        self.assertEqual((code, output), (3, ""))
        self.assertRegex(errors, r"replic: E_SQLITE_VERSION: .*3\.36\.0.*3\.37")

    def test_rows_travel_in_the_oldest_and_in_the_newest(self):
        for sqlite in ("3.37.0", "3.54.1"):
            with self.subTest(sqlite=sqlite):
                task = "CREATE TABLE task(id INTEGER PRIMARY KEY, name TEXT NOT NULL)"
                message = self.rows(
                    sqlite, "SELECT sqlite_version()", task,
                    "SELECT replic_init(1), replic_track('task', '{\"mode\":\"manual\"}')",
                    "SELECT replic_patch('task', '{\"id\":1,\"name\":\"write\"}')",
                    database=f"a-{sqlite}.db")
                self.assertEqual(message[:2], [sqlite, "1|task"])
                received = self.rows(
                    sqlite, task, "SELECT replic_init(2), replic_track('task', '{\"mode\":\"manual\"}')",
                    f"SELECT replic_apply('{message[2]}')", "SELECT id, name FROM task",
                    database=f"b-{sqlite}.db")
                self.assertEqual(received, ["2|task", "1", "1|write"])

    def test_loading_it_again_changes_nothing(self):
        for sqlite in ("3.37.0", "3.54.1"):
            with self.subTest(sqlite=sqlite):
                rows = self.rows(
                    sqlite, "SELECT replic_version() IS NOT NULL", "SELECT replic_init(7)",
                    f"SELECT load_extension('{EXTENSION}')", "SELECT replic_peer()",
                    f"SELECT load_extension('{EXTENSION}')", "SELECT replic_peer()",
                    database=f"twice-{sqlite}.db")
                self.assertEqual(rows, ["1", "7", "NULL", "7", "NULL", "7"])


if __name__ == "__main__":
    unittest.main()

"""The harness itself: what is absent is a failure, and what differs is shown."""

import subprocess
import unittest

from hosting import PYTHON, ROOT, HostTest, find_program

SKIPPING = """
import unittest
class Absent(unittest.TestCase):
    def test_one(self):
        self.skipTest("there is no server")
    def test_two(self):
        pass
"""


class HostingTest(HostTest):
    def test_an_absent_program_is_a_failure(self):
        self.assertTrue(find_program("sqlite3"))
        with self.assertRaisesRegex(AssertionError, ".ci/deps hosts installs it"):
            find_program("no-such-server")

    def test_a_skipped_test_is_a_failure(self):
        path = self.folder / "test_skipping.py"
        path.write_text(SKIPPING)

        def run(*options):
            return subprocess.run([PYTHON, ROOT / "tests" / "run_python.py", path, *options],
                                  capture_output=True, check=False).returncode
        self.assertEqual((run(), run("--no-skips")), (0, 1))

    def test_what_differs_is_shown(self):
        a, b = self.peers("a", "b")
        with self.assertRaisesRegex(AssertionError, "(?s)the peers differ: .*a: .*b: "):
            self.wait_level([a, b], 0)
        b.one("SELECT replic_pull(?)", str(a.path))
        self.wait_level([a, b], 0)

    def test_a_host_that_ends_is_a_failure(self):
        self.start("short", PYTHON, "-c", "import sys; print('oh'); sys.exit(3)")
        with self.assertRaisesRegex(AssertionError, "(?s)a host has ended.*oh"):
            self.wait_until(lambda: False, "never", 20)


if __name__ == "__main__":
    unittest.main()

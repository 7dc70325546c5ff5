"""Runs one unittest file as one ctest test: `run_python.py FILE [--no-skips]`.

Unlike `python3 FILE`, a file whose tests are not found is a failure, and one that skips every test
is reported to ctest as skipped (exit code 77). With --no-skips, a skipped test is a failure.
"""

import importlib.util
import pathlib
import sys
import unittest


class Result(unittest.TextTestResult):
    passed = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1


def main(path, no_skips=False):
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    if suite.countTestCases() == 0:
        print(f"{path}: has no test", file=sys.stderr)
        return 1
    result = unittest.TextTestRunner(verbosity=2, resultclass=Result).run(suite)
    if not result.wasSuccessful():
        return 1
    if no_skips and result.skipped:
        print(f"{path}: no test may be skipped here", file=sys.stderr)
        return 1
    return 0 if result.passed else 77


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve(), "--no-skips" in sys.argv[2:]))

"""Checks the rules of style that no other tool knows: `check.py [REPOSITORY]`.

Prints one line for each fault, FILE:LINE: what is wrong, and exits with 1 if there is any.
The rules, each a function below:

  layers    a file in ext/ includes only its own folder or an earlier layer
  catches   exceptions are caught at SQLite's boundary only, in ext/sqlite/
  sqlite    SQLite's header is included in ext/sqlite/ only, and nothing calls what is newer than
            the oldest SQLite that is supported
  mirror    tests/LAYER/NAME_test.cc (or NAME_ASPECT_test.cc) tests ext/LAYER/NAME
  lines     at most 100 columns, no tab, no white space at the end, a newline at the end of a file;
            a program in docs/hosts has at most 150 of them
  words     nothing left to do, no path of somebody's machine, no registry pinned by a lock file
"""

import pathlib
import re
import sys

LAYERS = ["base", "model", "wire", "sqlite", "store", "protocol", "sqlapi"]
GENERATED = {"embedded_sql.h": "sqlite"}  # header -> the first layer that may include it
OLDEST_SQLITE = (3, 37)
SQLITE_HEADER = pathlib.Path("/usr/include/sqlite3ext.h")
MAX_COLUMNS = 100
MAX_HOST_LINES = 150  # what a reader copies and runs
MAX_PYTHON_COLUMNS = 105  # no formatter breaks these lines for us
# Outside ext/sqlite/: "folder/file" -> why it has to catch.
MAY_CATCH = {}
# "folder/file", function -> how the file makes sure at run time that SQLite has the function.
MAY_CALL_NEWER = {}

SKIPPED_FOLDERS = {".git", "build", "node_modules", "__pycache__", ".cache"}
CODE = {".cc", ".h", ".c", ".py", ".sh", ".cmake", ".js", ".mjs"}
CODE_WITHOUT_SUFFIX = {"Makefile", "CMakeLists.txt", "run", "deps", "lint"}
# Spelled in two halves, so that this file does not break its own rule.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
MACHINE_PATHS = re.compile(r"(?<![\w.}/-])/(ro" r"ot|wo" r"rk|ho" r"me/\w+)/")


class Checker:
    def __init__(self, repository, sqlite_header=SQLITE_HEADER):
        self.root = pathlib.Path(repository)
        self.faults = []
        self.newer_calls = newer_calls(sqlite_header)

    def fault(self, path, number, text):
        self.faults.append(f"{path.relative_to(self.root)}:{number}: {text}")

    def run(self):
        for path in sorted(self.root.rglob("*")):
            parts = path.relative_to(self.root).parts
            if not path.is_file() or path.is_symlink() or SKIPPED_FOLDERS & set(parts):
                continue
            if parts[:3] == ("tests", "fuzz", "corpus"):
                continue
            try:
                lines = path.read_text(encoding="utf-8").split("\n")
            except UnicodeDecodeError:
                continue  # a picture, a golden bundle
            if parts[0] == "ext" and path.suffix in {".cc", ".h"}:
                self.check_layers(path, parts, lines)
                self.check_catches(path, parts, lines)
                self.check_sqlite(path, parts, lines)
            if parts[0] == "tests" and path.name.endswith("_test.cc"):
                self.check_mirror(path, parts)
            if path.suffix in CODE or path.name in CODE_WITHOUT_SUFFIX or parts[0] == "sql":
                self.check_lines(path, lines)
            self.check_words(path, lines)
        return self.faults

    def check_layers(self, path, parts, lines):
        own = LAYERS.index(parts[1]) if parts[1] in LAYERS else len(LAYERS)
        if own == len(LAYERS) and len(parts) > 2:
            self.fault(path, 1, f"ext/{parts[1]} is none of the layers {', '.join(LAYERS)}")
        for number, line in enumerate(lines, 1):
            match = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
            if not match:
                continue
            name = match.group(1)
            layer = GENERATED.get(name, name.split("/")[0])
            if layer not in LAYERS or (name not in GENERATED and "/" not in name):
                self.fault(path, number, f'"{name}" is not written from ext/, as "layer/file.h"')
            elif LAYERS.index(layer) > own:
                self.fault(path, number, f"{parts[1]} includes the later layer {layer}")
            elif name not in GENERATED and not (self.root / "ext" / name).is_file():
                self.fault(path, number, f"there is no ext/{name}")

    def check_catches(self, path, parts, lines):
        if parts[1] == "sqlite" or "/".join(parts[1:]) in MAY_CATCH:
            return
        for number, line in enumerate(lines, 1):
            if re.search(r"\bcatch\s*\(", without_comment(line)):
                self.fault(path, number, "only ext/sqlite catches exceptions")

    def check_sqlite(self, path, parts, lines):
        for number, line in enumerate(lines, 1):
            if re.match(r'\s*#\s*include\s*[<"]sqlite3(ext)?\.h[>"]', line):
                if "sqlite3.h" in line:
                    self.fault(path, number, "an extension includes sqlite3ext.h")
                elif parts[1] != "sqlite":
                    self.fault(path, number, "only ext/sqlite includes SQLite's header")
            for name in re.findall(r"\bsqlite3_\w+(?=\s*\()", without_comment(line)):
                if name in self.newer_calls and ("/".join(parts[1:]), name) not in MAY_CALL_NEWER:
                    self.fault(path, number, f"{name} came with SQLite {self.newer_calls[name]}")

    def check_mirror(self, path, parts):
        if parts[1] not in LAYERS:
            return
        # Tests of parts of the store by themselves are linked otherwise: see tests/CMakeLists.txt.
        folder = self.root / "ext" / pathlib.Path(*[p for p in parts[1:-1] if p != "inner"])
        words = path.name.removesuffix("_test.cc").split("_")
        units = ["_".join(words[:n]) for n in range(1, len(words) + 1)]
        if not any((folder / (unit + end)).is_file() for unit in units for end in (".h", ".cc")):
            self.fault(path, 1, f"tests no unit of {folder.relative_to(self.root)}")

    def check_lines(self, path, lines):
        if lines[-1] != "":
            self.fault(path, len(lines), "no newline at the end of the file")
        if path.relative_to(self.root).parts[:2] == ("docs", "hosts") and path.suffix != ".json":
            if len(lines) > MAX_HOST_LINES + 1:
                self.fault(path, len(lines), f"more than {MAX_HOST_LINES} lines")
        for number, line in enumerate(lines, 1):
            most = MAX_PYTHON_COLUMNS if path.suffix == ".py" else MAX_COLUMNS
            if len(line) > most:
                self.fault(path, number, f"{len(line)} columns, more than {most}")
            if "\t" in line and path.name != "Makefile":
                self.fault(path, number, "a tab")
            if line != line.rstrip():
                self.fault(path, number, "white space at the end of the line")

    def check_words(self, path, lines):
        for number, line in enumerate(lines, 1):
            for pattern in (UNFINISHED, MACHINE_PATHS):
                match = pattern.search(line)
                if match:
                    self.fault(path, number, f"{match.group(0)} has no place here")
            if path.name == "package-lock.json" and '"resolved"' in line:
                self.fault(path, number, "names a registry; npm install --omit-lockfile-registry-"
                                         "resolved leaves that out")


def without_comment(line):
    return line.split("//")[0]


def newer_calls(header):
    """{function: version} of what came after OLDEST_SQLITE.

    sqlite3ext.h lists every function that an extension can call in the order of their versions,
    under comments like "Version 3.38.0 and later".
    """
    calls = {}
    version = (0, 0)
    for line in header.read_text().split("\n"):
        match = re.search(r"Version (\d+)\.(\d+)\.?\d* and later", line)
        if match:
            version = (int(match.group(1)), int(match.group(2)))
        match = re.search(r"\(\*(\w+)\)\(", line)
        if match and version > OLDEST_SQLITE:
            calls["sqlite3_" + match.group(1)] = "%d.%d" % version
    return calls


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]
    faults = Checker(root).run()
    print("\n".join(faults + [f"style: {len(faults)} faults"]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

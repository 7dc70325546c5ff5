"""Runs every example of the documentation, through the real extension.

1. Each example of replic_help, on a fresh database that is set up as docs/generate.py says.
2. docs/reference.md is what docs/generate.py writes now.
3. Each block marked `sql` in README.md and in the other pages of docs/, through the sqlite3 shell.
   The blocks of one page are one session in an empty folder that holds replic.so; a page opens its
   own database files. In a block:
     - comment lines directly under a statement are what it prints, line for line, errors included;
     - a comment after an empty line, or at the start of a block, is just a comment;
     - a statement without comment lines under it may print anything but an error.
   In outputs NULL stands for NULL, and two numbers after "at": are held for equal.
   SQL that is not to be run is marked otherwise, or not at all.
"""

import importlib.util
import os
import pathlib
import re
import sqlite3
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SO = pathlib.Path(os.environ.get("REPLIC_SO", ROOT / "build" / "replic.so")).resolve()
PAGES = [ROOT / "README.md"] + sorted(
    page for page in (ROOT / "docs").glob("*.md") if page.name != "reference.md")
MARK = "@@ end of statement @@"


def load_generator():
    path = ROOT / "docs" / "generate.py"
    spec = importlib.util.spec_from_file_location("generate", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def blocks_of(page):
    """[(line number, lines)] of the blocks marked sql."""
    blocks, block = [], None
    for number, line in enumerate(page.read_text(encoding="utf-8").split("\n"), 1):
        if block is None and line.strip() == "```sql":
            block = (number + 1, [])
            blocks.append(block)
        elif block is not None and line.strip() == "```":
            block = None
        elif block is not None:
            block[1].append(line)
    return blocks


class Step:
    """A statement, with the shell's dot commands before it, and what the page says it prints."""

    def __init__(self, number):
        self.number = number
        self.input = []
        self.output = []


def steps_of(first_number, lines):
    steps, step, statement, may_be_output = [], None, "", False
    for number, line in enumerate(lines, first_number):
        if statement == "" and line.startswith("--"):
            if may_be_output:
                steps[-1].output.append(line.removeprefix("--").removeprefix(" "))
            continue
        may_be_output = False
        if statement == "" and line == "":
            continue
        if step is None:
            step = Step(number)
        step.input.append(line)
        if statement == "" and line.startswith("."):
            continue
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            steps.append(step)
            step, statement, may_be_output = None, "", True
    if step is not None:
        steps.append(step)
    return steps


def run_page(steps):
    """What the shell printed for each step, in a folder of its own."""
    script = [".nullvalue NULL"]
    for step in steps:
        script += step.input + [f".print '{MARK}'"]
    with tempfile.TemporaryDirectory(prefix="replic-") as folder:
        (pathlib.Path(folder) / "replic.so").symlink_to(SO)
        done = subprocess.run(
            ["stdbuf", "-oL", "-eL", "sqlite3", "-batch", "-init", os.devnull], cwd=folder,
            input="\n".join(script) + "\n", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=120, check=False)
    printed = done.stdout.split(MARK + "\n")
    return [text.split("\n")[:-1] for text in printed[:-1]] + [printed[-1:]]


def comparable(lines):
    """Without what differs from run to run: clock values, and where the shell says the error is."""
    text = "\n".join(lines)
    text = re.sub(r'"at":\d+', '"at":0', text)
    return re.sub(r"^(Runtime error|Error): ", "", re.sub(
        r"^(Runtime error|Parse error) near line \d+: ", "", text, flags=re.M), flags=re.M)


def is_error(line):
    return "replic: E_" in line or re.match(r"(Runtime |Parse )?[Ee]rror", line)


class Examples(unittest.TestCase):
    maxDiff = 4000

    def test_each_example_of_replic_help_runs(self):
        generate = load_generator()
        for row in generate.help_rows(SO):
            with self.subTest(name=row["name"]):
                generate.run_example(SO, row["example"])

    def test_each_error_that_replic_help_names_is_explained(self):
        generate = load_generator()
        known = {name for name, _, _ in generate.error_rows()}
        for row in generate.help_rows(SO):
            self.assertLessEqual(set(re.findall(r"E_\w+", row["errors"])), known, row["name"])

    def test_the_reference_is_current(self):
        text = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
        self.assertEqual(text, load_generator().reference(SO), "run make docs")

    def test_the_reference_is_the_same_each_time(self):
        generate = load_generator()
        self.assertEqual(generate.reference(SO), generate.reference(SO))

    def test_each_block_of_the_pages_prints_what_it_says(self):
        blocks = 0
        for page in PAGES:
            steps = [step for block in blocks_of(page) for step in steps_of(*block)]
            blocks += len(blocks_of(page))
            if not steps:
                continue
            printed = run_page(steps)
            self.assertEqual(len(printed), len(steps) + 1, f"{page.name}: the shell has stopped")
            for step, lines in zip(steps, printed):
                where = f"{page.name}:{step.number}: {' '.join(step.input)}"
                with self.subTest(where):
                    if step.output:
                        self.assertEqual(comparable(lines), comparable(step.output), where)
                    else:
                        self.assertEqual([line for line in lines if is_error(line)], [], where)
        self.assertGreater(blocks, 0)

    def test_the_first_session_of_the_readme_says_what_it_prints(self):
        first = blocks_of(ROOT / "README.md")[0]
        self.assertTrue([step for step in steps_of(*first) if step.output])


class Reading(unittest.TestCase):
    """The reader of blocks itself."""

    def test_comments_under_a_statement_are_its_output(self):
        lines = ["-- just a comment", ".mode list", "SELECT 1,", "  2;", "-- 1|2", "--", "",
                 "-- a comment", "SELECT 3;", "SELECT 4;", "-- 4"]
        steps = steps_of(10, lines)
        self.assertEqual([step.number for step in steps], [11, 18, 19])
        self.assertEqual([step.output for step in steps], [["1|2", ""], [], ["4"]])
        self.assertEqual(steps[0].input, [".mode list", "SELECT 1,", "  2;"])

    def test_a_wrong_output_and_an_error_are_seen(self):
        printed = run_page(steps_of(1, ["SELECT 1, NULL;", "SELECT nothing;", "SELECT 5;"]))
        self.assertEqual(printed[0], ["1|NULL"])
        self.assertTrue(is_error(printed[1][0]))
        self.assertEqual(printed[2], ["5"])


if __name__ == "__main__":
    unittest.main()

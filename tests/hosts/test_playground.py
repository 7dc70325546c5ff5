"""docs/hosts/playground: its page in a real browser, its server, and the files behind it.

With REPLIC_SCREENSHOT=docs/playground.png, the picture in the documentation is made anew.
"""

import http.client
import json
import os
import pathlib
import re
import sqlite3
import unittest

from browser import Browser
from hosting import HOSTS, PYTHON, SO, HostTest, free_port, open_database

PAGE = HOSTS / "playground"
SAME = "All three show the same table"
ODD = "<b id='odd'>O’Neil & \"Söhne\"</b>'); DROP TABLE talk; -- 🙂 \\ ${1}"
# The first table of each panel, without the hidden rows, as the page shows it.
ROWS = """return [...document.querySelectorAll('.peer')].map(peer =>
  [...peer.querySelectorAll('tbody tr')].filter(tr => tr.querySelector('input')).map(tr =>
    [...tr.querySelectorAll('td')].slice(0, 4).map(td =>
      [td.querySelector('input').value, td.querySelector('.who .badge')?.innerText ?? ''])))"""


class PlaygroundTest(HostTest):
    @classmethod
    def setUpClass(cls):
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        super().setUp()
        self.port = free_port()
        self.server = self.start("playground", PYTHON, PAGE / "serve.py", SO, self.port,
                                 env={"TMPDIR": str(self.folder)})
        self.assert_logged(self.server, rf"Open http://127\.0\.0\.1:{self.port}/")
        self.browser.resize(1280, 1000)
        self.browser.open(f"http://127.0.0.1:{self.port}/")
        self.wait_for_level()
        [self.files] = self.folder.glob("replic-playground-*")

    def tearDown(self):
        self.assertEqual(self.complaints(), [])
        self.assert_stops(self.server)
        self.assertFalse(self.files.exists())
        super().tearDown()

    def complaints(self):  # a refused write is told by the browser too, as it is by the page
        return [text for text in self.browser.complaints() if "/do - " not in text]

    def wait_for(self, selector, pattern, seconds=10):
        self.wait_until(lambda: any(re.search(pattern, text)
                                    for text in self.browser.texts(selector)),
                        f"no {pattern!r} in {selector}", seconds)

    def wait_for_level(self):
        self.wait_for("#level", f"^{SAME}$")
        self.wait_until(lambda: self.rows()[0] and self.rows() == [self.rows()[0]] * 3, "level")

    def rows(self):
        return self.browser.run(ROWS)

    def values(self):
        """{title: (room, starts, ends)} of each file, past the page."""
        found = []
        for name in ("ada", "ben", "cleo"):
            db = open_database(self.files / f"{name}.db")
            found.append({title: rest for title, *rest in db.execute(
                "SELECT title, room, starts, ends FROM talk")})
            self.assertEqual(db.execute("SELECT * FROM replic_check").fetchall(), [])
            db.close()
        return found

    def field(self, peer, row, column):
        return f"#peer-{peer} tr:nth-child({2 * row - 1}) [name={column}]"

    def write(self, peer, row, column, text):
        self.browser.type(self.field(peer, row, column), text)
        self.browser.press("Enter")

    def cut_all_off(self):
        self.browser.click("#all")
        self.wait_for("#level", "all are cut off")

    def test_edits_on_all_three_while_apart_converge(self):
        self.cut_all_off()
        self.assertEqual(self.browser.texts(".switch .text"), ["cut off"] * 3)
        self.write(0, 1, "title", "Good morning")
        self.write(1, 1, "room", "Lobby")
        self.write(2, 1, "title", "Hello")
        self.browser.click("#peer-1 tr:nth-child(5) .delete")
        self.write(0, 3, "ends", "13")
        self.wait_for("#level", "differ; all are cut off")
        self.wait_until(lambda: [len(rows) for rows in self.rows()] == [3, 2, 3], "three tables")
        self.assertEqual([rows[0][0] for rows in self.rows()],
                         [["Good morning", "A"], ["Welcome", "A"], ["Hello", "C"]])
        self.browser.click("#all")
        self.wait_for_level()
        self.assertEqual(self.rows()[1], [
            [["Hello", "C"], ["Lobby", "B"], ["9", "A"], ["10", "A"]],
            [["Rooftop bees", "A"], ["Garden", "A"], ["10", "A"], ["12", "A"]]])
        self.assertEqual(self.values(), [{"Hello": ["Lobby", 9, 10],
                                          "Rooftop bees": ["Garden", 10, 12]}] * 3)
        self.assertEqual(len(set(self.browser.texts(".digest"))), 1)
        deleted = self.browser.texts(".deleted li")
        self.assertEqual(len(deleted), 3)
        self.assertRegex(deleted[0], r"^Slow bread deleted by B Ben, \d\d:\d\d:\d\d$")
        log = "\n".join(self.browser.texts("#log li"))
        for text in (r"UPDATE talk SET title = 'Good morning' WHERE id = '1'", "DELETE FROM talk",
                     "asks for patch 1 of Cleo", 'patch 1 of Cleo: title = "Hello"',
                     "Ben is connected again"):
            self.assertIn(text, log)
        self.assertNotIn("ping", log)
        self.browser.click("#pings")
        self.assertIn("ping", "\n".join(self.browser.texts("#log li")))

    def test_what_breaks_a_constraint_waits_with_its_reason_and_comes_later(self):
        for name in ("room", "hours"):
            self.browser.click(f"[data-try={name}]")
            self.wait_for("#story", "Now press")
            self.wait_for("#level", "differ; all are cut off")
            self.browser.click("#all")
            self.wait_for_level()
        self.assertEqual(self.browser.texts(".parked h3"), ["2 changes wait"] * 3)
        parked = self.browser.texts(".parked li")
        self.assertEqual(len(parked), 6)
        self.assertRegex(parked[0], r'^C Cleo, [\d:]+: title = "Clay and glaze", room = "Attic"')
        self.assertIn("Another talk has this room.", parked[0])
        self.assertIn("UNIQUE constraint failed: talk.room: the row with id", parked[0])
        self.assertRegex(parked[1], r"^B Ben, [\d:]+: ends = 10 of “A long walk”")
        self.assertIn("A talk has to end after it starts.", parked[1])
        self.assertIn("CHECK constraint failed: a talk ends after it starts", parked[1])
        self.assertNotIn("Now press", self.browser.texts("#story")[0])
        self.make_the_picture()
        self.browser.click("#peer-2 tr:nth-child(7) .delete")  # Ben's talk gives up the room
        self.write(0, 5, "starts", "8") if len(self.rows()[0]) == 5 else None
        self.wait_until(lambda: not self.browser.texts(".parked"), "nothing waits")
        self.wait_for_level()
        for values in self.values():
            self.assertEqual(values["Clay and glaze"], ["Attic", 14, 15])
            self.assertEqual(values["A long walk"][2], 10)
            self.assertNotIn("Owls by night", values)

    def make_the_picture(self):
        picture = os.environ.get("REPLIC_SCREENSHOT")
        if picture:
            pathlib.Path(picture).write_bytes(self.browser.screenshot())


if __name__ == "__main__":
    unittest.main()

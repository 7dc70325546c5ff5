"""docs/hosts/playground: its page in a real browser, its server, and the files behind it.

The picture in the documentation is made anew by
REPLIC_SCREENSHOT=$PWD/docs/playground.png make test-hosts ARGS="-R playground"
"""

import http.client
import json
import os
import pathlib
import re
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

# What is written in colours that are too near to that of what is behind it: WCAG 2.1, 1.4.3.
PALE = """const channel = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
const light = (c) => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
const behind = (e) => {
  const c = numbers(getComputedStyle(e).backgroundColor);
  return c[3] === 0 ? behind(e.parentElement) : c;
};
return [...document.querySelectorAll(
    'p, h1, h1 span, h2, th, input, button, .who, .badge, li, li strong, li code')]
  .filter(e => e.offsetParent).flatMap(e => {
    const [a, b] = [numbers(getComputedStyle(e).color), behind(e)].map(light);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    return ratio < 4.5 ? [`${e.tagName}.${e.className} ${ratio}`] : [];
  })"""
PICTURE = os.environ.get("REPLIC_SCREENSHOT")


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

    def put(self, peer, row, column, text):
        """As write(), at once, and for characters that the driver cannot type."""
        self.browser.run("const e = document.querySelector(arguments[0]); e.value = arguments[1];"
                         "e.dispatchEvent(new Event('change'))", self.field(peer, row, column), text)

    def row_of(self, title):
        """Its number in the first table, where all three tables have it; else None."""
        numbers = [number for number, *titles in zip(range(1, 99), *self.rows())
                   if all(row[0][0] == title for row in titles)]
        return numbers[0] if numbers else None

    def take_picture(self):  # down to the tables
        self.browser.media(prefers_reduced_motion="reduce")
        height = self.browser.run(
            "return document.querySelector('main').getBoundingClientRect().bottom + 20")
        self.browser.resize(1280, int(height))
        pathlib.Path(PICTURE).write_bytes(self.browser.screenshot())
        self.browser.resize(1280, 1000)
        self.browser.media(prefers_reduced_motion="no-preference")

    def step(self):
        [text] = self.browser.texts("#steps [aria-current]")
        return text

    def fits(self):  # nothing is beside the window
        return self.browser.run("return document.documentElement.scrollWidth <= innerWidth")

    def cut_all_off(self):
        self.browser.click("#all")
        self.wait_for("#level", "all are cut off")

    def test_edits_on_all_three_while_apart_converge(self):
        self.cut_all_off()
        self.assertEqual(self.browser.texts(".switch .text"), ["cut off"] * 3)
        self.assertEqual(self.step(), "Edit any cell of any table")
        self.write(0, 1, "title", "Good morning")
        self.write(1, 1, "room", "Lobby")
        self.write(2, 1, "title", "Hello")
        self.browser.click("#peer-1 tr:nth-child(5) .delete")
        self.write(0, 3, "ends", "13")
        self.wait_for("#level", "differ; all are cut off")
        self.assertRegex(self.step(), "^Reconnect")
        self.wait_until(lambda: [len(rows) for rows in self.rows()] == [3, 2, 3], "three tables")
        self.assertEqual([rows[0][0] for rows in self.rows()],
                         [["Good morning", "A"], ["Welcome", "A"], ["Hello", "C"]])
        self.browser.click("#all")
        self.wait_for_level()
        self.assertEqual(self.rows()[1], [
            [["Hello", "C"], ["Lobby", "B"], ["9", "A"], ["10", "A"]],
            [["Rooftop bees", "A"], ["Garden", "A"], ["10", "A"], ["12", "A"]]])
        self.assertEqual(self.step(), "Cut them off")
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
        for name, words in (("room", "UNIQUE"), ("hours", "CHECK")):
            self.browser.click(f"[data-try={name}]")
            self.wait_for("#story", f"{words}.*Now press", 20)
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
        if PICTURE:
            self.take_picture()
        owner = self.row_of("Owls by night")
        self.browser.click(f"#peer-2 tr:nth-child({2 * owner - 1}) .delete")
        self.wait_until(lambda: self.row_of("Clay and glaze"), "Cleo's talk gets the room")
        self.write(0, self.row_of("A long walk"), "starts", "8")
        self.wait_until(lambda: not self.browser.texts(".parked"), "nothing waits")
        self.wait_for_level()
        for values in self.values():
            self.assertEqual(values["Clay and glaze"], ["Attic", 14, 15])
            self.assertEqual(values["A long walk"], [None, 8, 10])
            self.assertNotIn("Owls by night", values)

    def test_other_experiments_say_what_happens(self):
        for name, words in (("columns", "two columns"), ("cell", "Cleo was the last"),
                            ("delete", "gone everywhere")):
            self.browser.click(f"[data-try={name}]")
            self.wait_for("#story", f"{words}.*Now press", 20)
        self.browser.click("#all")
        self.wait_for_level()
        self.assertTrue(self.row_of("Knots for all"))
        self.assertEqual([values["Stars over town"] for values in self.values()],
                         [["Attic", 9, 12]] * 3)
        self.assertIn("Cheese at home, with tasting", self.browser.texts(".deleted s"))

    def test_errors_are_told_where_they_happen_and_odd_text_is_text(self):
        before = self.values()
        for column, text, kind, words in (
                ("room", "Garden", "Another talk has this room.", "UNIQUE constraint failed"),
                ("ends", "3", "A talk has to end after it starts.", "CHECK constraint failed"),
                ("ends", "soon", "Hours are whole numbers", "cannot store TEXT value"),
                ("starts", "", "A talk needs its hours.", "NOT NULL constraint failed")):
            self.write(0, 1, column, text)
            self.wait_for("#peer-0 tr:nth-child(2) .error", f"{kind}[^$]*{words}")
            self.assertEqual(self.browser.run("return document.querySelector(arguments[0]).value",
                                              self.field(0, 1, column)), text)
            self.browser.press("Escape")
            self.assertEqual(self.browser.texts(".error"), [])
        self.put(0, 1, "title", "x" * 20000)
        self.wait_for("#peer-0 tr:nth-child(2) .error", "This is too long.")
        self.browser.click("#peer-0 tr:nth-child(3) [name=title]")
        self.assertEqual(self.values(), before)
        long = "Wide " * 2000
        self.put(0, 2, "title", ODD)
        self.put(1, 3, "title", long)
        self.put(2, 2, "room", "Garden 2'); --")
        self.wait_until(lambda: self.row_of(ODD) and self.row_of(long), "odd text")
        self.wait_until(lambda: all(long in values and values.get(ODD) == ["Garden 2'); --", 10, 12]
                                    for values in self.values()), "odd text")
        self.assertIsNone(self.browser.run("return document.querySelector('#odd')"))
        self.assertTrue(self.fits())
        self.browser.press("Escape")

    def test_keyboard_labels_and_what_is_lost_on_the_way(self):
        self.browser.press("Tab", "Tab", "Enter")
        self.wait_for("#level", "all are cut off")
        self.browser.press(*["Tab"] * 6, "Space")
        self.wait_for("#level", "Ben and Cleo are cut off")
        self.browser.click("#all")
        self.wait_for_level()
        self.browser.click("#peer-0 .add")
        self.wait_until(lambda: self.browser.run(
            "return document.activeElement.value") == "New talk", "the new row has the focus")
        self.wait_for_level()
        self.put(0, 4, "title", "Lost")
        # In the page, since the driver is not always as quick as a message travels.
        self.browser.run("const watch = setInterval(() => {"
                         "  const log = document.querySelector('#log').textContent;"
                         "  if (!log.includes('patch 5 of Ada')) return;"
                         "  clearInterval(watch);"
                         "  document.querySelector('#peer-0 .switch').click();"
                         "}, 20)")
        self.wait_for("#log .lost", "lost on its way: patch 5 of Ada")
        self.browser.click("#peer-0 .switch")
        self.wait_until(lambda: all("Lost" in values for values in self.values()), "it comes")
        labels = self.browser.labels("button, input, table, [role]", "#peer-0")
        self.assertIn("Room of “Welcome” at Ada", labels)
        self.assertIn("Delete “Lost”", labels)
        self.assertIn("Ada is connected", labels)
        self.assertEqual([label for label in labels if not label.strip()], [])

    def test_offline_narrow_dark_and_legible(self):
        loaded = self.browser.run("return performance.getEntriesByType('resource').map(e => e.name)")
        self.assertGreater(len(loaded), 8)
        here = f"http://127.0.0.1:{self.port}/"
        self.assertEqual([url for url in loaded if not url.startswith(here)], [])
        for width in (320, 700, 1280):
            self.browser.resize(width, 800)
            self.assertTrue(self.fits(), width)
        backgrounds = set()
        for scheme in ("light", "dark"):
            self.browser.media(prefers_color_scheme=scheme)
            backgrounds.add(self.browser.run("return getComputedStyle(document.body).background"))
            self.assertEqual(self.browser.run(PALE), [], scheme)
        self.browser.media(prefers_color_scheme="light")
        self.assertEqual(len(backgrounds), 2)

    def test_another_program_writes_and_the_server_is_started_again(self):
        db = open_database(self.files / "ben.db")
        db.execute("UPDATE talk SET title = 'From outside' WHERE id = '1'")
        db.close()
        self.wait_until(lambda: self.row_of("From outside"), "a write from outside")
        self.wait_for_level()
        self.assert_stops(self.server)
        self.wait_for("#offline", "does not answer")
        self.put(0, 1, "title", "Nobody hears")
        self.wait_for("#peer-0 .error", "does not answer")
        self.server.start()
        self.wait_until(lambda: self.row_of("Welcome"), "the new tables")
        self.wait_for_level()
        self.assertEqual(self.browser.texts("#offline, .error"), [])
        self.browser.complaints()
        [self.files] = self.folder.glob("replic-playground-*")

    def test_the_server_refuses_what_is_not_from_its_page(self):
        def status(method, path, body=None, **headers):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            headers = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, {"Content-Type": "application/json", **headers})
            code = connection.getresponse().status
            connection.close()
            return code
        before = self.values()
        self.assertEqual(status("GET", "/"), 200)
        self.assertEqual(status("GET", "/serve.py"), 404)
        self.assertEqual(status("GET", "/../replica.py"), 404)
        self.assertEqual(status("GET", "/", Host="elsewhere.example"), 403)
        write = json.dumps({"do": "title", "peer": 0, "id": "1", "value": "Theirs"})
        self.assertEqual(status("POST", "/do", write, Host="elsewhere.example"), 403)
        self.assertEqual(status("POST", "/do", write, Content_Type="text/plain"), 403)
        self.assertEqual(status("POST", "/do", "x" * 20000), 413)
        self.assertEqual(status("POST", "/do", "", Content_Length="many"), 413)
        for body in ("", "[", "3", "[]", "[" * 9000, "{}", '{"do":"drop","peer":0}',
                     '{"do":[],"peer":0}', '{"do":"title","peer":9,"id":"1","value":"x"}',
                     '{"do":"title","peer":"Ada","id":"1","value":"x"}', '{"do":"title","peer":0}',
                     '{"do":"title","peer":0,"id":"1","value":[1]}', '{"do":"link","peer":0}',
                     '{"do":"title","peer":0,"id":"1","value":"\\ud800"}',
                     '{"do":"ends","peer":0,"id":"1","value":99999999999999999999}', b"\xff"):
            self.assertEqual(status("POST", "/do", body), 400, body[:60])
        self.assertEqual(self.values(), before)
        self.assertNotIn("Traceback", self.server.log())


class CommandTest(HostTest):
    def test_what_is_wrong_with_the_command_is_told(self):
        for arguments, told in (([], "serve.py build/replic.so"), (["a", "b", "c"], "serve.py build"),
                                ([self.folder / "no.so"], "There is no .*no.so: make build")):
            process = self.start("command", PYTHON, PAGE / "serve.py", *arguments)
            self.assertEqual(process.process.wait(20), 1)
            self.assertRegex(process.log(), told)
            self.assertNotIn("Traceback", process.log())
            process.is_wanted = False


if __name__ == "__main__":
    unittest.main()

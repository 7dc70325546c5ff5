"""A headless Chromium, driven by the WebDriver protocol (https://www.w3.org/TR/webdriver2/) with
nothing but HTTP, for the tests of pages."""

import base64
import json
import subprocess
import time
import urllib.error
import urllib.request

from hosting import end_with_the_test, find_program, free_port

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the protocol's key of a reference
KEYS = {"Backspace": "\ue003", "Enter": "\ue007", "Escape": "\ue00c", "Tab": "\ue004", "Space": "\ue00d"}
ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
             "--hide-scrollbars", "--no-first-run", "--disable-background-networking",
             "--lang=en"]


class Browser:
    def __init__(self, width=1280, height=1000):
        self.port = free_port()
        self.driver = subprocess.Popen([find_program("chromedriver"), f"--port={self.port}"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                       preexec_fn=end_with_the_test)
        self.http = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self.session = ""
        try:
            self.wait_for_driver()
            options = {"binary": find_program("chromium"), "args": ARGUMENTS}
            wanted = {"browserName": "chrome", "goog:chromeOptions": options,
                      "goog:loggingPrefs": {"browser": "ALL"}}
            started = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
            self.session = f"/session/{started['sessionId']}"
            self.resize(width, height)
        except BaseException:
            self.close()
            raise

    def wait_for_driver(self):
        deadline = time.monotonic() + 20
        while True:
            try:
                return self.call("GET", "/status")
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def call(self, method, path, body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{self.session}{path}", method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"})
        try:
            with self.http.open(request, timeout=60) as response:
                return json.load(response)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {json.load(error)['value']['message']}") from None

    def devtools(self, command, **parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def resize(self, width, height):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height,
                      deviceScaleFactor=1, mobile=False)

    def media(self, **features):
        """For instance prefers_color_scheme="dark"."""
        self.devtools("Emulation.setEmulatedMedia", features=[
            {"name": name.replace("_", "-"), "value": value} for name, value in features.items()])

    def open(self, url):
        self.call("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        """Runs the body of a function, whose `arguments` are these; returns what it returns."""
        return self.call("POST", "/execute/sync", {"script": script, "args": arguments})

    def find(self, selector):
        return self.call("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector):
        self.call("POST", f"/element/{self.find(selector)}/click", {})

    def type(self, selector, text):
        """Puts the text in the place of what is in a field, as hands do."""
        self.run("const e = document.querySelector(arguments[0]); e.focus(); e.select()", selector)
        self.call("POST", f"/element/{self.find(selector)}/value", {"text": text or KEYS["Backspace"]})

    def press(self, *names):
        """Keys, to what has the focus."""
        actions = [{"type": kind, "value": KEYS[name]}
                   for name in names for kind in ("keyDown", "keyUp")]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "k", "actions": actions}]})

    def texts(self, selector):
        return self.run("return [...document.querySelectorAll(arguments[0])]"
                        ".filter(e => e.offsetParent).map(e => e.innerText)", selector)

    def labels(self, selector, inside):
        """The names by which a screen reader tells the elements."""
        found = self.call("POST", f"/element/{self.find(inside)}/elements",
                          {"using": "css selector", "value": selector})
        shown = [element[ELEMENT] for element in found
                 if self.call("GET", f"/element/{element[ELEMENT]}/displayed")]
        return [self.call("GET", f"/element/{element}/computedlabel") for element in shown]

    def screenshot(self):
        return base64.b64decode(self.call("GET", "/screenshot"))

    def complaints(self):
        """What the console has printed since the last call."""
        return [line["message"] for line in self.call("POST", "/se/log", {"type": "browser"})]

    def close(self):
        if self.session:
            self.call("DELETE", "")
        self.driver.terminate()
        self.driver.wait()

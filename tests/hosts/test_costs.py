"""Measures what each transport costs, and holds the table in docs/transports.md to it: bytes a patch
when 1,000 are due at once, bytes for one alone, and bytes an exchange when nothing is due. A patch
sets an integer of some row to another number below a million, in a transaction of its own. Headers
of HTTP and of brokers count, those of TCP, UDP and IP do not."""

import random
import re
import socket
import subprocess
import time
import unittest

from broking import mqtt_server, nats_server, redis_server
from counting import CountingProxy, CountingRelay
from hosting import HOSTS, PYTHON, ROOT, SO, HostTest, find_program, free_port

PATCHES = 1000
TOLERANCE = 0.15
FAST_PING_S, NO_PING_S = 0.1, 1000  # of the hosts that push
SCHEMA = """
CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT NOT NULL, count INTEGER);
SELECT replic_track('item');
"""


def documented(transport):
    """The figures in the row of docs/transports.md that begins with this transport."""
    text = (ROOT / "docs" / "transports.md").read_text(encoding="utf-8")
    [row] = re.findall(rf"^\| {re.escape(transport)} \|(.*)\|$", text, re.MULTILINE)
    return [float(n) if n else None for n in
            (re.sub(r"[^0-9.]", "", cell) for cell in row.split("|")[:3])]


class CostsTest(HostTest):
    def setUp(self):
        super().setUp()
        self.pair = self.peers("a", "b", schema=SCHEMA, first=None)
        self.pair[0].run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                         " WHERE i < ?) INSERT INTO item SELECT i, 'item ' || i, 0 FROM n", PATCHES)
        self.pair[1].one("SELECT replic_pull(?)", str(self.pair[0].path))
        self.pair[0].one("SELECT replic_pull(?)", str(self.pair[1].path))

    def change(self, count):
        with self.pair[0].connected() as db:
            for i in random.Random(count).sample(range(PATCHES), count):
                db.execute("UPDATE item SET count = abs(random() % 1000000) WHERE id = ?", (1 + i,))

    def check(self, transport, *measured):
        print(f"\n{transport}: " + ", ".join(f"{m:.1f}" for m in measured), flush=True)
        for figure, claim in zip(measured, documented(transport)):
            self.assertAlmostEqual(figure, claim, delta=max(0.5, TOLERANCE * claim),
                                   msg=f"docs/transports.md, {transport}")

    def quiet(self, counter):
        """Until level, and nothing has passed for a while."""
        self.wait_level(self.pair)
        before = None
        while before != counter.bytes:
            before = counter.bytes
            time.sleep(0.4)

    def test_folder(self):
        """What one side's run writes: that is what travels."""
        shared = self.folder / "shared"

        def run(peer):
            before = {f: f.read_bytes() for f in shared.glob("[0-9]*")}
            subprocess.run(["bash", HOSTS / "folder.sh", peer.path, shared], check=True,
                           env={"PATH": "/usr/bin:/bin", "REPLIC": str(SO.with_suffix(""))},
                           capture_output=True, timeout=60)
            now = {f: f.read_bytes() for f in shared.glob("[0-9]*")}
            return sum(len(data) for f, data in now.items() if before.get(f) != data)
        a, b = self.pair
        measured = []
        for count in (0, PATCHES, 1):
            for peer in (a, b, a, b):
                run(peer)
            self.change(count)
            measured.append(run(a))
            run(b)
            self.wait_level(self.pair, 0)
        self.check("folder", measured[1] / PATCHES, measured[2], measured[0])

    def test_http(self):
        hub_port = free_port()
        hub = self.start("hub", PYTHON, HOSTS / "http_hub.py", self.pair[1].path, hub_port)
        self.wait_for_port(hub_port)
        proxy = CountingProxy(hub_port)
        self.addCleanup(proxy.close)
        spoke = self.start("spoke", PYTHON, HOSTS / "http_spoke.py", self.pair[0].path,
                           f"http://127.0.0.1:{proxy.port}", "1000")
        measured = []
        for count in (0, PATCHES, 1):
            if count != 1:  # it was away meanwhile; one alone goes at once
                self.quiet(proxy)
                spoke.kill()
            self.quiet(proxy)
            proxy.reset()
            self.change(count)
            if count != 1:
                spoke.start()
                self.wait_until(lambda: proxy.bytes > 0, "the spoke does not come")
            self.quiet(proxy)
            measured.append((proxy.bytes, proxy.connections))
        (idle, idle_trips), (many, many_trips), (one, one_trips) = measured
        self.check("HTTP", many / PATCHES, one, idle)
        self.assertEqual((many_trips, one_trips, idle_trips), (2, 2, 1), "round trips")
        self.assert_stops(spoke, hub)

    def test_udp(self):
        ports = [free_port(socket.SOCK_DGRAM) for _ in self.pair]
        relay = CountingRelay(*ports)
        self.addCleanup(relay.close)
        hosts = [self.start(peer.name, PYTHON, HOSTS / "udp.py", peer.path, port,
                            f"127.0.0.1:{theirs}")
                 for peer, port, theirs in zip(self.pair, ports, relay.ports)]
        for host in hosts:
            self.assert_logged(host, r"connected to 127")
        measured = []
        for count in (PATCHES, 1):
            relay.reset()
            self.change(count)
            self.wait_level(self.pair)
            patches = [p for p in relay.pieces if b'"type":10' in p]
            self.assertGreaterEqual(len(patches), count)
            measured.append(sum(map(len, patches)) / len(patches))
        self.wait_until(lambda: any(b'"type":20' in p for p in relay.pieces), "no ping passes")
        pings = [p for p in relay.pieces if b'"type":20' in p]
        self.check("UDP", *measured, sum(map(len, pings)) / len(pings))
        self.assert_stops(*hosts)

    def program(self, name, ping_s):
        """A program of docs/hosts, with pings so far apart."""
        folder = self.folder / f"pings-{ping_s}"
        if not folder.exists():
            folder.mkdir()
            for source in HOSTS.glob("*.py"):
                text = re.sub(r"^(POLL_S, PING_S, RECONNECT_S = [0-9.]+), 1,", rf"\1, {ping_s},",
                              source.read_text(encoding="utf-8"), flags=re.MULTILINE)
                (folder / source.name).write_text(text, encoding="utf-8")
        return folder / name

    def measure_pushes(self, transport, proxy, start, count_pings):
        """Of hosts that push and ping over TCP; `start(ping_s)` starts them for the pair, and
        `count_pings()` says how many the proxy saw being sent."""
        hosts = start(FAST_PING_S)
        self.wait_until(lambda: proxy.bytes > 2000, "no pings")
        proxy.reset()
        time.sleep(1.5)
        ping = proxy.bytes / count_pings()
        self.assert_stops(*hosts)
        proxy.reset()
        hosts = start(NO_PING_S)
        self.wait_until(lambda: proxy.bytes > 0, "nobody comes")
        self.quiet(proxy)
        measured = {}
        for count in (1, PATCHES, 1):  # the first one pays for what is said once, as Redis's script
            proxy.reset()
            hosts[0].pause()
            self.change(count)
            hosts[0].go_on()
            self.wait_until(lambda: proxy.bytes > 0, "nothing is pushed")
            self.quiet(proxy)
            measured[count] = proxy.bytes / count
        self.check(transport, measured[PATCHES], measured[1], ping)
        self.assert_stops(*hosts)

    def test_websocket(self):
        port = free_port()
        proxy = CountingProxy(port)
        self.addCleanup(proxy.close)

        def start(ping_s):
            program = self.program("mesh.py", ping_s)
            listener = self.start("b", PYTHON, program, self.pair[1].path, port)
            self.wait_for_port(port)
            return [self.start("a", PYTHON, program, self.pair[0].path, 0,
                               f"ws://127.0.0.1:{proxy.port}"), listener]
        # They are compressed: each comes by itself.
        self.measure_pushes("WebSocket", proxy, start, lambda: len(proxy.pieces))

    def measure_broker(self, transport, server, scheme, program, passes=2):
        """All that passes between the broker and both of the peers: what one publishes passes so
        many times."""
        port = free_port()
        name, *arguments = server(port, self.folder)
        self.start("broker", find_program(name), *arguments)
        self.wait_for_port(port)
        proxy = CountingProxy(port)
        self.addCleanup(proxy.close)
        self.measure_pushes(transport, proxy, lambda ping_s: [
            self.start(peer.name, PYTHON, self.program(program, ping_s), peer.path,
                       f"{scheme}://127.0.0.1:{proxy.port}") for peer in self.pair],
            lambda: b"".join(proxy.pieces).count(b'"type":20') / passes)

    def test_redis(self):
        self.measure_broker("Redis", redis_server, "redis", "redis_bus.py", passes=3)

    def test_nats(self):
        self.measure_broker("NATS", nats_server, "nats", "nats_bus.py")

    def test_mqtt(self):
        self.measure_broker("MQTT", mqtt_server, "mqtt", "mqtt_bus.py")


if __name__ == "__main__":
    unittest.main()

"""docs/hosts/http_hub.py and http_spoke.py: a star over HTTP."""

import contextlib
import http.client
import http.server
import json
import socket
import threading
import time
import unittest

from hosting import HOSTS, PYTHON, HostTest, free_port


class RubbishHub(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>Please log in</html>")

    def log_message(self, *_):
        pass


class HttpTest(HostTest):
    def setUp(self):
        super().setUp()
        self.port = free_port()

    def hub(self, peer):
        return self.start("hub", PYTHON, HOSTS / "http_hub.py", peer.path, self.port)

    def spoke(self, peer):
        return self.start(peer.name, PYTHON, HOSTS / "http_spoke.py", peer.path,
                          f"http://127.0.0.1:{self.port}", "0.3")

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.read()

    def test_spokes_level_through_the_hub_and_survive(self):
        center, *spokes = peers = self.peers("center", "a", "b", "c")
        hub = self.hub(center)
        hosts = [self.spoke(peer) for peer in spokes]
        for peer in spokes:
            peer.write(5)
        self.wait_level(peers)
        hosts[0].kill()
        hub.kill()
        for peer in peers:
            peer.write(5)
        hosts[0].start()
        self.assert_logged(hosts[1], "the hub is away")
        self.assert_logged(hosts[1], "connected to nobody")
        hub.start()
        self.wait_level(peers)
        self.assert_logged(hosts[1], "missing 0, lag")
        names = sorted(str(peer.one("SELECT replic_peer()")) for peer in spokes)
        self.assert_logged(hub, f"connected to {', '.join(names)}; missing 0")
        self.assert_stops(*hosts)
        self.assert_logged(hub, "connected to nobody; missing 0", 20)
        self.assert_stops(hub)

    def test_a_new_hub_gets_back_what_the_old_one_had(self):
        center, a, b, new = self.peers("center", "a", "b", "new")
        hub = self.hub(center)
        spokes = [self.spoke(a), self.spoke(b)]
        a.write(5)
        b.write(5)
        self.wait_level([center, a, b])
        hub.kill()
        self.hub(new)
        self.wait_level([a, b, new])
        self.assertEqual(new.one("SELECT count(*) FROM note"), 11)
        self.assert_stops(*spokes, self.processes[-1])

    def test_malformed_requests_are_refused_and_logged(self):
        center, a = peers = self.peers("center", "a")
        hub = self.hub(center)
        self.wait_for_port(self.port)
        status, text = self.request("POST", "/sync", b"no bundle at all")
        self.assertEqual(status, 400)
        self.assertIn(b"E_", text)
        self.assert_logged(hub, "refused 16 bytes from 127.0.0.1: replic: E_")
        self.assertEqual(self.request("POST", "/elsewhere", b"")[0], 404)
        self.assertEqual(self.request("GET", "/elsewhere")[0], 404)
        for length in ("999999999999", "-1", "\xb2", "many", ""):
            self.assertEqual(self.request("POST", "/sync", b"", {"Content-Length": length})[0], 413)
        with socket.create_connection(("127.0.0.1", self.port)) as s:  # it goes away half-way
            s.sendall(b"POST /sync HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf")
        self.assert_logged(hub, "refused 4 bytes")
        status, text = self.request("GET", "/status")
        self.assertEqual((status, json.loads(text)["peer"]),
                         (200, center.one("SELECT replic_peer()")))
        spoke = self.spoke(a)
        a.write(3)
        self.wait_level(peers)
        self.assert_stops(spoke, hub)

    def test_a_hub_that_answers_rubbish_is_logged(self):
        center, a = peers = self.peers("center", "a")
        with http.server.ThreadingHTTPServer(("127.0.0.1", self.port), RubbishHub) as rubbish:
            thread = threading.Thread(target=rubbish.serve_forever, kwargs={"poll_interval": 0.05})
            thread.start()
            spoke = self.spoke(a)
            self.assert_logged(spoke, "refused what the hub sent: replic: E_")
            rubbish.shutdown()
            thread.join()
        hub = self.hub(center)
        a.write(3)
        self.wait_level(peers)
        self.assert_stops(spoke, hub)

    def test_ctrl_c_while_the_hub_does_not_answer(self):
        [a] = self.peers("a")
        with socket.create_server(("127.0.0.1", self.port)) as silent:
            spoke = self.spoke(a)
            connection = silent.accept()[0]
            started = time.monotonic()
            self.assert_stops(spoke)
            self.assertLess(time.monotonic() - started, 5)
            connection.close()
        self.assert_closed([a])

    def test_many_spokes_at_once(self):
        center, *spokes = peers = self.peers("center", *"abcdefgh")
        hub = self.hub(center)
        hosts = [self.spoke(peer) for peer in spokes]
        for _ in range(3):
            for peer in spokes:
                peer.write(3)
        self.wait_level(peers)
        self.assertEqual(center.one("SELECT count(*) FROM note"), 1 + 8 * 9)
        self.assert_stops(*hosts, hub)

    def test_a_hub_whose_database_is_locked_answers_later(self):
        center, a = peers = self.peers("center", "a")
        hub = self.hub(center)
        self.wait_for_port(self.port)
        with center.connected() as db:
            db.execute("BEGIN IMMEDIATE")
            spoke = self.spoke(a)
            a.write(3)
            self.assert_logged(spoke, "the hub refused: replic: E_SQLITE: .* locked", 30)
            with self.assertRaises(AssertionError):
                self.wait_level(peers, 0)
            db.execute("ROLLBACK")
        self.wait_level(peers)
        self.assert_stops(spoke, hub)

    def test_a_long_catch_up_shows_its_progress_and_survives(self):
        center, a, b = peers = self.peers("center", "a", "b")
        a.write_many(200000)
        hub, first = self.hub(center), self.spoke(a)
        self.assert_logged(hub, r"missing \d+, has \d+ of 2000\d\d, lag \d+ ms", 30)
        hub.kill()
        first.kill()
        hub.start()
        first.start()
        second = self.spoke(b)
        self.assert_logged(second, r"missing [1-9]\d*, has \d+ of 2000\d\d", 30)
        second.kill()
        second.start()
        self.wait_level(peers)
        self.assert_logged(second, "missing 0, lag 0 ms")
        self.assert_stops(first, second, hub)

    def test_ctrl_c_in_the_middle_of_a_catch_up(self):
        center, a = peers = self.peers("center", "a")
        center.write_many(200000)
        hub, spoke = self.hub(center), self.spoke(a)
        self.assert_logged(spoke, r"has \d+ of 2000\d\d", 30)
        self.assert_stops(spoke, hub)
        self.assert_closed(peers)
        hub.start()
        spoke.start()
        self.wait_level(peers)
        self.assert_stops(spoke, hub)


if __name__ == "__main__":
    unittest.main()

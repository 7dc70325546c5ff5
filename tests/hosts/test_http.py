"""docs/hosts/http_hub.py and http_spoke.py: a star over HTTP."""

import http.client
import unittest

from hosting import HOSTS, PYTHON, HostTest, free_port


class HttpTest(HostTest):
    def setUp(self):
        super().setUp()
        self.port = free_port()

    def hub(self, peer):
        return self.start("hub", PYTHON, HOSTS / "http_hub.py", peer.path, self.port)

    def spoke(self, peer):
        return self.start(peer.name, PYTHON, HOSTS / "http_spoke.py", peer.path,
                          f"http://127.0.0.1:{self.port}", "0.3")

    def post(self, path, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("POST", path, body)
        response = connection.getresponse()
        text = response.read()
        connection.close()
        return response.status, text

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
        hub.start()
        self.wait_level(peers)
        self.assert_logged(hosts[1], "missing 0, lag")
        self.assert_stops(*hosts, hub)

    def test_malformed_requests_are_refused_and_logged(self):
        center, a = peers = self.peers("center", "a")
        hub = self.hub(center)
        self.wait_until(lambda: self.answers(), "the hub does not answer")
        status, text = self.post("/sync", b"no bundle at all")
        self.assertEqual(status, 400)
        self.assertIn(b"E_", text)
        self.assertEqual(self.post("/elsewhere", b"")[0], 404)
        self.assert_logged(hub, "refused 16 bytes")
        spoke = self.spoke(a)
        a.write(3)
        self.wait_level(peers)
        self.assert_stops(spoke, hub)

    def answers(self):
        try:
            return self.post("/elsewhere", b"")[0] == 404
        except OSError:
            return False

    def test_a_long_catch_up_shows_its_progress(self):
        center, a = peers = self.peers("center", "a")
        center.write_many(20000)
        hub, spoke = self.hub(center), self.spoke(a)
        self.wait_level(peers)
        self.assert_logged(spoke, "missing 0")
        self.assert_stops(spoke, hub)


if __name__ == "__main__":
    unittest.main()

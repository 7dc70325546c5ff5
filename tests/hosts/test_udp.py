"""docs/hosts/udp.py: datagrams that get lost, come twice, late and in any order."""

import socket
import unittest

from hosting import HOSTS, PYTHON, HostTest, free_port

FAULTS = {"REPLIC_LOSS": "0.2,0.2,0.3"}


class UdpTest(HostTest):
    def hosts(self, peers, env=None):
        """All know one another, and this test as well."""
        self.ports = [free_port(socket.SOCK_DGRAM) for _ in peers]
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        self.socket.bind(("127.0.0.1", 0))
        ports = [*self.ports, self.socket.getsockname()[1]]
        return [self.start(peer.name, PYTHON, HOSTS / "udp.py", peer.path, port,
                           *(f"localhost:{other}" for other in ports if other != port), env=env)
                for peer, port in zip(peers, ports)]

    def test_three_peers_under_loss_reordering_and_duplicates(self):
        peers = self.peers("a", "b", "c")
        hosts = self.hosts(peers, FAULTS)
        for peer in peers:
            peer.write(20)
        hosts[1].kill()
        for peer in peers:
            peer.write(10)
        hosts[1].start()
        self.wait_level(peers)
        self.assert_logged(hosts[0], "missing 0, lag")
        self.assertGreater(peers[0].one("SELECT replic_status() ->> 'duplicates'"), 0)
        self.assert_stops(*hosts)

    def test_malformed_datagrams_are_logged(self):
        peers = self.peers("a", "b")
        hosts = self.hosts(peers)
        self.assert_logged(hosts[0], f"connected to 127.0.0.1:{self.ports[1]}")
        for data in (b"rubbish", b"\xff\x00", b'{"type":10,"at":1', b'{"type":10,"at":', b"",
                     b'{"type":30,"peer":-1}'):
            self.socket.sendto(data, ("127.0.0.1", self.ports[0]))
        peers[1].write(5)
        self.wait_level(peers)
        self.assert_logged(hosts[0], "refused 'rubbish': replic: E_")
        self.assert_logged(hosts[0], r"refused '{\"type\":10,\"at\":1': replic: E_")
        self.assert_logged(hosts[0], r"refused '{\"type\":30,\"peer\":-1}': replic: E_")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(peers[0].one("SELECT replic_ping()").encode(),
                            ("127.0.0.1", self.ports[0]))
            name = stranger.getsockname()[1]
            self.assert_logged(hosts[0], rf"refused \d+ bytes from 127.0.0.1:{name}")
        self.assert_stops(*hosts)

    def test_a_patch_that_fits_no_datagram_does_not_stop_the_others(self):
        a, b = peers = self.peers("a", "b")
        hosts = self.hosts(peers)
        a.run("INSERT INTO note VALUES ('long', ?, 1)", "x" * 70000)
        a.write(3)
        self.assert_logged(hosts[0], r"a patch of \d+ bytes does not fit a datagram")
        self.wait_until(lambda: b.one("SELECT count(*) FROM note WHERE id LIKE 'a-%'") == 3,
                        "the others do not come")
        b.one("SELECT replic_pull(?)", str(a.path))
        self.wait_level(peers)
        self.assert_stops(*hosts)

    def test_a_long_catch_up_shows_its_progress_and_survives(self):
        peers = self.peers("a", "b")
        peers[0].write_many(20000)
        hosts = self.hosts(peers, {"REPLIC_LOSS": "0.02,0.02,0.02"})
        self.assert_logged(hosts[1], r"has \d+ of 2000\d", 30)
        for host in hosts:
            host.kill()
            host.start()
        self.wait_level(peers, 120)
        self.assert_stops(*hosts)
        self.assert_closed(peers)

    def test_ctrl_c_in_the_middle_of_a_catch_up(self):
        peers = self.peers("a", "b")
        peers[0].write_many(20000)
        hosts = self.hosts(peers)
        self.assert_logged(hosts[1], r"has \d+ of 2000\d", 30)
        self.assert_stops(*hosts)
        self.assert_closed(peers)
        self.assertLess(peers[1].one("SELECT count(*) FROM note"), 20001)


if __name__ == "__main__":
    unittest.main()

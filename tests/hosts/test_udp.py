"""docs/hosts/udp.py: datagrams that get lost, come twice, late and in any order."""

import socket
import unittest

from hosting import HOSTS, PYTHON, HostTest, free_port

FAULTS = {"REPLIC_LOSS": "0.2,0.2,0.3"}


class UdpTest(HostTest):
    def hosts(self, peers, env=None):
        ports = [free_port(socket.SOCK_DGRAM) for _ in peers]
        self.port = ports[0]
        return [self.start(peer.name, PYTHON, HOSTS / "udp.py", peer.path, port,
                           *(f"127.0.0.1:{other}" for other in ports if other != port), env=env)
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
        self.assert_stops(*hosts)

    def test_malformed_datagrams_are_logged(self):
        peers = self.peers("a", "b")
        hosts = self.hosts(peers)
        for host in hosts:
            self.assert_logged(host, r"connected to \d")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            for data in (b"rubbish", b"\xff\x00", b'{"type":10,"at":1', b""):
                s.sendto(data, ("127.0.0.1", self.port))
        peers[1].write(5)
        self.wait_level(peers)
        self.assert_logged(hosts[0], "refused 'rubbish'")
        self.assert_stops(*hosts)

    def test_a_long_catch_up(self):
        peers = self.peers("a", "b")
        peers[0].write_many(20000)
        hosts = self.hosts(peers)
        self.assert_logged(hosts[1], r"has \d+ of 200\d\d", 30)
        self.wait_level(peers)
        self.assert_stops(*hosts)


if __name__ == "__main__":
    unittest.main()

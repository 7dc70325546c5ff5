"""What the tests of the hosts on brokers share."""

import getpass
import re
import shutil

from hosting import HOSTS, PYTHON, HostTest, Peer, find_program, free_port

RUBBISH = (b"rubbish", b'{"type":10,"at":1', b"", b"\xff\xfe", b'{"type":30,"peer":-1}',
           b'{"type":10,"at":1,"peer":9,"seq":1,"ver":1,"tab":"note","delta":{"id":"\xff"}}')


def redis_server(port, folder):
    return ["redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", folder,
            "--save", "", "--appendonly", "yes", "--appendfsync", "always"]


def nats_server(port, folder):
    config = folder / "nats.conf"  # a test may write into it
    config.touch()
    return ["nats-server", "-a", "127.0.0.1", "-p", port, "-c", config]


def mqtt_server(port, folder):
    config = folder / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n"
                      f"user {getpass.getuser()}\npersistence true\nautosave_interval 1\n"
                      f"persistence_location {folder}/\nmax_packet_size 100000\n")
    return ["mosquitto", "-c", config]


class BrokerTest(HostTest):
    """A broker of this test's own, in its own folder, and hosts on it."""

    scheme = ""   # of the address
    program = ""  # under docs/hosts

    def server(self, port, folder):
        """The broker's command, for a port and a folder of its own."""
        raise NotImplementedError

    def publish(self, to, data):
        """Publishes this to all ("patches", "pings") or to a peer (its number), as anybody could."""
        raise NotImplementedError

    def setUp(self):
        super().setUp()
        self.port = free_port()
        self.address = f"{self.scheme}://127.0.0.1:{self.port}"
        program, *arguments = self.server(self.port, self.folder)
        self.broker = self.start("broker", find_program(program), *arguments)
        self.wait_for_port(self.port)

    def host(self, peer, address=None):
        return self.start(peer.name, PYTHON, HOSTS / self.program, peer.path,
                          address or self.address)

    def hosts(self, peers):
        """All of them, and each has heard of the others."""
        hosts = [self.host(peer) for peer in peers]
        others = len(peers) - 1
        for host in hosts:
            self.assert_logged(host, rf"connected to {self.address} with {others} other", 20)
        return hosts

    def restart_broker(self):
        self.broker.kill()
        self.broker.start()
        self.wait_for_port(self.port)

    def check_kills(self):
        """kill -9 of hosts, then of the broker, while all write."""
        peers = self.peers("a", "b", "c")
        hosts = self.hosts(peers)
        for peer in peers:
            peer.write(5)
        self.wait_level(peers)
        for host in hosts[:2]:
            host.kill()
        for peer in peers:
            peer.write(5)
        for host in hosts[:2]:
            host.start()
        self.wait_level(peers)
        self.broker.kill()
        for host in hosts:
            self.assert_logged(host, "the broker is away")
        for peer in peers:
            peer.write(5)
        self.broker.start()
        self.wait_level(peers)
        self.assert_logged(hosts[2], "missing 0, lag")
        self.assert_stops(*hosts)
        self.assert_closed(peers)

    def check_away(self, is_kept):
        """One writes while the other is away, and is away itself when that one comes: only the
        broker has what is between them, and has been killed meanwhile. Returns the second peer."""
        a, b = peers = self.peers("a", "b")
        host_a, host_b = self.hosts(peers)
        self.wait_level(peers)
        host_b.kill()
        a.write(20)
        self.wait_until(is_kept, "the broker does not keep it", 10)
        self.assert_stops(host_a)
        self.restart_broker()
        host_b.start()
        self.wait_level(peers, 20)
        self.assertEqual(b.one("SELECT count(*) FROM note WHERE id LIKE 'a-%'"), 20)
        return b, host_b

    def check_rubbish(self, *where):
        """Rubbish, wherever one can publish; then all goes on."""
        peers = self.peers("a", "b")
        hosts = self.hosts(peers)
        for to in (*where, peers[0].one("SELECT replic_peer()")):
            for data in RUBBISH:
                self.publish(to, data)
        for peer in peers:
            peer.write(3)
        self.wait_level(peers)
        for pattern in ("refused b'rubbish': replic: E_", r"refused b'{\"type\":10,\"at\":1': ",
                        r"refused b'\\xff\\xfe': replic: E_", r"refused b'{\"type\":30,"):
            self.assert_logged(hosts[0], pattern)
        self.assertIn("refused b'rubbish'", hosts[1].log())
        self.assertEqual(peers[0].one("SELECT count(*) FROM replic_changes WHERE peer = 9"), 0)
        self.assert_stops(*hosts)

    def check_catch_up(self):
        """150,000 rows at once, kill -9 and then Ctrl-C in the middle, and on to the end."""
        peers = self.peers("a", "b")
        peers[0].write_many(150000)
        hosts = [self.host(peer) for peer in peers]
        progress = r"has \d+ of 15000\d"
        self.assert_logged(hosts[1], progress, 30)
        hosts[1].kill()
        before = len(re.findall(progress, hosts[1].log()))
        hosts[1].start()
        self.wait_until(lambda: len(re.findall(progress, hosts[1].log())) > before, "no progress")
        self.assert_stops(*hosts)
        self.assertLess(peers[1].one("SELECT count(*) FROM note"), 150000)
        self.assert_closed(peers)
        for host in hosts:
            host.start()
        self.wait_level(peers)
        self.assert_stops(*hosts)

    def check_copy(self):
        """A copied file, and its original: nothing that either has written is lost."""
        a, b = peers = self.peers("a", "b")
        b.one("SELECT replic_pull(?)", str(a.path))
        shutil.copy(a.path, self.folder / "copy.db")
        copy = Peer(self.folder, "copy", schema="")
        peers = [a, b, copy]
        hosts = [self.host(peer) for peer in peers]
        for peer in peers:
            peer.write(3)
        self.wait_until(lambda: len({p.one("SELECT replic_peer()") for p in peers}) == 3,
                        "two have one identity", 20)
        self.wait_level(peers)
        self.assertEqual(b.one("SELECT count(*) FROM note"), 10)
        self.assert_stops(*hosts)

    def check_addressed(self, listen):
        """An answer goes to the one that asked: nobody else hears it. `listen()` gives a function
        that returns all (channel, text) that passed since."""
        a, b, c = peers = self.peers("a", "b", "c")
        a.write_many(500)
        c.one("SELECT replic_pull(?)", str(a.path))
        passed = listen()
        hosts = self.hosts(peers)
        self.wait_level(peers)
        to_b = str(b.one("SELECT replic_peer()"))
        answers = [(channel, text) for channel, text in passed() if b"row 77" in text]
        self.assertTrue(answers, "nobody answered")
        self.assertEqual({channel for channel, _ in answers if not channel.endswith(to_b)}, set())
        self.assert_stops(*hosts)

"""docs/hosts/nats_bus.py: NATS, in its plain text protocol."""

import socket
import unittest

from broking import BrokerTest, nats_server


class NatsTest(BrokerTest):
    scheme, program = "nats", "nats_bus.py"
    server = staticmethod(nats_server)

    def connection(self):
        connection = socket.create_connection(("127.0.0.1", self.port), 5)
        self.addCleanup(connection.close)
        connection.sendall(b'CONNECT {"verbose":false,"pedantic":false}\r\n')
        return connection

    def publish(self, to, data):
        subject = f"replic.{to}" if to == "all" else f"replic.to.{to}"
        connection = self.connection()
        connection.sendall(b"PUB %s %d\r\n%s\r\nPING\r\n" % (subject.encode(), len(data), data))
        came = b""
        while b"PONG\r\n" not in came:
            came += connection.recv(4096)

    def listen(self):
        """A function that returns all (subject, bytes) that passed since."""
        connection = self.connection()
        connection.sendall(b"SUB replic.> 1\r\nPING\r\n")

        def passed():
            came = b""
            connection.sendall(b"PING\r\n")
            while came.count(b"PONG\r\n") < 2:
                came += connection.recv(1 << 20)
            found = []
            while b"\r\n" in came:
                line, _, came = came.partition(b"\r\n")
                if line.startswith(b"MSG "):
                    _, subject, _, size = line.split()
                    found.append((subject.decode(), came[:int(size)]))
                    came = came[int(size) + 2:]
            return found
        return passed

    def test_hosts_and_the_broker_are_killed(self):
        self.check_kills()

    def test_malformed_messages_are_logged(self):
        self.check_rubbish("all")

    def test_a_copied_file_takes_an_identity_of_its_own(self):
        self.check_copy()

    def test_a_long_catch_up(self):
        self.check_catch_up()

    def test_answers_are_addressed(self):
        self.check_addressed(self.listen)

    def test_the_longest_message_is_respected(self):
        """By a megabyte of patches in one transaction, and by a broker that takes less."""
        a, b = peers = self.peers("a", "b")
        hosts = self.hosts(peers)
        passed = self.listen()
        a.run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)"
              " INSERT INTO note SELECT 'long ' || i, replace(hex(zeroblob(25000)), '00', 'ä'), 1"
              " FROM n")
        self.wait_level(peers)
        sizes = [len(page) for _, page in passed() if b'"long ' in page]
        self.assertGreater(sum(sizes), 2 * 1000 * 1000)
        self.assertLessEqual(max(sizes), 256 * 1024)
        self.broker.kill()
        (self.folder / "nats.conf").write_text("max_payload: 60000\n")
        a.run("UPDATE note SET body = body || '!' WHERE id LIKE 'long %'")
        a.run("INSERT INTO note VALUES ('too long', ?, 1)", "x" * 70000)
        a.write(3)
        self.broker.start()
        self.assert_logged(hosts[0], r"a patch of \d+ bytes is longer than the broker takes: 60000")
        self.wait_until(lambda: b.one("SELECT count(*) FROM note WHERE id LIKE 'a-%'"
                                      " OR body LIKE '%!'") == 43, "the others do not come")
        self.assertNotIn("the broker says", hosts[0].log())
        b.one("SELECT replic_pull(?)", str(a.path))
        self.wait_level(peers)
        self.assert_stops(*hosts)

    def test_a_broker_that_says_nothing_is_left(self):
        [a] = self.peers("a")
        with socket.create_server(("127.0.0.1", 0)) as silent:
            host = self.host(a, f"nats://127.0.0.1:{silent.getsockname()[1]}")
            connection = silent.accept()[0]
            with connection:
                connection.sendall(b'INFO {"max_payload":1000}\r\n')
                self.assert_logged(host, "the broker is away: it says nothing", 15)
        self.assert_stops(host)


if __name__ == "__main__":
    unittest.main()

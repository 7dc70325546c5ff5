"""docs/hosts/redis_bus.py: pub/sub, and a stream for those that were away."""

import time
import unittest

import redis

from broking import BrokerTest


class RedisTest(BrokerTest):
    scheme, program = "redis", "redis_bus.py"

    def server(self):
        return ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--dir", self.folder,
                "--save", "", "--appendonly", "yes", "--appendfsync", "always"]

    def setUp(self):
        super().setUp()
        self.redis = redis.Redis(port=self.port)
        self.addCleanup(self.redis.close)

    def publish(self, to, data):
        channel = f"replic.{to}" if to in ("patches", "pings") else f"replic.to.{to}"
        self.assertGreater(self.redis.publish(channel, data), 0)

    def test_hosts_and_the_broker_are_killed(self):
        self.check_kills()

    def test_the_stream_holds_what_was_written_while_one_was_away(self):
        self.check_away(lambda: self.wait_until(
            lambda: b'"t-a-20"' in b"".join(f[b"page"] for _, f in
                                            self.redis.xrange("replic.patches")), "not there", 10))

    def test_a_stream_survives_the_broker_and_is_read_once(self):
        a, b = peers = self.peers("a", "b")
        host_a, host_b = self.hosts(peers)
        host_b.kill()
        a.write(5)
        self.wait_until(lambda: self.redis.xlen("replic.patches"), "not there", 10)
        self.wait_until(lambda: self.redis.hget("replic.read", a.one("SELECT replic_peer()"))
                        == self.redis.xrevrange("replic.patches", count=1)[0][0], "not read", 10)
        host_a.interrupt()
        self.broker.kill()
        self.broker.start()
        self.wait_for_port(self.port)
        host_b.start()
        self.wait_level(peers, 20)
        time.sleep(1.5)  # a ping, with which it says how far it has come
        self.assert_stops(host_b)
        before = b.one("SELECT replic_status() ->> 'duplicates'")
        host_b.start()
        self.assert_logged(host_b, f"(?s)connected.*connected to {self.address} with 0 others")
        self.assertEqual(b.one("SELECT replic_status() ->> 'duplicates'"), before)
        self.assert_stops(host_b)

    def test_malformed_messages_are_logged(self):
        self.redis.xadd("replic.patches", {"other": "thing"})
        self.redis.xadd("replic.patches", {"page": b"\xff"})
        self.check_rubbish("patches", "pings")
        self.assertIn("refused b'an entry without a page'", self.processes[1].log())

    def test_a_long_catch_up(self):
        self.check_catch_up()

    def test_answers_are_addressed(self):
        channels = self.redis.pubsub(ignore_subscribe_messages=True)
        self.addCleanup(channels.close)

        def listen():
            channels.psubscribe("replic.*")

            def passed():
                found = []
                while (message := channels.get_message(timeout=0.2)) or not found:
                    if message:
                        found.append((message["channel"].decode(), message["data"]))
                return found
            return passed
        self.check_addressed(listen)


if __name__ == "__main__":
    unittest.main()

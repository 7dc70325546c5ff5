"""docs/hosts/redis_bus.py: pub/sub, and a stream for those that were away."""

import unittest

import redis

from broking import BrokerTest, redis_server


class RedisTest(BrokerTest):
    scheme, program = "redis", "redis_bus.py"
    server = staticmethod(redis_server)

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
        def pages():
            return b"".join(fields[b"page"] for _, fields in self.redis.xrange("replic.patches"))
        b, host = self.check_away(lambda: b'"t-a-20"' in pages())
        last = self.redis.xrevrange("replic.patches", count=1)[0][0]
        self.wait_until(lambda: self.redis.hget("replic.read", b.one("SELECT replic_peer()"))
                        == last, "it does not say how far it has read", 10)
        self.assertEqual(b.one("SELECT replic_status() ->> 'duplicates'"), 0)
        self.assert_stops(host)

    def test_what_the_stream_has_lost_is_asked_for(self):
        a, b = peers = self.peers("a", "b")
        host_a, host_b = self.hosts(peers)
        self.wait_level(peers)
        host_b.kill()
        a.write(20)
        self.wait_until(lambda: self.redis.exists("replic.patches"), "nothing is kept", 10)
        self.redis.delete("replic.patches", "replic.read")
        host_b.start()
        self.wait_level(peers, 20)
        self.assert_stops(host_a, host_b)

    def test_malformed_messages_are_logged(self):
        self.redis.xadd("replic.patches", {"other": "thing"})
        self.redis.xadd("replic.patches", {"page": b"\xff"})
        self.check_rubbish("patches", "pings")
        self.assertIn("refused b'an entry without a page'", self.processes[1].log())

    def test_a_copied_file_takes_an_identity_of_its_own(self):
        self.check_copy()

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

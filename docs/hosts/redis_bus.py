"""A peer over Redis: python3 redis_bus.py DATABASE redis://HOST:PORT[/NUMBER]

Patches go out by pub/sub, to those that are there, and into a stream, for those that are away. Each
peer remembers in Redis how far it has come in the stream, and reads there what it did not hear.
Pings, requests and their answers go by pub/sub alone. Needs Debian's python3-redis."""

import re
import sys

import redis

import bus

PATCHES, PINGS, TO, READ = "replic.patches", "replic.pings", "replic.to", "replic.read"
KEEP = 10000  # entries of the stream, about: each is what was new within a twentieth of a second
READ_AT_ONCE = 20

# One step, so that all hear patches in the order of the stream.
PUBLISH = """
local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'page', ARGV[1])
redis.call('PUBLISH', KEYS[1], id .. ' ' .. ARGV[1])
return id
"""


class Redis:
    max_bytes = 256 * 1024
    errors = (OSError, redis.RedisError)

    def __init__(self, address):
        self.redis = redis.Redis.from_url(address, socket_timeout=10)
        self.publish = self.redis.register_script(PUBLISH)
        self.channels = None

    def connect(self, peer, take):
        self.take = take
        self.mine = set()  # of what we published, and have not heard yet
        self.channels = self.redis.pubsub(ignore_subscribe_messages=True)
        self.channels.subscribe(PATCHES, PINGS)
        self.hear(peer)

    def hear(self, peer):
        self.peer = peer
        self.channels.subscribe(f"{TO}.{peer}")
        self.position = self.saved = self.redis.hget(READ, peer) or b"0-0"
        self.is_behind = True

    def publish_patches(self, page):
        self.mine.add(self.publish(keys=[PATCHES], args=[page, KEEP]))

    def publish_ping(self, page):
        self.redis.publish(PINGS, page)
        if self.saved != self.position:
            self.redis.hset(READ, self.peer, self.position)
            self.saved = self.position

    def send(self, peer, page):
        self.redis.publish(f"{TO}.{peer}", page)

    def receive(self, seconds):
        if self.is_behind:
            self.read_stream()
            return
        while message := self.channels.get_message(timeout=seconds):
            self.heard(message["channel"].decode(), message["data"])
            seconds = 0

    def heard(self, channel, data):
        position, _, page = data.partition(b" ")
        if channel != PATCHES or not re.fullmatch(rb"\d+-\d+", position):
            self.take(data)
        elif position in self.mine:
            self.mine.remove(position)
            self.position = position
        elif order(position) > order(self.position):  # else it was read
            self.take(page)
            self.position = position

    def read_stream(self):
        """Reads what was published while we were away. What is published meanwhile waits."""
        found = self.redis.xread({PATCHES: self.position}, READ_AT_ONCE)
        for position, fields in found[0][1] if found else []:
            self.take(fields.get(b"page", b"an entry without a page"))
            self.position = position
        self.is_behind = bool(found)

    def disconnect(self):
        if self.channels:
            self.channels.close()
        self.redis.close()


def order(position):
    return tuple(map(int, position.split(b"-")))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    bus.main(sys.argv[1], Redis(sys.argv[2]), sys.argv[2])

"""A peer over NATS, in its plain text protocol: python3 nats_bus.py DATABASE nats://HOST:PORT

NATS keeps nothing: what a peer misses while it is away, it asks for after the next ping. A message
holds 1 MB unless the broker says otherwise; pages are never longer. Needs Python only."""

import json
import logging
import select
import socket
import sys
import time
import urllib.parse

import bus

ALL, TO = b"replic.all", b"replic.to"
TIMEOUT_S = 5  # the broker answers our PING within it, or is taken for gone


class Nats:
    errors = OSError

    def __init__(self, address):
        self.url = urllib.parse.urlsplit(address)
        self.socket = None

    def connect(self, peer, take):
        self.take = take
        self.socket = socket.create_connection((self.url.hostname, self.url.port or 4222),
                                               timeout=TIMEOUT_S)
        self.came = b""
        self.heard = time.monotonic()
        self.subscriptions = 0
        while b"\r\n" not in self.came:
            self.read()
        info, _, self.came = self.came.partition(b"\r\n")
        self.max_bytes = min(256 * 1024, json.loads(info[len("INFO "):])["max_payload"])
        options = {"verbose": False, "pedantic": False, "echo": False, "name": f"replic {peer}",
                   "lang": "python", "version": "1"}
        if self.url.username:
            options.update(user=self.url.username, **{"pass": self.url.password or ""})
        self.socket.sendall(b"CONNECT %s\r\n" % json.dumps(options).encode())
        self.subscribe(ALL)
        self.hear(peer)

    def hear(self, peer):
        self.subscribe(b"%s.%d" % (TO, peer))

    def subscribe(self, subject):
        self.subscriptions += 1
        self.socket.sendall(b"SUB %s %d\r\n" % (subject, self.subscriptions))

    def publish(self, subject, page):
        self.socket.sendall(b"PUB %s %d\r\n%s\r\n" % (subject, len(page), page))

    def publish_patches(self, page):
        self.publish(ALL, page)

    def publish_ping(self, page):
        self.publish(ALL, page)
        self.socket.sendall(b"PING\r\n")

    def send(self, peer, page):
        self.publish(b"%s.%d" % (TO, peer), page)

    def receive(self, seconds):
        if time.monotonic() - self.heard > TIMEOUT_S:
            raise TimeoutError("it says nothing")
        if not select.select([self.socket], [], [], seconds)[0]:
            return
        self.read()
        while b"\r\n" in self.came:
            line, _, rest = self.came.partition(b"\r\n")
            word, *words = line.split() or [b""]
            if word.upper() == b"MSG":  # subject, subscription, [where to reply to,] bytes
                size = int(words[-1])
                if len(rest) < size + len("\r\n"):
                    return
                self.take(rest[:size])
                rest = rest[size + len("\r\n"):]
            elif word.upper() == b"PING":
                self.socket.sendall(b"PONG\r\n")
            elif word.upper() == b"-ERR":
                logging.warning("the broker says: %s", line.decode(errors="replace"))
            self.came = rest

    def read(self):
        data = self.socket.recv(1 << 20)
        if not data:
            raise ConnectionError("it has closed the connection")
        self.came += data
        self.heard = time.monotonic()

    def disconnect(self):
        if self.socket:
            self.socket.close()
            self.socket = None


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    bus.main(sys.argv[1], Nats(sys.argv[2]), sys.argv[2])

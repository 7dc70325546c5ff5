"""A peer on a broker, for the hosts beside this file: what goes to whom and when, whichever broker
it is. All hear patches and pings; a request, and what it brings, goes to one peer alone.

A broker is an object with these:

    max_bytes               of one message
    errors                  what it raises when the connection is lost
    connect(peer, take)     connects, and hears what goes to all and to this peer
    hear(peer)              hears what goes to this peer, too: the database took a new identity
    publish_patches(page)   to all, kept for those that are away if the broker can
    publish_ping(page)      to all that are there
    send(peer, page)        to this peer
    receive(seconds)        waits for so long, and gives each message that has come to take(page)
    disconnect()            also when it is not connected
"""

import logging
import signal
import time

from replica import Replica, log_to_stderr

POLL_S, PING_S, RECONNECT_S = 0.05, 1, 1
CONNECTED_S = 5  # a peer that was heard of so lately is there


class Bus:
    def __init__(self, replica, broker, address):
        self.replica = replica
        self.broker = broker
        self.address = address
        self.is_stopped = False

    def stop(self, *_):
        self.is_stopped = True

    def run(self):
        is_away = False
        while not self.is_stopped:
            try:
                self.broker.connect(self.replica.one("SELECT replic_peer()"), self.take)
                is_away = False
                self.talk()
            except self.broker.errors as error:
                if not is_away:
                    logging.warning("the broker is away: %s", error)
                is_away = True
            self.broker.disconnect()
            self.replica.status("")
            until = time.monotonic() + RECONNECT_S
            while not self.is_stopped and time.monotonic() < until:
                time.sleep(POLL_S)

    def talk(self):
        """Talks to the others for as long as the broker is there."""
        peer = self.replica.one("SELECT replic_peer()")
        ping_due = 0
        while not self.is_stopped:
            if time.monotonic() >= ping_due:
                ping_due = time.monotonic() + PING_S
                if peer != (peer := self.replica.one("SELECT replic_peer()")):
                    self.broker.hear(peer)
                self.broker.publish_ping(self.replica.ping().encode())
                self.status()
            for page in pages(self.replica.new(), self.broker.max_bytes):
                self.broker.publish_patches(page)
            self.broker.receive(POLL_S)

    def take(self, page):
        """One page has come. It goes to SQLite as bytes: what is not UTF-8 is refused there."""
        count, answers = self.replica.receive_shared(page)
        for peer, messages in answers.items():
            for answer in pages(messages, self.broker.max_bytes):
                self.broker.send(peer, answer)
        if count:
            self.status()

    def status(self):
        there = self.replica.one("SELECT count(*) FROM replic_peers WHERE NOT is_self"
                                 " AND last_message_unix_ms > ?", (time.time() - CONNECTED_S) * 1000)
        self.replica.status(f"{self.address} with {there} other{'' if there == 1 else 's'}")


def pages(messages, max_bytes):
    """Joins messages to pages that the broker takes."""
    page = []
    size = 0
    for data in (message.encode() for message in messages):
        if len(data) > max_bytes:
            logging.warning("a patch of %d bytes is longer than the broker takes: %d", len(data),
                            max_bytes)
            continue
        if page and size + len(data) > max_bytes:
            yield b"\n".join(page)
            page, size = [], 0
        page.append(data)
        size += len(data) + 1
    if page:
        yield b"\n".join(page)


def main(path, broker, address):
    log_to_stderr()
    bus = Bus(Replica(path), broker, address)
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, bus.stop)
    bus.run()
    bus.replica.close()

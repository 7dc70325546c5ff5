"""A peer over UDP, one patch a datagram: python3 udp.py DATABASE PORT HOST:PORT ...

Datagrams get lost, come twice and in any order: replic needs nothing better. REPLIC_LOSS=0.2,0.1,0.1
loses a fifth of what it sends, doubles a tenth and delays a tenth, to see that. What comes from
others than those that are named is not taken. Needs Python only."""

import contextlib
import heapq
import logging
import os
import random
import select
import signal
import socket
import sys
import time

from replica import Replica, log_to_stderr

POLL_S, PING_S, CONNECTED_S = 0.05, 0.5, 5
BURST = 200        # datagrams that are sent, or applied, at a time
MAX_BYTES = 65507  # a datagram holds no more


class Network:
    """The socket, and the faults that are wished for."""

    def __init__(self, port, others, loss, double, delay):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
        self.socket.bind(("127.0.0.1", port))
        self.others = others
        self.loss, self.double, self.delay = loss, double, delay
        self.later = []  # (when, number, bytes, address)
        self.count = 0

    def send(self, text, address):
        data = text.encode()
        if len(data) > MAX_BYTES:
            logging.warning("a patch of %d bytes does not fit a datagram: send it by another way",
                            len(data))
            return
        self.count += 1
        if random.random() < self.loss:
            return
        when = time.monotonic() + (random.random() if random.random() < self.delay else 0)
        for _ in range(2 if random.random() < self.double else 1):
            heapq.heappush(self.later, (when, self.count, data, address))

    def flush(self):
        for _ in range(BURST):  # no more at a time than the other's buffer holds
            if not self.later or self.later[0][0] > time.monotonic():
                return
            _, _, data, address = heapq.heappop(self.later)
            with contextlib.suppress(OSError):  # nobody is there
                self.socket.sendto(data, address)

    def receive(self, seconds):
        """The next datagram of one of the others, as its text and whose it is; or None."""
        while select.select([self.socket], [], [], seconds)[0]:
            with contextlib.suppress(OSError):  # an earlier datagram was not taken
                data, address = self.socket.recvfrom(MAX_BYTES)
                if address in self.others:
                    return data.decode(errors="replace"), address
                logging.warning("refused %d bytes from %s:%d", len(data), *address)
            seconds = 0
        return None


def run(replica, network, stopped):
    next_ping = 0
    heard = {}
    while not stopped:
        for message in replica.new():
            for address in network.others:
                network.send(message, address)
        if time.monotonic() >= next_ping:
            next_ping = time.monotonic() + PING_S
            for address in network.others:
                network.send(replica.ping(), address)
            replica.status(", ".join(sorted(f"{host}:{port}" for (host, port), at in heard.items()
                                            if time.monotonic() - at < CONNECTED_S)))
        network.flush()
        # What has come is applied together: one transaction instead of many.
        texts, seconds = [], POLL_S
        while len(texts) < BURST and (got := network.receive(seconds)):
            seconds = 0
            text, address = got
            heard[address] = time.monotonic()
            if '"type":10' in text[:20]:
                texts.append(text)
                continue
            for answer in replica.receive(text)[1]:
                network.send(answer, address)
        # When one is malformed, the others are taken one by one.
        if len(texts) == 1 or texts and replica.receive("\n".join(texts))[0] is None:
            for text in texts:
                replica.receive(text)


def main(path, port, others):
    log_to_stderr()
    stopped = []
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopped.append(True))
    addresses = [(socket.gethostbyname(host), int(number))
                 for host, number in (other.rsplit(":", 1) for other in others)]
    faults = map(float, os.environ.get("REPLIC_LOSS", "0,0,0").split(","))
    replica = Replica(path)
    run(replica, Network(port, addresses, *faults), stopped)
    replica.close()


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])

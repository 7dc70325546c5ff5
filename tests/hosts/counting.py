"""What stands between two hosts and counts what passes: for the figures in docs/transports.md."""

import select
import socket
import threading


class Counter:
    """Counts bytes and pieces in both directions until it is closed."""

    def __init__(self):
        self.bytes = 0
        self.connections = 0
        self.pieces = []  # what was passed on
        self.closed = False
        self.thread = threading.Thread(target=self.run, daemon=True)

    def reset(self):
        self.bytes, self.connections, self.pieces = 0, 0, []

    def close(self):
        self.closed = True
        self.thread.join()


class CountingProxy(Counter):
    """For TCP: whoever connects to `port` comes to `target_port`."""

    def __init__(self, target_port):
        super().__init__()
        self.target_port = target_port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread.start()

    def run(self):
        ways = {}  # socket -> the one that gets what comes from it
        with self.listener:
            while not self.closed:
                for ready in select.select([self.listener, *ways], [], [], 0.05)[0]:
                    if ready is self.listener:
                        self.connect(ways)
                    elif ready in ways:  # else it was closed just now, with its other half
                        self.pass_on(ready, ways)
        for s in ways:
            s.close()

    def connect(self, ways):
        client = self.listener.accept()[0]
        try:
            server = socket.create_connection(("127.0.0.1", self.target_port))
        except OSError:
            client.close()
            return
        self.connections += 1
        ways[client], ways[server] = server, client

    def pass_on(self, source, ways):
        target = ways[source]
        try:
            data = source.recv(1 << 16)
            target.sendall(data)
        except OSError:
            data = b""
        self.bytes += len(data)
        self.pieces.append(data)
        if not data:
            for s in (source, target):
                del ways[s]
                s.close()


class CountingRelay(Counter):
    """For UDP, between two peers: each of them names its own of `ports` as the other."""

    def __init__(self, *peer_ports):
        super().__init__()
        self.sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in peer_ports]
        for s in self.sockets:
            s.bind(("127.0.0.1", 0))
        self.ports = [s.getsockname()[1] for s in self.sockets]
        self.peer_ports = peer_ports
        self.thread.start()

    def run(self):
        while not self.closed:
            for ready in select.select(self.sockets, [], [], 0.05)[0]:
                data = ready.recv(1 << 16)
                self.bytes += len(data)
                self.pieces.append(data)
                other = 1 - self.sockets.index(ready)
                self.sockets[other].sendto(data, ("127.0.0.1", self.peer_ports[other]))
        for s in self.sockets:
            s.close()

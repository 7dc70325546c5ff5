"""A peer over WebSocket: a full mesh, or hubs with spokes, or both.

    python3 mesh.py DATABASE PORT [ws://HOST:PORT ...]    a mesh: every peer names the others
    python3 mesh.py DATABASE 0 ws://HOST:PORT/spoke       a spoke of one of them, its hub

A mesh sends each patch once over each connection. What a spoke sends goes on to everybody, and what
others send goes on to the spokes. What is lost comes by itself: whoever hears a ping asks for what
it lacks. Needs Debian's python3-websockets."""

import asyncio
import contextlib
import signal
import sys

import websockets

from replica import Replica, frames, log_to_stderr

POLL_S, PING_S, RECONNECT_S = 0.1, 1, 1
OPTIONS = {"max_size": 64 * 1024 * 1024, "close_timeout": 1}


class Mesh:
    def __init__(self, replica):
        self.replica = replica
        self.connections = {}  # connection -> whether it is to a spoke

    async def talk(self, connection, to_spoke):
        """Talks to one other for as long as it is there."""
        self.connections[connection] = to_spoke
        with contextlib.suppress(websockets.ConnectionClosed):
            await connection.send(self.replica.ping())
            async for text in connection:
                count, answers = self.replica.receive(text)
                for frame in frames(answers):
                    await connection.send(frame)
                if count:
                    self.pass_on(text, connection)
                    self.status()
        del self.connections[connection]

    def pass_on(self, text, source):
        from_spoke = self.connections[source]
        websockets.broadcast((c for c, is_spoke in self.connections.items()
                              if c is not source and (from_spoke or is_spoke)), text)

    async def connect(self, address):
        while True:
            with contextlib.suppress(OSError, asyncio.TimeoutError,
                                     websockets.WebSocketException):
                async with websockets.connect(address, **OPTIONS) as connection:
                    await self.talk(connection, to_spoke=False)
            await asyncio.sleep(RECONNECT_S)

    async def listen(self, connection):
        await self.talk(connection, to_spoke=connection.path.endswith("/spoke"))

    async def push(self):
        while True:
            for frame in frames(self.replica.new()):
                websockets.broadcast(self.connections, frame)
            await asyncio.sleep(POLL_S)

    async def ping(self):
        while True:
            websockets.broadcast(self.connections, self.replica.ping())
            self.status()
            await asyncio.sleep(PING_S)

    def status(self):
        self.replica.status(", ".join(sorted(f"{c.remote_address[0]}:{c.remote_address[1]}"
                                             for c in self.connections if c.open)))


async def main(path, port, addresses):
    mesh = Mesh(Replica(path))
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    server = port and await websockets.serve(mesh.listen, "127.0.0.1", port, **OPTIONS)
    tasks = [asyncio.create_task(work)
             for work in [mesh.push(), mesh.ping(), *map(mesh.connect, addresses)]]
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        if task.done():
            task.result()  # it failed: say how
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)  # they say goodbye
    if server:
        server.close()
        await server.wait_closed()
    mesh.replica.close()


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    log_to_stderr()
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))

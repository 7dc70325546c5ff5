"""docs/hosts/mesh.py and mesh.mjs: WebSocket, a full mesh, hubs with spokes, two languages."""

import asyncio
import unittest

import websockets

from hosting import HOSTS, PYTHON, HostTest, free_port, from_npm


def node_program():
    """mesh.mjs beside what it needs from npm."""
    return from_npm(HOSTS, [HOSTS / "mesh.mjs", HOSTS / "replica.mjs"]) / "mesh.mjs"


class MeshTest(HostTest):
    def mesh(self, peers, nodes=()):
        """All connected to all; each connection is opened by one of both."""
        self.ports = [free_port() for _ in peers]
        return [self.member(peer, port, [f"ws://127.0.0.1:{p}" for p in self.ports[:i]],
                            peer.name in nodes)
                for i, (peer, port) in enumerate(zip(peers, self.ports))]

    def member(self, peer, port, addresses, is_node=False):
        program = ["node", node_program()] if is_node else [PYTHON, HOSTS / "mesh.py"]
        return self.start(peer.name, *program, peer.path, port, *addresses)

    def test_a_mesh_of_four_survives(self):
        peers = self.peers("a", "b", "c", "d")
        hosts = self.mesh(peers)
        for peer in peers:
            peer.write(5)
        self.wait_level(peers)
        hosts[0].kill()
        hosts[2].kill()
        for peer in peers:
            peer.write(5)
        hosts[0].start()
        hosts[2].start()
        self.wait_level(peers)
        self.assert_logged(hosts[3], "missing 0, lag")
        self.assert_stops(*hosts)

    def test_python_and_node_in_one_mesh(self):
        peers = self.peers("a", "b", "c", "d")
        hosts = self.mesh(peers, nodes=("b", "d"))
        for peer in peers:
            peer.write(5)
        self.wait_level(peers)
        hosts[1].kill()
        hosts[0].kill()
        for peer in peers:
            peer.write(5)
        hosts[1].start()
        hosts[0].start()
        self.wait_level(peers)
        self.assert_logged(hosts[1], "missing 0, lag")
        self.assert_stops(*hosts)

    def test_hubs_in_a_mesh_with_spokes(self):
        hubs, spokes = self.peers("h1", "h2"), self.peers("s1", "s2", "s3")
        hosts = self.mesh(hubs)
        for i, spoke in enumerate(spokes):
            hosts.append(self.member(spoke, 0, [f"ws://127.0.0.1:{self.ports[i % 2]}/spoke"],
                                     is_node=i == 2))
        for peer in hubs + spokes:
            peer.write(5)
        self.wait_level(hubs + spokes)
        hosts[0].kill()
        for peer in spokes:
            peer.write(5)
        hosts[0].start()
        self.wait_level(hubs + spokes)
        self.assert_stops(*hosts)

    def test_malformed_messages_are_logged(self):
        peers = self.peers("a", "b")
        hosts = self.mesh(peers, nodes=("b",))
        self.wait_until(lambda: all("127.0.0.1:" in h.log().split("connected to ")[-1]
                                    for h in hosts), "no connection")

        async def send_rubbish():
            for port in self.ports:
                async with websockets.connect(f"ws://127.0.0.1:{port}") as connection:
                    for text in ("rubbish", '{"type":10', "", b"\xff\xfe"):
                        await connection.send(text)
                    await connection.recv()
        asyncio.run(send_rubbish())
        peers[1].write(3)
        self.wait_level(peers)
        for host in hosts:
            self.assert_logged(host, "refused")
        self.assert_stops(*hosts)

    def test_a_long_catch_up_shows_its_progress(self):
        peers = self.peers("a", "b", "c")
        peers[0].write_many(200000)
        hosts = self.mesh(peers, nodes=("c",))
        self.assert_logged(hosts[1], r"has \d+ of 2000\d\d", 30)
        self.wait_level(peers, 120)
        self.assert_stops(*hosts)

    def test_it_stops_while_another_says_nothing(self):
        peers = self.peers("a", "b", "c")
        hosts = self.mesh(peers)
        self.wait_level(peers)
        hosts[1].pause()
        self.assert_stops(hosts[0], hosts[2])


if __name__ == "__main__":
    unittest.main()

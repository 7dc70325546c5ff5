"""docs/languages.md: nine runtimes that load the same replic.so write the same tables at once, each
a database of its own. Hosts carry them over four transports; none of these reaches all:

    folder     shell - php
    HTTP       php, ruby, deno - python, the hub
    WebSocket  python - node - tcl
    UDP        node - perl - bun, with loss
"""

import socket
import time
import unittest

from hosting import HOSTS, PYTHON, HostTest, find_program, free_port, from_npm
from runtimes import NAMES, command, program

COUNT = 60          # transactions of a writer
ENDLESS = 100000    # of one that will be killed
BEFORE_A_KILL = 15  # it has written so many
KILLED_WRITERS = ("shell", "node", "perl", "ruby", "bun")
KILLED_HOSTS = [("python", "HTTP"), ("node", "WebSocket"), ("perl", "UDP"), ("shell", "folder")]
SCHEMA = """
CREATE TABLE album(id TEXT PRIMARY KEY, title TEXT NOT NULL UNIQUE,
                   plays INTEGER NOT NULL DEFAULT 0);
CREATE TABLE song(id TEXT PRIMARY KEY, album TEXT NOT NULL REFERENCES album(id),
                  writer TEXT NOT NULL, n INTEGER NOT NULL);
SELECT replic_track('album');
SELECT replic_track('song');
"""


class MixedClusterTest(HostTest):
    def setUp(self):
        super().setUp()
        self.programs = {name: command(name, program(name)) for name in NAMES}
        self.cluster = dict(zip(self.programs,
                                self.peers(*self.programs, schema=SCHEMA, first=None)))

    def host(self, name, program, *arguments, env=None):
        runner = {".sh": "bash", ".mjs": find_program("node"), ".py": PYTHON}[program.suffix]
        return self.start(f"{name}-{program.stem}", runner, program, self.cluster[name].path,
                          *arguments, env=env)

    def start_hosts(self):
        """{(name, transport): the host}."""
        hub, python, node, tcl = (free_port() for _ in range(4))
        addresses = [f"ws://127.0.0.1:{port}" for port in (python, node)]
        mesh = HOSTS / "mesh.py"
        mesh_node = from_npm(HOSTS, [HOSTS / "mesh.mjs", HOSTS / "replica.mjs"]) / "mesh.mjs"
        hosts = {("python", "WebSocket"): self.host("python", mesh, python),
                 ("node", "WebSocket"): self.host("node", mesh_node, node, addresses[0]),
                 ("tcl", "WebSocket"): self.host("tcl", mesh, tcl, *addresses),
                 ("python", "HTTP"): self.host("python", HOSTS / "http_hub.py", hub)}
        for name in ("php", "ruby", "deno"):
            hosts[name, "HTTP"] = self.host(name, HOSTS / "http_spoke.py",
                                            f"http://127.0.0.1:{hub}", 0.5)
        for name in ("shell", "php"):
            hosts[name, "folder"] = self.host(name, HOSTS / "folder.sh", self.folder / "shared", 0.5)
        ports = {name: free_port(socket.SOCK_DGRAM) for name in ("node", "perl", "bun")}
        for name in ports:
            hosts[name, "UDP"] = self.host(
                name, HOSTS / "udp.py", ports[name],
                *(f"localhost:{port}" for other, port in ports.items() if other != name),
                env={"REPLIC_LOSS": "0.1,0.1,0.1"})
        return hosts

    def writer(self, name, count=COUNT):
        writer = self.start(f"{name}-writer", *self.programs[name], self.cluster[name].path, count)
        writer.is_wanted = False  # it ends when it has written
        return writer

    def assert_wrote(self, name, writer):
        self.wait_until(writer.has_ended, f"{name} is not ready")
        self.assertEqual(writer.process.returncode, 0, f"{name}: {writer.log()[-2000:]}")
        self.assertRegex(writer.log(), rf"(?m)^[\w.]+: {COUNT} transactions, SQLite 3\.\d+\.\d+$")

    def test_nine_runtimes_and_four_transports(self):
        hosts = self.start_hosts()
        writers = {name: self.writer(name, ENDLESS if name in KILLED_WRITERS else COUNT)
                   for name in self.programs}
        for name in KILLED_WRITERS:
            self.wait_until(lambda peer=self.cluster[name]: peer.one(
                "SELECT coalesce(max(last_seq), 0) FROM replic_peers WHERE is_self")
                > 2 * BEFORE_A_KILL, f"{name} does not write")
            self.assertFalse(writers[name].has_ended(), f"{name}: {writers[name].log()}")
            writers[name].kill()
        for key in KILLED_HOSTS:
            hosts[key].kill()
        for name in KILLED_WRITERS:
            writers[name] = self.writer(name)
        time.sleep(1)
        for key in KILLED_HOSTS:
            hosts[key].start()
        for name, writer in writers.items():
            self.assert_wrote(name, writer)
        self.assert_level()
        for (name, transport), host in hosts.items():
            self.assertIn("missing 0, lag", host.log(), f"{name}, {transport}")
        self.assert_stops(*hosts.values())
        self.assert_closed(self.cluster.values())

    def assert_level(self):
        """All have all that anybody wrote, show the same, and say the same of what is parked."""
        peers = list(self.cluster.values())
        self.wait_level(peers)
        self.assertEqual(len({peer.digest() for peer in peers}), 1)
        last = peers[0].run("SELECT last_seq FROM replic_peers")
        self.assertEqual(len(last), len(peers))
        self.assertGreater(min(last)[0], 2 * COUNT)  # a song and a play in each transaction
        titles = peers[0].run("SELECT title FROM album")
        self.assertGreater(len(titles), 1)
        self.assertEqual(len(titles), len(set(titles)))
        parked = {tuple(peer.run("SELECT tab, peer, seq, reason FROM replic_pending ORDER BY 2, 3, 1"))
                  for peer in peers}
        self.assertEqual(len(parked), 1)
        reasons = {reason for _, _, _, reason in parked.pop()}
        print(f"\n{len(titles)} albums, {peers[0].one('SELECT count(*) FROM song')} songs,"
              f" parked by {', '.join(sorted(reasons)) or 'none'}", flush=True)


if __name__ == "__main__":
    unittest.main()

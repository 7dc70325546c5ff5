"""docs/hosts/folder.sh: peers that exchange files in a folder, by the sqlite3 shell alone."""

import subprocess
import unittest

from hosting import HOSTS, SO, HostTest


class FolderTest(HostTest):
    def run_host(self, peer, folder=None):
        done = subprocess.run(["bash", HOSTS / "folder.sh", peer.path, folder or self.shared],
                              env={"PATH": "/usr/bin:/bin", "REPLIC": str(SO.with_suffix(""))},
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        return done.stderr

    def setUp(self):
        super().setUp()
        self.shared = self.folder / "shared 'folder'"

    def rounds(self, peers, count=2):
        return [self.run_host(peer) for _ in range(count) for peer in peers]

    def test_three_peers_become_level(self):
        peers = self.peers("a", "b", "c")
        for peer in peers:
            peer.write(10)
        self.rounds(peers, 3)
        self.wait_level(peers, 1)
        self.assertEqual(peers[2].one("SELECT count(*) FROM note"), 31)

    def test_what_is_damaged_or_lost_comes_again(self):
        a, b = peers = self.peers("a", "b")
        self.rounds(peers)
        a.write(5)
        self.run_host(a)
        [bundle] = self.shared.glob(f"{a.one('SELECT replic_peer()')}-to-*.bundle")
        whole = bundle.read_bytes()
        bundle.write_bytes(whole[:-9])
        self.assertIn("refused", self.run_host(b))
        bundle.unlink()
        for vector in self.shared.glob("*.vector"):
            vector.write_text("{ not JSON")
        log = "".join(self.rounds(peers, 3))
        self.assertIn(".vector, it will come again", log)
        self.wait_level(peers, 1)

    def test_a_long_catch_up_and_a_restored_folder(self):
        a, b = peers = self.peers("a", "b")
        a.write_many(20000)
        self.rounds(peers)
        self.wait_level(peers, 1)
        for file in self.shared.iterdir():
            file.unlink()
        b.write(3)
        self.rounds(peers)
        self.wait_level(peers, 1)

    def test_the_last_line_tells_how_it_stands(self):
        [a] = self.peers("a")
        self.assertRegex(self.run_host(a), r"knows 0 others; missing 0, lag 0 ms, parked 0\n$")


if __name__ == "__main__":
    unittest.main()

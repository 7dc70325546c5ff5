"""docs/hosts/folder.sh: peers that exchange files in a folder, by the sqlite3 shell alone."""

import os
import shutil
import subprocess
import time
import unittest

from hosting import HOSTS, SO, HostTest, Peer

PROGRAM = HOSTS / "folder.sh"


class FolderTest(HostTest):
    def setUp(self):
        super().setUp()
        self.shared = self.folder / "shared 'folder'"

    def run_host(self, peer, folder=None, page_bytes=None):
        env = {"PATH": "/usr/bin:/bin", "REPLIC": str(SO.with_suffix(""))}
        if page_bytes:
            env["REPLIC_PAGE"] = str(page_bytes)
        done = subprocess.run(["bash", PROGRAM, peer.path, folder or self.shared], env=env,
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        return done.stderr

    def rounds(self, peers, count=3, page_bytes=None):
        return [self.run_host(peer, page_bytes=page_bytes) for _ in range(count) for peer in peers]

    def test_three_peers_become_level(self):
        peers = self.peers("a", "b", "c")
        for peer in peers:
            peer.write(10)
        self.rounds(peers)
        self.wait_level(peers, 1)
        self.assertEqual(peers[2].one("SELECT count(*) FROM note"), 31)

    def test_a_write_takes_one_run_on_each_side(self):
        a, b = peers = self.peers("a", "b")
        self.rounds(peers)
        a.write(5)
        self.run_host(a)
        self.run_host(a)
        self.run_host(b)
        self.wait_level(peers, 1)

    def test_peers_that_run_more_often_than_others_do_not_starve_them(self):
        a, b = peers = self.peers("a", "b")
        for _ in range(4):
            a.write(2)
            b.write(2)
            self.run_host(a)
            self.run_host(a)
            self.run_host(a)
            self.run_host(b)
        self.run_host(a)
        self.run_host(b)
        self.wait_level(peers, 1)

    def test_what_is_damaged_or_lost_comes_again(self):
        a, b = peers = self.peers("a", "b")
        self.rounds(peers)
        a.write(5)
        self.run_host(a)
        [bundle] = self.shared.glob(f"{a.one('SELECT replic_peer()')}-to-*.bundle")
        whole = bundle.read_bytes()
        bundle.write_bytes(whole[:-9])
        self.assertRegex(self.run_host(b), r"refused .*\.bundle, it will come again: .*E_BUNDLE")
        for file in self.shared.glob("*.bundle"):
            file.unlink()
        for file in self.shared.glob("*.opening"):
            file.write_text("not a bundle")
        log = "".join(self.rounds(peers))
        self.assertIn(".opening, it will come again", log)
        self.wait_level(peers, 1)

    def test_files_with_strange_names_are_left_alone(self):
        peers = self.peers("a", "b")
        self.shared.mkdir()
        for name in ("x'); DROP TABLE note; --.opening", "12 3.opening", ".opening", "readme.txt"):
            (self.shared / name).write_text("rubbish")
        peers[0].write(3)
        log = "".join(self.rounds(peers))
        self.assertNotIn("refused", log)
        self.wait_level(peers, 1)

    def test_a_long_catch_up_goes_page_by_page_and_shows_its_progress(self):
        a, b = peers = self.peers("a", "b")
        a.write_many(20000)
        log = "".join(self.rounds(peers, 14, page_bytes=50000))
        self.assertRegex(log, r"missing \d+, has \d+ of 2000\d, lag \d+ ms")
        self.assertRegex(log.splitlines()[-1], r"missing 0, lag 0 ms, parked 0$")
        self.wait_level(peers, 1)

    def test_a_folder_that_was_emptied(self):
        peers = self.peers("a", "b")
        peers[0].write_many(20000)
        self.rounds(peers)
        self.wait_level(peers, 1)
        for file in self.shared.iterdir():
            file.unlink()
        peers[1].write(3)
        self.rounds(peers)
        self.wait_level(peers, 1)

    def test_a_memory_stick_that_is_carried(self):
        """Each machine has its own folder; a stick takes the newer files, with their old times."""
        peers = self.peers("a", "b", "c")
        folders = [self.folder / f"disk-{peer.name}" for peer in peers]
        stick = self.folder / "stick"
        for lap in range(4):
            for peer, folder in zip(peers, folders):
                if lap == 0:
                    peer.write(5)
                self.run_host(peer, folder)
                me = peer.one("SELECT replic_peer()")
                stick.mkdir(exist_ok=True)
                for file in [*folder.glob(f"{me}.opening"), *folder.glob(f"{me}-to-*")]:
                    shutil.copyfile(file, stick / file.name)
                    os.utime(stick / file.name, (1.7e9, 1.7e9))
                for file in stick.iterdir():
                    if not file.name.startswith(str(me)):
                        shutil.copy2(file, folder / file.name)
                self.run_host(peer, folder)
        self.wait_level(peers, 1)

    def test_a_copied_database_takes_a_new_identity(self):
        a, c = peers = self.peers("a", "c")
        self.rounds(peers)
        shutil.copyfile(a.path, self.folder / "copy.db")
        copy = Peer(self.folder, "copy", schema="")
        a.write(3)
        copy.write(2)
        log = "".join(self.rounds([a, copy, c], 6))
        self.assertIn("had its identity", log)
        self.wait_level([a, copy, c], 1)
        self.assertEqual(c.one("SELECT count(*) FROM note WHERE id LIKE 'a-%'"), 3)
        self.assertEqual(c.one("SELECT count(*) FROM note WHERE id LIKE 'copy-%'"), 2)

    def test_kill_at_any_moment_and_ctrl_c(self):
        peers = self.peers("a", "b")
        peers[0].write_many(20000)
        hosts = [self.start(p.name, "bash", PROGRAM, p.path, self.shared, "0.1") for p in peers]
        for pause_s in (0.05, 0.3, 0.5, 0.2, 0.4, 0.1):
            for host in hosts:
                time.sleep(pause_s)
                host.kill()
                host.start()
            peers[1].write(1)
        self.wait_level(peers)
        self.assert_logged(hosts[0], "knows 1 others; missing 0, lag")
        self.assert_stops(*hosts)
        self.assert_closed(peers)

    def test_one_run_at_a_time(self):
        [a] = self.peers("a")
        host = self.start("a", "bash", PROGRAM, a.path, self.shared, "30")
        self.assert_logged(host, "knows 0 others")
        self.assertIn("another run is at work", self.run_host(a))
        self.assert_stops(host)
        self.assertRegex(self.run_host(a), r"knows 0 others; missing 0, lag 0 ms, parked 0\n$")

    def test_what_is_wrong_with_its_call_is_told(self):
        done = subprocess.run(["bash", PROGRAM], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("folder.sh DATABASE FOLDER", done.stderr)


if __name__ == "__main__":
    unittest.main()

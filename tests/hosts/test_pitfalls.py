"""What docs/transports.md says of all hosts, under "What is the same for all"."""

import sqlite3
import unittest

from hosting import HostTest


class PitfallsTest(HostTest):
    def setUp(self):
        super().setUp()
        self.a, self.b = self.peers("a", "b")

    def test_a_transaction_that_has_read_cannot_write_after_another_connection(self):
        self.b.write(1)
        [(message,)] = self.b.run("SELECT json_group_array(json(message)) FROM replic_changes")
        with self.a.connected() as db:  # its timeout is 20 seconds
            db.execute("BEGIN")
            db.execute("SELECT * FROM note").fetchall()
            self.a.write(1)
            with self.assertRaisesRegex(sqlite3.OperationalError, "locked") as caught:
                db.execute("SELECT replic_apply(?)", (message,)).fetchone()
            self.assertEqual(caught.exception.sqlite_errorcode & 0xFF, sqlite3.SQLITE_BUSY)
            db.execute("ROLLBACK")
            db.execute("BEGIN IMMEDIATE")
            self.assertGreater(db.execute("SELECT replic_apply(?)", (message,)).fetchone()[0], 0)
            db.execute("COMMIT")

    def test_what_is_committed_between_changes_and_vector_comes_by_a_ping(self):
        with self.a.connected() as db:
            def push(sent, meanwhile):
                messages = [m for (m,) in
                            db.execute("SELECT message FROM replic_changes(?)", (sent,)).fetchall()]
                meanwhile()
                return messages, db.execute("SELECT replic_vector()").fetchone()[0]
            messages, sent = push("{}", lambda: self.a.write(2))
            self.b.one("SELECT replic_apply(?)", "\n".join(messages))
            self.a.write(1)
            messages, sent = push(sent, lambda: None)
            self.b.one("SELECT replic_apply(?)", "\n".join(messages))
        self.assertLess(self.b.one("SELECT count(*) FROM note"), 4)
        for question in self.b.run("SELECT message FROM replic_answer(?)",
                                   self.a.one("SELECT replic_ping()")):
            for answer in self.a.run("SELECT message FROM replic_answer(?)", *question):
                self.b.one("SELECT replic_apply(?)", *answer)
        self.assertEqual(self.b.one("SELECT count(*) FROM note"), 4)
        self.wait_level([self.a, self.b], 0)


if __name__ == "__main__":
    unittest.main()

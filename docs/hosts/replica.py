"""One replicated database, for the Python hosts beside this file: what is new in it, what comes in
from others, and how it stands. The extension is $REPLIC, or ./replic."""

import logging
import os
import sqlite3
import time

FRAME_BYTES = 256 * 1024  # of messages that travel together; a single one may be longer


class Replica:
    def __init__(self, path, threads=False):
        self.db = sqlite3.connect(path, timeout=10, isolation_level=None,
                                  check_same_thread=not threads)
        self.db.enable_load_extension(True)
        self.db.load_extension(os.environ.get("REPLIC", "./replic"))
        self.db.enable_load_extension(False)
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=NORMAL")
        self.ping()  # takes an identity, when there is none yet
        self.sent = self.one("SELECT replic_vector()")
        self.version = None
        self.told = (None, 0.0)

    def one(self, sql, *arguments):
        return self.db.execute(sql, arguments).fetchone()[0]

    def ping(self):
        return self.one("SELECT replic_ping()")

    def new(self, own_only=True):
        """The messages of what was committed since the last call, by any connection to the file."""
        version = self.one("PRAGMA data_version")
        if version == self.version:
            return []
        self.db.execute("BEGIN")  # both answers are of one moment
        try:
            where = "WHERE peer = replic_peer()" if own_only else ""
            rows = self.db.execute(f"SELECT message FROM replic_changes(?) {where}",
                                   (self.sent,)).fetchall()
            self.sent = self.one("SELECT replic_vector()")
        finally:
            self.db.execute("COMMIT")
        self.version = version
        return [message for (message,) in rows]

    def receive(self, messages):
        """Takes messages in, as one text. Returns how many patches were new, and the answers. What
        is malformed is logged, and changes nothing; what could not be written comes again. The
        count is then None."""
        count, answers = self.receive_shared(messages)
        return count, [message for of_one in answers.values() for message in of_one]

    def receive_shared(self, messages):
        """The same for a channel that many share: the answers by the peer that they are for."""
        answers = {}
        try:
            count = self.one("SELECT replic_apply(?)", messages)
            for peer, message in self.db.execute("SELECT peer, message FROM replic_answer(?)",
                                                 (messages,)).fetchall():
                answers.setdefault(peer, []).append(message)
            return count, answers
        except (sqlite3.Error, UnicodeError, ValueError) as error:
            logging.warning("refused %.60r: %s", messages, error)
            return None, {}

    def status(self, connected):
        """Logs a line when anything has changed, once a second at most; in a catch-up more often."""
        have, known, missing, lag = self.db.execute(
            "SELECT coalesce(sum(contiguous_seq), 0), coalesce(sum(last_seq), 0),"
            " coalesce(sum(missing), 0), coalesce(max(lag_ms), 0) FROM replic_peers").fetchone()
        parked = self.one("SELECT count(*) FROM replic_pending")
        now = (connected, have, known, missing, parked)
        if now == self.told[0] or time.monotonic() - self.told[1] < (0.2 if missing else 1):
            return
        self.told = (now, time.monotonic())
        progress = f", has {have} of {known}" if missing else ""
        logging.info("connected to %s; missing %d%s, lag %d ms, parked %d",
                     connected or "nobody", missing, progress, lag, parked)

    def close(self):
        self.db.close()


def frames(messages):
    """Joins messages to texts of about FRAME_BYTES."""
    frame, size = [], 0
    for message in messages:
        if frame and size + len(message) > FRAME_BYTES:
            yield "\n".join(frame)
            frame, size = [], 0
        frame.append(message)
        size += len(message)
    if frame:
        yield "\n".join(frame)


def log_to_stderr():
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.INFO)

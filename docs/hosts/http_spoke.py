"""A spoke of a star over HTTP: python3 http_spoke.py DATABASE http://HUB:PORT [SECONDS]

Every SECONDS (2), and at once when the database was written, it levels with the hub: replic_sync is
the whole protocol. While the hub is away it goes on without it. Needs Python only."""

import http.client
import logging
import signal
import sqlite3
import sys
import time
import urllib.error
import urllib.request

from replica import Replica, log_to_stderr

PAGE_BYTES = 64 * 1024  # of one request, about
POLL_S = 0.1


def post(hub, body, peer):
    request = urllib.request.Request(hub + "/sync", data=body, headers={"X-Peer": str(peer)})
    with urllib.request.urlopen(request, timeout=30) as response:
        return response.read()  # empty when there is nothing to say


def sync(replica, hub):
    """Levels with the hub, page by page."""
    connected = ""
    try:
        peer = replica.one("SELECT replic_peer()")
        page = replica.one("SELECT replic_sync()")
        while page:
            answer = post(hub, page, peer)
            page = replica.one("SELECT replic_sync(?, ?)", answer, PAGE_BYTES) if answer else None
            connected = hub
            replica.status(connected)
    except urllib.error.HTTPError as error:
        logging.warning("the hub refused: %s", error.read(500).decode(errors="replace").strip())
    except (OSError, http.client.HTTPException) as error:
        logging.warning("the hub is away: %s", error)
    except sqlite3.Error as error:  # a damaged answer, a lock that lasted: it comes again
        logging.warning("refused what the hub sent: %s", error)
    replica.status(connected)


def run(replica, hub, seconds):
    due = 0
    version = None
    while True:
        now = replica.one("PRAGMA data_version")
        if time.monotonic() >= due or now != version:
            sync(replica, hub)
            version = now  # what was written meanwhile goes at once, too
            due = time.monotonic() + seconds
        time.sleep(POLL_S)


def main(path, hub, seconds):
    log_to_stderr()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.default_int_handler)
    replica = Replica(path)
    try:
        run(replica, hub.rstrip("/"), seconds)
    except KeyboardInterrupt:
        pass
    finally:
        replica.close()


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]) if len(sys.argv) > 3 else 2)

"""The hub of a star over HTTP: python3 http_hub.py DATABASE PORT

Each spoke posts what replic_sync gives to /sync, and gets the answer. The hub is a peer too, and by
it the patches of one spoke come to all others. GET /status tells how it stands. Needs Python only.
It listens on loopback: encryption and passwords are the business of the web server before it."""

import http.server
import logging
import signal
import sqlite3
import sys
import threading
import time

from replica import Replica, log_to_stderr

MAX_BYTES = 256 * 1024 * 1024  # of one request
PAGE_BYTES = 64 * 1024         # of one answer, about
CONNECTED_S = 10               # a spoke that came within this time counts as connected


class Hub(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port, replica):
        super().__init__(("127.0.0.1", port), Handler)
        self.replica = replica
        self.lock = threading.Lock()  # one connection to the database, many to the spokes
        self.spokes = {}              # name -> when it came last

    def sync(self, body, spoke):
        with self.lock:
            answer = self.replica.one("SELECT replic_sync(?, ?)", body, PAGE_BYTES)
            self.spokes[spoke] = time.monotonic()
            return answer

    def status(self):
        with self.lock:
            return self.replica.one("SELECT replic_status()").encode()

    def service_actions(self):  # of serve_forever, after each request and now and then
        with self.lock:
            oldest = time.monotonic() - CONNECTED_S
            self.spokes = {name: at for name, at in self.spokes.items() if at > oldest}
            self.replica.status(", ".join(sorted(self.spokes)))

    def handle_error(self, request, client_address):
        logging.warning("%s: %s", client_address[0], sys.exc_info()[1])  # it went away


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds for which a connection may be silent

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if self.path != "/sync" or not length.isdecimal() or int(length) > MAX_BYTES:
            self.close_connection = True  # the body is not read
            return self.reply(404 if self.path != "/sync" else 413, b"POST /sync, with a bundle\n")
        body = self.rfile.read(int(length))
        spoke = self.headers.get("X-Peer", self.client_address[0])[:40]
        try:
            answer = self.server.sync(body, spoke)
        except sqlite3.Error as error:
            logging.warning("refused %d bytes from %s: %s", len(body), spoke, error)
            malformed = str(error).startswith("replic: E_BUNDLE")  # else a lock, a full disk
            return self.reply(400 if malformed else 503, f"{error}\n".encode())
        return self.reply(200, answer) if answer else self.reply(204, b"")

    def do_GET(self):
        if self.path != "/status":
            return self.reply(404, b"GET /status\n")
        return self.reply(200, self.server.status(), "application/json")

    def reply(self, code, body, kind="application/octet-stream"):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        if code != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass  # the status line says enough


def main(path, port):
    log_to_stderr()
    hub = Hub(port, Replica(path, threads=True))
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: threading.Thread(target=hub.shutdown).start())
    hub.serve_forever(poll_interval=0.1)
    with hub.lock:
        hub.replica.close()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], int(sys.argv[2]))

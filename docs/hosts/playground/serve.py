"""A page on which three peers of one table are edited side by side, cut off and reconnected:

    python3 docs/hosts/playground/serve.py build/replic.so [PORT]

Open the address that it prints in a browser. Needs Python only, and listens on loopback. The three
database files stand in a folder that is removed at the end."""

import contextlib
import http.server
import json
import os
import pathlib
import signal
import sqlite3
import sys
import tempfile
import threading

from cluster import Cluster

HERE = pathlib.Path(__file__).resolve().parent
FILES = {"/": ("index.html", "text/html"),
         **{f"/{path.name}": (path.name, kind)
            for ending, kind in (("css", "text/css"), ("js", "text/javascript"),
                                 ("svg", "image/svg+xml"))
            for path in HERE.glob(f"*.{ending}")}}
MAX_BYTES = 16 * 1024  # of a request
REFUSED = (sqlite3.Error, ValueError, LookupError, TypeError, OverflowError, RecursionError)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if not self.is_ours():
            return self.reply(403, b"This page is for this machine alone.")
        if self.path == "/events":
            return self.events()
        if self.path not in FILES:
            return self.reply(404, b"There is nothing here.")
        name, kind = FILES[self.path]
        self.reply(200, (HERE / name).read_bytes(), kind)

    def events(self):
        self.reply(200, b"retry: 1000\n\n", "text/event-stream")
        count = 0
        with contextlib.suppress(OSError, sqlite3.Error):  # the page or the cluster is closed
            while True:
                count, state = self.server.cluster.state_after(count)
                self.wfile.write(f"data: {json.dumps(state)}\n\n".encode())

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not self.is_ours() or self.headers.get("Content-Type") != "application/json":
            return self.reply(403, b"This page is for this machine alone.")
        if not length.isdecimal() or int(length) > MAX_BYTES:
            return self.reply(413, b"This is too long.")
        try:
            self.server.cluster.act(json.loads(self.rfile.read(int(length))))
        except REFUSED as error:
            return self.reply(400, f"{error}".encode(errors="replace"))
        self.reply(204)

    def is_ours(self):  # not a page of elsewhere, under a name that leads here
        return self.headers.get("Host", "").rsplit(":", 1)[0] in ("127.0.0.1", "localhost")

    def reply(self, code, body=b"", kind="text/plain"):
        self.send_response(code)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Security-Policy", "default-src 'self'")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main(extension, port="0"):
    if not pathlib.Path(extension).is_file():
        sys.exit(f"There is no {extension}: make build makes build/replic.so.")
    if not hasattr(sqlite3.Connection, "enable_load_extension"):
        sys.exit("This Python cannot load extensions into SQLite; /usr/bin/python3 can, on Debian.")
    os.environ["REPLIC"] = str(pathlib.Path(extension).resolve().with_suffix(""))
    stopped = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopped.set())
    with tempfile.TemporaryDirectory(prefix="replic-playground-") as folder:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
        server.cluster = cluster = Cluster(folder)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"Open http://127.0.0.1:{server.server_port}/ in a browser; Ctrl-C ends.", flush=True)
        while not stopped.wait(0.05):
            try:
                cluster.step()
            except sqlite3.Error as error:  # another program holds a file for long, for instance
                print(error, file=sys.stderr)
        cluster.close()


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])

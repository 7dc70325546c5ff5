"""Writes COUNT transactions: /usr/bin/python3 python.py DATABASE COUNT"""

import os
import sqlite3
import sys
import time

path, count = sys.argv[1], int(sys.argv[2])

db = sqlite3.connect(path, timeout=10, isolation_level=None)
db.enable_load_extension(True)
db.load_extension(os.environ["REPLIC"])
db.enable_load_extension(False)
db.execute("PRAGMA foreign_keys = ON")

for n in range(1, count + 1):
    album, emptied = f"Album {n % 10}", f"Album {(n + 5) % 10}"
    db.execute("BEGIN IMMEDIATE")
    db.execute("INSERT INTO album(id, title) VALUES (lower(hex(randomblob(8))), ?)"
               " ON CONFLICT(title) DO NOTHING", (album,))
    db.execute("INSERT INTO song SELECT lower(hex(randomblob(8))), id, 'Python', ? FROM album"
               " WHERE title = ?", (n, album))
    db.execute("UPDATE album SET plays = plays + 1 WHERE title = ?", (album,))
    db.execute("DELETE FROM song WHERE writer = 'Python' AND n = ?", (n - 5,))
    db.execute("DELETE FROM album WHERE title = ? AND id NOT IN (SELECT album FROM song)",
               (emptied,))
    db.execute("COMMIT")
    time.sleep(0.02)  # others write this file, too

db.close()
print(f"Python: {count} transactions, SQLite {sqlite3.sqlite_version}")

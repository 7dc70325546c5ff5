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


def title(n):
    return f"Best of {n}" if n % 20 == 0 else f"Python {n}"


for n in range(1, count + 1):
    db.execute("BEGIN IMMEDIATE")
    db.execute("INSERT INTO album(id, title) VALUES (lower(hex(randomblob(8))), ?)"
               " ON CONFLICT(title) DO NOTHING", (title(n),))
    db.execute("INSERT INTO song SELECT lower(hex(randomblob(8))), id, 'Python', ? FROM album"
               " WHERE title = ?", (n, title(n)))
    db.execute("UPDATE album SET plays = plays + 1 WHERE title = ?", (title(n),))
    db.execute("DELETE FROM song WHERE writer = 'Python' AND n = ?", (n - 5,))
    db.execute("DELETE FROM album WHERE title = ? AND id NOT IN (SELECT album FROM song)",
               (title(n - 10),))
    db.execute("COMMIT")
    time.sleep(0.02)  # others write this file, too

db.close()
print(f"Python: {count} transactions, SQLite {sqlite3.sqlite_version}")

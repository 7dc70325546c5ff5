"""Writes values of each type, and prints what it reads: /usr/bin/python3 python_values.py DATABASE"""

import os
import sqlite3
import sys

db = sqlite3.connect(sys.argv[1], timeout=10, isolation_level=None)
db.enable_load_extension(True)
db.load_extension(os.environ["REPLIC"])

VALUES = {"small": 5, "big": 2**53 + 1, "float": 0.5, "text": "ä🙂", "zero": "a\0b",
          "blob": b"\0\xff"}
db.executemany("INSERT INTO value VALUES (?, ?)", VALUES.items())

for name, value in db.execute("SELECT name, v FROM value ORDER BY name"):
    print(name, len(value) if name in ("text", "zero", "blob") else value)

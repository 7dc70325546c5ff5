#!/bin/sh
# Writes COUNT transactions: sh shell.sh DATABASE COUNT
set -eu

database=$1 count=$2

sql() { sqlite3 -batch -bail -init /dev/null -cmd ".load '$REPLIC'" "$database"; }

{
  echo '.timeout 10000'
  echo 'PRAGMA foreign_keys = ON;'
  for n in $(seq "$count"); do
    album="Album $((n % 10))" emptied="Album $(((n + 5) % 10))"
    cat << SQL
BEGIN IMMEDIATE;
INSERT INTO album(id, title) VALUES (lower(hex(randomblob(8))), '$album')
  ON CONFLICT(title) DO NOTHING;
INSERT INTO song SELECT lower(hex(randomblob(8))), id, 'Shell', $n FROM album WHERE title = '$album';
UPDATE album SET plays = plays + 1 WHERE title = '$album';
DELETE FROM song WHERE writer = 'Shell' AND n = $n - 5;
DELETE FROM album WHERE title = '$emptied' AND id NOT IN (SELECT album FROM song);
COMMIT;
SQL
    sleep 0.02 # others write this file, too
  done
  echo "SELECT 'Shell: $count transactions, SQLite ' || sqlite_version();"
} | sql

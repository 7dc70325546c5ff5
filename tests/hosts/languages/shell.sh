#!/bin/sh
# Writes COUNT transactions: sh shell.sh DATABASE COUNT     (sqlite3)
set -eu

database=$1 count=$2

sql() {
  sqlite3 -batch -bail -init /dev/null -cmd '.timeout 10000' -cmd ".load '$REPLIC'" "$database"
}

title() { [ $(($1 % 20)) -eq 0 ] && echo "Best of $1" || echo "Shell $1"; }

for n in $(seq "$count"); do
  title=$(title "$n")
  sql << SQL
PRAGMA foreign_keys = ON;
BEGIN IMMEDIATE;
INSERT INTO album(id, title) VALUES (lower(hex(randomblob(8))), '$title')
  ON CONFLICT(title) DO NOTHING;
INSERT INTO song SELECT lower(hex(randomblob(8))), id, 'Shell', $n FROM album
  WHERE title = '$title';
UPDATE album SET plays = plays + 1 WHERE title = '$title';
DELETE FROM song WHERE writer = 'Shell' AND n = $n - 5;
DELETE FROM album WHERE title = '$(title $((n - 10)))' AND id NOT IN (SELECT album FROM song);
COMMIT;
SQL
  sleep 0.02 # others write this file, too
done

echo "Shell: $count transactions, SQLite $(echo 'SELECT sqlite_version();' | sql)"

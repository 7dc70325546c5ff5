#!/bin/sh
# Writes values of each type, and prints what it reads: sh shell_values.sh DATABASE
set -eu

sqlite3 -batch -bail -init /dev/null -cmd '.timeout 10000' -cmd ".load '$REPLIC'" "$1" << 'SQL'
INSERT INTO value VALUES ('small', 5), ('big', 9007199254740993), ('float', 0.5), ('text', 'ä🙂'),
  ('zero', char(97, 0, 98)), ('blob', x'00ff');
.separator ' '
SELECT name, v FROM value ORDER BY name;
SQL

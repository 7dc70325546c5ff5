#!/bin/sh
# Runs an SQL script through the sqlite3 shell and compares everything that it prints.
#
#   tests/script/run.sh build/replic.so tests/script/NAME.sql [tests/script/NAME.expected]
#   UPDATE=1 tests/script/run.sh ...      writes the expected output anew: read its diff
#
# The script runs in an empty folder of its own, so it may `.open` any file name, and begins with
#   .load ./replic
# once for each connection. Errors do not stop it: they are part of the output, standard error in
# its place among the rest. Put `.echo on` on top to have the statements in the output as well.
set -eu

if [ $# -lt 2 ]; then
  echo "usage: $0 REPLIC_SO SCRIPT [EXPECTED]" >&2
  exit 2
fi
extension=$(realpath "$1")
script=$(realpath "$2")
expected=$(realpath -m "${3:-${script%.sql}.expected}")

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/run"
cd "$scratch/run"
ln -s "$extension" replic.so

# HOME: no ~/.sqliterc. stdbuf: lines of standard output and standard error in the order in which
# they were written. REPLIC_PRELOAD is the sanitizer's run time, when replic.so was built with one.
status=0
HOME=$scratch LD_PRELOAD=${REPLIC_PRELOAD:-} stdbuf -oL -eL \
  sqlite3 -batch < "$script" > "$scratch/actual" 2>&1 || status=$?
if [ "$status" -gt 128 ]; then
  cat "$scratch/actual"
  echo "the shell was ended by signal $((status - 128))" >&2
  exit 1
fi

if [ -n "${UPDATE:-}" ]; then
  cp "$scratch/actual" "$expected"
  echo "written: $expected"
elif [ ! -f "$expected" ]; then
  cat "$scratch/actual"
  echo "there is no $expected; is the above right? Then run again with UPDATE=1" >&2
  exit 1
elif ! diff -u --label expected --label actual "$expected" "$scratch/actual"; then
  echo "if the change is meant: UPDATE=1 $0 $1 $2 $expected" >&2
  exit 1
fi

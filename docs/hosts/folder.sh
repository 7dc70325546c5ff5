#!/usr/bin/env bash
# Peers that exchange files in a folder, with the sqlite3 shell alone:
#
#   folder.sh DATABASE FOLDER       the extension is $REPLIC, or ./replic
#
# The folder may be a shared disk, a memory stick, or kept the same by rsync. Run it now and then,
# from cron for instance:
#
#   */5 * * * * REPLIC=/usr/local/lib/sqlite3/replic folder.sh app.db /mnt/shared
#
# Each peer keeps ME.vector there, which says what it has, and for each other one
# ME-to-OTHER.bundle with what that one lacks. Whatever is lost, torn or old does no harm: the next
# run makes it again.
set -eu

[ $# -eq 2 ] || { sed -n '2,13s/^# \{0,1\}//p' "$0" >&2; exit 2; }
database=$1
folder=$2
extension=${REPLIC:-./replic}
umask 022

say() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*" >&2; }
quote() { printf '%s' "$1" | sed "s/'/''/g"; }
sql() {
  sqlite3 -batch -bail -init /dev/null -cmd '.timeout 10000' -cmd ".load '$extension'" \
    "$database" "$1"
}

me=$(sql "SELECT replic_ping() IS NULL; SELECT replic_peer()" | tail -n 1)
mkdir -p "$folder"
dir=$(quote "$folder")

# 1. What the others have left for us.
for bundle in "$folder"/*-to-"$me".bundle; do
  [ -f "$bundle" ] || continue
  name=${bundle##*/}
  from=${name%-to-*}
  seen=$folder/.$me-took-$from
  [ ! "$seen" -nt "$bundle" ] || continue
  if count=$(sql "SELECT replic_apply(readfile('$dir/$name'))" 2>&1); then
    : > "$seen"
    say "took $count patches from $from"
  else
    say "refused $name, it will come again: $count"
  fi
done

# 2. What we have now.
sql "SELECT writefile('$dir/.$me.new', replic_vector())" > /dev/null
mv "$folder/.$me.new" "$folder/$me.vector"

# 3. What each other lacks.
others=0
for vector in "$folder"/*.vector; do
  other=${vector##*/}
  other=${other%.vector}
  [ "$other" != "$me" ] || continue
  others=$((others + 1))
  if ! size=$(sql "SELECT writefile('$dir/.$me.new', b)
                   FROM (SELECT replic_bundle(CAST(readfile('$dir/$other.vector') AS TEXT)) AS b)" \
                   2>&1); then
    say "refused $other.vector, it will come again: $size"
    continue
  fi
  if ! cmp -s "$folder/.$me.new" "$folder/$me-to-$other.bundle"; then
    mv "$folder/.$me.new" "$folder/$me-to-$other.bundle"
  fi
  rm -f "$folder/.$me.new"
done

say "knows $others others; $(sql "SELECT 'missing '||coalesce(sum(missing),0) FROM replic_peers;
  SELECT ', lag '||coalesce(max(lag_ms),0)||' ms' FROM replic_peers;
  SELECT ', parked '||count(*) FROM replic_pending" | tr -d '\n')"

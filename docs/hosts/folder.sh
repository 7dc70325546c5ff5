#!/usr/bin/env bash
# Peers that exchange files in a folder, with the sqlite3 shell alone:
#
#   folder.sh DATABASE FOLDER [SECONDS]      the extension is $REPLIC, or ./replic
#
# The folder may be a shared disk, a memory stick, or kept the same by rsync. Run it now and then,
# from cron for instance, or let it go round every SECONDS until Ctrl-C:
#
#   */5 * * * * REPLIC=/usr/local/lib/sqlite3/replic folder.sh app.db /mnt/shared
#
# The files are the dialogue of replic_sync. Each peer keeps ME.opening there, its opening bundle,
# and for each other ME-to-OTHER.bundle, the answer to what that one has left for it, or else to its
# opening. What is lost, torn, old or comes in any order does no harm: the next run makes it again.
# When a peer is gone for good, delete its files, so that nothing is made for it any more.
# What reads own openings finds a database that was copied: one of both takes a new identity.
set -eu

[ $# -ge 2 ] || { sed -n '2,16s/^# \{0,1\}//p' "$0" >&2; exit 2; }
database=$1
folder=$2
seconds=${3:-}
extension=${REPLIC:-./replic}
page_bytes=${REPLIC_PAGE:-67108864} # of one file, about
umask 022
trap 'exit 0' INT TERM

say() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*" >&2; }
sql() {
  sqlite3 -batch -bail -init /dev/null -cmd '.timeout 10000' -cmd ".load '$extension'" \
    "$database" "$1"
}

# Writes the answer to file $1 as file $2. There is none when both sides are level.
answer() {
  local new=.$me.new error
  if ! error=$(sql "SELECT writefile('$quoted/$new',
                      coalesce(replic_sync(readfile('$quoted/$1'), $page_bytes), ''))" 2>&1); then
    say "refused $1, it will come again: $error"
    return 1
  fi
  if [ -s "$folder/$new" ]; then
    mv "$folder/$new" "$folder/$2"
  else
    rm -f "$folder/$new" "$folder/$2"
  fi
}

# Answers what peer $1 has left. What was answered is remembered by its checksum, since the clocks
# of two machines tell nothing about the age of a file.
exchange() {
  local in=$1-to-$me.bundle out=$me-to-$1.bundle bundle='' opening='' before_bundle before_opening
  { read -r before_bundle && read -r before_opening; } \
    2> /dev/null < "$folder/.$me-answered-$1" || before_bundle='' before_opening=''
  # It can be there or not: that peer may be at work on it.
  bundle=$(cksum 2> /dev/null < "$folder/$in") || bundle=''
  opening=$(sql 'SELECT replic_vector()' | cat - "$folder/$1.opening" | cksum)
  if [ -n "$bundle" ] && [ "$bundle" != "$before_bundle" ] && answer "$in" "$out"; then
    say "answered $1"
  elif [ "$opening" = "$before_opening" ] || ! answer "$1.opening" "$out"; then
    return
  else
    bundle=$before_bundle
  fi
  printf '%s\n' "$bundle" "$opening" > "$folder/.$me-answered-$1"
}

run() {
  local file former other others=0
  me=$(sql 'SELECT replic_init()')
  former=$me
  if [ -f "$folder/$me.opening" ]; then # of ours, or of a copy
    sql "SELECT replic_sync(readfile('$quoted/$me.opening')) IS NULL" > /dev/null 2>&1 || true
    me=$(sql 'SELECT replic_peer()')
  fi
  for file in "$folder"/*.opening; do
    other=${file##*/}
    other=${other%.opening}
    case $other in *[!0-9]* | '' | "$me") continue ;; esac
    others=$((others + 1))
    exchange "$other"
  done
  me=$(sql 'SELECT replic_peer()')
  if [ "$me" != "$former" ]; then
    say "a copy of this database had its identity, $former: it is $me from now on"
    rm -f "$folder/$former".opening "$folder/$former"-to-*.bundle "$folder"/*-to-"$former".bundle
  fi
  sql "SELECT writefile('$quoted/.$me.new', replic_sync())" > /dev/null
  mv "$folder/.$me.new" "$folder/$me.opening"
  say "knows $others others; $(sql "
    SELECT 'missing '||coalesce(sum(missing),0)||iif(sum(missing)>0,
      ', has '||sum(contiguous_seq)||' of '||sum(last_seq),'')||', lag '||coalesce(max(lag_ms),0)||
      ' ms, parked '||(SELECT count(*) FROM replic_pending) FROM replic_peers")"
}

mkdir -p "$folder"
quoted=$(printf '%s' "$folder" | sed "s/'/''/g")
exec 9> "$database.folder-lock"
tries=5 # the shell of a run that was killed may be about to end
until flock -w 1 9; do
  tries=$((tries - 1))
  [ "$tries" -gt 0 ] || [ -n "$seconds" ] || { say "another run is at work on $database"; exit 0; }
done
while :; do
  run
  [ -n "$seconds" ] || break
  sleep "$seconds" 9>&- &
  wait $!
done

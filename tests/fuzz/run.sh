#!/bin/sh
# Fuzzes each target for a while: `tests/fuzz/run.sh BUILD_DIR [SECONDS_PER_TARGET]`.
# What libFuzzer finds interesting is kept in BUILD_DIR/corpus, between runs too. An input that
# fails is left in BUILD_DIR/crashes: mend the fault, then copy it to tests/fuzz/corpus/NAME/.
set -eu

build=$(realpath "$1")
seconds=${2:-60}
here=$(realpath "$(dirname "$0")")
mkdir -p "$build/crashes"

failed=
for source in "$here"/*_fuzz.cc; do
  [ -e "$source" ] || { echo "no fuzz target in $here yet"; exit 0; }
  target=$(basename "$source" .cc)
  name=${target%_fuzz}
  mkdir -p "$build/corpus/$name"
  set -- "$build/corpus/$name"
  [ -d "$here/corpus/$name" ] && set -- "$@" "$here/corpus/$name"
  [ -f "$here/$name.dict" ] && set -- -dict="$here/$name.dict" "$@"
  echo "== $name: $seconds s"
  "$build/tests/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -print_final_stats=1 -artifact_prefix="$build/crashes/$name-" "$@" \
    > "$build/$name.log" 2>&1 || { failed="$failed $name"; tail -n 40 "$build/$name.log"; }
  grep -E 'stat::(number_of_executed_units|new_units_added|peak_rss_mb)' "$build/$name.log" || true
done
if [ -n "$failed" ]; then
  echo "failed:$failed; the inputs are in $build/crashes" >&2
  exit 1
fi

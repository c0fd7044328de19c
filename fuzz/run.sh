#!/usr/bin/env bash
# Runs targets, each until it has used so many seconds of a processor: `./run.sh SECONDS [TARGET...]`, all targets if none is
# named. A target that finds something goes on with the rest of its time; the inputs are in artifacts/TARGET.
set -uo pipefail
cd "$(dirname "$0")"
seconds=$1
shift
[ $# -gt 0 ] || set -- $(sed -n 's/^name = "\(.*\)"$/\1/p' Cargo.toml | grep -v fovea-fuzz)
export RUSTC_BOOTSTRAP=1
# What cannot be had is an error to a reader that asks first, and the end of one that does not. SQLite has two globals of one name.
export ASAN_OPTIONS=allocator_may_return_null=1:max_allocation_size_mb=1024:detect_leaks=0:detect_odr_violation=0
# What the program remembers of its files on this machine stays as it is.
XDG_DATA_HOME=$(mktemp -d)
export XDG_DATA_HOME
triple=$(rustc -vV | sed -n 's/^host: //p')
bin=${CARGO_TARGET_DIR:-target}/$triple/release
for target in "$@"; do
  mkdir -p "corpus/$target" "artifacts/$target"
  used=0
  found=0
  while [ "$used" -lt "$seconds" ]; do
    "$bin/$target" "corpus/$target" -artifact_prefix="artifacts/$target/" -max_len=65536 -timeout=60 -rss_limit_mb=3000 \
      -malloc_limit_mb=-1 -print_final_stats=1 > "artifacts/$target/log-$found.txt" 2>&1 &
    pid=$!
    now=0
    while kill -0 $pid 2>/dev/null; do
      sleep 2
      # Seconds of processor time: the machine may have other work.
      now=$(ps -o cputimes= -p $pid 2>/dev/null || echo "$now")
      [ $((used + now)) -lt "$seconds" ] || kill -INT $pid 2>/dev/null
    done
    used=$((used + now + 1))
    wait $pid
    if grep -q 'Test unit written to' "artifacts/$target/log-$found.txt"; then
      found=$((found + 1))
      # The same finding again and again hides all others.
      [ "$found" -lt 12 ] || break
    elif [ "$used" -lt "$seconds" ]; then
      echo "$target ended by itself:" && tail -3 "artifacts/$target/log-$found.txt"
      exit 1
    fi
  done
  echo "$target: $used s of processor time, $found findings, $(ls "corpus/$target" | wc -l) inputs"
done

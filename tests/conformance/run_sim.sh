#!/bin/sh
# The conformance suite over two simulated chips, on a bus each (two blank parts have one address).
#   run_sim.sh PROGRAM ROT-SIM KIND GOLDEN [--write]
# SPDX-License-Identifier: Apache-2.0
set -eu
program=$1 sim=$2 kind=$3 golden=$4
shift 4
dir=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$dir"' EXIT
printf 'listen %s/sock\ntiming none\nchip desk/a %s\nchip bench/b %s\n' "$dir" "$kind" "$kind" >"$dir/panel"
"$sim" panel "$dir/panel" >"$dir/log" 2>&1 &
pid=$!
n=0
while [ ! -S "$dir/sock" ]; do
    n=$((n + 1))
    [ "$n" -le 100 ] || { cat "$dir/log"; exit 1; }
    sleep 0.05
done
"$program" --golden "$golden" "$@" "sim:$dir/sock#desk/a" "sim:$dir/sock#bench/b"

#!/bin/sh
# The conformance suite over two simulated chips, on a bus each (two blank parts have one address).
# A third stands on a bus with parts of other families: what must be refused is tried there first, and
# no part's memory may have changed.
#   run_sim.sh PROGRAM ROT-SIM KIND GOLDEN [--write]
# SPDX-License-Identifier: Apache-2.0
set -eu
program=$1 sim=$2 kind=$3 golden=$4
shift 4
dir=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || { kill "$pid"; wait "$pid"; } 2>/dev/null || :; rm -rf "$dir"' EXIT
{
    printf 'listen %s/sock\nstate %s/state\ntiming none\n' "$dir" "$dir"
    printf 'chip desk/a %s\nchip bench/b %s\nchip shelf/c %s\n' "$kind" "$kind" "$kind"
} >"$dir/panel"
others=
for other in 608b -se051 -a110 -m3 -ta100; do
    # Not of its own family: that has the same address.
    case "$kind" in "blank${other%"${other#??}"}"*) continue ;; esac
    printf 'chip shelf/%s blank%s\n' "${other#-}" "$other" >>"$dir/panel"
    others="$others sim:$dir/sock#shelf/${other#-}"
done
"$sim" panel "$dir/panel" >"$dir/log" 2>&1 &
pid=$!
n=0
while [ ! -S "$dir/sock" ]; do
    n=$((n + 1))
    [ "$n" -le 100 ] || { cat "$dir/log"; exit 1; }
    sleep 0.05
done
cp -r "$dir/state" "$dir/before"
# shellcheck disable=SC2086
"$program" --refusals "sim:$dir/sock#shelf/c" $others
diff -r "$dir/before" "$dir/state" || { echo "FAIL: a refusal changed a part"; exit 1; }
"$program" --golden "$golden" "$@" "sim:$dir/sock#desk/a" "sim:$dir/sock#bench/b"

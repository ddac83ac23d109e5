#!/bin/sh
# The rot-sim program end to end: a panel starts, is asked, fails on request, stops and keeps its
# chips; mistakes are named with file and line.
# SPDX-License-Identifier: Apache-2.0
set -eu
sim=$1
dir=$(mktemp -d /tmp/rot-sim-run-XXXXXX)
pid=
finish() {
    if [ -n "$pid" ]; then kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; fi
    rm -rf "$dir"
}
trap finish EXIT

die() { echo "FAILED: $*" >&2; exit 1; }

start() {
    "$sim" panel "$dir/panel" >"$dir/out" 2>&1 &
    pid=$!
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do
        if [ -S "$dir/s" ]; then return 0; fi
        sleep 0.2
    done
    cat "$dir/out" >&2
    die "no socket after 5 s"
}

stop() {
    kill -TERM "$pid"
    wait "$pid" || die "ended with $?"
    pid=
    [ ! -e "$dir/s" ] || die "the socket file is still there"
}

# Mistakes first.
printf 'chip a/u1 blank608b extra\n' >"$dir/panel"
if "$sim" panel "$dir/panel" 2>"$dir/err"; then die "a wrong panel was taken"; else rc=$?; fi
[ "$rc" = 2 ] || die "exit $rc for a wrong panel, not 2"
grep -q "panel:1:" "$dir/err" || die "the line is not named"
for line in 'mux a' 'mux a 0x70 1' 'mux a x' 'mux a 0x60' 'mux a 0x70\nmux a 0x71' \
    'chip a/u2 blank608b 1' 'mux a 0x70\nchip a/u2 blank608b 8'; do
    printf "listen s\nchip a/u1 blank608b\n$line\n" >"$dir/panel"
    if "$sim" panel "$dir/panel" 2>"$dir/err"; then die "taken: $line"; fi
done
printf 'listen s\nchip a/u1 atecc9000\n' >"$dir/panel"
if "$sim" panel "$dir/panel" 2>"$dir/err"; then die "an unknown kind was taken"; fi
if "$sim" list --socket "$dir/none" 2>"$dir/err"; then die "nobody answered, and list was content"; fi
if "$sim" fly 2>"$dir/err"; then die "an unknown verb was taken"; fi

{
    echo 'listen s   # in this folder'
    echo 'state chips'
    echo 'trace trace'
    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do echo "chip fixture-$i/u1 blank608b"; done
    echo 'chip desk/tng tngtls'
    echo 'chip hub/u1 blank608b 7'
    echo 'mux hub 0x77'
} >"$dir/panel"
start
"$sim" list --socket "$dir/s" >"$dir/list"
[ "$(grep -c blank608b "$dir/list")" = 14 ] || die "14 blank parts expected"
"$sim" list --json --socket "$dir/s" | grep -q '"channel":7' || die "the channel is not listed"
grep -q 'desk/tng .*config,data' "$dir/list" || die "the Trust part is not locked"
"$sim" fault fixture-2/u1 cut-write@3 --socket "$dir/s" >/dev/null
"$sim" list --socket "$dir/s" | grep -q 'fault 1: cut-write@3' || die "the rule is not listed"
if "$sim" fault fixture-2/u1 cut@3 --socket "$dir/s" 2>/dev/null; then die "a wrong rule was taken"; fi
if "$sim" fault fixture-99/u1 nak@1 --socket "$dir/s" 2>/dev/null; then die "no such chip"; fi
"$sim" fault fixture-2/u1 clear --json --socket "$dir/s" | grep -q '"cleared":1' || die "clear"
"$sim" reset fixture-3/u1 --socket "$dir/s" >/dev/null
"$sim" list --socket "$dir/s" >"$dir/before"
[ -s "$dir/chips/desk,tng.json" ] || die "no state file"
stop
grep -q 'Stopped' "$dir/out" || die "no last words"
start
"$sim" list --socket "$dir/s" >"$dir/after"
cmp -s "$dir/before" "$dir/after" || die "the chips are others after a restart"
stop
echo ok

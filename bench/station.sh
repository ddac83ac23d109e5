#!/usr/bin/env bash
# A factory station with simulated ATECC608Bs that take the time that chips take (rot-sim, timing
# real): boards an hour against what the chips alone would allow, on one fixture and on four at once.
#
# The chip's minimum is the sum of the execution times of the commands that the recipe sends, counted
# from the bus trace: the data sheet's maximum times with the share (0.30) that the simulator takes.
# What is left is bus time, wake-ups, polling, the station, the server and two syncs.  The issue names
# no limit; 0.25 of the minimum on one fixture is ours, against getting worse unseen.
#
#   station.sh [BOARDS]     on one fixture, and then as many on each of four
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
export TMPDIR=${RS_BENCH_DIR:-$PWD/build/bench}
boards=${1:-6}
. tests/e2e/lib.sh
SIMPID=
leave() {
    [ -z "$SIMPID" ] || kill "$SIMPID" 2>/dev/null
    down
}
trap leave EXIT
up bench || exit 1
STATION=$(find_program rootsmith-station) SIM=$(find_program rot-sim)
SOCKETS=$(mktemp -d /tmp/rs-bench-XXXXXX) # a socket's path has 107 characters at most
{
    echo "listen $SOCKETS/s"; echo "state chips"; echo "timing real"; echo "trace bus.trace"
    for n in $(seq $((boards * 5))); do echo "chip b$n/u1 blank608b"; done
} >"$WORK/panel"
"$SIM" panel "$WORK/panel" >"$WORK/rot-sim.log" 2>&1 &
SIMPID=$!
wait_for 10 "$SIM" list --socket "$SOCKETS/s" || { echo "rot-sim does not answer"; exit 1; }
rs product set sensor --rot atecc608b --issuer bench-devices -q || exit 1
(umask 077 && rs station create sz-1 --json | member token >"$WORK/token")
"$STATION" --data "$WORK/sz-1" enroll "https://$DEVICES" --name sz-1 --token "$WORK/token" \
    >"$WORK/enroll.log" || exit 1
rs order create --product sensor --quantity $((boards * 5)) --stations sz-1 --name o-1 -q || exit 1

line() { # FIXTURES FIRST COUNT: boards FIRST.. placed one after the other on each fixture
    local fixtures=$1 first=$2 count=$3 n options=()
    for n in $(seq 0 $((count - 1))); do
        printf '%d X-%04d sim:%s#b%d/u1\n' $((n % fixtures + 1)) $((first + n)) "$SOCKETS/s" \
            $((first + n))
    done >"$WORK/boards.$fixtures"
    for n in $(seq "$fixtures"); do
        options+=(--fixture "$n=sim:$SOCKETS/s#b$((first + n - 1))/u1")
    done
    "$STATION" --data "$WORK/sz-1" run --json --order o-1 --boards "$WORK/boards.$fixtures" \
        --yes-irreversible atecc608b \
        "${options[@]}" >"$WORK/events.$fixtures" 2>"$WORK/station.log" ||
        { tail -n 5 "$WORK/station.log" "$WORK/events.$fixtures"; return 1; }
}
line 1 1 "$boards" && line 4 $((boards + 1)) $((boards * 4)) || exit 1
python3 bench/lib/boards.py "$WORK/bus.trace" "$WORK/events.1" "$WORK/events.4" "$boards"
status=$?
rm -rf "$SOCKETS"
exit $status

#!/usr/bin/env bash
# Power cut at every command of the ATECC608B recipe, at four points of the command: each board ends
# complete, resumable (and is resumed) or scrapped, and is counted; one certificate per board; no
# private key in a bus trace, journal, event file, log, store, ledger or core.
#
#   tests/prove/powercut.sh [--bin DIR] [--cuts N] [--twice N] [--seed N]
#
# --cuts N: N cuts spread over all of them (default: all).  --twice N: N boards with a second cut
# while they are resumed.  --bin: programs that are built already.
# RS_BUILD: build directory (default: build/prove-powercut, made here).  RS_FIGURES: figures as JSON.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
root=$(readlink -f "$here/../..")
BIN='' CUTS=0 TWICE=60 SEED=${RS_SEED:-1}
while [ $# -gt 0 ]; do
    case $1 in
    --bin) BIN=$(readlink -f "$2") ;;
    --cuts) CUTS=$2 ;;
    --twice) TWICE=$2 ;;
    --seed) SEED=$2 ;;
    *) echo "powercut: unknown option $1" >&2; exit 2 ;;
    esac
    shift 2
done
if [ -z "$BIN" ]; then
    BIN=${RS_BUILD:-$root/build/prove-powercut}
    [ -f "$BIN/build.ninja" ] ||
        meson setup "$BIN" "$root" -Dbuildtype=release -Dfaults=true -Dtests=false >/dev/null || exit 1
    ninja -C "$BIN" >"$BIN.log" 2>&1 || { grep -E 'error|FAILED' "$BIN.log" | head; exit 1; }
fi
. "$root/tests/e2e/lib.sh"
WORKERS=4
SIM=
stop() {
    [ -z "$SIM" ] || kill "$SIM" 2>/dev/null
    down
}
trap stop EXIT
trap 'exit 130' INT TERM
# Processes that may leave a core do: it is searched too.
ulimit -c unlimited 2>/dev/null || ulimit -c "$(ulimit -H -c)"
up acme || { echo "powercut: no server"; exit 1; }
rs product set sensor-x2 --rot atecc608b --issuer acme-devices -q
stations=
for ((n = 1; n <= WORKERS; n++)); do
    rs station create "sz-$n" --json | member token >"$WORK/token"
    chmod 600 "$WORK/token"
    "$(find_program rootsmith-station)" --data "$WORK/sz-$n" enroll "https://$DEVICES" --name "sz-$n" \
        --token "$WORK/token" >>"$WORK/enroll.log" 2>&1 || { cat "$WORK/enroll.log"; exit 1; }
    stations=$stations${stations:+,}sz-$n
done
rs order create --product sensor-x2 --quantity 4000 --stations "$stations" --name o-1 -q
mkdir "$WORK/sim"
{
    echo "listen ../sim.sock"; echo "state chips"; echo "timing none"; echo "trace bus.trace"
    for ((n = 1; n <= WORKERS; n++)); do echo "chip b$n/u1 blank608b"; done
} >"$WORK/sim/panel"
(cd "$WORK/sim" && exec "$(find_program rot-sim)" panel panel >"$WORK/rot-sim.log" 2>&1) &
SIM=$!
wait_for 10 "$(find_program rot-sim)" list --socket "$WORK/sim.sock" ||
    { echo "powercut: no simulator"; exit 1; }
disown -a # bash would tell that they were aborted, which is part of the proof
python3 "$here/powercut.py" --work "$WORK" --data "$DATA" --station "$(find_program rootsmith-station)" \
    --rootsmith "$(find_program rootsmith)" --server "$SERVER" --sim "$SIM" --workers "$WORKERS" \
    --cuts "$CUTS" --twice "$TWICE" --seed "$SEED"
status=$?
[ -z "${RS_FIGURES:-}" ] || [ ! -f "$WORK/figures.json" ] || cp "$WORK/figures.json" "$RS_FIGURES"
if [ $status = 0 ]; then echo "prove powercut: holds"; else echo "prove powercut: FAILED" >&2; fi
exit $status

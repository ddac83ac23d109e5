#!/usr/bin/env bash
# What chips cost: librot's size on a microcontroller, the commands that the station's recipe sends
# against the least that it takes, and the host's own work against the part's.
#
#   size      core and each driver for a Cortex-M4: code, largest stack frame, the memory that a chip
#             takes.  Variables must be none.  4 KiB for the core, 10 for a driver and 2 of memory are aims:
#             what is over is printed and no failure
#   economy   one board of each family on a simulated blank part: commands sent by the chip's own count,
#             against the table "The least that a recipe takes" in its page; at most 1.10 of it
#   overhead  the same with a part that takes its time (timing real): processor time of the station for a
#             board, start and sign-on not counted, against what the part takes: at work, and for its bytes on
#             a bus of its speed (execution times are not public for every part); under 5 %
#
#   chips.sh [MODEL...]     a family is a line below
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
export TMPDIR=${RS_BENCH_DIR:-$PWD/build/bench}
mkdir -p "$TMPDIR"

# Model that an order names, kind of the simulated part, page with the least that its recipe takes.
FAMILIES="
atecc608b          blank608b    docs/chips/atecc-driver.md
ta100-placeholder  blank-ta100  docs/chips/ta100.md
se050              blank-se050  docs/chips/se05x.md
se051              blank-se051  docs/chips/se05x.md
stsafe-a110        blank-a110   docs/chips/stsafe.md
stsafe-a120        blank-a120   docs/chips/stsafe.md
optiga-trust-m1    blank-m1     docs/chips/optiga.md
optiga-trust-m3    blank-m3     docs/chips/optiga.md
"
BOARDS=4 # of each family, with timing real

figures=$(mktemp)
SIMS=() SOCKETS=
leave() {
    for pid in "${SIMS[@]}"; do kill "$pid" 2>/dev/null; done
    rm -rf "$figures" ${SOCKETS:+"$SOCKETS"}
    down 2>/dev/null
}
. tests/e2e/lib.sh
trap leave EXIT

status=0
python3 bench/lib/chip_size.py "$TMPDIR/chip_size" "$figures" || status=1

up bench || exit 1
STATION=$(find_program rootsmith-station) SIM=$(find_program rot-sim)
SOCKETS=$(mktemp -d /tmp/rs-bench-XXXXXX) # a socket's path has 107 characters at most
wanted() { [ $# = 1 ] || [[ " ${*:2} " == *" $1 "* ]]; }

simulate() { # TIMING COUNT: that many parts of each family
    local model kind
    {
        echo "listen $SOCKETS/$1"; echo "state $WORK/chips-$1"; echo "timing $1"; echo "trace $WORK/trace-$1"
        while read -r model kind _; do
            [ -z "$model" ] || for n in $(seq "$2"); do echo "chip $model-$n/u1 $kind"; done
        done <<<"$FAMILIES"
    } >"$WORK/panel-$1"
    "$SIM" panel "$WORK/panel-$1" >"$WORK/rot-sim-$1.log" 2>&1 &
    SIMS+=($!)
    wait_for 20 "$SIM" list --socket "$SOCKETS/$1" || { cat "$WORK/rot-sim-$1.log"; exit 1; }
}
simulate none 1
simulate real $((2 * BOARDS + 2))

(umask 077 && rs station create sz-1 --json | member token >"$WORK/token")
"$STATION" --data "$WORK/sz-1" enroll "https://$DEVICES" --name sz-1 --token "$WORK/token" \
    >"$WORK/enroll.log" || exit 1
while read -r model kind page; do
    [ -n "$model" ] && wanted "$model" "$@" || continue
    rs product set "p-$model" --rot "$model" --issuer bench-devices -q &&
        rs order create --product "p-$model" --quantity $((2 * BOARDS + 3)) --stations sz-1 --name "o-$model" -q || exit 1
    python3 bench/lib/chip_cost.py "$model" "$page" "$figures" "$BOARDS" "$SOCKETS" "$WORK" \
        "$STATION" --data "$WORK/sz-1" run --json --order "o-$model" \
        --yes-irreversible "$model" || status=1
done <<<"$FAMILIES"
cp "$figures" "${RS_FIGURES:-/dev/null}"
exit $status

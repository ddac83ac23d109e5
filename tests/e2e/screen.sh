#!/usr/bin/env bash
# The operator's screen in a terminal of 80 by 24 with sixteen nests, and with four: every nest is there,
# nothing is wrapped or scrolled, a scan says where the board goes, a wrong board says what it is.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
BIN=$1
here=$(dirname "$(readlink -f "$0")")
. "$here/lib.sh"
SIM=
stop() {
    [ -z "$SIM" ] || { kill "$SIM" 2>/dev/null; wait "$SIM" 2>/dev/null; }
    down
}
trap stop EXIT
up acme || { echo "0 passed, 1 failed"; exit 1; }
STATION=$(find_program rootsmith-station) ROTSIM=$(find_program rot-sim)
SOCK=$WORK/sim.sock
{
    echo "listen $SOCK"; echo "state chips"; echo "timing real"
    for n in {1..15}; do
        case $n in 9 | 10 | 12) kind=blank-se050 ;; 11) kind=blank-a110 ;; 13) kind=tflxtls ;; *) kind=blank608b ;; esac
        echo "chip n$n/u1 $kind"
    done
} >"$WORK/panel"
"$ROTSIM" panel "$WORK/panel" >"$WORK/sim.log" 2>&1 &
SIM=$!
wait_for 20 "$ROTSIM" list --socket "$SOCK" || { cat "$WORK/sim.log"; echo "0 passed, 1 failed"; exit 1; }
rs station create sz-1 --json | member token >"$WORK/token"
chmod 600 "$WORK/token"
"$STATION" --data "$WORK/sz-1" enroll "https://$DEVICES" --name sz-1 --token "$WORK/token" >"$WORK/enroll.log" ||
    bad "sz-1 enrols"
mkdir -p "$WORK/sys/bus/i2c/devices"
{
    echo "sysfs: $WORK/sys"
    echo "adapters:"
    for n in {1..15}; do echo "  - {name: a$n, sim: \"$SOCK#n$n\"}"; done
    echo "  - {name: a16, usb: \"1-1.4\"}"
    echo "nests:"
    for n in {1..16}; do
        case $n in 9 | 10) what="se050, addresses: [0x48]" ;; 11) what="stsafe-a110, addresses: [0x20]" ;;
            *) what="atecc608b, addresses: [0x60]" ;; esac
        echo "  - {name: $n, adapter: a$n, part: $what}"
    done
} >"$WORK/16.yaml"
grep -v 'name: a\?\([5-9]\|1[0-6]\),' "$WORK/16.yaml" >"$WORK/4.yaml"
yes=()
for part in atecc608b se050 stsafe-a110; do
    rs product set "p-$part" --rot "$part" --issuer acme-devices --serials "${part:0:2}*" -q
    rs order create --product "p-$part" --quantity 200 --stations sz-1 --name "o-$part" -q
    yes+=(--yes-irreversible "$part")
done
screen() { # SIZE FIXTURES, the script on stdin
    cat >"$WORK/script"
    timeout 120 python3 "$here/screen.py" "$1" "$WORK/script" "$STATION" --data "$WORK/sz-1" run --fixtures "$2" \
        "${yes[@]}" >"$WORK/shown" 2>&1
}
shows() { # TEXT WORDS
    if grep -qF -- "$2" "$WORK/shown"; then ok "$1"; else bad "$1 (\"$2\")"; cat "$WORK/shown"; fi
}

screen 80x24 "$WORK/16.yaml" <<'TXT'
wait 20 SCAN
fits
type at-0000001
wait 5 at-0000001: nest 1
type at-0000002
wait 5 at-0000002: nest 2
type se-0000001
wait 5 se-0000001: nest 9
type st-0000001
type nonsense
wait 5 "nonsense" is not a board label
fits
show
wait 30 o-se050 1/200
wait 30 o-atecc608b 2/200
wait 30 o-stsafe-a110 1/200
fits
show
key F10
TXT
same "sixteen nests: the shift ends" 0 $?
for n in {1..16}; do check "nest $n" grep -Eq "(^| ) ?$n [○◐✔↻✖–] (READY|BUSY|PASS|AGAIN|REJECT|OFF)" "$WORK/shown"; done
shows "at work" "◐ BUSY"
shows "done" "✔ PASS"
shows "which step" "/9"
shows "a missing adapter" "Adapter 1-1.4 is"
shows "what the hands do" "Take it out."
shows "cycle times" "slowest "
shows "orders" "o-atecc608b 2/200 · o-se050 1/200 · o-stsafe-a110 1/200"

screen 80x24 "$WORK/16.yaml" <<'TXT'
wait 20 SCAN
type at-0000011
type at-0000012
type at-0000013
type at-0000014
type at-0000015
type at-0000016
type at-0000017
type at-0000018
type at-0000019
wait 5 at-0000019: nest 12
type at-0000020
wait 5 at-0000020: nest 13
wait 20 P1 wrong part: se050 at 0x48
sleep 2
fits
show
key F10
TXT
shows "another part" "se050 at 0x48"
shows "what the hands do with it" "Wrong chip. Red"
shows "a part that was used" "used before. Red"

screen 80x24 "$WORK/4.yaml" <<'TXT'
wait 20 SCAN
type at-0000001
wait 20 ✔  PASS
fits
show
key F10
TXT
same "four nests" 0 $?
shows "four nests have frames, two by two" "┌ 1 ──"
check "in two rows" test "$(grep -c '┌ [13] ─' "$WORK/shown")" = 2
shows "and what they make" "o-atecc608b   atecc608b"
finish

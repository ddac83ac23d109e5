#!/usr/bin/env bash
# The same nests through the names of the kernel: /dev/i2c-N with a mux that we write to, power lines of
# /dev/gpiochip0 and /sys/class/gpio, an adapter by its place on the USB that comes back as another number.
# Behind the names are simulators (rot-sim exec); the path through our code is that of silicon.
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
cat >"$WORK/panel" <<TXT
listen $SOCK
state  chips
timing none
trace  bus.trace
mux    left 0x70
chip   left/u1  blank608b   0
chip   left/u2  blank608b   5
chip   mid/u3   blank-se050
chip   far/u4   blank608b
chip   far/u5   blank-a110
TXT
"$ROTSIM" panel "$WORK/panel" >"$WORK/sim.log" 2>&1 &
SIM=$!
wait_for 20 "$ROTSIM" list --socket "$SOCK" || { cat "$WORK/sim.log"; echo "0 passed, 1 failed"; exit 1; }
rs station create sz-1 --json | member token >"$WORK/token"
chmod 600 "$WORK/token"
"$STATION" --data "$WORK/sz-1" enroll "https://$DEVICES" --name sz-1 --token "$WORK/token" >"$WORK/enroll.log" ||
    bad "sz-1 enrols"
for part in atecc608b se050; do
    rs product set "p-$part" --rot "$part" --issuer acme-devices --serials "${part:0:2}*" -q
    rs order create --product "p-$part" --quantity 20 --stations sz-1 --name "o-$part" -q
done
# A program of rot-sim exec: bus 1 is left, 2 mid, 3 and 4 are far; lines 17 and 18 feed u3 and u4.
st() {
    timeout 200 "$ROTSIM" exec --quiet --socket "$SOCK" --bus 1 --chip left/u1 --chip left/u2 --bus 2 --chip mid/u3 \
        --bus 3 --chip far/u4 --bus 4 --chip far/u5 --gpio 17=mid/u3 --gpio 18=left/u2 -- \
        "$STATION" --data "$WORK/sz-1" "$@"
}
said() { grep -qF -- "$1" "$WORK/$2.log" || { cat "$WORK/$2.log"; return 1; }; }
yes=(--yes-irreversible atecc608b --yes-irreversible se050)

echo "by number"
cat >"$WORK/bus.yaml" <<YAML
adapters:
  - {name: left, bus: 1, mux: 0x70}
  - {name: mid, bus: 2}
nests:
  - {name: 1, adapter: left, channel: 0, part: atecc608b, addresses: [0x60]}
  - {name: 2, adapter: left, channel: 5, part: atecc608b, addresses: [0x60], power: "sysfs:class/gpio/gpio18/value"}
  - {name: 3, adapter: mid, part: se050, addresses: [0x48], power: "gpio:gpiochip0:17"}
YAML
st fixtures check --fixtures "$WORK/bus.yaml" >"$WORK/look.log" 2>&1
same "all are there" 0 $?
check "an ATECC behind our mux" said "1     left/0    atecc608b at 0x60, blank" look
check "another, with power from a file" said "2     left/5    atecc608b at 0x60, blank" look
check "an SE050, with power from a gpiochip" said "3     mid       se050 at 0x48, blank" look
switched() { # CHIP: how its supply was switched so far
    awk -v c="$1" '$3 == "P" && $6 == c { printf "%s", $7 }' "$WORK/bus.trace"
}
printf '1 at-1\n2 at-2\n3 se-3\n' >"$WORK/boards"
st run --ui plain --fixtures "$WORK/bus.yaml" --boards "$WORK/boards" "${yes[@]}" >"$WORK/run.log" 2>&1
same "three boards at once" 0 $?
check "pass" test "$(grep -c PASS "$WORK/run.log")" = 3
check "with power while there is something to do, and none between" eval '[[ $(switched u3) == *10* && $(switched u2) == *101* ]]'
check "the mux was written to, a channel at a time" python3 - "$WORK/bus.trace" <<'PY'
import sys
written = {l.split()[5] for l in open(sys.argv[1]) if l.split()[1:4] == ["left", "W", "70"]}
assert written == {"01", "20"}, written
PY
sed 's/gpiochip0:17/gpiochip0:19/' "$WORK/bus.yaml" >"$WORK/line.yaml"
st fixtures check --fixtures "$WORK/line.yaml" >"$WORK/look.log" 2>&1
check "a line that the kernel does not give" said "nest 3: line gpiochip0:19: " look
sed 's/gpiochip0:17/gpiochip7:1/' "$WORK/bus.yaml" >"$WORK/line.yaml"
st fixtures check --fixtures "$WORK/line.yaml" >"$WORK/look.log" 2>&1
check "a chip of lines that is not there" said "nest 3: line gpiochip7:1: " look
sed 's/bus: 2/bus: 9/' "$WORK/bus.yaml" >"$WORK/line.yaml"
st fixtures check --fixtures "$WORK/line.yaml" >"$WORK/look.log" 2>&1
check "a bus that is not there" said "nest 3: adapter mid: there is no bus 9" look

echo "by place on the USB"
usb=devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1.4/1-1.4:1.0
plug() { # N: the kernel gives it that number
    mkdir -p "$WORK/sys/$usb/i2c-$1" "$WORK/sys/bus/i2c/devices"
    ln -s "../../../$usb/i2c-$1" "$WORK/sys/bus/i2c/devices/i2c-$1"
}
pull() { rm "$WORK/sys/bus/i2c/devices/i2c-$1"; }
cat >"$WORK/usb.yaml" <<YAML
sysfs: $WORK/sys
adapters: [{name: far, usb: "1-1.4"}]
nests: [{name: 4, adapter: far, part: atecc608b, addresses: [0x60]}]
YAML
plug 3
st fixtures check --fixtures "$WORK/usb.yaml" >"$WORK/look.log" 2>&1
check "found as number 3" said "4     far       atecc608b at 0x60, blank" look
event() { grep "\"event\":\"$1\"" "$WORK/sz-1/events.jsonl" | tail -n 1; }
mkfifo "$WORK/list"
st run --ui plain --fixtures "$WORK/usb.yaml" --boards - "${yes[@]}" <"$WORK/list" >"$WORK/run.log" 2>&1 &
LINE=$!
exec 9>"$WORK/list"
wait_for 20 eval 'event shift.open | grep -q .'
sleep 0.5
pull 3
check "pulled: named" wait_for 10 eval 'event fixture.off | grep -q "adapter 1-1.4 is not there"'
echo "4 at-4" >&9
sleep 1
check "a board for it waits" eval '! grep -q at-4 "$WORK/run.log"'
plug 4
check "plugged in again as number 4" wait_for 10 eval 'event fixture.on | grep -q "\"fixture\":\"4\""'
check "it is made by itself" wait_for 30 grep -q "at-4  PASS" "$WORK/run.log"
exec 9>&-
wait "$LINE"
same "the line ends well" 0 $?
same "four boards, one certificate each" "4|4" "$(sqlite3 "$DATA/store.db" \
    "SELECT count(*), count(DISTINCT device) FROM certificate WHERE device LIKE '%-_' AND profile='idevid'")"
finish

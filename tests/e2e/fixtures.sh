#!/usr/bin/env bash
# Nests on adapters: which are there, what is in them, golden and known-bad boards before a shift,
# adapters that are pulled while the line runs.  The boards are simulated, behind a simulated mux.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
BIN=$1
here=$(dirname "$(readlink -f "$0")")
. "$here/lib.sh"
trap 'stop_sim; down' EXIT
up acme || { echo "0 passed, 1 failed"; exit 1; }
STATION=$(find_program rootsmith-station)
ROTSIM=$(find_program rot-sim)
SOCK=$WORK/sim.sock
SIM=

# In each nest a board to be made (u), a golden one (g), and a known-bad one (b): whichever has power.
cat >"$WORK/panel" <<TXT
listen $SOCK
state  chips
timing none
mux    left 0x70
chip   left/u1  blank608b  0
chip   left/g1  blank608b  0
chip   left/b1  blank-se050 0
chip   left/u2  blank608b  1
chip   left/g2  blank608b  1
chip   left/b2  blank-se050 1
chip   right/u3 blank608b
chip   right/g3 blank608b
chip   right/b3 blank-se050
TXT
sed 's/timing none/timing real/' "$WORK/panel" >"$WORK/panel.real"
start_sim() { # [PANEL]
    "$ROTSIM" panel "$WORK/${1:-panel}" >>"$WORK/sim.log" 2>&1 8>&- 9>&- &
    SIM=$!
    wait_for 20 test -S "$SOCK"
}
stop_sim() {
    [ -n "$SIM" ] || return 0
    kill "$SIM" 2>/dev/null
    wait "$SIM" 2>/dev/null
    SIM=
}
insert() { python3 "$here/sim.py" insert "$SOCK" "$@"; }
ask() { python3 "$here/sim.py" ask "$SOCK" "$1"; }

# A machine with one adapter on the USB, which is no longer plugged in.
mkdir -p "$WORK/sys/bus/i2c/devices"
adapters="
sysfs: $WORK/sys
adapters:
  - {name: left, sim: \"$SOCK#left\", mux: 0x70}
  - {name: right, sim: \"$SOCK#right\"}
  - {name: far, usb: \"1-1.4\"}"
nests="
nests:
  - {name: 1, adapter: left, channel: 0, part: atecc608b, addresses: [0x60]}
  - {name: 2, adapter: left, channel: 1, part: atecc608b, addresses: [0x60]}
  - {name: 3, adapter: far, part: atecc608b, addresses: [0x60]}
  - {name: 4, adapter: right, part: atecc608b, addresses: [0x60]}"
echo "$adapters$nests" >"$WORK/plain.yaml"

st() { "$STATION" --data "$WORK/sz-1" "$@"; }
look() { "$STATION" --data "$WORK/nowhere" fixtures check --fixtures "$@" >"$WORK/look.log" 2>&1; }
said() { grep -qF -- "$1" "$WORK/${2:-look}.log" || { cat "$WORK/${2:-look}.log"; return 1; }; }

start_sim
insert left/u1 left/u2 right/u3
echo "what is there"
look "$WORK/plain.yaml"
same "a missing adapter" 3 $?
check "is named, and who goes on without it" said "nest 3: adapter 1-1.4 is not there; nests 1, 2, 4 are ready"
check "blank boards are recognised behind a mux" test "$(grep -c 'atecc608b at 0x60, blank' "$WORK/look.log")" = 3
look "$WORK/plain.yaml" --json
same "for programs: two on the mux are two" 2 "$(python3 -c '
import json, sys
nests = json.load(open(sys.argv[1]))["nests"]
print(len({n["uid"] for n in nests if n["place"].startswith("left/")}))' "$WORK/look.log")"
same "for programs: state and what" "ready blank missing" "$(python3 -c '
import json, sys
n = json.load(open(sys.argv[1]))["nests"]
print(n[0]["state"], n[0]["what"], n[2]["state"])' "$WORK/look.log")"
insert right/b3
look "$WORK/plain.yaml"
check "another part in a nest" said "nest 4: se050 at 0x48, blank, with its maker's certificate, where atecc608b belongs"
insert right/
look "$WORK/plain.yaml"
check "an empty nest is ready" said "nests 1, 2, 4 are ready"
insert right/u3
sed 's/0x70/0x73/' "$WORK/plain.yaml" >"$WORK/mux.yaml"
look "$WORK/mux.yaml"
check "a mux that is not there" said "nest 1: adapter left: mux 0x73 does not answer"
check "leaves the others" said "nest 4 is ready"
mkdir -p "$WORK/sys/devices/usb1/1-1/1-1.4/1-1.4:1.0/i2c-62"
ln -s ../../../devices/usb1/1-1/1-1.4/1-1.4:1.0/i2c-62 "$WORK/sys/bus/i2c/devices/i2c-62"
look "$WORK/plain.yaml"
check "a bus that cannot be opened" said "nest 3: adapter far: i2c: cannot open /dev/i2c-62"
rm "$WORK/sys/bus/i2c/devices/i2c-62"
echo "nests: [{name: 1}]" >"$WORK/wrong.yaml"
look "$WORK/wrong.yaml"
same "a file with a mistake" 2 $?
check "is shown where" said "wrong.yaml:1:9"

echo "golden and known-bad boards"
rs product set sensor-a --rot atecc608b --issuer acme-devices -q
rs station create sz-1 --json | member token >"$WORK/token"
chmod 600 "$WORK/token"
st enroll "https://$DEVICES" --name sz-1 --token "$WORK/token" >"$WORK/enroll.log"
rs order create --product sensor-a --quantity 50 --stations sz-1 --name o-a -q
once() { # NEST SERIAL FIXTURES [OPTIONS]
    local nest=$1 serial=$2 file=$3
    shift 3
    printf '%s %s\n' "$nest" "$serial" >"$WORK/boards"
    st run --once --ui plain --fixtures "$file" --boards "$WORK/boards" \
        --yes-irreversible atecc608b "$@" >"$WORK/run.log" 2>&1
}
for n in 1 2; do
    insert "left/g$n"
    once "$n" "G-$n" "$WORK/plain.yaml"
    same "G-$n is made" 0 $?
done
insert right/g3
once 4 G-3 "$WORK/plain.yaml"
same "G-3 is made" 0 $?
for n in 1 2 3; do
    sqlite3 "$DATA/store.db" "SELECT writefile('$WORK/G-$n.der', der) FROM certificate_der
        JOIN certificate USING (tenant, signer_id, leaf) WHERE device = 'G-$n'" >/dev/null
    openssl x509 -inform DER -in "$WORK/G-$n.der" -out "$WORK/G-$n.pem"
done
uid() { ask '{"do":"list"}' | python3 -c '
import json, sys
print(next(c["serial"] for c in json.load(sys.stdin)["chips"] if c["chip"] == sys.argv[1]))' "$1"; }
references="
references:
  every: 8h
  golden:
    - {name: G-1, certificate: G-1.pem}
    - {name: G-2, certificate: G-2.pem}
    - {name: G-3, certificate: G-3.pem}
  bad:
    - {name: B-1, uid: \"$(uid left/b1)\", defect: chip.wrong-part}
    - {name: B-2, uid: \"$(uid left/b2)\", defect: chip.wrong-part}
    - {name: B-3, uid: \"$(uid right/b3)\", defect: chip.wrong-part}"
echo "$adapters$nests$references" >"$WORK/fixtures.yaml"
before=$(cd "$WORK/chips" && sha256sum -- *)
insert left/u1 left/u2 right/u3
once 1 X-1 "$WORK/fixtures.yaml"
same "without a check nothing runs" 6 $?
check "and each nest is named" said "nest 1: golden board never, known-bad board never; nest 2: golden board never" run
shift_start() { st shift start --fixtures "$WORK/fixtures.yaml" >"$WORK/shift.log" 2>&1; }
echo "1 G-1" | shift_start
same "a blank board is no golden one" 1 $?
check "says the nest" said "nest 1    G-1: its certificate cannot be read" shift
insert left/g2
echo "2 G-1" | shift_start
check "another golden board" said "the board has another certificate than G-1" shift
insert left/g1 left/g2
echo "1 G-1" | shift_start
check "a golden board passes" said "nest 1    G-1 passed" shift
once 1 X-1 "$WORK/fixtures.yaml"
same "which is half of it" 6 $?
check "and the other half is named" said "nest 1: golden board 0 min ago, known-bad board never" run
echo "1 B-1" | shift_start
check "a good board is not the bad one" said "this is not the chip of B-1" shift
insert left/b1
echo "1 B-1" | shift_start
check "a known-bad board is refused for its defect" said "nest 1    B-1 refused, as it must be: chip.wrong-part" shift
once 1 X-1 "$WORK/fixtures.yaml"
same "one nest of three is not enough" 6 $?
check "the others are named" said "nest 2: golden board never" run
check "that one is not" eval '! grep -q "nest 1:" "$WORK/run.log"'
insert left/b1
echo "2 B-9" | shift_start
check "a label that is none" said "none of the reference boards" shift
sed 's/chip.wrong-part/chip.fault/' "$WORK/fixtures.yaml" >"$WORK/defect.yaml"
echo "1 B-1" | st shift start --fixtures "$WORK/defect.yaml" >"$WORK/shift.log" 2>&1
check "refused for another defect" said "it was refused as chip.wrong-part, not as chip.fault" shift

# The whole of it, board by board, as hands would.
{
    insert left/g1; echo; sleep 1
    insert left/g2; echo G-2; sleep 1
    insert right/g3; echo "4 G-3"; sleep 1
    insert left/b1; echo B-1; sleep 1
    insert left/b2; echo B-2; sleep 1
    insert right/b3; echo B-3; sleep 1
} | shift_start
same "a whole check" 0 $?
check "six times right" test "$(grep -c 'passed\|refused, as it must be' "$WORK/shift.log")" = 6
check "who is missing is said" said "nest 3 is not there" shift
same "nothing was written to any board" "$before" "$(cd "$WORK/chips" && sha256sum -- *)"
insert left/u1 left/u2 right/u3
once 1 X-1 "$WORK/fixtures.yaml"
same "now it runs" 0 $?
same "checks are events" "golden pass" "$(python3 -c '
import json, sys
e = [j for j in map(json.loads, open(sys.argv[1])) if j["event"] == "nest.check"]
print(e[-6]["kind"], e[-1]["state"])' "$WORK/sz-1/events.jsonl")"
check "and records" eval 'st journal show | grep -q "check .*fixture 1 .*serial B-1.*state bad"'
if ROOTSMITH_INJECT=station:clock=+28000 once 1 X-1 "$WORK/fixtures.yaml"; then
    ok "almost eight hours later, too"
    ROOTSMITH_INJECT=station:clock=+30000 once 1 X-1 "$WORK/fixtures.yaml"
    same "after eight hours not any more" 6 $?
    check "and how long ago it was is said" said "golden board 8 h ago" run
else
    bad "almost eight hours later: $(tail -n 3 "$WORK/run.log")"
fi
same "a check in the future does not count" 6 "$(ROOTSMITH_INJECT=station:clock=-30000 once 1 X-1 \
    "$WORK/fixtures.yaml"; echo $?)"

echo "an adapter that is pulled"
event() { grep "\"event\":\"$1\"" "$WORK/sz-1/events.jsonl" | tail -n 1; }
mkfifo "$WORK/list"
st run --ui plain --fixtures "$WORK/plain.yaml" --boards - --wait 60 --yes-irreversible atecc608b \
    <"$WORK/list" >"$WORK/run.log" 2>&1 &
LINE=$!
exec 9>"$WORK/list"
insert left/u2
echo "2 X-2" >&9
check "a board passes before" wait_for 30 grep -q "X-2  PASS" "$WORK/run.log"
check "the missing one was told at the start" eval 'event fixture.off | grep -q "\"fixture\":\"3\""'
stop_sim
check "nests that lost their adapter are off" wait_for 10 eval 'event fixture.off | grep -q "\"fixture\":\"4\""'
check "by name" eval 'event fixture.off | grep -q "adapter right: simulator: no rot-sim answers"'
echo "4 X-4" >&9
sleep 1
check "a board for it waits" eval '! grep -q X-4 "$WORK/run.log"'
start_sim
insert left/u1 left/u2 right/u3
check "it comes back by itself" wait_for 10 eval 'event fixture.on | grep -q "\"fixture\":\"4\""'
check "and makes the board that waited" wait_for 30 grep -q "X-4  PASS" "$WORK/run.log"

# In the middle of a board, which takes its time now.
stop_sim
start_sim panel.real
insert left/u1 left/u2 right/u3
ask '{"do":"reset","chip":"left/u1"}' >/dev/null
sleep 1 # whether anybody noticed, or not
echo "1 X-5" >&9
check "another is begun" wait_for 10 eval 'event board.step | grep X-5 | grep -q "\"key\""'
stop_sim
check "it ends by its adapter's name" wait_for 20 grep -q "X-5  AGAIN  A1" "$WORK/run.log"
start_sim
insert left/u1 left/u2 right/u3
check "and the same board is finished afterwards" wait_for 30 grep -q "X-5  PASS" "$WORK/run.log"
exec 9>&-
wait "$LINE"
same "the line ends well" 0 $?
same "one certificate a board" "1 1 1" "$(sqlite3 "$DATA/store.db" "SELECT group_concat(n, ' ') FROM
    (SELECT count(*) n FROM certificate WHERE device IN ('X-2','X-4','X-5') GROUP BY device)")"
check "events have no gap" python3 -c '
import json, sys
for n, line in enumerate(open(sys.argv[1]), 1):
    assert json.loads(line)["seq"] == n, n' "$WORK/sz-1/events.jsonl"
printf '4 X-6\n' >"$WORK/boards"
stop_sim
st run --once --ui plain --fixtures "$WORK/plain.yaml" --boards "$WORK/boards" \
    --yes-irreversible atecc608b >"$WORK/run.log" 2>&1
same "no adapter at all: it does not begin" 5 $?
check "and says so" said "no nest is ready" run
finish

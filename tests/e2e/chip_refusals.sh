#!/usr/bin/env bash
# Bad input at the chip: absent, another part, used or locked by somebody else, counterfeit, two
# stations on one board.  Each is refused with its exit code and its word, and store, ledger and
# chips are what they were.  What the server refuses of a request: refusals.sh.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
BIN=$1
here=$(dirname "$(readlink -f "$0")")
. "$here/lib.sh"
SIM=
stop() {
    if [ -n "$SIM" ]; then
        kill "$SIM" 2>/dev/null
        wait "$SIM" 2>/dev/null
    fi
    down
}
trap stop EXIT
up acme || { echo "0 passed, 1 failed"; exit 1; }
STATION=$(find_program rootsmith-station) ROTSIM=$(find_program rot-sim)
SOCK=$WORK/sim.sock

# ---- The stage ------------------------------------------------------------------------------

start_sim() {
    "$ROTSIM" panel "$WORK/panel" >>"$WORK/rot-sim.log" 2>&1 &
    SIM=$!
    wait_for 10 "$ROTSIM" list --socket "$SOCK"
}

stop_sim() {
    kill "$SIM"
    wait "$SIM" 2>/dev/null
    rm -f "$SOCK"
}

{
    echo "listen $SOCK"; echo "state chips"; echo "timing none"; echo "trace bus.trace"
    for n in {1..13}; do echo "chip b$n/u1 blank608b"; done
    echo "chip old/u1 blank608a"; echo "chip tng/u1 tngtls"; echo "chip twin/u1 blank608b"
} >"$WORK/panel"
start_sim || { echo "0 passed, 1 failed"; exit 1; }
rs product set sensor-x2 --rot atecc608b --issuer acme-devices -q
for name in sz-1 sz-2; do
    rs station create "$name" --json | member token >"$WORK/token"
    chmod 600 "$WORK/token"
    "$STATION" --data "$WORK/$name" enroll "https://$DEVICES" --name "$name" --token "$WORK/token" \
        >"$WORK/enroll.log" 2>&1 || bad "$name enrols"
done
rs order create --product sensor-x2 --quantity 100 --stations sz-1,sz-2 --name o-1 -q
rs order create --product sensor-x2 --quantity 100 --stations sz-1,sz-2 --name o-2 -q

chip() { echo "sim:$SOCK#$1/u1"; }

once() { # STATION ORDER SERIAL CHIP
    timeout 120 "$STATION" --data "$WORK/$1" run --once --ui plain --wait 20 --order "$2" --serial "$3" \
        --yes-irreversible atecc608b --fixture "1=$(chip "$4")" >"$WORK/run.log" 2>&1
}

fault() { "$ROTSIM" fault "$1/u1" "$2" --socket "$SOCK" >/dev/null; }

state() { # what a refusal must not change: certificates, devices, issued leaves, every chip
    sqlite3 "$DATA/store.db" 'SELECT hex(serial), state FROM certificate; SELECT * FROM device;
        SELECT * FROM chip; SELECT * FROM key_owner; SELECT station, taken, good FROM order_count
        WHERE taken > 0' | sha256sum
    python3 "$here/ledger_leaves.py" "$DATA/signer/ledger"
    (cd "$WORK/chips" && sha256sum -- *,*.json)
}

ends() { # TEXT EXIT WORD COMMAND...: ends with that code and says the word
    local text=$1 want=$2 word=$3 got
    shift 3
    "$@"
    got=$?
    if [ "$got" = "$want" ] && grep -q -- "$word" "$WORK/run.log"; then
        ok "$text"
    else
        bad "$text: exit $got, not $want, or no \"$word\""
        tail -n 8 "$WORK/run.log"
    fi
}

refuses() { # as ends, and nothing has changed
    local before after
    before=$(state)
    ends "$@"
    after=$(state)
    [ "$before" = "$after" ] || {
        bad "$1: something changed"
        diff <(echo "$before") <(echo "$after")
    }
}

desk() { # ARGS...: the desk tool on a chip
    rs chip "$@" >"$WORK/run.log" 2>&1
}

# Commands straight over the bus, as another program gives them: "OPCODE P1 P2 [DATA]" in hex.
bus() { # CHIP COMMAND...
    PYTHONPATH=$here python3 - "$SOCK" "$1/u1" "${@:2}" <<'PY'
import sys
import demo_check
chip = demo_check.Chip(sys.argv[1], sys.argv[2])
chip.wake()
for text in sys.argv[3:]:
    word = text.split()
    answer = chip.command(int(word[0], 16), int(word[1], 16), int(word[2], 16),
                          bytes.fromhex(word[3]) if len(word) > 3 else b"")
    assert len(answer) > 1 or answer == b"\0", "%s: status %s" % (text, answer.hex())
PY
}
LOCK_CONFIG="17 80 0000" LOCK_DATA="17 81 0000"

control() { # CHIP JSON-MEMBERS: the simulator's control message
    PYTHONPATH=$here python3 -c 'import demo_check, json, sys
ask = dict(json.loads(sys.argv[3]), chip=sys.argv[2])
print(demo_check.Chip(sys.argv[1], sys.argv[2]).ask(0x20, json.dumps(ask).encode()).decode())' \
        "$SOCK" "$1/u1" "$2"
}

power() { # CHIP true|false
    control "$1" "{\"do\": \"power\", \"on\": $2}" >/dev/null
}

command_numbers() { # BUS OPCODE: which commands of that board these were
    awk -v bus="$1" -v op="$2" '$2 == bus && $3 == "W" && $5 == "ack" && $6 ~ /^03/ {
        n++; if (substr($6, 5, 2) == op) print n }' "$WORK/bus.trace"
}

locks() { "$ROTSIM" list --json --socket "$SOCK" | python3 -c 'import json,sys
print(*[c["locks"] for c in json.load(sys.stdin)["chips"] if c["chip"] == sys.argv[1]])' "$1/u1"; }

has_no_key() { # the simulator's file says so
    python3 -c 'import json,sys
print("yes" if set(json.load(open(sys.argv[1]))["slots"][0]) <= set("fF") else "no")' "$WORK/chips/$1,u1.json"
}

count() { sqlite3 "$DATA/store.db" "SELECT count(*) FROM certificate WHERE device='$1'"; }

echo "no chip, another chip"
refuses "no chip: press it down" 5 chip.absent once sz-1 o-1 N-1 none
power b1 false
refuses "a chip without power" 5 chip.absent once sz-1 o-1 N-1 b1
refuses "the same, on a desk" 1 chip.absent desk info --chip "$(chip b1)"
power b1 true
refuses "an ATECC608A where the order says 608B" 1 chip.wrong-part once sz-1 o-1 N-1 old
fault b1 busy@1+
refuses "a chip that is busy for ever" 5 chip.absent once sz-1 o-1 N-1 b1
fault b1 clear
fault b1 flip@1+
refuses "a chip whose every answer is damaged" 5 chip.absent once sz-1 o-1 N-1 b1
fault b1 clear
ends "and nothing was done to it: it passes" 0 PASS once sz-1 o-1 N-1 b1

ends "a board without any trouble" 0 PASS once sz-1 o-1 N-8 b8
config_lock=$(command_numbers b8 17 | head -n 1) data_lock=$(command_numbers b8 17 | tail -n 1)
made_key=$(command_numbers b8 40 | head -n 1)

echo "locked by somebody else"
LOCK_CONFIG="17 80 0000" LOCK_DATA="17 81 0000"
bus b2 "$LOCK_CONFIG"
refuses "the configuration, with other contents" 1 chip.foreign once sz-1 o-1 L-2 b2
refuses "and by the desk tool" 1 chip.foreign desk lock config --yes-irreversible atecc608b --chip "$(chip b2)"
bus b3 "$LOCK_CONFIG" "$LOCK_DATA"
refuses "configuration and data" 1 chip.foreign once sz-1 o-1 L-3 b3
refuses "a part with its maker's identity (Trust&GO)" 1 chip.foreign once sz-1 o-1 L-4 tng
fault b4 "cut-after@$config_lock"
ends "a board with our configuration" 5 chip.interrupted once sz-1 o-1 L-5 b4
power b4 true
same "and nothing more" "config yes" "$(locks b4) $(has_no_key b4)"
bus b4 "$LOCK_DATA"
refuses "whose data somebody else locked, where it was begun" 1 chip.foreign once sz-1 o-1 L-5 b4
refuses "and where it was not" 1 chip.foreign once sz-2 o-1 L-5 b4

echo "used before"
ends "a board is made" 0 PASS once sz-1 o-1 U-5 b5
refuses "for another order" 1 chip.foreign once sz-1 o-2 U-5 b5
refuses "for another order, at a station that does not know it" 1 device.exists \
    once sz-2 o-2 U-5 b5
refuses "under another label" 1 label.other once sz-1 o-1 U-6 b5
refuses "under another label, at the other station" 1 chip.foreign once sz-2 o-1 U-6 b5
before=$(state | grep -v ,u1.json)
ends "another chip under its label" 1 device.exists once sz-1 o-1 U-5 b9
same "and no identity came of it" "$before" "$(state | grep -v ,u1.json)"
ends "that chip under its own" 0 PASS once sz-1 o-1 U-9 b9

echo "a chip that dies after its identity was signed"
fault b11 "status@$data_lock+:0f"
ends "is no good board" 1 "REJECT  F1" once sz-1 o-1 D-11 b11
fault b11 clear
same "it is scrapped, and counted so" 1 "$(rs order show o-1 --json | member counts.scrapped)"
ends "and stays scrapped" 1 chip.foreign once sz-1 o-1 D-11 b11
same "counted once" 1 "$(rs order show o-1 --json | member counts.scrapped)"

echo "one bad answer in the middle"
fault b12 "status@$data_lock:0f"
ends "the part is looked at from the beginning" 0 PASS once sz-1 o-1 A-12 b12
same "and the event says so" chip.fault "$(grep '"board.end"' "$WORK/sz-1/events.jsonl" | tail -n 1 | member again)"

echo "a board that is thrown away unseen, with a label that has an identity"
fault b13 "cut-before@$data_lock"
ends "its part has a certificate, and loses power" 5 chip.interrupted once sz-1 o-1 A-13 b13
echo "1 A-13" | timeout 120 "$STATION" --data "$WORK/sz-1" run --ui plain --wait 20 --order o-1 --boards - \
    --yes-irreversible atecc608b --fixture "1=$(chip b13)" >"$WORK/run.log" 2>&1
check "nobody answers under it: no contact, and into the box" grep -q "REJECT.*C1" "$WORK/run.log"
same "counted as scrap" 2 "$(rs order show o-1 --json | member counts.scrapped)"
power b13 true
ends "and the part that it was signed for is known as that" 1 chip.foreign once sz-1 o-1 A-13 b13

echo "two stations on one board"
fault b6 "cut-before@$data_lock"
ends "begun at one: it has a certificate, and is not sealed" 5 chip.interrupted once sz-1 o-1 T-6 b6
power b6 true
same "one certificate" 1 "$(count T-6)"
same "not sealed" config "$(locks b6)"
refuses "another model under its label is the wrong board" 1 label.other once sz-1 o-1 T-6 old
refuses "the other does not touch it" 1 chip.foreign once sz-2 o-1 T-6 b6
refuses "however often it comes back" 1 chip.foreign once sz-2 o-1 T-6 b6
ends "the first finishes it" 0 PASS once sz-1 o-1 T-6 b6
same "one certificate still" 1 "$(count T-6)"
refuses "and proves it at the other" 0 PASS once sz-2 o-1 T-6 b6
fault b10 "cut-after@$config_lock"
ends "one that has no key yet" 5 chip.interrupted once sz-1 o-1 T-10 b10
power b10 true
fault b10 "cut-after@60"
ends "is taken over by the other" 5 chip.interrupted once sz-2 o-1 T-10 b10
power b10 true
same "which made a key" no "$(has_no_key b10)"
ends "and finished there, whenever its power went" 0 PASS once sz-2 o-1 T-10 b10
mkfifo "$WORK/boards.1" "$WORK/boards.2"
for n in 1 2; do
    "$STATION" --data "$WORK/sz-$n" run --json --wait 60 --order o-1 --boards - --yes-irreversible atecc608b \
        --fixture "1=$(chip b7)" <"$WORK/boards.$n" >"$WORK/line.$n" 2>&1 &
    LINES[n]=$!
done
exec 8>"$WORK/boards.1" 9>"$WORK/boards.2"
check "both stations are open" wait_for 20 grep -q shift.open "$WORK/line.1" "$WORK/line.2"
sleep 1
served=$(grep -ls "^PPid:[[:space:]]*$SERVER\$" /proc/[0-9]*/status | tr -dc '0-9\n')
for pid in $served; do kill -STOP "$pid"; done
echo "1 T-7" >&8
check "the first waits for the server with the board" wait_for 20 grep -q '"step":"certificate"' "$WORK/line.1"
before=$(cd "$WORK/chips" && sha256sum b7,*)
echo "1 T-7" >&9
check "the second is told that the chip is busy" wait_for 20 grep -q chip.busy "$WORK/line.2"
same "and has not touched it" "$before" "$(cd "$WORK/chips" && sha256sum b7,*)"
for pid in $served; do kill -CONT "$pid"; done
same "a front and a signer were stopped meanwhile" 2 "$(echo "$served" | wc -l)"
check "the first goes on" wait_for 30 grep -q '"state":"pass"' "$WORK/line.1"
exec 8>&- 9>&-
wait "${LINES[1]}"
same "and ends well" 0 $?
wait "${LINES[2]}"
same "one certificate for T-7" 1 "$(count T-7)"

echo "counterfeits"
stop_sim
python3 - "$WORK/chips" <<'PY'
import json, os, sys
def load(name):
    return json.load(open("%s/%s,u1.json" % (sys.argv[1], name)))
def save(name, chip):
    path = "%s/%s,u1.json" % (sys.argv[1], name)
    json.dump(chip, open(path, "w"))
good, other, blank = load("b1"), load("b5"), load("twin")
# A copy of all that can be read of board b5, with a key of its own.
copy = dict(other, slots=list(other["slots"]))
copy["slots"][0] = good["slots"][0]
save("b5", copy)
# A blank part with the unique number of b1.
a, b = bytearray.fromhex(good["config"][0]), bytearray.fromhex(blank["config"][0])
b[0:4], b[8:13] = a[0:4], a[8:13]
blank["config"][0] = b.hex()
save("twin", blank)
PY
start_sim || bad "the simulator starts again"
refuses "an identity without its key" 1 chip.not-genuine once sz-1 o-1 U-5 b5
refuses "the same, at the other station" 1 chip.foreign once sz-2 o-1 U-5 b5
refuses "a blank part with the number of a finished one" 1 label.other \
    once sz-1 o-1 W-1 twin
fault b1 "lie:00@1+" 2>/dev/null || fault b1 "lie@1+:00"
refuses "a chip that says yes to all" 5 chip.fault once sz-1 o-1 N-1 b1
fault b1 clear
finish

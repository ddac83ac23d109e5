#!/usr/bin/env bash
# A line of soft boards against the real server: the exit codes, two stations on one board, a server
# that goes away, and death of the station at every write; one certificate per board whatever happens.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
BIN=$1
. "$(dirname "$0")/lib.sh"
trap down EXIT
up acme || { echo "0 passed, 1 failed"; exit 1; }

rs product set sensor-x2 --rot soft --issuer acme-devices -q
rs product set sensor-a --rot atecc608b --issuer acme-devices -q
STATION=$(find_program rootsmith-station)

st() { # STATION ARGS...
    local name=$1
    shift
    "$STATION" --data "$WORK/$name" "$@"
}

join() { # NAME: a token, and the station that uses it
    rs station create "$1" --json | member token >"$WORK/token"
    chmod 600 "$WORK/token"
    st "$1" enroll "https://$DEVICES" --name "$1" --token "$WORK/token" >"$WORK/enroll.log"
}

once() { # STATION ORDER SERIAL CHIP [OPTIONS]
    local name=$1 order=$2 serial=$3 chip=$4
    shift 4
    st "$name" run --once --ui plain --order "$order" --serial "$serial" --fixture "1=$chip" \
        --yes-irreversible atecc608b "$@" >"$WORK/run.log" 2>&1
}

ends() { # TEXT EXIT WORD COMMAND...: ends with that code and says the word
    local text=$1 want=$2 word=$3 got
    shift 3
    "$@"
    got=$?
    if [ "$got" = "$want" ] && grep -q "$word" "$WORK/run.log"; then
        ok "$text"
    else
        bad "$text: exit $got, not $want, or no \"$word\""
        tail -n 8 "$WORK/run.log"
    fi
}

st_run() { st "$1" run --once --ui plain --serial P-9 >"$WORK/run.log" 2>&1; }

ANY="soft:$WORK/{serial}.rot"
same "sz-1 enrols" 0 "$(join sz-1; echo $?)"
same "sz-2 enrols" 0 "$(join sz-2; echo $?)"
same "a one-time code works once" 1 "$(st sz-3 enroll "https://$DEVICES" --name sz-3 \
    --token "$WORK/token" >/dev/null 2>&1; echo $?)"
same "and left nothing" "" "$(ls "$WORK/sz-3/station.json" 2>/dev/null)"
rs order create --product sensor-x2 --quantity 200 --stations sz-1,sz-2 --name o-1 -q
rs order create --product sensor-a --quantity 2 --stations sz-1 --name o-a -q
rs order create --product sensor-x2 --quantity 1 --stations sz-1 --name o-one -q

echo "results"
ends "a board passes" 0 PASS once sz-1 o-1 S-1 "$ANY"
ends "the same board again is done already" 0 "Already done" once sz-1 o-1 S-1 "$ANY"
ends "another label for that chip" 1 label.other once sz-1 o-1 S-2 "soft:$WORK/S-1.rot"
ends "a chip of another order" 1 chip.foreign once sz-1 o-one S-1 "$ANY"
ends "a wrong part" 1 chip.wrong-part once sz-1 o-a S-3 "$ANY"
ends "no chip: press it down" 5 chip.absent once sz-1 o-1 S-4 "sim:$WORK/none#desk/1"
ends "no such order" 6 order.closed once sz-1 o-none S-4 "$ANY"
ends "the last of an order" 0 PASS once sz-1 o-one S-5 "$ANY"
ends "one more than the order allows" 6 order.exhausted once sz-1 o-one S-6 "$ANY"
ends "a directory without a station" 2 station.unenrolled once sz-9 o-1 S-7 "$ANY"

echo "two stations on one board"
ends "a finished board at the other station" 0 PASS once sz-2 o-1 S-1 "$ANY"
ends "its serial with another chip" 1 device.exists once sz-2 o-1 S-1 "soft:$WORK/copy.rot"
cp "$WORK/S-1.rot" "$WORK/clone.rot" && cp "$WORK/S-1.rot.key" "$WORK/clone.rot.key"
ends "a copy of the chip under another serial" 1 label.other once sz-2 o-1 S-8 "soft:$WORK/clone.rot"
once sz-1 o-1 S-9 "$ANY" &
OTHER=$!
once sz-2 o-1 S-9 "$ANY"
wait "$OTHER"
same "both at once: one certificate" 1 "$(sqlite3 "$DATA/store.db" \
    "SELECT count(*) FROM certificate WHERE device='S-9'")"
{ echo "1 S-10"; sleep 3; } | st sz-1 run --ui none --order o-1 --boards - --fixture "1=$ANY" &
OTHER=$!
sleep 1
ends "two programs on one directory" 5 station.running once sz-1 o-1 S-11 "$ANY"
wait "$OTHER"

echo "the server goes away"
stop_server
ends "nothing is begun without it" 5 net.unreachable once sz-1 o-1 S-12 "$ANY" --wait 2
: >"$WORK/rootsmithd.log"
start_server
mkfifo "$WORK/boards"
st sz-1 run --wait 100 --ui plain --order o-1 --boards - --fixture "1=$ANY" \
    <"$WORK/boards" >"$WORK/run.log" 2>&1 &
LINE=$!
exec 9>"$WORK/boards"
echo "1 S-13" >&9
check "a board passes before" wait_for 30 grep -q PASS "$WORK/run.log"
stop_server
echo "1 S-14" >&9
sleep 2
same "none passes meanwhile" 1 "$(grep -c PASS "$WORK/run.log")"
: >"$WORK/rootsmithd.log"
start_server
check "the waiting board passes after" wait_for 100 eval '[ "$(grep -c PASS "$WORK/run.log")" = 2 ]'
exec 9>&-
wait "$LINE"
same "and the line ends well" 0 "$?"

echo "death at every write"
killed=0
if ROOTSMITH_INJECT='station:write@1=kill' once sz-1 o-1 K-0 "$ANY"; then
    echo "  (this build cannot inject faults: skipped)"
else
    for rule in write@{1..20}=kill write@{1..20}+=kill sync@{1..3}+=kill write@{3,9,12,14,18}=torn \
        station-{asking,asked,sealing,sealed}@1=kill; do
        killed=$((killed + 1))
        ROOTSMITH_INJECT="station:$rule" once sz-1 o-1 "K-$killed" "$ANY"
        once sz-1 o-1 "K-$killed" "$ANY" || bad "not finished after $rule: $(tail -n 3 "$WORK/run.log")"
    done
    same "all $killed finished, one certificate each" "$killed|$killed" "$(sqlite3 "$DATA/store.db" \
        "SELECT count(*), count(DISTINCT device) FROM certificate WHERE device LIKE 'K-%' AND device<>'K-0'")"
fi
check "events have no gap and no double" python3 -c '
import json, sys
for n, line in enumerate(open(sys.argv[1]), 1):
    assert json.loads(line)["seq"] == n, n' "$WORK/sz-1/events.jsonl"
same "every report is at the server" 0 "$(st sz-1 status --json | member unsent)"
cat "$WORK"/*.rot.key >/dev/null
check "no private key in journal or events" python3 -c '
import glob, sys
held = open(sys.argv[1] + "/sz-1/journal", "rb").read() + open(sys.argv[1] + "/sz-1/events.jsonl", "rb").read()
key = open(sys.argv[1] + "/sz-1/station.key").read().split("-----")[2]
assert key.encode()[:40] not in held
for f in glob.glob(sys.argv[1] + "/*.rot.key"):
    secret = open(f, "rb").read()
    assert secret not in held and secret.hex().encode() not in held, f' "$WORK"

echo "another PKI: to the station, ours is any EST server"
enrol_station ra-1
rs order create --product sensor-x2 --quantity 9 --stations ra-1 --name o-ra -q
mkdir -p "$WORK/alone"
cat >"$WORK/alone/station.yaml" <<YAML
name: alone
est: {server: "https://$DEVICES", trust: "$WORK/root.pem", label: o-ra, certificate: "$WORK/ra-1.pem",
      key: "$WORK/ra-1.key", rot: soft, serials: "P-#", quantity: 2}
fixtures: [{name: 1, chip: "$ANY"}]
YAML
alone() { st alone run --once --ui plain --serial "$1" >"$WORK/run.log" 2>&1; }
ends "a directory that is enrolled nowhere, and no est" 2 station.unenrolled once sz-9 o-1 S-7 "$ANY"
ends "a serial outside the pattern" 1 label.pattern alone X-1
ends "a board passes" 0 PASS alone P-1
ends "and is done already" 0 "Already done" alone P-1
ends "a second" 0 PASS alone P-2
ends "one more than the file allows" 6 order.exhausted alone P-3
same "the other PKI made two" 2 "$(rs order show o-ra --json | member counts.signed)"
check "its certificate is in the chip" eval '"$(find_program rootsmith)" chip read idevid --part cert --chip "soft:$WORK/P-2.rot" -o "$WORK/P-2.read" --overwrite && openssl x509 -in "$WORK/P-2.read" -noout -subject | grep -q P-2'
cp -r "$WORK/alone" "$WORK/enrolled" && cp "$WORK"/sz-1/station.* "$WORK"/sz-1/root.pem "$WORK/enrolled/"
cp "$WORK/alone/station.yaml" "$WORK/enrolled/"
ends "a directory that has a server already" 2 "has a server already" st_run enrolled
echo "the journal is guarded"
cp "$WORK/sz-1/journal" "$WORK/journal.good"
python3 - "$WORK/sz-1/journal" <<'PY'
import sys
b = bytearray(open(sys.argv[1], "rb").read())
b[len(b) // 2] ^= 1
open(sys.argv[1], "wb").write(b)
PY
ends "a flipped bit" 6 journal.damaged once sz-1 o-1 S-15 "$ANY"
head -c 2000 "$WORK/journal.good" >"$WORK/sz-1/journal"
ends "an old copy of it" 6 journal.damaged once sz-1 o-1 S-16 "$ANY"
finish

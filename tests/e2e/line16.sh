#!/usr/bin/env bash
# Sixteen nests at once, six models of five families, six orders, one station: seven parts of one
# address behind one mux, two behind another, adapters of their own for others, TPMs by name.  Each
# nest of an adapter makes two boards; the simulators take the time that parts and wires take.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
BIN=$1
here=$(dirname "$(readlink -f "$0")")
. "$here/lib.sh"
. "$here/tpm.sh"
SIM=
stop() {
    local dir
    for dir in "$WORK"/tpm-*; do [ -d "$dir" ] && stop_tpm "$dir"; done
    [ -z "$SIM" ] || { kill "$SIM" 2>/dev/null; wait "$SIM" 2>/dev/null; }
    down
}
trap stop EXIT
has_swtpm || { echo "0 passed, 0 failed (no swtpm)"; exit 77; }
up acme || { echo "0 passed, 1 failed"; exit 1; }
STATION=$(find_program rootsmith-station) ROTSIM=$(find_program rot-sim)
SOCK=$WORK/sim.sock

# NEST ADAPTER CHANNEL PART ADDRESS KIND
each() {
    local n
    for n in 1 2 3 4 5 6 7; do echo "$n left $((n - 1)) atecc608b 0x60 blank608b"; done
    echo "8 a8 - atecc608a 0x60 blank608a"
    echo "9 mid 0 se050 0x48 blank-se050"
    echo "10 mid 7 se050 0x48 blank-se050"
    echo "11 a11 - stsafe-a110 0x20 blank-a110"
    echo "12 a12 - stsafe-a110 0x20 blank-a110"
    echo "13 a13 - optiga-trust-m3 0x30 blank-m3"
    echo "14 a14 - optiga-trust-m3 0x30 blank-m3"
    echo "15 - - tpm2 - -"
    echo "16 - - tpm2 - -"
}
{
    echo "listen $SOCK"; echo "state chips"; echo "timing real"
    echo "mux left 0x70"; echo "mux mid 0x71"
    each | grep -v ' tpm2 ' | while read -r n adapter channel _ _ kind; do
        for b in 1 2; do echo "chip $adapter/b$n.$b $kind ${channel#-}"; done
    done
} >"$WORK/panel"
"$ROTSIM" panel "$WORK/panel" >"$WORK/sim.log" 2>&1 &
SIM=$!
wait_for 20 "$ROTSIM" list --socket "$SOCK" || { cat "$WORK/sim.log"; echo "0 passed, 1 failed"; exit 1; }
for n in 15 16; do check "a TPM" eval 'make_tpm "$WORK/tpm-$n" "$WORK/maker" && start_tpm "$WORK/tpm-$n"'; done
tpm_makers "$WORK/maker" >"$DATA/makers.pem"
stop_server
printf 'tpm:\n  roots: [makers.pem]\n' >>"$DATA/rootsmithd.yaml"
: >"$WORK/rootsmithd.log"
start_server
rs station create sz-1 --json | member token >"$WORK/token"
chmod 600 "$WORK/token"
st() { timeout 300 "$STATION" --data "$WORK/sz-1" "$@"; }
st enroll "https://$DEVICES" --name sz-1 --token "$WORK/token" >"$WORK/enroll.log" 2>&1 || bad "sz-1 enrols"
{
    echo "adapters:"
    each | awk '$2 != "-" { print $2 }' | sort -u | while read -r a; do
        case $a in left) mux=", mux: 0x70" ;; mid) mux=", mux: 0x71" ;; *) mux= ;; esac
        echo "  - {name: $a, sim: \"$SOCK#$a\"$mux}"
    done
    echo "nests:"
    each | while read -r n adapter channel part address _; do
        if [ "$adapter" = - ]; then
            echo "  - {name: $n, chip: \"tpm:swtpm:path=$WORK/tpm-$n/sock\", part: $part}"
        elif [ "$channel" = - ]; then
            echo "  - {name: $n, adapter: $adapter, part: $part, addresses: [$address]}"
        else
            echo "  - {name: $n, adapter: $adapter, channel: $channel, part: $part, addresses: [$address]}"
        fi
    done
} >"$WORK/sz-1/fixtures.yaml"
yes=()
for part in $(each | awk '{ print $4 }' | sort -u); do
    rs product set "p-$part" --rot "$part" --issuer acme-devices --serials "$part-*" -q
    rs order create --product "p-$part" --quantity 20 --stations sz-1 --name "o-$part" -q
    yes+=(--yes-irreversible "$part")
done

each >"$WORK/nests"
# Hands: a board into each nest, the next when it is done; scans name the nest.
cat >"$WORK/hands.py" <<'PY'
import json, subprocess, sys, threading
sys.path.insert(0, sys.argv[1])
import sim
socket, nests, log, command = sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5:]
panel = sim.Panel(socket)
nests = [line.split() for line in open(nests)]
left = {}


def insert(nest, board):
    n, adapter = nest[0], nest[1]
    if adapter == "-":
        return
    for b in (1, 2):
        panel.ask({"do": "power", "chip": "%s/b%s.%d" % (adapter, n, b), "on": b == board})


line = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
for nest in nests:
    insert(nest, 0)
for nest in nests:
    insert(nest, 1)
    left[nest[0]] = [2] if nest[1] != "-" else []
    line.stdin.write("%s %s-%s.1\n" % (nest[0], nest[3], nest[0]))
line.stdin.flush()
waiting = {n[0] for n in nests}
with open(log, "w") as out:
    for text in line.stdout:
        out.write(text)
        event = json.loads(text)
        if event["event"] != "board.end":
            continue
        nest = next(n for n in nests if n[0] == event["fixture"])
        if event["state"] != "pass" and event["state"] != "again":
            waiting.discard(nest[0])
        if event["state"] == "pass" and left[nest[0]]:
            board = left[nest[0]].pop()
            insert(nest, board)
            line.stdin.write("%s %s-%s.%d\n" % (nest[0], nest[3], nest[0], board))
            line.stdin.flush()
        elif event["state"] == "pass":
            waiting.discard(nest[0])
        if not waiting and not line.stdin.closed:
            line.stdin.close()
sys.exit(line.wait())
PY
# One board in each nest.
each | grep -v ' tpm2 ' | while read -r n adapter _; do
    python3 "$here/sim.py" ask "$SOCK" "{\"do\":\"power\",\"chip\":\"$adapter/b$n.2\",\"on\":false}"
done >/dev/null
check "every nest is there" st fixtures check
check "with a blank part in it" test "$(grep -c ', blank' "$WORK/check.log")" = 16
python3 "$WORK/hands.py" "$here" "$SOCK" "$WORK/nests" "$WORK/events" \
    timeout 300 "$STATION" --data "$WORK/sz-1" run --json --boards - "${yes[@]}" 2>"$WORK/run.err"
same "the line ends well" 0 $?
[ -s "$WORK/run.err" ] && head -n 5 "$WORK/run.err"
python3 - "$WORK/events" <<'PY'
import json, sys
work = most = 0
for e in map(json.loads, open(sys.argv[1])):
    work += (e["event"] == "board.start") - (e["event"] == "board.end")
    most = max(most, work)
    if e["event"] == "board.end" and e["state"] != "pass":
        print("       %s %s %s %s: %s" % (e["fixture"], e["serial"], e["state"], e["code"], e["detail"]))
    if e["event"] == "shift.close":
        for o in e["orders"]:
            c = o["cycle"]
            print("       %-18s %2d boards, %5d ms median, %5d ms p95, slowest %s" % (
                o["order"], c["boards"], c["median_ms"], c["p95_ms"], c["slowest"]))
open(sys.argv[1] + ".most", "w").write(str(most))
PY
same "sixteen at once" 16 "$(cat "$WORK/events.most")"
same "thirty boards, one certificate each" "30|30" "$(sqlite3 "$DATA/store.db" \
    "SELECT count(*), count(DISTINCT device) FROM certificate WHERE profile LIKE 'idevid%' AND device LIKE '%.%'")"
for part in $(each | awk '{ print $4 }' | sort -u); do
    want=$(each | awk -v p="$part" '$4 == p { n += $2 == "-" ? 1 : 2 } END { print n }')
    same "$part: all good" "$want" "$(rs order show "o-$part" --json | member counts.good)"
done
sqlite3 "$DATA/store.db" "SELECT writefile('$WORK/' || device || '.der', der) FROM certificate_der
    JOIN certificate USING (tenant, signer_id, leaf) WHERE device LIKE '%.%'" >/dev/null
for der in "$WORK"/*-*.[12].der; do
    openssl x509 -inform DER -in "$der" -out "${der%.der}.pem"
done
same "openssl believes them" 30 "$(openssl verify -CAfile "$WORK/root.pem" -untrusted "$WORK/devices.pem" \
    "$WORK"/*-*.[12].pem 2>/dev/null | grep -c ': OK')"
check "events have no gap" python3 -c '
import json, sys
for n, line in enumerate(open(sys.argv[1]), 1):
    assert json.loads(line)["seq"] == n, n' "$WORK/sz-1/events.jsonl"

check "status has the cycle times of each order" python3 -c '
import json, sys
o = json.load(sys.stdin)["orders"]
assert len(o) == 6 and all(x["cycle"]["boards"] >= 2 and x["cycle"]["median_ms"] > 0 for x in o), o' < <(st status --json)

echo "labels find their nest"
printf '1 se050-77\n' | st run --ui plain --boards - "${yes[@]}" >"$WORK/run.log" 2>&1
same "a label of another part's order" 1 $?
check "says which part that is" grep -q "is a board of o-se050 (se050), nest 1 is for atecc608b" "$WORK/run.log"
printf 'nonsense\n' | st run --ui plain --boards - "${yes[@]}" >"$WORK/run.log" 2>&1
check "one of no order" grep -q "is not a board label of any order of this run" "$WORK/run.log"
printf 'se050-9.2\n' | st run --ui plain --boards - "${yes[@]}" >"$WORK/run.log" 2>&1
check "without a nest: one of its part takes it" grep -Eq "fixture (9|10)  se050-9.2" "$WORK/run.log"
rs product set twice --rot se050 --issuer acme-devices -q
rs order create --product twice --quantity 5 --stations sz-1 --name o-twice -q
st run --ui plain --boards /dev/null "${yes[@]}" >"$WORK/run.log" 2>&1
same "two orders for one part" 2 $?
check "are to be chosen from" grep -q "both open for se050: choose with --order" "$WORK/run.log"
printf '9 se050-78\n' | st run --ui plain --boards - --order o-twice --order o-se050 "${yes[@]}" >"$WORK/run.log" 2>&1
check "a label that fits two orders" grep -q "may be of o-twice or of o-se050" "$WORK/run.log"
finish

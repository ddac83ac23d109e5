#!/usr/bin/env bash
# Mixed reels: what a board is, told by reading only, in under 200 ms of bus time.  That is counted, not
# measured: bytes on the wire by the simulator's counters, transactions that nobody acknowledged by its
# trace, all with real timing.  The part's own time, by the reference's tables, stands beside it.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
BIN=$1
here=$(dirname "$(readlink -f "$0")")
. "$here/lib.sh"
SIM=
stop() {
    [ -z "$SIM" ] || { kill "$SIM" 2>/dev/null; wait "$SIM" 2>/dev/null; }
    SIM=
}
trap 'stop; down' EXIT
up acme || { echo "0 passed, 1 failed"; exit 1; }
STATION=$(find_program rootsmith-station) ROTSIM=$(find_program rot-sim)
SOCK=$WORK/sim.sock
LIMIT_MS=200

# NEST  KIND-OF-CHIP  PART-OF-THE-NEST  ADDRESSES  STATE(fresh, half, done)  WHAT
NESTS="
1 blank608b   atecc608b       0x60        fresh blank
2 blank608b   atecc608b       0x60        half  half-done
3 blank608b   atecc608b       0x60        done  done
4 tflxtls     atecc608b       0x60,0x36   fresh pre-provisioned
5 tngtls      atecc608b       0x35        fresh pre-provisioned
6 tflxtls     atecc608b       0x60        fresh pre-provisioned
7 blank608a   atecc608b       0x60        fresh wrong-part
8 blank-se050 atecc608b       0x60        fresh wrong-part
9 blank608b   se050           0x48        fresh wrong-part
10 blank-se050 se050          0x48        fresh blank
11 blank-se050 se050          0x48        done  done
12 blank-a110 stsafe-a110     0x20        fresh blank
13 blank-a110 stsafe-a110     0x20        done  done
14 blank-m3   optiga-trust-m3 0x30        fresh blank
15 blank-m3   optiga-trust-m3 0x30        done  done
16 blank608b  atecc608b       0x31        fresh wrong-address
"
each() { grep . <<<"$NESTS"; }
{
    echo "listen $SOCK"; echo "state chips"; echo "timing TIMING"; echo "trace TRACE"
    each | while read -r n kind _; do echo "chip n$n/u1 $kind"; done
} >"$WORK/panel.in"
sim() { # TIMING
    stop
    sed "s/TIMING/$1/; s/TRACE/trace.$1/" "$WORK/panel.in" >"$WORK/panel"
    "$ROTSIM" panel "$WORK/panel" >>"$WORK/sim.log" 2>&1 &
    SIM=$!
    wait_for 20 "$ROTSIM" list --socket "$SOCK"
}
{
    echo "adapters:"
    each | while read -r n _; do echo "  - {name: a$n, sim: \"$SOCK#n$n\"}"; done
    echo "nests:"
    each | while read -r n _ part addresses _; do
        echo "  - {name: $n, adapter: a$n, part: $part, addresses: [${addresses//,/, }]}"
    done
} >"$WORK/fixtures.yaml"

rs station create sz-1 --json | member token >"$WORK/token"
chmod 600 "$WORK/token"
st() { timeout 120 "$STATION" --data "$WORK/sz-1" "$@"; }
st enroll "https://$DEVICES" --name sz-1 --token "$WORK/token" >"$WORK/enroll.log" 2>&1 || bad "sz-1 enrols"
cp "$WORK/fixtures.yaml" "$WORK/sz-1/"
yes=()
for model in atecc608b se050 stsafe-a110 optiga-trust-m3; do
    rs product set "p-$model" --rot "$model" --issuer acme-devices -q
    rs order create --product "p-$model" --quantity 20 --stations sz-1 --name "o-$model" -q
    yes+=(--yes-irreversible "$model")
done
sim none
once() { # NEST SERIAL PART
    printf '%s %s\n' "$1" "$2" >"$WORK/boards"
    st run --once --ui plain --order "o-$3" --boards "$WORK/boards" "${yes[@]}" >"$WORK/run.log" 2>&1
}
echo "boards of before"
while read -r n kind part addresses state _; do
    [ "$state" = half ] && "$ROTSIM" fault "n$n/u1" cut-after@32 --socket "$SOCK" >/dev/null
    [ "$state" != fresh ] && once "$n" "S-$n" "$part"
    [ "$state" = "done" ] && check "nest $n: $part, made" grep -q PASS "$WORK/run.log"
    [ "$state" = half ] && check "nest $n: $part, cut" grep -q AGAIN "$WORK/run.log"
done < <(each)
cp "$WORK/trace.none" "$WORK/trace.made"

echo "recognised"
sim real
counts() { each | while read -r n _; do python3 "$here/sim.py" ask "$SOCK" "{\"do\":\"stats\",\"chip\":\"n$n/u1\"}"; done; }
(cd "$WORK/chips" && sha256sum -- *) >"$WORK/chips.before"
counts >"$WORK/before"
lines=$(wc -l <"$WORK/trace.real")
st fixtures check --json >"$WORK/check.json"
counts >"$WORK/after"
tail -n +$((lines + 1)) "$WORK/trace.real" >"$WORK/trace.check"
python3 - "$WORK" "$LIMIT_MS" >"$WORK/table" <<'PY'
import json, sys
work, limit = sys.argv[1], float(sys.argv[2])
nests = {n["name"]: n for n in json.load(open(work + "/check.json"))["nests"]}
before, after = ([json.loads(l) for l in open(work + "/" + f)] for f in ("before", "after"))
strangers = {}                                  # nobody's address: 11 bit times each, at 100 kHz
for line in open(work + "/trace.check"):
    time, bus, kind, address, result, data = (line.rstrip("\n").split(" ") + [""])[:6]
    if kind == "K":
        strangers[bus] = strangers.get(bus, 0) + int(data)
    elif kind in "WR" and result == "nack":
        strangers[bus] = strangers.get(bus, 0) + ((len(data) // 2 + 1) * 9 + 2) * 10
for b, a in zip(before, after):
    bus = a["chip"].split("/")[0]
    n = nests[bus[1:]]
    wire = (a["bus_time_us"] - b["bus_time_us"] + strangers.get(bus, 0)) / 1000
    part = (a["chip_time_us"] - b["chip_time_us"]) / 1000
    print("%s|%s|%.1f|%.1f|%.1f|%d|%s" % (n["name"], n["what"], wire, part, wire + part,
          a["commands"] - b["commands"], n["detail"]))
PY
while IFS='|' read -r n what wire part all commands detail; do
    printf '       nest %-3s wire %6.1f ms + part %6.1f ms = %6.1f ms, %3d commands: %s\n' "$n" "$wire" "$part" "$all" \
        "$commands" "$detail"
done <"$WORK/table"
while read -r n kind part _ _ wanted; do
    IFS='|' read -r _ what wire _ _ _ detail < <(grep "^$n|" "$WORK/table")
    same "nest $n: $kind where $part belongs is $wanted" "$wanted" "$what"
    check "in under $LIMIT_MS ms of bus time" python3 -c 'import sys; sys.exit(float(sys.argv[1]) >= float(sys.argv[2]))' \
        "$wire" "$LIMIT_MS"
done < <(each)
same "no part was changed" "" "$(cd "$WORK/chips" && sha256sum -- * | diff "$WORK/chips.before" - | grep -v 'n13,u1' | grep '^[<>]')"

st fixtures check -v --json >"$WORK/check.json"
same "whose it is is asked for" "S-3 S-11 S-13 S-15" "$(python3 -c '
import json, sys
print(*[n["device"] for n in json.load(open(sys.argv[1]))["nests"] if n["device"]])' "$WORK/check.json")"

echo "what the line says of them"
sim none
says() { # NEST SERIAL PART EXIT TEXT...
    local n=$1 got
    once "$1" "$2" "$3"
    got=$?
    same "nest $n ends" "$4" "$got"
    shift 4
    for text in "$@"; do check "and says: $text" grep -qF -- "$text" "$WORK/run.log"; done
}
says 8 W-8 atecc608b 1 "Wrong chip. Red box." "found   se050 at 0x48, blank, with its maker's certificate, where atecc608b belongs"
says 7 W-7 atecc608b 1 "Wrong chip. Red box." "found   atecc608a at 0x60, where atecc608b belongs"
says 16 W-16 atecc608b 1 "Wrong chip. Red box." "atecc608b at 0x60, blank, where 0x31 is expected" chip.wrong-address
says 6 W-6 atecc608b 1 "This chip was used before. Red box." "configured and sealed by its maker, where 0x60 is expected"
says 2 S-2 atecc608b 0 "PASS"
says 3 S-3 atecc608b 0 "Already done"
check "events have it for programs" python3 -c '
import json, sys
ends = {e["serial"]: e for e in map(json.loads, open(sys.argv[1])) if e["event"] == "board.end"}
assert ends["W-8"]["what"] == "wrong-part" and ends["W-8"]["found"].startswith("se050 at 0x48"), ends["W-8"]
assert ends["W-16"]["what"] == "wrong-address" and ends["W-16"]["code"] == "chip.wrong-address"
assert "what" not in ends["S-2"]' "$WORK/sz-1/events.jsonl"
finish

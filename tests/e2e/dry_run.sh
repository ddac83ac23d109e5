#!/usr/bin/env bash
# What a run would do, without doing it; and nothing is locked that nobody named.
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
FAMILIES="atecc608b=blank608b=0x60 se050=blank-se050=0x48 stsafe-a110=blank-a110=0x20 optiga-trust-m3=blank-m3=0x30"
{
    echo "listen $SOCK"; echo "state chips"; echo "timing none"
    for f in $FAMILIES; do IFS='=' read -r model kind _ <<<"$f"; echo "chip $model/u1 $kind"; done
} >"$WORK/panel"
"$ROTSIM" panel "$WORK/panel" >"$WORK/rot-sim.log" 2>&1 &
SIM=$!
wait_for 10 "$ROTSIM" list --socket "$SOCK" || { cat "$WORK/rot-sim.log"; echo "0 passed, 1 failed"; exit 1; }
rs station create sz-1 --json | member token >"$WORK/token"
chmod 600 "$WORK/token"
st() { timeout 120 "$STATION" --data "$WORK/sz-1" "$@"; }
st enroll "https://$DEVICES" --name sz-1 --token "$WORK/token" >"$WORK/enroll.log" 2>&1 || bad "sz-1 enrols"
{
    echo "adapters:"
    for f in $FAMILIES; do echo "  - {name: ${f%%=*}, sim: \"$SOCK#${f%%=*}\"}"; done
    echo "nests:"
    n=0
    for f in $FAMILIES; do
        IFS='=' read -r model _ address <<<"$f"
        echo "  - {name: $((++n)), adapter: $model, part: $model, addresses: [$address]}"
    done
} >"$WORK/sz-1/fixtures.yaml"
yes=()
n=0
for f in $FAMILIES; do
    model=${f%%=*}
    rs product set "p-$model" --rot "$model" --issuer acme-devices -q
    rs order create --product "p-$model" --quantity 20 --stations sz-1 --name "o-$model" -q
    yes+=(--yes-irreversible "$model")
    echo "$((++n)) S-$model"
done >"$WORK/boards"

# Whatever a dry run must leave as it is.  A STSAFE counts each command that comes by its channel, and
# keeps the count: that one number moves when such a part is looked at.
state() {
    (cd "$WORK" && sha256sum chips/[!s]* chips/se* chips/si* sz-1/journal sz-1/events.jsonl 2>&1
     python3 -c '
import json, sys
part = json.load(open(sys.argv[1]))
(part["host_key"] or {}).pop("counter", None)
print(json.dumps(part))' chips/stsafe*)
    sqlite3 "$DATA/store.db" 'SELECT * FROM certificate; SELECT * FROM device; SELECT * FROM order_count'
    python3 "$here/ledger_leaves.py" "$DATA/signer/ledger"
} >"$WORK/state.$1"
same_state() { # TEXT
    state now
    check "$1" diff "$WORK/state.before" "$WORK/state.now"
}
dry() { st run --dry-run "$@" >"$WORK/run.log" 2>&1; }
said() { grep -qF -- "$1" "$WORK/run.log" || { cat "$WORK/run.log"; return 1; }; }
of() { # NEST EXPRESSION of its JSON d
    python3 -c '
import json, sys
d = next(d for d in map(json.loads, open(sys.argv[1])) if d["nest"] == sys.argv[2])
print(eval(sys.argv[3]))' "$WORK/run.log" "$1" "$2"
}

echo "dry runs"
state before
dry
same "of whatever is in the nests" 0 $?
check "says what is there" said "is      atecc608b at 0x60, blank"
check "what would be written" said "write the configuration of atecc608b-tflxtls"
check "what would be locked" said "! lock the data"
check "who would be asked" said "ask o-atecc608b for an identity"
check "and that it was nothing" said "Nothing was written. 4 boards looked at"
same_state "nothing has changed"
dry --json --boards "$WORK/boards"
same "of a list" 0 $?
same_state "nothing has changed"
for n in 1 2 3 4; do planned[n]=$(of $n 'd["irreversible"]'); done
check "every family has something that cannot be undone" eval '[ "$(printf "%s\n" "${planned[@]}" | grep -c "^[1-9]")" = 4 ]'
printf '1 S-1\n1 nonsense\n9 S-1\n' >"$WORK/some"
dry --boards "$WORK/some" --order o-se050
check "a board of no order of this run" said "none of these orders"
check "no such nest" said 'no fixture "9"'
dry --production
same "simulators in production" 1 $?
check "are refused" said "chip.simulated"
same_state "nothing has changed"

echo "who names it"
chips() { (cd "$WORK/chips" && sha256sum -- *); }
untouched=$(chips)
st run --boards "$WORK/boards" --ui plain >"$WORK/run.log" 2>&1
same "without a terminal" 2 $?
check "the model that was not named" said "--yes-irreversible"
check "what would be locked in it" said "channel secret, configuration, data"
st run --boards "$WORK/boards" --ui plain --yes-irreversible se050 --yes-irreversible atecc608a >"$WORK/run.log" 2>&1
same "another model than the order's" 2 $?
same "no chip was touched" "$untouched" "$(chips)"
typed() { # TEXT ARGS...
    timeout 120 python3 "$here/type.py" "anything else to stop: " "$1" "$STATION" --data "$WORK/sz-1" run --ui plain "${@:2}" >"$WORK/run.log" 2>&1
}
typed yes --order o-atecc608b --serial S-atecc608b
same "another word typed" 2 $?
check "the question names model, what, how many" said "locks in each atecc608b for good: channel secret, configuration, data"
check "one part" said "to lock 1 part,"
same "no chip was touched" "$untouched" "$(chips)"
typed atecc608b --order o-atecc608b --boards "$WORK/boards.one"
same "a list that is not there" 2 $?
grep 'S-atecc' "$WORK/boards" >"$WORK/boards.one"
typed atecc608b --order o-atecc608b --boards "$WORK/boards.one"
same "its name typed: it runs" 0 $?
check "up to what is left" said "to lock up to 20 parts"
check "and locks" said "S-atecc608b  PASS"

echo "what was planned is what is done"
st run --boards "$WORK/boards" --ui plain "${yes[@]}" >"$WORK/run.log" 2>&1
same "the others are made, by names on the command line" 0 $?
st journal show >"$WORK/journal"
n=0
for f in $FAMILIES; do
    model=${f%%=*} n=$((n + 1))
    # Each thing that cannot be undone has a record before it; an SE050 makes its key locked, in one.
    uid=$(grep "begin.*serial S-$model " "$WORK/journal" | head -n 1 | sed 's/.*uid \([0-9a-f]*\).*/\1/')
    same "$model: irreversible steps" "${planned[n]}" \
        $(($(grep "seal .*uid $uid" "$WORK/journal" | grep -o 'stage [0-9a-f]*' | sort -u | wc -l) +
            $([ "$model" = se050 ] && echo 1 || echo 0)))
done
state before
dry --json --boards "$WORK/boards"
same "a dry run of finished boards" 0 $?
same "has nothing to write" "0 0 0 0" "$(for n in 1 2 3 4; do of $n 'sum(w["do"] != "prove" for w in d["would"])'; done | xargs)"
printf '1 S-other\n' >"$WORK/some"
dry --json --boards "$WORK/some" --order o-atecc608b
same "under another label" "label.other" "$(of 1 'd["code"]')"
same_state "nothing has changed"

echo "a board that was left half done"
python3 "$here/sim.py" ask "$SOCK" '{"do":"reset","chip":"atecc608b/u1"}' >/dev/null
"$ROTSIM" fault atecc608b/u1 cut-after@32 --socket "$SOCK" >/dev/null
printf '1 S-half\n' >"$WORK/boards.one"
st run --once --order o-atecc608b --boards "$WORK/boards.one" --ui plain "${yes[@]}" >"$WORK/run.log" 2>&1
same "its power goes" 5 $?
python3 "$here/sim.py" ask "$SOCK" '{"do":"power","chip":"atecc608b/u1","on":true}' >/dev/null
state before
dry --json --order o-atecc608b --boards "$WORK/boards.one"
same "the rest of it is planned" "half-done False True" "$(of 1 'd["what"], "lock the configuration" in [w["what"] for w in d["would"]], "lock the data" in [w["what"] for w in d["would"]]' | tr -d "(),'")"
same_state "nothing has changed"
finish

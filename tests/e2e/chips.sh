#!/usr/bin/env bash
# An order for each family of secure elements, through a station, to simulated parts as they come
# from their makers: certificates that openssl believes, again without writing, and after half of it.
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

# The simulator's kind, the model that an order names, the vendor's root that the simulator makes.
FAMILIES="blank608a=atecc608a blank608b=atecc608b blank-se050=se050 blank-se051=se051
    blank-a110=stsafe-a110 blank-a120=stsafe-a120 blank-m1=optiga-trust-m1 blank-m3=optiga-trust-m3"
{
    echo "listen $SOCK"; echo "state chips"; echo "timing none"; echo "trace bus.trace"
    for f in $FAMILIES; do
        for n in {1..6}; do echo "chip ${f#*=}-$n/u1 ${f%=*}"; done
    done
} >"$WORK/panel"
"$ROTSIM" panel "$WORK/panel" >"$WORK/rot-sim.log" 2>&1 &
SIM=$!
wait_for 10 "$ROTSIM" list --socket "$SOCK" || { cat "$WORK/rot-sim.log"; echo "0 passed, 1 failed"; exit 1; }

rs station create sz-1 --json | member token >"$WORK/token"
chmod 600 "$WORK/token"
"$STATION" --data "$WORK/sz-1" enroll "https://$DEVICES" --name sz-1 --token "$WORK/token" \
    >"$WORK/enroll.log" 2>&1 || bad "sz-1 enrols"
same "the station has a channel secret of its own" "32 600" "$(stat -c '%s %a' "$WORK/sz-1/channel.secret")"
mkdir -m 700 "$WORK/channels"

chip() { echo "sim:$SOCK#$1/u1"; }

once() { # ORDER SERIAL CHIP [OPTIONS]
    timeout 120 "$STATION" --data "$WORK/sz-1" run --once --ui plain --wait 20 --order "$1" --serial "$2" \
        --fixture "1=$(chip "$3")" --channel-out "$WORK/channels" -v "${@:4}" >"$WORK/run.log" 2>&1
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
        tail -n 12 "$WORK/run.log"
    fi
}

control() { # CHIP JSON: the simulator's control message
    PYTHONPATH=$here python3 -c 'import demo_check, json, sys
ask = dict(json.loads(sys.argv[3]), chip=sys.argv[2])
demo_check.Chip(sys.argv[1], sys.argv[2]).ask(0x20, json.dumps(ask).encode())' "$SOCK" "$1/u1" "$2"
}

# What a part holds, but for what it counts itself: a MACed command (STSAFE), a use of a key (OPTIGA, E0C5).
chip_state() { # CHIP
    python3 - "$WORK/chips/$1,u1.json" <<'PY'
import hashlib, json, sys
chip = json.load(open(sys.argv[1]))
chip.get("host_key", {}).pop("counter", None)
for o in chip.get("objects", []):
    if o.get("oid") == "E0C5":
        o.pop("data")
print(hashlib.sha256(json.dumps(chip, sort_keys=True).encode()).hexdigest())
PY
}

count() { sqlite3 "$DATA/store.db" "SELECT count(*) FROM certificate WHERE device='$1'"; }

believed() { # SERIAL: one certificate, and openssl checks its chain
    [ "$(count "$1")" = 1 ] || return 1
    sqlite3 "$DATA/store.db" "SELECT hex(d.der) FROM certificate c JOIN certificate_der d
        USING (tenant, issuer, serial) WHERE c.device = '$1'" |
        python3 -c 'import sys; sys.stdout.buffer.write(bytes.fromhex(sys.stdin.read()))' |
        openssl x509 -inform DER -out "$WORK/$1.pem" || return 1
    openssl verify -CAfile "$WORK/root.pem" -untrusted "$WORK/devices.pem" "$WORK/$1.pem" &&
        openssl x509 -in "$WORK/$1.pem" -noout -subject | grep -q "$1"
}

for f in $FAMILIES; do
    model=${f#*=}
    echo "$model"
    rs product set "p-$model" --rot "$model" --issuer acme-devices -q || bad "a product with $model"
    rs order create --product "p-$model" --quantity 20 --stations sz-1 --name "o-$model" -q
    ends "a board passes" 0 PASS once "o-$model" "S-$model-1" "$model-1"
    check "openssl believes its certificate" believed "S-$model-1"
    before=$(chip_state "$model-1")
    ends "again: it is done already" 0 "Already done" once "o-$model" "S-$model-1" "$model-1"
    same "and nothing was written" "$before" "$(chip_state "$model-1")"
    own=$WORK/channels/S-$model-1.channel
    same "its device gets its own secret" "600 1" "$(stat -c %a "$own") $(wc -l <"$own")"
    check "with which it uses its key" rs chip challenge --chip "$(chip "$model-1")" --channel-secret "$own"

    # Cut in the middle, wherever that is: the next time it goes on.
    n=0
    for at in 8 20 33; do
        n=$((n + 1))
        "$ROTSIM" fault "$model-3/u1" "cut-after@$at" --socket "$SOCK" >/dev/null
        once "o-$model" "S-$model-3" "$model-3" && { bad "command $at was not cut"; break; }
        "$ROTSIM" fault "$model-3/u1" clear --socket "$SOCK" >/dev/null
        control "$model-3" '{"do": "power", "on": true}'
    done
    ends "a board whose power went three times" 0 PASS once "o-$model" "S-$model-3" "$model-3"
    check "has one certificate, and openssl believes it" believed "S-$model-3"
done
finish

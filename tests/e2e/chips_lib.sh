#!/usr/bin/env bash
# Shared by the scripts that put simulated secure elements before a station.  Wants lib.sh, WORK and
# FAMILIES ("KIND=MODEL..."); gives SOCK, panel(), once(), ends(), and ways to look at parts.
# SPDX-License-Identifier: Apache-2.0

SIM=
STATION=$(find_program rootsmith-station) ROTSIM=$(find_program rot-sim)

stop_sim() {
    [ -n "$SIM" ] || return 0
    kill "$SIM" 2>/dev/null
    wait "$SIM" 2>/dev/null
    SIM=
    rm -f "$SOCK"
}

stop_chips() { stop_sim; down; }

start_sim() {
    "$ROTSIM" panel "$WORK/panel" >>"$WORK/rot-sim.log" 2>&1 &
    SIM=$!
    wait_for 10 "$ROTSIM" list --socket "$SOCK" || { cat "$WORK/rot-sim.log"; return 1; }
}

panel() { # N: so many parts of each family, MODEL-1...
    local f n
    SOCK=$WORK/sim.sock
    {
        echo "listen $SOCK"; echo "state chips"; echo "timing none"; echo "trace bus.trace"
        for f in $FAMILIES; do
            for ((n = 1; n <= $1; n++)); do echo "chip ${f#*=}-$n/u1 ${f%=*}"; done
        done
    } >"$WORK/panel"
    start_sim
}

enrol() { # STATION
    rs station create "$1" --json | member token >"$WORK/token"
    chmod 600 "$WORK/token"
    "$STATION" --data "$WORK/$1" enroll "https://$DEVICES" --name "$1" --token "$WORK/token" \
        >"$WORK/enroll.log" 2>&1 || bad "$1 enrols"
}

chip() { echo "sim:$SOCK#$1/u1"; }

model_of() { # ORDER: o-MODEL, o-MODEL-WORD
    local f
    for f in $FAMILIES; do
        case $1 in "o-${f#*=}" | "o-${f#*=}"-*) echo "${f#*=}" ;; esac
    done
}

once() { # ORDER SERIAL CHIP [OPTIONS]: at sz-1, or at $AT
    timeout 120 "$STATION" --data "$WORK/${AT:-sz-1}" run --once --ui plain --wait 20 --order "$1" \
        --serial "$2" --fixture "1=$(chip "$3")" --yes-irreversible "$(model_of "$1")" \
        -v "${@:4}" >"$WORK/run.log" 2>&1
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

fault() { "$ROTSIM" fault "$1/u1" "$2" --socket "$SOCK" >/dev/null; }

unfault() { # CHIP: no rules, and power
    fault "$1" clear
    control "$1" '{"do": "power", "on": true}'
}

# What a part holds, but for what it counts itself: MACed commands (STSAFE), uses of keys (OPTIGA, E0C5),
# starts (SE05x).
chip_state() { # CHIP
    python3 - "$WORK/chips/$1,u1.json" <<'PY'
import hashlib, json, sys
chip = json.load(open(sys.argv[1]))
(chip.get("host_key") or {}).pop("counter", None)
chip.pop("starts", None)
for o in chip.get("objects", []):
    if o.get("oid") == "E0C5":
        o.pop("data")
print(hashlib.sha256(json.dumps(chip, sort_keys=True).encode()).hexdigest())
PY
}

untouched() { BEFORE=$(chip_state "$1"); }          # CHIP: remember it
still() { same "$2" "$BEFORE" "$(chip_state "$1")"; } # CHIP TEXT: it has not changed since

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

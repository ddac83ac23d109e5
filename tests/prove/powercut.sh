#!/usr/bin/env bash
# Power cut at every command of every family's recipe, at four points of the command: each board ends
# complete, resumable (and is resumed) or scrapped, and is counted; one certificate per board; no
# private key and no channel secret in a bus trace, journal, event file, log, store, ledger or core.
#
#   tests/prove/powercut.sh [--bin DIR] [--cuts N] [--twice N] [--boards N] [--some N] [--seed N]
#                           [--only KIND=MODEL,...]
#
# Twice: with the real programs (server, station, simulator), and with ten thousand boards of each family
# and two cuts anywhere, for which recipe and part are in one process (powercut_parts.py).
#
# --cuts N: N cuts of each family spread over all of them (default: all).  --twice N: N boards with a second
# cut while they are resumed.  --boards N, --some N: the same in one process.  --bin: programs that are
# built already.
# RS_BUILD: build directory (default: build/prove-powercut, made here).  RS_FIGURES: figures as JSON.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
root=$(readlink -f "$here/../..")
BIN='' CUTS=0 TWICE=60 BOARDS=10000 SOME=0 SEED=${RS_SEED:-1}
FAMILIES=blank608a=atecc608a,blank608b=atecc608b,blank-se050=se050,blank-se051=se051,blank-a110=stsafe-a110
FAMILIES=$FAMILIES,blank-a120=stsafe-a120,blank-m1=optiga-trust-m1,blank-m3=optiga-trust-m3
ALSO=blank-a100,blank-ta100 # in one process only: an A110 but for its name, and a placeholder of a wire
while [ $# -gt 0 ]; do
    case $1 in
    --bin) BIN=$(readlink -f "$2") ;;
    --cuts) CUTS=$2 ;;
    --twice) TWICE=$2 ;;
    --boards) BOARDS=$2 ;;
    --some) SOME=$2 ;;
    --only) FAMILIES=$2 ALSO='' ;;
    --seed) SEED=$2 ;;
    *) echo "powercut: unknown option $1" >&2; exit 2 ;;
    esac
    shift 2
done
if [ -z "$BIN" ]; then
    BIN=${RS_BUILD:-$root/build/prove-powercut}
    [ -f "$BIN/build.ninja" ] ||
        meson setup "$BIN" "$root" -Dbuildtype=release -Dfaults=true >/dev/null || exit 1
    ninja -C "$BIN" cmd/rootsmith/rootsmith cmd/rootsmithd/rootsmithd \
        cmd/rootsmith-signer/rootsmith-signer cmd/rootsmith-station/rootsmith-station cmd/rot-sim/rot-sim \
        tests/meet/recipe_cuts >"$BIN.log" 2>&1 || { grep -E 'error|FAILED' "$BIN.log" | head; exit 1; }
fi
. "$root/tests/e2e/lib.sh"
WORKERS=4
FIGURES=$(mktemp -d)
SIM=
stop() {
    [ -z "$SIM" ] || kill "$SIM" 2>/dev/null
    SIM=
    down 2>/dev/null
    rm -rf "$WORK" # what was aborted may have written to it meanwhile
}
trap 'stop; rm -rf "$FIGURES"' EXIT
trap 'exit 130' INT TERM
# Processes that may leave a core do: it is searched too.
ulimit -c unlimited 2>/dev/null || ulimit -c "$(ulimit -H -c)"

# One family with the real programs, in an installation of its own: its memory and cores are searched.
family() { # KIND MODEL
    local n status
    up acme || { echo "powercut: no server"; return 1; }
    rs product set p-1 --rot "$2" --issuer acme-devices -q
    openssl ecparam -name prime256v1 -genkey -noout 2>/dev/null |
        openssl pkey -pubout -out "$WORK/firmware.pem" || return 1
    stations=
    for ((n = 1; n <= WORKERS; n++)); do
        rs station create "sz-$n" --json | member token >"$WORK/token"
        chmod 600 "$WORK/token"
        "$(find_program rootsmith-station)" --data "$WORK/sz-$n" enroll "https://$DEVICES" --name "sz-$n" \
            --token "$WORK/token" >>"$WORK/enroll.log" 2>&1 || { cat "$WORK/enroll.log"; return 1; }
        printf 'firmware_key: "%s"\nfixtures: [{name: 1, chip: "sim:none"}]\n' "$WORK/firmware.pem" \
            >"$WORK/sz-$n/station.yaml"
        stations=$stations${stations:+,}sz-$n
    done
    rs order create --product p-1 --quantity 8000 --stations "$stations" --name o-1 -q
    mkdir "$WORK/sim"
    {
        echo "listen ../sim.sock"; echo "state chips"; echo "timing none"; echo "trace bus.trace"
        for ((n = 1; n <= WORKERS; n++)); do echo "chip b$n/u1 $1"; done
    } >"$WORK/sim/panel"
    (cd "$WORK/sim" && exec "$(find_program rot-sim)" panel panel >"$WORK/rot-sim.log" 2>&1) &
    SIM=$!
    wait_for 10 "$(find_program rot-sim)" list --socket "$WORK/sim.sock" ||
        { echo "powercut: no simulator"; return 1; }
    disown -a # bash would tell that they were aborted, which is part of the proof
    python3 "$here/powercut.py" --work "$WORK" --data "$DATA" --station "$(find_program rootsmith-station)" \
        --rootsmith "$(find_program rootsmith)" --server "$SERVER" --sim "$SIM" --workers "$WORKERS" \
        --cuts "$CUTS" --twice "$TWICE" --seed "$SEED" --kind "$1" --model "$2"
    status=$?
    [ ! -f "$WORK/figures.json" ] || cp "$WORK/figures.json" "$FIGURES/$2.json"
    stop
    return $status
}

status=0
for pair in ${FAMILIES//,/ }; do
    echo "${pair#*=}"
    family "${pair%=*}" "${pair#*=}" || status=1
done
if [ "$BOARDS" -gt 0 ]; then
    echo "in one process"
    kinds=$(for pair in ${FAMILIES//,/ } ${ALSO//,/ }; do echo "${pair%=*}"; done | paste -sd,)
    python3 "$here/powercut_parts.py" --program "$BIN/tests/meet/recipe_cuts" --boards "$BOARDS" --some "$SOME" \
        --seed "$SEED" --kinds "$kinds" --figures "$FIGURES/parts.json" || status=1
fi
[ -z "${RS_FIGURES:-}" ] || python3 - "$FIGURES" >"$RS_FIGURES" <<'PY'
import json, os, sys
print(json.dumps({n[:-5]: json.load(open(sys.argv[1] + "/" + n)) for n in sorted(os.listdir(sys.argv[1]))}))
PY
if [ $status = 0 ]; then echo "prove powercut: holds"; else echo "prove powercut: FAILED" >&2; fi
exit $status

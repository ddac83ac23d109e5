#!/usr/bin/env bash
# The main job, end to end, by the real programs over real sockets; chips are simulated.  Every
# scene states a claim and proves it; a claim that does not hold ends the run with exit 1.
#
#   demo.sh --bin BIN --dir DIR [--keep] [--json FILE] [--scene N] [--slow]
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
BIN='' DIR='' KEEP='' JSON='' LAST=99 SLOW=''
while [ $# -gt 0 ]; do
    case $1 in
    --bin) BIN=$(readlink -f "$2") && shift 2 ;;
    --dir) DIR=$2 && shift 2 ;;
    --json) JSON=$2 && shift 2 ;;
    --scene) LAST=$2 && shift 2 ;;
    --keep) KEEP=1 && shift ;;
    --slow) SLOW=1 && shift ;;
    *) echo "demo: unknown option $1" >&2; exit 2 ;;
    esac
done
[ -n "$BIN" ] && [ -n "$DIR" ] || { echo "demo: --bin and --dir are needed" >&2; exit 2; }

charset=${LC_ALL:-${LC_CTYPE:-${LANG:-}}}
case $charset in *[Uu][Tt][Ff]*) YES=✓ NO=✗ DOT=· ;; *) YES=ok NO=x DOT=- ;; esac
BOLD='' GREY='' GREEN='' RED='' PLAIN=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
    BOLD=$'\e[1m' GREY=$'\e[90m' GREEN=$'\e[32m' RED=$'\e[31m' PLAIN=$'\e[0m'
fi
. "$here/lib.sh"
. "$here/tpm.sh"

# ---- Starting, stopping, failing ------------------------------------------------------------

mine() { # PID: it is one of our programs, started for this directory
    [ -r "/proc/$1/cmdline" ] && tr '\0' ' ' <"/proc/$1/cmdline" |
        grep -qF -e "$DIR/" -e "$(cat "$DIR/tpm.dir" 2>/dev/null || echo "$DIR/")"
}

stop_all() { # what pids says and what is still ours
    local pid
    [ -f "$DIR/pids" ] || return 0
    while read -r pid; do
        mine "$pid" && kill "$pid" 2>/dev/null
    done <"$DIR/pids"
    while read -r pid; do
        wait_for 10 eval "! mine $pid"
    done <"$DIR/pids"
    rm -f "$DIR/pids"
}

leave() {
    local status=$?
    trap - EXIT INT TERM
    if [ -n "$KEEP" ] && [ $status = 0 ]; then
        printf '  running  people https://%s, devices https://%s; stop: kill %s\n' "$PEOPLE" \
            "$DEVICES" "$(paste -sd' ' "$DIR/pids")"
    else
        stop_all
    fi
    exit $status
}

fail() { # WHY
    printf '%s%s scene %s: %s%s\n' "$RED" "$NO" "$SCENE" "$1" "$PLAIN"
    printf '  command  %s\n  log      %s\n' "${COMMAND:-}" "$LOG"
    tail -n 20 "$LOG" 2>/dev/null | sed 's/^/  | /'
    exit 1
}

# Runs a command; what it prints goes to the log and to $OUT.  want: the exit code it must have.
run() { # WANT COMMAND...
    local want=$1 got
    shift
    COMMAND="$*"
    "$@" >"$OUT" 2>&1
    got=$?
    { printf '\n$ %s\n' "$COMMAND"; cat "$OUT"; echo "(exit $got)"; } >>"$LOG"
    [ "$got" = "$want" ] || fail "exit $got where $want was expected"
}

says() { # WORD: the last command said it
    grep -qF -- "$1" "$OUT" || fail "the output does not say \"$1\""
}

equal() { # WHAT A B
    [ "$2" = "$3" ] || fail "$1: $2, expected $3"
}

scene() { # TITLE
    [ "$SCENE" -lt "$LAST" ] || finish_demo
    [ -z "$SLOW" ] || [ "$SCENE" = 0 ] || read -r -p "  (Enter goes on) "
    SCENE=$((SCENE + 1))
    TITLE=$1 STARTED=$(now_ms)
    printf '\n%s%2d  %s%s\n' "$BOLD" "$SCENE" "$TITLE" "$PLAIN"
}

now_ms() { date +%s%3N; }
what() { printf '    %s\n' "$1"; }
shell() { printf '    %s$ %s%s\n' "$GREY" "$1" "$PLAIN"; }

proved() { # TEXT
    local ms=$(($(now_ms) - STARTED))
    TIMES="$TIMES${TIMES:+,}{\"scene\":$SCENE,\"claim\":\"$TITLE\",\"ms\":$ms}"
    printf '    %-62.62s %s%2s%s %d.%d s\n' "$1" "$GREEN" "$YES" "$PLAIN" $((ms / 1000)) \
        $((ms % 1000 / 100))
}

finish_demo() {
    local ms=$(($(now_ms) - BEGAN)) certs devices
    devices=$(sqlite3 "$DATA/store.db" 'SELECT count(*) FROM device')
    certs=$(sqlite3 "$DATA/store.db" 'SELECT count(*) FROM certificate')
    printf '\nDone: %d of %d in %d.%d s. %d devices, %d certificates.\n' "$SCENE" "$SCENES" \
        $((ms / 1000)) $((ms % 1000 / 100)) "$devices" "$certs"
    printf '  files    %s   certificates, bus traces, ledger, %s\n' "$SHOWN" "demo.log"
    printf '  next     docs/tour.md %s rootsmith explain order.exhausted\n' "$DOT"
    [ -z "$JSON" ] || printf '{"passed":true,"scenes":[%s],"ms":%d,"devices":%d,"certificates":%d,"dir":"%s","log":"%s","trace":"%s","ledger":"%s"}\n' \
        "$TIMES" "$ms" "$devices" "$certs" "$DIR" "$LOG" "$DIR/bus.trace" \
        "$DATA/signer/ledger" >"$JSON"
    exit 0
}

# ---- The stage ------------------------------------------------------------------------------

SHOWN=$DIR/
mkdir -p "$DIR" && DIR=$(readlink -f "$DIR")
SCENE=0 TITLE=setup TIMES='' SCENES=9
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
stop_all
rm -rf "$DIR" && mkdir -p "$DIR/boards"
WORK=$DIR DATA=$DIR/demo LOG=$DIR/demo.log OUT=$DIR/last.out
: >"$LOG"
export ROOTSMITH_CONFIG=$DIR/config
BEGAN=$(now_ms)
read -r -a ports < <(free_ports 3)
DEVICES=localhost:${ports[0]} PEOPLE=localhost:${ports[1]} HTTP=localhost:${ports[2]}
STATION=$(find_program rootsmith-station) SIM=$(find_program rot-sim) AGENT=$(find_program rootsmith-agent)
export ROOTSMITH_LOCK_DIR=$DIR
# A socket's path has 107 characters at most.
SOCK=$DIR/sim.sock
[ ${#SOCK} -lt 100 ] || SOCK=$(mktemp -d)/sim.sock
TPMS=$DIR/tpm
[ ${#TPMS} -lt 90 ] || TPMS=$(mktemp -d)
echo "$TPMS/" >"$DIR/tpm.dir"
printf 'Rootsmith demo %s everything runs on this machine, chips are simulated (TEST MODE)\n' "$DOT"

check_py() { python3 "$here/demo_check.py" "$@"; }
st() { "$STATION" --data "$DIR/sz-1" "$@"; }
once() { st run --once --ui plain --wait 10 --yes-irreversible atecc608b "$@"; }
chip() { echo "sim:$SOCK#b$1/u1"; }
hub() { echo "tpm:swtpm:path=$TPMS/$1/sock"; }
certs_of() { sqlite3 "$DATA/store.db" "SELECT count(*) FROM certificate WHERE device='$1'"; }
devices_made() { sqlite3 "$DATA/store.db" "SELECT count(*) FROM device"; }

# ---- 1 --------------------------------------------------------------------------------------

scene "A PKI in one command"
what "Root and issuing CA, profiles, ledger; then the server is started."
shell "rootsmith init demo && rootsmithd --data demo"
run 0 rs init demo --data "$DATA" --devices "$DEVICES" --people "$PEOPLE" --http "$HTTP" --json
cp "$OUT" "$DIR/init.json"
# Real TPM code, in software: whoever made them is to be believed.
COMMAND="swtpm_setup"
for n in {1..4}; do
    make_tpm "$TPMS/$n" "$TPMS/maker" >>"$LOG" 2>&1 || fail "no software TPM"
    start_tpm "$TPMS/$n" >>"$LOG" 2>&1 || fail "a software TPM does not start"
    echo "$TPM_PID" >>"$DIR/pids"
done
tpm_makers "$TPMS/maker" >"$DIR/makers.pem"
printf 'tpm:\n  roots: [%s]\n' "$DIR/makers.pem" >>"$DATA/rootsmithd.yaml"
COMMAND="rootsmithd --data demo"
start_server >>"$LOG" 2>&1 || fail "the server does not start"
echo "$SERVER" >>"$DIR/pids"
run 0 rs login "https://$PEOPLE" --name m.keller -q --claim "$(member claim.code <"$DIR/init.json")"
rs ca show demo-root --json | member pem >"$DIR/root.pem"
rs ca show demo-devices --json | member pem >"$DIR/ca.pem"
run 0 openssl verify -CAfile "$DIR/root.pem" "$DIR/ca.pem"
run 0 openssl x509 -in "$DIR/root.pem" -noout -text
says "NIST CURVE: P-384"
says "Demo TEST Root"
run 0 openssl x509 -in "$DIR/ca.pem" -noout -text
says "NIST CURVE: P-256"
# [s]: not this grep, whose own command line has the words too.
signer=$(grep -lzx -- "$DATA/[s]igner" /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3 | head -n 1)
[ -n "$signer" ] || fail "there is no signer process"
run 0 check_py offline "$signer"
what "Demo TEST Root (P-384) signs Demo TEST Devices (P-256)."
proved "Keys live in a process without a network: signer pid $signer."

# ---- 2 --------------------------------------------------------------------------------------

scene "Describe the product: which chip, which issuer"
mkdir -p "$DIR/product"
printf 'rot: atecc608b\nissuer: demo-devices\nserials: "X2-#######"\n' >"$DIR/product/sensor-x2.yaml"
printf 'rot: soft\nissuer: demo-devices\nserials: "GW-####"\n' >"$DIR/product/gateway.yaml"
printf 'rot: tpm2\nissuer: demo-devices\nserials: "HUB-####"\n' >"$DIR/product/hub.yaml"
printf 'rot: atecc608b\nissuer: demo-device\n' >"$DIR/product/sensor-x3.yaml"
printf 'rot: atecc608b\nisuer: demo-devices\n' >"$DIR/product/sensor-x4.yaml"
what "rot: atecc608b   issuer: demo-devices   serials: X2-#######"
shell "rootsmith product set product/sensor-x2.yaml"
run 0 rs product set "$DIR/product/sensor-x2.yaml"
run 0 rs product set "$DIR/product/gateway.yaml"
run 0 rs product set "$DIR/product/hub.yaml"
run 1 rs product set "$DIR/product/sensor-x3.yaml"
says issuer.unknown
run 2 rs product set "$DIR/product/sensor-x4.yaml"
says "sensor-x4.yaml:2:1"
run 0 rs product list --json
equal "products" "$(python3 -c 'import json,sys; print(len(json.load(sys.stdin)["items"]))' <"$OUT")" 3
what "What does not fit is refused here, not on the line: an unknown CA"
proved "(issuer.unknown), a misspelt key (sensor-x4.yaml:2:1)."

# ---- 3 --------------------------------------------------------------------------------------

show_boards() { # a line per board: on a terminal one line that changes
    python3 -u -c '
import json, os, sys
live = sys.stdout.isatty()
marks = {"pass": sys.argv[1], "busy": "*"}
tiles, good = {}, int(sys.argv[2])
for line in sys.stdin:
    e = json.loads(line)
    if e["event"] not in ("board.start", "board.end"):
        continue
    state = e.get("state", "busy")
    good += state == "pass"
    tiles[e["fixture"]] = "%s %s" % (marks.get(state, "x"), e["serial"])
    row = " ".join("[%s %s]" % (f, tiles[f]) for f in sorted(tiles))
    if live:
        print("\r    %s\033[K" % row[:74], end="")
    elif state != "busy":
        print("    fixture %s  %s  %s  %.1f s" % (e["fixture"], e["serial"], state, e["took_ms"] / 1000))
if live:
    print()
' "$YES" "$1"
}

scene "A factory line: 14 boards, 3 kinds of chip, 4 fixtures"
{
    echo "listen $SOCK"; echo "state chips"; echo "timing none"; echo "trace bus.trace"
    for n in {1..11}; do echo "chip b$n/u1 blank608b"; done
} >"$DIR/panel"
"$SIM" panel "$DIR/panel" >>"$DIR/rot-sim.log" 2>&1 &
SIMPID=$!
echo "$SIMPID" >>"$DIR/pids"
COMMAND="rot-sim panel panel"
wait_for 10 "$SIM" list --socket "$SOCK" || fail "rot-sim does not answer"
umask 077
rs station create sz-1 --json | member token >"$DIR/token"
run 0 st enroll "https://$DEVICES" --name sz-1 --token "$DIR/token"
cp -r "$DIR/sz-1" "$DIR/sz-1-copy"
shell "rootsmith order create --product sensor-x2 --quantity 9   (and tpm 4, soft 2)"
run 0 rs order create --product sensor-x2 --quantity 9 --stations sz-1 --name sensors
run 0 rs order create --product gateway --quantity 2 --stations sz-1 --name gateways
run 0 rs order create --product hub --quantity 4 --stations sz-1 --name hubs
for n in {1..8}; do
    printf '%d X2-%07d %s\n' $(((n - 1) % 4 + 1)) "$n" "$(chip "$n")"
done >"$DIR/boards.sensors"
printf '1 GW-0001 soft:%s/gw1.rot\n3 GW-0002 soft:%s/gw2.rot\n' "$DIR" "$DIR" >"$DIR/boards.gateways"
for n in {1..4}; do printf '%d HUB-%04d %s\n' "$n" "$n" "$(hub "$n")"; done >"$DIR/boards.hubs"
fixtures=()
for n in {1..4}; do fixtures+=(--fixture "$n=$(chip "$n")"); done
shell "rootsmith-station run --order sensors --boards boards.sensors \\
          --yes-irreversible atecc608b"
for order in sensors hubs gateways; do
    COMMAND="rootsmith-station run --order $order"
    st run --json --order "$order" --boards "$DIR/boards.$order" "${fixtures[@]}" \
        --yes-irreversible atecc608b 2>>"$LOG" |
        tee -a "$LOG" | show_boards 0 || fail "the line ended with ${PIPESTATUS[0]}"
done
equal "devices made" "$(devices_made)" 14
for order in sensors hubs gateways; do
    run 0 rs order show "$order" --json
    equal "good boards of $order" "$(member counts.good <"$OUT")" \
        "$(wc -l <"$DIR/boards.$order")"
    equal "rejected boards of $order" "$(member counts.rejected <"$OUT")" 0
done
run 0 check_py secrets "$DIR/bus.trace" "$DIR/chips" "$DIR/sz-1/journal" \
    "$DIR/sz-1/events.jsonl" "$DIR/rootsmithd.log" "$DIR/demo.log" "$DATA/store.db"
equal "private keys searched for" "$(tail -n 1 "$OUT")" 8
what "14 good, 0 rejected. Not one private key on the wire: all bus"
proved "traces, journal, log and store searched for 8 keys."

# ---- 4 --------------------------------------------------------------------------------------

fetch_cert() { # SERIAL
    rs device show "$1" --json | member objects.0.pem >"$DIR/boards/$1.pem"
}

scene "Someone else agrees"
what "Certificates go to openssl, challenges to the chips without our code."
shell "openssl verify -CAfile root.pem -untrusted ca.pem board.pem"
for n in {1..8}; do
    s=$(printf 'X2-%07d' "$n")
    fetch_cert "$s"
    run 0 openssl verify -x509_strict -purpose sslclient -CAfile "$DIR/root.pem" \
        -untrusted "$DIR/ca.pem" "$DIR/boards/$s.pem"
    openssl x509 -in "$DIR/boards/$s.pem" -noout -pubkey | openssl pkey -pubin -outform DER \
        -out "$DIR/boards/$s.pub" 2>>"$LOG"
    run 0 check_py challenge "$SOCK" "b$n/u1" "$DIR/boards/$s.pub"
done
for s in GW-0001 GW-0002 HUB-000{1..4}; do
    fetch_cert "$s"
    run 0 openssl verify -x509_strict -purpose sslclient -CAfile "$DIR/root.pem" \
        -untrusted "$DIR/ca.pem" "$DIR/boards/$s.pem"
done
run 1 check_py challenge "$SOCK" b1/u1 "$DIR/boards/X2-0000002.pub" # the neighbour's key must fail
# The station proves finished boards by a challenge of its own, and makes nothing.
run 0 once --order gateways --serial GW-0001 --fixture "1=soft:$DIR/gw1.rot"
says "Already done"
run 0 once --order gateways --serial GW-0002 --fixture "1=soft:$DIR/gw2.rot"
says "Already done"
for n in {1..4}; do
    run 0 once --order hubs --serial "HUB-000$n" --fixture "1=$(hub "$n")"
    says "Already done"
done
equal "devices made" "$(devices_made)" 14
what "openssl verify: 14 of 14. Each chip answered a fresh challenge with"
proved "its own key: 8 over the bus, 4 TPMs and 2 soft by the station."

# ---- 5 --------------------------------------------------------------------------------------

scene "The power fails in the middle"
what "Board 9 loses power while its configuration is being locked."
at=$(check_py lock-at "$DIR/bus.trace" b1) || fail "no Lock command in the trace"
shell "rot-sim fault b9/u1 cut-write@$at"
run 0 "$SIM" fault b9/u1 "cut-write@$at" --socket "$SOCK"
run 5 once --order sensors --serial X2-0000009 --fixture "1=$(chip 9)"
equal "certificates after the cut" "$(certs_of X2-0000009)" 0
run 0 check_py power "$SOCK" b9/u1
run 0 once --order sensors --serial X2-0000009 --fixture "1=$(chip 9)"
says PASS
equal "certificates for board 9" "$(certs_of X2-0000009)" 1
run 0 "$SIM" list --json --socket "$SOCK"
locked=$(python3 -c 'import json,sys
print(sum(c["locks"].startswith("config,data") for c in json.load(sys.stdin)["chips"]))' <"$OUT")
equal "chips that are locked" "$locked" 9
fetch_cert X2-0000009
run 0 openssl verify -CAfile "$DIR/root.pem" -untrusted "$DIR/ca.pem" "$DIR/boards/X2-0000009.pem"
proved "Placed again, it resumes. Certificates: 1   chips half done: 0"

# ---- 6 --------------------------------------------------------------------------------------

scene "The contract manufacturer wants one more"
what "The order says 9; a tenth board, then a copy of the station's disk."
shell "rootsmith-station run --once --serial X2-0000010"
run 6 once --order sensors --serial X2-0000010 --fixture "1=$(chip 10)"
says order.exhausted
run 6 "$STATION" --data "$DIR/sz-1-copy" run --once --ui plain --wait 5 --order sensors \
    --yes-irreversible atecc608b --serial X2-0000011 --fixture "1=$(chip 11)"
says order.exhausted
equal "certificates for boards 10 and 11" "$(certs_of X2-0000010)$(certs_of X2-0000011)" 00
equal "devices made" "$(devices_made)" 15
what "$NO order.exhausted: 9 of 9 are made"
proved "$NO order.exhausted for the copy too: the signer counts"

# ---- 7 --------------------------------------------------------------------------------------

agent() { # SERIAL CHIP VERB...
    local serial=$1 chip=$2
    shift 2
    "$AGENT" --server "https://$DEVICES" --rot "$chip" --state "$DIR/field/$serial" "$@"
}

field_good() { # SERIAL
    run 0 openssl verify -x509_strict -purpose sslclient -CAfile "$DIR/root.pem" \
        -untrusted "$DIR/field/$1/chain.pem" "$DIR/field/$1/ldevid.pem"
}

field_key() { openssl x509 -in "$DIR/field/$1/ldevid.pem" -noout -pubkey; }

scene "In the field: a second certificate, key made in the chip"
what "Each device asks by itself: TLS with the key that the line put there,"
what "the server trusted by the root in the chip, nothing else configured."
shell "rootsmith-agent enroll"
mkdir -p "$DIR/field"
while read -r serial place; do
    run 0 agent "$serial" "$place" enroll
    says "trusted by the chip's own root"
    field_good "$serial"
    before=$(field_key "$serial")
    run 0 agent "$serial" "$place" renew
    field_good "$serial"
    [ "$before" != "$(field_key "$serial")" ] || fail "the renewal of $serial kept the key"
    run 0 agent "$serial" "$place" status
    says "all well"
done <<FIELD
X2-0000001 $(chip 1)
HUB-0001 $(hub 1)
GW-0001 soft:$DIR/gw1.rot
FIELD
until=$(openssl x509 -in "$DIR/field/HUB-0001/ldevid.pem" -noout -enddate | cut -d= -f2)
days=$((($(date -d "$until" +%s) - $(date +%s) + 43200) / 86400))
equal "days of an operational certificate" "$days" 90
run 0 check_py secrets "$DIR/bus.trace" "$DIR/chips" "$DIR/demo.log" "$DIR"/field/*/*.key
what "Renewed at once, over a new key in the other slot of the chip."
proved "one per kind of chip: 3 of 3, valid $days days"

# ---- 8 --------------------------------------------------------------------------------------

ocsp() { # the word that openssl reads out of the answer
    run 0 openssl ocsp -issuer "$DIR/ca.pem" -cert "$DIR/boards/X2-0000007.pem" \
        -url "http://$HTTP/ocsp" -CAfile "$DIR/root.pem" -verify_other "$DIR/ca.pem"
    says "Response verify OK"
    says "X2-0000007.pem: $1"
}

renew() { agent X2-0000007 "$(chip 7)" renew; }

scene "A board is stolen"
run 0 agent X2-0000007 "$(chip 7)" enroll
run 0 renew
ocsp good
shell "rootsmith device revoke X2-0000007 --reason \"stolen\""
run 0 rs device revoke X2-0000007 --reason stolen --confirm X2-0000007
ocsp revoked
run 0 curl -sS -o "$DIR/devices.crl" "http://$HTTP/crl/demo-devices.crl"
run 0 openssl crl -inform DER -in "$DIR/devices.crl" -CAfile "$DIR/ca.pem" -noout -text
says "verify OK"
serial=$(openssl x509 -in "$DIR/boards/X2-0000007.pem" -noout -serial | cut -d= -f2)
says "$serial"
number=$(grep -A1 'CRL Number' "$OUT" | tail -n 1 | tr -d ' ')
run 0 openssl verify -CAfile "$DIR/root.pem" -untrusted "$DIR/ca.pem" "$DIR/boards/X2-0000008.pem"
openssl crl -inform DER -in "$DIR/devices.crl" -out "$DIR/devices.crl.pem"
run 2 openssl verify -crl_check -CRLfile "$DIR/devices.crl.pem" -partial_chain \
    -CAfile "$DIR/ca.pem" "$DIR/boards/X2-0000007.pem"
says "certificate revoked"
run 1 renew
grep -q 'auth.revoked\|device.blocked' "$OUT" || fail "the refusal names another reason"
what "OCSP says good, then revoked. CRL #$number lists it;"
proved "its renewal, granted before, is refused."

# ---- 9 --------------------------------------------------------------------------------------

scene "Can anyone rewrite the past?"
what "The whole ledger is verified; then a bit of each entry of a copy flips."
shell "rootsmith ledger verify --offline demo/signer/ledger"
run 0 rs ledger verify --offline "$DATA/signer/ledger" --json
entries=$(member entries <"$OUT")
equal "the ledger is whole" "$(member ok <"$OUT")" True
for ((n = 0; n < entries; n += entries / 8)); do
    rm -rf "$DIR/copy" && cp -r "$DATA/signer/ledger" "$DIR/copy"
    segment=$(ls "$DIR"/copy/*.seg | head -n 1)
    run 0 check_py flip "$segment" "$n"
    run 3 rs ledger verify --offline "$DIR/copy" --json
    equal "the entry that is named" "$(member first_bad.entry <"$OUT")" "$n"
    found=$n
done
what "ledger: $entries entries whole. One bit flipped in a copy, 8 places:"
proved "$NO entry $found was changed (each time the right one is named)"
finish_demo

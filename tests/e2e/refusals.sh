#!/usr/bin/env bash
# Bad input, each refused with its code, and nothing changed: the hashes of the store's tables
# and of the ledger's leaves (other than the refusals themselves) stay what they were.  Boards and
# chips: station.sh and chip_refusals.sh.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
BIN=$1
. "$(dirname "$0")/lib.sh"
export ROOTSMITH_INJECT_FILE
ROOTSMITH_INJECT_FILE=$(mktemp)
trap 'down; rm -f "$ROOTSMITH_INJECT_FILE"' EXIT
up acme || { echo "0 passed, 1 failed"; exit 1; }

rs product set sensor-x2 --rot soft --issuer acme-devices -q
enrol_station sz-1
enrol_station sz-2
rs order create --product sensor-x2 --quantity 2 --stations sz-1 --name o-1 -q
board_request X2-1 0123000000000001EE
est sz-1 o-1 simpleenroll "$WORK/X2-1.csr" "$WORK/X2-1.pem" || bad "the first board"

state() { # what must not change: certificates, devices, orders, and issued leaves
    sqlite3 "$DATA/store.db" 'SELECT count(*), group_concat(hex(serial)) FROM certificate;
        SELECT * FROM device; SELECT * FROM work_order; SELECT * FROM key_owner' | sha256sum
    python3 "$(dirname "$0")/ledger_leaves.py" "$DATA/signer/ledger"
}

# A server that must end by itself.
ends() { timeout 60 "$(find_program rootsmithd)" "$@"; }

late() { EST_CURL=-k "$@"; }

rules() { printf '%s\n' "$@" >"$ROOTSMITH_INJECT_FILE"; }

device_request() { # FILE: a new key and a request of X2-1 for an LDevID
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$WORK/$1.key" 2>/dev/null
    openssl req -new -key "$WORK/$1.key" -subj /CN=X2-1 -outform DER -out "$WORK/$1.csr"
}

count_ldevids() {
    sqlite3 "$DATA/store.db" "SELECT count(*) FROM certificate WHERE device='X2-1' AND object<>'idevid'"
}

untouched() { # TEXT CODE COMMAND...
    local before after
    before=$(state)
    refused "$@"
    after=$(state)
    [ "$before" = "$after" ] || bad "$1: store or ledger changed"
}

echo "requests"
board_request X2-9 0123000000000009EE
cp "$WORK/X2-9.csr" "$WORK/flip.csr"
python3 - "$WORK/flip.csr" <<'PY'
import sys
b = bytearray(open(sys.argv[1], "rb").read())
b[-5] ^= 1
open(sys.argv[1], "wb").write(b)
PY
untouched "a request with a wrong signature" key.proof est sz-1 o-1 simpleenroll "$WORK/flip.csr" "$WORK/no"
head -c 100 "$WORK/X2-9.csr" >"$WORK/cut.csr"
untouched "a request cut short" csr.format est sz-1 o-1 simpleenroll "$WORK/cut.csr" "$WORK/no"
board_request W-1 01 -algorithm RSA -pkeyopt rsa_keygen_bits:1024
untouched "RSA with 1024 bits" key.weak est sz-1 o-1 simpleenroll "$WORK/W-1.csr" "$WORK/no"
board_request W-2 02 -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3
untouched "RSA with e = 3" key.weak est sz-1 o-1 simpleenroll "$WORK/W-2.csr" "$WORK/no"
board_request W-3 03 -algorithm EC -pkeyopt ec_paramgen_curve:secp224r1
untouched "a small curve" key.weak est sz-1 o-1 simpleenroll "$WORK/W-3.csr" "$WORK/no"
board_request W-4 04 -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit
untouched "explicit curve parameters" key.weak est sz-1 o-1 simpleenroll "$WORK/W-4.csr" "$WORK/no"
board_request W-5 05 -algorithm ED25519
untouched "a key kind outside the profile" key.weak est sz-1 o-1 simpleenroll "$WORK/W-5.csr" "$WORK/no"
cp "$WORK/X2-1.key" "$WORK/X2-2.key"
board_request X2-2 0123000000000002EE
untouched "the key of another device (L8)" key.unique est sz-1 o-1 simpleenroll "$WORK/X2-2.csr" "$WORK/no"
board_request X2-3 0123000000000001EE
untouched "the chip of another device (L8)" chip.twin est sz-1 o-1 simpleenroll "$WORK/X2-3.csr" "$WORK/no"
rm "$WORK/X2-1.key.old" 2>/dev/null
cp "$WORK/X2-1.key" "$WORK/first.key"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$WORK/X2-1.key" 2>/dev/null
board_request X2-1 0123000000000001EE
untouched "a second identity for one device" device.exists est sz-1 o-1 simpleenroll "$WORK/X2-1.csr" "$WORK/no"
cp "$WORK/first.key" "$WORK/X2-1.key"
openssl req -new -key "$WORK/X2-9.key" -subj /CN=nothing -outform DER -out "$WORK/nosn.csr"
untouched "a board without serialNumber" csr.subject est sz-1 o-1 simpleenroll "$WORK/nosn.csr" "$WORK/no"
openssl req -new -key "$WORK/X2-9.key" -subj /serialNumber=X2-9 -addext basicConstraints=critical,CA:TRUE \
    -outform DER -out "$WORK/ca.csr"
untouched "a request for a CA" csr.extension est sz-1 o-1 simpleenroll "$WORK/ca.csr" "$WORK/no"

echo "who and what"
curl_status() { curl -sS -o /dev/null -w '%{http_code}' --cacert "$WORK/root.pem" "$@"; }
same "no client certificate: 401" "$(curl_status -X POST -H 'Content-Type: application/pkcs10' \
    --data x "https://$DEVICES/.well-known/est/o-1/simpleenroll")" 401
same "another content type: 415" "$(curl_status --cert "$WORK/sz-1.pem" --key "$WORK/sz-1.key" -X POST \
    -H 'Content-Type: text/plain' --data x "https://$DEVICES/.well-known/est/o-1/simpleenroll")" 415
same "GET where POST is needed: 405" "$(curl_status "https://$DEVICES/.well-known/est/o-1/simpleenroll")" 405
same "an unknown operation: 404" "$(curl_status "https://$DEVICES/.well-known/est/o-1/simplerenroll")" 404
same "an unknown path: 404" "$(curl_status "https://$DEVICES/api/v1/status")" 404
same "REST without a person: 401" "$(curl_status "https://$PEOPLE/api/v1/status")" 401
same "REST with a station: 403" "$(curl_status --cert "$WORK/sz-1.pem" --key "$WORK/sz-1.key" \
    "https://$PEOPLE/api/v1/status")" 403
untouched "a station the order does not name" order.station est sz-2 o-1 simpleenroll "$WORK/X2-9.csr" "$WORK/no"
untouched "an order that does not exist" request.unknown est sz-1 o-9 simpleenroll "$WORK/X2-9.csr" "$WORK/no"
untouched "a device asks for a board" "auth.denied\|profile.unknown" est X2-1 o-1 simpleenroll "$WORK/X2-9.csr" "$WORK/no"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$WORK/stranger.key" \
    -out "$WORK/stranger.pem" -subj /CN=sz-1 2>/dev/null
untouched "a certificate of somebody else's CA" auth.unknown est stranger o-1 simpleenroll "$WORK/X2-9.csr" "$WORK/no"

echo "quantity"
est sz-1 o-1 simpleenroll "$WORK/X2-9.csr" "$WORK/X2-9.pem" && ok "the second and last board"
board_request X2-4 0123000000000004EE
untouched "one board too many (L7)" order.exhausted est sz-1 o-1 simpleenroll "$WORK/X2-4.csr" "$WORK/no"
rs order raise o-1 --to 3 -q
check "the order is raised" est sz-1 o-1 simpleenroll "$WORK/X2-4.csr" "$WORK/X2-4.pem"
rs order close o-1 -q
board_request X2-5 0123000000000005EE
untouched "a closed order" order.closed est sz-1 o-1 simpleenroll "$WORK/X2-5.csr" "$WORK/no"
refused "closed stays closed" order.closed rs order resume o-1

echo "the clock, the disk, the database, the port"
rs device revoke X2-9 --reason test --confirm X2-9 -q
device_request ld
openssl req -new -key "$WORK/ld.key" -subj /CN=X2-9 -outform DER -out "$WORK/other.csr"
untouched "a revoked client" 'auth.revoked\|device.blocked' est X2-9 ldevid simpleenroll "$WORK/other.csr" "$WORK/no"
est X2-1 ldevid simpleenroll "$WORK/ld.csr" "$WORK/ld.pem" || bad "an LDevID to let expire"

if "$(find_program rootsmithd)" --version | grep -q faults; then
    device_request full
    rules 'front:write@1=ENOSPC'
    refused "the store's disk is full" disk.full est X2-1 ldevid simpleenroll "$WORK/full.csr" "$WORK/no"
    rules
    check "the same request when there is room again" \
        wait_for 10 est X2-1 ldevid simpleenroll "$WORK/full.csr" "$WORK/full.pem"
    same "one certificate came of it" "$(count_ldevids)" 2
    device_request ledger
    for before in 1 2 3; do # the disk is full after this one
        rules 'signer:write@1=ENOSPC'
        device_request "before$before"
        est X2-1 ldevid simpleenroll "$WORK/before$before.csr" "$WORK/before$before.pem" && break
        rules # the checkpoint that the signer writes now and then met the full disk
        wait_for 20 est X2-1 ldevid simpleenroll "$WORK/before$before.csr" "$WORK/before$before.pem" ||
            bad "the one before"
    done
    # There is room again only afterwards: a checkpoint in between would notice it.
    untouched "the ledger's disk is full" 'disk.full\|signer.away' \
        est X2-1 ldevid simpleenroll "$WORK/ledger.csr" "$WORK/no"
    rules
    check "a new signer, and the same request again" \
        wait_for 20 est X2-1 ldevid simpleenroll "$WORK/ledger.csr" "$WORK/ledger.pem"
    same "one certificate came of it" "$(count_ldevids)" $((3 + before))
else
    echo "skipped: this build has no faults (full disk)"
fi

device_request locked
python3 - "$DATA/store.db" "$WORK/locked" <<'PY' &
import sqlite3, sys, time, os
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
open(sys.argv[2], "w").close()
while not os.path.exists(sys.argv[2] + ".done"):
    time.sleep(0.05)
db.execute("ROLLBACK")
PY
wait_for 10 test -f "$WORK/locked"
refused "the database is locked by somebody" store.busy est X2-1 ldevid simpleenroll "$WORK/locked.csr" "$WORK/no"
touch "$WORK/locked.done"
wait $!
check "the same request when it is free" \
    wait_for 10 est X2-1 ldevid simpleenroll "$WORK/locked.csr" "$WORK/locked.pem"
same "one certificate came of it" "$(sqlite3 "$DATA/store.db" "SELECT count(*) FROM certificate
    WHERE device='X2-1' AND object<>'idevid' AND key_hash=X'$(openssl pkey -in "$WORK/locked.key" -pubout \
    -outform DER | sha256sum | cut -d' ' -f1)'")" 1
refused "the ports are taken" port.in-use ends --data "$DATA"
stop_server
: >"$WORK/rootsmithd.log"
rules 'clock=+8640000'
start_server || bad "start in 100 days"
# To curl, whose clock is right, the server's certificate is not valid yet: -k for these two.
untouched "an expired client" auth.expired late est ld ldevid simplereenroll "$WORK/ld.csr" "$WORK/no"
device_request ld2
check "an IDevID still works then" late est X2-1 ldevid simpleenroll "$WORK/ld2.csr" "$WORK/late.pem"
stop_server
: >"$WORK/rootsmithd.log"
rules
ends --data "$DATA" >"$WORK/back.log" 2>&1
grep -q clock.behind "$WORK/back.log" && ok "a clock that went back 100 days: nothing starts" ||
    { bad "a clock that went back"; tail -n 3 "$WORK/back.log"; }
rules 'clock=+8640000'
# All of it into the one file: what waits in the log would be gone with it, and no page damaged.
sqlite3 "$DATA/store.db" 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
cp "$DATA/store.db" "$WORK/store.good"
python3 - "$DATA/store.db" <<'PY'
import sys
f = open(sys.argv[1], "r+b")
f.seek(8192)
f.write(b"\xff" * 8192)  # a whole page: what lies in the free middle of one is no damage
PY
rm -f "$DATA"/store.db-*
ends --data "$DATA" >"$WORK/damage.log" 2>&1
grep -q store.damaged "$WORK/damage.log" && ok "a corrupt database" ||
    { bad "a corrupt database"; tail -n 3 "$WORK/damage.log"; }
cp "$WORK/store.good" "$DATA/store.db"
segment=$(ls "$DATA"/signer/ledger/*.seg "$DATA"/signer/ledger/segment* 2>/dev/null | head -n 1)
cp "$segment" "$WORK/segment.good"
python3 - "$segment" <<'PY'
import sys
f = open(sys.argv[1], "r+b")
f.seek(700)
b = f.read(1)
f.seek(700)
f.write(bytes([b[0] ^ 1]))
PY
ends --data "$DATA" >"$WORK/ledger.log" 2>&1
grep -q ledger.damaged "$WORK/ledger.log" && ok "a flipped bit in the ledger" ||
    { bad "a flipped bit in the ledger"; tail -n 3 "$WORK/ledger.log"; }
cp "$WORK/segment.good" "$segment"

finish

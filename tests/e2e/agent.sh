#!/usr/bin/env bash
# The device's agent against the real server: first identity, renewal, new keys, clocks that are wrong,
# servers that are not ours, and death at every write.  One working identity, whatever happens.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
BIN=$1
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tpm.sh"
trap leave EXIT
leave() {
    stop_tpm "$WORK/tpm"
    stop_tpm "$WORK/tpm2"
    [ -z "${SIMPID:-}" ] || kill "$SIMPID" 2>/dev/null
    down
}
up acme || { echo "0 passed, 1 failed"; exit 1; }
AGENT=$(find_program rootsmith-agent) STATION=$(find_program rootsmith-station) SIM=$(find_program rot-sim)
export ROOTSMITH_LOCK_DIR=$WORK

rs product set gateway --rot soft --issuer acme-devices -q
rs product set sensor --rot atecc608b --issuer acme-devices -q
rs station create sz-1 --json | member token >"$WORK/token"
chmod 600 "$WORK/token"
"$STATION" --data "$WORK/sz-1" enroll "https://$DEVICES" --name sz-1 --token "$WORK/token" >/dev/null
rs order create --product gateway --quantity 50 --stations sz-1 --name o-soft -q
rs order create --product sensor --quantity 5 --stations sz-1 --name o-atecc -q
SOCK=$WORK/sim.sock
{
    echo "listen $SOCK"; echo "state chips"; echo "timing none"; echo "trace bus.trace"
    echo "chip b1/u1 blank608b"
} >"$WORK/panel"
"$SIM" panel "$WORK/panel" >"$WORK/rot-sim.log" 2>&1 &
SIMPID=$!
wait_for 10 "$SIM" list --socket "$SOCK" || bad "rot-sim does not answer"

board() { # ORDER SERIAL CHIP
    "$STATION" --data "$WORK/sz-1" run --once --ui plain --wait 20 --yes-irreversible atecc608b --order "$1" --serial "$2" \
        --fixture "1=$3" >"$WORK/run.log" 2>&1
}

agent() { # DEVICE CHIP VERB...
    local device=$1 chip=$2
    shift 2
    "$AGENT" --server "${SERVER_URL:-https://$DEVICES}" --rot "$chip" --state "$WORK/agent-$device" "$@"
}

soft() { # DEVICE VERB...: of a soft board
    local device=$1
    shift
    agent "$device" "soft:$WORK/$device.rot" "$@"
}

status() { # DEVICE MEMBER
    soft "$1" status --json 2>/dev/null | member "$2"
}

key_of() { openssl x509 -in "$WORK/agent-$1/ldevid.pem" -noout -pubkey 2>/dev/null; }
serial_in() { openssl x509 -in "$WORK/agent-$1/ldevid.pem" -noout -serial | cut -d= -f2 | tr A-F a-f; }
is_served() { openssl verify -CAfile "$WORK/root.pem" -untrusted "$WORK/agent-$1/chain.pem" "$WORK/agent-$1/ldevid.pem"; }

echo "refusals"
refused "a device without an identity" agent.no-identity soft none --trust "$WORK/root.pem" enroll
board o-soft G-1 "soft:$WORK/G-1.rot" || bad "board G-1: $(tail -n 5 "$WORK/run.log")"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=Other Root" -days 30 \
    -keyout "$WORK/other.key" -out "$WORK/other.pem" 2>/dev/null
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=localhost" \
    -keyout "$WORK/fake.key" 2>/dev/null | openssl x509 -req -CA "$WORK/other.pem" -CAkey "$WORK/other.key" \
    -days 30 -extfile <(echo "subjectAltName=DNS:localhost") -out "$WORK/fake.pem" 2>/dev/null
read -r FAKE < <(free_ports 1)
openssl s_server -accept "127.0.0.1:$FAKE" -cert "$WORK/fake.pem" -key "$WORK/fake.key" -www \
    >"$WORK/s_server.log" 2>&1 8>&- 9>&- &
FAKEPID=$!
wait_for 10 grep -q ACCEPT "$WORK/s_server.log"
SERVER_URL=https://localhost:$FAKE
refused "a server whose root only a file trusts" net.trust soft G-1 --trust "$WORK/other.pem" enroll
kill "$FAKEPID" 2>/dev/null
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=gw.acme.example" \
    -addext subjectAltName=DNS:gw.acme.example -keyout "$WORK/gw.key" -out "$WORK/gw.csr" 2>/dev/null
rs cert issue --profile tls-server --csr "$WORK/gw.csr" -o "$WORK/gw.pem" -q || bad "gw.acme.example"
openssl s_server -accept "127.0.0.1:$FAKE" -cert "$WORK/gw.pem" -cert_chain "$WORK/gw.pem" -key "$WORK/gw.key" \
    -www >"$WORK/gw.log" 2>&1 8>&- 9>&- &
FAKEPID=$!
wait_for 10 grep -q ACCEPT "$WORK/gw.log"
refused "a server of ours with another name" net.trust soft G-1 enroll
kill "$FAKEPID" 2>/dev/null
SERVER_URL=
ROOTSMITH_INJECT="agent:clock=+2300000000" refused "a clock in 2099" clock.wrong soft G-1 enroll
stop_server
refused "no server" net.unreachable soft G-1 enroll
: >"$WORK/rootsmithd.log"
start_server

echo "the first identity, by the IDevID in the chip"
check "enrols" soft G-1 enroll
check "its certificate is good" is_served G-1
same "status says so" "ldevid/0 True" "$(status G-1 ldevid.object) $(status G-1 ldevid.works)"
same "the chip names its root" True "$(status G-1 trust.in_chip)"
first=$(key_of G-1)
check "again: nothing to do" soft G-1 enroll
same "and nothing done" "$first" "$(key_of G-1)"
refused "two agents on one state" agent.running bash -c "
    exec 9>'$WORK/agent-G-1/agent.lock'; flock 9
    '$AGENT' --server https://$DEVICES --rot 'soft:$WORK/G-1.rot' --state '$WORK/agent-G-1' renew"
check "a connection with the chip's key" soft G-1 test "https://$DEVICES/.well-known/est/cacerts"

echo "renewal"
check "over a new key" soft G-1 renew
check "its certificate is good" is_served G-1
check "the key is another" test "$first" != "$(key_of G-1)"
same "in the other slot" ldevid/1 "$(status G-1 ldevid.object)"
second=$(key_of G-1)
check "over the same key" soft G-1 renew --same-key
same "the key is the same" "$second" "$(key_of G-1)"
check "over a new one again" soft G-1 renew
same "back in the first slot" ldevid/0 "$(status G-1 ldevid.object)"
same "one generation is kept" 1 "$(find "$WORK/agent-G-1" -maxdepth 1 -name 'id-*' | wc -l)"
check "bound to its connection" soft G-1 renew --binding
before=$(serial_in G-1)
check "a round with nothing due" soft G-1 run --once
same "changes nothing" "$before" "$(serial_in G-1)"

echo "clocks"
ROOTSMITH_INJECT="agent:clock=@86400" check "a clock in 1970 renews" soft G-1 renew
same "and says that it is behind" True "$(ROOTSMITH_INJECT="agent:clock=@86400" soft G-1 status --json | member clock_behind)"
ROOTSMITH_INJECT="agent:clock=+2300000000" refused "a clock in 2099 does not" clock.wrong soft G-1 renew
check "and has lost nothing" soft G-1 renew

echo "an ATECC608B on the bus"
board o-atecc A-1 "sim:$SOCK#b1/u1" || bad "board A-1: $(tail -n 5 "$WORK/run.log")"
check "enrols" agent A-1 "sim:$SOCK#b1/u1" enroll
check "its certificate is good" is_served A-1
check "renews over a new key" agent A-1 "sim:$SOCK#b1/u1" renew
check "its certificate is good" is_served A-1
same "its root is named by the chip" True "$(agent A-1 "sim:$SOCK#b1/u1" status --json | member trust.in_chip)"
rm -f "$WORK/agent-A-1/trust.pem"
check "a lost trust file is fetched and compared with the chip" agent A-1 "sim:$SOCK#b1/u1" renew
cp "$WORK/other.pem" "$WORK/agent-A-1/trust.pem"
check "a foreign one counts for nothing" agent A-1 "sim:$SOCK#b1/u1" renew

echo "a TPM, and a device that has only a one-time code"
make_tpm "$WORK/tpm" && start_tpm "$WORK/tpm" || bad "no software TPM"
token() { # DEVICE PRODUCT
    rs token create --device "$1" --product "$2" --json | member token >"$WORK/code"
    chmod 600 "$WORK/code"
}
field() { # DEVICE LABEL VERB...
    local device=$1 label=$2
    shift 2
    agent "$device" "$TPM_URI" --name "$device" --label "$label" --trust "$WORK/root.pem" "$@"
}
echo 0000-0000-0000-0000-0000 >"$WORK/wrong" && chmod 600 "$WORK/wrong"
refused "a wrong code" auth.token field T-1 gateway --token "$WORK/wrong" enroll
token T-1 gateway
refused "a code of another product" auth.token field T-1 sensor --token "$WORK/code" enroll
refused "a code of another device" auth.token field T-2 gateway --token "$WORK/code" enroll
token T-1 gateway
check "enrols" field T-1 gateway --token "$WORK/code" enroll
check "its certificate is good" is_served T-1
refused "a code that was used" auth.token field T-1 gateway --token "$WORK/code" enroll --anew
check "renews over a new key" field T-1 "" renew
check "its certificate is good" is_served T-1
same "its root is named by the TPM" True "$(field T-1 "" status --json | member trust.in_chip)"
check "a connection with the TPM's key" field T-1 "" test "https://$DEVICES/.well-known/est/cacerts"

echo "a TPM, by its maker's endorsement"
make_tpm "$WORK/tpm2" && stop_tpm "$WORK/tpm" && start_tpm "$WORK/tpm2" || bad "no second software TPM"
rs product set vault --rot tpm2 --issuer acme-devices -q
refused "without anybody who knows its maker" chip.not-genuine field E-1 vault --first tpm-endorsement enroll
stop_server
cat "$WORK"/tpm2/ca/issuercert.pem "$WORK"/tpm2/ca/*rootca-cert.pem >"$WORK/makers.pem"
printf 'tpm:\n  roots: [%s]\n' "$WORK/makers.pem" >>"$DATA/rootsmithd.yaml"
: >"$WORK/rootsmithd.log"
start_server
refused "without an order for the field" order.station field E-1 vault --first tpm-endorsement enroll
rs order create --product vault --quantity 2 --stations field --name o-field -q
check "enrols" field E-1 vault --first tpm-endorsement enroll
check "its certificate is good" is_served E-1
same "the IDevID is in the TPM" "idevid True" \
    "$(field E-1 vault status --json | member idevid.object) $(field E-1 vault status --json | member idevid.works)"
same "and attested" attested "$(rs device show E-1 --json | member chip.provenance)"
check "renews over a new key" field E-1 vault renew
check "its certificate is good" is_served E-1

echo "a new root"
check "the root rolls over" rs ca rollover acme-root
roots() { "$@" status --json | member trust.roots; }
same "before: one root" "1 1 1" "$(roots soft G-1) $(roots agent A-1 "sim:$SOCK#b1/u1") $(roots field E-1 vault)"
check "a soft board follows" soft G-1 trust
check "an ATECC608B follows" agent A-1 "sim:$SOCK#b1/u1" trust
check "a TPM follows" field E-1 vault trust
same "after: two, in the chip" "2 2 2" "$(roots soft G-1) $(roots agent A-1 "sim:$SOCK#b1/u1") $(roots field E-1 vault)"
check "and again: nothing to do" soft G-1 trust
check "all goes on" soft G-1 renew

echo "expired, revoked"
OLD="soft:$WORK/old.rot"
check "a chip with a key" rs chip genkey idevid --chip "$OLD" -q
check "and a request" rs chip csr idevid --serial OLD-1 --chip "$OLD" -o "$WORK/old.csr" -q
cat >"$WORK/old.cfg" <<'END'
cn = OLD-1
serial = 1
activation_date = "2024-01-01 00:00:00 UTC"
expiration_date = "2025-01-01 00:00:00 UTC"
signing_key
END
certtool --generate-certificate --template "$WORK/old.cfg" --load-request "$WORK/old.csr" \
    --load-ca-certificate "$WORK/other.pem" --load-ca-privkey "$WORK/other.key" --outfile "$WORK/old.pem" 2>/dev/null
check "and an IDevID of last year" rs chip write idevid --part cert --in "$WORK/old.pem" --chip "$OLD" -q
refused "an expired IDevID" auth.expired agent old "$OLD" --trust "$WORK/root.pem" enroll
board o-soft G-2 "soft:$WORK/G-2.rot" || bad "board G-2"
check "G-2 enrols" soft G-2 enroll
rs cert revoke "$(serial_in G-2)" --reason test --confirm "$(serial_in G-2)" -q || bad "revoke"
refused "a revoked LDevID" auth.revoked soft G-2 renew
check "and its IDevID gets another" soft G-2 enroll --anew
rs device revoke G-2 --reason stolen --confirm G-2 -q || bad "revoke G-2"
refused "a revoked device" 'auth.revoked\|device.blocked' soft G-2 renew

echo "death at every write"
board o-soft G-3 "soft:$WORK/G-3.rot" || bad "board G-3"
if ROOTSMITH_INJECT='agent:write@1=kill' soft G-3 enroll >/dev/null 2>&1; then
    echo "  (this build cannot inject faults: skipped)"
else
    check "G-3 enrols after all" soft G-3 enroll
    killed=0
    for rule in write@{1..6}=kill write@{1..6}+=kill sync@{1..8}+=kill rename@{1..4}=kill \
        rename@{1..4}+=kill write@{1..5}=torn agent-{answered,turned}@1=kill; do
        killed=$((killed + 1))
        ROOTSMITH_INJECT="agent:$rule" soft G-3 renew >/dev/null 2>&1
        [ "$(status G-3 ldevid.works)" = True ] || bad "no identity after $rule"
        soft G-3 renew >"$WORK/check.log" 2>&1 || { bad "no renewal after $rule"; tail -n 3 "$WORK/check.log"; }
    done
    ok "$killed deaths, an identity after each"
    check "the last one is good" is_served G-3
fi
finish

#!/usr/bin/env bash
# The examples of docs/examples do what they say: one source signs with a soft chip, with simulated
# parts and with a TPM where there is one; a program that is its own agent gets its certificate.
#
#   tests/e2e/examples.sh BUILD
#
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
BIN=$1
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tpm.sh"
trap leave EXIT
leave() {
    [ -z "${SIMPID:-}" ] || kill "$SIMPID" 2>/dev/null
    stop_tpm "$WORK/tpm" 2>/dev/null
    down
}
up acme || { echo "0 passed, 1 failed"; exit 1; }
STATION=$(find_program rootsmith-station) SIM=$(find_program rot-sim)
SIGN=$BIN/docs/examples/sign EXAMPLE=$BIN/docs/examples/agent
export ROOTSMITH_LOCK_DIR=$WORK
SOCK=$WORK/sim.sock
{
    echo "listen $SOCK"; echo "state chips"; echo "timing none"
    echo "chip b1/u1 blank608b"
} >"$WORK/panel"
"$SIM" panel "$WORK/panel" >"$WORK/rot-sim.log" 2>&1 &
SIMPID=$!
wait_for 10 "$SIM" list --socket "$SOCK" || bad "rot-sim does not answer"
printf hello >"$WORK/hello"

signs() { # CHIP: a signature that is good under the public key of the chip's ldevid
    ROOTSMITH_CHIP=$1 "$SIGN" >"$WORK/sig.hex" &&
        python3 -c "import sys; sys.stdout.buffer.write(bytes.fromhex(sys.stdin.read()))" <"$WORK/sig.hex" >"$WORK/sig" &&
        rs chip read ldevid --part key --chip "$1" -o "$WORK/ldevid.pub" --overwrite -q &&
        openssl dgst -sha256 -verify "$WORK/ldevid.pub" -signature "$WORK/sig" "$WORK/hello"
}

echo "sign.c"
ROOTSMITH_CHIP=carrier-pigeon refused "a chip of no known kind" format "$SIGN"
ROOTSMITH_CHIP=sim:$SOCK#b9/u9 refused "a chip that is not there" bus "$SIGN"
ROOTSMITH_CHIP=soft:$WORK/desk.rot refused "a chip without a key" empty "$SIGN"
rs chip genkey ldevid --chip "soft:$WORK/desk.rot" -q >/dev/null || bad "genkey"
check "a soft chip signs" signs "soft:$WORK/desk.rot"
if has_swtpm && make_tpm "$WORK/tpm" && start_tpm "$WORK/tpm"; then
    rs chip genkey ldevid --chip "$TPM_URI" -q >/dev/null || bad "genkey in the TPM"
    check "a TPM signs" signs "$TPM_URI"
    stop_tpm "$WORK/tpm"
else
    echo "  (no swtpm here: the TPM is left out)"
fi

echo "boards from a line"
rs product set gateway --rot soft --issuer acme-devices -q
rs product set sensor --rot atecc608b --issuer acme-devices -q
rs station create sz-1 --json | member token >"$WORK/token"
chmod 600 "$WORK/token"
"$STATION" --data "$WORK/sz-1" enroll "https://$DEVICES" --name sz-1 --token "$WORK/token" >/dev/null
rs order create --product gateway --quantity 5 --stations sz-1 --name o-soft -q
rs order create --product sensor --quantity 5 --stations sz-1 --name o-atecc -q
board() { # ORDER SERIAL CHIP
    "$STATION" --data "$WORK/sz-1" run --once --ui plain --wait 20 --yes-irreversible atecc608b --order "$1" --serial "$2" \
        --fixture "1=$3" >"$WORK/run.log" 2>&1 || { bad "board $2"; tail -n 5 "$WORK/run.log"; }
}
board o-soft G-1 "soft:$WORK/G-1.rot"
board o-atecc A-1 "sim:$SOCK#b1/u1"

own_agent() { # CHIP STATE
    ROOTSMITH_CHIP=$1 "$EXAMPLE" "https://$DEVICES" "$2" once &&
        openssl verify -CAfile "$WORK/root.pem" -untrusted "$2/chain.pem" "$2/ldevid.pem"
}

echo "agent.c"
ROOTSMITH_CHIP=soft:$WORK/bare.rot refused "a board that nobody made" agent.no-identity \
    "$EXAMPLE" "https://$DEVICES" "$WORK/bare" once
check "a soft board gets its certificate" own_agent "soft:$WORK/G-1.rot" "$WORK/ag-G-1"
check "an ATECC608B gets its certificate" own_agent "sim:$SOCK#b1/u1" "$WORK/ag-A-1"
check "and signs with the same key" signs "sim:$SOCK#b1/u1"
same "which is the certificate's" "$(cat "$WORK/ldevid.pub")" \
    "$(openssl x509 -in "$WORK/ag-A-1/ldevid.pem" -noout -pubkey)"
echo "docs/agent.md"
HERE=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
sed -n '/^```yaml/,/^```/p' "$HERE/docs/agent.md" | sed '1d;$d' >"$WORK/agent.yaml"
refused "its agent.yaml is one that the agent takes" agent.no-identity \
    "$(find_program rootsmith-agent)" --config "$WORK/agent.yaml" --server "https://$DEVICES" \
    --rot "soft:$WORK/bare.rot" --state "$WORK/ag-doc" --trust "$WORK/root.pem" enroll
missing=$(sed -n 's/^ *{*\.name = "\([a-z_]*\)",.*/\1/p' "$HERE/src/agent/config.c" | sort -u |
    while read -r key; do grep -q "^ *$key:" "$WORK/agent.yaml" || echo "$key"; done)
same "and has every key that there is" "" "$missing"
finish

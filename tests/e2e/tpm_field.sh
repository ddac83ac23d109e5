#!/usr/bin/env bash
# First identities in the field by a TPM's endorsement: the device's side is tpm2-tools and a real
# TPM's code, so credential, evidence and templates are checked against somebody else's hand.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
BIN=$1
HERE=$(dirname "$0")
. "$HERE/lib.sh"
. "$HERE/tpm.sh"
bye() {
    local name
    for name in one two three foreign clone; do stop_tpm "$WORK/tpm-$name"; done
    down
}
trap bye EXIT
for tool in swtpm swtpm_setup swtpm_localca tpm2_activatecredential; do
    command -v "$tool" >/dev/null || { echo "0 passed, 0 failed (no $tool)"; exit 77; }
done
up acme || { echo "0 passed, 1 failed"; exit 1; }
export ROOT_PEM=$WORK/root.pem
URL=https://$DEVICES

device() { # TPM ARGS...: a device with this TPM
    local tpm=$1
    shift
    TPM2TOOLS_TCTI=swtpm:path=$WORK/tpm-$tpm/sock timeout 120 python3 "$HERE/tpm_tools.py" "$@"
}

enrol() { # TPM LABEL SERIAL [BREAK]
    device "$1" enrol "$WORK/dev-$1" "$URL" "${@:2}"
}

subject() { openssl x509 -in "$WORK/dev-$1/cert.pem" -noout -subject -nameopt RFC2253; }

part() { # NAME MAKER: a new one, running
    make_tpm "$WORK/tpm-$1" "$WORK/maker-$2" && start_tpm "$WORK/tpm-$1"
}

check "a TPM is made" part one good
check "and one of another maker" part foreign other
tpm_makers "$WORK/maker-good" >"$WORK/good.pem"
GOOD=$WORK/good.pem
check "keys of the TCG's templates" device one keys "$WORK/dev-one"
check "in both" device foreign keys "$WORK/dev-foreign"
rs product set gateway --rot tpm2 --issuer acme-devices -q
rs product set sensor --rot soft --issuer acme-devices -q

echo "no grant, no identity"
refused "no maker is configured" chip.not-genuine enrol one gateway G-1
stop_server
printf 'tpm:\n  roots: [%s]\n' "$GOOD" >>"$DATA/rootsmithd.yaml"
: >"$WORK/rootsmithd.log"
start_server
refused "no order lets devices ask" order.station enrol one gateway G-1
rs station create sz-1 -q --json >/dev/null
rs order create --product gateway --quantity 5 --stations sz-1 --name o-line -q
refused "an order for a station does not" order.station enrol one gateway G-1
refused "nor does its name" order.station enrol one o-line G-1
rs order create --product sensor --quantity 5 --stations field --name o-soft -q
refused "nor an order for other parts" order.station enrol one sensor G-1
refused "no station is called field" exists rs station create field
rs order create --product gateway --quantity 2 --stations field --name o-field -q
rs order pause o-field -q
refused "a paused order does not" order.station enrol one gateway G-1
rs order resume o-field -q

echo "no proof, no identity"
refused "a TPM of a maker that is not configured" chip.not-genuine enrol foreign gateway G-1
refused "a wrong secret" chip.not-genuine enrol one gateway G-1 secret
refused "evidence over another nonce" attest.challenge enrol one gateway G-1 nonce
refused "no evidence" attest.required enrol one gateway G-1 no-evidence
refused "a challenge that was never made" attest.challenge curl -sS --fail-with-body \
    --cacert "$WORK/root.pem" -u "tpm-$(printf '0%.0s' {1..32}):$(printf '0%.0s' {1..64})" \
    -H 'Content-Type: application/pkcs10' --data-binary "@$WORK/dev-one/csr" \
    "$URL/.well-known/est/gateway/simpleenroll"
refused "no JSON at all" request.format curl -sS --fail-with-body --cacert "$WORK/root.pem" \
    --data '{' "$URL/.well-known/rootsmith/v1/tpm/challenge"
refused "half a question" request.format curl -sS --fail-with-body --cacert "$WORK/root.pem" \
    --data '{"product":"gateway"}' "$URL/.well-known/rootsmith/v1/tpm/challenge"
same "nothing was counted" 0 "$(rs order show o-field --json | member counts.signed)"

echo "the proof"
check "a device gets its identity, twice the same" enrol one gateway G-1 again
same "with its serial" "subject=serialNumber=G-1" "$(subject one | tr -d ' ' | grep -o 'subject=serialNumber=G-1')"
same "one was counted" 1 "$(rs order show o-field --json | member counts.signed)"
same "it is attested" attested "$(rs device show G-1 --json | member chip.provenance)"
same "its chip is its endorsement key" \
    "$(openssl x509 -inform DER -in "$WORK/dev-one/ek.der" -noout -pubkey |
        openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1)" \
    "$(rs device show G-1 --json | member chip.uid)"
cp "$WORK/dev-one/cert.pem" "$WORK/first.pem"
check "without a serial it gets the same back" enrol one gateway -
same "byte for byte" "$(cat "$WORK/first.pem")" "$(cat "$WORK/dev-one/cert.pem")"
check "a second TPM" part two good
check "its keys" device two keys "$WORK/dev-two"
check "a serial of its endorsement, when it names none" enrol two gateway -
same "two are counted" 2 "$(rs order show o-field --json | member counts.signed)"
check "a third" part three good
check "its keys too" device three keys "$WORK/dev-three"
refused "one more than the order allows" order.exhausted enrol three gateway G-3

echo "clones (L8)"
stop_tpm "$WORK/tpm-one"
check "a TPM is copied" copy_tpm "$WORK/tpm-one" "$WORK/tpm-clone"
check "and runs" start_tpm "$WORK/tpm-clone"
check "beside the first" start_tpm "$WORK/tpm-one"
check "the copy has the same keys" device clone keys "$WORK/dev-clone"
rs order raise o-field --to 10 -q
refused "and gets no identity of its own" key.unique enrol clone gateway G-9
same "the finding names who had it first" "G-1 o-field field" \
    "$(rs device show G-1 --json | python3 -c 'import json,sys
f = json.load(sys.stdin)["finding"]["first"]
print(f["device"], f["order"], f["station"])')"
same "and who came" "G-9 o-field tpm: key.unique" \
    "$(rs device show G-1 --json | python3 -c 'import json,sys
a = json.load(sys.stdin)["finding"]["again"]
assert len(a) == 1, a
print(a[0]["device"], a[0]["order"], a[0]["who"][:4], a[0]["code"])')"
refused "again, under the same name" key.unique enrol clone gateway G-9
same "it is told once" 1 "$(rs device show G-1 --json | python3 -c 'import json,sys
print(len(json.load(sys.stdin)["finding"]["again"]))')"
same "no second certificate" 1 "$(sqlite3 "$DATA/store.db" \
    "SELECT count(*) FROM certificate WHERE object='idevid' AND device IN ('G-1','G-9')")"
check "the list shows it" eval 'rs finding list | grep -q G-1'
check "and one shows both" eval 'rs finding show "$(rs finding list --json | member items.0.name)" | grep -q G-9'

echo "configuration"
stop_server
sed -i 's|^  roots:.*|  roots: [none.pem]|' "$DATA/rootsmithd.yaml"
refused "a file that is not there" file.failed timeout 20 "$(find_program rootsmithd)" --data "$DATA"
cp "$WORK/dev-one/cert.pem" "$DATA/leaf.pem"
sed -i 's|^  roots:.*|  roots: [leaf.pem]|' "$DATA/rootsmithd.yaml"
refused "a certificate that is no CA's" config.invalid timeout 20 "$(find_program rootsmithd)" \
    --data "$DATA"
finish

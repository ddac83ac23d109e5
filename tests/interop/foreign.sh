#!/usr/bin/env bash
# Interop with code that nobody here wrote: curl, openssl, strongSwan's pki, GnuTLS's certtool
# and ocsptool enrol, re-enrol, and judge every certificate, answer and list.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
BIN=$1
. "$(dirname "$0")/../e2e/lib.sh"
trap down EXIT
up acme || { echo "0 passed, 1 failed"; exit 1; }

rs product set sensor-x2 --rot soft --issuer acme-devices -q
enrol_station sz-1
rs order create --product sensor-x2 --quantity 4 --stations sz-1 --name o-1 -q

echo "curl and openssl enrol"
check "cacerts needs no client certificate" \
    curl -sSf --cacert "$WORK/root.pem" "https://$DEVICES/.well-known/est/cacerts" -o "$WORK/cacerts"
openssl base64 -d -A -in "$WORK/cacerts" | openssl pkcs7 -inform DER -print_certs >"$WORK/cacerts.pem" 2>/dev/null
same "cacerts has both CAs" "$(grep -c BEGIN "$WORK/cacerts.pem")" 2
board_request X2-1 0123000000000000EE
check "a board's IDevID by curl" est sz-1 o-1 simpleenroll "$WORK/X2-1.csr" "$WORK/X2-1.pem"
check "the same request gets the same certificate" \
    est sz-1 o-1 simpleenroll "$WORK/X2-1.csr" "$WORK/again.pem"
same "byte for byte" "$(cat "$WORK/X2-1.pem")" "$(cat "$WORK/again.pem")"
check "openssl verify accepts it" \
    openssl verify -x509_strict -CAfile "$WORK/root.pem" -untrusted "$WORK/devices.pem" "$WORK/X2-1.pem"
same "it holds the board's key" \
    "$(openssl x509 -in "$WORK/X2-1.pem" -noout -pubkey)" "$(openssl pkey -in "$WORK/X2-1.key" -pubout)"
same "it never ends (802.1AR)" "$(openssl x509 -in "$WORK/X2-1.pem" -noout -enddate)" \
    "notAfter=Dec 31 23:59:59 9999 GMT"
cat "$WORK/root.pem" "$WORK/devices.pem" >"$WORK/cas.pem"
check "GnuTLS accepts it" certtool --verify --load-ca-certificate "$WORK/cas.pem" --infile "$WORK/X2-1.pem"

echo "the board enrols for itself"
openssl req -new -key "$WORK/X2-1.key" -subj /CN=X2-1 -outform DER -out "$WORK/own.csr"
refused "its IDevID key is not certified twice" key.unique est X2-1 ldevid simpleenroll "$WORK/own.csr" "$WORK/no.pem"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$WORK/ld.key" 2>/dev/null
openssl req -new -key "$WORK/ld.key" -subj "/CN=X2-1/O=Acme TEST" -outform DER -out "$WORK/ld.csr"
check "an LDevID with its IDevID as client" est X2-1 ldevid simpleenroll "$WORK/ld.csr" "$WORK/ld.pem"
check "openssl verify accepts it" \
    openssl verify -CAfile "$WORK/root.pem" -untrusted "$WORK/devices.pem" "$WORK/ld.pem"

echo "strongSwan's pki"
if command -v pki >/dev/null; then
    openssl x509 -in "$WORK/root.pem" -outform DER -out "$WORK/root.der"
    check "pki --estca" pki --estca --url "https://$DEVICES" --cacert "$WORK/root.der" \
        --caout "$WORK/estca.pem" --outform pem --force
    pki --gen --type ecdsa --size 256 >"$WORK/sw.key" 2>/dev/null
    pki --req --type ecdsa --in "$WORK/sw.key" --dn "CN=X2-1" >"$WORK/sw.csr" 2>/dev/null
    code=$(rs token create --device X2-1 --json | member token)
    enrol() { pki --est --url "https://$DEVICES" --in "$WORK/$1.csr" --cacert "$WORK/root.der" \
        "${@:3}" >"$WORK/$2" 2>"$WORK/pki.log"; }
    refused "pki --est with a wrong code" "auth.token\|failed\|401\|403" \
        bash -c "pki --est --url https://$DEVICES --in $WORK/sw.csr --cacert $WORK/root.der \
        --userpass X2-1:0000-0000-0000-0000-0000 2>&1"
    check "pki --est enrols with a one-time code" enrol sw sw.der --userpass "X2-1:$code"
    check "openssl verify accepts what it got" bash -c "openssl x509 -inform DER -in '$WORK/sw.der' |
        openssl verify -CAfile '$WORK/root.pem' -untrusted '$WORK/devices.pem'"
    refused "the code works once" . bash -c "pki --est --url https://$DEVICES --in $WORK/ld.csr \
        --cacert $WORK/root.der --userpass X2-1:$code 2>&1"
    pki --gen --type ecdsa --size 256 >"$WORK/sw2.key" 2>/dev/null
    openssl x509 -inform DER -in "$WORK/sw.der" -out "$WORK/sw.pem"
    pki --req --type ecdsa --in "$WORK/sw2.key" --dn "O=Acme TEST, CN=X2-1" >"$WORK/sw2.csr" 2>/dev/null
    check "pki --est re-enrols with the certificate and a new key" \
        enrol sw2 sw2.der --cert "$WORK/sw.der" --key "$WORK/sw.key"
    check "and it is a certificate of ours" bash -c "openssl x509 -inform DER -in '$WORK/sw2.der' |
        openssl verify -CAfile '$WORK/root.pem' -untrusted '$WORK/devices.pem'"
else
    echo "skipped: strongswan-pki is not installed"
    exit 77
fi

echo "re-enrolment by curl"
cp "$WORK/ld.pem" "$WORK/me.pem"
cp "$WORK/ld.key" "$WORK/me.key"
openssl x509 -in "$WORK/ld.pem" -x509toreq -signkey "$WORK/ld.key" -outform DER -out "$WORK/renew.csr" 2>/dev/null
openssl x509 -in "$WORK/ld.pem" -x509toreq -signkey "$WORK/ld.key" 2>/dev/null |
    openssl req -outform DER -out "$WORK/renew.csr"
check "simplereenroll, same key" est me ldevid simplereenroll "$WORK/renew.csr" "$WORK/renewed.pem"
same "the subject is kept (RFC 7030 4.2.2)" \
    "$(openssl x509 -in "$WORK/ld.pem" -noout -subject)" "$(openssl x509 -in "$WORK/renewed.pem" -noout -subject)"
refused "another subject is refused" csr.subject est me ldevid simplereenroll "$WORK/own.csr" "$WORK/no.pem"

echo "status"
ocsp() { openssl ocsp -issuer "$WORK/devices.pem" -cert "$1" -url "http://$HTTP/ocsp" -CAfile "$WORK/cas.pem" "${@:2}" 2>&1; }
check "openssl ocsp: good" bash -c "$(declare -f ocsp); WORK=$WORK HTTP=$HTTP ocsp $WORK/X2-1.pem | grep -q 'X2-1.pem: good'"
check "the answer verifies" bash -c "$(declare -f ocsp); WORK=$WORK HTTP=$HTTP ocsp $WORK/X2-1.pem | grep -q 'Response verify OK'"
check "with SHA-256 in the request" bash -c "openssl ocsp -sha256 -issuer $WORK/devices.pem -cert $WORK/X2-1.pem \
    -url http://$HTTP/ocsp -CAfile $WORK/cas.pem 2>&1 | grep -q ': good'"
check "a serial never issued is unknown (L5)" bash -c "openssl ocsp -issuer $WORK/devices.pem \
    -serial 0x1234567890 -url http://$HTTP/ocsp -CAfile $WORK/cas.pem 2>&1 | grep -q 'unknown'"
check "GnuTLS's ocsptool agrees" bash -c "ocsptool --ask=http://$HTTP/ocsp --load-cert $WORK/X2-1.pem \
    --load-issuer $WORK/devices.pem --load-trust $WORK/cas.pem 2>&1 | grep -qi 'good\|Certificate Status: good'"
check "revoked by a person" rs device revoke X2-1 --reason stolen --confirm X2-1
check "openssl ocsp: revoked" bash -c "$(declare -f ocsp); WORK=$WORK HTTP=$HTTP ocsp $WORK/X2-1.pem | grep -q 'X2-1.pem: revoked'"
check "the CRL is published" curl -sSf "http://$HTTP/crl/acme-devices.crl" -o "$WORK/devices.crl"
check "openssl crl verifies it" bash -c "openssl crl -inform DER -in $WORK/devices.crl -noout -CAfile $WORK/cas.pem 2>&1 | grep -q 'verify OK'"
serial=$(openssl x509 -in "$WORK/X2-1.pem" -noout -serial | cut -d= -f2)
check "it lists the serial" bash -c "openssl crl -inform DER -in $WORK/devices.crl -noout -text | grep -q $serial"
check "GnuTLS accepts the CRL" bash -c "openssl crl -inform DER -in $WORK/devices.crl -out $WORK/devices.crl.pem && certtool --verify-crl --load-ca-certificate $WORK/devices.pem --infile $WORK/devices.crl.pem"
refused "a revoked client cannot enrol" 'auth.revoked\|device.blocked' est X2-1 ldevid simpleenroll "$WORK/ld.csr" "$WORK/no.pem"

finish

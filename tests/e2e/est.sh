#!/usr/bin/env bash
# EST for devices (RFC 7030, 8951, 9908): labels and who may use them, csrattrs, methods and
# statuses.  Each refusal by its code, and then what is allowed.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
BIN=$1
. "$(dirname "$0")/lib.sh"
trap down EXIT
up acme || { echo "0 passed, 1 failed"; exit 1; }

rs product set sensor-x2 --rot soft --issuer acme-devices -q
rs product set pump-9 --rot soft --issuer acme-devices --ldevid ldevid -q
enrol_station sz-1
rs order create --product sensor-x2 --quantity 4 --stations sz-1 --name o-1 -q
rs order create --product pump-9 --quantity 4 --stations sz-1 --name o-2 -q
board_request X2-1 0123000000000001EE
board_request P9-1 0123000000000002EE
est sz-1 o-1 simpleenroll "$WORK/X2-1.csr" "$WORK/X2-1.pem" || bad "a sensor's IDevID"
est sz-1 o-2 simpleenroll "$WORK/P9-1.csr" "$WORK/P9-1.pem" || bad "a pump's IDevID"

device_request() { # NAME SUBJECT: a new key and a request
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$WORK/$1.key" 2>/dev/null
    openssl req -new -key "$WORK/$1.key" -subj "$2" -outform DER -out "$WORK/$1.csr"
}

web() { # curl's arguments: status and headers of what EST answers
    curl -sS --cacert "$WORK/root.pem" -o "$WORK/web.body" -D "$WORK/web.head" -w '%{http_code}' "$@"
}
post() { web --cert "$WORK/P9-1.pem" --key "$WORK/P9-1.key" -H 'Content-Type: application/pkcs10' "$@"; }
est_url() { echo "https://$DEVICES/.well-known/est/$1"; }
header() { tr -d '\r' <"$WORK/web.head" | sed -n "s/^$1: //Ip"; }

echo "labels"
refused "a product with the name of an operation" config.invalid \
    rs product set simpleenroll --rot soft --issuer acme-devices
refused "a product with the name of a profile" exists rs product set ldevid --rot soft --issuer acme-devices
refused "a product whose devices enrol for a profile of others" profile.limit \
    rs product set other --rot soft --issuer acme-devices --ldevid station
device_request ld "/CN=P9-1"
refused "a device under another product's label" auth.denied \
    est P9-1 sensor-x2 simpleenroll "$WORK/ld.csr" "$WORK/no.pem"
refused "a label that nothing has" profile.unknown est P9-1 nothing simpleenroll "$WORK/ld.csr" "$WORK/no.pem"
refused "a station does not enrol as a product" request.unknown \
    est sz-1 sensor-x2 simpleenroll "$WORK/ld.csr" "$WORK/no.pem"
check "a device under its product's label" est P9-1 pump-9 simpleenroll "$WORK/ld.csr" "$WORK/ld.pem"
same "it is the LDevID that the product names" \
    "$(openssl x509 -in "$WORK/ld.pem" -noout -subject -nameopt RFC2253)" "subject=CN=P9-1,O=Acme TEST"
openssl x509 -in "$WORK/ld.pem" -x509toreq -signkey "$WORK/ld.key" 2>/dev/null |
    openssl req -outform DER -out "$WORK/again.csr"
refused "a renewal under another product's label" auth.denied \
    est ld sensor-x2 simplereenroll "$WORK/again.csr" "$WORK/no.pem"
refused "a renewal under another profile's label" auth.denied \
    est ld tls-server simplereenroll "$WORK/again.csr" "$WORK/no.pem"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$WORK/stranger.key" \
    -out "$WORK/stranger.pem" -subj "/CN=P9-1" 2>/dev/null
refused "a renewal of another CA's certificate: 403" "status 403: auth.denied" \
    est stranger pump-9 simplereenroll "$WORK/again.csr" "$WORK/no.pem"
check "a renewal under the product's label" est ld pump-9 simplereenroll "$WORK/again.csr" "$WORK/renewed.pem"
same "cacerts of a label that nothing has: 404" "$(web "$(est_url nothing/cacerts)")" 404
same "cacerts under the product's label: 200" "$(web "$(est_url pump-9/cacerts)")" 200
openssl base64 -d -A -in "$WORK/web.body" | openssl pkcs7 -inform DER -print_certs >"$WORK/chain.pem" 2>/dev/null
check "its chain judges the device's certificate" bash -c \
    "openssl verify -CAfile '$WORK/root.pem' -untrusted '$WORK/chain.pem' '$WORK/ld.pem'"

echo "csrattrs"
same "of a label that nothing has: 404" "$(web "$(est_url nothing/csrattrs)")" 404
same "of a product, for anybody: 200" "$(web "$(est_url pump-9/csrattrs)")" 200
same "its type" "$(header Content-Type)" application/csrattrs
parse() { openssl base64 -d -A -in "$WORK/web.body" | openssl asn1parse -inform DER 2>&1; }
same "it holds a template (RFC 9908)" "$(parse | grep -c 1.2.840.113549.1.9.16.2.61)" 1
same "and the older form beside it" "$(parse | grep -c ecdsa-with-SHA256)" 1
same "it says nothing of devices that did not show who they are" "$(parse | grep -c P9-1)" 0
web --cert "$WORK/P9-1.pem" --key "$WORK/P9-1.key" "$(est_url pump-9/csrattrs)" >/dev/null
same "and a device its own name" "$(parse | grep -c P9-1)" 1

echo "request and connection (RFC 7030 3.5, RFC 9266)"
link() { python3 "$(dirname "$0")/est_link.py" "$DEVICES" "$WORK" P9-1 pump-9 "$@"; }
for kind in wrong tls1.2 tls1.3 none must; do device_request "link-$kind" /CN=P9-1; done
refused "a request that names another connection" csr.linking link link-wrong wrong
check "TLS 1.2: tls-unique" link link-tls1.2 tls1.2
check "TLS 1.3: tls-exporter" link link-tls1.3 tls1.3
check "a request that names none" link link-none none
printf 'est:\n  linking: yes\n' >>"$DATA/rootsmithd.yaml"
stop_server
: >"$WORK/rootsmithd.log"
start_server || bad "start with est.linking"
refused "a request that names none, where it must" csr.linking link link-must none
code=$(rs token create --device P9-1 --json | member token)
web --user "P9-1:$code" -H 'Content-Type: application/pkcs10' --data-binary "@-" "$(est_url pump-9/simpleenroll)" \
    < <(openssl req -new -key "$WORK/link-must.key" -subj /CN=P9-1) >/dev/null
check "with a code, too" grep -q csr.linking "$WORK/web.body"
check "csrattrs ask for it" bash -c "curl -sSf --cacert $WORK/root.pem https://$DEVICES/.well-known/est/pump-9/csrattrs |
    openssl base64 -d -A | openssl asn1parse -inform DER | grep -q challengePassword"
check "one that does" link link-must tls1.3
sed -i '/^est:/,$d' "$DATA/rootsmithd.yaml"
stop_server
: >"$WORK/rootsmithd.log"
start_server || bad "start without est.linking"

echo "one-time codes"
token() { rs token create --json "$@" | member token; }
code_body() { openssl base64 -in "$WORK/$1.csr" >"$WORK/$1.b64"; }
code() { # CSR LABEL USER:CODE: enrols with it; the certificate comes into $WORK/CSR.pem
    local status
    code_body "$1"
    status=$(curl -sS --cacert "$WORK/root.pem" --user "$3" -H 'Content-Type: application/pkcs10' \
        --data-binary "@$WORK/$1.b64" -o "$WORK/est.body" -D "$WORK/web.head" -w '%{http_code}' \
        "https://$DEVICES/.well-known/est/${2:+$2/}simpleenroll")
    [ "$status" = 200 ] || { echo "status $status: $(cat "$WORK/est.body")"; return 1; }
    openssl base64 -d -A -in "$WORK/est.body" | openssl pkcs7 -inform DER -print_certs 2>/dev/null |
        sed -n '/BEGIN/,/END/p' >"$WORK/$1.pem"
}
refused "for a device that nobody knows, without a product" device.unknown rs token create --device N-1
refused "for a product that nobody knows" request.unknown rs token create --device N-1 --product none
refused "for a device of another product" device.exists rs token create --device X2-1 --product pump-9
refused "with an end in the past" request.format rs token create --device N-1 --product pump-9 --until 2020-01-01
refused "a code for a whole army" request.format rs token create --device N-1 --product pump-9 --uses 17
one=$(token --device N-1 --product pump-9)
same "the device is expected" "$(rs device show N-1 --json | member state)" expected
device_request n1 "/CN=N-1"
device_request n1b "/CN=N-1"
refused "a wrong code" "status 403: auth.token.*not valid" code n1 pump-9 N-1:0000-0000-0000-0000-0000
refused "a code without its end" auth.token code n1 pump-9 "N-1:${one%?????}"
refused "another device's code" "auth.token.*another device" code n1 pump-9 "N-2:$one"
refused "another product's label" "auth.token.*another product" code n1 sensor-x2 "N-1:$one"
refused "what is no user and code" auth.token code n1 pump-9 ":"
openssl req -new -key "$WORK/n1.key" -subj "/serialNumber=N-9/CN=N-1" -outform DER -out "$WORK/n9.csr"
refused "a request for another device" csr.subject code n9 pump-9 "N-1:$one"
refused "a profile that is none of a device's" auth.denied code n1 tls-server "N-1:$one"
cp "$WORK/X2-1.key" "$WORK/theft.key"
openssl req -new -key "$WORK/theft.key" -subj /CN=N-1 -outform DER -out "$WORK/theft.csr"
refused "a key of another device (L8)" key.unique code theft pump-9 "N-1:$one"
check "and the code still works, for its device and product" code n1 pump-9 "N-1:$one"
same "the device is there" "$(rs device show N-1 --json | member state)" active
cp "$WORK/n1.pem" "$WORK/n1.first"
check "the same request again, whose answer was lost" code n1 pump-9 "N-1:$one"
same "gets the same certificate" "$(cat "$WORK/n1.pem")" "$(cat "$WORK/n1.first")"
refused "a second request with a used code" "auth.token.*used before" code n1b pump-9 "N-1:$one"
same "it has one certificate" \
    "$(sqlite3 "$DATA/store.db" "SELECT count(*) FROM certificate WHERE device='N-1'")" 1
six=$(token --device N-8 --product pump-9)
device_request n8 "/CN=N-8"
code_body n8
same "a certificate of somebody else's does not stand in a code's way" \
    "$(web --cert "$WORK/stranger.pem" --key "$WORK/stranger.key" --user "N-8:$six" \
        -H 'Content-Type: application/pkcs10' --data-binary "@$WORK/n8.b64" "$(est_url pump-9/simpleenroll)")" 200
two=$(token --device N-3 --product pump-9)
id=$(rs token list --json | python3 -c 'import json,sys
print([t["id"] for t in json.load(sys.stdin)["items"] if t["name"] == "N-3"][0])')
same "its state" "$(rs token list --json | python3 -c 'import json,sys
print([t["state"] for t in json.load(sys.stdin)["items"] if t["name"] == "N-3"][0])')" open
check "withdrawn" rs token revoke "$id"
device_request n3 "/CN=N-3"
refused "a withdrawn code" "auth.token.*withdrawn" code n3 pump-9 "N-3:$two"
three=$(token --device N-4 --product pump-9 --uses 2)
device_request n4 "/CN=N-4"
device_request n4b "/CN=N-4"
check "a code for two, first" code n4 pump-9 "N-4:$three"
check "a code for two, second" code n4b pump-9 "N-4:$three"
device_request n4c "/CN=N-4"
refused "a code for two, third" "auth.token.*used before" code n4c "" "N-4:$three"
four=$(token --device N-5 --product pump-9)
device_request n5 "/CN=N-5"
for _ in 1 2 3 4 5; do code n5 pump-9 N-5:0000-0000-0000-0000-0000 >/dev/null; done
refused "the right code after five wrong ones: 429" "status 429: request.limit" code n5 pump-9 "N-5:$four"
same "which says until when" "$(header Retry-After)" 600
five=$(token --device N-6 --product pump-9)
device_request n6 "/CN=N-6"
for i in 1 2 3 4 5; do code n6 pump-9 "M-$i:$five" >/dev/null; done
refused "a code that was tried by five others: 429" request.limit code n6 pump-9 "N-6:$five"

echo "later (RFC 7030 4.2.3)"
device_request later /CN=P9-1
openssl req -new -key "$WORK/later.key" -subj /CN=P9-1 -addext basicConstraints=critical,CA:TRUE \
    -outform DER -out "$WORK/ca.csr"
signer_pid() {
    local pid
    for pid in $(cat "/proc/$SERVER/task/$SERVER/children"); do
        tr '\0' ' ' <"/proc/$pid/cmdline" | grep -c rootsmith-signer >/dev/null && echo "$pid"
    done
}
kill -STOP "$SERVER" # who would start another signer
kill -9 "$(signer_pid)"
wait_for 10 bash -c "[ \"\$(curl -s -o /dev/null -w '%{http_code}' --cacert $WORK/root.pem https://$PEOPLE/healthz)\" = 503 ]" ||
    bad "no end of the signer"
refused "without a signer: 202" "status 202: request.waiting.*signer.away" \
    est P9-1 pump-9 simpleenroll "$WORK/later.csr" "$WORK/no.pem"
post --data "$(openssl base64 -in "$WORK/later.csr")" "$(est_url pump-9/simpleenroll)" >/dev/null
same "which says when to ask again" "$(header Retry-After)" 2
refused "what is wrong with a request is said at once" csr.extension \
    est P9-1 pump-9 simpleenroll "$WORK/ca.csr" "$WORK/no.pem"
kill -CONT "$SERVER"
check "the same request, when there is one again" \
    wait_for 30 est P9-1 pump-9 simpleenroll "$WORK/later.csr" "$WORK/later.pem"
stop_server
: >"$WORK/rootsmithd.log"
start_server || bad "start again"
check "and after a restart" est P9-1 pump-9 simpleenroll "$WORK/later.csr" "$WORK/later2.pem"
same "it is the same certificate" "$(cat "$WORK/later.pem")" "$(cat "$WORK/later2.pem")"

echo "a root's next key (RFC 7030 4.1.3, RFC 4210 4.4)"
cas() { # LABEL: what cacerts has, one file each in $WORK/cas
    rm -rf "$WORK/cas" && mkdir "$WORK/cas" && web "$(est_url "${1:+$1/}cacerts")" >/dev/null &&
        openssl base64 -d -A -in "$WORK/web.body" | openssl pkcs7 -inform DER -print_certs 2>/dev/null |
        awk -v d="$WORK/cas/" '/BEGIN/ { n++ } n && /BEGIN/,/END/ { print > (d n ".pem") }'
    ls "$WORK/cas" | wc -l
}
refused "an issuing CA is no root" usage rs ca rollover acme-devices
refused "a CA that is not there" issuer.unknown rs ca rollover acme-none
same "before: two certificates" "$(cas pump-9)" 2
agent() { # VERB...: a device in the field, with a software chip
    ROOTSMITH_LOCK_DIR=$WORK "$(find_program rootsmith-agent)" --server "https://$DEVICES" \
        --rot "soft:$WORK/field.rot" --state "$WORK/field" --name F-1 --label pump-9 --trust "$WORK/root.pem" "$@"
}
rs token create --device F-1 --product pump-9 --json | member token >"$WORK/field.code"
chmod 600 "$WORK/field.code"
check "a device from before" agent --token "$WORK/field.code" enroll
check "tried, it would" bash -c "$(find_program rootsmith) ca rollover acme-root --dry-run | grep -q acme-root-2"
check "rolled over" rs ca rollover acme-root
same "old, new, oldWithNew, newWithOld, and the issuing CA" "$(cas pump-9)" 5
same "without a label, too" "$(cas "")" 5
rs ca show acme-root-2 --json | member pem >"$WORK/root2.pem"
# Without the roots themselves: openssl takes a self-signed certificate for the end of the way.
for f in "$WORK"/cas/*.pem; do
    cmp -s <(openssl x509 -in "$f") <(openssl x509 -in "$WORK/root.pem") ||
        cmp -s <(openssl x509 -in "$f") <(openssl x509 -in "$WORK/root2.pem") || cat "$f"
done >"$WORK/cas.pem"
same "two of them lead from one key to the other" "$(grep -c BEGIN "$WORK/cas.pem")" 3
same "one name" "$(openssl x509 -in "$WORK/root2.pem" -noout -subject)" "$(openssl x509 -in "$WORK/root.pem" -noout -subject)"
check "who trusts the new root alone comes to an old certificate" \
    openssl verify -x509_strict -CAfile "$WORK/root2.pem" -untrusted "$WORK/cas.pem" "$WORK/ld.pem"
link_cert() { # KEY-OF-PEM SIGNER-PEM: the certificate of that key by that root
    local f
    for f in "$WORK"/cas/*.pem; do
        [ "$(openssl x509 -in "$f" -noout -pubkey)" = "$(openssl x509 -in "$1" -noout -pubkey)" ] || continue
        openssl x509 -in "$f" -noout -fingerprint | grep -qf <(openssl x509 -in "$1" -noout -fingerprint) && continue
        openssl verify -partial_chain -x509_strict -CAfile "$2" "$f" && return 0
    done
    return 1
}
check "newWithOld is by the old key" link_cert "$WORK/root2.pem" "$WORK/root.pem"
check "oldWithNew is by the new key" link_cert "$WORK/root.pem" "$WORK/root2.pem"
check "the new root has a list" curl -sSf "http://$HTTP/crl/acme-root-2.crl" -o "$WORK/root2.crl"
check "which openssl verifies" bash -c "openssl crl -inform DER -in '$WORK/root2.crl' -noout -CAfile '$WORK/root2.pem' 2>&1 | grep -q 'verify OK'"
check "the device follows its root" agent trust
same "and believes both" "$(grep -c BEGIN "$WORK/field/trust.pem")" 2
check "it renews" agent renew
check "enrolment goes on" est P9-1 pump-9 simpleenroll "$WORK/later.csr" "$WORK/later.pem"
enrol_station sz-9 && ok "a station enrols and checks the root it is given" || bad "a station after the roll-over"
stop_server
: >"$WORK/rootsmithd.log"
start_server || bad "start with two roots"
same "after a restart, too" "$(cas pump-9)" 5
check "the ledger holds" rs ledger verify --offline "$DATA/signer/ledger"

echo "HTTP"
b64() { openssl base64 -in "$WORK/ld.csr"; }
same "HEAD of cacerts: 200" "$(web -I "$(est_url cacerts)")" 200
same "HEAD of csrattrs: 200" "$(web -I "$(est_url csrattrs)")" 200
same "POST to cacerts: 405" "$(web -X POST --data x "$(est_url cacerts)")" 405
same "which names the methods" "$(header Allow)" "GET, HEAD"
same "PUT of csrattrs: 405" "$(web -X PUT --data x "$(est_url csrattrs)")" 405
same "GET of simpleenroll: 405" "$(web "$(est_url simpleenroll)")" 405
same "which names the method" "$(header Allow)" POST
same "nobody: 401" "$(web -H 'Content-Type: application/pkcs10' --data x "$(est_url simpleenroll)")" 401
same "which says how" "$(header WWW-Authenticate)" 'Basic realm="one-time code"'
same "another type: 415" "$(web --cert "$WORK/P9-1.pem" --key "$WORK/P9-1.key" \
    -H 'Content-Type: text/plain' --data x "$(est_url simpleenroll)")" 415
same "no length: 411" "$(post -X POST -H 'Content-Length:' "$(est_url simpleenroll)")" 411
head -c 70000 /dev/zero | tr '\0' A >"$WORK/big"
same "70,000 bytes: 413" "$(post --data-binary "@$WORK/big" "$(est_url simpleenroll)")" 413
same "no base64: 400" "$(post --data '!' "$(est_url simpleenroll)")" 400
same "an operation that is none: 404" "$(web "$(est_url fullcmc)")" 404
enrols() { # TEXT FILE CURL-ARGUMENTS...: the same request in another dress gets the same certificate
    local text=$1 file=$2
    shift 2
    same "$text" "$(post --data-binary "@$file" "$@" "$(est_url pump-9/simpleenroll)")" 200
    same "and it is the same certificate" "$(openssl base64 -d -A -in "$WORK/web.body" |
        openssl pkcs7 -inform DER -print_certs 2>/dev/null | sed -n '/BEGIN/,/END/p')" "$(cat "$WORK/ld.pem")"
}
b64 >"$WORK/body"
enrols "Content-Transfer-Encoding is passed over" "$WORK/body" -H 'Content-Transfer-Encoding: binary'
openssl base64 -A -in "$WORK/ld.csr" >"$WORK/body"
enrols "one long line" "$WORK/body"
openssl base64 -in "$WORK/ld.csr" | sed 's/$/ \r/' >"$WORK/body"
enrols "lines with spaces, CR and LF" "$WORK/body"
openssl req -inform DER -in "$WORK/ld.csr" -out "$WORK/body"
enrols "PEM armour" "$WORK/body"
b64 >"$WORK/body"
enrols "in chunks" "$WORK/body" -H 'Transfer-Encoding: chunked'
enrols "after 100 Continue, and the connection closes" "$WORK/body" -H 'Expect: 100-continue' -H 'Connection: close'

finish

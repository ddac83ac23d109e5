#!/usr/bin/env bash
# What must hold although another check usually comes first: each is met alone here, so that taking
# it out is noticed (./dev prove teeth).  Refusals only, and the right request beside each.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
BIN=$1
. "$(dirname "$0")/lib.sh"
trap down EXIT
up acme || { echo "0 passed, 1 failed"; exit 1; }

rs product set sensor-x2 --rot soft --issuer acme-devices -q
enrol_station sz-1
rs order create --product sensor-x2 --quantity 9 --stations sz-1 --name o-1 -q
for i in 1 2 3; do
    board_request "X2-$i" "012300000000000${i}EE"
    est sz-1 o-1 simpleenroll "$WORK/X2-$i.csr" "$WORK/X2-$i.pem" || bad "board X2-$i"
done

own_request() { # NAME SUBJECT: a new key and a request over it
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$WORK/$1.key" 2>/dev/null
    openssl req -new -key "$WORK/$1.key" -subj "$2" -outform DER -out "$WORK/$1.csr"
}

ldevid() { # NAME DEVICE
    own_request "$1" "/CN=$2"
    est "$2" ldevid simpleenroll "$WORK/$1.csr" "$WORK/$1.pem" || bad "LDevID $1"
}

sql() { # as somebody who can write the store would; the server looks at each request anew
    sqlite3 -cmd '.timeout 5000' "$DATA/store.db" "$1"
}

serial_of() { openssl x509 -in "$1" -noout -serial | cut -d= -f2 | tr A-F a-f; }

echo "a device and its certificates"
ldevid ld-a X2-1
ldevid ld-b X2-1
own_request other "/serialNumber=X2-2"
refused "a device that asks for another" csr.subject est X2-1 ldevid simpleenroll "$WORK/other.csr" "$WORK/no"
own_request same "/serialNumber=X2-1"
check "and for itself" est X2-1 ldevid simpleenroll "$WORK/same.csr" "$WORK/same.pem"
own_request st "/CN=X2-1"
refused "a device that wants to be a station" auth.denied est X2-1 station simpleenroll "$WORK/st.csr" "$WORK/no"
refused "a device that wants to be a server" auth.denied est X2-1 tls-server simpleenroll "$WORK/st.csr" "$WORK/no"
openssl x509 -in "$WORK/X2-1.pem" -x509toreq -signkey "$WORK/X2-1.key" 2>/dev/null |
    openssl req -outform DER -out "$WORK/again.csr"
refused "an IDevID is not renewed" profile.limit est X2-1 "" simplereenroll "$WORK/again.csr" "$WORK/no"
own_request renew "/CN=X2-2/O=Acme TEST"
refused "a renewal under another name" csr.subject est ld-a "" simplereenroll "$WORK/renew.csr" "$WORK/no"
openssl x509 -in "$WORK/ld-a.pem" -x509toreq -signkey "$WORK/ld-a.key" 2>/dev/null |
    openssl req -outform DER -out "$WORK/keep.csr"
check "and under its own" est ld-a "" simplereenroll "$WORK/keep.csr" "$WORK/kept.pem"

echo "revoked, blocked, not the one in the store"
own_request n1 "/CN=X2-1"
rs cert revoke "$(serial_of "$WORK/ld-b.pem")" --reason test \
    --confirm "$(serial_of "$WORK/ld-b.pem")" -q || bad "one certificate is revoked"
refused "a revoked certificate of a good device" auth.revoked est ld-b ldevid simpleenroll "$WORK/n1.csr" "$WORK/no"
check "the device's other one goes on" est ld-a ldevid simpleenroll "$WORK/n1.csr" "$WORK/n1.pem"
ldevid ld-2 X2-2
sql "UPDATE device SET state = 4 WHERE device = 'X2-2'"
own_request n2 "/CN=X2-2"
refused "a good certificate of a blocked device" device.blocked est ld-2 ldevid simpleenroll "$WORK/n2.csr" "$WORK/no"
openssl req -in "$WORK/n2.csr" -inform DER -out "$WORK/n2.csr.pem"
refused "a person asks for a blocked device" device.blocked \
    rs cert issue --profile ldevid --csr "$WORK/n2.csr.pem" --device X2-2
sql "UPDATE device SET state = 3 WHERE device = 'X2-2'"
check "unblocked" est ld-2 ldevid simpleenroll "$WORK/n2.csr" "$WORK/n2.pem"
ldevid ld-3 X2-3
own_request n3 "/CN=X2-3"
# What is recorded of its bytes is their SHA-256.
sql "UPDATE certificate SET fingerprint = zeroblob(32) WHERE serial = X'$(serial_of "$WORK/ld-3.pem")'"
refused "a certificate that is not, byte for byte, the one recorded" auth.unknown \
    est ld-3 ldevid simpleenroll "$WORK/n3.csr" "$WORK/no"

echo "the line and the loop"
token_try() { # NAME CODE-FOR-TOKEN CODE-FOR-PROOF: the status of a station's enrolment
    own_request "$1" "/CN=$1"
    python3 - "$@" "$WORK" "https://$DEVICES" <<'PY'
import base64, hashlib, hmac, json, ssl, sys, urllib.error, urllib.request
name, known, guessed, work, url = sys.argv[1:]
code = lambda t: t.replace("-", "").encode()
csr = open(f"{work}/{name}.csr", "rb").read()
key = hashlib.sha256(b"rootsmith token key v1" + code(guessed)).digest()
body = {"name": name, "token": hashlib.sha256(b"rootsmith token id v1" + code(known)).hexdigest(),
        "csr": base64.b64encode(csr).decode(),
        "proof": base64.b64encode(hmac.new(key, b"rootsmith station v1" + name.encode() + csr,
                                           hashlib.sha256).digest()).decode()}
ask = urllib.request.Request(url + "/station/v1/enroll", json.dumps(body).encode(),
                             {"Content-Type": "application/json"})
try:
    print(urllib.request.urlopen(ask, context=ssl._create_unverified_context()).status)
except urllib.error.HTTPError as e:
    print(e.code, json.load(e).get("code"))
PY
}
token=$(rs station create sz-7 --json | member token)
same "a token's name without its code" "403 auth.token" "$(token_try sz-7 "$token" 0000-0000-0000-0000-0000)"
token=$(rs station create sz-8 --json | member token)
same "a token of another station" "403 auth.token" "$(token_try sz-9 "$token" "$token")"
token=$(rs station create sz-6 --json | member token)
same "a token and its code" 201 "$(token_try sz-6 "$token" "$token")"

# Somebody between station and server, who passes all on but puts his own root under the chain.
between() { # PORT ROOT-PEM: until it has answered one request
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
        -keyout "$WORK/between.key" -out "$WORK/between.pem" 2>/dev/null
    timeout 60 python3 - "$1" "$2" "$WORK" "https://$DEVICES" <<'PY' &
import http.server, json, ssl, sys, urllib.request
port, root, work, url = sys.argv[1:]
class Between(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        ask = urllib.request.Request(url + self.path, body, {"Content-Type": "application/json"})
        answer = json.load(urllib.request.urlopen(ask, context=ssl._create_unverified_context()))
        if root:
            answer["chain_pem"][-1] = open(root).read()
        text = json.dumps(answer).encode()
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    def log_message(self, *args):
        pass
server = http.server.HTTPServer(("127.0.0.1", int(port)), Between)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(work + "/between.pem", work + "/between.key")
server.socket = tls.wrap_socket(server.socket, server_side=True)
open(work + "/between.up", "w").close()
server.handle_request()
PY
    wait_for 20 test -f "$WORK/between.up"
    rm -f "$WORK/between.up"
}
enrol_through() { # NAME ROOT-PEM
    local port
    port=$(free_ports 1)
    rs station create "$1" --json | member token >"$WORK/token"
    chmod 600 "$WORK/token"
    between "$port" "$2"
    "$(find_program rootsmith-station)" --data "$WORK/$1" enroll "https://localhost:$port" --name "$1" \
        --token "$WORK/token" 2>&1
}
refused "a root that the token does not vouch for" net.trust enrol_through sz-4 "$WORK/between.pem"
same "and nothing was kept" "" "$(ls "$WORK/sz-4/station.json" 2>/dev/null)"
check "the right one through the same hands" enrol_through sz-5 ""

post_of() { # BYTES: the status of a body of that length, where nothing but the loop looks at it
    head -c "$1" /dev/zero | curl -sS -o /dev/null -w '%{http_code}' -H 'Content-Type: application/ocsp-request' \
        -H 'Expect:' --data-binary @- "http://$HTTP/ocsp" 2>/dev/null
}
same "a body of 262,145 bytes" 413 "$(post_of 262145)"
same "a body of 262,144 bytes is answered (as malformed)" 200 "$(post_of 262144)"

echo "answers about certificates"
cat "$WORK/root.pem" "$WORK/devices.pem" >"$WORK/cas.pem"
ocsp() { openssl ocsp -url "http://$HTTP/ocsp" -CAfile "$WORK/cas.pem" "$@" 2>&1; }
subject=$(openssl x509 -in "$WORK/devices.pem" -noout -subject -nameopt RFC2253,sep_comma_plus,-dn_rev | sed 's/^subject=//')
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$WORK/fake.key" 2>/dev/null
python3 - "$subject" "$WORK/fake.cnf" <<'PY'
import sys
parts = [p.split("=", 1) for p in sys.argv[1].split(",")]
open(sys.argv[2], "w").write("[req]\ndistinguished_name=dn\nprompt=no\nutf8=yes\nstring_mask=utf8only\n[dn]\n" +
                             "".join("%d.%s=%s\n" % (i, k.strip(), v) for i, (k, v) in enumerate(parts)))
PY
openssl req -x509 -new -key "$WORK/fake.key" -config "$WORK/fake.cnf" -days 9 -out "$WORK/fake.pem" 2>"$WORK/fake.log"
same "the same name, another key" \
    "$(openssl x509 -in "$WORK/fake.pem" -noout -subject)" "$(openssl x509 -in "$WORK/devices.pem" -noout -subject)"
serial=0x$(serial_of "$WORK/X2-3.pem")
for hash in sha1 sha256; do
    check "good, by $hash" grep -q ': good' <(ocsp -$hash -issuer "$WORK/devices.pem" -serial "$serial")
    check "an issuer of that name with another key, by $hash" \
        grep -q unauthorized <(ocsp -$hash -issuer "$WORK/fake.pem" -serial "$serial")
done
check "the nonce comes back" grep -q 'Response verify OK' <(ocsp -nonce -issuer "$WORK/devices.pem" -serial "$serial")
ocsp -nonce -issuer "$WORK/devices.pem" -serial "$serial" >"$WORK/nonce.txt"
same "and openssl misses none" "" "$(grep -i nonce "$WORK/nonce.txt")"
ocsp -no_nonce -issuer "$WORK/devices.pem" -serial "$serial" -respout "$WORK/bare.ocsp" >/dev/null
openssl ocsp -issuer "$WORK/devices.pem" -serial "$serial" -nonce -reqout "$WORK/asked.ocsp" >/dev/null 2>&1
check "it misses one where there is none" \
    grep -qi nonce <(openssl ocsp -reqin "$WORK/asked.ocsp" -respin "$WORK/bare.ocsp" -CAfile "$WORK/cas.pem" 2>&1)
check "never issued is unknown (L5)" grep -q ': unknown' <(ocsp -issuer "$WORK/devices.pem" -serial 0x0123456789)
openssl ocsp -no_nonce -issuer "$WORK/devices.pem" -serial "$serial" -reqout "$WORK/get.ocsp" >/dev/null 2>&1
path=/ocsp/$(openssl base64 -A -in "$WORK/get.ocsp" | sed 's|/|%2F|g; s|+|%2B|g; s|=|%3D|g')
curl -sS -D "$WORK/get.head" -o "$WORK/get.der" "http://$HTTP$path"
check "by GET, with what caches need (RFC 5019)" \
    grep -qiE '^Cache-Control: max-age=1[78][0-9][0-9], public' "$WORK/get.head"
etag=$(sed -n 's/^ETag: \(".*"\).*/\1/p' "$WORK/get.head")
same "who has it gets no second copy" 304 \
    "$(curl -sS -o /dev/null -w '%{http_code}' -H "If-None-Match: $etag" "http://$HTTP$path")"
curl -sS -o "$WORK/post.der" -H 'Content-Type: application/ocsp-request' \
    --data-binary "@$WORK/get.ocsp" "http://$HTTP/ocsp"
check "by POST the same bytes: they were ready" cmp "$WORK/get.der" "$WORK/post.der"
check "revoked" grep -q ': revoked' <(ocsp -issuer "$WORK/devices.pem" -cert "$WORK/ld-b.pem")

echo "-- lists as files (crl.publish)"
stop_server
mkdir "$WORK/www" "$WORK/www2"
echo hello >"$WORK/www2/acme-devices.crl"
cp "$DATA/rootsmithd.yaml" "$WORK/rootsmithd.yaml"
echo 'crl: {publish: [www]}' >>"$DATA/rootsmithd.yaml"
refused "only file:/DIRECTORY can be published to" 'no file:/DIRECTORY' \
    timeout 20 "$(find_program rootsmithd)" --data "$DATA"
cp "$WORK/rootsmithd.yaml" "$DATA/rootsmithd.yaml"
echo "crl: {publish: [\"file:$WORK/www\", \"file:$WORK/www2\"]}" >>"$DATA/rootsmithd.yaml"
: >"$WORK/rootsmithd.log"
start_server
listed() { openssl crl -inform DER -in "$WORK/www/acme-devices.crl" -noout -crlnumber; }
check "they are there when the server is" \
    openssl crl -inform DER -in "$WORK/www/acme-devices.crl" -CAfile "$WORK/devices.pem" -noout
before=$(listed)
check "a new one" rs crl publish acme-devices
if [ "$before" != "$(listed)" ]; then ok "takes its place"; else bad "takes its place: $before"; fi
check "it is the one that HTTP gives" bash -c "curl -sS 'http://$HTTP/crl/acme-devices.crl' | cmp - '$WORK/www/acme-devices.crl'"
check "a file that is not ours stays" grep -q 'hello' "$WORK/www2/acme-devices.crl"
check "and is told of" grep -q 'is no list of this CA' "$WORK/rootsmithd.log"
rm "$WORK/www2/acme-devices.crl"
check "once it is gone ours is served there, too" \
    wait_for 60 cmp "$WORK/www/acme-devices.crl" "$WORK/www2/acme-devices.crl"

finish

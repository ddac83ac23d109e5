#!/usr/bin/env bash
# Shared by the end-to-end and interop scripts: an installation of its own, on free ports.
# Wants: BIN (programs).  Gives: WORK, DATA, DEVICES, PEOPLE, HTTP, rs(), up(), down(), check().
# SPDX-License-Identifier: Apache-2.0

export LC_ALL=C.UTF-8
# Hardened processes cannot be leak-checked: that needs ptrace.  Newer mesons set options of their own.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0

passed=0
failed=0

find_program() { # NAME: in bin/, or in a build tree's cmd/NAME/
    if [ -x "$BIN/$1" ]; then echo "$BIN/$1"; else echo "$BIN/cmd/$1/$1"; fi
}

rs() { "$(find_program rootsmith)" "$@"; }

# Below the range that outgoing connections take theirs from: a stopped server finds its own free when
# it comes back, and a client that dials one meanwhile cannot be connected to itself.
free_ports() { # N: that many ports nobody listens on now
    python3 - "$1" <<'PY'
import random, socket, sys
low = int(open("/proc/sys/net/ipv4/ip_local_port_range").read().split()[0])
held = []
while len(held) < int(sys.argv[1]):
    s = socket.socket()
    try:
        s.bind(("127.0.0.1", random.randrange(max(2048, low - 20000), low)))
        held.append(s)
    except OSError:
        s.close()
print(*[s.getsockname()[1] for s in held])
PY
}

wait_for() { # SECONDS COMMAND...: until it succeeds
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.1
    done
}

start_server() { # without the pipes that feed stations: they must end when the script closes them
    "$(find_program rootsmithd)" --data "$DATA" >>"$WORK/rootsmithd.log" 2>&1 8>&- 9>&- &
    SERVER=$!
    wait_for 30 grep -q '^Ready in' "$WORK/rootsmithd.log" ||
        { echo "rootsmithd did not start:"; tail -n 20 "$WORK/rootsmithd.log"; return 1; }
}

stop_server() {
    [ -n "${SERVER:-}" ] || return 0
    kill "$SERVER" 2>/dev/null
    wait "$SERVER" 2>/dev/null
    SERVER=
}

up() { # NAME: init, start, sign in
    local ports code
    WORK=$(mktemp -d) || exit 1
    DATA=$WORK/$1
    export ROOTSMITH_CONFIG=$WORK/config
    read -r -a ports < <(free_ports 3)
    DEVICES=localhost:${ports[0]} PEOPLE=localhost:${ports[1]} HTTP=localhost:${ports[2]}
    rs init "$1" --data "$DATA" --devices "$DEVICES" --people "$PEOPLE" --http "$HTTP" \
        --json >"$WORK/init.json" || return 1
    code=$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["claim"]["code"])' \
        "$WORK/init.json")
    start_server || return 1
    rs login "https://$PEOPLE" --claim "$code" --name m.keller -q || return 1
    rs ca show "$1-root" --json | member pem >"$WORK/root.pem"
    rs ca show "$1-devices" --json | member pem >"$WORK/devices.pem"
}

down() {
    stop_server
    [ -n "${KEEP:-}" ] || rm -rf "$WORK"
}

member() { # NAME: of the JSON object on stdin
    python3 -c 'import json,sys
v = json.load(sys.stdin)
for k in sys.argv[1].split("."):
    v = v[int(k)] if isinstance(v, list) else v[k]
print(v if isinstance(v, (str, int)) else json.dumps(v))' "$1"
}

ok() { passed=$((passed + 1)); printf '  ok   %s\n' "$1"; }
bad() { failed=$((failed + 1)); printf '  FAIL %s\n' "$1"; }

check() { # TEXT COMMAND...
    local text=$1
    shift
    if "$@" >"$WORK/check.log" 2>&1; then ok "$text"; else bad "$text"; tail -n 5 "$WORK/check.log"; fi
}

refused() { # TEXT CODE-OR-WORD COMMAND...: must fail and say the word
    local text=$1 word=$2
    shift 2
    if "$@" >"$WORK/check.log" 2>&1; then
        bad "$text (it was accepted)"
    elif grep -q "$word" "$WORK/check.log"; then
        ok "$text"
    else
        bad "$text (no \"$word\")"
        tail -n 5 "$WORK/check.log"
    fi
}

same() { # TEXT A B
    if [ "$2" = "$3" ]; then ok "$1"; else bad "$1: \"$2\" is not \"$3\""; fi
}

finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ]
}

# A station's certificate with a key of openssl's, through the one-time token: for clients that
# are not ours.  Gives $WORK/NAME.key and $WORK/NAME.pem.
enrol_station() { # NAME
    local token
    token=$(rs station create "$1" --json | member token)
    openssl ecparam -name prime256v1 -genkey -noout 2>/dev/null |
        openssl pkcs8 -topk8 -nocrypt -out "$WORK/$1.key" 2>/dev/null
    openssl req -new -key "$WORK/$1.key" -subj "/CN=$1" -outform DER -out "$WORK/$1.csr"
    python3 - "$1" "$token" "$WORK" "https://$DEVICES" <<'PY'
import base64, hashlib, hmac, json, ssl, sys, urllib.request
name, token, work, url = sys.argv[1:]
code = token.replace("-", "").encode()
key = hashlib.sha256(b"rootsmith token key v1" + code).digest()
csr = open(f"{work}/{name}.csr", "rb").read()
body = {"name": name, "token": hashlib.sha256(b"rootsmith token id v1" + code).hexdigest(),
        "csr": base64.b64encode(csr).decode(),
        "proof": base64.b64encode(hmac.new(key, b"rootsmith station v1" + name.encode() + csr,
                                           hashlib.sha256).digest()).decode()}
ask = urllib.request.Request(url + "/station/v1/enroll", json.dumps(body).encode(),
                             {"Content-Type": "application/json"})
answer = json.load(urllib.request.urlopen(ask, context=ssl._create_unverified_context()))
root = ssl.PEM_cert_to_DER_cert(answer["chain_pem"][-1])
want = hmac.new(key, b"rootsmith root v1" + hashlib.sha256(root).digest(), hashlib.sha256).digest()
assert base64.b64decode(answer["proof"]) == want, "the server does not know the token"
open(f"{work}/{name}.pem", "w").write(answer["pem"] + "".join(answer["chain_pem"][:-1]))
PY
}

# A board's request as a chip would sign it.  Gives $WORK/SERIAL.key and SERIAL.csr (DER).
board_request() { # SERIAL UID-HEX [openssl genpkey options]
    local serial=$1 uid=$2
    shift 2
    [ $# -gt 0 ] || set -- -algorithm EC -pkeyopt ec_paramgen_curve:P-256
    [ -f "$WORK/$serial.key" ] || openssl genpkey "$@" -out "$WORK/$serial.key" 2>/dev/null
    cat >"$WORK/$serial.cnf" <<CNF
[req]
distinguished_name = dn
req_extensions = ext
prompt = no
string_mask = default
[dn]
serialNumber = $serial
[ext]
subjectAltName = otherName:1.3.6.1.5.5.7.8.4;SEQUENCE:hw
[hw]
type = OID:1.3.6.1.4.1.32473.7
serial = FORMAT:HEX,OCTETSTRING:$uid
CNF
    openssl req -new -key "$WORK/$serial.key" -config "$WORK/$serial.cnf" -outform DER \
        -out "$WORK/$serial.csr"
}

est() { # CLIENT(station or board name) LABEL OPERATION CSR-FILE OUT: by curl; OUT gets PEM
    openssl base64 -in "$4" | curl -sS ${EST_CURL:-} --cacert "$WORK/root.pem" --cert "$WORK/$1.pem" \
        --key "$WORK/$1.key" -H 'Content-Type: application/pkcs10' --data-binary @- \
        -o "$WORK/est.body" -w '%{http_code}' "https://$DEVICES/.well-known/est/${2:+$2/}$3" \
        >"$WORK/est.status" || return 1
    if [ "$(cat "$WORK/est.status")" != 200 ]; then
        echo "status $(cat "$WORK/est.status"): $(cat "$WORK/est.body")"
        return 1
    fi
    openssl base64 -d -A -in "$WORK/est.body" | openssl pkcs7 -inform DER -print_certs 2>/dev/null |
        sed -n '/BEGIN/,/END/p' >"$5"
}

#!/usr/bin/env bash
# Other people's programs with keys that stay in a root of trust: openssl s_client and curl, mutual TLS
# 1.2 and 1.3, by rot: URI and by key reference file, for boards off the line: a soft store, a
# simulated ATECC608B, a TPM.  Trust comes from the part: a server whose CA only the file system trusts is
# refused.  Neither a private key nor a secret of the sessions is on the simulated bus.
#
# curl before 8.12 (Debian 12) takes keys from files and engines only, hence no URI there.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
BIN=$1
here=$(dirname "$(readlink -f "$0")")
. "$here/lib.sh"
. "$here/tpm.sh"
SIM='' SERVERS=()
leave() {
    local pid
    for pid in "${SERVERS[@]}" ${SIM:+"$SIM"}; do
        kill "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    [ ! -d "$WORK/tpm" ] || stop_tpm "$WORK/tpm"
    down
}
trap leave EXIT
up acme || { echo "0 passed, 1 failed"; exit 1; }
STATION=$(find_program rootsmith-station) ROTSIM=$(find_program rot-sim)
MODULE=$(readlink -f "$BIN/bindings/provider/rot.so")
[ -f "$MODULE" ] || MODULE=$(readlink -f "$BIN/rot.so")
SOCK=$WORK/sim.sock
export ROOTSMITH_LOCK_DIR=$WORK

# ---- The stage ---------------------------------------------------------------------------------

cat >"$WORK/openssl.cnf" <<CNF
openssl_conf = init
[init]
providers = providers
[providers]
default = default_provider
rot = rot_provider
[default_provider]
activate = 1
[rot_provider]
module = $MODULE
activate = 1
CNF
with() { # COMMAND...: with the provider
    OPENSSL_CONF=$WORK/openssl.cnf timeout 60 "$@"
}
check "the module loads" sh -c "OPENSSL_CONF=$WORK/openssl.cnf openssl list -providers |
    grep -q 'Rootsmith root of trust'"

{
    echo "listen $SOCK"; echo "state chips"; echo "timing none"; echo "trace bus.trace"
    echo "chip b1/u1 blank608b"
} >"$WORK/panel"
start_sim() {
    "$ROTSIM" panel "$WORK/panel" >>"$WORK/rot-sim.log" 2>&1 &
    SIM=$!
    wait_for 10 "$ROTSIM" list --socket "$SOCK" || bad "rot-sim answers"
}
start_sim
rs station create sz-1 --json | member token >"$WORK/token"
chmod 600 "$WORK/token"
"$STATION" --data "$WORK/sz-1" enroll "https://$DEVICES" --name sz-1 --token "$WORK/token" \
    >"$WORK/enroll.log" 2>&1 || bad "the station enrols"

names=(soft atecc)
if has_swtpm; then
    names+=(tpm2)
    check "a TPM is made" make_tpm "$WORK/tpm" "$WORK/maker"
    start_tpm "$WORK/tpm" || bad "it runs"
    tpm_makers "$WORK/maker" >"$DATA/makers.pem"
    stop_server
    printf 'tpm:\n  roots: [makers.pem]\n' >>"$DATA/rootsmithd.yaml"
    : >"$WORK/rootsmithd.log"
    start_server || bad "the server starts again"
fi
declare -A CHIP=([tpm2]=tpm:swtpm:path=$WORK/tpm/sock [soft]=soft:$WORK/board.rot [atecc]=sim:$SOCK#b1/u1)
make_board() { # NAME ROT
    rs product set "x-$1" --rot "$2" --issuer acme-devices -q
    rs order create --product "x-$1" --quantity 5 --stations sz-1 --name "o-$1" -q
    timeout 120 "$STATION" --data "$WORK/sz-1" run --once --ui plain --wait 20 --yes-irreversible atecc608b --order "o-$1" \
        --serial "B-$1" --fixture "1=${CHIP[$1]}"
}
for name in "${names[@]}"; do
    check "a board comes off the line, $name" make_board "$name" "${name/atecc/atecc608b}"
done

# Two servers: the device listener, whose root the parts hold, and one of a CA that they do not.
read -r -a port < <(free_ports 1)
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$WORK/other.key" \
    -out "$WORK/other.pem" -subj /CN=localhost -addext subjectAltName=DNS:localhost -days 2 2>/dev/null
cat "$WORK/root.pem" "$WORK/devices.pem" >"$WORK/clients.pem"
openssl s_server -accept "127.0.0.1:${port[0]}" -cert "$WORK/other.pem" -key "$WORK/other.key" -www \
    -Verify 3 -verify_return_error -CAfile "$WORK/clients.pem" >"$WORK/s_server.log" 2>&1 &
SERVERS+=($!)
wait_for 10 grep -q ACCEPT "$WORK/s_server.log" || bad "s_server listens"
OTHER=localhost:${port[0]}

uri() { echo "rot:${CHIP[$1]};object=idevid${2:+;type=$2}"; }

s_client() { # TO OPTIONS...: asks for the page; its text
    local to=$1
    shift
    printf 'GET / HTTP/1.0\r\n\r\n' | with openssl s_client -connect "$to" -servername localhost \
        -ign_eof -verify_return_error "$@" 2>&1
}

sees() { # TEXT SERIAL COMMAND...: the server verified that board's certificate
    local text=$1 serial=$2 out
    shift 2
    out=$("$@")
    if grep -q "serialNumber *= *$serial" <<<"$out" && grep -q "Verify return code: 0 (ok)" <<<"$out"; then
        ok "$text"
    else
        bad "$text"
        tail -n 12 <<<"$out"
    fi
}

says() { # TEXT WORDS COMMAND...: fails, and says so
    local text=$1 words=$2 out status
    shift 2
    out=$("$@" 2>&1)
    status=$?
    if [ "$status" != 0 ] && [ "$status" != 124 ] && grep -qE "$words" <<<"$out"; then
        ok "$text"
    else
        bad "$text: exit $status, or no \"$words\""
        tail -n 12 <<<"$out"
    fi
}

PROVIDER_CURL=$(curl --version | awk 'NR == 1 { split($2, v, "."); print (v[1] * 100 + v[2] >= 812 ? "yes" : "no") }')

# ---- Mutual TLS ------------------------------------------------------------------------------------

for name in "${names[@]}"; do
    echo "mutual TLS, $name"
    check "the reference is written" rs chip reference idevid --chip "${CHIP[$name]}" -o "$WORK/$name.ref"
    check "the certificate comes out of the part" \
        with openssl storeutl -noout -certs -out "$WORK/$name.out" "$(uri "$name" cert)"
    with openssl x509 -in "$(uri "$name" cert)" -out "$WORK/$name.pem"
    for version in 1.2 1.3; do
        flag=-tls${version/./_}
        sees "TLS $version, openssl by URI" "B-$name" s_client "$OTHER" "$flag" -CAfile "$WORK/other.pem" \
            -cert "$(uri "$name" cert)" -key "$(uri "$name" private)" -keylogfile "$WORK/$name.secrets"
        sees "TLS $version, openssl by reference" "B-$name" s_client "$OTHER" "$flag" \
            -CAfile "$WORK/other.pem" -cert "$WORK/$name.pem" -key "$WORK/$name.ref" \
            -keylogfile "$WORK/$name.secrets"
        sees "TLS $version, curl by reference" "B-$name" with curl -sS "--tlsv$version" --tls-max "$version" \
            --cacert "$WORK/other.pem" --cert "$WORK/$name.pem" --key "$WORK/$name.ref" "https://$OTHER/"
        [ "$PROVIDER_CURL" = no ] ||
            sees "TLS $version, curl by URI" "B-$name" with env "OPENSSL_MODULES=${MODULE%/*}" curl -sS \
                "--tlsv$version" --tls-max "$version" --cacert "$WORK/other.pem" --cert "$WORK/$name.pem" \
                --engine rot --key-type PROV --key "$(uri "$name" private)" "https://$OTHER/"
    done
    check "the real server, curl by reference" with curl -sSf --cacert "$WORK/root.pem" \
        --cert "$WORK/$name.pem" --key "$WORK/$name.ref" -o "$WORK/cacerts" \
        "https://$DEVICES/.well-known/est/cacerts"
done

echo "what is refused"
says "no certificate at all" 'alert|error' s_client "$OTHER" -CAfile "$WORK/other.pem" -tls1_2
says "another board's certificate" 'mismatch' s_client "$OTHER" -CAfile "$WORK/other.pem" \
    -cert "$WORK/soft.pem" -key "$(uri atecc private)"
says "the same, by reference" 'mismatch|unable to set private key' with curl -sS --cacert "$WORK/other.pem" \
    --cert "$WORK/soft.pem" --key "$WORK/atecc.ref" "https://$OTHER/"
says "an object that this part does not have" 'unsupported' with openssl pkey -pubout -in \
    "rot:${CHIP[atecc]};object=ldevid/7"
says "an object without a key" 'the part says empty' with openssl pkey -pubout -in \
    "rot:${CHIP[soft]};object=ldevid/0"
says "a URI that is none" 'want rot:CHIP' with openssl pkey -pubout -in "rot:${CHIP[soft]};key=idevid"
says "a simulator that is not there" 'does not answer' with openssl pkey -pubout -in \
    "rot:sim:$WORK/none#b1/u1;object=idevid"
sed '3s/./!/' "$WORK/soft.ref" >"$WORK/bad.ref"
says "a damaged reference" 'Could not (read|find)' with openssl pkey -pubout -in "$WORK/bad.ref"
{ echo "-----BEGIN ROT KEY REFERENCE-----"; head -c 200 "$WORK/soft.pem" | openssl base64
    echo "-----END ROT KEY REFERENCE-----"; } >"$WORK/bad.ref"
says "a reference that is something else" 'Could not (read|find)' with openssl pkey -pubout -in "$WORK/bad.ref"
rs chip genkey idevid --chip "soft:$WORK/again.rot" >/dev/null
rs chip genkey ldevid/3 --chip "soft:$WORK/again.rot" >/dev/null
says "no reference to an Ed25519 key" 'only keys on P-256' rs chip reference ldevid/3 --chip "soft:$WORK/again.rot"
says "nor to none" 'chip.' rs chip reference ldevid/2 --chip "soft:$WORK/again.rot"
reference_text() { (cd "$WORK" && rs chip reference idevid --chip soft:again.rot | sed '1d;$d' | openssl base64 -d); }
check "a relative name becomes absolute" grep -aqF "rot:soft:$WORK/again.rot;object=idevid" <(reference_text)
rs chip reference idevid --chip "soft:$WORK/again.rot" -o "$WORK/again.ref"
check "a reference names a key" with openssl dgst -sha256 -sign "$WORK/again.ref" -out "$WORK/again.sig" "$WORK/panel"
rs chip genkey idevid --chip "soft:$WORK/again.rot" --confirm idevid >/dev/null
says "after the part made another it signs nothing" 'not by the key that was named' \
    with openssl dgst -sha256 -sign "$WORK/again.ref" -out "$WORK/again.sig" "$WORK/panel"
says "a private key does not come out" '' with openssl pkey -in "$(uri soft private)"
says "SHA-1 is not signed" 'is not signed' with openssl dgst -sha1 -sign "$WORK/soft.ref" -out "$WORK/x" "$WORK/panel"

# ---- A server's key ----------------------------------------------------------------------------------

echo "a server with its key in a part"
read -r -a port < <(free_ports 1)
OPENSSL_CONF=$WORK/openssl.cnf openssl s_server -accept "127.0.0.1:${port[0]}" -cert "$WORK/atecc.pem" \
    -key "$WORK/atecc.ref" -www >"$WORK/rot_server.log" 2>&1 &
SERVERS+=($!)
wait_for 10 grep -q ACCEPT "$WORK/rot_server.log" || bad "it listens"
reached() { # by openssl without the provider; that an IDevID is for clients is not the question
    echo | timeout 60 openssl s_client -connect "localhost:${port[0]}" -CAfile "$WORK/clients.pem" \
        -purpose any -verify_return_error
}
check "it is reached" reached
kill "$SIM" && wait "$SIM" 2>/dev/null
rm -f "$SOCK"
says "not while the part is away" 'alert|error' reached
check "it says why" grep -q 'does not answer' "$WORK/rot_server.log"
start_sim
check "and again when it is back" reached

# ---- Many at once -----------------------------------------------------------------------------------

echo "many at once"
together() { # CHIP-NAME: eight programs sign with one part, each signature is good
    local pids=() n status=0
    with openssl pkey -pubout -in "$(uri "$1" private)" -out "$WORK/$1.pub" || return 1
    for n in {1..8}; do
        echo "$n" >"$WORK/$1.$n"
        with openssl dgst -sha256 -sign "$(uri "$1" private)" -out "$WORK/$1.$n.sig" "$WORK/$1.$n" &
        pids+=($!)
    done
    for n in "${pids[@]}"; do wait "$n" || status=1; done
    for n in {1..8}; do
        openssl dgst -sha256 -verify "$WORK/$1.pub" -signature "$WORK/$1.$n.sig" "$WORK/$1.$n" || status=1
    done
    return $status
}
for name in "${names[@]}"; do
    check "eight programs sign with one part, $name" together "$name"
    [ ! -x "$BIN/tests/unit/bindings/bindings_provider_test" ] ||
        check "eight threads sign with one part, $name" timeout 120 \
            "$BIN/tests/unit/bindings/bindings_provider_test" "$(uri "$name")"
done

# ---- Random ------------------------------------------------------------------------------------------

echo "random numbers from a part"
randoms() { awk '$2 == "b1" && $3 == "W" && $5 == "ack" && $6 ~ /^03..1b/' "$WORK/bus.trace" | wc -l; }
seeded() { # CHIP WHAT: openssl whose seed, or generator, it is
    { sed "/^providers = /a random = random" "$WORK/openssl.cnf"; echo "random = \"$1\""
        printf '[random]\n%s = ROT-RANDOM\n' "$2"; } >"$WORK/random.cnf"
    OPENSSL_CONF=$WORK/random.cnf timeout 60 openssl rand -hex 16
}
for what in seed random; do
    before=$(randoms)
    check "its generator as $what" seeded "${CHIP[atecc]}" "$what"
    check "was asked" test "$(randoms)" -gt "$before"
done
says "no generator in a soft board" 'no generator of its own' seeded "${CHIP[soft]}" random
says "nor in one that is not there" 'does not answer' seeded "sim:$WORK/none#b1/u1" random

# ---- Trust ------------------------------------------------------------------------------------------

echo "trust from the part"
file_trust() { SSL_CERT_FILE=$WORK/other.pem "$@"; }
real_server() { # in a file first: who is read by grep -q may die of what it still has to say
    s_client "$DEVICES" "$@" >"$WORK/real.log"
    grep -q 'Verification: OK' "$WORK/real.log"
}
anchors() { with openssl storeutl -certs "rot:${CHIP[$1]};type=trust" 2>/dev/null; }
for name in "${names[@]}"; do
    [ "$name" != atecc ] || continue # it holds the root's public key: no room for a certificate
    only_part=(-CAstore "rot:${CHIP[$name]};type=trust" -no-CAfile -no-CApath)
    identity=(-cert "$WORK/$name.pem" -key "$WORK/$name.ref")
    sees "$name: a server that the file system trusts" "B-$name" file_trust s_client "$OTHER" "${identity[@]}"
    says "is refused where the part decides" 'self-signed certificate' \
        file_trust s_client "$OTHER" "${identity[@]}" "${only_part[@]}"
    says "a server that only the part trusts, by the file system" 'unable to get local issuer|self-signed' \
        file_trust s_client "$DEVICES" "${identity[@]}"
    check "is accepted where the part decides" real_server "${identity[@]}" "${only_part[@]}"
    check "curl, with the part's anchors" with curl -sSf --cacert <(anchors "$name") \
        --cert "$WORK/$name.pem" --key "$WORK/$name.ref" -o "$WORK/cacerts" \
        "https://$DEVICES/.well-known/est/cacerts"
    says "curl, with the part's anchors, at the other server" 'SSL certificate problem' with curl -sS \
        --cacert <(anchors "$name") --cert "$WORK/$name.pem" --key "$WORK/$name.ref" "https://$OTHER/"
done

# ---- Secrets that a part agrees on --------------------------------------------------------------------

echo "a shared secret"
rs chip genkey ldevid/1 --chip "${CHIP[atecc]}" --confirm ldevid/1 >/dev/null
agree() { # CONFIGURATION: with a stranger's key, into $WORK/agreed
    OPENSSL_CONF=$1 timeout 60 openssl pkeyutl -derive -inkey "rot:${CHIP[atecc]};object=ldevid/1" \
        -peerkey "$WORK/peer.pub" -out "$WORK/agreed"
}
openssl ecparam -name prime256v1 -genkey -noout -out "$WORK/peer.key" 2>/dev/null
openssl pkey -in "$WORK/peer.key" -pubout -out "$WORK/peer.pub"
says "would be seen on the bus" 'cross the bus in clear' agree "$WORK/openssl.cnf"
{ cat "$WORK/openssl.cnf"; echo "exchange = in-clear"; } >"$WORK/clear.cnf"
cp "$WORK/bus.trace" "$WORK/before.trace"
check "comes where that is allowed" agree "$WORK/clear.cnf"
with openssl pkey -pubout -in "rot:${CHIP[atecc]};object=ldevid/1" -out "$WORK/ldevid.pub"
openssl pkeyutl -derive -inkey "$WORK/peer.key" -peerkey "$WORK/ldevid.pub" -out "$WORK/theirs"
check "and is the other side's" cmp "$WORK/agreed" "$WORK/theirs"
seen() { grep -qi "$(od -An -tx1 "$WORK/agreed" | tr -d ' \n' | cut -c1-40)" "$1"; }
check "this one is on the bus" seen "$WORK/bus.trace"
says "as it was not before" '' seen "$WORK/before.trace"

sed 's/in-clear/maybe/' "$WORK/clear.cnf" >"$WORK/maybe.cnf"
check "a setting that is none loads nothing" sh -c "! OPENSSL_CONF=$WORK/maybe.cnf openssl list -providers |
    grep -q 'Rootsmith root of trust'"

# ---- What the bus has seen -----------------------------------------------------------------------------

echo "no secret on the bus"
check "the trace has neither private key nor session secret" env PYTHONPATH="$here/../prove" python3 - \
    "$WORK" <<'PY'
import json, os, sys
import leaks
work = sys.argv[1]
slots = json.load(open(work + "/chips/b1,u1.json"))["slots"]
keys = [bytes.fromhex(slots[0])]
for line in open(work + "/atecc.secrets"):
    word = line.split()
    if len(word) == 3 and not line.startswith("#"):
        keys.append(bytes.fromhex(word[2]))
assert len(keys) > 8 and len(set(keys[0])) > 8, len(keys)
os.makedirs(work + "/needles", exist_ok=True)
search = leaks.Search(work + "/needles", keys)
wires = leaks.wires(work + "/bus.trace")
assert sum(map(len, wires.values())) > 5000
for name, data in wires.items():
    assert not search.in_bytes(data), name
assert not search.in_file(work + "/bus.trace")
for key in (keys[0], keys[-1]):                      # and it would be seen
    data = max(wires.values(), key=len)
    assert search.in_bytes(data[:700] + key + data[700:]) and search.in_bytes(key.hex().encode())
PY
finish

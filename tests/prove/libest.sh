#!/usr/bin/env bash
# Another vendor's EST, both ways: libest of Debian 13, in a chroot that holds a minimal Debian, its
# library and two small programs of ours around its calls (tests/prove/libest/).  Its client fetches
# the roots and the wanted attributes, enrols with an IDevID and with a one-time code, re-enrols, and
# is refused where it must be (it gives no status of its own for 403 and 409, is built without labels,
# and renews no other key than the certificate's: those are shown by curl in tests/e2e/est.sh); our agent enrols and renews at its server, and a station's
# boards get their identities there.
#
#   tests/prove/libest.sh [--keep] [--only client|server]
#
# --keep leaves build/chroots/libest for the next run with --keep.  RS_FIGURES: where the figures go
# as JSON; RS_BUILD: programs to use (default: made here).  Needs root (chroot).
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
root=$(dirname "$(dirname "$(dirname "$(readlink -f "$0")")")")
chroot=$root/build/chroots/libest
KEEP_CHROOT='' ONLY=''
while [ $# -gt 0 ]; do
    case $1 in
    --keep) KEEP_CHROOT=1 ;;
    --only) ONLY=$2 && shift ;;
    *) echo "libest.sh [--keep] [--only client|server]" >&2 && exit 2 ;;
    esac
    shift
done
BIN=${RS_BUILD:-$root/build/bin} # RS_BUILD: another build directory
. "$root/tests/e2e/lib.sh"
. "$root/tests/prove/chroot_lib.sh"
fail() { echo "prove libest: $*" >&2; exit 1; }

# ---- The chroot -----------------------------------------------------------------------------

in_chroot() { # SECONDS SCRIPT
    local seconds=$1 name env=()
    for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
        [ -z "${!name:-}" ] || env+=("$name=${!name}")
    done
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive "${env[@]}" \
        timeout -k 10 "$seconds" chroot "$chroot" bash -c "$2"
}

make_chroot() {
    rm -rf --one-file-system "$chroot"
    mkdir -p "$(dirname "$chroot")"
    debootstrap --variant=minbase --merged-usr trixie "$chroot" "$(mirror)" >"$chroot.log" 2>&1 &&
        lend_network "$chroot" &&
        in_chroot 600 'apt-get update -q && apt-get install -y -q --no-install-recommends \
            libest-dev gcc libc6-dev libssl-dev openssl' </dev/null >>"$chroot.log" 2>&1 ||
        { tail -n 5 "$chroot.log"; fail "no chroot with libest"; }
}

[ "$(id -u)" = 0 ] || fail "needs root, for chroot"
"$root/dev" setup prove
[ -n "${RS_BUILD:-}" ] || "$root/dev" build || fail "no programs"
[ -n "$(mirror)" ] || fail "apt on this machine knows no Debian archive; run apt-get update"
[ -n "$KEEP_CHROOT" ] && [ -f "$chroot/usr/include/est/est.h" ] || make_chroot
mkdir -p "$chroot/srv/libest" "$chroot/dev"
[ -c "$chroot/dev/urandom" ] || mknod -m 666 "$chroot/dev/urandom" c 1 9
cp "$root"/tests/prove/libest/*.c "$chroot/srv/libest/"
in_chroot 120 'cd /srv/libest && for n in client server; do
    gcc -std=gnu17 -O1 -Wall -Wextra -Wno-deprecated-declarations -o $n $n.c -lest -lssl -lcrypto || exit 1; done' </dev/null || fail "the programs do not build"
version=$(in_chroot 20 "dpkg-query -W -f '\${Version}' libest3" </dev/null)
echo "libest $version, $(in_chroot 20 'openssl version' </dev/null | cut -d' ' -f1-2) in the chroot"

FOREIGN=
leave() {
    exec 7>&- # the end of the server's input is its end
    [ -z "$FOREIGN" ] || wait "$FOREIGN" 2>/dev/null
    down
    [ -n "$KEEP_CHROOT" ] || rm -rf --one-file-system "$chroot"
}
trap leave EXIT
up acme || fail "no installation"

# ---- Its client at our server ------------------------------------------------------------------

lend() { # FILE...: into the chroot
    local file
    for file in "$@"; do cp "$WORK/$file" "$chroot/srv/libest/"; done
}

libest() { # WHO WHAT [KEY CN]: OUT is $WORK/libest.out
    rm -f "$chroot/srv/libest/out"
    in_chroot 60 "cd /srv/libest && ./client localhost ${DEVICES#*:} root.pem '$1' $2 ${3:-} ${4:-} out" \
        </dev/null >"$WORK/libest.log" 2>&1
    local status=$?
    cp "$chroot/srv/libest/out" "$WORK/libest.out" 2>/dev/null
    cat "$WORK/libest.log"
    return $status
}

gives() { # NAME.pem WHO WHAT KEY CN: enrols, and keeps the certificate
    libest "$2" "$3" "$4" "$5" || return 1
    openssl base64 -d -A -in <(tr -d '\r\n' <"$WORK/libest.out") 2>/dev/null |
        openssl pkcs7 -inform DER -print_certs | sed -n '/BEGIN/,/END/p' >"$WORK/$1"
    openssl verify -CAfile "$WORK/root.pem" -untrusted "$WORK/devices.pem" "$WORK/$1"
}

new_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 2>/dev/null >"$WORK/$1"; }
same_key() { [ "$(openssl x509 -in "$WORK/$1" -noout -pubkey)" = "$(openssl pkey -in "$WORK/$2" -pubout)" ]; }

client_enrols() {
    echo "libest's client at rootsmithd"
    rs product set sensor-x2 --rot soft --issuer acme-devices -q
    rs product set pump-9 --rot soft --issuer acme-devices -q
    enrol_station sz-1
    rs order create --product sensor-x2 --quantity 4 --stations sz-1 --name o-1 -q
    board_request X2-1 0123000000000001EE
    est sz-1 o-1 simpleenroll "$WORK/X2-1.csr" "$WORK/X2-1.pem" || bad "an IDevID"
    for n in ld new other code code2; do new_key "$n.key"; done
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$WORK/stranger.key" \
        -out "$WORK/stranger.pem" -subj "/CN=X2-1" 2>/dev/null
    lend root.pem X2-1.pem X2-1.key ld.key new.key other.key code.key code2.key stranger.pem stranger.key
    refused "nobody" EST_ERR_ libest - enroll ld.key X2-1
    refused "a certificate of somebody else's CA" EST_ERR_ libest stranger.pem enroll ld.key X2-1
    refused "the key of its IDevID again" EST_ERR_ libest X2-1.pem enroll X2-1.key X2-1
    check "the roots" libest - cacerts
    same "they are both" "$(openssl base64 -d -A -in <(tr -d '\r\n' <"$WORK/libest.out") |
        openssl pkcs7 -inform DER -print_certs | grep -c subject)" 2
    check "what a request should have" libest X2-1.pem csrattrs
    check "which it can read" test -s "$WORK/libest.out"
    check "an LDevID with its IDevID" gives ld.pem X2-1.pem enroll ld.key X2-1
    check "it is for its key" same_key ld.pem ld.key
    lend ld.pem
    refused "a renewal of its IDevID" EST_ERR_ libest X2-1.pem reenroll X2-1.key X2-1
    check "a renewal with the same key" gives ld2.pem ld.pem reenroll ld.key X2-1
    check "a new key, by its LDevID" gives ld3.pem ld.pem enroll new.key X2-1
    check "it is for the new key" same_key ld3.pem new.key
    local code
    code=$(rs token create --device N-1 --product pump-9 --json | member token)
    refused "a wrong code" EST_ERR_ libest N-1:0000-0000-0000-0000-0000 enroll code.key N-1
    refused "another device's code" EST_ERR_ libest "N-2:$code" enroll code.key N-1
    check "a first LDevID with a code" gives code.pem "N-1:$code" enroll code.key N-1
    refused "the code again" EST_ERR_ libest "N-1:$code" enroll code2.key N-1
    rs device revoke X2-1 --reason stolen --confirm X2-1 -q
    refused "a device that was revoked" EST_ERR_ libest ld.pem reenroll ld.key X2-1
}

# ---- Our client at its server --------------------------------------------------------------------

start_foreign() { # its CA, its TLS certificate, and itself
    local port
    mkdir -p "$WORK/f"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -keyout "$WORK/f/ca.key" \
        -out "$WORK/f/ca.pem" -subj "/O=Other Vendor/CN=Other CA" 2>/dev/null
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$WORK/f/tls.key" \
        -subj "/CN=localhost" 2>/dev/null |
        openssl x509 -req -CA "$WORK/f/ca.pem" -CAkey "$WORK/f/ca.key" -days 30 -set_serial 7 \
            -extfile <(printf 'subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n') \
            -out "$WORK/f/tls.pem" 2>/dev/null
    lend f/ca.pem f/ca.key f/tls.pem f/tls.key
    port=$(free_ports 1)
    FOREIGN_URL=https://localhost:$port
    mkfifo "$WORK/f/end"
    in_chroot 600 "cd /srv/libest && ./server $port ca.pem ca.key tls.pem tls.key G-1 open-sesame" \
        <"$WORK/f/end" >"$WORK/f/log" 2>&1 &
    FOREIGN=$!
    exec 7>"$WORK/f/end"
    wait_for 20 grep -q ready "$WORK/f/log" || { cat "$WORK/f/log"; bad "libest's server does not start"; }
}

agent() { # VERB...: a soft device at the foreign server
    "$(find_program rootsmith-agent)" --server "$FOREIGN_URL" --trust "$WORK/f/ca.pem" \
        --rot "soft:$WORK/f/dev.rot" --state "$WORK/f/agent" --name G-1 "$@"
}

foreign_key() { openssl x509 -in "$WORK/f/agent/ldevid.pem" -noout -pubkey; }

server_enrols() {
    echo "our agent at libest's server"
    start_foreign
    printf 'open-barley\n' >"$WORK/f/wrong"
    printf 'open-sesame\n' >"$WORK/f/code"
    chmod 600 "$WORK/f/wrong" "$WORK/f/code"
    export ROOTSMITH_LOCK_DIR=$WORK
    refused "with a wrong code" "auth" agent --token "$WORK/f/wrong" enroll
    refused "with a root that is not the server's" net.trust "$(find_program rootsmith-agent)" \
        --server "$FOREIGN_URL" --trust "$WORK/root.pem" --rot "soft:$WORK/f/dev2.rot" \
        --state "$WORK/f/agent2" --name G-1 --token "$WORK/f/code" enroll
    check "a first identity with a code" agent --token "$WORK/f/code" enroll
    check "it is a certificate of theirs" openssl verify -CAfile "$WORK/f/ca.pem" "$WORK/f/agent/ldevid.pem"
    check "a connection with it" agent test "$FOREIGN_URL/.well-known/est/cacerts"
    local before
    before=$(foreign_key)
    check "it renews" agent renew
    check "over a new key" test "$before" != "$(foreign_key)"
    check "their certificate again" openssl verify -CAfile "$WORK/f/ca.pem" "$WORK/f/agent/ldevid.pem"
    same "libest counts two" "$(grep -c '^issued' "$WORK/f/log")" 2
    same "the renewal was by certificate" "$(grep -c '^issued.*by certificate' "$WORK/f/log")" 1
}

# A line whose boards get their identities from somebody else's PKI: configuration only.
foreign_station() { # SERIAL [LOGIN-FILE]
    mkdir -p "$WORK/f/line"
    cat >"$WORK/f/line/station.yaml" <<YAML
name: line
est: {server: "$FOREIGN_URL", trust: "$WORK/f/ca.pem", login: "${2:-$WORK/f/login}", rot: soft, quantity: 2}
wait: 20s
fixtures:
  - {name: "1", chip: "soft:$WORK/f/$1.rot"}
YAML
    "$(find_program rootsmith-station)" --data "$WORK/f/line" run --once --ui plain --serial "$1"
}

station_enrols() {
    echo "our station's boards at libest's server"
    printf 'G-1:open-sesame\n' >"$WORK/f/login"
    printf 'G-1:open-barley\n' >"$WORK/f/wrong-login"
    chmod 600 "$WORK/f/login" "$WORK/f/wrong-login"
    refused "with a wrong password" auth foreign_station B-0 "$WORK/f/wrong-login"
    check "a board" foreign_station B-1
    check "its chip has a certificate of theirs" bash -c "'$(find_program rootsmith)' chip read idevid --part cert \
        --chip 'soft:$WORK/f/B-1.rot' -o '$WORK/f/B-1.der' --overwrite &&
        openssl verify -CAfile '$WORK/f/ca.pem' '$WORK/f/B-1.der'"
    same "libest counts three" "$(grep -c '^issued' "$WORK/f/log")" 3
}

[ "$ONLY" = server ] || client_enrols
[ "$ONLY" = client ] || { server_enrols && station_enrols; }
[ -z "${RS_FIGURES:-}" ] ||
    printf '{"libest": "%s", "passed": %d, "failed": %d}\n' "$version" "$passed" "$failed" >"$RS_FIGURES"
finish

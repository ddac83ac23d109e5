#!/usr/bin/env bash
# What a new connection of mutual TLS costs the server, CPU each: ours (supervisor, front, signer), a
# bare OpenSSL accept loop with the same settings, one with OpenSSL's own; and ours resumed.  The same
# clients, devices' certificates and number of connections in turns; one request on each connection.
# Asked: bare / ours >= 0.9, default / ours >= 1.0, full / resumed >= 1.8.
#
#   mtls.sh [COUNT]     connections of each of four clients in each of five rounds
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
export TMPDIR=${RS_BENCH_DIR:-$PWD/build/bench}
devices=32
. tests/e2e/lib.sh
. bench/lib/devices.sh
trap down EXIT
up bench || exit 1
make_devices $devices || { echo "the devices were not made"; exit 1; }
openssl ecparam -name prime256v1 -genkey -noout -out "$WORK/bare.key" 2>/dev/null
openssl req -new -key "$WORK/bare.key" -subj /CN=localhost -addext subjectAltName=DNS:localhost \
    -outform DER -out "$WORK/bare.csr"
rs cert issue --profile tls-server --csr "$WORK/bare.csr" -o "$WORK/bare.pem" >"$WORK/issue.log" 2>&1 ||
    { cat "$WORK/issue.log"; exit 1; }
cat "$WORK/root.pem" "$WORK/devices.pem" >"$WORK/clients.pem"
SERVER=$SERVER WORK=$WORK DEVICES=$DEVICES python3 bench/lib/mtls.py $devices "${1:-250}"

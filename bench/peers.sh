#!/usr/bin/env bash
# From a request to a durable certificate for TLS clients, without TLS: ours (the front's loops and EST
# handler, signer, ledger, SQLite; see est_plain.c) and others' servers on the very same requests, in turns; CPU of all
# processes of each server for a certificate, and wall time beside it.  cfssl of Debian 13, in a chroot,
# without and with its SQLite store; `openssl ca`, one process for a batch.  Asked: cfssl / ours >= 1.5,
# cfssl with its store / ours >= 5 (the goal is 8).  Needs root, for the chroot.
#
#   peers.sh [COUNT]     certificates in each of five rounds
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
export TMPDIR=${RS_BENCH_DIR:-$PWD/build/bench}
count=${1:-5120}
rounds=6 # the first one warms up
. tests/e2e/lib.sh
. bench/lib/trixie.sh
peers=()
finish_all() {
    [ ${#peers[@]} = 0 ] || kill "${peers[@]}" 2>/dev/null
    [ -z "${CHROOT_DIR:-}" ] || rm -rf "$CHROOT_DIR"
    down
}
trap finish_all EXIT
peers_chroot golang-cfssl || { echo "cfssl could not be set up"; exit 1; }
up bench || exit 1
stop_server

"$BIN/bench/csr_load" make "$WORK/requests" P $((count * rounds)) || exit 1

# A CA for the others: P-256, as ours.
CHROOT_DIR=$(mktemp -d "$peers_root/srv/bench.XXXXXX")
inside=/srv/${CHROOT_DIR##*/}
openssl ecparam -name prime256v1 -genkey -noout 2>/dev/null | openssl pkcs8 -topk8 -nocrypt -out "$WORK/ca.key"
openssl req -x509 -new -key "$WORK/ca.key" -subj /CN=peer -days 3650 -out "$WORK/ca.pem" 2>/dev/null
openssl ec -in "$WORK/ca.key" -out "$CHROOT_DIR/ca.key" 2>/dev/null
cp "$WORK/ca.pem" "$CHROOT_DIR/"
echo '{"signing": {"default": {"expiry": "8760h", "usages": ["digital signature", "client auth"]}}}' \
    >"$CHROOT_DIR/config.json"
echo "{\"driver\": \"sqlite3\", \"data_source\": \"$inside/certs.db\"}" >"$CHROOT_DIR/db.json"
sqlite3 "$CHROOT_DIR/certs.db" <<'SQL'
CREATE TABLE certificates (serial_number blob NOT NULL, authority_key_identifier blob NOT NULL,
    ca_label blob, status blob NOT NULL, reason int, expiry timestamp, revoked_at timestamp,
    pem blob NOT NULL, issued_at timestamp, not_before timestamp, metadata jsonb, sans jsonb,
    common_name TEXT, PRIMARY KEY (serial_number, authority_key_identifier));
CREATE TABLE ocsp_responses (serial_number blob NOT NULL, authority_key_identifier blob NOT NULL,
    body blob NOT NULL, expiry timestamp, PRIMARY KEY (serial_number, authority_key_identifier));
SQL
start_cfssl() { # PORT OPTION...: gives $peer
    local port=$1
    shift
    exec_in_peers cfssl serve -loglevel 2 -address 127.0.0.1 -port "$port" -ca "$inside/ca.pem" \
        -ca-key "$inside/ca.key" -config "$inside/config.json" "$@" >>"$WORK/cfssl.log" 2>&1 &
    peer=$!
    peers+=("$peer")
    wait_for 20 curl -sS -o /dev/null "http://127.0.0.1:$port/" || { cat "$WORK/cfssl.log"; exit 1; }
}
read -r PLAIN STORED < <(free_ports 2)
start_cfssl "$PLAIN"
PLAIN_PID=$peer
start_cfssl "$STORED" -db-config "$inside/db.json"
STORED_PID=$peer

BIN=$BIN WORK=$WORK DATA=$DATA SIGNER=$(find_program rootsmith-signer) PLAIN=$PLAIN PLAIN_PID=$PLAIN_PID \
    STORED=$STORED STORED_PID=$STORED_PID SERVER=0 python3 bench/lib/peers.py "$count" || exit 1
stored=$(sqlite3 "$CHROOT_DIR/certs.db" 'SELECT count(*) FROM certificates')
[ "$stored" = $((count / 5 * rounds)) ] || { echo "the store of cfssl has $stored"; exit 1; }

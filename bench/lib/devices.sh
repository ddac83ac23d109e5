#!/usr/bin/env bash
# Sourced by benchmarks after tests/e2e/lib.sh and up: devices with operational certificates.
# SPDX-License-Identifier: Apache-2.0

# $WORK/dN.key and $WORK/dN.pem for N from 1 on: boards of an order, then an LDevID for each.
make_devices() { # COUNT
    local n serial
    rs product set sensor --rot atecc608b --issuer bench-devices -q || return 1
    enrol_station sz-1 || return 1
    rs order create --product sensor --quantity "$1" --stations sz-1 --name o-1 -q || return 1
    "$BIN/tests/load/est_load" --url "https://$DEVICES" --ca "$WORK/root.pem" \
        --cert "$WORK/sz-1.pem" --key "$WORK/sz-1.key" --label o-1 --name D --count "$1" \
        >"$WORK/boards.log" || return 1
    for n in $(seq "$1"); do
        serial=$(printf 'D-%06d' "$n")
        openssl ecparam -name prime256v1 -genkey -noout -out "$WORK/d$n.key" 2>/dev/null
        openssl req -new -key "$WORK/d$n.key" -subj "/CN=$serial" -outform DER \
            -out "$WORK/d$n.csr" || return 1
        rs cert issue --profile ldevid --csr "$WORK/d$n.csr" --device "$serial" -o "$WORK/d$n.pem" \
            >"$WORK/issue.log" 2>&1 || { cat "$WORK/issue.log"; return 1; }
    done
}

#!/usr/bin/env bash
# OCSP answers signed on request: 16 clients, each with one kept-alive connection in plain HTTP, asking
# for the certificates of 16 devices.  CPU of the server for each answer against one raw signature.  The
# issue names no limit; 0.25 is ours, against getting worse unseen.
#
#   ocsp.sh [COUNT]     answers for each client in each of five rounds
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
export TMPDIR=${RS_BENCH_DIR:-$PWD/build/bench}
clients=16
. tests/e2e/lib.sh
. bench/lib/devices.sh
trap down EXIT
up bench || exit 1
make_devices $clients || { echo "the devices were not made"; exit 1; }
for n in $(seq $clients); do
    openssl ocsp -issuer "$WORK/devices.pem" -cert "$WORK/d$n.pem" -no_nonce \
        -reqout "$WORK/ocsp$n.der" >/dev/null 2>&1 || { echo "no request for d$n"; exit 1; }
done
SERVER=$SERVER WORK=$WORK HTTP=$HTTP python3 bench/lib/measure.py ocsp $clients "${1:-1000}"

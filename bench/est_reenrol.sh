#!/usr/bin/env bash
# Durable re-enrolment by EST: 32 devices, each with its certificate and one kept-alive connection of
# mutual TLS, ledger and store on a disk.  CPU of supervisor, front and signer for each certificate
# against raw verify, sign and verify, in turns; the 32 handshakes of each round are in it.  At least
# 0.5 is asked.  Also prints the peak memory of front and signer under this load.
#
#   est_reenrol.sh [COUNT]     certificates for each device in each of five rounds
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
export TMPDIR=${RS_BENCH_DIR:-$PWD/build/bench}
clients=32
. tests/e2e/lib.sh
. bench/lib/devices.sh
trap down EXIT
up bench || exit 1
make_devices $clients || { echo "the devices were not made"; exit 1; }
SERVER=$SERVER WORK=$WORK DEVICES=$DEVICES python3 bench/lib/measure.py est $clients "${1:-150}"

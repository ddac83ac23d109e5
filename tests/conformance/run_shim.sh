#!/bin/sh
# The conformance suite as with silicon: our driver over /dev/i2c-N, with a simulated chip on each of two
# buses behind it.  Each command takes its part a millisecond, so that it has to be waited for.
#   run_shim.sh PROGRAM ROT-SIM KIND ADDRESS GOLDEN
# SPDX-License-Identifier: Apache-2.0
set -eu
program=$1 sim=$2 kind=$3 address=$4 golden=$5
shift 5
exec "$sim" exec --busy 1000 --bus 1 --chip "$kind@$address" --bus 2 --chip "$kind@$address" -- \
    "$program" --golden "$golden" "$@" "i2c:1:$address" "i2c:2:$address"

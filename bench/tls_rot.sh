#!/usr/bin/env bash
# Mutual TLS handshakes a second with the client's key in each root of trust, beside what the part itself
# takes for a signature: a soft store, a simulated ATECC608B that takes the time that chips take, and a
# TPM (swtpm); see tls_rot.c.  A handshake should cost what it costs with a key in memory and one
# signature of the part.  The issue names no limit; 0.7 where the part stays open and 0.25 for those that
# are given back after each use are ours, against getting worse unseen.
#
#   tls_rot.sh [SECONDS]     of each of five rounds
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
BIN=${BIN:-build/bench-build}
seconds=${1:-2}
. tests/e2e/lib.sh
. tests/e2e/tpm.sh
WORK=$(mktemp -d /tmp/rs-bench-XXXXXX) # a socket's path has 107 characters at most
export ROOTSMITH_LOCK_DIR=$WORK
SIM=
leave() {
    [ -z "$SIM" ] || kill "$SIM" 2>/dev/null
    [ ! -d "$WORK/tpm" ] || stop_tpm "$WORK/tpm"
    rm -rf "$WORK"
}
trap leave EXIT
ROTSIM=$(find_program rot-sim)
printf 'listen %s\ntiming real\nchip b1/u1 blank608b\n' "$WORK/sim.sock" >"$WORK/panel"
"$ROTSIM" panel "$WORK/panel" >"$WORK/rot-sim.log" 2>&1 &
SIM=$!
wait_for 10 "$ROTSIM" list --socket "$WORK/sim.sock" || { echo "rot-sim does not answer"; exit 1; }

declare -A CHIP=([soft]=soft:$WORK/a.rot [atecc]=sim:$WORK/sim.sock#b1/u1) LIMIT=([soft]=0.25 [atecc]=0.7
    [tpm2]=0.25)
names=(soft atecc)
rs chip lock config --yes-irreversible atecc608b -q --chip "${CHIP[atecc]}" || exit 1
if has_swtpm; then
    make_tpm "$WORK/tpm" && start_tpm "$WORK/tpm" || exit 1
    CHIP[tpm2]=$TPM_URI
    names+=(tpm2)
else
    echo "no swtpm: no TPM"
fi
for name in "${names[@]}"; do
    rs chip genkey ldevid --chip "${CHIP[$name]}" >/dev/null || exit 1
    [ "$name" != atecc ] || rs chip lock data --yes-irreversible atecc608b -q --chip "${CHIP[$name]}" || exit 1
    RS_FIGURES=$WORK/$name.json "$BIN/bench/tls_rot" "$name" "rot:${CHIP[$name]};object=ldevid" "$seconds" ||
        exit 1
done
for name in "${names[@]}"; do echo "$name ${LIMIT[$name]}"; done >"$WORK/limits"
python3 - "$WORK" "${RS_FIGURES:-/dev/null}" <<'PY'
import json, sys
work, path = sys.argv[1:]
figures, good = {}, True
for name, limit in map(str.split, open(work + "/limits")):
    figures.update(json.load(open("%s/%s.json" % (work, name))))
    figures[name + "_limit"] = float(limit)
    good = good and figures[name + "_ratio"] >= float(limit)
json.dump(figures, open(path, "w"))
sys.exit(0 if good else 1)
PY

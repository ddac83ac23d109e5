#!/usr/bin/env bash
# SIGKILL at every system call, and power cuts at every write of the host and at every command of the
# chip, while a device enrols, renews, re-keys and follows a new root: one working identity at every
# point, the next run succeeds, and a renewal costs at most 20 writes.
#
#   tests/prove/agent.sh [--short] [--only WORDS] [--seed N]
#
# --short: every point where something changes, few others.  --only: a regular expression over
# PART/SCENARIO, of the parts teeth, writes, kill, cut, chip, tpm.  RS_BUILD: build directory with faults
# (default: build/prove-agent, made here).  RS_SEED, RS_FIGURES as for every proof.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail

here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
root=$(cd "$here/../.." && pwd)
BIN=${RS_BUILD:-$root/build/prove-agent}
WORKERS=2 SHORT=0 ONLY='' SEED=${RS_SEED:-1}
while [ $# -gt 0 ]; do
    case $1 in
    --short) SHORT=1 ;;
    --only) ONLY=$2; shift ;;
    --seed) SEED=$2; shift ;;
    *) echo "agent: unknown option $1" >&2; exit 2 ;;
    esac
    shift
done

if [ -z "${RS_BUILD:-}" ]; then
    "$root/dev" setup build prove || exit 1
    [ -f "$BIN/build.ninja" ] ||
        meson setup "$BIN" "$root" -Dbuildtype=release -Dfaults=true -Dtests=false >/dev/null || exit 1
    ninja -C "$BIN" >"$BIN.log" 2>&1 || { grep -E 'error|FAILED' "$BIN.log" | head; exit 1; }
fi
command -v strace >/dev/null || { echo "no strace: ./dev setup prove"; exit 77; }
. "$here/../e2e/lib.sh"
SIM=
leave() {
    [ -z "$SIM" ] || kill "$SIM" 2>/dev/null
    down
}
trap leave EXIT
trap 'exit 130' INT TERM

up acme || { echo "agent: no server"; exit 1; }
mkdir "$WORK/locks" "$WORK/sim"
export ROOTSMITH_LOCK_DIR=$WORK/locks
rs product set gateway --rot soft --issuer acme-devices -q
rs product set sensor --rot atecc608b --issuer acme-devices -q
rs station create sz-1 --json | member token >"$WORK/token"
chmod 600 "$WORK/token"
"$(find_program rootsmith-station)" --data "$WORK/sz-1" enroll "https://$DEVICES" --name sz-1 \
    --token "$WORK/token" >/dev/null || { echo "agent: no station"; exit 1; }
rs order create --product gateway --quantity 50 --stations sz-1 --name o-soft -q
rs order create --product sensor --quantity 50 --stations sz-1 --name o-atecc -q
{
    echo "listen ../sim.sock"; echo "state chips"; echo "timing none"; echo "trace bus.trace"
    for ((n = 0; n < WORKERS; n++)); do echo "chip b$n/u1 blank608b"; echo "chip r$n/u1 blank608b"; done
} >"$WORK/sim/panel"
(cd "$WORK/sim" && exec "$(find_program rot-sim)" panel panel >"$WORK/rot-sim.log" 2>&1) &
SIM=$!
wait_for 10 "$(find_program rot-sim)" list --socket "$WORK/sim.sock" ||
    { echo "agent: no simulator"; exit 1; }

python3 "$here/agent.py" --work "$WORK" --server "https://$DEVICES" --bin "$BIN" \
    --agent "$(find_program rootsmith-agent)" --station "$(find_program rootsmith-station)" \
    --rootsmith "$(find_program rootsmith)" --workers "$WORKERS" --seed "$SEED" --only "$ONLY" \
    --short "$SHORT" --verbose "${RS_VERBOSE:-0}"
status=$?
[ -z "${RS_FIGURES:-}" ] || [ ! -f "$WORK/figures.json" ] || cp "$WORK/figures.json" "$RS_FIGURES"
[ "$status" = 0 ] || { export KEEP=1; echo "agent: FAILED; its files are in $WORK, what was found in $WORK/evidence"; }
exit $status

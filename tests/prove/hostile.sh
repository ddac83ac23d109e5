#!/usr/bin/env bash
# A hostile bus: bits flipped, writes and answers lost or given again, boards exchanged in the middle,
# silence; at any transaction of the whole recipe, for each family, with its secure channel and without.
# Each board ends as it came, right, or in the box and counted; the server's record and the station's
# journal say the same; an exchange is always noticed.  docs/design/hostile.md.
#
#   tests/prove/hostile.sh [--bin DIR] [--runs N] [--seed N] [--workers N]
#   tests/prove/hostile.sh --family se050-on --run K [--seed N]     one run again, with every transaction
#
# --bin: a build directory with everything in it (default: made here).  RS_FIGURES: figures as JSON.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
root=$(readlink -f "$here/../..")
BIN='' RUNS=100000 SEED=${RS_SEED:-1} WORKERS=$((3 * $(nproc))) FAMILY='' RUN=''
while [ $# -gt 0 ]; do
    case $1 in
    --bin) BIN=$(readlink -f "$2") ;;
    --runs) RUNS=$2 ;;
    --seed) SEED=$2 ;;
    --workers) WORKERS=$2 ;;
    --family) FAMILY=$2 ;;
    --run) RUN=$2 ;;
    *) echo "hostile: unknown option $1" >&2; exit 2 ;;
    esac
    shift 2
done
if [ -z "$BIN" ]; then
    BIN=${RS_BUILD:-$root/build/prove-hostile}
    [ -f "$BIN/build.ninja" ] || meson setup "$BIN" "$root" -Dbuildtype=release >/dev/null || exit 1
    programs=(tests/hostile/hostile_line)
    for p in rootsmith rootsmithd rootsmith-signer rootsmith-station; do programs+=("cmd/$p/$p"); done
    ninja -C "$BIN" "${programs[@]}" >"$BIN.log" 2>&1 || { grep -E 'error|FAILED' "$BIN.log" | head; exit 1; }
fi
. "$root/tests/e2e/lib.sh"
LINE=$BIN/tests/hostile/hostile_line
trap down EXIT
trap 'exit 130' INT TERM
# What lasts is not the question here, and everything waits for disks: in memory, where there is room.
[ "$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)" -gt 8000000 ] 2>/dev/null && export TMPDIR=/dev/shm
up acme >/dev/null || { echo "hostile: no server"; exit 1; }
mkdir "$WORK/makers"
"$LINE" makers "$WORK/makers" || { echo "hostile: no simulated parts"; exit 1; }
{
    printf 'vendors:\n  roots:\n'
    for m in nxp st infineon; do
        printf '    - "%s"\n' "$WORK/makers/simulator-$m-root.der" "$WORK/makers/simulator-$m-signer.der"
    done
} >>"$DATA/rootsmithd.yaml"
stop_server
: >"$WORK/rootsmithd.log"
start_server || { echo "hostile: no server"; exit 1; }
stations=
for ((n = 1; n <= WORKERS; n++)); do
    rs station create "sz-$n" --json | member token >"$WORK/token"
    chmod 600 "$WORK/token"
    "$(find_program rootsmith-station)" --data "$WORK/sz-$n" enroll "https://$DEVICES" --name "sz-$n" \
        --token "$WORK/token" >>"$WORK/enroll.log" 2>&1 || { cat "$WORK/enroll.log"; exit 1; }
    stations=$stations${stations:+,}sz-$n
done
for model in atecc608b se050 stsafe-a110 stsafe-a120 optiga-trust-m3; do
    rs product set "p-$model" --rot "$model" --issuer acme-devices -q &&
        rs order create --product "p-$model" --quantity $((4 * RUNS + 1000)) --stations "$stations" \
            --name "o-$model" -q || { echo "hostile: no order"; exit 1; }
done
python3 "$here/hostile.py" --work "$WORK" --data "$DATA" --line "$LINE" --rootsmith "$(find_program rootsmith)" \
    --workers "$WORKERS" --runs "$RUNS" --seed "$SEED" ${FAMILY:+--family "$FAMILY"} ${RUN:+--run "$RUN"}
status=$?
[ -z "${RS_FIGURES:-}" ] || [ ! -f "$WORK/figures.json" ] || cp "$WORK/figures.json" "$RS_FIGURES"
if [ $status = 0 ]; then echo "prove hostile: holds"; else echo "prove hostile: FAILED" >&2; fi
exit $status

#!/usr/bin/env bash
# Power cut at every command of the TPM recipe, at four points of the command: each board ends complete
# or is resumed, has one certificate, and the TPM holds that certificate and its key.  The TPM is swtpm,
# ended by SIGKILL before, during and after a command and after its answer; a relay between it and the
# station counts commands.  What the TPM holds is read by Debian's tpm2-tools.
#
#   tests/prove/powercut_tpm.sh [--bin DIR] [--cuts N] [--twice N] [--seed N]
#
# --cuts N: N cuts spread over all of them (default: all).  --twice N: N boards with a second cut
# while they are resumed.  --bin: programs that are built already.
# RS_BUILD: build directory (default: build/prove-powercut, made here).  RS_FIGURES: figures as JSON.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
root=$(readlink -f "$here/../..")
BIN='' CUTS=0 TWICE=40 SEED=${RS_SEED:-1}
while [ $# -gt 0 ]; do
    case $1 in
    --bin) BIN=$(readlink -f "$2") ;;
    --cuts) CUTS=$2 ;;
    --twice) TWICE=$2 ;;
    --seed) SEED=$2 ;;
    *) echo "powercut_tpm: unknown option $1" >&2; exit 2 ;;
    esac
    shift 2
done
if [ -z "$BIN" ]; then
    BIN=${RS_BUILD:-$root/build/prove-powercut}
    [ -f "$BIN/build.ninja" ] ||
        meson setup "$BIN" "$root" -Dbuildtype=release -Dfaults=true -Dtests=false >/dev/null || exit 1
    ninja -C "$BIN" >"$BIN.log" 2>&1 || { grep -E 'error|FAILED' "$BIN.log" | head; exit 1; }
fi
. "$root/tests/e2e/lib.sh"
. "$root/tests/e2e/tpm.sh"
has_swtpm && command -v tpm2_nvread >/dev/null || { echo "no swtpm or tpm2-tools: ./dev setup test"; exit 77; }
WORKERS=3
trap down EXIT
trap 'exit 130' INT TERM
up acme || { echo "powercut_tpm: no server"; exit 1; }
# The first TPM makes its maker, whom the server is to believe.
make_tpm "$WORK/first" "$WORK/maker" || exit 1
tpm_makers "$WORK/maker" >"$WORK/makers.pem"
printf 'tpm:\n  roots: [%s]\n' "$WORK/makers.pem" >>"$DATA/rootsmithd.yaml"
stop_server
: >"$WORK/rootsmithd.log"
start_server || exit 1
rs product set hub --rot tpm2 --issuer acme-devices -q
stations=
for ((n = 1; n <= WORKERS; n++)); do
    rs station create "sz-$n" --json | member token >"$WORK/token"
    chmod 600 "$WORK/token"
    "$(find_program rootsmith-station)" --data "$WORK/sz-$n" enroll "https://$DEVICES" --name "sz-$n" \
        --token "$WORK/token" >>"$WORK/enroll.log" 2>&1 || { cat "$WORK/enroll.log"; exit 1; }
    stations=$stations${stations:+,}sz-$n
done
rs order create --product hub --quantity 4000 --stations "$stations" --name o-1 -q
python3 "$here/powercut_tpm.py" --work "$WORK" --data "$DATA" --station "$(find_program rootsmith-station)" \
    --make "$root/tests/e2e/tpm.sh" --workers "$WORKERS" --cuts "$CUTS" --twice "$TWICE" --seed "$SEED"
status=$?
[ -z "${RS_FIGURES:-}" ] || [ ! -f "$WORK/figures.json" ] || cp "$WORK/figures.json" "$RS_FIGURES"
if [ $status = 0 ]; then echo "prove powercut_tpm: holds"; else echo "prove powercut_tpm: FAILED" >&2; fi
exit $status

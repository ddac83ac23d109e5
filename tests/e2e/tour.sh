#!/usr/bin/env bash
# The newcomer's tour, docs/tour.md: each of its commands is run, and prints what stands there.
#   tour.sh BUILD [--show]      --show: print what was printed, to write the tour from
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
BIN=$(readlink -f "$1")
here=$(dirname "$(readlink -f "$0")")
. "$here/lib.sh"
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
mkdir "$WORK/bin" "$WORK/tour"
for program in rootsmith rootsmithd rootsmith-signer rootsmith-station rot-sim; do
    ln -s "$(find_program $program)" "$WORK/bin/$program"
done
export PATH=$WORK/bin:$PATH ROOTSMITH_CONFIG=$WORK/config TZ=UTC
read -r -a ports < <(free_ports 3)
python3 "$here/tour.py" "$here/../../docs/tour.md" "$WORK/tour" "${ports[@]}" "${@:2}"

#!/usr/bin/env bash
# One suite, every kind of part: the conformance suite over key stores, simulated secure elements and software
# TPMs, two of each, and one table of how each primitive of each object came out.  The five kinds of
# object must work on each part; of what a part does not offer its page must say why, and where its
# maker's documents say so.
#
# RS_BUILD: build directory (default: build/prove, made here).  RS_FIGURES: figures as JSON.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
. tests/e2e/tpm.sh
has_swtpm || { echo "conformance: no swtpm; ./dev setup test" >&2; exit 1; }
build=${RS_BUILD:-build/prove}
[ -f "$build/build.ninja" ] || meson setup "$build" -Dbuildtype=release >/dev/null
ninja -C "$build" tests/conformance/rot-conformance cmd/rot-sim/rot-sim >/dev/null
suite=$build/tests/conformance/rot-conformance
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
golden=tests/conformance/golden

sim=$build/cmd/rot-sim/rot-sim
failed=0 parts=()
part() { # NAME PAGE SCRIPT ARGUMENT...
    local name=$1
    parts+=("$name:$2")
    shift 2
    bash "$@" >"$work/$name" 2>&1 || { failed=1; cat "$work/$name"; }
}
simulated() { # NAME KIND PAGE OPTION...
    local name=$1 kind=$2 page=$3
    shift 3
    part "$name" "$page" tests/conformance/run_sim.sh "$suite" "$sim" "$kind" "$golden/$name.json" "$@"
}
part soft - tests/conformance/run_soft.sh "$suite" soft $golden/soft.json
simulated atecc608b blank608b docs/chips/atecc-driver.md
simulated se050 blank-se050 docs/chips/se05x.md
simulated se051 blank-se051 docs/chips/se05x.md
simulated optiga-trust-m1 blank-m1 docs/chips/optiga.md
simulated optiga-trust-m3 blank-m3 docs/chips/optiga.md
simulated stsafe-a100 blank-a100 docs/chips/stsafe.md
simulated stsafe-a110 blank-a110 docs/chips/stsafe.md
simulated stsafe-a120 blank-a120 docs/chips/stsafe.md
simulated stsafe-own blank-a120 docs/chips/stsafe.md --layout stsafe-own
simulated ta100 blank-ta100 docs/chips/ta100.md
part tpm2 docs/chips/tpm2.md tests/conformance/run_tpm.sh "$suite" $golden/tpm2.json

python3 tests/prove/conformance.py "$work" "$golden" "${RS_FIGURES:-/dev/null}" "${parts[@]}" || failed=1
if [ $failed = 0 ]; then echo "prove conformance: holds"; else echo "prove conformance: FAILED" >&2; fi
exit $failed

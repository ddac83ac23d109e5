#!/bin/sh
# Law L6, shown: every bit of a 1,000-record ledger flipped, every record deleted,
# swapped and doubled, every tail cut (its own checkpoints cut back too, an outside
# one kept): all found, the first bad record named, entries/s printed.
#
#   tests/prove/ledger.sh [--seed N] [--records N]
#
# RS_BUILD: build directory (default: build/prove, made here, optimised).
# RS_FIGURES: where the figures go as JSON, a file or a directory.
# SPDX-License-Identifier: Apache-2.0
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
build=${RS_BUILD:-$root/build/prove}
prover=$build/tests/prove/ledger_prove

if [ ! -f "$build/build.ninja" ]; then
    meson setup "$build" "$root" -Dbuildtype=release >/dev/null
fi
ninja -C "$build" tests/prove/ledger_prove >/dev/null

# Millions of small writes: in memory where there is a memory file system.
where=${TMPDIR:-/tmp}
if [ -w /dev/shm ]; then
    where=/dev/shm
fi
work=$(mktemp -d "$where/prove-ledger-XXXXXX")
trap 'rm -rf "$work"' EXIT INT TERM

status=0
"$prover" "$work" --json "$work/ledger.json" "$@" || status=$?

if [ -n "${RS_FIGURES:-}" ] && [ -f "$work/ledger.json" ]; then
    if [ -d "$RS_FIGURES" ]; then
        cp "$work/ledger.json" "$RS_FIGURES/ledger.json"
    else
        cat "$work/ledger.json" >>"$RS_FIGURES"
    fi
fi
if [ "$status" -eq 0 ]; then
    echo "prove ledger: all found, all named"
else
    echo "prove ledger: FAILED ($status)" >&2
fi
exit "$status"

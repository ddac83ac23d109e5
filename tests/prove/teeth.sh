#!/usr/bin/env bash
# The tests have teeth: named checks of the product are taken out one at a time, and each time
# a test must fail.  The list is teeth.txt; the work is done on a copy of the tree, never on it.
#
#   tests/prove/teeth.sh [--only NAME OR PATTERN]... [--keep] [--named]
#
# --keep: use the copy and its build of the last time where they still fit; --named: only the tests
# that a case names (both for writing cases).
# RS_FIGURES: a file for the figures, as JSON.  RS_SEED: the order of the cases.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
root=$(readlink -f "$here/../..")
work=${RS_TEETH_DIR:-$root/build/teeth}

keep=
for arg in "$@"; do
    [ "$arg" != --keep ] || keep=1
done
[ -n "$keep" ] || rm -rf "$work"
mkdir -p "$work/tree" "$work/next"

# The committed tree where there is a repository, else the files that are here.
if git -C "$root" rev-parse --verify -q HEAD >/dev/null 2>&1 && [ -z "${RS_TEETH_DIRTY:-}" ]; then
    git -C "$root" archive HEAD | tar -x -C "$work/next"
else
    tar -c -C "$root" --exclude=./build --exclude=./.git . | tar -x -C "$work/next"
fi
take_over() { # SRC DST: equal files keep their times, so that nothing is built twice
    (cd "$1" && find . -type f -print0) | while IFS= read -r -d '' f; do
        cmp -s "$1/$f" "$2/$f" || { mkdir -p "$(dirname "$2/$f")" && cp -p "$1/$f" "$2/$f" && touch "$2/$f"; }
    done
}
take_over "$work/next" "$work/tree"
rm -rf "$work/next"

# Plain and without debug data: the same code gives the same object, byte for byte.
if [ ! -f "$work/out/build.ninja" ]; then
    meson setup "$work/out" "$work/tree" -Dbuildtype=plain -Doptimization=1 -Ddebug=false \
        -Dfaults=true >"$work/setup.log" 2>&1 || { tail -n 20 "$work/setup.log" >&2; exit 1; }
fi
exec python3 "$work/tree/tests/prove/teeth.py" "$work" "$work/tree/tests/prove/teeth.txt" "$@"

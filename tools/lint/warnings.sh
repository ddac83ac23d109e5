#!/usr/bin/env bash
# Everything, tests too, compiles without a warning, with gcc and with clang.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p build/lint
found=0
for compiler in gcc clang-19; do
    build=build/lint/warnings-$compiler
    [ -f "$build/build.ninja" ] ||
        CC=$compiler meson setup "$build" -Dwerror=true -Dfaults=true -Dbuildtype=debugoptimized \
            >"$build.setup.log" 2>&1 || { tail -n 20 "$build.setup.log"; exit 1; }
    if ! ninja -C "$build" -k 0 -j "${JOBS:-2}" >"$build.log" 2>&1; then
        grep -E 'error:|FAILED|undefined reference' "$build.log" | sed "s|^\(\.\./\)*|$compiler: |"
        found=1
    fi
done
exit $found

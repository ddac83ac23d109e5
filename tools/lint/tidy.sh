#!/usr/bin/env bash
# clang-tidy over the product's sources, with the checks of .clang-tidy.  A file that was clean is
# asked again only when it or something it includes has changed.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/../.."
build=build/lint/clang
clean=build/lint/tidy
mkdir -p "$clean"
[ -f "$build/build.ninja" ] ||
    CC=clang-19 meson setup "$build" -Dtests=false -Dwerror=true >"$build.setup.log" 2>&1 ||
    { tail -n 20 "$build.setup.log"; exit 1; }
ninja -C "$build" build.ninja >/dev/null

tidy_one() { # FILE
    local file=$1 key log
    python3 tools/lint/preprocess.py "$build" "$file" >/dev/null 2>&1 || return 0 # in other builds only
    # The preprocessed text holds the file and all that it includes.
    key=$({ cat .clang-tidy; python3 tools/lint/preprocess.py "$build" "$file"; } | sha256sum | cut -c1-40)
    [ -f "$clean/$key" ] && return 0
    log=$(mktemp)
    if clang-tidy-19 --quiet -p "$build" "$file" >"$log" 2>/dev/null && ! grep -q 'warning:\|error:' "$log"; then
        : >"$clean/$key"
        rm -f "$log"
        return 0
    fi
    grep -E '(warning|error):' "$log" | sed "s|^\(\.\./\)*||; s|$PWD/||" || echo "$file: clang-tidy failed"
    rm -f "$log"
    return 1
}
export -f tidy_one
export build clean

git ls-files 'src/*.c' 'librot/*.c' 'bindings/*.c' 'sims/*.c' 'cmd/*.c' |
    xargs -P "${JOBS:-2}" -I{} bash -c 'tidy_one "$1"' - {}

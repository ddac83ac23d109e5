#!/usr/bin/env bash
# librot without an OS: compiles for a bare Cortex-M4 with the compiler's own headers only, small
# stack frames, no heap, nothing global that can change.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/../.."
out=build/lint/freestanding
rm -rf "$out"
mkdir -p "$out"
found=0

mapfile -t sources < <(git ls-files 'librot/core/*.c' 'librot/drivers/*/*.c' 'librot/transports/*.c' \
    'librot/target/*.c')
for source in "${sources[@]}"; do
    object=$out/$(tr / _ <<<"$source").o
    clang-19 --target=thumbv7em-none-eabi -mcpu=cortex-m4 -ffreestanding -nostdlibinc -Os -std=c11 \
        -Wall -Wextra -Wconversion -Wshadow -Wvla -Wframe-larger-than=512 -Werror \
        -Ilibrot/include -c "$source" -o "$object" || found=1
done
[ $found = 0 ] || exit 1

# What no object defines must be one of the four that every compiler calls by itself, or the
# ARM runtime's names for them.
llvm-nm-19 --defined-only "$out"/*.o | awk 'NF == 3 { print $3 }' | sort -u >"$out/defined"
llvm-nm-19 -u "$out"/*.o | awk '$1 == "U" { print $2 }' | sort -u >"$out/undefined"
comm -13 "$out/defined" "$out/undefined" |
    grep -vxE 'mem(cpy|move|set|cmp)|__aeabi_mem(cpy|move|set|clr)[48]?|__aeabi_u?(i|l)div(mod)?' >"$out/foreign" || true
if [ -s "$out/foreign" ]; then
    sed 's/^/librot needs from outside: /' "$out/foreign"
    found=1
fi

# D, B, C and their small letters: data that is written at run time.
if llvm-nm-19 -A "$out"/*.o | awk '$(NF-1) ~ /^[dDbBC]$/' | sed 's/^/can change at run time: /' | grep .; then
    found=1
fi
exit $found

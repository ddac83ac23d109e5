#!/usr/bin/env bash
# C files have the form that the pinned formatter gives them (./dev fmt repairs).
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/../.."
found=0
while read -r file; do
    [ -f "$file" ] || continue # deleted, not yet committed
    if ! clang-format-19 --dry-run --Werror "$file" >/dev/null 2>&1; then
        echo "$file: not formatted; run: ./dev fmt"
        found=1
    fi
done < <(git ls-files '*.c' '*.h')
exit $found

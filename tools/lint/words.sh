#!/usr/bin/env bash
# Nothing unfinished, nothing of one person's machine.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/../.."
found=0
if git grep -nIE '(^|[^A-Za-z0-9_.])/(home|work|root|Users)/[A-Za-z0-9_]' -- . \
    ':(exclude)tools/lint/words.sh' ':(exclude)tests/prove/chroots.sh' | sed 's|$|   <- a path of one machine|'; then
    found=1
fi
if git grep -nIwE 'TODO|FIXME|XXX|HACK' -- . ':(exclude)tools/lint/words.sh' |
    sed 's|$|   <- do it, or describe the limit|'; then
    found=1
fi
if git grep -nIE '[[:space:]]+$' -- '*.c' '*.h' '*.sh' '*.py' '*.build' dev | sed 's|$|   <- ends with a space|'; then
    found=1
fi
exit $found

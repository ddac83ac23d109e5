#!/usr/bin/env bash
# cppcheck over the product's sources: its warnings, portability and performance rules.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p build/lint/cppcheck
# unknownMacro: tables (*.def) are expanded by macros of the including file.
# jail.c asks the compiler for the machine; state.c hands p over by a struct copy.
# The others misfire in Debian 12's cppcheck: it does not follow scope cleanup, nor functions in
# other files that fill in what is passed by pointer.
git ls-files 'src/*.c' 'librot/*.c' 'bindings/*.c' 'sims/*.c' 'cmd/*.c' | cppcheck --file-list=- -q -j "${JOBS:-2}" \
    --cppcheck-build-dir=build/lint/cppcheck --std=c11 --language=c --error-exitcode=1 \
    --enable=warning,portability,performance --inline-suppr -D_GNU_SOURCE \
    --suppress=missingInclude --suppress=missingIncludeSystem --suppress=unknownMacro \
    --suppress=*:src/base/jail.c --suppress=memleak:src/signer/state.c \
    --suppress=uninitStructMember --suppress=uninitvar --suppress=legacyUninitvar --suppress=normalCheckLevelMaxBranches \
    -Isrc -Ilibrot/include -Ibindings -Isims 2>&1 | grep -E '(error|warning|portability|performance):' && exit 1
exit 0

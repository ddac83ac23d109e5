#!/usr/bin/env bash
# Issuing through signer, ledger and SQLite with 64 in flight, against raw: see issue_path.c.
# BIN: a build tree with -Dbench=true.  The installation lies on a disk, not in memory.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
BIN=${BIN:-build/bench-build}
export TMPDIR=${RS_BENCH_DIR:-$PWD/build/bench}
. tests/e2e/lib.sh
trap down EXIT
up bench || exit 1
rs product set sensor --rot atecc608b --issuer bench-devices -q || exit 1
rs station create sz-1 --json >/dev/null || exit 1
rs order create --product sensor --quantity 1000000 --stations sz-1 --name o-1 -q || exit 1
stop_server
"$BIN/bench/issue_path" "$(find_program rootsmith-signer)" "$DATA" o-1 sz-1 "$@"

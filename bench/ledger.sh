#!/usr/bin/env bash
# What the ledger costs; on a disk, not in memory: see ledger.c.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
exec "$BIN/bench/bench_ledger" "${RS_BENCH_DIR:-build/bench}" "$@"

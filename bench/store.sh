#!/usr/bin/env bash
# How fast certificates become durable; on a disk, not in memory: see store.c.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
dir=$(mktemp -d "${RS_BENCH_DIR:-build/bench}/store-XXXXXX")
trap 'rm -rf "$dir"' EXIT
"$BIN/bench/bench_store" "$dir" "$@"

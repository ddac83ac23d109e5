#!/usr/bin/env bash
# Issuing in one process by the signer's own functions, against raw: see issue_core.c.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
exec "$BIN/bench/bench_issue_core" "$@"

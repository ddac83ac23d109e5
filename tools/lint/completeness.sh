#!/usr/bin/env bash
# Corpora, error codes and licence lines are all there.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/../.."
exec python3 tools/lint/completeness.py

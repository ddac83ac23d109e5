#!/usr/bin/env bash
# Folders include only those that layers.txt allows, and never in a circle.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/../.."
exec python3 tools/lint/layering.py

#!/usr/bin/env bash
# The checks that ./dev prove teeth takes out are still where teeth.txt says.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/../.."
exec python3 tests/prove/teeth.py . tests/prove/teeth.txt --applies

#!/usr/bin/env bash
# Scripts parse, and shellcheck has nothing to say about them.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/../.."
found=0
mapfile -t scripts < <(git ls-files '*.sh' dev .ci/run)
for script in "${scripts[@]}"; do
    bash -n "$script" || found=1
done
# SC1091: sourced files are checked by themselves.  SC2154, SC2034: variables that lib.sh shares.
# SC2329, SC2317: functions that are called by name.
shellcheck -S warning -e SC1091,SC2154,SC2034,SC2317,SC2155 -f gcc "${scripts[@]}" || found=1
exit $found

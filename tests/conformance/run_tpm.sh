#!/usr/bin/env bash
# The conformance suite over two software TPMs.
#   run_tpm.sh PROGRAM GOLDEN [--write]
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
program=$1 golden=$2
shift 2
# shellcheck source=../e2e/tpm.sh
. "$(dirname "$0")/../e2e/tpm.sh"
has_swtpm || { echo "no swtpm: ./dev setup test"; exit 77; }
dir=$(mktemp -d)
trap 'stop_tpm "$dir/a"; stop_tpm "$dir/b"; rm -rf "$dir"' EXIT
make_tpm "$dir/a"
make_tpm "$dir/b"
start_tpm "$dir/a"
first=$TPM_URI
start_tpm "$dir/b"
"$program" --golden "$golden" "$@" "$first" "$TPM_URI"

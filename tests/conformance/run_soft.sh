#!/bin/sh
# The conformance suite over two key stores in a directory of their own.
#   run_soft.sh PROGRAM LAYOUT GOLDEN [--write]
# SPDX-License-Identifier: Apache-2.0
set -eu
program=$1 layout=$2 golden=$3
shift 3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$program" --layout "$layout" --golden "$golden" "$@" "soft:$dir/a.rot" "soft:$dir/b.rot"

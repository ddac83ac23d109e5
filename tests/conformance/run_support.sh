#!/bin/sh
# The support table of the README is the one that the golden files give; and the check bites.
#   run_support.sh SOURCE-FOLDER
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$1"
make=tools/support_table.py
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
refused() { # WHAT WORD ARGUMENT...: it must fail, and say so
    what=$1 word=$2
    shift 2
    if python3 "$make" "$@" >"$dir/said" 2>&1; then echo "FAIL: $what was taken"; exit 1; fi
    grep -q "$word" "$dir/said" || { echo "FAIL: $what:"; cat "$dir/said"; exit 1; }
}

sed '/^| soft /s/host/chip/' README.md >"$dir/changed"
refused "another cell" "must: | soft " --check --readme "$dir/changed"
sed '/end of the support table/d' README.md >"$dir/unmarked"
refused "a README without its markers" "must stand there once" --check --readme "$dir/unmarked"
cp -r tests/conformance/golden "$dir/golden"
sed 's/"sign", //; s/"se050"/"se059"/' tests/conformance/golden/se050.json >"$dir/golden/se050.json"
refused "another golden file" "must: | SE050  .* no " --check --golden "$dir/golden"
sed 's/"source": "A110"/"source": "B"/' docs/chips/support.json >"$dir/facts"
refused "a source that is not there" "no source" --facts "$dir/facts"
refused "no golden files" "no golden files" --golden "$dir"

# A part that nobody has facts of stands there all the same.
cp tests/conformance/golden/se051.json "$dir/golden/zz9.json"
python3 "$make" --golden "$dir/golden" | grep -q '^| se051  *| not stated  *| no source found' ||
    { echo "FAIL: a new part is left out"; exit 1; }
# Writing is what checking wants.
python3 "$make" --write --readme "$dir/changed"
cmp "$dir/changed" README.md || { echo "FAIL: what --write made is not the README"; exit 1; }
python3 "$make" --check

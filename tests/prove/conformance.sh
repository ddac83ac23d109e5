#!/usr/bin/env bash
# One suite, every kind of part: the conformance suite over key stores, simulated secure elements and
# software TPMs, two of each, and one table of how each primitive of each object came out.  The five
# kinds of object must work on each part; what a part does not offer is listed.
#
# RS_BUILD: build directory (default: build/prove, made here).  RS_FIGURES: figures as JSON.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
. tests/e2e/tpm.sh
has_swtpm || { echo "conformance: no swtpm; ./dev setup test" >&2; exit 1; }
build=${RS_BUILD:-build/prove}
[ -f "$build/build.ninja" ] || meson setup "$build" -Dbuildtype=release >/dev/null
ninja -C "$build" tests/conformance/rot-conformance cmd/rot-sim/rot-sim >/dev/null
suite=$build/tests/conformance/rot-conformance
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
golden=tests/conformance/golden

failed=0
run() { # NAME SCRIPT ARGUMENT...
    local name=$1
    shift
    bash "$@" >"$work/$name" 2>&1 || { failed=1; cat "$work/$name"; }
}
run soft tests/conformance/run_soft.sh "$suite" soft $golden/soft.json
# Simulated parts: golden file and kind.
sims="atecc608b:blank608b se050:blank-se050 se051:blank-se051"
for row in $sims; do
    run "${row%%:*}" tests/conformance/run_sim.sh "$suite" "$build/cmd/rot-sim/rot-sim" "${row#*:}" \
        "$golden/${row%%:*}.json"
done
run tpm2 tests/conformance/run_tpm.sh "$suite" $golden/tpm2.json

python3 - "$work" "$golden" "${RS_FIGURES:-/dev/null}" soft $(for row in $sims; do echo "${row%%:*}"; done) tpm2 <<'PY' || failed=1
import json, re, sys
work, golden, figures_path, *parts = sys.argv[1:]
# What each kind of object must do on every part, where the part has one.
FLOOR = {"idevid": {"generate", "sign", "public", "read", "write"}, "ldevid": {"generate", "sign", "public"},
         "trust": {"read", "write"}, "firmware": {"verify", "read", "write"}, "session": {"mac"}}
figures, wrong = {}, []
print("%-10s %-18s %7s %7s %9s %12s %5s %6s" % ("PART", "LAYOUT", "objects", "yes", "own form",
                                                "unsupported", "n/a", "wrong"))
for part in parts:
    text = open(f"{work}/{part}").read()
    can = json.load(open(f"{golden}/{part}.json"))
    counts = list(map(int, re.search(r"(\d+) yes, (\d+) own form, (\d+) unsupported, (\d+) n/a, (\d+) wrong",
                                     text).groups()))
    checks, failures = map(int, re.findall(r"(\d+) checks, (\d+) failures", text)[-1])
    print("%-10s %-18s %7d %7d %9d %12d %5d %6d" % (part, can["layout"], len(can["objects"]), *counts))
    figures[part] = dict(zip(("yes", "own_form", "unsupported", "n_a", "wrong"), counts), checks=checks,
                         failures=failures)
    kinds = {name.split("/")[0] for name in can["objects"]}
    for kind, want in FLOOR.items():
        if kind not in kinds:
            # The ATECC608 has no object for session keys: its driver says so in docs/chips.
            if (part, kind) != ("atecc608b", "session"):
                wrong.append(f"{part}: no {kind}")
            continue
        for name, row in can["objects"].items():
            if name.split("/")[0] == kind and row["data"] != 32:  # a digest of a root is no certificate
                missing = want - set(row["chip"] + row["host"])
                if missing:
                    wrong.append(f"{part}: {name} lacks {', '.join(sorted(missing))}")
print()
for part in parts:
    rows = {}
    names = None
    for line in open(f"{work}/{part}"):
        if line.startswith(" " * 12) and "rando" in line:
            names = line.split()
        elif names and len(line.split()) == len(names) + 1 and "/" in line.split()[0] + "/":
            cells = line.split()
            for name, cell in zip(names, cells[1:]):
                if cell == "-":
                    rows.setdefault(name, []).append(cells[0])
    print(f"{part}, unsupported:")
    for name, objects in rows.items():
        print("  %-6s %s" % (name, " ".join(objects)))
for line in wrong:
    print("WRONG", line)
json.dump(figures, open(figures_path, "w"))
sys.exit(1 if wrong or any(f["wrong"] or f["failures"] for f in figures.values()) else 0)
PY
if [ $failed = 0 ]; then echo "prove conformance: holds"; else echo "prove conformance: FAILED" >&2; fi
exit $failed

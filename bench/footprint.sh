#!/usr/bin/env bash
# What librot costs a microcontroller: core and the drivers `atecc` and `tpm2`, compiled for a
# Cortex-M4 for size.  Bytes of code with constants (text), of variables (data, bss), and the largest
# stack frame.  Variables must be none: librot keeps nothing of its own.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/.."
out=build/bench/footprint
rm -rf "$out"
mkdir -p "$out"
shopt -s nullglob

flags=(--target=thumbv7em-none-eabi -mcpu=cortex-m4 -ffreestanding -nostdlibinc -Os -std=c11
    -ffunction-sections -fdata-sections -Ilibrot/include)
for source in librot/core/*.c librot/drivers/*/*.c librot/transports/*.c; do
    object=$out/$(tr / _ <<<"$source").o
    clang-19 "${flags[@]}" -fstack-usage -c "$source" -o "$object"
done

python3 - "$out" "${RS_FIGURES:-/dev/null}" <<'PY'
import glob, json, os, subprocess, sys
out, figures_path = sys.argv[1:]
parts, stack = {}, (0, "")
for obj in sorted(glob.glob(out + "/*.o")):
    names = os.path.basename(obj).split("_")  # librot_drivers_atecc_wire.c.o
    part = names[2] if names[1] == "drivers" else names[1]
    size = subprocess.run(["llvm-size-19", obj], capture_output=True, text=True, check=True).stdout
    text, data, bss = map(int, size.splitlines()[1].split()[:3])
    have = parts.setdefault(part, [0, 0, 0])
    for i, n in enumerate((text, data, bss)):
        have[i] += n
    for line in open(obj[:-2] + ".su") if os.path.exists(obj[:-2] + ".su") else ():
        where, size, _ = line.rstrip("\n").split("\t")
        stack = max(stack, (int(size), where.rsplit(":", 1)[1]))
print("%-12s %8s %6s %6s" % ("Cortex-M4", "text", "data", "bss"))
figures = {}
for part, size in list(parts.items()) + [("sum", [sum(c) for c in zip(*parts.values())])]:
    print("%-12s %8d %6d %6d" % ((part,) + tuple(size)))
    figures.update({"%s_%s" % (part, kind): n for kind, n in zip(("text", "data", "bss"), size)})
print("largest stack frame: %d bytes, %s" % stack)
figures["stack_frame_max"] = stack[0]
json.dump(figures, open(figures_path, "w"))
sys.exit(1 if not figures["atecc_text"] or not figures["tpm2_text"] or figures["sum_data"] or figures["sum_bss"] else 0)
PY

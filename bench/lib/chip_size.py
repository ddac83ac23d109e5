"""Size of librot's core and of each driver on a Cortex-M4 (clang 19, -Os), against the aims.

    chip_size.py FOLDER FIGURES     FOLDER is made anew; FIGURES gets JSON members

SPDX-License-Identifier: Apache-2.0
"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys

FLAGS = ["--target=thumbv7em-none-eabi", "-mcpu=cortex-m4", "-ffreestanding", "-nostdlibinc", "-Os", "-std=c11",
         "-ffunction-sections", "-fdata-sections", "-Ilibrot/include", "-I."]
KIB = 1024
AIM = {"core": 4 * KIB}
DRIVER_AIM = 10 * KIB
STATE_AIM = 2 * KIB


def compile_one(source, obj):
    subprocess.run(["clang-19", *FLAGS, "-fstack-usage", "-c", source, "-o", obj], check=True)


def size(obj):
    out = subprocess.run(["llvm-size-19", obj], capture_output=True, text=True, check=True).stdout
    return [int(n) for n in out.splitlines()[1].split()[:3]]


def sources_of(driver):
    """A driver's files, and those of transports/ that its meson.build names."""
    build = open(f"librot/drivers/{driver}/meson.build").read()
    shared = ["librot/transports/" + name for name in re.findall(r"'\.\./\.\./transports/(\w+\.c)'", build)]
    return sorted(glob.glob(f"librot/drivers/{driver}/*.c")) + shared


def state_size(driver, folder):
    """Bytes of the memory that a caller brings for one chip."""
    probe = os.path.join(folder, driver + "_state.c")
    with open(probe, "w") as f:
        f.write(f'#include "librot/drivers/{driver}/{driver}.h"\nchar probe[sizeof(struct {driver}_state)];\n')
    compile_one(probe, probe + ".o")
    return size(probe + ".o")[2]


def measure(part, sources, folder):
    total, frame = [0, 0, 0], (0, "")
    for source in sources:
        obj = os.path.join(folder, part + "_" + source.replace("/", "_") + ".o")
        compile_one(source, obj)
        total = [a + b for a, b in zip(total, size(obj))]
        usage = obj[:-2] + ".su"
        for line in open(usage) if os.path.exists(usage) else ():
            where, used, _ = line.rstrip("\n").split("\t")
            frame = max(frame, (int(used), where.rsplit(":", 1)[1]))
    return total, frame


def verdict(part, text, state):
    code = text - AIM.get(part, DRIVER_AIM)
    missed = [f"code {code} over"] if code > 0 else []
    missed += [f"state {state - STATE_AIM} over"] if state > STATE_AIM else []
    return "aims missed: " + ", ".join(missed) if missed else "aims met"


def main(folder, figures_path):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    parts = [("core", sorted(glob.glob("librot/core/*.c")))]
    parts += [(d, sources_of(d)) for d in sorted(os.listdir("librot/drivers")) if os.path.isdir("librot/drivers/" + d)]
    figures, wrong = {}, []
    print("%-8s %7s %5s %7s %7s  %s" % ("", "code", "vars", "frame", "state", "bytes, Cortex-M4, clang 19 -Os; aims: core 4 KiB, a driver 10, its state 2"))
    for part, sources in parts:
        (text, data, bss), frame = measure(part, sources, folder)
        state = state_size(part, folder) if part != "core" else 0
        print("%-8s %7d %5d %7d %7s  %s" % (part, text, data + bss, frame[0], state or "-", verdict(part, text, state)))
        figures.update({f"size_{part}_text": text, f"size_{part}_frame": frame[0], f"size_{part}_state": state})
        if data + bss:
            wrong.append(f"{part} has variables of its own")
    for line in wrong:
        print("WRONG", line)
    json.dump(figures, open(figures_path, "w"))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""Checks the include graph against layers.txt: who includes whom, and that no two folders
include each other, even over a third.

SPDX-License-Identifier: Apache-2.0
"""

import os
import re
import subprocess
import sys

SOURCE = (".c", ".h", ".def")
ROOTS = ("src", "librot/include", "sims", "")  # where #include "..." is looked up, after the own folder
SYSTEM = re.compile(r"(sys|linux|netinet|arpa|net)/")
BOTH_SIDES = ("tests", "fuzz", "bench")  # these may see drivers and simulators at once


def read_rules(path):
    rules = {}
    for line in open(path):
        words = line.split("#")[0].split()
        if words:
            rules[words[0]] = words[1:]
    return rules


def rule_of(folder, rules):
    while folder and folder not in rules:
        folder = os.path.dirname(folder)
    return folder


def covers(allowed, folder):
    return any(folder == a or folder.startswith(a + "/") for a in allowed)


def find(name, folder, files):
    for root in (folder,) + ROOTS:
        path = os.path.normpath(os.path.join(root, name))
        if path in files:
            return path
    return None


def side(folder):
    """Simulators share nothing with the product but src/base."""
    if folder.startswith(("sims", "cmd/rot-sim")):
        return "sims"
    return "librot" if folder.startswith("librot") else None


def libc_only(folder):
    return folder.startswith("librot/") and not folder.startswith(("librot/ports", "librot/host"))


def check_system(where, name, folder, allowed, rules):
    if re.match(r"rot/", name):
        return []
    if libc_only(folder):
        return [] if name in rules["LIBC"] else [f"{where}: <{name}> needs an OS or a C library"]
    word = re.split(r"[/.]", name)[0]
    foreign = not SYSTEM.match(name) and f"<{word}>" in KNOWN
    if foreign and f"<{word}>" not in allowed and "*" not in allowed:
        return [f"{where}: <{name}> is not for {folder}"]
    return []


def check_file(path, files, rules, edges):
    findings = []
    folder = os.path.dirname(path)
    rule = rule_of(folder, rules)
    if not rule:
        return [f"{path}: {folder} is not in layers.txt"]
    allowed = rules[rule]
    for number, line in enumerate(open(path), 1):
        m = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if not m:
            continue
        where = f"{path}:{number}"
        target = find(m[2], folder, files)
        if target is None and m[1] == "<":
            findings += check_system(where, m[2], folder, allowed, rules)
            continue
        if target is None:
            continue  # the compiler's include path knows it: a test's own helper folder
        to = os.path.dirname(target)
        if to == folder:
            continue
        edges.setdefault(folder, {}).setdefault(to, where)
        apart = {side(folder), side(to)} == {"sims", "librot"}
        if apart and not covers(BOTH_SIDES, folder):
            findings.append(f"{where}: {folder} and {to} may share nothing (simulator and driver)")
        elif "*" not in allowed and not covers(allowed, to):
            findings.append(f"{where}: {folder} may not include {to}")
        elif "*" in allowed and side(to) == "sims" and not covers(BOTH_SIDES, folder):
            findings.append(f"{where}: {folder} is product and may not include {to}")
    return findings


def find_cycles(edges):
    findings, done = [], set()

    def walk(folder, path):
        if folder in path:
            cycle = path[path.index(folder):] + [folder]
            where = edges[cycle[-2]][cycle[-1]]
            findings.append(f"{where}: folders in a circle: {' -> '.join(cycle)}")
            return
        if folder in done:
            return
        for to in edges.get(folder, {}):
            walk(to, path + [folder])
        done.add(folder)

    for folder in sorted(edges):
        walk(folder, [])
    return findings


def main():
    global KNOWN
    rules = read_rules(os.path.join(os.path.dirname(__file__), "layers.txt"))
    KNOWN = {w for words in rules.values() for w in words if w.startswith("<")}
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], capture_output=True,
                            text=True, check=True).stdout.split("\n")
    files = {f for f in listed if f.endswith(SOURCE) and os.path.exists(f)}
    edges, findings = {}, []
    for path in sorted(files):
        findings += check_file(path, files, rules, edges)
    findings += find_cycles(edges)
    print("\n".join(findings), end="\n" if findings else "")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""What the conformance suite said of each part: one table, the floor, and why things are unsupported.

    conformance.py WORK GOLDEN FIGURES PART:PAGE...

WORK/PART is the suite's output, GOLDEN/PART.json the golden file, PAGE the chip's page ("-": none).
For each "-" in the suite's table the page must have a row under "## What is unsupported, and why":

    | Primitive | Objects | Reference | Why |
    | derive, mac | session/4, data/* | 5.1, DeriveKey | ... |

with a number in the third column: the section, part or table of the reference.  A row that nothing
needs any more is wrong too.
SPDX-License-Identifier: Apache-2.0
"""
import fnmatch
import json
import re
import sys

HEADING = "## What is unsupported, and why"
# What each kind of object must do on every part, where the part has one.
FLOOR = {"idevid": {"generate", "sign", "public", "read", "write"}, "ldevid": {"generate", "sign", "public"},
         "trust": {"read", "write"}, "firmware": {"verify", "read", "write"}, "session": {"mac"}}
# V1 has no MAC (the OPTIGA reference, 6.1): its sessions are agreed and derived.
OTHER_FLOOR = {("optiga-trust-m1", "session"): {"derive"}}
# The STSAFE's default identity is the key that ST made (docs/chips/stsafe.md); stsafe-own makes one.
OTHER_FLOOR.update({(part, "idevid"): FLOOR["idevid"] - {"generate"}
                    for part in ("stsafe-a100", "stsafe-a110", "stsafe-a120")})
# Here a secret is agreed, derived and used without leaving the chip; each step is as the host has it.
INSIDE = {"atecc608b", "se051", "optiga-trust-m1", "optiga-trust-m3",
          # What an A120 agrees on passes its host once.
          "stsafe-a120", "stsafe-own"}


def cells(line):
    return [c.strip().replace("`", "") for c in line.strip().strip("|").split("|")]


def words(text):
    return [w.strip() for w in text.split(",")]


class Page:
    """The rows of a chip's page, and which of them were needed."""

    def __init__(self, path):
        self.path, self.rows, self.used = path, [], set()
        inside = False
        for line in open(path):
            if line.startswith("#"):
                inside = line.strip() == HEADING
            row = cells(line)
            if inside and line.startswith("|") and len(row) == 4 and row[0] != "Primitive" and row[0].strip("-"):
                self.rows.append(row)

    def find(self, primitive, obj):
        for i, (primitives, objects, reference, _) in enumerate(self.rows):
            if primitive in words(primitives) and any(fnmatch.fnmatch(obj, o) for o in words(objects)):
                self.used.add(i)
                return reference
        return None


def unsupported(path):
    """(primitive as printed, object) of each "-" in the suite's table."""
    names = None
    for line in open(path):
        row = line.split()
        if line.startswith(" " * 12) and row and row[0] == "rando":
            names = row
        elif names and len(row) == len(names) + 1:
            yield from ((name, row[0]) for name, cell in zip(names, row[1:]) if cell == "-")


def check_floor(part, can, wrong):
    kinds = {name.split("/")[0] for name in can["objects"]}
    for kind, want in FLOOR.items():
        want = OTHER_FLOOR.get((part, kind), want)
        if kind not in kinds:
            wrong.append(f"{part}: no {kind}")
        some = False
        for name, row in can["objects"].items():
            if name.split("/")[0] == kind and row["data"] != 32:  # a digest of a root is no certificate
                offers = set(row["chip"] + row["host"])
                missing = want - offers
                # A layout for several models has objects that one of them lacks altogether.
                if some and offers <= {"random", "channel"}:
                    continue
                some = True
                # An AES key derives nothing.
                if missing and not (missing == {"derive"} and row["alg"] in (32, 33)):
                    wrong.append(f"{part}: {name} lacks {', '.join(sorted(missing))}")


def main(work, golden, figures_path, *parts):
    figures, wrong, pages, ways, skipped = {}, [], {}, {}, []
    full = [line.split('"')[1] for line in open("tests/conformance/golden.c")
            for line in re.findall(r'\] = "[a-z]+"', line)]
    print("%-16s %-18s %7s %5s %8s %11s %5s %5s" % ("PART", "LAYOUT", "objects", "yes", "own form",
                                                    "unsupported", "n/a", "wrong"))
    for part, page in (p.split(":") for p in parts):
        text = open(f"{work}/{part}").read()
        can = json.load(open(f"{golden}/{part}.json"))
        counts = list(map(int, re.search(
            r"(\d+) yes, (\d+) own form, (\d+) unsupported, (\d+) n/a, (\d+) wrong", text).groups()))
        checks, failures = (sum(map(int, n)) for n in zip(*re.findall(r"(\d+) checks, (\d+) failures", text)))
        skipped += re.findall(r"^SKIPPED: .*$", text, re.M)
        print("%-16s %-18s %7d %5d %8d %11d %5d %5d" % (part, can["layout"], len(can["objects"]), *counts))
        figures[part] = dict(zip(("yes", "own_form", "unsupported", "n_a", "wrong"), counts), checks=checks,
                             failures=failures)
        check_floor(part, can, wrong)
        ways[part] = re.search(r"^session: (.*)$", text, re.M)[1]
        if part in INSIDE and " -> " not in ways[part]:
            wrong.append(f"{part}: {ways[part]}")
    print("\nA secret agreed, derived and used inside:")
    for part, way in ways.items():
        print("  %-16s %s" % (part, way))
    print()
    for part, page in (p.split(":") for p in parts):
        found = list(unsupported(f"{work}/{part}"))
        if len(found) != figures[part]["unsupported"]:
            wrong.append(f"{part}: {len(found)} unsupported in the table")
        if page == "-":
            print(f"{part}: {len(found)} unsupported; no chip, and no page of one")
            continue
        page = pages.setdefault(page, Page(page))
        cited = {}
        for short, obj in found:
            name = next(n for n in full if n[:5] == short)
            reference = page.find(name, obj)
            if reference is None:
                wrong.append(f"{part}: nothing in {page.path} says why {obj} has no {name}")
            elif not re.search(r"\d", reference):
                wrong.append(f"{page.path}: \"{reference}\" ({name}) is no place in the reference")
            else:
                cited.setdefault(reference, []).append(f"{name} {obj}")
        print(f"{part}: {len(found)} unsupported, by {page.path}:")
        for reference, what in cited.items():
            print("  %3d  %s" % (len(what), reference))
    for page in pages.values():
        wrong += [f"{page.path}: nothing needs the row \"{row[0]} | {row[1]}\""
                  for i, row in enumerate(page.rows) if i not in page.used]
    for line in sorted(set(skipped)):
        print(line)
    for line in wrong:
        print("WRONG", line)
    json.dump(figures, open(figures_path, "w"))
    return 1 if wrong or any(f["wrong"] or f["failures"] for f in figures.values()) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

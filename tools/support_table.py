#!/usr/bin/env python3
"""The support table of README.md: what each part can do, as its golden file has it.

    tools/support_table.py --write    between the two markers of README.md
    tools/support_table.py --check    fails when what stands there is something else
    tools/support_table.py            prints it

What a part can do comes from tests/conformance/golden/, which the conformance suite compares with
the part; what it is comes from docs/chips/support.json, kept by hand.  A part that is not in that
file yet stands in the table all the same.

  --golden FOLDER   --facts FILE   --readme FILE
SPDX-License-Identifier: Apache-2.0
"""
import argparse
import glob
import json
import os
import sys
import textwrap

BEGIN = "<!-- support table: made by tools/support_table.py from the golden files; do not edit -->"
END = "<!-- end of the support table -->"
UNKNOWN = "not stated"
NO_SOURCE = "no source found"
PAIRS = {"idevid", "ldevid", "attest"}
ANY = None
# Column, what the golden file calls it, of which kinds of objects.
PRIMITIVES = [("generate", "generate", PAIRS), ("sign", "sign", PAIRS), ("verify", "verify", ANY),
              ("agree", "agree", PAIRS), ("derive", "derive", {"session"}), ("mac", "mac", {"session"}),
              ("aead", "aead", {"session"}), ("counter", "count", {"counter"}), ("attest", "attest", ANY),
              ("channel", "channel", ANY)]
KINDS = ["idevid", "ldevid", "trust", "firmware", "session", "data", "counter", "attest", "vendor"]


LEGEND_FACTS = [
    "Certifications are the parts', as their makers state them, and say nothing about this software. Provenance is",
    "what a part can prove by its evidence. *Attested*: that a key was made inside, signed by a key which the *maker*",
    "certified or which is the part's *own* (the station saw it made; Microchip's Trust parts come with the maker's).",
    "*Maker's key*: that the identity's key is the one the maker made. *Genuine part*: that one of the maker's parts",
    "was there, and nothing about a key. No part has been tried on silicon yet.", ""]
LEGEND_PRIMITIVES = [
    "In the **chip**; on the **host**, which the chip lends the secret (or a file has it); **both**, by object; or **no**.",
    "Channel: what is said on the bus is protected by a secret of the owner's; *session*: by one that is made anew each",
    "time. How each came out, object by object, and why not: `./dev prove conformance`, `docs/chips/`."]
LEGEND_OBJECTS = [
    "How many objects of each kind the default layout has, and how long a certificate of the identity may be."]


class Mistake(Exception):
    """Something in the files that a person must repair; its text says what."""


def kind(name):
    return name.split("/")[0]


def where(objects, primitive, kinds):
    """chip, host, both or no: over all objects of these kinds."""
    rows = [row for name, row in objects.items() if kinds is ANY or kind(name) in kinds]
    chip = any(primitive in row["chip"] for row in rows)
    host = any(primitive in row["host"] for row in rows)
    return "both" if chip and host else "chip" if chip else "host" if host else "no"


def count(objects, of):
    n = sum(kind(name) == of for name in objects)
    return str(n) if n else "-"


def certificate(objects):
    """Bytes that the identity's certificate may have."""
    row = objects.get("idevid")
    return str(row["cert"]) if row and row["cert"] else "-"


def load(folder, facts_path):
    """[(facts, objects)], in the order of the facts, and then those that have none."""
    facts = json.load(open(facts_path))
    golden = {os.path.basename(p)[:-len(".json")]: json.load(open(p)) for p in sorted(glob.glob(folder + "/*.json"))}
    known = {name for part in facts["parts"] for name in [part["golden"]] + part.get("also", [])}
    for part in facts["parts"]:
        if part.get("source") is not None and part["source"] not in facts["sources"]:
            raise Mistake(f"{facts_path}: {part['golden']}: no source \"{part['source']}\"")
        if part.get("channel") and part["golden"] in golden and \
                where(golden[part["golden"]]["objects"], "channel", ANY) != "no":
            raise Mistake(f"{facts_path}: {part['golden']}: its golden file says what its channel is")
    parts = [(part, golden[part["golden"]]) for part in facts["parts"] if part["golden"] in golden]
    parts += [({"golden": name, "name": golden[name]["model"]}, golden[name]) for name in golden if name not in known]
    if not parts:
        raise Mistake(f"{folder}: no golden files")
    return facts["sources"], [(part, can["objects"]) for part, can in parts]


def table(head, rows):
    """Markdown that is straight in a terminal, too."""
    wide = [max(len(row[i]) for row in [head] + rows) for i in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(row, wide)) + " |" for row in [head] + rows]
    return [lines[0], "|" + "|".join("-" * (w + 2) for w in wide) + "|"] + lines[1:]


def render(sources, parts):
    used = [s for s in sources if any(part.get("source") == s for part, _ in parts)]
    number = {s: str(i + 1) for i, s in enumerate(used)}

    def certified(part):
        text = part.get("certification", NO_SOURCE)
        return f"{text} ({number[part['source']]})" if part.get("source") else text

    def cell(part, objects, column, primitive, kinds):
        said = where(objects, primitive, kinds)
        return part["channel"] if column == "channel" and said == "no" and part.get("channel") else said

    cited = "Sources: " + "; ".join(f"({number[s]}) {sources[s]}" for s in used) + "."
    lines = table(["Part", "Class", "Certification", "Provenance", "Tried on"],
                  [[p["name"], p.get("class", UNKNOWN), certified(p), p.get("provenance", UNKNOWN),
                    p.get("tried", "simulator")] for p, _ in parts])
    lines += ["", *LEGEND_FACTS, *textwrap.wrap(cited, 115, break_on_hyphens=False), ""]
    lines += table(["Part"] + [column for column, _, _ in PRIMITIVES],
                   [[p["name"]] + [cell(p, objects, *c) for c in PRIMITIVES] for p, objects in parts])
    lines += ["", *LEGEND_PRIMITIVES, ""]
    lines += table(["Part"] + KINDS + ["bytes of cert."],
                   [[p["name"]] + [count(objects, k) for k in KINDS] + [certificate(objects)] for p, objects in parts])
    lines += ["", *LEGEND_OBJECTS]
    return "\n".join(lines) + "\n"


def replace(readme, text):
    """README with the table in its place."""
    if readme.count(BEGIN) != 1 or readme.count(END) != 1 or readme.index(END) < readme.index(BEGIN):
        raise Mistake(f"README: the two lines around the table must stand there once, in order:\n{BEGIN}\n{END}")
    before, rest = readme.split(BEGIN)
    return f"{before}{BEGIN}\n\n{text}\n{END}{rest.split(END)[1]}"


def main():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    a = argparse.ArgumentParser(usage="tools/support_table.py [--write | --check]")
    a.add_argument("--write", action="store_true")
    a.add_argument("--check", action="store_true")
    a.add_argument("--golden", default=os.path.join(root, "tests/conformance/golden"))
    a.add_argument("--facts", default=os.path.join(root, "docs/chips/support.json"))
    a.add_argument("--readme", default=os.path.join(root, "README.md"))
    o = a.parse_args()
    text = render(*load(o.golden, o.facts))
    if not o.write and not o.check:
        print(text, end="")
        return 0
    readme = open(o.readme).read()
    made = replace(readme, text)
    if o.write:
        if made != readme:
            open(o.readme, "w").write(made)
        return 0
    if made == readme:
        return 0
    for line in sorted(set(made.split("\n")) ^ set(readme.split("\n"))):
        print(("must: " if line in made.split("\n") else "is:   ") + line)
    print("README.md: the support table is not what the golden files say; run: tools/support_table.py --write")
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Mistake as e:
        sys.exit(str(e))

#!/usr/bin/env python3
"""From a simulator's uncertain.h: the list of its assumptions, and macros that note their use.

  tools/uncertain.py FAMILY sims/FAMILY/uncertain.h LIST.c MARKS.h

Each `#define FAM_U_NAME VALUE` of the header becomes a row of the list, with the comment above it.
What is a number and stands where code runs is defined again in MARKS.h, so that its use in an answer is
noted (sims/common/assumed.h): a report on a real part then says which assumption a difference is about.
Statuses can be assumed otherwise while the simulator runs.

SPDX-License-Identifier: Apache-2.0
"""
import re
import sys

# Statuses: what an answer says when it says no.
ANSWER = re.compile(r"_(STATUS|SW|ERROR|ALERT)$")
# Times, and what stands in tables and sizes of arrays: no answer is made of them by code that runs.
CONSTANT = re.compile(r"_(US|MS|TIME_\w+|SIZE|NVM(_\w+)?|OEF|MULTIPLIER|PADDING|SESSIONS_MAX|SCP_I|"
                      r"LEN_\w+|PUBLIC_SLOTS_\w+|ZONE_ACCESS|COUNTER_VALUE)$")
# What the code that uses them has for a status.
TYPES = {"SW": "(unsigned)", "ALERT": "(uint8_t)"}
NUMBER = re.compile(r"^(0[xX][0-9A-Fa-f]+|[0-9]+)[uU]?$|^[A-Z][A-Z0-9]*_E_[A-Z0-9_]+$")


def clean(text):
    """A comment as one line."""
    text = re.sub(r"^/\*+|\*/$", "", text.strip(), flags=re.S)
    text = " ".join(line.strip().lstrip("*").strip() for line in text.splitlines())
    return re.sub(r"\s+", " ", text).strip()


def read(path):
    """(name, value, what it is about) of each define: the comment right above it, or its section's."""
    text = open(path, encoding="utf-8").read()
    text = re.sub(r"\\\n", " ", text)
    rows, comment, section, open_comment, block = [], "", "", None, []
    for line in text.splitlines():
        if open_comment is not None:
            block.append(line)
            if "*/" in line:
                comment, open_comment = clean("\n".join(block)), None
            continue
        stripped = line.strip()
        if stripped.startswith("/*"):
            if re.match(r"/\*\s*----", stripped) and "*/" in stripped:
                comment, section = "", clean(stripped).strip("- ")
            elif "*/" in stripped:
                comment = clean(stripped)
            else:
                open_comment, block = True, [line]
            continue
        m = re.match(r"#define\s+([A-Z0-9]+_U_[A-Z0-9_]+)\s+(.*)", stripped)
        if m:
            value, _, behind = m.group(2).partition("/*")
            behind = clean("/*" + behind) if behind else ""
            note = "; ".join(part for part in (comment, behind) if part) or section
            rows.append((m.group(1), re.sub(r"\s+", " ", value).strip(), note))
        elif not stripped:
            comment = ""
    return rows


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def kind(name, value):
    if not NUMBER.match(value) or CONSTANT.search(name):
        return None
    return "answer" if ANSWER.search(name) else "note"


def main():
    family, header, list_path, marks_path = sys.argv[1:]
    rows = read(header)
    if not rows or len(rows) > 128:
        sys.exit("%s: %d assumptions; 1 to 128 can be noted" % (header, len(rows)))
    if len({name for name, _, _ in rows}) != len(rows):
        sys.exit("%s: a name stands twice" % header)
    defined = len(re.findall(r"^\s*#\s*define\s+[A-Z0-9]+_U_", open(header, encoding="utf-8").read(), re.M))
    if defined != len(rows):
        sys.exit("%s: %d of %d assumptions were read" % (header, len(rows), defined))
    with open(list_path, "w", encoding="utf-8") as f:
        f.write("/* Made by tools/uncertain.py from sims/%s/uncertain.h. */\n" % family)
        f.write("#define SIMS_PLAIN_UNCERTAIN\n#include \"sims/common/assumed.h\"\n"
                "#include \"sims/%s/chip.h\"\n#include \"sims/%s/uncertain.h\"\n\n" % (family, family))
        f.write("const struct sim_assumption %s_assumptions[] = {\n" % family)
        for name, value, note in rows:
            number = NUMBER.match(value) is not None
            f.write("    {%s, %s, %s, %s, %d, %d},\n" % (
                quoted(name), quoted(value.strip('"').replace('" "', "")), quoted(note),
                "(long)(%s)" % name if number else "0", number, kind(name, value) == "answer"))
        f.write("    {0},\n};\n")
    with open(marks_path, "w", encoding="utf-8") as f:
        f.write("/* Made by tools/uncertain.py from sims/%s/uncertain.h: each use is noted. */\n" % family)
        f.write("#ifndef SIMS_PLAIN_UNCERTAIN\n#include \"sims/common/assumed.h\"\n")
        for i, (name, value, _) in enumerate(rows):
            how = kind(name, value)
            if how == "answer":
                cast = TYPES.get(ANSWER.search(name).group(1), "")
                f.write("#undef %s\n#define %s (%ssim_refusal(%d, %s))\n" % (name, name, cast, i, value))
            elif how == "note":
                f.write("#undef %s\n#define %s (sim_note(%d), %s)\n" % (name, name, i, value))
            # What stands in a table is noted by hand, where an answer is made of it.
            f.write("#define %s_NOTED sim_note(%d)\n" % (name, i))
        f.write("#endif\n")


main()

"""What belongs together is there: a corpus for each fuzz target and a target for each corpus,
every column of every error code, the licence line in every source file.

SPDX-License-Identifier: Apache-2.0
"""

import glob
import os
import re
import subprocess
import sys

CODE_COLUMNS = 10
MAY_BE_EMPTY = {5, 9}  # station class and what the operator reads: not every code reaches a station
SOURCES = (".c", ".h", ".def", ".sh", ".py")


def tracked():
    out = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True).stdout
    return [f for f in out.split("\n") if f and os.path.exists(f)]


def check_fuzz():
    text = open("fuzz/meson.build").read()
    named = set(re.findall(r"\['(\w+)',", text))
    targets = {os.path.basename(f)[:-len("_fuzz.c")] for f in glob.glob("fuzz/*_fuzz.c")}
    corpora = {d for d in os.listdir("fuzz/corpus") if os.listdir(f"fuzz/corpus/{d}")}
    for name in sorted(targets - named):
        yield f"fuzz/{name}_fuzz.c: not in fuzz/meson.build"
    for name in sorted(named - targets):
        yield f"fuzz/meson.build: {name} has no fuzz/{name}_fuzz.c"
    for name in sorted(named - corpora):
        yield f"fuzz/meson.build: {name} has no corpus"
    for name in sorted(corpora - named):
        yield f"fuzz/corpus/{name}: no target uses it"


def rows(text):
    """The arguments of each RS_CODE, split at commas outside of strings."""
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n"), text, flags=re.S)
    token = re.compile(r'"(?:\\.|[^"\\])*"|[(),]|[^"(),\s]+|\s+')
    for m in re.finditer(r"RS_CODE\(", text):
        columns, current, at = [], "", m.end()
        while True:
            t = token.match(text, at)
            at = t.end()
            if t[0] in (",", ")"):
                columns.append(current.strip())
                current = ""
                if t[0] == ")":
                    break
            elif t[0].strip():
                current += t[0]
        yield text.count("\n", 0, m.start()) + 1, columns


def check_codes():
    seen = set()
    for line, columns in rows(open("src/base/codes.def").read()):
        where = f"src/base/codes.def:{line}"
        if len(columns) != CODE_COLUMNS:
            yield f"{where}: {len(columns)} columns, not {CODE_COLUMNS}"
            continue
        if columns[1] in seen:
            yield f"{where}: {columns[1]} stands twice"
        seen.add(columns[1])
        for i, column in enumerate(columns):
            if column.replace('"', "").strip() == "" and i not in MAY_BE_EMPTY:
                yield f"{where}: {columns[0]}: column {i + 1} is empty"
    if not seen:
        yield "src/base/codes.def: no codes read"


def check_licence(files):
    for path in files:
        if path.endswith(SOURCES) or path in ("dev", ".ci/run"):
            if "SPDX-License-Identifier: Apache-2.0" not in open(path).read(4096):
                yield f"{path}: no SPDX-License-Identifier in the first lines"


findings = [*check_fuzz(), *check_codes(), *check_licence(tracked())]
print("\n".join(findings), end="\n" if findings else "")
sys.exit(1 if findings else 0)

#!/usr/bin/env python3
"""Takes checks out of a copy of the tree, one at a time; each must be noticed by a test.

teeth.txt has one block per case, blocks parted by empty lines:

    name   proof-of-possession
    what   one sentence
    file   src/x509/csr.c
    in     csr_check_proof              (optional: the function the edit is in)
    from   text that stands exactly once (may be given more than once: all lines, in order)
    to     what stands there instead     (as often as from; empty for nothing)
    test   x509/csr                      (tests that should notice, the likeliest first)

A case fails the proof when its edit does not apply exactly once, does not compile, gives the
same object file, or when no test fails: neither those named nor, after them, all unit tests.

--only takes names and shell patterns of names.  --named leaves "all unit tests" out, for writing
cases.  --applies builds nothing: WORK is a tree, and each edit must apply to it (tools/lint/teeth.sh).

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import atexit
import fnmatch
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

CASES_LEAST = 25
PATIENCE = 4  # times a test's own limit: slow is not caught


def read_cases(path):
    cases = []
    for block in re.split(r"\n\s*\n", open(path).read()):
        case = {"from": [], "to": [], "test": []}
        for line in block.splitlines():
            if line.startswith("#") or not line.strip():
                continue
            key, _, value = line.partition(" ")
            value = value.strip()
            if key in ("from", "to"):
                case[key].append(value)
            elif key == "test":
                case[key] += value.split()
            elif key in ("name", "what", "file", "in"):
                case[key] = value
            else:
                sys.exit("teeth.txt: unknown word \"%s\"" % key)
        if "name" not in case:
            continue
        for need in ("what", "file"):
            if need not in case:
                sys.exit("teeth.txt: %s has no \"%s\"" % (case["name"], need))
        if not case["from"] or len(case["from"]) != len(case["to"]) or not case["test"]:
            sys.exit("teeth.txt: %s needs from, as many to, and test" % case["name"])
        cases.append(case)
    names = [c["name"] for c in cases]
    if len(set(names)) != len(names):
        sys.exit("teeth.txt: a name stands twice")
    return cases


def span_of(text, function):
    """Where the definition of a function begins and ends in our style: name in column 0, } too."""
    found = [m.start() for m in re.finditer(r"^%s\(" % re.escape(function), text, re.M)]
    found = [at for at in found if not re.match(r"[^;{]*;", text[at:])]
    if len(found) != 1:
        raise ValueError("function %s is there %d times" % (function, len(found)))
    return found[0], text.index("\n}", found[0])


def edit(text, case):
    for old, new in zip(case["from"], case["to"]):
        start, end = span_of(text, case["in"]) if "in" in case else (0, len(text))
        part = text[start:end]
        if part.count(old) != 1:
            raise ValueError("\"%s\" is there %d times" % (old, part.count(old)))
        text = text[:start] + part.replace(old, new) + text[end:]
    return text


class Tree:
    def __init__(self, work):
        self.tree, self.out = work + "/tree", work + "/out"
        # In memory where there is a memory file system: many tests make thousands of small writes.
        self.tmp = tempfile.mkdtemp(prefix="prove-teeth-",
                                    dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        subprocess.run(["ninja", "-C", self.out, "build.ninja"], stdout=subprocess.DEVNULL, check=True)
        ask = lambda what: json.loads(subprocess.check_output(
            ["meson", "introspect", self.out, "--" + what], text=True))
        self.tests = {}
        for t in ask("tests"):
            suite = t["suite"][0].split(":")[-1]
            name = t["name"] if t["name"].startswith(suite + "/") else suite + "/" + t["name"]
            self.tests[name] = t
        self.targets = {t["id"]: os.path.relpath(t["filename"][0], self.out) for t in ask("targets")}
        self.units = [n for n in self.tests
                      if os.path.isdir("%s/tests/unit/%s" % (self.tree, n.split("/")[0]))]
        self.objects = {}
        for c in json.load(open(self.out + "/compile_commands.json")):
            source = os.path.relpath(os.path.join(c["directory"], c["file"]), self.tree)
            self.objects.setdefault(source, c["output"])

    def build(self, tests):
        wanted = sorted({self.targets[d] for n in tests for d in self.tests[n]["depends"]})
        run = subprocess.run(["ninja", "-C", self.out, "-j", os.environ.get("JOBS", "2")] + wanted,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return run.returncode == 0, run.stdout

    def object_hash(self, source):
        path = os.path.join(self.out, self.objects[source])
        run = subprocess.run(["ninja", "-C", self.out, self.objects[source]], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
        if run.returncode != 0:
            return None, run.stdout
        return hashlib.sha256(open(path, "rb").read()).hexdigest(), ""

    def passes(self, name):
        """Runs one test; a script is ended at its first FAIL.  What failed, or None."""
        t = self.tests[name]
        env = dict(os.environ, TMPDIR=self.tmp, **t["env"])
        env.pop("RS_FIGURES", None)
        run = subprocess.Popen(t["cmd"], cwd=t["workdir"] or self.out, env=env, text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, start_new_session=True, errors="replace")
        limit = t["timeout"] * PATIENCE
        deadline = time.time() + limit
        signal.signal(signal.SIGALRM, lambda *_: os.killpg(run.pid, signal.SIGKILL))
        signal.alarm(limit)
        why = None
        for line in run.stdout:
            m = re.match(r"\s*FAIL (.*)|\[  FAILED  \] ?(?!\d+ test)([a-z].*)|not ok \d+ - (.*)", line)
            if m and why is None:
                why = next(g for g in m.groups() if g is not None).strip()
                if name.split("/")[0] in ("e2e", "interop"):
                    os.killpg(run.pid, signal.SIGTERM)
                    break
        try:
            run.wait(timeout=15)
        except subprocess.TimeoutExpired:
            pass
        signal.alarm(0)
        try:
            os.killpg(run.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        run.wait()
        if run.returncode == 0 and why is None:
            return None
        if time.time() >= deadline:
            why = "it did not end in %d s" % limit
        return why or ("ended by signal %d" % -run.returncode if run.returncode < 0
                       else "exit %d" % run.returncode)


def look_further(tree, case):
    """All unit tests that fail besides those named: (name, why)."""
    rest = [n for n in tree.units if n not in case["test"]]
    tree.build(rest)
    return [(n, why) for n, why in ((n, tree.passes(n)) for n in rest) if why is not None]


def try_case(tree, case, only_named):
    """(verdict, text): caught, found, survived or broken."""
    unknown = [n for n in case["test"] if n not in tree.tests]
    if unknown or case["file"] not in tree.objects:
        return "broken", "there is no %s" % ", ".join(unknown or [case["file"]])
    path = os.path.join(tree.tree, case["file"])
    good = open(path).read()
    before, _ = tree.object_hash(case["file"])
    try:
        bad = edit(good, case)
    except ValueError as why:
        return "broken", "the edit does not apply: %s" % why
    try:
        open(path, "w").write(bad)
        after, text = tree.object_hash(case["file"])
        if after is None:
            return "broken", "it does not compile:\n%s" % "\n".join(text.splitlines()[-15:])
        if after == before:
            return "broken", "the program is the same without it"
        for name in case["test"]:
            ok, text = tree.build([name])
            if not ok:
                return "broken", "it does not build:\n%s" % "\n".join(text.splitlines()[-15:])
            why = tree.passes(name)
            if why is not None:
                return "caught", "%s (%s)" % (name, why)
        failing = [] if only_named else look_further(tree, case)
    finally:
        open(path, "w").write(good)
    # A test that fails without the edit too has seen nothing.
    for name, why in failing:
        tree.build([name])
        if tree.passes(name) is None:
            return "found", "%s (%s)" % (name, why)
    return "survived", ""


def check_edits(root, cases):
    """Each edit applies to the tree: a check that moved has to take its case along."""
    wrong = 0
    for case in cases:
        try:
            edit(open(os.path.join(root, case["file"])).read(), case)
        except (OSError, ValueError) as why:
            wrong += 1
            print("%s: %s: %s" % (case["name"], case["file"], why))
    return wrong


def main():
    args = argparse.ArgumentParser()
    args.add_argument("work")
    args.add_argument("list")
    args.add_argument("--only", action="append", default=[])
    args.add_argument("--keep", action="store_true")
    args.add_argument("--named", action="store_true")
    args.add_argument("--applies", action="store_true")
    args = args.parse_args()
    started = time.time()
    seed = int(os.environ.get("RS_SEED", "1"))
    cases = read_cases(args.list)
    if args.only:
        cases = [c for c in cases if any(fnmatch.fnmatch(c["name"], p) for p in args.only)]
    if args.applies:
        sys.exit(1 if check_edits(args.work, cases) else 0)
    tree = Tree(args.work)
    atexit.register(shutil.rmtree, tree.tmp, ignore_errors=True)
    random.Random(seed).shuffle(cases)
    named = sorted({n for c in cases for n in c["test"] if n in tree.tests})
    ok, text = tree.build(named)
    if not ok:
        sys.exit("teeth: the tree does not build:\n" + "\n".join(text.splitlines()[-20:]))
    print("seed %d; built in %d s; %d named tests on the tree as it is" %
          (seed, time.time() - started, len(named)), flush=True)
    red = 0
    for name in named:
        why = tree.passes(name)
        if why is not None:
            red += 1
            print("%s: RED BEFORE ANYTHING WAS REMOVED (%s)" % (name, why), flush=True)
    if red:
        sys.exit("teeth: %d of %d named tests are not green to begin with" % (red, len(named)))
    counts = dict.fromkeys(("caught", "found", "survived", "broken"), 0)
    bites = {}
    for case in cases:
        at = time.time()
        verdict, text = try_case(tree, case, args.named)
        counts[verdict] += 1
        words = {"caught": "caught by ", "found": "caught only by ", "survived": "SURVIVED",
                 "broken": "BROKEN CASE: "}
        print("%s: %s%s  [%.0f s]" % (case["name"], words[verdict], text, time.time() - at), flush=True)
        if verdict in ("caught", "found"):
            test = text.split(" ")[0]
            bites[test] = bites.get(test, 0) + 1
    caught = counts["caught"] + counts["found"]
    figures = {"checks_removed": len(cases), "caught": caught, "survived": counts["survived"],
               "broken_cases": counts["broken"], "tests_that_bit": len(bites),
               "seconds": round(time.time() - started)}
    if os.environ.get("RS_FIGURES"):
        json.dump(figures, open(os.environ["RS_FIGURES"], "w"))
    print("%d checks removed one at a time: %d caught, %d survived, %d broken cases; by %d tests; %d s" %
          (len(cases), caught, counts["survived"], counts["broken"], len(bites), figures["seconds"]))
    enough = bool(args.only) or len(cases) >= CASES_LEAST
    sys.exit(0 if caught == len(cases) and enough else 1)


main()

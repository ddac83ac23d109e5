#!/usr/bin/env python3
"""What ./dev prove fuzz shows; see fuzz.sh.

Two programs at a time from beginning to end: builds, fuzzing, then the planted
bugs, so that runs/s are those of a machine whose (two) cores are busy.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

SECONDS = int(os.environ.get("RS_FUZZ_SECONDS", "180"))
SEED = os.environ.get("RS_SEED", "1")
BUILD = os.path.abspath(os.environ.get("RS_BUILD", "build/prove-fuzz"))
WORK = os.path.join(BUILD, "work")
KINDS = ("claim", "also")
RATE_MIN, LINES_MIN, PLANTED_MAX = 1000, 85.0, 60
OPTIONS = ["-Dfuzz=true", "-Dtests=false", "-Dfaults=true"]
# Smaller messages and no colour; a run of 10 s or 1 GB is a finding too.
LIMITS = ["-timeout=10", "-rss_limit_mb=1024", "-seed=" + SEED]


class Target:
    def __init__(self, line):
        self.name, self.kind, self.planted, *self.parsers = line.split()
        if self.kind not in KINDS or (self.kind == "claim" and self.planted == "-"):
            sys.exit("fuzz/targets.txt: " + line)
        self.seconds = SECONDS if self.kind == "claim" else max(1, SECONDS // 3)
        self.corpus = os.path.abspath("fuzz/corpus/" + self.name)
        self.grown = os.path.join(WORK, self.name, "corpus")
        self.failures, self.lines = [], {}
        self.rate = self.runs = self.cpu_rate = 0
        self.found_s = None

    def fail(self, text):
        self.failures.append(text)

    def figures(self):
        return {"target": self.name, "seconds": self.seconds, "runs": self.runs,
                "runs_per_s": self.rate,
                "runs_per_cpu_s": self.cpu_rate, "lines": self.lines,
                "planted_found_s": self.found_s, "failures": self.failures}


def read_targets(wanted):
    with open("fuzz/targets.txt", encoding="utf-8") as f:
        targets = [Target(line) for line in f if line.strip() and not line.startswith("#")]
    unknown = set(wanted) - {t.name for t in targets}
    sources = {name[:-len("_fuzz.c")] for name in os.listdir("fuzz") if name.endswith("_fuzz.c")}
    forgotten = sources ^ {t.name for t in targets}
    if unknown or forgotten:
        sys.exit("fuzz: not in fuzz/targets.txt, or not a target: %s"
                 % ", ".join(sorted(unknown | forgotten)))
    return [t for t in targets if not wanted or t.name in wanted]


# ---- Builds ----------------------------------------------------------------------------

def build(name, goals, options=(), flags=""):
    """A build directory of that name; returns the folder of its fuzz targets."""
    folder = os.path.join(BUILD, name)
    env = dict(os.environ, CC="clang-19", CFLAGS=flags, LDFLAGS=flags)
    steps = [["ninja", "-C", folder, "-j", "1"] + ["fuzz/%s_fuzz" % g for g in goals]]
    if not os.path.exists(os.path.join(folder, "build.ninja")):
        steps.insert(0, ["meson", "setup", folder] + OPTIONS + list(options))
    for step in steps:
        done = subprocess.run(step, env=env, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.stderr.write(done.stdout[-4000:] + done.stderr[-2000:])
            raise RuntimeError("the build %s failed" % name)
    return os.path.join(folder, "fuzz")


def build_all(pool, targets):
    names = [t.name for t in targets]
    jobs = [pool.submit(build, "fuzz", names),
            pool.submit(build, "coverage", names, (),
                        "-fprofile-instr-generate -fcoverage-mapping")]
    # No target of a kind meets the planted bug of another: one build for each kind.
    for kind in KINDS:
        bugs = [t for t in targets if t.kind == kind and t.planted != "-"]
        if not bugs:
            continue
        jobs.append(pool.submit(build, "planted-" + kind, [t.name for t in bugs],
                                ("-Dplanted_bug=" + ",".join(t.planted for t in bugs),)))
    for job in jobs:
        job.result()


def program(folder, target):
    return os.path.join(BUILD, folder, "fuzz", target.name + "_fuzz")


def run(command, log, seconds, env=None):
    """The exit status, the output, which goes to the file log, and the seconds of processor."""
    with open(log, "wb") as f:
        child = subprocess.Popen(command, stdout=f, stderr=subprocess.STDOUT, env=env)
        clock = threading.Timer(seconds, child.kill)
        clock.start()
        _, status, used = os.wait4(child.pid, 0)
        clock.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
    with open(log, encoding="utf-8", errors="replace") as f:
        return child.returncode, f.read(), used.ru_utime + used.ru_stime


# ---- Fuzzing -----------------------------------------------------------------------------

def fuzz(target):
    home = os.path.join(WORK, target.name)
    log = os.path.join(home, "fuzz.log")
    status, text, cpu = run([program("fuzz", target), "-max_total_time=%d" % target.seconds,
                        "-print_final_stats=1", "-artifact_prefix=" + home + "/finding-"]
                       + LIMITS + [target.grown, target.corpus], log, target.seconds + 120)
    if status != 0:
        target.fail("a finding, or no end: " + log)
    for key, name in (("number_of_executed_units", "runs"), ("average_exec_per_sec", "rate")):
        m = re.search(r"stat::%s:\s+(\d+)" % key, text)
        setattr(target, name, int(m.group(1)) if m else 0)
    target.cpu_rate = round(target.runs / max(cpu, 0.1))
    if target.rate < RATE_MIN:
        target.fail("%d runs/s" % target.rate)
    print("  %-15s %9d runs, %7d a second, %7d a second of processor"
          % (target.name, target.runs, target.rate, target.cpu_rate), flush=True)


# ---- Coverage ------------------------------------------------------------------------------

def export(target, profile, form, paths):
    out = subprocess.run(["llvm-cov-19", "export", "-format=" + form, "-instr-profile=" + profile,
                          program("coverage", target)] + paths,
                         capture_output=True, text=True, check=True).stdout
    return json.loads(out) if form == "text" else out


def counted_lines(lcov):
    """{file: {line: count}} of every line with code in it."""
    lines, current = {}, None
    for record in lcov.splitlines():
        kind, _, rest = record.partition(":")
        if kind == "SF":
            current = lines.setdefault(os.path.relpath(rest), {})
        elif kind == "DA":
            number, count = rest.split(",")[:2]
            current[int(number)] = max(int(count), current.get(int(number), 0))
    return lines


def function_spans(data, path):
    """{function: (first line, last line)} in the file path; static ones without their file."""
    spans = {}
    for f in data["data"][0]["functions"]:
        if os.path.relpath(f["filenames"][0]) == path:
            own = [r for r in f["regions"] if r[5] == 0]
            spans[f["name"].split(":")[-1]] = (min(r[0] for r in own), max(r[2] for r in own))
    return spans


def measure(target):
    home = os.path.join(WORK, target.name)
    raw, profile = home + "/raw", home + "/profile"
    status, _, _ = run([program("coverage", target), "-runs=0", target.grown, target.corpus],
                    home + "/coverage.log", 300, dict(os.environ, LLVM_PROFILE_FILE=raw))
    if status != 0:
        target.fail("the coverage run failed: %s/coverage.log" % home)
        return
    subprocess.run(["llvm-profdata-19", "merge", "-o", profile, raw], check=True)
    paths = [p.partition(":")[0] for p in target.parsers]
    lines = counted_lines(export(target, profile, "lcov", paths))
    data = export(target, profile, "text", paths)
    for parser in target.parsers:
        path, _, functions = parser.partition(":")
        counts = lines.get(path, {})
        if functions:
            spans = function_spans(data, path)
            missing = [f for f in functions.split(",") if f not in spans]
            if missing:
                target.fail("%s: no function %s" % (path, ", ".join(missing)))
                continue
            chosen = [spans[f] for f in functions.split(",")]
            counts = {n: c for n, c in counts.items() if any(a <= n <= b for a, b in chosen)}
        judge_lines(target, path + (" (some)" if functions else ""), counts)


def judge_lines(target, name, counts):
    if not counts:
        target.fail(name + ": no line of it is in the program")
        return
    percent = 100.0 * sum(1 for c in counts.values() if c > 0) / len(counts)
    target.lines[name] = round(percent, 1)
    if percent < LINES_MIN:
        target.fail("%s: %.1f %% of %d lines" % (name, percent, len(counts)))


# ---- The planted bug -------------------------------------------------------------------------

def hunt(target):
    """From the committed corpus, which must not hold the finding already."""
    home = os.path.join(WORK, target.name)
    fresh = home + "/hunt"
    os.makedirs(fresh)
    planted = program("planted-" + target.kind, target)
    status, _, _ = run([planted, "-runs=0", target.corpus], home + "/before.log", 120)
    if status != 0:
        target.fail("the corpus itself shows the planted bug: %s/before.log" % home)
        return
    started = time.monotonic()
    status, text, _ = run([planted, "-max_total_time=%d" % PLANTED_MAX, "-artifact_prefix=" + fresh
                        + "-"] + LIMITS + [fresh, target.corpus], home + "/hunt.log",
                       PLANTED_MAX + 30)
    spent = time.monotonic() - started
    m = re.search(r"Test unit written to (\S+)", text)
    if status == 0 or m is None or spent > PLANTED_MAX:
        target.fail("the planted bug was not found in %d s: %s/hunt.log" % (PLANTED_MAX, home))
        return
    # The planted bug and no other: what was built without it takes the same input.
    status, _, _ = run([program("fuzz", target), m.group(1)], home + "/after.log", 60)
    if status != 0:
        target.fail("the finding is not the planted bug: %s/after.log" % home)
        return
    target.found_s = round(spent, 1)


# ---- The whole ---------------------------------------------------------------------------------

def print_table(targets):
    print("%-15s %5s %10s %8s %8s %8s  %s"
          % ("target", "s", "runs", "runs/s", "lines %", "planted", "parser with the fewest lines"))
    for t in targets:
        least = min(t.lines, key=t.lines.get) if t.lines else "-"
        print("%-15s %5d %10d %8d %8s %8s  %s"
              % (t.name, t.seconds, t.runs, t.rate, t.lines.get(least, "-"),
                 "-" if t.found_s is None else "%.1f s" % t.found_s, least))
        for failure in t.failures:
            print("    FAILED: " + failure)


def each(pool, step, targets):
    for _ in pool.map(step, targets):
        pass


def main():
    started = time.monotonic()
    targets = read_targets(sys.argv[1:])
    shutil.rmtree(WORK, ignore_errors=True)
    for target in targets:
        os.makedirs(target.grown)
    print("fuzz: seed %s, %d targets, two at a time" % (SEED, len(targets)), flush=True)
    with ThreadPoolExecutor(2) as pool:
        build_all(pool, targets)
        built = time.monotonic()
        each(pool, fuzz, sorted(targets, key=lambda t: -t.seconds))
        each(pool, measure, targets)
        each(pool, hunt, [t for t in targets if t.planted != "-"])
    print_table(targets)
    failed = [t.name for t in targets if t.failures]
    figures = {"targets": [t.figures() for t in targets], "failed": failed,
               "load": [round(v, 1) for v in os.getloadavg()],
               "least_runs_per_s": min(t.rate for t in targets),
               "build_s": round(built - started), "all_s": round(time.monotonic() - started)}
    if os.environ.get("RS_FIGURES"):
        with open(os.environ["RS_FIGURES"], "w", encoding="utf-8") as f:
            json.dump(figures, f)
    print("%d targets: %d good, %d failed, %d s (%d s of it to build)"
          % (len(targets), len(targets) - len(failed), len(failed), figures["all_s"],
             figures["build_s"]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Runs docs/tour.md: every command of its console blocks, one after the other, and compares.

A line "$ COMMAND" is run by bash in an empty directory; the lines below it are what it prints.  A
line "…" stands for any number of lines.  What differs from run to run is not compared: times, dates,
long hex numbers, one-time codes; spaces count as one.  Commands that end with "&" stay for the rest of the
tour.  A one-time code in a command is the last one that was printed, and programs that ask for one
are told it.  "exit N" behind a command's output is its exit code, when it is not 0.

Ports are exchanged for free ones, in commands and in what they print.

    tour.py FILE DIR DEVICES-PORT PEOPLE-PORT HTTP-PORT [--show]

SPDX-License-Identifier: Apache-2.0
"""
import os
import re
import signal
import subprocess
import sys
import time

CODE = re.compile(r"\b[0-9A-Z]{4}(?:-[0-9A-Z]{4}){4}\b")
MASKS = [
    (CODE, "CODE"),
    (re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?)?(?: ?[A-Z]{3,4}|Z)?\b"), "DATE"),
    (re.compile(r"\b[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4} GMT"), "DATE"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "TIME"),
    (re.compile(r"\b\d+(?:\.\d+)? (?:ms|s|min|h)\b"), "DURATION"),
    (re.compile(r"\b[0-9a-fA-F]{4,}…[0-9a-fA-F]+|\b[0-9a-fA-F]{12,}\b"), "HEX"),
    (re.compile(r"\s+"), " "),
]


def mask(line):
    for pattern, word in MASKS:
        line = pattern.sub(word, line)
    return line.strip()


def blocks(path):
    """(line number, command, lines that it prints, exit code) of each command."""
    inside, found = False, []
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        line = line.rstrip("\n")
        if line.startswith("```"):
            inside = line == "```console"
        elif not inside:
            continue
        elif line.startswith("$ "):
            found.append([number, line[2:], [], 0])
        elif found[-1][1].endswith("\\") and not found[-1][2]:
            found[-1][1] = found[-1][1][:-1] + line.strip()
        elif re.fullmatch(r"exit \d+", line):
            found[-1][3] = int(line[5:])
        else:
            found[-1][2].append(line)
    return found


def fits(want, got):
    """Like a shell pattern over lines: "…" is any number of them."""
    if not want:
        return not got
    if want[0] == "…":
        return any(fits(want[1:], got[i:]) for i in range(len(got) + 1))
    return bool(got) and want[0] == got[0] and fits(want[1:], got[1:])


assert fits(["a", "…", "c"], ["a", "b", "c"]) and fits(["…"], []) and fits(["a", "…"], ["a"])
assert not fits(["a"], ["b"]) and not fits([], ["b"]) and not fits(["a", "…", "d"], ["a", "b", "c"])
assert mask("OK 12:00:01 0.3 s") == mask("OK  11:59:59 2 s") and mask("1 good") != mask("2 good")


class Tour:
    def __init__(self, folder, ports):
        self.folder, self.code = folder, ""
        self.ports = dict(zip(("8443", "9443", "8080"), ports))
        self.stay = []

    def to_run(self, command):
        for shown, port in self.ports.items():
            command = re.sub(r"\b%s\b" % shown, port, command)
        if command.startswith("rootsmith init "):
            command += " --devices localhost:%s --people localhost:%s --http localhost:%s" % tuple(
                self.ports.values())
        return CODE.sub(self.code, command) if self.code else command

    def lines(self, text):
        for shown, port in self.ports.items():
            text = re.sub(r"\b%s\b" % port, shown, text)
        codes = CODE.findall(text)
        if codes:
            self.code = codes[-1]
        text = text.replace(os.environ["ROOTSMITH_CONFIG"], "~/.config/rootsmith")
        kept = text.replace(self.folder + "/", "").splitlines()
        while kept and not kept[-1].strip():
            kept.pop()
        return kept

    def run(self, command, want, timeout=60):
        """What it prints, and its exit code."""
        command = self.to_run(command)
        if not command.endswith("&"):
            p = subprocess.run(["bash", "-c", command], cwd=self.folder, input=self.code + "\n",
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               timeout=timeout)
            return self.lines(p.stdout), p.returncode
        path = "%s/.out-%d" % (self.folder, len(self.stay))
        with open(path, "w") as out:
            self.stay.append(subprocess.Popen(["bash", "-c", "exec " + command[:-1]], cwd=self.folder,
                                              stdin=subprocess.DEVNULL, stdout=out,
                                              stderr=subprocess.STDOUT))
        end = time.time() + timeout
        while time.time() < end and self.stay[-1].poll() is None:
            got = self.lines(open(path).read())
            if fits([mask(x) for x in want], [mask(x) for x in got]):
                break
            time.sleep(0.1)
        return got, 0

    def stop(self):
        for p in reversed(self.stay):
            p.send_signal(signal.SIGTERM)
        for p in self.stay:
            p.wait(20)


def main():
    path, folder, *ports = [a for a in sys.argv[1:] if a != "--show"]
    show = "--show" in sys.argv
    tour = Tour(os.path.realpath(folder), ports)
    failed = count = 0
    try:
        for number, command, want, code in blocks(path):
            count += 1
            got, status = tour.run(command, want)
            while want and not want[-1].strip():
                want.pop()
            if show:
                print("$ %s\n%s%s" % (command, "\n".join(got), "\nexit %d" % status if status else ""))
            if status != code or not fits([mask(x) for x in want], [mask(x) for x in got]):
                failed += 1
                if not show:
                    print("  FAIL line %d: %s (exit %d)\n  in the tour:\n    %s\n  printed:\n    %s" % (
                        number, command, status, "\n    ".join(want), "\n    ".join(got)))
    finally:
        tour.stop()
    print("%d commands of the tour; %d passed, %d failed" % (count, count - failed, failed))
    sys.exit(1 if failed or not count else 0)


if __name__ == "__main__":
    main()

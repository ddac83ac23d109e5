"""Device agents that enrol, renew and re-key without end, and are killed while they do; for kill.py.

After each run, whatever ended it, what the agent holds is noted from outside: the certificate
that `current` leads to, and the one of its newest complete generation (at most one is made in a
run, so none is missed).  kill_oracle.py judges these notes as it does those of other clients.
After each kill the agent is asked whether its identity works, by a program that changes nothing.
SPDX-License-Identifier: Apache-2.0
"""
import base64
import collections
import glob
import hashlib
import json
import os
import re
import signal
import subprocess
import time

# what the agent is told, weight
VERBS = [(["renew"], 58), (["renew", "--same-key"], 22), (["enroll", "--anew"], 14), (["trust"], 6)]
# How it dies: by a kill at some moment of the run, or at a point that it reaches
MOMENT, MARK, WRITE = "agent", "agent at its marks", "agent at a write"
WAYS = [(MOMENT, 70), (MARK, 12), (WRITE, 18)]
MARKS = ["agent-answered", "agent-turned"]
STEPS = [("write", 6), ("sync", 8), ("rename", 4)]
RUN_LIMIT_S = 120
# Exit codes: it was taken and is answered later (202), or the server was away, or one of its parts.
# A device comes back from both by itself.
LATER = (4, 5)
PACE_S = 0.6   # the longest wait of a device between two runs: they are not to be the whole load


def now():
    return time.monotonic()


def pem_bytes(path):
    """DER of the first certificate in a file; None when there is no such file."""
    try:
        text = open(path, encoding="ascii").read()
    except OSError:
        return None
    body = re.search("-----BEGIN CERTIFICATE-----(.*?)-----END", text, re.S)
    return base64.b64decode(body.group(1))


class Agent:
    """One device: a run after the other, each with or without a death, then what it holds."""

    def __init__(self, program, url, chip, folder, name, rng, notes, trouble):
        self.argv = [program, "--server", url, "--rot", "soft:" + chip, "--state", folder, "--json"]
        self.name, self.folder, self.rng, self.notes, self.trouble = name, folder, rng, notes, trouble
        self.kills, self.runs, self.refusals = (collections.Counter() for _ in range(3))
        self.held, self.current, self.had_ldevid = set(), None, False
        self.process, self.is_status, self.way = None, False, None
        self.begun, self.kill_at, self.next_time, self.usual_s = 0.0, None, 0.0, 0.15
        self.is_over, self.killed = False, 0

    # ---- Runs

    def begin(self, verb, rule=None):
        env = dict(os.environ, ROOTSMITH_INJECT="agent:" + rule) if rule else None
        self.process = subprocess.Popen(self.argv + verb, stdin=subprocess.DEVNULL, env=env,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.begun, self.kill_at = now(), None
        self.is_status = verb == ["status"]

    def begin_work(self):
        rng = self.rng
        verb = rng.choices([v for v, _ in VERBS], [w for _, w in VERBS])[0]
        if not self.had_ldevid:
            verb = ["enroll"]
        self.way = rng.choices([k for k, _ in WAYS], [w for _, w in WAYS])[0]
        rule = None
        if self.way == MARK:
            rule = "%s@1=kill" % rng.choice(MARKS)
        elif self.way == WRITE:
            step, most = rng.choice(STEPS)
            rule = "%s@%d%s=kill" % (step, rng.randint(1, most), rng.choice(["", "+"]))
        self.runs[verb[0] + ("" if len(verb) == 1 else " " + verb[1])] += 1
        self.begin(verb, rule)
        if self.way == MOMENT:
            self.kill_at = self.begun + rng.uniform(0, 1.4 * self.usual_s)

    def poll(self):
        if self.process is None:
            if not self.is_over and now() >= self.next_time:
                self.begin_work()
            return
        if self.kill_at is not None and now() >= self.kill_at:
            self.kill_at = None
            self.process.kill()
        code = self.process.poll()
        if code is not None:
            self.end(code)
        elif now() > self.begun + RUN_LIMIT_S:
            self.trouble.append("%s: %s did not end in %d s" % (self.name, self.argv[7:], RUN_LIMIT_S))
            self.process.kill()

    def end(self, code):
        text = self.process.stdout.read().decode(errors="replace")
        self.process.stdout.close()
        self.process = None
        if self.is_status:
            self.judge_status(text)
            self.next_time = now() + self.rng.uniform(0, PACE_S)
            return
        self.note_held()
        if code == 0 or self.way == MARK:  # a mark is near the end of a run
            self.usual_s += 0.2 * (min(10.0, now() - self.begun) - self.usual_s)
        if code == -signal.SIGKILL:
            self.kills[self.way] += 1
            self.killed += 1
            self.begin(["status"])
            return
        if code != 0:
            self.note_refusal(code, text)
        self.next_time = now() + self.rng.uniform(0, PACE_S)

    def note_refusal(self, code, text):
        try:
            name = json.loads(text[text.index('{"error"'):])["error"]["code"]
        except (ValueError, KeyError):
            name = "exit %d" % code
        self.refusals[name] += 1
        if code not in LATER:
            self.trouble.append("%s: %s" % (self.name, text.strip()[-300:]))

    # ---- What it holds

    def note(self, path):
        """Also whether it is new; a generation that is being removed may lack the file."""
        der = pem_bytes(path)
        digest = hashlib.sha256(der).hexdigest() if der else None
        if digest and digest not in self.held:
            self.held.add(digest)
            self.notes.write("held %s %s %s\n" % (self.name, digest, der.hex()))
        return digest

    def note_held(self):
        made = sorted(glob.glob(self.folder + "/id-*-*"), key=lambda p: int(p.split("-")[-2]))
        if made:
            self.note(made[-1] + "/ldevid.pem")
        self.current = self.note(self.folder + "/current/ldevid.pem")
        self.had_ldevid = self.had_ldevid or bool(made)

    def judge_status(self, text):
        """Before the first LDevID it is the IDevID that works; from then on the LDevID as well."""
        try:
            status = json.loads(text)
            works = (status["ldevid"] if self.had_ldevid else status["idevid"])["works"]
        except (ValueError, KeyError, TypeError):
            works = False
        if works is not True:
            self.trouble.append("%s: no identity after a kill: %s" % (self.name, text.strip()[-300:]))

    # ---- The end

    def finish(self):
        """Whatever runs ends by itself; then one more renewal, which must succeed."""
        self.is_over, self.kill_at = True, None
        while self.process is not None:
            self.poll()
            time.sleep(0.002)
        self.way = MOMENT
        before = self.current
        self.begin(["renew"] if self.had_ldevid else ["enroll"])
        while self.process is not None:
            self.poll()
            time.sleep(0.002)
        if self.current in (None, before):
            self.trouble.append("%s: does not renew at the end" % self.name)
        self.notes.write("last %s %s\n" % (self.name, self.current))
        return self.current not in (None, before)


class Agents:
    """All of them, and their notes in FOLDER/agents.txt."""

    def __init__(self, program, url, chips, folder, names, rng, trouble):
        os.makedirs(folder + "/agents", exist_ok=True)
        self.notes = open(folder + "/agents.txt", "a", buffering=1, encoding="ascii")
        self.all = [Agent(program, url, "%s/%s.rot" % (chips, name), "%s/agents/%s" % (folder, name),
                          name, rng, self.notes, trouble) for name in names]
        self.renewed = 0

    def poll(self):
        for a in self.all:
            a.poll()

    def sum_of(self, name):
        return sum((getattr(a, name) for a in self.all), collections.Counter())

    def kills(self):
        return sum(a.killed for a in self.all)

    def held(self):
        return sum(len(a.held) for a in self.all)

    def finish(self):
        for a in self.all:
            a.is_over, a.kill_at = True, None
        self.renewed = sum(a.finish() for a in self.all)
        self.notes.close()

    def stop(self):
        for a in self.all:
            if a.process is not None and a.process.poll() is None:
                a.process.kill()

    def figures(self):
        return {"devices": len(self.all), "kills": self.kills(), "held": self.held(),
                "runs": dict(self.sum_of("runs")), "refusals": dict(self.sum_of("refusals")),
                "renewed_at_the_end": self.renewed}

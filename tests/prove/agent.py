"""The deaths of agent.sh: see there.  Device and judge: agent_device.py; the disk: agent_disk.py.

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import base64
import collections
import glob
import json
import os
import random
import re
import shutil
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, HERE + "/../e2e"]
import agent_chip  # noqa: E402
import agent_disk  # noqa: E402
import agent_est  # noqa: E402
from agent_chip import WRITES_MOST, by_code, under_the_new_root  # noqa: E402
from agent_device import Broken, Device, each, enough, lock, make_board, problem, problems  # noqa: E402

POINTS_LEAST = 5000
CHAIN = 600
CHANGES = ("openat", "write", "pwrite64", "rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir",
           "mkdirat", "rmdir", "symlink", "symlinkat", "link", "linkat", "ftruncate")

# ---- Devices -----------------------------------------------------------------------------------------


def soft_board(o, k):
    """Baselines: blank, enrolled, and answered (it died with the answer in hand)."""
    d = Device(o, "soft-%d" % k)
    make_board(o, d, "o-soft", "G-%d" % k)
    d.snapshot("blank")
    d.must("enroll")
    d.snapshot("enrolled")
    d.agent("renew", inject="agent:agent-answered@1=kill")
    if d.generation() != 1 or not glob.glob(d.state + "/next-*/request.csr"):
        raise SystemExit("agent: no fault can be injected")
    d.snapshot("answered")
    return d


def token_board(o, k):
    """A chip that nobody ever saw; each try has a code of its own."""
    d = Device(o, "token-%d" % k, more=("--trust", o.work + "/root.pem", "--label", "gateway"))
    d.snapshot("blank")
    return d


def roll_board(o, k):
    """A device of the other installation, whose server shows a new root: before and ever after."""
    d = Device(o, "roll-%d" % k, server=o.old.url, more=("--trust", o.elsewhere.at("old.pem")))
    code = d.folder + "/code"
    with open(code, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as f:
        f.write("somebody:something\n")
    d.must("--token", code, "enroll")
    d.more = []
    d.server = o.rolling.url
    d.roots = [o.elsewhere.at("old.pem"), o.elsewhere.at("new.pem")]
    d.snapshot("enrolled")
    return d


# ---- Kills ---------------------------------------------------------------------------------------------


class Scenario:
    """From a baseline the verb is killed at each of its system calls."""

    def __init__(self, name, device, baseline, verb, keeps, again=None, before=None, after=None, clock=None):
        self.name, self.device, self.baseline, self.verb = name, device, baseline, verb
        self.keeps = keeps            # there is an operational identity all the time
        self.again = again or ["renew"]  # what must succeed after a death
        self.before = before          # called with the device before each try
        self.after = after            # judges more
        self.sample = 4 if before else 16  # of so many deaths each worker lives on after one
        self.clock = clock            # the device's, for something that is due later

    def restore(self):
        self.device.env.pop("ROOTSMITH_INJECT", None)
        if self.clock:
            self.device.env["ROOTSMITH_INJECT"] = "agent:clock=" + self.clock
        self.device.restore(self.baseline)


def changes(d, call):
    """Does the call change the device's disk?"""
    name, _, line = call
    return name in CHANGES and d.disk in line and " = -1 " not in line and \
        (name != "openat" or "O_CREAT" in line)


def points_of(o, d, verb):
    """Each system call of a run: its name, which of that name, and if it matters what is on the disk."""
    calls = d.calls(*verb)
    points = []
    for n, call in enumerate(calls):
        near = changes(d, call) or (n > 0 and changes(d, calls[n - 1]))
        if call[0] != "execve" and (not o.short or near or n % 40 == 0):
            points.append((n, call[0], call[1], near))
    return points


def one_death(s, d, point, recover):
    """Kill, judge, and perhaps go on living.  None: it was not killed, all is done."""
    s.restore()
    if s.before:
        s.before(d)
    d.had_identity = s.keeps
    started = d.generation()
    before = d.digest()
    if d.killed_at(point[1], point[2], *s.verb) is None:
        d.had_identity = True
        d.judge()
        if s.verb[0] != "trust" and d.generation() <= started:
            raise Broken("it ended well, and nothing is new")
        if s.after:
            s.after(d)
        return None
    if not recover and before == d.digest():
        return True  # byte for byte the disk that was judged already
    d.judge()
    if s.after:
        s.after(d, dead=True)
    if recover:
        go_on(s, d)
    return True


def go_on(s, d):
    number = d.generation()
    d.must(*s.again)
    d.had_identity = True
    d.judge()
    if d.generation() < max(number, 1):
        raise Broken("it went on, and the generation is %d" % d.generation())
    d.check_tidy()
    if s.after:
        s.after(d)


def kill_all(o, make, count, figures):
    """All points of one scenario, split among the workers; make(worker) gives each its own."""
    tally = collections.Counter()
    scenarios = [make(k) for k in range(o.workers)]
    began = time.time()

    def work(k):
        s, d = scenarios[k], scenarios[k].device
        s.restore()
        if s.before:
            s.before(d)
        points = points_of(o, d, s.verb)
        s.restore()
        d.had_identity = s.keeps
        d.judge()
        for point in points[k::o.workers]:
            n, name, number, near = point
            recover = near or n % s.sample < o.workers
            died = True
            try:
                died = one_death(s, d, point, recover)
                if died is None and o.verbose:
                    print("  not made again: %s %d" % (name, number))
            except Broken as e:
                problem(o, d, "%s, call %d, %s %d" % (s.name, n, name, number), str(e))
            with lock:
                tally["kills" if died else "missed"] += 1
                tally["recovered"] += died is not None and recover
                tally["changing"] += died is not None and near
            if enough():
                return

    each(o, work)
    if tally["missed"] * 20 > tally["kills"]:
        problem(o, None, scenarios[0].name, "%d calls were not made again" % tally["missed"])
    figures["scenarios"][scenarios[0].name] = dict(tally)
    count["kills"] += tally["kills"]
    count["recovered"] += tally["recovered"]
    print("  %-10s %5d kills, %d of them where its disk changes; %d went on living   %d s" % (
        scenarios[0].name, tally["kills"], tally["changing"], tally["recovered"], time.time() - began), flush=True)


def check_roll(d, dead=False):
    """The old root counts until the end; the new one, once it was followed."""
    held = d.trusts()
    if d.roots[0] not in held:
        raise Broken("the chip does not hold the root that the server is under")
    if dead:
        return
    if d.roots[1] not in held:
        raise Broken("the chip does not hold the new root")
    under_the_new_root(d)


def death_upon_death(o, boards, count, figures):
    """Nothing is put back: each run begins with what the deaths before it left."""
    tally = collections.Counter()
    began = time.time()
    verbs = (["renew"], ["renew", "--same-key"], ["enroll", "--anew"])

    def work(k):
        d, chance = boards[k], random.Random("%d %d" % (o.seed, k))
        d.env.pop("ROOTSMITH_INJECT", None)
        d.restore("enrolled")
        d.had_identity = True
        points = [(verb, call) for verb in verbs for call in points_of(o, d, verb)]
        late = [p for p in points if p[1][3]]
        for n in range(10 if o.short else CHAIN // o.workers):
            verb, (_, name, number, _) = chance.choice(late if n % 2 else points)
            try:
                died = d.killed_at(name, number, *verb)
                d.judge()
                if n % 10 == 9:
                    d.must("renew")
                    d.judge()
            except Broken as e:
                problem(o, d, "death %d upon death, %s %d of %s" % (n, name, number, " ".join(verb)), str(e))
                d.restore("enrolled")
                died = True
            with lock:
                tally["kills" if died else "missed"] += 1
            if enough():
                return

    each(o, work)
    figures["scenarios"]["chain"] = dict(tally)
    count["kills"] += tally["kills"]
    print("  %-10s %5d kills, one upon the other   %d s" % ("chain", tally["kills"], time.time() - began), flush=True)


# ---- Writes --------------------------------------------------------------------------------------------


def count_writes(o, make, figures):
    s = make(0)
    s.restore()
    tally, syncs = s.device.changes(*s.verb)
    total = sum(tally.values())
    figures["writes"][s.name] = dict(tally, total=total, syncs=syncs)
    print("  %-10s %5d writes: %s; %d syncs" % (
        s.name, total, ", ".join("%d %s" % (n, k) for k, n in sorted(tally.items())), syncs), flush=True)
    if s.keeps and total > WRITES_MOST:
        problem(o, None, s.name, "%d writes" % total)


# ---- Power cuts of the host ----------------------------------------------------------------------------


def judge_cut(s, d, left, last):
    """A disk that a power cut left: one identity, and it goes on.  last: the run had ended well."""
    agent_disk.put(d.disk, left)
    d.had_identity = s.keeps or last
    d.judge()
    if last and s.verb[0] != "trust" and d.generation() != d.made:
        raise Broken("it had ended well, and what it made is not on the disk")
    if s.after:
        s.after(d, dead=not last)
    go_on(s, d)


def cuts_of(s, d, rng):
    """Each different disk that a power cut during a run can leave, with where it was cut."""
    s.restore()
    disk = agent_disk.Disk(d.disk)
    calls = d.writes(*s.verb)
    d.made = d.generation()
    seen = set()
    for n in range(len(calls) + 1):
        if n < len(calls) and not disk.do(calls[n]):
            continue
        for way, left in disk.after_cut(rng):
            last = n == len(calls)
            if (repr(left), last) not in seen:
                seen.add((repr(left), last))
                yield "%s, %d %s, %s" % (s.name, n, calls[min(n, len(calls) - 1)].name, way), left, last


def cut_all(o, make, count, figures):
    """Power cuts of one scenario, half of them on each worker's own run."""
    tally = collections.Counter()
    scenarios = [make(k) for k in range(o.workers)]
    began = time.time()

    def work(k):
        s, d = scenarios[k], scenarios[k].device
        for n, (where, left, last) in enumerate(cuts_of(s, d, random.Random(o.seed * 100 + k))):
            if (n + k) % o.workers and not last:
                continue
            try:
                judge_cut(s, d, left, last)
            except Broken as e:
                problem(o, d, "power cut: " + where, str(e))
            with lock:
                tally["cuts"] += 1
            if enough():
                return

    each(o, work)
    figures["host_cuts"][scenarios[0].name] = tally["cuts"]
    count["host_cuts"] += tally["cuts"]
    print("  %-10s %5d disks after power cuts of the host   %d s" % (
        scenarios[0].name, tally["cuts"], time.time() - began), flush=True)


# ---- Teeth -----------------------------------------------------------------------------------------------


def disks_of(d, calls, began):
    """All disks that cuts during these calls can leave."""
    disk = agent_disk.Disk(began)
    disk.folder = d.disk
    for n in range(len(calls) + 1):
        if n == len(calls) or disk.do(calls[n]):
            yield from (left for _, left in disk.after_cut(random.Random(n)))


def is_noticed(d, calls, began, good):
    """Does a disk that only these calls can leave fail the judge?"""
    seen = set(good)
    for left in disks_of(d, calls, began):
        if repr(left) in seen:
            continue
        seen.add(repr(left))
        agent_disk.put(d.disk, left)
        try:
            d.judge()
        except Broken:
            return 1
    return 0


def missing_syncs(o, s, figures):
    """A run that leaves out one of its syncs is a run that can lose the identity, and is found out."""
    d = s.device
    s.restore()
    began = d.folder + "/at-" + s.baseline
    calls = d.writes(*s.verb)
    d.had_identity = True
    good = [repr(left) for left in disks_of(d, calls, began)]
    found, quiet = [], []
    for n, call in enumerate(calls):
        if call.name != "fsync" or not call.of().startswith(d.disk):
            continue
        name = re.sub(r"\d+", "N", call.of()[len(d.disk) + 1:])
        noticed = is_noticed(d, calls[:n] + calls[n + 1:], began, good)
        (found if noticed else quiet).append(name)
    for name in ["state/next-N/" + f for f in ("ldevid.pem", "chain.pem", "ldevid.key")] + ["state/next-N"]:
        if name not in found:
            problem(o, d, "teeth", "nobody notices that %s is not synced" % name)
    figures["syncs_needed"], figures["syncs_spare"] = len(found), len(quiet)
    print("  teeth      %d syncs left out one at a time are noticed; %d for tidiness: %s" % (
        len(found), len(quiet), ", ".join(sorted(set(quiet)))), flush=True)


def spoiled(o, s, figures):
    """Disks that are broken in ways a judge must see."""
    d = s.device
    link = d.state + "/current"

    def put(path, data):
        with open(path, "wb") as f:
            f.write(data)

    def relink(to):
        os.unlink(link)
        if to:
            os.symlink(to, link)

    def other_key():
        text = open(link + "/ldevid.key").read()
        body = base64.b64decode("".join(text.splitlines()[1:-1])).replace(b"ldevid/0", b"ldevid/1")
        put(link + "/ldevid.key", b"-----BEGIN ROT KEY REFERENCE-----\n" + base64.encodebytes(body) +
            b"-----END ROT KEY REFERENCE-----\n")

    ways = (lambda: relink(None), lambda: relink("id-99-0"), lambda: put(link + "/ldevid.key", b""),
            lambda: put(link + "/ldevid.pem", open(link + "/ldevid.pem", "rb").read()[:300]),
            lambda: put(link + "/chain.pem", b""), lambda: os.unlink(d.state + "/ldevid.pem"), other_key,
            lambda: put(link + "/ldevid.pem", open(d.folder + "/idevid.pem", "rb").read()),
            lambda: shutil.copytree("%s/at-blank/chip" % d.folder, d.disk + "/chip", dirs_exist_ok=True))
    found = 0
    for n, way in enumerate(ways):
        s.restore()
        d.had_identity = True
        way()
        try:
            d.judge()
            problem(o, d, "teeth", "the judge is content with spoiled disk %d" % n)
        except Broken:
            found += 1
    figures["spoiled_found"] = found
    print("  teeth      %d of %d spoiled disks are found" % (found, len(ways)), flush=True)


def run_parts(o, figures):
    count = collections.Counter(kills=0, recovered=0, host_cuts=0, chip_cuts=0)
    boards = [soft_board(o, k) for k in range(o.workers)]
    tokens = [token_board(o, k) for k in range(o.workers)]
    rolls = [roll_board(o, k) for k in range(o.workers)]
    config = o.work + "/agent.yaml"
    with open(config, "w") as f:
        f.write("server: %s\nrenew: {from: 1, jitter: 0}\n" % o.server +
                "objects: {ldevid: {on_renew: [/bin/true]}}\n")

    def plan(k):
        b, t, r = boards[k], tokens[k], rolls[k]
        return [
            Scenario("enrol", b, "blank", ["enroll"], False, again=["enroll"]),
            Scenario("by-code", t, "blank", ["--token", t.folder + "/code", "enroll"], False,
                     again=["--token", t.folder + "/code", "enroll"], before=lambda d: by_code(o, d)),
            Scenario("anew", b, "enrolled", ["enroll", "--anew"], True),
            Scenario("re-key", b, "enrolled", ["renew"], True),
            Scenario("same-key", b, "enrolled", ["renew", "--same-key"], True),
            Scenario("resumed", b, "answered", ["renew"], True),
            Scenario("round", b, "enrolled", ["--config", config, "run", "--once"], True, clock="+100000"),
            Scenario("roll-over", r, "enrolled", ["trust"], True, again=["trust"], after=check_roll),
        ]
    if re.search(o.only, "teeth/"):
        rekey = [s for s in plan(0) if s.name == "re-key"][0]
        spoiled(o, rekey, figures)
        missing_syncs(o, rekey, figures)
    lasting = [n for n, s in enumerate(plan(0)) if s.before is None]
    parts = (("writes", lasting, lambda make: count_writes(o, make, figures)),
             ("kill", range(len(plan(0))), lambda make: kill_all(o, make, count, figures)),
             ("cut", lasting, lambda make: cut_all(o, make, count, figures)))
    for part, scenarios, do in parts:
        for n in scenarios:
            if re.search(o.only, part + "/" + plan(0)[n].name) and not enough():
                do(lambda k, n=n: plan(k)[n])
        if part == "kill" and re.search(o.only, "kill/chain") and not enough():
            death_upon_death(o, boards, count, figures)
    agent_chip.cut_all(o, count, figures)
    return count


def main():
    p = argparse.ArgumentParser()
    for name in ("work", "server", "bin", "agent", "station", "rootsmith"):
        p.add_argument("--" + name, required=True)
    for name, value in (("workers", 2), ("seed", 1), ("short", 0), ("verbose", 0)):
        p.add_argument("--" + name, type=int, default=value)
    p.add_argument("--only", default="")
    o = p.parse_args()
    o.make = HERE + "/../e2e/tpm.sh"
    random.seed(o.seed)
    began = time.time()
    figures = {"scenarios": {}, "writes": {}, "host_cuts": {}, "chip": {}}
    o.elsewhere = agent_est.Authority(o.work + "/elsewhere", [o.work + "/root.pem", o.work + "/devices.pem"])
    o.old = agent_est.Server(o.elsewhere, "old", 0)
    o.rolling = agent_est.Server(o.elsewhere, "old", 1)
    o.new = agent_est.Server(o.elsewhere, "new", 1)
    count = run_parts(o, figures)
    points = sum(count[n] for n in ("kills", "host_cuts", "chip_cuts"))
    if not o.short and not o.only and points < POINTS_LEAST:
        problem(o, None, "the whole", "%d points are fewer than %d" % (points, POINTS_LEAST))
    # The first identity is no renewal; a part's own writes count like a disk's.
    writes = max([w["total"] for n, w in figures["writes"].items() if n != "enrol"] +
                 [w.get("total", 0) for w in figures["chip"].values()] or [0])
    figures.update(count, points=points, writes_per_renewal=writes, seconds=round(time.time() - began),
                   failures=len(problems))
    with open(o.work + "/figures.json", "w") as f:
        json.dump(figures, f)
    print("  %(kills)d kills, %(host_cuts)d power cuts of the host, %(chip_cuts)d of the chip" % figures)
    print("agent: %d points, %s; %d writes per renewal" % (
        points, "always one working identity" if not problems else "%d PROBLEMS" % len(problems), writes))
    sys.exit(1 if problems else 0)


main()

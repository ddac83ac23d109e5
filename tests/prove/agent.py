"""The deaths of agent.sh: see there.  Device and judge: agent_device.py; the disk: agent_disk.py.

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import collections
import json
import os
import random
import re
import shutil
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, HERE + "/../e2e"]
import agent_disk  # noqa: E402
import agent_est  # noqa: E402
import demo_check  # noqa: E402
from agent_device import Broken, Device, pems, run, tail  # noqa: E402

POINTS_LEAST = 5000
WRITES_MOST = 20
PROBLEMS_MOST = 10
CHANGES = ("openat", "write", "pwrite64", "rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir",
           "mkdirat", "rmdir", "symlink", "symlinkat", "link", "linkat", "ftruncate")

problems = []
lock = threading.Lock()


def problem(o, device, where, text):
    """Note it, and keep the device's disk as it is."""
    with lock:
        problems.append("%s: %s" % (where, text))
        print("  FAIL %s: %s" % (where, text), flush=True)
        kept = "%s/evidence/%d" % (o.work, len(problems))
        os.makedirs(kept)
        if device:
            shutil.copytree(device.folder, kept + "/device", symlinks=True)
        with open(kept + "/what", "w") as f:
            f.write("%s: %s\n" % (where, text))


def enough():
    return len(problems) >= PROBLEMS_MOST


def each(o, work):
    """work(worker) on all workers at once; what they raise is a problem."""
    def guarded(k):
        try:
            work(k)
        except Exception as e:  # a thread must not end in silence
            problem(o, None, "worker %d" % k, repr(e))
    threads = [threading.Thread(target=guarded, args=(k,)) for k in range(o.workers)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


# ---- Devices -----------------------------------------------------------------------------------------


def make_board(o, device, order, serial):
    """A board from the line: IDevID, and the root in its chip."""
    p = run([o.station, "--data", o.work + "/sz-1", "run", "--once", "--ui", "plain", "--wait", "60", "--order",
             order, "--serial", serial, "--fixture", "1=" + device.chip], env=device.env)
    if p.returncode != 0:
        raise SystemExit("agent: board %s: %s" % (serial, tail(p)))
    p = device.openssl("storeutl", "-certs", device.object("idevid", type="cert"), provider=True)
    pem = device.folder + "/idevid.pem"
    with open(pem, "wb") as f:
        f.write(pems(p.stdout)[0])
    device.idevid = device.folder + "/idevid.pub"
    if device.openssl("x509", "-in", pem, "-noout", "-pubkey", "-out", device.idevid).returncode != 0:
        raise SystemExit("agent: board %s has no IDevID" % serial)


def soft_board(o, k):
    """Baselines: blank, enrolled, and answered (it died with the answer in hand)."""
    d = Device(o, "soft-%d" % k)
    make_board(o, d, "o-soft", "G-%d" % k)
    d.snapshot("blank")
    d.must("enroll")
    d.snapshot("enrolled")
    d.agent("renew", inject="agent:agent-answered@1=kill")
    if d.generation() != 1 or not os.path.exists(d.state + "/next-1/request.csr"):
        raise SystemExit("agent: no fault can be injected")
    d.snapshot("answered")
    return d


def token_board(o, k):
    """A chip that nobody ever saw; each try has a code of its own."""
    d = Device(o, "token-%d" % k, more=("--trust", o.work + "/root.pem", "--label", "gateway"))
    d.snapshot("blank")
    d.code = d.folder + "/code"
    d.turn = 0
    return d


def new_code(d):
    d.turn += 1
    name = "T-%s-%d" % (d.name, d.turn)
    p = subprocess.run([d.o.rootsmith, "token", "create", "--device", name, "--product", "gateway", "--json"],
                       stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    if p.returncode != 0:
        raise Broken("no code: %s" % p.stderr.decode())
    with open(d.code, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as f:
        f.write(json.loads(p.stdout)["token"] + "\n")
    d.more[4:] = ["--name", name]


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

    def __init__(self, name, device, baseline, verb, keeps, again=None, before=None, after=None):
        self.name, self.device, self.baseline, self.verb = name, device, baseline, verb
        self.keeps = keeps            # there is an operational identity all the time
        self.again = again or ["renew"]  # what must succeed after a death
        self.before = before          # called with the device before each try
        self.after = after            # judges more
        self.always = before is not None


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
    d.restore(s.baseline)
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
    if s.after:
        s.after(d)


def kill_all(o, make, count, figures):
    """All points of one scenario, split among the workers; make(worker) gives each its own."""
    tally = collections.Counter()
    scenarios = [make(k) for k in range(o.workers)]
    began = time.time()

    def work(k):
        s, d = scenarios[k], scenarios[k].device
        d.restore(s.baseline)
        if s.before:
            s.before(d)
        points = points_of(o, d, s.verb)
        d.restore(s.baseline)
        d.judge()
        for point in points[k::o.workers]:
            n, name, number, near = point
            recover = s.always or near or n % 8 < o.workers
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


# ---- Writes --------------------------------------------------------------------------------------------


def count_writes(o, make, figures):
    """What a run writes: bytes to a file (one for each write), names made, changed, removed."""
    s = make(0)
    d, tally = s.device, collections.Counter()
    d.restore(s.baseline)
    disk = agent_disk.Disk(d.disk)
    for call in d.writes(*s.verb):
        if disk.do(call) and call.name not in ("openat", "close"):
            tally[call.name] += 1
    syncs = tally.pop("fsync", 0)
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
    d.restore(s.baseline)
    disk = agent_disk.Disk(d.disk)
    calls = d.writes(*s.verb)
    d.made = d.generation()
    seen = set()
    for n in range(len(calls) + 1):
        if n < len(calls) and not disk.do(calls[n]):
            continue
        for way in agent_disk.WAYS:
            left = disk.after_cut(way, rng)
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


# ---- Power cuts of the chip ----------------------------------------------------------------------------


CUT_POINTS = ("before", "write", "after", "answered")


def write_of(opcode, mode):
    """The name of a command that writes; "" for one that does not."""
    return "Write" if opcode == 0x12 else "GenKey" if opcode == 0x40 and mode & 4 else ""


class Board(Device):
    """A board whose chip is a simulated ATECC608B."""

    def __init__(self, o, bus, **more):
        super().__init__(o, "atecc-" + bus, chip="sim:%s/sim.sock#%s/u1" % (o.work, bus), **more)
        self.bus, self.part = bus, bus + "/u1"
        self.wire = demo_check.Chip(o.work + "/sim.sock", self.part)

    def control(self, what, **more):
        return json.loads(self.wire.ask(0x20, json.dumps(dict(more, do=what, chip=self.part)).encode()))

    def has_power(self):
        return [c for c in self.control("list")["chips"] if c["chip"] == self.part][0]["power"]

    def commands(self, verb):
        """The commands of a run, in order: write_of() each."""
        trace = self.o.work + "/sim/bus.trace"
        start = os.path.getsize(trace)
        self.must(*verb)
        with open(trace, "rb") as f:
            f.seek(start)
            words = [line.split() for line in f.read().decode().splitlines()]
        return [write_of(int(w[5][4:6], 16), int(w[5][6:8], 16)) for w in words
                if len(w) == 6 and w[1] == self.bus and w[2] == "W" and w[4] == "ack" and w[5].startswith("03")]

    def clear(self, *slots):
        """Zeroes into the slots' first blocks, as they are before anybody names a root."""
        for slot in slots:
            for block in range(3 if slot == 13 else 1):
                self.control("power", on=False)  # it may be awake
                self.control("power", on=True)
                self.wire.wake()
                self.wire.command(0x12, 0x82, block << 8 | slot << 3, bytes(32))


class ChipScenario:
    """The verb while the chip loses its power at each command; prepare(d) before each."""

    def __init__(self, name, verb, keeps, prepare=None, again=("renew",), after=None, renews=True):
        self.name, self.verb, self.keeps, self.prepare = name, verb, keeps, prepare
        self.again, self.after, self.renews = again, after, renews


def one_chip_cut(s, d, rule):
    """The chip loses its power at the rule's command; power comes back, and life goes on."""
    if s.prepare:
        s.prepare(d)
    d.had_identity = s.keeps
    started = d.generation()
    d.control("fault", rule=rule)
    p = d.agent(*s.verb)
    cut = not d.has_power()
    d.control("clear")
    d.control("power", on=True)
    if not cut:
        return 0
    if p.returncode < 0 or (p.returncode != 0 and b" chip." not in p.stdout):
        raise Broken("it says: %s" % tail(p))
    if p.returncode == 0 and s.renews and d.generation() <= started:
        raise Broken("it ended well without its chip, and nothing is new")
    d.judge()
    d.must(*s.again)
    d.had_identity = True
    d.judge()
    if s.after:
        s.after(d)
    return 1


def chip_rules(o, commands):
    """All points of each command that writes, one or all of the others; and writes torn at any byte."""
    changing = [n for n, write in enumerate(commands) if write]
    rules = ["cut-%s@%d" % (point, n + 1) for n in range(len(commands)) for k, point in enumerate(CUT_POINTS)
             if n in changing or (n % (20 if o.short else 1) == 0 and n % len(CUT_POINTS) == k)]
    rng = random.Random(o.seed)
    return rules + ["cut-write@%d:%d" % (n + 1, rng.randrange(33)) for n in changing for _ in range(4)]


def cut_chip(o, s, boards, count, figures):
    tally = collections.Counter()
    began = time.time()
    if s.prepare:
        s.prepare(boards[0])
    commands = boards[0].commands(s.verb)
    writes = len([c for c in commands if c])
    figures["chip"][s.name] = {"commands": len(commands), "writes": writes}
    rules = chip_rules(o, commands)

    def work(k):
        for rule in rules[k::o.workers]:
            cut = 1
            try:
                cut = one_chip_cut(s, boards[k], rule)
            except Broken as e:
                problem(o, boards[k], "chip, %s, %s" % (s.name, rule), str(e))
            with lock:
                tally["cuts"] += cut
                tally["missed"] += not cut
            if enough():
                return

    each(o, work)
    figures["chip"][s.name].update(tally)
    count["chip_cuts"] += tally["cuts"]
    if tally["missed"] * 20 > tally["cuts"]:
        problem(o, None, "chip, " + s.name, "%d commands were not sent again" % tally["missed"])
    print("  %-10s %5d power cuts of an ATECC608B, %d commands, %d of them write   %d s" % (
        s.name, tally["cuts"], len(commands), writes, time.time() - began), flush=True)


def forget_all(d):
    shutil.rmtree(d.state, ignore_errors=True)


def forget_roots(d):
    d.clear(11, 12, 13)
    if os.path.exists(d.state + "/trust.pem"):
        os.unlink(d.state + "/trust.pem")


def before_roll(d):
    d.clear(11, 12)
    d.restore("enrolled")


def without_configuration(d):
    """Nothing but the chip says whom to believe."""
    more, d.more = d.more, []
    try:
        d.must("renew")
    finally:
        d.more = more


def under_the_new_root(d):
    server, d.server = d.server, d.o.new.url
    try:
        d.must("renew")
        d.judge()
    finally:
        d.server = server


def cut_chips(o, count, figures):
    boards = [Board(o, "b%d" % k) for k in range(o.workers)]
    rolls = [Board(o, "r%d" % k, server=o.old.url) for k in range(o.workers)]
    for d in boards + rolls:
        make_board(o, d, "o-atecc", d.bus.upper())
    for d in boards:
        d.must("enroll")
    for d in rolls:  # from now on of the other installation
        forget_roots(d)
        d.more, d.roots = ["--trust", o.elsewhere.at("old.pem")], [o.elsewhere.at(n) for n in ("old.pem", "new.pem")]
        d.must("enroll")
        without_configuration(d)
        d.snapshot("enrolled")

    def go(s, devices):
        if re.search(o.only, "chip/" + s.name) and not enough():
            cut_chip(o, s, devices, count, figures)

    go(ChipScenario("enrol", ["enroll"], False, forget_all, again=["enroll"]), boards)
    go(ChipScenario("anew", ["enroll", "--anew"], True), boards)
    go(ChipScenario("re-key", ["renew"], True), boards)
    go(ChipScenario("same-key", ["renew", "--same-key"], True), boards)
    go(ChipScenario("first-root", ["renew"], True, forget_roots, after=without_configuration), rolls)
    for d in rolls:
        forget_roots(d)  # it may have moved to another place
        d.must("renew")
        d.more, d.server = [], o.rolling.url
        d.snapshot("enrolled")
    go(ChipScenario("roll-over", ["trust"], True, before_roll, again=["trust"], after=under_the_new_root,
                    renews=False), rolls)


def run_parts(o, figures):
    count = collections.Counter()
    boards = [soft_board(o, k) for k in range(o.workers)]
    tokens = [token_board(o, k) for k in range(o.workers)]
    rolls = [roll_board(o, k) for k in range(o.workers)]
    config = o.work + "/agent.yaml"
    with open(config, "w") as f:
        f.write("server: %s\nrenew:\n  from: 1\n  jitter: 0\nobjects:\n  ldevid:\n    on_renew: [true]\n" % o.server)

    def plan(k):
        b, t, r = boards[k], tokens[k], rolls[k]
        return [
            Scenario("enrol", b, "blank", ["enroll"], False, again=["enroll"]),
            Scenario("by-code", t, "blank", ["--token", t.code, "enroll"], False,
                     again=["--token", t.code, "enroll"], before=new_code),
            Scenario("anew", b, "enrolled", ["enroll", "--anew"], True),
            Scenario("re-key", b, "enrolled", ["renew"], True),
            Scenario("same-key", b, "enrolled", ["renew", "--same-key"], True),
            Scenario("resumed", b, "answered", ["renew"], True),
            Scenario("roll-over", r, "enrolled", ["trust"], True, again=["trust"], after=check_roll),
        ]
    lasting = [n for n, s in enumerate(plan(0)) if s.before is None]
    parts = (("writes", lasting, lambda make: count_writes(o, make, figures)),
             ("kill", range(len(plan(0))), lambda make: kill_all(o, make, count, figures)),
             ("cut", lasting, lambda make: cut_all(o, make, count, figures)))
    for part, scenarios, do in parts:
        for n in scenarios:
            if re.search(o.only, part + "/" + plan(0)[n].name) and not enough():
                do(lambda k, n=n: plan(k)[n])
    if re.search(o.only, " ".join("chip/" + n for n in ("enrol", "anew", "re-key", "same-key", "first-root", "roll-over"))):
        cut_chips(o, count, figures)
    return count


def main():
    p = argparse.ArgumentParser()
    for name in ("work", "server", "bin", "agent", "station", "rootsmith"):
        p.add_argument("--" + name, required=True)
    for name, value in (("workers", 2), ("seed", 1), ("short", 0), ("verbose", 0)):
        p.add_argument("--" + name, type=int, default=value)
    p.add_argument("--only", default="")
    o = p.parse_args()
    random.seed(o.seed)
    began = time.time()
    figures = {"scenarios": {}, "writes": {}, "host_cuts": {}, "chip": {}}
    o.elsewhere = agent_est.Authority(o.work + "/elsewhere", [o.work + "/root.pem", o.work + "/devices.pem"])
    o.old = agent_est.Server(o.elsewhere, "old", 0)
    o.rolling = agent_est.Server(o.elsewhere, "old", 1)
    o.new = agent_est.Server(o.elsewhere, "new", 1)
    count = run_parts(o, figures)
    figures.update(count, seconds=round(time.time() - began), problems=len(problems))
    with open(o.work + "/figures.json", "w") as f:
        json.dump(figures, f)
    print("agent: %d points, %s" % (count["kills"], "always one working identity" if not problems
                                    else "%d problems" % len(problems)))
    sys.exit(1 if problems else 0)


main()

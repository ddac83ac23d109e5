"""Power cuts of a device's chip, for agent.py: a simulated ATECC608B, and a TPM that is swtpm.

The chip loses its power at a command of the agent's run: the agent says what happened, the identity
works when power is back, and the next run succeeds.

SPDX-License-Identifier: Apache-2.0
"""
import collections
import json
import os
import random
import re
import shutil
import subprocess
import time

import demo_check
import tpm_relay
from agent_device import Broken, Device, each, enough, lock, make_board, problem, tail

WRITES_MOST = 20  # of a renewal, on the disk and in the chip


class Atecc(Device):
    """A board whose chip is a simulated ATECC608B."""

    part_name = "ATECC608B"
    points = ("before", "write", "after", "answered")

    def __init__(self, o, bus, **more):
        super().__init__(o, "atecc-" + bus, chip="sim:%s/sim.sock#%s/u1" % (o.work, bus), **more)
        self.bus, self.part = bus, bus + "/u1"
        self.wire = demo_check.Chip(o.work + "/sim.sock", self.part)

    def control(self, what, **more):
        return json.loads(self.wire.ask(0x20, json.dumps(dict(more, do=what, chip=self.part)).encode()))

    def arm(self, number, point, chance):
        """The power goes at that point of the number-th command from now on."""
        where = ":%d" % chance.randrange(33) if point == "torn" else ""
        self.control("fault", rule="cut-%s@%d%s" % (point.replace("torn", "write"), number + 1, where))

    def disarm(self):
        """Power is back.  Gives whether it was gone."""
        gone = not [c for c in self.control("list")["chips"] if c["chip"] == self.part][0]["power"]
        self.control("clear")
        self.control("power", on=True)
        return gone

    def commands(self, verb):
        """The commands of a run, in order: 1 for each that writes."""
        trace = self.o.work + "/sim/bus.trace"
        start = os.path.getsize(trace)
        self.must(*verb)
        with open(trace, "rb") as f:
            f.seek(start)
            words = [line.split() for line in f.read().decode().splitlines()]
        return [w[5][4:6] == "12" or (w[5][4:6] == "40" and bool(int(w[5][6:8], 16) & 4)) for w in words
                if len(w) == 6 and w[1] == self.bus and w[2] == "W" and w[4] == "ack" and w[5].startswith("03")]

    def clear(self, *slots):
        """Zeroes into the slots' first blocks, as they are before anybody names a root."""
        for slot in slots:
            for block in range(3 if slot == 13 else 1):
                self.control("power", on=False)  # it may be awake
                self.control("power", on=True)
                self.wire.wake()
                self.wire.command(0x12, 0x82, block << 8 | slot << 3, bytes(32))


class Tpm(Device):
    """A device with a TPM, swtpm behind a relay; its first identity is by a one-time code."""

    part_name = "TPM"
    points = ("before", "during", "after", "answered")
    writing = ("EvictControl", "NV_UndefineSpace", "NV_DefineSpace", "NV_Write", "NV_WriteLock")

    def __init__(self, o, k):
        self.relay = tpm_relay.Tpm(o, "%s/tpm-%d" % (o.work, k))
        super().__init__(o, "tpm-%d" % k, chip="tpm:swtpm:path=" + self.relay.front,
                         more=("--trust", o.work + "/root.pem", "--label", "gateway"))
        self.relay.power(True)

    def arm(self, number, point, chance):
        self.relay.count, self.relay.cut_at = 0, None
        self.relay.rule = (number, point, chance.uniform(0, 0.004))

    def disarm(self):
        gone = self.relay.cut_at is not None
        self.relay.rule = None
        self.relay.power(True)
        return gone

    def commands(self, verb):
        del self.relay.codes[:]
        self.must(*verb)
        return [tpm_relay.NAMES.get(c) in self.writing for c in self.relay.codes]


class ChipScenario:
    """The verb while the chip loses its power at each command; prepare(d) before each."""

    def __init__(self, name, verb, keeps, prepare=None, again=("renew",), after=None, renews=True):
        self.name, self.verb, self.keeps, self.prepare = name, verb, keeps, prepare
        self.again, self.after, self.renews = again, after, renews


def one_chip_cut(s, d, number, point, chance):
    """The chip loses its power at the rule's command; power comes back, and life goes on."""
    if s.prepare:
        s.prepare(d)
    d.had_identity = s.keeps
    started = d.generation()
    d.arm(number, point, chance)
    p = d.agent(*s.verb)
    if not d.disarm():
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


def cuts_of(o, d, commands):
    """All points of each command that writes, one or all of the others; and writes torn at any byte."""
    changing = [n for n, writes in enumerate(commands) if writes]
    cuts = [(n, point) for n in range(len(commands)) for k, point in enumerate(d.points)
            if n in changing or (n % (20 if o.short else 1) == 0 and n % len(d.points) == k)]
    return cuts + [(n, "torn") for n in changing for _ in range(4) if d.part_name == "ATECC608B"]


def cut_chip(o, s, boards, count, figures):
    tally, total = collections.Counter(), 0
    began = time.time()
    if s.prepare:
        s.prepare(boards[0])
    commands = boards[0].commands(s.verb)
    name = "%s %s" % (boards[0].part_name, s.name)
    figures["chip"][name] = {"commands": len(commands), "writes": sum(commands)}
    if s.keeps and not s.prepare:
        total = figures["chip"][name]["total"] = sum(boards[0].changes(*s.verb)[0].values()) + sum(commands)
        if total > WRITES_MOST:
            problem(o, None, name, "%d writes" % total)
    cuts = cuts_of(o, boards[0], commands)

    def work(k):
        chance = random.Random("%d %s %d" % (o.seed, name, k))
        for number, point in cuts[k::o.workers]:
            cut = 1
            try:
                cut = one_chip_cut(s, boards[k], number, point, chance)
            except Broken as e:
                problem(o, boards[k], "%s, %s command %d" % (name, point, number), str(e))
            with lock:
                tally["cuts"] += cut
                tally["missed"] += not cut
            if enough():
                return

    each(o, work)
    figures["chip"][name].update(tally)
    count["chip_cuts"] += tally["cuts"]
    if tally["missed"] * 4 > tally["cuts"]:
        problem(o, None, name, "%d commands were not sent again" % tally["missed"])
    print("  %-10s %5d power cuts of its %s; %d commands, %d of them write%s   %d s" % (
        s.name, tally["cuts"], boards[0].part_name, len(commands), sum(commands),
        ", and %d times the disk" % (total - sum(commands)) if total else "", time.time() - began), flush=True)


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


def by_code(o, d):
    """A code for a device of its own: it is its first identity each time."""
    d.turn = getattr(d, "turn", 0) + 1
    name, code = "T-%s-%d" % (d.name, d.turn), d.folder + "/code"
    p = subprocess.run([o.rootsmith, "token", "create", "--device", name, "--product", "gateway", "--json"],
                       stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    if p.returncode != 0:
        raise Broken("no code: %s" % p.stderr.decode())
    with open(code, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as f:
        f.write(json.loads(p.stdout)["token"] + "\n")
    d.more[4:] = ["--name", name]
    return code


def wanted(o, part, *names):
    return [n for n in names if re.search(o.only, "%s/%s" % (part, n))]


def cut_ateccs(o, go):
    boards = [Atecc(o, "b%d" % k) for k in range(o.workers)]
    for d in boards:
        make_board(o, d, "o-atecc", d.bus.upper())
        d.must("enroll")
    go("chip", ChipScenario("enrol", ["enroll"], False, forget_all, again=["enroll"]), boards)
    go("chip", ChipScenario("anew", ["enroll", "--anew"], True), boards)
    go("chip", ChipScenario("re-key", ["renew"], True), boards)
    go("chip", ChipScenario("same-key", ["renew", "--same-key"], True), boards)


def cut_rolls(o, go):
    """Boards of our line that went over to the other installation."""
    rolls = [Atecc(o, "r%d" % k, server=o.old.url) for k in range(o.workers)]
    for d in rolls:
        make_board(o, d, "o-atecc", d.bus.upper())
        forget_roots(d)
        d.more, d.roots = ["--trust", o.elsewhere.at("old.pem")], [o.elsewhere.at(n) for n in ("old.pem", "new.pem")]
        d.must("enroll")
        without_configuration(d)
    go("chip", ChipScenario("first-root", ["renew"], True, forget_roots, after=without_configuration), rolls)
    for d in rolls:
        forget_roots(d)  # it may have moved to another place
        d.must("renew")
        d.more, d.server = [], o.rolling.url
        d.snapshot("enrolled")
    go("chip", ChipScenario("roll-over", ["trust"], True, before_roll, again=["trust"], after=under_the_new_root,
                            renews=False), rolls)


def cut_tpms(o, go):
    if not shutil.which("swtpm") or not shutil.which("swtpm_setup"):
        raise SystemExit("agent: no swtpm: ./dev setup prove")
    devices = [Tpm(o, k) for k in range(o.workers)]
    try:
        for d in devices:
            d.must("--token", by_code(o, d), "enroll")
        go("tpm", ChipScenario("re-key", ["renew"], True), devices)
        go("tpm", ChipScenario("same-key", ["renew", "--same-key"], True), devices)
    finally:
        for d in devices:
            d.relay.close()


def cut_all(o, count, figures):
    def go(part, s, devices):
        if wanted(o, part, s.name) and not enough():
            cut_chip(o, s, devices, count, figures)

    if wanted(o, "chip", "enrol", "anew", "re-key", "same-key"):
        cut_ateccs(o, go)
    if wanted(o, "chip", "first-root", "roll-over"):
        cut_rolls(o, go)
    if wanted(o, "tpm", "re-key", "same-key"):
        cut_tpms(o, go)

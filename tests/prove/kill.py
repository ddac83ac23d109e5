#!/usr/bin/env python3
"""Kill server, signer, stations and agents under load, again and again; time how soon they serve again.

Called by kill.sh with an installation that is set up and stopped.  Everything that is chosen comes
from the seed.  A kill at a mark (src/base/inject.h) counts for its window only when the process
itself noted that it died by that rule.  What the clients were given is judged afterwards by
kill_oracle.py; this program judges restarts, and that nobody ended who was not killed.
SPDX-License-Identifier: Apache-2.0
"""
import argparse
import collections
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time

from kill_agents import Agents

AWAY_LIMIT_S = 60     # longer: it does not come back at all
POLL_S = 0.002
BOARD_EVERY_S = 0.25  # a station's pace
OUTSTANDING = 2       # boards that wait for each fixture
STALL_PART = 0.4      # of the usual pace of a program that does nothing but breathe
BUSY = 1.0            # programs of others that want a processor, for each processor
SAMPLE_S = 0.25
TRY_AGAIN = 5         # exit code of rootsmith-station

LEDGER_STORE, STORE_ANSWER = "ledger sync..store commit", "store commit..answer"
# process, mark, window
MARKS = {"signer issue-synced": LEDGER_STORE, "front issue-recording": LEDGER_STORE,
         "front issue-recorded": STORE_ANSWER}
# kind, weight; "at": a rule at a mark; "all": the whole group, as when the power fails
KINDS = [("signer", 24), ("front", 22), ("all", 14), ("station", 14), ("at signer issue-synced", 8),
         ("at front issue-recording", 7), ("at front issue-recorded", 11)]


def now():
    return time.monotonic()


# ---- The server's processes ------------------------------------------------------------------

def proc_text(pid, name):
    try:
        with open("/proc/%d/%s" % (pid, name), "rb") as f:
            return f.read()
    except OSError:
        return b""


def is_live(pid):
    stat = proc_text(pid, "stat")
    return bool(stat) and stat.rpartition(b")")[2].split()[0] not in (b"Z", b"X")


def is_gone(pid):
    """Also its other threads: they hold files and sockets a little longer than the first."""
    stat = proc_text(pid, "stat")
    fields = stat.rpartition(b")")[2].split()
    return not stat or (fields[0] in (b"Z", b"X") and int(fields[17]) <= 1)


def send_kill(pid):
    """True: it was alive when it was killed."""
    if not is_live(pid):
        return False
    try:
        os.kill(pid, signal.SIGKILL)
        return True
    except ProcessLookupError:
        return False


class Server:
    def __init__(self, program, data, work, env):
        self.argv, self.log_path, self.env = [program, "--data", data], work + "/rootsmithd.log", env
        self.log = open(self.log_path, "ab")
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self.argv, stdout=self.log, stderr=self.log, env=self.env,
                                        stdin=subprocess.DEVNULL)

    def all_children(self):
        pid = self.process.pid
        return list(map(int, proc_text(pid, "task/%d/children" % pid).split()))

    def children(self):
        """{"front": pid, "signer": pid} of those that run."""
        found = {}
        for child in self.all_children():
            line = proc_text(child, "cmdline")
            if b"--front" in line:
                found["front"] = child
            elif b"rootsmith-signer\0" in line:
                found["signer"] = child
        return {name: child for name, child in found.items() if is_live(child)}

    def kill_all(self):
        """Supervisor, front and signer at one moment; started anew when the last is gone."""
        pids = self.all_children()
        killed = send_kill(self.process.pid)
        for pid in pids:
            send_kill(pid)
        self.process.wait()
        while not all(is_gone(p) for p in pids):
            time.sleep(POLL_S)
        self.start()
        return killed

    def stop(self):
        self.process.terminate()
        return self.process.wait(timeout=60)


# ---- What the load client noted ---------------------------------------------------------------

class Tail:
    """Whole lines that were added to a file."""

    def __init__(self, path):
        self.path, self.file, self.rest = path, None, b""

    def lines(self):
        if self.file is None:
            try:
                self.file = open(self.path, "rb", buffering=0)
            except FileNotFoundError:
                return []
        data = self.file.read()
        if not data:
            return []
        *lines, self.rest = (self.rest + data).split(b"\n")
        return lines


class Load:
    """
    est_load, and another one with further boards before it has none left: it makes its requests
    first, and the server must not wait for that.
    """

    def __init__(self, argv, log, connections, rate, batch):
        self.argv = argv + ["--log", log, "--connections", str(connections), "--rate", str(rate)]
        self.tail, self.batch, self.first = Tail(log), batch, 1
        self.asked, self.answered, self.processes = {}, 0, []
        self.got = collections.deque(maxlen=10000)  # (ms when first asked, ms when got)

    def start(self):
        self.processes.append(subprocess.Popen(
            self.argv + ["--first", str(self.first), "--count", str(self.batch)],
            stdout=subprocess.DEVNULL))
        self.first += self.batch

    def poll(self):
        for line in self.tail.lines():
            word, number, ms = line.split(b" ", 3)[:3]
            if word == b"asked":
                self.asked.setdefault(number, int(ms))
            elif word == b"got":
                self.answered += 1
                self.got.append((self.asked.pop(number, 0), int(ms)))
        for p in self.processes:
            if p.poll() not in (None, 0):
                raise RuntimeError("est_load ended with %d" % p.returncode)
        if self.first - 1 - self.answered < self.batch / 2:
            self.start()

    def answer_after(self, moment):
        """When a request was answered that was first asked after that moment; or None."""
        after = int(moment * 1000) + 1
        while self.got and self.got[0][0] < after:
            self.got.popleft()
        return (self.got[0][1] + 1) / 1000 if self.got else None

    def stop(self):
        for p in self.processes:
            p.send_signal(signal.SIGTERM)
        code = max(p.wait(timeout=120) for p in self.processes)
        for line in self.tail.lines():
            self.answered += line.startswith(b"got ")
        return code


# ---- A station ---------------------------------------------------------------------------------

class Station:
    """rootsmith-station, fed with boards; what it did not finish when it was killed comes again."""

    def __init__(self, program, folder, name, order, boards, fixtures):
        chip = "soft:%s/{serial}.rot" % boards
        self.argv = [program, "--data", folder, "run", "--ui", "none", "--order", order,
                     "--boards", "-"]
        for fixture in range(1, fixtures + 1):
            self.argv += ["--fixture", "%d=%s" % (fixture, chip)]
        self.name, self.fixtures, self.tail = name, fixtures, Tail(folder + "/events.jsonl")
        self.log = open(folder + "/run.log", "ab")
        self.open, self.passed, self.ends = {}, [], collections.Counter()  # open: board -> fixture
        self.next_board, self.next_time, self.last_end, self.process = 1, 0.0, 0.0, None

    def start(self):
        self.process = subprocess.Popen(self.argv, stdin=subprocess.PIPE, stdout=self.log,
                                        stderr=self.log)
        for board, fixture in self.open.items():
            self.feed(board, fixture)

    def feed(self, board, fixture):
        try:
            self.process.stdin.write(b"%d %s\n" % (fixture, board.encode()))
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # it died just now: it comes again at the next start

    def poll(self):
        for line in self.tail.lines():
            if b'"board.end"' in line:
                self.end(json.loads(line))
        if now() >= self.next_time:
            self.next_time = now() + BOARD_EVERY_S
            for fixture in range(1, self.fixtures + 1):
                if list(self.open.values()).count(fixture) < OUTSTANDING:
                    self.begin(fixture)

    def begin(self, fixture):
        board = "%s-%05d" % (self.name.upper(), self.next_board)
        self.next_board += 1
        self.open[board] = fixture
        self.feed(board, fixture)

    def end(self, event):
        board, state = event["serial"], event["state"]
        self.ends[state, event["code"]] += 1
        self.last_end = now()
        if board not in self.open:
            return
        if state == "pass":
            del self.open[board]
            self.passed.append(board)
        elif state == "again":
            self.feed(board, self.open[board])
        # anything else is final: the board stays open, and is reported

    def kill(self):
        killed = send_kill(self.process.pid)
        self.process.wait()
        self.process.stdin.close()
        self.start()
        return killed

    def finish(self, seconds):
        """Until all boards that were begun have passed; the names of those that have not."""
        self.next_time = float("inf")
        until = now() + seconds
        while self.open and now() < until:
            self.poll()
            time.sleep(0.01)
        self.process.stdin.close()
        self.process.wait(timeout=60)
        return sorted(self.open)


# ---- Was the machine itself away? ----------------------------------------------------------------

def foreign_runnable():
    """How many programs outside our process group run or wait for a processor."""
    ours, count = os.getpgrp(), 0
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = proc_text(int(name), "stat").rpartition(b")")[2].split()
            count += len(fields) > 2 and fields[0] == b"R" and int(fields[2]) != ours
    return count


def witness(path):
    """
    Sleep, think and sync a little, and note each round: what any program could do meanwhile.
    Now and then, note also who else wants the processors.
    """
    sampled, foreign = 0.0, 0
    fd = os.open(path + ".sync", os.O_WRONLY | os.O_CREAT, 0o600)
    out = open(path, "w", buffering=1, encoding="ascii")
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.005)
        sum(range(10000))
        os.pwrite(fd, b"x" * 512, 0)
        os.fdatasync(fd)
        if now() > sampled + SAMPLE_S:
            sampled, foreign = now(), foreign_runnable()
        out.write("%.4f %d\n" % (now(), foreign))


class Witness:
    def __init__(self, path):
        self.path = path
        self.process = subprocess.Popen([sys.executable, __file__, "--witness", path])

    def stop(self):
        self.process.kill()
        self.process.wait()
        lines = open(self.path, encoding="ascii").read().split("\n")[:-1]
        self.rounds = [(float(r), int(n)) for r, n in map(str.split, lines)]
        self.pace = len(self.rounds) / max(0.001, self.rounds[-1][0] - self.rounds[0][0])
        self.foreign = sum(n for _, n in self.rounds) / len(self.rounds)

    def was_stalled(self, begin, end):
        """The witness hardly moved, or others kept all processors busy: says nothing about us."""
        here = [n for r, n in self.rounds if begin <= r <= end]
        return (len(here) < STALL_PART * self.pace * (end - begin) or
                sum(here) / len(here) >= BUSY * (os.cpu_count() or 1))


# ---- The campaign ---------------------------------------------------------------------------------

class Campaign:
    def __init__(self, a):
        self.a, self.rng = a, random.Random(a.seed)
        self.rules_path, self.count_path = a.work + "/inject/rules", a.work + "/inject/count"
        os.makedirs(a.work + "/inject", exist_ok=True)
        self.rules("")
        open(self.count_path, "ab").close()
        env = dict(os.environ, ROOTSMITH_INJECT_FILE=self.rules_path,
                   ROOTSMITH_INJECT_COUNT=self.count_path)
        self.server = Server(a.server, a.data, a.work, env)
        self.load = Load(a.load, a.clients + "/load.log", a.connections, a.rate, a.batch)
        self.stations = [Station(a.station, "%s/%s" % (a.clients, name), name, a.line, a.boards, 2)
                         for name in a.stations.split(",")]
        self.kills, self.fired, self.windows = (collections.Counter() for _ in range(3))
        self.deaths, self.restarts, self.trouble = Tail(self.count_path), [], []
        # A generator of their own: how the machine runs decides how often they draw.
        self.agents = Agents(a.agent, a.url, a.boards, a.clients, a.agents.split(","),
                             random.Random(a.seed + 1), self.trouble)
        self.missed = self.tried_again = 0

    def rules(self, text):
        with open(self.rules_path + ".new", "w", encoding="ascii") as f:
            f.write(text + "\n")
        os.rename(self.rules_path + ".new", self.rules_path)

    def poll(self):
        self.load.poll()
        self.agents.poll()
        for s in self.stations:
            s.poll()
            code = s.process.poll()
            if code is not None:
                if code == TRY_AGAIN:  # it was started while the server was away
                    self.tried_again += 1
                else:
                    self.trouble.append("%s ended by itself: %s" % (s.name, code))
                s.start()
        if self.server.process.poll() is not None:
            self.trouble.append("the server ended by itself: %s" % self.server.process.returncode)
            self.server.start()

    def pause(self, seconds):
        until = now() + seconds
        while now() < until:
            self.poll()
            time.sleep(POLL_S)

    def serves_again(self, moment, when, what):
        """Wait until when() gives a time; it is how long the restart took."""
        self.poll()
        while when() is None:
            if now() > moment + AWAY_LIMIT_S:
                self.trouble.append("%s: not served again in %d s" % (what, AWAY_LIMIT_S))
                return
            time.sleep(POLL_S)
            self.poll()
        self.restarts.append((when() - moment, moment, what))

    def note_deaths(self):
        """Lines that processes wrote just before a rule killed them."""
        count = 0
        for line in self.deaths.lines():
            who, mark, _ = line.decode().split()
            self.fired["%s %s" % (who, mark)] += 1
            self.windows[MARKS["%s %s" % (who, mark)]] += 1
            count += 1
        return count

    def kill_at_mark(self, kind):
        """The process dies at its next passes of the mark; sometimes the others with it."""
        who, mark = kind.split()[1:]
        power = self.rng.random() < 1 / 3
        self.rules("%s:%s@%d=kill" % (who, mark, self.rng.randint(1, 6)))
        until = now() + 10
        fired, moment = 0, now()
        while not fired and now() < until:
            moment = now()  # it still lived, or died within this step
            self.poll()
            fired = self.note_deaths()
            if not fired:
                time.sleep(POLL_S)
        self.rules("")
        if not fired:
            self.missed += 1
            return None
        if power:
            self.server.kill_all()
        self.kills[kind + (", then all" if power else "")] += fired
        return moment

    def kill_at_random(self, kind):
        moment = now()
        if kind == "all":
            killed = self.server.kill_all()
        else:
            pid, until = None, now() + 0.5
            while pid is None and now() < until:
                pid = self.server.children().get(kind)
                moment = now()
            killed = pid is not None and send_kill(pid)
        self.kills[kind] += killed
        self.missed += not killed
        return moment if killed else None

    def kill_station(self):
        station = self.rng.choice(self.stations)
        moment = now()
        self.kills["station"] += station.kill()
        self.serves_again(moment, lambda: station.last_end if station.last_end > moment else None,
                          "station")

    def step(self):
        kind = self.rng.choices([k for k, _ in KINDS], [w for _, w in KINDS])[0]
        self.pause(self.rng.uniform(0, self.a.work_s))
        if kind == "station":
            self.kill_station()
            return
        moment = self.kill_at_mark(kind) if kind.startswith("at ") else self.kill_at_random(kind)
        if moment is None:
            return
        for _ in range(2):  # and sometimes again while it starts
            if self.rng.random() >= self.a.again:
                break
            self.pause(self.rng.uniform(0, 0.1))
            more = self.kill_at_random(self.rng.choice(["signer", "front", "all"]))
            if more is not None:
                moment, kind = more, "again"
        self.serves_again(moment, lambda: self.load.answer_after(moment), kind)
        self.note_twice()

    def note_twice(self):
        """A rule that was read by two processes before it was taken back has killed twice."""
        more = self.note_deaths()
        if more:
            self.kills["at a mark, again"] += more

    def killed(self):
        return sum(self.kills.values()) + self.agents.kills()

    def is_done(self):
        a, stations = self.a, self.kills["station"]
        return (self.killed() >= a.kills and self.load.answered >= a.certs and
                sum(self.kills.values()) - stations >= a.server_kills and
                self.agents.kills() >= a.agent_kills and
                all(self.windows[w] >= a.window for w in (LEDGER_STORE, STORE_ANSWER)))

    def run(self):
        self.server.start()
        self.load.start()
        for s in self.stations:
            s.start()
        while self.load.answer_after(0) is None:  # the clients make their requests first
            self.pause(0.1)
        self.begun, told = now(), now()
        while not self.is_done():
            self.step()
            if now() > self.begun + self.a.seconds:
                self.trouble.append("not done in %d s" % self.a.seconds)
                break
            if now() > told + 30:
                told = now()
                print("  %4d s  %d kills, %d of them agents, %d acknowledged, windows %d and %d" % (
                    told - self.begun, self.killed(), self.agents.kills(), self.load.answered,
                    self.windows[LEDGER_STORE], self.windows[STORE_ANSWER]), flush=True)
        self.took = now() - self.begun

    def end(self):
        """Let all finish what they began, then stop in good order and start once more: a clean end."""
        for s in self.stations:
            for board in s.finish(60):
                self.trouble.append("%s: board %s never passed" % (s.name, board))
        self.agents.finish()
        if self.load.stop() != 0:
            self.trouble.append("est_load failed")
        if self.server.stop() != 0:
            self.trouble.append("the server did not stop well")
        with open(self.a.clients + "/boards.txt", "w", encoding="ascii") as f:
            for s in self.stations:
                f.writelines(b + "\n" for b in s.passed)

    def abnormal_ends(self):
        """Children that the supervisor saw end by anything but SIGKILL; a signer whose front is
        gone ends by itself, in good order."""
        text = open(self.server.log_path, encoding="utf-8", errors="replace").read()
        ends = re.findall(r"the (front|signer) ended; starting it again +status=(\d+)", text)
        return ["%s, status %s" % e for e in ends if e[1] != "9" and e != ("signer", "0")]


# ---- Figures -----------------------------------------------------------------------------------------

def spread(values):
    values = sorted(values)
    at = lambda part: round(values[min(len(values) - 1, int(len(values) * part))], 3)  # noqa: E731
    return {"median": at(0.5), "p99": at(0.99), "max": at(1)} if values else {}


def judge(c, w):
    """Figures, and what is wrong with them."""
    a, wrong = c.a, list(c.trouble)
    slow = [(took, begin, what) for took, begin, what in c.restarts if took > a.restart_limit]
    stalled = [s for s in slow if w.was_stalled(s[1], s[1] + s[0])]
    for took, begin, what in slow[:30]:
        print("kill: restart of %.3f s after \"%s\" at %d s%s" % (
            took, what, begin - c.begun,
            ": the machine was stalled or busy" if (took, begin, what) in stalled else ""))
    if len(slow) > len(stalled):
        wrong.append("%d restarts above %.1f s" % (len(slow) - len(stalled), a.restart_limit))
    if 2 * len(stalled) > len(c.restarts):
        wrong.append("the machine had no time for half of the restarts: no verdict on them")
    for line in c.abnormal_ends():
        wrong.append("a child ended otherwise: " + line)
    ends = sum((s.ends for s in c.stations), collections.Counter())
    kinds = c.kills + c.agents.sum_of("kills")
    figures = {
        "kills": c.killed(), "kinds": dict(sorted(kinds.items())),
        "agents": c.agents.figures(), "disk_mb": folder_mb(a.work),
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        "acknowledged": c.load.answered, "seconds": round(c.took, 1),
        "windows": {n: c.windows[n] for n in (LEDGER_STORE, STORE_ANSWER)},
        "marks": dict(c.fired), "not_hit": c.missed,
        "stations_told_to_try_again": c.tried_again,
        "boards": sum(len(s.passed) for s in c.stations),
        "board_ends": {"/".join(k).rstrip("/"): n for k, n in ends.items()},
        "restart_limit_s": a.restart_limit, "restarts": len(c.restarts),
        "restart_s": spread([r[0] for r in c.restarts]),
        "restart_s_by_kind": {k: spread([r[0] for r in c.restarts if r[2] == k])
                              for k in sorted({r[2] for r in c.restarts})},
        "foreign_runnable": round(w.foreign, 2), "above_limit": len(slow),
        "above_limit_machine_stalled": len(stalled)}
    return figures, wrong


def folder_mb(path):
    total = 0
    for folder, _, names in os.walk(path):
        total += sum(os.lstat(os.path.join(folder, n)).st_blocks for n in names)
    return total >> 11


def show(figures, wrong):
    print("kill: %(kills)d kills, %(acknowledged)d certificates acknowledged, %(boards)d boards, "
          "%(seconds).0f s" % figures)
    for kind, n in figures["kinds"].items():
        print("kill:   %-40s %5d" % (kind, n))
    print("kill: agents: %(devices)d devices held %(held)d certificates; killed %(kills)d times, "
          "their identity worked each time; %(renewed_at_the_end)d renewed at the end"
          % figures["agents"] if not wrong else "kill: agents: see below")
    print("kill: agents: runs %(runs)s, refusals %(refusals)s" % figures["agents"])
    print("kill: %(disk_mb)d MB on the disk, %(memory_mb)d MB of memory here" % figures)
    for window, n in figures["windows"].items():
        print("kill: died between %s: %d" % (window, n))
    for kind, s in list(figures["restart_s_by_kind"].items()) + [("of any kind", figures["restart_s"])]:
        print("kill: restart %-28s median %.3f  p99 %.3f  max %.3f s" % (
            kind, s["median"], s["p99"], s["max"]))
    print("kill: limit %.1f s, above it %d, of these the machine stalled or busy in %d "
          "(programs of others that want a processor, mean: %.1f)" % (
              figures["restart_limit_s"], figures["above_limit"],
              figures["above_limit_machine_stalled"], figures["foreign_runnable"]))
    for text in wrong[:20]:
        print("kill: FOUND " + text)


def options():
    p = argparse.ArgumentParser()
    for name in ("server", "station", "agent", "load", "url", "data", "work", "clients", "boards",
                 "stations", "agents", "line", "json"):
        p.add_argument("--" + name, required=True)
    for name, kind, value in (("seed", int, 1), ("kills", int, 40), ("certs", int, 500),
                              ("server-kills", int, 20), ("agent-kills", int, 10),
                              ("window", int, 2), ("rate", float, 300), ("connections", int, 12),
                              ("batch", int, 4000), ("seconds", float, 2700),
                              ("work-s", float, 0.12), ("again", float, 0.25),
                              ("restart-limit", float, 1.0)):
        p.add_argument("--" + name, type=kind, default=value)
    a = p.parse_args()
    a.load = a.load.split("|")
    return a


def main():
    if sys.argv[1:2] == ["--witness"]:
        return witness(sys.argv[2])
    a = options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is ended, below
    print("kill: seed %d" % a.seed)
    c, w = Campaign(a), Witness(a.work + "/witness.txt")
    try:
        c.run()
        c.end()
    finally:
        w.stop()
        c.agents.stop()
        for p in c.load.processes + [c.server.process] + [s.process for s in c.stations]:
            if p is not None and p.poll() is None:
                p.kill()
    figures, wrong = judge(c, w)
    show(figures, wrong)
    json.dump(figures, open(a.json, "w", encoding="ascii"))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

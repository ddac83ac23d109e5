"""The boards of powercut.sh, of one family: cuts, classes, counts, and the search for keys.  None of our code is
linked; the simulator's socket and state files, raw SQL and the station's exit codes are what counts.

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import collections
import hashlib
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, HERE + "/../e2e"]
import demo_check  # noqa: E402
import leaks  # noqa: E402
import parts  # noqa: E402

POINTS = ["before", "write", "after", "answered"]
OPCODES = {0x02: "Read", 0x12: "Write", 0x16: "Nonce", 0x17: "Lock", 0x1B: "Random", 0x30: "Info",
           0x40: "GenKey", 0x41: "Sign", 0x45: "Verify", 0x47: "SHA", 0x24: "Counter"}
RUNS_MAX = 4
EXTRA = ("PLAIN-1", "TEETH-1")

problems = []
leaked = 0
lock = threading.Lock()


def leak(text):
    global leaked
    leaked += 1
    problem("a private key " + text)


def problem(text):
    with lock:
        problems.append(text)
        print("  FAIL %s" % text)


class Bench:
    """One fixture: a station of its own and a chip that is exchanged for a blank one."""

    def __init__(self, o, number):
        self.o = o
        self.station = "%s/sz-%d" % (o.work, number)
        self.chip = "b%d/u1" % number
        self.bus = "b%d" % number
        self.sock = o.work + "/sim.sock"
        self.keys, self.secrets, self.published = set(), set(), set()
        self.wire = demo_check.Chip(self.sock, self.chip)
        self.log = open("%s/boards-%d.log" % (o.work, number), "ab")

    def control(self, what, **more):
        ask = dict(more, do=what, chip=self.chip)
        return json.loads(self.wire.ask(0x20, json.dumps(ask).encode()))

    def state(self):
        return [c for c in self.control("list")["chips"] if c["chip"] == self.chip][0]

    def part(self):
        """What the part remembers, from the simulator's own file."""
        return json.load(open("%s/sim/chips/%s,u1.json" % (self.o.work, self.bus)))

    def harvest(self):
        """Private keys that the chip has now: what to look for; its channel's secret, if it is ours."""
        private, channel = parts.secrets(self.part())
        self.keys |= private
        self.secrets |= channel - self.published

    def run(self, serial):
        """The station's exit code, and its last word on the board."""
        p = subprocess.run(
            [self.o.station, "--data", self.station, "run", "--once", "--json", "--wait", "30",
             "--yes-irreversible", self.o.model,
             "--order", "o-1", "--serial", serial, "--fixture", "1=sim:%s#%s" % (self.sock, self.chip)],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        self.log.write(p.stdout + p.stderr)
        self.log.flush()
        self.harvest()
        ends = [json.loads(x) for x in p.stdout.splitlines() if b'"board.end"' in x]
        return p.returncode, ends[-1] if ends else {}

    def board(self, serial, rules):
        """A blank part, a cut in each run of the list, then power until it is over."""
        self.control("reset")
        self.control("power", on=True)
        self.published |= parts.secrets(self.part())[1]
        cuts, ends = 0, []
        for n in range(RUNS_MAX):
            if n < len(rules):
                self.control("fault", rule=rules[n])
            code, end = self.run(serial)
            cuts += not self.state()["power"]
            ends.append((code, end.get("state", "none"), end.get("code", "")))
            self.control("clear")
            if self.o.leave_off:
                break
            self.control("power", on=True)
            if n + 1 >= len(rules) and code != 5:
                break
            if code not in (0, 5):
                break
        return Board(serial, rules, cuts, ends, parts.left_open(self.part()), self.check(serial))

    def check(self, serial):
        """What the store says of the board, and whether the chip has that key."""
        db = sqlite3.connect("file:%s/store.db?mode=ro" % self.o.data, uri=True, timeout=30)
        rows = db.execute("SELECT d.der FROM certificate c JOIN certificate_der d USING "
                          "(tenant, issuer, serial) WHERE c.device = ?", (serial,)).fetchall()
        db.close()
        return [r[0] for r in rows]

    def proves(self, der):
        """A fresh challenge over the bus, judged by openssl with the certificate's key."""
        with tempfile.TemporaryDirectory() as tmp:
            open(tmp + "/der", "wb").write(der)
            pub = subprocess.run(["openssl", "x509", "-inform", "DER", "-in", tmp + "/der", "-noout",
                                  "-pubkey"], capture_output=True, check=True).stdout
            subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER", "-out", tmp + "/pub"],
                           input=pub, check=True)
            with open(os.devnull, "w") as null:
                if self.o.model.startswith("atecc"):
                    return subprocess.run([sys.executable, HERE + "/../e2e/demo_check.py", "challenge",
                                           self.sock, self.chip, tmp + "/pub"], stdout=null,
                                          stderr=null).returncode == 0
                open(tmp + "/nonce", "wb").write(os.urandom(32))
                if subprocess.run([self.o.rootsmith, "chip", "sign", "idevid", "--in", tmp + "/nonce", "-o",
                                   tmp + "/sig", "--chip", "sim:%s#%s" % (self.sock, self.chip),
                                   "--channel-secret", self.station + "/channel.secret"], stdout=null,
                                  stderr=null).returncode != 0:
                    return False
                return subprocess.run(["openssl", "dgst", "-sha256", "-verify", tmp + "/pub", "-keyform", "DER",
                                       "-signature", tmp + "/sig", tmp + "/nonce"], stdout=null,
                                      stderr=null).returncode == 0


class Board:
    def __init__(self, serial, rules, cuts, ends, left_open, certs):
        self.serial, self.rules, self.cuts, self.ends = serial, rules, cuts, ends
        self.left_open, self.certs = left_open, certs
        code, state, word = ends[-1]
        if code == 0 and state == "pass":
            again = any(c != 0 for c, _, _ in ends)
            self.kind = "resumed" if again else "complete"
        elif state == "scrap":
            self.kind = "scrapped"
        else:
            self.kind = "lost"

    def faults(self):
        """What is wrong with it; nothing, when the claim holds."""
        if self.kind == "lost":
            yield "neither complete nor resumed nor scrapped: %s" % (self.ends,)
            return
        if len(self.certs) > 1 or (self.kind != "scrapped" and len(self.certs) != 1):
            yield "%d certificates" % len(self.certs)
        if self.kind != "scrapped" and self.left_open:
            yield "it passed and the part is open: %s" % self.left_open
        if any(state == "reject" for _, state, _ in self.ends):
            yield "it was rejected: %s" % (self.ends,)


def commands_of(trace, bus):
    """Opcodes of the commands of the bus, in order."""
    found = []
    for line in open(trace):
        word = line.split()
        if word[1] == bus and word[2] == "W" and word[4] == "ack" and len(word) == 6 and \
                word[5].startswith("03"):
            found.append(int(word[5][4:6], 16))
    return found


def spread(items, count):
    if count == 0 or count >= len(items):
        return items
    return [items[(2 * i + 1) * len(items) // (2 * count)] for i in range(count)]


def make_boards(o, benches, plan):
    """All boards of the plan, on all fixtures at once."""
    todo, done = collections.deque(enumerate(plan)), []

    def work(bench):
        while True:
            try:
                n, (name, rules) = todo.popleft()
            except IndexError:
                return
            try:
                board = bench.board(name, rules)
                board.proved = board.kind == "scrapped" or len(board.certs) != 1 or \
                    bench.proves(board.certs[0])
            except Exception as e:  # a thread must not end in silence
                problem("%s %s: %r" % (name, rules, e))
                continue
            for text in board.faults():
                problem("%s cut at %s: %s" % (name, "+".join(rules), text))
            if not board.proved:
                problem("%s: the chip has not the certificate's key" % name)
            with lock:
                done.append(board)
                if len(done) % 100 == 0:
                    print("  %d of %d boards" % (len(done), len(plan)), flush=True)

    threads = [threading.Thread(target=work, args=(b,)) for b in benches]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return done


# ---- Keys ----------------------------------------------------------------------------------------


def is_sanitized(pid):
    return any("asan" in line for line in open("/proc/%d/maps" % pid))


def children(pid):
    found = [pid]
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                text = open("/proc/%s/stat" % entry).read()
            except OSError:
                continue
            if int(text.rsplit(")", 1)[1].split()[1]) == pid:
                found += children(int(entry))
    return found


def core_in(folder):
    cores = [folder + "/" + f for f in os.listdir(folder) if re.fullmatch(r"core(\.\d+)?", f)]
    return cores[0] if cores else None


def live_station(o):
    """A station with a board behind it, still running."""
    sock = o.work + "/sim.sock"
    folder = o.work + "/core-station"
    os.mkdir(folder)
    p = subprocess.Popen([o.station, "--data", o.work + "/sz-1", "run", "--json", "--order", "o-1",
                          "--yes-irreversible", o.model, "--boards", "-",
                          "--fixture", "1=sim:%s#b1/u1" % sock], cwd=folder,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    p.stdin.write(b"1 CORE-1\n")
    p.stdin.flush()
    for line in p.stdout:
        if b'"board.end"' in line:
            break
    return p, folder


def can_dump():
    """A process of nobody's in particular leaves a core here: 1, or the answer is worth nothing."""
    with tempfile.TemporaryDirectory() as tmp:
        p = subprocess.Popen(["sleep", "60"], cwd=tmp)
        p.send_signal(signal.SIGABRT)
        return os.WCOREDUMP(os.waitpid(p.pid, 0)[1])


def memories(o, search, figures):
    """Memory and cores of all programs; the simulator's must have keys, or the search is blind."""
    station, folder = live_station(o)
    if is_sanitized(station.pid):
        print("  memory: not read in a build with sanitizers (its shadow is terabytes)")
        station.kill()
        station.wait()
        return
    server = children(o.server)
    path = o.work + "/image"
    read = 0
    for name, pid in [("station", station.pid)] + [("rootsmithd", p) for p in server]:
        size = leaks.image(pid, path)
        read += size > 0
        if size > 0 and search.in_file(path):
            leak("in the memory of %s" % name)
    size = leaks.image(o.sim, path)
    if size == 0 or "raw" not in search.in_file(path):
        problem("the search does not find the simulator's own keys in its memory")
    os.unlink(path)
    figures["memories_searched"] = read
    print("  memory of %d processes: no key; the simulator's: found, as it must be" % read)
    figures["cores_can_be_made_here"] = bool(can_dump())
    station.send_signal(signal.SIGABRT)
    dumped = os.WCOREDUMP(os.waitpid(station.pid, 0)[1])
    core = core_in(folder)
    if core and search.in_file(core):
        leak("in the station's core")
    if dumped:
        problem("the station can be dumped, and it holds the key of its own certificate")
    figures["station_core"] = "searched" if core else "elsewhere" if dumped else "none: not dumpable"
    # Those that start others last: they would start them again.  One may end with another.
    left = aborted = 0
    for pid in reversed(server):
        try:
            folder = os.readlink("/proc/%d/cwd" % pid)
            os.kill(pid, signal.SIGABRT)
        except OSError:
            continue
        aborted += 1
        time.sleep(1)
        core = core_in(folder)
        left += core is not None
        if core and search.in_file(core):
            leak("in a core of the server")
        if core:
            os.unlink(core)
    figures["server_aborted"], figures["server_cores"] = aborted, left
    print("  cores: a plain process %s; station %s; server: %d of %d" % (
        "dumps" if figures["cores_can_be_made_here"] else "does not dump", figures["station_core"], left,
        aborted))
    # The control: the one program that has the keys leaves them in its core.
    os.kill(o.sim, signal.SIGABRT)
    time.sleep(2)
    core = core_in(o.work + "/sim")
    if core and "raw" not in search.in_file(core):
        problem("the search does not find the simulator's keys in its core")
    if core:
        print("  the simulator's core: keys found, as it must be")
        os.unlink(core)
    figures["control_core"] = bool(core)


def all_files(o):
    for top in [o.data] + [o.work + "/sz-%d" % (n + 1) for n in range(o.workers)] + [o.work]:
        for folder, below, names in os.walk(top):
            if folder == o.work:
                below[:] = [b for b in below if b == "config"]
            for name in names:
                path = folder + "/" + name
                if os.path.isfile(path) and not name.startswith("needles"):
                    yield path
    yield o.work + "/sim/rest.trace"


def whole(key):
    """Torn while it was made, a key has pieces that could be anything: leaks.py leaves them out."""
    return len(list(leaks.pieces([key]))) == len(key) // leaks.PIECE


def plant(o, search, key):
    """Each form of a key in a copy of each kind of file: all must be found."""
    planted = missed = 0
    for kind in ("sim/rest.trace", "sz-1/journal", "sz-1/events.jsonl", "rootsmithd.log", "boards-1.log",
                 "acme/store.db"):
        data = open(o.work + "/" + kind, "rb").read()[:1 << 18]
        at = random.randrange(len(data))
        if search.in_bytes(data):
            problem("%s is not clean before planting" % kind)
        for name, form in leaks.forms(key):
            planted += 1
            if not search.in_bytes(data[:at] + form + data[at:]):
                missed += 1
                problem("a planted key is not found: %s in %s" % (name, kind))
    return planted, planted - missed


def search_all(o, keys, secrets, figures):
    # The station's and the server's own keys are no chip's; what is looked for are the chips'.
    memories(o, leaks.Search(o.work, keys), figures)
    # Set aside: the commands that give a part its channel's secret, which it can take in no other way.
    given = parts.set_aside(o.work + "/sim/bus.trace", o.work + "/sim/rest.trace", o.work + "/sim/given", o.kind)
    if given and leaks.Search(o.work, keys).in_file(o.work + "/sim/given"):
        leak("where a channel's secret is given")
    figures["channel_secrets"], figures["secrets_given"] = len(secrets), given
    search = leaks.Search(o.work, keys | secrets)
    for path in sorted(set(all_files(o))):
        for form in search.in_file(path):
            leak("as %s in %s" % (form, path))
    for name, data in leaks.wires(o.work + "/sim/rest.trace").items():
        for form in search.in_bytes(data):
            leak("as %s on the wire %s" % (form, name))
    figures["private_keys"] = len(keys)
    figures["searched_files"], figures["searched_bytes"] = search.files, search.bytes
    blind = sum("hex" not in search.in_file("%s/sim/chips/b%d,u1.json" % (o.work, n + 1))
                for n in range(o.workers))
    if blind:
        problem("the search does not find the keys in the simulator's own state files")
    planted, found = plant(o, search, random.choice(sorted(k for k in keys if whole(k))))
    figures["planted"], figures["planted_found"] = planted, found
    print("  %d keys, %d needles in %d files and memories, %d bytes: %s; planted %d, found %d" % (
        len(keys), search.count, figures["searched_files"], figures["searched_bytes"],
        "found %d times" % leaked if leaked else "none", planted, found))


# ---- The whole -----------------------------------------------------------------------------------


def teeth(o, bench):
    """A board that nobody gives power again is told from one that is finished."""
    o.leave_off = True
    board = bench.board(EXTRA[1], ["cut-after@40"])
    o.leave_off = False
    bench.control("power", on=True)
    if board.kind != "lost" or board.cuts != 1 or not list(board.faults()):
        problem("a board left without power counts as %s" % board.kind)
    code, end = bench.run(EXTRA[1])
    if code != 0:
        problem("and is not resumed afterwards: %d %s" % (code, end.get("code")))


def measure(o, bench):
    """A board without a cut: which commands the recipe has; of others than the ATECC, how many."""
    start = len(commands_of(o.work + "/sim/bus.trace", bench.bus))
    board = bench.board(EXTRA[0], [])
    if board.kind != "complete" or list(board.faults()):
        raise SystemExit("a board without a cut: %s %s" % (board.ends, list(board.faults())))
    if o.model.startswith("atecc"):
        return commands_of(o.work + "/sim/bus.trace", bench.bus)[start:]
    return [None] * bench.control("stats")["commands"]


def tally(done, commands, figures):
    table = collections.Counter()
    by_code = collections.Counter()
    for b in done:
        n, point = b.rules[0].split("@")[1], b.rules[0].split("@")[0][4:]
        table[(OPCODES.get(commands[int(n.split(":")[0]) - 1], "all"), point, b.kind)] += 1
        by_code[b.kind] += 1
        figures["cuts"] = figures.get("cuts", 0) + b.cuts
    names = sorted({k[0] for k in table}, key=lambda n: [OPCODES.get(c, "all") for c in commands].index(n))
    print("  %-8s %s" % ("", "  ".join("%-24s" % p for p in POINTS)))
    for name in names:
        cells = ["%d complete %d resumed %d scrapped" % tuple(
            table[(name, p, k)] for k in ("complete", "resumed", "scrapped")) for p in POINTS]
        print("  %-8s %s" % (name, "  ".join("%-24s" % c.replace(" complete", "c").replace(
            " resumed", "r").replace(" scrapped", "s") for c in cells)))
    return by_code


def prove(o):
    random.seed(o.seed)
    began = time.time()
    benches = [Bench(o, n + 1) for n in range(o.workers)]
    figures = {}
    commands = measure(o, benches[0])
    teeth(o, benches[0])
    cuts = [(n, p) for n in range(1, len(commands) + 1) for p in POINTS]
    chosen = spread(cuts, o.cuts)
    print("powercut: seed %d, %d commands x %d points, %d boards with one cut, %d with two" % (
        o.seed, len(commands), len(POINTS), len(chosen), o.twice), flush=True)
    plan = [("C-%d-%s" % (n, p), ["cut-%s@%d" % (p, n)]) for n, p in chosen]
    done = make_boards(o, benches, plan)
    once = tally(done, commands, figures)
    if sum(b.cuts for b in done) != len(plan):
        problem("%d of %d boards lost their power" % (sum(b.cuts for b in done), len(plan)))
    twice = []
    for n in range(o.twice):
        rules = ["cut-%s@%d" % (random.choice(POINTS), random.randrange(1, len(commands)))]
        rules.append("cut-%s@%d" % (random.choice(POINTS), random.randrange(1, len(commands))))
        if n % 3 == 0:  # a tear at any byte of the block
            rules[0] = "cut-write@%s:%d" % (rules[0].split("@")[1], random.randrange(0, 33))
        twice.append(("T-%d" % n, rules))
    double = make_boards(o, benches, twice)
    kinds = once + collections.Counter(b.kind for b in double)
    boards = done + double
    certs = [c for b in boards for c in b.certs]
    if len({hashlib.sha256(c).digest() for c in certs}) != len(certs):
        problem("two boards have one certificate")
    figures.update(
        commands=len(commands), points=len(POINTS), boards=len(boards) + len(EXTRA), one_cut=len(done),
        two_cuts=len(double), second_cuts_hit=sum(b.cuts == 2 for b in double), complete=kinds["complete"],
        resumed=kinds["resumed"], scrapped=kinds["scrapped"], lost=kinds["lost"],
        certificates=len(certs), runs=sum(len(b.ends) for b in boards))
    figures["scrap_codes"] = dict(collections.Counter(
        b.ends[-1][2] for b in boards if b.kind == "scrapped"))
    print("  %(boards)d boards, %(cuts)d first cuts, %(second_cuts_hit)d second: %(complete)d complete, "
          "%(resumed)d resumed, %(scrapped)d scrapped, %(lost)d lost; %(certificates)d certificates"
          % figures, flush=True)
    keys = set().union(*(b.keys for b in benches))
    if len(keys) < len(certs):
        problem("%d private keys for %d certificates" % (len(keys), len(certs)))
    counted(o, figures)
    search_all(o, keys, set().union(*(b.secrets for b in benches)), figures)
    figures["seconds"] = round(time.time() - began)
    json.dump(figures, open(o.work + "/figures.json", "w"))


def counted(o, figures):
    """The server's counts are those of the boards: each once."""
    text = subprocess.run([o.rootsmith, "order", "show", "o-1", "--json"], capture_output=True, check=True)
    counts = json.loads(text.stdout)["counts"]
    good = figures["complete"] + figures["resumed"] + len(EXTRA)
    print("  the order counts %d good, %d scrapped, %d rejected" % (
        counts["good"], counts["scrapped"], counts["rejected"]))
    if counts["good"] != good or counts["scrapped"] != figures["scrapped"] or counts["rejected"] != 0:
        problem("the order says %s, the boards %d good, %d scrapped" % (counts, good, figures["scrapped"]))
    db = sqlite3.connect("file:%s/store.db?mode=ro" % o.data, uri=True)
    rows = db.execute("SELECT count(*), count(DISTINCT device), count(DISTINCT key_hash) FROM certificate "
                      "WHERE object = 'idevid'").fetchone()
    db.close()
    figures["store_certificates"] = rows[0]
    if len(set(rows)) != 1 or rows[0] != figures["certificates"] + len(EXTRA):
        problem("the store has %d certificates for %d boards and %d keys" % rows)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--work", required=True)
    p.add_argument("--data")
    p.add_argument("--station")
    p.add_argument("--server", type=int)
    p.add_argument("--sim", type=int)
    p.add_argument("--kind", default="blank608b")
    p.add_argument("--model", default="atecc608b")
    for name, value in (("workers", 4), ("cuts", 0), ("twice", 0), ("seed", 1)):
        p.add_argument("--" + name, type=int, default=value)
    p.add_argument("--rootsmith")
    o = p.parse_args()
    o.leave_off = False
    prove(o)
    print("  %d problems" % len(problems))
    sys.exit(1 if problems else 0)


main()

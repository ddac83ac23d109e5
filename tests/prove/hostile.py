"""The runs of hostile.sh: who makes them, what became of the boards, and whether server and journal agree.

What became of a part is judged beside its simulator (tests/hostile/judge.c).  Here are the rest: the
store by raw SQL, the stations' journals by their document, and the search for keys.

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import collections
import hashlib
import json
import os
import queue
import random
import re
import sqlite3
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import leaks  # noqa: E402

# Name, kind of the simulator, model of the order, channel, its share of all runs, and the transactions
# of a board that nobody disturbs, about: what is done to a run has its place among so many.
FAMILIES = [
    ("atecc608b-on", "blank608b", "atecc608b", "on", 15, 600),
    ("atecc608b-off", "blank608b", "atecc608b", "off", 15, 550),
    ("se050-on", "blank-se050", "se050", "on", 14, 350),
    ("se050-off", "blank-se050", "se050", "off", 8, 375),
    ("stsafe-a110-on", "blank-a110", "stsafe-a110", "on", 14, 230),
    ("stsafe-a110-off", "blank-a110", "stsafe-a110", "off", 8, 212),
    ("stsafe-a120-on", "blank-a120", "stsafe-a120", "on", 10, 230),
    ("optiga-trust-m3-on", "blank-m3", "optiga-trust-m3", "on", 16, 1290),
]
CHUNK = 250
SAMPLE = 12  # runs of each family whose wire and secrets are kept
SHOWN = int(os.environ.get("RS_SHOWN", "20"))  # problems, before it is only counted

problems = []
lock, taking = threading.Lock(), threading.Lock()


def problem(text):
    with lock:
        problems.append(text)
        if len(problems) <= SHOWN:
            print("\r  FAIL %s" % text, flush=True)
        elif len(problems) == SHOWN + 1:
            print("\r  FAIL and more of that", flush=True)


class Tally:
    def __init__(self, o):
        self.o = o
        self.boards = {}  # label -> what became of it
        self.likes = []  # labels of boards that nobody disturbed
        self.runs = 0
        self.ends = collections.Counter()
        self.kinds = collections.Counter()
        self.swaps = collections.Counter()
        self.by_family = collections.defaultdict(collections.Counter)
        self.hits = 0
        self.attempts = 0
        self.began = time.time()

    def take(self, family, r):
        if "learned" in r:
            self.likes.append((r["learned"], family[2]))
            if not 0.9 < r["transactions"] / family[5] < 1.1:
                problem("%s: a board takes %d transactions, not %d" % (family[0], r["transactions"], family[5]))
            return
        self.runs += 1
        for text in r["problems"]:
            problem("%s: %s\n       (%s)\n       again: tests/prove/hostile.sh --seed %d --family %s --run %d" % (
                family[0], text, r["plan"], self.o.seed, family[0], r["run"]))
        self.kinds.update(set(r["kinds"]))
        for b in r["boards"]:
            b["model"] = family[2]
            self.boards[b["label"]] = b
            self.hits += b["hits"]
            self.attempts += len(b["ends"])
            b["kind"] = kind_of(b)
            self.by_family[family[0]][b["kind"]] += 1
            for e in b["ends"]:
                self.ends[e[0] + (" " + e[1] if e[1] else "")] += 1
        self.take_swap(r["swap"])

    def take_swap(self, s):
        if not s["happened"]:
            return
        self.swaps["exchanged"] += 1
        if not s["known"]:
            self.swaps["before_known"] += 1
        elif not s["effect"]:
            self.swaps["without_effect"] += 1
        else:
            self.swaps["with_effect"] += 1
            self.swaps["noticed"] += s["noticed"]

    def draw(self, end="\r"):
        done, all_ = self.runs, self.o.runs
        seconds = max(time.time() - self.began, 0.001)
        bar = "#" * (30 * done // max(all_, 1))
        print("  [%-30s] %d of %d runs, %.0f/s, %d problems   " % (
            bar, done, all_, done / seconds, len(problems)), end=end, flush=True)


def kind_of(b):
    state = b["ends"][-1][0]
    if state == "pass":
        return "provisioned"
    if state == "scrap":
        return "scrapped"
    if state == "reject":
        return "untouched" if b["verdict"] == "untouched" and not b["identity_used"] else "rejected"
    return "lost"


# ---- Running ---------------------------------------------------------------------------------------


def command(o, family, home, first, count, more=()):
    name, kind, model, variant, _, length = family
    return [o.line, "run", "--home", "%s/%s" % (o.work, home), "--makers", o.work + "/makers", "--order",
            "o-" + model, "--kind", kind, "--model", model, "--variant", variant, "--name", name, "--seed",
            str(o.seed), "--first", str(first), "--count", str(count), "--length", str(length), *more]


def jobs_of(o):
    """Pieces of each family, mixed, so that every minute has some of all."""
    jobs, whole = [], sum(f[4] for f in FAMILIES)
    left = o.runs
    for n, family in enumerate(FAMILIES):
        count = left if n + 1 == len(FAMILIES) else o.runs * family[4] // whole
        left -= count
        size = min(CHUNK, max(1, count // o.workers + 1))
        for first in range(0, count, size):
            jobs.append((family, first, min(size, count - first)))
    random.Random(o.seed).shuffle(jobs)
    return jobs


def work(o, tally, todo, home):
    while True:
        try:
            family, first, count = todo.get_nowait()
        except queue.Empty:
            return
        more = []
        if first < SAMPLE:
            more = ["--trace", "%s/%s.trace" % (o.work, family[0]), "--secrets", "%s/%s.secrets" % (o.work, family[0])]
        done = 0
        with open("%s/%s.log" % (o.work, home), "ab") as log:
            p = subprocess.Popen(command(o, family, home, first, count, more), stdout=subprocess.PIPE, stderr=log)
            for line in p.stdout:
                r = json.loads(line)
                done += "run" in r
                with taking:
                    tally.take(family, r)
            if p.wait() != 0 or done != count:
                log.flush()
                tail = open(log.name, errors="replace").read()[-600:]
                problem("%s: %d of %d runs from %d on, exit %d\n%s" % (
                    family[0], done, count, first, p.returncode, tail))


def run_all(o, tally):
    todo = queue.Queue()
    for job in jobs_of(o):
        todo.put(job)
    threads = [threading.Thread(target=work, args=(o, tally, todo, "sz-%d" % (n + 1))) for n in range(o.workers)]
    for t in threads:
        t.start()
    pause = 1 if sys.stdout.isatty() else 30
    while any(t.is_alive() for t in threads):
        for t in threads:
            t.join(pause / len(threads))
        tally.draw("\r" if sys.stdout.isatty() else "\n")
    tally.draw("\n")


def again(o):
    """One run, with everything that was on its wire."""
    family = next((f for f in FAMILIES if f[0] == o.family), None)
    if family is None:
        sys.exit("hostile: no such family; there are: %s" % ", ".join(f[0] for f in FAMILIES))
    trace = o.work + "/trace"
    p = subprocess.run(command(o, family, "sz-1", o.run, 1, ["--trace", trace]), stdout=subprocess.PIPE, check=False)
    if p.returncode != 0:
        return 1
    r = json.loads(p.stdout.splitlines()[-1])
    with open(trace) as f:
        sys.stdout.write(f.read())
    print("plan: %s" % r["plan"])
    for b in r["boards"]:
        print("%s: %s %s" % (b["label"], b["verdict"], b["why"] if b["verdict"] == "other" else ""))
        for n, e in enumerate(b["ends"]):
            print("  attempt %d: %s %s (%s) %s%s" % (
                n + 1, e[0], e[1], e[2], e[3], ", begun anew after " + e[4] if e[4] else ""))
    print("exchange: %s" % r["swap"])
    for text in r["problems"]:
        print("  FAIL %s" % text)
    return 1 if r["problems"] else 0


# ---- The journals (docs/protocols/station.md) ---------------------------------------------------------

BEGIN, SEAL, ASK, CERT, END = 1, 2, 3, 4, 5


def records(path):
    data = open(path, "rb").read()
    assert data[:8] == b"RSSJ0001", path
    at, number = 8, 0
    while at < len(data):
        size, _ = struct.unpack_from(">II", data, at)
        body = data[at + 8:at + 8 + size]
        at += 8 + size
        n, _, _, kind = struct.unpack_from(">QQQB", body)
        number += 1
        assert n == number, "%s: a gap at %d" % (path, n)
        fields, p = {}, 25
        while p < len(body):
            f, length = struct.unpack_from(">BH", body, p)
            fields[f] = body[p + 3:p + 3 + length]
            p += 3 + length
        yield kind, fields


def read_journals(o):
    """Of each label: how it ended, each time; of each chip: the certificates."""
    ends, certs = collections.defaultdict(list), collections.defaultdict(set)
    for n in range(o.workers):
        for kind, f in records("%s/sz-%d/journal" % (o.work, n + 1)):
            if kind == END:
                ends[f[2].decode()].append((f[9].decode(), f[10].decode()))
            elif kind == CERT:
                certs[f[5].hex()].add(hashlib.sha256(f[8]).hexdigest())
    return ends, certs


def check_journals(o, tally, figures):
    ends, certs = read_journals(o)
    for label, b in tally.boards.items():
        if ends[label] != [(e[0], e[1]) for e in b["ends"]]:
            problem("%s: the journal has %s, it ended %s" % (label, ends[label], b["ends"]))
        if b["kind"] == "provisioned" and certs[b["uid"]] != {b["cert"]}:
            problem("%s: the journal has another certificate for the part" % label)
    twice = [uid for uid, c in certs.items() if len(c) > 1]
    for uid in twice:
        problem("the journal has %d certificates for the part %s" % (len(certs[uid]), uid))
    figures["journal_ends"] = sum(len(e) for e in ends.values())


# ---- The server's record --------------------------------------------------------------------------------

ACTIVE, SCRAPPED = 3, 6  # of the column "state" of "device"


class Store:
    def __init__(self, path):
        self.db = sqlite3.connect("file:%s/store.db?mode=ro" % path, uri=True)
        self.certs = collections.defaultdict(list)
        for device, key, print_ in self.rows("SELECT device, key_hash, fingerprint FROM certificate "
                                             "WHERE object = 'idevid'"):
            self.certs[device].append((key.hex(), print_.hex()))
        self.devices = {d: (state, uid.hex()) for d, state, uid in self.rows(
            "SELECT device, state, chip_uid FROM device")}
        self.reports = collections.defaultdict(list)
        for device, state, code, uid in self.rows("SELECT device, state, code, chip_uid FROM board "
                                                  "ORDER BY station, seq"):
            self.reports[device].append((state, code, uid.hex()))

    def rows(self, sql):
        return self.db.execute(sql).fetchall()


def check_board(store, label, b):
    certs, device = store.certs.get(label, []), store.devices.get(label)
    counted = [(e[0], e[1]) for e in b["ends"] if e[0] not in ("label", "stop")]
    if [(s, c) for s, c, _ in store.reports.get(label, [])] != counted:
        problem("%s: the server was told %s, it ended %s" % (label, store.reports.get(label), b["ends"]))
    if b["kind"] == "provisioned":
        if len(certs) != 1 or certs[0] != (b["key"], b["cert"]):
            problem("%s: the server has %d certificates, and not the one of the part" % (label, len(certs)))
        if device is None or device != (ACTIVE, b["uid"]):
            problem("%s: the server's device is %s, the part %s" % (label, device, b["uid"]))
    elif b["kind"] == "scrapped":
        if len(certs) > 1 or device is None or device[0] != SCRAPPED:
            problem("%s: scrapped, and the server has %d certificates, device %s" % (label, len(certs), device))
    elif certs or (device is not None and device[0] != SCRAPPED):
        problem("%s: %s (%s), and the server has an identity that nobody scrapped: %s" % (
            label, b["kind"], b["ends"][-1][1], device))


def check_store(o, tally, figures):
    store = Store(o.data)
    for label, b in tally.boards.items():
        check_board(store, label, b)
    rows = [(d,) + c for d, cs in store.certs.items() for c in cs]
    for n, what in ((0, "device"), (1, "key"), (2, "certificate")):
        several = [k for k, c in collections.Counter(r[n] for r in rows).items() if c > 1]
        for k in several[:5]:
            problem("two identities of one %s: %s" % (what, k))
    chips = collections.Counter(u for s, u in store.devices.values() if u)
    for uid in [u for u, c in chips.items() if c > 1][:5]:
        problem("two devices with the part %s" % uid)
    unknown = set(store.certs) - set(tally.boards) - {name for name, _ in tally.likes}
    if unknown:
        problem("%d identities of nobody: %s" % (len(unknown), sorted(unknown)[:3]))
    figures["certificates"] = len(rows)
    check_counts(o, tally, figures)


def check_counts(o, tally, figures):
    total = collections.Counter()
    for model in sorted({f[2] for f in FAMILIES}):
        text = subprocess.run([o.rootsmith, "order", "show", "o-" + model, "--json"], capture_output=True, check=True)
        counts = json.loads(text.stdout)["counts"]
        want = collections.Counter()
        want["good"] = sum(1 for _, m in tally.likes if m == model)
        for b in tally.boards.values():
            if b["model"] != model:
                continue
            state = b["ends"][-1][0]
            want["good"] += state == "pass"
            want["scrapped"] += state == "scrap"
            want["rejected"] += state == "reject"
        for what in ("good", "scrapped", "rejected"):
            total[what] += counts[what]
            if counts[what] != want[what]:
                problem("order o-%s counts %d %s, there are %d" % (model, counts[what], what, want[what]))
    figures["counted"] = dict(total)
    print("  the orders count %d good, %d scrapped, %d rejected" % (
        total["good"], total["scrapped"], total["rejected"]))


# ---- Keys ---------------------------------------------------------------------------------------------------

PRIVATE = re.compile(r"private|^slots/[01]$|key$|E0F[01]")


def secrets_of(o, name):
    """Private keys, and what of the channel's secrets never crosses a wire in clear."""
    keys = set()
    try:
        lines = open("%s/%s.secrets" % (o.work, name)).read().split("\n")
    except OSError:
        return keys
    for line in lines:
        path, _, text = line.partition(" ")
        if text and PRIVATE.search(path):
            raw = bytes.fromhex(text)
            raw = raw[4:36] if path.startswith("slots/") else raw[:32]
            if len(set(raw)) > 4:
                keys.add(raw)
    return keys


def wire_of(o, name):
    """What was on the wire, one transaction after the other: a key cut by transactions is whole."""
    wires = collections.defaultdict(list)
    for line in open("%s/%s.trace" % (o.work, name)):
        word = line.split()
        if len(word) >= 6 and re.fullmatch(r"(?:[0-9a-f]{2})+", word[5]):
            wires[word[1] + word[2]].append(bytes.fromhex(word[5]))
            wires[word[1]].append(bytes.fromhex(word[5]))
    return {k: b"".join(v) for k, v in wires.items()}


def check_keys(o, figures):
    keys = set()
    for family in FAMILIES:
        keys |= secrets_of(o, family[0])
    if len(keys) < len(FAMILIES):
        problem("%d private keys of %d families" % (len(keys), len(FAMILIES)))
        return
    search = leaks.Search(o.work, keys)
    found = 0
    wires = {}
    for family in FAMILIES:
        for wire, data in wire_of(o, family[0]).items():
            wires[family[0] + " " + wire] = data
    files = ["%s/sz-%d/%s" % (o.work, n + 1, f) for n in range(o.workers) for f in ("journal", "events.jsonl")]
    files += ["%s/rootsmithd.log" % o.work]
    for name, data in wires.items():
        for form in search.in_bytes(data):
            found += 1
            problem("a private key as %s on the wire of %s" % (form, name))
    for path in files:
        for form in search.in_file(path):
            found += 1
            problem("a private key as %s in %s" % (form, path))
    planted = missed = 0
    key = random.choice(sorted(keys))
    for name, data in list(wires.items())[:3] + [(files[0], open(files[0], "rb").read()[:1 << 18])]:
        at = random.randrange(len(data))
        for form, text in leaks.forms(key):
            planted += 1
            if not search.in_bytes(data[:at] + text + data[at:]):
                missed += 1
                problem("a planted key is not found: %s in %s" % (form, name))
    figures["private_keys"], figures["searched_bytes"] = len(keys), search.bytes
    figures["planted"], figures["planted_found"] = planted, planted - missed
    print("  %d private keys of a sample in wires, journals, events and logs: %s; planted %d, found %d" % (
        len(keys), "found %d times" % found if found else "none", planted, planted - missed))


# ---- The whole ------------------------------------------------------------------------------------------------


def show(tally):
    names = ("provisioned", "untouched", "scrapped", "rejected", "lost")
    print("  %-20s %s" % ("", " ".join("%12s" % n for n in names)))
    for family in FAMILIES:
        row = tally.by_family[family[0]]
        print("  %-20s %s" % (family[0], " ".join("%12d" % row[n] for n in names)))
    print("  faults planned: %s" % ", ".join("%s %d" % k for k in sorted(tally.kinds.items())))
    print("  exchanges: %s" % ", ".join("%s %d" % (k.replace("_", " "), n) for k, n in sorted(tally.swaps.items())))
    print("  ends: %s" % ", ".join("%s %d" % k for k in tally.ends.most_common()))


def prove(o):
    tally, figures = Tally(o), {}
    print("hostile: seed %d, %d runs, %d at a time" % (o.seed, o.runs, o.workers), flush=True)
    run_all(o, tally)
    seconds = time.time() - tally.began
    show(tally)
    check_journals(o, tally, figures)
    check_store(o, tally, figures)
    check_keys(o, figures)
    kinds = sum((c for c in tally.by_family.values()), collections.Counter())
    if tally.runs != o.runs:
        problem("%d of %d runs" % (tally.runs, o.runs))
    if tally.swaps["noticed"] != tally.swaps["with_effect"]:
        problem("%(noticed)d of %(with_effect)d exchanges were noticed" % tally.swaps)
    figures.update(
        runs=tally.runs, boards=len(tally.boards), undisturbed=len(tally.likes), attempts=tally.attempts,
        faults_struck=tally.hits, outcomes=dict(kinds), exchanges=dict(tally.swaps), ends=dict(tally.ends),
        planned=dict(tally.kinds), families={k: dict(v) for k, v in tally.by_family.items()},
        runs_per_s=round(tally.runs / seconds, 1), seconds=round(seconds), problems=len(problems))
    json.dump(figures, open(o.work + "/figures.json", "w"))


def main():
    p = argparse.ArgumentParser()
    for name in ("work", "data", "line", "rootsmith"):
        p.add_argument("--" + name, required=True)
    for name, value in (("workers", 4), ("runs", 100000), ("seed", 1), ("run", None)):
        p.add_argument("--" + name, type=int, default=value)
    p.add_argument("--family")
    o = p.parse_args()
    if o.family is not None and o.run is not None:
        sys.exit(again(o))
    prove(o)
    print("  %d problems" % len(problems))
    sys.exit(1 if problems else 0)


main()

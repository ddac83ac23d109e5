"""The boards of powercut_tpm.sh: cuts by a relay before each TPM, and what is left.  None of our code is
linked: TPM commands are counted on the wire, contents are read by tpm2-tools and openssl, certificates
by raw SQL.

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import collections
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tpm_relay import NAMES, Tpm  # noqa: E402

POINTS = ["before", "during", "after", "answered"]
RUNS_MAX = 5
problems = []
lock = threading.Lock()


def problem(text):
    with lock:
        problems.append(text)
        print("  FAIL %s" % text, flush=True)


def run(o, station, serial, tpm):
    p = subprocess.run([o.station, "--data", o.work + "/" + station, "run", "--once", "--json", "--wait", "30",
                        "--order", "o-1", "--serial", serial, "--fixture", "1=tpm:swtpm:path=" + tpm.front],
                       stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
    with open("%s/boards-%s.log" % (o.work, station), "ab") as log:
        log.write(p.stdout + p.stderr)
    ends = [json.loads(x) for x in p.stdout.splitlines() if b'"board.end"' in x]
    return p.returncode, ends[-1] if ends else {}


def certificates(o, serial):
    db = sqlite3.connect("file:%s/store.db?mode=ro" % o.data, uri=True, timeout=30)
    rows = db.execute("SELECT d.der FROM certificate c JOIN certificate_der d USING "
                      "(tenant, issuer, serial) WHERE c.device = ?", (serial,)).fetchall()
    db.close()
    return [r[0] for r in rows]


def left_over(tpm, der):
    """What is wrong with the TPM of a board that passed."""
    stored = [t for t in (tpm.tool("tpm2_nvread", i, "-C", i).stdout for i in ("0x01C90000", "0x01C90001")) if t]
    if len(stored) != 1 or not stored[0].startswith(der):
        yield "%d indices hold a certificate, the right one: %s" % (
            len(stored), any(s.startswith(der) for s in stored))
    with tempfile.TemporaryDirectory() as tmp:
        open(tmp + "/der", "wb").write(der)
        open(tmp + "/text", "wb").write(os.urandom(20))
        pub = subprocess.run(["openssl", "x509", "-inform", "DER", "-in", tmp + "/der", "-noout", "-pubkey"],
                             capture_output=True, check=True).stdout
        open(tmp + "/pub", "wb").write(pub)
        signed = tpm.tool("tpm2_sign", "-Q", "-c", "0x81020000", "-g", "sha256", "-f", "plain", "-o",
                          tmp + "/sig", tmp + "/text")
        if signed.returncode != 0 or subprocess.run(
                ["openssl", "dgst", "-sha256", "-verify", tmp + "/pub", "-signature", tmp + "/sig",
                 tmp + "/text"], capture_output=True).returncode != 0:
            yield "its IDevID key is not the certificate's"
    for kind in ("handles-transient", "handles-loaded-session"):
        if tpm.tool("tpm2_getcap", kind).stdout.strip():
            yield "%s are left" % kind


def board(o, station, serial, rules):
    """One TPM from its maker, a cut in each run of the list, then power until it is over."""
    folder = tempfile.mkdtemp(prefix="t", dir=o.work)
    tpm = Tpm(o, folder)
    ends, cuts, where = [], 0, []
    try:
        for n in range(RUNS_MAX):
            tpm.count, tpm.cut_at = 0, None
            tpm.rule = rules[n] if n < len(rules) else None
            tpm.power(True)
            code, end = run(o, station, serial, tpm)
            cuts += tpm.cut_at is not None
            where += [tpm.cut_at] if tpm.cut_at else []
            ends.append((code, end.get("state", "none"), end.get("code", "")))
            if n + 1 >= len(rules) and code != 5:
                break
            if code not in (0, 5):
                break
        certs = certificates(o, serial)
        faults = []
        if ends[-1][:2] != (0, "pass"):
            faults.append("neither complete nor resumed: %s" % (ends,))
        elif len(certs) != 1:
            faults.append("%d certificates" % len(certs))
        else:
            tpm.power(True)
            faults += list(left_over(tpm, certs[0]))
        kind = "lost" if faults else "resumed" if cuts and any(c for c, _, _ in ends) else "complete"
        return {"serial": serial, "rules": rules, "kind": kind, "cuts": cuts, "where": where, "ends": ends,
                "faults": faults, "codes": tpm.codes}
    finally:
        tpm.close()
        shutil.rmtree(folder, ignore_errors=True)


def spread(items, count):
    if count == 0 or count >= len(items):
        return items
    return [items[(2 * i + 1) * len(items) // (2 * count)] for i in range(count)]


def make_boards(o, plan):
    todo, done = collections.deque(plan), []

    def work(station):
        while True:
            try:
                serial, rules = todo.popleft()
            except IndexError:
                return
            try:
                made = board(o, station, serial, rules)
            except Exception as e:  # a thread must not end in silence
                problem("%s %s: %r" % (serial, rules, e))
                continue
            for text in made["faults"]:
                problem("%s cut at %s (%s): %s" % (serial, rules, made["where"], text))
            with lock:
                done.append(made)
                if len(done) % 50 == 0:
                    print("  %d of %d boards" % (len(done), len(plan)), flush=True)

    threads = [threading.Thread(target=work, args=("sz-%d" % (n + 1),)) for n in range(o.workers)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return done


def main():
    p = argparse.ArgumentParser()
    for name in ("work", "data", "station", "make"):
        p.add_argument("--" + name, required=True)
    for name in ("workers", "cuts", "twice", "seed"):
        p.add_argument("--" + name, type=int, required=True)
    o = p.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    chance = random.Random(o.seed)
    started = time.time()

    plain = board(o, "sz-1", "PLAIN-1", [])
    for text in plain["faults"]:
        problem("without a cut: " + text)
    if problems:
        return 1
    codes = plain["codes"]
    print("  a board takes %d commands: %s" % (len(codes), ", ".join(
        "%d %s" % (n, NAMES.get(c, hex(c))) for c, n in collections.Counter(codes).most_common())))
    every = [(n, point, chance.uniform(0, 0.004)) for n in range(len(codes)) for point in POINTS]
    once = spread(every, o.cuts)
    plan = [("T-%04d" % i, [rule]) for i, rule in enumerate(once)]
    plan += [("W-%04d" % i, [chance.choice(every), chance.choice(every)]) for i in range(o.twice)]
    made = make_boards(o, plan)

    kinds = collections.Counter(b["kind"] for b in made)
    db = sqlite3.connect("file:%s/store.db?mode=ro" % o.data, uri=True, timeout=30)
    devices = db.execute("SELECT count(*) FROM device").fetchone()[0]
    db.close()
    want = 1 + sum(b["kind"] != "lost" for b in made)
    if not problems and devices != want:
        problem("%d devices were counted, %d were made" % (devices, want))
    cuts = sum(b["cuts"] for b in made)
    if cuts < len(once):
        problem("only %d cuts of %d happened" % (cuts, len(once)))
    where = collections.Counter(w for b in made for w in b["where"])
    figures = {"commands": len(codes), "points": len(every), "boards": len(made), "cuts": cuts,
               "complete": kinds["complete"], "resumed": kinds["resumed"], "lost": kinds["lost"],
               "devices": devices, "cuts_by_command": dict(where), "seed": o.seed,
               "seconds": round(time.time() - started), "problems": problems[:20]}
    json.dump(figures, open(o.work + "/figures.json", "w"))
    print("  %d boards, %d cuts: %d complete, %d resumed, %d lost; %d devices; %d s" % (
        len(made), cuts, kinds["complete"], kinds["resumed"], kinds["lost"], devices, figures["seconds"]))
    return 1 if problems else 0


sys.exit(main())

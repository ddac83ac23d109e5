"""The boards of powercut_tpm.sh: a relay before each TPM, cuts, and what is left.  None of our code is
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
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time

POINTS = ["before", "during", "after", "answered"]
RUNS_MAX = 5
NAMES = {0x120: "EvictControl", 0x122: "NV_UndefineSpace", 0x12a: "NV_DefineSpace", 0x131: "CreatePrimary",
         0x137: "NV_Write", 0x138: "NV_WriteLock", 0x147: "ActivateCredential", 0x148: "Certify",
         0x14e: "NV_Read", 0x151: "PolicySecret", 0x153: "Create", 0x157: "Load", 0x15d: "Sign",
         0x165: "FlushContext", 0x169: "NV_ReadPublic", 0x16c: "PolicyCommandCode", 0x171: "PolicyOR",
         0x173: "ReadPublic", 0x176: "StartAuthSession", 0x17a: "GetCapability", 0x17b: "GetRandom"}

problems = []
lock = threading.Lock()


def problem(text):
    with lock:
        problems.append(text)
        print("  FAIL %s" % text, flush=True)


def receive(s, n):
    data = b""
    while len(data) < n:
        piece = s.recv(n - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def message(s):
    """A command or an answer: tag, size, the rest."""
    head = receive(s, 6)
    return head + receive(s, struct.unpack(">I", head[2:])[0] - 6)


class Tpm:
    """swtpm in a directory, and the relay in front of it that takes its power away."""

    def __init__(self, o, folder):
        self.o, self.folder = o, folder
        self.process = None
        self.rule = None  # (number of a command, point, how long into it)
        self.count, self.codes, self.cut_at = 0, [], None
        self.front = folder + "/front"
        self.closing = False
        done = subprocess.run(["bash", "-c", '. "$1" && make_tpm "$2" "$3"', "-", o.make, folder,
                               o.work + "/maker"], capture_output=True, timeout=120)
        if done.returncode != 0:
            raise RuntimeError(done.stdout.decode()[-500:])
        self.listeners = [self.listen(self.front, self.relay), self.listen(self.front + ".ctrl", self.pass_on)]

    def listen(self, path, serve):
        s = socket.socket(socket.AF_UNIX)
        s.bind(path)
        s.listen(8)

        def accept():
            while not self.closing:
                try:
                    client, _ = s.accept()
                except OSError:
                    return
                threading.Thread(target=self.serve, args=(serve, client), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return s

    def serve(self, how, client):
        try:
            how(client)
        except (OSError, EOFError):
            pass
        finally:
            client.close()

    def power(self, on):
        if not on and self.process:
            self.process.kill()
            self.process.wait()
            self.process = None
        if on and not self.process:
            for name in ("sock", "sock.ctrl"):
                if os.path.exists(self.folder + "/" + name):
                    os.unlink(self.folder + "/" + name)
            self.process = subprocess.Popen(
                ["swtpm", "socket", "--tpm2", "--tpmstate", "dir=%s/state" % self.folder,
                 "--server", "type=unixio,path=%s/sock" % self.folder,
                 "--ctrl", "type=unixio,path=%s/sock.ctrl" % self.folder,
                 "--flags", "not-need-init,startup-clear"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for _ in range(400):
                if os.path.exists(self.folder + "/sock"):
                    return
                time.sleep(0.02)
            raise RuntimeError("swtpm does not start in " + self.folder)

    def connect(self, name):
        s = socket.socket(socket.AF_UNIX)
        s.connect(self.folder + "/" + name)
        s.settimeout(60)
        return s

    def cut(self, code):
        self.power(False)
        self.rule, self.cut_at = None, NAMES.get(code, "%#x" % code)
        raise EOFError

    def relay(self, client):
        if not self.process:
            return
        with self.connect("sock") as tpm:
            while True:
                command = message(client)
                code = struct.unpack(">I", command[6:10])[0]
                number, self.count = self.count, self.count + 1
                self.codes.append(code)
                point = self.rule[1] if self.rule and self.rule[0] == number else ""
                if point == "before":
                    self.cut(code)
                tpm.sendall(command)
                if point == "during":
                    time.sleep(self.rule[2])
                    self.cut(code)
                answer = message(tpm)
                if point == "after":
                    self.cut(code)
                client.sendall(answer)
                if point == "answered":
                    self.cut(code)

    def pass_on(self, client):
        if not self.process:
            return
        with self.connect("sock.ctrl") as tpm:
            while True:
                tpm.sendall(client.recv(4096) or self.stop())
                client.sendall(tpm.recv(4096) or self.stop())

    @staticmethod
    def stop():
        raise EOFError

    def tool(self, *command):
        env = dict(os.environ, TPM2TOOLS_TCTI="swtpm:path=%s/sock" % self.folder, TSS2_LOG="all+NONE")
        return subprocess.run(command, env=env, capture_output=True, timeout=60, cwd=self.folder)

    def close(self):
        self.closing = True
        self.power(False)
        for s in self.listeners:
            s.close()


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

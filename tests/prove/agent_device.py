"""A device under test for agent.py: its folder, its agent, and whether it has a working identity.

What is judged here links none of our code, except that keys in a chip can only be used through
the provider module, by the key-reference file, as any other program would.  openssl does the rest.

SPDX-License-Identifier: Apache-2.0
"""
import collections
import hashlib
import os
import re
import shutil
import signal
import subprocess
import threading

import agent_disk

PROBLEMS_MOST = 10
PATIENCE = 120  # seconds, for a program on a loaded machine
FILES = ("ldevid.pem", "chain.pem", "ldevid.key")


class Broken(Exception):
    """The claim does not hold here."""


def run(argv, **more):
    try:
        return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=PATIENCE, **more)
    except subprocess.TimeoutExpired:
        raise Broken("it does not end: %s" % " ".join(argv))


def tail(p):
    return " | ".join(p.stdout.decode("utf-8", "replace").strip().splitlines()[-4:])


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


class Device:
    """folder/state is the agent's; folder/chip has a soft chip's files."""

    def __init__(self, o, name, chip=None, server=None, more=()):
        self.o, self.name = o, name
        self.folder = "%s/devices/%s" % (o.work, name)
        self.state = self.folder + "/disk/state"
        self.disk = self.folder + "/disk"
        os.makedirs(self.disk + "/chip", exist_ok=True)
        self.chip = chip or "soft:%s/chip/board" % self.disk
        self.server = server or o.server
        self.more = list(more)
        self.roots = [o.work + "/root.pem"]  # what a certificate may chain to, and the chip may name
        self.idevid = None                   # file with its public key
        self.had_identity = False            # one must be there at every point from now on
        self.env = dict(os.environ, OPENSSL_MODULES=o.bin + "/bindings/provider")

    # ---- The agent

    def argv(self, *verb):
        return [self.o.agent, "--server", self.server, "--rot", self.chip, "--state", self.state,
                *self.more, *verb]

    def agent(self, *verb, inject=None):
        env = dict(self.env, ROOTSMITH_INJECT=inject) if inject else self.env
        return run(self.argv(*verb), env=env)

    def must(self, *verb):
        p = self.agent(*verb)
        if p.returncode != 0:
            raise Broken("%s fails: %s" % (" ".join(verb), tail(p)))

    def calls(self, *verb):
        """The agent's own system calls of a whole run (not on_renew's): name, how many of it, its line."""
        log = self.folder + "/calls"
        p = run(["strace", "-y", "-o", log, *self.argv(*verb)], env=self.env)
        if p.returncode != 0:
            raise Broken("%s under strace: %s" % (" ".join(verb), tail(p)))
        seen, calls = collections.Counter(), []
        for line in open(log, errors="replace"):
            m = re.match(r"(\w+)\(", line)
            if m:
                seen[m.group(1)] += 1
                calls.append((m.group(1), seen[m.group(1)], line))
        return calls

    def writes(self, *verb):
        """What a whole run does to files, with every byte: agent_disk.Call's lines."""
        log = self.folder + "/writes"
        p = run(["strace", "-f", "-y", "-xx", "-s", "1000000", "-o", log, "-e",
                 "trace=" + ",".join(agent_disk.CALLS), *self.argv(*verb)], env=self.env)
        if p.returncode != 0:
            raise Broken("%s under strace: %s" % (" ".join(verb), tail(p)))
        return [c for c in map(agent_disk.Call, open(log)) if c.name]

    def changes(self, *verb):
        """How often a whole run changes the disk: bytes into a file, or a name made, changed, removed.
        Gives a count of each kind, and the syncs."""
        disk, tally = agent_disk.Disk(self.disk), collections.Counter()
        for call in self.writes(*verb):
            # A file is made with its first bytes.
            if disk.do(call) and call.name != "openat":
                tally[call.name] += 1
        return tally, tally.pop("fsync", 0)

    def killed_at(self, name, number, *verb):
        """Dies as it enters its number-th call of that name; None when it made fewer and ended well."""
        p = run(["strace", "-o", "/dev/null", "-e", "trace=" + name, "-e",
                 "inject=%s:signal=SIGKILL:when=%d" % (name, number), *self.argv(*verb)], env=self.env)
        if p.returncode == -signal.SIGKILL:
            return True
        if p.returncode == 0:
            return None
        raise Broken("not killed, and yet: %s" % tail(p))

    # ---- Its disk, as it was

    def snapshot(self, name):
        to = "%s/at-%s" % (self.folder, name)
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(self.disk, to, symlinks=True)

    def restore(self, name):
        shutil.rmtree(self.disk, ignore_errors=True)
        shutil.copytree("%s/at-%s" % (self.folder, name), self.disk, symlinks=True)

    def digest(self):
        h = hashlib.sha256()
        for folder, below, names in os.walk(self.disk):
            below.sort()
            for name in sorted(names) + [b for b in below if os.path.islink(folder + "/" + b)]:
                path = folder + "/" + name
                h.update(os.fsencode(path) + b"\0")
                h.update(os.fsencode(os.readlink(path)) if os.path.islink(path) else open(path, "rb").read())
                h.update(b"\0")
            h.update(os.fsencode(folder) + b"\0")
        return h.digest()

    # ---- Judging

    def object(self, name, **more):
        return "rot:%s;object=%s" % (self.chip, name) + "".join(";%s=%s" % kv for kv in more.items())

    def openssl(self, *argv, provider=False):
        module = ["-provider", "default", "-provider", "rot"] if provider else []
        return run(["openssl", argv[0], *module, *argv[1:]], env=self.env)

    def check_key(self, key, public, what):
        """The private key behind a name or a key-reference file signs for that public key."""
        note, sig = self.folder + "/note", self.folder + "/sig"
        with open(note, "wb") as f:
            f.write(os.urandom(64))
        p = self.openssl("dgst", "-sha256", "-sign", key, "-out", sig, note, provider=True)
        if p.returncode != 0:
            raise Broken("the key of the %s does not sign: %s" % (what, tail(p)))
        p = self.openssl("dgst", "-sha256", "-verify", public, "-signature", sig, note)
        if p.returncode != 0:
            raise Broken("the key of the %s is another than its certificate's" % what)

    def check_ldevid(self):
        """`current` leads to a whole identity that works; 0 when there is none."""
        link = self.state + "/current"
        if not os.path.islink(link):
            return 0
        target = os.readlink(link)
        if not re.fullmatch(r"id-[0-9]+-[01]", target) or not os.path.isdir(link):
            raise Broken("current leads to %s" % target)
        for name in FILES:
            for path in ("%s/%s" % (link, name), "%s/%s" % (self.state, name)):
                if not os.path.isfile(path) or (os.path.getsize(path) == 0 and name != "chain.pem"):
                    raise Broken("there is no %s" % path)
        public = self.folder + "/public.pem"
        p = self.openssl("x509", "-in", link + "/ldevid.pem", "-noout", "-pubkey", "-out", public)
        if p.returncode != 0:
            raise Broken("ldevid.pem is no certificate: %s" % tail(p))
        chain = ["-untrusted", link + "/chain.pem"] if os.path.getsize(link + "/chain.pem") else []
        if all(self.openssl("verify", "-CAfile", root, *chain, link + "/ldevid.pem").returncode != 0
               for root in self.roots):
            raise Broken("ldevid.pem does not chain to the root")
        self.check_key(link + "/ldevid.key", public, "LDevID")
        return 1

    def trusts(self):
        """How many of the roots the chip holds itself."""
        held = set()
        for n in range(4):
            p = self.openssl("storeutl", "-certs", self.object("trust/%d" % n, type="trust"),
                             provider=True)
            held |= set(pems(p.stdout))
        return [r for r in self.roots if pems(open(r, "rb").read())[0] in held]

    def judge(self):
        """Raises Broken unless one identity works.  Gives whether there is an LDevID."""
        has = self.check_ldevid()
        if self.had_identity and not has:
            raise Broken("the operational identity is gone")
        if self.idevid:
            self.check_key(self.object("idevid"), self.idevid, "IDevID")
        return has

    def check_tidy(self):
        """After a run that ended well nothing is left of those that did not."""
        names = os.listdir(self.state)
        left = [n for n in names if n.endswith(".tmp")]
        if left or len([n for n in names if n.startswith("id-")]) > 1:
            raise Broken("it left behind: %s" % " ".join(sorted(names)))

    def generation(self):
        """The number of the generation in use; 0: none."""
        try:
            return int(os.readlink(self.state + "/current").split("-")[1])
        except OSError:
            return 0


def pems(data):
    return re.findall(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", data, re.S)


def make_board(o, device, order, serial):
    """A board from the line: IDevID, and the root in its chip."""
    p = run([o.station, "--data", o.work + "/sz-1", "run", "--once", "--ui", "plain", "--wait", "60",
             "--yes-irreversible", "atecc608b", "--order", order, "--serial", serial, "--fixture", "1=" + device.chip], env=device.env)
    if p.returncode != 0:
        raise SystemExit("agent: board %s: %s" % (serial, tail(p)))
    p = device.openssl("storeutl", "-certs", device.object("idevid", type="cert"), provider=True)
    pem = device.folder + "/idevid.pem"
    with open(pem, "wb") as f:
        f.write(pems(p.stdout)[0])
    device.idevid = device.folder + "/idevid.pub"
    if device.openssl("x509", "-in", pem, "-noout", "-pubkey", "-out", device.idevid).returncode != 0:
        raise SystemExit("agent: board %s has no IDevID" % serial)

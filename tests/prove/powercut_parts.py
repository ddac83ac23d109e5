"""Power cuts of every family, in one process a chunk (tests/meet/recipe_cuts.c): counts, teeth, and the
search for the parts' private keys and channel secrets in bus traces, journals and logs.

  powercut_parts.py --program FILE [--kinds A,B] [--boards N] [--some N] [--seed N] [--parallel N]

--boards: with two cuts each, of each family; --some: single cuts (0: every command, all four points).

A channel's secret goes over the bus in the clear once, by the command that gives it to a part which can
take it in no other way (ATECC, STSAFE, OPTIGA; not SE05x): those commands are counted and set aside, and
nothing of the secret may be anywhere else.

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import concurrent.futures
import functools
import json
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE]
import leaks  # noqa: E402
import parts  # noqa: E402

KINDS = ["blank608a", "blank608b", "blank-se050", "blank-se051", "blank-a100", "blank-a110", "blank-a120",
         "blank-m1", "blank-m3", "blank-ta100"]
NO_CHANNEL = ["blank-ta100"]
CHUNK = 500


class Problems(list):
    def add(self, kind, text):
        self.append("%s: %s" % (kind, text))
        print("  FAIL %s: %s" % (kind, text), flush=True)


def keys_of(folder):
    """Private keys, and what was a channel's secret but for what its maker published."""
    private, channel, published, used = set(), set(), set(), False
    for line in open(folder + "/keys"):
        word = line.split()
        if word[0] in ("new", "used"):
            used = word[0] == "used"
            continue
        key = bytes.fromhex(word[1])
        if word[0] == "private":
            private.add(key)
        else:
            (channel if used else published).add(key)
    return private, channel - published


def searcher(folder, name, keys):
    os.mkdir("%s/%s" % (folder, name))  # its needles are files
    return leaks.Search("%s/%s" % (folder, name), keys)


def look(kind, folder, totals, problems):
    private, channel = keys_of(folder)
    given = parts.set_aside(folder + "/bus.trace", folder + "/rest.trace", folder + "/given", kind)
    os.unlink(folder + "/bus.trace")
    search = searcher(folder, "all", private | channel)
    places = {name: open("%s/%s" % (folder, name), "rb").read() for name in ("journal", "log")}
    # A trace is the wire's bytes in hexadecimal and nothing else: they are looked at as bytes.
    places.update((k, v) for k, v in leaks.wires(folder + "/rest.trace").items() if not k.endswith("-"))
    for name, data in places.items():
        for form in search.in_bytes(data):
            problems.add(kind, "a secret, %s, in %s" % (form, name))
    if searcher(folder, "private", private).in_file(folder + "/given"):
        problems.add(kind, "a private key where a channel's secret is given")
    if given and not searcher(folder, "channel", channel).in_file(folder + "/given"):
        problems.add(kind, "what was set aside has no secret in it: the pattern is wrong")
    # The search finds what is there: one key of each sort, in each form, in each place.
    for key in [k for k in (max(private, key=lambda k: len(set(k)), default=None),
                            max(channel, key=lambda k: len(set(k)), default=None)) if k]:
        at = random.randrange(len(places["journal"]))
        for form, planted in leaks.forms(key):
            if form == "the last third, raw" and len(key) < 32:
                continue
            totals["planted"] += 1
            if search.in_bytes(places["journal"][:at][-4096:] + planted + places["journal"][at:][:4096]):
                totals["planted_found"] += 1
            else:
                problems.add(kind, "a planted key is not found: %s" % form)
    totals["private_keys"] += len(private)
    totals["channel_secrets"] += len(channel)
    totals["given"] += given
    totals["searched_bytes"] += search.bytes


def chunk(o, kind, args, totals, problems):
    folder = tempfile.mkdtemp(prefix=kind + "-", dir=o.work)
    p = subprocess.run([o.program, "--kind", kind, "--dir", folder] + args, capture_output=True, timeout=3000,
                       env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
    lines = p.stdout.decode(errors="replace").splitlines()
    for line in [x for x in lines if x.startswith("FAIL")] + p.stderr.decode(errors="replace").splitlines()[:5]:
        problems.add(kind, line)
    try:
        counts = json.loads(lines[-1])
    except (IndexError, ValueError):
        problems.add(kind, "%s ended with %d" % (" ".join(args), p.returncode))
        return None
    for name, n in counts.items():
        if isinstance(n, int) and name not in ("commands", "problems"):
            totals[name] = totals.get(name, 0) + n
    totals["commands"] = counts["commands"]
    if counts["certificates"] != counts["boards"]:
        problems.add(kind, "%(certificates)d certificates for %(boards)d boards" % counts)
    look(kind, folder, totals, problems)
    shutil.rmtree(folder)
    return counts


def teeth(o, kind, problems):
    """A board that nobody gives power again must be told from one that is finished."""
    folder = tempfile.mkdtemp(prefix="teeth-", dir=o.work)
    p = subprocess.run([o.program, "--kind", kind, "--dir", folder, "--leave-off", "--cut", "cut-after@20"],
                       capture_output=True, timeout=600)
    if p.returncode != 1 or b'"problems": 1}' not in p.stdout:
        problems.add(kind, "a board that is left without power is not noticed")
    shutil.rmtree(folder)


def family(o, kind):
    problems = Problems()
    totals = dict.fromkeys(("planted", "planted_found", "private_keys", "channel_secrets", "given",
                            "searched_bytes"), 0)
    began = time.time()
    teeth(o, kind, problems)
    one = chunk(o, kind, ["--single", "--some", str(o.some)], totals, problems)
    if one is not None and one["first_cuts"] != one["boards"] - 1:
        problems.add(kind, "%d of %d boards lost their power" % (one["first_cuts"], one["boards"] - 1))
    left, seed = o.boards, o.seed * 1000
    while left > 0:
        n = min(left, CHUNK)
        chunk(o, kind, ["--double", str(n), "--seed", str(seed)], totals, problems)
        left, seed = left - n, seed + 1
    if totals["private_keys"] < totals.get("boards", 0) or not (totals["channel_secrets"] or kind in NO_CHANNEL):
        problems.add(kind, "keys of parts are missing in what was searched for")
    totals["seconds"] = round(time.time() - began)
    print("  %-12s %4d commands, %6d boards, %6d runs, %6d first cuts, %6d second: %d complete, %d resumed, "
          "%d scrapped; %d certificates; %d keys and %d secrets looked for in %d MB, %d times given, planted "
          "%d of %d; %d s" % (kind, totals.get("commands", 0), totals.get("boards", 0), totals.get("runs", 0),
                              totals.get("first_cuts", 0), totals.get("second_cuts", 0),
                              totals.get("complete", 0), totals.get("resumed", 0), totals.get("scrapped", 0),
                              totals.get("certificates", 0), totals["private_keys"],
                              totals["channel_secrets"], totals["searched_bytes"] >> 20, totals["given"],
                              totals["planted_found"], totals["planted"], totals["seconds"]), flush=True)
    return totals, problems


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--program", required=True)
    p.add_argument("--kinds", default=",".join(KINDS))
    for name, value in (("boards", 10000), ("some", 0), ("seed", 1), ("parallel", 2)):
        p.add_argument("--" + name, type=int, default=value)
    p.add_argument("--figures")
    o = p.parse_args()
    random.seed(o.seed)
    figures, problems = {}, []
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as o.work, \
            concurrent.futures.ProcessPoolExecutor(o.parallel, multiprocessing.get_context("fork")) as pool:
        kinds = o.kinds.split(",")
        for kind, (totals, wrong) in zip(kinds, pool.map(functools.partial(family, o), kinds)):
            figures[kind] = totals
            problems += wrong
    figures["problems"] = len(problems)
    if o.figures:
        json.dump(figures, open(o.figures, "w"))
    print("  %d problems" % len(problems))
    sys.exit(1 if problems else 0)


main()

"""CPU of a server for a new connection of mutual TLS: ours, bare, default, and ours resumed.

    mtls.py DEVICES COUNT      COUNT connections of each of four clients in every round

Environment: as measure.py.  What is compared runs in turns within each round, and the median of the
rounds' ratios counts.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import statistics
import subprocess
import sys

from measure import BIN, ROUNDS, WORK, cpu_us, processes

THREADS = 4
LIMITS = {"bare": 0.9, "default": 1.0, "resumed": 1.8}


def start_bare(how):
    """A bare accept loop and its port."""
    p = subprocess.Popen([BIN + "/bench/tls_bare", how, WORK + "/bare.pem", WORK + "/bare.key",
                          WORK + "/clients.pem"], stdout=subprocess.PIPE, text=True)
    return p, int(p.stdout.readline())


def cost(pids, port, devices, count, resume):
    """us of CPU for a connection; says how many were resumed."""
    load = subprocess.Popen(
        [BIN + "/bench/tls_load", "localhost", str(port), WORK + "/root.pem", WORK + "/d{n}.pem",
         WORK + "/d{n}.key", str(devices), str(THREADS), str(count)] + ["resume"] * resume,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    load.stdout.readline()  # ready
    before = sum(map(cpu_us, pids))
    out, _ = load.communicate("go\n")
    after = sum(map(cpu_us, pids))
    assert load.returncode == 0, "the clients failed"
    done, resumed = map(int, out.split())
    assert done == THREADS * count
    if resume:
        assert resumed >= done - devices, "only %d of %d were resumed" % (resumed, done)
    else:
        assert resumed == 0, resumed
    return (after - before) / (done if not resume else done)


def main(devices, count):
    port = int(os.environ["DEVICES"].split(":")[1])
    ours = list(processes(int(os.environ["SERVER"])).values())
    loops = {how: start_bare(how) for how in ("same", "default")}
    rounds = []
    try:
        for i in range(ROUNDS + 1):
            n = count if i else max(count // 5, 1)  # the first one warms up
            each = {
                "ours": cost(ours, port, devices, n, False),
                "bare": cost([loops["same"][0].pid], loops["same"][1], devices, n, False),
                "default": cost([loops["default"][0].pid], loops["default"][1], devices, n, False),
                "resumed": cost(ours, port, devices, n, True),
            }
            if i == 0:
                continue
            rounds.append(each)
            print("ours %.0f us CPU, bare %.0f, default %.0f, ours resumed %.0f" % (
                each["ours"], each["bare"], each["default"], each["resumed"]), flush=True)
    finally:
        for p, _ in loops.values():
            p.kill()
            p.wait()
    ratios = {"bare": statistics.median(r["bare"] / r["ours"] for r in rounds),
              "default": statistics.median(r["default"] / r["ours"] for r in rounds),
              "resumed": statistics.median(r["ours"] / r["resumed"] for r in rounds)}
    figures = {k + "_cpu_us": statistics.median(r[k] for r in rounds) for k in rounds[0]}
    for k, limit in LIMITS.items():
        text = "ours / resumed" if k == "resumed" else k + " / ours"
        print("%s: median %.3f of %d (asked: %.1f)" % (text, ratios[k], ROUNDS, limit))
        figures["ratio_" + k], figures["limit_" + k] = ratios[k], limit
    if "RS_FIGURES" in os.environ:
        json.dump({k: round(v, 3) for k, v in figures.items()}, open(os.environ["RS_FIGURES"], "w"))
    return 0 if all(ratios[k] >= LIMITS[k] for k in LIMITS) else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))

"""CPU for a ready OCSP answer: ours (GET, POST), nginx with a file, the responder of openssl.

    ocsp_ready.py CLIENTS TURNS

Environment: see ocsp_ready.sh.  All run in turns within each round; the median of the ratios counts.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import json
import os
import statistics
import subprocess
import sys
import urllib.parse

from measure import BIN, ROUNDS, WORK, cpu_us, processes

LIMIT, GOAL = 0.5, 0.8
SLOW_SHARE = 20  # the responder of openssl and new connections get so much fewer requests


def write(name, message):
    path = "%s/%s" % (WORK, name)
    open(path, "wb").write(message)
    return path


def requests(clients):
    """{kind: [file]} of whole HTTP requests."""
    made = {"get": [], "post": [], "nginx": [], "close": []}
    head = "Host: localhost\r\n"
    for n in range(1, clients + 1):
        der = open("%s/ocsp%d.der" % (WORK, n), "rb").read()
        path = urllib.parse.quote(base64.b64encode(der).decode(), safe="")
        post = (head + "Content-Type: application/ocsp-request\r\nContent-Length: %d\r\n\r\n" %
                len(der)).encode() + der
        made["get"].append(write("get%d" % n, ("GET /ocsp/%s HTTP/1.1\r\n%s\r\n" % (path, head)).encode()))
        made["post"].append(write("post%d" % n, b"POST /ocsp HTTP/1.1\r\n" + post))
        made["close"].append(write("close%d" % n, b"POST /ocsp HTTP/1.0\r\n" + post))
        made["nginx"].append(write("nginx%d" % n, ("GET /answer.der HTTP/1.1\r\n%s\r\n" % head).encode()))
    return made


def children(pid):
    found = [pid]
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            parent = int(open("/proc/%s/stat" % entry).read().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            found.append(int(entry))
    return found


def cost(pids, port, connections, turns, files, close=False):
    """us of CPU for an answer, and the size of its body."""
    load = subprocess.Popen([BIN + "/bench/http_load", str(port), str(connections), str(turns)] +
                            files + ["close"] * close,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    load.stdout.readline()
    before = sum(map(cpu_us, pids))
    out, _ = load.communicate("go\n")
    after = sum(map(cpu_us, pids))
    assert load.returncode == 0, "the client failed"
    answers, size = map(int, out.split())
    return (after - before) / answers, size


def main(clients, turns):
    port = int(os.environ["HTTP"].split(":")[1])
    ours = list(processes(int(os.environ["SERVER"])).values())
    nginx = children(int(os.environ["NGINX_PID"]))
    responder = [int(os.environ["RESPONDER_PID"])]
    made, rounds, sizes = requests(clients), [], {}
    slow = max(turns // SLOW_SHARE, 1)
    for i in range(ROUNDS + 1):
        each = {}
        for name, args in {
                "get": (ours, port, clients, turns, made["get"]),
                "nginx": (nginx, os.environ["NGINX"], clients, turns, made["nginx"]),
                "post": (ours, port, clients, turns, made["post"]),
                "close": (ours, port, 1, slow, made["close"], True),
                "openssl": (responder, os.environ["RESPONDER"], 1, slow, made["close"], True)}.items():
            each[name], sizes[name] = cost(*args)
        if i == 0:
            continue  # caches, lazily made contexts
        rounds.append(each)
        print("GET %.1f us CPU, POST %.1f, nginx %.1f; a connection each: ours %.1f, openssl %.1f" % (
            each["get"], each["post"], each["nginx"], each["close"], each["openssl"]), flush=True)
    assert max(sizes[k] for k in ("get", "post", "nginx")) <= min(
        sizes[k] for k in ("get", "post", "nginx")) + 8, sizes
    figures = {k + "_cpu_us": statistics.median(r[k] for r in rounds) for k in rounds[0]}
    figures["bytes"] = sizes["get"]
    figures["ratio"] = statistics.median(r["nginx"] / r["get"] for r in rounds)
    figures["ratio_post"] = statistics.median(r["nginx"] / r["post"] for r in rounds)
    figures["ratio_openssl"] = statistics.median(r["openssl"] / r["close"] for r in rounds)
    figures["limit"], figures["goal"] = LIMIT, GOAL
    print("%d bytes: nginx / GET: median %.3f of %d (asked: %.1f; goal %.1f); nginx / POST %.3f; "
          "openssl / ours, a connection each: %.1f" % (
              sizes["get"], figures["ratio"], ROUNDS, LIMIT, GOAL, figures["ratio_post"],
              figures["ratio_openssl"]))
    if "RS_FIGURES" in os.environ:
        json.dump({k: round(v, 3) for k, v in figures.items()}, open(os.environ["RS_FIGURES"], "w"))
    return 0 if min(figures["ratio"], figures["ratio_post"]) >= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))

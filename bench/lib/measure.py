"""What the benchmarks of the running server share: CPU of its processes, raw loops, load, figures.

    est CLIENTS COUNT      re-enrolments by est_load with CLIENTS devices, COUNT each in every round
    ocsp CLIENTS COUNT     OCSP requests over kept-alive connections

Environment: BIN (build tree), SERVER (pid of the supervisor), WORK (certificates, see est_reenrol.sh
and ocsp.sh), DEVICES, HTTP, RS_FIGURES.  CPU is that of supervisor, front and signer together, of all
their threads; the clients' is not counted.  Rounds alternate with the raw loop; the median counts.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time

ROUNDS = 5
RAW_SECONDS = 2
BIN, WORK = os.environ["BIN"], os.environ["WORK"]


def processes(supervisor):
    """{name: pid}: the supervisor and its two children."""
    found = {"supervisor": supervisor}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            stat = open("/proc/%s/stat" % entry).read()
            parent = int(stat.rpartition(")")[2].split()[1])
            words = open("/proc/%s/cmdline" % entry, "rb").read().split(b"\0")
        except OSError:
            continue
        if parent == supervisor:
            found["front" if b"--front" in words else "signer"] = int(entry)
    assert len(found) == 3, "supervisor, front and signer: %s" % found
    return found


def cpu_us(pid):
    """The kernel's clock of a whole process (clock_getcpuclockid(3)); finer than /proc/PID/stat."""
    return time.clock_gettime(~pid << 3 | 2) * 1e6


def all_cpu_us(pids):
    return {name: cpu_us(pid) for name, pid in pids.items()}


def peak_kb(pid):
    for line in open("/proc/%d/status" % pid):
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    sys.exit("no VmHWM of %d" % pid)


def raw_us(what):
    out = subprocess.run([BIN + "/bench/issue_raw", str(RAW_SECONDS), what], capture_output=True,
                         text=True, check=True).stdout
    return float(out.split()[1])


def est_round(clients, count, round_number, begin):
    """Every client has its own device, key and connection; returns how many were answered."""
    figures = "%s/load.json" % WORK
    load = subprocess.Popen(
        [BIN + "/tests/load/est_load", "--url", "https://" + os.environ["DEVICES"], "--ca",
         WORK + "/root.pem", "--cert", WORK + "/d{n}.pem", "--key", WORK + "/d{n}.key", "--mode",
         "renew", "--label", "ldevid", "--count", str(clients * count), "--connections",
         str(clients), "--identities", str(clients), "--json", figures],
        stdout=subprocess.PIPE, text=True)
    load.stdout.readline()  # all keys and requests are made
    begin()
    load.communicate()
    assert load.returncode == 0, "the clients failed in round %d" % round_number
    got = json.load(open(figures))
    assert got["refused"] == 0 and got["answered"] == clients * count, got
    return got["answered"], {"p50_ms": got["p50_ms"], "p99_ms": got["p99_ms"]}


def ocsp_worker(address, message, count, bad):
    """Blocking, one request at a time; an answer that is not "successful" is an error."""
    s = socket.create_connection(address)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for _ in range(count):
        s.sendall(message)
        data = b""
        while b"\r\n\r\n" not in data:
            data += s.recv(65536) or bad.append("closed") or b"\r\n\r\n"
        head, _, body = data.partition(b"\r\n\r\n")
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n")
                       if line.lower().startswith(b"content-length:")), -1)
        while len(body) < length:
            body += s.recv(65536) or bad.append("short") or b"\0" * length
        # OCSPResponse { responseStatus ENUMERATED 0 }
        if b" 200 " not in head.split(b"\r\n")[0] or b"\x0a\x01\x00" not in body[:8]:
            bad.append(head.decode(errors="replace"))
        if bad:
            return
    s.close()


def ocsp_round(clients, count, round_number, begin):
    host, port = os.environ["HTTP"].split(":")
    bad, threads = [], []
    for n in range(clients):
        body = open("%s/ocsp%d.der" % (WORK, n + 1), "rb").read()
        message = ("POST /ocsp HTTP/1.1\r\nHost: %s\r\nContent-Type: application/ocsp-request\r\n"
                   "Content-Length: %d\r\n\r\n" % (os.environ["HTTP"], len(body))).encode() + body
        threads.append(threading.Thread(target=ocsp_worker, args=((host, int(port)), message, count,
                                                                  bad)))
    begin()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not bad, "round %d: %s" % (round_number, bad[0])
    return clients * count, {}


def run(name, clients, count, one_round, raw, limit):
    pids = processes(int(os.environ["SERVER"]))
    one_round(clients, max(count // 4, 1), 0, lambda: None)  # caches, lazily made contexts
    raws, costs, ratios, rates, extra = [], [], [], [], {}
    for i in range(1, ROUNDS + 1):
        raws.append(raw_us(raw))
        before = []
        total, extra = one_round(clients, count, i,
                                 lambda: before.append((all_cpu_us(pids), time.monotonic())))
        (before, start), after = before[0], all_cpu_us(pids)
        took = time.monotonic() - start
        each = {k: (after[k] - before[k]) / total for k in pids}
        costs.append(sum(each.values()))
        ratios.append(raws[-1] / costs[-1])
        rates.append(total / took)
        print("raw %.1f us, %s %.1f us CPU (front %.1f, signer %.1f), ratio %.3f; %.0f/s with the "
              "clients on this machine" % (raws[-1], name, costs[-1], each["front"], each["signer"],
                                           ratios[-1], rates[-1]), flush=True)
    ratio = statistics.median(ratios)
    peaks = {k + "_peak_kb": peak_kb(pids[k]) for k in ("front", "signer")}
    print("%s, %d clients, against raw %s: median %.3f of %d (asked: %.2f)" % (
        name, clients, raw, ratio, ROUNDS, limit))
    print("peak memory: front %d KiB, signer %d KiB" % tuple(peaks.values()))
    figures = {"clients": clients, "raw_cpu_us": statistics.median(raws),
               "server_cpu_us": statistics.median(costs), "per_second": statistics.median(rates),
               "ratio": ratio, "limit": limit}
    figures.update(peaks)
    figures.update(extra)
    if "RS_FIGURES" in os.environ:
        json.dump({k: round(v, 3) for k, v in figures.items()}, open(os.environ["RS_FIGURES"], "w"))
    return 0 if ratio >= limit else 1


def main(what, clients, count):
    if what == "est":
        return run("re-enrolment", int(clients), int(count), est_round, "issue", 0.5)
    return run("OCSP answer", int(clients), int(count), ocsp_round, "sign", 0.25)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""CPU for a certificate: ours, cfssl without and with its store, openssl ca, on the same requests.

    peers.py COUNT

Environment: see peers.sh.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import json
import os
import resource
import statistics
import subprocess
import sys
import time

from measure import BIN, ROUNDS, WORK, cpu_us

CONNECTIONS = 256
STORE_CONNECTIONS = 16  # with many it answers "database is locked"
STORE_SHARE = 5  # that one syncs for each certificate: it gets so much fewer requests
LIMITS = {"cfssl": 1.5, "cfssl_store": 5.0}
GOAL = 8.0
CA_CONF = """[ca]
default_ca = peer
[peer]
dir = %(dir)s
certificate = %(work)s/ca.pem
private_key = %(work)s/ca.key
database = %(dir)s/index.txt
new_certs_dir = %(dir)s/certs
rand_serial = yes
default_days = 365
default_md = sha256
policy = any
unique_subject = no
email_in_dn = no
x509_extensions = leaf
[any]
serialNumber = optional
commonName = optional
[leaf]
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
"""


def load(what, port, path, first, count, pids, connections=CONNECTIONS):
    """us of CPU of these processes for a certificate, and how many a second."""
    p = subprocess.Popen([BIN + "/bench/csr_load", what, str(port), path, WORK + "/requests", str(first),
                          str(count), str(connections)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         text=True)
    p.stdout.readline()
    before = sum(map(cpu_us, pids))
    out, _ = p.communicate("go\n")
    after = sum(map(cpu_us, pids))
    assert p.returncode == 0, what
    done, seconds = out.split()
    assert int(done) == count
    return (after - before) / count, count / float(seconds)


def openssl_ca(first, count):
    """One process for the batch; its index has all that came before, as a CA's has."""
    place = WORK + "/openssl-ca"
    os.makedirs(place + "/certs", exist_ok=True)
    open(place + "/index.txt", "a").close()
    open(place + "/ca.cnf", "w").write(CA_CONF % {"dir": place, "work": WORK})
    lines = open(WORK + "/requests").read().split()[first:first + count]
    names = []
    for i, line in enumerate(lines):
        names.append("%s/%d.csr" % (place, i))
        pem = base64.encodebytes(base64.b64decode(line)).decode()
        open(names[-1], "w").write("-----BEGIN CERTIFICATE REQUEST-----\n%s-----END CERTIFICATE "
                                   "REQUEST-----\n" % pem)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    p = subprocess.run(["openssl", "ca", "-config", place + "/ca.cnf", "-batch", "-notext",
                        "-preserveDN", "-infiles"] + names, capture_output=True, text=True)
    took = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert p.returncode == 0, p.stderr[-2000:]
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu * 1e6 / count, count / took


def main(count):
    ours = subprocess.Popen([BIN + "/bench/est_plain", os.environ["SIGNER"], os.environ["DATA"], "peer"],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    port, signer = ours.stdout.readline().split()
    pids = {"ours": [ours.pid, int(signer)], "cfssl": [int(os.environ["PLAIN_PID"])],
            "cfssl_store": [int(os.environ["STORED_PID"])]}
    sign = "/api/v1/cfssl/sign"
    rounds, rates = [], []
    for i in range(ROUNDS + 1):
        first = i * count
        got = {"ours": load("est", port, "/.well-known/est/person/simpleenroll", first, count, pids["ours"]),
               "cfssl": load("cfssl", os.environ["PLAIN"], sign, first, count, pids["cfssl"]),
               "cfssl_store": load("cfssl", os.environ["STORED"], sign, first,
                                   count // STORE_SHARE, pids["cfssl_store"], STORE_CONNECTIONS),
               "openssl_ca": openssl_ca(first, count)}
        if i == 0:
            continue
        rounds.append({k: v[0] for k, v in got.items()})
        rates.append({k: v[1] for k, v in got.items()})
        print("; ".join("%s %.0f us CPU (%.0f/s)" % (k, *v) for k, v in got.items()), flush=True)
    ours.stdin.close()
    assert ours.wait() == 0
    figures = {"connections": CONNECTIONS, "goal_cfssl_store": GOAL}
    for k in rounds[0]:
        figures[k + "_cpu_us"] = statistics.median(r[k] for r in rounds)
        figures[k + "_per_second"] = statistics.median(r[k] for r in rates)
        if k != "ours":
            figures["ratio_" + k] = statistics.median(r[k] / r["ours"] for r in rounds)
            print("%s / ours: median %.2f of %d%s" % (
                k, figures["ratio_" + k], ROUNDS,
                " (asked: %.1f)" % LIMITS[k] if k in LIMITS else ""))
    for k, limit in LIMITS.items():
        figures["limit_" + k] = limit
    if "RS_FIGURES" in os.environ:
        json.dump({k: round(v, 3) for k, v in figures.items()}, open(os.environ["RS_FIGURES"], "w"))
    return 0 if all(figures["ratio_" + k] >= limit for k, limit in LIMITS.items()) else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))

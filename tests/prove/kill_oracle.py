#!/usr/bin/env python3
"""Were certificates lost, doubled, or signed without a leaf?  Judged from bytes alone.

Reads what the clients noted (est_load's log, the stations' journals), the store by raw SQL, and
the ledger's segments by docs/protocols/ledger.md.  Uses no code of the product.

    kill_oracle.py DATA CLIENT-DIR [--json FILE]      judge; exit 0: nothing found
    kill_oracle.py DATA CLIENT-DIR --self-test DIR    spoil copies, and see that each is noticed

CLIENT-DIR holds *.log of est_load, NAME/journal of each station, boards.txt (a line for each
board that passed), and agents.txt (what each device's agent held, and held last).
SPDX-License-Identifier: Apache-2.0
"""
import argparse
import collections
import glob
import hashlib
import json
import os
import shutil
import sqlite3
import struct
import sys

ISSUED, BATCH_END = 1, 65535
HEADER, RECORD = 72, 28
END_MARK = b"--end-of-batch--"
GOOD = 1  # state of a certificate that is neither revoked nor superseded nor lost


class Findings:
    """What is wrong, by kind; the first of each kind in words."""

    def __init__(self):
        self.count = collections.Counter()
        self.first = {}

    def add(self, kind, text):
        self.count[kind] += 1
        self.first.setdefault(kind, text)


# ---- DER -----------------------------------------------------------------------------------

def der_at(data, at):
    """Where the content of the element at `at` begins, and where it ends."""
    length = data[at + 1]
    at += 2
    if length >= 0x80:
        n = length & 0x7F
        length = int.from_bytes(data[at:at + n], "big")
        at += n
    return at, at + length


def tbs_of(cert):
    """The bytes of the TBSCertificate, header included."""
    at, end = der_at(cert, 0)
    if end != len(cert):
        raise ValueError("bytes behind the certificate")
    return cert[at:der_at(cert, at)[1]]


def fields_of(tbs):
    """Serial, subject and SubjectPublicKeyInfo of a TBSCertificate (version 3)."""
    at, _ = der_at(tbs, 0)
    elements = []
    for _ in range(7):
        start, end = der_at(tbs, at)
        elements.append((at, start, end))
        at = end
    serial, subject, spki = elements[1], elements[5], elements[6]
    return tbs[serial[1]:serial[2]], tbs[subject[0]:subject[2]], tbs[spki[0]:spki[2]]


# ---- CBOR ----------------------------------------------------------------------------------

def cbor_map(data):
    """A map of unsigned keys to unsigned numbers, texts and bytes, which is what a leaf is."""
    def head(at):
        kind, info = data[at] >> 5, data[at] & 31
        at += 1
        if info < 24:
            return kind, info, at
        n = 1 << (info - 24)
        return kind, int.from_bytes(data[at:at + n], "big"), at + n

    kind, count, at = head(0)
    if kind != 5:
        raise ValueError("not a map")
    out = {}
    for _ in range(count):
        _, key, at = head(at)
        kind, value, at = head(at)
        if kind in (2, 3):
            out[key], at = data[at:at + value], at + value
        elif kind in (0, 1):
            out[key] = value if kind == 0 else -1 - value
        else:
            raise ValueError("unexpected type")
    return out


# ---- Ledger --------------------------------------------------------------------------------

def sha(*parts):
    h = hashlib.sha256()
    for p in parts:
        h.update(p)
    return h.digest()


def compact_add(stack, leaf, size):
    """Add a leaf hash to the roots of the complete subtrees over `size` leaves."""
    while size & 1:
        leaf = sha(b"\x01", stack.pop(), leaf)
        size >>= 1
    stack.append(leaf)


def compact_root(stack):
    if not stack:
        return sha(b"")
    root = stack[-1]
    for left in reversed(stack[:-1]):
        root = sha(b"\x01", left, root)
    return root


class Ledger:
    """All leaves that stand in whole batches; complaints about anything that is not as it must be."""

    def __init__(self, folder, findings):
        self.findings = findings
        self.leaves = []  # (type, content)
        self.stack = []
        self.last_end = bytes(32)
        self.counts = collections.Counter()
        names = sorted(glob.glob(os.path.join(folder, "*.seg")))
        for number, path in enumerate(names, 1):
            if os.path.basename(path) != "%08d.seg" % number:
                self.bad("segment %d is missing" % number)
            self.read(path, open(path, "rb").read())

    def bad(self, text):
        self.findings.add("ledger", text)

    def read(self, path, data):
        name = os.path.basename(path)
        if not data.strip(b"\0"):
            return
        if data[:8] != b"rsledger" or int.from_bytes(data[24:32], "big") != len(data):
            return self.bad("%s: header" % name)
        if int.from_bytes(data[16:24], "big") != len(self.leaves) or data[32:64] != self.last_end:
            self.bad("%s does not follow the segment before" % name)
        at, batch = HEADER, []
        while at + RECORD <= len(data):
            length, kind = struct.unpack_from(">IH", data, at)
            if length == 0:
                break
            head, content = data[at:at + 24], data[at + RECORD:at + RECORD + length]
            index = int.from_bytes(head[16:24], "big")
            if kind == BATCH_END:
                self.end_batch(name, at, head, content, batch)
                batch = []
            else:
                if index != len(self.leaves) + len(batch):
                    self.bad("%s: index %d at %d" % (name, index, at))
                batch.append((kind, content, sha(b"\0", head, content)))
            at += RECORD + length
        if batch or data[at:].strip(b"\0"):
            self.bad("%s: not whole behind %d" % (name, at))

    def end_batch(self, name, at, head, content, batch):
        for kind, leaf, digest in batch:
            compact_add(self.stack, digest, len(self.leaves))
            self.leaves.append((kind, leaf))
            self.counts[kind] += 1
        count, root = int.from_bytes(content[:4], "big"), content[4:36]
        if count != len(batch) or int.from_bytes(head[16:24], "big") != len(self.leaves):
            self.bad("%s: batch end at %d counts wrong" % (name, at))
        if root != compact_root(self.stack) or content[36:-16] != b"".join(self.stack) or \
                content[-16:] != END_MARK:
            self.bad("%s: batch end at %d has another root" % (name, at))
        self.last_end = sha(b"\0", head, content)


def issued_leaves(ledger, findings):
    """{hash of TBS: (index, tenant, issuer, order)}; a serial that stands twice is a finding."""
    out, serials = {}, {}
    for index, (kind, content) in enumerate(ledger.leaves):
        if kind != ISSUED:
            continue
        leaf = cbor_map(content)
        tbs, issuer = leaf[13], (leaf[1], leaf[2])
        serial = fields_of(tbs)[0]
        if serials.setdefault((issuer, serial), index) != index:
            findings.add("duplicate", "serial %s in leaves %d and %d" %
                         (serial.hex(), serials[issuer, serial], index))
        out[sha(tbs)] = (index, leaf[1].decode(), leaf[2].decode(), leaf.get(6, b"").decode())
    return out


# ---- Clients -------------------------------------------------------------------------------

def read_load_log(path, certs, findings, counts):
    asked = {}
    for line in open(path, encoding="ascii", errors="replace"):
        if not line.endswith("\n"):
            findings.add("log", "%s ends inside a line" % path)
            break
        f = line.split()
        if f[0] == "asked":
            asked[f[1]] = f[3]
            counts["asked"] += 1
        elif f[0] == "got":
            der = bytes.fromhex(f[5])
            if hashlib.sha256(der).hexdigest() != f[4]:
                findings.add("log", "%s: request %s" % (path, f[1]))
            if sha(fields_of(tbs_of(der))[2]).hex() != asked.get(f[1]):
                findings.add("wrong key", "request %s got a certificate of another key" % f[1])
            certs.append(("request %s" % f[1], der))
            counts["acknowledged"] += 1
        elif f[0] == "refused":
            counts["refused"] += 1
            findings.add("refused", line.strip())


def read_journal(path, certs, counts):
    """Certificates (type 4, field 8) in a station's journal (docs/protocols/station.md)."""
    data, at = open(path, "rb").read(), 8
    while at + 8 <= len(data):
        length = int.from_bytes(data[at:at + 4], "big")
        content = data[at + 8:at + 8 + length]
        if length == 0 or len(content) != length:
            break  # an unfinished write: cut off at the station's next start
        if content[24] == 4:
            p = 25
            while p + 3 <= length:
                n = int.from_bytes(content[p + 1:p + 3], "big")
                if content[p] == 8:
                    certs.append(("%s at %d" % (path, at), content[p + 3:p + 3 + n]))
                    counts["station certificates"] += 1
                p += 3 + n
        at += 8 + length


def read_agents(path, certs, findings, counts):
    """"held NAME DIGEST DER" for each certificate an agent turned to, "last NAME DIGEST" at the end."""
    held = collections.defaultdict(set)
    for line in open(path, encoding="ascii"):
        f = line.split()
        if f[0] == "held":
            der = bytes.fromhex(f[3])
            if hashlib.sha256(der).hexdigest() != f[2]:
                findings.add("log", "%s: %s" % (path, line[:80]))
            held[f[1]].add(f[2])
            certs.append(("agent %s" % f[1], der))
            counts["agent certificates"] += 1
        elif f[2] not in held[f[1]]:
            findings.add("identity", "agent %s ended without a certificate that it was given" % f[1])


def read_clients(folder, findings, counts):
    certs = []
    agents = os.path.join(folder, "agents.txt")
    if os.path.exists(agents):
        read_agents(agents, certs, findings, counts)
    for path in sorted(glob.glob(folder + "/*.log")):
        read_load_log(path, certs, findings, counts)
    for path in sorted(glob.glob(folder + "/*/journal")):
        read_journal(path, certs, counts)
    boards = os.path.join(folder, "boards.txt")
    passed = open(boards, encoding="ascii").read().split() if os.path.exists(boards) else []
    return certs, passed


# ---- Store ---------------------------------------------------------------------------------

SELECT = """SELECT c.tenant, c.issuer, c.serial, c.state, c.leaf, c.device, c.object, c.fingerprint,
    d.der FROM certificate c LEFT JOIN certificate_der d ON d.tenant = c.tenant AND
    d.signer_id = c.signer_id AND d.leaf = c.leaf AND d.issuer = c.issuer AND d.serial = c.serial"""


def judge_store(db, leaves, findings, counts):
    """{hash of DER: state}, and how many identities each device has."""
    held, identities, seen, used = {}, collections.Counter(), set(), set()
    for tenant, issuer, serial, state, leaf, device, obj, fingerprint, der in db.execute(SELECT):
        counts["rows"] += 1
        if (tenant, issuer, serial) in seen:
            findings.add("duplicate", "serial %s twice in the store" % serial.hex())
        seen.add((tenant, issuer, serial))
        if der is None:
            findings.add("lost", "the row of serial %s has no bytes" % serial.hex())
            continue
        digest, tbs = sha(der), tbs_of(der)
        found = leaves.get(sha(tbs))
        if found is None or found[:3] != (leaf, tenant, issuer):
            findings.add("no leaf", "store: serial %s" % serial.hex())
        used.add(leaf)
        if fields_of(tbs)[0].lstrip(b"\0") != serial.lstrip(b"\0") or digest != fingerprint:
            findings.add("lost", "the row of serial %s does not fit its bytes" % serial.hex())
        held[digest] = state
        if obj == "idevid":
            identities[device] += 1
    for index, *_ in leaves.values():
        if index not in used:
            findings.add("no row", "leaf %d was not taken over" % index)
    return held, identities


def judge_orders(db, leaves, findings):
    """What an order has taken is what the ledger issued under it, and not above its quantity."""
    made = collections.Counter(v[3] for v in leaves.values() if v[3])
    rows = db.execute("""SELECT o.work_order, o.quantity, c.taken FROM work_order o LEFT JOIN
        order_count c ON c.tenant = o.tenant AND c.work_order = o.work_order AND c.station = ''""")
    for order, quantity, taken in rows:
        if (taken or 0) != made[order] or made[order] > quantity:
            findings.add("order", "%s: %d leaves, %s taken, quantity %d" %
                         (order, made[order], taken, quantity))


def open_store(path):
    """A copy's log is folded in when it is opened: the folder has to be writable, we do not write."""
    db = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
    db.execute("PRAGMA query_only = 1")
    return db


# ---- Judging -------------------------------------------------------------------------------

def judge_clients(certs, passed, held, identities, leaves, findings):
    serials = {}
    for who, der in certs:
        tbs = tbs_of(der)
        serial = fields_of(tbs)[0]
        if sha(tbs) not in leaves:
            findings.add("no leaf", "%s: serial %s" % (who, serial.hex()))
        state = held.get(sha(der))
        if state is None:
            findings.add("lost", "%s: serial %s is not in the store" % (who, serial.hex()))
        elif state != GOOD:
            findings.add("not good", "%s: serial %s has state %d" % (who, serial.hex(), state))
        key = (leaves.get(sha(tbs), (0, "", ""))[1:3], serial)
        if serials.setdefault(key, der) != der:
            findings.add("duplicate", "%s: serial %s with other bytes" % (who, serial.hex()))
    for board in passed:
        if identities[board] != 1:
            findings.add("board", "%s has %d certificates" % (board, identities[board]))
    for device, count in identities.items():
        if count > 1:
            findings.add("board", "%s has %d certificates" % (device, count))


def judge(data, clients):
    findings, counts = Findings(), collections.Counter()
    ledger = Ledger(os.path.join(data, "signer", "ledger"), findings)
    leaves = issued_leaves(ledger, findings)
    certs, passed = read_clients(clients, findings, counts)
    db = open_store(os.path.join(data, "store.db"))
    held, identities = judge_store(db, leaves, findings, counts)
    judge_orders(db, leaves, findings)
    db.close()
    judge_clients(certs, passed, held, identities, leaves, findings)
    counts["leaves"], counts["issued leaves"] = len(ledger.leaves), len(leaves)
    counts["torn leaves"], counts["boards"] = ledger.counts[14], len(passed)
    return findings, counts


def report(findings, counts):
    print("oracle: " + ", ".join("%d %s" % (n, what) for what, n in counts.items()))
    for kind, what in (("lost", "acknowledged certificates lost"), ("duplicate", "serials twice"),
                       ("no leaf", "signatures without a leaf")):
        print("oracle: %d %s" % (findings.count[kind], what))
    for kind, text in findings.first.items():
        print("oracle: FOUND %s x %d, the first: %s" % (kind, findings.count[kind], text))


# ---- Self-test: it must complain when something is wrong ---------------------------------------

def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def record(kind, epoch, time_ms, index, content):
    head = struct.pack(">IHHQQ", len(content), kind, epoch, time_ms, index)
    return head, head + struct.pack(">I", crc32c(head + content)) + content


def rewrite_ledger(folder, change):
    """Write all leaves anew, whole and consistent, after change(list of contents)."""
    ledger = Ledger(folder, Findings())
    leaves = change(list(ledger.leaves))
    for path in glob.glob(folder + "/*.seg"):
        os.unlink(path)
    stack, out = [], [b""]

    def end(index, count, time_ms):
        content = struct.pack(">I", count) + compact_root(stack) + b"".join(stack) + END_MARK
        return record(BATCH_END, 1, time_ms, index, content)[1]

    out.append(end(0, 0, 0))
    for index, (kind, content) in enumerate(leaves):
        head, whole = record(kind, 1, 1, index, content)
        compact_add(stack, sha(b"\0", head, content), index)
        out += [whole, end(index + 1, 1, 1)]
    size = sum(map(len, out)) + HEADER + 512
    head = b"rsledger" + struct.pack(">HHIQQ", 1, 1, 1, 0, size) + bytes(32 + 4)
    out[0] = head + struct.pack(">I", crc32c(head))
    body = b"".join(out)
    with open(folder + "/00000001.seg", "wb") as f:
        f.write(body + bytes(size - len(body)))


def acknowledged(clients):
    """The line of a certificate from the middle of a client's log, and where it is."""
    path = sorted(glob.glob(clients + "/*.log"))[0]
    lines = open(path, encoding="ascii").readlines()
    got = [n for n, line in enumerate(lines) if line.startswith("got ")]
    return path, lines, got[len(got) // 2]


def acknowledged_der(clients):
    _, lines, n = acknowledged(clients)
    return bytes.fromhex(lines[n].split()[5])


def is_leaf_of(leaf, der):
    return leaf[0] == ISSUED and tbs_of(der) in leaf[1]


def change_store(data, *statements):
    db = sqlite3.connect(data + "/store.db")
    changed = 0
    for sql, values in statements:
        changed += max(0, db.execute(sql, values).rowcount)
    db.commit()
    db.close()
    if not changed:
        raise RuntimeError("nothing was changed")


def spoil_leaf_removed(data, clients):
    der = acknowledged_der(clients)
    rewrite_ledger(data + "/signer/ledger", lambda all_: [x for x in all_ if not is_leaf_of(x, der)])


def spoil_leaf_replaced(data, clients):
    """All others keep their places: exactly one is missing."""
    der = acknowledged_der(clients)
    rewrite_ledger(data + "/signer/ledger",
                   lambda all_: [(14, b"\xa0") if is_leaf_of(x, der) else x for x in all_])


def spoil_leaf_doubled(data, clients):
    """A second leaf with the serial of another: the same request, one bit of the key changed."""
    der = acknowledged_der(clients)
    spki = fields_of(tbs_of(der))[2]
    other = spki[:-1] + bytes([spki[-1] ^ 1])

    def change(leaves):
        twin = next(x for x in leaves if is_leaf_of(x, der))
        return leaves + [(twin[0], twin[1].replace(spki, other))]

    rewrite_ledger(data + "/signer/ledger", change)


def spoil_row_doubled(data, clients):
    serial = fields_of(tbs_of(acknowledged_der(clients)))[0]
    change_store(data, ("CREATE TABLE twin AS SELECT * FROM certificate", ()),
                 ("INSERT INTO twin SELECT * FROM certificate WHERE serial = ?", (serial,)),
                 ("DROP TABLE certificate", ()), ("ALTER TABLE twin RENAME TO certificate", ()))


def spoil_row_dropped(data, clients):
    serial = fields_of(tbs_of(acknowledged_der(clients)))[0]
    change_store(data, ("DELETE FROM certificate WHERE serial = ?", (serial,)))


def spoil_row_changed(data, clients):
    """Another signature over the same body: what was acknowledged is no longer there."""
    der = acknowledged_der(clients)
    other = der[:-1] + bytes([der[-1] ^ 1])
    change_store(data, ("UPDATE certificate_der SET der = ? WHERE der = ?", (other, der)),
                 ("UPDATE certificate SET fingerprint = ? WHERE fingerprint = ?",
                  (sha(other), sha(der))))


def spoil_foreign_answer(data, clients):
    """A client holds a certificate that nobody recorded."""
    path, lines, n = acknowledged(clients)
    der = bytearray.fromhex(lines[n].split()[5])
    serial = fields_of(tbs_of(bytes(der)))[0]
    der[bytes(der).index(serial) + len(serial) - 1] ^= 1
    f = lines[n].split()
    f[4:] = [hashlib.sha256(der).hexdigest(), der.hex()]
    open(path, "w", encoding="ascii").writelines(lines[:n + 1] + [" ".join(f) + "\n"] + lines[n + 1:])


def agents_notes(clients):
    path = clients + "/agents.txt"
    lines = open(path, encoding="ascii").readlines()
    held = [n for n, line in enumerate(lines) if line.startswith("held ")]
    return path, lines, held[len(held) // 2]


def spoil_agent_row_dropped(data, clients):
    _, lines, n = agents_notes(clients)
    der = bytes.fromhex(lines[n].split()[3])
    change_store(data, ("DELETE FROM certificate WHERE fingerprint = ?", (sha(der),)))


def spoil_agent_leaf_replaced(data, clients):
    _, lines, n = agents_notes(clients)
    der = bytes.fromhex(lines[n].split()[3])
    rewrite_ledger(data + "/signer/ledger",
                   lambda all_: [(14, b"\xa0") if is_leaf_of(x, der) else x for x in all_])


def spoil_agent_lost_all(data, clients):
    """An agent ended with something that nobody gave it."""
    path, lines, _ = agents_notes(clients)
    n = next(i for i, line in enumerate(lines) if line.startswith("last "))
    lines[n] = "%s None\n" % lines[n].rsplit(" ", 1)[0]
    open(path, "w", encoding="ascii").writelines(lines)


SPOILS = [("a leaf is removed", spoil_leaf_removed, "no leaf"),
          ("a leaf is something else", spoil_leaf_replaced, "no leaf"),
          ("a serial has two leaves", spoil_leaf_doubled, "duplicate"),
          ("a serial has two rows", spoil_row_doubled, "duplicate"),
          ("an acknowledged certificate is not in the store", spoil_row_dropped, "lost"),
          ("an acknowledged certificate has other bytes in the store", spoil_row_changed, "lost"),
          ("a client holds a certificate without a leaf", spoil_foreign_answer, "no leaf"),
          ("a device's certificate is not in the store", spoil_agent_row_dropped, "lost"),
          ("a device's certificate has no leaf", spoil_agent_leaf_replaced, "no leaf"),
          ("a device ended without an identity", spoil_agent_lost_all, "identity")]


def self_test(data, clients, work):
    failed = 0
    for text, spoil, kind in [("nothing is changed", lambda d, c: rewrite_ledger(
            d + "/signer/ledger", list), None)] + SPOILS:
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(data, work + "/data")
        shutil.copytree(clients, work + "/clients")
        spoil(work + "/data", work + "/clients")
        findings, _ = judge(work + "/data", work + "/clients")
        right = findings.count[kind] > 0 if kind else not findings.count
        print("oracle self-test: %s: %s" % (text, "; ".join(
            "%s x %d" % c for c in findings.count.items()) or "no complaint"))
        failed += not right
    shutil.rmtree(work, ignore_errors=True)
    print("oracle self-test: %d of %d noticed as they should be" %
          (len(SPOILS) + 1 - failed, len(SPOILS) + 1))
    return failed


def main():
    p = argparse.ArgumentParser()
    p.add_argument("data")
    p.add_argument("clients")
    p.add_argument("--json")
    p.add_argument("--self-test", metavar="DIR")
    a = p.parse_args()
    if a.self_test:
        return 1 if self_test(a.data, a.clients, a.self_test) else 0
    findings, counts = judge(a.data, a.clients)
    report(findings, counts)
    if a.json:
        json.dump({"counts": counts, "findings": findings.count, "first": findings.first},
                  open(a.json, "w", encoding="ascii"))
    return 1 if findings.count else 0


if __name__ == "__main__":
    sys.exit(main())

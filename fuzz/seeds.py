#!/usr/bin/env python3
"""Seeds that chance finds too slowly: whole messages, lists as long as they may be.

  fuzz/seeds.py       writes fuzz/corpus/NAME/seed-*

SPDX-License-Identifier: Apache-2.0
"""
import hashlib
import os
import struct

CORPUS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")


def seed(target, name, data):
    with open(os.path.join(CORPUS, target, "seed-" + name), "wb") as f:
        f.write(data)


# ---- DER -----------------------------------------------------------------------------

def tlv(tag, *parts):
    content = b"".join(parts)
    n = len(content)
    if n < 0x80:
        head = bytes([n])
    else:
        head = bytes([0x81, n]) if n < 0x100 else b"\x82" + struct.pack(">H", n)
    return bytes([tag]) + head + content


def write_der_seeds():
    # As many names as the fuzz target has room for, and one short of a fourth.
    seed("csr", "names", tlv(0x30, tlv(0x82, b"a.example"), tlv(0x87, bytes(4)),
                             tlv(0x86, b"urn:" + tlv(0x82, b"a"))))
    for i, last in enumerate((b"abcd", b"abcdefg")):
        seed("csr", "names-%d" % i, tlv(0x30, tlv(0x82, b"a"), tlv(0x82, b"b"),
                                        tlv(0x82, last[:-3] + tlv(0x82, b"c") + tlv(0x82, b"d"))))
    signed = bytes.fromhex("06092a864886f70d010702")
    data = bytes.fromhex("06092a864886f70d010701")
    certs = tlv(0xa0, tlv(0x30), tlv(0x30), tlv(0x30), tlv(0x30, tlv(0x30)))
    seed("cert", "certs-only", tlv(0x30, signed, tlv(0xa0, tlv(
        0x30, b"\x02\x01\x01", tlv(0x31), tlv(0x30, data), certs, tlv(0x31)))))


# ---- Layouts -------------------------------------------------------------------------

LAYOUT_ROTS = ("atecc608b", "stsafe-a110", "optiga-trust-m3", "se050", "tpm2", "soft")


def write_layout_seeds():
    for rot in LAYOUT_ROTS:
        head = "\0kind: layout\nname: a\nrot: %s\n" % rot
        seed("layout", rot, head.encode())
        seed("layout", rot + "-less", (head + "objects:\n  ldevid/0: {remove: true}\n"
                                       "  data/0: {size: 12, may: [renew]}\n").encode())
    head = "\0name: a\nrot: atecc608b\nfrom: atecc608b-counted\nobjects:\n"
    seed("layout", "places", (head + "  ldevid/0: {slot: 3, algorithm: p256, may: [sign, lockable]}\n"
                              "  trust/0:\n    data: {slot: 8, offset: 12, size: 20, also: 9}\n"
                              "    key: {slot: 0xff}\n").encode())
    seed("layout", "many", (head + "".join("  data/%d: {slot: 8, size: 1, offset: %d}\n" % (i, i)
                                           for i in range(3, 99))).encode())


# ---- What TPMs say -----------------------------------------------------------------------

G = (bytes.fromhex("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"),
     bytes.fromhex("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"))
IAK_POLICY = "5437182326e414fca797d5f174615a1641f61255797c3a2b22c21d120b2d1e07"
IDEVID_POLICY = "ad6b3a2284fd698a0710bf5cc1b9bdf15e2532e3f601fa4b93a6a8fa8de579ea"


def tpm_area(attributes, policy, point=None):
    x, y = G
    return (struct.pack(">HHI", 0x23, 0x0b, attributes) + short(bytes.fromhex(policy)) +
            bytes.fromhex("00100018000b00030010") + (point or short(x) + short(y)))


def write_tpm_seeds():
    iak, key = tpm_area(0x500f2, IAK_POLICY), tpm_area(0x400f2, IDEVID_POLICY)
    name = b"\0\x0b" + hashlib.sha256(key).digest()
    attest = (bytes.fromhex("ff5443478017") + short(name) + short(bytes(32)) + u64(1) + u32(2) +
              u32(3) + b"\1" + u64(4) + short(name) + short(name))
    signature = bytes.fromhex("0018000b") + short(b"r" * 32) + short(b"s" * 32)
    seed("tpm", "public", short(iak))
    seed("tpm", "attest", attest)
    seed("tpm", "evidence", short(iak) + short(key) + short(attest) + signature)
    bundle = tlv(0x30, tlv(0x30, tlv(0x30, bytes.fromhex("06056781051401"), tlv(0x04, b"evidence"))))
    seed("csr", "evidence", request(tlv(0x30, bytes.fromhex("060b2a864886f70d010910023b"),
                                        tlv(0x31, bundle))))


def request(attributes):
    """With a signature that is none; the proof is checked by its own seeds."""
    spki = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004") + G[0] + G[1]
    subject = tlv(0x30, tlv(0x31, tlv(0x30, bytes.fromhex("0603550405"), tlv(0x13, b"X-1"))))
    tbs = tlv(0x30, b"\2\1\0", subject, spki, tlv(0xa0, attributes))
    return tlv(0x30, tbs, bytes.fromhex("300a06082a8648ce3d040302"),
               tlv(0x03, b"\0", tlv(0x30, b"\2\1\1\2\1\1")))


# ---- CBOR ------------------------------------------------------------------------------

def cbor_int(value, major=0):
    if value < 0:
        value, major = -1 - value, 1
    if value < 24:
        return bytes([major << 5 | value])
    if value < 256:
        return bytes([major << 5 | 24, value])
    return bytes([major << 5 | 25]) + u16(value) if value < 65536 else bytes([major << 5 | 26]) + u32(value)


def cbor_bytes(value):
    return cbor_int(len(value), 2) + value


def cbor_text(text):
    return cbor_int(len(text), 3) + text.encode()


def cbor_array(*items):
    return cbor_int(len(items), 4) + b"".join(items)


# ---- Signer messages -------------------------------------------------------------------

def u16(v):
    return struct.pack(">H", v)


def u32(v):
    return struct.pack(">I", v)


def u64(v):
    return struct.pack(">Q", v)


def short(text):
    return u16(len(text)) + text


def blob(text):
    return u32(len(text)) + text


def message(*items):
    body = b""
    for number, (kind, fields) in enumerate(items):
        item = u16(kind) + u32(number + 1) + fields
        body += blob(item)
    return b"RSGP" + u16(1) + u16(len(items)) + body


def issue(values):
    hashes = short(bytes(32))
    return (hashes + short(b"acme") + short(b"dev") + hashes + short(b"o-1") + short(b"sz-1")
            + short(b"station:sz-1") + short(b"idevid") + short(b"atecc608b") + short(b"\x01\x23")
            + blob(b"0Y") + u64(253402300799) + bytes([values])
            + b"".join(bytes([1 + i % 6]) + short(b"v") for i in range(values)))


FRONT = {
    "hello": (1, u16(1) + short(b"rootsmithd")),
    "issue": (2, issue(2)),
    "issue-full": (2, issue(24)),
    "revoke": (3, short(bytes(32)) + short(b"acme") + short(b"dev") + short(b"\x01")
               + short(b"officer") + short(b"lost") + b"\x01"),
    "crl": (4, short(b"acme") + short(b"dev") + u64(1000)),
    "document": (5, short(b"acme") + short(b"profile") + short(b"p") + short(b"officer")
                 + blob(b"\xa0") + b"\x04" + (bytes(32) + short(b"sig")) * 4),
    "recover": (6, u64(1) + u32(64)),
    "checkpoint": (7, b""),
    "seen": (8, blob(b"note\n")),
    "refusal": (9, short(b"csr.format") + short(b"10.0.0.1") + short(b"text") + u32(1)
                + u64(1) + u64(2)),
    "login": (10, short(b"ok") + short(b"ann") + short(b"") + u32(1) + u64(1) + u64(2)),
    "bootstrap": (11, short(b"plant") + short(b"acme") + b"\x01" + short(bytes(32)) + u64(9)
                  + b"\x10" + (short(b"profile") + blob(b"\xa0")) * 16),
    "claim": (12, short(b"acme") + short(b"ann") + blob(b"0Y") + short(bytes(32))),
    "status": (13, b""),
    "export": (14, b""),
}

BACK = {
    "ready": (128, u16(1) + u16(1) + u32(1) + u64(5) + short(bytes(32)) + short(b"plant")
              + b"\x01" + u32(1) + u32(1) + short(bytes(32))),
    "issued": (129, u64(7) + blob(b"0\x00")),
    "done": (130, u64(7) + blob(b"payload")),
    "refused": (131, short(b"order.full") + short(b"the order is full")),
    "part": (132, u64(0) + u64(5) + blob(b"hello")),
    "leaf": (133, u64(7) + u16(1) + u64(1) + blob(b"content") + blob(b"0\x00")),
}


def order_document(quantity=100, target=60, state=1, until=9, shares=(("sz-1", 40), ("sz-2", 60))):
    values = ["order", "o-1", "meter", 3, "dev", "idevid", bytes(32), quantity, target, state, 2, until,
              [item for share in shares for item in share], "M-*", "atecc608b", "meter", 1, 2, "chip"]
    encode = {str: cbor_text, bytes: cbor_bytes, int: cbor_int,
              list: lambda items: cbor_array(*(encode[type(v)](v) for v in items))}
    return cbor_int(len(values), 5) + b"".join(cbor_int(i) + encode[type(v)](v) for i, v in enumerate(values))


def write_signer_seeds():
    orders = {"order": order_document(), "order-target": order_document(target=101), "order-state": order_document(state=9),
              "order-until": order_document(until=2), "order-nobody": order_document(shares=()),
              "order-share": order_document(shares=(("s", 101),)), "order-sum": order_document(shares=(("s", 60), ("t", 50))),
              "order-twice": order_document(shares=(("s", 1), ("s", 1)))}
    for name, document in orders.items():
        seed("signer_front", name, document)
    for target, items in (("signer_front", FRONT), ("signer_back", BACK)):
        for name, item in items.items():
            seed(target, name, message(item))
        seed(target, "all", message(*items.values()))
    # Little but the number of values: one more is one byte away.
    hashes = short(bytes(32))
    seed("signer_front", "values", message((2, hashes + bytes(4) + hashes + bytes(14) + bytes(4)
                                            + u64(1) + b"\x18" + b"\x01\x00\x00" * 24)))


# ---- Records, packets ------------------------------------------------------------------

def record(kind, content):
    return u32(len(content)) + u16(kind) + u16(1) + u64(1) + u64(0) + u32(0) + content


def write_record_seeds():
    for kind in (1, 2, 3):
        seed("ledger", "record-%d" % kind, b"\x84" + record(kind, b"content"))


def crc16(data):
    crc = 0
    for byte in data:
        for bit in range(8):
            differs = (byte >> bit & 1) != crc >> 15
            crc = crc << 1 & 0xffff ^ (0x8005 if differs else 0)
    return struct.pack("<H", crc)


def write_packet_seeds():
    """Packets as they stand on the bus, where the fuzz target puts nothing right."""
    for name, fields in (("info", b"\x30\x00\x00\x00"), ("random", b"\x1b\x00\x00\x00"),
                         ("read", b"\x02\x80\x00\x00"), ("nonce", b"\x16\x00\x00\x00" + bytes(20))):
        packet = bytes([len(fields) + 3]) + fields
        packet = b"\x03" + packet + crc16(packet)
        # Blank part, a raw write of all of it.
        seed("atecc_command", "raw-" + name, b"\x00\x00" + bytes([len(packet)]) + packet)


# ---- SE05x: commands past the wire, and blocks on it --------------------------------------------

def objects(*ids):
    return [bytes([0x41, 4]) + bytes.fromhex(i) for i in ids]


EC, ED, X, AES, HMAC, FILE = objects("20000001", "20000002", "20000003", "20000004", "20000005", "20000007")
NEW = objects("20000010")[0]
ATTEST = tlv(0x45, bytes.fromhex("F0000012")) + tlv(0x46, b"\x21") + tlv(0x47, bytes(16))
CERT = tlv(0x41, bytes.fromhex("F0000101"))
BASE = b"\4" + G[0] + G[1]
ZERO16, RULE = tlv(0x44, bytes(16)), tlv(0x11, bytes.fromhex("0800000000183c0000"))
PCR_RULE = tlv(0x11, bytes.fromhex("2c000000000021000020000010") + bytes(32))
CR = [tlv(0x42, bytes([0, n])) for n in range(1, 5)]
USER_ID = tlv(0x41, bytes.fromhex("7DA00001"))
SE05X_COMMANDS = [
    ("04 00 20", b""), ("04 00 21", b""), ("04 00 3D", b""), ("04 00 22", tlv(0x41, b"\1")),
    ("04 00 49", tlv(0x41, b"\0\x10")), ("04 00 58", tlv(0x41, b"\0\0")), ("02 00 5B", b""),
    ("01 61 00", RULE + NEW + b"\x42\1\3"), ("01 61 00", NEW + b"\x42\1\x40"), ("01 61 00", EC),
    ("01 61 00", NEW + b"\x42\1\3" + tlv(0x43, bytes(31) + b"\1") + tlv(0x44, BASE)),
    ("01 21 00", NEW + b"\x42\1\3" + tlv(0x44, BASE) + tlv(0x4B, bytes(4))),
    ("41 21 00", tlv(0x12, b"\0\3") + NEW + b"\x42\1\3" + tlv(0x44, BASE)),
    ("01 41 00", NEW + b"\x42\1\3" + tlv(0x43, bytes(31) + b"\1")),
    ("01 03 00", NEW + tlv(0x43, bytes(16))), ("01 03 00", tlv(0x15, RULE[2:]) + AES + tlv(0x43, bytes(32))),
    ("01 03 00", NEW + b"\x42\4\x20\0\0\4" + tlv(0x43, bytes(24))), ("81 05 00", NEW + tlv(0x43, b"abc")),
    ("01 05 00", NEW + tlv(0x44, b"\0\4") + tlv(0x43, b"abc")),
    ("01 06 00", NEW + tlv(0x42, b"\0\1") + tlv(0x43, b"\0\4") + tlv(0x44, b"abc")),
    ("01 06 00", PCR_RULE + NEW + tlv(0x43, b"\0\4")), ("01 06 00", FILE + tlv(0x44, b"x")),
    ("41 07 00", tlv(0x12, b"\0\3") + NEW + tlv(0x42, b"1234")),
    ("01 08 00", NEW + tlv(0x42, b"\0\2") + tlv(0x43, b"\0\0")), ("01 08 00", NEW),
    ("01 09 00", NEW + tlv(0x43, b"x")),
    ("01 09 00", NEW + tlv(0x42, bytes(32))), ("02 00 00", FILE), ("02 00 00", EC), ("02 00 00", AES),
    ("02 00 00", CERT + tlv(0x42, b"\0\1") + tlv(0x43, b"\0\x20")), ("22 00 00", EC + ATTEST),
    ("22 00 3B", EC + ATTEST),
    ("02 00 3B", FILE), ("02 00 07", EC), ("02 00 26", EC),
    ("02 00 25", tlv(0x41, b"\0\0") + tlv(0x42, b"\xff")),
    ("04 00 27", EC), ("04 00 28", EC), ("04 00 28", FILE), ("01 0B 04", b"\x41\1\3"),
    ("04 0B 28", b"\x41\1\3"),
    ("01 0B 40", b"\x41\1\3\x42\1\4" + tlv(0x43, BASE)), ("02 0B 25", b""), ("02 0B 36", EC),
    ("03 0C 09", EC + b"\x42\1\x21" + tlv(0x43, bytes(32))),
    ("03 0C 09", ED + b"\x42\1\xA3" + tlv(0x43, b"abc")),
    ("03 0C 0A", EC + b"\x42\1\x21" + tlv(0x43, bytes(32)) + tlv(0x45, tlv(0x30, b"\2\1\1\2\1\1"))),
    ("03 0C 0A", ED + b"\x42\1\xA3" + tlv(0x43, b"abc") + tlv(0x45, bytes(64))),
    ("03 01 0F", EC + tlv(0x42, BASE)), ("03 01 0F", X + tlv(0x42, bytes(31) + b"\x09")),
    ("03 01 59", EC + tlv(0x42, BASE) + tlv(0x47, b"\x20\0\0\5")),
    ("03 00 0E", b"\x41\1\4" + tlv(0x42, b"abc")),
    ("03 0E 37", AES + b"\x42\1\x0d" + tlv(0x43, bytes(16)) + ZERO16),
    ("03 0E 38", AES + b"\x42\1\x17" + tlv(0x43, bytes(16))),
    ("03 0E 37", AES + b"\x42\1\x0e" + tlv(0x43, bytes(16))),
    ("03 0E 37", AES + b"\x42\1\xf0" + tlv(0x43, bytes(5)) + ZERO16),
    ("03 11 37", AES + b"\x42\1\xb0" + tlv(0x43, b"abc") + tlv(0x44, b"aad") + tlv(0x45, bytes(12))),
    ("03 11 38", AES + b"\x42\1\xb0" + tlv(0x43, b"abc") + tlv(0x45, bytes(12)) + tlv(0x46, bytes(16))),
    ("03 11 37", AES + b"\x42\1\xf3" + tlv(0x43, b"abc")),
    ("03 11 37", AES + b"\x42\1\xf4" + tlv(0x43, b"abc") + tlv(0x45, bytes(12))),
    ("03 0D 45", HMAC + b"\x42\1\x19" + tlv(0x43, b"abc")),
    ("03 0D 45", AES + b"\x42\1\x31" + tlv(0x43, b"abc")),
    ("03 0D 46", HMAC + b"\x42\1\x19" + tlv(0x43, b"abc") + tlv(0x45, bytes(32))),
    ("03 00 2D", HMAC + b"\x42\1\4" + tlv(0x43, b"salt") + tlv(0x44, b"info") + tlv(0x45, b"\0\x30")),
    ("03 00 2D", HMAC + b"\x42\1\4" + tlv(0x45, b"\0\x20") + b"\x46\4\x20\0\0\5\x47\4\x20\0\0\4"),
    ("03 00 2F", HMAC + b"\x42\1\5" + tlv(0x45, b"\0\x30")),
    ("03 00 2E", HMAC + tlv(0x42, b"salt") + tlv(0x43, b"\0\2") + tlv(0x44, b"\0\x20") + b"\x45\1\x18"),
    ("03 0F 4A", b"\x41\4\x20\0\0\5\x42\4\x20\0\0\1\x43\4\x20\0\0\5" + tlv(0x44, BASE)),
    ("03 0F 5A", HMAC + b"\x42\1\4" + tlv(0x43, b"key expansion") + tlv(0x44, bytes(64)) +
        tlv(0x45, b"\0\x30")),
    ("04 00 1B", USER_ID), ("01 10 00", tlv(0x41, b"\0\x09") + b"\x42\1\1\x43\1\4"), ("02 10 25", b""),
    ("04 10 28", tlv(0x41, b"\0\1")),
    ("04 00 1C", b""), ("04 00 2A", b""), ("04 00 3E", b"\x41\1\1\x42\1\1"), ("04 00 52", b"\x41\1\1"),
    ("04 00 57", b"\x41\1\2\x42\1\1"),
]
# Operations of several steps; each a list of commands.
SE05X_STEPS = [
    [("03 00 0B", CR[0]), ("03 00 0C", CR[0] + tlv(0x43, b"a")), ("03 00 0D", CR[0] + tlv(0x43, b"b"))],
    [("03 0E 42", AES + CR[1] + ZERO16), ("03 0E 0C", CR[1] + tlv(0x43, bytes(20))),
     ("03 0E 0D", CR[1] + tlv(0x43, bytes(12)))],
    [("03 0E 43", AES + CR[1]), ("03 0E 0D", CR[1] + tlv(0x43, b"x"))],
    [("03 0D 03", HMAC + CR[2]), ("03 0D 0C", tlv(0x41, b"a") + CR[2]), ("03 0D 0D", tlv(0x41, b"b") + CR[2])],
    [("03 0D 44", HMAC + CR[2]), ("03 0D 0D", tlv(0x41, b"b") + CR[2] + tlv(0x43, bytes(32)))],
    [("03 11 42", AES + CR[3] + tlv(0x45, bytes(12))), ("03 11 0C", CR[3] + tlv(0x44, b"aad")),
     ("03 11 0C", CR[3] + tlv(0x43, b"abc")), ("03 11 0D", CR[3])],
    [("03 11 43", AES + CR[3] + tlv(0x45, bytes(12))), ("03 11 0C", CR[3] + tlv(0x43, b"abc")),
     ("03 11 0D", CR[3] + tlv(0x46, bytes(16)))],
    [("03 0F 49", b"")] + [("03 0F 4%s" % n, HMAC + b"\x42\1\4" + tlv(0x43, b"x") + tlv(0x44, bytes(32)) +
        tlv(0x45, b"\0\x30")) for n in "BCDE"],
    [("01 08 00", NEW + tlv(0x42, b"\0\1")), ("01 08 00", NEW), ("01 08 00", NEW + tlv(0x43, b"\xff")),
     ("01 08 00", NEW)],
    [("01 09 00", NEW), ("01 09 00", NEW + tlv(0x43, b"x")),
     ("01 06 00", PCR_RULE + objects("20000011")[0] + tlv(0x43, b"\0\1")),
     ("02 00 00", objects("20000011")[0])],
    [("01 05 00", tlv(0x11, bytes.fromhex("080000000000800800")) + NEW + tlv(0x43, b"k")),
     ("03 00 2D", NEW + b"\x42\1\4" + tlv(0x45, b"\0\x20"))],
]


def run_command(header, data, op=7, cla=0x80):
    return bytes([op, cla]) + bytes.fromhex(header) + bytes([len(data)]) + data


def in_session(session, header, data, cla=0x80):
    inner = bytes([cla]) + bytes.fromhex(header) + (bytes([len(data)]) + data if data else b"")
    return run_command("05 00 00", tlv(0x10, session) + tlv(0x41, inner))


def t1_block(pcb, inf=b""):
    return bytes([2, pcb, len(inf)]) + inf


def write_se05x_command_seeds():
    name = "se05x_command"
    session = bytes(range(0x11, 0x19))
    for i, (header, data) in enumerate(SE05X_COMMANDS):
        for part in (1, 2):
            seed(name, "command-%d-%d" % (i, part), bytes([part]) + run_command(header, data))
        if len(data) < 90:
            seed(name, "session-%d" % i, b"\2" + in_session(session, header, data))
        if i % 4 == 0:
            seed(name, "secure-%d" % i, b"\2" + run_command(header, data, 6))
    for i, steps in enumerate(SE05X_STEPS):
        seed(name, "steps-%d" % i, b"\2" + b"".join(run_command(h, d) for h, d in steps))
    # The second session waits for its credential: a UserID, an AES key, an EC key.
    waiting = bytes(range(0x21, 0x29))
    hello = (bytes.fromhex("A61D4F10A00000039654530000000103000000009003AB0133800188810110") +
             b"\x7f\x49\x46" + tlv(0xB0, BASE) + b"\xF0\1\3\x5f\x37\x08\x30\6\2\1\1\2\1\1")
    for title, kind, steps in (
            ("hello", 0x20, in_session(waiting, "88 00 00", hello, 0x84)),
            ("signed", 0xA0, in_session(waiting, "04 00 20", b"", 0x84)),
            ("user-id", 0, in_session(waiting, "04 00 2C", tlv(0x41, b"1234"))),
            ("user-id-right", 0, in_session(waiting, "04 00 2C", tlv(0x41, bytes([0x51] * 8)))),
            ("create", 0, in_session(session, "04 00 1C", b"") + run_command("04 00 1B", USER_ID)),
            ("aes", 0x10, in_session(waiting, "50 00 00", bytes(8)) +
             in_session(waiting, "82 33 00", bytes(16), 0x84) + in_session(waiting, "04 00 1C", b""))):
        seed(name, title, b"\1" + bytes([4, 2 + kind]) + steps)
    for i, (header, data) in enumerate((("04 00 3E", b"\x41\1\2\x42\1\1"), ("04 00 2A", b""),
                                        ("04 00 52", b"\x41\1\1"), ("04 00 57", b"\x41\1\2\x42\1\2"))):
        seed(name, "manage-%d" % i, b"\1" + bytes([4, 2 + 4 * i]) + in_session(session, header, data) +
             run_command("02 00 00", FILE) + run_command("04 00 28", EC))
    select = bytes.fromhex("00A4040010A000000396545300000001030000000000")
    selected = t1_block(0, select)
    version, random = bytes.fromhex("8004002000"), bytes.fromhex("800400490441020200")
    blocks = {
        "open": t1_block(0xC0) + b"\1\xff" + t1_block(0xC7) + b"\1\xff" + selected + b"\1\xff" +
            t1_block(0x40, version) + b"\1\xff",
        "chain": selected + t1_block(0x60, version[:2]) + t1_block(0, version[2:]) + b"\1\xff",
        "answer": selected + t1_block(0x40, random) + b"\1\xff\1\xff" + t1_block(0x80) + b"\1\xff\1\xff" +
            t1_block(0x91) + t1_block(0x90) + b"\1\xff",
        "reset": b"".join(t1_block(p) for p in (0xC5, 0xC6, 0xCF, 0xC2, 0xDF, 0xC4, 0x81, 0x92, 0xE3)) +
            t1_block(0xC1, b"\x10"),
        "wtx": selected + b"\5\x0c\xff" + t1_block(0x40, version) + b"\3\xff\1\xff" +
            t1_block(0xE3, b"\1") + b"\3\xff",
        "cut": selected + b"\5\2\0" + t1_block(0x40, bytes.fromhex("800106000a41042000001043020001")) +
            b"\4\1",
        "identify": t1_block(0, bytes.fromhex("80CA00FE02DF28")) + b"\1\xff",
        "domain": t1_block(0, bytes.fromhex("00A404000BD276000085304A434F9003")) +
            t1_block(0x40, bytes.fromhex("80500B00080001020304050607")) + b"\1\xff",
    }
    for fate in range(13):
        blocks["fate-%d" % fate] = (selected + bytes([5, fate, 1]) + t1_block(0x40, version) +
                                    b"\1\xff\3\1\1\xff")
    for title, data in blocks.items():
        seed(name, "block-" + title, b"\0" + data)
    for length in ("", "80", "810102", "82000102"):
        seed(name, "length-" + (length or "none"), b"\1" + run_command("03 00 0E", b"\x41\1\4\x42" +
            bytes.fromhex(length)))
    key = b"\x88\x11\x10" + bytes(16) + b"\3" + bytes(3)
    seed(name, "put-key", b"\1" + run_command("D8 0B 81", b"\x0b" + 3 * key, 6))
    seed(name, "authenticate", b"\1" + run_command("50 0B 00", bytes(8)) +
        run_command("82 33 00", bytes(16), cla=0x84))


# ---- Key references -----------------------------------------------------------------------

def reference(uri, curve="2a8648ce3d030107", size=64):
    key = tlv(0x30, tlv(0x06, bytes.fromhex("2a8648ce3d0201")), tlv(0x06, bytes.fromhex(curve)))
    spki = tlv(0x30, key, tlv(0x03, b"\0\4" + bytes(range(size))))
    return tlv(0x30, tlv(0x02, b"\1"), tlv(0x0c, uri), spki)


def write_reference_seeds():
    """The first byte: 0 a reference, 1 a URI."""
    uris = {"i2c": b"rot:i2c:1:0x60;object=ldevid/0",
            "all": b"rot:soft:/a%3bb%25c;object=trust/1;type=trust;layout=soft-p384",
            "types": b"rot:auto;type=private;object=idevid", "long": b"rot:" + b"a" * 639,
            "public": b"rot:auto;type=public", "cert": b"rot:auto;type=cert",
            "chain": b"rot:auto;type=chain", "longer": b"rot:" + b"a" * 640}
    for name, uri in uris.items():
        seed("key_reference", "uri-" + name, b"\1" + uri)
    seed("key_reference", "p256", b"\0" + reference(uris["i2c"]))
    seed("key_reference", "p384", b"\0" + reference(b"rot:soft:" + b"x" * 200 + b";object=idevid",
                                                    "2b81040022", 96))
    seed("key_reference", "longest", b"\0" + reference(uris["long"] + b";object=idevid"))
    seed("key_reference", "typed", b"\0" + reference(uris["types"]))
    seed("key_reference", "empty", b"\0" + tlv(0x30, tlv(0x02, b"\1"), tlv(0x0c, b"rot:a")))


# ---- Journals ----------------------------------------------------------------------------

def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def entry(number, kind=7, fields=b"\x0c\x00\x02{}"):
    return u64(number) + u64(1000) + u64(1) + bytes([kind]) + fields


def write_journal_seeds():
    """A last byte of 0: the fuzz target makes a file of them too."""
    first, second = short(entry(1)), short(entry(2, 1, b"\x01\x00\x01a\x02\x00\x01b"))
    later = entry(9)
    stop = b"\xff\xff"  # no content is that long: what follows is only in the file
    seed("journal", "empty", b"\x00")
    seed("journal", "two", first + second + b"\x00")
    seed("journal", "gap", first + short(entry(3)) + b"\x00")
    seed("journal", "damaged", first + stop + u32(len(later)) + u32(crc32c(later)) + later
         + b"\x00")


# ---- Answers to a device ------------------------------------------------------------------

SIGNED, DATA = bytes.fromhex("06092a864886f70d010702"), bytes.fromhex("06092a864886f70d010701")
ENROLL, REENROLL, CACERTS, CSRATTRS, CHALLENGE, DISK = range(6)
STATUSES = [200, 202, 204, 401, 403, 404, 405, 413, 415, 429, 500, 503, 507]


def certs_only(count):
    certs = tlv(0xa0, *[tlv(0x30, tlv(0x02, bytes([n + 1]))) for n in range(count)])
    return tlv(0x30, SIGNED, tlv(0xa0, tlv(
        0x30, b"\x02\x01\x01", tlv(0x31), tlv(0x30, DATA), certs, tlv(0x31))))


def answer(name, ask, status, header, body, is_der=False):
    seed("est_client", name, bytes([ask | (0x80 if is_der else 0), STATUSES.index(status)])
         + b"".join(h + b"\r\n" for h in header) + b"\n" + body)


def write_answer_seeds():
    pkcs7 = b"Content-Type: application/pkcs7-mime; smime-type=certs-only"
    date = b"Date: Sun, 29 Nov 2026 10:00:00 GMT"
    text, problem = b"Content-Type: text/plain", b"Content-Type: application/problem+json"
    answer("enroll", ENROLL, 200, [b"HTTP/1.1 200 OK", pkcs7, date], certs_only(1), True)
    answer("enroll-two", REENROLL, 200, [pkcs7], certs_only(2), True)
    answer("enroll-html", ENROLL, 200, [b"content-type: Text/HTML"], b"<html>")
    answer("later", ENROLL, 202, [b"Retry-After: 300", date], b"")
    answer("later-date", ENROLL, 202, [b"Retry-After: Sun, 29 Nov 2026 11:00:00 GMT", date], b"")
    answer("later-ages", ENROLL, 503, [b"Retry-After: 99999999999999999999", text], b"no: no")
    answer("interim", ENROLL, 200, [b"HTTP/1.1 100 Continue", b"Retry-After: 5",
                                    b"HTTP/1.1 200 OK", pkcs7], certs_only(1), True)
    # A line and a type as long as they may be.
    answer("long-line", ENROLL, 401, [b"x" * 253, text], b"auth.token: used up")
    answer("long-type", ENROLL, 200, [b"Content-Type: " + b"a" * 95], b"")
    answer("cacerts", CACERTS, 200, [pkcs7], certs_only(3), True)
    answer("cacerts-most", CACERTS, 200, [pkcs7], certs_only(32), True)
    answer("csrattrs", CSRATTRS, 200, [b"Content-Type: application/csrattrs"],
           tlv(0x30, bytes.fromhex("06082a8648ce3d040302")), True)
    answer("csrattrs-none", CSRATTRS, 204, [], b"")
    for status in STATUSES:
        answer("status-%d" % status, CACERTS, status, [b"Content-Type: image/png"], b"")
    answer("refused-text", ENROLL, 403, [text], b"order.full: the order is full\r\nmore")
    answer("refused-problem", ENROLL, 403, [problem],
           b'{"type":"about:blank","title":"T","detail":"D","code":"key.unique"}')
    answer("refused-other", ENROLL, 500, [problem], b'{"code":"no.such"}')
    seed("est_client", "challenge", bytes([CHALLENGE, 0]) + b'{"id":"' + b"0a" * 16
         + b'","challenge":"AAEC","nonce":"' + b"5c" * 32 + b'","until":1800000000}')
    seed("est_client", "disk", bytes([DISK, 0]) + b'{"v":1,"heard":1,"checked":2,"tried":3,'
         b'"next":4,"failures":5,"code":"net.trust","text":"t"}')
    seed("est_client", "generation", bytes([DISK, 0]) + b"id-17-1")
# ---- TPM -----------------------------------------------------------------------------------

def write_tpm2_response_seeds():
    """Honest runs of one call each; a zero is the truth, and so is all behind the end."""
    opened = bytes([0, 1, 1, 1, 1]) + bytes(6)
    for obj in range(14):
        for op in range(6):
            seed("tpm2_response", "key-%d-%d" % (obj, op), opened + bytes([0, obj, 200, op, 1]))
        for part in range(3):
            seed("tpm2_response", "read-%d-%d" % (obj, part), opened + bytes([1, obj, part, 100, 0, 0]))
            seed("tpm2_response", "write-%d-%d" % (obj, part), opened + bytes([1, obj, part, 200, 0, 1]))
        seed("tpm2_response", "attest-%d" % obj, opened + bytes([3, 0, obj]))
    for kdf in range(4):
        seed("tpm2_response", "secret-%d" % kdf, opened + bytes([2, 10, kdf, 1, kdf & 1]))
    seed("tpm2_response", "secret-long", opened + bytes([2, 150, 1, 0]))
    seed("tpm2_response", "look", opened + bytes([4, 40, 0]) + bytes(200))
    seed("tpm2_response", "look-wipe", opened + bytes([4, 40, 1]))
    seed("tpm2_response", "public-ecc", bytes([2]) + bytes.fromhex("0023000b000400f20000" "0010001000030010"
                                                                   "0020") + bytes(32) + b"\0\x20" + bytes(32))
    seed("tpm2_response", "public-rsa", bytes([2]) + bytes.fromhex("0001000b000300b20000" "000600800043" "0010"
                                                                   "0800" "00000000" "0100") + bytes(256))
    seed("tpm2_response", "public-hash", bytes([2]) + bytes.fromhex("0008000b000400f20000" "0005000b" "0020") +
         bytes(32))
    seed("tpm2_response", "challenge", bytes([3]) + u16(68) + u16(32) + bytes(66) + u16(256) + bytes(256))


# ---- ATECC ---------------------------------------------------------------------------------

def write_atecc_seeds():
    """Secrets of an honest part: one zero for every command.  Both locked, in the clear, paired, counted."""
    filled = bytes([99, 0]) + bytes(72) + bytes(2) + bytes(1) + bytes(64)
    for flags, start in ((0x0c, bytes(1)), (0xfc, filled + bytes(8)), (0xfd, filled + bytes(9))):
        opened = bytes([flags]) + start
        # An agreed secret, the PRF over it into its own place, a MAC; then what the second call wants.
        agreed = opened + bytes([252, 0, 0, 40, 200, 2, 1]) + bytes(11)
        for kdf in range(4):
            for out in range(4):
                for where in range(2):
                    seed("atecc_response", "secret-%02x-%d-%d-%d" % (flags, kdf, out, where),
                         agreed + bytes([252, 0, 1, 40, 200, kdf, out, where]) + bytes(40))
        for other in (1, 2):
            seed("atecc_response", "secret-%02x-slot-%d" % (flags, other),
                 opened + bytes([252, other, other, 16, 200, 1, 1, 0]) + bytes(40))
        for box in range(4):
            seed("atecc_response", "secret-%02x-box-%d" % (flags, box),
                 opened + bytes([250, box, 40 * (box & 1), 40 * (box >> 1), 0]) + bytes(40))
        for data in range(2):
            seed("atecc_response", "secret-%02x-evidence-%d" % (flags, data),
                 opened + bytes([251, 200, data, 1]) + bytes(80))


# ---- STSAFE --------------------------------------------------------------------------------

def write_stsafe_seeds():
    """The same for an STSAFE: two zeroes for every command."""
    def opened(flags):
        return bytes([flags, 1]) + bytes(8 if flags & 16 else 6)

    for flags in (0x04, 0x14, 0x18, 0x94):  # A110 in the clear and paired, A120, the other layout
        start = opened(flags)
        name = "%02x-" % flags
        for obj in range(12) if flags == 0x14 else (2, 6, 8):
            for op in range(7):
                seed("stsafe_response", name + "key-%d-%d" % (obj, op), start + bytes([0, obj, 200, op, 1]))
            for part in range(3):
                seed("stsafe_response", name + "read-%d-%d" % (obj, part), start + bytes([1, obj, part, 100, 0, 0]))
                seed("stsafe_response", name + "write-%d-%d" % (obj, part), start + bytes([1, obj, part, 100, 1, 1]))
            seed("stsafe_response", name + "attest-%d" % obj, start + bytes([3, 255, obj]))
        for session in range(3):
            for long in range(2):
                seed("stsafe_response", name + "secret-%d-%d" % (session, long),
                     start + bytes([2, session, 40, long, 0]) + bytes(20))
        seed("stsafe_response", name + "secret-full", start + bytes([2, 2, 160, 0, 1]))
        for stage in range(4):
            seed("stsafe_response", name + "look-%d" % stage, start + bytes([4, stage, 40]) + bytes(200))
        for word in (0, 0x42, 1):
            seed("stsafe_response", name + "rotate-%d" % word, start + bytes([3, 0, 0, 0, word]))
    # The certificate in place, then sealed.
    for flags in (0x04, 0x14):
        seed("stsafe_response", "seal-%02x" % flags,
             opened(flags) + bytes([1, 1, 0, 100, 0, 1]) + bytes(60) + bytes([4, 1, 1]) + bytes(80))
    # Truths, one byte of them another.
    product = bytes.fromhex("0103aa46020209a021e021c4e1d00139")
    rules = bytes.fromhex("00030e03020f03011f170302")
    zones = bytes.fromhex("0200000703e805010800400000" "01f4")
    seed("stsafe_response", "product", bytes([2, 0, 0]) + product)
    seed("stsafe_response", "rules", bytes([2, 1, 0]) + rules)
    seed("stsafe_response", "zones", bytes([2, 2, 5]) + zones)
    seed("stsafe_response", "pair", bytes([2, 3, 0, 0, 3, 1, 2, 3, 0, 2, 4, 5]))
    seed("stsafe_response", "frame", bytes.fromhex("03" "00000a000102030405060750" "96"))
    seed("stsafe_response", "padding", bytes([3]) + bytes(16) + b"\x80" + bytes(15))


def write_ta100_response_seeds():
    """A TA100: of each command three zeroes, for what it says and the two reads of it."""
    name, honest = "ta100_response", bytes(3)
    # Flags: asleep, and the others with a byte of their own.
    for flags, more in ((0, b""), (4, b""), (8, b"\2"), (16, b"\5"), (32, b"\2"), (64, b"\6"), (128, b"\x17")):
        start = bytes([flags]) + more + honest
        for obj in range(16) if flags == 0 else ():
            for op in range(5):
                seed(name, "key-%02x-%d-%d" % (flags, obj, op), start + bytes([0, obj, 100, op, 1]))
            for part in range(3):
                seed(name, "read-%02x-%d-%d" % (flags, obj, part), start + bytes([2, obj, part, 100, 0, 0]))
                seed(name, "write-%02x-%d-%d" % (flags, obj, part), start + bytes([2, obj, part, 60, 0, 1]))
        for stage in range(4):
            seed(name, "seal-%02x-%d" % (flags, stage), start + bytes([4, stage, 0]) + bytes(300))
        seed(name, "look-%02x" % flags, start + bytes([5, 200]) + bytes(60) + b"\1")
    pair = bytes([0, 2, 100, 0]) + 4 * honest       # ldevid/0: look, create, make
    agreed = pair + bytes([0, 2, 100, 3, 0]) + honest  # into session/0
    for kdf in range(4):
        for into in range(6):
            seed(name, "derive-%d-%d" % (kdf, into),
                 b"\0" + honest + agreed + bytes([1, kdf, 0, into, 8, 1, 0]) + bytes(40))
    for session, size in ((4, 32), (5, 16)):
        # Lengths are multiples of 5: only what a lie makes of them fits.
        seed(name, "import-%d" % session, b"\0" + honest + bytes([1, 0, session, 1, 4, 0, 1]) + bytes(40))
        seed(name, "box-%d" % session, b"\0" + honest + bytes([1, 0, session, 1, size, 0, 0, 7, 0, 0]) + bytes(40))
    speaker = bytes([0, 1, 100, 0]) + 4 * honest
    identity = bytes([0, 0, 100, 0]) + 4 * honest
    for obj in range(3):
        seed(name, "attest-%d" % obj, b"\0" + honest + speaker + identity + pair + bytes([3, 255, obj]) + bytes(40))
    certificate = bytes([2, 0, 0, 50, 0, 1]) + 8 * honest
    seed(name, "sealed", b"\0" + honest + bytes([4, 0, 0]) + bytes(230) + identity + certificate +
         bytes([4, 1, 0]) + bytes(100))
    seed(name, "locked", b"\0" + honest + bytes([2, 4, 2, 50, 0, 1]) + 8 * honest + bytes([4, 2, 0]) + bytes(40))
    for how in range(9):
        for at in (0, 21, 37):
            seed(name, "lie-%d-%d" % (how, at), bytes([0, how, at, 1]) + bytes(20))
    for how in (0xf8, 0xf9, 0xfa, 0xfc):
        seed(name, "tamper-%02x" % how, bytes([0, 0, how, 3, 0xe8]) + bytes(20))
    for more in (bytes.fromhex("0005000000"), bytes.fromhex("00080061626300 00")):
        seed(name, "answer-%d" % len(more), b"\3" + more)


# ---- STSAFE commands -------------------------------------------------------------------------

STSAFE_CODES = [0, 1, 2, 4, 5, 6, 9, 10, 12, 13, 14, 15, 16, 17, 20, 22, 23, 24, 25, 26, 27, 28, 31]


def stsafe_command(code, payload, how=0):
    """One operation of the target; code above 0xff: extended."""
    head = bytes([STSAFE_CODES.index(31), code & 0xff]) if code > 0xff else bytes([STSAFE_CODES.index(code)])
    return bytes([6, how | (4 if len(payload) > 255 else 0)]) + head + bytes([len(payload) & 0xff]) + payload


def stsafe_answer():
    return bytes([1, 200])


def write_stsafe_command_seeds():
    """Every command once, in clear and in the channel, on an A110 and an A120; first byte: the part."""
    number = lambda b: u16(len(b)) + b
    curve = number(bytes.fromhex("2a8648ce3d030107"))
    point = b"\4" + number(G[0]) + number(G[1])
    digest = number(bytes(range(32)))
    sha256 = number(bytes.fromhex("608648016503040201"))
    once = {
        "echo": (0x00, b"abc"), "reset": (0x01, b""), "random": (0x02, b"\0\x08"),
        "decrement": (0x04, b"\0\5\0\0\0\0\0\1zz"), "read": (0x05, b"\0\1\0\0\0\x40"),
        "read-counter": (0x05, b"\0\5\0\0\0\x40"), "read-host": (0x05, b"\0\2\0\0\2\x58"),
        "read-long": (0x05, b"\0\4\0\0\6\xa0"), "update": (0x06, b"\0\1\0\0" + bytes(64)),
        "update-atomic": (0x06, b"\x9f\1\2\x7c" + bytes(64)), "update-zone0": (0x06, b"\0\0\0\0x"),
        "mac": (0x09, b"\3\1\x10message"), "mac-check": (0x0a, b"\2\1\x10" + bytes(16) + b"message"),
        "hmac": (0x09, b"\3\5\x20message"),
        "delete": (0x0c, b"\x09"), "hibernate": (0x0d, b"\1"), "wrap": (0x0e, b"\0" + bytes(32)),
        "unwrap": (0x0f, b"\0" + bytes(40)), "put-life": (0x10, b"\x08\x83"), "put-i2c": (0x10, b"\x0a\x44\0"),
        "put-i2c-a120": (0x10, b"\x0a\x44\0\0"), "put-host": (0x10, b"\x17" + bytes(32)),
        "put-public": (0x10, b"\x0b" + curve + point), "put-control": (0x10, b"\x4a\x07\xff"),
        "put-symmetric-control": (0x10, b"\x4b\3\0\xff\xff"), "put-public-rights": (0x10, b"\x4d\1\0\x1e"),
        "generate": (0x11, b"\x13\1\xff\xff\0\0" + curve), "generate-ephemeral": (0x11, b"\x13\xff\xff\xff\0\0" + curve),
        "generate-zero": (0x11, b"\x13\0\xff\xff\0\0" + curve), "generate-envelope": (0x11, b"\7\1\x20"),
        "sign": (0x16, b"\0" + digest), "sign-counted": (0x16, b"\1" + digest),
        "verify": (0x17, b"\0" + curve + point + digest + digest + digest),
        "establish": (0x18, b"\1" + point), "standby": (0x19, b""), "password": (0x1a, bytes(16)),
        "encrypt-ecb": (0x1b, b"\2\2" + bytes(16)), "encrypt-ccm": (0x1b, b"\2\0" + bytes(13) + number(b"a") + number(b"m")),
        "encrypt-gcm": (0x1b, b"\2\3" + number(bytes(12)) + number(b"a") + number(b"m")),
        "decrypt-ecb": (0x1c, b"\2\2" + bytes(16)),
        "decrypt-ccm": (0x1c, b"\2\0" + bytes(13) + number(b"a") + number(b"m" + bytes(16))),
        "decrypt-gcm": (0x1c, b"\2\3" + number(bytes(12)) + number(b"a") + number(b"m") + bytes(16)),
        "derive": (0x110, b"\2\4\3" + sha256 + b"\0\0\0" + number(b"info") + number(b"\1\0\x20") + number(b"\2\0\0\1\0\3\x10")),
        "derive-given": (0x110, b"\0\4" + number(bytes(16)) + b"\2" + sha256 + b"\0" + number(b"salt")),
        "host-plain": (0x107, b"\0\0\0\1" + bytes(32)), "host-wrapped": (0x108, bytes(48)),
        "public": (0x10a, b"\1" + curve + point),
        "ecdhe": (0x10b, curve), "challenge": (0x10e, b""), "symmetric": (0x117, b"\0\x09\0\1\0\3\x10" + bytes(16)),
        "erase": (0x119, b"\1"), "decompress": (0x11a, curve + b"\2" + G[0]),
    }
    for tag in (0x07, 0x08, 0x0a, 0x0b, 0x11, 0x12, 0x14, 0x17, 0x23, 0x24, 0x47, 0x48, 0x4a, 0x4b):
        once["query-%02x" % tag] = (0x14, bytes([tag]))
    once["query-4c"] = (0x14, b"\x4c\1")
    for name, (code, payload) in once.items():
        for part, how in ((0, 0), (0, 1), (1, 0), (2, 3 if name == "wrap" else 1)):
            seed("stsafe_command", "%s-%d-%d" % (name, part, how),
                 bytes([part]) + stsafe_command(code, payload, how) + stsafe_answer())
    chains = {
        "agree": stsafe_command(0x11, b"\x13\xff\xff\xff\0\0" + curve) + stsafe_command(0x18, b"\xff" + point),
        "hash": stsafe_command(0x100, sha256 + b"a") + stsafe_command(0x101, b"b") + stsafe_command(0x102, b"c"),
        "entity": stsafe_command(0x10a, b"\1" + curve + point) + stsafe_command(0x10e, b"")
                  + stsafe_command(0x10f, b"\0\1" + digest + digest),
        "kek": stsafe_command(0x10b, curve) + stsafe_command(0x103, curve + point + b"\1")
               + stsafe_command(0x108, bytes(48)) + stsafe_command(0x109, bytes(32)) + stsafe_command(0x106, b""),
        "host-establish": stsafe_command(0x10b, curve) + stsafe_command(0x118, curve + point + b"\3\1"),
        "signed": stsafe_command(0x10a, b"\1" + curve + point) + stsafe_command(0x10b, curve)
                  + stsafe_command(0x118, curve + point + b"\3\1\0\1" + sha256 + digest + digest),
        "symmetric-agree": stsafe_command(0x10b, curve) + stsafe_command(0x104, curve + point + b"\2")
                           + stsafe_command(0x105, bytes(8) + number(b"\0\x09\0\1\0\3\x10")),
        "pieces-gcm": stsafe_command(0x111, b"\3" + number(bytes(12)) + number(b"a") + number(b"m"))
                      + stsafe_command(0x112, number(b"") + number(bytes(40))) + stsafe_command(0x113, bytes(4)),
        "pieces-ccm": stsafe_command(0x114, b"\0" + number(bytes(13)) + b"\0\1\0\0\0\2" + number(b"a") + number(b"m"))
                      + stsafe_command(0x115, bytes(4)) + stsafe_command(0x116, number(b"") + number(b"m") + bytes(16)),
        "sleep": stsafe_command(0x0d, b"\1") + stsafe_answer() + bytes([2, 9]) + bytes([3, 20]) + stsafe_command(0, b"x"),
    }
    # What opens under the parts' keys, which are 51 51 ..
    chains["unwrap"] = stsafe_command(0x0f, b"\0" + bytes.fromhex("49584f935c7678e3bfabc4bdbb8ee5e0fa0539fe8300fa6d"), 1)
    ccm, gcm = bytes.fromhex("d6cd12b22f9bc7213c4ab696d62ff07e91"), bytes.fromhex("d50790976b1266e6cbe71c558bf06fdda1")
    chains["open-ccm"] = stsafe_command(0x1c, b"\2\0" + bytes(13) + number(b"a") + number(ccm))
    chains["open-gcm"] = stsafe_command(0x1c, b"\2\3" + number(bytes(12)) + number(b"a") + number(gcm[:1]) + gcm[1:])
    for kind in range(13):
        chains["fate-%d" % kind] = bytes([5, kind, 5]) + stsafe_command(6, b"\0\1\0\0" + bytes(16)) + stsafe_answer()
    for name, operations in chains.items():
        seed("stsafe_command", name, b"\1" + operations + stsafe_answer())
    for name, frame in {"query": "140871fe", "read": "05000000000004 3af7", "mac": "e5000100000010 0ce1bc670007"}.items():
        raw = bytes.fromhex(frame)
        seed("stsafe_command", "raw-" + name, bytes([1, 0, len(raw)]) + raw + stsafe_answer())


# ---- SE05x -----------------------------------------------------------------------------------

def block(pcb, inf=b""):
    """A block of the part's, as the fuzz target reads it from a bus: in three pieces."""
    return bytes([0, 0xa5, pcb, 0, len(inf), 0]) + inf + b"\0\0"


def write_se05x_seeds():
    """Honest runs of one call each; a zero is the truth, and so is all behind the end."""
    whole = bytes([0x0f, 1, 2, 0x81, 1, 0x27, 0x12])
    bare = bytes([0, 0, 0, 0, 0, 0x08, 0x25])
    open_ = bytes([0x07, 1, 2, 0x81, 0, 0x27, 0x30])
    half = bytes([0x0f, 1, 2, 0xc2, 0x81, 0x27, 0])
    sealed = bytes([0x0f, 1, 2, 0xc2, 0xc2, 0x67, 0])
    for name, content in (("open", open_), ("half", half), ("sealed", sealed)):
        for obj in range(3):
            for what in (0, 2):
                seed("se05x_response", "seal-%s-%d-%d" % (name, obj, what),
                     b"\0" + content + bytes(12) + bytes([4, 40, obj, what]))
        for obj in (5, 7):
            seed("se05x_response", "rewrite-%s-%d" % (name, obj),
                 b"\0" + content + bytes(12) + bytes([1, obj, 2, 20, 0, 1]))
    for name, age, content in (("", 0, whole), ("bare-", 0, bare), ("old-", 1, whole)):
        opened = bytes([age]) + content + bytes(12)
        for obj in range(15):
            for op in range(7):
                seed("se05x_response", "%skey-%d-%d" % (name, obj, op), opened + bytes([0, obj, 100, op, 8]))
            seed("se05x_response", "%sattest-%d" % (name, obj), opened + bytes([3, 250, obj]))
            for part in range(0 if name else 3):
                seed("se05x_response", "read-%d-%d" % (obj, part), opened + bytes([1, obj, part, 100, 0, 0]))
                seed("se05x_response", "write-%d-%d" % (obj, part), opened + bytes([1, obj, part, 120, 0, 1]))
        for obj in range(4):
            for kdf in range(4):
                seed("se05x_response", "%ssecret-%d-%d" % (name, obj, kdf),
                     opened + bytes([2, obj, 10, kdf, kdf & 1, kdf >> 1]))
        for obj in range(3):
            for what in range(8):
                seed("se05x_response", "%slook-%d-%d" % (name, obj, what), opened + bytes([4, 40, obj, what]))
    seed("se05x_response", "tlvs", b"\2" + tlv(0x41, bytes(200)) + tlv(0x42, b"a") + tlv(0x43, bytes(300)))
    # Read as a TLV, too: its second byte is then a length, 83, and the whole has to be as long.
    seed("se05x_response", "attributes", b"\2" + bytes.fromhex("525300010101" "0000" "00000000" "0000"
                                                               "0800000000183c0000" "3800000000183c0000")
         + bytes(48) + bytes.fromhex("02" "00000000"))
    seed("se05x_response", "secure", b"\2" + b"A\1\1\x80" + bytes(12) + b"\xcc" * 8 + b"\x90\0")
    atr = bytes.fromhex("00a0000003960403e800fe020b03e80801000000006400000a4a434f5034204154504f")
    seed("se05x_response", "atr", b"\3\x40" + atr)
    chain = block(0x90) + b"\0" + block(0x20, bytes(254)) + b"\0" + block(0x60, bytes(254)) + b"\0"
    seed("se05x_response", "bus", b"\3\xff\0" + chain + block(0, b"\x90\0") + b"\xfd\0" + block(0xe0) +
         b"\0" + block(0xe7, atr) + b"\0" + block(0xe5))
    patience = block(0xc3, b"\1") + b"\0" + block(0xc1, b"\x20") + b"\0" + block(0x81) + b"\0"
    seed("se05x_response", "bus-patience", b"\3\xff\0" + patience + chain + block(0, b"\x90\0"))
# ---- TA100 commands (placeholder protocol) ------------------------------------------------------

TA100_OPCODES = [1, 2, 3, 4, 5, 6, 0x10, 0x11, 0x12, 0x13, 0x20, 0x21, 0x22, 0x23, 0x30, 0x31, 0x32]
TA100_HANDLES = [0x8000, 0x8001, 0x8002, 0x8003, 0x8004, 0x8005, 0x8006, 0x8007, 0x4000, 0x4001, 0x4010, 0x4020]


def ta100_command(opcode, mode, handle, data=b""):
    """One operation of the target, and a read of the answer."""
    return bytes([5, TA100_OPCODES.index(opcode), mode, TA100_HANDLES.index(handle), len(data)]) + data + bytes([1, 60])


def write_ta100_command_seeds():
    """Every command on an empty, a filled and a sealed part; first byte: the part."""
    point = G[0] + G[1]
    number = lambda b: u16(len(b)) + b
    once = [
        (0x01, 0, 0x8000, b""), (0x01, 1, 0x8000, b""), (0x01, 2, 0x8000, b""), (0x02, 0, 0x8000, b""),
        (0x03, 0, 0x8000, u16(32)), (0x04, 0, 0x8000, b""), (0x04, 1, 0x8000, b""), (0x05, 0, 0x8000, b""),
        (0x05, 1, 0x8000, b""), (0x05, 2, 0x8005, b""), (0x06, 0, 0x4010, b""), (0x06, 1, 0x4010, b""),
        (0x10, 0, 0x8007, bytes.fromhex("0300400000005504")), (0x10, 0, 0x8000, bytes.fromhex("0117000000000100")),
        (0x11, 0, 0x8002, b""), (0x12, 0, 0x8005, u16(4) + b"data"), (0x12, 0, 0x8002, u16(0) + point),
        (0x12, 0, 0x8001, u16(0) + bytes(range(32))), (0x12, 0, 0x8003, u16(0) + bytes(range(32))),
        (0x12, 0, 0x4020, u16(16) + b"\x30"), (0x13, 0, 0x8002, u16(0) + u16(64)), (0x13, 0, 0x8006, u16(0) + u16(32)),
        (0x13, 0, 0x4020, u16(0) + u16(48)), (0x20, 0, 0x8000, b""), (0x20, 1, 0x8000, b""), (0x20, 0, 0x4000, b""),
        (0x21, 0, 0x8000, bytes(32)), (0x21, 1, 0x8000, u16(0x8001) + bytes(32)), (0x21, 1, 0x8000, u16(0x8005) + bytes(32)),
        (0x22, 0, 0x8000, bytes(range(96)) + point), (0x22, 1, 0x8002, bytes(range(96))), (0x23, 0, 0x8001, point),
        (0x23, 1, 0x8000, point + u16(0x4000)), (0x31, 0, 0x8003, b"message"), (0x31, 1, 0x8004, b"message"),
        (0x32, 0, 0x8004, bytes(12) + number(b"a") + b"m"), (0x32, 1, 0x8004, bytes(12) + number(b"a") + b"m" + bytes(16)),
    ] + [(0x30, mode, 0x8003, u16(0x4001) + u16(48) + number(b"a") + number(b"b")) for mode in range(4)]
    for i, command in enumerate(once):
        for part in range(3):
            seed("ta100_command", "%02x-%02d-%d" % (command[0], i, part), bytes([part]) + ta100_command(*command))
    chain = (ta100_command(0x20, 0, 0x4000) + ta100_command(0x23, 1, 0x4000, point + u16(0x4000))
             + ta100_command(0x30, 0, 0x4000, u16(0) + u16(32) + number(b"") + number(b""))
             + ta100_command(0x32, 0, 0x4000, bytes(12) + number(b"") + b"m"))
    seed("ta100_command", "session", b"\1" + chain)
    # What opens under the parts' keys, which are 51 51 ..
    seed("ta100_command", "open", b"\1" + ta100_command(0x32, 1, 0x8004, bytes(12) + number(b"a")
                                                        + bytes.fromhex("d50790976b1266e6cbe71c558bf06fdda1")))
    for kind in range(13):
        seed("ta100_command", "fate-%d" % kind,
             bytes([1, 4, kind, 5]) + ta100_command(0x12, 0, 0x8005, u16(0) + bytes(16)) + bytes([2, 10, 1, 9]))
    seed("ta100_command", "raw", b"\0\0\x09" + bytes.fromhex("1000080100000 07a89".replace(" ", "")) + b"\0\1\x30\1\x04")


# ---- OPTIGA --------------------------------------------------------------------------------

def update_set(oid):
    manifest = bytes(20) + b"\x42" + oid + b"\x58\x40" + bytes(64)
    return b"\x30" + u16(len(manifest)) + manifest + b"\x31" + u16(8) + bytes(8)


def write_optiga_seeds():
    """Honest runs; a zero is the truth, and so is all behind the end."""
    clear, paired = bytes([0]) + bytes(6), bytes([4]) + bytes(13)
    for obj in range(15):
        for op in range(6):
            seed("optiga_response", "key-%d-%d" % (obj, op), paired + bytes([0, obj, 200, op, 1]))
        part = 2 if obj > 3 else obj % 2
        seed("optiga_response", "read-%d" % obj, clear + bytes([2, obj, part, 60, 0, 0, 0]))
        for der in range(2):
            seed("optiga_response", "write-%d-%d" % (obj, der),
                 paired + bytes([2, obj, part, 80 if obj in (0, 4, 11) else 12, 0, der, 1]))
        seed("optiga_response", "attest-%d" % obj, clear + bytes([3, 0, obj]))
    for first in (clear, paired):
        way = "paired" if first is paired else "clear"
        # A key made in 14 commands, a session filled in one, then used; 3 bytes for each command.
        agreed = bytes([0, 2, 200, 0]) + bytes(42) + bytes([0, 2, 100, 4]) + bytes(3)
        for kdf in range(4):
            for into in range(4):
                seed("optiga_response", "%s-secret-%d-%d" % (way, kdf, into), first + agreed
                     + bytes([1, kdf, 150, 7]) + bytes(11) + bytes([into & 1, into >> 1]))
        for stage in range(4):
            seed("optiga_response", "%s-seal-%d" % (way, stage), first + bytes([4, stage, 0]))
        seed("optiga_response", way + "-look", first + bytes([5, 150]) + bytes(200))
        seed("optiga_response", way + "-reset", first + bytes([5, 10]) + bytes(100) + bytes([0, 0, 1]))
    for oid in (b"\xe0\xf2", b"\xe0\xf1"):
        body = update_set(oid)
        body += bytes(-len(body) % 8)
        seed("optiga_response", "import-" + oid.hex(),
             clear + bytes([3, len(body) // 8, 2 if oid[1] == 0xf2 else 0]) + body)
    # Another secret in the part: refused, and after one command in the clear replaced.
    seed("optiga_response", "pair", bytes([0x84]) + bytes(17) + bytes([5, 0]) + bytes(90))
    for flags in (8, 16, 32, 64, 24, 48):
        seed("optiga_response", "flags-%d" % flags, bytes([flags, 40]) + bytes(6) + bytes([2, 0, 0, 90, 0, 1, 1]))
    for name, answer in (("ok", "0000000401020304"), ("error", "ff000000"),
                         ("meta", "201dc00101c40140c50140d007e1fc07fe20e140d103e1fc07d30100e80122"),
                         ("numbers", "022100" + "81" * 32 + "0220" + "11" * 32),
                         ("frame", "c000000a9a"), ("tlv", "0200440342000401"),
                         ("spki", "3059301306072a8648ce3d020106082a8648ce3d030107034200" + "04" * 65)):
        seed("optiga_response", "codec-" + name, bytes([2]) + bytes.fromhex(answer))
    seed("optiga_response", "record", bytes([3]) + b"\x23" + u32(0x1235) + bytes(20))


# ---- OPTIGA commands -------------------------------------------------------------------------

OPTIGA_COMMANDS = [0x01, 0x02, 0x03, 0x0c, 0x14, 0x15, 0x1e, 0x1f, 0x30, 0x31, 0x32, 0x33, 0x34, 0x38, 0x39,
                   0x70, 0x71]
OPTIGA_AID = bytes.fromhex("d27600000447656e417574684170706c")


def otlv(tag, value=b""):
    return bytes([tag]) + u16(len(value)) + value


def optiga_apdu(cmd, param, data=b"", how=4):
    """One operation of the target; how: protection, 4 for bit 7, 8 for a long length."""
    length = u16(len(data)) if len(data) > 255 else bytes([len(data)])
    return bytes([0, how | (8 if len(data) > 255 else 0), OPTIGA_COMMANDS.index(cmd), param]) + length + data


def optiga_read(reg=0x80):
    return bytes([1, reg - 0x80, 200])


def optiga_piece(op, data):
    return bytes([op]) + u16(len(data)) + data


def optiga_manifest(kind, oid, size, first, second, version=1, uid=b"", digest=bytes(32), secret=None, iv=16):
    nil = b"\xf6"
    step = nil
    if secret is not None:
        who = (b"\xa3\x04" + cbor_bytes(u16(secret)) + b"\x01" + cbor_int(-65720) + b"\x05"
               + cbor_array(cbor_bytes(b"label"), cbor_bytes(bytes(range(iv)))))
        step = cbor_array(cbor_int(1), cbor_array(cbor_bytes(b"\xa1\x01\x0a"),
                                                  cbor_array(cbor_array(cbor_bytes(who), nil)), nil))
    return cbor_array(
        cbor_int(1), nil, nil,
        cbor_array(cbor_int(kind), cbor_int(size), cbor_int(version), cbor_array(cbor_int(first), cbor_int(second))),
        cbor_array(cbor_array(cbor_int(-1), cbor_bytes(cbor_array(cbor_int(41), cbor_bytes(digest)))), step),
        cbor_array(cbor_bytes(uid), cbor_bytes(u16(oid))))


def optiga_commands():
    """Every command in the ways that it has; name: (cmd, param, data)."""
    point = bytes.fromhex("03420004") + G[0] + G[1]
    rsa = tlv(0x03, b"\0", tlv(0x30, tlv(0x02, b"\0" + b"\xc5" * 128), tlv(0x02, b"\1\0\1")))
    key, data, block = otlv(3, b"\xe0\xf1"), bytes(range(32)), bytes(16)
    sig = otlv(2, tlv(0x02, data[1:]) + tlv(0x02, data[2:]))
    by_point = otlv(5, b"\3") + otlv(6, point)
    by_rsa = otlv(5, b"\x41") + otlv(6, rsa)
    once = {
        "read": (0x01, 0, b"\xe0\xe0"), "read-part": (0x01, 0, b"\xe0\xc2\0\1\0\4"),
        "read-error": (0x01, 0, b"\xf1\xc2"), "read-sec": (0x01, 0, b"\xe0\xc5"), "meta": (0x01, 1, b"\xe1\x40"),
        "write": (0x02, 0, b"\xf1\xd3\0\1abc"), "erase": (0x02, 0x40, b"\xf1\xd3\0\0abc"),
        "write-status": (0x02, 0, b"\xe0\xc1\0\0\0"), "write-life": (0x02, 0, b"\xf1\xc0\0\0\3"),
        "write-sleep": (0x02, 0, b"\xe0\xc3\0\0\x20"), "write-current": (0x02, 0, b"\xe0\xc4\0\0\x0a"),
        "count": (0x02, 2, b"\xe1\x20\0\0\1"),
        "random": (0x0c, 0, b"\0\x20"), "random-kept": (0x0c, 1, b"\0\x10\xe1\0" + otlv(0x41, b"opt")),
        "pre-master": (0x0c, 4, b"\0\x30\xe1\1"),
        "hash": (0x30, 0xe2, otlv(1, b"abc")), "hash-object": (0x30, 0xe2, otlv(0x11, b"\xf1\xd3\0\0\0\4")),
        "sign": (0x31, 0x11, otlv(1, data) + key), "sign-rsa": (0x31, 1, otlv(1, data) + otlv(3, b"\xe0\xfc")),
        "sign-rsa-384": (0x31, 2, otlv(1, data + block) + otlv(3, b"\xe0\xfc")),
        "sign-rsa-512": (0x31, 3, otlv(1, data * 2) + otlv(3, b"\xe0\xfc")),
        "verify": (0x32, 0x11, otlv(1, data) + sig + by_point),
        "verify-cert": (0x32, 0x11, otlv(1, data) + sig + otlv(4, b"\xe0\xe8")),
        "verify-rsa": (0x32, 1, otlv(1, data) + otlv(2, b"\x12" * 128) + by_rsa),
        "agree": (0x33, 1, otlv(1, b"\xe0\xf1") + by_point + otlv(7)),
        "agree-session": (0x33, 1, otlv(1, b"\xe0\xf1") + by_point + otlv(8, b"\xe1\0")),
        "prf": (0x34, 1, otlv(1, b"\xf1\xd0") + otlv(3, b"\0\x20") + otlv(2, b"label, seed") + otlv(7)),
        "prf-512": (0x34, 3, otlv(1, b"\xf1\xd0") + otlv(3, b"\0\x20") + otlv(2, b"label, seed") + otlv(7)),
        "hkdf": (0x34, 9, otlv(1, b"\xf1\xd0") + otlv(3, b"\0\x20") + otlv(2, b"salt") + otlv(4, b"info")
                 + otlv(8, b"\xe1\2")),
        "pair": (0x38, 3, otlv(1, b"\xe0\xf3") + otlv(2, b"\x10")), "pair-out": (0x38, 5, otlv(7)),
        "pair-session": (0x38, 4, otlv(1, b"\xe1\3") + otlv(2, b"\x20")),
        "aes-key": (0x39, 0x81, otlv(1, b"\xe2\0") + otlv(2, b"\2")), "aes-key-out": (0x39, 0x83, otlv(7)),
        "ecb": (0x14, 8, b"\xe2\0" + otlv(1, block)), "ecb-back": (0x15, 8, b"\xe2\0" + otlv(1, block)),
        "cbc": (0x14, 9, b"\xe2\0" + otlv(1, block) + otlv(0x41, block)),
        "cbc-mac": (0x14, 10, b"\xe2\0" + otlv(1, block)), "cmac": (0x14, 11, b"\xe2\0" + otlv(1, b"abc")),
        "hmac": (0x14, 0x20, b"\xf1\xd0" + otlv(1, b"abc")), "hmac-512": (0x14, 0x22, b"\xf1\xd0" + otlv(1, b"abc")),
        "encrypt": (0x1e, 0x11, otlv(0x61, b"abc") + by_rsa), "decrypt": (0x1f, 0x11, otlv(0x61, block * 8)
                                                                          + otlv(3, b"\xe0\xfc")),
        "open": (0x70, 0, OPTIGA_AID), "restore": (0x70, 1, OPTIGA_AID + bytes(8)), "close": (0x71, 0, b""),
        "hibernate": (0x71, 1, b""),
    }
    for i, meta in enumerate(("2003c00107", "2005d00320e140", "2009d307e1fc07fd40e120", "2003e80121", "2003e10110",
                              "2007c1020001f00121", "2005d80321e0e8", "2003c50101", "200ad0081020fe9020fd70fa07")):
        once["set-meta-%d" % i] = (0x02, 1, (b"\xe0\xf1" if i == 4 else b"\xf1\xd3") + b"\0\0" + bytes.fromhex(meta))
    return once


def optiga_chains():
    """Operations that belong together; name: bytes."""
    once = optiga_commands()
    nonce = bytes(3)
    chains = {
        "hash-chain": optiga_apdu(0x30, 0xe2, otlv(0, b"a")) + optiga_apdu(0x30, 0xe2, otlv(2, b"b"))
                      + optiga_apdu(0x30, 0xe2, otlv(5, b"c")) + optiga_apdu(0x30, 0xe2, otlv(3, b"d")),
        "hash-export": optiga_apdu(0x30, 0xe2, otlv(0, b"a") + otlv(7)) + optiga_apdu(0x30, 0xe2, otlv(4)),
        "hash-import": optiga_apdu(0x30, 0xe2, otlv(6, b"ctx1" + bytes(205)) + otlv(3, b"x")),
        "cbc-chain": optiga_apdu(0x14, 9, b"\xe2\0" + otlv(0, bytes(16)) + otlv(0x41, bytes(16)))
                     + optiga_apdu(0x14, 9, b"\xe2\0" + otlv(2, bytes(16)))
                     + optiga_apdu(0x14, 9, b"\xe2\0" + otlv(3, bytes(16))),
        "authorize": optiga_apdu(*once["random-kept"])
                     + optiga_apdu(0x15, 0x20, b"\xf1\xd2" + otlv(1, b"\xe1\0" + nonce) + otlv(0x43, bytes(32))),
        "session-rsa": optiga_apdu(*once["pre-master"]) + optiga_apdu(0x1e, 0x11, otlv(2, b"\xe1\1") + otlv(5, b"\x41")
                                                                     + otlv(6, tlv(0x03, b"\0"))),
        "decrypt-session": optiga_apdu(0x1f, 0x11, otlv(0x61, bytes(128)) + otlv(3, b"\xe0\xfc") + otlv(2, b"\xe1\0")),
        "sleep": optiga_apdu(*once["hibernate"]) + optiga_read() + optiga_apdu(*once["restore"]),
        "long": optiga_apdu(0x02, 0x40, b"\xe0\xe1\0\0" + bytes(1400)) + optiga_apdu(0x01, 0, b"\xe0\xe1")
                + optiga_read() * 2 + bytes([3, 0x81, 0]) + optiga_read() + bytes([3, 0xa1, 0]) + optiga_read(),
        "chain-error": optiga_piece(4, b"\1" + bytes(271)) + optiga_piece(4, b"\0") + optiga_piece(4, b"\7")
                       + optiga_apdu(0x01, 0, b"\xe0\xc2") + optiga_piece(4, b"\7"),
        "frames": bytes([3, 0x43, 1, 0]) + optiga_read(0x82) + bytes([3, 0xc0, 0]) + bytes([3, 0xe0, 0])
                  + optiga_read() + bytes([3, 0x23, 2, 0, 0]) + optiga_read(),
        "registers": b"".join(bytes([2, 3]) + bytes.fromhex(r) for r in (
            "810040", "810001", "898004", "890009", "838031")) + b"".join(optiga_read(0x80 + r) for r in range(11))
            + bytes([2, 3]) + bytes.fromhex("880000"),
        "raw": bytes([2, 1, 0x80]) + bytes([2, 6]) + bytes.fromhex("808000000cec") + optiga_read(),
        "late": optiga_apdu(*once["random"]) + (optiga_read(0x82) + optiga_read() + bytes([7, 0, 3])) * 5,
        "busy": bytes([7, 3, 50]) + optiga_apdu(*once["random"]) + optiga_read(0x82) + optiga_read()
                + bytes([7, 0, 9]) + optiga_read(),
    }
    for i in range(8):
        chains["quirk-%d" % i] = bytes([7, 4, i]) + optiga_apdu(*once["random"]) + optiga_read(0x82) + bytes([7, 0, 30])\
            + optiga_read(0x82) + optiga_read() + bytes([2, 3]) + bytes.fromhex("810115") + optiga_read(0x81)
    for kind in range(13):
        chains["fate-%d" % kind] = bytes([7, 2, kind, 5]) + optiga_apdu(*once["write"]) + optiga_read() * 2
    for name, message in (("hello", "0001"), ("hello-bad", "0002"), ("finished", "0800001234" + "00" * 44),
                          ("plain", "2081010002e0f0"), ("protected", "2300000001" + "00" * 14), ("repeat", "44"),
                          ("fatal", "40"), ("save", "60"), ("restore", "6800000000"), ("unknown", "84"), ("empty", "")):
        chains["message-" + name] = optiga_piece(5, bytes.fromhex(message)) + optiga_read()
    chains["saved"] = optiga_piece(5, b"\x60") + optiga_piece(5, b"\x68" + bytes(4)) + optiga_piece(5, b"\x44")
    orders = {
        "data": (optiga_manifest(-1, 0xf1e0, 3, 0, 2), b"abc"), "data-at": (optiga_manifest(-1, 0xf1e0, 3, 9, 1), b"abc"),
        "key": (optiga_manifest(-3, 0xe0f2, 35, 3, 0x10), otlv(1, b"\x11" * 32)),
        "rsa": (optiga_manifest(-3, 0xe0fd, 269, 0x41, 0x10),
                otlv(1, b"\xc1" * 128) + otlv(2, b"\xc5" * 128) + otlv(3, b"\0\1\0\1")),
        "meta": (optiga_manifest(-2, 0xf1d5, 5, 0, 0), bytes.fromhex("2003d101ff")),
        "meta-reset": (optiga_manifest(-2, 0xf1d5, 8, 1, 0), bytes.fromhex("2006d101fff00121")),
        "encrypted": (optiga_manifest(-1, 0xf1e0, 3, 0, 2, secret=0xf1d1), bytes(11)),
        "iv": (optiga_manifest(-1, 0xf1e0, 3, 0, 2, secret=0xf1d1, iv=15), bytes(11)),
        "other-part": (optiga_manifest(-1, 0xf1e0, 3, 0, 2, uid=bytes(25)), b"abc"),
        "version": (optiga_manifest(-1, 0xf1e0, 3, 0, 2, version=0), b"abc"),
        "aes": (optiga_manifest(-3, 0xe200, 19, 0x81, 2), otlv(1, bytes(16))),
        "aes-short": (optiga_manifest(-3, 0xe200, 18, 0x81, 2), otlv(1, bytes(15))),
        "key-pair": (optiga_manifest(-3, 0xe0f2, 102, 3, 0x10), otlv(1, b"\x11" * 32) + otlv(2, bytes(64))),
        "key-short": (optiga_manifest(-3, 0xe0f2, 34, 3, 0x10), otlv(1, b"\x11" * 31)),
        "key-broken": (optiga_manifest(-3, 0xe0f2, 4, 3, 0x10), b"\1\0\x20x"),
        "early": (optiga_manifest(-1, 0xf1e0, 4, 0, 2), b"abc"), "late": (optiga_manifest(-1, 0xf1e0, 2, 0, 2), b"abc"),
        "uid": (optiga_manifest(-1, 0xf1e0, 2, 0, 2, uid=bytes(3)), b"abc"),
        "oid": (optiga_manifest(-1, 0xffff, 2, 0, 2), b"abc"), "kind": (optiga_manifest(-1, 0xe0f2, 2, 0, 2), b"abc"),
        "secret": (optiga_manifest(-1, 0xf1e0, 3, 0, 2, secret=0xe100), b"abc"),
        "secret-kind": (optiga_manifest(-1, 0xf1e0, 3, 0, 2, secret=0xf1d0), b"abc"),
        "type": (optiga_manifest(-4, 0xf1e0, 3, 0, 2), b"abc"), "flag": (optiga_manifest(-1, 0xf1e0, 3, 0, 3), b"abc"),
        "digest": (optiga_manifest(-1, 0xf1e0, 3, 0, 2, digest=bytes(31)), b"abc"),
        "size": (optiga_manifest(-1, 0xf1e0, 70000, 0, 2), b"abc"),
    }
    envelope = lambda *items: optiga_apdu(0x03, 1, otlv(0x30, cbor_array(*items)))
    es256, anchor = cbor_bytes(b"\xa1\1\x26"), lambda oid: b"\xa1\4" + cbor_bytes(oid)
    payload = cbor_bytes(orders["data"][0])
    for i, items in enumerate((
            (es256, b"\xa0", payload, cbor_bytes(bytes(64))), (es256, anchor(b"x"), payload, cbor_bytes(b"")),
            (cbor_bytes(b"\xa0"), anchor(b"\xe0\xe8"), payload, cbor_bytes(b"")),
            (cbor_bytes(b"\xa1\1" + cbor_int(-65700)), anchor(b"\xe0\xe8"), payload, cbor_bytes(bytes(64))),
            (es256, anchor(b"\xe0\xe9"), payload, cbor_bytes(bytes(64))), (es256, anchor(b"\0\0"), payload, cbor_bytes(b"")),
            (es256, anchor(b"\xe0\xe0"), payload, cbor_bytes(b"")), (es256,))):
        chains["envelope-%d" % i] = envelope(*items)
    chains["session-key"] = optiga_apdu(0x38, 3, otlv(1, b"\xe1\3") + otlv(2, b"\x10"))\
        + optiga_apdu(0x31, 0x11, otlv(1, bytes(32)) + otlv(3, b"\xe1\3")) + optiga_apdu(
            0x33, 1, otlv(1, b"\xe1\3") + otlv(5, b"\3") + otlv(6, bytes.fromhex("03420004") + G[0] + G[1])
            + otlv(7))
    chains["session-secret"] = optiga_apdu(*once["pre-master"]) + optiga_apdu(
        0x34, 1, otlv(1, b"\xe1\1") + otlv(3, b"\0\x20") + otlv(2, b"l") + otlv(7))
    chains["fragment-wrong"] = optiga_piece(8, orders["data"][0]) + optiga_apdu(0x03, 1, otlv(0x31, b"abc"))\
        + optiga_apdu(0x03, 1, otlv(0x31)) + optiga_apdu(0x03, 1, otlv(0x31, b"a") + otlv(0x32, b"b"))
    # F0, which says what becomes of the content and of the life cycle, has to be there before.
    for f0 in ("01", "11", "21"):
        for way in range(3):
            chains["update-meta-%s-%d" % (f0, way)] = optiga_apdu(0x02, 1, bytes.fromhex("f1d500002003f001" + f0))\
                + optiga_piece(8, optiga_manifest(-2, 0xf1d5, 5, way, 0)) + bytes([6, 0, 0, 5])\
                + bytes.fromhex("2003d101ff") + optiga_read()
    for name, (payload, fragment) in orders.items():
        chains["update-" + name] = optiga_piece(8, payload) + bytes([6, 0]) + u16(len(fragment)) + fragment + optiga_read()
    return chains


def optiga_cert(key, version=tlv(0xa0, tlv(0x02, b"\2")), alg="2a8648ce3d040302", issuer=b"i", params=b""):
    """X.509 whose signature nobody checks."""
    algorithm = tlv(0x30, tlv(0x06, bytes.fromhex(alg)), params)
    name = tlv(0x30, tlv(0x31, tlv(0x30, tlv(0x06, bytes.fromhex("550403")), tlv(0x0c, issuer)))) if issuer else tlv(0x30)
    dates = tlv(0x30, tlv(0x17, b"250101000000Z"), tlv(0x17, b"450101000000Z"))
    tbs = tlv(0x30, version, tlv(0x02, b"\1"), algorithm, name, dates, name, key)
    return tlv(0x30, tbs, algorithm, tlv(0x03, b"\0\0"))


def optiga_certs():
    oid = lambda text: tlv(0x06, bytes.fromhex(text))
    ec = lambda curve, bits: tlv(0x30, tlv(0x30, oid("2a8648ce3d0201"), oid(curve)), tlv(0x03, b"\0" + bits))
    p256 = ec("2a8648ce3d030107", b"\4" + G[0] + G[1])
    rsa = tlv(0x30, tlv(0x30, oid("2a864886f70d010101"), tlv(0x05)),
              tlv(0x03, b"\0", tlv(0x30, tlv(0x02, b"\0" + b"\xc5" * 128), tlv(0x02, b"\1\0\1"))))
    return {
        "p256": optiga_cert(p256), "rsa": optiga_cert(rsa, alg="2a864886f70d01010b", params=tlv(0x05)),
        "v1": optiga_cert(p256, version=b""), "no-issuer": optiga_cert(p256, issuer=b""),
        "params": optiga_cert(p256, params=tlv(0x05)),
        "secp256k1": optiga_cert(ec("2b8104000a", b"\4" + bytes(64))),
        "k1": optiga_cert(ec("2b8104000a", bytes.fromhex(
            "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
            "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"))),
        "ed25519": optiga_cert(tlv(0x30, tlv(0x30, oid("2b6570")), tlv(0x03, b"\0" + bytes(32)))),
        "no-key": optiga_cert(tlv(0x30, tlv(0x30, oid("2a030405")), tlv(0x03, b"\0"))),
        "short": b"0\3\2\1\0", "middle": tlv(0x30, tlv(0x04, bytes(130))), "long": b"0\x82\5\x20" + bytes(1180),
        "lying": b"0\x82\x7f\xff" + bytes(20), "huge": b"0\x83\0\1\0" + bytes(20),
        "identity": b"\xc0\1\2" + bytes(40), "big": tlv(0x30, bytes(1196)),
    }


def optiga_refusals():
    """Wrong in one thing; name: operations."""
    refusals = {}
    for cmd in OPTIGA_COMMANDS:
        refusals["%02x" % cmd] = (optiga_apdu(cmd, 0x7f) + optiga_apdu(cmd, 1, b"x") + optiga_apdu(cmd, 0, b"x"))
    once = optiga_commands()
    for name in ("sign", "prf", "pair", "ecb", "hmac", "agree", "verify", "encrypt", "decrypt", "random-kept", "hash"):
        cmd, param, data = once[name]
        refusals["short-" + name] = optiga_apdu(cmd, param, data[:-1]) + optiga_apdu(cmd, param, data + data)
        refusals["more-" + name] = optiga_apdu(cmd, param, data + otlv(0x99, b"x")) + optiga_apdu(cmd, param, data[3:])
    oids = b"\xe1\0", b"\xe1\1", b"\xe0\xf0", b"\xe0\xf2", b"\xf1\xd0", b"\xf1\xd9", b"\0\0", b"x"
    for i, oid in enumerate(oids):
        refusals["oid-%d" % i] = b"".join((
            optiga_apdu(0x0c, 4, b"\0\x10\xe1\1"), optiga_apdu(0x01, 0, oid), optiga_apdu(0x01, 1, oid),
            optiga_apdu(0x02, 0, oid + b"\0\0x"), optiga_apdu(0x02, 2, oid + b"\0\0\1"),
            optiga_apdu(0x31, 0x11, otlv(1, bytes(32)) + otlv(3, oid)), optiga_apdu(0x1f, 0x11, otlv(3, oid)),
            optiga_apdu(0x34, 1, otlv(1, oid) + otlv(3, b"\0\x20") + otlv(2, b"l") + otlv(7)),
            optiga_apdu(0x34, 1, otlv(1, b"\xf1\xd0") + otlv(3, b"\0\x20") + otlv(2, b"l") + otlv(8, oid)),
            optiga_apdu(0x32, 0x11, otlv(1, bytes(32)) + otlv(2, b"x") + otlv(4, oid)),
            optiga_apdu(0x15, 0x20, oid + otlv(1, b"x") + otlv(0x43)), optiga_apdu(0x15, 8, oid + otlv(1, bytes(16)))))
    refusals["ranges"] = b"".join((
        optiga_apdu(0x01, 0, b"\xe0\xc2\xff\0\0\1"), optiga_apdu(0x01, 0, b"\xe0\xc2\0\x1b\0\1"),
        optiga_apdu(0x01, 0, b"\xe0\xe1\0\0\7\0"), optiga_apdu(0x02, 0, b"\xf1\xd3\xff\xff\0\1"),
        optiga_apdu(0x02, 0, b"\xf1\xd3\0\0"), optiga_apdu(0x02, 0, b"\xe0\xc0\0\0\1"),
        optiga_apdu(0x02, 2, b"\xe1\x20\0\1\1"), optiga_apdu(0x02, 1, b"\xf1\xd3\0\1\x20\3\xc0\1\7"),
        optiga_apdu(0x0c, 0, b"\0\7"), optiga_apdu(0x0c, 0, b"\0\x10\xe1\0" + otlv(0x41, bytes(65))),
        optiga_apdu(0x34, 1, otlv(1, b"\xf1\xd0") + otlv(3, b"\xff\0") + otlv(2, b"l") + otlv(7))))
    refusals["closed"] = optiga_apdu(*optiga_commands()["close"]) + optiga_apdu(0x01, 0, b"\xe0\xc2")\
        + optiga_apdu(0x70, 0, bytes(16)) + optiga_apdu(0x70, 5, OPTIGA_AID)
    refusals["over"] = optiga_apdu(0x02, 0, b"\xf1\xc0\0\0\x0f") + optiga_apdu(0x70, 0, OPTIGA_AID)
    keys = ((3, b"\3\x42\1\4" + bytes(64)), (3, bytes.fromhex("03420004") + bytes(64)), (0x41, b"\3\2\0\0"),
            (0x41, tlv(3, b"\0", tlv(0x30, tlv(2, b"\xff")))), (0x42, b"\3\x82\0\3\0\2\0"), (0x99, b""), (0x81, b""),
            (0x41, tlv(3, b"\0", tlv(0x30, tlv(2, b"\0" + b"\xc5" * 129), tlv(2, b"\3")))), (3, b"\3\x83\0\0\1\0"),
            (0x41, tlv(3, b"\0", tlv(0x30, tlv(2, b"\5")) + b"x")))
    for i, (alg, key) in enumerate(keys):
        refusals["key-%d" % i] = optiga_apdu(0x32, 0x11, otlv(1, bytes(32)) + otlv(2, b"x") + otlv(5, bytes([alg]))
                                             + otlv(6, key))
    refusals["no-key"] = optiga_apdu(0x32, 0x11, otlv(1, bytes(32)) + otlv(5, b"\3")) + optiga_apdu(
        0x32, 0x11, otlv(1, bytes(32)) + otlv(4, b"\xe0\xe8") + otlv(5, b"\3"))
    return refusals


def optiga_conditions():
    """A condition set and asked."""
    for i, expr in enumerate(("1020", "9020", "20e140", "21e0e8", "23f1d2", "40e120", "40f1d3", "70fa07", "e0fb01", "e1fc07",
                              "fffe00", "00fdff", "fffefffe00", "10", "e1f907", "00fe", "0000",
                              "00fd00fd00fd00fd00fd00fd00fd00", "00fe00fe00fe00", "30")):
        value = bytes.fromhex(expr)
        meta = bytes([0x20, len(value) + 2, 0xd1, len(value)]) + value
        yield i, optiga_apdu(0x02, 1, b"\xf1\xd3\0\0" + meta, 7) + optiga_apdu(0x01, 0, b"\xf1\xd3", 7) * 2


def write_optiga_command_seeds():
    """Every command once, on a V1, a V3, through the shielded connection, within an update."""
    for name, (cmd, param, data) in optiga_commands().items():
        for part, how in ((0, 4), (1, 4), (2, 7), (3, 0)):
            if part in (1, 2) or name in ("read", "erase", "sign", "hkdf", "aes-key", "verify-cert"):
                seed("optiga_command", "%s-%d" % (name, part),
                     bytes([part]) + optiga_apdu(cmd, param, data, how) + optiga_read() * 2)
    for name, operations in optiga_chains().items():
        seed("optiga_command", name, bytes([2 if name.startswith(("message", "saved")) else 1]) + operations)
    for name, operations in optiga_refusals().items():
        for part in (0, 1):
            seed("optiga_command", "refused-%s-%d" % (name, part), bytes([part]) + operations + optiga_read())
    for i, operations in optiga_conditions():
        for part in (1, 2):
            seed("optiga_command", "condition-%d-%d" % (i, part), bytes([part]) + operations + optiga_read())
    for name, cert in optiga_certs().items():
        check = optiga_apdu(0x32, 0x11, otlv(1, bytes(32)) + otlv(2, tlv(0x02, b"\1") * 2) + otlv(4, b"\xe0\xe9"))
        seed("optiga_command", "cert-" + name, b"\1" + optiga_apdu(0x02, 0x40, b"\xe0\xe9\0\0" + cert) + check)
    for wrong in (0, 9, 25, 201):
        seed("optiga_command", "handshake-%d" % wrong, b"\2" + bytes([9, wrong]) + optiga_apdu(0x01, 0, b"\xe0\xc2", 7)
             + optiga_read() + optiga_piece(5, b"\x44") + optiga_piece(5, b"\x60") + optiga_piece(5, b"\x68" + bytes(4)))
    for i in range(3):
        seed("optiga_command", "authorized-%d" % i, b"\1" + optiga_apdu(0x0c, 0, b"\0\x10\xe1\0") + bytes([10, i])
             + b"arbitrary data follows" + optiga_read())
    for out in (0, 1):
        seed("optiga_command", "decrypted-%d" % out, b"\1" + bytes([11, 5]) + b"plain" + bytes([out, out]) + optiga_read())
    fragment = bytes([6, 1]) + u16(640) + bytes(640) + bytes([6, 0]) + u16(392) + bytes(392)
    seed("optiga_command", "fragments", b"\3" + fragment + optiga_read())


# ---- fixtures.yaml -------------------------------------------------------------------

def write_fixtures_seeds():
    seed("fixtures", "usb", b"""adapters:
  - {name: left, usb: "1-1.4", mux: 0x70}
  - {name: right, usb: "1-1.3:1.1", mux: kernel}
nests:
  - {name: 1, adapter: left, channel: 0, part: atecc608b, addresses: [0x60, 0x36], power: "gpio:0:17"}
  - {name: 2, adapter: left, channel: 7, part: se050, addresses: [0x48], reset: "gpio:gpiochip2:4:low"}
  - {name: 3, adapter: right, channel: 1, part: stsafe-a110, addresses: [32]}
""")
    seed("fixtures", "references", b"""sysfs: /x
adapters: [{name: soc, bus: 3}, {name: desk, sim: "a.sock#b"}]
nests:
  - {name: 1, adapter: soc, part: atecc608a, addresses: [0x60], power: "sysfs:class/gpio/gpio4/value:low"}
  - {name: 2, adapter: desk, part: optiga, addresses: [0x30], power: "sim:u1"}
  - {name: g, chip: "tpm:device:/dev/tpmrm0", part: tpm2}
references:
  every: 90min
  golden: [{name: G-1, certificate: g.pem}, {name: G-2, certificate: /g.pem, nest: g}]
  bad:
    - {name: B-1, part: atecc608a, uid: 0123e0ff, defect: chip.wrong-part}
    - {name: B-2, part: optiga, uid: "00", defect: chip.not-genuine}
""")
    seed("fixtures", "chips", b"nests: [{name: 1, chip: \"soft:{serial}.rot\"}, {name: 2, chip: tpm}]\n")
    seed("fixtures", "doubles", b"""adapters: [{name: a, bus: 1}, {name: a, bus: 1}]
nests:
  - {name: 1, adapter: a, part: atecc608b, addresses: [0x60, 0x78, 7]}
  - {name: 1, adapter: a, part: soft, addresses: [0x60], channel: 3}
  - {name: 2, chip: x, power: "sim:u", reset: "sim:v"}
references: {golden: [{name: G, certificate: c, nest: 9}], bad: [{name: G, uid: 0, defect: usage}]}
""")


# ---- The simulator socket, from both ends -------------------------------------------------

def sim_frame(op, body=b""):
    return struct.pack(">HB", len(body) + 1, op) + body


def sim_answer(op, status, body=b""):
    return struct.pack(">HBB", len(body) + 2, op, status) + body


def write_socket_seeds():
    greet = sim_frame(1, b"ROTSIM\2") + sim_frame(2, b"a/a") + sim_frame(0x19, b"\0")
    wake = sim_frame(0x12, struct.pack(">I", 80)) + sim_frame(0x15, struct.pack(">I", 1500))
    info = bytes.fromhex("600000080307300000 00035d".replace(" ", ""))
    read = bytes.fromhex("60010007")
    seed("sim_request", "info", greet + wake + sim_frame(0x17, b"\3" + info + bytes.fromhex("6000000100") + read) +
         sim_frame(0x10, bytes.fromhex("6001")) + sim_frame(0x11, bytes.fromhex("600004")))
    for count in (42, 255):  # what is between is the planted bug
        for i, what in enumerate(("60000000", "00000000", "60010001", "35010002")):
            seed("sim_request", "messages-%d-%d" % (count, i),
                 greet + sim_frame(0x17, bytes([count]) + bytes.fromhex(what) * count))
    seed("sim_request", "longest", greet + wake + sim_frame(0x17, b"\x2a" + bytes.fromhex("60010400") * 42) +
         sim_frame(0x10, b"\x60" + bytes(1024)) + sim_frame(0x10, b"\x60" + bytes(1025)))
    seed("sim_request", "spi", greet + sim_frame(0x18, struct.pack(">IB", 1000000, 1) + bytes(8)) +
         sim_frame(1, b"ROTSIM\1") + sim_frame(0x18, struct.pack(">IB", 1000000, 0)))
    seed("sim_request", "spi-answer", sim_frame(1, b"ROTSIM\2") + sim_frame(2, b"a/t") + sim_frame(0x15, b"\0\0\x20\0") +
         sim_frame(0x18, struct.pack(">IB", 1000000, 1) + b"\x30") + sim_frame(0x18, struct.pack(">IB", 1000000, 0) + b"\0"))
    seed("sim_request", "bus", sim_frame(1, b"ROTSIM\2") + sim_frame(2, b"a/*") + sim_frame(0x16) + sim_frame(0x14, b"\0") +
         sim_frame(0x14, b"\1") + sim_frame(0x13, struct.pack(">I", 400000)) +
         sim_frame(0x18, struct.pack(">IB", 1000000, 0) + b"x"))
    seed("sim_request", "chip", greet + sim_frame(0x16) + sim_frame(0x14, b"\0") + sim_frame(0x14, b"\1") +
         sim_frame(0x13, struct.pack(">I", 9999)) + sim_frame(0x11, bytes.fromhex("600401")))
    seed("sim_request", "refused", sim_frame(1, b"ROTSIM\3") + sim_frame(1, b"ROTSIM") + sim_frame(1, b"ROTSIM\1") +
         sim_frame(2, b"a/x") + sim_frame(2, b"x/*") + sim_frame(2, b"") + sim_frame(0x77) + sim_frame(0x11) +
         b"".join(sim_frame(0x20, b'{"do":"%s","chip":"a/a","rule":"nak@1","on":true,"quirk":"none"}' % do)
                  for do in (b"list", b"stats", b"fault", b"clear", b"power", b"quirk", b"reset", b"save",
                             b"eeprom", b"dance")))
    begin = sim_answer(1, 0, b"\2\0rot-sim 0.1.0") + sim_answer(2, 0, b"\0bus") + sim_answer(0x19, 0)
    calls = bytes.fromhex("000000 040903 010001 020100 030110 020000 000100 030000")
    seed("shim_answer", "good", calls + begin + sim_answer(0x17, 0, bytes(10 + 13)) + sim_answer(0x15, 0) +
         sim_answer(0x14, 0) + sim_answer(0x18, 0, bytes(16)) + sim_answer(0x14, 0) + begin + sim_answer(0x18, 0))
    for size in (1, 255, 256, 258, 512, 65533):  # 257 is the planted bug
        seed("shim_answer", "text-%d" % size, calls + begin + sim_answer(0x17, 3, b"x" * size) + sim_answer(0x15, 0))
    for status in range(1, 8):
        seed("shim_answer", "status-%d" % status, calls + begin + sim_answer(0x17, status) + sim_answer(0x15, status) +
             sim_answer(0x14, status))
    seed("shim_answer", "short", calls + begin + sim_answer(0x17, 0, bytes(22)))
    seed("shim_answer", "other", calls + begin + sim_answer(0x16, 0, bytes(23)))


def main():
    write_socket_seeds()
    write_answer_seeds()
    write_der_seeds()
    write_layout_seeds()
    write_tpm_seeds()
    write_signer_seeds()
    write_record_seeds()
    write_packet_seeds()
    write_se05x_command_seeds()
    write_reference_seeds()
    write_journal_seeds()
    write_tpm2_response_seeds()
    write_atecc_seeds()
    write_stsafe_seeds()
    write_stsafe_command_seeds()
    write_se05x_seeds()
    write_ta100_command_seeds()
    write_ta100_response_seeds()
    write_optiga_seeds()
    write_optiga_command_seeds()
    write_fixtures_seeds()


if __name__ == "__main__":
    main()

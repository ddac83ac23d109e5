#!/usr/bin/env python3
"""Evidence of a TPM, read by the TCG's text alone.

  evidence.py FILE NONCE-HEX   writes FILE.iak.pem, FILE.attest and FILE.sig; checks what it says

SPDX-License-Identifier: Apache-2.0
"""
import base64
import hashlib
import struct
import sys

path, nonce = sys.argv[1], bytes.fromhex(sys.argv[2])
data = open(path, "rb").read()


def sized(at):
    n = struct.unpack_from(">H", data, at)[0]
    return data[at + 2:at + 2 + n], at + 2 + n


def unsigned(n):
    n = n.lstrip(b"\0") or b"\0"
    n = b"\0" + n if n[0] & 0x80 else n
    return b"\x02" + bytes([len(n)]) + n


iak, at = sized(0)
key, at = sized(at)
attest, at = sized(at)
alg, hash_alg = struct.unpack_from(">HH", data, at)
r, at = sized(at + 4)
s, at = sized(at)
assert at == len(data) and (alg, hash_alg) == (0x18, 0x0b), "signature"

# TPMS_ATTEST: magic, type, qualifiedSigner, extraData, clockInfo 17, firmware 8, name, qualifiedName
assert attest[:6] == bytes.fromhex("ff5443478017"), "magic and type"
data, at = attest, 6
_, at = sized(at)
extra, at = sized(at)
name, at = sized(at + 17 + 8)
_, at = sized(at)
assert at == len(attest) and extra == nonce, "nonce"
assert name == b"\x00\x0b" + hashlib.sha256(key).digest(), "name of the key"

attributes = struct.unpack_from(">I", iak, 4)[0]
assert attributes == 0x000500f2, "attributes of the attestation key: %#x" % attributes
point = iak[-68:]
assert point[:2] == b"\x00\x20" and point[34:36] == b"\x00\x20"
spki = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200") + b"\x04" + \
    point[2:34] + point[36:]
pem = base64.encodebytes(spki).decode()
open(path + ".iak.pem", "w").write("-----BEGIN PUBLIC KEY-----\n%s-----END PUBLIC KEY-----\n" % pem)
open(path + ".attest", "wb").write(attest)
body = unsigned(r) + unsigned(s)
open(path + ".sig", "wb").write(b"\x30" + bytes([len(body)]) + body)
print("%#010x" % struct.unpack_from(">I", key, 4)[0])

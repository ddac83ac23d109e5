#!/usr/bin/env python3
"""Print a hash of a ledger's leaves, without refusals and logins: what a refused request may not change.

Reads the segment files by docs/protocols/ledger.md, with no code of the product.
SPDX-License-Identifier: Apache-2.0
"""
import glob
import hashlib
import struct
import sys

REFUSED, LOGIN, BATCH_END = 12, 11, 65535

digest = hashlib.sha256()
count = 0
for path in sorted(glob.glob(sys.argv[1] + "/*.seg")):
    data = open(path, "rb").read()
    at = 72
    while at + 28 <= len(data):
        length, kind = struct.unpack_from(">IH", data, at)
        if length == 0:
            break
        if kind not in (REFUSED, LOGIN, BATCH_END):
            digest.update(data[at + 4:at + 6] + data[at + 28:at + 28 + length])
            count += 1
        at += 28 + length
print(count, digest.hexdigest())

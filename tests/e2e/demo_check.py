"""Checks of the demo that use none of our programs: chips, traces and ledger by their bytes.

    challenge SOCKET CHIP PUBKEY.der    a fresh challenge, signed in the chip, judged by openssl
    secrets TRACE CHIPS-DIR FILE...     no private key of a chip in the trace or in the files
    lock-at TRACE BUS                   which command of that board locked its configuration
    power SOCKET CHIP                   power comes back, as when a board is placed again
    flip SEGMENT N                      flip a bit of leaf N of a ledger segment
    offline PID                         the process has no network socket

SPDX-License-Identifier: Apache-2.0
"""
import glob
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile


def crc16(data):
    """The parts' CRC: polynomial 0x8005, bits of each byte from the lowest."""
    crc = 0
    for byte in data:
        for bit in range(8):
            top = crc >> 15
            crc = crc << 1 & 0xFFFF
            if (byte >> bit & 1) != top:
                crc ^= 0x8005
    return struct.pack("<H", crc)


class Chip:
    """A bus master of its own (docs/protocols/simulator.md); no code of librot."""

    def __init__(self, path, name):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.connect(path)
        self.ask(1, b"ROTSIM\x01")
        self.address = self.ask(2, name.encode())[0]

    def take(self, n):
        data = b""
        while len(data) < n:
            data += self.s.recv(n - len(data)) or sys.exit("the simulator hung up")
        return data

    def ask(self, op, body):
        self.s.sendall(struct.pack(">HB", len(body) + 1, op) + body)
        answer = self.take(struct.unpack(">H", self.take(2))[0])
        if answer[1] != 0:
            sys.exit("bus: operation %#x gives status %d" % (op, answer[1]))
        return answer[2:]

    def wake(self):
        self.ask(0x12, struct.pack(">I", 80))
        self.ask(0x15, struct.pack(">I", 1500))
        assert self.ask(0x11, bytes([self.address, 0, 4])) == bytes.fromhex("04113343")

    def command(self, opcode, p1, p2, data=b""):
        packet = bytes([7 + len(data), opcode, p1, p2 & 255, p2 >> 8]) + data
        self.ask(0x10, bytes([self.address, 3]) + packet + crc16(packet))
        self.ask(0x15, struct.pack(">I", 200000))
        self.ask(0x10, bytes([self.address, 0]))
        count = self.ask(0x11, bytes([self.address, 0, 1]))
        answer = count + self.ask(0x11, struct.pack(">BH", self.address, count[0] - 1))
        assert crc16(answer[:-2]) == answer[-2:], "the answer's CRC"
        return answer[1:-2]


def power(path, name):
    chip = Chip(path, name)
    print(chip.ask(0x20, json.dumps({"do": "power", "chip": name, "on": True}).encode()).decode())


def der_int(raw):
    raw = raw.lstrip(b"\0") or b"\0"
    raw = (b"\0" if raw[0] & 0x80 else b"") + raw
    return bytes([2, len(raw)]) + raw


def challenge(path, name, key):
    """Nonce loads our digest into the message digest buffer, Sign signs it with slot 0.

    Slot 0 wants a random number from the part first (ReqRandom).
    """
    digest = os.urandom(32)
    chip = Chip(path, name)
    chip.wake()
    assert len(chip.command(0x1B, 0, 0)) == 32, "Random"
    assert chip.command(0x16, 0x43, 0, digest) == b"\0", "Nonce"
    raw = chip.command(0x41, 0xA0, 0)
    assert len(raw) == 64, "Sign gives status %s" % raw.hex()
    body = der_int(raw[:32]) + der_int(raw[32:])
    with tempfile.TemporaryDirectory() as tmp:
        open(tmp + "/sig", "wb").write(bytes([0x30, len(body)]) + body)
        open(tmp + "/digest", "wb").write(digest)
        subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", key,
                        "-in", tmp + "/digest", "-sigfile", tmp + "/sig"], check=True)
        open(tmp + "/digest", "wb").write(os.urandom(32))
        other = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER",
                                "-inkey", key, "-in", tmp + "/digest", "-sigfile", tmp + "/sig"],
                               capture_output=True)
        assert other.returncode != 0, "the signature fits any challenge"


def secrets(trace, chips, files):
    """The same search must find the public keys: else it would find nothing whatever is there."""
    wires = {}
    for line in open(trace):
        word = line.split()
        if word[2] in "WR" and len(word) == 6:
            data = bytes.fromhex(word[5])
            wires.setdefault(word[1], []).append(data)
    everything = b"".join(b"".join(parts) for parts in wires.values())
    rest = b"".join(open(f, "rb").read() for f in files)
    keys = seen = 0
    for f in glob.glob(chips + "/*,*.json"):
        slots = json.load(open(f))["slots"]
        key = bytes.fromhex(slots[0])
        if set(key) == {255}:
            continue
        keys += 1
        secret = key[4:36]
        for where in (everything, rest):
            for form in (secret, secret[::-1], secret[:16], secret[16:], secret.hex().encode()):
                assert form not in where, "the private key of %s was on the wire or in a file" % f
        point = subprocess.run(
            ["openssl", "ec", "-inform", "DER", "-pubout", "-outform", "DER"],
            input=bytes.fromhex("30310201010420") + secret + bytes.fromhex("a00a06082a8648ce3d030107"),
            capture_output=True, check=True).stdout[-64:]
        seen += point[:32] in everything and point[32:] in everything
    assert keys > 0 and seen == keys, "%d public keys seen for %d keys" % (seen, keys)
    print(keys)


def lock_at(trace, bus):
    """Counted in command packets: word address 03, then count and opcode; 17 is Lock."""
    n = 0
    for line in open(trace):
        word = line.split()
        if word[1] == bus and word[2] == "W" and word[4] == "ack" and len(word) == 6 and \
                word[5].startswith("03"):
            n += 1
            if word[5][4:6] == "17":
                print(n)
                return
    sys.exit("no Lock command on " + bus)


def flip(segment, leaf):
    """The record's place is found by walking the file (docs/protocols/ledger.md)."""
    data = bytearray(open(segment, "rb").read())
    at = 72
    while True:
        length, kind = struct.unpack(">IH", data[at:at + 6])
        if length == 0:
            sys.exit("no leaf %d" % leaf)
        if kind != 65535 and struct.unpack(">Q", data[at + 16:at + 24])[0] == leaf:
            data[at + 28 + length // 2] ^= 1 << leaf % 8
            open(segment, "wb").write(data)
            return
        at += 28 + length


def offline(pid):
    held = set()
    for fd in os.listdir("/proc/%s/fd" % pid):
        try:
            held.add(os.readlink("/proc/%s/fd/%s" % (pid, fd)))
        except OSError:
            continue
    for table in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6"):
        for line in list(open("/proc/net/" + table))[1:]:
            assert "socket:[%s]" % line.split()[9] not in held, "it has a %s socket" % table


def main(verb, *rest):
    if verb == "challenge":
        challenge(*rest)
    elif verb == "secrets":
        secrets(rest[0], rest[1], rest[2:])
    elif verb == "lock-at":
        lock_at(*rest)
    elif verb == "power":
        power(*rest)
    elif verb == "flip":
        flip(rest[0], int(rest[1]))
    else:
        offline(*rest)


if __name__ == "__main__":
    main(*sys.argv[1:])

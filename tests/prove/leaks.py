"""Search for private keys in files and in the memory of processes.

Every key is cut into four pieces of eight bytes, so that a part of it is found too; each piece is
looked for raw, raw backwards, as hex of either case, and as base64 at each of its three alignments,
in both alphabets.  A piece of a half-written key that could be anything (few different bytes) is
left out.  The work is done by grep -F: thousands of needles in one pass.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import os
import re
import subprocess
import tempfile

PIECE = 8
LINE = 1 << 15


def pieces(keys):
    for key in keys:
        for at in range(0, len(key) - PIECE + 1, PIECE):
            piece = key[at:at + PIECE]
            if len(set(piece)) >= 5:
                yield piece


def base64_forms(piece):
    """The characters that depend on the piece alone, wherever it starts in a group of three."""
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + piece).decode()
        first = (shift * 8 + 5) // 6
        last = (shift + PIECE) * 8 // 6
        yield text[first:last]
        yield text[first:last].replace("+", "-").replace("/", "_")


class Search:
    def __init__(self, work, keys):
        hexes, texts = set(), set()
        for piece in pieces(keys):
            hexes.update((piece.hex(), piece[::-1].hex()))
            texts.update(base64_forms(piece))
        self.count = len(hexes) + len(texts)
        self.hexes, self.texts = work + "/needles.hex", work + "/needles.base64"
        for path, needles in ((self.hexes, hexes), (self.texts, texts)):
            with open(path, "w") as f:
                f.write("".join(n + "\n" for n in sorted(needles)))
        self.bytes = self.files = 0

    @staticmethod
    def grep(needles, lines):
        p = subprocess.Popen(["grep", "-a", "-F", "-m1", "-f", needles], stdin=subprocess.PIPE,
                             stdout=subprocess.DEVNULL, env={"LC_ALL": "C", "PATH": os.environ["PATH"]})
        try:
            for line in lines:
                p.stdin.write(line + b"\n")
            p.stdin.close()
        except BrokenPipeError:
            pass  # it has found one
        status = p.wait()
        if status > 1:
            raise SystemExit("grep failed")
        return status == 0

    @staticmethod
    def windows(data, overlap):
        for at in range(0, max(len(data), 1), LINE):
            yield data[at:at + LINE + overlap]

    def in_bytes(self, data):
        """The forms in which a key is in there."""
        self.bytes += len(data)
        self.files += 1
        data = re.sub(rb"\0{64,}", bytes(64), data)
        flat = re.sub(rb"[\r\n]", b"", data) if len(data) < 1 << 26 else data
        found = []
        if self.grep(self.hexes, (w.hex().encode() for w in self.windows(data, PIECE))):
            found.append("raw")
        if self.grep(self.hexes, (w.lower() for w in self.windows(flat, 64))):
            found.append("hex")
        if self.grep(self.texts, self.windows(flat, 64)):
            found.append("base64")
        return found

    def in_file(self, path):
        with open(path, "rb") as f:
            return self.in_bytes(f.read())


def forms(key):
    """All that a search must find, for planting: name and bytes."""
    yield "raw", key
    yield "raw backwards", key[::-1]
    yield "the last third, raw", key[20:]
    yield "hex", key.hex().encode()
    yield "HEX", key.hex().upper().encode()
    for shift in range(3):
        yield "base64 +%d" % shift, base64.b64encode(b"x" * shift + key)
    yield "base64url", base64.urlsafe_b64encode(key)
    text = base64.b64encode(key)
    yield "base64 in lines", b"\n".join(text[i:i + 16] for i in range(0, len(text), 16))


def wires(trace):
    """The bytes of each bus and direction, one after the other: a key cut by transactions is whole."""
    # By awk: a trace has millions of lines.
    program = 'NF == 6 && $3 ~ /^[RW]$/ { printf "%s", $6 > (to "/" $2 " " $3); printf "%s", $6 > (to "/" $2 " -") }'
    with tempfile.TemporaryDirectory(dir=os.path.dirname(trace)) as to:
        subprocess.run(["awk", program, "to=" + to, trace], check=True, env=dict(os.environ, LC_ALL="C"))
        return {name: bytes.fromhex(open(to + "/" + name).read()) for name in os.listdir(to)}


def image(pid, path):
    """All readable memory of a process of ours, as a core has it.  0: it cannot be read."""
    size = 0
    try:
        with open("/proc/%d/mem" % pid, "rb", 0) as mem, open("/proc/%d/maps" % pid) as maps, \
                open(path, "wb") as out:
            for line in maps:
                span, mode = line.split()[:2]
                start, end = (int(x, 16) for x in span.split("-"))
                if mode[0] != "r" or line.rstrip().endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                    continue
                try:
                    mem.seek(start)
                    size += out.write(mem.read(end - start))
                except OSError:
                    continue
    except OSError:
        return 0
    return size

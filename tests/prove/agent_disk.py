"""What a power cut can leave of a run, for agent.py: the run's writes, played again on a model.

A file's bytes are safe when the file was synced, a name when its directory was; nothing else is.
After each write the model gives the disks that a power cut may leave then:

    safe    only what was synced
    empty   all names; bytes that were not synced are missing
    half    all names; of bytes that were not synced, the first half
    all     everything
    late    as all, and one directory's names are those that were synced
    early   as safe, and one directory's names are all there
    mixed   for each directory and file one of the first four, drawn

SPDX-License-Identifier: Apache-2.0
"""
import os
import re
import shutil

CALLS = ("openat", "write", "pwrite64", "fsync", "fdatasync", "rename", "renameat", "renameat2", "unlink",
         "unlinkat", "mkdir", "mkdirat", "rmdir", "symlink", "symlinkat", "link", "linkat", "ftruncate",
         "fchmod", "close")
KINDS = {"renameat": "rename", "renameat2": "rename", "mkdirat": "mkdir", "symlinkat": "symlink",
         "fdatasync": "fsync", "linkat": "link"}


class Call:
    """A line of strace -f -y -xx."""

    def __init__(self, line):
        m = re.match(r"\d+ +(\w+)\((.*)\) += (\d+)", line)
        self.name = m and KINDS.get(m.group(1), m.group(1))
        if not m:
            return
        self.text, self.result = m.group(2), int(m.group(3))
        self.strings = [_bytes(s) for s in re.findall(r'"((?:\\x[0-9a-f]{2})*)"', self.text)]
        fd = re.match(r"(\d+)<", self.text)
        self.fd = int(fd.group(1)) if fd else None

    def of(self):
        """Path of the open file that it is about."""
        m = re.match(r"\d+<((?:\\x[0-9a-f]{2})*)>", self.text)
        return os.fsdecode(_bytes(m.group(1))) if m else ""

    def path(self, n):
        return os.fsdecode(self.strings[n])


def _bytes(text):
    return bytes.fromhex(text.replace("\\x", ""))


class Node:
    """A directory (names to nodes), a file (bytes) or a link (text): now, and as far as it is safe."""

    def __init__(self, kind, now, safe=None):
        self.kind, self.now, self.safe = kind, now, safe

    def sync(self):
        self.safe = dict(self.now) if self.kind == "dir" else bytes(self.now)


def load(path):
    if os.path.islink(path):
        return Node("link", os.readlink(path))
    if os.path.isdir(path):
        node = Node("dir", {n: load(path + "/" + n) for n in os.listdir(path)})
    else:
        with open(path, "rb") as f:
            node = Node("file", bytearray(f.read()))
    node.sync()
    return node


class Disk:
    """A folder as the run began with it; do() plays the next call."""

    def __init__(self, folder):
        self.folder, self.root, self.open = folder, load(folder), {}

    def find(self, path):
        """Directory and name of a path in the folder; None, None when it is elsewhere."""
        path = os.path.normpath(path)
        if path != self.folder and not path.startswith(self.folder + "/"):
            return None, None
        node, parts = self.root, path[len(self.folder):].strip("/").split("/")
        for part in parts[:-1]:
            node = node.now[part]
        return node, parts[-1]

    def node(self, path):
        parent, name = self.find(path)
        return parent and (parent.now.get(name) if name else parent)

    def do(self, call):
        """1 when it changed something here."""
        handler = getattr(self, "do_" + (call.name or "nothing"), None)
        return bool(handler and handler(call))

    def do_openat(self, c):
        path = c.path(0)
        self.open.pop(c.result, None)
        parent, name = self.find(path)
        if parent is None:
            return 0
        node, made = self.node(path), 0
        if node is None and "O_CREAT" in c.text:
            node = parent.now[name] = Node("file", bytearray())
            made = 1
        if node is not None and node.kind == "file" and "O_TRUNC" in c.text and node.now:
            node.now = bytearray()
            made = 1
        self.open[c.result] = [node, 0]
        return made

    def do_close(self, c):
        self.open.pop(c.fd, None)

    def put(self, node, at, data):
        if len(node.now) < at:
            node.now.extend(bytes(at - len(node.now)))
        node.now[at:at + len(data)] = data

    def do_write(self, c):
        if c.fd not in self.open:
            return 0
        node, at = self.open[c.fd]
        self.put(node, at, c.strings[0][:c.result])
        self.open[c.fd][1] = at + c.result
        return 1

    def do_pwrite64(self, c):
        if c.fd not in self.open:
            return 0
        self.put(self.open[c.fd][0], int(c.text.rsplit(",", 1)[1]), c.strings[0][:c.result])
        return 1

    def do_ftruncate(self, c):
        if c.fd not in self.open:
            return 0
        node, size = self.open[c.fd][0], int(c.text.rsplit(",", 1)[1])
        del node.now[size:]
        node.now.extend(bytes(size - len(node.now)))
        return 1

    def do_fsync(self, c):
        if c.fd not in self.open:
            return 0
        self.open[c.fd][0].sync()
        return 1

    def do_rename(self, c):
        parent, name = self.find(c.path(0))
        to, fresh = self.find(c.path(1))
        if parent is None:
            return 0
        to.now[fresh] = parent.now.pop(name)
        return 1

    def do_unlink(self, c):
        parent, name = self.find(c.path(0))
        return int(parent is not None and parent.now.pop(name, None) is not None)

    do_unlinkat = do_rmdir = do_unlink

    def do_mkdir(self, c):
        parent, name = self.find(c.path(0))
        if parent is None:
            return 0
        parent.now[name] = Node("dir", {}, {})
        return 1

    def do_symlink(self, c):
        parent, name = self.find(c.path(1))
        if parent is None:
            return 0
        parent.now[name] = Node("link", c.path(0))
        return 1

    def do_link(self, c):
        parent, name = self.find(c.path(1))
        if parent is None:
            return 0
        parent.now[name] = self.node(c.path(0))
        return 1

    # ---- What is left of it

    def after_cut(self, chance):
        """Each folder that a power cut may leave now, and which way: names to bytes, ("link", text), names."""
        for way in ("safe", "empty", "half", "all"):
            yield way, _left(self.root, "", lambda path, way=way: way)
        for place in _directories(self.root, ""):
            yield "late " + place, _left(self.root, "", lambda path, p=place: "safe" if path == p else "all")
            yield "early " + place, _left(self.root, "", lambda path, p=place: "all" if path == p else "safe")
        for _ in range(2):
            yield "mixed", _left(self.root, "", lambda path: chance.choice(("safe", "empty", "half", "all")))


def _directories(node, path):
    """Those whose names are not all safe."""
    if node.kind == "dir":
        if node.safe != node.now:
            yield path
        for name in sorted(node.now):
            yield from _directories(node.now[name], path + "/" + name)


def _left(node, path, way):
    mine = way(path)
    if node.kind == "link":
        return ("link", node.now)
    if node.kind == "dir":
        names = node.safe if mine == "safe" else node.now
        return {n: _left(names[n], path + "/" + n, way) for n in sorted(names)}
    if mine == "all" or node.safe == node.now:
        return bytes(node.now)
    if mine == "safe":
        return node.safe or b""
    return b"" if mine == "empty" else bytes(node.now[:len(node.now) // 2])


def put(folder, left):
    """Make a folder of it."""
    shutil.rmtree(folder, ignore_errors=True)
    _put(folder, left)


def _put(path, left):
    if isinstance(left, dict):
        os.mkdir(path, 0o700)
        for name in left:
            _put(path + "/" + name, left[name])
    elif isinstance(left, tuple):
        os.symlink(left[1], path)
    else:
        with open(path, "wb", opener=lambda p, flags: os.open(p, flags, 0o600)) as f:
            f.write(left)

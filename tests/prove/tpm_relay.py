"""A swtpm of its own, and a relay before it that counts commands and takes its power away at one.

SPDX-License-Identifier: Apache-2.0
"""
import os
import socket
import struct
import subprocess
import threading
import time

NAMES = {0x120: "EvictControl", 0x122: "NV_UndefineSpace", 0x12a: "NV_DefineSpace", 0x131: "CreatePrimary",
         0x137: "NV_Write", 0x138: "NV_WriteLock", 0x147: "ActivateCredential", 0x148: "Certify",
         0x14e: "NV_Read", 0x151: "PolicySecret", 0x153: "Create", 0x157: "Load", 0x15d: "Sign",
         0x165: "FlushContext", 0x169: "NV_ReadPublic", 0x16c: "PolicyCommandCode", 0x171: "PolicyOR",
         0x173: "ReadPublic", 0x176: "StartAuthSession", 0x17a: "GetCapability", 0x17b: "GetRandom"}


def receive(s, n):
    data = b""
    while len(data) < n:
        piece = s.recv(n - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def message(s):
    """A command or an answer: tag, size, the rest."""
    head = receive(s, 6)
    return head + receive(s, struct.unpack(">I", head[2:])[0] - 6)


class Tpm:
    """swtpm in a directory, and the relay in front of it that takes its power away."""

    def __init__(self, o, folder):
        self.o, self.folder = o, folder
        self.process = None
        self.rule = None  # (number of a command, point, how long into it)
        self.count, self.codes, self.cut_at = 0, [], None
        self.front = folder + "/front"
        self.closing = False
        done = subprocess.run(["bash", "-c", '. "$1" && make_tpm "$2" "$3"', "-", o.make, folder,
                               o.work + "/maker"], capture_output=True, timeout=120)
        if done.returncode != 0:
            raise RuntimeError(done.stdout.decode()[-500:])
        self.listeners = [self.listen(self.front, self.relay), self.listen(self.front + ".ctrl", self.pass_on)]

    def listen(self, path, serve):
        s = socket.socket(socket.AF_UNIX)
        s.bind(path)
        s.listen(8)

        def accept():
            while not self.closing:
                try:
                    client, _ = s.accept()
                except OSError:
                    return
                threading.Thread(target=self.serve, args=(serve, client), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return s

    def serve(self, how, client):
        try:
            how(client)
        except (OSError, EOFError):
            pass
        finally:
            client.close()

    def power(self, on):
        if not on and self.process:
            self.process.kill()
            self.process.wait()
            self.process = None
        if on and not self.process:
            for name in ("sock", "sock.ctrl"):
                if os.path.exists(self.folder + "/" + name):
                    os.unlink(self.folder + "/" + name)
            self.process = subprocess.Popen(
                ["swtpm", "socket", "--tpm2", "--tpmstate", "dir=%s/state" % self.folder,
                 "--server", "type=unixio,path=%s/sock" % self.folder,
                 "--ctrl", "type=unixio,path=%s/sock.ctrl" % self.folder,
                 "--flags", "not-need-init,startup-clear"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for _ in range(400):
                if os.path.exists(self.folder + "/sock"):
                    return
                time.sleep(0.02)
            raise RuntimeError("swtpm does not start in " + self.folder)

    def connect(self, name):
        s = socket.socket(socket.AF_UNIX)
        s.connect(self.folder + "/" + name)
        s.settimeout(60)
        return s

    def cut(self, code):
        self.power(False)
        self.rule, self.cut_at = None, NAMES.get(code, "%#x" % code)
        raise EOFError

    def relay(self, client):
        if not self.process:
            return
        with self.connect("sock") as tpm:
            while True:
                command = message(client)
                code = struct.unpack(">I", command[6:10])[0]
                number, self.count = self.count, self.count + 1
                self.codes.append(code)
                point = self.rule[1] if self.rule and self.rule[0] == number else ""
                if point == "before":
                    self.cut(code)
                tpm.sendall(command)
                if point == "during":
                    time.sleep(self.rule[2])
                    self.cut(code)
                answer = message(tpm)
                if point == "after":
                    self.cut(code)
                client.sendall(answer)
                if point == "answered":
                    self.cut(code)

    def pass_on(self, client):
        if not self.process:
            return
        with self.connect("sock.ctrl") as tpm:
            while True:
                tpm.sendall(client.recv(4096) or self.stop())
                client.sendall(tpm.recv(4096) or self.stop())

    @staticmethod
    def stop():
        raise EOFError

    def tool(self, *command):
        env = dict(os.environ, TPM2TOOLS_TCTI="swtpm:path=%s/sock" % self.folder, TSS2_LOG="all+NONE")
        return subprocess.run(command, env=env, capture_output=True, timeout=60, cwd=self.folder)

    def close(self):
        self.closing = True
        self.power(False)
        for s in self.listeners:
            s.close()

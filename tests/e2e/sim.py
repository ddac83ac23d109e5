"""What tests ask of a running rot-sim that its command line does not offer.

    ask SOCKET JSON          one control request (docs/protocols/simulator.md section 5)
    insert SOCKET BUS/CHIP.. those chips of each bus named have power, the others of it have none

SPDX-License-Identifier: Apache-2.0
"""
import json
import socket
import struct
import sys


class Panel:
    def __init__(self, path):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(30)
        self.s.connect(path)
        self.frame(b"\x01ROTSIM\x01")

    def frame(self, body):
        self.s.sendall(struct.pack(">H", len(body)) + body)
        head = self.take(2)
        return self.take(struct.unpack(">H", head)[0])

    def take(self, n):
        data = b""
        while len(data) < n:
            data += self.s.recv(n - len(data)) or sys.exit("the simulator hung up")
        return data

    def ask(self, request):
        answer = self.frame(b"\x20" + json.dumps(request).encode())
        if answer[1] != 0:
            sys.exit("rot-sim: %s" % answer[2:].decode())
        return json.loads(answer[2:])


def insert(panel, wanted):
    buses = {name.split("/")[0] for name in wanted}
    for chip in panel.ask({"do": "list"})["chips"]:
        if chip["chip"].split("/")[0] not in buses:
            continue
        # "BUS/" alone takes all out; behind a mux only the chips of that channel are changed.
        if any(w == chip["chip"] or w.endswith("/") or w.split("/")[1][1:] == chip["chip"].split("/")[1][1:]
               for w in wanted):
            panel.ask({"do": "power", "chip": chip["chip"], "on": chip["chip"] in wanted})


if __name__ == "__main__":
    panel = Panel(sys.argv[2])
    if sys.argv[1] == "ask":
        print(json.dumps(panel.ask(json.loads(sys.argv[3]))))
    else:
        insert(panel, sys.argv[3:])

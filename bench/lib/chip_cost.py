"""What the station's recipe costs on a simulated part: commands against the least, and the host's work.

    chip_cost.py MODEL PAGE FIGURES BOARDS SOCKETS WORK STATION ARGUMENT...

SOCKETS/none and SOCKETS/real are rot-sims with parts MODEL-1/u1 and so on.  In PAGE stands under
"## The least that a recipe takes" a table of commands, times, and why they are needed.
SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import socket
import struct
import subprocess
import sys

HEADING = "## The least that a recipe takes"
ECONOMY = 1.10
OVERHEAD = 0.05


def least(page):
    """[(command, times)] of the page's table; none when there is no such table."""
    rows, inside = [], False
    for line in open(page):
        if line.startswith("#"):
            inside = line.strip() == HEADING
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if inside and line.startswith("|") and len(cells) == 3 and cells[1].isdigit():
            if not cells[2]:
                sys.exit(f"{page}: {cells[0]}: it does not say why")
            rows.append((cells[0], int(cells[1])))
    return rows


def receive(s, n):
    data = b""
    while len(data) < n:
        data += s.recv(n - len(data)) or sys.exit("the simulator hung up")
    return data


def stats(path, chip):
    """The simulator's own count (docs/protocols/simulator.md, 5)."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        for op, body in ((1, b"ROTSIM\x01"), (0x20, json.dumps({"do": "stats", "chip": chip}).encode())):
            s.sendall(struct.pack(">HB", len(body) + 1, op) + body)
            answer = receive(s, struct.unpack(">H", receive(s, 2))[0])
            if answer[1] != 0:
                sys.exit(f"{chip}: the simulator says status {answer[1]}")
    return json.loads(answer[2:])


def run(station, work, name, socket_path, chips):
    """Seconds of processor time that the station took for boards with these chips."""
    boards = os.path.join(work, name + ".boards")
    with open(boards, "w") as f:
        for n, chip in enumerate(chips):
            f.write(f"1 {name}-{n} sim:{socket_path}#{chip}\n")
    log = os.path.join(work, name + ".log")
    with open(log, "w") as out:
        child = subprocess.Popen(station + ["--boards", boards, "--fixture", f"1=sim:{socket_path}#{chips[0]}"],
                                 stdout=out, stderr=subprocess.STDOUT)
        _, code, used = os.wait4(child.pid, 0)
    ends = [json.loads(line) for line in open(log) if line.startswith("{") and '"board.end"' in line]
    if code != 0 or [e["state"] for e in ends] != ["pass"] * len(chips):
        print(open(log).read()[-2000:])
        sys.exit(f"{name}: the boards did not pass")
    return used.ru_utime + used.ru_stime


def economy(model, page, station, sockets, work, figures):
    run(station, work, f"{model}-n", sockets + "/none", [f"{model}-1/u1"])
    s = stats(sockets + "/none", f"{model}-1/u1")
    table = least(page)
    minimum = sum(times for _, times in table)
    figures.update({"commands": s["commands"], "bus_bytes": s["bus_bytes"], "transactions": s["transactions"],
                    "minimum": minimum})
    if not table:
        print(f"{model}: {s['commands']} commands, {s['bus_bytes']} bytes on the bus; {page} has no table of the least")
        return False
    ratio = s["commands"] / minimum
    figures["ratio"] = round(ratio, 3)
    print(f"{model}: {s['commands']} commands of {minimum}: {ratio:.2f} (at most {ECONOMY:.2f}); "
          f"{s['bus_bytes']} bytes in {s['transactions']} transactions")
    return ratio <= ECONOMY


def overhead(model, station, sockets, work, boards, figures):
    """Two runs of different length, so that what is done once (start, sign-on) falls out; the better of two
    such pairs, for what else the machine does only adds."""
    host = float("inf")
    for start in (1, boards + 2):
        one = run(station, work, f"{model}-r{start}", sockets + "/real", [f"{model}-{start}/u1"])
        chips = [f"{model}-{n}/u1" for n in range(start + 1, start + 1 + boards)]
        many = run(station, work, f"{model}-s{start}", sockets + "/real", chips)
        host = min(host, max(many - one, 0) / (boards - 1))
    told = [stats(sockets + "/real", chip) for chip in chips]
    part = sum(s["chip_time_us"] for s in told) / boards / 1e6
    bus = sum(s["bus_time_us"] for s in told) / boards / 1e6
    share = host / (part + bus)
    figures.update({"host_ms": round(1e3 * host, 1), "part_ms": round(1e3 * part, 1), "bus_ms": round(1e3 * bus, 1),
                    "overhead": round(share, 4)})
    print(f"{model}: a board takes the part {1e3 * (part + bus):.0f} ms ({1e3 * part:.0f} at work, {1e3 * bus:.0f} on its bus), "
          f"the station's processor {1e3 * host:.1f}: {100 * share:.1f} % (under {100 * OVERHEAD:.0f})")
    return share < OVERHEAD


def main(model, page, figures_path, boards, sockets, work, *station):
    mine = {}
    good = economy(model, page, list(station), sockets, work, mine)
    good = overhead(model, list(station), sockets, work, int(boards), mine) and good
    figures = json.load(open(figures_path))
    figures.update({f"{model}_{name}": value for name, value in mine.items()})
    json.dump(figures, open(figures_path, "w"))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""Boards an hour from a station's events, and the chip's own minimum from the bus trace.

    boards.py BUS.TRACE EVENTS-1-FIXTURE EVENTS-4-FIXTURES BOARDS-PER-FIXTURE

SPDX-License-Identifier: Apache-2.0
"""
import collections
import json
import os
import statistics
import sys

LIMIT = 0.25
TYPICAL = 0.30  # of the maximum times: what rot-sim takes with real timing (docs/protocols/simulator.md)

# Execution times of the ATECC608 with the fastest clock divider, maximum, in ms, by opcode.
MAX_MS = {0x02: 5, 0x12: 45, 0x15: 25, 0x16: 20, 0x17: 35, 0x1B: 23, 0x1C: 50, 0x20: 10, 0x24: 25,
          0x28: 40, 0x30: 5, 0x40: 115, 0x41: 115, 0x43: 75, 0x45: 105, 0x46: 50, 0x47: 36, 0x51: 27,
          0x56: 165, 0x77: 250, 0x80: 80, 0x08: 55}
NAMES = {0x02: "Read", 0x12: "Write", 0x15: "GenDig", 0x16: "Nonce", 0x17: "Lock", 0x1B: "Random",
         0x30: "Info", 0x40: "GenKey", 0x41: "Sign", 0x43: "ECDH", 0x45: "Verify", 0x46: "PrivWrite",
         0x47: "SHA"}


def commands(trace):
    """{bus: [opcode...]}: acknowledged writes of a command packet (word address 03, count, opcode)."""
    found = collections.defaultdict(list)
    for line in open(trace):
        word = line.split()
        if len(word) == 6 and word[2] == "W" and word[4] == "ack" and word[5].startswith("03"):
            found[word[1]].append(int(word[5][4:6], 16))
    return found


def board_ms(path):
    """What each board took, from its start to its end, as the station tells it."""
    took = []
    for line in open(path):
        event = json.loads(line)
        if event["event"] == "board.end":
            assert event["state"] == "pass", event
            took.append(event["took_ms"])
    return took


def main(trace, one, four, boards):
    sent = commands(trace)
    least = [sum(MAX_MS[op] for op in ops) * TYPICAL for ops in sent.values()]
    single, quad = board_ms(one), board_ms(four)
    assert len(single) == int(boards) and len(quad) == 4 * int(boards) == len(sent) - len(single)
    counts = collections.Counter(op for ops in sent.values() for op in ops)
    print("commands for a board: %s" % ", ".join(
        "%s %.1f" % (NAMES.get(op, hex(op)), n / len(sent)) for op, n in counts.most_common()))
    minimum = statistics.median(least)
    print("the chip's own minimum: %.0f ms (data sheet maxima: %.0f ms), %.0f boards/hour" % (
        minimum, minimum / TYPICAL, 3.6e6 / minimum))
    figures = {"chip_minimum_ms": minimum, "chip_maximum_ms": minimum / TYPICAL,
               "chip_boards_per_hour": 3.6e6 / minimum, "limit": LIMIT}
    for fixtures, took in ((1, single), (4, quad)):
        each = statistics.median(took)
        print("%d fixture%s: %.0f ms a board, %.0f boards/hour for each fixture, %.2f of the chip's own" % (
            fixtures, "s" if fixtures > 1 else "", each, 3.6e6 / each, minimum / each))
        figures.update({"board_ms_%d" % fixtures: each,
                        "boards_per_hour_per_fixture_%d" % fixtures: 3.6e6 / each,
                        "ratio_%d" % fixtures: minimum / each})
    figures["ratio"] = figures["ratio_1"]
    print("station against the chip's own minimum: %.2f (asked: %.2f)" % (figures["ratio"], LIMIT))
    if "RS_FIGURES" in os.environ:
        json.dump({k: round(v, 3) for k, v in figures.items()}, open(os.environ["RS_FIGURES"], "w"))
    return 0 if figures["ratio"] >= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""A terminal for tests: run a program in it, type, and look at the screen.

    screen.py COLSxROWS SCRIPT PROGRAM ARGS...

SCRIPT is a file of lines, taken one after another:
    wait SECONDS TEXT    until the screen has that text (or fail)
    type TEXT            with Enter behind it
    key NAME             F10 or Enter
    sleep SECONDS
    show                 print the screen
    fits                 the screen's last line is used, none is wrapped or scrolled
Exits with the program's code; what was shown goes to stdout.

SPDX-License-Identifier: Apache-2.0
"""
import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time

KEYS = {"F10": b"\x1b[21~", "Enter": b"\n"}
PART = re.compile(r"\x1b\[(\??[0-9;]*)([A-Za-z])|(\r)|(\n)|([^\x1b\r\n])|(\x1b)", re.S)


class Screen:
    def __init__(self, cols, rows):
        self.cols, self.rows = cols, rows
        self.lines = [[" "] * cols for _ in range(rows)]
        self.x = self.y = self.wrapped = self.scrolled = 0
        self.rest = ""

    def put(self, char):
        if self.x >= self.cols:
            self.wrapped += 1
            self.x = 0
            self.down()
        self.lines[self.y][self.x] = char
        self.x += 1

    def down(self):
        if self.y + 1 < self.rows:
            self.y += 1
        else:
            self.scrolled += 1
            self.lines = self.lines[1:] + [[" "] * self.cols]

    def command(self, arg, letter):
        n = int(arg) if arg.isdigit() else 0
        if letter == "H":
            self.x = self.y = 0
        elif letter == "G":
            self.x = max(n - 1, 0)
        elif letter == "K":
            self.lines[self.y][self.x:] = [" "] * (self.cols - self.x)
        elif letter == "J" and n == 2:
            self.lines = [[" "] * self.cols for _ in range(self.rows)]
        elif letter == "J":
            self.lines[self.y][self.x:] = [" "] * (self.cols - self.x)
            for y in range(self.y + 1, self.rows):
                self.lines[y] = [" "] * self.cols

    def feed(self, text):
        text = self.rest + text
        cut = re.search(r"\x1b(\[\??[0-9;]*)?$", text)
        self.rest = cut[0] if cut else ""
        for m in PART.finditer(text[:len(text) - len(self.rest)]):
            if m[2]:
                self.command(m[1], m[2])
            elif m[3]:
                self.x = 0
            elif m[4]:
                self.down()
            elif m[5]:
                self.put(m[5])

    def text(self):
        return "\n".join("".join(line).rstrip() for line in self.lines)


class Program:
    def __init__(self, cols, rows, argv):
        self.screen = Screen(cols, rows)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
            os.environ["TERM"] = "xterm-256color"
            os.execv(argv[0], argv)
        self.bytes = b""
        self.alive = True

    def read(self, seconds):
        end = time.monotonic() + seconds
        while self.alive and time.monotonic() < end:
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                return
            try:
                piece = os.read(self.fd, 65536)
            except OSError:
                piece = b""
            if not piece:
                self.alive = False
                return
            self.bytes += piece
            whole = self.bytes
            while whole and len(self.bytes) - len(whole) < 4:       # a character that is cut
                try:
                    self.screen.feed(whole.decode())
                    break
                except UnicodeDecodeError:
                    whole = whole[:-1]
            self.bytes = self.bytes[len(whole):]

    def wait(self, seconds, text):
        end = time.monotonic() + seconds
        while text not in self.screen.text():
            if time.monotonic() > end or not self.alive:
                print(self.screen.text())
                sys.exit("the screen never had %r" % text)
            self.read(0.1)


def main():
    cols, rows = map(int, sys.argv[1].split("x"))
    program = Program(cols, rows, sys.argv[3:])
    for line in open(sys.argv[2]):
        word, _, rest = line.rstrip("\n").partition(" ")
        if word == "wait":
            seconds, _, text = rest.partition(" ")
            program.wait(float(seconds), text)
        elif word == "type":
            os.write(program.fd, rest.encode() + b"\n")
        elif word == "key":
            os.write(program.fd, KEYS[rest])
        elif word == "sleep":
            program.read(float(rest))
        elif word == "show":
            program.read(0.3)
            print(program.screen.text())
        elif word == "fits":
            program.read(0.3)
            s = program.screen
            if s.wrapped or s.scrolled or not "".join(s.lines[-1]).strip():
                print(s.text())
                sys.exit("does not fit: wrapped %d, scrolled %d" % (s.wrapped, s.scrolled))
    while program.alive:
        program.read(0.5)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(program.pid, 0)[1]))


if __name__ == "__main__":
    main()

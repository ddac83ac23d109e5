"""Answer a program's question on a terminal; what it says goes to stdout, and its exit code is ours.

    type.py QUESTION ANSWER PROGRAM [ARG]...      QUESTION: what it says last before it waits

SPDX-License-Identifier: Apache-2.0
"""
import os
import pty
import sys

question, answer, program = sys.argv[1].encode(), sys.argv[2].encode(), sys.argv[3:]
pid, fd = pty.fork()
if pid == 0:
    os.execv(program[0], program)
said, answered = b"", False
while True:
    try:
        piece = os.read(fd, 4096)
    except OSError:
        break
    if not piece:
        break
    said += piece
    if question in said and not answered:
        os.write(fd, answer + b"\n")
        answered = True
sys.stdout.buffer.write(said)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

"""Prints a source file as its compiler sees it: preprocess.py BUILD FILE.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import shlex
import subprocess
import sys

build, source = sys.argv[1:]
for entry in json.load(open(os.path.join(build, "compile_commands.json"))):
    path = os.path.relpath(os.path.join(entry["directory"], entry["file"]))
    if path != source:
        continue
    words = shlex.split(entry["command"])
    end = words.index("-o")
    command = words[:end] + words[end + 2:]
    command[command.index("-c")] = "-E"
    sys.exit(subprocess.run(command + ["-P"], cwd=entry["directory"]).returncode)
sys.exit(f"{source}: not built")

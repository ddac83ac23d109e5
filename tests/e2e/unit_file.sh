#!/usr/bin/env bash
# The agent's service: a unit that the manager takes, that gives away little, and a program that says
# when it is ready and when it ends.
#
#   tests/e2e/unit_file.sh BUILD
#
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
BIN=$1
. "$(dirname "$0")/lib.sh"
WORK=$(mktemp -d) || exit 1
trap down EXIT
AGENT=$(find_program rootsmith-agent)

# As installed, but with the program that was built: the manager wants to find it.
sed "s|^ExecStart=.*/rootsmith-agent|ExecStart=$AGENT|; /^Documentation=/d" "$BIN/packaging/rootsmith-agent.service" \
    >"$WORK/rootsmith-agent.service"

# What must be in it, whether or not a manager is here to say what it thinks.
for line in Type=notify NoNewPrivileges=yes ProtectSystem=strict ProtectHome=yes PrivateTmp=yes DevicePolicy=closed \
    MemoryDenyWriteExecute=yes RestrictNamespaces=yes SystemCallFilter=@system-service LimitCORE=0 \
    StateDirectory=rootsmith; do
    check "the unit has $line" grep -qx "$line" "$WORK/rootsmith-agent.service"
done
same "no path is left to fill in" 0 "$(grep -c '@[a-z]*dir@' "$BIN/packaging/rootsmith-agent.service")"

verified() {
    systemd-analyze verify "$WORK/rootsmith-agent.service" >"$WORK/verify.log" 2>&1 && [ ! -s "$WORK/verify.log" ]
}
if command -v systemd-analyze >/dev/null; then
    check "the manager takes it without a word" verified
    # 0.0 nothing is left to attack ... 10.0 everything; a network, a chip and another user it needs.
    check "its exposure is at most 3.0" systemd-analyze security --no-pager --offline=true --threshold=30 \
        "$WORK/rootsmith-agent.service"
else
    echo "  (no systemd-analyze here: the directives above are all that was looked at)"
fi

# A manager of our own: one socket, and what comes in until the program ends.
told() {
    ROOTSMITH_LOCK_DIR=$WORK python3 - "$AGENT" "$WORK" <<'PY'
import os, signal, socket, subprocess, sys
agent, work = sys.argv[1:]
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(work + "/notify")
manager.settimeout(60)
p = subprocess.Popen([agent, "--server", "https://127.0.0.1:1", "--rot", "soft:%s/d.rot" % work,
                      "--state", work + "/state", "run"], stderr=subprocess.DEVNULL,
                     env=dict(os.environ, NOTIFY_SOCKET=work + "/notify"))
first = manager.recv(1000)
p.send_signal(signal.SIGTERM)
last = manager.recv(1000)
code = p.wait(60)
print(first, last, code)
sys.exit(not (first.startswith(b"READY=1") and last == b"STOPPING=1" and code == 0))
PY
}
check "it says when it is ready, when it ends, and ends well" told
finish

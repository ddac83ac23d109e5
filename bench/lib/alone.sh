#!/usr/bin/env bash
# Sourced first by benchmarks with servers that listen on every address: the rest of the script runs in
# a network of its own, in which loopback is all there is.  Needs root; gives ALONE=1, or ALONE= without.
# SPDX-License-Identifier: Apache-2.0

if [ -z "${ALONE:-}" ] && [ "$(id -u)" = 0 ]; then
    export ALONE=1
    exec unshare --net bash -c 'python3 - <<PY
import fcntl, socket, struct
SIOCSIFFLAGS, IFF_UP_RUNNING = 0x8914, 0x41
fcntl.ioctl(socket.socket(), SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP_RUNNING))
PY
exec bash "$0" "$@"' "$0" "$@"
fi
ALONE=${ALONE:-}

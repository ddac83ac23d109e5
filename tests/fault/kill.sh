#!/usr/bin/env bash
# Some dozens of kills under load, in the build that the tests use: the same programs as
# ./dev prove kill.  With sanitizers a start takes several times as long, and the tests share
# the machine: the limit of a restart is looser here, and the proof holds the real one.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
export RS_BUILD=$1 RS_RESTART_S=${RS_RESTART_S:-15}
unset RS_FIGURES
exec bash "$(dirname "$(readlink -f "$0")")/../prove/kill.sh" --short

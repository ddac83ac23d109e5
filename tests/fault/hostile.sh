#!/usr/bin/env bash
# A few of the runs of `./dev prove hostile`, of every family.
#   hostile.sh BUILD
# SPDX-License-Identifier: Apache-2.0
exec bash "$(dirname "$0")/../prove/hostile.sh" --bin "$1" --runs 400 --seed 3 --workers 2

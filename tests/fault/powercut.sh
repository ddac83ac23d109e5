#!/usr/bin/env bash
# A few of the power cuts of `./dev prove powercut`, spread over the whole recipe and all four points.
#   powercut.sh BUILD
# SPDX-License-Identifier: Apache-2.0
exec bash "$(dirname "$0")/../prove/powercut.sh" --bin "$1" --cuts 13 --twice 3 --seed 1

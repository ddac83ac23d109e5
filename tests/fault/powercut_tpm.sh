#!/usr/bin/env bash
# A few of the power cuts of `./dev prove powercut_tpm`, spread over the whole recipe and all four points.
#   powercut_tpm.sh BUILD
# SPDX-License-Identifier: Apache-2.0
exec bash "$(dirname "$0")/../prove/powercut_tpm.sh" --bin "$1" --cuts 9 --twice 2 --seed 1

#!/usr/bin/env bash
# A few of the power cuts of `./dev prove powercut`, spread over the whole recipes and all four points.
#   powercut.sh BUILD
# SPDX-License-Identifier: Apache-2.0
exec bash "$(dirname "$0")/../prove/powercut.sh" --bin "$1" --cuts 9 --twice 3 --boards 8 --some 12 --seed 1 \
    --only blank608b=atecc608b,blank-se051=se051,blank-a110=stsafe-a110,blank-m3=optiga-trust-m3

#!/bin/bash
# Debian's i2c-tools, unmodified, against simulated parts: they see the buses, find who answers, and
# speak to them in the bytes of the makers' documents.  Refusals first.
#   i2c_tools.sh ROT-SIM
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
sim=$1
command -v i2cdetect >/dev/null || { echo "i2c-tools is not installed"; exit 77; }
# i2c-tools stand in sbin for those who are not root.
PATH=$PATH:/usr/sbin
# Nothing here may ask a person whether it is sure.
exec </dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

ok() { passed=$((passed + 1)); }
bad() { failed=$((failed + 1)); printf 'FAILED: %s\n' "$1"; shift; printf '    %s\n' "$@"; }

# What the program prints (both ways) and its exit code must be exactly that.
gives() { # NAME EXIT TEXT CHIPS -- PROGRAM...
    local name=$1 code=$2 want=$3 got rc chips=()
    shift 3
    while [ "$1" != -- ]; do chips+=(--chip "$1"); shift; done
    shift
    got=$(timeout 60 "$sim" exec --quiet "${chips[@]}" -- "$@" 2>&1)
    rc=$?
    if [ "$rc" = "$code" ] && [ "$got" = "$want" ]; then
        ok
    else
        bad "$name" "exit $rc, not $code" "got:  $got" "want: $want"
    fi
}

# The grid of i2cdetect, with these addresses filled.
grid() { # ADDRESS...
    local row column at line
    printf '     0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f\n'
    for row in 0 1 2 3 4 5 6 7; do
        line="${row}0:"
        for column in 0 1 2 3 4 5 6 7 8 9 a b c d e f; do
            at=$row$column
            if [ $((0x$at)) -lt 8 ] || [ $((0x$at)) -gt 119 ]; then
                line="$line   "
            elif [[ " $* " == *" $at "* ]]; then
                line="$line $at"
            else
                line="$line --"
            fi
        done
        printf '%s \n' "$line"
    done
}

# ---- Refusals ------------------------------------------------------------------------
gives "a bus that is not there" 1 "Error: Could not open file \`/dev/i2c-9' or \`/dev/i2c/9': No such file or directory" \
    se050 -- i2cdetect -y 9
gives "an address where nobody is" 2 "Error: Read failed" se050 -- i2cget -y 1 0x49
gives "a write to nobody" 1 "Error: Write failed" se050 -- i2cset -y 1 0x49 0x00 0x01
gives "a transfer to nobody" 1 "Error: Sending messages failed: No such device or address" \
    se050 -- i2ctransfer -y 1 w1@0x49 0x00 r1
gives "a part that sleeps" 1 "Error: Sending messages failed: No such device or address" \
    atecc608b -- i2ctransfer -y 1 w1@0x60 0x00
gives "a part that has nothing to say" 1 "Error: Sending messages failed: No such device or address" \
    se050 -- i2ctransfer -y 1 r3@0x48
gives "more than an adapter takes" 1 "Error: Sending messages failed: Operation not supported" \
    optiga-trust-m3 -- i2ctransfer -y 1 w1@0x30 0x82 r1025
gives "a block that the part would measure" 1 "Error: Adapter does not have SMBus block read capability" \
    se050 -- i2cget -y 1 0x48 0x00 s
gives "a check byte that no part has" 1 "Error: Could not set PEC: Operation not supported" \
    optiga-trust-m3 -- i2cget -y 1 0x30 0x82 bp
timeout 20 "$sim" exec --quiet --chip se050 -- i2cget -y 1 0x48 0x00 q >"$work/out" 2>&1 && bad "a wrong argument" "was taken"
grep -q '^Error: Invalid mode!' "$work/out" && ok || bad "a wrong argument" "$(cat "$work/out")"

# ---- Who is there ----------------------------------------------------------------------
gives "i2cdetect -l" 0 $'i2c-1\ti2c       \trot-sim bus 1                   \tI2C adapter' se050 -- i2cdetect -l
gives "i2cdetect" 0 "$(grid 17 20 30 48)" se050 optiga-trust-m3 stsafe-a110 ta100 -- i2cdetect -y 1
gives "i2cdetect by its name" 0 "$(grid 48)" se050 -- i2cdetect -y "rot-sim bus 1"
gives "an ATECC sleeps" 0 "$(grid)" atecc608b -- i2cdetect -y 1
gives "and is awake after a general call" 0 "$(grid 60)" atecc608b -- \
    sh -c 'i2ctransfer -y -a 1 w1@0x00 0 2>/dev/null; sleep 0.002; i2cdetect -y 1'
# Its later versions ask for three things more.
more=
grep -aq "Target mode" "$(command -v i2cdetect)" && more="
SMBus Host Notify                no
10-bit addressing                no
Target mode                      no"
gives "i2cdetect -F" 0 "Functionalities implemented by /dev/i2c-1:
I2C                              yes
SMBus Quick Command              yes
SMBus Send Byte                  yes
SMBus Receive Byte               yes
SMBus Write Byte                 yes
SMBus Read Byte                  yes
SMBus Write Word                 yes
SMBus Read Word                  yes
SMBus Process Call               yes
SMBus Block Write                yes
SMBus Block Read                 no
SMBus Block Process Call         no
SMBus PEC                        no
I2C Block Write                  yes
I2C Block Read                   yes$more" se050 -- i2cdetect -F 1

# ---- Each family in its own bytes --------------------------------------------------------
# ATECC: the greeting after a wake, then Info.
gives "ATECC608B: Info" 0 "0x04 0x11 0x33 0x43
0x07 0x00 0x00 0x60 0x03 0x83 0xbb" atecc608b -- sh -c 'i2ctransfer -y -a 1 w1@0x00 0 2>/dev/null; sleep 0.002
    i2ctransfer -y 1 r4@0x60; i2ctransfer -y 1 w8@0x60 0x03 0x07 0x30 0x00 0x00 0x00 0x03 0x5d
    i2ctransfer -y 1 w1@0x60 0x00 r7@0x60'
# SE050: T=1, resynchronise; its answer is a FIFO, read in two pieces.
gives "SE050: RESYNC" 0 "0xa5 0xe0 0x00
0x3f 0x19" se050 -- sh -c 'i2ctransfer -y 1 w5@0x48 0x5a 0xc0 0x00 0xff 0xfc
    i2ctransfer -y 1 r3@0x48; i2ctransfer -y 1 r2@0x48'
# STSAFE: Echo; its answer begins anew with each read.
gives "STSAFE-A110: Echo" 0 "0x00 0x00 0x05 0x01 0x02
0x00 0x00 0x05 0x01 0x02 0x03 0xa7 0x29" stsafe-a110 -- sh -c \
    'i2ctransfer -y 1 w6@0x20 0x00 0x01 0x02 0x03 0xa7 0x29; i2ctransfer -y 1 r5@0x20; i2ctransfer -y 1 r8@0x20'
# OPTIGA: registers.  I2C_STATE by every means that i2c-tools have for it.
gives "OPTIGA: I2C_STATE" 0 "0x08 0x80 0x00 0x00
0x08 0x80 0x00 0x00
0x08
0x08
0x8008" optiga-trust-m3 -- sh -c 'i2ctransfer -y 1 w1@0x30 0x82 r4; i2cget -y 1 0x30 0x82 i 4
    i2cget -y 1 0x30 0x82 b; i2cset -y 1 0x30 0x82; i2cget -y 1 0x30; i2cget -y 1 0x30 0x82 w'
# Its DATA_REG_LEN can be written, by word and by block.
gives "OPTIGA: DATA_REG_LEN" 0 "0x00 0x40
0x00 0x20" optiga-trust-m3 -- sh -c 'i2cset -y 1 0x30 0x81 0x4000 w; i2ctransfer -y 1 w1@0x30 0x81 r2
    i2cset -y 1 0x30 0x81 0x00 0x20 i; i2ctransfer -y 1 w1@0x30 0x81 r2'

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]

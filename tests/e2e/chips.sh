#!/usr/bin/env bash
# An order for each family of secure elements, through a station, to simulated parts as they come
# from their makers: certificates that openssl believes, again without writing, and after half of it.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
BIN=$1
here=$(dirname "$(readlink -f "$0")")
. "$here/lib.sh"
. "$here/chips_lib.sh"
trap stop_chips EXIT
up acme || { echo "0 passed, 1 failed"; exit 1; }
# The simulator's kind, the model that an order names.
FAMILIES="blank608a=atecc608a blank608b=atecc608b blank-se050=se050 blank-se051=se051
    blank-a110=stsafe-a110 blank-a120=stsafe-a120 blank-m1=optiga-trust-m1 blank-m3=optiga-trust-m3"
panel 6 || { echo "0 passed, 1 failed"; exit 1; }
enrol sz-1
same "the station has a channel secret of its own" "32 600" "$(stat -c '%s %a' "$WORK/sz-1/channel.secret")"
mkdir -m 700 "$WORK/channels"

for f in $FAMILIES; do
    model=${f#*=}
    echo "$model"
    rs product set "p-$model" --rot "$model" --issuer acme-devices -q || bad "a product with $model"
    rs order create --product "p-$model" --quantity 20 --stations sz-1 --name "o-$model" -q
    ends "a board passes" 0 PASS once "o-$model" "S-$model-1" "$model-1" --channel-out "$WORK/channels"
    check "openssl believes its certificate" believed "S-$model-1"
    untouched "$model-1"
    ends "again: it is done already" 0 "Already done" once "o-$model" "S-$model-1" "$model-1"
    still "$model-1" "and nothing was written"
    ends "but not where its secret has nowhere to go" 6 file.failed \
        once "o-$model" "S-$model-1" "$model-1" --channel-out "$WORK/nowhere"
    own=$WORK/channels/S-$model-1.channel
    same "its device gets its own secret" "600 1" "$(stat -c %a "$own") $(wc -l <"$own")"
    check "with which it uses its key" rs chip challenge --chip "$(chip "$model-1")" --channel-secret "$own"
    same "and which protects it, as chip info says" own "$(rs chip info --chip "$(chip "$model-1")" \
        --channel-secret "$own" --json | member protection)"

    # Cut in the middle, wherever that is: the next time it goes on.
    for at in 8 20 33; do
        fault "$model-3" "cut-after@$at"
        once "o-$model" "S-$model-3" "$model-3" && { bad "command $at was not cut"; break; }
        unfault "$model-3"
    done
    ends "a board whose power went three times" 0 PASS once "o-$model" "S-$model-3" "$model-3"
    check "has one certificate, and openssl believes it" believed "S-$model-3"
done
finish

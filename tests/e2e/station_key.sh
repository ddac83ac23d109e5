#!/usr/bin/env bash
# A station whose own key is in a chip: enrolled with it, connected with it, and nothing of it in the
# station's directory.  And its counter there: a journal put back from a copy is noticed.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
BIN=$1
HERE=$(dirname "$0")
. "$HERE/lib.sh"
. "$HERE/tpm.sh"
bye() {
    stop_tpm "$WORK/tpm"
    down
}
trap bye EXIT
up acme || { echo "0 passed, 1 failed"; exit 1; }
STATION=$(find_program rootsmith-station)
export ROOTSMITH_LOCK_DIR=$WORK/locks
mkdir -p "$ROOTSMITH_LOCK_DIR"

st() { # STATION ARGS...
    local name=$1
    shift
    timeout 120 "$STATION" --data "$WORK/$name" "$@"
}

token() { # NAME
    rs station create "$1" --json | member token >"$WORK/token"
    chmod 600 "$WORK/token"
}

join() { # NAME CHIP
    st "$1" enroll "https://$DEVICES" --name "$1" --token "$WORK/token" --key "$2"
}

once() { # STATION SERIAL
    st "$1" run --once --ui plain --order o-1 --serial "$2" --fixture "1=soft:$WORK/{serial}.rot" \
        >"$WORK/run.log" 2>&1
}

ends() { # TEXT EXIT WORD COMMAND...
    local text=$1 want=$2 word=$3 got
    shift 3
    "$@"
    got=$?
    if [ "$got" = "$want" ] && grep -q "$word" "$WORK/run.log"; then
        ok "$text"
    else
        bad "$text: exit $got, not $want, or no \"$word\""
        tail -n 8 "$WORK/run.log"
    fi
}

rs product set sensor-x2 --rot soft --issuer acme-devices -q
rs order create --product sensor-x2 --quantity 50 --stations sz-1,sz-2,sz-3 --name o-1 -q

line() { # STATION CHIP KIND
    local name=$1 chip=$2 kind=$3
    echo "$kind"
    token "$name"
    refused "$kind: a name that is none" usage join "$name" "rot:;object=nothing"
    check "$kind: enrols" join "$name" "$chip"
    same "$kind: no key in its directory" "" "$(ls "$WORK/$name/station.key" 2>/dev/null)"
    same "$kind: the certificate is over the chip's key" \
        "$(openssl x509 -in "$WORK/$name/station.pem" -noout -pubkey)" \
        "$(rs chip read idevid --part key --chip "$chip" -o "$WORK/$name.spki" >/dev/null
        openssl pkey -pubin -in "$WORK/$name.spki")"
    ends "$kind: a board passes" 0 PASS once "$name" "$name-1"
    cp -r "$WORK/$name" "$WORK/$name.copy"
    ends "$kind: and one more" 0 PASS once "$name" "$name-2"
    cp -r "$WORK/$name" "$WORK/$name.newest"
    put_back "$name" "$WORK/$name.copy"
    ends "$kind: the directory put back from a copy" 6 journal.behind once "$name" "$name-3"
    put_back "$name" "$WORK/$name.newest"
    mv "$WORK/$name/journal" "$WORK/$name.journal"
    ends "$kind: no journal at all" 6 journal.behind once "$name" "$name-3"
    put_back "$name" "$WORK/$name.newest"
    ends "$kind: the newest one" 0 PASS once "$name" "$name-3"
    for rule in write@1=kill write@1+=kill sync@1=kill; do
        ROOTSMITH_INJECT="station:$rule" once "$name" "$name-4"
    done
    ends "$kind: death around the count" 0 PASS once "$name" "$name-4"
}

put_back() { # STATION DIR
    rm -rf "${WORK:?}/$1"
    cp -r "$2" "$WORK/$1"
}

line sz-1 "soft:$WORK/own.rot" "a file of keys"
mv "$WORK/own.rot" "$WORK/away.rot"
ends "without it the station does not run" 6 chip.absent once sz-1 sz-1-3
check "but tells about itself" st sz-1 status
mv "$WORK/away.rot" "$WORK/own.rot"
ends "and with it, it does" 0 PASS once sz-1 sz-1-3
if has_swtpm; then
    make_tpm "$WORK/tpm" && start_tpm "$WORK/tpm" || bad "no software TPM"
    line sz-2 "$TPM_URI" "a TPM"
fi
finish

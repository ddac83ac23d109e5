#!/usr/bin/env bash
# A line of TPM boards against the real server: proved genuine before anything is bought, one identity
# each whatever dies in between; a twin, and a part of a maker nobody trusts, are found out.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
BIN=$1
HERE=$(dirname "$0")
. "$HERE/lib.sh"
. "$HERE/tpm.sh"
bye() {
    local dir
    for dir in "$WORK"/tpm-*; do stop_tpm "$dir"; done
    down
}
trap bye EXIT
has_swtpm || { echo "0 passed, 0 failed (no swtpm)"; exit 77; }
up acme || { echo "0 passed, 1 failed"; exit 1; }
STATION=$(find_program rootsmith-station)

st() { # STATION ARGS...
    local name=$1
    shift
    timeout 120 "$STATION" --data "$WORK/$name" "$@"
}

join() { # NAME
    rs station create "$1" --json | member token >"$WORK/token"
    chmod 600 "$WORK/token"
    st "$1" enroll "https://$DEVICES" --name "$1" --token "$WORK/token" >"$WORK/enroll.log"
}

part() { # NAME MAKER: a new TPM, running
    make_tpm "$WORK/tpm-$1" "$WORK/maker-$2" && start_tpm "$WORK/tpm-$1"
}

once() { # STATION ORDER SERIAL TPM [OPTIONS]
    local name=$1 order=$2 serial=$3 tpm=$4
    shift 4
    st "$name" run --once --ui plain --order "$order" --serial "$serial" \
        --fixture "1=tpm:swtpm:path=$WORK/tpm-$tpm/sock" "$@" >"$WORK/run.log" 2>&1
}

ends() { # TEXT EXIT WORD COMMAND...: ends with that code and says the word
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

same "sz-1 enrols" 0 "$(join sz-1; echo $?)"
same "sz-2 enrols" 0 "$(join sz-2; echo $?)"
check "a TPM" part one good
check "another" part two good
check "and one of another maker" part foreign other
rs product set gateway --rot tpm2 --issuer acme-devices -q
rs order create --product gateway --quantity 20 --stations sz-1,sz-2 --name o-1 -q
ends "no maker is believed" 1 chip.not-genuine once sz-1 o-1 T-1 one
tpm_makers "$WORK/maker-good" >"$DATA/makers.pem"
stop_server
printf 'tpm:\n  roots: [makers.pem]\n' >>"$DATA/rootsmithd.yaml"
: >"$WORK/rootsmithd.log"
start_server

echo "boards"
ends "a TPM board passes" 0 PASS once sz-1 o-1 T-1 one
ends "the same board again is done already" 0 "Already done" once sz-1 o-1 T-1 one
ends "at the other station too" 0 PASS once sz-2 o-1 T-1 one
same "it has one certificate" 1 "$(sqlite3 "$DATA/store.db" \
    "SELECT count(*) FROM certificate WHERE device='T-1'")"
same "it is attested" attested "$(rs device show T-1 --json | member chip.provenance)"
same "its chip is known by the same name everywhere" \
    "$(rs chip info --chip "tpm:swtpm:path=$WORK/tpm-one/sock" --json | member uid)" \
    "$(rs device show T-1 --json | member chip.uid)"
check "the certificate is in the TPM" eval 'rs chip read idevid --part cert \
    --chip "tpm:swtpm:path=$WORK/tpm-one/sock" -o "$WORK/t1.der" && openssl verify -CAfile "$WORK/root.pem" \
    -untrusted "$WORK/devices.pem" "$WORK/t1.der"'
ends "another label for that TPM" 1 label.other once sz-1 o-1 T-2 one
ends "and at the other station, which has seen it" 1 label.other once sz-2 o-1 T-2 one

echo "not genuine (T1)"
ends "a part of a maker that is not configured" 1 chip.not-genuine once sz-1 o-1 T-3 foreign
same "it bought nothing" 1 "$(rs order show o-1 --json | member counts.signed)"

echo "twins (T2, L8)"
stop_tpm "$WORK/tpm-two"
copy_tpm "$WORK/tpm-two" "$WORK/tpm-clone"
start_tpm "$WORK/tpm-two" && start_tpm "$WORK/tpm-clone"
ends "the first of two equal parts passes" 0 PASS once sz-1 o-1 T-4 two
ends "the second is a twin, and stops the line" 6 key.unique once sz-2 o-1 T-5 clone
same "both occurrences are kept" "T-4 sz-1 T-5 station:sz-2" \
    "$(rs device show T-4 --json | python3 -c 'import json,sys
f = json.load(sys.stdin)["finding"]
print(f["first"]["device"], f["first"]["station"], f["again"][0]["device"], f["again"][0]["who"])')"
same "two identities were made" 2 "$(rs order show o-1 --json | member counts.signed)"

echo "death at every write"
killed=0
if ROOTSMITH_INJECT='station:write@1=kill' once sz-1 o-1 K-0 two; then
    echo "  (this build cannot inject faults: skipped)"
else
    check "a part for each" part k1 good
    for rule in write@{1,2,3,5,8,12}=kill sync@1=kill station-{asking,asked}@1=kill; do
        killed=$((killed + 1))
        ROOTSMITH_INJECT="station:$rule" once sz-1 o-1 K-1 k1
    done
    once sz-1 o-1 K-1 k1 || bad "not finished: $(tail -n 3 "$WORK/run.log")"
    same "after $killed deaths one certificate" 1 "$(sqlite3 "$DATA/store.db" \
        "SELECT count(*) FROM certificate WHERE device='K-1'")"
fi

echo "the server forgets its challenges"
check "one more part" part late good
if [ "$killed" != 0 ]; then
    ROOTSMITH_INJECT="station:station-asking@1=kill" once sz-1 o-1 L-1 late
    stop_server
    : >"$WORK/rootsmithd.log"
    start_server
    ends "the board is proved again" 0 PASS once sz-1 o-1 L-1 late
fi
stop_server
check "the ledger names both of the twins" eval \
    'grep -aq "certified for device T-4 before, and now comes with device T-5" "$DATA"/signer/ledger/*.seg'
finish

#!/usr/bin/env bash
# Bad input at secure elements: wrong, locked, full, half of what the layout wants, somebody else's,
# published secrets and simulators in production.  Each by its code, and the part is as it was.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
BIN=$1
here=$(dirname "$(readlink -f "$0")")
. "$here/lib.sh"
. "$here/chips_lib.sh"
trap stop_chips EXIT
up acme || { echo "0 passed, 1 failed"; exit 1; }
FAMILIES="blank608b=atecc608b blank-se050=se050 blank-se051=se051 blank-a110=stsafe-a110
    blank-a120=stsafe-a120 blank-m1=optiga-trust-m1 blank-m3=optiga-trust-m3"
panel 6 || { echo "0 passed, 1 failed"; exit 1; }
enrol sz-1
enrol sz-2 # with a channel secret of its own
for f in $FAMILIES; do
    model=${f#*=}
    rs product set "p-$model" --rot "$model" --issuer acme-devices -q &&
        rs order create --product "p-$model" --quantity 40 --stations sz-1,sz-2 --name "o-$model" -q ||
        bad "an order for $model"
done

refuses() { # CHIP TEXT EXIT WORD COMMAND...: ends so, the part is as it was, nothing was issued
    local chip=$1 before
    shift
    untouched "$chip"
    before=$(sqlite3 "$DATA/store.db" 'SELECT count(*) FROM certificate; SELECT count(*) FROM device')
    ends "$@"
    [ "$BEFORE" = "$(chip_state "$chip")" ] || bad "$1: the part was changed"
    [ "$before" = "$(sqlite3 "$DATA/store.db" 'SELECT count(*) FROM certificate; SELECT count(*) FROM device')" ] ||
        bad "$1: something was issued"
}

at() { AT=$1; shift; "$@"; local code=$?; unset AT; return $code; }

edit() { # CHIP PYTHON: the part's memory, while the simulator is off
    python3 - "$WORK/chips/$1,u1.json" "$2" <<'PY'
import json, sys
part = json.load(open(sys.argv[1]))
def obj(oid): return [o for o in part["objects"] if o.get("oid", o.get("id")) == oid][0]
def zone(n): return [z for z in part["zones"] if z["zone"] == n][0]
exec(sys.argv[2])
json.dump(part, open(sys.argv[1], "w"))
PY
}

echo "the wrong part"
for pair in se050:se051-1 se051:se050-1 stsafe-a110:stsafe-a120-1 stsafe-a120:stsafe-a110-1 \
    optiga-trust-m3:optiga-trust-m1-1 optiga-trust-m1:se050-1 se050:optiga-trust-m3-1 \
    stsafe-a110:optiga-trust-m3-1 atecc608b:stsafe-a110-1; do
    refuses "${pair#*:}" "${pair#*:} where the order says ${pair%%:*}" 1 chip.wrong-part \
        once "o-${pair%%:*}" W-1 "${pair#*:}"
done

echo "finished, and at another station"
for f in $FAMILIES; do
    model=${f#*=}
    ends "$model: made" 0 PASS once "o-$model" "F-$model" "$model-2"
    refuses "$model-2" "$model: under another label" 1 label.other once "o-$model" X-1 "$model-2"
    # What is said in the clear proves it there; a part that speaks by its channel only does not speak to it.
    case $model in
    atecc*) want="0 PASS" other=label.other ;;
    *) want="1 chip.foreign" other="chip.foreign\|label.other" ;;
    esac
    refuses "$model-2" "$model: at the other station" ${want% *} "${want#* }" at sz-2 once "o-$model" "F-$model" "$model-2"
    refuses "$model-2" "$model: and there under another label" 1 "$other" at sz-2 once "o-$model" X-1 "$model-2"
    ends "$model: at home it is done" 0 "Already done" once "o-$model" "F-$model" "$model-2"
done

echo "begun, and at another station"
for f in $FAMILIES; do
    model=${f#*=}
    case $model in
    optiga*) at=150 ;;
    atecc* | se05*) at=40 ;;
    *) at=60 ;;
    esac
    fault "$model-3" "cut-after@$at"
    ends "$model: cut" 5 chip.interrupted once "o-$model" "H-$model" "$model-3"
    unfault "$model-3"
    refuses "$model-3" "$model: the other station leaves it alone" 1 chip.foreign \
        at sz-2 once "o-$model" "H-$model" "$model-3"
    ends "$model: at home it is finished" 0 PASS once "o-$model" "H-$model" "$model-3"
    same "$model: with one certificate" 1 "$(count "H-$model")"
done

echo "locked, full, or with less than the layout wants"
stop_sim
edit optiga-trust-m3-4 'obj("E0F1")["metadata"] = "2011c00107d00100d30320e140e00103e10110"'
edit optiga-trust-m1-4 'obj("E0E1")["metadata"] = "2009c00107d00100d10100"'
edit stsafe-a110-4 'zone(7)["update"] = "never"; zone(7)["update_may_change"] = False'
edit stsafe-a120-4 'zone(7)["update"] = "never"; zone(7)["update_may_change"] = False'
edit stsafe-a110-5 'z = zone(7); z["size"] = 600; z["data"] = z["data"][:1200]'
edit se050-4 'part["locked"] = True'
# All but room for a name or two: a key has none.
edit se050-5 'used = sum(48 + len(o.get("policy", "")) // 2 + len(o.get("value", o.get("private", "") + o.get("public", ""))) // 2 for o in part["objects"])
while used < 51200 - 140:
    n = min(2000, 51200 - 140 - used)
    part["objects"].append(dict(obj("f0000013"), id="11%06x" % used, origin="external", policy="080000000000340000", value="5a" * n))
    used += 48 + 9 + n'
start_sim || bad "the simulator starts again"
for pair in optiga-trust-m3-4:chip.foreign optiga-trust-m1-4:chip.foreign stsafe-a110-4:chip.foreign \
    stsafe-a120-4:chip.foreign stsafe-a110-5:chip.unsupported se050-4:chip; do
    chip=${pair%%:*}
    refuses "$chip" "$chip: ${pair#*:}" 1 "${pair#*:}" once "o-${chip%-*}" "L-$chip" "$chip"
done
# It gets its secret before what it lacks is noticed; no identity is spent on it.
ends "a part without room" 1 chip.full once o-se050 L-full se050-5
same "no identity was made" 0 "$(count L-full)"

echo "production"
for model in se050 stsafe-a110 optiga-trust-m3 atecc608b; do
    refuses "$model-6" "$model: a simulator" 1 chip.simulated once "o-$model" "P-$model" "$model-6" --production
done
mv "$WORK/sz-1/channel.secret" "$WORK/secret"
wire() { # CHIP ADDRESS ORDER SERIAL: as with silicon, by /dev/i2c-1
    timeout 120 "$ROTSIM" exec --quiet --socket "$SOCK" --chip "$1/u1" -- \
        "$STATION" --data "$WORK/sz-1" run --once --ui plain --wait 20 --order "$3" --serial "$4" \
        --fixture "1=i2c:1:$2" -v --production --yes-irreversible "${3#o-}" >"$WORK/run.log" 2>&1
}
for triple in se050:0x48 stsafe-a110:0x20 optiga-trust-m3:0x30; do
    model=${triple%%:*}
    refuses "$model-6" "$model: without a secret for it" 6 chip.channel-secret \
        wire "$model-6" "${triple#*:}" "o-$model" "P-$model"
done
mv "$WORK/secret" "$WORK/sz-1/channel.secret"
chmod 644 "$WORK/sz-1/channel.secret"
refuses se050-6 "a secret that others may read" 6 0600 wire se050-6 0x48 o-se050 P-se050
chmod 600 "$WORK/sz-1/channel.secret"
for triple in se050:0x48 stsafe-a110:0x20 optiga-trust-m3:0x30; do
    model=${triple%%:*}
    ends "$model: with one it is made" 0 PASS wire "$model-6" "${triple#*:}" "o-$model" "P-$model"
done
finish

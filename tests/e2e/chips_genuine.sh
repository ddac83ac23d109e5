#!/usr/bin/env bash
# Parts with a certificate of their maker prove themselves before anything is written: to the server,
# to the station, or not at all; what was proved stands with the device.  Makers that nobody named,
# counterfeits, and demands that a part cannot meet are refused with the part as it was.
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
MAKERS="nxp st infineon"

vendors() { # NAME...: makers that the server believes from now on
    local name
    stop_server
    sed -i '/^vendors:/,$d' "$DATA/rootsmithd.yaml"
    if [ $# -gt 0 ]; then
        printf 'vendors:\n  roots:\n' >>"$DATA/rootsmithd.yaml"
        for name; do
            printf '    - "%s"\n' "$WORK/chips/simulator-$name-root.der" "$WORK/chips/simulator-$name-signer.der" \
                >>"$DATA/rootsmithd.yaml"
        done
    fi
    : >"$WORK/rootsmithd.log"
    start_server
}

provenance() { rs device show "$1" --json | member chip.provenance; }

order() { # MODEL SUFFIX [PRODUCT OPTIONS]
    local name=$1-$2 model=$1
    shift 2
    rs product set "p-$name" --rot "$model" --issuer acme-devices -q "$@" &&
        rs order create --product "p-$name" --quantity 20 --stations sz-1 --name "o-$name" -q
}

enrol sz-1
echo "no maker is named"
order se050 a && order se050 strict --provenance attested || bad "orders"
ends "what says nothing goes without" 0 PASS once o-se050-a A-1 se050-1
same "and the record says so" station "$(provenance A-1)"
untouched se050-2
ends "what demands it gets nothing made" 1 chip.not-genuine once o-se050-strict A-2 se050-2
still se050-2 "the part is as it was"
refused "more than a part can prove is no product" profile.limit \
    rs product set p-x --rot optiga-trust-m3 --issuer acme-devices --provenance attested
refused "nor a word that is none" attested \
    rs product set p-x --rot se050 --issuer acme-devices --provenance genuine
refused "a part without its maker's certificate cannot prove one" profile.limit \
    rs product set p-x --rot atecc608b --issuer acme-devices --provenance vendor

echo "makers are named"
vendors $MAKERS || bad "the server starts with makers"
for f in $FAMILIES; do
    model=${f#*=}
    case $model in
    atecc*) want=station ;;
    optiga*) want=vendor ;;
    *) want=attested ;;
    esac
    order "$model" b || bad "order for $model"
    ends "a $model" 0 PASS once "o-$model-b" "B-$model" "$model-3"
    same "is recorded as $want" "$want" "$(provenance "B-$model")"
    check "openssl believes its certificate" believed "B-$model"
    ends "again: done already" 0 "Already done" once "o-$model-b" "B-$model" "$model-3"
done
ends "a demand is met" 0 PASS once o-se050-strict A-2 se050-2
order se050 waived --provenance station || bad "order"
ends "and waived where the product says so" 0 PASS once o-se050-waived A-3 se050-4
same "then nothing was proved" station "$(provenance A-3)"

echo "power goes between proof and certificate"
fault optiga-trust-m3-4 cut-after@50
ends "cut" 5 chip.interrupted once o-optiga-trust-m3-b C-1 optiga-trust-m3-4
unfault optiga-trust-m3-4
ends "proved again, and made" 0 PASS once o-optiga-trust-m3-b C-1 optiga-trust-m3-4
same "one certificate" 1 "$(count C-1)"
same "still recorded" vendor "$(provenance C-1)"

echo "other makers"
vendors st infineon || bad "the server starts with others"
untouched se050-5
ends "a part whose maker is not named" 1 chip.not-genuine once o-se050-strict D-1 se050-5
still se050-5 "the part is as it was"
ends "one that is named" 0 PASS once o-stsafe-a110-b D-2 stsafe-a110-4
vendors $MAKERS || bad "the server starts again"
ends "when it is, the part is good" 0 PASS once o-se050-strict D-1 se050-5

echo "counterfeits"
stop_sim
python3 - "$WORK/chips" <<'PY'
import json, sys
def path(name): return "%s/%s,u1.json" % (sys.argv[1], name)
def load(name): return json.load(open(path(name)))
# The maker's certificate of another part: everybody can read it, the key does not come with it.
a, b = load("stsafe-a110-5"), load("stsafe-a110-6")
a["zones"][0] = b["zones"][0]
json.dump(a, open(path("stsafe-a110-5"), "w"))
a, b = load("optiga-trust-m3-5"), load("optiga-trust-m3-6")
def put(chip, oid, data): [o for o in chip["objects"] if o["oid"] == oid][0]["data"] = data
def get(chip, oid): return [o for o in chip["objects"] if o["oid"] == oid][0]["data"]
put(a, "E0E0", get(b, "E0E0"))
json.dump(a, open(path("optiga-trust-m3-5"), "w"))
PY
start_sim || bad "the simulator starts again"
for model in stsafe-a110 optiga-trust-m3; do
    untouched "$model-5"
    ends "a $model with another part's certificate" 1 "chip.not-genuine\|attest.invalid" \
        once "o-$model-b" "E-$model" "$model-5"
    still "$model-5" "the part is as it was"
done

echo "the station judges"
cat >"$WORK/sz-1/station.yaml" <<YAML
vendor_roots: ["$WORK/chips/simulator-st-root.der", "$WORK/chips/simulator-st-signer.der"]
fixtures: [{name: 1, chip: "sim:$SOCK#none/u1"}]
YAML
vendors || bad "the server starts without makers"
untouched se050-6
ends "a part of a maker that it does not know" 1 chip.not-genuine once o-se050-a F-1 se050-6
still se050-6 "the part is as it was"
untouched atecc608b-6
ends "a part that has no maker's certificate" 1 attest.required once o-atecc608b-b F-2 atecc608b-6
still atecc608b-6 "the part is as it was"
ends "a part of its maker" 0 PASS once o-stsafe-a110-b F-3 stsafe-a110-6
rm "$WORK/sz-1/station.yaml"

echo "production"
stop_server
cp "$DATA/rootsmithd.yaml" "$WORK/yaml"
sed -i 's/^mode:.*/mode: production/' "$DATA/rootsmithd.yaml"
printf 'vendors:\n  roots: ["%s"]\n' "$WORK/chips/simulator-nxp-root.der" >>"$DATA/rootsmithd.yaml"
check "believes no simulator's maker" sh -c \
    "timeout 20 '$(find_program rootsmithd)' --data '$DATA' 2>&1 | grep 'simulator.*production'"
cp "$WORK/yaml" "$DATA/rootsmithd.yaml"
: >"$WORK/rootsmithd.log"
start_server || bad "the server starts again"
untouched se050-6
ends "makes no simulated board" 1 chip.simulated once o-se050-a F-1 se050-6 --production
still se050-6 "the part is as it was"
printf 'vendor_roots: ["%s"]\nfixtures: [{name: 1, chip: "sim:none"}]\nproduction: yes\n' \
    "$WORK/chips/simulator-nxp-root.der" >"$WORK/sz-1/station.yaml"
ends "and the station believes none either" 2 config.invalid once o-se050-a F-1 se050-6
rm "$WORK/sz-1/station.yaml"
finish

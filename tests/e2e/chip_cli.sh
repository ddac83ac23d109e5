#!/usr/bin/env bash
# `rootsmith chip`, part by part of every family that is simulated: what must be refused first, with the
# part's state file untouched; then what a person does with one chip on a desk.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
BIN=$1
here=$(dirname "$(readlink -f "$0")")
. "$here/lib.sh"
. "$here/tpm.sh"
WORK=$(mktemp -d) || exit 1
SIM=
stop() {
    [ -z "$SIM" ] || { kill "$SIM" 2>/dev/null; wait "$SIM" 2>/dev/null; }
    [ ! -d "$WORK/tpm" ] || stop_tpm "$WORK/tpm"
    [ -n "${KEEP:-}" ] || rm -rf "$WORK"
}
trap stop EXIT
ROTSIM=$(find_program rot-sim)
SOCK=$WORK/sim.sock
unset ROOTSMITH_CHIP ROOTSMITH_CHANNEL_SECRET
cat >"$WORK/panel" <<P
listen $SOCK
state chips
trace bus.trace
chip a1/u blank608b
chip a2/u blank608b
chip a3/u blank608a
chip tng/u tngtls
chip st/1 blank-a110
chip se/1 blank-se050
chip op/1 blank-m3
P
start_sim() {
    "$ROTSIM" panel "$WORK/panel" >>"$WORK/rot-sim.log" 2>&1 &
    SIM=$!
    wait_for 20 "$ROTSIM" list --socket "$SOCK" || { cat "$WORK/rot-sim.log"; echo "0 passed, 1 failed"; exit 1; }
}
start_sim
# a2/u -> its full name
at() { echo "sim:$SOCK#$1"; }
state() { cat "$WORK/chips/${1/\//,}.json" | sha256sum; }
writes() { # CHIP: memory writes since the simulator started
    python3 - "$SOCK" "$1" <<'PY'
import json, socket, struct, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
def ask(op, body):
    s.sendall(struct.pack(">HB", len(body) + 1, op) + body)
    n, = struct.unpack(">H", s.recv(2, socket.MSG_WAITALL))
    return s.recv(n, socket.MSG_WAITALL)
ask(1, b"ROTSIM\x01")
print(json.loads(ask(0x20, json.dumps({"do": "stats", "chip": sys.argv[2]}).encode())[2:])["nvm_writes"])
PY
}

ends() { # TEXT EXIT WORD COMMAND...: ends with that code and says the word
    local text=$1 want=$2 word=$3 got
    shift 3
    "$@" >"$WORK/run.log" 2>&1 </dev/null
    got=$?
    if [ "$got" = "$want" ] && grep -q -- "$word" "$WORK/run.log"; then
        ok "$text"
    else
        bad "$text: exit $got, not $want, or no \"$word\""
        tail -n 8 "$WORK/run.log"
    fi
}

leaves() { # TEXT EXIT WORD CHIP VERB...: the same, by `chip VERB... --chip`, and the part's memory is as it was
    local text=$1 want=$2 word=$3 chip=$4 before
    shift 4
    before="$(state "$chip") $(writes "$chip")"
    ends "$text" "$want" "$word" rs chip "$@" --chip "$(at "$chip")"
    same "  and the part is untouched" "$before" "$(state "$chip") $(writes "$chip")"
}

json() { # TEXT FILTER WANT COMMAND...: stdout is JSON, stderr is empty, and the Python expression over it, j, is so
    local text=$1 filter=$2 want=$3
    shift 3
    "$@" >"$WORK/out.json" 2>"$WORK/out.err" </dev/null
    same "$text" "$want" "$(python3 -c 'import json,sys
j = json.load(open(sys.argv[1]))
v = eval(sys.argv[2])
print(v if isinstance(v, (str, int)) else json.dumps(v))' "$WORK/out.json" "$filter" 2>&1)"
    [ ! -s "$WORK/out.err" ] || { bad "$text: stderr is not empty"; head -n 3 "$WORK/out.err"; }
}

pub_of() { openssl x509 -in "$1" -noout -pubkey; }

# ---- What must be refused ------------------------------------------------------------------------------

echo "names"
ends "no such kind of name" 2 "want sim:, i2c:," rs chip info --chip pigeon:1
ends "no such simulator" 1 chip.absent rs chip info --chip "sim:$WORK/none#a1/u"
ends "no such chip" 1 "has no chip a1/9" rs chip info --chip "$(at a1/9)"
ends "no such bus" 1 "cannot open /dev/i2c-63" rs chip info --chip i2c:63:0x60
ends "an address that is none" 2 "want i2c:BUS:ADDRESS" rs chip info --chip i2c:1:0x80
ends "no such object" 2 "an object is idevid" rs chip genkey devid --chip "$(at a1/u)"
ends "no such verb" 2 'Did you mean "genkey"' rs chip genky idevid
ends "no such layout" 2 "has no layout tflx; it has atecc608b-tflxtls" rs chip info --layout tflx --chip "$(at a1/u)"
ends "another driver's" 2 "it has se050" rs chip info --layout atecc608b-tflxtls --chip "$(at se/1)"
ends "a simulator in production" 1 chip.simulated rs chip info --production --chip "$(at a1/u)"

echo "a blank ATECC608B"
head -c 69 /dev/zero >"$WORK/69"
head -c 60 /dev/urandom >"$WORK/60"
head -c 1795 /dev/zero >"$WORK/1795"
leaves "no key before the configuration is locked" 1 "chip lock config comes first" a1/u genkey idevid
leaves "nor a signature" 1 chip. a1/u sign idevid --in "$0"
leaves "nor a request" 1 "public key of idevid" a1/u csr idevid --serial X
leaves "a request for nobody" 2 "needs --serial or --cn" a1/u csr idevid
leaves "an algorithm that the part lacks" 1 "takes a key of p256" a1/u genkey idevid --algorithm p384
leaves "a key where there is none" 1 "no key can be made in data/0" a1/u genkey data/0
leaves "an object that the layout has not" 1 "no key can be made in ldevid/7" a1/u genkey ldevid/7
leaves "data that is too long" 1 "the data has 69 bytes, its place in trust/1 holds 68" a1/u \
    write trust/1 --part data --in "$WORK/69"
same "by a code of its own" 1 "$(grep -c chip.size "$WORK/run.log")"
leaves "nothing to write" 2 "there is nothing to write" a1/u write trust/1 --part data --in /dev/null
leaves "no file to write" 1 file. a1/u write trust/1 --part data --in "$WORK/none"
leaves "a part that the object has not" 1 "has no chain of idevid; it has: key, cert" a1/u \
    write idevid --part chain --in "$0"
leaves "a certificate that is none" 1 . a1/u write idevid --in "$0"
leaves "a part of no name" 2 "--part takes" a1/u write idevid --part body --in "$0"
leaves "locked without being asked" 1 "give --yes-irreversible atecc608b" a1/u lock config
leaves "what would be locked is named" 1 "which slot holds what" a1/u lock config
leaves "locked as another part" 1 "names se050, and the part is atecc608b" a1/u lock config --yes-irreversible se050
typed() { timeout 60 python3 "$here/type.py" "to go on (" "$1" "$(find_program rootsmith)" chip lock config --chip "$(at a1/u)"; }
before="$(state a1/u) $(writes a1/u)"
ends "another model, typed" 1 "That is not the model" typed se050
same "  and the part is untouched" "$before" "$(state a1/u) $(writes a1/u)"
leaves "the old word is no answer" 1 "give --yes-irreversible" a1/u lock config --confirm config
leaves "what cannot be locked by itself" 1 "cannot be locked by itself" a1/u lock idevid --yes-irreversible atecc608b
leaves "what nobody can lock" 2 "lock takes config" a1/u lock everything --yes-irreversible atecc608b
leaves "a dry run" 0 "Would lock config" a1/u lock config --dry-run
leaves "wiped: never, and why" 1 "no command that erases" a1/u wipe --yes-irreversible atecc608b
leaves "no certificate to read" 1 chip. a1/u read idevid

echo "other families"
leaves "an STSAFE: the vendor's key is not made anew" 1 "no key can be made in idevid" st/1 genkey idevid
leaves "wiped: never, and why" 1 "no command that erases zones" st/1 wipe --yes-irreversible stsafe-a110
leaves "the vendor's certificate is not written" 1 chip.unsupported st/1 write vendor --in "$0"
leaves "an OPTIGA: wiped: never, and why" 1 "no command that erases" op/1 wipe --yes-irreversible optiga-trust-m3
leaves "a chain that is too long" 1 "its place in idevid holds 1724" op/1 write idevid --part chain --in "$WORK/1795"
leaves "an SE050: no curve of that name" 1 "takes a key of p256" se/1 genkey idevid --algorithm p521
leaves "wiping wants the model" 1 "give --yes-irreversible se050" se/1 wipe
leaves "and names what goes" 1 "idevid, ldevid/0" se/1 wipe
leaves "a dry run" 0 "Would destroy" se/1 wipe --dry-run

echo "a part that its maker sealed"
leaves "locked with other contents" 1 chip.foreign tng/u lock config --yes-irreversible atecc608b

echo "scan: words"
ends "a bus that is none" 2 "--bus takes the number" rs chip scan --bus one
ends "a bus that is not there" 1 "cannot open /dev/i2c-63" rs chip scan --bus 63
ends "addresses that are none" 2 "--probe takes addresses" rs chip scan --probe 0x80
ends "nothing but a comma" 2 "--probe takes addresses" rs chip scan --probe 0x20,x
ends "a panel and a bus" 2 "not with --panel" rs chip scan --panel "$SOCK" --bus 1
ends "no such panel" 5 "no rot-sim answers" rs chip scan --panel "$WORK/none"

# ---- Layouts from files ----------------------------------------------------------------------------------

echo "layouts"
layout() { printf 'kind: layout\nname: mine\nrot: %s\nobjects:\n%b' "$1" "$2" >"$WORK/mine.yaml"; }
check_says() { # TEXT PLACE RULE
    ends "$1" 2 "mine.yaml:$2: error: $3" rs chip layout check "$WORK/mine.yaml"
}
layout atecc608b '  ldevid/0: {slot: 16}\n'
check_says "a missing slot" 5:13 "missing slot: atecc608b has no slot 16"
layout atecc608b '  trust/1: {size: 80}\n'
check_says "one that is too small" 5:12 "too small: slot 12 holds 72 bytes"
layout atecc608b '  ldevid/0: {slot: 3}\n'
check_says "one that is used twice" 5:13 "double use: slot 3 is for key of ldevid/0 and for key of ldevid/1"
layout atecc608b '  ldevid/0: {algorithm: p384}\n'
check_says "an algorithm that the part lacks" 5:13 "algorithm: atecc608b does not have p384"
layout atecc608b '  ldevid/0: {slto: 3}\n'
check_says "a word that is none" 5:14 'unknown key "slto", did you mean "slot"?'
rs chip layout check "$WORK/mine.yaml" --json >"$WORK/out.json" 2>"$WORK/out.err"
same "exit and code" "2 config.invalid" "$? $(member error.code <"$WORK/out.err")"
leaves "a chip is not opened with it" 2 "is no layout" a1/u info --layout "$WORK/mine.yaml"
ends "no file" 2 "none.yaml" rs chip layout check "$WORK/none.yaml"
ends "words that are none" 2 "Usage:" rs chip layout chek "$WORK/mine.yaml"
layout atecc608b '  ldevid/1: {remove: true}\n  ldevid/0: {slot: 3, may: [sign, lockable]}\n'
ends "one that keeps every rule" 0 "keeps every rule" rs chip layout check "$WORK/mine.yaml"
json "what it says" '[(i["place"], i["may"]) for i in j["items"] if i["object"] == "ldevid/0"]' \
    '[["3", ["sign", "lockable"]]]' rs chip layout check "$WORK/mine.yaml" --json
ends "for another driver's part" 2 "is for the driver atecc" rs chip info --layout "$WORK/mine.yaml" --chip "$(at se/1)"
json "a part is opened with it" 'j["layout"]' mine rs chip info --layout "$WORK/mine.yaml" --chip "$(at a2/u)" --json

# ---- What a person does --------------------------------------------------------------------------------

echo "scan"
every() { for c in a1/u a2/u a3/u tng/u st/1 se/1 op/1; do echo "$(state "$c") $(writes "$c")"; done; }
before=$(every)
json "a panel: every part, by family and address" \
    '" ".join(i["name"].split("#")[1] + ":" + i["family"] + ":" + i["model"] + ":" + i["address"] + ":" + i["lifecycle"] for i in j["items"])' \
    "a1/u:atecc:atecc608b:0x60:blank a2/u:atecc:atecc608b:0x60:blank a3/u:atecc:atecc608a:0x60:blank tng/u:atecc:atecc608b:0x35:provisioned st/1:stsafe:stsafe-a110:0x20:configured se/1:se05x:se050:0x48:blank op/1:optiga:optiga-trust-m3:0x30:blank" \
    rs chip scan --panel "$SOCK" --json
same "unique identifiers are unique" "7" "$(python3 -c 'import json,sys
print(len({i["uid"] for i in json.load(open(sys.argv[1]))["items"]}))' "$WORK/out.json")"
ends "for people: what comes next" 0 "rootsmith chip info --chip sim:$SOCK#a1/u" rs chip scan --panel "$SOCK"
same "it changed no part" "$before" "$(every)"

echo "info"
for c in a1/u:atecc608b:none st/1:stsafe-a110:none se/1:se050:default op/1:optiga-trust-m3:none; do
    IFS=: read -r name model protection <<<"$c"
    json "$name is $model, protected by $protection" 'j["model"] + " " + j["protection"] + " " + str(j["simulated"])' \
        "$model $protection True" rs chip info --chip "$(at "$name")" --json
done
json "an object's abilities, by where they run" \
    '[(o["algorithm"], "sign" in o["chip"], "seal" in o["chip"], o["host"]) for o in j["objects"] if o["object"] == "ldevid/0"]' \
    '[["p256", true, true, []]]' rs chip info --chip "$(at a1/u)" --json
json "what is open" '" ".join(l["what"] + ":" + l["state"] for l in j["locks"][:3])' \
    "config:open data:open ldevid/0:open" rs chip info --chip "$(at a1/u)" --json
same "nothing of it changed a part" "$before" "$(every)"

echo "a key, a request, a certificate"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$WORK/ca.key" \
    -out "$WORK/ca.pem" -subj "/CN=Desk Root" -days 30 2>/dev/null
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$WORK/other.key" \
    -out "$WORK/other.pem" -subj "/CN=Other Root" -days 30 2>/dev/null
# As the installation's own issuing CAs make them: what an ATECC608 keeps in its compressed form.
printf 'basicConstraints = critical,CA:FALSE\nkeyUsage = critical,digitalSignature\nsubjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n' >"$WORK/ext"
certify() { # CSR OUT
    openssl x509 -req -in "$1" -CA "$WORK/ca.pem" -CAkey "$WORK/ca.key" -CAcreateserial \
        -extfile "$WORK/ext" -days 20 -out "$2" 2>/dev/null
}

desk() { # NAME URI OBJECT MODEL: what a person does with one part
    local name=$1 chip=$2 object=$3 model=$4 w=$WORK/desk-$1
    echo "$name"
    mkdir "$w"
    if [ "$object" != idevid ] || [ "$name" != stsafe ]; then
        ends "a key is made" 0 "made in the part" rs chip genkey "$object" -o "$w/pub.pem" --chip "$chip"
    else
        rs chip read "$object" --part key -o "$w/pub.pem" -q --chip "$chip"
    fi
    if [ "$name" = atecc ]; then # its slots are written, and read, when its data zone is locked
        ends "written while its data zone is open: it cannot be read back yet" 0 "not compared" \
            rs chip write data/0 --part data --in "$WORK/60" --chip "$chip"
        ends "data: what is fixed, and what is not" 1 "fixed       attest/0, idevid" rs chip lock data --chip "$chip"
        ends "locked" 0 "data is locked" rs chip lock data --yes-irreversible atecc608b --chip "$chip"
    fi
    check "its public half is one" openssl pkey -pubin -in "$w/pub.pem" -noout
    ends "a challenge: a key, and nobody's certificate" 0 "none is stored" rs chip challenge "$object" --chip "$chip"
    ends "with a CA the answer is no" 3 "The answer is no" rs chip challenge "$object" --ca "$WORK/ca.pem" --chip "$chip"
    rs chip csr "$object" --serial "X-$name" -o "$w/csr.pem" -q --chip "$chip"
    check "openssl verifies its request" sh -c "openssl req -in '$w/csr.pem' -verify -noout 2>&1 | grep -q OK"
    same "of that key" "$(cat "$w/pub.pem")" "$(openssl req -in "$w/csr.pem" -noout -pubkey)"
    certify "$w/csr.pem" "$w/cert.pem"
    openssl x509 -in "$w/cert.pem" -outform DER -out "$w/cert.der"
    ends "a certificate of another key is not written" 1 "is for another key" \
        rs chip write "$object" --in "$WORK/other.pem" --chip "$chip"
    ends "dry: with its size" 0 "Would write" rs chip write "$object" --in "$w/cert.pem" --dry-run --chip "$chip"
    ends "written, with sizes first" 0 "writes " rs chip write "$object" --in "$w/cert.pem" --chip "$chip"
    check "read back and compared" grep -q "read back and compared" "$WORK/run.log"
    ends "not twice without its name" 1 "give --confirm $object" rs chip write "$object" --in "$w/cert.pem" --chip "$chip"
    rs chip read "$object" -o "$w/back.pem" -q --chip "$chip"
    check "it comes back to the byte" sh -c "openssl x509 -in '$w/back.pem' -outform DER | cmp - '$w/cert.der'"
    ends "a challenge against it" 0 "certificate  serialNumber = X-$name\|certificate  serialNumber=X-$name" \
        rs chip challenge "$object" --chip "$chip"
    ends "and its CA" 0 "by CN=Desk Root" rs chip challenge "$object" --ca "$WORK/ca.pem" --chip "$chip"
    ends "another CA: no" 3 "no path to" rs chip challenge "$object" --ca "$WORK/other.pem" --chip "$chip"
    json "and as JSON" '[j["ok"], j["key"], j["certificate"], j["trust"]]' '[false, "yes", "yes", "no"]' \
        rs chip challenge "$object" --ca "$WORK/other.pem" --json --chip "$chip"
    ends "a certificate of a file, for another key: no" 3 "for another key" \
        rs chip challenge "$object" --cert "$WORK/other.pem" --chip "$chip"
    echo "hello $name" >"$w/hello"
    rs chip sign "$object" --in "$w/hello" -o "$w/sig" -q --chip "$chip"
    check "openssl verifies a signature over a file" openssl dgst -sha256 -verify "$w/pub.pem" -signature "$w/sig" "$w/hello"
    rs chip sign "$object" --digest "$(sha256sum <"$w/hello" | cut -c1-64)" -o "$w/sig2" -q --chip "$chip"
    check "and over its digest" openssl dgst -sha256 -verify "$w/pub.pem" -signature "$w/sig2" "$w/hello"
    ends "a digest that is too short" 2 "signs 32, a sha256 digest" rs chip sign "$object" --digest 00ff --chip "$chip"
    ends "a digest that is none" 2 "digest in hex" rs chip sign "$object" --digest 0x00 --chip "$chip"
    ends "a file or a digest" 2 "one of them" rs chip sign "$object" --chip "$chip"
    rs chip genkey "$object" --chip "$chip" >"$WORK/run.log" 2>&1 </dev/null
    [ "$name/$object" = stsafe/idevid ] || check "its key is not replaced without its name" grep -q "give --confirm $object" "$WORK/run.log"
    json "what it is now" 'j["model"]' "$model" rs chip info --json --chip "$chip"
}

rs chip lock config --yes-irreversible atecc608b --chip "$(at a1/u)" >"$WORK/run.log" 2>&1
check "config is locked" grep -q "config is locked" "$WORK/run.log"
ends "again: it was" 0 "was locked already" rs chip lock config --yes-irreversible atecc608b --chip "$(at a1/u)"
desk atecc "$(at a1/u)" idevid atecc608b
desk stsafe "$(at st/1)" idevid stsafe-a110
desk se05x "$(at se/1)" idevid se050
desk optiga "$(at op/1)" idevid optiga-trust-m3
desk soft "soft:$WORK/board.rot" idevid soft
if has_swtpm; then
    make_tpm "$WORK/tpm" && start_tpm "$WORK/tpm" || bad "no TPM"
    desk tpm "$TPM_URI" idevid "$(rs chip info --json --chip "$TPM_URI" | member model)"
else
    echo "no swtpm: no TPM"
fi

echo "a certificate that has expired"
faketime() { openssl x509 -req -in "$WORK/desk-soft/csr.pem" -CA "$WORK/ca.pem" -CAkey "$WORK/ca.key" -CAcreateserial \
    -not_before 20200101000000Z -not_after 20200201000000Z -out "$WORK/old.pem" 2>/dev/null; }
if faketime; then
    ends "the answer is no" 3 "it has expired" rs chip challenge --cert "$WORK/old.pem" --chip "soft:$WORK/board.rot"
fi

echo "the vendor's certificate over an STSAFE's key"
rs chip read vendor -o "$WORK/st-leaf.pem" -q --chip "$(at st/1)"
check "it can be read" openssl x509 -in "$WORK/st-leaf.pem" -noout
for c in signer root; do openssl x509 -inform DER -in "$WORK/chips/simulator-st-$c.der"; done >"$WORK/st-root.pem"
ends "its root vouches for it" 0 "by CN=" rs chip challenge idevid --cert vendor --ca "$WORK/st-root.pem" --chip "$(at st/1)"
ends "ours does not" 3 "no path to" rs chip challenge idevid --cert vendor --ca "$WORK/ca.pem" --chip "$(at st/1)"

echo "data, locks, and the rest of a life"
ends "60 of 60 bytes" 0 "60 of 60 bytes of place 8" rs chip write data/0 --part data --in "$WORK/60" --confirm data/0 --chip "$(at a1/u)"
rs chip read data/0 --part data -o "$WORK/60.back" -q --chip "$(at a1/u)"
check "and back" cmp "$WORK/60" "$WORK/60.back"
ends "an object" 0 "ldevid/0 is locked" sh -c "'$(find_program rootsmith)' chip genkey ldevid -q --chip '$(at a1/u)' >/dev/null &&
    '$(find_program rootsmith)' chip lock ldevid --yes-irreversible atecc608b --chip '$(at a1/u)'"
leaves "its key stays" 1 chip.locked a1/u genkey ldevid --confirm ldevid/0
json "all of it shows" '" ".join(l["what"] for l in j["locks"] if l["state"] == "locked")' "config data ldevid/0" \
    rs chip info --json --chip "$(at a1/u)"
rs chip genkey ldevid -q --chip "$(at se/1)" >/dev/null
ends "an SE050 is wiped by its model; what nobody may take away is named" 0 "stayed      key of idevid" \
    rs chip wipe --yes-irreversible se050 --chip "$(at se/1)"
ends "the other key is gone" 1 chip.empty rs chip challenge ldevid --chip "$(at se/1)"
ends "so is the certificate" 1 chip.empty rs chip read idevid --chip "$(at se/1)"
ends "so is a soft part's" 0 "is gone" rs chip wipe --yes-irreversible soft --chip "soft:$WORK/board.rot"
ends "its key is gone" 1 chip.empty rs chip challenge --chip "soft:$WORK/board.rot"

echo "by /dev/i2c"
exec_chip() { timeout 120 "$ROTSIM" exec --quiet "$@"; }
ends "scan: two buses, only what may be asked" 0 "i2c:1:0x60  atecc   atecc608b" \
    exec_chip --chip atecc608b --chip stsafe-a110 --bus 2 --chip se050 --chip blank-m3 -- \
    "$(find_program rootsmith)" chip scan
check "the SE050, too" grep -q "i2c:2:0x48  se05x   se050" "$WORK/run.log"
check "the others are named" grep -q "0x30  optiga    memory modules" "$WORK/run.log"
same "and not asked" "" "$(grep -oE 'i2c:[12]:0x[23]0 +(stsafe|optiga)' "$WORK/run.log")"
exec_chip --chip stsafe-a110 --chip blank-m3 --trace "$WORK/scan.trace" -- "$(find_program rootsmith)" chip scan -q >/dev/null 2>&1
same "nothing is written to 0x20 to 0x3f" "" "$(grep -E ' W (2|3)[0-9a-f] ' "$WORK/scan.trace")"
check "they were read" grep -qE ' R 30 ' "$WORK/scan.trace"
ends "--probe asks them" 0 "i2c:1:0x30  optiga  optiga-trust-m3" \
    exec_chip --chip stsafe-a110 --chip blank-m3 -- "$(find_program rootsmith)" chip scan --probe 0x20,0x30
check "both" grep -q "i2c:1:0x20  stsafe  stsafe-a110" "$WORK/run.log"
ends "one bus" 0 "i2c:2:0x48" exec_chip --chip atecc608b --bus 2 --chip se050 -- "$(find_program rootsmith)" chip scan --bus 2
same "and not the other" "" "$(grep -o i2c:1:0x60 "$WORK/run.log")"
ends "a wrong address" 1 "no part that a driver knows at 0x61 on bus 1" \
    exec_chip --chip atecc608b -- "$(find_program rootsmith)" chip info --chip i2c:1:0x61
ends "the right one" 0 "i2c:1:0x60   atecc608b" exec_chip --chip atecc608b -- "$(find_program rootsmith)" chip info --chip i2c:1:0x60

echo "no secret left a part"
python3 - "$WORK" <<'PY' && ok "private keys are in no trace" || bad "a private key is in a trace"
import json, pathlib, re, sys
work = pathlib.Path(sys.argv[1])
trace = (work / "bus.trace").read_text().lower()
secrets = []
for path in (work / "chips").glob("*,*.json"):
    part = json.loads(path.read_text())
    if "config" in part and "slots" in part:  # an ATECC608: private slots are known by their KeyConfig
        config = bytes.fromhex("".join(part["config"]))
        for n, slot in enumerate(part["slots"]):
            if config[96 + 2 * n] & 1 and set(slot[8:72]) not in ({"f"}, {"0"}):
                secrets.append(slot[8:72].lower())
assert len(secrets) >= 2, "no private keys were looked for"
assert not [s for s in secrets if s in trace]
PY
finish

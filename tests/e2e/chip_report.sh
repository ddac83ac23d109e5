#!/usr/bin/env bash
# `rootsmith chip report`: a part on /dev/i2c beside simulated ones of its model.  The part is a simulated
# one too, in a process of its own: as it is, one for which an assumption is wrong, one that is odd,
# one that has an owner.  The part is never changed, and nothing secret is in the file.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
BIN=$1
here=$(dirname "$(readlink -f "$0")")
. "$here/lib.sh"
WORK=$(mktemp -d) || exit 1
SIM=
stop() {
    [ -z "$SIM" ] || { kill "$SIM" 2>/dev/null; wait "$SIM" 2>/dev/null; }
    [ -n "${KEEP:-}" ] || rm -rf "$WORK"
}
trap stop EXIT
ROTSIM=$(find_program rot-sim) ROOTSMITH=$(find_program rootsmith)
SOCK=$WORK/sim.sock
mkdir "$WORK/tmp" && export TMPDIR=$WORK/tmp
unset ROOTSMITH_CHIP ROOTSMITH_CHANNEL_SECRET
cat >"$WORK/panel" <<P
listen $SOCK
state chips
chip at/new blank608b
chip at/made blank608b
chip at2/tng tngtls
chip st/new blank-a110
chip se/new blank-se050
chip op/new blank-m3
chip ta/new blank-ta100
P
sed -i 's#^chip at/made#chip at3/made#' "$WORK/panel"
"$ROTSIM" panel "$WORK/panel" >"$WORK/rot-sim.log" 2>&1 &
SIM=$!
wait_for 20 "$ROTSIM" list --socket "$SOCK" || { cat "$WORK/rot-sim.log"; echo "0 passed, 1 failed"; exit 1; }

control() { # JSON: one request to the simulator; its answer
    python3 - "$SOCK" "$1" <<'PY'
import socket, struct, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
def ask(op, body):
    s.sendall(struct.pack(">HB", len(body) + 1, op) + body)
    n, = struct.unpack(">H", s.recv(2, socket.MSG_WAITALL))
    return s.recv(n, socket.MSG_WAITALL)
ask(1, b"ROTSIM\x01")
answer = ask(0x20, sys.argv[2].encode())
print(answer[2:].decode())
sys.exit(answer[1] != 0)
PY
}
assume() { control "{\"do\":\"assume\",\"chip\":\"$1\",\"name\":\"$2\",\"value\":$3}" >/dev/null || bad "assume $2"; }
quirk() { control "{\"do\":\"quirk\",\"chip\":\"$1\",\"quirk\":\"$2\"}" >/dev/null || bad "quirk $2"; }
state() { sha256sum <"$WORK/chips/${1/\//,}.json"; control "{\"do\":\"stats\",\"chip\":\"$1\"}" | member nvm_writes; }

report() { # CHIP ADDRESS FILE [OPTION...]: by /dev/i2c-1
    local chip=$1 address=$2 file=$3
    shift 3
    timeout 200 "$ROTSIM" exec --quiet --socket "$SOCK" --chip "$chip" -- \
        "$ROOTSMITH" chip report --chip "i2c:1:$address" -o "$file" --overwrite "$@" >"$WORK/run.log" 2>&1 </dev/null
}
reports() { # TEXT EXIT WORD CHIP ADDRESS FILE [OPTION...]; the part's memory is as it was
    local text=$1 want=$2 word=$3 before got
    shift 3
    before=$(state "$1")
    report "$@"
    got=$?
    if [ "$got" = "$want" ] && grep -q -- "$word" "$WORK/run.log"; then ok "$text"; else
        bad "$text: exit $got, not $want, or no \"$word\""
        tail -n 12 "$WORK/run.log"
    fi
    same "  and the part is untouched" "$before" "$(state "$1")"
}
holds() { # TEXT FILE EXPRESSION: over the report, j
    local text=$1
    if python3 - "$2" "$3" <<'PY' >"$WORK/check.log" 2>&1; then ok "$text"; else bad "$text"; tail -n 3 "$WORK/check.log"; fi
import json, sys
j = json.load(open(sys.argv[1]))
value = eval(sys.argv[2])
print(value)
sys.exit(not value)
PY
}
ends() { # TEXT EXIT WORD COMMAND...
    local text=$1 want=$2 word=$3 got
    shift 3
    "$@" >"$WORK/run.log" 2>&1 </dev/null
    got=$?
    if [ "$got" = "$want" ] && grep -q -- "$word" "$WORK/run.log"; then ok "$text"; else
        bad "$text: exit $got, not $want, or no \"$word\""
        tail -n 8 "$WORK/run.log"
    fi
}

echo "what has no report"
ends "a part that is a file" 1 "there is no simulator of a soft" rs chip report --chip "soft:$WORK/board.rot"
ends "a part whose whole protocol is a placeholder" 1 "there is no simulator of a ta100" \
    rs chip report --chip "sim:$SOCK#ta/new"
ends "a kind that is none" 2 "takes a kind of simulated part" rs chip report --kind blank999 --chip "sim:$SOCK#at/new"
ends "another family's kind" 2 "is no part of the driver se05x" rs chip report --kind blank-se050 --chip "sim:$SOCK#at/new"
ends "no simulator to compare with" 2 "cannot start $WORK/none" \
    rs chip report --simulator "$WORK/none" --chip "sim:$SOCK#at/new"
ends "one that is none" 2 "the simulator did not start" rs chip report --simulator /bin/false --chip "sim:$SOCK#at/new"
ends "a part that is not there" 1 chip. rs chip report --chip "sim:$SOCK#at/none"
echo kept >"$WORK/kept.json"
ends "a file that is there" 1 "was not overwritten" rs chip report -o "$WORK/kept.json" --chip "sim:$SOCK#at/new"
same "it is kept" kept "$(cat "$WORK/kept.json")"
same "nothing is left" "" "$(ls "$TMPDIR")"

echo "parts as they come"
for p in at/new:0x60:atecc608b at2/tng:0x35:atecc608b st/new:0x20:stsafe-a110 se/new:0x48:se050 op/new:0x30:optiga-trust-m3; do
    IFS=: read -r chip address model <<<"$p"
    file=$WORK/${chip/\//-}.json
    reports "$chip, a $model: the simulator answers as it does" 0 "answers as this part does" "$chip" "$address" "$file"
    holds "  no contradiction, nothing uncertain" "$file" 'j["summary"]["contradiction"] + j["summary"]["uncertain"] == 0'
    holds "  its own identity, and no more" "$file" \
        'j["summary"]["identity"] > 0 and {d["class"] for d in j["differences"]} == {"identity"}'
    holds "  who it is" "$file" "j['format'] == 'rootsmith chip report' and j['version'] == 1 and j['part']['model'] == '$model' and len(j['part']['uid']) >= 18 and not j['part']['simulated']"
    holds "  every transaction, with its time" "$file" \
        'len(j["trace"]) > 100 and all(a["t_us"] <= b["t_us"] for a, b in zip(j["trace"], j["trace"][1:])) and all("took_us" in t and t["step"] < len(j["steps"]) for t in j["trace"])'
    holds "  every assumption of the family, and some that hold" "$file" \
        'len(j["uncertain"]) > 30 and 4 < sum(u["seen"] == "agrees" for u in j["uncertain"]) and all(u["about"] and u["assumed"] for u in j["uncertain"])'
done

echo "an assumption that is wrong"
wrong() { # CHIP ADDRESS NAME VALUE ASSUMED SHOWN
    local file=$WORK/wrong.json
    assume "$1" "$3" "$4"
    reports "$3" 3 "$3: assumed $5, the part shows $6" "$1" "$2" "$file"
    holds "  it alone differs" "$file" "[u['name'] for u in j['uncertain'] if u['seen'] == 'differs'] == ['$3']"
    holds "  with what the part shows" "$file" "all(u['shown'].startswith('$6') for u in j['uncertain'] if u['name'] == '$3')"
    holds "  and contradicts nothing" "$file" 'j["summary"]["contradiction"] == 0 and j["summary"]["assumptions_differed"] == 1'
}
wrong at/new 0x60 ATECC_U_READ_RANGE_STATUS 15 0x03 0f
wrong st/new 0x20 STSAFE_U_NO_ZONE_STATUS 3 0x10 03
wrong se/new 0x48 SE05X_U_MISSING_SW 27266 0x6985 6a82
wrong op/new 0x30 OPTIGA_U_READ_AT_END_ERROR 5 OPTIGA_E_BOUNDS 05
assume at/new ATECC_U_READ_RANGE_STATUS 3
assume st/new STSAFE_U_NO_ZONE_STATUS 16

echo "parts that are odd"
quirk st/new header-flags
reports "flags where the simulator has none" 3 "STSAFE_U_ANSWER_FLAGS" st/new 0x20 "$WORK/odd.json"
quirk at/new wake-self-test
ends "a part that no driver opens has no report" 1 chip.fault rs chip report --chip "sim:$SOCK#at/new"
reports "unless somebody says what it is" 3 "contradiction  open: the part 0740c2, the simulator 113343" \
    at/new 0x60 "$WORK/odd.json" --kind blank608b
quirk at/new none

echo "a part with an owner"
made=sim:$SOCK#at3/made
rs chip lock config --yes-irreversible atecc608b -q --chip "$made"
rs chip genkey idevid -q --chip "$made" >"$WORK/made.pub"
head -c 60 /dev/urandom >"$WORK/own"
rs chip write data/0 --part data --in "$WORK/own" -q --chip "$made"
rs chip lock data --yes-irreversible atecc608b -q --chip "$made"
address=0x$(control '{"do":"list"}' | python3 -c 'import json,sys
print([c["address"] for c in json.load(sys.stdin)["chips"] if c["chip"] == "at3/made"][0])')
file=$WORK/made.json
reports "what he wrote is no contradiction" 0 "answers as this part does" at3/made "$address" "$file"
holds "it is contents" "$file" 'j["summary"]["content"] > 0 and not j["part"]["as_delivered"]'

echo "nothing secret is in a report"
python3 - "$WORK" <<'PY' && ok "neither private keys nor an owner's data" || bad "a secret is in a report"
import json, pathlib, sys
work = pathlib.Path(sys.argv[1])
secrets = [(work / "own").read_bytes().hex()[i:i + 32] for i in (0, 32, 64)]
for path in (work / "chips").glob("at*,*.json"):
    part = json.loads(path.read_text())
    config = bytes.fromhex("".join(part["config"]))
    secrets += [s[8:72].lower() for n, s in enumerate(part["slots"])
                if config[96 + 2 * n] & 1 and set(s[8:72]) not in ({"f"}, {"0"})]
assert len(secrets) > 4
reports = [p.read_text() for p in work.glob("*.json")]
assert len(reports) >= 8
assert not [s for s in secrets for r in reports if s in r]
PY
finish

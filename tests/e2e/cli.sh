#!/usr/bin/env bash
# What a person meets at the command line: exit codes, suggestions, errors in three parts, JSON for
# every command, refusals of irreversible verbs, dry runs that change nothing, one chip on a desk.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
BIN=$1
. "$(dirname "$0")/lib.sh"
trap down EXIT
up acme || { echo "0 passed, 1 failed"; exit 1; }

ends() { # TEXT EXIT WORD COMMAND...: ends with that code and says the word
    local text=$1 want=$2 word=$3 got
    shift 3
    "$@" >"$WORK/run.log" 2>&1 </dev/null
    got=$?
    if [ "$got" = "$want" ] && grep -q -- "$word" "$WORK/run.log"; then
        ok "$text"
    else
        bad "$text: exit $got, not $want, or no \"$word\""
        tail -n 5 "$WORK/run.log"
    fi
}

json() { # TEXT COMMAND...: stdout is one JSON value, and stderr is empty
    local text=$1
    shift
    "$@" >"$WORK/out.json" 2>"$WORK/out.err" </dev/null
    if python3 -m json.tool "$WORK/out.json" >/dev/null 2>&1 && [ ! -s "$WORK/out.err" ]; then
        ok "JSON: $text"
    else
        bad "JSON: $text"
        tail -n 3 "$WORK/out.json" "$WORK/out.err"
    fi
}

state() {
    sqlite3 "$DATA/store.db" 'SELECT count(*), group_concat(hex(serial) || state) FROM certificate;
        SELECT * FROM device; SELECT * FROM work_order; SELECT kind, name, version FROM object' |
        sha256sum
}

echo "an empty installation"
for noun in product order station device; do
    same "$noun list is empty and done" '0 {"items":[],"next":null}' \
        "$(rs "$noun" list --json >"$WORK/list"; echo "$? $(cat "$WORK/list")")"
done

echo "words"
ends "a wrong noun" 2 'unknown noun "ordr". Did you mean "order"' rs ordr list
ends "a wrong verb" 2 'Did you mean "list"' rs order lst
ends "a wrong flag" 2 'Did you mean "--quantity"' rs order create --quantty 3
ends "a flag without its value" 2 "needs a value" rs order create --product
ends "too few words" 2 "Usage: rootsmith ca show NAME" rs ca show
ends "global flags before the noun" 0 acme-root rs --color never ca list
ends "help" 0 "rootsmith order create" rs order --help
ends "help for a verb has its own example" 0 "--quantity 9" rs order create --help
same "and no other verb" 0 "$(rs order create --help | grep -c 'order raise')"
ends "help for a wrong noun" 2 'unknown noun "bogus"' rs bogus --help
ends "help for a wrong verb" 2 'Did you mean "create"' rs order creat --help
ends "a value behind =" 1 auth.signed-out rs order list --context=nowhere
ends "a value where none belongs" 2 "takes no value" rs order list --json=1
ends "nobody is signed in: what to do" 1 "rootsmith login URL" \
    env ROOTSMITH_CONFIG="$WORK/nobody" "$(find_program rootsmith)" order list
ends "version" 0 "commit .*OpenSSL 3" rs --version
for program in rootsmithd rootsmith-station rootsmith-signer rot-sim; do
    ends "$program --version" 0 "^$program [0-9]" "$(find_program $program)" --version
    ends "$program: a wrong option" 2 bogus "$(find_program $program)" --bogus
done

echo "products"
ends "an unknown chip" 2 'did you mean "atecc608b"' rs product set p --rot atecc608bb --issuer acme-devices
ends "a chip far from all" 2 "known: atecc608a, atecc608b, .*, stsafe-a120, .*tpm2" rs product set p --rot quartz --issuer acme-devices
ends "no issuer" 2 "needs --issuer" rs product set p --rot soft
printf 'rot: atecc608\nissuer: acme-devices\n' >"$WORK/p.yaml"
ends "the place in a file" 2 "p.yaml:1:6: error: unknown chip" rs product set "$WORK/p.yaml"
ends "an order for no product" 1 "product list" \
    rs order create --product none --quantity 3 --stations sz-1
same "none was made" '{"items":[],"next":null}' "$(rs product list --json)"

echo "outputs"
rs product set sensor-x2 --rot soft --issuer acme-devices -q
enrol_station sz-1
rs order create --product sensor-x2 --quantity 3 --stations sz-1 --name o-1 -q
board_request X2-1 0123000000000001EE
est sz-1 o-1 simpleenroll "$WORK/X2-1.csr" "$WORK/X2-1.pem" || bad "a board"
serial=$(openssl x509 -in "$WORK/X2-1.pem" -noout -serial | cut -d= -f2 | tr A-F a-f | sed 's/^0*//')
[ $((${#serial} % 2)) = 0 ] || serial=0$serial
for command in status whoami version doctor "ca list" "ca show acme-root" "profile list" \
    "profile show idevid" "product list" "product show sensor-x2" "order list" "order show o-1" \
    "order report o-1" "station list" "station show sz-1" "device list" "device show X2-1" \
    "cert list" "cert show $serial" "cert download $serial" "cert verify $WORK/X2-1.pem" \
    "crl list" "crl show acme-devices" "crl publish acme-devices" "chip scan" \
    "explain key.unique" "ledger verify --offline $DATA/signer/ledger"; do
    # shellcheck disable=SC2086
    json "$command" rs $command --json
done
ends "a certificate by the beginning of its serial" 0 "subject" rs cert show "${serial:0:26}"
ends "no such certificate" 1 cert.unknown rs cert show 00ff00ff
ends "not a serial" 1 request.format rs cert show X
check "ours verifies" rs cert verify "$WORK/X2-1.pem"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$WORK/stranger.key" \
    -out "$WORK/stranger.pem" -subj /CN=x 2>/dev/null
ends "a stranger's is no" 3 "not one that was issued here" rs cert verify "$WORK/stranger.pem"
ends "an order with an unfinished board" 3 "need an explanation" rs order report o-1
rs crl download acme-devices -o "$WORK/acme.crl"
check "the CRL verifies elsewhere" sh -c "cat '$WORK/root.pem' '$WORK/devices.pem' >'$WORK/ca.pem' &&
    openssl crl -inform DER -in '$WORK/acme.crl' -CAfile '$WORK/ca.pem' -noout 2>&1 | grep OK"
ends "a file is not overwritten" 1 "not overwritten" rs crl download acme-devices -o "$WORK/acme.crl"
check "unless that is asked for" rs crl download acme-devices -o "$WORK/acme.crl" --overwrite
same "other signs without UTF-8" "ok" "$(LC_ALL=C rs cert verify "$WORK/X2-1.pem" | head -c 2)"
same "no colour in a pipe" 0 "$(rs ca list | grep -c $'\033')"
ends "colour when it is asked for" 0 $'\033\\[1m' rs ca list --color always

echo "errors"
openssl req -new -key "$WORK/X2-1.key" -subj /CN=gw -outform DER -out "$WORK/x.csr"
ends "a key of another device: what" 1 "Not issued: this key already belongs to another device" \
    rs cert issue --profile tls-server --csr "$WORK/x.csr"
same "why, do, request" "1 1 1" "$(grep -c '^  why .*key.unique' "$WORK/run.log") $(grep -c '^  do ' \
    "$WORK/run.log") $(grep -c '^  request r-.*nothing was changed' "$WORK/run.log")"
rs cert issue --profile tls-server --csr "$WORK/x.csr" --json >"$WORK/out" 2>"$WORK/err.json"
same "an error is one JSON line" "1 key.unique" \
    "$(wc -l <"$WORK/err.json") $(member error.code <"$WORK/err.json")"
ends "a server that is not there" 5 "Cannot reach https://localhost:1" rs order list --server https://localhost:1

echo "irreversible verbs, and dry runs"
before=$(state)
ends "device revoke asks" 1 "give --confirm X2-1" rs device revoke X2-1 --reason lost
ends "cert revoke asks" 1 "give --confirm $serial" rs cert revoke "$serial" --reason lost
ends "another name does not count" 1 "Nothing was changed" \
    rs cert revoke "$serial" --reason lost --confirm X2-1
ends "no reason, no revocation" 2 "needs --reason" rs cert revoke "$serial"
ends "device revoke, dry" 0 "Nothing was changed" rs device revoke X2-1 --reason lost --dry-run
ends "cert revoke, dry" 0 "Would revoke" rs cert revoke "$serial" --reason lost --dry-run
ends "order create, dry" 0 "Would open order" \
    rs order create --product sensor-x2 --quantity 9 --stations sz-1 --dry-run
ends "order close, dry" 0 "Would close order" rs order close o-1 --dry-run
ends "product set, dry" 0 "Would set" rs product set p2 --rot soft --issuer acme-devices --dry-run
ends "its checks are real" 1 issuer.unknown rs product set p2 --rot soft --issuer no --dry-run
for verb in "station create sz-9" "cert issue --profile p --csr x" "crl publish acme-devices" \
    "token create --device X2-1"; do
    # shellcheck disable=SC2086
    ends "$verb cannot be tried" 2 "dry-run is refused" rs $verb --dry-run
done
same "nothing of it changed anything" "$before" "$(state)"
ends "init, dry" 0 "Would make" rs init other --data "$WORK/other" --dry-run
same "made nothing" "" "$(ls -d "$WORK"/other* 2>/dev/null)"
check "with the name it is done" rs cert revoke "$serial" --reason lost --confirm "$serial"
ends "revoked stays revoked" 1 cert.revoked rs cert revoke "$serial" --reason again --confirm "$serial"
ends "and verify says no" 3 revoked rs cert verify "$WORK/X2-1.pem"

echo "a chip on a desk"
export ROOTSMITH_CHIP=soft:$WORK/desk.rot
json "chip info" rs chip info --json
json "chip layout" rs chip layout --json
ends "no key yet" 1 "chip" rs chip challenge
ends "a key that is not made" 0 "Would make a key" rs chip genkey idevid --dry-run
rs chip genkey idevid >"$WORK/desk.pub"
ends "a key is not replaced without its name" 1 "give --confirm idevid" rs chip genkey idevid
check "challenge" rs chip challenge
echo hello >"$WORK/hello"
rs chip sign idevid --in "$WORK/hello" -o "$WORK/hello.sig"
check "openssl agrees with the signature" openssl dgst -sha256 -verify "$WORK/desk.pub" \
    -signature "$WORK/hello.sig" "$WORK/hello"
rs chip csr idevid --serial X2-7 -o "$WORK/desk.csr"
check "openssl reads the request" sh -c "openssl req -in '$WORK/desk.csr' -verify -noout 2>&1 | grep OK"
ends "nothing written there" 1 "chip" rs chip read idevid
ends "lock asks" 1 "give --yes-irreversible soft" rs chip lock data
check "lock" rs chip lock data --yes-irreversible soft
ends "no chip" 1 chip. rs chip info --chip "sim:$WORK/none#desk/1"

echo "a new claim code"
ends "not while the server runs" 5 "Stop rootsmithd first" \
    "$(find_program rootsmithd)" --data "$DATA" --new-claim
stop_server
ends "a code" 0 "claim ....-....-....-....-....$" "$(find_program rootsmithd)" --data "$DATA" --new-claim
code=$(sed -n 's/.*--claim //p' "$WORK/run.log")
: >"$WORK/rootsmithd.log"
start_server
ends "another code does not sign in" 1 auth.token \
    rs login "https://$PEOPLE" --name a.osei --as second --claim 0000-0000-0000-0000-0000
ends "the new one does" 0 "as a.osei" rs login "https://$PEOPLE" --name a.osei --as second --claim "$code"
ends "once" 1 auth.token rs login "https://$PEOPLE" --name b --as third --claim "$code"

echo "every code explains itself"
codes=$(sed -n 's/^RS_CODE([A-Z_0-9]*, "\([a-z.-]*\)".*/\1/p' "$(dirname "$0")/../../src/base/codes.def")
for code in $codes; do
    rs explain "$code" >"$WORK/explain" 2>&1 || bad "explain $code"
    grep -qi 'errno\|error:[0-9A-F]\|TPM2_RC' "$WORK/explain" && bad "explain $code speaks of a library"
done
check "there are codes" test "$(echo "$codes" | wc -l)" -gt 40
ends "an unknown code" 1 "there is no code" rs explain no.such
ends "the nearest code" 1 'Did you mean "order.exhausted"' rs explain order.exhuasted
ends "the codes of an area" 1 "chip.not-genuine" rs explain chip.genuine
rs completion bash >"$WORK/complete"
check "completion is a script" bash -n "$WORK/complete"

complete_words() { # WORD...: what completion offers for the last of them
    bash -c 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _rootsmith; echo "${COMPREPLY[*]}"' \
        "$WORK/complete" "$@"
}
same "completion: a noun" "order" "$(complete_words rootsmith ord)"
same "completion: a verb" "create" "$(complete_words rootsmith order cr)"
same "completion: a flag of this verb" "--quantity --quiet" "$(complete_words rootsmith order create --qu)"

finish

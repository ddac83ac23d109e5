#!/usr/bin/env bash
# Our TPM driver beside Debian's tpm2-tools: each reads, checks and opens what the other made.  And
# what the driver says when a TPM is locked out, full, owned by somebody else, restarted or littered.
#   tpm.sh BUILD
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 1
BIN=$1
. tests/e2e/lib.sh
. tests/e2e/tpm.sh
for program in swtpm swtpm_setup tpm2_nvread tpm2-abrmd dbus-run-session; do
    command -v $program >/dev/null || { echo "no $program: ./dev setup test"; exit 77; }
done
WORK=$(mktemp -d) || exit 1
trap 'stop_tpm "$WORK/tpm"; [ -n "${KEEP:-}" ] || rm -rf "$WORK"' EXIT
TOOL=$BIN/tests/interop/rot-tpm-tool

make_tpm "$WORK/tpm" && start_tpm "$WORK/tpm" || exit 1
export TPM2TOOLS_TCTI=$TPM_TCTI ROOTSMITH_CHIP=$TPM_URI
cd "$WORK" || exit 1

tool() { timeout 60 "$TOOL" "$TPM_URI" "$@"; }
chip() { timeout 60 "$(find_program rootsmith)" chip "$@"; }
says() { # TEXT WORDS COMMAND...: what it prints begins with the words
    local text=$1 words=$2 got
    shift 2
    got=$("$@" 2>&1)
    case $got in "$words"*) ok "$text" ;; *) bad "$text: \"$got\", not \"$words\"" ;; esac
}

echo "What is not there yet"
says "a key that nobody made" "sign empty" tool call sign idevid
says "data that nobody wrote" "read empty" tool call read data/0
says "evidence without an attestation key" "evidence empty" tool evidence idevid 00 "$WORK/ev"
says "a challenge of rubbish" "activate format" tool activate attest/0 "$TOOL"

echo "Keys and certificates"
check "an attestation key" chip genkey attest/0 -o "$WORK/iak.pem"
check "an IDevID key" chip genkey idevid -o "$WORK/idevid.pem"
check "an LDevID key" chip genkey ldevid/0 -o "$WORK/ldevid.pem"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$WORK/ca.key" \
    -subj "/CN=Test Root/O=$(printf 'x%.0s' $(seq 60))" -out "$WORK/ca.pem" 2>/dev/null
check "a request signed in the TPM" chip csr idevid --serial X2-7 -o "$WORK/idevid.csr"
check "which openssl verifies" openssl req -in "$WORK/idevid.csr" -noout -verify
openssl x509 -req -in "$WORK/idevid.csr" -CA "$WORK/ca.pem" -CAkey "$WORK/ca.key" -days 1 \
    -set_serial 7 -out "$WORK/idevid.crt" 2>/dev/null
openssl x509 -in "$WORK/idevid.crt" -outform DER -out "$WORK/idevid.der"
check "its certificate is written" chip write idevid --in "$WORK/idevid.crt"
check "and read back" chip read idevid -o "$WORK/back.pem"
same "unchanged" "$(openssl x509 -in "$WORK/back.pem" -outform DER | sha256sum)" "$(sha256sum <"$WORK/idevid.der")"
check "tpm2_nvread reads it" tpm2_nvread 0x01C90000 -C 0x01C90000 -o "$WORK/nv.der"
same "the same certificate" "$(openssl x509 -inform DER -in "$WORK/nv.der" -outform DER 2>/dev/null | sha256sum)" \
    "$(sha256sum <"$WORK/idevid.der")"
openssl x509 -req -in "$WORK/idevid.csr" -CA "$WORK/ca.pem" -CAkey "$WORK/ca.key" -days 1 \
    -set_serial 8 -out "$WORK/idevid8.crt" 2>/dev/null
refused "a certificate of another key is not written" "for another key" \
    chip write idevid --in "$WORK/ca.pem" --confirm idevid
check "a certificate is replaced" chip write idevid --in "$WORK/idevid8.crt" --confirm idevid
says "and stands in the second index" "-----BEGIN" openssl x509 -inform DER -in <(tpm2_nvread 0x01C90001 -C 0x01C90001 2>/dev/null)
same "while the first is free again" "$(tpm2_getcap handles-nv-index | grep -ci 1c90000)" 0
check "and goes back" chip write idevid --in "$WORK/idevid.crt" --confirm idevid
check "the vendor's certificate" chip read vendor/0 -o "$WORK/ek.pem"
check "chains to its CA" openssl verify -ignore_critical -partial_chain -CAfile "$WORK/tpm/ca/issuercert.pem" "$WORK/ek.pem"
check "the vendor's key" chip read vendor/0 --part key -o "$WORK/ek.pub"
same "is the one in it" "$(openssl x509 -in "$WORK/ek.pem" -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum)" \
    "$(openssl pkey -pubin -in "$WORK/ek.pub" -outform DER | sha256sum)"

echo "Attributes, as tpm2_readpublic shows them"
tpm2_readpublic -c 0x81020000 -f pem -o "$WORK/r0.pem" >"$WORK/r0" 2>&1
tpm2_readpublic -c 0x81020001 -f tss -o "$WORK/iak.tss" >"$WORK/r1" 2>&1
tpm2_readpublic -c 0x81008000 >"$WORK/r2" 2>&1
attributes() { python3 -c 'import re,sys; t=open(sys.argv[1]).read(); print(re.search(r"attributes:\s+value: (.*)", t).group(1))' "$1"; }
policy() { python3 -c 'import re,sys; m=re.search(r"authorization policy: ([0-9a-fA-F]*)", open(sys.argv[1]).read()); print(m.group(1).lower() if m else "none")' "$1"; }
same "IDevID" "$(attributes "$WORK/r0")" "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|adminwithpolicy|sign"
same "IDevID's policy" "$(policy "$WORK/r0")" ad6b3a2284fd698a0710bf5cc1b9bdf15e2532e3f601fa4b93a6a8fa8de579ea
same "IAK" "$(attributes "$WORK/r1")" "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|adminwithpolicy|restricted|sign"
same "IAK's policy" "$(policy "$WORK/r1")" 5437182326e414fca797d5f174615a1641f61255797c3a2b22c21d120b2d1e07
same "LDevID" "$(attributes "$WORK/r2")" "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|decrypt|sign"
same "the public key is the one we show" "$(openssl pkey -pubin -in "$WORK/r0.pem" -outform DER | sha256sum)" \
    "$(openssl pkey -pubin -in "$WORK/idevid.pem" -outform DER | sha256sum)"

echo "A quote by our attestation key"
check "tpm2_quote" tpm2_quote -c 0x81020001 -l sha256:0,7 -q 00112233445566778899aabbccddeeff -m "$WORK/quote" -s "$WORK/quote.sig" -o "$WORK/pcrs" -g sha256
check "tpm2_checkquote" tpm2_checkquote -u "$WORK/iak.pem" -m "$WORK/quote" -s "$WORK/quote.sig" -f "$WORK/pcrs" -g sha256 -q 00112233445566778899aabbccddeeff
refused "with another nonce" "" tpm2_checkquote -u "$WORK/iak.pem" -m "$WORK/quote" -s "$WORK/quote.sig" -f "$WORK/pcrs" -g sha256 -q ff112233445566778899aabbccddeeff

echo "Evidence"
nonce=$(openssl rand -hex 32)
for object in idevid:0x000400f2 ldevid/0:0x00060472 attest/0:0x000500f2; do
    check "of ${object%%:*}" tool evidence "${object%%:*}" "$nonce" "$WORK/ev"
    same "names that key and our nonce" "$(python3 "$OLDPWD/tests/interop/evidence.py" "$WORK/ev" "$nonce")" "${object##*:}"
    check "signed by the attestation key" openssl dgst -sha256 -verify "$WORK/ev.iak.pem" -signature "$WORK/ev.sig" "$WORK/ev.attest"
    same "which is ours" "$(openssl pkey -pubin -in "$WORK/ev.iak.pem" -outform DER | sha256sum)" \
        "$(openssl pkey -pubin -in "$WORK/iak.pem" -outform DER | sha256sum)"
done
says "none of the vendor's key" "evidence unsupported" tool evidence vendor/0 00 "$WORK/ev"

echo "Credentials by tpm2_makecredential"
name_of() { tpm2_readpublic -c "$1" | sed -n 's/^name: //p'; }
credential() { # NAME: $WORK/challenge holds $WORK/secret for that name
    head -c 32 /dev/urandom >"$WORK/secret"
    tpm2_makecredential -Q -T none -u "$WORK/ek.tss" -s "$WORK/secret" -n "$1" -o "$WORK/blob" &&
        tail -c +9 "$WORK/blob" >"$WORK/challenge"
}
tpm2_readpublic -c 0x81010001 -f tss -o "$WORK/ek.tss" >/dev/null
for object in attest/0:0x81020001 idevid:0x81020000 ldevid/0:0x81008000; do
    check "for ${object%%:*}" credential "$(name_of "${object##*:}")"
    same "is opened" "$(tool activate "${object%%:*}" "$WORK/challenge")" "$(od -An -tx1 -v "$WORK/secret" | tr -d ' \n')"
done
credential "$(name_of 0x81020000)"
says "one for another key is not" "activate format" tool activate attest/0 "$WORK/challenge"
printf '\0' | dd of="$WORK/challenge" bs=1 seek=40 conv=notrunc 2>/dev/null
says "nor one with a byte changed" "activate format" tool activate idevid "$WORK/challenge"
says "nor one cut short" "activate format" tool activate idevid <(head -c 100 "$WORK/challenge")
says "the vendor's key opens none by itself" "activate unsupported" tool activate vendor/0 "$WORK/challenge"

echo "A session key from another TPM program"
chip read channel/0 --part key -o "$WORK/storage.pem" >/dev/null 2>&1
tpm2_createprimary -Q -C o -g sha256 -G ecc -c "$WORK/srk.ctx" \
    -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|decrypt'
tpm2_readpublic -Q -c "$WORK/srk.ctx" -f pem -o "$WORK/srk.pem"
tpm2_readpublic -Q -c "$WORK/srk.ctx" -f tss -o "$WORK/srk.tss"
same "our storage key is the one that anybody can ask for" "$(openssl pkey -pubin -in "$WORK/srk.pem" -outform DER | sha256sum)" \
    "$(openssl pkey -pubin -in "$WORK/storage.pem" -outform DER | sha256sum)"
tpm2_flushcontext -t
tpm2_createprimary -Q -C n -g sha256 -G ecc -c "$WORK/other.ctx"
tpm2_startauthsession -Q -S "$WORK/dup.s"
tpm2_policycommandcode -Q -S "$WORK/dup.s" -L "$WORK/dup.policy" TPM2_CC_Duplicate
tpm2_flushcontext "$WORK/dup.s"
tpm2_create -Q -C "$WORK/other.ctx" -G hmac -L "$WORK/dup.policy" -a 'sensitivedataorigin|userwithauth|sign' \
    -u "$WORK/k.pub" -r "$WORK/k.priv"
tpm2_flushcontext -t
tpm2_load -Q -C "$WORK/other.ctx" -u "$WORK/k.pub" -r "$WORK/k.priv" -c "$WORK/k.ctx"
tpm2_flushcontext -t
tpm2_loadexternal -Q -C n -u "$WORK/srk.tss" -c "$WORK/new.ctx"
tpm2_flushcontext -t
tpm2_startauthsession -Q --policy-session -S "$WORK/dup.s"
tpm2_policycommandcode -Q -S "$WORK/dup.s" TPM2_CC_Duplicate
check "tpm2_duplicate wraps a key for it" tpm2_duplicate -C "$WORK/new.ctx" -c "$WORK/k.ctx" -G null -p "session:$WORK/dup.s" -r "$WORK/d.priv" -s "$WORK/d.seed"
tpm2_flushcontext "$WORK/dup.s"
tpm2_flushcontext -t
cat "$WORK/k.pub" "$WORK/d.priv" "$WORK/d.seed" >"$WORK/wrapped"
printf 'what both keys say' >"$WORK/text"
tpm2_hmac -c "$WORK/k.ctx" -g sha256 --hex -o "$WORK/mac" "$WORK/text"
tpm2_flushcontext -t
same "which is imported, and is that key" "$(tool hmac session/0 "$WORK/wrapped" "$WORK/text")" "$(cat "$WORK/mac")"
says "one cut short is not" "import format" tool hmac session/0 <(head -c 200 "$WORK/wrapped") "$WORK/text"
printf '\377' | dd of="$WORK/wrapped" bs=1 seek=120 conv=notrunc 2>/dev/null
says "nor one with a byte changed" "import format" tool hmac session/0 "$WORK/wrapped" "$WORK/text"

echo "What programs leave behind"
for _ in 1 2 3 4 5; do tool call die idevid; done
says "five that died take no room" "random ok" tool call random idevid
tpm2_createprimary -Q -C n -c "$WORK/p.ctx" >/dev/null 2>&1
tpm2_createprimary -Q -C n -c "$WORK/p.ctx" >/dev/null 2>&1
says "nor do loaded objects of others" "generate ok" tool call generate ldevid/1
same "nothing of ours stays loaded" "$(tpm2_getcap handles-transient; tpm2_getcap handles-loaded-session)" ""
stop_tpm "$WORK/tpm"
start_tpm "$WORK/tpm"
says "keys are there after a restart" "sign ok" tool call sign idevid
same "and so is the certificate" "$(chip read idevid | openssl x509 -outform DER | sha256sum)" "$(sha256sum <"$WORK/idevid.der")"

echo "Several programs, through a resource manager"
cat >"$WORK/shared.sh" <<'SH'
tool=$1 tcti=$2 work=$3
tpm2-abrmd --session --allow-root --tcti "$tcti" >"$work/abrmd.log" 2>&1 &
manager=$!
ask() { timeout 60 "$tool" tpm:tabrmd:bus_type=session "$@"; }
n=0
until ask call random idevid >/dev/null 2>&1; do
    n=$((n + 1))
    [ $n -lt 50 ] || { cat "$work/abrmd.log"; break; }
    sleep 0.2
done
programs=
for number in 0 1 2 3; do
    (
        for _ in 1 2 3 4 5; do
            ask call sign idevid
            ask call write "trust/$number"
            ask evidence ldevid/0 "0$number" "$work/ev.$number" && echo "evidence ok"
        done
    ) &
    programs="$programs $!"
done
wait $programs
kill "$manager"
wait "$manager" 2>/dev/null
SH
timeout 120 dbus-run-session -- bash "$WORK/shared.sh" "$TOOL" "$TPM_TCTI" "$WORK" >"$WORK/shared" 2>"$WORK/shared.err"
for what in sign write evidence; do
    same "four programs at once: 20 times $what" "$(grep -c "^$what ok" "$WORK/shared")" 20
done

echo "Locked out, full, somebody else's"
tpm2_dictionarylockout -Q --setup-parameters --max-tries=1 --recovery-time=3600 --lockout-recovery-time=3600
tpm2_sign -Q -c 0x81020000 -g sha256 -p wrong -o "$WORK/s" "$WORK/secret" >/dev/null 2>&1
says "a wrong authorisation locks the TPM" "sign state 0x921" tool call sign idevid
refused "and the command line says so" chip.locked chip challenge idevid --json
says "keys without dictionary attack still work" "sign ok" tool call sign ldevid/0
tpm2_dictionarylockout -Q --clear-lockout
says "until it is cleared" "sign ok" tool call sign idevid
tpm2_changeauth -Q -c owner secret
says "with the owner's authorisation changed nothing is written" "write authorisation" tool call write data/0
refused "and the command line says so" chip.auth chip write trust/0 --in "$WORK/ca.pem" --part data --confirm trust/0 --json
says "nor a key made" "generate authorisation" tool call generate ldevid/1
says "signing goes on" "sign ok" tool call sign ldevid/0
tpm2_changeauth -Q -c owner -p secret
tpm2_changeauth -Q -c endorsement secret
says "without the endorsement hierarchy no evidence" "evidence authorisation" tool evidence idevid 00 "$WORK/ev"
tpm2_changeauth -Q -c endorsement -p secret
index=$((0x01900000))
while tpm2_nvdefine -Q -C o -s 2048 -a 'ownerread|ownerwrite|no_da' $index >/dev/null 2>&1; do index=$((index + 1)); done
while tpm2_nvdefine -Q -C o -s 64 -a 'ownerread|ownerwrite|no_da' $index >/dev/null 2>&1; do index=$((index + 1)); done
says "a full TPM" "write space 0x14b" tool call write data/0
refused "and the command line says so" chip.full chip write trust/0 --in "$WORK/ca.pem" --part data --confirm trust/0 --json
says "what was there is there" "sign ok" tool call sign idevid
tpm2_nvundefine -Q -C o 0x01900000
says "with room again it is written" "write ok" tool call write data/0

finish

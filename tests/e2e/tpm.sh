#!/usr/bin/env bash
# Software TPMs for tests: manufactured with an endorsement certificate of a CA of their own, run on
# a socket of their own.  Sourced; wants nothing, keeps everything under the directory it is given.
#
#   make_tpm DIR [CA]  manufacture, once; the maker's CA is in the directory CA, else DIR/ca
#   tpm_makers CA      its certificates, PEM: what a server is to believe
#   copy_tpm FROM TO   the thief's gesture, with FROM stopped: the same part a second time
#   start_tpm DIR      run it; TPM_URI is its name for us, TPM_TCTI for tpm2-tools, TPM_PID its process
#   stop_tpm DIR       end it; its state stays
# SPDX-License-Identifier: Apache-2.0

has_swtpm() { command -v swtpm >/dev/null && command -v swtpm_setup >/dev/null; }

make_tpm() { # DIR [CA]
    local dir=$1 ca=${2:-$1/ca}
    mkdir -p "$dir/state" "$ca" || return 1
    printf 'statedir = %s\nsigningkey = %s\nissuercert = %s\ncertserial = %s\n' "$ca" \
        "$ca/signkey.pem" "$ca/issuercert.pem" "$ca/certserial" >"$dir/localca.conf"
    printf -- '--platform-manufacturer Rootsmith\n--platform-version 1\n--platform-model tests\n' \
        >"$dir/localca.options"
    printf 'create_certs_tool = swtpm_localca\ncreate_certs_tool_config = %s\ncreate_certs_tool_options = %s\nactive_pcr_banks = sha256\n' \
        "$dir/localca.conf" "$dir/localca.options" >"$dir/setup.conf"
    swtpm_setup --tpm2 --tpmstate "$dir/state" --create-ek-cert --create-platform-cert --overwrite \
        --config "$dir/setup.conf" >"$dir/setup.log" 2>&1 || { cat "$dir/setup.log"; return 1; }
}

tpm_makers() { # CA
    cat "$1/swtpm-localca-rootca-cert.pem" "$1/issuercert.pem"
}

copy_tpm() { # FROM TO
    mkdir -p "$2" && cp -r "$1/state" "$2/state" && rm -f "$2/state/.lock"
}

start_tpm() { # DIR
    local dir=$1 n=0
    rm -f "$dir/sock" "$dir/sock.ctrl"
    swtpm socket --tpm2 --tpmstate "dir=$dir/state" --server "type=unixio,path=$dir/sock" \
        --ctrl "type=unixio,path=$dir/sock.ctrl" --flags not-need-init,startup-clear \
        >"$dir/swtpm.log" 2>&1 8>&- 9>&- &
    TPM_PID=$!
    echo "$TPM_PID" >"$dir/pid"
    until [ -S "$dir/sock" ]; do
        n=$((n + 1))
        if [ $n -gt 200 ] || ! kill -0 "$TPM_PID" 2>/dev/null; then
            cat "$dir/swtpm.log"
            return 1
        fi
        sleep 0.05
    done
    TPM_TCTI=swtpm:path=$dir/sock
    TPM_URI=tpm:$TPM_TCTI
}

stop_tpm() { # DIR
    local pid
    pid=$(cat "$1/pid" 2>/dev/null) || return 0
    rm -f "$1/pid"
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    return 0
}

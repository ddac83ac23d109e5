#!/usr/bin/env bash
# Software TPMs for the end-to-end scripts: a maker of their own, parts that can be copied.
# Wants: WORK.  Gives: tpm_maker(), tpm_make(), tpm_start(), tpm_stop(), tpm_copy(), TPM_MAKER (PEM).
# SPDX-License-Identifier: Apache-2.0

TPMS=()

tpm_maker() { # NAME: a maker with a CA of its own; TPM_MAKER gets its certificates
    local dir=$WORK/maker-$1
    mkdir -p "$dir"
    cat >"$dir/setup.conf" <<CONF
create_certs_tool=$(command -v swtpm_localca)
create_certs_tool_config=$dir/localca.conf
create_certs_tool_options=$dir/localca.options
active_pcr_banks=sha256
CONF
    cat >"$dir/localca.conf" <<CONF
statedir=$dir
signingkey=$dir/signkey.pem
issuercert=$dir/issuercert.pem
certserial=$dir/certserial
CONF
    printf -- '--platform-manufacturer Acme\n--platform-version 1\n--platform-model sim\n' \
        >"$dir/localca.options"
    TPM_MAKER=$dir/makers.pem
}

tpm_make() { # NAME MAKER: manufacture a part, and start it
    local dir=$WORK/tpm-$1 maker=$WORK/maker-$2
    mkdir -p "$dir"
    swtpm_setup --tpm2 --tpmstate "$dir" --create-ek-cert --overwrite --lock-nvram \
        --config "$maker/setup.conf" >"$WORK/swtpm_setup.log" 2>&1 ||
        { tail -n 5 "$WORK/swtpm_setup.log"; return 1; }
    cat "$maker/swtpm-localca-rootca-cert.pem" "$maker/issuercert.pem" >"$maker/makers.pem"
    tpm_start "$1"
}

tpm_start() { # NAME: on a socket; its name for tools and chips is tpm_name NAME
    swtpm socket --tpm2 --tpmstate "dir=$WORK/tpm-$1" --server "type=unixio,path=$WORK/tpm-$1.sock" \
        --ctrl "type=unixio,path=$WORK/tpm-$1.sock.ctrl" --flags not-need-init,startup-clear \
        --daemon --pid "file=$WORK/tpm-$1.pid" >"$WORK/swtpm.log" 2>&1 8>&- 9>&- || return 1
    wait_for 10 test -S "$WORK/tpm-$1.sock"
    TPMS+=("$1")
}

tpm_stop() { # NAME: as when power goes
    local pid
    pid=$(cat "$WORK/tpm-$1.pid" 2>/dev/null) || return 0
    kill "$pid" 2>/dev/null
    wait_for 10 eval "! kill -0 $pid"
    rm -f "$WORK/tpm-$1.pid" "$WORK/tpm-$1.sock" "$WORK/tpm-$1.sock.ctrl"
}

tpm_copy() { # FROM TO: the thief's gesture; both run afterwards
    tpm_stop "$1"
    cp -r "$WORK/tpm-$1" "$WORK/tpm-$2"
    rm -f "$WORK/tpm-$2/.lock"
    tpm_start "$1" && tpm_start "$2"
}

tpm_name() { echo "swtpm:path=$WORK/tpm-$1.sock"; }

tpm_down() {
    local name
    for name in "${TPMS[@]}"; do tpm_stop "$name"; done
}

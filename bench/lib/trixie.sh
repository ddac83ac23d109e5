#!/usr/bin/env bash
# Sourced by benchmarks: peers that only Debian 13 has, in a chroot that is made once, below build/peers.
# Needs root (chroot).  Gives: peers_root, peers_chroot PACKAGE..., in_peers COMMAND...
# SPDX-License-Identifier: Apache-2.0

peers_root=${RS_PEERS_ROOT:-$PWD/build/peers/trixie}

debian_mirror() { # where this machine's own apt gets Debian from
    apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)' 'Created-By: Packages' |
        awk -F'|' '$1 == "Debian" && $2 == "Debian" && $3 == "main" { print $4; exit }'
}

exec_in_peers() { # COMMAND...: in place of this shell, so that $! is its process
    exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 chroot "$peers_root" "$@"
}

in_peers() { # COMMAND...
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 chroot "$peers_root" "$@"
}

# What apt here needs to reach its mirror, debootstrap and the chroot need too.
lend_network() {
    cp -L /etc/resolv.conf /etc/hosts "$peers_root/etc/"
    apt-config dump | grep -E '^Acquire::(http|https|ftp|Retries|Check-|ForceIPv)' \
        >"$peers_root/etc/apt/apt.conf.d/10host" || true
    if [ -f /etc/apt/auth.conf ]; then cp -p /etc/apt/auth.conf "$peers_root/etc/apt/"; fi
    case $(debian_mirror) in
    https*)
        cp -L /etc/ssl/certs/ca-certificates.crt "$peers_root/etc/apt/host-ca.crt"
        echo 'Acquire::https::CAInfo "/etc/apt/host-ca.crt";' \
            >>"$peers_root/etc/apt/apt.conf.d/10host"
        ;;
    esac
}

# A system without recommended packages; what is there already is not fetched again.
peers_chroot() { # PACKAGE...
    local log=$peers_root.log missing=() p
    [ "$(id -u)" = 0 ] || { echo "peers of Debian 13 need root, for chroot"; return 1; }
    if [ ! -f "$peers_root/.made" ]; then
        rm -rf --one-file-system "$peers_root"
        mkdir -p "$peers_root"
        debootstrap --variant=minbase --merged-usr trixie "$peers_root" "$(debian_mirror)" \
            >"$log" 2>&1 || { tail -n 5 "$log"; return 1; }
        lend_network
        touch "$peers_root/.made"
    fi
    for p in "$@"; do
        in_peers dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' ||
            missing+=("$p")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    in_peers bash -c "apt-get update -q && DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends ${missing[*]}" >>"$log" 2>&1 </dev/null ||
        { tail -n 5 "$log"; return 1; }
}

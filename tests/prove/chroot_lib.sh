#!/usr/bin/env bash
# Shared by the proofs that run in a chroot: where Debian comes from, and how it is reached.
# SPDX-License-Identifier: Apache-2.0

mirror() { # where this machine's own apt gets Debian from
    apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)' 'Created-By: Packages' |
        awk -F'|' '$1 == "Debian" && $2 == "Debian" && $3 == "main" { print $4; exit }'
}

# What the host needs to reach its mirror, the chroot needs too: names, proxies, credentials,
# authorities.  Nothing else of the host's configuration goes in.
lend_network() { # CHROOT
    local dir=$1 bundle=/etc/ssl/certs/ca-certificates.crt
    cp -L /etc/resolv.conf /etc/hosts "$dir/etc/"
    apt-config dump |
        grep -E '^Acquire::(http|https|ftp|Retries|Check-|ForceIPv)' >"$dir/etc/apt/apt.conf.d/10host" || true
    [ ! -f /etc/apt/auth.conf ] || cp -p /etc/apt/auth.conf "$dir/etc/apt/"
    [ ! -d /etc/apt/auth.conf.d ] || cp -rp /etc/apt/auth.conf.d "$dir/etc/apt/"
    case $(mirror) in
    https*)
        cp -L "$bundle" "$dir/etc/apt/host-ca.crt"
        echo 'Acquire::https::CAInfo "/etc/apt/host-ca.crt";' >>"$dir/etc/apt/apt.conf.d/10host"
        ;;
    esac
}

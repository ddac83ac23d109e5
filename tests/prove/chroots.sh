#!/usr/bin/env bash
# A bare Debian is enough: in chroots that hold a minimal Debian and a clone of this tree, nothing
# else, ./dev demo ends with 0 in under 600 s from its first call of apt, and ./dev test passes; on
# Debian 13 (OpenSSL 3.5) ./dev bench issue_core reaches its limit too.
#
#   tests/prove/chroots.sh [--keep] [--only demo|test|bench] [12] [13]
#
# --keep leaves build/chroots/N for the next run with --keep; without it they are made and removed.
# Each release runs in mount and process namespaces of its own, so that nothing stays mounted or
# running, whatever happens; test and bench see the loopback device and no other network.
# RS_FIGURES: where the figures go as JSON.  Needs root (chroot, mount).
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
self=$(readlink -f "$0")
root=$(dirname "$(dirname "$(dirname "$self")")")
base=$root/build/chroots
inside=srv/rootsmith
LIMIT=600

say() { printf '%s\n' "$*" >&2; }
fail() { say "prove chroots: $*"; exit 1; }

# ---- The chroot -----------------------------------------------------------------------------

. "$root/tests/prove/chroot_lib.sh"

make_chroot() { # SUITE CHROOT
    local started=$SECONDS
    rm -rf --one-file-system "$2"
    mkdir -p "$2"
    debootstrap --variant=minbase --merged-usr "$1" "$2" "$(mirror)" >"$2.debootstrap.log" 2>&1 ||
        { tail -n 5 "$2.debootstrap.log" >&2; fail "debootstrap $1 failed"; }
    lend_network "$2"
    git clone -q --no-hardlinks "$root" "$2/$inside"
    say "$1: a minimal system and the tree in $((SECONDS - started)) s"
}

# A clean environment: no locale, no home with a git configuration, only what leads to the mirror.
in_chroot() { # CHROOT SECONDS SCRIPT
    local dir=$1 seconds=$2 name env=()
    for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
        [ -z "${!name:-}" ] || env+=("$name=${!name}")
    done
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb "${env[@]}" \
        timeout -k 10 "$seconds" chroot "$dir" bash -c "cd '/$inside' && $3" </dev/null
}

# The same with a network of its own, in which loopback is all there is.
in_chroot_alone() { # CHROOT SECONDS COMMAND
    cat >"$1/srv/lo-up.py" <<'PY'
import fcntl, socket, struct
SIOCSIFFLAGS, IFF_UP_RUNNING = 0x8914, 0x41
fcntl.ioctl(socket.socket(), SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP_RUNNING))
PY
    in_chroot "$1" "$2" "unshare --net bash -c 'python3 /srv/lo-up.py && exec $3'"
}

# ---- One release ----------------------------------------------------------------------------

figure() { printf '%s"%s": %s' "${sep:-}" "$1" "$2" >>"$facts"; sep=', '; }

prove_demo() { # CHROOT LOG
    local started=$SECONDS status=0 took line
    in_chroot "$1" $LIMIT './dev demo' >"$2" 2>&1 || status=$?
    took=$((SECONDS - started))
    line=$(grep -E '^apt [0-9]+ s, build [0-9]+ s, run [0-9]+ s$' "$2" | tail -n 1)
    say "demo: exit $status after $took s (${line:-not finished})"
    [ $status = 0 ] && [ $took -lt $LIMIT ] && [ -n "$line" ] || { tail -n 40 "$2" >&2; return 1; }
    figure demo_s $took
    figure apt_s "$(sed -E 's/^apt ([0-9]+) s.*/\1/' <<<"$line")"
    figure build_s "$(sed -E 's/.*build ([0-9]+) s.*/\1/' <<<"$line")"
    figure run_s "$(sed -E 's/.*run ([0-9]+) s$/\1/' <<<"$line")"
}

prove_test() { # CHROOT LOG
    local started=$SECONDS status=0 line
    in_chroot "$1" $LIMIT './dev setup build test' >"$2" 2>&1 || { tail -n 20 "$2" >&2; return 1; }
    in_chroot_alone "$1" 2400 './dev test' >>"$2" 2>&1 || status=$?
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$2" | tail -n 1)
    say "test: exit $status after $((SECONDS - started)) s (${line:-no result})"
    grep -E '^(failed|skipped):' "$2" >&2 || true
    [ $status = 0 ] && [[ $line == *", 0 failed"* ]] || { tail -n 60 "$2" >&2; return 1; }
    figure test_s $((SECONDS - started))
    figure test "\"$line\""
}

prove_bench() { # CHROOT LOG
    local status=0 ratio
    in_chroot_alone "$1" 900 './dev bench issue_core' >"$2" 2>&1 || status=$?
    ratio=$(sed -nE 's/^issue core against raw: median ([0-9.]+) .*/\1/p' "$2" | tail -n 1)
    say "bench issue_core: exit $status, ratio ${ratio:-none}"
    [ $status = 0 ] && [ -n "$ratio" ] && awk -v r="$ratio" 'BEGIN { exit !(r >= 0.8) }' ||
        { tail -n 20 "$2" >&2; return 1; }
    figure issue_core_ratio "$ratio"
}

wanted() { [ -z "$ONLY" ] || [ "$ONLY" = "$1" ]; }

# Runs as the first process of its own namespaces: what it started ends with it.
release() { # NUMBER
    local number=$1 dir=$base/$1 suite failed=0
    case $number in 12) suite=bookworm ;; 13) suite=trixie ;; esac
    facts=$base/$number.facts
    : >"$facts"
    if [ -n "$KEEP" ] && [ -d "$dir/$inside" ]; then
        say "$suite: used again, apt and build times mean nothing"
        git -C "$dir/$inside" pull -q "$root" HEAD
    else
        make_chroot "$suite" "$dir"
    fi
    mount -t proc proc "$dir/proc"
    mount -t sysfs -o ro sysfs "$dir/sys"
    mount --rbind /dev "$dir/dev"
    if wanted demo; then prove_demo "$dir" "$base/$number.demo.log" || failed=1; fi
    if ! wanted demo; then in_chroot "$dir" $LIMIT './dev setup build' >"$base/$number.setup.log" 2>&1; fi
    in_chroot "$dir" 20 'openssl version; gcc -dumpfullversion; meson --version' | paste -sd' ' >&2
    figure openssl "\"$(in_chroot "$dir" 20 'openssl version' | awk '{ print $2 }')\""
    if wanted test; then prove_test "$dir" "$base/$number.test.log" || failed=1; fi
    if wanted bench && [ "$number" != 12 ]; then
        in_chroot "$dir" $LIMIT './dev setup build bench' >>"$base/$number.setup.log" 2>&1 || failed=1
        prove_bench "$dir" "$base/$number.bench.log" || failed=1
    fi
    return $failed
}

# ---- All ------------------------------------------------------------------------------------

KEEP=${KEEP:-} ONLY=${ONLY:-}
numbers=()
while [ $# -gt 0 ]; do
    case $1 in
    --keep) KEEP=1 ;;
    --only) ONLY=$2 && shift ;;
    --inside) # not in a condition: set -e holds inside
        release "$2"
        exit
        ;;
    12 | 13) numbers+=("$1") ;;
    *) say "chroots.sh [--keep] [--only demo|test|bench] [12] [13]" && exit 2 ;;
    esac
    shift
done
[ ${#numbers[@]} -gt 0 ] || numbers=(12 13)
[ "$(id -u)" = 0 ] || fail "needs root, for chroot and mount"
"$root/dev" setup prove
[ -n "$(mirror)" ] || fail "apt on this machine knows no Debian archive; run apt-get update"

export KEEP ONLY
mkdir -p "$base"
status=0 json=
say "prove chroots: commit $(git -C "$root" rev-parse --short HEAD), seed ${RS_SEED:-1} (nothing is drawn)"
for number in "${numbers[@]}"; do
    say "---- Debian $number"
    started=$SECONDS
    if unshare --mount --pid --fork --kill-child --propagation private bash "$self" --inside "$number"; then
        say "Debian $number: holds, $((SECONDS - started)) s in all"
    else
        say "Debian $number: FAILED; logs in build/chroots/$number.*.log"
        status=1
    fi
    json+="${json:+, }\"debian$number\": {$(cat "$base/$number.facts" 2>/dev/null)}"
    [ -n "$KEEP" ] || rm -rf --one-file-system "${base:?}/$number"
done
[ -z "${RS_FIGURES:-}" ] || printf '{%s}\n' "$json" >"$RS_FIGURES"
if grep -q " $base/" /proc/mounts; then fail "something is still mounted under build/chroots"; fi
[ $status = 0 ] && say "prove chroots: ${#numbers[@]} of ${#numbers[@]} hold"
exit $status

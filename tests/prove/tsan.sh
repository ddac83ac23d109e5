#!/usr/bin/env bash
# No data race: the unit tests, the server and signer under parallel clients, and the station with
# four fixtures, all built with ThreadSanitizer; one report fails it.  A planted race, in a process
# fenced like ours, shows first that a report would be seen.
#
# RS_BUILD: the build directory (default build/prove-tsan).  RS_FIGURES: a file for the figures.
# RS_LOAD: certificates that the parallel clients ask for (default 400).
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
root=$(readlink -f "$here/../..")
build=${RS_BUILD:-$root/build/prove-tsan}
load=${RS_LOAD:-400}
began=$SECONDS
echo "seed ${RS_SEED:-1} (not used: what is looked for is in the interleavings)"

if [ ! -f "$build/build.ninja" ]; then
    mkdir -p "$(dirname "$build")"
    meson setup "$build" "$root" -Db_sanitize=thread -Dfaults=true -Dbuildtype=debugoptimized \
        >"$build.setup.log" 2>&1 || { tail -n 20 "$build.setup.log" >&2; exit 1; }
fi
ninja -C "$build" -j "${JOBS:-$(nproc)}" >"$build.log" 2>&1 ||
    { grep -E 'error|FAILED' "$build.log" | head -n 30 >&2; exit 1; }
built=$((SECONDS - began))

# Outside of what the processes hide from themselves; /dev/shm keeps the tests' writes off the disk.
logs=$build/reports
rm -rf "$logs"
mkdir -p "$logs"
scratch=$(mktemp -d "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)/prove-tsan-XXXXXX")
export TMPDIR=$scratch
SERVER='' clients=()
cleanup() {
    local pid
    [ -z "$SERVER" ] || kill "$SERVER" 2>/dev/null
    for pid in "${clients[@]}"; do kill "$pid" 2>/dev/null; done
    rm -rf "$scratch"
}
trap cleanup EXIT

# Tests fork from programs with threads; a full history finds both sides of an older access.
options() { # PHASE
    export TSAN_OPTIONS="log_path=$logs/$1:exitcode=66:die_after_fork=0:history_size=4:second_deadlock_stack=1:suppressions=$here/tsan.supp"
}
reports() { # PHASE: how many
    { cat "$logs/$1".* 2>/dev/null || true; } | grep -c '^WARNING: ThreadSanitizer'
}

failures=0
broke() { failures=$((failures + 1)); printf 'FAIL  %s\n' "$1"; }
phase() { # PHASE STATUS TEXT
    local n
    n=$(reports "$1")
    printf '%-10s %s, %d reports, %d s\n' "$1" "$3" "$n" $((SECONDS - at))
    [ "$2" = 0 ] || broke "$1: it did not run to its end"
    if [ "$n" != 0 ]; then
        broke "$1: $n reports in $logs"
        cat "$logs/$1".* | head -n 80
    fi
}

# ---- The detector detects ---------------------------------------------------------------------

at=$SECONDS
options planted
mkdir "$scratch/hidden"
"$build/tests/prove/planted_race" "$scratch/hidden" >/dev/null 2>"$scratch/planted.err"
planted=$(reports planted)
if [ "$planted" -ge 1 ]; then
    echo "planted    a race in a fenced process is reported ($planted)"
else
    broke "planted: the race was not reported"
    cat "$scratch/planted.err"
fi

# ---- Unit tests ----------------------------------------------------------------------------------

at=$SECONDS
options unit
suites=()
for s in base crypto keys ledger store signer pki http client server station librot librot_atecc bindings sims; do
    [ -d "$root/tests/unit/$s" ] && suites+=(--suite "$s")
done
status=0
meson test -C "$build" --no-rebuild --num-processes "${JOBS:-$(nproc)}" -t 10 "${suites[@]}" \
    >"$build.units.log" 2>&1 || status=1
units=$(awk '/^Ok:/ { print $2 }' "$build.units.log")
[ "$status" = 0 ] || grep -E 'FAIL|TIMEOUT|ERROR' "$build.units.log" | head -n 20
phase unit $status "${units:-0} tests"

# ---- Server and signer under parallel clients ---------------------------------------------------------

at=$SECONDS
options server
BIN=$build
. "$root/tests/e2e/lib.sh"
trap cleanup EXIT
status=0
answered=0
under_load() {
    local est=$build/tests/load/est_load i pid all
    up acme || return 1
    rs product set sensor-x2 --rot soft --issuer acme-devices -q || return 1
    enrol_station sz-1
    rs order create --product sensor-x2 --quantity 100000 --stations sz-1 --name o-1 -q || return 1
    board_request X2-1 0123000000000001EE
    est sz-1 o-1 simpleenroll "$WORK/X2-1.csr" "$WORK/X2-1.pem" || return 1
    all=(--url "https://$DEVICES" --ca "$WORK/root.pem" --connections 8 --count "$load")
    "$est" "${all[@]}" --cert "$WORK/sz-1.pem" --key "$WORK/sz-1.key" --mode board --label o-1 \
        --name B --log "$WORK/boards.log" --json "$WORK/boards.json" >"$WORK/boards.out" 2>&1 &
    clients=($!)
    "$est" "${all[@]}" --cert "$WORK/X2-1.pem" --key "$WORK/X2-1.key" --mode device --label ldevid \
        --name X2-1 --log "$WORK/devices.log" --json "$WORK/devices.json" >"$WORK/devices.out" 2>&1 &
    clients+=($!)
    for i in 1 2 3 4; do
        around "$i" &
        clients+=($!)
    done
    sleep 2
    kill -KILL "$(pgrep -P "$SERVER" -f rootsmith-signer | head -n 1)" || return 1 # another takes over
    for pid in "${clients[@]}"; do wait "$pid" || status=1; done
    clients=()
    return $status
}

# What people and other parties do meanwhile.  The signer is away for a moment, and all this is slow:
# each call has a minute to succeed.
around() { # N
    local i
    for i in 1 2 3 4 5; do
        soon rs order show o-1 --json || return 1
        soon rs device list --json || return 1
        soon curl -sSf "http://$HTTP/crl/acme-devices.crl" -o /dev/null || return 1
        soon openssl ocsp -issuer "$WORK/devices.pem" -cert "$WORK/X2-1.pem" -url "http://$HTTP/ocsp" \
            -CAfile "$WORK/root.pem" -noverify || return 1
        soon rs order create --product sensor-x2 --quantity 5 --stations sz-1 --name "o-$1-$i" -q ||
            rs order show "o-$1-$i" >/dev/null || return 1 # made, and the answer was lost
        soon rs crl publish acme-devices -q || return 1
        soon curl -sSf -k "https://$PEOPLE/healthz" -o /dev/null || return 1
    done
}
soon() { # COMMAND...: a minute to succeed
    wait_for 60 "$@" || { echo "around: $*" >>"$WORK/around.out"; return 1; }
}
under_load || status=1
if [ "$status" != 0 ]; then
    tail -n 5 "$WORK"/*.out "$WORK/rootsmithd.log" 2>/dev/null
fi
answered=$(cat "$WORK"/boards.log "$WORK"/devices.log 2>/dev/null | grep -c '^got ')
stop_server
[ "$answered" -ge $((2 * load)) ] || status=1
phase server $status "$answered answers to 16 connections, people beside them"

# ---- The station ------------------------------------------------------------------------------------------

at=$SECONDS
options station
status=0
bash "$root/tests/e2e/demo.sh" --bin "$build" --dir "$scratch/demo" >"$build.demo.log" 2>&1 ||
    { status=1; tail -n 30 "$build.demo.log"; }
phase station $status "the demo: four fixtures, 10 boards"

# ---- The sum ------------------------------------------------------------------------------------------------

found=$(($(reports unit) + $(reports server) + $(reports station)))
if [ -n "${RS_FIGURES:-}" ]; then
    printf '{"reports": %d, "planted_reports": %d, "unit_tests": %d, "answers_under_load": %d, "seconds": %d, "build_seconds": %d}\n' \
        "$found" "$planted" "${units:-0}" "$answered" $((SECONDS - began)) "$built" >"$RS_FIGURES"
fi
echo "prove tsan: $found reports, planted race seen, ${units:-0} unit tests, $answered answers, $((SECONDS - began)) s (build $built s), $failures failures"
[ "$failures" = 0 ]

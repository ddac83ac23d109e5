#!/usr/bin/env bash
# Clocks, randomness, sockets and files are reached through src/base only, so that tests can shift
# the time and make calls fail.  A line that has a reason of its own says so: "lint: clock".
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/../.."
found=0

forbid() { # WHY PATTERN [:(exclude)PATH...]
    local why=$1 pattern=$2
    shift 2
    if git grep -nP "$pattern" -- 'src/*.c' 'src/*.h' 'cmd/*.c' 'sims/*.c' ':(exclude)src/base' "$@" |
        grep -v 'lint: clock' | grep -vP '^[^:]+:[0-9]+:\s*(/?\*|//)' | sed "s|\$|   <- $why|"; then
        found=1
    fi
}

forbid 'the time comes from base/clock.h' \
    '(?<![\w.>])(time|gettimeofday|localtime(_r)?|gmtime(_r)?|mktime|ftime|timespec_get|nanosleep|usleep|sleep)\s*\('
forbid 'the time comes from base/clock.h' \
    'clock_gettime\s*\(|CLOCK_REALTIME|X509_cmp_current_time|X509_gmtime_adj|X509_time_adj\b|ASN1_TIME_set\s*\([^,]*,\s*time'
forbid 'randomness comes from base/random.h or crypto' \
    '(?<![\w.>])(s?rand(om)?(_r)?|[dlmn]rand48|arc4random\w*|getrandom|getentropy|RAND_(priv_)?bytes(_ex)?)\s*\('
# rot-sim-shim.so lives in other people's programs and stands under open() itself.
forbid 'sockets come from base/sock.h' \
    '(?<![\w.>])(socket|socketpair|accept4?|connect|bind|listen|getaddrinfo)\s*\(' ':(exclude)sims/shim'
forbid 'files come from base/io.h' '(?<![\w.>"])(f?open|openat|creat|freopen|fdopen|mkstemp|tmpfile)\(' \
    ':(exclude)sims/shim'

# OpenSSL asks the system's clock unless it is told the time.
while read -r file; do
    grep -qE 'X509_(VERIFY_PARAM|STORE_CTX)_set_time' "$file" ||
        { echo "$file: X509_verify_cert without a time from base/clock.h"; found=1; }
done < <(git grep -lE 'X509_verify_cert\s*\(' -- 'src/*.c')
exit $found

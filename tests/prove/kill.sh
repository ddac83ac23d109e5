#!/usr/bin/env bash
# SIGKILL at random moments of server, signer, station and device agents under load, and at the
# marks between ledger, store and answer: nothing acknowledged is lost, no serial twice, no
# signature without a leaf, it serves again within a second, and a device keeps its identity.
#
#   tests/prove/kill.sh [--short]
#
# --short: some dozens of kills, for ./dev test.  RS_BUILD: build directory with faults (default:
# build/prove-kill, made here).  RS_KILLS, RS_CERTS, RS_WINDOW: other numbers, of which at least
# RS_SERVER_KILLS and RS_AGENT_KILLS are of these.  RS_RATE: requests a second.  RS_RESTART_S: the
# limit of a restart.  RS_SEED, RS_FIGURES as for every proof.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail

here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
root=$(cd "$here/../.." && pwd)
short=${1:-}
seed=${RS_SEED:-1}
BIN=${RS_BUILD:-$root/build/prove-kill}
AGENTS=KA-1,KA-2,KA-3

if [ -z "${RS_BUILD:-}" ]; then
    [ -f "$BIN/build.ninja" ] ||
        meson setup "$BIN" "$root" -Dbuildtype=release -Dfaults=true >/dev/null || exit 1
    ninja -C "$BIN" cmd/rootsmith/rootsmith cmd/rootsmithd/rootsmithd tests/load/est_load \
        cmd/rootsmith-signer/rootsmith-signer cmd/rootsmith-station/rootsmith-station \
        cmd/rootsmith-agent/rootsmith-agent >"$BIN.log" 2>&1 ||
        { tail -n 20 "$BIN.log"; exit 1; }
fi
. "$here/../e2e/lib.sh"
trap down EXIT

"$(find_program rootsmithd)" --version | grep -q faults ||
    { echo "kill: this build cannot inject faults"; exit 1; }

# An installation with a station for the load client and two that make boards; then stopped.
set_up() {
    local station agent
    up acme || return 1
    export ROOTSMITH_LOCK_DIR=$WORK
    mkdir -p "$WORK/clients" "$WORK/boards"
    rs product set kill-x --rot soft --issuer acme-devices -q
    enrol_station kl-1 || return 1
    for station in ks-1 ks-2; do
        rs station create $station --json | member token >"$WORK/token"
        chmod 600 "$WORK/token"
        "$(find_program rootsmith-station)" --data "$WORK/clients/$station" enroll "https://$DEVICES" \
            --name $station --token "$WORK/token" >/dev/null || return 1
    done
    rs order create --product kill-x --quantity 1000000 --stations kl-1 --name kill-load -q
    rs order create --product kill-x --quantity 100000 --stations ks-1,ks-2 --name kill-line -q
    # The agents' devices come from the line, with their IDevID and the root that they trust.
    for agent in ${AGENTS//,/ }; do
        "$(find_program rootsmith-station)" --data "$WORK/clients/ks-1" run --once --ui none --wait 20 \
            --order kill-line --serial "$agent" --fixture "1=soft:$WORK/boards/$agent.rot" >/dev/null ||
            { echo "kill: board $agent"; return 1; }
    done
    stop_server
}

# KILLS CERTS WINDOW SERVER-KILLS AGENT-KILLS RATE: kill, then judge.  Both must be content.
campaign() {
    local status=0
    set_up || return 1
    python3 "$here/kill.py" --seed "$seed" --kills "$1" --certs "$2" --window "$3" \
        --server-kills "$4" --agent-kills "$5" --rate "$6" \
        --agent "$(find_program rootsmith-agent)" --url "https://$DEVICES" --agents "$AGENTS" \
        --server "$(find_program rootsmithd)" --station "$(find_program rootsmith-station)" \
        --load "$BIN/tests/load/est_load|--url|https://$DEVICES|--ca|$WORK/root.pem|--cert|$WORK/kl-1.pem|--key|$WORK/kl-1.key|--label|kill-load|--name|KL" \
        --data "$DATA" --work "$WORK" --clients "$WORK/clients" --boards "$WORK/boards" \
        --stations ks-1,ks-2 --line kill-line --restart-limit "${RS_RESTART_S:-1.0}" \
        --json "$WORK/kill.json" || status=1
    python3 "$here/kill_oracle.py" "$DATA" "$WORK/clients" --json "$WORK/oracle.json" || status=1
    return $status
}

self_test() { python3 "$here/kill_oracle.py" "$DATA" "$WORK/clients" --self-test "$WORK/spoiled"; }

figures() {
    [ -n "${RS_FIGURES:-}" ] || return 0
    python3 - "$WORK/kill.json" "$WORK/oracle.json" >"$RS_FIGURES" <<'PY'
import json, os, sys
out = json.load(open(sys.argv[1])) if os.path.exists(sys.argv[1]) else {}
out["oracle"] = json.load(open(sys.argv[2])) if os.path.exists(sys.argv[2]) else None
print(json.dumps(out))
PY
}

status=0
echo "kill: seed $seed; a short campaign, and whether the oracle notices what is spoiled in its data"
campaign "${RS_KILLS:-40}" "${RS_CERTS:-500}" "${RS_WINDOW:-2}" \
    "${RS_SERVER_KILLS:-20}" "${RS_AGENT_KILLS:-10}" "${RS_RATE:-300}" || status=1
[ "$status" != 0 ] || self_test || status=1
if [ "$short" != --short ] && [ "$status" = 0 ]; then
    down
    echo "kill: the whole campaign"
    AGENTS=KA-1,KA-2,KA-3,KA-4,KA-5,KA-6,KA-7,KA-8
    campaign "${RS_KILLS:-10000}" "${RS_CERTS:-100000}" "${RS_WINDOW:-100}" \
        "${RS_SERVER_KILLS:-2000}" "${RS_AGENT_KILLS:-4000}" "${RS_RATE:-200}" || status=1
fi
figures
[ "$status" = 0 ] || { export KEEP=1; echo "kill: FAILED; its files are in $WORK"; }
[ "$status" != 0 ] || echo "kill: nothing lost, nothing doubled, no signature without a leaf, no device without an identity"
exit $status

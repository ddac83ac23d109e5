#!/usr/bin/env bash
# OCSP answers that are ready, CPU of the server for each, against nginx that serves a file of the same
# size (one worker, one thread of ours; plain HTTP, kept-alive, the same client), and, on a connection
# each, against the responder of `openssl ocsp`.  Asked: nginx / ours >= 0.5 (the goal is 0.8).
#
#   ocsp_ready.sh [TURNS]     of 16 requests, in each of five rounds
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
. bench/lib/alone.sh
[ -n "$ALONE" ] || { echo "the responder of openssl listens on every address: needs root"; exit 1; }
export TMPDIR=${RS_BENCH_DIR:-$PWD/build/bench}
clients=16
. tests/e2e/lib.sh
. bench/lib/devices.sh
nginx=
responder=
finish_all() {
    [ -z "$nginx" ] || kill "$nginx" 2>/dev/null
    [ -z "$responder" ] || kill "$responder" 2>/dev/null
    down
}
trap finish_all EXIT
up bench || exit 1
make_devices $clients || { echo "the devices were not made"; exit 1; }
stop_server
echo 'threads: 1' >>"$DATA/rootsmithd.yaml"
: >"$WORK/rootsmithd.log"
start_server || exit 1

for n in $(seq $clients); do
    openssl ocsp -issuer "$WORK/devices.pem" -cert "$WORK/d$n.pem" -no_nonce \
        -reqout "$WORK/ocsp$n.der" >/dev/null 2>&1 || { echo "no request for d$n"; exit 1; }
done
curl -sS -o "$WORK/answer.der" -H 'Content-Type: application/ocsp-request' \
    --data-binary "@$WORK/ocsp1.der" "http://$HTTP/ocsp" || exit 1

# nginx as it is set up for static files; its own prefix, loopback only.
mkdir -p "$WORK/nginx/www" "$WORK/nginx/tmp"
cp "$WORK/answer.der" "$WORK/nginx/www/answer.der"
read -r NGINX RESPONDER < <(free_ports 2)
cat >"$WORK/nginx/nginx.conf" <<CONF
daemon off;
worker_processes 1;
pid $WORK/nginx/nginx.pid;
error_log $WORK/nginx/error.log;
events { worker_connections 512; }
http {
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 100000000;
    open_file_cache max=16;
    default_type application/ocsp-response;
    client_body_temp_path $WORK/nginx/tmp;
    proxy_temp_path $WORK/nginx/tmp;
    fastcgi_temp_path $WORK/nginx/tmp;
    uwsgi_temp_path $WORK/nginx/tmp;
    scgi_temp_path $WORK/nginx/tmp;
    server { listen 127.0.0.1:$NGINX; root $WORK/nginx/www; }
}
CONF
chmod -R a+rX "$WORK" # its worker is nobody
nginx -p "$WORK/nginx" -c "$WORK/nginx/nginx.conf" -e "$WORK/nginx/error.log" &
nginx=$!
wait_for 10 curl -fsS -o /dev/null "http://127.0.0.1:$NGINX/answer.der" || exit 1

# The responder of openssl: the same certificates in its index, a key of its own.
openssl ecparam -name prime256v1 -genkey -noout -out "$WORK/responder.key" 2>/dev/null
openssl req -x509 -new -key "$WORK/responder.key" -subj /CN=responder -days 30 \
    -addext extendedKeyUsage=OCSPSigning -out "$WORK/responder.pem" 2>/dev/null
for n in $(seq $clients); do
    printf 'V\t%s\t\t%s\tunknown\t/CN=D%s\n' "$(date -u -d '+30 days' +%y%m%d%H%M%SZ)" \
        "$(openssl x509 -in "$WORK/d$n.pem" -noout -serial | sed 's/.*=//')" "$n"
done >"$WORK/index.txt"
openssl ocsp -index "$WORK/index.txt" -CA "$WORK/devices.pem" -rsigner "$WORK/responder.pem" \
    -rkey "$WORK/responder.key" -port "$RESPONDER" -ndays 1 >"$WORK/responder.log" 2>&1 &
responder=$!
wait_for 10 grep -q 'waiting for' "$WORK/responder.log" || { cat "$WORK/responder.log"; exit 1; }

SERVER=$SERVER WORK=$WORK HTTP=$HTTP NGINX=$NGINX NGINX_PID=$nginx RESPONDER=$RESPONDER \
    RESPONDER_PID=$responder python3 bench/lib/ocsp_ready.py $clients "${1:-1500}"

#!/usr/bin/env python3
"""Enrol over one TLS connection with a request that names this connection, or another.

    est_link.py HOST:PORT DIR CLIENT LABEL NAME tls1.2|tls1.3|wrong|none

DIR has root.pem and CLIENT.pem, CLIENT.key; NAME.key signs the request.  Prints the status and
what came back.  TLS 1.2 by Python (tls-unique, RFC 5929), TLS 1.3 by openssl s_client
(tls-exporter, RFC 9266): code that is not ours says what the binding is.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import re
import socket
import ssl
import subprocess
import sys

server, folder, client, label, name, kind = sys.argv[1:]
host, port = server.split(":")
path = "/.well-known/est/%ssimpleenroll" % (label + "/" if label else "")


def request(binding):
    config = "[req]\ndistinguished_name=dn\nprompt=no\nattributes=at\n[dn]\nCN=%s\n[at]\n" % client
    if binding:
        config += "challengePassword=%s\n" % base64.b64encode(binding).decode()
    with open(folder + "/link.cnf", "w", encoding="ascii") as f:
        f.write(config)
    der = subprocess.run(["openssl", "req", "-new", "-key", "%s/%s.key" % (folder, name), "-config",
                          folder + "/link.cnf", "-outform", "DER"], check=True, capture_output=True)
    body = base64.b64encode(der.stdout)
    return ("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/pkcs10\r\n"
            "Content-Length: %d\r\nConnection: close\r\n\r\n" % (path, server, len(body))).encode() + body


def by_python():
    context = ssl.create_default_context(cafile=folder + "/root.pem")
    context.load_cert_chain("%s/%s.pem" % (folder, client), "%s/%s.key" % (folder, client))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with context.wrap_socket(socket.create_connection((host, int(port)), 30),
                             server_hostname=host) as s:
        binding = s.get_channel_binding("tls-unique")
        if kind == "wrong":
            binding = bytes([binding[0] ^ 1]) + binding[1:]
        s.sendall(request(b"" if kind == "none" else binding))
        answer = b""
        while True:
            part = s.recv(65536)
            if not part:
                return answer
            answer += part


def by_openssl():
    s = subprocess.Popen(["openssl", "s_client", "-connect", server, "-CAfile", folder + "/root.pem",
                          "-cert", "%s/%s.pem" % (folder, client), "-key",
                          "%s/%s.key" % (folder, client), "-tls1_3", "-ign_eof", "-keymatexport",
                          "EXPORTER-Channel-Binding", "-keymatexportlen", "32"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    seen = b""
    while True:
        line = s.stdout.readline()
        seen += line
        found = re.search(rb"Keying material: ([0-9A-F]{64})", seen)
        if found or not line:
            break
    if not found:
        sys.exit("no keying material")
    s.stdin.write(request(bytes.fromhex(found.group(1).decode())))
    s.stdin.flush()
    return s.communicate(timeout=60)[0]


text = (by_openssl() if kind == "tls1.3" else by_python()).decode("latin1")
answer = text[text.index("HTTP/1.1 "):]
status = answer.split()[1]
print("status %s: %s" % (status, answer.split("\r\n\r\n", 1)[1].strip()[:300]))
sys.exit(status != "200")

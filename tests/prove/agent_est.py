"""A small EST server whose root is rolled over: what agent.py shows to devices that follow one.

Two roots of one name, the new one certified by the old (newWithOld) and the other way round, a TLS
certificate and device certificates under either.  All of it is openssl's; the library's TLS.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import http.server
import os
import re
import ssl
import subprocess
import tempfile
import threading

NAME = "/O=Elsewhere/CN=Elsewhere Root"
CA = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"


def openssl(*argv, **more):
    return subprocess.run(["openssl", *argv], check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, **more).stdout


class Authority:
    """Makes everything in a folder.  Devices under the CAs of `friends` (PEM) may enrol, too."""

    def __init__(self, folder, friends):
        self.folder, self.friends = folder, friends
        os.makedirs(folder)
        for n in ("old", "new"):
            openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", NAME, "-days", "3650", "-keyout", self.at(n + ".key"), "-out",
                    self.at(n + ".pem"))
            openssl("req", "-new", "-key", self.at(n + ".key"), "-subj", NAME, "-out", self.at(n + ".csr"))
        self.certify("new.csr", "old", "new-with-old.pem", CA)
        self.certify("old.csr", "new", "old-with-new.pem", CA)
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                "/CN=localhost", "-keyout", self.at("tls.key"), "-out", self.at("tls.csr"))
        for n in ("old", "new"):
            self.certify("tls.csr", n, "tls-%s.pem" % n, "subjectAltName=DNS:localhost\n")
        self.answers = [self.bundle("old.pem"),
                        self.bundle("old.pem", "new.pem", "new-with-old.pem", "old-with-new.pem")]
        with open(self.at("both.pem"), "w") as f:
            f.write(open(self.at("old.pem")).read() + open(self.at("new.pem")).read())

    def at(self, name):
        return "%s/%s" % (self.folder, name)

    def certify(self, csr, issuer, out, extensions, form="PEM"):
        with tempfile.NamedTemporaryFile("w") as f:
            f.write(extensions)
            f.flush()
            openssl("x509", "-req", "-inform", form, "-in", self.at(csr), "-CA", self.at(issuer + ".pem"),
                    "-CAkey", self.at(issuer + ".key"), "-set_serial",
                    "0x7f" + os.urandom(15).hex(), "-days", "365",
                    "-extfile", f.name, "-out", self.at(out))

    def bundle(self, *names):
        files = sum((["-certfile", self.at(n)] for n in names), [])
        return base64.b64encode(openssl("crl2pkcs7", "-nocrl", *files, "-outform", "DER"))

    def sign(self, csr, under):
        """A certs-only answer for a request, base64 in and out."""
        with tempfile.TemporaryDirectory(dir=self.folder) as tmp:
            short = os.path.basename(tmp)
            with open(tmp + "/csr", "wb") as f:
                f.write(base64.b64decode(csr))
            self.certify(short + "/csr", under, short + "/pem",
                         "extendedKeyUsage=clientAuth\nkeyUsage=critical,digitalSignature\n", "DER")
            return self.bundle(short + "/pem")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    authority = under = shows = None

    def log_message(self, *args):
        pass

    def answer(self, status, kind=None, body=b""):
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Transfer-Encoding", "base64")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path.endswith("/cacerts"):
            self.answer(200, "application/pkcs7-mime", self.authority.answers[self.shows])
        else:
            self.answer(404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        known = self.connection.getpeercert() or self.headers["Authorization"]
        if re.search(r"/simple(re)?enroll$", self.path) and known:
            self.answer(200, "application/pkcs7-mime; smime-type=certs-only", self.authority.sign(body, self.under))
        else:
            self.answer(401)


class Server:
    """Serves an authority's EST on a port of its own: under="old" or "new"; shows both roots or one."""

    def __init__(self, authority, under, shows):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.at("tls-%s.pem" % under), authority.at("tls.key"))
        context.load_verify_locations(authority.at("both.pem"))
        for friend in authority.friends:
            context.load_verify_locations(friend)
        context.verify_mode = ssl.CERT_OPTIONAL
        handler = type("Bound", (Handler,), {"authority": authority, "under": under, "shows": shows})
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.http.daemon_threads = True
        self.http.handle_error = lambda *args: None  # a client that died
        self.http.get_request = _accept(self.http, context)
        self.url = "https://localhost:%d" % self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


def _accept(server, context):
    def accept():
        plain, address = server.socket.accept()
        plain.settimeout(30)
        # The handshake is the connection's thread's, at its first read.
        return context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False), address
    return accept

#!/usr/bin/env python3
"""A device with a TPM, made of tpm2-tools: none of the code under test takes part on its side.

  tpm_tools.py keys DIR             IAK and IDevID of the TCG's templates; the EK certificate
  tpm_tools.py activate DIR BLOB    what TPM2_ActivateCredential gives back, hex
  tpm_tools.py certify DIR NONCE    evidence over the nonce (hex) into DIR/evidence
  tpm_tools.py csr DIR SERIAL|-     a request with DIR/evidence in it into DIR/csr
  tpm_tools.py enrol DIR URL LABEL SERIAL|- [BREAK]
                                    all of it against a server; the certificate into DIR/cert.der

BREAK: what is done wrong: secret, nonce, key, no-evidence, again.  TPM2TOOLS_TCTI says which TPM.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import hashlib
import json
import os
import socket
import ssl
import struct
import subprocess
import sys
import urllib.error
import urllib.request

USER = "837197674484B3F81A90CC8D46A5D724FD52D76E06520B64F2A1DA1B331469AA"
CERTIFY = "B2A69E6391E2684A0FE752D39E14ACD2E5CB922E4BD035830EEA31F2AABE9870"
ACTIVATE = "CD9917CF18C3848C3A2E606986A066C68142F9BC2710A278287A650CA3BBF245"
RETRY = 0x922  # TPM_RC_RETRY: the part was busy with something of its own
HANDLES = {"idevid": 0x81020000, "iak": 0x81020001}
KEYS = {  # unique, AuthorizeNV branch, authPolicy, attributes
    "idevid": (b"IDEVID", "629C50B05F1ADB5B4297FEB241549D4217A1C792C162FEB861022DEF88FA9501",
               "AD6B3A2284FD698A0710BF5CC1B9BDF15E2532E3F601FA4B93A6A8FA8DE579EA", ""),
    "iak": (b"IAK", "101E689DADF145222412C05B76E14532AF1E5C74208E0AE7CDB0CFF1906C8A09",
            "5437182326E414FCA797D5F174615A1641F61255797C3A2B22C21D120B2D1E07", "|restricted"),
}


def run(tool, *args):
    done = subprocess.run(["tpm2_" + tool, *args], capture_output=True, check=False)
    if done.returncode != 0:
        sys.exit("tpm2_%s: %s" % (tool, done.stderr.decode(errors="replace")))
    return done.stdout


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)


def read(path):
    with open(path, "rb") as f:
        return f.read()


# ---- Keys --------------------------------------------------------------------------------

def keys(work):
    os.makedirs(work, exist_ok=True)
    for name, (unique, branch, policy, more) in KEYS.items():
        parameter = struct.pack("<H", len(unique)) + unique.ljust(128, b"\0")
        write(f"{work}/unique", parameter * 2)
        write(f"{work}/policy", bytes.fromhex(policy))
        # The branches of PolicyOR, for sessions later.
        for i, digest in enumerate((USER, CERTIFY, ACTIVATE, branch)):
            write(f"{work}/{name}.or{i}", bytes.fromhex(digest))
        if subprocess.run(["tpm2_readpublic", "-c", hex(HANDLES[name])], capture_output=True,
                          check=False).returncode != 0:
            create(work, name, more)
        run("readpublic", "-c", hex(HANDLES[name]), "-f", "tss", "-o", f"{work}/{name}.pub")
        run("readpublic", "-c", hex(HANDLES[name]), "-f", "der", "-o", f"{work}/{name}.der")
    padded = run("nvread", "-C", "o", "0x01c00002")
    write(f"{work}/ek.der", padded[:4 + struct.unpack(">H", padded[2:4])[0]])


def create(work, name, more):
    run("createprimary", "-C", "e", "-g", "sha256", "-G", "ecc256:ecdsa-sha256:null", "-a",
        "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|adminwithpolicy|sign" + more,
        "-L", f"{work}/policy", "-u", f"{work}/unique", "-c", f"{work}/{name}.ctx")
    run("evictcontrol", "-C", "o", "-c", f"{work}/{name}.ctx", hex(HANDLES[name]))
    run("flushcontext", "-t")


def admin_session(work, name, command):
    """A session that lets the admin role of a key be used for one command."""
    path = f"{work}/{name}.session"
    run("startauthsession", "--policy-session", "-S", path)
    run("policysecret", "-S", path, "-c", "e")
    run("policycommandcode", "-S", path, command)
    branches = ",".join(f"{work}/{name}.or{i}" for i in range(4))
    run("policyor", "-S", path, "sha256:" + branches)
    return path


def activate(work, challenge):
    write(f"{work}/blob", bytes.fromhex("BADCC0DE00000001") + challenge)
    ek = f"{work}/ek.session"
    run("startauthsession", "--policy-session", "-S", ek)
    run("policysecret", "-S", ek, "-c", "e")
    iak = admin_session(work, "iak", "TPM2_CC_ActivateCredential")
    done = subprocess.run(["tpm2_activatecredential", "-c", hex(HANDLES["iak"]), "-C", "0x81010001",
                           "-i", f"{work}/blob", "-o", f"{work}/secret", "-P", "session:" + ek,
                           "-p", "session:" + iak], capture_output=True, check=False)
    for path in (ek, iak):
        subprocess.run(["tpm2_flushcontext", path], capture_output=True, check=False)
    if done.returncode != 0:
        sys.exit("tpm2_activatecredential: " + done.stderr.decode(errors="replace"))
    run("flushcontext", "-t")
    return read(f"{work}/secret")


class Wire:
    """Commands of our own, for what the tools cannot say: tpm2_certify 5.4 takes no nonce."""

    def __init__(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(os.environ["TPM2TOOLS_TCTI"].split("path=")[1])

    def call(self, code, handles, auths, *params):
        body = b"".join(struct.pack(">I", h) for h in handles)
        if auths:
            area = b"".join(struct.pack(">IHBH", a, 0, 0, 0) for a in auths)
            body += struct.pack(">I", len(area)) + area
        body += b"".join(params)
        head = struct.pack(">HII", 0x8002 if auths else 0x8001, 10 + len(body), code)
        rc = RETRY
        while rc == RETRY:
            self.sock.sendall(head + body)
            answer = self.sock.recv(4096)
            rc = struct.unpack(">I", answer[6:10])[0]
        if rc != 0:
            sys.exit("TPM command 0x%x: 0x%x" % (code, rc))
        return answer[10:]


def b2(data):
    return struct.pack(">H", len(data)) + data


def certify(work, nonce):
    null, endorsement, password = 0x40000007, 0x4000000b, 0x40000009
    wire = Wire()
    answer = wire.call(0x176, [null, null], [], b2(bytes(32)), b2(b""), b"\x01\x00\x10\x00\x0b")
    session = struct.unpack(">I", answer[:4])[0]
    wire.call(0x151, [endorsement, session], [password], b2(b"") * 3, bytes(4))
    wire.call(0x16c, [session], [], struct.pack(">I", 0x148))
    wire.call(0x171, [session], [], struct.pack(">I", 4),
              *[b2(read(f"{work}/idevid.or{i}")) for i in range(4)])
    answer = wire.call(0x148, [HANDLES["idevid"], HANDLES["iak"]], [session, password], b2(nonce),
                       b"\x00\x10")
    size = struct.unpack(">I", answer[:4])[0]
    write(f"{work}/evidence", read(f"{work}/iak.pub") + read(f"{work}/idevid.pub") +
          answer[4:4 + size])


# ---- Request -----------------------------------------------------------------------------

def tlv(tag, *parts):
    content = b"".join(parts)
    n = len(content)
    if n < 0x80:
        head = bytes([n])
    else:
        head = bytes([0x81, n]) if n < 0x100 else b"\x82" + struct.pack(">H", n)
    return bytes([tag]) + head + content


def csr(work, serial, with_evidence=True):
    name = (("0603550405", 0x13, serial) if serial != "-" else ("0603550403", 0x0c, "a device"))
    subject = tlv(0x30, tlv(0x31, tlv(0x30, bytes.fromhex(name[0]), tlv(name[1], name[2].encode()))))
    attributes = b""
    if with_evidence:
        bundle = tlv(0x30, tlv(0x30, tlv(0x30, bytes.fromhex("0605678105" "1401"),
                                         tlv(0x04, read(f"{work}/evidence")))))
        attributes = tlv(0x30, bytes.fromhex("060b2a864886f70d010910023b"), tlv(0x31, bundle))
    tbs = tlv(0x30, b"\x02\x01\x00", subject, read(f"{work}/idevid.der"), tlv(0xa0, attributes))
    write(f"{work}/digest", hashlib.sha256(tbs).digest())
    run("sign", "-c", hex(HANDLES["idevid"]), "-g", "sha256", "-d", "-f", "plain", "-o",
        f"{work}/csr.sig", f"{work}/digest")
    run("flushcontext", "-t")
    signed = tlv(0x30, tbs, bytes.fromhex("300a06082a8648ce3d040302"),
                 tlv(0x03, b"\0", read(f"{work}/csr.sig")))
    write(f"{work}/csr", signed)
    return signed


# ---- Server ------------------------------------------------------------------------------

def post(url, body, content_type, root, user=None):
    headers = {"Content-Type": content_type}
    if user is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(user.encode()).decode()
    ask = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(ask, context=ssl.create_default_context(cafile=root)) as answer:
            return answer.read()
    except urllib.error.HTTPError as e:
        print(e.code, e.read().decode())
        sys.exit(1)


def enrol(work, url, label, serial, broken=""):
    root = os.environ["ROOT_PEM"]
    ask = {"product": label, "ek_cert": base64.b64encode(read(f"{work}/ek.der")).decode(),
           "iak": base64.b64encode(read(f"{work}/iak.pub")).decode()}
    c = json.loads(post(url + "/.well-known/rootsmith/v1/tpm/challenge", json.dumps(ask).encode(),
                        "application/json", root))
    secret = activate(work, base64.b64decode(c["challenge"]))
    nonce = bytes.fromhex(c["nonce"])
    if broken == "secret":
        secret = bytes([secret[0] ^ 1]) + secret[1:]
    certify(work, bytes(32) if broken == "nonce" else nonce)
    request = csr(work, serial, broken != "no-evidence")
    est = f"{url}/.well-known/est/{label}/simpleenroll"
    user = f"tpm-{c['id']}:{secret.hex()}"
    answer = post(est, base64.b64encode(request), "application/pkcs10", root, user)
    if broken == "again":  # the very same: a lost answer
        assert post(est, base64.b64encode(request), "application/pkcs10", root, user) == answer
    write(f"{work}/cert.p7", base64.b64decode(answer))
    subprocess.run(["openssl", "pkcs7", "-inform", "DER", "-in", f"{work}/cert.p7", "-print_certs",
                    "-out", f"{work}/cert.pem"], check=True)


def main():
    verb, work, *rest = sys.argv[1:]
    if verb == "keys":
        keys(work)
    elif verb == "activate":
        print(activate(work, read(rest[0])).hex())
    elif verb == "certify":
        certify(work, bytes.fromhex(rest[0]))
    elif verb == "csr":
        csr(work, rest[0])
    else:
        enrol(work, *rest)


if __name__ == "__main__":
    main()

"""What simulated parts of each family remember, read without any of our code: their secrets, whether
they were left open, and the one command by which a secret is given to them in the clear.

SPDX-License-Identifier: Apache-2.0
"""
import os
import subprocess

# ---- Secrets -------------------------------------------------------------------------------------


def secrets(part):
    """Private keys, and what the part's channel is protected by now."""
    private, channel = set(), set()

    def take(to, text, start=0, length=None):
        raw = bytes.fromhex(text or "")[start:None if length is None else start + length]
        if len(set(raw)) > 4:
            to.add(raw)

    if "slots" in part:  # ATECC: behind four bytes; slot 6 is the IO protection key
        for n, slot in enumerate(part["slots"]):
            if n <= 4:
                take(private, slot, 4, 32)
            elif n == 6:
                take(channel, slot, 0, 32)
    for o in part.get("objects", []):
        take(private, o.get("private"))  # SE05x
        for line in o.get("data", []) if "oid" in o else []:  # OPTIGA
            if o["oid"].startswith("E0F"):
                take(private, line)
            elif o["oid"] == "E140":
                take(channel, line)
    for key in part.get("private_keys", []):  # STSAFE
        take(private, key.get("key"))
    for name in ("mac", "cipher"):
        take(channel, (part.get("host_key") or {}).get(name))
    for name in ("enc", "mac", "dek"):
        take(channel, (part.get("scp_keys") or {}).get(name))
    return private, channel


# ---- Open or closed ---------------------------------------------------------------------------------


def tags(metadata):
    """OPTIGA: 20, length, then tag, length, value."""
    raw, found, at = bytes.fromhex(metadata), {}, 2
    while at + 2 <= len(raw):
        found[raw[at]] = raw[at + 2:at + 2 + raw[at + 1]]
        at += 2 + raw[at + 1]
    return found


def optiga_open(objects):
    # Operational (LcsO 07), and who may change it: nobody; whoever has the channel (Conf E140); a key that
    # is renewed also by a set that E0E9 has signed (Int E0E9) and that comes through the channel.
    never, channel = b"\xff", b"\x20\xe1\x40"
    renewed = channel + b"\xfe" + channel + b"\xfd\x21\xe0\xe9"
    for oid, who in (("E140", channel), ("E0F1", never), ("F1D8", never), ("E0E1", never), ("E0E2", never),
                     ("E0F2", renewed), ("E0F3", renewed), ("E0E3", channel), ("E0E8", never), ("E0E9", channel),
                     ("E0EF", never)):
        t = tags(objects[oid]["metadata"])
        change = t.get(0xD0) or b""
        if change.startswith(b"\xe1\xfc\x07\xfe"):  # while not operational, or ...
            change = change[4:]
        if t.get(0xC0) != b"\x07":
            yield "%s is not operational" % oid
        if change != who:
            yield "%s may be changed by %s" % (oid, change.hex())


def policies(text):
    """SE05x: length, who (4), rights (4)..."""
    raw, at = bytes.fromhex(text), 0
    while at < len(raw):
        yield int.from_bytes(raw[at + 5:at + 9], "big")
        at += 1 + raw[at]


def se05x_open(objects, keys):
    write, generate, delete, channel_only = 0x00100000, 0x00080000, 0x00040000, 0x00020000
    identity = objects.get("52530001")
    if identity is None or identity["origin"] != "internal":
        yield "the identity's key was not made inside"
        return
    for rights in policies(identity["policy"]):
        if rights & (write | generate | delete):
            yield "the identity's key may be replaced: %08x" % rights
        if not rights & channel_only:
            yield "the identity's key works without a channel"
    if len(set(keys["enc"])) < 4:
        yield "no keys of its own"


def stsafe_open(part):
    if not part.get("host_key"):
        yield "no host keys"
    if part["life_cycle"] != "operational":
        yield "life cycle: %s" % part["life_cycle"]
    # 7 holds the identity; what is renewed takes updates with the host's MAC.
    for zone in part["zones"]:
        want = {7: "never", 1: "host", 2: "host", 3: "host", 4: "host"}.get(zone["zone"])
        if want and (zone["update"] != want or zone["update_may_change"] and want == "never"):
            yield "zone %d may be updated: %s" % (zone["zone"], zone["update"])


def atecc_open(part):
    config = bytes.fromhex("".join(part["config"]) if isinstance(part["config"], list) else part["config"])
    if config[87] == 0x55:
        yield "configuration"
    if config[86] == 0x55:
        yield "data"


def left_open(part):
    """Why the part is not closed as a board must be; "" when it is."""
    if "slots" in part:
        found = atecc_open(part)
    elif "scp_keys" in part:
        found = se05x_open({o["id"]: o for o in part["objects"]}, part["scp_keys"])
    elif "zones" in part:
        found = stsafe_open(part)
    else:
        found = optiga_open({o["oid"]: o for o in part["objects"]})
    return ", ".join(found)


# ---- The command that gives a secret -------------------------------------------------------------------

# ATECC: Write of slot 6.  STSAFE: Put attribute 17, or 1F 07.  OPTIGA: SetDataObject E140.  SE05x: none.
# Not acknowledged, too: a trace has what was meant for a part that was just cut off.
GIVING = {"blank6": "03271282300", "blank-a": "1017|1f07", "blank-m": "[0-9a-f]{6,14}8240....e140"}


def set_aside(trace, rest, given, kind):
    """The trace without those commands into rest, and they into given.  How many there were."""
    command = next((c for start, c in GIVING.items() if kind.startswith(start)), None)
    pattern = "^[^ ]+ [^ ]+ W [^ ]+ n?ack (%s)" % command if command else "^$"  # grep: traces are long
    for flags, path in (("-aE", given), ("-avE", rest)):
        with open(path, "wb") as out:
            p = subprocess.run(["grep", flags, pattern, trace], stdout=out, env=dict(os.environ, LC_ALL="C"))
        if p.returncode > 1:
            raise SystemExit("grep failed")
    with open(given, "rb") as f:
        return sum(1 for _ in f)

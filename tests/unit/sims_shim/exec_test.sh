#!/bin/bash
# rot-sim exec: what it refuses, exit codes, signals, state, trace, JSON, a running panel, a serial line.
#   exec_test.sh ROT-SIM
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
sim=$1
PATH=$PATH:/usr/sbin
work=$(mktemp -d /tmp/rot-sim-exec-XXXXXX)
mkdir "$work/tmp"
export TMPDIR=$work/tmp
pids=()
finish() {
    local pid
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; done
    rm -rf "$work"
}
trap finish EXIT
passed=0 failed=0

ok() { passed=$((passed + 1)); }
bad() { failed=$((failed + 1)); printf 'FAILED: %s\n' "$1"; shift; printf '    %s\n' "$@"; }
same() { if [ "$2" = "$3" ]; then ok; else bad "$1" "got:  $2" "want: $3"; fi; }
has() { if grep -q -- "$2" <<<"$3"; then ok; else bad "$1" "no \"$2\" in: $3"; fi; }

# Exit code and a piece of what it says on stderr; the program must not have run.
refuses() { # NAME EXIT PIECE ARGUMENTS...
    local name=$1 code=$2 piece=$3 said rc
    shift 3
    said=$(timeout 30 "$sim" exec "$@" 2>&1 >"$work/out")
    rc=$?
    same "$name: exit code" "$rc" "$code"
    has "$name" "$piece" "$said"
    same "$name: nothing ran" "$(cat "$work/out")" ""
}

ran=(-- echo ran)
refuses "no program" 2 'which program' --chip atecc608b
refuses "no chip" 2 'which chip' "${ran[@]}"
refuses "an unknown kind" 2 'no chip of kind atecc9000' --chip atecc9000 "${ran[@]}"
refuses "an unknown option" 2 'unknown option --chips' --chips atecc608b "${ran[@]}"
refuses "an option without its value" 2 'without its value' --chip
refuses "an address that is none" 2 'after @ comes' --chip atecc608b@0x78 "${ran[@]}"
refuses "a place that is none" 2 'after @ comes' --chip atecc608b@spi0 "${ran[@]}"
refuses "an address that is not the part's" 2 'answers at 0x60, not at 0x61' --chip atecc608b@0x61 "${ran[@]}"
refuses "a bus that is none" 2 'want 0 to 63' --bus 64 --chip atecc608b "${ran[@]}"
refuses "a timing that is none" 2 'none or real' --timing fast --chip atecc608b "${ran[@]}"
refuses "a time that is none" 2 'want microseconds' --busy 10000001 --chip atecc608b "${ran[@]}"
refuses "two chips at one chip select" 2 'two chips on /dev/spidev0.0' --chip ta100@spi0.0 --chip ta100@spi0.0 "${ran[@]}"
refuses "a line of no chip" 2 'no such chip' --chip atecc608b --gpio 17=se050 "${ran[@]}"
refuses "a line that is none" 2 'want LINE' --chip atecc608b --gpio x "${ran[@]}"
refuses "a serial line without a socket" 2 'want a device and a Unix socket' --tty /dev/ttyUSB0 "${ran[@]}"
refuses "a socket where nobody listens" 5 'nobody listens' --tty "/dev/ttyUSB0=$work/none" "${ran[@]}"
refuses "a chip of a panel that is not named" 2 'say --socket' --chip desk/a "${ran[@]}"
refuses "a kind on a running panel" 2 'named as rot-sim list does' --socket "$work/s" --chip atecc608b "${ran[@]}"
refuses "a running panel's state" 2 'belong to the rot-sim' --socket "$work/s" --state x --chip a/b "${ran[@]}"
refuses "a running panel's times" 2 'belong to the rot-sim' --socket "$work/s" --busy 5 --chip a/b "${ran[@]}"
refuses "a panel that does not run" 5 'no rot-sim answers' --socket "$work/s" --chip desk/a "${ran[@]}"
refuses "a program that is not there" 127 'cannot run' --chip atecc608b -- "$work/none"
refuses "a program that is none" 126 'cannot run' --chip atecc608b -- "$work"
refuses "a folder that cannot be" 1 'cannot make directory' --chip atecc608b --state "$work/no/where" "${ran[@]}"
TMPDIR=$work/none refuses "no place for its files" 1 'no folder can be made' --chip atecc608b "${ran[@]}"

# ---- Exit codes and signals ------------------------------------------------------------------
"$sim" exec --quiet --chip atecc608b -- sh -c 'exit 7'
same "its exit code" $? 7
# shellcheck disable=SC2016
"$sim" exec --quiet --chip atecc608b -- sh -c 'kill -TERM $$'
same "its signal" $? 143
same "its output and input" "$(echo hello | "$sim" exec --quiet --chip atecc608b -- cat)" hello
same "without the two dashes" "$("$sim" exec --quiet --chip atecc608b echo -- x)" "-- x"
cat >"$work/waits" <<'SH'
trap 'echo told; exit 5' TERM
trap 'echo user' USR1
echo $$ >"$1"
while :; do sleep 0.1; done
SH
"$sim" exec --quiet --chip atecc608b -- sh "$work/waits" "$work/pid" >"$work/out" &
pid=$!
for _ in $(seq 100); do [ -s "$work/pid" ] && break; sleep 0.1; done
kill -USR1 "$pid"
for _ in $(seq 50); do grep -q user "$work/out" && break; sleep 0.1; done
kill -TERM "$pid"
wait "$pid"
same "a signal is passed on, and the answer to it" "$?:$(tr '\n' ' ' <"$work/out")" "5:user told "

# ---- What it says ----------------------------------------------------------------------------
said=$("$sim" exec --chip atecc608b -- true 2>&1)
has "where the chip is" '^rot-sim: i2c-1/atecc608b is 0x60 on /dev/i2c-1$' "$said"
has "every part has its model's name" '^rot-sim: i2c-1/stsafe-a100 is 0x20 ' "$("$sim" exec --chip stsafe-a100 -- true 2>&1)"
has "how it ended" '^rot-sim: true ended with 0 after' "$said"
has "that nothing was opened" 'never opened one of these devices' "$said"
same "quiet" "$("$sim" exec --quiet --chip atecc608b -- true 2>&1)" ""
said=$("$sim" exec --json --chip stsafe-a110 -- i2ctransfer -y 1 w6@0x20 0x00 1 2 3 0xa7 0x29 2>&1 >/dev/null)
same "as JSON" "$(python3 -c 'import json, sys
j = json.loads(sys.argv[1])
print(j["exit"], j["connections"], j["chips"][0]["chip"], j["chips"][0]["commands"])' "$said")" \
    "0 1 i2c-1/stsafe-a110 1"
has "its help" '--chip KIND@spi0.0' "$("$sim" exec --help)"

# ---- State, trace ----------------------------------------------------------------------------
list() { "$sim" exec --quiet --state "$work/chips" --chip atecc608b -- "$sim" list; }
first=$(list | tail -n 1)
has "rot-sim list asks the private panel" 'i2c-1/atecc608b *blank608b' "$first"
same "the chip is kept" "$(list | tail -n 1)" "$first"
[ -s "$work/chips/i2c-1,atecc608b.json" ] && ok || bad "no state file"
"$sim" exec --quiet --trace "$work/trace" --bus 3 --chip se050 --chip se050 -- i2ctransfer -y 3 w5@0x48 0x5a 0xc0 0x00 0xff 0xfc
has "the trace" '^[0-9]* i2c-3 W 48 ack 5ac000fffc$' "$(cat "$work/trace")"
said=$("$sim" exec --timing real --chip se050 -- i2ctransfer -y 1 w5@0x48 0x5a 0xc0 0x00 0xff 0xfc 2>&1)
has "with real timing" 'is 0x48' "$said"
same "it wants no shared library of its own" "$(LD_PRELOAD='' "$sim" exec --quiet --chip se050 -- sh -c 'echo "${LD_PRELOAD##*/}"')" \
    rot-sim-shim.so
same "options of the address sanitizer are kept" \
    "$(ASAN_OPTIONS=detect_leaks=0 "$sim" exec --quiet --chip se050 -- sh -c 'echo "$ASAN_OPTIONS"')" \
    "verify_asan_link_order=0:detect_leaks=0"

# ---- A running panel ---------------------------------------------------------------------------
printf 'listen s\nchip desk/a se050\nchip bench/b stsafe-a110\n' >"$work/panel"
"$sim" panel "$work/panel" >"$work/panel.out" 2>&1 &
pids+=($!)
disown # it is killed below, and the shell need not say so
for _ in $(seq 100); do [ -S "$work/s" ] && break; sleep 0.1; done
refuses "a chip that the panel has not" 2 'no chip desk/x' --socket "$work/s" --chip desk/x "${ran[@]}"
refuses "two of its buses as one" 2 'are not on one bus' --socket "$work/s" --chip desk/a --chip bench/b "${ran[@]}"
attach() { "$sim" exec --quiet --socket "$work/s" --bus 1 --chip desk/a@0x48 --bus 7 --chip bench/b -- "$@"; }
same "its first bus" "$(attach sh -c 'i2ctransfer -y 1 w5@0x48 0x5a 0xc0 0x00 0xff 0xfc; i2ctransfer -y 1 r5@0x48')" \
    "0xa5 0xe0 0x00 0x3f 0x19"
same "its second" "$(attach sh -c 'i2ctransfer -y 7 w6@0x20 0x00 1 2 3 0xa7 0x29; i2ctransfer -y 7 r8@0x20')" \
    "0x00 0x00 0x05 0x01 0x02 0x03 0xa7 0x29"
has "it goes on afterwards" 'desk/a' "$("$sim" list --socket "$work/s")"

# A simulator that goes away is an adapter that was pulled out; one that comes back is one again.
cat >"$work/gone.py" <<'PY'
import errno, fcntl, os, signal, subprocess, sys, time
def write():
    try:
        return os.write(fd, bytes([0, 1, 2, 3, 0xA7, 0x29]))
    except OSError as e:
        return errno.errorcode[e.errno]
fd = os.open("/dev/i2c-7", os.O_RDWR)
fcntl.ioctl(fd, 0x0703, 0x20)
said = [write()]
os.kill(int(sys.argv[1]), signal.SIGKILL)
time.sleep(0.2)
said += [write(), write()]
try:
    os.open("/dev/i2c-7", os.O_RDWR)
except OSError as e:
    said.append(errno.errorcode[e.errno])
os.unlink(sys.argv[3])
again = subprocess.Popen([sys.argv[2], "panel", sys.argv[4]], stdout=subprocess.DEVNULL)
for _ in range(100):
    if os.path.exists(sys.argv[3]):
        break
    time.sleep(0.1)
time.sleep(0.2)
said.append(write())
again.terminate()
again.wait()
print(*said)
PY
same "a simulator that goes away and comes back" \
    "$(attach python3 "$work/gone.py" "${pids[0]}" "$sim" "$work/s" "$work/panel" 2>/dev/null)" "6 ENODEV ENODEV ENODEV 6"

# ---- A serial line -------------------------------------------------------------------------------
cat >"$work/echo.py" <<'PY'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen(1)
c, _ = s.accept()
while True:
    data = c.recv(4096)
    if not data:
        break
    open(sys.argv[1] + ".got", "ab").write(data)
    c.sendall(data)
PY
cat >"$work/serial.py" <<'PY'
import errno, fcntl, os, select, struct, termios, time
def modem(call, bits=0):
    return struct.unpack("i", fcntl.ioctl(fd, call, struct.pack("i", bits)))[0]
fd = os.open("/dev/ttyACM3", os.O_RDWR | os.O_NOCTTY)
assert os.isatty(fd)
a = termios.tcgetattr(fd)
assert a[4] == termios.B9600 and not a[3] & (termios.ECHO | termios.ICANON)
a[4] = a[5] = termios.B115200
a[6][termios.VMIN], a[6][termios.VTIME] = 0, 2
termios.tcsetattr(fd, termios.TCSANOW, a)
assert termios.tcgetattr(fd)[5] == termios.B115200
before = time.monotonic()
assert os.read(fd, 10) == b"" and time.monotonic() - before > 0.15
everything = bytes(range(256)) # nothing is changed on its way
os.write(fd, everything)
got = b""
while len(got) < 256 and select.select([fd], [], [], 5)[0]:
    got += os.read(fd, 300)
assert got == everything, got
assert modem(termios.TIOCMGET) & (termios.TIOCM_DTR | termios.TIOCM_CTS) == termios.TIOCM_DTR | termios.TIOCM_CTS
modem(termios.TIOCMBIC, termios.TIOCM_DTR)
assert modem(termios.TIOCMGET) & (termios.TIOCM_DTR | termios.TIOCM_RTS) == termios.TIOCM_RTS
modem(termios.TIOCMSET, termios.TIOCM_DTR)
assert modem(termios.TIOCMGET) & (termios.TIOCM_DTR | termios.TIOCM_RTS) == termios.TIOCM_DTR
os.write(fd, b"lost")
time.sleep(0.3)
termios.tcflush(fd, termios.TCIFLUSH)
assert os.read(fd, 10) == b""
other = os.openpty()[1] # somebody else's terminal has no modem lines
try:
    fcntl.ioctl(other, termios.TIOCMGET, struct.pack("i", 0))
    raise SystemExit("a pseudo terminal has modem lines")
except OSError as e:
    assert e.errno in (errno.ENOTTY, errno.EINVAL)
os.write(fd, b"last words")
print("fine")
PY
python3 "$work/echo.py" "$work/e" &
pids+=($!)
for _ in $(seq 100); do [ -S "$work/e" ] && break; sleep 0.1; done
same "a serial line" "$(timeout 30 "$sim" exec --quiet --tty "/dev/ttyACM3=$work/e" -- python3 "$work/serial.py" 2>&1)" fine
sleep 0.3
same "its last words" "$(tail -c 10 "$work/e.got")" "last words"

same "nothing is left behind" "$(ls "$work/tmp")" ""
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]

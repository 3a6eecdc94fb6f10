# SPDX-License-Identifier: Apache-2.0
"""For watch.sh: BUILD FOLDER."""
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time

from contract_device import Silent

build, folder = sys.argv[1:]
sock, log = f"{folder}/admin.sock", f"{folder}/log"
passed = failed = 0
running = []


def check(what, good, detail=""):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print(f"FAILED: {what}  {detail}")


def until(what, found):
    for _ in range(100):
        if found():
            break
        time.sleep(0.1)
    check(what, found(), found)


def text(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


def spawn(argv, **more):
    p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, **more)
    running.append(p)
    return p


def stop(p, sig=signal.SIGTERM):
    p.send_signal(sig)
    return p.wait(20)


def daemon():
    with open(log, "w", encoding="utf-8") as f:
        p = spawn([f"{build}/bin/lanyardd", "--config", f"{folder}/conf"], stdout=f, stderr=f)
    until("the daemon is ready", lambda: "notice: ready" in text(log))
    return p, int(re.search(r"listening name=server .*?port=(\d+)", text(log))[1])


def watch(name, *words):
    out, err = open(f"{folder}/{name}", "wb"), open(f"{folder}/{name}.err", "wb")
    return spawn([f"{build}/bin/lanyardctl", "-S", sock, "watch", *words], stdout=out, stderr=err)


def ctl(*words):
    return subprocess.run([f"{build}/bin/lanyardctl", "-S", sock, *words], capture_output=True, text=True)


with open(f"{folder}/conf", "w", encoding="utf-8") as f:
    f.write(f"[bootstrap]\nenabled = no\n[listen server]\naddress = 127.0.0.1\nport = 0\nnosec = yes\n"
            f"[storage]\ndir = {folder}/state\n[admin]\nsocket = {sock}\nsocket_group =\n")
try:
    r = ctl("watch")
    check("no daemon: status 3", r.returncode == 3 and "cannot reach" in r.stderr, r)
    lanyardd, port = daemon()
    r = ctl("watch", "-n", "0")
    check("a count of 0: status 2", r.returncode == 2, r)
    all_of, one, some = watch("all", "--json"), watch("one", "two"), watch("some", "events", "-t", "expired")
    device = Silent(port)
    # A stream is open when it tells something: each registration is one, under a name of its own.
    n = 0

    def heard():
        global n
        n += 1
        Silent(port).register(f"n{n}", 300)
        return "registered" in text(f"{folder}/all")
    until("events are told", heard)
    time.sleep(0.5)
    check("two registers", Silent(port).register("two", 300))
    until("of one endpoint", lambda: text(f"{folder}/one").count("registered") == 1)
    check("of that one alone", "n1" not in text(f"{folder}/one"), text(f"{folder}/one"))
    check("the daemon stops", stop(lanyardd) == 0)
    until("it is waited for", lambda: "waiting for it" in text(f"{folder}/all.err"))
    lanyardd, port = daemon()
    # Perhaps before they are back: then it is told afterwards.
    check("three registers", Silent(port).register("three", 300))
    until("events go on", lambda: '"endpoint":"three"' in text(f"{folder}/all"))
    seqs = [json.loads(line)["seq"] for line in text(f"{folder}/all").splitlines()]
    check("none is missed, none told twice", seqs == list(range(seqs[0], seqs[0] + len(seqs))), seqs)
    check("of one endpoint still", "three" not in text(f"{folder}/one"))
    check("of one type", text(f"{folder}/some") == "", text(f"{folder}/some"))
    for p, sig in ((all_of, signal.SIGINT), (one, signal.SIGTERM), (some, signal.SIGHUP)):
        check(f"{sig}: status 0", stop(p, sig) == 0)

    # On a terminal of 9 lines.
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 9, 200, 0, 0))
    before = termios.tcgetattr(side)
    os.set_blocking(main, False)
    p = subprocess.Popen([f"{build}/bin/lanyardctl", "-S", sock, "watch"], stdin=side, stdout=side, stderr=side)
    running.append(p)
    seen = b""

    def look(what):
        def found():
            global seen
            try:
                seen += os.read(main, 65536)
            except BlockingIOError:
                pass
            return what in seen
        return found
    until("a table", look(b"ENDPOINT"))
    until("with its rows", look(b"registered"))
    names = re.findall(rb"^n\d+ ", seen, re.M)
    check("no more rows than lines", len(set(names)) <= 5, names)
    stop(lanyardd)
    until("the daemon is missed", look(b"cannot be reached"))
    seen = b""
    lanyardd, port = daemon()
    until("and found again", look(b"registered"))
    check("Ctrl-C: status 0", stop(p, signal.SIGINT) == 0)
    until("the screen is as it was", look(b"\x1b[?25h\x1b[?1049l"))
    check("so is the terminal", termios.tcgetattr(side) == before)
    # One endpoint, drawn once.
    p = subprocess.Popen([f"{build}/bin/lanyardctl", "-S", sock, "watch", "three", "-n", "1"], stdin=side,
                         stdout=side, stderr=side)
    running.append(p)
    seen = b""
    check("a count: status 0", p.wait(20) == 0)
    until("one endpoint", look(b"three"))
    check("and no other", not re.search(rb"^n\d+ ", seen, re.M), seen)
    p = subprocess.Popen([f"{build}/bin/lanyardctl", "-S", sock, "watch", "nobody"], stdin=side, stdout=side,
                         stderr=side)
    running.append(p)
    check("nobody: status 1", p.wait(20) == 1)
finally:
    for p in running:
        if p.poll() is None:
            p.kill()
            p.wait()
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)

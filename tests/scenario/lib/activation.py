# SPDX-License-Identifier: Apache-2.0
"""Plays the service manager: hands over sockets, reads notifications, and expects what lanyardd
does with them. activation.py LANYARDD FOLDER"""
import grp
import os
import select
import signal
import socket
import sys
import time

daemon, folder = sys.argv[1:]
passed = failed = 0

CONFIG = """[listen server]
address = 127.0.0.1
port = 0
[bootstrap]
enabled = no
[storage]
dir = {0}/state
[admin]
socket = {0}/own.sock
socket_group = {1}
"""


def check(what, good, told=""):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print(f"FAILED: {what}")
        for line in str(told).splitlines():
            print(f"    {line}")


def make_socket(kind, path):
    if kind == "udp":
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(("127.0.0.1", 0))
        return s
    if kind == "tcp":
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        s.bind(("127.0.0.1", 0))
    else:
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.bind(path)
    if kind != "deaf":
        s.listen(16)
    return s


def start(sockets, names, more=()):
    """Starts the daemon with these as descriptors 3, 4, ... as systemd does."""
    def child():
        # First out of the way of 3 and those behind it, then to their places.
        high = [os.dup2(s.fileno(), 100 + i) for i, s in enumerate(sockets)]
        for i, fd in enumerate(high):
            os.dup2(fd, 3 + i, inheritable=True)
            os.close(fd)
        env = dict(os.environ, **dict(more))
        env.pop("LISTEN_FDNAMES", None)
        if sockets:
            env.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(sockets)))
        if names is not None:
            env["LISTEN_FDNAMES"] = names
        os.execve(daemon, [daemon, "--config", f"{folder}/conf"], env)

    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.dup2(write, 2, inheritable=True)
            child()
        finally:
            os._exit(127)
    os.close(write)
    return pid, os.fdopen(read, "rb", buffering=0)


class Log:
    def __init__(self, stream):
        self.stream, self.text = stream, ""

    def until(self, what, seconds=20):
        """Reads up to a line with this in it; without one, to the end."""
        end = time.monotonic() + seconds
        while what not in self.text and time.monotonic() < end:
            if select.select([self.stream], [], [], 0.1)[0]:
                got = os.read(self.stream.fileno(), 4096)
                if not got:
                    break
                self.text += got.decode()
        return what in self.text


def stop(pid, sig=signal.SIGTERM):
    if sig:
        os.kill(pid, sig)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def status_answers(path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(20)
    try:
        s.connect(path)
        s.sendall(b"GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return s.recv(15) == b"HTTP/1.1 200 OK"
    except OSError:
        return False
    finally:
        s.close()


# What is handed over, its LISTEN_FDNAMES, and what is said of it; None: it is used.
ROWS = [
    ("the admin socket", ["unix"], "admin", None),
    ("no socket: its own", [], None, None),
    ("names without sockets", [], "admin", None),
    ("another name", ["unix"], "metrics", 'inherited socket 1 is named "metrics"'),
    ("no name", ["unix"], None, 'inherited socket 1 is named "unknown"'),
    ("an empty name", ["unix"], "", 'inherited socket 1 is named ""'),
    ("the unit's own name", ["unix"], "lanyardd.socket", 'named "lanyardd.socket"'),
    ("a second one that is not known", ["unix", "udp"], "admin:coap", 'socket 2 is named "coap"'),
    ("two of them", ["unix", "unix"], "admin:admin", 'two inherited sockets are named "admin"'),
    ("more names than sockets", ["unix"], "admin:admin", "cannot take the inherited sockets"),
    ("TCP", ["tcp"], "admin", "not a listening Unix socket"),
    ("UDP", ["udp"], "admin", "not a listening Unix socket"),
    ("a socket that does not listen", ["deaf"], "admin", "not a listening Unix socket"),
]


def run_row(number, what, kinds, names, refused):
    paths = [f"{folder}/{number}-{i}.sock" for i in range(len(kinds))]
    sockets = [make_socket(k, p) for k, p in zip(kinds, paths)]
    pid, stream = start(sockets, names)
    log = Log(stream)
    if refused:
        check(f"{what}: it is refused", log.until(refused), log.text)
        check(f"{what}: status 1", stop(pid, None) == 1, log.text)
        check(f"{what}: never ready", "ready" not in log.text, log.text)
    else:
        check(f"{what}: ready", log.until("notice: ready"), log.text)
        path = paths[0] if paths else f"{folder}/own.sock"
        check(f"{what}: it answers there", status_answers(path))
        check(f"{what}: only there", os.path.exists(f"{folder}/own.sock") == (not paths))
        check(f"{what}: it ends with 0", stop(pid) == 0)
        check(f"{what}: what was handed over stays", all(map(os.path.exists, paths)))
    for s in sockets:
        s.close()
    stream.close()


def run_restart():
    """Who connects while the daemon restarts waits instead of failing."""
    path = f"{folder}/kept.sock"
    kept = make_socket("unix", path)
    for _ in range(2):
        waiting = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        waiting.settimeout(20)
        waiting.connect(path)
        waiting.sendall(b"GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        pid, stream = start([kept], "admin")
        check("a call from before the start is answered", waiting.recv(15) == b"HTTP/1.1 200 OK")
        check("and it ends with 0", stop(pid) == 0)
        waiting.close()
        stream.close()
    kept.close()


class Notified:
    def __init__(self):
        self.path = f"{folder}/notify.sock"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.seen = []

    def until(self, what, seconds=20):
        """Whether a message with this line comes from now on."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not select.select([self.socket], [], [], 0.1)[0]:
                continue
            lines = self.socket.recv(4096).decode().splitlines()
            self.seen += lines
            if any(line.startswith(what) for line in lines):
                return True
        return False


def run_notify():
    """The messages of Type=notify and WatchdogSec=, in their order."""
    n = Notified()
    pid, stream = start([], None, {"NOTIFY_SOCKET": n.path, "WATCHDOG_USEC": "200000"})
    for what in ("READY=1", "WATCHDOG=1", "WATCHDOG=1"):
        check(f"it says {what}", n.until(what), n.seen)
    check("it tells how it is", any(line.startswith("STATUS=") for line in n.seen), n.seen)
    os.kill(pid, signal.SIGHUP)
    for what in ("RELOADING=1", "READY=1"):
        check(f"after SIGHUP it says {what}", n.until(what), n.seen)
    os.kill(pid, signal.SIGTERM)
    check("it says STOPPING=1", n.until("STOPPING=1"), n.seen)
    check("it ends with 0", stop(pid, None) == 0)
    stream.close()


with open(f"{folder}/conf", "w", encoding="ascii") as f:
    f.write(CONFIG.format(folder, grp.getgrgid(os.getegid()).gr_name))
for i, row in enumerate(ROWS):
    run_row(i, *row)
run_restart()
run_notify()
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)

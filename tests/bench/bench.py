#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""CPU per request and memory of the real daemon under load from simulated devices.

The daemon is pinned to one core, the load to another. CPU is that of both threads of the daemon, user and
system, per request it answered, from /proc; nothing here is a wall-clock claim. The plain UDP echo in the same
run is the ceiling that the kernel allows.
"""
import argparse
import atexit
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

TICK = os.sysconf("SC_CLK_TCK")


class UnixHTTP(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Daemon:
    """lanyardd in a directory of its own, on the first core."""

    def __init__(self, build, directory):
        self.port = free_port()
        self.dir = directory
        os.makedirs(directory, exist_ok=True)
        self.socket = os.path.join(directory, "admin.sock")
        self.build = build
        config = os.path.join(directory, "lanyard.conf")
        with open(config, "w") as f:
            f.write(f"[listen bench]\nrole = server\naddress = 0.0.0.0\nport = {self.port}\n"
                    f"[bootstrap]\nenabled = no\n[storage]\ndir = {directory}/state\n"
                    f"[admin]\nsocket = {self.socket}\nsocket_group =\n[log]\nlevel = warning\n")
        self.config = config
        self.process = None

    def start(self):
        began = time.monotonic()
        self.process = subprocess.Popen(
            ["taskset", "-c", "0", f"{self.build}/bin/lanyardd", "-c", self.config])
        atexit.register(self.process.kill)
        while True:
            try:
                self.get("/v1/status")
                return time.monotonic() - began
            except (OSError, http.client.HTTPException):
                if self.process.poll() is not None:
                    sys.exit("lanyardd did not start")
                time.sleep(0.01)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    def get(self, path):
        c = UnixHTTP(self.socket)
        c.request("GET", path)
        return c.getresponse().read().decode()

    def metrics(self):
        out = {}
        for line in self.get("/metrics").splitlines():
            if line and line[0] != "#":
                name, value = line.rsplit(" ", 1)
                out[name] = float(value)
        return out

    def cpu_s(self):
        return sum(self.cpu_parts())

    def cpu_parts(self):
        """User and system."""
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return int(fields[11]) / TICK, int(fields[12]) / TICK

    def resident(self):
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
        return 0

    def provision(self, lines):
        """PUTs in parallel, so that commits are shared."""
        def work(part):
            c = UnixHTTP(self.socket)
            for line in part:
                endpoint = json.loads(line)
                name, cred = endpoint["endpoint"], endpoint["credentials"]["oscore"]
                c.request("PUT", f"/v1/endpoints/{name}/credentials/oscore", json.dumps(cred))
                r = c.getresponse()
                body = r.read()
                if r.status != 201:
                    sys.exit(f"provisioning {name}: {r.status} {body.decode()}")
        n = 16
        threads = [threading.Thread(target=work, args=(lines[i::n],)) for i in range(n)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()


def device(build, daemon, count, *more, **kw):
    return subprocess.Popen(
        ["taskset", "-c", "1", f"{build}/bin/lanyard-device", "--fleet-seed", "bench", "--count", str(count),
         "--server", f"coap://127.0.0.1:{daemon.port}", "--lifetime", "86400", *more], **kw)


def credentials(build, daemon, count):
    return subprocess.run(
        [f"{build}/bin/lanyard-device", "--fleet-seed", "bench", "--count", str(count), "--server",
         f"coap://127.0.0.1:{daemon.port}", "--fleet-credentials"],
        check=True, capture_output=True, text=True).stdout.splitlines()


def row(name, value, unit, note=""):
    print(f"{name:44} {value:>12} {unit:8} {note}", flush=True)


def measure_registers(args, daemon):
    """Every device once: with the Echo exchange of a first use, two requests and two commits."""
    daemon.provision(credentials(args.build, daemon, args.endpoints))
    m0, c0 = daemon.metrics(), daemon.cpu_s()
    device(args.build, daemon, args.endpoints, "--rate", str(args.rate), "--quiet", "--once",
           stdout=subprocess.DEVNULL).wait()
    m1, c1 = daemon.metrics(), daemon.cpu_s()
    n = m1["lanyard_registers_total"] - m0["lanyard_registers_total"]
    if n < args.endpoints:
        sys.exit(f"only {n:.0f} devices registered")
    row("OSCORE Register, committed", f"{(c1 - c0) / n * 1e6:.1f}", "us CPU",
        f"per device, its Echo challenge included; {n:.0f} registers")


def locations(daemon):
    out, after = {}, ""
    while True:
        page = json.loads(daemon.get(f"/v1/endpoints?limit=1000&after={after}"))["endpoints"]
        for e in page:
            out[e["name"]] = e["registration"]["location"]
        if len(page) < 1000:
            return out
        after = page[-1]["name"]


def measure_updates(args, daemon):
    """Updates that were encrypted beforehand, as fast as the daemon answers them."""
    where = locations(daemon)
    lines = []
    for line in credentials(args.build, daemon, args.endpoints):
        e = json.loads(line)
        c = e["credentials"]["oscore"]
        lines.append(" ".join((c["master_secret"], c["master_salt"], c["recipient_id"], c["sender_id"],
                               where[e["endpoint"]])))
    names = ("lanyard_updates_total", "lanyard_storage_commits_total", "lanyard_storage_cpu_microseconds_total")
    m0, c0 = daemon.metrics(), daemon.cpu_parts()
    out = subprocess.run(["taskset", "-c", "1", f"{args.build}/bench/updates", str(daemon.port), str(args.rounds),
                          "1000"], input="\n".join(lines), check=True, capture_output=True, text=True).stdout
    m1, c1 = daemon.metrics(), daemon.cpu_parts()
    updates, commits, storage = (m1[n] - m0[n] for n in names)
    user, system = ((b - a) / updates * 1e6 for a, b in zip(c0, c1))
    row("OSCORE Update, durable", f"{user + system:.2f}", "us CPU",
        f"per request; {json.loads(out)['per_second']}/s, {updates / commits:.0f} requests a commit; "
        f"user {user:.2f}, system {system:.2f}; of it the storage thread {storage / updates:.2f}")
    return (user + system) / 1e6


def measure_memory(args, directory):
    daemon = Daemon(args.build, directory)
    daemon.start()
    empty = daemon.resident()
    lines = credentials(args.build, daemon, args.many)
    daemon.provision(lines)
    daemon.stop()
    daemon.start()
    idle = daemon.resident()
    row("memory, provisioned endpoint", f"{(idle - empty) / args.many:.0f}", "bytes", f"of {args.many}")
    fleet = device(args.build, daemon, args.many, "--rate", "20000", "--quiet", "--once",
                   stdout=subprocess.DEVNULL)
    fleet.wait()
    daemon.stop()
    took = daemon.start()
    registered = daemon.metrics()["lanyard_registered"]
    row("memory, registered and idle after a restart", f"{(daemon.resident() - empty) / args.many:.0f}",
        "bytes", f"{registered:.0f} registered")
    row("start with them", f"{took:.2f}", "s", "wall clock, with loading")
    daemon.stop()


def echo_ceiling(args):
    program = f"{args.build}/bench/udp_echo"
    if not os.path.exists(program):
        return None
    out = json.loads(subprocess.run([program, "3"], check=True, capture_output=True, text=True).stdout)
    for key, value in out.items():
        if "cpu" in key:
            row("plain UDP echo, recvmmsg and sendmmsg of 64", f"{value:.2f}", "us CPU", "per request")
            return value
    return None


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--build", default=os.environ.get("BUILD", "build"))
    p.add_argument("--endpoints", type=int, default=10000)
    p.add_argument("--many", type=int, default=100000)
    p.add_argument("--rate", type=int, default=20000, help="devices that start each second")
    p.add_argument("--rounds", type=int, default=20, help="Updates of each device")
    p.add_argument("--skip-memory", action="store_true")
    args = p.parse_args()
    args.build = os.path.abspath(args.build)
    with tempfile.TemporaryDirectory(prefix="lanyard-bench-") as top:
        ceiling = echo_ceiling(args)
        daemon = Daemon(args.build, os.path.join(top, "a"))
        daemon.start()
        measure_registers(args, daemon)
        update = measure_updates(args, daemon)
        if ceiling:
            row("OSCORE Update over the echo", f"{update * 1e6 / ceiling:.2f}", "times", "a ratio of this run")
        daemon.stop()
        if not args.skip_memory:
            measure_memory(args, os.path.join(top, "c"))


if __name__ == "__main__":
    main()

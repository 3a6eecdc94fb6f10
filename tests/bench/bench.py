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
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

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
                cred = json.loads(line)
                name = cred.pop("endpoint")
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


def span(daemon, seconds, *names):
    """Counts and CPU over some seconds."""
    m0, c0 = daemon.metrics(), daemon.cpu_s()
    time.sleep(seconds)
    m1, c1 = daemon.metrics(), daemon.cpu_s()
    return [m1[n] - m0[n] for n in names], c1 - c0


def row(name, value, unit, note=""):
    print(f"{name:44} {value:>12} {unit:8} {note}", flush=True)


def measure_traffic(args, daemon):
    """Register and Update: 10,000 endpoints, durable."""
    daemon.provision(credentials(args.build, daemon, args.endpoints))
    m0, c0 = daemon.metrics(), daemon.cpu_s()
    fleet = device(args.build, daemon, args.endpoints, "--rate", str(args.rate), "--quiet",
                   "--update-interval", str(args.interval), stdout=subprocess.DEVNULL)
    try:
        while daemon.metrics()["lanyard_registered"] < args.endpoints:
            time.sleep(0.2)
            if fleet.poll() is not None:
                sys.exit("the devices stopped early")
        m1, c1 = daemon.metrics(), daemon.cpu_s()
        n = m1["lanyard_requests_total"] - m0["lanyard_requests_total"]
        registers = m1["lanyard_registers_total"] - m0["lanyard_registers_total"]
        row("OSCORE Register, with Echo, and its Updates", f"{(c1 - c0) / n * 1e6:.1f}", "us CPU",
            f"per request; {registers:.0f} registers among {n:.0f} requests")
        names = ("lanyard_requests_total", "lanyard_updates_total", "lanyard_storage_commits_total")
        (requests, updates, commits), cpu = span(daemon, args.seconds, *names)
        row("OSCORE Update, durable", f"{cpu / requests * 1e6:.2f}", "us CPU",
            f"per request; {updates / args.seconds:.0f}/s, {requests / max(commits, 1):.0f} requests a commit")
        return cpu / requests
    finally:
        fleet.terminate()
        fleet.wait()


def measure_registers(args, daemon):
    """Registers alone: the same devices again, each once."""
    m0, c0 = daemon.metrics(), daemon.cpu_s()
    fleet = device(args.build, daemon, args.endpoints, "--rate", str(args.rate * 4), "--quiet", "--once",
                   "--state", os.path.join(daemon.dir, "fleet.state"), stdout=subprocess.DEVNULL)
    fleet.wait()
    m1, c1 = daemon.metrics(), daemon.cpu_s()
    n = m1["lanyard_registers_total"] - m0["lanyard_registers_total"]
    if n:
        row("OSCORE Register, committed", f"{(c1 - c0) / n * 1e6:.1f}", "us CPU", f"{n:.0f} registers")


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
    p.add_argument("--rate", type=int, default=5000, help="devices that start each second")
    p.add_argument("--interval", type=int, default=1, help="seconds between a device's Updates")
    p.add_argument("--seconds", type=int, default=10)
    p.add_argument("--skip-memory", action="store_true")
    args = p.parse_args()
    args.build = os.path.abspath(args.build)
    with tempfile.TemporaryDirectory(prefix="lanyard-bench-") as top:
        ceiling = echo_ceiling(args)
        daemon = Daemon(args.build, os.path.join(top, "a"))
        daemon.start()
        update = measure_traffic(args, daemon)
        if ceiling:
            row("OSCORE Update over the echo", f"{update * 1e6 / ceiling:.2f}", "times", "a ratio of this run")
        daemon.stop()
        daemon = Daemon(args.build, os.path.join(top, "b"))
        daemon.start()
        daemon.provision(credentials(args.build, daemon, args.endpoints))
        measure_registers(args, daemon)
        daemon.stop()
        if not args.skip_memory:
            measure_memory(args, os.path.join(top, "c"))


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""CPU per request and memory of the real daemon under load from simulated devices.

The daemon is pinned to one core, the load to another. CPU is that of both threads of the daemon, user and
system, per request it answered, from /proc: what others do on the machine disturbs that less than it disturbs
wall clock, yet it does, so the best of several runs is the one to quote. The plain UDP echo in the same run is the
ceiling that the kernel allows.
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

    def __init__(self, build, directory, program="bin/lanyardd", more=""):
        self.program = f"{build}/{program}"
        self.port, self.bootstrap_port = free_port(), free_port()
        self.dir = directory
        os.makedirs(directory, exist_ok=True)
        self.socket = os.path.join(directory, "admin.sock")
        self.build = build
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(os.path.join(directory, "notify.sock"))
        config = os.path.join(directory, "lanyard.conf")
        with open(config, "w") as f:
            f.write(f"[listen bench]\nrole = server\naddress = 0.0.0.0\nport = {self.port}\n"
                    f"[listen tcp]\ntransport = tcp\naddress = 0.0.0.0\nport = {self.port}\n"
                    f"[listen boot]\nrole = bootstrap\naddress = 0.0.0.0\nport = {self.bootstrap_port}\n"
                    f"[bootstrap]\nuri = coap://127.0.0.1:{self.port}\n[storage]\ndir = {directory}/state\n"
                    f"[gateway bench]\nsocket = {directory}/gateway.sock\nsocket_group =\nrate = 0\naddress_rate = 0\n"
                    f"queue = 100000\nqueue_bytes = 100000000\n"
                    f"[admin]\nsocket = {self.socket}\nsocket_group =\n[log]\nlevel = warning\n{more}")
        self.config = config
        self.process = None

    def start(self):
        """Seconds until it says that it is ready."""
        began = time.monotonic()
        self.process = subprocess.Popen(
            ["taskset", "-c", "0", self.program, "-c", self.config],
            env={**os.environ, "NOTIFY_SOCKET": os.path.join(self.dir, "notify.sock")})
        atexit.register(self.process.kill)
        self.notify.settimeout(0.1)
        while True:
            try:
                if b"READY=1" in self.notify.recv(4096):
                    took = time.monotonic() - began
                    break
            except TimeoutError:
                if self.process.poll() is not None:
                    sys.exit("lanyardd did not start")
        # It tells its state now and then, and waits for who does not read that.
        self.notify.settimeout(None)
        threading.Thread(target=self.listen, daemon=True).start()
        return took

    def listen(self):
        while b"STOPPING=1" not in self.notify.recv(4096):
            pass

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
        path = os.path.join(self.dir, "import.ndjson")
        with open(path, "w") as f:
            f.write("\n".join(lines) + "\n")
        began = time.monotonic()
        subprocess.run([f"{self.build}/bin/lanyardctl", "-S", self.socket, "import", path], check=True,
                       stdout=subprocess.DEVNULL)
        os.unlink(path)
        return time.monotonic() - began


class Fleet:
    """Simulated devices, on the other core. The numbers they have used are kept, so that the same devices can come
    again."""

    def __init__(self, args, daemon, count, *more, bootstrap=False, seed="bench", scheme="coap"):
        uri = (["--bootstrap-server", f"coap://127.0.0.1:{daemon.bootstrap_port}"] if bootstrap
               else ["--server", f"{scheme}://127.0.0.1:{daemon.port}"])
        self.command = [f"{args.build}/bin/lanyard-device", "--fleet-seed", seed, "--prefix", seed, "--count",
                        str(count), *uri, "--lifetime", "86400"]
        self.more = ["--rate", "1000000", "--in-flight", str(args.in_flight), "--json", "--state",
                     os.path.join(daemon.dir, f"fleet-{seed}"), *more]
        self.count, self.daemon, self.process = count, daemon, None

    def credentials(self):
        return subprocess.run([*self.command, "--fleet-credentials"], check=True, capture_output=True,
                              text=True).stdout.splitlines()

    def start(self):
        self.process = subprocess.Popen(["taskset", "-c", "1", *self.command, *self.more], stdout=subprocess.PIPE,
                                        text=True)
        atexit.register(self.process.kill)

    def end(self, *signals):
        """The report."""
        for s in signals:
            self.process.send_signal(s)
        out = self.process.communicate()[0]
        if self.process.returncode:
            sys.exit(f"lanyard-device ended with status {self.process.returncode}: {out}")
        return json.loads(out)

    def cpu_s(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK


def row(name, value, unit, note=""):
    print(f"{name:44} {value:>12} {unit:8} {note}", flush=True)


class Span:
    """What the daemon, and a fleet, did while a measurement ran."""

    def __init__(self, daemon, fleet=None):
        self.daemon, self.fleet = daemon, fleet
        self.fleet0 = fleet.cpu_s() if fleet else 0
        self.began, self.m0, self.c0 = time.monotonic(), daemon.metrics(), daemon.cpu_parts()

    def end(self):
        self.c1, self.m1 = self.daemon.cpu_parts(), self.daemon.metrics()
        self.seconds = time.monotonic() - self.began
        self.fleet_s = self.fleet.cpu_s() - self.fleet0 if self.fleet else 0
        self.user, self.system = (b - a for a, b in zip(self.c0, self.c1))
        self.cpu = self.user + self.system
        return self

    def count(self, name):
        return self.m1.get(name, 0) - self.m0.get(name, 0)


CEILING = None  # CPU us of a plain echo in this run


def per_request(name, span, n, note):
    us = span.cpu / n * 1e6
    if CEILING:
        note = f"{us / CEILING:.1f} times the echo; {note}"
    row(name, f"{us:.2f}", "us CPU", note)


def measure_bootstraps(args, daemon):
    fleet = Fleet(args, daemon, args.bootstraps, "--once", bootstrap=True, seed="boot")
    daemon.provision(fleet.credentials())
    span = Span(daemon)
    fleet.start()
    report = fleet.end()
    span.end()
    per_request("bootstrap and Register", span, args.bootstraps,
                f"per device; {args.bootstraps} in {report['all_registered_s']:.2f} s")


def measure_registers(args, daemon):
    """Every device once: with the Echo exchange of a first use, two requests and two commits."""
    fleet = Fleet(args, daemon, args.endpoints, "--once")
    span = Span(daemon)
    fleet.start()
    report = fleet.end()
    span.end()
    r = report["register"]
    per_request("OSCORE Register, committed", span, args.endpoints,
                f"per device, its Echo challenge included; {r['per_second']:.0f}/s, p50 {r['p50_ms']:.1f} ms, "
                f"p99 {r['p99_ms']:.1f} ms, {args.in_flight} in flight")
    row("lanyard-device, per endpoint", report["bytes_per_device"], "bytes",
        f"resident, of {args.endpoints}; "
        f"{(report['cpu_user_s'] + report['cpu_system_s']) / args.endpoints * 1e6:.1f} us CPU a Register, keys included")


def measure_lists(args, daemon):
    """Registers with a list of forty links, of devices that have been there before: no Echo exchange."""
    fleet = Fleet(args, daemon, args.updating, "--once", "--sensors", "35")
    settle_once(fleet)
    span = Span(daemon)
    report = settle_once(fleet)
    span.end()
    n = span.count("lanyard_registers_total")
    per_request("OSCORE Register with 40 links, committed", span, n,
                f"limit 60; {report['register']['per_second']:.0f}/s, the Echo challenge of a new run "
                f"{report['challenged'] / max(n, 1):.2f} times")


def settle_once(fleet):
    fleet.start()
    return fleet.end()


def measure_reads(args, daemon):
    """What a device costs in a call: one that asks it for a value, and one like it that is refused before."""
    fleet = Fleet(args, daemon, args.observed, "--notify-interval", "3600000", "--keep")
    settle(fleet, args.observed)

    def calls(path, status):
        c = UnixHTTP(daemon.socket)
        span = Span(daemon)
        for i in range(args.reads):
            c.request("GET", f"/v1/endpoints/bench{i % args.observed:06d}/data/{path}")
            r = c.getresponse()
            r.read()
            if r.status != status:
                sys.exit(f"read: {r.status}")
        return span.end().cpu / args.reads * 1e6

    best = min((calls("3/0/9", 200), calls("0/0/9", 422)) for _ in range(args.turns))
    fleet.end(signal.SIGTERM)
    row("Read, added by the device to the call", f"{best[0] - best[1]:.2f}", "us CPU",
        f"limit 25; the call {best[0]:.2f}, one that is refused at once {best[1]:.2f}")


def settle(fleet, count):
    """Until all of a fleet that has begun are registered."""
    base = fleet.daemon.metrics()["lanyard_registers_total"]
    fleet.start()
    while fleet.daemon.metrics()["lanyard_registers_total"] - base < count:
        if fleet.process.poll() is not None:
            sys.exit("the fleet ended early")
        time.sleep(0.2)
    time.sleep(0.5)


def measure_fleet_updates(args, daemon, name, rate, count=None, note="", **where):
    count = count or args.updating
    fleet = Fleet(args, daemon, count, "--update-rate", str(rate), "--keep", **where)
    if where:
        daemon.provision(fleet.credentials())
    settle(fleet, count)
    span = Span(daemon, fleet)
    time.sleep(args.seconds)
    span.end()
    report = fleet.end(signal.SIGTERM)
    n, u = span.count("lanyard_updates_total"), report["update"]
    commits = span.count("lanyard_storage_commits_total")
    storage = span.count("lanyard_storage_cpu_microseconds_total")
    per_request(name, span, n,
                f"{note}{n / span.seconds:.0f}/s, {n / max(commits, 1):.0f} a commit; user {span.user / n * 1e6:.2f}, system "
                f"{span.system / n * 1e6:.2f}; of it storage {storage / n:.2f}; p50 {u['p50_ms']:.1f} ms, p99 "
                f"{u['p99_ms']:.1f} ms; the fleet {span.fleet_s / n * 1e6:.2f} us")


WAKING_S = 60  # in which all devices come back


def measure_waking(args, top):
    """Devices in queue mode come back at the rate of a hundred thousand in a minute: at first nothing waits for
    them, then a Write for each."""
    daemon = Daemon(args.build, os.path.join(top, "waking"), more="[server]\nawake = 2\nqueue_total = 1000000\n")
    daemon.start()
    fleet = Fleet(args, daemon, args.waking, "--once", "--queue", seed="wake")
    daemon.provision(fleet.credentials())
    settle_once(fleet)
    waves = []
    for waits in (False, True):
        time.sleep(3)  # until they count as asleep
        if waits:
            c = UnixHTTP(daemon.socket)
            for i in range(args.waking):
                c.request("PUT", f"/v1/endpoints/wake{i:06d}/data/3303/0/5750?wait=0", json.dumps({"value": "cellar"}))
                r = c.getresponse()
                if r.status != 202:
                    sys.exit(f"a Write to a device that sleeps: {r.status} {r.read().decode()}")
                r.read()
        fleet = Fleet(args, daemon, args.waking, "--queue", "--keep", seed="wake")
        fleet.more[fleet.more.index("--rate") + 1] = str(100000 // WAKING_S)
        span = Span(daemon)
        settle(fleet, args.waking)
        while waits and daemon.metrics()["lanyard_operations_queued"] > 0:
            time.sleep(0.2)
        span.end()
        report = fleet.end(signal.SIGTERM)
        waves.append((report["register"]["p50_ms"], report["register"]["p99_ms"], span.cpu / args.waking * 1e6))
    daemon.stop()
    row("Register of a wave, a Write waiting for each", f"{waves[1][1]:.1f}", "ms p99",
        f"{args.waking} devices at {100000 // WAKING_S}/s; p50 {waves[1][0]:.1f}; nothing waiting: p99 "
        f"{waves[0][1]:.1f}, p50 {waves[0][0]:.1f}; a device costs {waves[1][2]:.0f} and {waves[0][2]:.0f} us CPU")


def measure_notifications(args, daemon):
    fleet = Fleet(args, daemon, args.observed, "--notify-interval", "1000", "--keep")
    settle(fleet, args.observed)
    c = UnixHTTP(daemon.socket)
    for i in range(args.observed):
        c.request("PUT", f"/v1/endpoints/bench{i:06d}/observations/3303/0/5700")
        r = c.getresponse()
        body = r.read()
        if r.status >= 300:
            sys.exit(f"observe: {r.status} {body.decode()}")
    span = Span(daemon)
    time.sleep(args.seconds)
    span.end()
    fleet.end(signal.SIGTERM)
    n = span.count("lanyard_notifications_total")
    if not n:
        sys.exit("no notification came")
    per_request("notification, observed value", span, n,
                f"each stored as an event; {n / span.seconds:.0f}/s of {args.observed} devices")


def measure_idle(args, daemon):
    span = Span(daemon)
    time.sleep(args.idle_seconds)
    span.end()
    row("idle with them registered", f"{span.cpu / span.seconds * 100:.2f}", "% core",
        f"over {span.seconds:.0f} s, two readings of the metrics included")


def locations(daemon):
    out, after = {}, ""
    while True:
        page = json.loads(daemon.get(f"/v1/endpoints?limit=1000&after={after}"))["endpoints"]
        for e in page:
            out[e["name"]] = e["registration"]["location"]
        if len(page) < 1000:
            return out
        after = page[-1]["name"]


FIRST_NUMBER = 1 << 19  # above all that the fleets have used, and below what a key may do


class Updates:
    """What a run of Updates that were encrypted beforehand cost, sent as fast as the daemon answers them. Each run
    uses up numbers of the devices' keys."""
    runs = 0

    def __init__(self, args, daemon, port=None):
        lines = update_lines(args, daemon)
        names = ("lanyard_updates_total", "lanyard_storage_commits_total", "lanyard_storage_cpu_microseconds_total")
        first = FIRST_NUMBER + Updates.runs * args.rounds
        Updates.runs += 1
        m0, c0 = daemon.metrics(), daemon.cpu_parts()
        out = subprocess.run(["taskset", "-c", "1", f"{args.build}/bench/updates", str(port or daemon.port), str(args.rounds),
                              str(first)], input="\n".join(lines), check=True, capture_output=True, text=True).stdout
        m1, c1 = daemon.metrics(), daemon.cpu_parts()
        self.n, self.commits, self.storage = (m1[n] - m0[n] for n in names)
        self.user, self.system = ((b - a) / self.n * 1e6 for a, b in zip(c0, c1))
        self.us = self.user + self.system
        self.per_second = json.loads(out)["per_second"]


def update_lines(args, daemon):
    where = locations(daemon)
    lines = []
    for line in Fleet(args, daemon, args.updating).credentials():
        e = json.loads(line)
        c = e["credentials"]["oscore"]
        lines.append(" ".join((c["master_secret"], c["master_salt"], c["recipient_id"], c["sender_id"],
                               where[e["endpoint"]])))
    return lines


def measure_updates(args, daemon):
    u = min((Updates(args, daemon) for _ in range(args.turns)), key=lambda u: u.us)
    row("OSCORE Update, encrypted beforehand", f"{u.us:.2f}", "us CPU",
        f"per request, the best of {args.turns}; {u.per_second}/s, {u.n / u.commits:.0f} requests a commit; "
        f"user {u.user:.2f}, system {u.system:.2f}; of it the storage thread {u.storage / u.n:.2f}")
    gateway = os.path.join(daemon.dir, "gateway.sock")
    g = min((Updates(args, daemon, gateway) for _ in range(args.turns)), key=lambda u: u.us)
    row("OSCORE Update through the gateway socket", f"{g.us:.2f}", "us CPU",
        f"per request, the best of {args.turns} (limit 12); {g.per_second}/s, {g.n / g.commits:.0f} requests a commit; "
        f"user {g.user:.2f}, system {g.system:.2f}; of it the storage thread {g.storage / g.n:.2f}")
    return u.us


def registered(args, directory, program):
    """A daemon that args.updating devices have registered with."""
    daemon = Daemon(args.build, directory, program)
    daemon.start()
    fleet = Fleet(args, daemon, args.updating, "--once")
    daemon.provision(fleet.credentials())
    fleet.start()
    fleet.end()
    return daemon


def measure_durability(args, top):
    """Updates of a daemon that stores which requests it has seen and of one that does not, by turns: the machine's
    hour weighs on both alike."""
    best = {}
    daemons = {p: registered(args, os.path.join(top, os.path.basename(p)), p)
               for p in ("bin/lanyardd", "bench/lanyardd-forgetful")}
    for _ in range(args.turns):
        for program, daemon in daemons.items():
            u = Updates(args, daemon)
            if program not in best or u.per_second > best[program].per_second:
                best[program] = u
    for daemon in daemons.values():
        daemon.stop()
    with_it, without = best.values()
    row("durable receive state", f"{with_it.per_second / without.per_second * 100:.0f}", "%",
        f"of the Updates a second without it, on one core for both threads ({with_it.per_second} of "
        f"{without.per_second}, the best of {args.turns} each; limit 85 %); protocol thread "
        f"{with_it.us - with_it.storage / with_it.n:.2f} us with it, "
        f"{without.us - without.storage / without.n:.2f} without")


def measure_flood(args, top):
    """A fleet at work while strangers send all that the other core can."""
    daemon = registered(args, os.path.join(top, "flooded"), "bin/lanyardd")
    fleet = Fleet(args, daemon, args.updating, "--update-rate", "1000", "--keep")
    kids = [json.loads(line)["credentials"]["oscore"]["recipient_id"] for line in fleet.credentials()]

    def flood(seconds):
        return json.loads(subprocess.run(["taskset", "-c", "1", f"{args.build}/bench/flood", str(daemon.port), "100000",
                                          str(seconds)], input="\n".join(kids), check=True, capture_output=True,
                                         text=True).stdout)

    settle(fleet, args.updating)
    flood(1)  # what is there for strangers is made now
    before = daemon.resident()
    span = Span(daemon)
    out = flood(args.seconds * 2)
    span.end()
    grown = daemon.resident() / before - 1
    time.sleep(1)
    u = fleet.end(signal.SIGTERM)["update"]
    row("honest Updates answered in a flood", f"{u['done'] / max(u['done'] + u['failed'], 1) * 100:.2f}", "%",
        f"of {u['done'] + u['failed']} (limit 99.9); {out['per_second']} forged packets a second, {out['answers']} "
        f"answered, {out['amplification']} bytes back for each byte (limit 3); p99 {u['p99_ms']:.1f} ms (limit 250); "
        f"memory {grown * 100:+.1f} % (limit 5); {span.cpu / (span.count('lanyard_datagrams_received_total') or 1) * 1e6:.2f} us "
        f"CPU a packet")
    daemon.stop()


def best_start(daemon, times):
    """The machine is shared: the shortest of a few. Stops it first."""
    best = None
    for _ in range(times):
        daemon.stop()
        took = daemon.start()
        cpu = daemon.cpu_s()
        best = min(best or (took, cpu), (took, cpu))
    return best


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
    global CEILING
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--build", default=os.environ.get("BUILD", "build"))
    p.add_argument("--endpoints", type=int, default=100000)
    p.add_argument("--bootstraps", type=int, default=1000)
    p.add_argument("--updating", type=int, default=10000, help="endpoints that send Updates")
    p.add_argument("--connected", type=int, default=900, help="endpoints that send Updates over TCP")
    p.add_argument("--observed", type=int, default=1000)
    p.add_argument("--waking", type=int, default=20000, help="devices in queue mode that come back together")
    p.add_argument("--reads", type=int, default=10000, help="calls of each kind")
    p.add_argument("--in-flight", type=int, default=500, help="requests under way at a time")
    p.add_argument("--rounds", type=int, default=20, help="Updates of each device, encrypted beforehand")
    p.add_argument("--turns", type=int, default=3, help="comparisons that are made by turns")
    p.add_argument("--seconds", type=float, default=5, help="of each measurement under load")
    p.add_argument("--idle-seconds", type=float, default=20)
    args = p.parse_args()
    args.build = os.path.abspath(args.build)
    with tempfile.TemporaryDirectory(prefix="lanyard-bench-") as top:
        CEILING = echo_ceiling(args)
        daemon = Daemon(args.build, os.path.join(top, "a"))
        daemon.start()
        empty = daemon.resident()
        measure_bootstraps(args, daemon)
        span = Span(daemon)
        daemon.provision(Fleet(args, daemon, args.endpoints).credentials())
        span.end()
        per_request("import, with credentials", span, args.endpoints, f"per endpoint; {span.seconds:.1f} s")
        best_start(daemon, 1)
        row("memory, provisioned endpoint", f"{(daemon.resident() - empty) / args.endpoints:.0f}", "bytes",
            f"of {args.endpoints}")
        measure_registers(args, daemon)
        took, cpu = best_start(daemon, 3)
        row("start with them", f"{took:.2f}", "s", f"until READY, best of 3; CPU {cpu:.2f} s")
        row("memory, registered, after a restart", f"{(daemon.resident() - empty) / args.endpoints:.0f}", "bytes",
            "answers of the last minutes included")
        measure_idle(args, daemon)
        measure_fleet_updates(args, daemon, "OSCORE Update, as fast as it goes", 1000000)
        measure_fleet_updates(args, daemon, "OSCORE Update, at 10,000/s", 10000)
        measure_fleet_updates(args, daemon, "OSCORE Update over TCP, as fast as it goes", 1000000, args.connected,
                              f"limit 12; {args.connected} connections; ", seed="tcp", scheme="coap+tcp")
        measure_lists(args, daemon)
        measure_reads(args, daemon)
        measure_notifications(args, daemon)
        update = measure_updates(args, daemon)
        if CEILING:
            row("OSCORE Update over the echo", f"{update / CEILING:.2f}", "times", "a ratio of this run")
        daemon.stop()
        measure_waking(args, top)
        measure_durability(args, top)
        measure_flood(args, top)


if __name__ == "__main__":
    main()

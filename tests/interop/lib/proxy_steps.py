# SPDX-License-Identifier: Apache-2.0
"""proxy_steps.py LANYARDCTL SOCKET: three devices behind one proxy, with one address and port.

Two are lanyard-device, one is aiocoap. The proxy is honest, then cuts messages into blocks and adds
options, then is hostile. What is done must be done once, and nothing that the proxy made up.
"""

import asyncio
import json
import os
import re
import sys
import tempfile

from hostile import Hostile
from judge import CTL, check, ctl, main, provision, rest, until
from lwm2m_client import Client, MemoryContext
from proxy import Proxy

AIO, ONE, TWO = EPS = ["behind-aiocoap", "behind-one", "behind-two"]
BIN = os.path.dirname(CTL)
FIRMWARE = 20000


async def counters():
    text, out = await ctl("metrics"), {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            out[name] = int(float(value))
    return out


def refusals(n):
    return {re.search('reason="([^"]+)"', k).group(1): v for k, v in n.items() if k.startswith("lanyard_refusals_total")}


async def view(ep):
    return await rest("GET", "/v1/endpoints/" + ep)


class Device:
    """lanyard-device as a process."""

    def __init__(self, ep, folder, path):
        self.ep, self.file, self.log, self.path = ep, folder + "/" + ep, folder + "/" + ep + ".log", path

    async def start(self, number):
        secret, salt, ident = os.urandom(16), os.urandom(8), bytes([0xD0, number])
        await provision(self.ep, secret, salt, ident)
        with open(self.file, "w") as f:
            f.write(
                "endpoint=%s\nbootstrap_uri=%s\nmaster_secret=%s\nmaster_salt=%s\nsender_id=%s\nrecipient_id=01\n"
                % (self.ep, self.path.uri, secret.hex(), salt.hex(), ident.hex())
            )
        self.process = await asyncio.create_subprocess_exec(
            BIN + "/lanyard-device", "--config", self.file, "--notify-interval", "200", "--notify", "con",
            "--log-events", "--deregister", stdout=open(self.log, "w"), stderr=asyncio.subprocess.STDOUT
        )  # fmt: skip

    def events(self, name):
        with open(self.log) as f:
            return sum("event=%s " % name in line for line in f)

    async def stop(self):
        self.process.terminate()
        return await asyncio.wait_for(self.process.wait(), 20)


async def registered(ep):
    return await until(lambda: view(ep), lambda e: e["registered"], 15)


async def operations(client, folder, how):
    """What an operator does, to each device; each has to succeed."""
    package = os.urandom(FIRMWARE)
    with open(folder + "/package", "wb") as f:
        f.write(package)
    for n, ep in enumerate(EPS):
        value = "+%02d" % (n + len(how) % 7)
        await ctl("write", ep, "/3/0/14", value)
        check("%s, %s: written and read" % (how, ep), (await ctl("-j", "read", ep, "/3/0/14"))["value"], value)
    maker = [(await ctl("-j", "read", ep, "/3/0/1"))["value"] for ep in EPS]
    check(how + ": devices are not mixed up", (maker[0], maker[1] != "aiocoap"), ("aiocoap", True))
    done = await asyncio.gather(*(ctl("write", ep, "/5/0/0", "--file", folder + "/package") for ep in EPS))
    check(how + ": 20 kB are written, to all at once", len(done), 3)
    check(how + ": and arrive whole", client.objects[5][0][0] == package)
    got = await ctl("-j", "read", ONE, "/19/0/0")
    check(how + ": 4 kB are read", len(str(got)) > 4000)
    executed = len(client.executed)
    await ctl("execute", AIO, "/3/0/5")
    check(how + ": executed once", len(client.executed), executed + 1)


async def observe(client, how, first, gaps=False):
    """Values of aiocoap's device as the server has them, newest last."""
    text = []
    p = await asyncio.create_subprocess_exec(
        CTL, "-S", sys.argv[2], "-j", "events", "-e", AIO, "-t", "notification",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
    )  # fmt: skip

    async def read():
        async for line in p.stdout:
            text.append(line.decode())

    reader = asyncio.ensure_future(read())
    await rest("PUT", "/v1/endpoints/%s/observations/3303/0/5700" % AIO)
    values = [first + n + 0.5 for n in range(10)]
    for v in values:
        client.notify("/3303/0/5700", b"%.1f" % v)
        await asyncio.sleep(0.03)

    async def told():
        got = [json.loads(line)["data"]["value"] for line in text]
        return [v for v in got if v >= first]

    got = await until(told, lambda g: values[-1] in g, 5)
    check("%s: the newest value is told last" % how, got[-1:], values[-1:])
    check("%s: values come in order" % how, got, sorted(got))
    check("%s: each at most once" % how, gaps or len(got) == len(set(got)))
    p.kill()
    await p.wait()
    await reader
    await ctl("cancel", AIO, "/3303/0/5700")

    async def observers():
        return client.site.observers

    # The call ends when the wish is gone; the device hears of it later.
    left = await until(observers, lambda o: not o, 5)
    check("%s: cancelled" % how, left, {})


async def updates(client, devices, how):
    before = (await counters())["lanyard_updates_total"]
    answer = await client.update()
    check(how + ": Update is answered 2.04", str(answer.code), "2.04 Changed")
    for d in devices:
        await ctl("execute", d.ep, "/1/0/8")

    async def n():
        return (await counters())["lanyard_updates_total"] - before

    check(how + ": three Updates, each done once", await until(n, lambda v: v >= 3), 3)


async def hostile_form(proxy, client, devices, folder, spared):
    before = await counters()
    locations = [(await view(ep))["registration"]["location"] for ep in EPS]
    numbers = [d.events("registered") for d in devices]
    h = proxy.hostile = Hostile(spared)
    await operations(client, folder, "hostile")
    await observe(client, "hostile", 50)
    await updates(client, devices, "hostile")
    await asyncio.sleep(0.3)
    proxy.hostile = None
    after = await counters()
    why = {k: v - refusals(before).get(k, 0) for k, v in refusals(after).items()}
    print("        what it did:", dict(h.count))
    print("        answered:", {"%s: %s" % k: v for k, v in h.codes.items()})
    print("        counted:", {k: v for k, v in why.items() if v})
    check("no lie got a protected answer", h.protected, 0)
    check("no answer to a lie is longer than three times the lie", h.grown, [])
    check("each forged answer was ignored and counted", why["unprotected-answer"], h.count["forged"])
    check(
        "so was each that belongs to another request or device, or was changed",
        why["answer-decryption-failed"], h.count["swapped"] + h.count["notification flipped"]
    )  # fmt: skip
    check(
        "each changed request was refused and counted",
        why["decryption-failed"], sum(h.count[k] for k in ("flipped", "truncated", "another number", "the payload of another device"))
    )  # fmt: skip
    check("each replay was refused and counted", why["replay"], h.count["replayed"])
    check("devices refused theirs", {c for (k, c) in h.codes if "to the device" in k} <= {"4.00", "4.01"})
    check("registrations are what they were", [(await view(ep))["registration"]["location"] for ep in EPS], locations)
    check("and devices did not register anew", [d.events("registered") for d in devices], numbers)
    told = await ctl("explain", ONE)
    check("explain tells of it", "unprotected-answer" in told and "replay" in told)


async def run():
    listeners = (await rest("GET", "/v1/status"))["listeners"]
    proxy = Proxy({l["role"]: l["port"] for l in listeners})
    await proxy.open()
    server, bootstrap = proxy.paths["server"], proxy.paths["bootstrap"]
    await rest("PUT", "/v1/bootstrap-default", {"servers": [{"uri": server.uri}]})
    with tempfile.TemporaryDirectory() as folder:
        devices = [Device(ep, folder, bootstrap) for ep in (ONE, TWO)]
        for i, d in enumerate(devices):
            await d.start(i)
        secret, salt = os.urandom(16), os.urandom(8)
        await provision(AIO, secret, salt, b"\xa1")
        client = Client(AIO, bootstrap.uri, MemoryContext(secret, salt, b"\xa1", b"\x01"))
        await client.start()
        try:
            await forms(proxy, client, devices, folder)
        finally:
            codes = [await d.stop() for d in devices]
            await client.stop()
            proxy.close()
        check("the devices end well", codes, [0, 0])


async def forms(proxy, client, devices, folder):
    answer = await client.bootstrap()
    check("bootstrap through the proxy", str(answer.code), "2.04 Changed")
    client.adopt(client.accounts()[0])
    check("Register through the proxy", str((await client.register()).code), "2.01 Created")
    seen = {(await registered(ep))["registration"]["address"] for ep in EPS}
    port = proxy.paths["server"].back.port
    check("all three have the address of the proxy", seen, {"udp 127.0.0.1:%d" % port})
    await operations(client, folder, "honest")
    await observe(client, "honest", 30)
    await updates(client, devices, "honest")
    proxy.szx, proxy.options = 2, True
    await operations(client, folder, "in pieces")
    await updates(client, devices, "in pieces")
    await client.deregister()
    check("Register in pieces", str((await client.register()).code), "2.01 Created")
    proxy.szx = 0
    await client.deregister()
    check("its answer in pieces, too", str((await client.register()).code), "2.01 Created")
    await observe(client, "notifications in pieces", 40, gaps=True)
    print("        passed on:", proxy.count)
    pieces = [v for k, v in proxy.count.items() if "pieces" in k]
    check("there were pieces of each kind", min(pieces) > 0)
    proxy.szx = None
    aio = [d for d in proxy.paths["server"].devices if d[1] == client.port]
    await hostile_form(proxy, client, devices, folder, aio)


sys.exit(asyncio.run(main(run)))

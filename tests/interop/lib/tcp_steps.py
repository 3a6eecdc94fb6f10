# SPDX-License-Identifier: Apache-2.0
"""tcp_steps.py LANYARDCTL SOCKET: the main job over TCP, both ways on the one connection that the device opens.

aiocoap frames, signals and protects; its OSCORE context moves between TCP and UDP. Proves: TRN-TCP-2, TRN-TCP-3,
TRN-TCP-4, TRN-TCP-5
"""

import asyncio
import os
import sys

from judge import check, ctl, main, provision, rest, until
from lwm2m_client import Client, MemoryContext

EP = "urn:dev:ops:aiocoap-tcp"


def connections(client):
    """Those that aiocoap has open now."""
    found = []
    for manager in client.coap.request_interfaces:
        pool = getattr(getattr(manager, "token_interface", None), "_pool", {})
        found += pool.values() if isinstance(pool, dict) else []
    return found


async def registration():
    return (await rest("GET", "/v1/endpoints/" + EP))["registration"] or {}


async def bearer():
    return (await registration()).get("address", "").split(" ")[0]


async def management(client):
    check("a value is read", (await ctl("-j", "read", EP, "/3/0/0"))["value"], "Lanyard")
    check("under the server's keys", {r.role for r in client.requests[-1:]}, {"server"})
    await ctl("write", EP, "/3/0/14", "+02")
    check("one is written", client.objects[3][0][14], b"+02")
    await ctl("execute", EP, "/3/0/4")
    check("and one executed", client.executed, [([3, 0, 4], b"")])
    text = "".join("line %d of a long text\n" % i for i in range(130))
    client.objects[3][0][1] = text.encode()
    check("a value of 3 kB is read in blocks", (await ctl("-j", "read", EP, "/3/0/1"))["value"], text)
    await rest("PUT", "/v1/endpoints/%s/data/3/0/14" % EP, {"value": text})
    check("and one written", client.objects[3][0][14], text.encode())
    check("all by one connection", len(connections(client)), 1)


async def observation(client):
    path, values = "/3303/0/5700", (b"22.5", b"23.5", b"24.5")
    got = await rest("PUT", "/v1/endpoints/%s/observations%s" % (EP, path))
    check("an observation starts with the value", got["value"], 21.5)
    for value in values:
        client.notify(path, value)
        await asyncio.sleep(0.05)

    async def notified():
        return (await rest("GET", "/v1/endpoints/%s/observations" % EP))["observations"]

    listed = await until(notified, lambda l: l[0]["notifications"] >= len(values))
    check("its notifications arrive (TRN-TCP-4)", listed[0]["notifications"] >= len(values))
    await rest("DELETE", "/v1/endpoints/%s/observations%s" % (EP, path), want=204)
    for _ in range(100):
        await asyncio.sleep(0 if not client.site.observers else 0.02)
    check("and end with a cancellation", client.site.observers, {})


async def challenge(client):
    context = client.contexts["server"]
    context.challenge()
    check("a Read that is challenged with Echo", (await ctl("-j", "read", EP, "/3/0/9"))["value"], 85)
    check("was challenged once", context.challenges, 1)


async def lost(client):
    """The connection goes; the registration stays, and the device comes back by another."""
    before = (await registration())["location"]
    for c in connections(client):
        c._transport.abort()
    client.requests.clear()
    out = await ctl("read", EP, "/3/0/0", "--wait", "1")
    check("a Read waits", ("has not answered yet" in out, client.requests), (True, []))
    check("without a connection it is registered still (TRN-TCP-5)", (await registration()).get("location"), before)
    check("an Update by a new one", str((await client.update()).code), "2.04 Changed")
    check("finds the registration", (await registration())["location"], before)
    for _ in range(100):
        await asyncio.sleep(0 if client.requests else 0.02)
    check("by which the Read comes", [r.path for r in client.requests], ["/3/0/0"])
    check("which serves", (await ctl("-j", "read", EP, "/3/0/0"))["value"], "Lanyard")


async def move(client, tcp, udp):
    """One OSCORE context, whatever carries it."""
    number = client.contexts["server"].sender_sequence_number
    for uri, name in ((udp, "udp"), (tcp, "tcp"), (udp, "udp")):
        client.account.uri = uri
        client._use("server", uri)
        check("an Update over %s" % name, str((await client.update()).code), "2.04 Changed")
        check("moves the device there", await bearer(), name)
        check("where it is read", (await ctl("-j", "read", EP, "/3/0/9"))["value"], 85)
    contexts = (await rest("GET", "/v1/endpoints/%s/credentials/oscore" % EP))["contexts"]
    server = [c for c in contexts if c["role"] == "server"]
    check("under one context", len(server), 1)
    check("which saw all its numbers, and none twice", (server[0]["highest"], server[0]["replays"]), (number + 2, 0))
    client.account.uri = tcp


async def run():
    listeners = (await rest("GET", "/v1/status"))["listeners"]
    port = {(l["role"], l["transport"]): l["port"] for l in listeners}
    udp = "coap://127.0.0.1:%d" % port["server", "udp"]
    tcp = "coap+tcp://127.0.0.1:%d" % port["server", "tcp"]
    boot = "coap+tcp://127.0.0.1:%d" % port["bootstrap", "tcp"]
    secret, salt, device = os.urandom(16), os.urandom(8), b"\xa1\xb2\xc4"
    await rest("PUT", "/v1/bootstrap-default", {"servers": [{"uri": tcp, "binding": "UT"}]})
    await provision(EP, secret, salt, device)
    client = Client(EP, boot, MemoryContext(secret, salt, device, b"\x01"))
    client.transports, client.binding = ["oscore", "udp6", "tcpclient"], "UT"
    await client.start()
    check("a bootstrap over TCP is answered 2.04", str((await client.bootstrap()).code), "2.04 Changed")
    check("its commands came under the bootstrap keys", {r.role for r in client.requests}, {"bootstrap"})
    accounts = client.accounts()
    check("it gives one account, over TCP", [a.uri for a in accounts], [tcp])
    client.adopt(accounts[0])
    for c in connections(client):  # the bootstrap server's
        c._transport.abort()
    await asyncio.sleep(0.1)
    check("a Register over TCP", str((await client.register()).code), "2.01 Created")
    check("is told with its address", await bearer(), "tcp")
    check("and binding", (await registration()).get("binding"), "UT")
    await management(client)
    await observation(client)
    await challenge(client)
    await lost(client)
    await move(client, tcp, udp)
    check("a De-register", str((await client.deregister()).code), "2.02 Deleted")
    await client.stop()


sys.exit(asyncio.run(main(run)))

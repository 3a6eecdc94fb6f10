# SPDX-License-Identifier: Apache-2.0
"""steps.py LANYARDCTL SOCKET: the main job with a client that nobody here wrote.

The daemon runs, its bootstrap and server listeners are open. Prints a line for each assertion and,
last, "N passed, N failed".
"""

import asyncio
import base64
import json
import os
import sys
import urllib.parse

import aiocoap
import cbor2
from aiocoap.numbers import codes

import lwm2m_client
from judge import CTL, SOCKET, check, ctl, main, rest, until
from lwm2m_client import LINK, TLV, Client, MemoryContext

EP = "urn:dev:ops:aiocoap-1"
async def endpoint():
    return await rest("GET", "/v1/endpoints/" + EP)


async def events(kinds, n, after=0):
    """The first n events of these kinds after a number; fewer if they do not come."""
    p = await asyncio.create_subprocess_exec(
        CTL, "-S", SOCKET, "-j", "events", "-e", EP, "-t", kinds, "--after", str(after), "-n", str(n),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
    )  # fmt: skip
    out = []
    try:
        while len(out) < n:
            line = await asyncio.wait_for(p.stdout.readline(), 10)
            if not line:
                break
            out.append(json.loads(line))
    except asyncio.TimeoutError:
        p.kill()
    await p.wait()
    return out


async def refusals(uris):
    """What has no security gets nowhere."""
    plain = aiocoap.Message(
        code=codes.POST, uri_path=["rd"], uri_query=["ep=" + EP, "lt=300", "lwm2m=1.1", "b=U"],
        content_format=LINK, payload=b"</3/0>"
    )  # fmt: skip
    reply = await lwm2m_client.exchange(uris["server"], lwm2m_client.datagram(plain))
    check("a Register without security is refused with 4.01", reply and reply.code, "4.01")
    plain = aiocoap.Message(code=codes.POST, uri_path=["bs"], uri_query=["ep=" + EP])
    reply = await lwm2m_client.exchange(uris["bootstrap"], lwm2m_client.datagram(plain))
    check("a Bootstrap-Request without security is refused with 4.01", reply and reply.code, "4.01")
    check("neither registered anything", (await endpoint())["registered"], False)


async def bootstrap(client, uris):
    context = client.contexts["bootstrap"]
    answer = await client.bootstrap()
    check("the Bootstrap-Request is answered 2.04", str(answer.code), "2.04 Changed")
    check(
        "its first use was challenged: the request went out twice",
        context.sender_sequence_number, 2
    )  # fmt: skip
    asked = [(r.method, r.path) for r in client.requests]
    check("all commands came under the bootstrap context", {r.role for r in client.requests}, {"bootstrap"})
    check("the first command is Discover of all", asked[:1], [("GET", "/")])
    check("it asks for link format", client.requests[0].accept, LINK)
    check("the last command is Finish", asked[-1:], [("POST", "/bs")])
    writes = [r for r in client.requests if r.method == "PUT"]
    between = asked[1:-1]
    check("in between are deletes, then writes", between, sorted(between, key=lambda a: a[0]))
    check("writes come in the order /0, /1, /21", [w.path.split("/")[1] for w in writes], ["0", "1", "21"])
    check("writes are TLV, as asked", {w.content_format for w in writes}, {TLV})
    ours = {"/0/0", "/21/0", "/0", "/21", "/"}
    touched = ours & {r.path for r in client.requests if r.method in ("DELETE", "PUT")}
    check("the bootstrap account in use is left alone", touched, set())
    accounts = client.accounts()
    check("one server account with keys was written", len(accounts), 1)
    account = accounts[0]
    check("its URI is that of the plan", account.uri, uris["server"])
    check("its security mode is NoSec", client.objects[0][account.iid][2], b"\3")
    check("its lifetime is that of the plan", account.lifetime, 86400)
    check("its binding is that of the plan", account.binding, "U")
    check("the Master Secret has 16 bytes", len(account.oscore[0]), 16)
    check("the device's Sender ID has 5 bytes", len(account.oscore[1]), 5)
    state = await until(
        lambda: rest("GET", "/v1/bootstrap/" + EP), lambda b: b["last_result"] == "finished"
    )
    check("the server says that bootstrap finished", (state["last_result"], state["state"]), ("finished", "idle"))
    got = await events("bootstrap", 1)
    check("and has an event of it", [e["type"] for e in got], ["bootstrap"])
    return account


async def registration(client):
    sent = len(client.sent)
    answer = await client.register()
    check("the Register under the new keys is answered 2.01", str(answer.code), "2.01 Created")
    check("its location is below /rd", client.location.split("/")[0], "rd")
    e = await endpoint()
    r = e["registration"] or {}
    check("the server lists it as registered", e["registered"])
    check("under OSCORE", r.get("security"), "oscore")
    check("with the lifetime asked for", r.get("lifetime_s"), 300)
    check("as LwM2M 1.1", r.get("lwm2m"), "1.1")
    check("at that location", "rd/" + r.get("location", ""), client.location)
    check("with the objects told", sorted(r.get("objects", [])), sorted(["/1/0", "/3/0", "/3303/0", "/5/0"]))
    check("at the client's address", r.get("address"), "udp 127.0.0.1:%d" % client.port)
    check("lanyardctl list shows it", EP in await ctl("list"))
    got = await events("registered", 1)
    check("and there is an event of it", [e["type"] for e in got], ["registered"])
    return client.sent[sent:]


async def device_management(client):
    check("lanyardctl reads text", (await ctl("-j", "read", EP, "/3/0/0"))["value"], "Lanyard")
    check("lanyardctl reads a number", (await ctl("-j", "read", EP, "/3/0/9"))["value"], 85)
    got = await ctl("-j", "read", EP, "/3/0")
    values = {r["path"]: r.get("value") for r in got.get("resources", got.get("values", []))}
    check("an instance is read as TLV, not as its values' types", (values.get("/3/0/1"), got["format"]), ("aiocoap", "tlv"))
    out = await ctl("read", EP, "/3/0/99", want=1)
    check("a Read of what is not there tells the device's 4.04", "4.04" in out)
    await ctl("write", EP, "/3/0/14", "+02")
    check("lanyardctl writes", client.objects[3][0][14], b"+02")
    check("and reads back what it wrote", (await ctl("-j", "read", EP, "/3/0/14"))["value"], "+02")
    await ctl("execute", EP, "/3/0/4")
    check("lanyardctl executes, without arguments", client.executed, [([3, 0, 4], b"")])
    await ctl("execute", EP, "/3/0/5", "0='a',3")
    check("and with them", client.executed[1:], [([3, 0, 5], b"0='a',3")])


async def together(client):
    """Several requests under way at once (RFC 7252 section 4.7), acknowledged, and answered the last first."""
    paths = ["/3/0/0", "/3/0/1", "/3/0/9", "/3/0/14"]
    await ctl("set", EP, "nstart=4")
    client.gate = lwm2m_client.Gate(len(paths))
    got = await asyncio.gather(*(ctl("-j", "read", EP, p) for p in paths))
    check("four answers, each its own", [r["value"] for r in got], ["Lanyard", "aiocoap", 85, "+02"])
    check("to requests that were there together", client.gate.here, 4)
    client.gate = None
    client.objects[3][0][15] = b""
    old = [client.objects[3][0][i] for i in (0, 1)]
    long = ["".join("%s of line %d\n" % (what, i) for i in range(200)) for what in ("one", "another")]
    await asyncio.gather(*(rest("PUT", "/v1/endpoints/%s/data/3/0/%d" % (EP, i), {"value": v}) for i, v in zip((14, 15), long)))
    check("two long bodies arrive, each whole", [client.objects[3][0][i].decode() for i in (14, 15)], long)
    client.objects[3][0].update({0: long[0].encode(), 1: long[1].encode()})
    got = await asyncio.gather(*(ctl("-j", "read", EP, "/3/0/%d" % i) for i in (0, 1, 14, 15)))
    check("four long answers come back", [r["value"] for r in got], long + long)
    client.objects[3][0].update({0: old[0], 1: old[1], 14: b"+02"})
    del client.objects[3][0][15]
    await ctl("set", EP, "nstart=0")


async def instances(client):
    """Create, Delete, Discover, the partial Write and attributes."""
    sensors = client.objects[3303]
    out = await ctl("create", EP, "/3303", '{"5750":"attic"}')
    check("Create without a number: the client's choice is printed", "/3303/1" in out)
    check("and made", sensors.get(1), {5750: b"attic"})
    request = client.requests[-1]
    check("by a POST in TLV", (request.method, request.path, request.content_format), ("POST", "/3303", TLV))
    out = await ctl("create", EP, "/3303/7", '{"5750":"cellar"}')
    check("Create with a number", sensors.get(7), {5750: b"cellar"})
    out = await ctl("create", EP, "/3303/7", '{"5750":"x"}', want=1)
    check("twice it is the client's 4.00", "4.00" in out)

    async def listed():
        objects = (await endpoint())["registration"]["objects"]
        return sorted(o for o in objects if o.startswith("/3303"))

    check("the server lists both, without an Update", await listed(), ["/3303/0", "/3303/1", "/3303/7"])
    await ctl("write", "--partial", EP, "/3303/7", '{"5750":"shed"}')
    request = client.requests[-1]
    check("a partial Write is a POST in TLV", (request.method, request.path, request.content_format), ("POST", "/3303/7", TLV))
    check("and done", sensors[7], {5750: b"shed"})
    await ctl("attributes", EP, "/3303/0/5700", "pmin=5", "gt=30.5", "lt=-10")
    request = client.requests[-1]
    check("attributes are queries, and nothing else", (request.method, request.query, request.payload, request.content_format), ("PUT", "pmin=5&gt=30.5&lt=-10", b"", None))
    await ctl("attributes", EP, "/3303/0/5700", "gt=", "epmin=")
    request = client.requests[-1]
    check("refused for what is younger, they are taken away without it", request.query, "gt")
    got = await ctl("-j", "discover", EP, "/3303/0/5700")
    request = client.requests[-1]
    check("Discover accepts links", (request.method, request.accept, request.query), ("GET", LINK, ""))
    check("and shows what is attached", ["5" in str(got) and "pmin" in str(got), "-10" in str(got), "30.5" in str(got)], [True, True, False])
    for path in ("/3303/1", "/3303/7"):
        await ctl("remove", EP, path)
        check("a Delete is a DELETE", (client.requests[-1].method, client.requests[-1].path), ("DELETE", path))
    check("and what is deleted is listed no more", await listed(), ["/3303/0"])
    check("nor is it there", sorted(sensors), [0])


async def blocks(client):
    """Bodies that take more than one message, both ways."""
    text = "".join("line %d of a long text\n" % i for i in range(130))
    client.objects[3][0][1] = text.encode()
    check("a value of 3 kB is read in blocks", (await ctl("-j", "read", EP, "/3/0/1"))["value"], text)
    await rest("PUT", "/v1/endpoints/%s/data/3/0/14" % EP, {"value": text})
    check("one of that size is written in blocks", client.objects[3][0][14], text.encode())
    client.objects[3][0][14] = b"+03"
    text = "".join("line %5d of a very long text\n" % i for i in range(2200))[:65536]
    client.objects[3][0][1] = text.encode()
    check("a value of 64 kB is read", (await ctl("-j", "read", EP, "/3/0/1"))["value"], text)
    client.objects[3][0][1] = b"aiocoap"
    context = client.contexts["server"]
    for what, blocks in (("in one go", 0), ("with a challenge at its first block", 1), ("... at a later one", 50)):
        package = os.urandom(100000)
        client.requests.clear()
        context.challenges, context.countdown = 0, blocks
        await rest(
            "PUT", "/v1/endpoints/%s/data/5/0/0" % EP, {"value": base64.b64encode(package).decode()}
        )
        check("firmware of 100 kB arrives byte for byte, " + what, client.objects[5][0][0] == package)
        check("and once", [(r.method, r.path) for r in client.requests], [("PUT", "/5/0/0")])
        check("as it was asked for", context.challenges, 1 if blocks else 0)
    await rest(
        "PUT", "/v1/endpoints/%s/data/5/0/0" % EP, {"value": base64.b64encode(bytes(262145)).decode()}, 413
    )
    check("more than the limit is refused, and not sent", len(client.requests), 1)
    links = client.links() + "".join(",</3303/%d>" % i for i in range(1, 250))
    old = client.location
    answer = await client.register(links=links)
    check("an object list of 3 kB is registered in blocks", str(answer.code), "2.01 Created")
    r = (await endpoint())["registration"]
    check("all of it", len(r["objects"]), 253)
    check("at a location of its own", client.location != old)
    answer = await client.register()
    check("and replaced by a short one", str(answer.code), "2.01 Created")


async def observation(client):
    path = "/3303/0/5700"
    got = await rest("PUT", "/v1/endpoints/%s/observations%s" % (EP, path))
    check("an observation starts with the value", got["value"], 21.5)
    request = client.requests[-1]
    check("by a GET with Observe 0", (request.method, request.path, request.observe), ("GET", path, 0))
    stream = asyncio.create_task(events("notification", 4))
    for value in (b"22.5", b"23.5", b"24.5"):
        await asyncio.sleep(0.2)
        client.notify(path, value)
    got = await stream
    values = [v["value"] for e in got for v in e["data"]["values"]]
    check("it and three notifications arrive in their order", values, [21.5, 22.5, 23.5, 24.5])
    listed = (await rest("GET", "/v1/endpoints/%s/observations" % EP))["observations"]
    check("the observation is listed", [(o["path"], o["state"]) for o in listed], [(path, "active")])
    await rest("DELETE", "/v1/endpoints/%s/observations%s" % (EP, path), want=204)
    # aiocoap tells the resource a moment after it has answered
    for _ in range(100):
        await asyncio.sleep(0 if not client.site.observers else 0.02)
    check("a cancelled one has no observer", client.site.observers, {})
    listed = (await rest("GET", "/v1/endpoints/%s/observations" % EP))["observations"]
    check("and is listed no more", listed, [])


async def challenge(client):
    context = client.contexts["server"]
    context.challenge()
    client.requests.clear()
    value = (await ctl("-j", "read", EP, "/3/0/0")).get("value")
    check("a Read that the device challenges with Echo succeeds", value, "Lanyard")
    check("after one challenge", context.challenges, 1)
    check("and was served once", len(client.requests), 1)
    context.challenge()
    await ctl("write", EP, "/3/0/14", "+03")
    check("so does a Write", (client.objects[3][0][14], context.challenges), (b"+03", 2))


async def attacks(client, uri, register):
    """Recorded, damaged and foreign messages, from another address."""
    before = await endpoint()
    (recorded,) = [d for d in register if d[0] & 0x30 == 0 and len(d) > 60][-1:]
    reply = await lwm2m_client.exchange(uri, recorded)
    check("a recorded Register is answered as it was", reply and reply.code, "2.04")
    reply = await lwm2m_client.exchange(uri, lwm2m_client.rewrapped(recorded))
    check("as a message of its own it is 4.01", reply and (reply.code, reply.payload), ("4.01", b"Replay detected"))
    check("and says so with Max-Age 0", reply and reply.options.max_age, 0)
    context = client.contexts["server"]
    fresh, _ = context.protect(
        aiocoap.Message(code=codes.DELETE, uri_path=client.location.split("/"))
    )
    for name, at in (("the first", 0), ("the last", -1)):
        broken = bytearray(fresh.payload)
        broken[at] ^= 1
        damaged = fresh.copy(payload=bytes(broken), oscore=fresh.opt.oscore)
        reply = await lwm2m_client.exchange(uri, lwm2m_client.datagram(damaged))
        check("a De-register with %s bit flipped is 4.00" % name, reply and (reply.code, reply.payload), ("4.00", b"Decryption failed"))
    option = bytearray(fresh.opt.oscore)
    option[-1] ^= 1
    foreign = fresh.copy(payload=fresh.payload, oscore=bytes(option))
    reply = await lwm2m_client.exchange(uri, lwm2m_client.datagram(foreign))
    check("with an unknown kid it is 4.01", reply and (reply.code, reply.payload), ("4.01", b"Security context not found"))
    bare = fresh.copy(payload=fresh.payload, oscore=b"")
    reply = await lwm2m_client.exchange(uri, lwm2m_client.datagram(bare))
    check("with an empty OSCORE option it is 4.02", reply and (reply.code, reply.payload), ("4.02", b"Failed to decode COSE"))
    check("no answer to these is protected", reply and reply.options.oscore, None)
    after = await endpoint()
    what = ("location", "address", "lifetime_s", "registered_at")
    check(
        "the registration stands as it was, at the client's address",
        [after["registration"][k] for k in what], [before["registration"][k] for k in what]
    )  # fmt: skip
    check("and is still served there", (await ctl("-j", "read", EP, "/3/0/0")).get("value"), "Lanyard")
    contexts = (await rest("GET", "/v1/endpoints/%s/credentials/oscore" % EP))["contexts"]
    counts = [(c["replays"], c["auth_failures"]) for c in contexts if c["role"] == "server"]
    check("the context counts one replay and two forgeries", counts, [(1, 2)])
    check("lanyardctl explains it", "replay" in (await ctl("explain", EP)).lower())


async def wrong_context(client, uris):
    """A context is for one role."""
    context = client.contexts["bootstrap"]
    protected, request = context.protect(
        aiocoap.Message(
            code=codes.POST, uri_path=["rd"], uri_query=["ep=" + EP, "lt=300", "lwm2m=1.1", "b=U"],
            content_format=LINK, payload=b"</3/0>"
        )
    )  # fmt: skip
    reply = await lwm2m_client.exchange(uris["server"], lwm2m_client.datagram(protected))
    inner = None
    if reply and reply.options.oscore is not None:
        outer = aiocoap.Message(code=codes.CHANGED, payload=reply.payload, oscore=reply.options.oscore)
        inner, _ = context.unprotect(outer, request)
    check("a Register under the bootstrap keys is a protected 4.01", inner and str(inner.code), "4.01 Unauthorized")


async def lifetimes(client):
    answer = await client.update("?lt=600")
    check("an Update is answered 2.04", str(answer.code), "2.04 Changed")
    check("its lifetime holds", (await endpoint())["registration"]["lifetime_s"], 600)
    got = await events("updated", 1)
    check("and there is an event of it", [e["type"] for e in got], ["updated"])
    old, client.location = client.location, "rd/nowhere"
    check("an Update of another location is 4.04", str((await client.update()).code), "4.04 Not Found")
    client.location = old


async def end(client):
    answer = await client.deregister()
    check("a De-register is answered 2.02", str(answer.code), "2.02 Deleted")
    check("the server lists it as gone", (await endpoint())["registered"], False)
    check("an Update afterwards is 4.04", str((await client.update()).code), "4.04 Not Found")
    await ctl("read", EP, "/3/0/0", want=1)
    check("and a Read afterwards fails at once", True)


async def again(client, uris):
    """A second bootstrap, over the first: new keys, and the old ones end with their first use."""
    old = client.contexts["server"]
    client.requests.clear()
    answer = await client.bootstrap()
    check("a second Bootstrap-Request is answered 2.04", str(answer.code), "2.04 Changed")
    deleted = {r.path for r in client.requests if r.method == "DELETE"}
    check("the old account is deleted", {"/0/%d" % client.account.iid, "/21/%d" % client.account.oscore_iid} <= deleted)
    check("the bootstrap account is not", deleted & {"/0/0", "/21/0"}, set())
    (account,) = client.accounts()
    check("the keys are new", account.oscore[0] != client.account.oscore[0])
    check("and the Sender ID", account.oscore[1] != client.account.oscore[1])
    answer = await client.register()
    check("the old keys still register before the new have served", str(answer.code), "2.01 Created")
    client.adopt(account)
    answer = await client.register()
    check("the new keys register", str(answer.code), "2.01 Created")
    protected, _ = old.protect(aiocoap.Message(code=codes.POST, uri_path=client.location.split("/")))
    reply = await lwm2m_client.exchange(uris["server"], lwm2m_client.datagram(protected))
    check("then the old are unknown", reply and reply.code, "4.01")
    check("the new ones serve", (await ctl("-j", "read", EP, "/3/0/9")).get("value"), 85)


async def ids(uris):
    """Empty ids and those of one byte, ours and the device's; an ID Context, which aiocoap names and wants named."""
    for what, ours, theirs, named in (
        ("the device's id is empty", b"\x02", b"", None),
        ("our id is empty", b"", b"\x05", None),
        ("both ids have one byte", b"\x03", b"\x06", None),
        ("an ID Context", b"\x04", b"\x07", b"context"),
    ):
        secret, ep = os.urandom(16), "%s-%s-%s" % (EP, ours.hex(), theirs.hex())
        body = {"role": "server", "master_secret": secret.hex(), "sender_id": ours.hex(), "recipient_id": theirs.hex()}
        if named:
            body["id_context"] = named.hex()
        await rest("PUT", "/v1/endpoints/%s/credentials/oscore" % ep, body, 201)
        client = Client(ep, uris["bootstrap"], MemoryContext(os.urandom(16), b"", b"\x08", b"\x09"))
        await client.start()
        context = MemoryContext(secret, b"", theirs, ours, named)
        client.adopt(lwm2m_client.Account(1, uris["server"], 1, 300, "U", 1, {}, context))
        check(what + ": it registers", str((await client.register()).code), "2.01 Created")
        check(what + ": it is read", (await ctl("-j", "read", ep, "/3/0/9")).get("value"), 85)
        check(what + ": it updates", str((await client.update()).code), "2.04 Changed")
        await client.stop()


def senml(payload):
    """{path: value} of SenML CBOR."""
    base, values = "", {}
    for record in cbor2.loads(payload):
        base = record.get(-2, base)
        values[base + record.get(0, "")] = next((record[k] for k in (2, 3, 4, 8, "vlo") if k in record), None)
    return values


async def pack(uris):
    """All of a bootstrap as one document, put together from blocks by a client of others' making."""
    secret, ep = os.urandom(16), EP + "-pack"
    body = {"role": "bootstrap", "master_secret": secret.hex(), "sender_id": "02", "recipient_id": "0b"}
    await rest("PUT", "/v1/endpoints/%s/credentials/oscore" % ep, body, 201)
    await rest("PUT", "/v1/endpoints/" + ep, {"block_size": 64})
    client = Client(ep, uris["bootstrap"], MemoryContext(secret, b"", b"\x0b", b"\x02"))
    await client.start()
    query = "ep=%s&acc=%s" % (ep, urllib.parse.quote("</0/0>,</21/0>"))
    answer = await client.ask(codes.GET, "%s/bspack?%s" % (uris["bootstrap"], query), accept=112)
    check("a Pack is given", (str(answer.code), int(answer.opt.content_format)), ("2.05 Content", 112))
    check("in blocks, after a challenge", client.contexts["bootstrap"].sender_sequence_number > 4, True)
    values = senml(answer.payload)
    check("it has a server account", (values["/0/1/0"], values["/0/1/1"]), (uris["server"], False))
    check("which links to its keys", values["/0/1/17"], "21:1")
    check("the keys of the bootstrap account are not in it", [k for k in values if k.startswith("/21/0/")], [])
    check("nothing follows", client.requests, [])
    state = await rest("GET", "/v1/bootstrap/" + ep)
    check("the server says that it was given", state["state"], "packed")
    keys = [values["/21/1/%d" % i] for i in (0, 5, 1, 2)]
    client.adopt(lwm2m_client.Account(1, values["/0/1/0"], 1, 300, "U", 1, {}, MemoryContext(*keys)))
    check("its keys register", str((await client.register()).code), "2.01 Created")
    check("and serve", (await ctl("-j", "read", ep, "/3/0/9")).get("value"), 85)
    state = await rest("GET", "/v1/bootstrap/" + ep)
    check("then it counts as finished", (state["state"], state["last_result"]), ("idle", "finished"))
    again = await client.ask(codes.GET, "%s/bspack?%s" % (uris["bootstrap"], query), accept=112)
    check("another has other keys", senml(again.payload)["/21/1/0"] == keys[0], False)
    await client.stop()


async def run():
    listeners = (await rest("GET", "/v1/status"))["listeners"]
    uris = {l["role"]: "coap://127.0.0.1:%d" % l["port"] for l in listeners}
    await rest("PUT", "/v1/bootstrap-default", {"servers": [{"uri": uris["server"]}]})
    secret, salt, device, server = os.urandom(16), os.urandom(8), b"\xa1\xb2\xc3", b"\x01"
    await rest(
        "PUT", "/v1/endpoints/%s/credentials/oscore" % EP,
        {
            "role": "bootstrap", "master_secret": secret.hex(), "master_salt": salt.hex(),
            "sender_id": server.hex(), "recipient_id": device.hex(),
        }, 201,
    )  # fmt: skip
    client = Client(EP, uris["bootstrap"], MemoryContext(secret, salt, device, server))
    await client.start()
    await refusals(uris)
    client.adopt(await bootstrap(client, uris))
    register = await registration(client)
    await device_management(client)
    await together(client)
    await instances(client)
    await observation(client)
    await challenge(client)
    await attacks(client, uris["server"], register)
    await wrong_context(client, uris)
    await lifetimes(client)
    await blocks(client)
    await end(client)
    await again(client, uris)
    await client.stop()
    await ids(uris)
    await pack(uris)


sys.exit(asyncio.run(main(run)))

# SPDX-License-Identifier: Apache-2.0
"""access_steps.py LANYARDCTL SOCKET: the rights of several servers on a device made of aiocoap."""

import asyncio
import os
import sys

import aiocoap
from aiocoap.numbers import codes
from judge import check, ctl, main, provision, rest
from lwm2m_client import TEXT, TLV, Client, MemoryContext, tlv_parse

EP = "shared"


def tlv(kind, ident, value):
    n = len(value)
    head = kind << 6 | (n if n < 8 else 8) | (0x20 if ident > 255 else 0)
    return bytes([head]) + ident.to_bytes(2 if ident > 255 else 1, "big") + \
        (bytes([n]) if n >= 8 else b"") + value


def number(v):
    return v.to_bytes(1 if v < 128 else 2 if v < 32768 else 4, "big")


class Shared(Client):
    """/2/0 is about /3/0 and ours, /2/1 about the right to create /3303 and the bootstrap's."""

    OURS = 1

    def __init__(self, *args):
        super().__init__(*args)
        self.access = {0: [3, 0, {1: 15, 101: 1}, self.OURS], 1: [3303, 65535, {0: 16}, 65535]}
        self.objects[2] = {0: {}, 1: {}}

    def _instance(self, iid):
        oid, of, rights, owner = self.access[iid]
        acl = b"".join(tlv(1, ssid, number(v)) for ssid, v in sorted(rights.items()))
        return (tlv(3, 0, number(oid)) + tlv(3, 1, number(of)) + tlv(2, 2, acl) +
                tlv(3, 3, number(owner)))

    def _manage(self, request, path):
        if path[:1] != ["2"]:
            return super()._manage(request, path)
        if request.code == codes.GET and path == ["2"]:
            body = b"".join(tlv(0, iid, self._instance(iid)) for iid in self.access)
            return aiocoap.Message(code=codes.CONTENT, payload=body, content_format=TLV)
        if request.code == codes.GET and len(path) == 3 and path[2] == "3":
            owner = str(self.access[int(path[1])][3]).encode()
            return aiocoap.Message(code=codes.CONTENT, payload=owner, content_format=TEXT)
        if request.code == codes.POST and len(path) == 3 and request.opt.content_format == TLV:
            instance = self.access[int(path[1])]
            if instance[3] != self.OURS:
                return aiocoap.Message(code=codes.UNAUTHORIZED)
            for kind, ident, value in tlv_parse(request.payload):
                for _, ssid, v in tlv_parse(value) if kind == 2 else [(1, ident, value)]:
                    instance[2][ssid] = int.from_bytes(v, "big")
            return aiocoap.Message(code=codes.CHANGED)
        return aiocoap.Message(code=codes.METHOD_NOT_ALLOWED)


def rows(text):
    return [line.split(None, 3) for line in text.splitlines()]


async def work(client):
    check("bootstrap", str((await client.bootstrap()).code), "2.04 Changed")
    client.adopt(client.accounts()[0])
    check("Register", str((await client.register()).code), "2.01 Created")
    listed = await ctl("access", EP)
    check("rights are told in words (ACL-01)", [r[0:4] for r in rows(listed)][1],
          ["0", "/3/0", "1", "1:rwed 101:r"])
    check("so is the right to create", listed.splitlines()[2].split(),
          ["1", "/3303", "(create)", "bootstrap", "default:c"])
    await ctl("access", EP, "0", "101=rw", "102=-", "default=r")
    check("those that are named are changed, the others stay", client.access[0][2],
          {0: 1, 1: 15, 101: 3, 102: 0})
    check("and told", rows(await ctl("access", EP))[1][3], "default:r 1:rwed 101:rw 102:-")
    refused = await ctl("access", EP, "1", "101=c", want=1)
    check("what is another's stays", client.access[1][2], {0: 16})
    check("and why is said", "only its owner may change it: bootstrap" in refused)
    for bad in ("101", "101=x", "0=r", "65535=r", "101="):
        await ctl("access", EP, "0", bad, want=2)
    await ctl("access", EP, "0", want=2)
    check("no mistake reaches the device", client.access[0][2], {0: 1, 1: 15, 101: 3, 102: 0})


async def run():
    ports = {l["role"]: l["port"] for l in (await rest("GET", "/v1/status"))["listeners"]}
    uris = {role: "coap://127.0.0.1:%d" % port for role, port in ports.items()}
    await rest("PUT", "/v1/bootstrap-default", {"servers": [{"uri": uris["server"]}]})
    secret, salt = os.urandom(16), os.urandom(8)
    await provision(EP, secret, salt, b"\xa1")
    client = Shared(EP, uris["bootstrap"], MemoryContext(secret, salt, b"\xa1", b"\x01"))
    await client.start()
    try:
        await work(client)
    finally:
        await client.stop()


sys.exit(asyncio.run(main(run)))

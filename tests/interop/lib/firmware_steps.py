# SPDX-License-Identifier: Apache-2.0
"""firmware_steps.py LANYARDCTL SOCKET: firmware updates of a device made of aiocoap, which puts
pushed blocks together and fetches by its own Block2 client, under OSCORE."""

import asyncio
import os
import sys
import tempfile

from aiocoap.numbers import codes
from judge import check, ctl, main, provision, rest
from lwm2m_client import FIRMWARE, Client, MemoryContext

EP = "updated"
IMAGE = 100000


class Updated(Client):
    """The states of Object 5."""

    def __init__(self, *args):
        super().__init__(*args)
        self.package = None
        self.tasks = []
        self.fw = self.objects[FIRMWARE][0]
        self.fw.update({1: b"", 8: b"0", 9: b"2"})

    def _manage(self, request, path):
        answer = super()._manage(request, path)
        good = answer.code.is_successful()
        where = "/".join(path)
        if good and request.code == codes.PUT and where == "5/0/0":
            self.package, self.fw[3], self.fw[5] = request.payload, b"2", b"0"
        if good and request.code == codes.PUT and where == "5/0/1":
            self.fw[3], self.fw[5] = b"1", b"0"
            self.later(self.fetch(request.payload.decode()))
        if good and request.code == codes.POST and where == "5/0/2":
            self.fw[3] = b"3"
            self.later(self.update_firmware())
        return answer

    def later(self, what):
        self.tasks.append(asyncio.get_running_loop().create_task(what))

    async def fetch(self, uri):
        answer = await self.ask(codes.GET, uri)
        self.fetched = answer
        self.package = answer.payload
        self.fw[3] = b"2" if answer.code == codes.CONTENT else b"0"

    async def update_firmware(self):
        await asyncio.sleep(0.2)
        self.fw[3], self.fw[5] = b"0", b"1"
        await self.register()


async def work(client, uri, folder):
    check("bootstrap", str((await client.bootstrap()).code), "2.04 Changed")
    client.adopt(client.accounts()[0])
    check("Register", str((await client.register()).code), "2.01 Created")
    image = os.urandom(IMAGE)
    with open(folder + "/v2.bin", "wb") as f:
        f.write(image)
    await ctl("firmware", "push", EP, folder + "/v2.bin", "--wait", "60")
    check("a push ends well", (await rest("GET", f"/v1/endpoints/{EP}/firmware"))["state"], "succeeded")
    check("the package arrives byte for byte", client.package == image)
    check("Update is executed once", [i for i, _ in client.executed], [[5, 0, 2]])
    client.package, client.executed[:] = None, []
    await ctl("firmware", "pull", EP, folder + "/v2.bin", "--wait", "60")
    update = await rest("GET", f"/v1/endpoints/{EP}/firmware")
    check("a pull ends well", update["state"], "succeeded")
    check("its URI is ours", update["uri"], uri + "/fw/v2.bin")
    check("fetched byte for byte", client.package == image)
    check("under OSCORE, with an ETag", len(client.fetched.opt.etag or b""), 8)
    check("Update is executed once", [i for i, _ in client.executed], [[5, 0, 2]])
    refused = await client.ask(codes.GET, uri + "/fw/v2.bin")
    check("afterwards it gets nothing more", str(refused.code), "4.04 Not Found")
    for task in client.tasks:
        await task


async def run():
    ports = {l["role"]: l["port"] for l in (await rest("GET", "/v1/status"))["listeners"]}
    uris = {role: "coap://127.0.0.1:%d" % port for role, port in ports.items()}
    await rest("PUT", "/v1/bootstrap-default", {"servers": [{"uri": uris["server"]}]})
    secret, salt = os.urandom(16), os.urandom(8)
    await provision(EP, secret, salt, b"\xa1")
    client = Updated(EP, uris["bootstrap"], MemoryContext(secret, salt, b"\xa1", b"\x01"))
    await client.start()
    with tempfile.TemporaryDirectory() as folder:
        try:
            await work(client, uris["server"], folder)
        finally:
            await client.stop()


sys.exit(asyncio.run(main(run)))

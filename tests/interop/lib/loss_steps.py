# SPDX-License-Identifier: Apache-2.0
"""loss_steps.py LANYARDCTL SOCKET: long bodies to aiocoap and back, over a network that loses some.

A proxy between them loses what it sends, now and then, from a seed. The endpoint is set to a shorter
ACK_TIMEOUT, so that this does not take long.
"""

import asyncio
import os
import random
import sys
import tempfile

from judge import check, ctl, main, provision, rest
from lwm2m_client import Client, MemoryContext
from proxy import Proxy

EP = "lossy"
PACKAGE, TEXT = 100000, 65536


async def work(client, proxy, folder):
    answer = await client.bootstrap()
    check("bootstrap", str(answer.code), "2.04 Changed")
    client.adopt(client.accounts()[0])
    check("Register", str((await client.register()).code), "2.01 Created")
    await ctl("set", EP, "ack_timeout_ms=100", "max_retransmit=6")
    check("its ACK_TIMEOUT is set", (await rest("GET", "/v1/endpoints/" + EP))["ack_timeout_ms"], 100)
    proxy.lossy, proxy.loss = random.Random(5), 0.02
    package = os.urandom(PACKAGE)
    with open(folder + "/package", "wb") as f:
        f.write(package)
    asked = proxy.count["down"]
    await ctl("write", EP, "/5/0/0", "--file", folder + "/package")
    check("100 kB of firmware arrive whole", client.objects[5][0][0] == package)
    writes = [r for r in client.requests if r.path == "/5/0/0" and r.method == "PUT"]
    check("and are taken once", len(writes), 1)
    check("in blocks of 1024", proxy.count["down"] - asked >= PACKAGE // 1024)
    text = "".join(random.Random(6).choices("abcdefghij", k=TEXT))
    client.objects[3303][0][5750] = text.encode()
    check("64 kB are read", (await ctl("-j", "read", EP, "/3303/0/5750"))["value"] == text)
    await ctl("set", EP, "block_size=256")
    client.objects[3303][0][5750] = text[:8192].encode()
    asked = proxy.count["down"]
    check("8 kB in blocks of 256", (await ctl("-j", "read", EP, "/3303/0/5750"))["value"] == text[:8192])
    check("as many as it takes", proxy.count["down"] - asked, 8192 // 256)
    print("        passed on:", proxy.count)
    check("some was lost", proxy.count["lost"] > 5)


async def run():
    listeners = (await rest("GET", "/v1/status"))["listeners"]
    proxy = Proxy({l["role"]: l["port"] for l in listeners})
    await proxy.open()
    await rest("PUT", "/v1/bootstrap-default", {"servers": [{"uri": proxy.paths["server"].uri}]})
    secret, salt = os.urandom(16), os.urandom(8)
    await provision(EP, secret, salt, b"\xa1")
    client = Client(EP, proxy.paths["bootstrap"].uri, MemoryContext(secret, salt, b"\xa1", b"\x01"))
    await client.start()
    with tempfile.TemporaryDirectory() as folder:
        try:
            await work(client, proxy, folder)
        finally:
            await client.stop()
            proxy.close()


sys.exit(asyncio.run(main(run)))

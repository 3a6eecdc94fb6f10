# SPDX-License-Identifier: Apache-2.0
"""What the runs with aiocoap share: checks, the REST interface, lanyardctl. Arguments: LANYARDCTL SOCKET."""

import asyncio
import http.client
import json
import socket
import sys
import traceback

CTL, SOCKET = sys.argv[1], sys.argv[2]
passed = failed = 0


def check(what, got, want=True):
    global passed, failed
    if got == want:
        passed += 1
        print("ok     ", what)
    else:
        failed += 1
        print("FAILED ", what)
        print("         got ", repr(got)[:500])
        print("         want", repr(want)[:500])


class Unix(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(SOCKET)


async def rest(method, path, body=None, want=200):
    """The JSON of the answer; a status other than `want` is a failure."""

    def call():
        c = Unix("localhost", timeout=30)
        c.request(method, path, json.dumps(body) if body is not None else None)
        r = c.getresponse()
        return r.status, r.read()

    status, text = await asyncio.to_thread(call)
    if status != want:
        check("%s %s: %s" % (method, path, text.decode(errors="replace")), status, want)
    return json.loads(text) if text else None


async def ctl(*args, want=0):
    """What lanyardctl prints; as JSON where that was asked for."""
    p = await asyncio.create_subprocess_exec(
        CTL, "-S", SOCKET, *args, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT
    )  # fmt: skip
    out, _ = await asyncio.wait_for(p.communicate(), 60)
    text = out.decode()
    if p.returncode != want:
        check("lanyardctl %s: %s" % (" ".join(args), text), p.returncode, want)
        return {} if "-j" in args else ""
    return json.loads(text) if "-j" in args else text


async def until(get, good, seconds=10):
    """Polls get() until good(it), and gives back the last."""
    for _ in range(int(seconds / 0.05)):
        value = await get()
        if good(value):
            break
        await asyncio.sleep(0.05)
    return value


async def provision(ep, secret, salt, device):
    """Credentials for bootstrap; `device` is the device's id, the server's is 01."""
    await rest(
        "PUT", "/v1/endpoints/%s/credentials/oscore" % ep,
        {
            "role": "bootstrap", "master_secret": secret.hex(), "master_salt": salt.hex(),
            "sender_id": "01", "recipient_id": device.hex(),
        }, 201,
    )  # fmt: skip


async def main(run):
    """Runs it; the last line is the count. The exit status."""
    global failed
    try:
        await asyncio.wait_for(run(), 120)
    except Exception:
        failed += 1
        print("FAILED  the run ended early")
        traceback.print_exc(file=sys.stdout)
    print("%d passed, %d failed" % (passed, failed))
    return failed != 0

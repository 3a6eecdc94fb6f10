# SPDX-License-Identifier: Apache-2.0
"""A LwM2M client on aiocoap's OSCORE: bootstrap, registration, device management, Observe.

aiocoap's messages, OSCORE and block-wise are what is tested against; this only plays the objects.
"""

import asyncio
import dataclasses
import os
import re
import socket

import aiocoap
from aiocoap import oscore, resource
from aiocoap.numbers import codes
from aiocoap.oscore_sitewrapper import OscoreSiteWrapper
from aiocoap.transports import udp6
from aiocoap.transports.oscore import OSCOREAddress

TEXT, LINK, OPAQUE, TLV = 0, 40, 42, 11542
SECURITY, SERVER, DEVICE, FIRMWARE, OSCORE = 0, 1, 3, 5, 21


class MemoryContext(oscore.CanProtect, oscore.CanUnprotect, oscore.SecurityContextUtils):
    """An OSCORE security context with its numbers in memory; ids as this side sees them."""

    def __init__(self, secret, salt, sender_id, recipient_id, id_context=None):
        self.alg_aead = oscore.algorithms[oscore.DEFAULT_ALGORITHM]
        self.hashfun = oscore.hashfunctions[oscore.DEFAULT_HASHFUNCTION]
        self.sender_id = sender_id
        self.recipient_id = recipient_id
        self.id_context = id_context
        self.derive_keys(salt, secret)
        self.sender_sequence_number = 0
        self.recipient_replay_window = oscore.ReplayWindow(32, lambda: None)
        self.recipient_replay_window.initialize_empty()
        self.echo_recovery = None
        self.challenges = 0
        self.countdown = 0

    def post_seqnoincrease(self):
        pass

    def challenge(self):
        """Have the peer's next request answered with 4.01 and Echo, as after a loss of state."""
        self.echo_recovery = os.urandom(8)
        self.recipient_replay_window._index = None

    def unprotect(self, message, request_id=None):
        self.countdown -= 1
        if self.countdown == 0:
            self.challenge()
        try:
            return super().unprotect(message, request_id)
        except oscore.ReplayErrorWithEcho:
            self.challenges += 1
            raise


def tlv_parse(data):
    """[(kind, id, value)]; kind 0 Object Instance, 1 Resource Instance, 2 multiple, 3 Resource."""
    out, i = [], 0
    while i < len(data):
        head = data[i]
        i += 1
        id_n = 2 if head & 0x20 else 1
        ident = int.from_bytes(data[i : i + id_n], "big")
        i += id_n
        length_n = head >> 3 & 3
        n = int.from_bytes(data[i : i + length_n], "big") if length_n else head & 7
        i += length_n
        if i + n > len(data):
            raise ValueError("TLV of %d bytes ends early" % len(data))
        out.append((head >> 6, ident, data[i : i + n]))
        i += n
    return out


def tlv_resource(rid, value):
    head = 0xC0 | (0x20 if rid > 255 else 0)
    n = len(value)
    length = b"" if n < 8 else n.to_bytes(1 if n < 256 else 2 if n < 65536 else 3, "big")
    head |= len(length) << 3 if length else n
    return bytes([head]) + rid.to_bytes(2 if rid > 255 else 1, "big") + length + value


@dataclasses.dataclass
class Request:
    """One request of the server."""

    role: str  # "bootstrap", "server", or "plain": the context it came under
    method: str
    path: str
    query: str
    content_format: int
    accept: int
    observe: int
    payload: bytes


@dataclasses.dataclass
class Account:
    """What bootstrap gave: a server and the context to talk to it."""

    iid: int
    uri: str
    ssid: int
    lifetime: int
    binding: str
    oscore_iid: int
    oscore: dict
    context: MemoryContext


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Gate:
    """Holds requests until so many are here, and lets the last be answered first."""

    def __init__(self, n):
        self.n, self.here, self.all = n, 0, asyncio.Event()

    async def wait(self):
        self.here += 1
        place = self.here
        if self.here == self.n:
            self.all.set()
        await asyncio.wait_for(self.all.wait(), 20)
        await asyncio.sleep(0.05 * (self.n - place))


class _Objects(resource.ObservableResource):
    """Every path of the client, as one resource."""

    def __init__(self, client):
        super().__init__()
        self.client = client
        self.observers = {}

    async def render(self, request):
        if self.client.gate:
            await self.client.gate.wait()
        return self.client.answer(request)

    async def add_observation(self, request, observation):
        path = "/" + "/".join(request.opt.uri_path)
        self.observers[path] = observation

        def end():
            if self.observers.get(path) is observation:
                del self.observers[path]

        observation.accept(end)


class Client:
    def __init__(self, name, bootstrap_uri, bootstrap_context):
        self.name = name
        self.bootstrap_uri = bootstrap_uri
        self.contexts = {"bootstrap": bootstrap_context}
        self.transports, self.binding = ["oscore", "udp6"], "U"
        self.bootstrapping = False
        self.finished = None
        self.requests = []
        self.executed = []
        self.gate = None
        self.attributes = {}  # path: {name: value}
        self.sent = []
        self.location = None
        # values of /0, /1 and /21 are bytes as TLV has them; of all others what text has
        self.objects = {
            SECURITY: {0: {0: bootstrap_uri.encode(), 1: b"\1", 2: b"\3"}},
            SERVER: {},
            DEVICE: {0: {0: b"Lanyard", 1: b"aiocoap", 9: b"85", 14: b"+00", 16: b"U"}},
            FIRMWARE: {0: {0: b"", 3: b"0", 5: b"0"}},
            OSCORE: {0: {}},
            3303: {0: {5700: b"21.5", 5701: b"Cel"}},
        }

    async def start(self):
        self.site = _Objects(self)
        self.credentials = aiocoap.credentials.CredentialsMap()
        self.port = free_port()
        self.coap = await aiocoap.Context.create_server_context(
            OscoreSiteWrapper(self.site, self.credentials),
            bind=("127.0.0.1", self.port),
            server_credentials=self.credentials,
            transports=self.transports,
        )
        self._use("bootstrap", self.bootstrap_uri)
        send, sent = udp6.MessageInterfaceUDP6.send, self.sent

        def record(interface, message):
            sent.append(message.encode())
            send(interface, message)

        udp6.MessageInterfaceUDP6.send = record

    async def stop(self):
        await self.coap.shutdown()

    def _use(self, role, uri):
        self.credentials[":" + role] = self.contexts[role]
        self.coap.client_credentials[uri + "/*"] = self.contexts[role]

    # what the server asks

    def answer(self, request):
        role = "plain"
        if isinstance(request.remote, OSCOREAddress):
            role = next(
                (k for k, v in self.contexts.items() if v is request.remote.security_context),
                "unknown",
            )
        path = list(request.opt.uri_path)
        self.requests.append(
            Request(
                role,
                str(request.code),
                "/" + "/".join(path),
                "&".join(request.opt.uri_query),
                None if request.opt.content_format is None else int(request.opt.content_format),
                None if request.opt.accept is None else int(request.opt.accept),
                request.opt.observe,
                request.payload,
            )
        )
        if role == "bootstrap" and self.bootstrapping:
            return self._bootstrap(request, path)
        if role == "server":
            return self._manage(request, path)
        return aiocoap.Message(code=codes.UNAUTHORIZED)

    def _bootstrap(self, request, path):
        code = request.code
        if code == codes.GET and request.opt.accept == LINK:
            return aiocoap.Message(
                code=codes.CONTENT, payload=self._discover().encode(), content_format=LINK
            )
        if code == codes.DELETE:
            self._delete([int(p) for p in path])
            return aiocoap.Message(code=codes.DELETED)
        if code == codes.PUT and request.opt.content_format == TLV and len(path) == 2:
            oid, iid = (int(p) for p in path)
            self.objects.setdefault(oid, {})[iid] = {
                rid: value for kind, rid, value in tlv_parse(request.payload) if kind == 3
            }
            return aiocoap.Message(code=codes.CHANGED)
        if code == codes.POST and path == ["bs"] and not request.payload:
            if not self.accounts():
                return aiocoap.Message(code=codes.NOT_ACCEPTABLE)
            self.bootstrapping = False
            self.finished.set_result(None)
            return aiocoap.Message(code=codes.CHANGED)
        return aiocoap.Message(code=codes.BAD_REQUEST)

    def _discover(self):
        """Instances of a server account have an ssid, those of the bootstrap account none."""
        links = ["</>;lwm2m=1.1"]
        ssids = {
            int.from_bytes(s[17], "big") & 0xFFFF: int.from_bytes(s[10], "big")
            for s in self.objects[SECURITY].values()
            if 10 in s and 17 in s
        }
        for oid, instances in sorted(self.objects.items()):
            if not instances:
                links.append("</%d>" % oid)
            for iid, r in sorted(instances.items()):
                link = "</%d/%d>" % (oid, iid)
                if oid == SECURITY and 10 in r:
                    link += ";ssid=%d" % int.from_bytes(r[10], "big")
                if oid == SECURITY:
                    link += ';uri="%s"' % r[0].decode()
                if oid == SERVER:
                    link += ";ssid=%d" % int.from_bytes(r[0], "big")
                if oid == OSCORE and iid in ssids:
                    link += ";ssid=%d" % ssids[iid]
                links.append(link)
        return ",".join(links)

    def _delete(self, path):
        """Anything but the bootstrap account and the Device object, which a Delete passes over."""
        for oid in list(self.objects):
            for iid in list(self.objects[oid]):
                account = oid in (SECURITY, OSCORE) and iid == 0
                if path == [oid, iid][: len(path)] and not account and oid != DEVICE:
                    del self.objects[oid][iid]

    def _manage(self, request, path):
        code = request.code
        if not path or not all(p.isdigit() for p in path):
            return aiocoap.Message(code=codes.NOT_FOUND)
        ids = [int(p) for p in path]
        if ids[0] in (SECURITY, OSCORE):
            return aiocoap.Message(code=codes.UNAUTHORIZED)
        if code == codes.POST and len(ids) == 3:
            self.executed.append((ids, request.payload))
            return aiocoap.Message(code=codes.CHANGED)
        if code == codes.POST and len(ids) == 1:
            return self._create(request, ids[0])
        if code == codes.GET and request.opt.accept == LINK:
            return self._links(path, ids)
        if code == codes.PUT and request.opt.content_format is None and request.opt.uri_query:
            return self._attributes(request, "/" + "/".join(path))
        instance = self.objects.get(ids[0], {}).get(ids[1] if len(ids) > 1 else None)
        if instance is None or (len(ids) > 2 and ids[2] not in instance):
            return aiocoap.Message(code=codes.NOT_FOUND)
        if code == codes.DELETE and len(ids) == 2:
            del self.objects[ids[0]][ids[1]]
            return aiocoap.Message(code=codes.DELETED)
        if code == codes.POST and len(ids) == 2:
            if request.opt.content_format != TLV:
                return aiocoap.Message(code=codes.UNSUPPORTED_MEDIA_TYPE)
            instance.update((rid, v) for kind, rid, v in tlv_parse(request.payload) if kind == 3)
            return aiocoap.Message(code=codes.CHANGED)
        if code == codes.GET and len(ids) == 2:
            values = b"".join(tlv_resource(rid, v) for rid, v in sorted(instance.items()))
            return aiocoap.Message(code=codes.CONTENT, payload=values, content_format=TLV)
        if code == codes.GET and len(ids) == 3:
            if request.opt.accept not in (None, TEXT):
                return aiocoap.Message(code=codes.NOT_ACCEPTABLE)
            return aiocoap.Message(
                code=codes.CONTENT, payload=instance[ids[2]], content_format=TEXT
            )
        if code == codes.PUT and len(ids) == 3:
            value = request.payload
            if request.opt.content_format == TLV:
                ((_, _, value),) = tlv_parse(value)
            elif request.opt.content_format != (OPAQUE if ids[0] == FIRMWARE and not ids[2] else TEXT):
                return aiocoap.Message(code=codes.UNSUPPORTED_MEDIA_TYPE)
            instance[ids[2]] = value
            return aiocoap.Message(code=codes.CHANGED)
        return aiocoap.Message(code=codes.METHOD_NOT_ALLOWED)

    def _create(self, request, oid):
        """Resources alone: the id is ours to choose, and told; within an Object Instance: it is the server's."""
        if oid not in self.objects:
            return aiocoap.Message(code=codes.NOT_FOUND)
        if request.opt.content_format != TLV:
            return aiocoap.Message(code=codes.UNSUPPORTED_MEDIA_TYPE)
        instances, told = self.objects[oid], []
        values = tlv_parse(request.payload)
        if values and values[0][0] == 0:
            ((_, iid, body),) = values
            values = tlv_parse(body)
            if iid in instances:
                return aiocoap.Message(code=codes.BAD_REQUEST)
        else:
            iid = next(i for i in range(65535) if i not in instances)
            told = [str(oid), str(iid)]
        instances[iid] = {rid: value for kind, rid, value in values if kind == 3}
        return aiocoap.Message(code=codes.CREATED, location_path=told)

    def _links(self, path, ids):
        """The target and what is two levels, or one, below it, with attributes."""
        oid = ids[0]
        targets = ["/%d" % oid] if len(ids) == 1 else []
        for iid, values in sorted(self.objects.get(oid, {}).items()):
            targets += ["/%d/%d" % (oid, iid)]
            targets += ["/%d/%d/%d" % (oid, iid, rid) for rid in sorted(values)]
        wanted = "/" + "/".join(path)
        targets = [t for t in targets if (t + "/").startswith(wanted + "/")]
        if not targets:
            return aiocoap.Message(code=codes.NOT_FOUND)
        links = [
            "<%s>" % t + "".join(";%s=%s" % kv for kv in self.attributes.get(t, {}).items())
            for t in targets
        ]
        return aiocoap.Message(
            code=codes.CONTENT, payload=",".join(links).encode(), content_format=LINK
        )

    def _attributes(self, request, path):
        """As a client of 1.0 does it: what it does not know spoils the lot (CT-47)."""
        new = dict(self.attributes.get(path, {}))
        for query in request.opt.uri_query:
            name, _, value = query.partition("=")
            if name not in ("pmin", "pmax", "gt", "lt", "st") or request.payload:
                return aiocoap.Message(code=codes.BAD_REQUEST)
            new.pop(name, None)
            if value:
                new[name] = value
        self.attributes[path] = new
        return aiocoap.Message(code=codes.CHANGED)

    # what the client asks

    async def ask(self, code, uri, **options):
        request = aiocoap.Message(code=code, uri=uri, **options)
        return await asyncio.wait_for(self.coap.request(request).response, 20)

    async def bootstrap(self):
        """The answer to the Bootstrap-Request, after the server's Finish if there was one."""
        self.bootstrapping = True
        self.finished = asyncio.get_running_loop().create_future()
        answer = await self.ask(
            codes.POST, "%s/bs?ep=%s&pct=%d" % (self.bootstrap_uri, self.name, TLV)
        )
        if answer.code == codes.CHANGED:
            await asyncio.wait_for(self.finished, 20)
        self.bootstrapping = False
        return answer

    def accounts(self):
        """The server accounts, each linked to its Server and OSCORE instances."""
        out = []
        for iid, s in self.objects[SECURITY].items():
            if s.get(1) != b"\0" or len(s.get(17, b"")) != 4:
                continue
            ssid = int.from_bytes(s[10], "big")
            oscore_oid, oscore_iid = s[17][:2], int.from_bytes(s[17][2:], "big")
            server = [r for r in self.objects[SERVER].values() if int.from_bytes(r[0], "big") == ssid]
            keys = self.objects[OSCORE].get(oscore_iid, {})
            if oscore_oid != b"\0\x15" or len(server) != 1 or not {0, 1, 2} <= keys.keys():
                continue
            out.append(
                Account(
                    iid,
                    s[0].decode(),
                    ssid,
                    int.from_bytes(server[0][1], "big"),
                    server[0][7].decode(),
                    oscore_iid,
                    keys,
                    MemoryContext(keys[0], keys.get(5, b""), keys[1], keys[2], keys.get(6)),
                )
            )
        return out

    def adopt(self, account):
        self.account = account
        self.contexts["server"] = account.context
        self._use("server", account.uri)

    def links(self):
        return ",".join(
            "</%d/%d>" % (oid, iid)
            for oid, instances in sorted(self.objects.items())
            if oid not in (SECURITY, OSCORE)
            for iid in sorted(instances)
        )

    async def register(self, lifetime=300, links=None):
        answer = await self.ask(
            codes.POST,
            "%s/rd?ep=%s&lt=%d&lwm2m=1.1&b=%s"
            % (self.account.uri, self.name, lifetime, self.binding),
            payload=(links or self.links()).encode(),
            content_format=LINK,
        )
        if answer.code == codes.CREATED:
            self.location = "/".join(answer.opt.location_path)
        return answer

    async def update(self, query=""):
        return await self.ask(codes.POST, "%s/%s%s" % (self.account.uri, self.location, query))

    async def deregister(self):
        return await self.ask(codes.DELETE, "%s/%s" % (self.account.uri, self.location))

    def notify(self, path, value):
        oid, iid, rid = (int(p) for p in path.split("/")[1:])
        self.objects[oid][iid][rid] = value
        self.site.observers[path].trigger(
            aiocoap.Message(code=codes.CONTENT, payload=value, content_format=TEXT)
        )


# Datagrams made by hand, from a socket of their own.


@dataclasses.dataclass
class Reply:
    code: str
    payload: bytes
    options: object


def datagram(message, mid=None, token=None):
    """A CON of aiocoap's message, with a message id and token of its own."""
    mid = os.urandom(2) if mid is None else mid
    token = os.urandom(4) if token is None else token
    body = b"\xff" + message.payload if message.payload else b""
    return bytes([0x40 | len(token), message.code]) + mid + token + message.opt.encode() + body


def rewrapped(data, mid=None, token=None):
    """The same options and payload as a message of its own."""
    mid = os.urandom(2) if mid is None else mid
    token = os.urandom(4) if token is None else token
    return bytes([0x40 | len(token)]) + data[1:2] + mid + token + data[4 + (data[0] & 15) :]


def parse_reply(data):
    message = aiocoap.Message()
    payload = message.opt.decode(data[4 + (data[0] & 15) :])
    return Reply("%d.%02d" % (data[1] >> 5, data[1] & 31), payload, message.opt)


async def exchange(uri, data, wait=3):
    """The reply to a datagram, or None."""
    host, port = re.fullmatch(r"coap://([^:]+):(\d+)", uri).groups()
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setblocking(False)
        s.bind(("127.0.0.1", 0))
        s.connect((host, int(port)))
        await loop.sock_sendall(s, data)
        try:
            return parse_reply(await asyncio.wait_for(loop.sock_recv(s, 2048), wait))
        except asyncio.TimeoutError:
            return None

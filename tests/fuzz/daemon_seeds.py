#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/fuzz/seeds/daemon.hex: programs for tests/fuzz/daemon.c, one a line."""
A, B, C, NEWEST = 0, 1, 2, 255  # keys: server contexts of a and c, bootstrap context of b
SAME_MID, OTHERS_PLACE = 128, 64  # added to a key: the last MID once more, the place of a
GET, POST, PUT, DELETE = 1, 2, 3, 4
DELETED, LOCATION = 0x42, 8
SENSORS, SENSOR = (129, 0x0C, 0xE7), (130, 0x0C, 0xE7, 0, 7)  # /3303, /3303/7
CREATED, CHANGED, CONTENT, UNAUTHORIZED, NOT_ACCEPTABLE = 0x41, 0x44, 0x45, 0x81, 0x86
OBSERVE, PATH, CF, QUERY, BLOCK2, BLOCK1, ECHO = 6, 11, 12, 15, 23, 27, 252
NON, NUMBER, OTHER_CONTEXT, WITH_ECHO, OTHER_LISTENER, MOVED, AT_PLACE = 1, 2, 8, 16, 32, 64, 128
T_CON, T_NON, T_NUMBER, T_OBSERVE, T_BARE, T_MOVED, T_OTHER_MID, T_AS_LIKED = (1 << i for i in range(8))
OPAQUE = 6
FAIL, HEAL, HOLD, RELEASE, CRASH, RESTART = range(6)
SECOND, FORGED, RAW, REGISTERS = 1, 2, 4, 8
GO_ON, DONE, TOLD, BEGIN_ANEW, TOO_LARGE, GONE = range(6)  # what parts() says
AS_ASKED, P_MORE, P_BARE, P_ETAG = 15, 16, 32, 64
READ, WRITE, EXECUTE, WATCH, CANCEL, SETTINGS, FORGET, KEYS, _, NO_KEYS, PLAN, _, LOOK, MORE, PACKAGES = range(15)
PARTIAL, CREATE, REMOVE, DISCOVER, ATTRIBUTES = range(5)
ROOT, DEVICE, INSTANCE, MODEL, LIFETIME, TEMPERATURE, REBOOT, _, FIRMWARE = range(9)
LINKS = b"</3/0>,</3303/0>"


def number(n):
    return n.to_bytes((n.bit_length() + 7) // 8, "big")


def block(num, more, szx=0):
    return number(num << 4 | more << 3 | szx)


def options(opts):
    out, last = b"", 0
    for num, value in sorted(opts, key=lambda o: o[0]):
        head, tail = 0, b""
        for shift, n in ((4, num - last), (0, len(value))):
            if n < 13:
                head |= n << shift
            elif n < 269:
                head, tail = head | 13 << shift, tail + bytes([n - 13])
            else:
                head, tail = head | 14 << shift, tail + (n - 269).to_bytes(2, "big")
        out, last = out + bytes([head]) + tail + value, num
    return out


def inner(code, opts=(), payload=b""):
    return bytes([code]) + options(opts) + (b"\xff" + payload if payload else b"")


def counted(s, pad=0):
    return bytes([len(s)]) + s + bytes([pad])


def raw(message, listener=0, peer=1, pad=0, at_place=False):
    where = next(w for w in range(256)
                 if w % 3 == listener and w >> 2 & 15 == peer and w >> 7 == at_place)
    return bytes([0, where]) + counted(message, pad)


def ask(key, message, flags=0, piv=None, pad=0):
    """A protected request of a device."""
    piv = b"" if piv is None else bytes([piv])
    return bytes([1, key, flags | (NUMBER if piv else 0)]) + piv + counted(message, pad)


def tell(message, flags=0, back=0, piv=None, pad=0):
    """A response or notification to what the daemon asked `back` requests ago."""
    piv = b"" if piv is None else bytes([piv])
    return bytes([2, back, flags | (T_NUMBER | T_AS_LIKED if piv else 0)]) + piv + counted(message, pad)


def answer(n=1):
    return bytes([3, n])


def empty(type_, back=0):
    return bytes([4, back, type_])


def copy(back=0, where=0):
    return bytes([5, back, where])


def admin(what, name, *operands):
    return bytes([6, what | "abcn".index(name) << 4]) + bytes(operands)


def wait(ms):
    """At least so long, from deadline to deadline."""
    return bytes([7, next(v for v in sorted(range(128), key=length) if length(v) >= ms)])


def length(v):
    return (1 + (v & 15)) << (v >> 4 & 7) * 2


def storage(what, how=0):
    return bytes([8, next(v for v in range(256) if v % 6 == what and v >> 4 == how)])


def parts(code, how=AS_ASKED, n=1):
    """Answers about blocks, n of them if it goes on asking."""
    return bytes([9, code, how, n])


def recover(key, flags=REGISTERS, part=b"id1", number=0, message=b""):
    """A message of RFC 8613 Appendix B.2: ID1, or R3 behind the last R2."""
    return bytes([10, key, flags, number, len(part)]) + part + counted(message)


def write(name, n):
    """16 * n bytes to the firmware's package."""
    return admin(WRITE, name, FIRMWARE, 30, OPAQUE | 128, n) + bytes(n)


def register(*query, code=POST, more=()):
    q = [(QUERY, x.encode()) for x in query]
    return inner(code, [(PATH, b"rd"), *q, (CF, b"\x28"), *more], LINKS)


def plain(message, mid=1, token=b"t"):
    """A datagram without protection."""
    return bytes([0x40 | len(token), message[0], mid >> 8, mid & 255]) + token + message[1:]


REGISTER = register("ep=a", "lt=60", "lwm2m=1.1", "b=U")
QUEUE = register("ep=a", "lt=60", "lwm2m=1.1", "b=U", "Q")
UNPROTECTED = plain(register("ep=n", "lt=60", "lwm2m=1.0", "b=U"))
BOOTSTRAP = inner(POST, [(PATH, b"bs"), (QUERY, b"ep=b")])
VALUE = inner(CONTENT, [(CF, b"")], b"21.5")
V1, V2, BEGIN, CANCEL_IT, REMOVE_IT, IN_PARTS, PULL = 0, 1, 4, 8, 12, 64, 64


def numbers(*values):
    """Answers to Reads of numbers; None: the Resource is not there. And to an Observe, after which "o" stands."""
    out = b""
    for v in values:
        message = inner(0x84) if v is None else inner(CONTENT, [(OBSERVE, b""), (CF, b"")], b"0") if v == "o" else inner(CONTENT, [(CF, b"")], b"%d" % v)
        out += tell(message, T_NUMBER | T_OBSERVE if v == "o" else 0) + wait(1) * 3
    return out


def fetch(name, block2=None, key=0):
    more = [] if block2 is None else [(BLOCK2, block2)]
    return ask(key, inner(GET, [(PATH, b"fw"), (PATH, name.encode()), *more]))


SEEN = inner(CONTENT, [(OBSERVE, b""), (CF, b"")], b"21.5")
UP = ask(A, REGISTER)
WITH_FIRMWARE = inner(POST, [(PATH, b"rd"), *[(QUERY, q) for q in (b"ep=a", b"lt=60", b"lwm2m=1.1", b"b=U")], (CF, b"\x28")],
                      b"</3/0>,</5/0>")
UPDATABLE = ask(A, WITH_FIRMWARE)
UPDATE = ask(A, inner(POST), AT_PLACE)
WATCHED = UP + admin(WATCH, "a", TEMPERATURE, 30) + tell(SEEN, T_NUMBER | T_OBSERVE)


def first(more=1, num=0, code=CONTENT, observe=True):
    o = [(OBSERVE, b"")] if observe else []
    return inner(code, [*o, (CF, b""), (BLOCK2, block(num, more))], b"0123456789abcdef"[: 16 if more else 5])


def body(num, more, payload, *query):
    q = [(QUERY, x.encode()) for x in query]
    return inner(POST, [(PATH, b"rd"), *q, (BLOCK1, block(num, more))], payload)


FOUR = admin(SETTINGS, "a", 4, 128 | 3)  # may be under way at once
READS = b"".join(admin(READ, "a", i % 7, 28) for i in range(6))
REG_BLOCKS = ask(A, body(0, 1, LINKS, "ep=a", "lt=60")) + ask(A, body(1, 0, b",</1/0>", "ep=a", "lt=60"))
BULK = b"".join(admin(READ, "a", i % 7, 20) for i in range(20))
SEEDS = [
    ("a device registers, and is looked at", UP + admin(LOOK, "a") + admin(LOOK, "n")),
    ("... in queue mode, falls asleep, and is asked", ask(A, QUEUE) + wait(120000) + admin(READ, "a", MODEL, 10)),
    ("a copy of it, a copy from elsewhere, the same number again",
     UP + copy() + copy(0, 0x91) + ask(A, REGISTER, piv=0) + ask(A, REGISTER, piv=200) + ask(A, REGISTER, piv=3)),
    ("an Update that changes nothing, and a power cut", UP + wait(30000) + UPDATE + storage(CRASH) + wait(50000) + UPDATE),
    ("its lifetime runs out", UP + wait(61000) + wait(16000)),
    ("Updates, of a place that is not there too, a De-register",
     UP + UPDATE + ask(A, inner(POST, [(PATH, b"rd"), (PATH, b"x")])) + wait(30000)
     + ask(A, inner(POST, [(CF, b"\x28"), (QUERY, b"lt=90"), (QUERY, b"b=UQ"), (QUERY, b"sms=1")], b"</1/0>"), AT_PLACE | MOVED)
     + ask(A, inner(DELETE), AT_PLACE) + ask(A, inner(POST), AT_PLACE) + UP),
    ("a number again under the same MID, another device's place",
     UP + ask(A | SAME_MID, REGISTER, piv=0) + copy(1) + ask(C, REGISTER) + ask(C, register("ep=c", "lt=60"), WITH_ECHO)
     + ask(C | OTHERS_PLACE, inner(POST), AT_PLACE) + ask(C | OTHERS_PLACE, inner(DELETE), AT_PLACE) + UPDATE),
    ("a Register in blocks, the last of them twice", REG_BLOCKS + copy() + ask(A, inner(GET, [(PATH, b"rd")]))),
    ("blocks with a gap, blocks that never end, blocks for another path",
     ask(A, body(0, 1, LINKS)) + ask(A, body(2, 0, b"x")) + ask(A, body(0, 1, LINKS)) + wait(250000)
     + ask(A, inner(POST, [(PATH, b"bs"), (BLOCK1, block(0, 1))], LINKS))),
    ("large blocks above the limit", b"".join(
        ask(A, inner(POST, [(PATH, b"rd"), (BLOCK1, block(i, 1, 6))]) + b"\xff", pad=14) for i in range(3))),
    ("a challenge and its answer; then the server's number for it is gone",
     ask(C, REGISTER) + ask(C, register("ep=c", "lt=60", "lwm2m=1.1"), WITH_ECHO) + admin(READ, "c", MODEL, 10) + answer()),
    ("a challenge, a restart, an Echo of before it",
     ask(C, REGISTER) + storage(CRASH) + ask(C, register("ep=c", "lt=60"), WITH_ECHO) + ask(C, register("ep=c"), WITH_ECHO)),
    ("an ID Context that is missing, or not wanted", ask(C, REGISTER, OTHER_CONTEXT) + ask(A, REGISTER, OTHER_CONTEXT)),
    ("read, write, execute", UP + admin(READ, "a", MODEL, 30) + answer() + admin(WRITE, "a", LIFETIME, 30, 2, 1, 9)
     + answer() + admin(EXECUTE, "a", REBOOT, 30, 1, 0x30) + answer()),
    ("a read that is answered in blocks, with a challenge on the way",
     UP + admin(READ, "a", INSTANCE, 28) + tell(inner(UNAUTHORIZED, [(ECHO, b"echo")])) + tell(first(observe=False))
     + tell(first(1, 1, observe=False)) + tell(first(0, 2, observe=False))),
    ("formats that are refused, one after the other",
     UP + admin(READ, "a", INSTANCE, 28) + tell(inner(NOT_ACCEPTABLE)) + tell(inner(NOT_ACCEPTABLE))
     + admin(WATCH, "a", TEMPERATURE, 28) + tell(inner(NOT_ACCEPTABLE)) + tell(SEEN, T_NUMBER | T_OBSERVE)),
    ("no answer at all, to more requests than may wait", UP + BULK + wait(120000)),
    ("answers that are not believed: unprotected, of another number, a Reset",
     UP + admin(READ, "a", MODEL, 28) + tell(VALUE, T_BARE) + tell(VALUE, T_OTHER_MID) + empty(3) + empty(2)
     + tell(VALUE, T_CON | T_MOVED)),
    ("an observation, its notifications, an old one, its cancellation",
     WATCHED + tell(SEEN, T_NUMBER | T_OBSERVE | T_CON) + tell(SEEN, T_OBSERVE | T_NON, piv=1)
     + admin(CANCEL, "a", TEMPERATURE, 10) + answer() + tell(SEEN, T_NUMBER | T_OBSERVE | T_CON, back=1)),
    ("observations in formats that hold no values, or are not known",
     UP + admin(WATCH, "a", DEVICE, 28) + tell(inner(CONTENT, [(OBSERVE, b""), (CF, b"\x28")], LINKS), T_NUMBER | T_OBSERVE)
     + tell(inner(CONTENT, [(OBSERVE, b""), (CF, b"\xff\xff")], b"x"), T_NUMBER | T_OBSERVE)
     + admin(READ, "a", DEVICE, 28) + tell(inner(CONTENT, [(CF, b"\x28")], LINKS))),
    ("notifications whose rest is fetched", WATCHED + tell(first(), T_NUMBER | T_OBSERVE | T_CON)
     + tell(first(0, 1, observe=False)) + tell(first(), T_NUMBER | T_OBSERVE | T_CON, back=1) + answer()),
    ("a notification in blocks while a read is on its way",
     WATCHED + admin(READ, "a", MODEL, 28) + tell(first(), T_NUMBER | T_OBSERVE | T_CON, back=1) + answer() + answer()),
    ("an observation whose first response comes in blocks, and its cancellation meanwhile",
     UP + admin(WATCH, "a", INSTANCE, 28) + tell(first(), T_NUMBER | T_OBSERVE) + admin(CANCEL, "a", INSTANCE, 9)
     + answer(2)),
    ("... that fail", UP + admin(WATCH, "a", INSTANCE, 28) + tell(first(), T_NUMBER | T_OBSERVE)
     + tell(inner(0x84)) + admin(WATCH, "a", DEVICE, 28) + tell(first(), T_NUMBER | T_OBSERVE) + wait(120000)),
    ("the device ends an observation, its Update sets it up again",
     WATCHED + tell(inner(0x84), T_NUMBER | T_OBSERVE) + UPDATE + answer(2)),
    ("an observation lives on through a power cut", WATCHED + storage(CRASH) + ask(A, REGISTER, piv=9) + answer(3)),
    ("a bootstrap from start to end, and the device registers",
     ask(B, BOOTSTRAP) + answer(15) + ask(NEWEST, register("ep=b", "lt=60", "lwm2m=1.1"))
     + ask(NEWEST, register("ep=b", "lt=60", "lwm2m=1.1"), WITH_ECHO) + admin(LOOK, "b")),
    ("a bootstrap that starts over, and one that is cut", ask(B, BOOTSTRAP) + answer(2) + ask(B, BOOTSTRAP) + answer(4)
     + storage(CRASH) + ask(B, BOOTSTRAP, piv=40) + answer(15)),
    ("a bootstrap where the device falls silent, one where it refuses",
     ask(B, BOOTSTRAP) + answer(3) + wait(120000) + ask(B, BOOTSTRAP) + answer(3) + tell(inner(0x80)) + answer()),
    ("bootstraps with a plan of its own, without one, unprotected, by the wrong door",
     admin(PLAN, "b", 1) + ask(B, BOOTSTRAP) + answer(9) + admin(PLAN, "b", 16) + admin(PLAN, "b", 4, 2) + b"{}"
     + raw(plain(BOOTSTRAP), 2) + ask(A, BOOTSTRAP, OTHER_LISTENER) + ask(B, BOOTSTRAP, OTHER_LISTENER)),
    ("an unprotected device registers, answers, and goes",
     raw(UNPROTECTED) + admin(READ, "n", MODEL, 20) + answer() + admin(WATCH, "n", TEMPERATURE, 20)
     + tell(SEEN) + tell(SEEN, T_CON) + empty(3) + raw(plain(inner(POST)), at_place=True)
     + raw(plain(inner(DELETE)), at_place=True) + raw(UNPROTECTED, 0, 2) + wait(61000) + wait(16000)),
    ("... where it may not, and where it was allowed to", raw(UNPROTECTED, 1) + admin(SETTINGS, "n", 8, 4)
     + raw(UNPROTECTED, 1, 2) + admin(SETTINGS, "n", 8, 0) + raw(UNPROTECTED, 1, 3)),
    ("a flood of peers and of pings", b"".join(raw(UNPROTECTED, 0, i) for i in range(8)) + raw(b"\x40\x00\x00\x01")),
    ("credentials are replaced while a request is under way",
     UP + admin(READ, "a", MODEL, 28) + admin(KEYS, "a", 0, 4) + answer() + ask(NEWEST, REGISTER)
     + admin(NO_KEYS, "a", 0) + ask(NEWEST, REGISTER) + admin(KEYS, "a", 0, 4) + ask(NEWEST, REGISTER)),
    ("credentials that collide: ids, and a key in both roles",
     admin(KEYS, "a", 0, 4) + admin(KEYS, "c", 0, 4) + admin(KEYS, "n", 0, 1) + admin(KEYS, "n", 0, 5)
     + admin(KEYS, "n", 0xC0, 4, 2)),
    ("an endpoint is deleted while it is observed and asked",
     WATCHED + admin(READ, "a", MODEL, 28) + admin(FORGET, "a") + answer() + UP + admin(LOOK, "a")),
    ("names of its own at /rd and /bs", admin(SETTINGS, "a", 3, 0, 1, 0x78, 1, 0x79)
     + ask(A, register("ep=y")) + ask(A, REGISTER) + admin(SETTINGS, "a", 4, 2)),
    ("instances come and go", UP + admin(MORE, "a", CREATE, *SENSORS, 8, 1, 1, 0x43)
     + tell(inner(CREATED, [(LOCATION, b"3303"), (LOCATION, b"7")])) + admin(MORE, "a", CREATE, *SENSORS, 2, 1, 1, 0x43)
     + tell(inner(CREATED)) + admin(MORE, "a", REMOVE, *SENSOR, 0) + tell(inner(DELETED)) + storage(CRASH)
     + admin(LOOK, "a") + admin(MORE, "a", CREATE, *SENSORS, 2, 1, 1, 0x43) + storage(CRASH)),
    ("the other operations", UP + admin(MORE, "a", PARTIAL, INSTANCE, 129, 1, 1, 0x43, MODEL, 1, 1, 0x43, MODEL)
     + answer() + admin(MORE, "a", DISCOVER, DEVICE, 0) + tell(inner(CONTENT, [(CF, b"\x28")], LINKS))
     + admin(MORE, "a", ATTRIBUTES, TEMPERATURE, 0, 2) + tell(inner(0x80)) + answer()
     + admin(MORE, "a", ATTRIBUTES, TEMPERATURE, 16, 6) + b"pmin=5" + answer()),
    ("storage is slow", storage(HOLD) + UP + admin(SETTINGS, "n", 8, 4) + UP + copy() + wait(4000) + storage(RELEASE)
     + admin(READ, "a", MODEL, 10)),
    ("storage is slow, and then the power goes", WATCHED + storage(HOLD) + UP + admin(READ, "a", MODEL, 10)
     + admin(WRITE, "a", LIFETIME, 10, 2, 1, 9) + storage(CRASH) + UP + copy(1) + copy(2)),
    ("storage fails and comes back", UP + storage(FAIL) + UP + copy() + admin(READ, "a", MODEL, 10) + wait(2000)
     + storage(HEAL) + wait(2000) + UP + copy()),
    ("a commit that was done but told as failed", storage(FAIL, 8) + UP + storage(HEAL) + wait(2000) + copy()
     + UP + admin(READ, "a", MODEL, 10) + answer()),
    ("a clean stop and start", WATCHED + storage(RESTART) + ask(A, REGISTER) + answer(2) + copy(1)),
    ("a write in blocks, with a challenge on the way, and one in the smallest of them",
     UP + write("a", 125) + tell(inner(UNAUTHORIZED, [(ECHO, b"echo")])) + answer(2) + write("a", 128)
     + parts(GO_ON, 8 | P_MORE) + parts(GO_ON, AS_ASKED | P_MORE, 200) + parts(DONE)),
    ("writes above the limit, and of many bytes to a text", UP + write("a", 129) + write("a", 200)
     + admin(WRITE, "a", DEVICE, 30, 1 | 128, 70) + bytes(70) + answer(2)),
    ("a write that is begun anew, in other sizes, and refused", UP + write("a", 100) + parts(GO_ON) + parts(BEGIN_ANEW)
     + parts(GO_ON) + parts(BEGIN_ANEW) + write("a", 100) + parts(TOO_LARGE, 8 | 3) + parts(GO_ON, 9, 9)
     + parts(TOO_LARGE, 8 | 1) + write("a", 30) + parts(TOO_LARGE, 8 | 2, 2)),
    ("writes that are answered too early, for another block, without end",
     UP + write("a", 100) + parts(DONE, P_BARE) + write("a", 100) + parts(DONE, AS_ASKED, 3) + write("a", 100)
     + parts(GO_ON, 7) + write("a", 100) + parts(GO_ON, AS_ASKED, 9) + write("a", 100) + parts(GO_ON, P_BARE, 9)),
    ("a write in blocks is given up: by silence, a power cut, new keys, the end of the registration",
     UP + write("a", 100) + parts(GO_ON) + wait(120000) + write("a", 100) + storage(CRASH) + ask(A, REGISTER, piv=9)
     + write("a", 100) + parts(GO_ON) + admin(KEYS, "a", 0, 4) + answer() + ask(NEWEST, REGISTER) + write("a", 100)
     + parts(GO_ON) + admin(FORGET, "a") + answer()),
    ("a write in blocks without protection", raw(UNPROTECTED) + write("n", 100) + answer(2) + write("n", 100)
     + parts(GO_ON) + parts(BEGIN_ANEW) + answer(2)),
    ("a write whose answer is long, and one whose answer never ends",
     UP + write("a", 100) + parts(GO_ON) + parts(TOLD, AS_ASKED | P_MORE, 5) + parts(TOLD) + write("a", 100)
     + parts(GO_ON) + parts(TOLD, AS_ASKED | P_MORE, 60)),
    ("a read that changes on the way, goes away, never ends",
     UP + admin(READ, "a", INSTANCE, 28) + parts(TOLD, AS_ASKED | P_MORE | P_ETAG, 20) + admin(READ, "a", INSTANCE, 28)
     + parts(TOLD, AS_ASKED | P_MORE) + parts(GONE) + parts(TOLD, AS_ASKED | P_MORE) + parts(BEGIN_ANEW)
     + parts(TOLD, AS_ASKED | P_MORE) + parts(GONE) + admin(READ, "a", INSTANCE, 28)
     + parts(TOLD, AS_ASKED | P_MORE, 200)),
    ("notifications in blocks that follow each other, and a short one",
     WATCHED + tell(first(), T_NUMBER | T_OBSERVE | T_CON) + tell(first(), T_NUMBER | T_OBSERVE | T_CON, back=1)
     + tell(first(), T_NUMBER | T_OBSERVE | T_CON, back=2) + tell(SEEN, T_NUMBER | T_OBSERVE, back=3)
     + tell(first(0, 1, observe=False)) + admin(READ, "a", MODEL, 28) + answer()),
    ("... while the rest of the first response is fetched",
     UP + admin(WATCH, "a", INSTANCE, 28) + tell(first(), T_NUMBER | T_OBSERVE) + admin(READ, "a", MODEL, 28)
     + tell(SEEN, T_NUMBER | T_OBSERVE, back=1) + answer() + admin(WATCH, "a", DEVICE, 28)
     + tell(first(), T_NUMBER | T_OBSERVE) + tell(inner(0x84), T_NUMBER | T_OBSERVE, back=1)),
    ("new keys by B.2, from start to end, and the device goes on",
     recover(A) + recover(A, SECOND | REGISTERS, b"r3", 5) + ask(NEWEST, inner(POST), AT_PLACE) + admin(READ, "a", MODEL, 9)
     + answer() + admin(LOOK, "a") + copy() + copy(1) + copy(2) + storage(CRASH) + copy() + copy(1) + copy(2)),
    ("... from recovered keys, for bootstrap, with an ID Context, after a restart",
     recover(A) + recover(A, SECOND | REGISTERS, b"r3") + recover(A, part=b"x") + recover(A, SECOND | REGISTERS, b"y")
     + recover(B, 0, message=BOOTSTRAP) + recover(B, SECOND, b"r3", message=BOOTSTRAP) + answer(15) + recover(C)
     + storage(RESTART) + recover(C, SECOND | REGISTERS, b"late") + recover(C, SECOND | REGISTERS, b"r3")
     + ask(A, REGISTER) + ask(C, REGISTER, OTHER_CONTEXT)),
    ("... whose messages are lost, copied, late, forged, not wrapped, empty, too long, no requests",
     recover(A) + copy() + copy(0, 0x91) + recover(A, FORGED) + recover(A, SECOND | FORGED | REGISTERS, b"r3")
     + wait(250000) + recover(A, SECOND | REGISTERS, b"r3") + recover(A) + recover(A, RAW | REGISTERS) + recover(A, part=b"")
     + recover(A, part=b"0" * 31) + recover(A) + recover(A, SECOND, b"r3", message=b"\x00")),
    ("... while storage is slow, and fails", storage(HOLD) + recover(A) + recover(C) + copy() + storage(RELEASE)
     + recover(A, SECOND | REGISTERS, b"r3") + storage(HOLD) + recover(C, SECOND | REGISTERS, b"r3") + storage(CRASH)
     + storage(FAIL) + recover(A) + recover(A, SECOND | REGISTERS, b"r4") + storage(HEAL) + wait(2000) + recover(A)),
    ("... that we begin", admin(SETTINGS, "a", 4, 16) + UP + wait(1) + recover(A, SECOND | REGISTERS, b"r3") + copy(1) + storage(CRASH)
     + ask(A, REGISTER, piv=9) + wait(1) + recover(A, SECOND | REGISTERS, b"r3")),
    ("... that we begin with a request, as a device tells us that it has no keys",
     ask(C, REGISTER) + ask(C, register("ep=c", "lt=60", "lwm2m=1.1"), WITH_ECHO) + admin(READ, "c", MODEL, 28)
     + tell(inner(UNAUTHORIZED), T_BARE) + wait(1) + answer(2) + copy() + admin(READ, "c", MODEL, 9) + answer()
     + tell(inner(0x80), T_BARE) + wait(250000) + admin(READ, "c", MODEL, 28) + tell(inner(0x80), T_BARE) + wait(1)
     + answer() + storage(CRASH) + answer() + admin(READ, "c", MODEL, 28) + tell(inner(0x80), T_BARE) + admin(FORGET, "c")),
    ("several requests at once: answers in another order, a challenge, acknowledgements, a copy, silence",
     UP + FOUR + READS + tell(VALUE, back=1) + tell(VALUE) + tell(inner(UNAUTHORIZED, [(ECHO, b"echo")]), back=3)
     + empty(2) + empty(2, 2) + tell(VALUE, T_CON, back=2) + copy() + answer(2) + wait(120000) + READS + empty(2, 3) + answer(9)),
    ("... a write in blocks among them, another behind it, long answers",
     UP + FOUR + admin(READ, "a", MODEL, 28) + write("a", 100) + admin(READ, "a", INSTANCE, 28) + write("a", 30)
     + tell(first(observe=False)) + parts(GO_ON, AS_ASKED, 9) + tell(VALUE, back=2) + parts(BEGIN_ANEW) + parts(GO_ON, AS_ASKED, 9)
     + tell(inner(0x8D, [(BLOCK1, block(0, 0, 1))]), back=1) + answer(4) + wait(120000)),
    ("... observations that are set up, notified of in blocks, and ended meanwhile",
     UP + FOUR + admin(WATCH, "a", TEMPERATURE, 30) + admin(WATCH, "a", INSTANCE, 30) + tell(SEEN, T_NUMBER | T_OBSERVE, back=1)
     + tell(first(), T_NUMBER | T_OBSERVE) + READS + tell(first(), T_NUMBER | T_OBSERVE | T_CON, back=5) + admin(CANCEL, "a", TEMPERATURE, 9)
     + admin(WATCH, "a", TEMPERATURE, 9) + answer(4) + tell(first(0, 1, observe=False), back=2) + UP + answer(9)),
    ("... until the device has new keys, another address, or a power cut comes",
     UP + FOUR + READS + tell(VALUE, T_MOVED, back=1) + tell(inner(0x80), T_BARE) + wait(1) + answer(3) + admin(KEYS, "a", 0, 4)
     + ask(NEWEST, REGISTER) + READS + admin(EXECUTE, "a", REBOOT, 30, 1, 0x30) + storage(CRASH) + ask(NEWEST, REGISTER, piv=20)
     + READS + ask(NEWEST, inner(DELETE), AT_PLACE) + answer(2) + admin(FORGET, "a")),
    ("... of one that sleeps, and of one without keys",
     ask(A, QUEUE) + FOUR + wait(120000) + READS + ask(A, QUEUE) + tell(VALUE, back=1) + wait(120000) + ask(A, QUEUE) + answer(9)
     + raw(UNPROTECTED) + admin(SETTINGS, "n", 4, 128 | 3) + admin(READ, "n", MODEL, 20) + write("n", 100) + admin(READ, "n", DEVICE, 20)
     + write("n", 3) + tell(VALUE, back=2) + empty(3) + answer(6)),
    ("a package in two parts, and one whole; pushed, with a power cut",
     admin(PACKAGES, "a", V1 | IN_PARTS, 20, 0, 0) + admin(PACKAGES, "a", V1 | IN_PARTS, 20, 0, 81)
     + admin(PACKAGES, "a", V2, 40) + UPDATABLE + admin(PACKAGES, "a", V2 | BEGIN, 0) + wait(1) + numbers(2, "o", 0, 0)
     + parts(GO_ON, AS_ASKED, 3) + storage(CRASH) + ask(A, WITH_FIRMWARE, piv=9) + wait(1) + numbers(2, "o", 0, 0)
     + parts(GO_ON, AS_ASKED, 40) + parts(DONE) + wait(1) + numbers(2, 0) + answer() + wait(3000) + numbers(0, 1)
     + admin(PACKAGES, "a", V2 | REMOVE_IT, 0)),
    ("a package that is fetched: by its blocks, from the middle, beyond the end, by its tag, by another device",
     admin(PACKAGES, "a", V1, 40) + UPDATABLE + admin(PACKAGES, "a", V1 | BEGIN | PULL, 0, 0, 0) + wait(1)
     + numbers(2, None, "o", 0, 0) + tell(inner(CHANGED)) + wait(1)
     + fetch("v1") + fetch("v1", block(1, 0, 6)) + fetch("v1", block(0, 0, 5)) + fetch("v1", block(3, 0, 4))
     + fetch("v1", block(40, 0, 0)) + fetch("v1", block(41, 0, 0)) + fetch("v1", b"\xff\xff\xfe") + fetch("v1", block(0, 0, 7))
     + fetch("v2") + ask(C, REGISTER) + fetch("v1", key=C) + ask(A, inner(POST, [(PATH, b"fw"), (PATH, b"v1")]))
     + ask(A, inner(GET, [(PATH, b"fw"), (PATH, b"v1"), (4, (641).to_bytes(8, "little"))])) + numbers(1, 0)
     + admin(PACKAGES, "a", CANCEL_IT, 0) + answer(2) + fetch("v1") + admin(PACKAGES, "a", V1 | REMOVE_IT, 0) + fetch("v1")
     + storage(CRASH) + fetch("v1")),
    ("numbers are reserved again and again", UP + b"".join(admin(READ, "a", MODEL, 9) + answer() for _ in range(12))
     + storage(CRASH) + ask(A, REGISTER, piv=50) + admin(READ, "a", MODEL, 9) + answer()),
]

print("# Written by tests/fuzz/daemon_seeds.py")
for what, program in SEEDS:
    print("#", what)
    print(program.hex())

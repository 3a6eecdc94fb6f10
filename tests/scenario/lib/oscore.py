# SPDX-License-Identifier: Apache-2.0
"""For oscore.sh: OSCORE messages by the cryptography library and cbor2, and what is said of them."""
import hashlib
import hmac
import json
import subprocess
import sys

import cbor2
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

program, folder = sys.argv[1:]
passed = failed = 0
# COSE number: bytes of key, nonce and tag, and the cipher
AEADS = {1: (16, 12, 16, AESGCM), 2: (24, 12, 16, AESGCM), 3: (32, 12, 16, AESGCM),
         24: (32, 12, 16, ChaCha20Poly1305)}
for i, (nonce, tag) in enumerate([(13, 8), (7, 8), (13, 16), (7, 16)]):
    first = 10 if tag == 8 else 30
    for key, more in ((16, 0), (32, 1)):
        AEADS[first + (2 if nonce == 7 else 0) + more] = (key, nonce, tag, AESCCM)


def check(what, good, detail=""):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print(f"FAILED: {what}  {detail}")


def ctl(*words, stdin=""):
    return subprocess.run([program, "-S", f"{folder}/admin.sock", *words], input=stdin,
                          capture_output=True, text=True)


def told(*words, stdin="", status=0):
    r = ctl("oscore", "decode", "--json", *words, stdin=stdin)
    check(f"{words}: status {status}", r.returncode == status, r)
    return json.loads(r.stdout)


class Context:
    """Both ends of one; "device" and "server" are who speaks."""

    def __init__(self, aead, hash_name="sha256", id_context=None):
        self.key_n, self.nonce_n, self.tag_n, self.cipher = AEADS[aead]
        self.aead, self.hash, self.id_context = aead, hash_name, id_context
        self.secret, self.salt = bytes(range(16)), b"salt"
        self.id = {"device": b"\xd1", "server": b"\x01"}
        self.iv = self.derive(b"", "IV", self.nonce_n)

    def derive(self, ident, kind, n):
        info = cbor2.dumps([ident, self.id_context, self.aead, kind, n])
        prk = hmac.new(self.salt, self.secret, self.hash).digest()
        return hmac.new(prk, info + b"\1", self.hash).digest()[:n]

    def protect(self, who, asker, piv, own_piv, plaintext):
        """`piv` is the request's; a response may have one of its own."""
        by, number = (who, own_piv) if own_piv else (asker, piv)
        ident = self.id[by]
        nonce = bytes([len(ident)]) + ident.rjust(self.nonce_n - 6, b"\0") + number.rjust(5, b"\0")
        nonce = bytes(a ^ b for a, b in zip(nonce, self.iv))
        external = cbor2.dumps([1, [self.aead], self.id[asker], piv, b""])
        aad = cbor2.dumps(["Encrypt0", b"", external])
        key = self.derive(self.id[who], "Key", self.key_n)
        cipher = self.cipher(key, tag_length=self.tag_n) if self.cipher is AESCCM else self.cipher(key)
        return cipher.encrypt(nonce, plaintext, aad)

    def request(self, who, piv, plaintext):
        value = bytes([8 | len(piv) | (16 if self.id_context is not None else 0)]) + piv
        if self.id_context is not None:
            value += bytes([len(self.id_context)]) + self.id_context
        value += self.id[who]
        head = bytes([0x41, 2, 0, 7, 0x55])
        return head + self.option(value) + b"\xff" + self.protect(who, who, piv, None, plaintext)

    def response(self, who, asker, piv, own_piv, plaintext):
        value = bytes([len(own_piv)]) + own_piv if own_piv else b""
        head = bytes([0x61, 0x44, 0, 7, 0x55])
        return head + self.option(value) + b"\xff" + self.protect(who, asker, piv, own_piv, plaintext)

    @staticmethod
    def option(value):
        return bytes([0x90 | len(value)]) + value if len(value) < 13 else bytes([0x9d, len(value) - 13]) + value

    def file(self):
        """As the server has it."""
        out = {"master_secret": self.secret.hex(), "master_salt": self.salt.hex(), "sender_id": "01",
               "recipient_id": "d1", "aead": self.aead, "hkdf": -10 if self.hash == "sha256" else -11}
        if self.id_context is not None:
            out["id_context"] = self.id_context.hex()
        return json.dumps(out)


PUT = b"\x03\xb13\x010\x019\xffhello"  # PUT /3/0/9
CONTENT = b"\x45\xc0\xff21"
PATH = [{"number": 11, "name": "Uri-Path", "value": v} for v in ("3", "0", "9")]


def both_ways(x, what):
    for who, other, way in (("device", "server", "in"), ("server", "device", "out")):
        asked = x.request(who, b"\x12\x34", PUT)
        o = told(asked.hex(), "--from", "-", stdin=x.file())
        check(f"{what}: a request of the {who}", o.get("direction") == way and
              o["oscore"]["partial_iv"] == "1234" and o["oscore"]["kid"] == x.id[who].hex() and
              o["inner"] == {"code": "0.03", "options": PATH, "payload_bytes": 5,
                             "payload_hex": b"hello".hex()}, o)
        for own in (None, b"\x09"):
            answer = x.response(other, who, b"\x12\x34", own, CONTENT)
            o = told(answer.hex(), "--from", "-", "--request", asked.hex(), stdin=x.file())
            check(f"{what}: its answer", o.get("direction") != way and o["inner"]["code"] == "2.05" and
                  o["inner"]["payload_hex"] == "3231", o)
    asked = asked[:-1] + bytes([asked[-1] ^ 1])
    o = told(asked.hex(), "--from", "-", stdin=x.file(), status=1)
    check(f"{what}: a changed tag", o["error"]["reason"] == "tag", o)


check("twelve algorithms", len(AEADS) == 12, AEADS)
for aead in AEADS:
    both_ways(Context(aead), f"AEAD {aead}")
both_ways(Context(10, "sha512", b"context"), "HKDF-SHA-512 and an ID Context")

# By way of the daemon.
x = Context(10)
for name, role in (("plain", "server"), ("boot", "bootstrap")):
    x.secret = name.encode().ljust(16, b"\0")
    x.id = {"device": name.encode()[:2], "server": b"\x01"}
    x.iv = x.derive(b"", "IV", x.nonce_n)
    body = dict(json.loads(x.file()), recipient_id=x.id["device"].hex(), role=role)
    r = ctl("provision", name, "--from", "-", stdin=json.dumps(body))
    check(f"{name}: provisioned", r.returncode == 0, r)
    before = ctl("--json", "credentials", name).stdout
    asked = x.request("device", b"\x07", PUT)
    for _ in range(2):
        o = told(asked.hex(), "--endpoint", name)
        masked = o.get("inner", {}).get("masked", False)
        check(f"{name}: by the daemon", o.get("direction") == "in" and o["inner"]["options"] == PATH and
              masked == (role == "bootstrap") and ("payload_hex" in o["inner"]) != masked, o)
    answer = x.response("server", "device", b"\x07", None, CONTENT)
    o = told(answer.hex(), "--endpoint", name, "--kid", x.id["device"].hex(), "--partial-iv", "07")
    check(f"{name}: an answer of the daemon's", o.get("direction") == "out" and
          o["inner"]["payload_hex"] == "3231", o)
    check(f"{name}: nothing has moved", "contexts" in before and
          ctl("--json", "credentials", name).stdout == before, before)
o = told(asked.hex(), "--endpoint", "plain", status=1)
check("the message of another endpoint", o["error"]["reason"] == "unknown-kid", o)

# What people see, and what is refused.
r = ctl("oscore", "decode", "-", "--endpoint", "plain", stdin="44025d1f0000397492890aff00")
check("a malformed option: which byte", r.returncode == 1 and "at byte 0 of the option" in r.stderr, r)
r = ctl("oscore", "decode", asked.hex(), "--endpoint", "boot")
check("as text", r.returncode == 0 and "inner Uri-Path  3" in r.stdout and "they may be keys" in r.stdout, r)
for words, status in ((["--endpoint", "nobody"], 1), ([], 2), (["--endpoint", "a", "--from", "b"], 2),
                      (["--endpoint", "plain", "--kid", "01"], 2), (["--from", "/nonexistent"], 1),
                      (["--endpoint", "plain", "--request", "4"], 2)):
    r = ctl("oscore", "decode", asked.hex(), *words)
    check(f"{words}: status {status}", r.returncode == status and r.stderr, r)
for bad in ("{}", "[]", "{", '{"master_secret":"SECRET","sender_id":"01","recipient_id":"02"}',
            '{"master_secret":"00","sender_id":"01","recipient_id":"01"}',
            '{"master_secret":"00","sender_id":"01","recipient_id":"02","aead":99}'):
    r = ctl("oscore", "decode", asked.hex(), "--from", "-", stdin=bad)
    check(f"{bad}: refused", r.returncode == 1 and "SECRET" not in r.stderr and r.stderr, r)
r = ctl("oscore", "decode", "zz", "--endpoint", "plain")
check("no hex", r.returncode == 2, r)
r = ctl("oscore", "encode", "00", "--endpoint", "plain")
check("another verb", r.returncode == 2, r)
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)

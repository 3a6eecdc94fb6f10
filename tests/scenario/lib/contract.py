# SPDX-License-Identifier: Apache-2.0
"""contract.py BUILD FOLDER: starts lanyardd and devices, calls every operation of the OpenAPI
document well and badly, and holds every answer and event against it. Fails too if a documented
operation, status or event did not occur."""
import atexit
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from contract_device import Silent
from contract_http import Document, Stream, request, target_of

build, folder = sys.argv[1:]
sock = f"{folder}/admin.sock"
passed = failed = 0
children = []

# What cannot be brought about from outside: (method, path, status) and why.
NOT_PROVOKED = {
    ("POST", "/v1/unseal", "200"): "the database would have to be copied behind the daemon's back",
    ("DELETE", "/v1/endpoints/{endpoint}/firmware", "202"):
        "it would have to meet the milliseconds between the first block and the last",
    ("POST", "/v1/backups", "409"): "a second call would have to meet a first that takes milliseconds",
    ("POST", "/v1/backups", "507"): "the disk would have to be full",
}

SECRET = "00112233445566778899aabbccddeeff"
E = "/v1/endpoints/{endpoint}"
OSCORE = E + "/credentials/oscore"
SPKI = "3059301306072a8648ce3d020106082a8648ce3d030107034200"  # of secp256r1, up to its point
PSK = E + "/credentials/psk"
X509 = E + "/credentials/x509"
RPK = E + "/credentials/rpk"
DATA = E + "/data/{path}"
DISCOVER = E + "/discover/{path}"
ATTRIBUTES = E + "/attributes/{path}"
EXECUTE = E + "/execute/{path}"
READ_COMPOSITE = E + "/read-composite"
WRITE_COMPOSITE = E + "/write-composite"
OBSERVE_COMPOSITE = E + "/observe-composite"
DEVICES = E + "/devices"
OBSERVATION = E + "/observations/{path}"
PLAN = "/v1/bootstrap/{endpoint}"
TRIGGER = PLAN + "/trigger"
START = PLAN + "/start"
DEFAULT = "/v1/bootstrap-default"
OPERATION = "/v1/operations/{id}"
IMAGES = "/v1/firmware"
IMAGE = IMAGES + "/{image}"
FIRMWARE = E + "/firmware"

CONFIG = """[listen server]
role = server
address = 127.0.0.1
port = {server}
[listen bootstrap]
role = bootstrap
address = 127.0.0.1
port = {bootstrap}
[bootstrap]
unasked = yes
[server]
endpoints_max = 8
awake = 1
grace = 1
nosec_endpoints = silent sleepy brief
firmware_max_bytes = 20000
firmware_total_bytes = 30000
firmware_uri = coap://127.0.0.1:5683
models_dir = {folder}/models
[storage]
dir = {folder}/state
event_ring = 100
[admin]
socket = {folder}/admin.sock
socket_group =
"""


def check(what, good, told=""):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print(f"FAILED: {what}")
        for line in str(told).splitlines():
            print(f"    {line}")
    return good


def finish():
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed != 0)


def wait_for(what, condition, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.02)
    check(what, False, "not in time")
    for log in ("lanyardd.log", "device.log"):
        with open(f"{folder}/{log}", errors="replace") as f:
            print(f"{log}:\n{f.read()[-3000:]}")
    finish()


# ---- processes

ports = {"server": 0, "bootstrap": 0}


def spawn(log, *words):
    with open(f"{folder}/{log}", "a") as out:
        child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    children.append(child)
    return child


def start_daemon():
    path = f"{folder}/lanyard.conf"
    with open(path, "w") as f:
        f.write(CONFIG.format(folder=folder, **ports))
    before = ready_count()
    child = spawn("lanyardd.log", f"{build}/bin/lanyardd", "--config", path)
    wait_for("the daemon starts", lambda: ready_count() > before)
    with open(f"{folder}/lanyardd.log") as f:
        for name, port in re.findall(r"listening name=(\w+) .*?port=(\d+)", f.read()):
            ports[name] = int(port)
    return child


def ready_count():
    try:
        with open(f"{folder}/lanyardd.log") as f:
            return f.read().count("notice: ready")
    except FileNotFoundError:
        return 0


@atexit.register
def stop_children():
    for child in children:
        if child.poll() is None:
            child.terminate()
    for child in children:
        child.wait()


# ---- calls

def send(method, target, body=None, headers=None):
    headers = dict(headers or {})
    if isinstance(body, (dict, list)):
        body = json.dumps(body)
    if isinstance(body, str):
        body = body.encode()
    return request(sock, method, target, headers, body)


def call(status, method, path, params=None, query=None, body=None, headers=None, has=None):
    """One operation: the status that is expected, and everything the document says of it. `has` is
    the last part of the problem's type, or the member at fault."""
    answer = send(method, target_of(path, params or {}, query), body, headers)
    wrong = document.wrong(method, path, answer)
    if answer.status != status:
        wrong = f"status {answer.status} instead of {status}; {wrong}"
    elif has and has not in (answer.json()["type"].split(":")[-1], answer.json().get("field")):
        wrong = f"no {has}"
    check(f"{method} {path} {params or ''} {query or ''}: {status} {has or ''}", not wrong,
          f"{wrong}\n{answer}")
    return answer


def device(name, path="3/0/9"):
    return {"endpoint": name, "path": path} if path else {"endpoint": name}


NOBODY = {"endpoint": "nobody"}


def oscore(recipient, secret=SECRET):
    return {"master_secret": secret, "sender_id": "01", "recipient_id": recipient}


# ---- what holds for every operation

def every_operation():
    """Unknown parameters, other methods, keys that come again, bodies that are too long."""
    some = {"endpoint": "d", "path": "3/0/9", "id": "0123456789abcdef", "image": "some"}
    for n, (method, path, operation) in enumerate(document.operations()):
        call(400, method, path, some, {"nonsense": 1}, has="bad-request")
        if "requestBody" in operation:
            call(413, method, path, some, body="x" * (1 << 20 | 1))
        if method in ("PUT", "POST"):
            key = {"Idempotency-Key": f"every-{n}"}
            first = send(method, target_of(path, some), "{", key)
            check(f"{method} {path}: with a key", not document.wrong(method, path, first), first)
            call(422, method, path, some, body="{ ", headers=key, has="idempotency-mismatch")


def other_methods():
    some = {"endpoint": "d", "path": "3/0/9", "id": "0123456789abcdef", "image": "some"}
    for path, item in document.doc["paths"].items():
        known = {m.upper() for m in item}
        for method in ("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "BREW"):
            if method in known:
                continue
            answer = send(method, target_of(path, some))
            wrong = document.wrong_component("MethodNotAllowed", answer)
            if set(answer.headers.get("allow", "").split(", ")) != known:
                wrong += f"; Allow is not {known}"
            check(f"{method} {path}: 405", answer.status == 405 and not wrong, f"{wrong}\n{answer}")
    for target in ("/", "/v1", "/v2/status", "/v1/endpoints/d/nothing", "/v1/a/b/c/d/e/f/g/h/i/j/k"):
        answer = send("GET", target)
        wrong = document.wrong_component("UnknownPath", answer)
        check(f"GET {target}: 404", answer.status == 404 and not wrong, f"{wrong}\n{answer}")


# ---- what is stored

def stored_things():
    call(200, "GET", "/v1/openapi.json")
    call(304, "GET", "/v1/openapi.json", headers={"If-None-Match": "*"})
    call(200, "GET", "/v1/status")
    call(200, "GET", "/metrics")
    models()
    call(400, "POST", "/v1/unseal", body="{", has="bad-json")
    call(422, "POST", "/v1/unseal", body={"only_copy": False}, has="only_copy")
    call(409, "POST", "/v1/unseal", body={"only_copy": True}, has="not-sealed")
    endpoints()
    credentials()
    plans()
    imports()
    limits()


MODEL = """<?xml version="1.0" encoding="UTF-8"?>
<LWM2M><Object ObjectType="MODefinition"><Name>{name}</Name><ObjectID>{oid}</ObjectID>
<ObjectVersion>{version}</ObjectVersion><MultipleInstances>Multiple</MultipleInstances>
<Mandatory>Optional</Mandatory><Resources><Item ID="1"><Name>One</Name><Operations>RW</Operations>
<MultipleInstances>Single</MultipleInstances><Mandatory>Optional</Mandatory><Type>Integer</Type>
<RangeEnumeration>1..9</RangeEnumeration></Item></Resources></Object></LWM2M>
"""


def put_model(file, text):
    os.makedirs(f"{folder}/models", exist_ok=True)
    with open(f"{folder}/models/{file}", "w") as f:
        f.write(text)


def known(oid):
    answer = call(200, "GET", "/v1/models", query={"object": oid})
    return [(m["version"], m["name"], m["source"]) for m in answer.json()["models"]]


def models():
    """Built-in ones and files of several versions; a file that is wrong is left out; SIGHUP."""
    everything = call(200, "GET", "/v1/models").json()["models"]
    check("the objects of the core are built in",
          {0, 1, 2, 3, 4, 5, 6, 7, 16, 19, 21, 23, 24, 25, 26} <=
          {m["object"] for m in everything if m["source"] == "built-in"}, everything)
    check("two versions beside each other", known(9001) ==
          [("2.0", "Newer", "b.xml"), ("1.0", "Older", "a.xml")], known(9001))
    with open(f"{folder}/lanyardd.log") as f:
        check("a wrong file is told with its line", "models/c.xml:2: " in f.read())
    put_model("c.xml", MODEL.format(oid=9002, version="1.0", name="Mended"))
    os.remove(f"{folder}/models/a.xml")
    daemon.send_signal(signal.SIGHUP)
    wait_for("the models are read again", lambda: known(9002) == [("1.0", "Mended", "c.xml")])
    check("what is gone is gone", known(9001) == [("2.0", "Newer", "b.xml")], known(9001))
    call(400, "GET", "/v1/models", query={"object": 65535}, has="object")


def endpoints():
    call(404, "GET", E, NOBODY, has="unknown-endpoint")
    call(404, "DELETE", E, NOBODY, has="unknown-endpoint")
    a = {"endpoint": "a/b \u00e9"}
    call(200, "PUT", E, a, body={"freshness": "echo"}, headers={"If-None-Match": "*"})
    tag = call(200, "GET", E, a).headers["etag"]
    call(304, "GET", E, a, headers={"If-None-Match": tag})
    call(412, "PUT", E, a, body={}, headers={"If-None-Match": "*"}, has="If-None-Match")
    call(200, "PUT", E, a, body={"freshness": "auto"}, headers={"If-Match": tag})
    call(412, "PUT", E, a, body={}, headers={"If-Match": tag}, has="If-Match")
    call(412, "DELETE", E, a, headers={"If-Match": tag}, has="precondition-failed")
    call(200, "PUT", E, a)
    call(422, "PUT", E, a, body={"freshness": "x"}, has="freshness")
    call(422, "PUT", E, a, body={"colour": "x"}, has="invalid")
    call(400, "PUT", E, a, body="[]", has="bad-json")
    call(400, "GET", E, {"endpoint": "\u0001"}, has="endpoint")
    call(200, "GET", E + "/explain", a)
    call(404, "GET", E + "/explain", NOBODY)
    decode = E + "/oscore/decode"
    for body in ({"message": "40"}, {"message": "44025d1f0000397493091407ff00"},
                 {"message": "64445d1f0000397490ff00", "kid": "", "partial_iv": "14"}):
        answer = call(200, "POST", decode, a, body=body)
        check("it does not open", "error" in answer.json()["message"], answer)
    call(400, "POST", decode, a, body="{")
    call(404, "POST", decode, NOBODY, body={"message": "40"})
    call(422, "POST", decode, a, body={"request": "40"}, has="message")
    call(422, "POST", decode, a, body={"message": "40", "kid": ""}, has="partial_iv")
    call(422, "POST", decode, a, body={"message": "40", "partial_iv": "00"}, has="kid")
    call(422, "POST", decode, a, body={"message": "40", "request": "40", "kid": "", "partial_iv": "00"}, has="request")
    call(422, "POST", decode, a, body={"message": "4"}, has="message")
    call(204, "DELETE", E, a)
    # The first answer again, although it would be another one now.
    key = {"Idempotency-Key": "delete and create"}
    first = call(200, "PUT", E, a, body={}, headers=key)
    call(204, "DELETE", E, a)
    again = call(200, "PUT", E, a, body={}, headers=key)
    check("an answer that is repeated says so, and is the same",
          again.headers.get("idempotent-replayed") == "true" and again.body == first.body, again)
    call(404, "GET", E, a)
    call(400, "GET", "/v1/endpoints", query={"limit": 0}, has="limit")
    pages("/v1/endpoints?limit=1")


def pages(target):
    """Every endpoint once, by the links."""
    names = []
    while target:
        answer = send("GET", target)
        wrong = document.wrong("GET", "/v1/endpoints", answer)
        body = answer.json()
        names += [e["name"] for e in body["endpoints"]]
        target = body.get("next")
        link = answer.headers.get("link")
        if link != (f'<{target}>; rel="next"' if target else None):
            wrong += f"; Link is {link}"
        check("a page of endpoints", not wrong, f"{wrong}\n{answer}")
    check("pages have every endpoint once, in order",
          names == sorted(set(names)) and {"d", "silent", "sleepy"} <= set(names), names)


def credentials():
    k = {"endpoint": "keys"}
    psk = {"identity": "me", "key": SECRET}
    call(404, "GET", PSK, NOBODY)
    call(404, "DELETE", PSK, NOBODY, has="unknown-endpoint")
    call(201, "PUT", PSK, k, body=psk)
    call(200, "PUT", PSK, k, body=psk)
    told = call(200, "GET", PSK, k).json()
    check("no key is told", told["psks"] == [{"role": "server", "identity": "me", "identity_hex": "6d65"}])
    call(409, "PUT", PSK, {"endpoint": "other"}, body=psk, has="conflict")
    call(201, "PUT", PSK, k, body={"role": "bootstrap", "identity_hex": "ff", "key": SECRET})
    call(422, "PUT", PSK, k, body={"identity": "me", "key": "00" * 15}, has="key")
    call(422, "PUT", PSK, k, body={"identity_hex": "6100", "key": SECRET}, has="identity_hex")
    call(422, "PUT", PSK, k, body={"key": SECRET}, has="identity")
    call(400, "DELETE", PSK, k, {"role": "x"}, has="role")
    call(204, "DELETE", PSK, k, {"role": "server"})
    call(404, "DELETE", PSK, k, has="no-credentials")
    for path, member, body, more in ((X509, "certificates", {"sha256": "ab" * 32}, {"role": "bootstrap", "name": "me"}),
                                     (RPK, "public_keys", {"public_key": SPKI + "04" + "00" * 64}, None)):
        call(404, "GET", path, NOBODY)
        call(404, "DELETE", path, NOBODY, has="unknown-endpoint")
        call(201, "PUT", path, k, body=body)
        call(200, "PUT", path, k, body=body)
        check("it is told", call(200, "GET", path, k).json()[member] == [{"role": "server", **body}])
        call(409, "PUT", path, {"endpoint": "other"}, body=body, has="conflict")
        call(422, "PUT", path, k, body={}, has=next(iter(body)))
        call(422, "PUT", path, k, body={**body, "colour": 1}, has="invalid")
        if more:
            call(201, "PUT", path, k, body=more)
            call(200, "GET", path, k)
        call(400, "DELETE", path, k, {"role": "x"}, has="role")
        call(204, "DELETE", path, k, {"role": "server"})
        call(404, "DELETE", path, k, has="no-credentials")
    call(404, "GET", OSCORE, NOBODY)
    call(404, "DELETE", OSCORE, NOBODY, has="unknown-endpoint")
    call(201, "PUT", OSCORE, k, body=oscore("a001"), headers={"If-None-Match": "*"})
    call(200, "PUT", OSCORE, k, body=oscore("a001"))
    answer = call(200, "GET", OSCORE, k)
    check("credentials come back without their secret", SECRET not in answer.body.decode())
    call(304, "GET", OSCORE, k, headers={"If-None-Match": answer.headers["etag"]})
    call(412, "PUT", OSCORE, k, body=oscore("a002"), headers={"If-None-Match": "*"})
    call(412, "DELETE", OSCORE, k, headers={"If-Match": '"0"'})
    call(409, "PUT", OSCORE, {"endpoint": "other"},
         body=oscore("a001", "ff" * 16), has="recipient_id")
    call(422, "PUT", OSCORE, k, body={**oscore("a001"), "master_secret": "zz"}, has="master_secret")
    call(422, "PUT", OSCORE, k, body=oscore("01"), has="recipient_id")
    call(422, "PUT", OSCORE, k, body={"sender_id": "01"}, has="master_secret")
    call(400, "PUT", OSCORE, k, body='{"master_secret":"' + SECRET, has="bad-json")
    call(400, "DELETE", OSCORE, k, {"role": "x"}, has="role")
    call(404, "DELETE", OSCORE, k, {"role": "bootstrap"}, has="no-credentials")
    call(204, "DELETE", OSCORE, k, {"role": "server"}, headers={"If-Match": answer.headers["etag"]})
    call(204, "DELETE", E, k)


def plans():
    plan = {"servers": [{"uri": "coap://127.0.0.1:1", "lifetime_s": 60}]}
    p = {"endpoint": "planned"}
    call(404, "GET", PLAN, NOBODY)
    call(404, "PUT", PLAN, NOBODY, body=plan)
    call(404, "DELETE", PLAN, NOBODY)
    call(200, "PUT", E, p)
    call(404, "DELETE", PLAN, p, has="no-plan")
    call(200, "PUT", PLAN, p, body=plan, headers={"If-None-Match": "*"})
    tag = call(200, "GET", PLAN, p).headers["etag"]
    call(304, "GET", PLAN, p, headers={"If-None-Match": tag})
    call(412, "PUT", PLAN, p, body=plan, headers={"If-None-Match": tag})
    call(412, "DELETE", PLAN, p, headers={"If-Match": '"0"'})
    call(400, "PUT", PLAN, p, body="{", has="bad-json")
    bad = {"servers": [{"uri": "http://x"}]}
    call(422, "PUT", PLAN, p, body=bad, has="servers[0].uri")
    bad = {"servers": [{"uri": "coap://x", "oscore": {"aead": 4}}]}
    call(422, "PUT", PLAN, p, body=bad, has="servers[0].oscore.aead")
    call(204, "DELETE", PLAN, p, headers={"If-Match": tag})
    two = {"servers": [*plan["servers"], {"uri": "coaps://x", "ssid": 2, "psk": {"identity": "61", "key": SECRET}}],
           "access": [{"object": 3, "instance": 0, "owner": 1, "rights": {"2": "R", "default": ""}},
                      {"object": 3303, "rights": {"2": "C"}}]}
    call(200, "PUT", PLAN, p, body=two)
    shown = call(200, "GET", PLAN, p)
    check("a key of a plan is not shown", SECRET not in str(shown.json()), shown)
    call(422, "PUT", PLAN, p, body={**two, "access": [{"object": 3, "instance": 0, "owner": 9}]}, has="access[0].owner")
    call(200, "PUT", PLAN, p, body={"servers": [], "other_accounts": "keep", "remove": [7]})
    call(200, "GET", PLAN, p)
    call(204, "DELETE", E, p)
    before = call(200, "GET", DEFAULT)
    call(304, "GET", DEFAULT, headers={"If-None-Match": before.headers["etag"]})
    call(412, "PUT", DEFAULT, body=plan, headers={"If-None-Match": "*"})
    call(412, "DELETE", DEFAULT, headers={"If-Match": '"0"'})
    call(422, "PUT", DEFAULT, body={"servers": []}, has="servers")
    call(422, "PUT", DEFAULT, body=two, has="servers[1].psk.key")
    account = {"uri": "coap://127.0.0.1:5783", "hold_off_s": 5, "timeout_s": 0, "oscore": {"aead": 1}}
    call(200, "PUT", DEFAULT, body={**plan, "bootstrap_account": account,
                                    "patterns": [{"match": "m-*", **plan}]})
    call(200, "GET", DEFAULT)
    call(204, "DELETE", DEFAULT)
    call(404, "DELETE", DEFAULT, has="no-plan")
    call(200, "PUT", DEFAULT, body=before.json()["plan"])


def imports():
    lines = [{"endpoint": "imported", "credentials": {"oscore": oscore("b001", "ee" * 16)}},
             {"endpoint": "imported", "colour": 1}]
    text = "\n".join(json.dumps(line) for line in lines)
    answer = call(200, "POST", "/v1/import", body=text)
    check("an import tells what became of each line", answer.json()["imported"] == 1 and
          answer.json()["refused"][0]["line"] == 2, answer)
    call(400, "POST", "/v1/import", query={"replace": "perhaps"}, body=text, has="replace")
    call(400, "POST", "/v1/import", body="", has="bad-request")
    call(413, "POST", "/v1/import", body="{}\n" * 300000, has="too-large")
    call(204, "DELETE", E, {"endpoint": "imported"})


def limits():
    """endpoints_max is 8."""
    made = []
    while len(made) < 9:
        name = f"full-{len(made)}"
        answer = send("PUT", target_of(E, {"endpoint": name}))
        if answer.status != 200:
            break
        made.append(name)
    call(507, "PUT", E, {"endpoint": "full"}, has="limit")
    call(507, "PUT", PSK, {"endpoint": "full"}, body={"identity": "full", "key": SECRET}, has="limit")
    call(507, "PUT", X509, {"endpoint": "full"}, body={"name": "full"}, has="limit")
    call(507, "PUT", RPK, {"endpoint": "full"}, body={"public_key": SPKI + "04" + "01" * 64}, has="limit")
    call(507, "PUT", OSCORE, {"endpoint": "full"}, body=oscore("c001", "dd" * 16), has="limit")
    for name in made:
        call(204, "DELETE", E, {"endpoint": name})


# ---- devices

TOGETHER = {"paths": ["/3303/0/5700", "/3/0/9"]}

# (method, path template, path of the device, body, expected good status)
WELL = [
    ("GET", DATA, "3/0/9", None, 200),
    ("GET", DATA, "3/0", None, 200),
    ("GET", DATA, "3", None, 200),
    ("PUT", DATA, "3/0/14", {"value": "+02:00"}, 200),
    ("POST", DATA, "3/0", {"resources": {"15": "Europe/Vienna"}}, 200),
    ("POST", DATA, "3303", {"instance": 7, "resources": {"5750": "boiler"}}, 201),
    ("DELETE", DATA, "3303/7", None, 200),
    ("GET", DISCOVER, "3", None, 200),
    ("PUT", ATTRIBUTES, "3303/0/5700", {"pmin": 1, "pmax": 60}, 200),
    ("PUT", OBSERVATION, "3303/0/5700", None, 200),
    ("POST", EXECUTE, "3303/0/5605", {"arguments": "0='a'"}, 200),
    ("POST", READ_COMPOSITE, None, {"paths": ["/3/0/14", "/1"]}, 200),
    ("POST", WRITE_COMPOSITE, None, {"values": {"/3/0/14": "+01:00", "/3/0/15": "UTC"}}, 200),
    ("PUT", OBSERVE_COMPOSITE, None, TOGETHER, 200),
]
# What no device has.
REFUSED = [
    ("GET", DATA, "4444/0/1", None),
    ("PUT", DATA, "4444/0/1", {"value": 1, "type": "integer"}),
    ("POST", DATA, "4444", {"instance": 1}),
    ("DELETE", DATA, "4444/0", None),
    ("GET", DISCOVER, "4444", None),
    ("PUT", ATTRIBUTES, "4444/0", {"pmin": 1}),
    ("PUT", OBSERVATION, "4444/0/1", None),
    ("POST", EXECUTE, "4444/0/1", None),
    ("POST", WRITE_COMPOSITE, None, {"values": {"/4444/0/1": 1}}),
    ("POST", READ_COMPOSITE, None, {"paths": ["/4444"]}),
    ("PUT", OBSERVE_COMPOSITE, None, {"paths": ["/4444"]}),
]
# By what is wrong with the request itself.
WRONG = [
    (422, "PUT", DATA, "3/0/14", {"value": 5}, "invalid"),
    (422, "PUT", DATA, "3/0/14", {}, "value"),
    (422, "POST", DATA, "3/0", {"resources": {"15": 5}}, "invalid"),
    (422, "PUT", ATTRIBUTES, "3303/0/5700", {"pmin": -1}, "pmin"),
    (422, "PUT", ATTRIBUTES, "3303/0/5700", {"speed": 1}, "invalid"),
    (422, "POST", EXECUTE, "3/0/4", {"arguments": "a b"}, "arguments"),
    (422, "POST", READ_COMPOSITE, None, {"paths": ["x"]}, "paths"),
    (422, "POST", READ_COMPOSITE, None, {}, "paths"),
    (422, "PUT", OBSERVE_COMPOSITE, None, {"paths": ["/"]}, "paths"),
    (422, "PUT", OBSERVE_COMPOSITE, None, {"paths": ["/3/0/9"] * 33}, "invalid"),
    (422, "PUT", OBSERVE_COMPOSITE, None, {"paths": ["/21/0"]}, "reserved"),
    (400, "PUT", OBSERVE_COMPOSITE, None, "{", "bad-json"),
    (422, "DELETE", OBSERVE_COMPOSITE, None, {"paths": []}, "paths"),
    (404, "DELETE", OBSERVE_COMPOSITE, None, {"paths": ["/3/0/9"]}, "not-observed"),
    (422, "POST", WRITE_COMPOSITE, None, {"values": {"/3/0": 1}}, "values"),
    (422, "POST", WRITE_COMPOSITE, None, {"values": {"/3/0/14": 5}}, "invalid"),
    (422, "POST", WRITE_COMPOSITE, None, {"values": {"/21/0/1": "AAAA"}}, "reserved"),
    (422, "DELETE", DATA, "3/0", None, "invalid"),
    (400, "PUT", DATA, "3/0/14", "{", "bad-json"),
    (400, "POST", DATA, "3/0", "[", "bad-json"),
    (400, "PUT", ATTRIBUTES, "3/0", "x", "bad-json"),
    (400, "POST", EXECUTE, "3/0/4", "x", "bad-json"),
    (400, "GET", DATA, "3/0/x", None, "path"),
    (400, "GET", DATA, "70000", None, "path"),
    (400, "DELETE", DATA, "3/0/9", None, "path"),
    (400, "POST", EXECUTE, "3/0", None, "path"),
    (400, "GET", DISCOVER, "3/0/7/0", None, "path"),
]


def stranger():
    """A request under a Sender ID that nobody has."""
    peer = Silent(ports["server"]).socket
    peer.send(bytes.fromhex("400200019409006e6fff00112233445566778899"))
    check("a stranger gets 4.01", peer.recv(100)[1] == 0x81)


def devices():
    for method, path, at, body, status in WELL:
        call(status, method, path, device("d", at), body=body)
    for method, path, at, body in REFUSED:
        answer = call(502, method, path, device("d", at), body=body, has="device-error")
        check("the device's own code is told", "device" in answer.json(), answer)
    for status, method, path, at, body, has in WRONG:
        call(status, method, path, device("d", at), body=body, has=has)
    call(502, "POST", TRIGGER, {"endpoint": "d"}, {"instance": 7}, has="device-error")
    call(200, "PUT", DATA, device("d", "3/0/14"), body="+01:00",
         headers={"Content-Type": "text/plain"})
    call(422, "PUT", DATA, device("d", "5/0/1"), body={"value": "x" * 256}, has="/5/0/1")
    call(415, "POST", DATA, device("d", "3/0"), body="x", headers={"Content-Type": "text/plain"})
    call(415, "PUT", ATTRIBUTES, device("d", "3/0"), body="x",
         headers={"Content-Type": "text/plain"})
    call(422, "PUT", OBSERVATION, device("d", "3/0/9"), body={"pmin": 10}, has="invalid")
    call(422, "PUT", OBSERVATION, device("d", "3/0/9"), body={"pmin": "x"}, has="pmin")
    call(415, "PUT", OBSERVATION, device("d", "3/0/9"), body="x", headers={"Content-Type": "text/plain"})
    call(400, "GET", DATA, device("d"), {"format": "yaml"}, has="format")
    call(400, "GET", DATA, device("d"), {"wait": 601}, has="wait")
    listed = call(200, "GET", E + "/observations", {"endpoint": "d"}).json()["observations"]
    check("what is observed together is listed so",
          ["/3/0/9", "/3303/0/5700"] in [o.get("paths") for o in listed], listed)
    call(404, "GET", E + "/observations", NOBODY)
    behind_gateways()
    call(200, "GET", E, {"endpoint": "d"})
    call(200, "PUT", OBSERVATION, device("d", "3303/0/5700"))
    call(404, "DELETE", OBSERVATION, device("d", "1/0/1"), has="not-observed")


def behind_gateways():
    there = call(200, "GET", DEVICES, {"endpoint": "d"}).json()
    check("both devices are known", there["state"] == "known" and
          [d["prefix"] for d in there["devices"]] == ["d01", "d02"], there)
    call(404, "GET", DEVICES, NOBODY)
    read = call(200, "GET", DATA, device("d", "d01/3303/0")).json()
    check("the answer names the device", read.get("prefix") == "d01", read)
    call(200, "PUT", DATA, device("d", "d01/3/0/14"), body={"value": "+05:00"})
    call(200, "GET", DISCOVER, device("d", "d02/3303"))
    call(404, "GET", DATA, device("d", "d03/3303/0"), has="unknown-device")
    call(422, "GET", DATA, device("d", "d01/2"), has="invalid")
    call(200, "PUT", OBSERVATION, device("d", "d01/3303/0/5700"))
    call(200, "GET", E + "/observations", {"endpoint": "d"})
    call(204, "DELETE", OBSERVATION, device("d", "d01/3303/0/5700"))


def absent_devices():
    """Nobody, one that is asleep, and one that does not answer."""
    unregistered = {"endpoint": "known"}
    call(200, "PUT", E, unregistered)
    for method, path, at, body, _ in WELL:
        call(404, method, path, device("nobody", at), body=body, has="unknown-endpoint")
        call(404, method, path, device("known", at), body=body, has="not-registered")
        answer = call(202, method, path, device("sleepy", at), body=body)
        check("it waits", answer.json()["state"] == "queued", answer)
        call(204, "DELETE", OPERATION, {"id": answer.json()["id"]})
        told = call(200, "GET", OPERATION, {"id": answer.json()["id"]}).json()
        check("and is given up", told["problem"]["type"].endswith(":cancelled"), told)
    call(404, "POST", TRIGGER, NOBODY, has="unknown-endpoint")
    call(404, "POST", START, NOBODY, has="unknown-endpoint")
    call(404, "POST", START, {"endpoint": "known"}, has="no-credentials")
    with ThreadPoolExecutor(len(WELL)) as pool:
        for done in [pool.submit(call, 504, method, path, device("sleepy", at),
                                 {"wait": 9, "expires": 1}, body=body, has="expired")
                     for method, path, at, body, _ in WELL]:
            done.result()
    call(504, "POST", TRIGGER, {"endpoint": "sleepy"}, {"wait": 9, "expires": 1}, has="expired")
    call(404, "DELETE", OBSERVATION, device("nobody"), has="unknown-endpoint")
    call(204, "DELETE", E, unregistered)
    for method, path, at, body, _ in WELL:
        answer = call(202, method, path, device("silent", at), {"wait": 0}, body=body)
        check("its Location leads to it", answer.headers["location"].endswith(answer.json()["id"]))
        call(200, "GET", OPERATION, {"id": answer.json()["id"]})
    call(409, "PUT", OBSERVATION, device("silent", "3303/0/5700"), has="conflict")
    call(202, "DELETE", OBSERVATION, device("silent"), {"wait": 0})
    call(409, "PUT", OBSERVE_COMPOSITE, {"endpoint": "silent"}, body=TOGETHER, has="conflict")
    call(202, "DELETE", OBSERVE_COMPOSITE, {"endpoint": "silent"}, {"wait": 0}, body=TOGETHER)
    call(202, "GET", DATA, device("silent"), {"wait": 1})
    call(202, "POST", TRIGGER, {"endpoint": "silent"}, {"wait": 0})


# ---- operations

def state_of(answer):
    return call(200, "GET", OPERATION, {"id": answer.json()["id"]}).json()


def outcome(answer):
    """Of a 202, when it has one."""
    wait_for("an operation ends",
             lambda: send("GET", answer.headers["location"]).json()["state"] != "running")
    return state_of(answer)


def operations():
    direct = call(200, "GET", DATA, device("d", "1/0")).json()  # nothing in it changes by itself
    told = outcome(call(202, "GET", DATA, device("d", "1/0"), {"wait": 0}))
    check("an operation ends with what a direct answer has",
          told["state"] == "done" and told["status"] == 200 and told["result"] == direct,
          f"{told}\n{direct}")
    direct = call(502, "GET", DATA, device("d", "4444")).json()
    told = outcome(call(202, "GET", DATA, device("d", "4444"), {"wait": 0}))
    check("or with its problem", told["state"] == "failed" and told["problem"] == direct,
          f"{told}\n{direct}")
    key = {"Idempotency-Key": "execute once"}
    first = call(202, "POST", EXECUTE, device("d", "3303/0/5605"), {"wait": 0}, headers=key)
    again = call(202, "POST", EXECUTE, device("d", "3303/0/5605"), {"wait": 0}, headers=key)
    check("a repeated call is the same operation",
          first.headers["location"] == again.headers["location"], again)
    running = call(202, "GET", DATA, device("silent", "3/0/0"), {"wait": 0})
    one = {"id": running.json()["id"]}
    call(204, "DELETE", OPERATION, one)
    check("what is cancelled fails",
          outcome(running)["problem"]["type"].endswith(":cancelled"))
    call(409, "DELETE", OPERATION, one, has="conflict")
    call(404, "GET", OPERATION, {"id": "0" * 16}, has="unknown-operation")
    call(404, "DELETE", OPERATION, {"id": "0" * 16}, has="unknown-operation")
    rows = call(200, "GET", "/v1/operations", query={"endpoint": "silent"}).json()["operations"]
    check("a list of operations", len(rows) > len(WELL) and
          all(row["endpoint"] == "silent" for row in rows), rows)
    call(200, "GET", "/v1/operations")


# ---- events

class Listener:
    """What comes, in order: each id once and none left out."""

    def __init__(self):
        self.last = 0
        self.kinds = []
        self.stream = None

    def open(self):
        self.stream = Stream(sock, last=self.last)
        head = self.stream.head
        check("the stream of events opens", self.stream.status() == 200 and
              head[1]["content-type"] == "text/event-stream", head)
        document.done.add(("GET", "/v1/events", str(self.stream.status())))

    def take(self):
        self.stream.receive()
        for number, kind, data in self.stream.frames():
            wrong = document.wrong_event(kind, data)
            if int(number) != self.last + 1 or data["seq"] != int(number):
                wrong += f"; it follows {self.last}"
            check(f"event {number} {kind}", not wrong, f"{wrong}\n{data}")
            self.last = int(number)
            self.kinds.append((kind, data["endpoint"]))

    def until(self, kind, endpoint):
        def arrived():
            self.take()
            return (kind, endpoint) in self.kinds
        wait_for(f"{kind} of {endpoint}", arrived)

    def close(self):
        self.take()
        self.stream.close()


def restarts(daemon, listener):
    """An end that is clean, and one that is not: a client that comes back misses nothing."""
    listener.close()
    daemon.terminate()
    check("the daemon stops cleanly", daemon.wait(20) == 0)
    daemon = start_daemon()
    silent.update()
    listener.kinds.clear()
    listener.open()
    listener.until("updated", "silent")
    call(202, "POST", EXECUTE, device("silent", "3/0/4"), {"wait": 0})
    silent.update()
    listener.kinds.clear()
    listener.until("updated", "silent")
    daemon.kill()
    daemon.wait()
    listener.close()
    daemon = start_daemon()
    listener.open()
    listener.until("operation", "silent")
    return daemon


def gap(listener):
    """The ring holds 100 events."""
    for _ in range(150):
        silent.update()
    late = Stream(sock, last=1)
    frames = []

    def arrived():
        late.receive()
        frames.extend(late.frames())
        return len(frames) > 20
    wait_for("events behind a gap", arrived)
    number, kind, data = frames[0]
    check("what has left the ring is told", kind == "gap" and number is None and
          not document.wrong_event(kind, data), frames[0])
    numbers = [int(n) for n, _, _ in frames[1:]]
    check("then come all that are left", data.get("first") == numbers[0] and
          numbers == list(range(numbers[0], numbers[0] + len(numbers))), numbers)
    late.close()
    listener.take()


def part(status, first, last, total, image="a.bin", **more):
    return call(status, "PUT", IMAGE, {"image": image}, body="x" * (last - first + 1),
                headers={"Content-Range": f"bytes {first}-{last}/{total}"}, **more)


def images():
    """Uploads, whole and in parts."""
    call(204, "DELETE", IMAGE, {"image": "some"})  # of every_operation
    call(404, "DELETE", IMAGE, {"image": "some"}, has="unknown-image")
    call(404, "GET", IMAGE, {"image": "some"}, has="unknown-image")
    part(202, 0, 9999, 20000)
    part(409, 5000, 9999, 20000, has="conflict")
    part(202, 0, 9999, 20000)
    whole = part(201, 10000, 19999, 20000).json()
    check("the bytes of the parts are hashed", whole["sha256"] ==
          hashlib.sha256(b"x" * 20000).hexdigest() and whole["bytes"] == 20000, whole)
    check("and are in a file of that name",
          os.listdir(f"{folder}/state/firmware") == [whole["sha256"]])
    part(413, 0, 9, 20001, has="too-large")
    part(507, 0, 9, 20000, image="b.bin", has="limit")
    call(422, "PUT", IMAGE, {"image": "a b"}, body="x", has="name")
    call(400, "PUT", IMAGE, {"image": "b"}, {"once": "perhaps"}, body="x", has="once")
    for bad in ("bytes 0-9/5", "bytes 5-1/9", "bytes 0-1", "octets 0-0/5", "bytes 0-1/5"):
        call(400, "PUT", IMAGE, {"image": "b"}, body="x", headers={"Content-Range": bad})
    call(201, "PUT", IMAGE, {"image": "b.bin"}, body="short")
    listed = call(200, "GET", IMAGES).json()["images"]
    check("the newest comes first", [i["name"] for i in listed] == ["b.bin", "a.bin"], listed)
    call(200, "GET", IMAGE, {"image": "a.bin"})
    call(204, "DELETE", IMAGE, {"image": "a.bin"})


def firmware(listener):
    """An update to its end, and what is refused meanwhile and without one."""
    images()
    d = {"endpoint": "d"}
    push = {"method": "push", "image": "b.bin"}
    call(404, "GET", FIRMWARE, NOBODY, has="unknown-endpoint")
    call(404, "PUT", FIRMWARE, NOBODY, body=push, has="unknown-endpoint")
    call(404, "DELETE", FIRMWARE, NOBODY, has="unknown-endpoint")
    call(404, "GET", FIRMWARE, d, has="no-update")
    call(404, "DELETE", FIRMWARE, d, has="no-update")
    call(404, "PUT", FIRMWARE, d, body={"method": "push", "image": "c.bin"}, has="unknown-image")
    call(422, "PUT", FIRMWARE, d, body={"method": "push", "uri": "coap://x/y"}, has="image")
    call(422, "PUT", FIRMWARE, d, body={"method": "pull", "uri": "coap://x/\u00e4"}, has="uri")
    call(422, "PUT", FIRMWARE, d, body={"method": "shove", "image": "b.bin"}, has="method")
    call(422, "PUT", FIRMWARE, {"endpoint": "silent"}, body=push, has="invalid")
    begun = call(201, "PUT", FIRMWARE, d, body=push).json()
    check("it begins by looking", begun["state"] == "checking" and not begun["over"], begun)
    call(409, "PUT", FIRMWARE, d, body=push, has="conflict")
    call(409, "DELETE", IMAGE, {"image": "b.bin"}, has="conflict")
    call(409, "PUT", IMAGE, {"image": "b.bin"}, body="other", has="conflict")

    def state():
        return call(200, "GET", FIRMWARE, d).json()["state"]
    wait_for("the device updates", lambda: state() in ("updating", "succeeded"))
    call(409, "DELETE", FIRMWARE, d, has="conflict")
    wait_for("the update succeeds", lambda: state() == "succeeded")
    check("all updates are listed", [u["endpoint"] for u in call(
        200, "GET", "/v1/firmware-updates").json()["updates"]] == ["d"])
    listener.until("firmware", "d")
    call(204, "DELETE", FIRMWARE, d)
    call(404, "GET", FIRMWARE, d, has="no-update")
    call(204, "DELETE", IMAGE, {"image": "b.bin"})
    check("nothing is left", os.listdir(f"{folder}/state/firmware") == [])


def trace():
    """The messages of a device while it is asked, each as the document has it."""
    path = E + "/trace"
    call(404, "GET", path, NOBODY, has="unknown-endpoint")
    stream = Stream(sock, "/v1/endpoints/d/trace")
    document.done.add(("GET", path, str(stream.status())))
    call(200, "GET", DATA, device("d"))
    seen = []

    def both():
        stream.receive()
        for number, kind, data in stream.frames():
            wrong = document.wrong_event(kind, data, path)
            check("a traced message", number is None and not wrong, f"{wrong}\n{data}")
            seen.append(data["data"]["direction"])
        return {"in", "out"} <= set(seen)
    wait_for("a question and an answer", both)
    stream.close()


def crowd():
    """64 listen; the next one is refused."""
    call(400, "GET", "/v1/events", query={"type": "nonsense"}, has="type")
    call(400, "GET", "/v1/events", query={"after": "x"}, has="after")
    crowd_of = [Stream(sock) for _ in range(64)]
    answer = send("GET", "/v1/events")
    wrong = document.wrong("GET", "/v1/events", answer)
    check("one listener too many: 503 busy", answer.status == 503 and not wrong and
          answer.json()["type"].endswith(":busy"), f"{wrong}\n{answer}")
    for stream in crowd_of:
        stream.close()


# ---- all of it

def start_device():
    keys = {"master_secret": "0123456789abcdef0123456789abcdef", "sender_id": "01",
            "recipient_id": "dd01", "role": "bootstrap"}
    call(201, "PUT", OSCORE, {"endpoint": "d"}, body=keys)
    with open(f"{folder}/device.conf", "w") as f:
        os.fchmod(f.fileno(), 0o600)
        f.write("endpoint=d\nmaster_secret=0123456789abcdef0123456789abcdef\nsender_id=dd01\n"
                f"recipient_id=01\nbootstrap_uri=coap://127.0.0.1:{ports['bootstrap']}\n")
    spawn("device.log", f"{build}/bin/lanyard-device", "--config", f"{folder}/device.conf",
          "--state", f"{folder}/device.state", "--notify-interval", "500", "--unasked",
          "--gateway", "2")


signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
put_model("a.xml", MODEL.format(oid=9001, version="1.0", name="Older"))
put_model("b.xml", MODEL.format(oid=9001, version="2.0", name="Newer"))
put_model("c.xml", "<LWM2M>\n<Thing/></LWM2M>")
daemon = start_daemon()
document = Document(request(sock, "GET", "/v1/openapi.json").body)
uri = f"coap://127.0.0.1:{ports['server']}"
call(200, "PUT", DEFAULT,
     body={"servers": [{"uri": uri, "lifetime_s": 300}], "read": ["/1", "/2"]})
start_device()
silent, sleepy, brief = (Silent(ports["server"]) for _ in range(3))
check("devices register", silent.register("silent", 300) and
      sleepy.register("sleepy", 300, "Q") and brief.register("brief", 1))
listener = Listener()
listener.open()
listener.until("bootstrap", "d")
listener.until("registered", "d")
listener.until("expired", "brief")
check("a device comes back, sends and goes", brief.register("brief", 60) and
      brief.send(b'[{"bn":"/3303/0/5700","bt":1700000000,"v":20.5},{"v":21,"t":60}]') and
      brief.deregister())
listener.until("send", "brief")
listener.until("deregistered", "brief")
listener.take()
listener.kinds.clear()
every_operation()
other_methods()
listener.until("bootstrap", "d")  # it was triggered
listener.until("registered", "d")
stored_things()
call(201, "POST", "/v1/backups")
devices()
for path in ("0/0", "21/0/0"):
    call(422, "GET", DATA, device("d", path), has="reserved")
    call(422, "GET", DISCOVER, device("d", path), has="reserved")
trace()
firmware(listener)
stranger()
listener.until("security", "")
absent_devices()
listener.until("notification", "d")
operations()
call(204, "DELETE", OBSERVATION, device("d", "3303/0/5700"))
call(204, "DELETE", OBSERVE_COMPOSITE, {"endpoint": "d"}, body=TOGETHER)
listener.take()
listener.kinds.clear()
call(200, "POST", START, {"endpoint": "d"})
call(409, "POST", START, {"endpoint": "d"}, has="conflict")
listener.until("bootstrap", "d")
listener.until("registered", "d")
daemon = restarts(daemon, listener)
crowd()
gap(listener)
listener.close()
for what in document.missing():
    check(f"documented, but not seen: {' '.join(what)}", what in NOT_PROVOKED)
for what in NOT_PROVOKED:
    check(f"seen after all: {' '.join(what)}", what not in document.done)
kinds = set(document.doc["paths"]["/v1/events"]["get"]["x-events"]) | {"trace"}
kinds.remove("rollback")  # as unseal
kinds.remove("key-limit")  # it takes more messages than there is time for
check("every documented event was seen", document.events == kinds, kinds ^ document.events)
finish()

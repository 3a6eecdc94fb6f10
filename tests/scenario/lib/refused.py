# SPDX-License-Identifier: Apache-2.0
"""refused.py LOG SOCKET text|json: devices with awkward names speak to the daemon, one that may
register and one that is refused; what the log says of them can be read, and says just that."""
import json
import re
import sys
import time
import urllib.parse

from contract_device import Silent
from contract_http import request

log, sock, form = sys.argv[1:]
NAME = f'{form} "quoted\\\\" {{"level":"x"}} endpoint="y" \u20ac\u202e'
SHOWN = NAME.replace("\\", "\\x5c").replace('"', "\\x22").replace("\u202e", r"\xe2\x80\xae")


def lines():
    with open(log, encoding="utf-8") as f:
        return f.read().splitlines()


def json_lines():
    """Every line that is one: a line that is broken fails here."""
    return [json.loads(line) for line in lines() if line.startswith("{")]


def seen():
    if form == "json":
        return ([o for o in json_lines() if o.get("endpoint") == NAME and
                 o["message"] == "registered" and o["level"] == "info" and
                 isinstance(o["data"], dict) and re.fullmatch(r"[-\d]+T[\d:]+\.\d{3}Z", o["time"])],
                [o for o in json_lines() if o["message"] == "request refused" and
                 o["reason"] == "nosec-refused" and o["peer"] and o["kid"] == ""])
    return ([line for line in lines() if line.startswith(f'info: registered endpoint="{SHOWN}" data={{')],
            [line for line in lines() if line.startswith("info: request refused reason=nosec-refused")])


with open(log, encoding="utf-8") as f:
    port = int(re.search(r"listening name=server .*?port=(\d+)", f.read())[1])
answer = request(sock, "PUT", "/v1/endpoints/" + urllib.parse.quote(NAME, safe=""),
                 {"Content-Type": "application/json"}, b'{"nosec":true}')
registered = answer.status in (200, 201, 204) and Silent(port).register(NAME, 300)
refused = not Silent(port).register(NAME + "!", 300)
for _ in range(50):
    if all(seen()):
        break
    time.sleep(0.1)
print(registered, refused, seen(), *lines()[-6:], sep="\n")
sys.exit(not (registered and refused and all(seen())))

# SPDX-License-Identifier: Apache-2.0
"""For contract.py: HTTP over a Unix socket, and the OpenAPI document that answers are held
against."""
import json
import re
import socket
import time
import urllib.parse

import jsonschema


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return f"{self.status} {self.headers} {self.body[:2000]}"


def head_of(data):
    """(status, headers, rest), or None before the head is whole."""
    head, found, rest = data.partition(b"\r\n\r\n")
    if not found:
        return None
    lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return int(lines[0].split(" ")[1]), headers, rest


def connect(path, timeout=30):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(timeout)
    s.connect(path)
    return s


def request(path, method, target, headers=None, body=None):
    """One request on a connection of its own."""
    lines = [f"{method} {target} HTTP/1.1", "Host: lanyard", "Connection: close"]
    lines += [f"{k}: {v}" for k, v in (headers or {}).items()]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    data = b""
    with connect(path) as s:
        try:
            s.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + (body or b""))
        except (BrokenPipeError, ConnectionResetError):
            pass  # what counts is the answer
        try:
            while chunk := s.recv(65536):
                data += chunk
        except ConnectionResetError:
            pass
    status, headers, rest = head_of(data)
    return Answer(status, headers, rest)


class Stream:
    """Server-sent events."""

    def __init__(self, path, target="/v1/events", last=None):
        self.socket = connect(path, 0.2)
        more = f"Last-Event-ID: {last}\r\n" if last is not None else ""
        self.socket.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n{more}\r\n".encode())
        self.data = b""
        self.text = b""
        self.head = None
        self.ended = False
        deadline = time.monotonic() + 20
        while not self.head and not self.ended and time.monotonic() < deadline:
            self.receive()
            self.head = head_of(self.data)
        if self.head:
            self.data = self.head[2]

    def status(self):
        return self.head[0] if self.head else 0

    def receive(self):
        try:
            chunk = self.socket.recv(65536)
        except socket.timeout:
            return
        except ConnectionResetError:
            chunk = b""
        self.ended = not chunk
        self.data += chunk

    def unchunk(self):
        while (found := re.match(rb"([0-9a-fA-F]+)\r\n", self.data)):
            n = int(found.group(1), 16)
            end = found.end() + n + 2
            if len(self.data) < end:
                return
            self.text += self.data[found.end():end - 2]
            self.data = self.data[end:]

    def frames(self):
        """Those that are whole by now: (id or None, event, data)."""
        self.unchunk()
        while b"\n\n" in self.text:
            frame, _, self.text = self.text.partition(b"\n\n")
            fields = {}
            for line in frame.decode().split("\n"):
                name, _, value = line.partition(": ")
                if name:
                    fields[name] = value
            if "data" in fields:
                yield fields.get("id"), fields["event"], json.loads(fields["data"])

    def close(self):
        self.socket.close()


class Document:
    def __init__(self, text):
        self.doc = json.loads(text)
        self.done = set()  # (method, path, status) that were answered so
        self.events = set()
        self.definitions = self.rewritten(self.doc["components"]["schemas"])

    def rewritten(self, o):
        """References into a bundle of definitions, which every release of jsonschema reads."""
        if isinstance(o, list):
            return [self.rewritten(x) for x in o]
        if not isinstance(o, dict):
            return o
        out = {k: self.rewritten(v) for k, v in o.items()}
        if isinstance(out.get("$ref"), str):
            out["$ref"] = out["$ref"].replace("#/components/schemas/", "#/$defs/")
        return out

    def resolved(self, o):
        while "$ref" in o:
            way = o["$ref"].split("/")[1:]
            o = self.doc
            for part in way:
                o = o[part]
        return o

    def operations(self):
        for path, item in self.doc["paths"].items():
            for method, operation in item.items():
                yield method.upper(), path, operation

    def wrong_value(self, schema, value):
        """What is wrong with it by that schema; "": nothing."""
        whole = {"$defs": self.definitions, **self.rewritten(schema)}
        # By RFC 8259, numbers like 1.0 are integers too: as the schema language has it.
        check = jsonschema.Draft202012Validator(whole)
        errors = [f"{list(e.absolute_path)}: {e.message}" for e in check.iter_errors(value)]
        return "; ".join(errors)[:2000]

    def wrong_headers(self, response, answer):
        for name in response.get("headers", {}):
            if name in ("ETag", "Location", "Allow") and name.lower() not in answer.headers:
                return f"no header {name}"
        return ""

    def wrong_body(self, response, answer):
        content = response.get("content", {})
        kind = answer.headers.get("content-type", "").split(";")[0]
        if not content:
            return "a body where none is documented" if answer.body or kind else ""
        if kind not in content:
            return f"content type {kind!r}"
        if not kind.endswith("json"):
            return ""
        try:
            value = json.loads(answer.body)
        except ValueError as e:
            return f"no JSON: {e}"
        if kind == "application/problem+json" and value.get("status") != answer.status:
            return "the problem has another status"
        return self.wrong_value(content[kind]["schema"], value)

    def wrong(self, method, path, answer):
        """What is wrong with an answer to that operation; "": nothing."""
        operation = self.doc["paths"][path][method.lower()]
        response = operation["responses"].get(str(answer.status))
        if response is None:
            if answer.status < 500 and answer.status != 409:
                return f"status {answer.status} is not documented"
            response = operation["responses"]["default"]
        self.done.add((method, path, str(answer.status)))
        response = self.resolved(response)
        return self.wrong_headers(response, answer) or self.wrong_body(response, answer)

    def wrong_component(self, name, answer):
        response = self.doc["components"]["responses"][name]
        return self.wrong_headers(response, answer) or self.wrong_body(response, answer)

    def wrong_event(self, kind, data, path="/v1/events"):
        schemas = self.doc["paths"][path]["get"]["x-events"]
        if kind not in schemas:
            return f"event {kind} is not documented"
        self.events.add(kind)
        return self.wrong_value(schemas[kind], data)

    def missing(self):
        """(method, path, status) that are documented and were not seen."""
        for method, path, operation in self.operations():
            for status in operation["responses"]:
                if status != "default" and (method, path, status) not in self.done:
                    yield method, path, status


def target_of(path, params, query=None):
    for name, value in params.items():
        keep = "/" if name == "path" else ""
        path = path.replace("{" + name + "}", urllib.parse.quote(value, safe=keep))
    return path + ("?" + urllib.parse.urlencode(query) if query else "")

"""The judge of the vectors passes what a case says, and nothing else: each fact of each case is changed once."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import replace
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlencode

import jsonschema
import pytest
from clients.vectors.cases import HERE, KEY, Case, cases, rows
from clients.vectors.judge import parts_of, problems
from clients.vectors.marks import KINDS, NAMED, filled, sha256
from clients.vectors.server import Arrived, Port, body_of, serving

OWN = {name: case for name, case in cases().items() if case.requests is not None}
LISTENER = socket.socket()
LISTENER.bind(("127.0.0.1", 0))


def form(expected: list[Mapping[str, Any]]) -> bytes:
    parts = [part for part in expected for _ in range(part.get("times", 1))]
    lines = [
        b'--b\r\nContent-Disposition: form-data; name="%s"' % part["name"].encode()
        + (
            b'; filename="%s"\r\nContent-Type: %s' % (part["filename"].encode(), part["type"].encode())
            if "bytes" in part
            else b""
        )
        + b"\r\n\r\n%s\r\n" % (NAMED[part["bytes"]] if "bytes" in part else part["text"].encode())
        for part in parts
    ]
    return b"".join([*lines, b"--b--\r\n"])


def arrived(expected: Mapping[str, Any]) -> Arrived:
    """The request that a case wants."""
    headers = {"host": "h", "authorization": f"Bearer {KEY}"}
    body = b""
    if "json" in expected:
        headers["content-type"], body = "application/json", json.dumps(expected["json"]).encode()
    if "parts" in expected:
        headers["content-type"], body = "multipart/form-data; boundary=b", form(expected["parts"])
    headers |= expected.get("headers", {})
    told = tuple((name, value) for name, value in headers.items() if value is not None)
    query = f"?{urlencode(expected['query'])}" if "query" in expected else ""
    return Arrived(expected["method"], f"{expected['path']}{query}", told, body)


def printed(case: Case, port: Port) -> dict[str, Any]:
    """The line that a case wants."""
    told = filled(dict(case.expected or {}), port.origin)
    line = {"warnings": list(case.warnings), "retries": list(case.retries), **told}
    line["pictures"] = [shown(name) for name in told.get("pictures", ())]
    if "error" in told:
        told["error"]["finished"] = [shown(name) for name in told["error"].get("finished", ())]
        said = told["error"].pop("says", None)
        told["error"] |= {"message": f"It was {', '.join(said)}."} if said else {}
    if "error" in told and told["error"].pop("kept", False):
        told["error"]["raw"] = body_of(case.answers[-1], port.origin).decode()
    return line


def shown(name: str | None) -> dict[str, Any] | None:
    if name is None:
        return None
    return dict(zip(("sha256", "format", "width", "height"), (sha256(name), *KINDS[name]), strict=True))


@pytest.fixture(params=OWN)
def kept(request: pytest.FixtureRequest) -> tuple[Case, Port, dict[str, Any]]:
    case = OWN[request.param]
    port = Port(case.answers, case.listens, LISTENER)
    port.arrived = [arrived(filled(dict(one), port.origin)) for one in case.requests or ()]
    return case, port, printed(case, port)


def changed(line: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The line with one thing changed, again and again."""
    yield {**line, "warnings": [*line["warnings"], "GEN-TYPES"]}
    yield {**line, "retries": [*line["retries"], "busy"]}
    yield {**line, "error": None} if "error" in line else {**line, "error": {"kind": "server"}}
    for name in ("answer", "events"):
        if name in line:
            yield {**line, name: {**line[name], "more": 1} if name == "answer" else [*line[name], {}]}
    yield from ({**line, "error": {**line["error"], name: "other"}} for name in line.get("error", ()))
    for name in ("code", "param", "status", "request_id", "rules", "finished") if "error" in line else ():
        yield {**line, "error": {**line["error"], name: ["other"]}}
    for number, one in enumerate(line["pictures"]):
        yield {**line, "pictures": [*line["pictures"][:number], {} if one is None else None]}
        for name in one or ():
            yield {**line, "pictures": [*line["pictures"][:number], {**one, name: 7}, *line["pictures"][number + 1 :]]}


def disturbed(one: Arrived) -> Iterator[Arrived]:
    """The request with one thing changed, again and again."""
    yield replace(one, method="PUT")
    yield replace(one, target=f"/x{one.target}")
    yield replace(one, target=f"{one.target}{'&' if '?' in one.target else '?'}more=1")
    yield replace(one, target=f"{one.target}{'&' if '?' in one.target else '?'}key={KEY}")
    yield replace(one, body=one.body + b"x")
    yield replace(one, body=KEY.encode())
    yield replace(one, headers=(*one.headers, ("authorization", "Bearer another")))
    yield replace(one, headers=(*one.headers, ("x-more", KEY)))
    yield replace(one, odd="two lengths")
    for number, (name, _) in enumerate(one.headers):
        yield replace(one, headers=(*one.headers[:number], (name, "other"), *one.headers[number + 1 :]))


def test_what_a_case_says_passes_and_nothing_else(kept: tuple[Case, Port, dict[str, Any]]) -> None:
    case, port, line = kept
    assert problems(case, port, line) == []
    assert problems(case, port, None) and problems(case, port, {"untyped": True})
    for one in changed(line):
        assert problems(case, port, one), one
    whole = port.arrived
    for number, request in enumerate(whole):
        for other in disturbed(request):
            if dict(other.headers).get("host") == "h":
                port.arrived = [*whole[:number], other, *whole[number + 1 :]]
                assert problems(case, port, line), other
    port.arrived = [*whole, Arrived("GET", "/", (("host", "h"),), b"")]
    assert problems(case, port, line)


def test_types_of_json_count() -> None:
    case = OWN["every-kind-of-value"]
    port = Port(case.answers, True, LISTENER)
    told = json.dumps((case.requests or [{}])[0]["json"])
    for found, other in (('"n": 2', '"n": 2.0'), ('"n": 2', '"n": "2"'), ("false", "0"), ('"n": 2', '"n": 2, "n": 2')):
        assert found in told
        port.arrived = [replace(arrived((case.requests or [{}])[0]), body=told.replace(found, other, 1).encode())]
        assert problems(case, port, printed(case, port)), other


def test_what_a_type_cannot_say_may_be_left_out() -> None:
    port = Port([{}], True, LISTENER)
    for name, said in (("bodies/n-text", True), ("bodies/prompt-missing", True), ("bodies/n-0", False)):
        for line in ({"untyped": True}, {"error": {"kind": "argument"}}):
            assert (problems(cases()[name], port, line) == []) is said
    assert problems(cases()["bodies/n-0"], port, {"warnings": ["GEN-N-RANGE"]}) == []
    assert problems(cases()["bodies/n-0"], port, {"warnings": []})


PART = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'


def test_a_form_by_the_letter() -> None:
    assert parts_of("multipart/form-data; boundary=b", PART + b"--b--\r\n") == [{"name": "a", "text": "1"}]
    file = PART.replace(b'"a"', b'"a"; filename="\xc3\xa9 %22.png"\r\nContent-Type: image/png')
    (found,) = parts_of('multipart/form-data; boundary="b"', file + b"--b--")
    assert (found["filename"], found["type"], found["length"]) == ("é %22.png", "image/png", 1)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", PART + b"--b--\r\n"),
        ("multipart/mixed; boundary=b", PART + b"--b--\r\n"),
        ("multipart/form-data; boundary=c", PART + b"--b--\r\n"),
        ("multipart/form-data; boundary=b", PART),
        ("multipart/form-data; boundary=b", b"preamble\r\n" + PART + b"--b--\r\n"),
        ("multipart/form-data; boundary=b", PART + b"--b--\r\nepilogue"),
        ("multipart/form-data; boundary=b", PART.replace(b"\r\n", b"\n") + b"--b--\n"),
        ("multipart/form-data; boundary=b", PART.replace(b'"a"', b"a") + b"--b--\r\n"),
        ("multipart/form-data; boundary=b", PART.replace(b'"a"', b"\"a\"; filename*=UTF-8''b") + b"--b--\r\n"),
        ("multipart/form-data; boundary=b", PART.replace(b'"a"', b'"a"\r\nContent-Type: text/plain') + b"--b--\r\n"),
        ("multipart/form-data; boundary=b", PART.replace(b'"a"', b'"a"\r\nX-More: 1') + b"--b--\r\n"),
        ("multipart/form-data; boundary=b", PART.replace(b"Content-D", b"X-D") + b"--b--\r\n"),
        ("multipart/form-data; boundary=b", PART.replace(b'"a"', b'"\xff"') + b"--b--\r\n"),
    ],
)
def test_a_form_that_is_none(kind: str, body: bytes) -> None:
    with pytest.raises(ValueError):
        parts_of(kind, body)


@pytest.mark.parametrize(
    ("sent", "body", "odd"),
    [
        (b"content-length: 2\r\n\r\nab", b"ab", ""),
        (b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n1;x=y\r\nb\r\n0\r\nt: 1\r\n\r\n", b"ab", ""),
        (b"content-length: 2\r\ncontent-length: 2\r\n\r\nab", b"ab", "two lengths"),
        (b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", b"", "both a length and chunks"),
        (b"transfer-encoding: chunked\r\n\r\n1\r\naXX0\r\n\r\n", b"a", "a chunk without its end"),
    ],
)
def test_the_server_keeps_what_came(sent: bytes, body: bytes, odd: str) -> None:
    with serving({"a": ([{"text": "first"}, {"text": "x", "status": 299}], True)}) as ports:
        with socket.create_connection(ports["a"].listener.getsockname(), timeout=5) as caller:
            for expected in ((200, b"first"), (299, b"x"), (299, b"x")):
                caller.sendall(b"POST /p?q=1 HTTP/1.1\r\nHost: h\r\nX-A:  b \r\n" + sent)
                with HTTPResponse(caller) as answer:
                    answer.begin()
                    assert (answer.status, answer.read()) == expected
        one = ports["a"].arrived[0]
        assert (one.method, one.target, one.body, one.odd) == ("POST", "/p?q=1", body, odd)
        assert one.headers[:2] == (("host", "h"), ("x-a", "b"))


def test_the_grammar() -> None:
    schema = json.loads((HERE / "vectors.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    row = {"id": "a", "call": {"operation": "listModels"}}
    assert validator.is_valid(row) and len(rows()) >= 80
    mistakes: list[dict[str, Any]] = [
        {"id": "a b"},
        {"expected": {}},
        {"call": {"operation": "listModel"}},
        {"call": {"operation": "listModels", "argument": {}}},
        {"exchanges": [{"answer": {}}]},
        {"exchanges": [{"request": {"method": "GET", "path": "/", "json": {}, "parts": []}}]},
        {"error": {"kind": "oops"}},
        {"pictures": ["jpg"]},
        {"listens": True},
    ]
    for wrong in mistakes:
        assert not validator.is_valid({**row, **wrong}), wrong

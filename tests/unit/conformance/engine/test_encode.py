"""Requests made into bytes, read back by parsers that nobody here wrote."""

from __future__ import annotations

import json
from email.parser import BytesParser
from email.policy import HTTP

from imageproof_conformance.encode import encode
from imageproof_conformance.exchange import Part, Request


def test_multipart_is_read_by_a_standard_parser() -> None:
    parts = (
        Part("prompt", "a café".encode()),
        Part("image[]", b"\x89PNG\r\n\x1a\n--x", 'a".png', "image/png"),
        Part("image[]", b"\r\n", "b.png", "image/png"),
    )
    body, media_type = encode(Request("POST", "/images/edits", parts=parts))
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {media_type}\r\n\r\n".encode() + body)
    found = list(message.iter_parts())
    assert [one.get_param("name", header="content-disposition") for one in found] == ["prompt", "image[]", "image[]"]
    assert found[1].get_filename() == "a%22.png"
    assert found[1].get_content_type() == "image/png"
    assert found[1].get_payload(decode=True) == b"\x89PNG\r\n\x1a\n--x"
    assert found[0].get_filename() is None


def test_the_same_request_gives_the_same_bytes_and_a_boundary_that_no_part_has() -> None:
    request = Request("POST", "/x", parts=(Part("image", b"abc", "a.png", "image/png"),))
    body, media_type = encode(request)
    assert (body, media_type) == encode(request)
    assert media_type is not None
    boundary = media_type.partition("boundary=")[2].encode()
    inside = Request("POST", "/x", parts=(Part("image", boundary, "a.png", "image/png"),))
    assert encode(inside)[0].count(encode(inside)[1].partition("boundary=")[2].encode()) == 2  # type: ignore[union-attr]


def test_no_parts_are_still_a_multipart_body() -> None:
    body, media_type = encode(Request("POST", "/x", parts=()))
    assert body.startswith(b"--imageproof-") and body.endswith(b"--\r\n")
    assert media_type is not None and media_type.startswith("multipart/form-data")


def test_json_keeps_odd_text_and_says_its_type() -> None:
    body, media_type = encode(Request("POST", "/x", json={"prompt": "\ud800 \u2028 é"}))
    assert json.loads(body) == {"prompt": "\ud800 \u2028 é"}
    assert media_type == "application/json"


def test_raw_bytes_and_no_body_go_as_they_are() -> None:
    assert encode(Request("POST", "/x", raw=b"{", media_type="application/json")) == (b"{", "application/json")
    assert encode(Request("GET", "/x")) == (b"", None)

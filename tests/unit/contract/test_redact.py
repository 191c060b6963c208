"""Keys and signatures leave nothing behind."""

from __future__ import annotations

import base64
import html
import json
import time
from urllib.parse import quote

import pytest

from imageproof.contract.redact import Redactor, fields, signatures

KEY = 'sk-"canary"/+5f3a'


def in_base64(before: str, after: str) -> str:
    """Base64 of a text with the key in it, less what depends on the text around it."""
    whole = base64.b64encode(f"{before}{KEY}{after}".encode()).decode()
    start = -(-len(before) * 8 // 6)
    return whole[start : (len(before) + len(KEY)) * 8 // 6]


@pytest.mark.parametrize(
    "form",
    [
        KEY,
        KEY.upper(),
        quote(KEY, safe=""),
        quote(KEY, safe="").lower(),
        json.dumps(KEY)[1:-1],
        KEY.replace("/", "\\/"),
        "".join(f"\\u{ord(char):04x}" for char in KEY),
        "".join(f"&#{ord(char)};" for char in KEY),
        html.escape(KEY).replace("&quot;", "&#x22;"),
        f"{KEY[:6]}\n{KEY[6:]}",
        f"{KEY[:6]}\\n{KEY[6:]}",
        KEY.encode().hex(),
        base64.b64encode(KEY.encode()).decode().rstrip("="),
        *(in_base64(before, after) for before in ("x", "Bearer ", "user:") for after in ("", "y")),
    ],
)
def test_every_spelling_of_the_key_is_masked_at_its_own_length(form: str) -> None:
    text = f"before {form} after"
    clean = Redactor(KEY).text(text)
    assert form not in clean
    assert clean == f"before {'*' * len(form)} after"


def test_a_short_key_is_masked_as_a_word_and_never_inside_a_picture() -> None:
    picture = b'{"b64_json": "iVBORtestAA/test+AAAA"}'
    assert Redactor("test").data(picture) == picture
    assert Redactor("test").text('{"key": "test", "header": "Bearer test"}') == (
        '{"key": "****", "header": "Bearer ****"}'
    )


@pytest.mark.parametrize("size", [60_000, 3_000_000])
def test_a_key_around_a_picture_is_masked_and_time_is_linear(size: int) -> None:
    escaped = "".join(f"\\u{ord(char):04x}" for char in KEY)
    before, picture, after = f'{{"a": "{escaped}", "b64_json": "'.encode(), b"A+/9" * (size // 4), KEY.encode()
    began = time.monotonic()
    clean = Redactor(KEY).data(before + picture + after + before)
    assert time.monotonic() - began < 2
    assert picture in clean and KEY.encode() not in clean and escaped.encode() not in clean
    assert len(clean) == 2 * len(before) + len(picture) + len(after)


def test_any_text_of_a_target_can_be_masked() -> None:
    lone = "\ud800 lone \udfff \udc80"
    assert Redactor(KEY).text(lone + KEY) == lone + "*" * len(KEY)


def test_headers_that_carry_secrets_keep_their_name_only() -> None:
    headers = (("Authorization", "Bearer sk-x"), ("Set-Cookie", "a=b"), ("X-Note", f"<{KEY}>"), ("Content-Type", "a/b"))
    clean = dict(Redactor(KEY).headers(headers))
    assert clean["Authorization"] == "Bearer ********"
    assert clean["Set-Cookie"] == "********"
    assert KEY not in clean["X-Note"]
    assert clean["Content-Type"] == "a/b"


def test_signatures_of_urls_are_masked_and_the_rest_stays() -> None:
    body = b'{"url": "https://cdn/a.png?se=2026&sig=Ab%2F3&sv=1", "b64_json": "c2ln"}'
    clean = signatures(body)
    assert b"Ab%2F3" not in clean and b"se=2026" in clean and b"c2ln" in clean
    assert len(clean) == len(body)


@pytest.mark.parametrize(
    "written",
    [
        r"https://c/a?se=1&sig=Ab+c/D%3D",
        r"https://c/a?se=1\u0026sig=Ab\u002bc/D%3D",
        r"https:\/\/c\/a?se=1\u0026sig=Ab+c\/D%3D",
        r"https://c/a?se=1&sig\u003dAb\u002Bc/D%3D",
    ],
)
def test_a_signature_is_masked_as_every_writer_of_json_spells_it(written: str) -> None:
    """Read as JSON, all of them are one URL, and so are their masks: a link is known again in what is recorded."""
    masked = signatures(f'"{written}"'.encode())
    assert len(masked) == len(written) + 2
    assert json.loads(masked) == "https://c/a?se=1&sig=****/****"
    assert signatures(masked) == masked


def test_masks_of_signatures_that_differ_differ() -> None:
    seen: dict[bytes, int] = {}
    masked = signatures(b"a?sig=first b?sig=second c?sig=first d?sig=x", seen)
    assert masked == b"a?sig=***** b?sig=*****2 c?sig=***** d?sig=*"
    assert signatures(b"&sig=second", seen) == b"&sig=*****2"
    assert signatures(masked) == masked


def test_a_short_key_is_left_in_our_own_words() -> None:
    assert Redactor("none").text("12 judged, none broken") == "12 judged, **** broken"
    assert Redactor("none").unlikely.text("12 judged, none broken") == "12 judged, none broken"
    assert Redactor(KEY).unlikely.text(KEY) == "*" * len(KEY)


def test_no_key_masks_nothing() -> None:
    assert Redactor("").text("plain text") == "plain text"


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ('{"model": "m", "api_key": "abc"}', "abc"),
        ('{"a": {"Access-Token" : "a\\"b"}}', 'a\\"b'),
        ('--x\r\nContent-Disposition: form-data; name="api_key"\r\n\r\nabc\r\n--x--', "abc"),
        ("--x\r\ncontent-disposition: form-data; name=token\r\nContent-Type: text/plain\r\n\r\nabc\r\n--x--", "abc"),
        ('--x\r\nContent-Disposition: form-data; name="extra[api-key]"; filename="a"\r\n\r\nabc\r\n--x--', "abc"),
        ("key=abc&prompt=x", "abc"),
        ("prompt=x&client_secret=abc", "abc"),
    ],
)
def test_fields_that_are_named_like_a_key_are_masked(body: str, value: str) -> None:
    masked, found = fields(body.encode())
    assert found == (value,)
    assert masked.decode() == body.replace(value, "*" * len(value))


@pytest.mark.parametrize(
    "body", ['{"prompt": "key", "keyframe": "abc", "input_tokens": 3}', 'name="prompt"\r\n\r\nabc\r\n', "monkey=abc"]
)
def test_other_fields_are_left_alone(body: str) -> None:
    assert fields(body.encode()) == (body.encode(), ())


@pytest.mark.parametrize("piece", [b'name="key"\r\n', b"name=", b'"key":', b'"key":"\\', b'name="a[', b'name="key";'])
def test_no_body_makes_the_search_for_fields_long(piece: bytes) -> None:
    """With a pattern whose time grows with the square of the length, this would take hours."""
    body = piece * (1_000_000 // len(piece))
    assert len(fields(body)[0]) == len(body)


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("Authorization", True),
        ("X-Api-Key", True),
        ("xi-api-key", True),
        ("X-Goog-Api-Key", True),
        ("Ocp-Apim-Subscription-Key", True),
        ("X-Auth-Token", True),
        ("Set-Cookie", True),
        ("x-ratelimit-remaining-tokens", False),
        ("Idempotency-Key", False),
    ],
)
def test_headers_that_carry_a_key(name: str, secret: bool) -> None:
    ((_, value),) = Redactor().headers(((name, "abc"),))
    assert value == ("*" * 8 if secret else "abc")

"""Keys and signatures leave nothing behind."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from imageproof_conformance.redact import Redactor, signatures

KEY = 'sk-"canary"/+5f3a'


@pytest.mark.parametrize(
    "form",
    [KEY, quote(KEY, safe=""), json.dumps(KEY)[1:-1], base64.b64encode(KEY.encode()).decode().rstrip("=")],
)
def test_every_spelling_of_the_key_is_masked_at_its_own_length(form: str) -> None:
    text = f"before {form} after"
    clean = Redactor(KEY).text(text)
    assert form not in clean
    assert len(clean) == len(text)


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


def test_no_key_masks_nothing() -> None:
    assert Redactor("").text("plain text") == "plain text"

"""Which URLs of an answer are fetched."""

from __future__ import annotations

import pytest

from imageproof_conformance.guard import place

NAMES = {
    "cdn.example": ("8.8.8.8",),
    "inside.example": ("10.0.0.7",),
    "both.example": ("8.8.8.8", "127.0.0.1"),
    "metadata.example": ("169.254.169.254",),
    "metadata6.example": ("fd00:ec2::254",),
    "mapped.example": ("::ffff:127.0.0.1",),
    "api.example": ("9.9.9.9",),
    "localhost": ("127.0.0.1",),
}


def resolver(host: str, port: int) -> tuple[str, ...]:
    return NAMES.get(host, (host,) if host[0].isdigit() else ())


@pytest.mark.parametrize(
    ("url", "private", "fetched"),
    [
        ("https://cdn.example/a.png?sig=1", False, True),
        ("http://cdn.example/a.png", False, True),
        ("https://api.example/files/a.png", False, True),
        ("https://inside.example/a.png", False, False),
        ("https://both.example/a.png", False, False),
        ("http://metadata.example/latest", False, False),
        ("http://metadata.example/latest", True, False),
        ("http://metadata6.example/latest", True, False),
        ("http://mapped.example/", False, False),
        ("http://127.0.0.1:9/", False, False),
        ("http://0.0.0.0/", True, False),
        ("http://224.0.0.1/", False, False),
        ("https://cdn.example/a.png", True, False),
        ("http://127.0.0.1:9/a.png", True, True),
        ("http://inside.example/a.png", True, True),
        ("https://unknown.example/", False, False),
        ("file:///etc/passwd", True, False),
        ("data:image/png;base64,AAAA", False, False),
        ("/files/a.png", True, False),
        ("//cdn.example/a.png", False, False),
        ("http://[::1", True, False),
        ("", True, False),
    ],
)
def test_only_addresses_of_the_targets_own_kind_are_fetched(url: str, private: bool, fetched: bool) -> None:
    found = place(url, "localhost" if private else "api.example", private, resolver)
    assert (found.refused == "") == fetched, found
    assert found.refused == "" or found.refused.startswith(("not fetched: ", "no answer: "))


def test_a_target_may_name_its_own_host_wherever_that_is() -> None:
    assert place("https://inside.example/a", "inside.example", False, resolver).refused == ""


def test_the_connection_goes_to_what_was_checked() -> None:
    found = place("https://cdn.example:8443/a%20b.png?x=1&y=2", "api.example", False, resolver)
    assert (found.addresses, found.host, found.port, found.target) == (
        ("8.8.8.8",),
        "cdn.example",
        8443,
        "/a%20b.png?x=1&y=2",
    )

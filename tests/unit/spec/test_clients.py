"""The table of clients: what it says of real rules, and that a bad row is told by its line."""

from __future__ import annotations

from datetime import date

import pytest

from imageproof.contract.clients import Clients, clients, read_clients
from imageproof.contract.requirements import requirements
from imageproof.errors import DocumentError

REGISTRY = requirements()
GOOD = """\
clients:
  mine: {title: mine 1.0, official: true, date: "2026-11-20"}
  other: {title: other 2.0, official: false, date: "2026-11-20"}
seen: {empty: it has nothing}
reactions:
- {rules: [GEN-COUNT], when: it is empty, seen: empty, clients: [mine, other], then: raises an error}
"""
# What no client was driven against: the official SDKs' types say it, or their makers do.
NOT_DRIVEN = {
    *("GEN-CARRIER", "EDIT-CARRIER", "VAR-CARRIER", "ERR-CODE", "ERR-PARAM", "ERR-CONTENT-TYPE"),
    *("AUTH-NO-KEY", "AUTH-BAD-KEY", "HTTP-NO-REDIRECT"),
    "EDIT-BOUNDARY",  # no client that was driven writes the quotes
}


def read(text: str) -> Clients:
    return read_clients(text, "clients.yaml", REGISTRY)


def test_every_judged_rule_that_breaks_the_official_sdks_names_one_of_them() -> None:
    table = clients()
    official = {one.id for one in table.clients.values() if one.official}
    judged = {row.id for row in REGISTRY.values() if row.judged and "sdk" in row.breaks}
    assert official
    assert {rule for rule in judged if not official & set(table.of(rule))} == NOT_DRIVEN


def test_every_client_reacts_to_something_and_none_was_driven_tomorrow() -> None:
    table = clients()
    assert {name for one in table.reactions for name in one.clients} == set(table.clients)
    assert all(date.fromisoformat(one.date) for one in table.clients.values())
    assert [one for one in table.reactions for rule in one.rules if REGISTRY[rule].retired] == []


def test_who_breaks_over_a_rule() -> None:
    table = read(GOOD)
    assert {name: [one.then for one in found] for name, found in table.of("GEN-COUNT").items()} == {
        "mine": ["raises an error"],
        "other": ["raises an error"],
    }
    assert table.of("EDIT-COUNT") == {}


BAD = {
    "a rule": ("GEN-COUNT", "GEN-COUNTS", "clients.yaml:6: #/reactions/0/rules: not known: GEN-COUNTS"),
    "a client": ("[mine, other]", "[yours]", "clients.yaml:6: #/reactions/0/clients: not known: yours"),
    "official": ("GEN-COUNT", "GEN-CREATED-SECONDS", ":6: #/reactions/0/rules: mine is official: `breaks` of GEN-CR"),
    "a gap": ("when: it is empty, ", "", "clients.yaml:6: #/reactions/0: lacks when"),
    "no list": ("[GEN-COUNT]", "GEN-COUNT", "clients.yaml:6: #/reactions/0/rules: rules: must be a list of texts"),
    "a word": ("seen: empty", "seen: full", "clients.yaml:6: #/reactions/0/seen: 'full' stands nowhere under seen"),
    "no words": ("{empty: it has nothing}", "[empty]", "clients.yaml:4: #/seen: must be a mapping of words to what"),
    "a stray": ("then: raises", "so: a, then: raises", "clients.yaml:6: #/reactions/0/so: unknown field"),
    "a word for a bool": ("true", "maybe", "clients.yaml:2: #/clients/mine: official must be true or false"),
    "a date": (
        '"2026-11-20"}\n  other',
        '"2026-13-20"}\n  other',
        ":2: #/clients/mine/date: '2026-13-20' must be a day",
    ),
    "a number": ("mine 1.0", "1.0", "clients.yaml:2: #/clients/mine/title: title: must be text"),
    "no clients": ("clients:\n", "customers:\n", "clients.yaml:1: must be a mapping of clients and reactions"),
    "no mapping": ("{title: mine", "[{title: mine", "clients.yaml:"),
}


@pytest.mark.parametrize(("old", "new", "said"), BAD.values(), ids=BAD)
def test_a_bad_row_is_told_by_its_line_and_pointer(old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(DocumentError) as told:
        read(GOOD.replace(old, new, 1))
    assert said in str(told.value)


@pytest.mark.parametrize(
    "text",
    ["", "7", "[]", "clients: 1\nreactions: []", "clients: {a: 1}\nreactions: []", "clients: {}\nreactions: [[1]]"],
)
def test_odd_files_are_told(text: str) -> None:
    with pytest.raises(DocumentError):
        read(text)

"""Overlays: how they merge, what they refuse and where, and that nothing but the chosen places changes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imageproof.contract.document import Document, load, parse
from imageproof.contract.dump import fingerprint
from imageproof.contract.families import families
from imageproof.contract.locate import spec_file
from imageproof.contract.origins import Origin
from imageproof.contract.overlay import layers, overlaid
from imageproof.contract.overlay_file import PATHS, REFUSALS
from imageproof.contract.pointers import join
from imageproof.errors import DocumentError

BASE = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: {}\n"
HEAD = "overlay: 1.0.0\ninfo: {title: t, version: '1'}\nactions:\n"
ACME = str(spec_file("overlays/acme.yaml"))
Lay = Callable[..., Document]


@pytest.fixture
def lay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lay:
    """Lays overlays, given as texts, over a document; they are the files 1.yaml, 2.yaml, ..."""
    monkeypatch.chdir(tmp_path)

    def laid(base: Document | str, *texts: str) -> Document:
        names = [f"{number}.yaml" for number, _ in enumerate(texts, 1)]
        for name, text in zip(names, texts, strict=True):
            Path(name).write_text(text, encoding="utf-8")
        return overlaid(parse(BASE + base, "base.yaml") if isinstance(base, str) else base, names)

    return laid


MERGES = {
    "a new member": ("{a: 1}", "{target: $.x-a, update: {b: 2}}", {"a": 1, "b": 2}),
    "single values are replaced": ("{a: 1, b: 2}", "{target: $.x-a, update: {a: null}}", {"a": None, "b": 2}),
    "mappings merge": ("{a: {b: 1}}", "{target: $.x-a, update: {a: {c: {d: 2}}}}", {"a": {"b": 1, "c": {"d": 2}}}),
    "lists that meet are joined": ("{a: [1, 2]}", "{target: $.x-a, update: {a: [2, [3]]}}", {"a": [1, 2, 2, [3]]}),
    "a list gets an item": ("[1]", "{target: $.x-a, update: {b: 2}}", [1, {"b": 2}]),
    "a list gets a single value": ("[1]", "{target: $.x-a, update: 2}", [1, 2]),
    "every match": ("[{a: 1}, {a: 2}]", "{target: '$.x-a[*]', update: {b: 3}}", [{"a": 1, "b": 3}, {"a": 2, "b": 3}]),
    "a match that is named twice": ("[[1]]", "{target: '$.x-a[0, 0]', update: 2}", [[1, 2]]),
    "a match inside a match": ("{a: {a: {}}}", "{target: $..a, update: {b: 1}}", {"a": {"a": {"b": 1}, "b": 1}}),
    "a filter": (
        "[{a: 1}, {a: 2}]",
        "{target: '$.x-a[?@.a == 2]', update: {b: 3}}",
        [{"a": 1}, {"a": 2, "b": 3}],
    ),
    "removed members": ("{a: 1, b: {c: 2}}", "{target: '$.x-a.b', remove: true}", {"a": 1}),
    "removed items": ("[1, 2, 3, 4]", "{target: '$.x-a[0, 2]', remove: true}", [2, 4]),
    "removed matches inside a match": ("{a: {a: {}}, b: 1}", "{target: $..a, remove: true}", {"b": 1}),
    "remove wins": ("{a: {b: 1}}", "{target: $.x-a.a, update: {c: 2}, remove: true}", {}),
    "actions see what those before did": (
        "{a: 1}",
        "{target: $.x-a.a, remove: true}\n- {target: $.x-a, update: {a: {}}}\n- {target: $.x-a.a, update: {b: [2]}}",
        {"a": {"b": [2]}},
    ),
}


@pytest.mark.parametrize("name", MERGES)
def test_merges(name: str, lay: Lay) -> None:
    before, action, after = MERGES[name]
    document = lay(f"x-a: {before}\n", f"{HEAD}- {action}\n")
    assert document.data["x-a"] == after
    _values_stand_where_they_were_written(document)


def test_overlays_stack_in_their_order(lay: Lay) -> None:
    one = HEAD + "- {target: $, update: {x-a: {b: 1}}}\n"
    two = HEAD + "- {target: $.x-a, update: {b: 2, c: 3}}\n"
    document = lay("", one, two)
    assert document.data["x-a"] == {"b": 2, "c": 3}
    assert [one.name for one in layers(document)] == ["1.yaml", "2.yaml"]
    assert layers(document)[0].digest == fingerprint(document.overlays[0].data)
    with pytest.raises(DocumentError, match=r"^1\.yaml:4: #/actions/0/target: matches nothing: \$\.x-a "):
        lay("", two, one)


def test_without_an_overlay_it_is_the_same_document() -> None:
    assert overlaid(load(), ()) is load()


def test_json_and_1_1_are_read(lay: Lay) -> None:
    text = '{"overlay": "1.1.0", "x-mine": 1, "info": {"title": "t", "version": "1", "description": "d"}, '
    text += '"extends": "other.yaml", "actions": [{"target": "$.info", "update": {"title": "new"}}]}'
    assert lay("", text).data["info"]["title"] == "new"


FILES = {
    "no overlay": (BASE, "1.yaml:1: not an OpenAPI Overlay: there is no `overlay` key (it is an OpenAPI document"),
    "a list": ("- 1\n", "1.yaml:1: not an OpenAPI Overlay: there is no `overlay` key (the file must start with"),
    "not YAML": ("a: [\n", "1.yaml:2: not YAML"),
    "another version": ("overlay: 2.0.0\n", "1.yaml:1: #/overlay: not Overlay 1.0: overlay is '2.0.0'"),
    "a version that is a number": ("overlay: 1.0\n", "not Overlay 1.0: overlay is 1.0 (write `overlay: 1.0.0`)"),
    "keys missing": ("overlay: 1.0.0\ninfo: {}\n", "1.yaml:1: Overlay object without actions"),
    "info incomplete": ("overlay: 1.0.0\ninfo: {title: t}\n", "1.yaml:2: #/info: Info object without version"),
    "info a list": ("overlay: 1.0.0\ninfo: []\n", "1.yaml:2: #/info: must be a mapping, not []"),
    "no action": ("overlay: 1.0.0\nactions: []\n", "1.yaml:2: #/actions: there is no action"),
    "an unknown key": (HEAD + "- {target: $, remov: true}\n", "1.yaml:4: #/actions/0/remov: unknown key of an Action"),
    "copy": (HEAD + "- {target: $, copy: $.a}\n", "`copy` came with Overlay 1.1"),
    "an action that is text": (HEAD + "- a\n", "1.yaml:4: #/actions/0: must be a mapping (Action object)"),
    "no target": (HEAD + "- {update: {}}\n", "1.yaml:4: #/actions/0: Action object without target"),
    "remove as text": (HEAD + "- {target: $.info, remove: yes}\n", "remove: must be true or false, not 'yes'"),
    "nothing to do": (HEAD + "- {target: $.info, remove: false}\n", "#/actions/0: changes nothing"),
    "an open bracket": (
        HEAD + "- description: d\n  target: $.info[\n  update: {}\n",
        "1.yaml:5: #/actions/0/target: target is no JSONPath: unexpected end of query, at its end: $.info[",
    ),
    "a word that is none": (HEAD + "- {target: $.a.#, update: {}}\n", "unexpected token '#', at character 5: $.a.#"),
    "no root": (HEAD + "- {target: info, update: {}}\n", "it must start with $: info"),
    "an empty target": (HEAD + "- {target: '', update: {}}\n", "it must start with $"),
    "a number that is none": (HEAD + "- {target: '$[1e5', update: {}}\n", "a number that is none"),
    "a function that is none": (HEAD + "- {target: '$[?ff(@.a)]', update: {}}\n", "function 'ff' is not defined"),
}


@pytest.mark.parametrize("name", FILES)
def test_what_is_no_overlay(name: str, lay: Lay) -> None:
    text, message = FILES[name]
    assert any(message in line for line in _refused(lay, "", text))


def test_all_files_are_read_before_one_is_applied(lay: Lay) -> None:
    lines = _refused(lay, "", "overlay: 3\n", HEAD + "- {target: $.nope, remove: true}\n", HEAD + "- {target: a}\n")
    assert [line.partition(":")[0] for line in lines] == ["1.yaml", "3.yaml"]
    with pytest.raises(DocumentError, match=r"^gone\.yaml: cannot be read: "):
        overlaid(load(), ["gone.yaml"])


ACTIONS = {
    "nothing": ("{target: $.x-b.c, update: {}}", "#/actions/0/target: matches nothing: $.x-b.c (['x-b'] is not at the"),
    "nothing below": ("{target: $.x-a.b, update: {}}", "($['x-a'] is there, ['b'] below it is not)"),
    "nothing anywhere": ("{target: $..nope, remove: true}", "#/actions/0/target: matches nothing: $..nope"),
    "the root": ("{target: $, remove: true}", "the whole document cannot be removed"),
    "a single value": ("{target: $.x-a.one, update: 2}", "matches a single value, which cannot be updated: #/x-a/one"),
    "text for a mapping": ("{target: $.x-a, update: 2}", "#/actions/0/update: must be a mapping, as #/x-a of the doc"),
    "a mapping for text": (
        "\n  target: $.x-a\n  update:\n    many: [2]\n    one: {a: 1}",
        "1.yaml:8: #/actions/0/update/one: must be a single value, as #/x-a/one of the document is, not a mapping (to",
    ),
    "a list for a list": ("{target: $.x-a.many, update: [2]}", "a list for the list #/x-a/many: Overlay 1.0 makes it"),
}


@pytest.mark.parametrize("name", ACTIONS)
def test_actions_that_do_not_fit(name: str, lay: Lay) -> None:
    action, message = ACTIONS[name]
    (line,) = _refused(lay, "x-a: {one: 1, many: [1]}\n", f"{HEAD}- {action}\n")
    assert message in line and line.startswith("1.yaml:")


def test_every_action_that_fails_is_told(lay: Lay) -> None:
    lines = _refused(lay, "", HEAD + "- {target: $.a, remove: true}\n- {target: $.info, update: {}}\n" * 2)
    assert [line.split()[0] for line in lines] == ["1.yaml:4:", "1.yaml:6:"]


RESULTS = {
    "misshapen": (
        "\n  target: $.components.schemas\n  update:\n    Mine:\n      type: strnig",
        "1.yaml:8: #/components/schemas/Mine/type: not a schema type: 'strnig'",
    ),
    "dangling": (
        "\n  target: $.components.schemas.Error.properties\n  update:\n"
        "    more:\n      $ref: '#/components/schemas/No'",
        "1.yaml:7: #/components/schemas/Error/properties/more: $ref leads nowhere: #/components/schemas/No",
    ),
    "dangling by removal": (
        "{target: $.components.schemas.SvgAuthor, remove: true}",
        "#/components/schemas/CreateImageRequest/properties/svg: $ref leads nowhere: #/components/schemas/SvgAuthor "
        "(define it, or mend the pointer; it was in order before 1.yaml)",
    ),
    "no version": ("{target: $.info.title, remove: true}", "Info object without title"),
    "an id twice": (
        "\n  target: $.paths['/images/edits'].post\n  update:\n    operationId: createImage",
        "operationId 'createImage' is that of POST /images/generations already",
    ),
    "the vocabulary": (
        "\n  target: $.x-model-families[?@.id == 'gpt-image-1'].cells.createImage\n  update:\n    n:\n      schema: {}",
        "1.yaml:7: #/x-model-families/2/cells/createImage/n: ",
    ),
    "a row that is like nobody": (
        "\n  target: $.x-model-families\n  update:\n    id: mine\n    like: nobody\n    models: [mine]\n"
        "    status: {state: current, source: s}",
        "1.yaml:8: #/x-model-families/8/like: no family 'nobody' above this one",
    ),
    "a cell of no parameter": (
        "\n  target: $.x-model-families[?@.id == 'gpt-image-1'].cells.createImage\n  update:\n"
        "    colour: {schema: {}, rule: GEN-TYPES}",
        "1.yaml:7: #/x-model-families/2/cells/createImage/colour: family gpt-image-1: createImage has no parameter",
    ),
}


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_that_cannot_be_used_is_told_where_it_was_written(name: str, lay: Lay) -> None:
    action, message = RESULTS[name]
    with pytest.raises(DocumentError) as caught:
        families(lay(load(), f"{HEAD}- {action}\n"))
    lines = str(caught.value).splitlines()
    assert any(message in line for line in lines), lines
    assert len(lines) == 1 or name == "the vocabulary"


def test_places(lay: Lay) -> None:
    """Each line as the files have it; base.yaml has its own lines still, also for items that moved."""
    one = HEAD + "- target: $.x-a\n  update:\n    new:\n      deep: [1,\n        2]\n    list: [3]\n"
    two = HEAD + "- {target: '$.x-a.list[0]', remove: true}\n- target: $.x-a.new\n  update:\n    more: 1\n"
    document = lay("x-a:\n  old: 1\n  list:\n  - 1\n  - 2\n", one, two)
    assert document.data["x-a"] == {"old": 1, "list": [2, 3], "new": {"deep": [1, 2], "more": 1}}
    places = {
        "/x-a/old": ("base.yaml", 5),
        "/x-a/list": ("base.yaml", 6),
        "/x-a/list/0": ("base.yaml", 8),
        "/x-a/list/1": ("1.yaml", 9),
        "/x-a/new": ("1.yaml", 6),
        "/x-a/new/deep/1": ("1.yaml", 8),
        "/x-a/new/more": ("2.yaml", 7),
        "/info/title": ("base.yaml", 2),
        "/x-a/nowhere": ("base.yaml", 4),
    }
    assert {pointer: document.place(pointer) for pointer in places} == places
    assert document.line("/x-a/new") == 6


def test_a_value_that_stands_in_several_places_changes_in_one(lay: Lay) -> None:
    """By an anchor, by a merge key, and by one update of several matches."""
    base = "x-s: &s {a: {b: 1}}\nx-t: *s\nx-u: {<<: *s, c: 2}\n"
    text = '- {target: \'$["x-t", "x-u"]\', update: {n: {m: 1}}}\n- {target: $.x-t.n, update: {o: 2}}\n'
    document = lay(base, HEAD + "- {target: $.x-t.a, update: {b: 9}}\n" + text)
    assert document.data["x-s"] == {"a": {"b": 1}}
    assert document.data["x-t"] == {"a": {"b": 9}, "n": {"m": 1, "o": 2}}
    assert document.data["x-u"] == {"a": {"b": 1}, "c": 2, "n": {"m": 1}}


def test_cells_that_share_an_anchor_in_the_contract(lay: Lay) -> None:
    before = fingerprint(load().data)
    cells = "$.x-model-families[0].cells.createImage"
    document = lay(load(), HEAD + f"- {{target: '{cells}.style', update: {{either: false}}}}\n")
    changed, same = (families(one)[0].cells["createImage"] for one in (document, load()))
    assert [name for name in same if changed[name] != same[name]] == ["style"]
    assert fingerprint(load().data) == before


def test_what_would_grow_without_end_is_refused(lay: Lay) -> None:
    bomb = "x-0: &a0 [1, 1]\n" + "".join(f"x-{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
    action = HEAD + "- {target: $.info, update: {x-a: 1}}\n"
    assert _refused(lay, bomb, action) == ["base.yaml: larger than 5,000,000 values, aliases written out"]
    assert _refused(lay, "", bomb + action) == ["1.yaml: larger than 5,000,000 values, aliases written out"]
    deep = "{x: " * 150 + "1" + "}" * 150
    stacked = f"{HEAD}- {{target: $.info, update: {deep}}}\n- {{target: $.info{'.x' * 149}, update: {{y: {deep}}}}}\n"
    assert "after this action the document is more than 200 levels deep" in "".join(_refused(lay, "", stacked))


def test_whatever_stands_in_a_target_is_refused_or_followed() -> None:
    words = ["$", "@", ".", "..", "[", "]", "*", "'a'", "a", "?", "(", ")", "==", "1e999", "-1", ".b", "match(@, '[')"]
    choose = random.Random(9535)
    outcomes: set[bool | None] = set()
    for _ in range(3000):
        text = "$" + "".join(choose.choices(words, k=choose.randrange(8)))
        try:
            outcomes.add(len(list(PATHS.compile(text).finditer({"a": [1, {"a": "a"}]}))) > 0)
        except REFUSALS:
            outcomes.add(None)
    assert outcomes == {True, False, None}


def test_the_example_writes_what_it_says() -> None:
    document = overlaid(load(), [ACME])
    _values_stand_where_they_were_written(document)
    row = next(index for index, one in enumerate(document.data["x-model-families"]) if one["id"] == "acme-draw")
    lines = Path(ACME).read_text(encoding="utf-8").splitlines()
    file, line = document.place(f"/x-model-families/{row}/like")
    assert file == ACME and line is not None and lines[line - 1].strip() == "like: gpt-image-1"
    file, line = document.place("/components/schemas/CreateImageEditJsonRequest/properties/seed")
    assert file == ACME and line is not None and lines[line - 1].strip() == "seed: &seed"
    file, line = document.place("/components/schemas/CreateImageRequest/properties/size")
    assert (file, line) == (load().source, load().line("/components/schemas/CreateImageRequest/properties/size"))


def _refused(lay: Lay, base: Document | str, *texts: str) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        lay(base, *texts)
    return str(caught.value).splitlines()


def _values_stand_where_they_were_written(document: Document) -> None:
    """Every single value of a document is the one at its origin."""
    assert document.origin is not None
    for pointer, value in _leaves(document.data):
        origin: Origin = document.origin.at(pointer)
        assert origin.document.at(origin.pointer) == value, pointer


def _leaves(node: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _leaves(value, pointer + join(key))
    else:
        yield pointer, node

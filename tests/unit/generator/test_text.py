"""Python text: what a document says can never become code."""

from __future__ import annotations

import ast

import pytest

from imageproof.emit.targets.python.text import docstring, export_order, imported, literal, wrapped

WILD = [
    "",
    "plain",
    'ends with a quote "',
    'three """ quotes',
    '"""',
    "back\\slash at the end \\",
    "\\",
    "line\nline",
    "tab\there, bell\a, null\0, separator\u2028",
    "é ñ 日本 🦊",
    "'single' and \"double\"",
    "x" * 300,
    "- a\n- b\n\n| c | d |",
]


@pytest.mark.parametrize("text", WILD)
def test_a_literal_is_its_value(text: str) -> None:
    assert ast.literal_eval(literal(text)) == text


@pytest.mark.parametrize("indent", [0, 4, 8])
@pytest.mark.parametrize("text", WILD)
def test_a_docstring_is_one_string(text: str, indent: int) -> None:
    source = docstring(text, indent)
    if not source:
        assert not text.strip()
        return
    tree = ast.parse(f"def f():\n{' ' * (indent or 4)}{source}\n" if indent else source)
    strings = [node for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    assert len(strings) == 1 and isinstance(strings[0].value, str)
    assert "\0" not in source and "\u2028" not in source


def test_wrapping_keeps_lists() -> None:
    assert wrapped("one\ntwo\n\n- a\n- b", 80) == ["one two", "", "- a", "- b"]


def test_imports_are_ordered_and_broken() -> None:
    assert imported("m", ["b", "A10", "A9", "C"]) == "from m import A9, A10, C, b"
    assert imported("m", []) == ""
    assert imported("m", [f"LongName{number}" for number in range(20)]).startswith("from m import (\n    LongName0,\n")


def test_exports_tell_capitals_apart() -> None:
    names = ["Anything", "APIError", "NOT_GIVEN", "zeta"]
    assert sorted(names, key=export_order) == ["NOT_GIVEN", "APIError", "Anything", "zeta"]

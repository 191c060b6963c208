"""Python text: what a document says can never become code."""

from __future__ import annotations

import ast
import random
import subprocess
import sys
from pathlib import Path

import pytest

from imageproof.emit.targets.common.text import wrapped
from imageproof.emit.targets.python.text import (
    alternatives,
    called,
    docstring,
    imported,
    literal,
    signature,
)

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


def test_what_is_laid_out_a_formatter_leaves_alone(tmp_path: Path) -> None:
    """Calls, heads of methods and lists of values of many lengths: shorter than a line, a little longer, and longer."""
    dice = random.Random(1)

    def word(most: int) -> str:
        return "v)]" * dice.randrange(1, 4) + "x" * dice.randrange(1, most)

    def argument(number: int) -> str:
        items = [literal(word(20)) for _ in range(dice.randrange(2, 9))]
        pairs = ", ".join(f"{literal(f'k{at}')}: {one}" for at, one in enumerate(items))
        return dice.choice([f"a{number}={items[0]}", f"b{number}=({', '.join(items)})", f"c{number}={{{pairs}}}"])

    lines = ["from typing import Literal, TypeAlias\n"]
    for number in range(150):
        values = [literal(word(60)) for _ in range(dice.randrange(1, 14))]
        lines.append(alternatives(f"N{'a' * dice.randrange(40)}{number}", ["str"], list(dict.fromkeys(values))))
        lines.append(called(f"X{number} = Operation", [argument(at) for at in range(dice.randrange(1, 7))], 0))
    lines.append("\n\nclass C:")
    for number in range(150):
        parameters = ["self", *(f"{'b' * dice.randrange(1, 30)}{at}: int" for at in range(dice.randrange(6)))]
        lines.append(f"    {signature(f'def m{number}', parameters, f' -> {literal(word(60)[-30:])}: ...', 4)}\n")
    path = tmp_path / "laid.py"
    path.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "ruff", "format", "--diff", "--isolated", "--line-length", "120", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[:2000] + done.stderr

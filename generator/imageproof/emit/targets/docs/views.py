"""Sheets as the templates lay them out: every text and link settled, for HTML and for Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from markupsafe import Markup, escape

from imageproof.emit.targets.docs.blocks import Block, Bullets, Facts, Paragraph, Row, Section, Sheet, Table
from imageproof.emit.targets.docs.text import Inline, Place, Run, clean, plain, text
from imageproof.emit.targets.page import Page

HTML, MARKDOWN = ".html", ".md"
# Characters that mean something in Markdown wherever they stand; `_` only at the edge of a word, `#` at the end.
SPECIAL = re.compile(r"[\\`*\[\]<>|~&$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|#(?=#*$)")
# What makes a list, a heading or a rule of a line that it stands at the head of.
LEADING = re.compile(r"^(\d*)([-+#=.)])(?=[ #-]|$)")
# How a view writes text; the flag says that it stands in a table.
Writer = Callable[[Inline, bool], Any]


@dataclass(frozen=True)
class Entry:
    """One line of the navigation."""

    name: str
    label: str


def laid_out(sheets: Sequence[Sheet], navigation: Sequence[Entry], site: str) -> list[Page]:
    """Each sheet as a page of HTML and a page of Markdown. `site` is the title that all of them share."""
    return [
        Page(path(sheet.name, suffix), f"docs/page{suffix}.jinja", _view(sheet, navigation, site, suffix))
        for sheet in sheets
        for suffix in (HTML, MARKDOWN)
    ]


def path(name: str, suffix: str) -> str:
    """The file of a page. The index in Markdown is the README that code hosts show for a folder."""
    return "README.md" if (name, suffix) == ("index", MARKDOWN) else f"{name}{suffix}"


def href(here: str, place: Place, suffix: str) -> str:
    """A link from the page `here`."""
    fragment = f"#{place.anchor}" if place.anchor else ""
    if place.page == here and fragment:
        return fragment
    return f"{'../' * here.count('/')}{path(place.page, suffix)}{fragment}"


def _view(sheet: Sheet, navigation: Sequence[Entry], site: str, suffix: str) -> dict[str, Any]:
    write = _marked_up(sheet.name) if suffix == HTML else _spelled(sheet.name)
    blocks = [_block(block, 2, write) for block in sheet.blocks]
    return {
        "head": f"{clean(sheet.title)} - {site}",
        "title": write(text(sheet.title), False),
        "site": write(text(site), False),
        "lead": write(sheet.lead, False),
        "contents": [{"title": one["title"], "anchor": one["anchor"]} for one in blocks if one["kind"] == Section.kind],
        "blocks": blocks,
        "navigation": [
            {
                "label": write(text(entry.label), False),
                "href": href(sheet.name, Place(entry.name), suffix),
                "here": entry.name == sheet.name,
            }
            for entry in navigation
        ],
    }


def _block(block: Block, level: int, write: Writer) -> dict[str, Any]:
    view: dict[str, Any] = {"kind": block.kind}
    if isinstance(block, Section):
        inner = [_block(one, level + 1, write) for one in block.blocks]
        view |= {"level": level, "title": write(block.title, False), "anchor": block.anchor, "blocks": inner}
    elif isinstance(block, Table):
        labels = [escape(plain(one)) for one in block.columns[1:]]
        view |= {
            "caption": write(block.caption, False),
            "label": plain(block.caption),
            "wide": block.wide,
            "columns": [write(one, True) for one in block.columns],
            "rows": [_row(row, labels, write) for row in block.rows],
        }
    elif isinstance(block, Facts):
        view |= {"rows": [(write(text(name), False), write(said, False)) for name, said in block.rows]}
    elif isinstance(block, Bullets):
        view |= {"points": [write(one, False) for one in block.items]}
    elif isinstance(block, Paragraph):
        view |= {"text": write(block.text, False)}
    return view


def _row(row: Row, labels: list[Markup], write: Writer) -> tuple[str, Any, list[tuple[Markup, Any]]]:
    """The anchor of a row, its head, and its other cells, each with the label of its column."""
    head, *cells = [write(one, True) for one in row.cells]
    return row.anchor, head, list(zip(labels, cells, strict=True))


def _marked_up(here: str) -> Writer:
    """For HTML: what the template need not escape again."""

    @cache
    def said(run: Run) -> Markup:
        return Markup(_html(run, href(here, run.to, HTML) if run.to else ""))

    def write(inline: Inline, _: bool) -> Markup:
        return said(inline[0]) if len(inline) == 1 else Markup("".join(map(said, inline)))

    return write


def _html(run: Run, target: str) -> str:
    said = str(escape(run.text))
    if run.code:
        said = f"<code>{said}</code>"
    elif run.mark:
        said = f'<span class="mark {escape(run.mark)}">{said}</span>'
    return f'<a href="{escape(target)}">{said}</a>' if target else said


def _spelled(here: str) -> Writer:
    """For Markdown: one string, in which nothing but our own runs means anything."""

    @cache
    def said(run: Run, cell: bool) -> str:
        return _markdown(run, href(here, run.to, MARKDOWN) if run.to else "", cell)

    def write(inline: Inline, cell: bool) -> str:
        line = said(inline[0], cell) if len(inline) == 1 else "".join([said(run, cell) for run in inline])
        return line if cell else LEADING.sub(r"\1\\\2", line)

    return write


def _markdown(run: Run, target: str, cell: bool) -> str:
    if run.code:
        said = _fenced(run.text, cell)
    else:
        said = SPECIAL.sub(r"\\\g<0>", run.text)
        said = f"**{said}**" if run.mark else said
    return f"[{said}]({target})" if target else said


def _fenced(words: str, cell: bool) -> str:
    """Code between as many backticks as it takes; a table splits its cells before it sees the code in them."""
    words = words.replace("|", "\\|") if cell else words
    if "`" not in words:
        return f"`{words}`"
    fence = "`" * (1 + max(len(one) for one in re.findall("`+", words)))
    pad = " " if words[0] == "`" or words[-1] == "`" else ""
    return f"{fence}{pad}{words}{pad}{fence}"

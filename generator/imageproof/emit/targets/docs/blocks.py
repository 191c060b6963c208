"""What a page is made of, whatever it is written in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from imageproof.emit.targets.docs.text import Inline


@dataclass(frozen=True)
class Paragraph:
    kind: ClassVar[str] = "paragraph"
    text: Inline


@dataclass(frozen=True)
class Bullets:
    kind: ClassVar[str] = "bullets"
    items: tuple[Inline, ...]


@dataclass(frozen=True)
class Facts:
    """Names and what is said of each."""

    kind: ClassVar[str] = "facts"
    rows: tuple[tuple[str, Inline], ...]


@dataclass(frozen=True)
class Row:
    """The first cell is the head of its row."""

    cells: tuple[Inline, ...]
    anchor: str = ""


@dataclass(frozen=True)
class Table:
    """Rows under columns. On a narrow screen a `wide` one scrolls within its own frame, since its columns are to be
    compared; another one is folded, each row into a card."""

    kind: ClassVar[str] = "table"
    caption: Inline
    columns: tuple[Inline, ...]
    rows: tuple[Row, ...]
    wide: bool = False


@dataclass(frozen=True)
class Section:
    """A heading, and what stands under it."""

    kind: ClassVar[str] = "section"
    title: Inline
    anchor: str
    blocks: tuple[Block, ...]


Block = Paragraph | Bullets | Facts | Table | Section


@dataclass(frozen=True)
class Sheet:
    """One page, by its name, such as "index" or "sources/official". `label` is its name in the navigation; `lead` says
    in a sentence what it is."""

    name: str
    label: str
    title: str
    lead: Inline
    blocks: tuple[Block, ...]

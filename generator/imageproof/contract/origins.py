"""Where the values of a document were written: in its own file, or in an overlay that was laid over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from imageproof.contract.pointers import join, split

if TYPE_CHECKING:
    from imageproof.contract.document import Document


@dataclass(frozen=True)
class Origin:
    """Where a value was written: at `pointer` of `document`, a document that no overlay was laid over, or an overlay.

    `parts` holds the members, and the items by their index, that were written or have moved elsewhere; what is not
    among them was written below the value itself.
    """

    document: Document
    pointer: str = ""
    parts: Mapping[str, Origin] = field(default_factory=dict)

    def part(self, token: str | int) -> Origin:
        """Where a member or an item was written."""
        return self.parts.get(str(token)) or Origin(self.document, self.pointer + join(token))

    def at(self, pointer: str) -> Origin:
        """Where the value at a pointer below this one was written."""
        found = self
        for token in split(pointer):
            found = found.part(token)
        return found

    def having(self, parts: Mapping[str | int, Origin]) -> Origin:
        """The same with some members or items written elsewhere."""
        return replace(self, parts={**self.parts, **{str(token): part for token, part in parts.items()}})

    def renumbered(self, kept: Sequence[int]) -> Origin:
        """The origin of a list that kept only the items of these indexes."""
        return replace(self, parts={str(new): self.part(old) for new, old in enumerate(kept)})

"""Where in the pages a place of the contract is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from imageproof.contract.document import Document, parameter_name, property_schema, request_content
from imageproof.contract.families import KEY, Family, families
from imageproof.contract.pointers import join, target
from imageproof.emit.targets.docs.text import Inline, Place, anchor, code

CAPABILITIES, OPERATIONS, REQUIREMENTS = "capabilities", "operations", "requirements"
FINDINGS, DECISIONS, PROVIDERS = "findings", "decisions", "providers"
# What a document says at its root, and a decision may land at.
ROOT = ("openapi", "info", "servers", "security", "tags")


@dataclass(frozen=True)
class Places:
    """What links need to know: JSON pointers into the document, and the requirements that have an entry."""

    pointers: Mapping[str, Place]
    rules: frozenset[str]

    def at(self, pointer: str) -> Place:
        """Where the value at a pointer is shown, or the nearest that holds it."""
        while pointer and pointer not in self.pointers:
            pointer = pointer.rpartition("/")[0]
        return self.pointers.get(pointer, Place(OPERATIONS))

    def rule(self, rule: str) -> Inline:
        """The id of a requirement, which leads to its entry where there is one."""
        return code(rule, Place(REQUIREMENTS, anchor(rule)) if rule in self.rules else None)


def places_of(document: Document, rules: frozenset[str]) -> Places:
    found = {join(key): Place(OPERATIONS, anchor("document", key)) for key in ROOT if key in document.data}
    found |= dict(_components(document))
    for operation in document.operations().values():
        found[operation.pointer] = Place(OPERATIONS, anchor("operation", operation.id))
        found.setdefault(operation.pointer.rpartition("/")[0], found[operation.pointer])
    offered = {name for family in families(document) for name in family.operations}
    for called in (name for name in document.operations() if name in offered):
        for pointer, parameter in _parameters(document, called):
            found.setdefault(pointer, parameter_place(called, parameter))
    found[join(KEY)] = Place(CAPABILITIES, "families")
    for index, family in enumerate(families(document)):
        found[join(KEY, index)] = family_place(family)
    return Places(found, rules)


def parameter_place(operation: str, name: str) -> Place:
    return Place(CAPABILITIES, anchor(operation, name))


def family_place(family: Family) -> Place:
    return Place(CAPABILITIES, anchor("family", family.id))


def schema_place(name: str, member: str = "") -> Place:
    return Place(OPERATIONS, anchor("schema", name, *([member] if member else [])))


def component_place(kind: str, name: str) -> Place:
    return Place(OPERATIONS, anchor(kind, name))


def _components(document: Document) -> Iterator[tuple[str, Place]]:
    for kind, entries in document.data.get("components", {}).items():
        for name, node in entries.items() if isinstance(entries, dict) else ():
            if kind != "schemas":
                yield join("components", kind, name), component_place(kind, name)
                continue
            yield join("components", kind, name), schema_place(name)
            properties = node.get("properties", {}) if isinstance(node, dict) else {}
            for member in properties:
                yield join("components", kind, name, "properties", member), schema_place(name, member)


def _parameters(document: Document, operation: str) -> Iterator[tuple[str, str]]:
    """Pointer of each property of the request bodies that are components, and the parameter that it carries."""
    for media in request_content(document, operation).values():
        node, pointer = media.get("schema"), ""
        while isinstance(node, dict) and "$ref" in node:
            pointer = target(node["$ref"])
            node = document.at(pointer)
        for name in node.get("properties", {}) if pointer and isinstance(node, dict) else ():
            yield f"{pointer}{join('properties', name)}", parameter_name(name, property_schema(document, node, name))

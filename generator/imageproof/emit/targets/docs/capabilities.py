"""What each model family takes, answers and costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from imageproof.contract.document import (
    Document,
    Operation,
    parameter_name,
    property_schema,
    request_content,
    request_schema,
    required_names,
)
from imageproof.contract.families import Family, Prices, families
from imageproof.emit.targets.docs.blocks import Block, Bullets, Facts, Paragraph, Row, Section, Sheet, Table
from imageproof.emit.targets.docs.cells import EITHER, family_cell, limits, types
from imageproof.emit.targets.docs.places import CAPABILITIES, Places, family_place, parameter_place
from imageproof.emit.targets.docs.text import (
    NOTHING,
    Inline,
    anchor,
    code,
    codes,
    joined,
    mark,
    prose,
    shown,
    text,
)

MEDIA = {"application/json": "JSON", "multipart/form-data": "form"}
STATES = {
    "current": ("current", "good", "since"),
    "scheduled": ("scheduled", "warn", "shut down on"),
    "retired": ("retired", "bad", "on"),
}
TOKENS = {
    "text_input": "text in",
    "text_cached": "text in, cached",
    "image_input": "image in",
    "image_cached": "image in, cached",
    "image_output": "image out",
    "text_output": "text out",
}


@dataclass(frozen=True)
class Part:
    """One wire name of a parameter in one media type."""

    media: str
    name: str
    schema: Mapping[str, Any]
    required: bool


def sheet(document: Document, places: Places) -> Sheet:
    """The page of the families of a document, which has at least one."""
    known = families(document)
    operations = [one for one in document.operations().values() if any(one.id in family.operations for family in known)]
    lead = "What each model family takes, answers and costs: its operations, parameters, allowed values, dates, prices."
    blocks = (
        Section(text("Families"), "families", tuple(_families(known))),
        *(_operation(document, one, known, places) for one in operations),
        Section(text("List prices"), "prices", tuple(_prices(known))),
    )
    return Sheet(CAPABILITIES, "Capabilities", "Capabilities", text(lead), blocks)


def status(family: Family) -> Inline:
    """ "current since 2026-09-08", the state as a mark."""
    word, tone, before = STATES[family.status.state]
    day = family.status.released if family.status.state == "current" else family.status.until
    return joined([mark(word, tone), text(f"{before} {day}") if day else NOTHING], " ")


def _families(known: tuple[Family, ...]) -> Iterator[Block]:
    columns = ("Family", "Models", "Status", "Operations", "Pictures come as", "Streams", "Usage", "Rewritten prompt")
    rows = [
        Row(
            (
                code(family.id),
                codes(family.models),
                _dated(family),
                codes(family.operations),
                joined([code(one) for one in family.returns.carriers], ", else "),
                _yes(family.returns.stream),
                _yes(family.returns.usage),
                _yes(family.returns.revised_prompt),
                codes(family.returns.echo),
            ),
            family_place(family).anchor,
        )
        for family in known
    ]
    caption = text("The carrier that comes first is the default. Repeated: parameters that the JSON answer repeats.")
    yield Table(caption, tuple(map(text, (*columns, "Repeated"))), tuple(rows))


def _dated(family: Family) -> Inline:
    released = f", released {family.status.released}" if family.status.released and family.status.until else ""
    return joined([status(family), text(f"{released} (source: {family.status.source})".lstrip(", "))], " ")


def _yes(told: bool) -> Inline:
    return text("yes" if told else "no")


def _operation(document: Document, operation: Operation, known: tuple[Family, ...], places: Places) -> Section:
    offering = [family for family in known if operation.id in family.operations]
    lacking = [family for family in known if operation.id not in family.operations]
    parameters = _parameters(document, operation.id)
    columns = [text("Parameter"), text("Every model"), *map(_head, offering), text("Rules")]
    rows = tuple(_row(document, operation.id, name, parts, offering, places) for name, parts in parameters.items())
    summary = str(operation.node.get("summary", ""))
    either = text(": the sources contradict each other, or both are seen; serving and refusing both pass.")
    legend = (
        text("An empty cell: the family takes what every model takes."),
        (*EITHER, *either),
        text("A model that no family names keeps what every model takes."),
    )
    blocks: list[Block] = [
        Paragraph(joined([code(f"{operation.method} {operation.path}"), prose(summary)], " ")),
        Bullets(legend),
        Table((*code(operation.id), *text(": parameters by family")), tuple(columns), rows, wide=True),
    ]
    if lacking:
        blocks.insert(1, Paragraph(joined([text("Not offered by"), joined(map(_named, lacking))], " ")))
    rules = _rules(operation.id, offering, places)
    if rules:
        heads = tuple(map(text, ("Rule", "What it asks", "Families")))
        table = Table((*code(operation.id), *text(": rules across parameters")), heads, rules)
        blocks.append(Section(text("Rules across parameters"), anchor("rules", operation.id), (table,)))
    return Section(code(operation.id), anchor("parameters", operation.id), tuple(blocks))


def _head(family: Family) -> Inline:
    """A family over its column, with its status where its time is limited."""
    return _named(family) if family.status.state == "current" else joined([_named(family), status(family)], " ")


def _named(family: Family) -> Inline:
    return code(family.id, family_place(family))


def _parameters(document: Document, operation: str) -> dict[str, list[Part]]:
    """The parameters of an operation's bodies in order, each with the parts that carry it."""
    found: dict[str, list[Part]] = {}
    for media_type in request_content(document, operation):
        schema = request_schema(document, operation, media_type)
        required = required_names(schema)
        for name in schema.get("properties", {}):
            told = property_schema(document, schema, name)
            part = Part(MEDIA.get(media_type, media_type), name, told, name in required)
            found.setdefault(parameter_name(name, told), []).append(part)
    return found


def _row(
    document: Document, operation: str, name: str, parts: list[Part], offering: list[Family], places: Places
) -> Row:
    wire = list(dict.fromkeys((name, *(part.name for part in parts))))
    cells = []
    rules = [str(part.schema[key]) for part in parts for key in ("x-rule", "x-rule-missing") if key in part.schema]
    for family in offering:
        told = [(one, cell) for one in wire if (cell := family.cell(operation, one)) is not None]
        rules += [cell.rule for _, cell in told]
        said = [joined([NOTHING if one == name else code(one), family_cell(cell)], ": ") for one, cell in told]
        forbidden = any(cell.schema is False for one, cell in told if one == name)
        default = family.defaults.get(name) if not forbidden else None
        if default is not None:
            said.append(joined([text("default"), code(shown(default))], " "))
        cells.append(joined((one for one in said if one), "; "))
    deprecated = all(part.schema.get("deprecated") is True for part in parts)
    head = joined([code(name), mark("deprecated") if deprecated else NOTHING], " ")
    every = _every(document, operation, name, parts)
    return Row(
        (head, every, *cells, joined(map(places.rule, dict.fromkeys(rules)))), parameter_place(operation, name).anchor
    )


def _every(document: Document, operation: str, name: str, parts: list[Part]) -> Inline:
    """What the open schema says; told for each media type where they differ."""
    told: dict[Inline, list[str]] = {}
    for part in parts:
        said = joined([NOTHING if part.name == name else code(part.name), _taken(document, part)], ": ")
        told.setdefault(said, []).append(part.media)
    whole = {part.media for part in parts} == {MEDIA.get(one, one) for one in request_content(document, operation)}
    if len({frozenset(one) for one in told.values()}) == 1:
        where = NOTHING if whole else text(f"{' and '.join(dict.fromkeys(next(iter(told.values()))))} only: ")
        return (*where, *joined(told, "; "))
    return joined((joined([text(" and ".join(where)), said], ": ") for said, where in told.items()), "; ")


def _taken(document: Document, part: Part) -> Inline:
    schema = document.resolve(part.schema)
    said = [text(types(schema)), *limits({key: value for key, value in schema.items() if key not in DEEP})]
    if part.required:
        said.append(text("required"))
    if "default" in schema:
        said.append(joined([text("default"), code(shown(schema["default"]))], " "))
    return joined(said, "; ")


# What stands inside an object or a list is shown with the schemas.
DEEP = {"properties", "items", "required", "additionalProperties", "minProperties", "maxProperties"}


def _rules(operation: str, offering: list[Family], places: Places) -> tuple[Row, ...]:
    found: dict[tuple[str, str, bool], list[Family]] = {}
    for family in offering:
        for rule in family.rules:
            if rule.operation == operation:
                found.setdefault((rule.id, rule.message, rule.either), []).append(family)
    return tuple(
        Row(
            (
                places.rule(rule),
                joined([prose(message), EITHER if either else NOTHING], " "),
                joined(map(_named, who)),
            )
        )
        for (rule, message, either), who in found.items()
    )


def _prices(known: tuple[Family, ...]) -> Iterator[Block]:
    priced = [(family, family.prices) for family in known if family.prices]
    if not priced:
        yield Paragraph(text("No family has a list price here."))
        return
    by_token = [(family, prices) for family, prices in priced if prices.tokens]
    if by_token:
        kinds = [kind for kind in TOKENS if any(kind in prices.tokens for _, prices in by_token)]
        columns = ("Family", *(TOKENS[kind] for kind in kinds), "Currency", "As of", "Source")
        rows = [
            Row(
                (
                    _named(family),
                    *(text(shown(prices.tokens[kind])) if kind in prices.tokens else NOTHING for kind in kinds),
                    *map(text, (prices.currency, prices.date, prices.source)),
                )
            )
            for family, prices in by_token
        ]
        yield Table(text("Per million tokens"), tuple(map(text, columns)), tuple(rows))
    for family, prices in priced:
        if prices.rows:
            yield Section(code(family.id), anchor("prices", family.id), _per_picture(prices))


def _per_picture(prices: Prices) -> tuple[Block, ...]:
    sizes = list(dict.fromkeys(row.size for row in prices.rows))
    qualities = list(dict.fromkeys(row.quality for row in prices.rows))
    table = {(row.quality, row.size): row.price for row in prices.rows}
    rows = [
        Row(
            (
                _any(quality),
                *(text(shown(table[quality, size])) if (quality, size) in table else NOTHING for size in sizes),
            )
        )
        for quality in qualities
    ]
    caption = text(f"{prices.currency} for one picture, by quality and size")
    facts = (("As of", text(prices.date)), ("Source", text(prices.source)))
    return (Table(caption, (text("Quality"), *map(_any, sizes)), tuple(rows), wide=True), Facts(facts))


def _any(value: str | None) -> Inline:
    return text("any") if value is None else code(value)

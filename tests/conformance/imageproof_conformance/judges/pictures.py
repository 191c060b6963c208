"""Judges of the decoded pictures and of what the answer says of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from imageproof_conformance.exchange import Exchange
from imageproof_conformance.judges.answer import answer, plain, shown
from imageproof_conformance.judges.picture import Facts
from imageproof_conformance.judges.served import asked, legal_pictures
from imageproof_conformance.judges.table import EDIT, GEN, VAR, Breach, Context, Said, each, judges

_SIZE = re.compile(r"^([1-9][0-9]{0,5})x([1-9][0-9]{0,5})$")
MOSTLY_OPAQUE = 127  # the alpha above which a pixel is no transparent one
_WITH_ALPHA = ("png", "webp")


def decoded(exchange: Exchange) -> Iterator[tuple[int, Facts]]:
    """The pictures that decode, with their place in the answer."""
    for index, item in enumerate(legal_pictures(exchange)):
        if item.facts is not None and not item.facts.problem:
            yield index, item.facts


def explicit_size(exchange: Exchange) -> tuple[int, int] | None:
    size = exchange.probe.asked.get("size")
    match = _SIZE.match(size) if isinstance(size, str) else None
    return (int(match[1]), int(match[2])) if match else None


def wanted_format(exchange: Exchange, context: Context) -> str:
    """The file format that an answer must have: the one asked for, else the model's default if it has the parameter."""
    named = exchange.probe.asked.get("output_format")
    if isinstance(named, str):
        return named
    family = context.family
    if family is None:
        return ""
    cell = family.cell(exchange.probe.operation, "output_format")
    return str(family.defaults.get("output_format", "")) if cell is not None and cell.schema is not False else ""


@judges(*each("B64-PLAIN", GEN, EDIT, VAR))
def b64_plain(exchange: Exchange, context: Context) -> Said:
    texts = [(index, item.b64) for index, item in enumerate(answer(exchange).items) if item.b64]
    for index, text in texts:
        if not plain(text):
            return Breach("b64_json is not plain padded base64", "", f"data[{index}]: {shown(text, 40)}")
    return True if texts else None


@judges(*each("IMAGE-DECODES", GEN, EDIT, VAR))
def decodes(exchange: Exchange, context: Context) -> Said:
    facts = [(index, item.facts) for index, item in enumerate(legal_pictures(exchange)) if item.facts is not None]
    for index, fact in facts:
        if fact.problem:
            return Breach("a picture does not decode to its last byte", "", f"data[{index}]: {fact.problem}")
    return True if facts else None


@judges(*each("IMAGE-BLANK", GEN, EDIT, VAR))
def blank(exchange: Exchange, context: Context) -> Said:
    facts = [(index, fact) for index, fact in decoded(exchange) if fact.width]
    for index, fact in facts:
        if fact.blank:
            got = f"data[{index}]: {fact.width}x{fact.height} pixels that look the same"
            return Breach("a picture shows nothing", "what the prompt says", got)
    return True if facts else None


@judges(*each("FORMAT-BYTES", GEN, EDIT))
def format_bytes(exchange: Exchange, context: Context) -> Said:
    wanted, said = wanted_format(exchange, context), None
    for index, item in enumerate(legal_pictures(exchange)):
        if not wanted or item.facts is None or not item.facts.format:
            continue
        if item.facts.format != wanted:
            return Breach("the bytes are in another file format", wanted, f"data[{index}]: {item.facts.format}")
        said = True
    return True if said else None


@judges(*each("FORMAT-ECHO", GEN, EDIT))
def format_echo(exchange: Exchange, context: Context) -> Said:
    return _echo(exchange, "output_format", wanted_format(exchange, context), ())


@judges(*each("SIZE-PIXELS", GEN, EDIT, VAR))
def size_pixels(exchange: Exchange, context: Context) -> Said:
    size, said = explicit_size(exchange), None
    if size is None:
        return None
    for index, facts in decoded(exchange):
        if not facts.width:
            continue
        if (facts.width, facts.height) != size:
            got = f"data[{index}]: {facts.width}x{facts.height}"
            return Breach("a picture has another number of pixels", f"size={size[0]}x{size[1]}", got)
        said = True
    return True if said else None


@judges(*each("SIZE-ECHO", GEN, EDIT))
def size_echo(exchange: Exchange, context: Context) -> Said:
    found = answer(exchange)
    if found.head.get("size") is None or not found.served:
        return None
    echo, size = found.head["size"], exchange.probe.asked.get("size")
    if explicit_size(exchange):
        return True if echo == size else Breach("size of the answer is not the one asked for", str(size), shown(echo))
    if found.streamed:  # an event may say auto
        return None
    match = _SIZE.match(echo) if isinstance(echo, str) else None
    if not match:
        return Breach("size of the answer is not WIDTHxHEIGHT", shown(size or "auto"), shown(echo))
    real = {(facts.width, facts.height) for _, facts in decoded(exchange) if facts.width}
    if not real:
        return None
    if real != {(int(match[1]), int(match[2]))}:
        pixels = ", ".join(f"{width}x{height}" for width, height in sorted(real))
        return Breach("size of the answer is not that of its pictures", pixels, shown(echo))
    return True


@judges(*each("QUALITY-ECHO", GEN, EDIT))
def quality_echo(exchange: Exchange, context: Context) -> Said:
    return _echo(exchange, "quality", _explicit(exchange, "quality"), ("auto",))


@judges(*each("BACKGROUND-ECHO", GEN, EDIT))
def background_echo(exchange: Exchange, context: Context) -> Said:
    return _echo(exchange, "background", _explicit(exchange, "background"), ("auto",))


# What the rules on echoes are about.
_ECHOES: Mapping[str, str] = {
    rule: name
    for suffix, name in {
        "SIZE-ECHO": "size",
        "QUALITY-ECHO": "quality",
        "BACKGROUND-ECHO": "background",
        "FORMAT-ECHO": "output_format",
    }.items()
    for rule in each(suffix, GEN, EDIT)
}


def unnamed(rule: str, exchange: Exchange) -> str:
    """The member that an answer leaves out, as it may, where the rule is about what that says; else ""."""
    name = _ECHOES.get(rule, "")
    found = answer(exchange)
    absent = name and found.served and found.items and found.head.get(name) is None
    return f"the answer does not name its {name}" if absent else ""


@judges(*each("ECHO-PRESENT", GEN, EDIT))
def echo_present(exchange: Exchange, context: Context) -> Said:
    found = answer(exchange)
    if not found.served or found.streamed or not found.items or context.family is None:
        return None
    missing = [name for name in context.family.returns.echo if found.head.get(name) in (None, "")]
    if missing:
        names = ", ".join(context.family.returns.echo)
        return Breach("the answer does not name all that it used", names, f"absent: {', '.join(missing)}")
    return True


def _explicit(exchange: Exchange, name: str) -> str:
    """A parameter that was asked for by value; "" when it was left out, null or auto."""
    value = exchange.probe.asked.get(name)
    return value if isinstance(value, str) and value != "auto" else ""


def _echo(exchange: Exchange, name: str, wanted: str, never: tuple[str, ...]) -> Said:
    """A member of the answer repeats a parameter; it may be absent, since the official types leave it optional."""
    found = answer(exchange)
    if not found.served or found.head.get(name) is None:
        return None
    got: Any = found.head[name]
    if wanted:
        return True if got == wanted else Breach(f"{name} of the answer is another", f"{name}={wanted}", shown(got))
    if found.streamed:  # an event may say auto
        return None
    if not isinstance(got, str) or got in never:
        return Breach(f"{name} of the answer is no value that was used", f"{name} left to the model", shown(got))
    return True if never else None


@judges(*each("TRANSPARENT-ALPHA", GEN, EDIT))
def transparent(exchange: Exchange, context: Context) -> Said:
    if exchange.probe.asked.get("background") != "transparent":
        return None
    said = None
    for index, facts in decoded(exchange):
        if facts.format not in _WITH_ALPHA:
            continue  # another rule names a wrong file format
        if not facts.alpha:
            return Breach("a transparent picture has no alpha channel", asked(exchange, "background"), f"data[{index}]")
        if facts.lowest > MOSTLY_OPAQUE:
            return Breach(
                "a transparent picture has no transparent pixel", asked(exchange, "background"), f"data[{index}]"
            )
        said = True
    return True if said else None


@judges(*each("OPAQUE-ALPHA", GEN, EDIT))
def opaque(exchange: Exchange, context: Context) -> Said:
    if exchange.probe.asked.get("background") != "opaque":
        return None
    said = None
    for index, facts in decoded(exchange):
        if facts.lowest < 255:
            got = f"data[{index}]: lowest alpha {facts.lowest}"
            return Breach("an opaque picture has pixels below full alpha", asked(exchange, "background"), got)
        said = True
    return True if said else None


@judges(*each("DISTINCT", GEN, EDIT, VAR))
def distinct(exchange: Exchange, context: Context) -> Said:
    files = [item.data for item in legal_pictures(exchange) if item.facts is not None and not item.facts.problem]
    if len(files) < 2:
        return None
    if len(set(files)) < len(files):
        return Breach(
            "two pictures of one answer are the same file", asked(exchange, "n"), f"{len(set(files))} different"
        )
    return True

"""Judges of pictures that move and of pictures that are drawn: GIF and SVG. The files are read here, within bounds."""

from __future__ import annotations

from typing import Any
from xml.parsers import expat

from imageproof_conformance.exchange import Exchange
from imageproof_conformance.judges.answer import answer, shown, whole
from imageproof_conformance.judges.served import asked, legal_pictures, refused_feature
from imageproof_conformance.judges.table import EDIT, GEN, Breach, Context, Said, each, judges

TOKENS = ("input_tokens", "output_tokens", "reasoning_tokens", "total_tokens")
_GRAPHIC_CONTROL, _EXTENSION, _IMAGE, _TRAILER = 0xF9, 0x21, 0x2C, 0x3B


def delays(data: bytes) -> list[int] | None:
    """Milliseconds that each frame of a GIF is shown; None for a file that breaks off. Source: GIF89a."""
    try:
        return _delays(data)
    except IndexError:
        return None


def _delays(data: bytes) -> list[int]:
    place = 13 + _palette(data[10])
    found: list[int] = []
    delay = 0
    while data[place] != _TRAILER:
        if data[place] == _EXTENSION:
            if data[place + 1] == _GRAPHIC_CONTROL:
                delay = int.from_bytes(bytes((data[place + 4], data[place + 5])), "little") * 10
            place = _after_blocks(data, place + 2)
        elif data[place] == _IMAGE:
            found.append(delay)
            delay = 0
            place = _after_blocks(data, place + 11 + _palette(data[place + 9]))
        else:
            raise IndexError(place)
    return found


def _palette(packed: int) -> int:
    """Bytes of a colour table by the byte that describes it."""
    return 3 * 2 ** ((packed & 7) + 1) if packed & 0x80 else 0


def _after_blocks(data: bytes, place: int) -> int:
    while data[place]:
        place += data[place] + 1
    return place + 1


def root(data: bytes) -> str:
    """The name of the root of an XML document without its prefix. ValueError for what is no well-formed document, and
    for one that declares entities: no picture needs them, and they can fill all memory."""
    names: list[str] = []
    parser = expat.ParserCreate()

    def start(name: str, attributes: dict[str, str]) -> None:
        names.append(name) if not names else None

    def entity(*_: Any) -> None:
        raise ValueError("declares an entity")

    parser.StartElementHandler = start
    parser.EntityDeclHandler = entity
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError) as error:  # LookupError: an encoding that nobody knows
        raise ValueError(str(error)) from None
    return names[0].rpartition(":")[2]


def _gif(rule: str) -> None:
    @judges(rule)
    def frames(exchange: Exchange, context: Context) -> Said:
        if not answer(exchange).served:
            return refused_feature(exchange, context, rule, "a gif was refused")
        defaults = context.family.defaults if context.family else {}
        count: Any = exchange.probe.asked.get("frame_count") or defaults.get("frame_count")
        shown_for: Any = exchange.probe.asked.get("frame_duration_ms") or defaults.get("frame_duration_ms")
        said: Said = None
        for index, item in enumerate(legal_pictures(exchange)):
            if item.data is None or item.facts is None or item.facts.format != "gif" or item.facts.problem:
                continue  # another rule names it
            found = delays(item.data)
            if found is None:
                return Breach("a gif breaks off", "", f"data[{index}]")
            got = f"data[{index}]: {len(found)} frames of {shown(sorted(set(found)))} ms"
            if whole(count) and len(found) != count:
                return Breach("a gif has another number of frames", asked(exchange, "frame_count"), got)
            if whole(shown_for) and set(found) - {round(shown_for / 10) * 10}:
                wanted = asked(exchange, "frame_duration_ms")
                return Breach("the frames of a gif are shown for another time", wanted, got)
            said = True
        return said


def _svg(rule: str) -> None:
    @judges(rule)
    def drawn(exchange: Exchange, context: Context) -> Said:
        if not answer(exchange).served:
            return refused_feature(exchange, context, rule, "an svg was refused")
        said: Said = None
        for index, item in enumerate(legal_pictures(exchange)):
            if item.data is None or item.facts is None or item.facts.format != "svg":
                continue  # another rule names it
            try:
                name = root(item.data)
            except ValueError as error:
                return Breach("an svg is no well-formed XML", "", f"data[{index}]: {shown(str(error))}")
            if name != "svg":
                return Breach("the root of an svg is another element", "svg", f"data[{index}]: {shown(name)}")
            said = True
        problem = _sums(answer(exchange).head.get("svg_usage")) if said else ""
        return Breach("svg_usage is missing or does not add up", "svg_usage", problem) if problem else said


def _sums(usage: Any) -> str:
    """What is wrong with the tokens of an svg, "" for nothing: reasoning counts within the output, or beside it."""
    if not isinstance(usage, dict):
        return f"svg_usage is {shown(usage) if usage is not None else 'absent'}"
    for name in TOKENS:
        if not whole(usage.get(name)) or usage[name] < 0:
            return f"{name} is {shown(usage.get(name))}"
    read, wrote, thought, total = (usage[name] for name in TOKENS)
    if total not in (read + wrote, read + wrote + thought):
        return f"total_tokens is {shown(total)}, the parts come to {shown(read + wrote)}"
    return ""


for _prefix in (GEN, EDIT):
    _gif(*each("GIF-FRAMES", _prefix))
    _svg(*each("SVG-ROOT", _prefix))

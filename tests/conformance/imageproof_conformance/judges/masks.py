"""The judge of what a mask keeps, for families that edit where something is see-through and nowhere else."""

from __future__ import annotations

import io

from imageproof.contract.families import Family
from imageproof_conformance.exchange import Exchange
from imageproof_conformance.judges.answer import shown
from imageproof_conformance.judges.picture import look
from imageproof_conformance.judges.served import legal_pictures
from imageproof_conformance.judges.table import Breach, Context, Said, judges

GRID = 32  # cells of a side in which pictures are compared: what encoders and scalers change is lost in them
FEWEST = 64  # cells that must be kept whole for a comparison
DIFFERENT = 40.0  # of 255, the mean over the kept cells; encoders stay below 10, another picture is beyond
UPRIGHT, ORIENTATION = 1, 0x0112  # of Exif


def keeps(family: Family) -> bool:
    """Whether a family promises to leave alone what is not see-through: a picture without a mask needs alpha then."""
    cell = family.cell("createImageEdit", "image")
    told = cell.file.get("if", {}) if cell is not None and cell.file else {}
    return "masked" in told.get("properties", {})


@judges("EDIT-MASK-KEPT")
def kept(exchange: Exchange, context: Context) -> Said:
    if context.family is None or not keeps(context.family) or "mask" not in exchange.probe.asked:
        return None
    from imageproof_conformance.har import form  # which looks at pictures, and so needs this package

    media_type = next((value for name, value in exchange.sent_headers if name.lower() == "content-type"), "")
    parts = {one.name.removesuffix("[]"): one.data for one in reversed(form(exchange.sent_body, media_type) or ())}
    said: Said = None
    for index, item in enumerate(legal_pictures(exchange)):
        if item.data is None or not {"image", "mask"} <= set(parts):
            continue
        change = _change(parts["image"], parts["mask"], item.data)
        if change is not None and change > DIFFERENT:
            got = f"data[{index}]: {shown(round(change))} of 255 away from it, in the mean"
            return Breach("what the mask leaves opaque is not kept", "the first picture outside the hole", got)
        said = said if change is None else True
    return said


def _change(before: bytes, mask: bytes, after: bytes) -> float | None:
    """How much the kept part of a picture changed, 0 to 255; None where the pictures cannot be laid over each other."""
    from PIL import Image

    facts = [look(one) for one in (before, mask, after)]
    sizes = {(one.width, one.height) for one in facts}
    if any(one.problem or not one.width for one in facts) or len(sizes) > 1 or facts[2].blank:  # each has its own rule
        return None
    opened = [Image.open(io.BytesIO(one)) for one in (before, mask, after)]
    if any(one.getexif().get(ORIENTATION, UPRIGHT) != UPRIGHT for one in opened):
        return None
    old, hole, new = (one.convert("RGBA").resize((GRID, GRID), Image.Resampling.BOX).tobytes() for one in opened)
    cells = [
        sum(abs(old[at + band] - new[at + band]) for band in range(3)) / 3
        for at in range(0, len(old), 4)
        if old[at + 3] == hole[at + 3] == 255
    ]
    return sum(cells) / len(cells) if len(cells) >= FEWEST else None

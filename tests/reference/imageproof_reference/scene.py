"""What a picture shows, before there are pixels: a sky, a sun and layered hills, found from the prompt by a hash."""

from __future__ import annotations

import colorsys
import hashlib
import random
from dataclasses import dataclass

Colour = tuple[int, int, int]
Point = tuple[float, float]

HILLS = 4
RIDGE_POINTS = 9


@dataclass(frozen=True)
class Hill:
    """A ridge as points in the unit square, left to right, y downwards; everything below it has the colour."""

    ridge: tuple[Point, ...]
    colour: Colour


@dataclass(frozen=True)
class Scene:
    """`sky` is its colour at the top and at the horizon, `sun` the centre in the unit square, `radius` its share of the
    shorter edge."""

    sky: tuple[Colour, Colour]
    sun: Point
    radius: float
    sun_colour: Colour
    hills: tuple[Hill, ...]


def scene(prompt: str, index: int, frame: int = 0, frames: int = 1) -> Scene:
    """The scene of one picture. The same prompt and index give the same scene, another index another one; along the
    frames of an animation the sun goes from left to right and nothing else moves."""
    digest = hashlib.sha256(f"{index}\0{prompt}".encode("utf-8", "surrogatepass")).digest()
    chance = random.Random(digest)
    hue = chance.random()
    sky = (_colour(hue, 0.65, 0.45), _colour(hue + chance.uniform(0.05, 0.2), 0.45, 0.98))
    sun = (chance.uniform(0.2, 0.8), chance.uniform(0.2, 0.45))
    radius = chance.uniform(0.08, 0.16)
    sun_colour = _colour(hue + 0.5, chance.uniform(0.3, 0.8), 1.0)
    hills = tuple(_hill(chance, hue, layer) for layer in range(HILLS))
    if frames > 1:
        sun = (0.1 + 0.8 * frame / (frames - 1), sun[1])
    return Scene(sky, sun, radius, sun_colour, hills)


def _hill(chance: random.Random, hue: float, layer: int) -> Hill:
    """One ridge; a nearer layer lies lower and is darker."""
    base, swing = 0.5 + 0.12 * layer, 0.12 - 0.015 * layer
    ridge = tuple((at / (RIDGE_POINTS - 1), base + chance.uniform(-swing, swing)) for at in range(RIDGE_POINTS))
    return Hill(ridge, _colour(hue + 0.33 + 0.03 * layer, 0.5, 0.6 - 0.12 * layer))


def _colour(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)

"""What stands between this server and a model of yours: a function that takes a request and gives pictures.

    from PIL import Image
    from imageproof_reference.renderers import Partial, RenderRequest

    def render(request: RenderRequest):
        for _ in range(request.count):
            yield Partial(Image.new("RGB", (request.width, request.height), "grey"))
            yield Image.new("RGB", (request.width, request.height), "red")

`imageproof serve --renderer mine:render` serves it. The function is called once for each request, one call at a time,
always in the same thread, which is not that of the event loop. The server makes files, links, usage and events of what
it gives.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from PIL import Image

from imageproof.errors import UsageError

EXAMPLE = "imageproof_reference.diffusion:render"
MOST_NAMED = 8  # functions that a message lists


@dataclass(frozen=True)
class RenderRequest:
    """A request that keeps the contract, with nothing left to choose.

    operation      createImage, createImageEdit or createImageVariation
    model, prompt  as the caller named and wrote them; a variation has the prompt ""
    width, height  pixels of every picture that is given back, partial ones too; another size is an error
    count          how many pictures are wanted, at least 1
    images         the pictures to start from, upright, RGB or RGBA, as large as they came; shrunk by a whole number
                   where all of them would unpack into too much
    mask           as large as images[0], mode L: 255 where it is to be painted anew, 0 where it stays. The server puts
                   back what stays, from images[0] as it came, cut to the canvas around its middle
    markup         what was drawn over images[0] to guide the edit, RGBA, as large as images[0]
    quality        one of the family's levels, such as low, medium, high; "" for a family without
    background     opaque or transparent; transparent pictures must have an alpha channel, others are laid on white
    output_format  png, jpeg, webp, gif or svg; for information, the server does the packing
    compression    0 to 100, likewise for information
    frames         above 1, each picture is a list of so many frames (an animated gif)
    partials       how many partial pictures the caller wants before each finished one; more are dropped, and more than
                   1000 before one finished picture are an error
    extras         all parameters of the body but its files, as they were sent: for those of the contract that have no
                   field here (style, input_fidelity), and those that it does not know (seed, steps; texts in a form)
    """

    operation: str
    model: str
    prompt: str
    width: int
    height: int
    count: int = 1
    images: tuple[Image.Image, ...] = ()
    mask: Image.Image | None = None
    markup: Image.Image | None = None
    quality: str = ""
    background: str = "opaque"
    output_format: str = "png"
    compression: int = 100
    frames: int = 1
    partials: int = 0
    extras: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Partial:
    """A picture on its way to the next finished one, of the same size."""

    picture: Image.Image


Rendered = Image.Image | Partial | Sequence[Image.Image]

# Gives the finished pictures in order, `count` of them, with partial ones before each: a single picture, a list or a
# generator. `imageproof_reference.refusal.Refusal` answers the caller with its status, message and code; any other
# exception is logged and answered with 500 and without details.
Renderer = Callable[[RenderRequest], Rendered | Iterable[Rendered]]


def load_renderer(name: str) -> Renderer:
    """The function that `module:function` names; the folder where the command runs is searched first.

    Raises UsageError for a name of another form, a module that is not there or fails, and what is not a function of one
    request.
    """
    module_name, colon, path = name.partition(":")
    if not (colon and _dotted(module_name) and _dotted(path)):
        raise UsageError(f"--renderer {name!r}: type module:function, such as {EXAMPLE}")
    module = _imported(name, module_name)
    found: Any = module
    for part in path.split("."):
        if not hasattr(found, part):
            raise UsageError(f"--renderer {name}: {module_name} has no {path!r}; {_offer(module)}")
        found = getattr(found, part)
    if not callable(found):
        raise UsageError(f"--renderer {name}: {path} is no function; {_offer(module)}")
    called = (found, type(found).__call__)  # of an object, what runs is its class's method
    if any(inspect.iscoroutinefunction(one) or inspect.isasyncgenfunction(one) for one in called):
        raise UsageError(f"--renderer {name}: {path} is async; write it with a plain def, it has a thread of its own")
    try:
        inspect.signature(found).bind(None)
    except (TypeError, ValueError) as error:
        raise UsageError(f"--renderer {name}: {path} must take one argument, the request: {error}") from None
    return found  # type: ignore[no-any-return]  # what it gives is checked picture by picture


def _dotted(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))


def _imported(name: str, module: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or module
        if f"{module}.".startswith(f"{missing}."):
            said = f"there is no module {missing!r}: start in the folder where it is, or install it"
        else:
            said = f"{module} needs the module {missing!r}: install it beside imageproof"
        raise UsageError(f"--renderer {name}: {said}") from None
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        where = _place(error)
        raise UsageError(f"--renderer {name}: {module} failed when it was imported, at {where}: {said}") from None


def _place(error: BaseException) -> str:
    """Where a module failed: for a file that Python cannot read, the line in it and not that of Python's reader."""
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).is_file():
        return f"{error.filename}:{error.lineno or 1}"
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{place.filename}:{place.lineno}"


def _offer(module: ModuleType) -> str:
    own = [
        name
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
    ]
    return f"it has {', '.join(own[:MOST_NAMED])}" if own else "it has no functions"

"""Pages laid out: target + subject -> {path: text}. The same mapping serves writing, comparing and tests."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

import jinja2

from imageproof.emit.targets import TARGETS
from imageproof.emit.targets.page import Page
from imageproof.errors import UsageError

TEMPLATES = files("imageproof.emit") / "templates"


def render(target: str, subjects: Mapping[str, Any], name: str, go_module: str = "") -> dict[str, str]:
    """The files of a target by their paths below its folder. `subjects` holds "api" and "document"; `go_module` is the
    path of a Go module, "" for that of its name.

    UsageError for a target that is not there, or a name that it cannot use.
    """
    if target not in TARGETS:
        raise UsageError(f"target {target!r} is not there yet; known: {', '.join(TARGETS)}")
    told = TARGETS[target]
    more = (go_module,) if told.path else ()
    pages: list[Page] = importlib.import_module(told.module).pages(subjects[told.subject], name, *more)
    return {page.path: _text(page) for page in pages}


def _text(page: Page) -> str:
    if page.template:
        body = _environment().get_template(page.template).render(page.view).rstrip("\n") + "\n"
    elif page.verbatim:
        body = TEMPLATES.joinpath(page.verbatim).read_text(encoding="utf-8")
    else:
        body = page.text
    return f"{page.header}\n{body}" if page.header else body


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    """Templates lay out text and decide nothing; a name that no view has is an error."""
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: TEMPLATES.joinpath(name).read_text(encoding="utf-8")),
        undefined=jinja2.StrictUndefined,
        optimized=False,  # each template is laid out a few times: to fold its constants takes longer than it saves
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=lambda name: (name or "").endswith(".html.jinja"),  # the others are source code and Markdown
    )

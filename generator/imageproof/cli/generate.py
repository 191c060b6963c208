"""`imageproof generate`: write what the document means for each target, or check that it is written."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from imageproof import __version__
from imageproof.api.describe import describe
from imageproof.api.ir import Api
from imageproof.cli.options import OVERLAY
from imageproof.contract.document import Document, load
from imageproof.contract.dump import fingerprint
from imageproof.contract.families import KEY
from imageproof.contract.locate import CHECKOUT, in_checkout
from imageproof.contract.overlay import layers, overlaid
from imageproof.emit.output import MANIFEST, Manifest, compare, read_manifest, write
from imageproof.emit.render import render
from imageproof.emit.targets import TARGETS
from imageproof.emit.targets.golang import is_module
from imageproof.emit.targets.python import default_name, is_name
from imageproof.errors import DocumentError, Problem, UsageError

CANONICAL_NAME = "imageproof_client"
EPILOG = """\b
Examples:
  imageproof generate --target python,typescript --out clients  clients/python/, clients/typescript/
  imageproof generate --target python --out clients --check    exit 1 when it is out of step
  imageproof generate --spec api.yaml --name my_client --target python --out clients
  imageproof generate --target go --go-module example.com/images --out clients
  imageproof generate --overlay acme.yaml --target python --out clients
"""


@dataclass(frozen=True)
class Rendering:
    """Everything that a run would write: path below the folder -> text, its manifest, and what the document told."""

    files: Mapping[str, str]
    manifest: Manifest
    warnings: tuple[Problem, ...]


@contextmanager
def _no_search_for_garbage() -> Iterator[None]:
    """A run makes hardly any: what it makes lives until its end, and then goes with the process. To search all that
    again and again, and once more at the end, takes a third of the time. In a process that goes on it is searched by
    and by after the next run."""
    gc.unfreeze()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@click.command(epilog=EPILOG)
@click.option(
    "--target", "-t", "targets", multiple=True, metavar="NAMES", help=f"Any of {', '.join(TARGETS)}, by commas."
)
@click.option("--out", "-o", type=click.Path(path_type=Path), metavar="DIR", help="Folder; each target has one in it.")
@click.option("--name", metavar="NAME", help="Name of the emitted package.")
@click.option("--go-module", metavar="PATH", help="Path of the emitted Go module, such as example.com/images.")
@click.option("--spec", metavar="FILE", help="OpenAPI 3.0 or 3.1 document; without it the canonical one.")
@OVERLAY
@click.option("--check", is_flag=True, help="Write nothing; exit 1, with a diff, when the folder is out of step.")
@click.option("--quiet", "-q", is_flag=True, help="Tell neither what is not emitted nor which files are written.")
@_no_search_for_garbage()
def generate(
    targets: tuple[str, ...],
    out: Path | None,
    name: str | None,
    go_module: str | None,
    spec: str | None,
    overlays: tuple[str, ...],
    check: bool,
    quiet: bool,
) -> int:
    """Write typed clients, the strict document and the pages for people, or check them.

    In a checkout of imageproof the folder is generated/; elsewhere name one with --out. Without --target, a folder that
    was written before keeps its targets, and a new one gets all. No file that this command did not write is touched.
    """
    chosen = tuple(one.strip() for told in targets for one in told.split(","))
    try:
        root = _folder(out)
        old = read_manifest(root)
        document = overlaid(load(spec), overlays)
        own = default_name(document.data["info"]["title"]) if spec else CANONICAL_NAME
        name = _name(root, old, document, name, own)
        module = go_module if go_module is not None else old.go_module if old else ""
        rendering = rendered(document, chosen or (old.targets if old else _all(document)), name, module)
        if not quiet:  # what the built-in contract leaves out, nobody can mend; the emitted README tells it
            _tell(one for one in rendering.warnings if spec or one.file in overlays)
        return _check(root, rendering, old) if check else _write(root, rendering, quiet)
    except OSError as error:
        raise UsageError(f"{error.filename or out}: {error.strerror}; choose another folder with --out") from None


def rendered(document: Document, targets: Iterable[str], name: str, go_module: str = "") -> Rendering:
    """Render targets of a document. DocumentError when it cannot be emitted, UsageError for an unknown target or a name
    that a package or a module cannot have."""
    targets = tuple(sorted(set(targets)))
    for target in targets:
        if target not in TARGETS:
            raise UsageError(f"target {target!r} is not there yet; known: {', '.join(TARGETS)}")
    if not is_name(name):
        raise UsageError(
            f"{name!r} is not a name for a package; use letters, digits and underscores, as in --name my_client, "
            "and no keyword or module of Python's"
        )
    if go_module and not is_module(go_module):
        raise UsageError(
            f"{go_module!r} is not the path of a Go module; type one such as --go-module example.com/images"
        )
    api: Api | None = None
    warnings: tuple[Problem, ...] = ()
    if any(TARGETS[target].subject == "api" for target in targets):
        api, problems = describe(document)
        if any(problem.level == "error" for problem in problems):
            raise DocumentError(problem for problem in problems if problem.level == "error")
        warnings = tuple(problems)
    subjects = {"api": api, "document": document}
    files = {
        f"{target}/{path}": text
        for target in targets
        for path, text in render(target, subjects, name, go_module).items()
    }
    title = str(document.data["info"]["title"])
    over = tuple((one.name, one.digest) for one in layers(document))
    manifest = Manifest(
        f"imageproof {__version__}", fingerprint(document.data), name, targets, {}, title, over, go_module
    )
    return Rendering(files, manifest, warnings)


def _all(document: Document) -> tuple[str, ...]:
    """The targets that a document can be turned into."""
    return tuple(name for name, target in TARGETS.items() if document.data.get(KEY) or not target.families)


def _name(root: Path, old: Manifest | None, document: Document, told: str | None, own: str) -> str:
    """The package name: what is told, else what the folder holds of this document, else the document's `own`.

    UsageError where the folder holds another package, which would be replaced.
    """
    if old is None:
        return own if told is None else told
    same = document.data["info"]["title"] == old.title or fingerprint(document.data) == old.document
    name = told if told is not None else old.name if same else own
    if name != old.name and is_name(name):
        title = f" of {' '.join(old.title.split())}" if old.title else ""
        raise UsageError(
            f"{_shown(root)} holds the package {old.name}{title}, and {name} would replace it; choose another folder "
            f"with --out, or type --name {old.name} to replace what is there"
        )
    return name


def _folder(out: Path | None) -> Path:
    if out is None:
        if not (in_checkout() and _here().is_relative_to(CHECKOUT)):
            raise UsageError("where to? type: imageproof generate --target python --out clients")
        return CHECKOUT / "generated"
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is not a folder")
    return out


def _shown(root: Path) -> Path:
    """A folder as a person would type it from here."""
    here = _here()
    return root.relative_to(here) if root.is_relative_to(here) else root


def _here() -> Path:
    """Where the user stands; the root where somebody removed that folder."""
    try:
        return Path.cwd()
    except OSError:
        return Path("/")


def _tell(warnings: Iterable[Problem]) -> None:
    for problem in warnings:
        click.echo(f"note: {problem}", err=True)


def _check(root: Path, rendering: Rendering, old: Manifest | None) -> int:
    changes = compare(root, rendering.files, rendering.manifest)
    for change in changes:
        click.echo(str(change))
    root = _shown(root)
    if old is not None and old.overlays != rendering.manifest.overlays:
        click.echo(f"{root}: {_other_overlays(old.overlays, rendering.manifest.overlays)}")
    if changes:
        click.echo(
            f"{root}: {len(changes)} of {len(rendering.files) + 1} files out of step; run generate without --check"
        )
        return 1
    click.echo(f"{root}: {len(rendering.files) + 1} files in step")
    return 0


def _other_overlays(old: Iterable[tuple[str, str]], new: Iterable[tuple[str, str]]) -> str:
    """How the overlays of a check differ from those that the folder was written with."""
    was, now = ([name for name, _ in told] for told in (old, new))
    if was == now:
        changed = [name for (name, before), (_, after) in zip(old, new, strict=True) if before != after]
        return f"written before {', '.join(changed)} changed"
    written, checked = (", ".join(f"--overlay {name}" for name in names) or "no overlay" for names in (was, now))
    return f"written with {written}, and checked with {checked}"


def _write(root: Path, rendering: Rendering, quiet: bool) -> int:
    changed = write(root, rendering.files, rendering.manifest)
    root = _shown(root)
    removed = [path for path in changed if path not in rendering.files and path != MANIFEST]
    for path in () if quiet else changed:
        click.echo(f"  {path}{' (removed)' if path in removed else ''}")
    written, total = len(changed) - len(removed), len(rendering.files) + 1
    click.echo(f"{root}: {written} of {total} files written ({', '.join(rendering.manifest.targets)})")
    return 0

"""{path: text} put on disk, or held against it. Only what the manifest owns is ever changed or removed.

The manifest stands beside the folders of the targets, and knows the digest of every file that a run wrote. So a file of
the user's is never touched, a file that is no longer rendered is removed, and one that was edited is not removed.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Literal

from imageproof.errors import DocumentError, Problem, UsageError

MANIFEST = "MANIFEST.json"
# What tools leave behind in a folder of sources; nobody wrote it, and nobody ships it.
DEBRIS = ("__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", "node_modules", ".DS_Store")
LONGEST_DIFF = 400  # lines; a whole new file says no more in its thousandth line than in its first


@dataclass(frozen=True)
class Manifest:
    """What a run wrote: generator version, digest of the document's content, package name, targets, path -> sha256, the
    document's title ("" where an earlier version did not record it), and the overlays on it, each by file name and
    digest of its content, in order, and the path of a Go module ("" for that of its name). `beside` are files that
    another command made among those of the targets, likewise path -> sha256. Paths are relative to the manifest's
    folder, with slashes."""

    generator: str
    document: str
    name: str
    targets: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    overlays: tuple[tuple[str, str], ...] = ()
    go_module: str = ""
    beside: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """The manifest as JSON, keys in order."""
        data = {
            "generator": self.generator,
            "document": self.document,
            **(
                {"overlays": [{"name": name, "digest": value} for name, value in self.overlays]}
                if self.overlays
                else {}
            ),
            "title": self.title,
            "name": self.name,
            **({"go_module": self.go_module} if self.go_module else {}),
            "targets": list(self.targets),
            "files": dict(sorted(self.files.items())),
            **({"beside": dict(sorted(self.beside.items()))} if self.beside else {}),
        }
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class Change:
    """One difference between what is rendered and what is on disk. `diff` is a unified diff, "" where there is none."""

    kind: Literal["changed", "missing", "orphaned"]
    path: str
    diff: str
    owned: bool = True

    def __str__(self) -> str:
        notes = {
            "missing": "is not there",
            "orphaned": "is no longer rendered" if self.owned else "is not ours, and stands among the generated files",
            "changed": "differs",
        }
        return f"{self.kind}: {self.path} {notes[self.kind]}" + (f"\n{self.diff}" if self.diff else "")


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def read_manifest(root: Path) -> Manifest | None:
    """The manifest of a folder, None when it has none. DocumentError for one that cannot be trusted."""
    path = root / MANIFEST
    if not path.is_file():
        return None
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        files, beside = (
            {str(name): str(value) for name, value in listed.items()}
            for listed in (data["files"], data.get("beside", {}))
        )
        title = str(data.get("title", ""))
        overlays = tuple((str(one["name"]), str(one["digest"])) for one in data.get("overlays", ()))
        targets = tuple(data["targets"])
        module = str(data.get("go_module", ""))
        manifest = Manifest(
            data["generator"], data["document"], data["name"], targets, files, title, overlays, module, beside
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        hint = "remove it, and generate again"
        raise DocumentError([Problem(str(path), "not a manifest of imageproof", hint=hint)]) from None
    stray = [
        name for name in (*files, *beside) if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts
    ]
    if stray:
        raise DocumentError([Problem(str(path), f"names a file outside its folder: {stray[0]}")])
    return manifest


def completed(manifest: Manifest, rendered: Mapping[str, str], old: Manifest | None) -> Manifest:
    """The manifest of a run, which keeps what earlier runs wrote for targets that this one left out, and what stands
    beside all of it."""
    kept = [one for one in (old.targets if old else ()) if one not in manifest.targets]
    files = {path: value for path, value in (old.files if old else {}).items() if path.split("/")[0] in kept}
    files |= {path: digest(text) for path, text in rendered.items()}
    targets = tuple(sorted({*kept, *manifest.targets}))
    return replace(manifest, targets=targets, files=files, beside=old.beside if old else {})


def compare(root: Path, rendered: Mapping[str, str], manifest: Manifest) -> list[Change]:
    """All differences between a rendering and a folder, over the targets of `manifest`, ordered by path.

    A file that stands among the generated ones and is not rendered is orphaned, whoever wrote it, but for those that
    the manifest has beside them: these must be as their command wrote them.
    """
    old = read_manifest(root)
    wanted = {**rendered, MANIFEST: completed(manifest, rendered, old).text()}
    changes = []
    for path, text in wanted.items():
        found = _text(root / path)
        if found is None:
            changes.append(Change("missing", path, ""))
        elif found != text:
            changes.append(Change("changed", path, _diff(path, found, text)))
    owned, beside = (old.files, old.beside) if old else ({}, {})
    for path, value in beside.items():
        if (found := _text(root / path)) is None or digest(found) != value:
            changes.append(Change("missing" if found is None else "changed", path, ""))
    present = {path for target in manifest.targets for path in _below(root, target)}
    present |= {path for path in owned if path.split("/")[0] in manifest.targets and (root / path).is_file()}
    changes += [Change("orphaned", path, "", path in owned) for path in present - {*wanted, *beside}]
    return sorted(changes, key=lambda change: change.path)


def write(root: Path, rendered: Mapping[str, str], manifest: Manifest) -> list[str]:
    """Bring a folder to what is rendered, and say which paths changed. UsageError, with nothing written, where that
    would touch a file that the manifest does not own, or remove one that was edited since."""
    old = read_manifest(root)
    owned = old.files if old else {}
    obsolete = [path for path in owned if path.split("/")[0] in manifest.targets and path not in rendered]
    wanted = {**rendered, MANIFEST: completed(manifest, rendered, old).text()}
    _refuse_foreign(root, wanted, owned)
    _refuse_edited(root, obsolete, owned)
    changed = [path for path, text in wanted.items() if _text(root / path) != text]
    claimed = [path for path in changed if path not in owned and path != MANIFEST]
    try:
        if claimed:  # first, so that a run that is cut short leaves no file that the next one takes for foreign
            files = {**owned, **{one: digest(wanted[one]) for one in claimed}}
            _replace(root / MANIFEST, replace(manifest, files=files, beside=old.beside if old else {}).text())
        for path in changed:
            _replace(root / path, wanted[path])
        for path in obsolete:
            (root / path).unlink(missing_ok=True)
            _remove_empty(root, (root / path).parent)
    except OSError as error:
        raise UsageError(f"{error.filename or root}: cannot be written: {error.strerror}") from None
    return sorted([*changed, *obsolete])


def write_beside(root: Path, path: str, text: str) -> None:
    """Put a file of another command among the generated ones; the manifest knows it from then on. UsageError where
    there is no manifest, or a target has a file of that name."""
    manifest = read_manifest(root)
    if manifest is None or path in manifest.files:
        raise UsageError(f"{root / path}: {'there is no ' + MANIFEST if manifest is None else 'a target makes it'}")
    _replace(root / path, text)
    _replace(root / MANIFEST, replace(manifest, beside={**manifest.beside, path: digest(text)}).text())


def _refuse_foreign(root: Path, wanted: Mapping[str, str], owned: Mapping[str, str]) -> None:
    """A file that no run wrote is the user's; one that already says what would be written is taken over."""
    foreign = [
        path
        for path, text in wanted.items()
        if path not in owned and path != MANIFEST and (root / path).exists() and _text(root / path) != text
    ]
    if foreign:
        listed = "\n".join(f"  {root / path}" for path in sorted(foreign))
        raise UsageError(
            f"these files were not written by imageproof generate, and would be overwritten:\n{listed}\n"
            "move them away, or choose another folder with --out; nothing was written"
        )


def _refuse_edited(root: Path, obsolete: list[str], owned: Mapping[str, str]) -> None:
    edited = [path for path in obsolete if (text := _text(root / path)) is not None and digest(text) != owned[path]]
    if edited:
        listed = "\n".join(f"  {root / path}" for path in sorted(edited))
        raise UsageError(
            f"these files are no longer generated, but were edited since they were:\n{listed}\n"
            "move or remove them; nothing was written"
        )


def _text(path: Path) -> str | None:
    """The text of a file, None when there is none. Bytes that are no text are a difference, not a failure."""
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except OSError:
        return None


def _replace(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old one or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _remove_empty(root: Path, folder: Path) -> None:
    while folder != root and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _below(root: Path, target: str) -> Iterator[str]:
    """Paths of all files under a target's folder, but for what tools leave behind."""
    for path in sorted((root / target).rglob("*")):
        parts = path.relative_to(root).parts
        if path.is_file() and not any(part in DEBRIS or part.endswith((".pyc", ".egg-info")) for part in parts):
            yield "/".join(parts)


def _diff(path: str, found: str, wanted: str) -> str:
    lines = list(
        difflib.unified_diff(
            found.splitlines(), wanted.splitlines(), f"{path} (on disk)", f"{path} (rendered)", lineterm=""
        )
    )
    if len(lines) > LONGEST_DIFF:
        lines = [*lines[:LONGEST_DIFF], f"... and {len(lines) - LONGEST_DIFF} more lines"]
    return "\n".join(line.encode("utf-8", "replace").decode() for line in lines)

"""Where reports will lie, tried before anything is paid for."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from imageproof.errors import UsageError
from imageproof_conformance.profile import Profile


def ready(profile: Profile) -> None:
    """Make the folders of all reports of a run. UsageError that names the option and the path for one that cannot be
    written."""
    files = {"--json": profile.json, "--junit": profile.junit, "--summary": profile.summary}
    for option, path in {"--out": profile.out / "x", **files}.items():
        if path is not None:
            _ready(option, path)


def _ready(option: str, path: Path) -> None:
    told = path.parent if option == "--out" else path
    if path.is_file() and os.access(path, os.W_OK):
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise UsageError(f"{option} {told}: cannot be written: {error.strerror}; name another place") from None

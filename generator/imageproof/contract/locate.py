"""Where the spec lives. Nothing else in the project knows."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]


def spec_file(name: str) -> Path:
    """Path of one file of `spec/`, such as `openapi.yaml`: the copy in the wheel, else the checkout's.

    A checkout is preferred to a packaged copy, because an editable install leaves a stale copy behind.
    """
    checkout = CHECKOUT / "spec" / name
    if in_checkout():
        return checkout
    return Path(str(files("imageproof"))) / "spec" / name


def spec_files(folder: str) -> dict[str, Path]:
    """The YAML files of one folder of `spec/`, such as `sources`, by their names without `.yaml`, in order."""
    return {path.stem: path for path in sorted(spec_file(folder).glob("*.yaml"))}


def in_checkout() -> bool:
    """Whether this code runs from a checkout of the project, which has `spec/` and `generated/` beside it."""
    return (CHECKOUT / "spec" / "openapi.yaml").is_file() and (CHECKOUT / "pyproject.toml").is_file()

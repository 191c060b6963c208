"""imageproof: one contract for every OpenAI-compatible Images API."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("imageproof")
except PackageNotFoundError:  # imported from a source tree that was never installed
    __version__ = "0+source"

__all__ = ["__version__"]

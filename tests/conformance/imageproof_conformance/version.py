"""The version of the suite: that of the distribution it ships in."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("imageproof")
except PackageNotFoundError:  # imported from a source tree that was never installed
    VERSION = "0+source"

"""imageproof: one contract for every OpenAI-compatible Images API."""

__version__ = "0.1.0"  # pyproject.toml takes it from here: to ask the installed package costs every command 40 ms

__all__ = ["__version__"]

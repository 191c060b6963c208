"""JSON values told apart, for type checkers too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether a value is an object of JSON."""
    return isinstance(value, dict)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """Whether a value is a list of JSON."""
    return isinstance(value, list)


def is_mapping(value: Any) -> TypeGuard[Mapping[str, Any]]:
    """Whether a caller's value becomes an object of JSON."""
    return isinstance(value, Mapping)


def is_sequence(value: Any) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    """Whether a caller's value becomes a list of JSON."""
    return isinstance(value, list | tuple)


def is_several(value: Any) -> TypeGuard[Sequence[Any]]:
    """Whether a caller's value is several files: a tuple tells the name of one."""
    return isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray | tuple)

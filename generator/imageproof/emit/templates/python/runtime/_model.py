"""What every answer is made of: attributes that are known, and whatever else came."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, cast

Decoder = Callable[[Any], Any]


class NotGiven:
    """Says that the caller left an argument out, so that it is not sent. None, in contrast, is sent as null."""

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "NOT_GIVEN"


NOT_GIVEN = NotGiven()


@dataclass(kw_only=True, repr=False)
class Model:
    """An object of an answer.

    A member that the server left out is None, and one of an unexpected type is kept as it came: nothing is refused.
    Members that are not declared are in `extra`, and are attributes too.
    """

    extra: dict[str, Any] = field(default_factory=dict)

    _renamed: ClassVar[Mapping[str, str]] = {}  # attribute -> name on the wire, where they differ
    _nested: ClassVar[Mapping[str, Decoder]] = {}  # attribute -> how its value is decoded

    @classmethod
    def decode(cls, data: Any) -> Self:
        """The model for a JSON object; any other value is handed back as it is."""
        if not isinstance(data, dict):
            return cast("Self", data)
        rest = dict(data)
        values = {}
        for name, wire_name in _members(cls):
            value = rest.pop(wire_name, None)
            values[name] = value if value is None or name not in cls._nested else cls._nested[name](value)
        return cls(extra=rest, **values)

    @property
    def request_id(self) -> str | None:
        """Id of the exchange that brought this answer, where the server gave one. None on parts of an answer."""
        found: str | None = self.__dict__.get("request id")
        return found

    @property
    def _request_id(self) -> str | None:
        """The same, under the name that the official SDK gives it."""
        return self.request_id

    def __repr__(self) -> str:
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        told = (f"{name}={_short(value)}" for name, value in values.items() if value not in (None, {}))
        return f"{type(self).__name__}({', '.join(told)})"

    if not TYPE_CHECKING:  # a type checker should still find misspelt attributes

        def __getattr__(self, name):
            try:
                return self.__dict__["extra"][name]
            except KeyError:
                raise AttributeError(f"{type(self).__name__} has no attribute {name!r}") from None


def as_is(value: Any) -> Any:
    """A value that needs no decoding."""
    return value


def listed(decode: Decoder) -> Decoder:
    """Decodes each item of a list; what is not a list stays as it is."""
    return lambda value: [decode(item) for item in value] if isinstance(value, list) else value


def mapped(decode: Decoder) -> Decoder:
    """Decodes each value of an object."""
    return lambda value: {key: decode(item) for key, item in value.items()} if isinstance(value, dict) else value


def tagged(member: str, models: Mapping[str, type[Model]]) -> Decoder:
    """Decodes an object by the value of one member. An unknown value gives a plain Model, with all in `extra`."""
    return lambda value: models.get(str(value.get(member)), Model).decode(value) if isinstance(value, dict) else value


def closest(*models: type[Model]) -> Decoder:
    """Decodes an object as the model that declares most of its members; what is no object stays as it is."""

    def decode(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return max(models, key=lambda model: sum(wire_name in value for _, wire_name in _members(model))).decode(value)

    return decode


def _members(model: type[Model]) -> tuple[tuple[str, str], ...]:
    """(attribute, name on the wire) of what a model declares."""
    names = [one.name for one in fields(model) if one.name != "extra"]
    return tuple((name, model._renamed.get(name, name)) for name in names)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:100]}... ({len(text)} characters)"

"""What every answer is made of: attributes that are known, and whatever else came."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeAlias, TypeGuard, cast, dataclass_transform

# value of JSON, and where it came from (None for a value of the caller's own) -> model
Decoder = Callable[[Any, Any], Any]


class NotGiven:
    """Says that the caller left an argument out, so that it is not sent. None, in contrast, is sent as null."""

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "NOT_GIVEN"


NOT_GIVEN = NotGiven()
On: TypeAlias = Literal[True]  # of the argument that asks for a stream
Off: TypeAlias = Literal[False] | NotGiven | None


@dataclass_transform(kw_only_default=True)
class Model:
    """An object of an answer.

    A member that the server left out is None, and one of an unexpected type is kept as it came: nothing is refused.
    Members that are not declared are in `extra`, and are attributes too.
    """

    _renamed: ClassVar[Mapping[str, str]] = {}  # attribute -> name on the wire, where they differ
    _nested: ClassVar[Mapping[str, Decoder]] = {}  # attribute -> how its value is decoded
    _files: ClassVar[str] = ""  # the attribute that lists the files for whose sake the call was made
    _members: ClassVar[tuple[tuple[str, str, Decoder | None], ...] | None] = None  # made of these when first needed

    def __init__(self, **values: Any) -> None:
        names = [name for name, _, _ in self.members()]
        stray = [name for name in values if name not in names]
        if stray:
            raise TypeError(f"{type(self).__name__} has no member {stray[0]!r}")
        self.__dict__.update(dict.fromkeys(names), **values, extra={})

    @classmethod
    def decode(cls, data: Any, origin: Any = None) -> Self:
        """The model for a JSON object; any other value is handed back as it is."""
        if not is_object(data):
            return cast("Self", data)
        rest = dict(data)
        made = cls.__new__(cls)
        values = made.__dict__
        for name, wire_name, decode in cls.members():
            value = rest.pop(wire_name, None)
            values[name] = value if value is None or decode is None else decode(value, origin)
        values |= {"extra": rest, "file origin": origin}
        return made

    @property
    def extra(self) -> dict[str, Any]:
        """Members that are not declared, as they came."""
        found: dict[str, Any] = self.__dict__["extra"]
        return found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and type(self) is type(other) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]  # as of every object that can change

    @classmethod
    def members(cls) -> tuple[tuple[str, str, Decoder | None], ...]:
        """(attribute, name on the wire, decoder) of what is declared."""
        found: tuple[tuple[str, str, Decoder | None], ...] | None = cls.__dict__.get("_members")
        if found is None:
            told = [name for kind in reversed(cls.__mro__) for name in getattr(kind, "__annotations__", {})]
            names = [name for name in dict.fromkeys(told) if not name.startswith("_")]
            found = tuple((name, cls._renamed.get(name, name), cls._nested.get(name)) for name in names)
            cls._members = found
        return found

    @classmethod
    def nest(cls, **decoders: Decoder) -> None:
        """Says how members that hold models are decoded."""
        cls._nested = decoders

    def holds_files(self) -> bool:
        """Whether a file is there for whose sake the call was made."""
        if not self._files:
            return True
        found = self.__dict__.get(self._files)
        return is_list(found) and any(isinstance(one, Model) and one.holds_files() for one in found)

    @property
    def request_id(self) -> str | None:
        """Id of the exchange that brought this answer, where the server gave one. None on parts of an answer."""
        headers: Mapping[str, str] = self.__dict__.get("answer headers", {})
        return headers.get("x-request-id")

    @property
    def _request_id(self) -> str | None:
        """The same, under the name that the official SDK gives it."""
        return self.request_id

    def to_dict(self) -> dict[str, Any]:
        """The members as JSON has them, under their names on the wire; without those that are None."""
        return self.model_dump(exclude_none=True)

    def to_json(self, *, indent: int | None = 2) -> str:
        """`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False)

    def model_dump(self, *, exclude_none: bool = False, **_: Any) -> dict[str, Any]:
        """As the official SDK has it: `to_dict` with the members that are None, unless `exclude_none`."""
        told = {wire: _plain(getattr(self, name), not exclude_none) for name, wire, _ in self.members()}
        return {**{name: value for name, value in told.items() if value is not None or not exclude_none}, **self.extra}

    def model_dump_json(self, *, indent: int | None = None, exclude_none: bool = False, **_: Any) -> str:
        """`model_dump` as JSON text."""
        return json.dumps(self.model_dump(exclude_none=exclude_none), indent=indent, ensure_ascii=False)

    def __repr__(self) -> str:
        inline = self.__dict__.get("inline file")
        origin = self.__dict__.get("file origin")
        values = {name: self.__dict__.get(name, inline) for name, _, _ in self.members()}
        texts = {name: repr(value) for name, value in values.items() if value not in (None, {})}
        told = (f"{name}={_short(origin.clean(text) if origin else text)}" for name, text in texts.items())
        return f"{type(self).__name__}({', '.join(told)})"

    def __getstate__(self) -> dict[str, Any]:
        """What copies and pickles keep: no connection."""
        return {name: value for name, value in self.__dict__.items() if name != "file origin"}

    if not TYPE_CHECKING:  # a type checker should still find misspelt attributes

        def __getattr__(self, name):
            try:
                return self.__dict__["extra"][name]
            except KeyError:
                raise AttributeError(f"{type(self).__name__} has no attribute {name!r}") from None


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


def as_is(value: Any, origin: Any = None) -> Any:
    """A value that needs no decoding."""
    return value


def listed(decode: Decoder) -> Decoder:
    """Decodes each item of a list; what is not a list stays as it is."""
    return lambda value, origin: [decode(item, origin) for item in value] if is_list(value) else value


def tagged(member: str, models: Mapping[str, type[Model]]) -> Decoder:
    """Decodes an object by the value of one member. An unknown value gives a plain Model, with all in `extra`."""

    def decoded(value: Any, origin: Any) -> Any:
        return models.get(str(value.get(member)), Model).decode(value, origin) if is_object(value) else value

    return decoded


def either(*decoders: Decoder) -> Decoder:
    """Decodes as the first of these that knows the value does: a server may take one call's events for another's."""

    def decoded(value: Any, origin: Any) -> Any:
        made = (decode(value, origin) for decode in decoders)
        return next((one for one in made if type(one) is not Model), None) or Model.decode(value, origin)

    return decoded


def _plain(value: Any, nulls: bool) -> Any:
    if isinstance(value, Model):
        return value.model_dump(exclude_none=not nulls)
    if is_list(value):
        return [_plain(item, nulls) for item in value]
    return {key: _plain(item, nulls) for key, item in value.items()} if is_object(value) else value


def _short(text: str) -> str:
    return text if len(text) <= 120 else f"{text[:100]}... ({len(text)} characters)"

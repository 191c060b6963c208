"""What is said of a value that a JSON Schema does not take: sentences for callers who never saw the schema."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jsonschema.exceptions import ValidationError

LONGEST = 200  # characters of what a sentence lists
MIB = 1024 * 1024

TYPES: Mapping[str, str] = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def said(error: ValidationError) -> str:
    """The rest of a sentence that begins with the place of an error, without the value that is there."""
    keyword = str(error.validator)
    sentence = SENTENCES.get(keyword)
    return sentence(error) if sentence else f"breaks `{keyword}: {_value(error.validator_value)}`"


def said_of_file(error: ValidationError, file_format: str) -> str:
    """The same about a file whose facts are the value; `file_format` is "" for one that cannot be read."""
    fact = str(error.absolute_path[0]) if error.absolute_path else ""
    if fact == "bytes":
        return f"{_size_said(error)}; it has {error.instance} bytes"
    flags = FLAGS.get(fact) if error.validator == "const" else None
    if flags is not None:
        sentence = flags[bool(error.validator_value)]
    elif fact in ("", "format"):
        sentence = said(error)
    else:
        sentence = f"has {fact} {_value(error.instance)}, which {said(error)}"
    if not file_format:
        return f"cannot be read as a picture; it {sentence}"
    return f"is {file_format}, but {sentence}" if fact == "format" else sentence


# What a file must be where a fact about it is to be (false, true).
FLAGS: Mapping[str, tuple[str, str]] = {
    "alpha": ("must not have an alpha channel", "must have an alpha channel"),
    "transparent": ("must not have transparent pixels", "must have transparent pixels"),
    "square": ("must not be square", "must be square"),
    "same_size": ("must not be as large as the first image", "must be as large as the first image"),
}


def _size_said(error: ValidationError) -> str:
    """Limits of bytes that are whole mebibytes are told as such."""
    limit = error.validator_value
    if isinstance(limit, int) and limit % MIB == 0 and str(error.validator) in SIZES:
        return SIZES[str(error.validator)].format(limit // MIB)
    return f"has a size that {said(error)}"


SIZES = {"exclusiveMaximum": "must be smaller than {} MiB", "maximum": "must not be larger than {} MiB"}


def _value(value: Any) -> str:
    """A value as JSON has it, texts without quotes."""
    return (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))[:LONGEST]


def _choice(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def _types(error: ValidationError) -> str:
    limit: Any = error.validator_value
    return f"must be {_choice(TYPES.get(one, str(one)) for one in ([limit] if isinstance(limit, str) else limit))}"


def _listed(error: ValidationError) -> str:
    limit: Any = error.validator_value
    return f"must be one of {', '.join(map(_value, limit))[:LONGEST]}"


def _needed(error: ValidationError) -> str:
    names: Any = error.validator_value
    given: Any = error.instance
    missing = [name for name in names if name not in given]
    return f"needs {' and '.join(map(str, missing))}"


def _members(error: ValidationError) -> str:
    """A number of members; where it is one of those that have names, it is told by them."""
    schema = error.schema if isinstance(error.schema, Mapping) else {}
    names = tuple(schema.get("properties", ()))
    if names and schema.get("minProperties") == schema.get("maxProperties") == 1:
        return f"must have exactly one of {' and '.join(names)}"
    return _count("most" if error.validator == "maxProperties" else "least", "member")(error)


def _unknown(error: ValidationError) -> str:
    names = tuple(error.schema.get("properties", ())) if isinstance(error.schema, Mapping) else ()
    return f"may have no members but {' and '.join(names)}"[:LONGEST] if names else "may have no members"


def _count(bound: str, what: str) -> Callable[[ValidationError], str]:
    def sentence(error: ValidationError) -> str:
        limit = error.validator_value
        return f"must have at {bound} {limit} {what}{'' if limit == 1 else 's'}"

    return sentence


def _limit(text: str) -> Callable[[ValidationError], str]:
    return lambda error: text.format(_value(error.validator_value))


SENTENCES: Mapping[str, Callable[[ValidationError], str]] = {
    "type": _types,
    "enum": _listed,
    "const": _limit("must be {}"),
    "minimum": _limit("must be at least {}"),
    "maximum": _limit("must be at most {}"),
    "exclusiveMinimum": _limit("must be more than {}"),
    "exclusiveMaximum": _limit("must be less than {}"),
    "minLength": _count("least", "character"),
    "maxLength": _count("most", "character"),
    "minItems": _count("least", "item"),
    "maxItems": _count("most", "item"),
    "minProperties": _members,
    "maxProperties": _members,
    "additionalProperties": _unknown,
    "required": _needed,
    "pattern": _limit("must match {}"),
    "None": lambda _: "must be left out",
}

"""Request bodies: multipart forms and JSON, read into the values that the contract judges and the files beside them."""

from __future__ import annotations

import asyncio
import io
import json
import re
import time
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import IO, Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from imageproof.contract.document import Document, parameter_name, request_content, request_schema
from imageproof.contract.violations import FileFacts, is_file
from imageproof_reference.config import Config
from imageproof_reference.files import facts, from_data_url, spooled, too_many_pixels
from imageproof_reference.hosting import Shelf
from imageproof_reference.refusal import Refusal
from imageproof_reference.remote import SECONDS, Host, fetch

FORM = "multipart/form-data"
JSON = "application/json"
INTEGER = re.compile(r"-?[0-9]{1,18}")
BOOLEANS = {"true": True, "false": False}
# Parts beyond these are no Images API request any more, whatever the contract's own limits say.
MOST_PARTS = 200
LARGEST_TEXT = 4 * 1024 * 1024
DEEPEST_JSON = 64
LONGEST_LENGTH = 20  # digits of a Content-Length that are looked at
MARKS = b"[{,"  # one for each member at least
MOST_MARKS = 1_000_000
QUICK_JSON = 1024 * 1024  # bytes of a body that is parsed without a thread
SMALL_JSON = 4 * 1024 * 1024  # bytes of one that is in memory together with others


@dataclass(frozen=True)
class Body:
    """A body as it came. `values` is what `violations()` takes; `files` holds the open files of the parameters `image`,
    `mask` and `markup`, which are gone once the request is answered; `extras` the texts of a form under names that the
    contract does not know. Breaches of the rules `overlooked` are no reason to refuse it."""

    media_type: str
    values: Mapping[str, Any]
    files: Mapping[str, tuple[IO[bytes], ...]] = field(default_factory=dict)
    extras: Mapping[str, str] = field(default_factory=dict)
    overlooked: frozenset[str] = frozenset()

    def value(self, name: str) -> Any:
        """A parameter, None where it is absent or null."""
        return self.values.get(name)


class Reader:
    """Reads the bodies of requests."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._large = asyncio.Semaphore(1)  # JSON bodies of many MiB that are in memory at the same time

    @asynccontextmanager
    async def body(self, request: Request, operation: str) -> AsyncGenerator[Body]:
        """The body of a request, to be let go at the end of the block: one of many MiB keeps the next one waiting.
        Raises Refusal when it cannot be read as a media type that the operation takes."""
        offered = tuple(request_content(self._config.document, operation))
        header = request.headers.get("content-type", "")
        media_type = header.partition(";")[0].strip().lower() or offered[0]
        if media_type not in offered:
            raise Refusal(f"Content-Type {media_type!r} is not taken here; send {' or '.join(offered)}.")
        _refuse_length(request, self._config.max_json if media_type == JSON else self._config.max_body)
        if media_type != JSON:
            yield await _read_form(request, operation, self._config)
            return
        with spooled() as file:
            size = await _receive_json(request, file, self._config.max_json)
            async with self._large if size > SMALL_JSON else nullcontext():
                yield Body(JSON, _parsed(file) if size <= QUICK_JSON else await run_in_threadpool(_parsed, file))


def fetch_references(body: Body, host: str, shelf: Shelf, config: Config) -> Body:
    """The same edit as if the pictures of a JSON body had been files of a form: data URLs are unpacked, links to
    pictures on this server or an allowed host are followed. Raises Refusal for any other reference."""
    fetch_one = partial(_fetch, host=host, shelf=shelf, hosts=config.hosts, until=time.monotonic() + SECONDS)
    images = tuple(fetch_one(one, "images") for one in body.values["images"])
    files = {"image": images}
    values: dict[str, Any] = {name: value for name, value in body.values.items() if name not in ("images", "mask")}
    values["image[]"] = [_judged(file, f"images[{index}]", "images", config) for index, file in enumerate(images)]
    if body.value("mask") is not None:
        files["mask"] = (fetch_one(body.values["mask"], "mask"),)
        values["mask"] = _judged(files["mask"][0], "mask", "mask", config)
    return replace(body, values=values, files=files)


async def _receive_json(request: Request, file: IO[bytes], limit: int) -> int:
    """Write a body into a file; answers with its size in bytes. Raises Refusal for one that is too large, or has so
    many members that they would fill the memory."""
    size = marks = 0
    async for chunk in bounded(request.stream(), limit):
        size += len(chunk)
        marks += sum(map(chunk.count, MARKS))
        if marks > MOST_MARKS:
            raise Refusal(f"The body has more than {MOST_MARKS} members.")
        file.write(chunk)
    return size


def _parsed(file: IO[bytes]) -> dict[str, Any]:
    file.seek(0)
    try:
        values = json.loads(str(file.read(), "utf-8-sig"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refusal("The body could not be parsed as JSON.") from None
    if not isinstance(values, dict):
        raise Refusal("The body must be a JSON object.")
    _refuse_depth(values)
    return values


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _refuse_depth(values: Any) -> None:
    """Refuse what nests so deeply that whoever walks it runs out of stack."""
    level = [values]
    for _ in range(DEEPEST_JSON):
        level = [
            child
            for one in level
            for child in (one.values() if isinstance(one, dict) else one)
            if isinstance(child, dict | list)
        ]
        if not level:
            return
    raise Refusal(f"The body nests more than {DEEPEST_JSON} levels deep.")


class _Form(MultiPartParser):
    """Starlette's parser, which by itself does not tell a form that ends from one that is cut short."""

    whole = False

    def on_end(self) -> None:
        self.whole = True


async def _read_form(request: Request, operation: str, config: Config) -> Body:
    stream = bounded(request.stream(), config.max_body)
    head = Headers({"content-type": request.headers.get("content-type") or FORM})
    parser = _Form(head, stream, max_files=MOST_PARTS, max_fields=MOST_PARTS, max_part_size=LARGEST_TEXT)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise Refusal(f"The multipart body could not be read: {error.message}") from None
    except UnicodeError:
        raise Refusal("The multipart body is not in the charset that its Content-Type names.") from None
    if not parser.whole:
        await form.close()
        raise Refusal("The multipart body is cut short: its last boundary is missing.")
    schema = request_schema(config.document, operation, FORM)
    parts = [(name, value) for name, value in form.multi_items() if name in schema.get("properties", {})]
    _refuse_duplicates(config.document, schema, (name for name, _ in parts))
    values: dict[str, Any] = {}
    files: dict[str, tuple[IO[bytes], ...]] = {}
    for name, part in parts:
        prop = config.document.resolve(schema["properties"][name])
        value = await _part_value(name, part, prop, config)
        values[name] = [*values.get(name, []), value] if prop.get("type") == "array" else value
        if isinstance(part, UploadFile):
            parameter = parameter_name(name, prop)
            files[parameter] = (*files.get(parameter, ()), part.file)
    known = {name for name, _ in parts}
    extras = {name: text for name, text in form.multi_items() if name not in known and isinstance(text, str)}
    return Body(FORM, values, files, extras)


async def bounded(stream: AsyncGenerator[bytes, None], limit: int) -> AsyncGenerator[bytes, None]:
    """The chunks of a stream. Raises Refusal when they come to more than `limit` bytes."""
    received = 0
    async for chunk in stream:
        received += len(chunk)
        if received > limit:
            raise _too_large(limit)
        yield chunk


def _refuse_length(request: Request, limit: int) -> None:
    """Refuse a body that says by itself that it is too large, before it is read."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:LONGEST_LENGTH]) > limit:
        raise _too_large(limit)


def _too_large(limit: int) -> Refusal:
    return Refusal(f"The body is larger than {limit} bytes.", status=413)


def _refuse_duplicates(document: Document, schema: Mapping[str, Any], names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen and document.resolve(schema["properties"][name]).get("type") != "array":
            hint = f" Send a list as '{name}[]'." if f"{name}[]" in schema["properties"] else ""
            message = f"Duplicate parameter: '{name}'.{hint}"
            raise Refusal(message, param=name, code="duplicate_parameter")
        seen.add(name)


async def _part_value(name: str, part: UploadFile | str, prop: Mapping[str, Any], config: Config) -> Any:
    """A part as the contract sees it: facts of a file, or a text read as the type that the schema wants."""
    if isinstance(part, UploadFile):
        if is_file(prop) or is_file(prop.get("items", {})):
            return await run_in_threadpool(_judged, part.file, name, parameter_name(name, prop), config)
        return FileFacts("", 0, 0, part.size or 0, False, False)
    kinds = prop.get("type", ())
    if "integer" in kinds and INTEGER.fullmatch(part):
        return int(part)
    return BOOLEANS.get(part, part) if "boolean" in kinds else part


def _judged(file: IO[bytes], place: str, parameter: str, config: Config) -> FileFacts:
    """The facts of a file that came at a place of a body. Raises Refusal for a picture that is too large to open."""
    found = facts(file, config.max_pixels)
    if not found.format and too_many_pixels(file, config.max_pixels):
        message = f"{place} is too large: this server opens pictures of up to {config.max_pixels} pixels."
        raise Refusal(message, param=parameter, code="invalid_image_file")
    return found


def _fetch(
    reference: Mapping[str, Any], parameter: str, *, host: str, shelf: Shelf, hosts: Sequence[Host], until: float
) -> IO[bytes]:
    if (name := reference.get("file_id")) is not None:
        if named := shelf.named(str(name)):
            return io.BytesIO(named.data)
        here = "uploads are not served here; send an image_url, or the name of a picture that this server hosts"
        message = f"There is no file {str(name)[:100]!r}: {here}."
        raise Refusal(message, param=parameter, code="image_file_not_found")
    url = str(reference.get("image_url", ""))
    if not url.lower().startswith(("data:", "http://", "https://")):
        message = "image_url is neither a data URL nor one that begins with http:// or https://."
        raise Refusal(message, param=parameter, code="invalid_image_url")
    if url[:5].lower() == "data:":
        return from_data_url(url, parameter)
    hosted = shelf.open(url, host)
    if hosted is None and hosts:
        return fetch(url, hosts, parameter, until)
    if hosted is None:
        message = "This server fetches nothing from elsewhere: send a data URL, or the URL of a picture that it hosts."
        raise Refusal(message, param=parameter, code="invalid_image_url")
    return hosted

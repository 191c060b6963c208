"""The runner for the Python client, as README tells: `runner.py [--async] CALLS.json`."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import imageproof_client as api

METHODS = {
    "createImage": ("images", "generate"),
    "createImageEdit": ("images", "edit"),
    "createImageVariation": ("images", "create_variation"),
    "listModels": ("models", "list"),
    "retrieveModel": ("models", "retrieve"),
}
KINDS: dict[type[Exception], str] = {
    api.RequestRuleError: "rule",
    api.APITimeoutError: "timeout",
    api.APIConnectionError: "connection",
    api.APIResponseValidationError: "malformed-answer",
    api.InvalidParameterError: "invalid-parameter",
    api.ModerationError: "moderation",
    api.BadRequestError: "bad-request",
    api.AuthenticationError: "authentication",
    api.PermissionDeniedError: "permission",
    api.NotFoundError: "not-found",
    api.ConflictError: "conflict",
    api.UnprocessableEntityError: "unprocessable",
    api.RateLimitError: "rate-limit",
    api.InternalServerError: "server",
    api.APIStatusError: "status",
    api.APIError: "reported",
    TypeError: "argument",
    ValueError: "argument",
    FileNotFoundError: "argument",
}


def made(kind: Any, call: Mapping[str, Any], line: dict[str, Any], connections: Any) -> Any:
    """A client as the call wants it, which notes its retries in the line."""
    told = dict(call["client"])
    azure = told.pop("azure", None)
    told |= {"on_retry": lambda retry: line["retries"].append(retry.reason), "http_client": connections}
    return kind.azure(told.pop("base_url"), **azure, **told) if azure else kind(**told)


def arguments(call: Mapping[str, Any]) -> dict[str, Any]:
    return {**{name: argument(value) for name, value in call["arguments"].items()}, **call["options"]}


def argument(value: Any) -> Any:
    if isinstance(value, list):
        return [argument(one) for one in value]
    if isinstance(value, dict) and "$path" in value:
        return Path(value["$path"])
    if not (isinstance(value, dict) and "$file" in value):
        return value
    told = value["$file"]
    content = Path(told["path"]).read_bytes()
    if "type" in told:
        return told.get("name", ""), content, told["type"]
    return (told["name"], content) if "name" in told else content


def picture(file: Any, content: bytes) -> dict[str, Any]:
    found = file.picture
    return {
        "sha256": hashlib.sha256(content).hexdigest(),
        "format": found.format,
        "width": found.width,
        "height": found.height,
    }


def is_without(file: Any) -> bool:
    """Whether an item or event carries nothing: its accessor must say so."""
    return not (file.b64_json or getattr(file, "url", None))


def error(caught: Exception) -> dict[str, Any]:
    told = {"status": "status_code", "code": "code", "type": "type", "param": "param", "message": "message"}
    told |= {"request_id": "request_id", "raw": "raw", "stage": "stage"}
    return {
        "kind": KINDS[type(caught)],
        **{name: getattr(caught, attribute, None) for name, attribute in told.items()},
        "categories": list(getattr(caught, "categories", ())),
        "rules": [one.rule for one in getattr(caught, "breaches", ())],
        "finished": [picture(one, one.to_bytes()) for one in getattr(caught, "finished", ())],
    }


def blocking(call: Mapping[str, Any], line: dict[str, Any], connections: Any) -> None:
    def fetched(file: Any) -> dict[str, Any] | None:
        try:
            return picture(file, file.to_bytes())
        except api.APIResponseValidationError:
            if is_without(file):
                return None
            raise

    with made(api.Client, call, line, connections) as client:
        resource, method = METHODS[call["operation"]]
        answer = getattr(getattr(client, resource), method)(**arguments(call))
        line["request_id"] = answer.request_id
        if call.get("final"):
            line["pictures"] = [fetched(answer.final_image())]
        elif isinstance(answer, api.Stream):
            line |= {"events": [], "pictures": []}
            with answer:
                for event in answer:
                    line["events"].append(event.to_dict())
                    if hasattr(event, "to_bytes"):
                        line["pictures"].append(fetched(event))
        else:
            line |= {"answer": answer.to_dict(), "pictures": []}
            if resource == "images":
                line["pictures"] = [fetched(one) for one in answer.data]


async def waiting(call: Mapping[str, Any], line: dict[str, Any], connections: Any) -> None:
    async def fetched(file: Any) -> dict[str, Any] | None:
        try:
            return picture(file, await file.to_bytes())
        except api.APIResponseValidationError:
            if is_without(file):
                return None
            raise

    async with made(api.AsyncClient, call, line, connections) as client:
        resource, method = METHODS[call["operation"]]
        answer = await getattr(getattr(client, resource), method)(**arguments(call))
        line["request_id"] = answer.request_id
        if call.get("final"):
            line["pictures"] = [await fetched(await answer.final_image())]
        elif isinstance(answer, api.AsyncStream):
            line |= {"events": [], "pictures": []}
            async with answer:
                async for event in answer:
                    line["events"].append(event.to_dict())
                    if hasattr(event, "to_bytes"):
                        line["pictures"].append(await fetched(event))
        else:
            line |= {"answer": answer.to_dict(), "pictures": []}
            if resource == "images":
                line["pictures"] = [await fetched(one) for one in answer.data]


async def run(calls: list[dict[str, Any]], is_async: bool) -> None:
    """One after the other: warnings belong to the whole process."""
    with httpx2.Client() as shared:
        async with httpx2.AsyncClient() as shared_async:
            for call in calls:
                line: dict[str, Any] = {"id": call["id"], "retries": []}
                with warnings.catch_warnings(record=True) as warned:
                    warnings.simplefilter("always")
                    try:
                        if is_async:
                            await waiting(call, line, shared_async)
                        else:
                            blocking(call, line, shared)
                    except tuple(KINDS) as caught:
                        line["error"] = error(caught)
                line["warnings"] = [
                    str(one.message).rpartition(", ")[2].removesuffix("]")
                    for one in warned
                    if issubclass(one.category, api.RequestRuleWarning)
                ]
                print(json.dumps(line), flush=True)


if __name__ == "__main__":
    asyncio.run(run(json.loads(Path(sys.argv[-1]).read_text(encoding="utf-8")), "--async" in sys.argv))

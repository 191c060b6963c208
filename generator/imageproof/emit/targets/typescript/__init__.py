"""The TypeScript target: modules with declarations, on nothing but `fetch`, that run as they are emitted."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from imageproof.api.ir import Api, Model, Operation
from imageproof.emit.targets.common.families import table
from imageproof.emit.targets.common.retries import HOPELESS, POLICY
from imageproof.emit.targets.common.stamp import LICENCE, stamp
from imageproof.emit.targets.common.walks import has_lists, operations, reach
from imageproof.emit.targets.page import Page
from imageproof.emit.targets.typescript.client import call_names, classes, client_view, listing, parameters
from imageproof.emit.targets.typescript.sample import file_sample, line_of, sample, stream_sample
from imageproof.emit.targets.typescript.text import comment, literal
from imageproof.emit.targets.typescript.types import ERRORS, TYPES, VALUES, Names, answer, param, settle, union

RUNTIME = (
    "addresses",
    "ahead",
    "answers",
    "base",
    "base64",
    "content",
    "download",
    "engines",
    "errors",
    "exchange",
    "files",
    "http",
    "inline",
    "inputs",
    "masks",
    "models",
    "options",
    "patience",
    "pictures",
    "request",
    "stream",
    "values",
)
RULES = ("rules", "schemas")  # where a document has model families
# Module -> what users meet of it.
EXPORTS = {
    "base": ("APIPromise", "BaseClient", "ListPromise"),
    "content": ("dataURL",),
    "errors": ERRORS,
    "files": ("toFile",),
    "masks": ("checkMask", "makeMask"),
    "retry": ("POLICY",),
    "stream": ("Stream",),
}


def pages(api: Api, name: str) -> list[Page]:
    """The files of the client package `name`."""
    names = settle(api)
    header = f"// {stamp(api)}"
    modules = [*RUNTIME, *(RULES if api.rules else ())]
    package = [Page(f"src/{one}.js", verbatim=f"typescript/runtime/{one}.js", header=header) for one in modules]
    view = _index_view(api, names)
    retry = {"policy": POLICY, "hopeless": [literal(code) for code in HOPELESS]}
    package += [
        Page("src/client.js", "typescript/client.js.jinja", client_view(api, names), header=header),
        Page("src/index.js", "typescript/index.js.jinja", view, header=header),
        Page("src/retry.js", "typescript/retry.js.jinja", retry, header=header),
        Page("types/index.d.ts", "typescript/index.d.ts.jinja", view, header=header),
        Page("types/runtime.d.ts", verbatim="typescript/runtime/runtime.d.ts", header=header),
        # Deno looks for what is imported under its own name.
        Page("types/runtime.js", text='// @ts-self-types="./runtime.d.ts"\nexport {};\n', header=header),
    ]
    if api.rules:
        text = f"export default {table(api.rules, call_names(api)).rstrip()};\n"
        package.append(Page("src/families.js", text=text, header=header))
    about = _about(api, name, names)
    package.append(Page("package.json", text=_package(api, about)))
    package.append(Page("README.md", "typescript/README.md.jinja", about))
    return package


def _index_view(api: Api, names: Names) -> dict[str, Any]:
    outgoing, incoming = reach(api)
    declared = [answer(one, names) for one in api.models if one.key in incoming]
    declared += [union(one, names) for one in api.unions if one.key in incoming]
    declared += [param(one, names) for one in api.models if one.key in outgoing]
    declared += parameters(api, names)
    title, prefix = " ".join(api.title.split()), api.service.upper()
    where = f"{prefix}_API_KEY and {prefix}_BASE_URL where they are not given, and there is an environment"
    doc = f"A client of {title}.\n\nKey and server come from {where}."
    found = classes(api, names)
    assert sorted(one for told in EXPORTS.values() for one in told) == sorted((*ERRORS, *VALUES))
    return {
        "import": _import(
            [*declared, *(line for one in found for method in one.methods for line in method.declared)],
            ["ClientError"] if api.brand else [],
        ),
        "declared": declared,
        "classes": [{"one": one, "doc": comment(one.doc, 0), "short": comment(one.doc, 2)} for one in found],
        "doc": comment(doc, 0),
        "brand": api.brand,
        "exports": [(module, ", ".join(sorted(told))) for module, told in EXPORTS.items()],
    }


def _import(texts: list[str], more: Collection[str]) -> str:
    """What the declarations need of the runtime's."""
    text = re.sub(r"/\*\*.*?\*/|\"[^\"\n]*\"", "", "\n".join(texts), flags=re.DOTALL)  # without prose and literals
    words = set(re.findall(r"[\w$]+", text)) | {"BaseClient", "ClientOptions", *more}
    inner = ", ".join(sorted(words & {*ERRORS, *VALUES, *TYPES}))
    return f'import type {{ {inner} }} from "./runtime.js";'


def _version(api: Api) -> str:
    """The document's version as npm takes it: three numbers."""
    if not re.fullmatch(r"\d+(\.\d+){0,2}", api.version, re.ASCII):
        return "0.0.0"
    numbers = [str(int(one)) for one in api.version.split(".")]
    return ".".join([*numbers, "0", "0"][:3])


def _package(api: Api, about: dict[str, Any]) -> str:
    entry = {"types": "./types/index.d.ts", "default": "./src/index.js"}
    told = {
        "name": about["distribution"],
        "version": _version(api),
        "description": " ".join(f"Client of {api.title}. {stamp(api)}".split()),
        "license": LICENCE,
        "type": "module",
        "sideEffects": False,
        "engines": {"node": ">=20"},
        "exports": {".": entry, "./package.json": "./package.json"},
        "types": entry["types"],
        "files": ["src", "types"],
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _about(api: Api, name: str, names: Names) -> dict[str, Any]:
    called = {operation: f"client.{call}" for operation, call in call_names(api).items()}
    models = {one.key: one for one in api.models}
    return {
        "distribution": name.replace("_", "-").lower(),
        "stamp": stamp(api),
        "title": _line(api.title),
        "service": api.service.upper(),
        "calls": [(called[one.id], _said(one)) for one in operations(api)],
        "sample": sample(api, names, called),
        "file_sample": file_sample(api, names, called),
        "stream_sample": stream_sample(api, names, called),
        "first_call": line_of(api, names, called),
        "timed_call": line_of(api, names, called, "{ timeout: 60_000, signal: AbortSignal.timeout(300_000) }"),
        "listing": next((f"{called[one.id]}()" for one in operations(api) if _is_list(one, models)), ""),
        "call_names": [f"{call}" for call in called.values()],
        "references": [
            (called[one.id], _line(one.reference.media_type), _only(one)) for one in operations(api) if one.reference
        ],
        "policy": POLICY,
        "rules": api.rules is not None,
        "brand": api.brand,
        "carries_files": any(model.content for model in api.models),
    }


def _is_list(operation: Operation, models: Mapping[str, Model]) -> bool:
    return listing(operation, models) is not None and not operation.parameters


def _only(operation: Operation) -> str:
    """The members that only the JSON body beside a form has, and that make a call go as that."""
    own = {one.name for one in operation.body.fields} if operation.body else set()
    told = operation.reference.fields if operation.reference else ()
    return ", ".join(f"`{one.name}`" for one in told if one.name not in own and has_lists(one))


def _said(operation: Operation) -> str:
    return _line(operation.summary or f"{operation.verb} {operation.path}").replace("|", "\\|")


def _line(text: str) -> str:
    """A text on one line."""
    return " ".join(text.split())

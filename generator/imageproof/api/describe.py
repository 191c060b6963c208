"""Document -> (Api, problems): the only place, with `schemas` and `bodies`, that knows what OpenAPI looks like."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal
from urllib.parse import urlsplit

from imageproof.api import ir
from imageproof.api.bodies import describe_body, describe_reply
from imageproof.api.names import snake, words
from imageproof.api.rules import describe_rules, unchecked
from imageproof.api.schemas import Schemas
from imageproof.contract.document import Document, Operation
from imageproof.contract.families import KEY, Family, allowed_values, families
from imageproof.contract.pointers import join
from imageproof.errors import Problem

PLACES: dict[str, Literal["path", "query", "header"]] = {"path": "path", "query": "query", "header": "header"}
STYLES = {
    "path": "simple",
    "query": "form",
    "header": "simple",
}  # what the client writes; also what is meant without one
# Headers that OpenAPI says are described elsewhere (4.8.12.1, "Common Fixed Fields").
OWN_HEADERS = {"accept", "content-type", "authorization"}
MODEL = "model"  # the parameter by which a request chooses its model family
# Things a document may say that the clients do not do.
NOT_EMITTED = {"callbacks": "callbacks are not emitted", "servers": "servers of one operation are not emitted"}


def describe(document: Document) -> tuple[ir.Api, list[Problem]]:
    """The API that a document means, and everything of it that is not emitted, or stands in the way.

    Problems of level "warning" name what is left out; with one of level "error" nothing may be emitted.
    """
    schemas = Schemas(document)
    known = families(document) if KEY in document.data else ()
    groups: dict[str, list[ir.Operation]] = {}
    for operation in document.operations().values():
        described = _operation(schemas, operation, known)
        groups.setdefault(described.resource, []).append(described)
    _warn_of_the_rest(schemas)
    rules = describe_rules(document, groups, known) if known else None
    for keyword in unchecked(rules) if rules else ():
        schemas.warn(f"/{KEY}", f"the clients do not check {keyword}", "their warnings are milder than the families")
    problems = [*schemas.problems, *_twice(document, groups)]
    if not groups:
        problems.append(document.problem("/paths", "there is no operation"))
    info = document.data["info"]
    base_url = _base_url(document)
    api = ir.Api(
        title=info["title"],
        version=info["version"],
        doc=str(info.get("description", "")).strip(),
        service=_service(base_url, info["title"]),
        base_url=base_url,
        auth=_auth(schemas),
        resources=tuple(
            ir.Resource(name, _tag_doc(document, name), tuple(operations)) for name, operations in groups.items()
        ),
        models=tuple(schemas.models.values()),
        unions=tuple(schemas.unions.values()),
        families=tuple(ir.FamilyNote(one.id, one.models, one.status.state, one.status.until) for one in known),
        source=schemas.source(""),
        brand=str(document.data.get("x-client-name", "")),
        rules=rules,
    )
    return api, problems + [one for one in schemas.problems if one not in problems]


def _operation(schemas: Schemas, operation: Operation, known: tuple[Family, ...]) -> ir.Operation:
    node = operation.node
    resource, method = _client_name(operation)
    name = str(node.get("operationId") or f"{operation.method} {operation.path}")
    for key, message in NOT_EMITTED.items():
        if node.get(key):
            schemas.warn(f"{operation.pointer}/{key}", f"{operation.id}: {message}")
    body, reference = describe_body(schemas, operation, name)
    reply = describe_reply(schemas, operation, body, name)
    body, reference = (
        one
        and replace(
            one, fields=tuple(_with_families(schemas.document, operation.id, field, known) for field in one.fields)
        )
        for one in (body, reference)
    )
    return ir.Operation(
        id=operation.id,
        resource=resource,
        method=method,
        verb=operation.method,
        path=operation.path,
        parameters=tuple(_parameters(schemas, operation, name)),
        body=body,
        reply=reply,
        summary=str(node.get("summary", "")).strip(),
        doc=str(node.get("description", "")).strip(),
        deprecated=node.get("deprecated") is True,
        source=schemas.source(operation.pointer),
        reference=reference,
    )


def _client_name(operation: Operation) -> tuple[str, str]:
    """Resource and method in a client: what `x-client` says, else the first tag or path part, and the operationId."""
    told = operation.node.get("x-client")
    if isinstance(told, Mapping) and str(told.get("method", "")).count(".") == 1:
        resource, method = str(told["method"]).split(".")
        return resource, method
    tags = operation.node.get("tags") or [part for part in operation.path.split("/") if part and "{" not in part]
    method = snake(operation.node.get("operationId") or f"{operation.method} {operation.path}")
    return snake(tags[0] if tags else "root"), method


def _parameters(schemas: Schemas, operation: Operation, name: str) -> Iterator[ir.Parameter]:
    """Path, query and header parameters; those of the path item count unless the operation says them again."""
    document = schemas.document
    item = operation.pointer.rsplit("/", 1)[0]
    told: dict[tuple[str, str], tuple[str, Mapping[str, Any]]] = {}
    for parent in (item, operation.pointer):
        for index, node in enumerate(document.resolve(document.at(parent)).get("parameters", ())):
            node = document.resolve(node)
            told[node["in"], node["name"]] = f"{parent}/parameters/{index}", node
    for (place, parameter), (pointer, node) in told.items():
        if place == "header" and parameter.lower() in OWN_HEADERS:
            continue
        if place not in PLACES or node.get("style", STYLES[place]) != STYLES[place] or "schema" not in node:
            why = f"in {place}" if place not in PLACES else f"style {node.get('style', 'with a media type')}"
            _not_emitted(schemas, f"{operation.id}: parameter {parameter} is not emitted ({why})", pointer, node)
            continue
        field = schemas.field(parameter, node["schema"], f"{pointer}/schema", f"{name} {parameter}", False)
        field = replace(
            field,
            required=node.get("required") is True or place == "path",
            doc=str(node.get("description", field.doc)).strip(),
            deprecated=node.get("deprecated") is True or field.deprecated,
            source=schemas.source(pointer),
        )
        yield ir.Parameter(field, PLACES[place], node.get("explode", place == "query") is True)
    yield from _undeclared(schemas, operation, {name for place, name in told if place == "path"})


def _undeclared(schemas: Schemas, operation: Operation, declared: set[str]) -> Iterator[ir.Parameter]:
    """Path parameters that the path names and nobody describes: text, with a warning."""
    for name in re.findall(r"\{([^{}]+)\}", operation.path):
        if name not in declared:
            schemas.warn(operation.pointer, f"{operation.id}: path parameter {name} is not described; taken for text")
            source = schemas.source(operation.pointer)
            yield ir.Parameter(ir.Field(name, ir.Type("string"), True, "", source), "path")


def _not_emitted(schemas: Schemas, message: str, pointer: str, node: Mapping[str, Any]) -> None:
    """A parameter that is left out is a warning; when it is required, calls cannot work, and it is an error."""
    if node.get("required") is True:
        hint = "make it optional, or describe it in the plain style"
        schemas.problems.append(schemas.document.problem(pointer, message, hint=hint))
    else:
        schemas.warn(pointer, message)


def _with_families(document: Document, operation: str, field: ir.Field, known: tuple[Family, ...]) -> ir.Field:
    """A request field with the values that the model families list for it."""
    if field.type.kind not in ("string", "integer", "number"):
        return field
    if field.name == MODEL:
        by_family = [(one.id, one.models) for one in known if operation in one.operations]
        values: tuple[ir.Scalar, ...] = tuple(model for _, models in by_family for model in models)
    else:
        by_family = [
            (one.id, allowed_values(document, operation, field.name, family=one.id))
            for one in known
            if operation in one.operations
        ]
        by_family = [(family, listed) for family, listed in by_family if listed]
        values = allowed_values(document, operation, field.name)
    merged = tuple(dict.fromkeys([*field.type.known, *(value for value in values if value is not None)]))
    if not merged:
        return field
    name = field.type.name if merged == field.type.known else ""
    return replace(field, type=replace(field.type, known=merged, name=name), known_by_family=tuple(by_family))


def _auth(schemas: Schemas) -> ir.Auth | None:
    """How a key is sent: the first scheme that is one header; the others are told."""
    schemes: Mapping[str, Any] = schemas.document.data.get("components", {}).get("securitySchemes", {})
    found: ir.Auth | None = None
    for name, node in schemes.items():
        node = schemas.document.resolve(node)
        pointer = join("components", "securitySchemes", name)
        auth = None
        if node.get("type") == "http" and str(node.get("scheme", "")).lower() == "bearer":
            auth = ir.Auth("Authorization", "Bearer ")
        elif node.get("type") == "apiKey" and node.get("in") == "header":
            auth = ir.Auth(str(node.get("name", "")), "")
        elif node.get("type") in ("oauth2", "openIdConnect"):
            auth = ir.Auth("Authorization", "Bearer ")
            if found is None:
                schemas.warn(pointer, f"security scheme {name}: its token is the key; getting one is not emitted")
        if auth is None or found is not None:
            schemas.warn(pointer, f"security scheme {name} is not emitted", "send it by default_headers")
        found = found or auth
    return found


def _warn_of_the_rest(schemas: Schemas) -> None:
    data = schemas.document.data
    if data.get("webhooks"):
        schemas.warn("/webhooks", "webhooks are not emitted")
    if len(data.get("servers", ())) > 1:
        schemas.warn("/servers/1", "only the first server is the default base URL")
    for path, item in data.get("paths", {}).items():
        if schemas.document.resolve(item).get("servers"):
            schemas.warn(join("paths", path, "servers"), "servers of one path are not emitted")


def _twice(document: Document, groups: Mapping[str, list[ir.Operation]]) -> Iterator[Problem]:
    """Two operations under one client name: one of them would be lost."""
    for resource, operations in groups.items():
        seen: dict[str, str] = {}
        for operation in operations:
            name = snake(operation.method)
            if name in seen:
                message = f"{operation.id} and {seen[name]} are both {resource}.{name} in a client"
                source = operation.source
                yield Problem(source.file, message, source.pointer, source.line, hint="give one an x-client method")
            seen[name] = operation.id


def _base_url(document: Document) -> str:
    servers = document.data.get("servers") or [{}]
    url = str(servers[0].get("url", ""))
    for name, variable in servers[0].get("variables", {}).items():
        url = url.replace(f"{{{name}}}", str(variable.get("default", "")))
    return url.rstrip("/") if urlsplit(url).scheme in ("http", "https") else ""


def _service(base_url: str, title: str) -> str:
    """One word for whose API it is: the name before the top-level domain of the default host, else the title's."""
    labels = (urlsplit(base_url).hostname or "").split(".")
    if len(labels) > 1 and not labels[-1].isdigit():
        return snake(labels[-2])
    return snake(*[word for word in words(title) if word != "api"][:2])


def _tag_doc(document: Document, resource: str) -> str:
    tags = document.data.get("tags", ())
    found: Mapping[str, Any] = next((tag for tag in tags if snake(str(tag.get("name", ""))) == resource), {})
    return str(found.get("description", "")).strip()

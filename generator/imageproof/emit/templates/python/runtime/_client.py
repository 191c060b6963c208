"""Clients without calls: where they call, with which key, through which connections."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal, Self, TypedDict, Unpack, cast
from urllib.parse import parse_qsl, urlsplit

import httpx2

from ._http import AsyncCalls, Calls, Http
from ._raw import shown
from ._request import Service, Settings, check_names, limits, merged_headers, normal_base_url, normal_key, safe_headers
from ._retry import Retry
from ._wire import AsyncWire, Wire, run

AZURE_AUTH = ("api-key", "")
VALIDATE = ("warn", "error", "off")
Key = str | Callable[[], str | Awaitable[str]] | None


class ClientOptions(TypedDict, total=False):
    """Options of a client. None is as good as none told, but for `timeout`.

    Keys:
        organization, project: Who pays, for keys of several; without them those of the environment, which only the
            service's own host is told.
        base_url: Host, base or whole URL of the server; without it that of the environment, or the service's own. A
            query behind it goes with every call, until another base URL takes its place.
        timeout: Seconds to wait for an answer, or between two events, 600 if not told; None waits for ever.
        max_retries: How often a call is repeated that failed in a way which costs nothing, 2 if not told; README has
            the table.
        default_headers, default_query: Sent with every call.
        http_client: An HTTP client of your own, for proxies, certificates and transports; `close()` leaves it open.
        on_retry: Called with a `Retry` before each repetition.
        validate: What becomes of a request that breaks rules of its model's family: "warn", which is the default, warns
            once for each rule, "error" raises RequestRuleError before anything is sent, "off" says nothing.
        family: Model family of models that no family names, or a mapping of model names to families.
    """

    organization: str | None
    project: str | None
    base_url: str | httpx2.URL | None
    timeout: float | httpx2.Timeout | None
    max_retries: int | None
    default_headers: Mapping[str, str] | None
    default_query: Mapping[str, Any] | None
    http_client: httpx2.Client | httpx2.AsyncClient | None
    on_retry: Callable[[Retry], object] | None
    validate: Literal["warn", "error", "off"] | None
    family: str | Mapping[str, str] | None


class _Client:
    """What both kinds of clients are."""

    _service: ClassVar[Service]
    _wire: ClassVar[type[Wire]]

    @shown(ClientOptions)
    def __init__(self, api_key: Key = None, **told: Unpack[ClientOptions]) -> None:
        """A client with options, of which `ClientOptions` tells.

        `api_key` is the key, or a function that tells it for each call, which may be a coroutine function in the client
        that waits. Without it the key is that of the environment; "" sends none.
        """
        service, environment = self._service, os.environ
        key = normal_key(api_key, service.key_variable)
        told["base_url"] = told.get("base_url") or environment.get(service.url_variable) or service.base_url
        headers = {header: environment.get(name, "") for header, name in service.accounts.values()}
        accounts = safe_headers({name: value for name, value in headers.items() if value})
        settings = Settings("", key, service.auth, accounts=accounts, home=urlsplit(service.base_url).netloc)
        self._open(_changed(settings, service, told), self._wire(told.get("http_client")))

    def _open(self, settings: Settings, wire: Wire) -> None:
        self._http = Http(settings, wire, self._service)

    @classmethod
    def azure(
        cls,
        endpoint: str,
        *,
        api_version: str,
        deployment: str = "",
        api_key: Key = None,
        **told: Unpack[ClientOptions],
    ) -> Self:
        """A client of an Azure-style server: the key goes as `api-key`, paths name a deployment.

        Args:
            endpoint: Such as https://NAME.openai.azure.com.
            api_version: Sent with every call, as `api-version`.
            deployment: Of all calls; without it each call goes to the deployment that its model names.
            api_key: As for the client itself; without it the environment's AZURE_OPENAI_API_KEY.
            **told: As for the client itself.
        """
        told["base_url"] = f"{endpoint.rstrip('/').removesuffix('/openai')}/openai"
        told["default_query"] = {"api-version": api_version, **(told.get("default_query") or {})}
        client = cls(normal_key(api_key, "AZURE_OPENAI_API_KEY"), **told)
        client._open(replace(client._http.settings, auth=AZURE_AUTH, deployment=deployment), client._http.wire)
        return client

    @shown(ClientOptions)
    def with_options(self, *, api_key: Key = None, **told: Unpack[ClientOptions]) -> Self:
        """A client with options of its own, and with the same connections unless it gets an `http_client`. Headers and
        query add to those of this one."""
        settings = self._http.settings
        if api_key is not None:
            settings = replace(settings, key=normal_key(api_key))
        given = told.get("http_client")
        made = object.__new__(type(self))
        made._open(_changed(settings, self._service, told), self._wire(given) if given else self._http.wire)
        return made

    copy = with_options

    @property
    def base_url(self) -> str:
        """Where calls go."""
        return self._http.settings.base_url

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.base_url!r})"


def _changed(old: Settings, service: Service, options: ClientOptions) -> Settings:
    """Settings with what a caller told. TypeError and ValueError, which name the option, for what cannot be."""
    hint = ": proxies and certificates come with an http_client"
    check_names("a client", options, ClientOptions.__annotations__, hint, ["api_key"])
    told = {name: value for name, value in options.items() if value is not None and name != "http_client"}
    headers = merged_headers(old.headers, safe_headers(cast("Any", told.pop("default_headers", {}))))
    query = {**old.query, **cast("Any", told.pop("default_query", {}))}
    for name in ("organization", "project"):
        if name in told and name not in service.accounts:
            raise TypeError(f"{name}: this API knows none")
        if name in told:
            headers = merged_headers(headers, safe_headers({service.accounts[name][0]: cast("str", told.pop(name))}))
    if "base_url" in told:
        told["base_url"], more = normal_base_url(str(told["base_url"]), service.base_url, service.paths)
        old = replace(old, base_query=dict(parse_qsl(more)))
    if "timeout" in options:
        told["timeout"] = limits(options["timeout"])
    if not isinstance(retries := told.get("max_retries", 0), int) or retries < 0:
        raise ValueError(f"max_retries must be a whole number from 0, not {retries!r}")
    if told.get("validate", "warn") not in VALIDATE:
        raise ValueError(f"validate must be one of {', '.join(map(repr, VALIDATE))}, not {told['validate']!r}")
    return replace(old, **cast("Any", told), headers=headers, query=query)


class BlockingClient(_Client):
    """A client whose calls block. It may be shared between threads."""

    _wire = Wire

    @property
    def _calls(self) -> Calls:
        return Calls(self._http)

    def close(self) -> None:
        """Close the connections, unless they are the caller's own."""
        run(self._http.wire.end())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class WaitingClient(_Client):
    """A client whose calls are awaited."""

    _wire = AsyncWire

    @property
    def _calls(self) -> AsyncCalls:
        return AsyncCalls(self._http)

    async def close(self) -> None:
        """Close the connections, unless they are the caller's own."""
        await self._http.wire.end()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

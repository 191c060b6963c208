"""Clients without calls: where they call, with which key, through which connections."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal, Self
from urllib.parse import parse_qsl

import httpx2

from ._http import AsyncCalls, Calls, Http
from ._model import NOT_GIVEN, NotGiven
from ._request import Service, Settings, checked_headers, normal_base_url, normal_key
from ._retry import Retry
from ._wire import AsyncWire, Wire, run

Timeout = float | httpx2.Timeout | None
AZURE_AUTH = ("api-key", "")


class _Client:
    """What both kinds of clients are."""

    _service: ClassVar[Service]
    _wire: ClassVar[type[Wire]]

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        timeout: Timeout = 600.0,
        max_retries: int = 2,
        default_headers: Mapping[str, str] | None = None,
        default_query: Mapping[str, Any] | None = None,
        http_client: httpx2.Client | httpx2.AsyncClient | None = None,
        on_retry: Callable[[Retry], object] | None = None,
        validate: Literal["warn", "error", "off"] = "warn",
        family: str | Mapping[str, str] | None = None,
    ) -> None:
        """Where it calls, and how.

        Args:
            api_key: The key; without it that of the environment. "" sends none.
            base_url: Host, base or whole URL of the server; without it that of the environment, or the service's own. A
                query behind it goes with every call.
            timeout: Seconds to wait for an answer, or between two events; None waits for ever.
            max_retries: How often a call is repeated that failed in a way which costs nothing; README has the table.
            default_headers, default_query: Sent with every call.
            http_client: An HTTP client of your own, for proxies, certificates and transports; `close()` leaves it open.
            on_retry: Called with a `Retry` before each repetition.
            validate: What becomes of a request that breaks rules of its model's family: "warn" once for each rule,
                "error" raises RequestRuleError before anything is sent, "off" says nothing.
            family: Model family of models that no family names, or a mapping of model names to families.
        """
        service = self._service
        given = base_url or os.environ.get(service.url_variable) or service.base_url
        url, query = normal_base_url(given, service.base_url, service.paths)
        settings = Settings(
            base_url=url,
            key=normal_key(api_key, service.key_variable),
            auth=service.auth,
            query={**_query(query), **(default_query or {})},
            headers=checked_headers(default_headers or {}),
            timeout=timeout,
            max_retries=max_retries,
            on_retry=on_retry,
            validate=validate,
            family=family,
            deployment=None,
        )
        self._open(settings, self._wire(http_client))

    def _open(self, settings: Settings, wire: Wire) -> None:
        self._http = Http(settings, wire, self._service)

    @classmethod
    def azure(
        cls, endpoint: str, *, api_version: str, deployment: str = "", api_key: str | None = None, **told: Any
    ) -> Self:
        """A client of an Azure-style server: the key goes as `api-key`, paths name a deployment.

        Args:
            endpoint: Such as https://NAME.openai.azure.com.
            api_version: Sent with every call, as `api-version`.
            deployment: Of all calls; without it each call goes to the deployment that its model names.
            api_key: The key; without it the environment's AZURE_OPENAI_API_KEY.
            **told: As for the client itself.
        """
        key = normal_key(api_key, "AZURE_OPENAI_API_KEY")
        query: dict[str, Any] = {"api-version": api_version, **(told.pop("default_query", None) or {})}
        base_url = f"{endpoint.rstrip('/').removesuffix('/openai')}/openai"
        client = cls(key, base_url=base_url, default_query=query, **told)
        client._open(replace(client._http.settings, auth=AZURE_AUTH, deployment=deployment), client._http.wire)
        return client

    def with_options(
        self,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
        max_retries: int | None = None,
        default_headers: Mapping[str, str] | None = None,
        default_query: Mapping[str, Any] | None = None,
        on_retry: Callable[[Retry], object] | None = None,
        validate: Literal["warn", "error", "off"] | None = None,
        family: str | Mapping[str, str] | None = None,
    ) -> Self:
        """A client with the same connections and options of its own. Headers and query add to those of this one."""
        old, service = self._http.settings, self._service
        told = {"max_retries": max_retries, "on_retry": on_retry, "validate": validate, "family": family}
        changed: dict[str, Any] = {name: value for name, value in told.items() if value is not None}
        if api_key is not None:
            changed["key"] = normal_key(api_key, service.key_variable)
        if base_url is not None:
            changed["base_url"], query = normal_base_url(base_url, service.base_url, service.paths)
            default_query = {**_query(query), **(default_query or {})}
        if not isinstance(timeout, NotGiven):
            changed["timeout"] = timeout
        changed["headers"] = {**old.headers, **checked_headers(default_headers or {})}
        changed["query"] = {**old.query, **(default_query or {})}
        made = object.__new__(type(self))
        made._open(replace(old, **changed), self._http.wire)
        return made

    copy = with_options

    @property
    def base_url(self) -> str:
        """Where calls go."""
        return self._http.settings.base_url

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.base_url!r})"


def _query(text: str) -> dict[str, Any]:
    pairs: list[tuple[str, str]] = parse_qsl(text)
    return dict(pairs)


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

"""How a client is set up: options, Azure, proxies, transports, raw answers, helpful slips."""

from __future__ import annotations

import gc
import inspect
import json
import threading
import warnings
from typing import Any

import httpx2
import imageproof_client as api
import pytest
from clients.loopback import GOOD, Answer, Loopback
from clients.pictures import PNG
from imageproof_client import AsyncClient, Client

KEY = "sk-secret-key"


def test_options_of_its_own_over_the_same_connections(client: Client, server: Loopback) -> None:
    told = client.with_options(
        api_key="sk-other-key",
        base_url=f"{server.origin}/v2?a=1",
        max_retries=0,
        timeout=3,
        default_headers={"X-A": "1"},
        default_query={"b": "2"},
    )
    told.with_options(default_headers={"X-B": "2"}).images.generate(prompt="x")
    client.images.generate(prompt="x")
    first, second = server.received
    assert (first.path, first.headers["authorization"]) == ("/v2/images/generations?a=1&b=2", "Bearer sk-other-key")
    assert (first.headers["x-a"], first.headers["x-b"]) == ("1", "2")
    assert (second.path, second.headers["authorization"]) == ("/v1/images/generations", f"Bearer {KEY}")
    assert "x-a" not in second.headers
    assert client.copy(timeout=1).base_url == client.base_url


def test_azure(server: Loopback) -> None:
    with Client.azure(
        server.origin, api_version="2026-01-01", deployment="my images", api_key="sk-azure-key"
    ) as client:
        client.images.generate(prompt="x")
        client.images.edit(prompt="x", image=PNG)
        server.json({"object": "list", "data": []})
        client.models.list()
    assert [one.path for one in server.received] == [
        "/openai/deployments/my%20images/images/generations?api-version=2026-01-01",
        "/openai/deployments/my%20images/images/edits?api-version=2026-01-01",
        "/openai/models?api-version=2026-01-01",
    ]
    assert {one.headers["api-key"] for one in server.received} == {"sk-azure-key"}
    assert not any("authorization" in one.headers for one in server.received)


def test_azure_by_the_model_of_the_call(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "sk-from-outside")
    with Client.azure(f"{server.origin}/openai/", api_version="v") as client:
        client.images.generate(prompt="x", model="mine/1")
        with pytest.raises(ValueError, match="deployment"):
            client.images.generate(prompt="x")
    assert [one.path for one in server.received] == ["/openai/deployments/mine%2F1/images/generations?api-version=v"]
    assert server.received[0].headers["api-key"] == "sk-from-outside"


def test_a_deployment_as_base_url(server: Loopback) -> None:
    url = f"{server.origin}/openai/deployments/d/images/generations?api-version=1"
    Client("k", base_url=url).images.edit(prompt="x", image=PNG)
    assert server.received[0].path == "/openai/deployments/d/images/edits?api-version=1"


def test_a_proxy(server: Loopback) -> None:
    """The server plays the proxy: it is asked for a whole URL of another host."""
    with (
        httpx2.Client(proxy=server.origin) as http,
        Client(KEY, base_url="http://far.invalid", http_client=http) as client,
    ):
        assert client.images.generate(prompt="x").data[0].to_bytes() == PNG
    assert server.received[0].path == "http://far.invalid/v1/images/generations"


def test_a_transport_of_ones_own() -> None:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json=GOOD)

    with httpx2.Client(transport=httpx2.MockTransport(answer)) as http:
        client = Client(KEY, base_url="https://far.invalid/v1", http_client=http)
        client.images.generate(prompt="x", timeout=httpx2.Timeout(7, connect=3))
        client.close()  # the caller's connections stay open
        client.images.generate(prompt="x")
        client.with_options(timeout=None).images.generate(prompt="x")
    assert seen[0].extensions["timeout"] == {"connect": 3, "read": 7, "write": 7, "pool": 7}
    assert seen[1].extensions["timeout"]["read"] == 600
    assert seen[2].extensions["timeout"]["read"] is None


def test_the_other_kind_of_http_client_is_refused() -> None:
    with pytest.raises(TypeError, match=r"httpx2\.Client"):
        Client("k", http_client=httpx2.AsyncClient())
    with pytest.raises(TypeError, match=r"httpx2\.AsyncClient"):
        AsyncClient("k", http_client=httpx2.Client())


def test_raw_answers(client: Client, server: Loopback) -> None:
    server.json(GOOD, x_request_id="r", x_key=KEY)
    raw = client.images.with_raw_response.generate(prompt="x")
    assert (raw.status_code, raw.request_id, raw.json(), json.loads(raw.text)) == (200, "r", GOOD, GOOD)
    assert json.loads(raw.content) == GOOD and raw.headers["x-key"] == "[key]"
    assert isinstance(raw.parse(), api.ImagesResponse) and raw.parse()._request_id == "r"
    assert repr(raw) == "RawResponse(status=200, request_id='r')"
    server.json({"error": {"message": "No."}}, 400)
    with pytest.raises(api.BadRequestError):
        client.images.with_raw_response.generate(prompt="x")


def test_answers_before_their_body(client: Client, server: Loopback) -> None:
    gate = threading.Event()
    body = json.dumps(GOOD).encode()
    server.answer(Answer(chunks=[body[:10], body[10:]], gates=[gate]))
    with client.images.with_streaming_response.generate(prompt="x") as response:
        assert response.status_code == 200
        gate.set()
        assert response.parse().data[0].to_bytes() == PNG
    server.json(GOOD)
    with client.images.with_streaming_response.generate(prompt="x") as response:
        assert b"".join(response.iter_bytes()) == body
    with client.images.with_streaming_response.generate(prompt="x") as response:
        assert "".join(response.iter_lines()) == body.decode()


def test_raw_streams(client: Client, server: Loopback) -> None:
    event = b'data: {"type": "image_generation.completed", "url": "u"}'
    server.answer(Answer(type="text/event-stream", body=event))
    raw = client.images.with_raw_response.generate(prompt="x", stream=True)
    assert [event.type for event in raw.parse()] == ["image_generation.completed"]


def test_methods_tell_their_arguments(client: Client) -> None:
    told = inspect.signature(client.images.generate).parameters
    assert told["prompt"].default is inspect.Parameter.empty
    assert {"prompt", "size", "stream", "timeout", "extra_body", "validate", "family"} <= set(told)
    assert told["n"].annotation == "int | NotGiven | None"
    assert all(one.kind is inspect.Parameter.KEYWORD_ONLY for one in told.values())
    assert next(iter(inspect.signature(client.models.retrieve).parameters)) == "model"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"promt": "x"}, r"images\.generate\(\) got an unexpected keyword argument 'promt'; did you mean 'prompt'\?"),
        ({"prompt": "x", "watermark": 1}, "'watermark': send it by extra_body"),
        ({"prompt": "x", "timeout": "soon"}, "timeout must be seconds"),
        ({}, r"missing required argument: prompt"),
    ],
)
def test_slips_of_the_pen(client: Client, server: Loopback, given: dict[str, Any], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        client.images.generate(**given)
    assert not server.received


@pytest.mark.parametrize("given", [{"images": [{"file_id": "f"}]}, {"image": PNG, "mask": {"file_id": "f"}}])
def test_references_go_as_json(client: Client, server: Loopback, given: dict[str, Any]) -> None:
    """`mask` by reference beside `image` as a file can be sent in neither form; that is told."""
    if "image" in given:
        with pytest.raises(TypeError, match="bytes"):
            client.images.edit(prompt="x", **given)
        return
    client.images.edit(prompt="x", model="m", mask={"image_url": "https://a.example/m.png"}, moderation="low", **given)
    sent = server.received[0]
    assert sent.headers["content-type"] == "application/json"
    mask = {"image_url": "https://a.example/m.png"}
    assert sent.json == {"prompt": "x", "model": "m", "mask": mask, "moderation": "low", **given}


def test_a_word_that_the_form_lacks_goes_as_a_part_of_it(client: Client, server: Loopback) -> None:
    client.images.edit(prompt="x", image=PNG, moderation="low")
    assert [part.name for part in server.received[0].parts] == ["prompt", "moderation", "image"]


def test_moderation_is_told_with_stage_and_categories(client: Client, server: Loopback) -> None:
    details = {"moderation_stage": "input", "categories": ["violence"]}
    server.json({"error": {"message": "No.", "code": "moderation_blocked", "moderation_details": details}}, 400)
    with pytest.raises(api.ModerationError) as caught:
        client.images.generate(prompt="x")
    assert (caught.value.stage, caught.value.categories) == ("input", ("violence",))
    server.json({"error": {"message": "No.", "code": "content_policy_violation", "moderation_details": "odd"}}, 400)
    with pytest.raises(api.ModerationError) as caught:
        client.images.generate(prompt="x")
    assert (caught.value.stage, caught.value.categories) == ("", ())


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "é", "a\0"])
def test_headers_that_cannot_be_sent_are_named_and_not_told(client: Client, server: Loopback, value: str) -> None:
    for call in (
        lambda: client.images.generate(prompt="x", extra_headers={"X-A": value}),
        lambda: client.with_options(default_headers={"X-A": value}),
    ):
        with pytest.raises(ValueError, match=r"^header 'X-A' must be printable ASCII$"):
            call()
    assert not server.received


def test_who_pays(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment tells is for the service's own host, behind a proxy too, and for no other one."""
    monkeypatch.setenv("OPENAI_ORG_ID", "org-outside")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-outside")
    with Client(KEY, base_url=server.base_url, organization="org-told") as client:
        client.images.generate(prompt="x")
        client.with_options(project="proj-told", default_headers={"OpenAI-Organization": "org-last"}).models.list()
        client.images.generate(prompt="x")
    with httpx2.Client(proxy=server.origin) as http, Client(KEY, base_url=server.base_url, http_client=http) as client:
        for host in ("api.openai.com", "eu.api.openai.com", "API.OpenAI.com", "api.openai.com.example", "example.com"):
            client.with_options(base_url=f"http://{host}/v1").models.list()
    names = ("openai-organization", "openai-project")
    assert [tuple(one.headers.get(name) for name in names) for one in server.received] == [
        ("org-told", None),
        ("org-last", "proj-told"),
        ("org-told", None),
        *[("org-outside", "proj-outside")] * 3,
        *[(None, None)] * 2,
    ]


def test_a_query_goes_with_its_base_url(server: Loopback) -> None:
    with Client(KEY, base_url=f"{server.base_url}?code=secret&a=1", default_query={"a": "2"}) as client:
        client.models.list()
        client.with_options(timeout=3).models.list()
        client.with_options(base_url=f"{server.base_url}?b=3").models.list()
    azure = Client.azure(server.origin, api_version="v1", api_key=KEY)
    azure.models.list()
    azure.with_options(base_url=f"{server.origin}/openai").models.list()
    queries = [one.path.partition("?")[2] for one in server.received]
    assert queries == ["code=secret&a=2", "code=secret&a=2", "b=3&a=2", "api-version=v1", "api-version=v1"]


@pytest.mark.parametrize("url", ["/v1", "http:/host/v1", "https:host", "http//host", "http:host:8000", "https:///v1"])
def test_a_base_url_that_slipped_is_told_with_its_remedy(url: str) -> None:
    with pytest.raises(ValueError, match=r"base_url must be a URL such as https://host/v1"):
        Client(KEY, base_url=url)


def test_hosts_that_only_look_like_a_scheme() -> None:
    for host in ("http.example", "https-proxy:8443", "httpbin.org"):
        assert Client(KEY, base_url=host).base_url == f"https://{host}/v1"


def test_a_key_that_is_told_for_each_call(server: Loopback) -> None:
    """And neither it nor the one before is shown where a server repeats it."""
    keys = iter(("sk-the-first-key", "sk-the-second-key", "sk-the-third-key"))
    with Client(lambda: next(keys), base_url=server.base_url, max_retries=0) as client:
        client.images.generate(prompt="x")
        server.json({"error": {"message": "not sk-the-first-key, nor sk-the-second-key"}}, 401)
        with pytest.raises(api.AuthenticationError) as caught:
            client.images.generate(prompt="x")
        assert "sk-the-second-key" not in f"{caught.value} {caught.value.raw} {client!r} {vars(client._http)}"
        with pytest.raises(api.AuthenticationError, match=r"not \[key\], nor \[key\]"):
            client.images.generate(prompt="x")
    told = [one.headers["authorization"] for one in server.received]
    assert told == [f"Bearer sk-the-{one}-key" for one in ("first", "second", "third")]


def test_a_key_that_is_none(server: Loopback) -> None:
    for key, kind in ((lambda: 5, TypeError), (lambda: "a\nb", ValueError)):
        with Client(key, base_url=server.base_url) as client, pytest.raises(kind, match="api_key must be"):  # type: ignore[arg-type]
            client.images.generate(prompt="x")
    with pytest.raises(TypeError, match="api_key must be a text"):
        Client(5, base_url=server.base_url)  # type: ignore[arg-type]
    assert not server.received


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"validate": "loud"}, "validate must be one of 'warn', 'error', 'off'"),
        ({"timeout": "5"}, "timeout must be seconds"),
        ({"time_out": 5}, "did you mean 'timeout'"),
        ({"proxy": "http://127.0.0.1:9"}, "come with an http_client"),
        ({"base_url": "ftp://host"}, "base_url must be a URL"),
    ],
)
def test_options_that_are_none(client: Client, options: dict[str, Any], said: str) -> None:
    with pytest.raises((TypeError, ValueError), match=said):
        Client(KEY, **options)
    with pytest.raises((TypeError, ValueError), match=said):
        client.with_options(**options)


def test_a_client_that_nobody_closed_leaves_no_connection(server: Loopback) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        answer = Client(KEY, base_url=server.base_url).images.generate(prompt="x")
        assert answer.data[0].to_bytes() == PNG
        del answer
        gc.collect()
    assert [one for one in told if issubclass(one.category, ResourceWarning)] == []


def test_options_tell_themselves() -> None:
    told = inspect.signature(Client).parameters
    assert {"api_key", "base_url", "timeout", "organization", "on_retry", "validate"} <= set(told)
    assert set(inspect.signature(Client.with_options).parameters) - {"self"} == set(told)


def test_headers_of_a_caller_go_instead_of_ours_however_they_are_written() -> None:
    sent: list[list[tuple[str, str]]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append([(name, value) for name, value in request.headers.multi_items() if name in told])
        return httpx2.Response(200, json=GOOD)

    told = ("authorization", "x-a", "accept")
    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    with Client(KEY, default_headers={"authorization": "Basic a", "X-A": "1"}, http_client=http) as client:
        client.images.generate(prompt="x", extra_headers={"x-a": "2", "ACCEPT": "image/png"})
        client.with_options(default_headers={"AUTHORIZATION": "Basic b"}).images.edit(prompt="x", image=PNG)
    assert sorted(sent[0]) == [("accept", "image/png"), ("authorization", "Basic a"), ("x-a", "2")]
    assert [value for name, value in sent[1] if name == "authorization"] == ["Basic b"]


@pytest.mark.parametrize(
    ("told", "base_url"),
    [
        ("localhost:9", "http://localhost:9/v1"),
        ("LOCALHOST", "http://localhost/v1"),
        ("[::1]:9/v1", "http://[::1]:9/v1"),
        ("localhost.example.com", "https://localhost.example.com/v1"),
        ("127.0.0.1.nip.io", "https://127.0.0.1.nip.io/v1"),
    ],
)
def test_only_a_host_of_this_machine_is_called_without_tls(told: str, base_url: str) -> None:
    with Client(KEY, base_url=told) as client:
        assert str(client.base_url).lower() == base_url


@pytest.mark.parametrize("count", ["2", 1.5, -1])
def test_a_number_of_retries_that_is_none(count: Any) -> None:
    with pytest.raises(ValueError, match=r"^max_retries must be a whole number from 0, not "):
        Client(KEY, max_retries=count)

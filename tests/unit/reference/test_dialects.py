"""Dialects over plain HTTP: each transformation is seen by a probe of its own, which fails on a server without one."""

from __future__ import annotations

import base64
import io
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import httpx2 as httpx
import openai
import pytest
from click.testing import CliRunner
from PIL import Image

from imageproof.cli.serve import serve
from imageproof.errors import UsageError
from imageproof_reference.config import Config
from imageproof_reference.dialects import Dialect, dialect, dialects, steps
from imageproof_reference.serving import running

KEY = "sk-test-dialects"
GPT = {"model": "gpt-image-1", "prompt": "a fox", "size": "1024x1024", "quality": "low"}
DALL_E = {"model": "dall-e-2", "prompt": "a fox", "size": "256x256"}
NOWHERE = {"model": "no-such-model", "prompt": "a fox"}

Client = httpx.Client
Probe = Callable[[Client], object]


def generate(client: Client, body: dict[str, Any], **more: Any) -> httpx.Response:
    return client.post("images/generations", json={**body, **more})


def answer(client: Client, body: dict[str, Any], **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = generate(client, body, **more).json()
    return found


def item(client: Client, body: dict[str, Any], **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = answer(client, body, **more)["data"][0]
    return found


def edit(client: Client, **texts: str) -> httpx.Response:
    stream = io.BytesIO()
    Image.new("RGBA", (64, 64)).save(stream, "PNG")
    return client.post("images/edits", data={**DALL_E, **texts}, files={"image": ("a.png", stream.getvalue())})


def other(client: Client, path: str, method: str = "GET", **options: Any) -> httpx.Response:
    """A call to the same server, outside the base URL and without the key."""
    return httpx.request(method, client.base_url.join(path), timeout=60, **options)


def listed(client: Client) -> Any:
    return client.get("models").json()


def stream(client: Client) -> str:
    return generate(client, GPT, stream=True, partial_images=1).text


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]


def linked_as_embedded(client: Client) -> bool:
    found = item(client, DALL_E, response_format="b64_json")
    return "url" in found and httpx.get(found["url"]).content == base64.b64decode(found["b64_json"])


def embedded(client: Client) -> bool:
    found = item(client, DALL_E)
    return set(found) == {"b64_json"} and base64.b64decode(found["b64_json"]).startswith(b"\x89PNG")


def counted_as_a_chat(client: Client) -> bool:
    usage = answer(client, GPT)["usage"]
    return set(usage) == {"prompt_tokens", "completion_tokens", "total_tokens"} and bool(
        usage["prompt_tokens"] + usage["completion_tokens"] == usage["total_tokens"] > 0
    )


def refused_in_words(client: Client) -> bool:
    found = generate(client, GPT, size="17x17").json()["error"]
    return found["code"] == "400" and found["type"] is None and found["param"] == "size" and bool(found["message"])


def renamed(client: Client) -> bool:
    text = edit(client, model="gpt-image-1", size="1024x1024", stream="true", partial_images="1").text
    types = [event["type"] for event in events(text)]
    lines = [line[7:] for line in text.splitlines() if line.startswith("event: ")]
    return types == lines == ["image.edit.chunk", "image.edit.completed"]


# Transformation -> a dialect that has it, and what that dialect alone shows.
PROBES: dict[str, tuple[str, Probe]] = {
    "slash": ("scraped-reference", lambda c: c.post("images/generations/", json=DALL_E).status_code == 200),
    "moved": ("openvino", lambda c: other(c, "/v3/models", headers=c.headers).status_code == 200),
    "absent": ("apifox-export", lambda c: edit(c).status_code == 404),
    "key-optional": (
        "openai-hub",
        lambda c: other(c, "images/generations", "POST", json=DALL_E).status_code == 200,
    ),
    "key-header": ("azure", lambda c: other(c, "models", headers={"api-key": KEY}).status_code == 200),
    "default": ("new-api", lambda c: "url" in item(c, {"prompt": "a fox", "size": "1024x1024"})),
    "fixed": (
        "translated-reference",
        lambda c: "url" in item(c, DALL_E) and answer(c, DALL_E | {"model": "gpt-image-1"}).get("data"),
    ),
    "model-of-path": ("azure", lambda c: generate(c, NOWHERE).status_code == 200),
    "any-model": ("stable-diffusion-cpp", lambda c: generate(c, NOWHERE).status_code == 200),
    "from-text": ("openai-hub", lambda c: len(answer(c, DALL_E, n="2").get("data", ())) == 2),
    "ignored": ("lemonade", lambda c: generate(c, GPT, quality="silly").status_code == 200),
    "clamped": (
        "stable-diffusion-cpp",
        lambda c: generate(c, GPT, output_format="webp", output_compression=101).status_code == 200,
    ),
    "refused": ("xai", lambda c: generate(c, DALL_E).status_code == 400),
    "only-media-type": ("xai", lambda c: "only accepts application/json" in edit(c).text),
    "item-beside": ("empty-siblings", lambda c: item(c, DALL_E).get("b64_json") == ""),
    "item-numbered": ("localai", lambda c: [one.get("index") for one in answer(c, DALL_E, n=2)["data"]] == [0, 1]),
    "url-always": ("openai-hub", linked_as_embedded),
    "base64-always": ("stable-diffusion-cpp", embedded),
    "url-below": ("xinference", lambda c: item(c, DALL_E)["url"].startswith("/root/.xinference/image/files/")),
    "answer-beside": ("siliconflow", lambda c: answer(c, DALL_E).get("seed") == 7),
    "answer-only": ("stable-diffusion-cpp", lambda c: set(answer(c, GPT)) == {"created", "data", "output_format"}),
    "data-also": ("siliconflow", lambda c: (found := answer(c, DALL_E)).get("images") == found["data"]),
    "usage-as": ("chat-usage", counted_as_a_chat),
    "usage-without": (
        "new-api",
        lambda c: (found := answer(c, GPT)["usage"])["output_tokens"] and "output_tokens_details" not in found,
    ),
    "models-as": ("sglang", lambda c: "gpt-image-1" in listed(c).get("models", ())),
    "models-only": ("stable-diffusion-cpp", lambda c: [one["id"] for one in listed(c)["data"]] == ["sd-cpp-local"]),
    "error-as": ("litellm", refused_in_words),
    "error-page": ("nginx-page", lambda c: c.get("images/generations").headers["content-type"] == "text/html"),
    "padded": ("sub2api", lambda c: (found := generate(c, GPT)).content.startswith(b"  \n") and found.json()["data"]),
    "media-type": ("sub2api", lambda c: "charset=utf-8" in generate(c, GPT).headers["content-type"]),
    "header-beside": ("siliconflow", lambda c: "x-siliconcloud-trace-id" in c.get("models").headers),
    "header-without": ("fastapi-detail", lambda c: "x-request-id" not in c.get("models").headers),
    "no-event-lines": (
        "plain-events",
        lambda c: (text := stream(c)) and "event: " not in text and len(events(text)) == 2,
    ),
    "comment": ("sub2api", lambda c: stream(c).count(": keep-alive\n\n") == 3),
    "end-marker": ("plain-events", lambda c: stream(c).endswith("}\n\ndata: [DONE]\n\n")),
    "event-names": ("vllm-omni", renamed),
    "event-beside": ("plain-events", lambda c: all("sequence_number" in event for event in events(stream(c)))),
}


@pytest.fixture(scope="module")
def speaking() -> Iterator[Callable[[str], Client]]:
    """Clients of servers that speak a dialect, "" for none; each server is started once."""
    with ExitStack() as stack:
        clients: dict[str, Client] = {}

        def client(name: str) -> Client:
            if name not in clients:
                url = stack.enter_context(running(Config(key=KEY, dialect=name, pause_seconds=0.0)))
                headers = {"Authorization": f"Bearer {KEY}"}
                clients[name] = stack.enter_context(Client(base_url=url, headers=headers, timeout=60))
            return clients[name]

        yield client


@pytest.mark.parametrize("step", PROBES)
def test_a_transformation_is_seen(step: str, speaking: Callable[[str], Client]) -> None:
    name, probe = PROBES[step]
    assert step in [one for one, _ in dialect(name).steps]
    assert probe(speaking(name))
    assert not probe(speaking(""))


def test_every_transformation_of_a_dialect_is_probed() -> None:
    assert sorted(PROBES) == sorted({name for one in dialects().values() for name, _ in one.steps})


@pytest.mark.parametrize("name", dialects())
def test_whoever_speaks_it_makes_pictures_and_keeps_the_key(name: str, speaking: Callable[[str], Client]) -> None:
    client = speaking(name)
    small = {"model": dialects()[name].family, "prompt": "a fox"}
    made = client.post("images/generations", json=small, follow_redirects=True)
    assert made.status_code == 200, made.text
    assert json.loads(made.content)["data"]
    wrong = client.post("images/generations", json=small, headers={"Authorization": "Bearer no"}, follow_redirects=True)
    assert wrong.status_code == 401


ODD = (
    b"",
    b"[]",
    b"{",
    b'{"model": [], "prompt": {}}',
    b'{"model": {"a": 1}, "prompt": "x", "n": "x", "size": [], "quality": {}, "response_format": [], "stream": "x"}',
    b'{"prompt": "x", "output_compression": true, "partial_images": "9", "background": 7, "moderation": []}',
)


@pytest.mark.parametrize("name", dialects())
def test_odd_bodies_are_no_failure_of_the_server(name: str, speaking: Callable[[str], Client]) -> None:
    client = speaking(name)
    for body in ODD:
        for path in ("images/generations", "images/edits", "images/variations/", "nowhere/ü"):
            for kind in ("application/json", "multipart/form-data; boundary=b", "text/plain"):
                answered = client.post(path, content=body, headers={"content-type": kind})
                assert answered.status_code < 500, answered.text


def test_a_redirect_leads_to_the_slash(speaking: Callable[[str], Client]) -> None:
    answered = speaking("slash-redirect").post("images/generations?a=%C3%A9", json=DALL_E)
    assert (answered.status_code, answered.headers["location"]) == (307, "/v1/images/generations/?a=%C3%A9")
    assert speaking("slash-redirect").get("ümlaut").headers["location"] == "/v1/%C3%BCmlaut/"


def test_a_model_is_chosen_by_what_else_is_sent(speaking: Callable[[str], Client]) -> None:
    client = speaking("scraped-reference")
    assert set(item(client, {"prompt": "a fox"})) == {"url"}
    assert set(item(client, {"prompt": "a fox", "background": "opaque"})) == {"url", "b64_json"}
    assert answer(client, GPT)["usage"]["total_tokens"] > answer(client, DALL_E)["usage"]["total_tokens"] == 0


def test_links_of_edits_alone_are_relative(speaking: Callable[[str], Client]) -> None:
    client = speaking("sglang")
    link = edit(client).json()["data"][0]["url"]
    assert link.startswith("/files/") and other(client, link).content.startswith(b"\x89PNG")
    assert set(item(client, DALL_E)) == {"b64_json"}
    assert generate(client, DALL_E, response_format="url").json()["error"]["param"] == "response_format"


def test_json_edits_work_where_they_alone_do(speaking: Callable[[str], Client]) -> None:
    client = speaking("xai")
    picture = item(client, {"model": "gpt-image-1", "prompt": "a fox"})["b64_json"]
    body = {"model": "gpt-image-1", "prompt": "snow", "images": [{"image_url": f"data:image/png;base64,{picture}"}]}
    assert client.post("images/edits", json=body).json()["data"][0]["b64_json"]
    assert isinstance(generate(client, DALL_E).json()["error"], str)


def test_refusals_have_the_shape_and_the_status_of_the_dialect(speaking: Callable[[str], Client]) -> None:
    bad = GPT | {"size": "17x17"}
    listed = generate(speaking("fastapi-detail"), bad)
    assert listed.status_code == 422 and listed.json()["detail"][0]["loc"] == ["body", "size"]
    assert generate(speaking("fastapi-detail"), NOWHERE).status_code == 404
    frozen = generate(speaking("frozen-status"), bad)
    assert (
        frozen.status_code == 200 and frozen.content.startswith(b"  \n") and frozen.json()["error"]["param"] == "size"
    )
    assert generate(speaking("gemini-compat"), bad).json()["error"]["code"] == 400
    assert generate(speaking("vllm-omni"), bad).json().keys() == {"detail"}


def test_what_is_not_of_the_api_passes(speaking: Callable[[str], Client]) -> None:
    client = speaking("nginx-page")
    assert client.options("images/generations").status_code == 204
    assert client.head("models").status_code == speaking("").head("models").status_code
    assert other(client, "/files/none.png").headers["content-type"] == "application/json"


def test_the_base_of_a_dialect_is_announced(speaking: Callable[[str], Client]) -> None:
    for name in ("azure", "lemonade", "openvino", "volcengine", ""):
        base = dialects()[name].base if name else "/v1"
        assert speaking(name).base_url.path.rstrip("/") == base
    assert other(speaking("lemonade"), "/v1/models", headers=speaking("lemonade").headers).status_code == 404


def test_the_client_for_azure_works_as_it_is(speaking: Callable[[str], Client]) -> None:
    parts = urlsplit(str(speaking("azure").base_url))
    client = openai.AzureOpenAI(
        azure_endpoint=f"{parts.scheme}://{parts.netloc}", api_key=KEY, api_version="2025-04-01-preview", max_retries=0
    )
    made = client.images.generate(model="gpt-image-1-mini", prompt="a fox", quality="low")
    assert made.data and made.data[0].b64_json
    with pytest.raises(openai.BadRequestError) as refused:
        client.images.generate(model="gpt-image-1", prompt="a fox", size="256x256")
    assert refused.value.body["innererror"] == {"code": None, "content_filter_results": {}}  # type: ignore[index]  # body is typed object


def test_a_dialect_may_be_like_another() -> None:
    above = dialects()["sub2api"].steps
    assert dialects()["frozen-status"].steps[: len(above)] == above
    assert len(dialects()["frozen-status"].steps) > len(above) > 0


def test_a_dialect_that_does_not_exist() -> None:
    with pytest.raises(UsageError, match=r"^no dialect 'klingon'; known: openai-hub, [-a-z0-9, ]+$"):
        steps("klingon")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("telepathy", {}), r"^dialect 'new-api' has a step 'telepathy' that no table "),
        (("padded", {"txt": ""}), r"^dialect 'new-api', step 'padded': missing a required argument: 'text'$"),
    ],
)
def test_a_row_that_no_code_fits(row: Any, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken: dict[str, Dialect] = {"new-api": replace(dialects()["new-api"], steps=(row,))}
    monkeypatch.setattr("imageproof_reference.dialects.dialects", lambda: broken)
    with pytest.raises(UsageError, match=said):
        steps("new-api")


def test_the_command_lists_dialects() -> None:
    lines = CliRunner().invoke(serve, ["--list-dialects"]).output.splitlines()
    assert [line.split()[:2] for line in lines] == [[one.id, one.kind] for one in dialects().values()]
    assert [line.split()[-1] for line in lines] == [f"[{one.family}]" for one in dialects().values()]


def test_the_command_says_which_dialect_it_speaks() -> None:
    start = "from imageproof.cli.serve import serve; serve()"
    command = [sys.executable, "-c", start, "--port", "0", "--key", "k", "--dialect", "azure"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line, paste = process.stdout.readline(), process.stdout.readline()
        process.send_signal(signal.SIGINT)
    assert line.endswith("/openai/deployments/gpt-image-1 with the key from --key, dialect azure; Ctrl-C ends it\n")
    assert paste.endswith("/openai/deployments/gpt-image-1\n") and process.returncode == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--dialect", "klingon"], "no dialect 'klingon'; known: openai-hub, "),
        (["--dialect", ""], "no dialect ''; known: "),
        (["--dialect", "xai", "--fault", "usage-sum"], "give one of them"),
    ],
)
def test_what_the_command_refuses(options: list[str], said: str) -> None:
    result = CliRunner().invoke(serve, options)
    assert isinstance(result.exception, UsageError) and said in str(result.exception)

"""Where calls go and what each has beside its plan: the command line wins over the profile, and secrets stay secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from imageproof.contract.document import load
from imageproof.errors import UsageError
from imageproof_conformance.discover import Discovery, choose_models
from imageproof_conformance.profile import ModelChoice, Profile, Settings, build

KEY = {"IMAGEPROOF_API_KEY": "sk-imageproof-sending"}
HEAD = 'name: Mine\nstatus: documented, not verified\nsource: a page\ndate: "2026-11-20"\n'


def profile(url: str = "", env: dict[str, str] | None = None, **options: Any) -> Profile:
    return build(Settings(url, **options), KEY if env is None else env)


def mine(folder: Path, text: str) -> str:
    path = folder / "mine.yaml"
    path.write_text(HEAD + text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("url", "provider", "base_path", "found"),
    [
        ("", "openai", None, "https://api.openai.com/v1"),
        ("https://proxy.example", "openai", None, "https://proxy.example/v1"),
        ("https://proxy.example/x/v1", "openai", None, "https://proxy.example/x/v1"),
        ("", "volcengine", None, "https://ark.cn-beijing.volces.com/api/v3"),
        ("ark.example", "volcengine", None, "https://ark.example/api/v3"),
        ("https://ark.example/v9", "volcengine", "/api/v4/", "https://ark.example/api/v4"),
        ("", "volcengine", "api//v4", "https://ark.cn-beijing.volces.com/api/v4"),
        ("host.example/v1", None, "/", "https://host.example"),
        ("host.example/v1/images/edits", None, None, "https://host.example/v1"),
    ],
)
def test_where_the_operations_are(url: str, provider: str | None, base_path: str | None, found: str) -> None:
    assert profile(url, provider=provider, base_path=base_path).base_url == found


def test_azure_has_the_model_in_its_path_and_a_version_in_the_query() -> None:
    found = profile("mine.openai.azure.com", provider="azure", model=("my deployment=gpt-image-1",))
    first = "https://mine.openai.azure.com/openai/deployments/my%20deployment/images/edits"
    assert found.url("/images/edits", "my deployment") == f"{first}?api-version=2025-04-01-preview"
    assert found.url("/images/edits", "") == found.url("/images/edits", "my deployment")
    assert found.sending.key_value("k") == "k" and found.sending.key_header == "api-key"
    newer = profile("mine.openai.azure.com?api-version=2026-01-01", provider="azure", model=("d=gpt-image-1",))
    assert newer.url("/models", "d").endswith("/d/models?api-version=2026-01-01")
    assert newer.again[0].endswith("{model}?api-version=2026-01-01")
    assert not [note for note in newer.notes if "query" in note]
    assert [note for note in profile("h?x=1").notes if "the query of the URL is left out" in note]


@pytest.mark.parametrize(
    ("url", "options", "said"),
    [
        ("", {"provider": "azure"}, "Azure OpenAI has no host that is the same for all: type the URL"),
        ("", {}, "there is no URL"),
        ("mine.openai.azure.com", {"provider": "azure"}, r"\{model\} in the base path .*--model NAME"),
        ("https://{resource}.openai.azure.com", {"provider": "azure"}, r"has \{resource\} in it"),
        ("h/openai/deployments/{deployment}", {}, r"has \{deployment\} in it"),
        ("h", {"base_path": "https://h/v1"}, "type the path alone"),
        ("h", {"base_path": "/v1?x"}, "type the path alone"),
        ("h", {"header": ("X-Tenant",)}, "type 'Name: value'"),
        ("h", {"header": ("X Tenant: a",)}, "type 'Name: value'"),
        ("h", {"header": ("X-Tenant: a\nb",)}, "characters that no header can carry"),
        ("h", {"header": ("authorization: Bearer x",)}, "name the key with --key-env"),
        ("h", {"header": ("Api-Key: x",), "provider": "azure", "model": ("a",)}, "name the key with --key-env"),
        ("h", {"header": ("Content-Type: text/plain",)}, "each call says that of its own body"),
        ("h", {"provider": "nobody"}, "no provider profile 'nobody'"),
        ("h", {"provider": ""}, "no provider profile ''"),
        ("h", {"family": " "}, "--family: type the name"),
        ("h", {"base_path": ""}, "type the path alone"),
    ],
)
def test_what_cannot_be_meant_is_told(url: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        profile(url, **options)


def test_the_key_of_openai_goes_to_openai_alone(tmp_path: Path) -> None:
    env = {"OPENAI_API_KEY": "sk-openai-00000000"}
    assert profile("", env, provider="openai").key == env["OPENAI_API_KEY"]
    with pytest.raises(UsageError, match=r"is not sent to proxy.example unless named"):
        profile("https://proxy.example", env, provider="openai")
    elsewhere = mine(tmp_path, "endpoint: {url: 'https://mine.example/v1'}\n")
    with pytest.raises(UsageError, match=r"is not sent to mine.example unless named"):
        profile("", env, provider=elsewhere)


def test_an_open_server_gets_a_key_only_where_one_is_named(tmp_path: Path) -> None:
    path = mine(tmp_path, "endpoint: {url: 'http://127.0.0.1:1/v1'}\nkey: {needed: false}\n")
    assert profile("", provider=path).key == ""
    assert profile("", provider=path, key_env="IMAGEPROOF_API_KEY").key == KEY["IMAGEPROOF_API_KEY"]


def test_headers_of_the_command_line_win_and_their_secrets_are_known(tmp_path: Path) -> None:
    path = mine(tmp_path, "endpoint: {url: 'https://mine.example/v1', headers: {X-Tenant: one, X-Title: a title}}\n")
    given = ("x-tenant: two", "X-Gateway-Key: abcd-efgh", "X-Org: o9f8e7d6c5b4a3928170", "X-Auth: Basic dXNlcg==")
    found = profile("", provider=path, header=given)
    assert dict(found.sending.headers) == {
        "X-Title": "a title",
        "x-tenant": "two",
        "X-Gateway-Key": "abcd-efgh",
        "X-Org": "o9f8e7d6c5b4a3928170",
        "X-Auth": "Basic dXNlcg==",
    }
    assert found.sending.secrets == ("abcd-efgh", "o9f8e7d6c5b4a3928170", "dXNlcg==")
    shown = " ".join(found.again)
    assert "x-tenant: $HEADER_X_TENANT" in shown and not [secret for secret in found.sending.secrets if secret in shown]
    written = dict(found.sending.written(found.sending.headers))
    assert written.pop("X-Title") == "a title" and set(written.values()) == {"********"}
    assert not [secret for secret in found.sending.secrets if secret in repr(found)]
    planned = (("Accept", "text/event-stream"),)
    sent = found.sending.beside({"Accept": "*/*", "User-Agent": "us"}, planned)
    assert [name for name, _ in sent].count("Accept") == 1 and dict(sent)["Accept"] == "text/event-stream"


def chosen(given: Profile, *listed: str) -> tuple[ModelChoice, ...]:
    return choose_models(load(), given, Discovery(frozenset({"createImage"}), listed, ()))[0]


def test_by_whose_rules_a_model_is_judged(tmp_path: Path) -> None:
    path = mine(tmp_path, "behaves_as: dall-e-2\nmodels: {short: gpt-image-1, gpt-image-2: dall-e-3}\n")

    def family(name: str, **options: Any) -> str | None:
        return chosen(profile("h", provider=path, model=(name,), **options))[0].family

    assert family("short=dall-e-3", family="gpt-image-2") == "dall-e-3"
    assert family("short", family="gpt-image-2") == "gpt-image-2"
    assert family("short") == "gpt-image-1"
    assert family("gpt-image-2") == "dall-e-3"  # the provider says of this name what it is there
    assert family("dall-e-3") is None  # by its name
    assert family("flux") == "dall-e-2"
    with pytest.raises(UsageError, match="--family nobody: no such family; type one of dall-e-2"):
        family("short", family="nobody")


def test_which_model_is_judged_when_none_is_named(tmp_path: Path) -> None:
    path = mine(tmp_path, "models: {short: gpt-image-1}\n")
    assert chosen(profile("h", provider=path), "whisper", "gpt-image-2", "short") == (
        ModelChoice("short", "gpt-image-1"),
    )
    assert chosen(profile("h", provider=path)) == (ModelChoice("short", "gpt-image-1"),)
    assert chosen(profile("h", provider=path), "gpt-image-2") == (ModelChoice("gpt-image-2"),)
    assert chosen(profile("h", family="dall-e-3"), "flux") == (ModelChoice("flux", "dall-e-3"),)
    with pytest.raises(UsageError, match="none of 2 listed models is known"):
        chosen(profile("h", family="dall-e-3"), "flux", "whisper")

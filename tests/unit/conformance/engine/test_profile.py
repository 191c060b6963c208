"""The options of a run, checked: URLs, keys, limits."""

from __future__ import annotations

from pathlib import Path

import pytest

from imageproof.errors import UsageError
from imageproof_conformance.address import normalise
from imageproof_conformance.profile import ModelChoice, Settings, build

KEY = {"IMAGEPROOF_API_KEY": "sk-one"}


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("https://host.example", "https://host.example/v1"),
        ("https://host.example/", "https://host.example/v1"),
        ("https://host.example/v1", "https://host.example/v1"),
        ("https://host.example/v1///", "https://host.example/v1"),
        ("  https://host.example/v1 ", "https://host.example/v1"),
        ("host.example", "https://host.example/v1"),
        ("host.example:8443/v1", "https://host.example:8443/v1"),
        ("localhost:8000", "http://localhost:8000/v1"),
        ("127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ("[::1]:8000", "http://[::1]:8000/v1"),
        ("HTTPS://Host.Example/v1", "https://host.example/v1"),
        ("https://host.example/v1/images/generations", "https://host.example/v1"),
        ("https://host.example/v1/images/edits/", "https://host.example/v1"),
        ("https://host.example/images/generations", "https://host.example/v1"),
        ("https://host.example/v1/models", "https://host.example/v1"),
        ("https://host.example/v1/chat/completions", "https://host.example/v1"),
        ("https://host.example/v1beta/openai", "https://host.example/v1beta/openai"),
        ("https://host.example/openai/v1?api-version=preview", "https://host.example/openai/v1"),
    ],
)
def test_urls_are_normalised_and_every_change_is_said(given: str, base: str) -> None:
    found, notes = normalise(given)
    assert found == base
    changed = given.strip().rstrip("/").lower() != base.lower()
    assert bool(notes) == (changed or base.endswith("openai"))


@pytest.mark.parametrize(
    "given",
    [
        "",
        "   ",
        "ftp://host/v1",
        "https://",
        "https://user:secret@host/v1",
        "https://host:99999/v1",
        "https://a b/v1",
        "https://[::1/v1",
    ],
)
def test_what_is_no_url_is_refused_without_repeating_secrets(given: str) -> None:
    with pytest.raises(UsageError) as caught:
        normalise(given)
    assert "secret" not in str(caught.value)


def test_the_key_comes_from_key_env_then_the_file_then_our_variable(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("sk-file\n")
    environ = {"MINE": "sk-mine", **KEY}
    both = Settings("https://host.example", key_env="MINE", key_file=str(file))
    assert build(both, environ).key == "sk-mine"
    assert build(Settings("https://host.example", key_file=str(file)), environ).key == "sk-file"
    assert build(Settings("https://host.example"), environ).key == "sk-one"


@pytest.mark.parametrize(
    ("options", "source", "shell"),
    [
        ({"key_env": "MINE"}, "MINE", "$MINE"),
        ({"key_file": "kk"}, "file kk", "$(cat kk)"),
        ({"key_file": "my key"}, "file my key", "$(cat 'my key')"),
        ({}, "IMAGEPROOF_API_KEY", "$IMAGEPROOF_API_KEY"),
    ],
)
def test_a_file_with_the_key_is_no_variable(
    options: dict[str, str], source: str, shell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("kk", "my key"):
        (tmp_path / name).write_text("sk-file")
    made = build(Settings("https://host.example", **options), {"MINE": "sk-mine", **KEY})  # type: ignore[arg-type]
    assert (made.key_source, made.key_shell) == (source, shell)


def test_a_model_that_is_given_twice_counts_once() -> None:
    twice = build(Settings("https://host.example", model=("a", "b=c", "a")), KEY)
    assert [one.name for one in twice.models] == ["a", "b"]
    assert twice.again == ("https://host.example/v1", "--model", "a", "--model", "b=c")
    with pytest.raises(UsageError, match="two families"):
        build(Settings("https://host.example", model=("a", "a=c")), KEY)


def test_a_wrong_url_is_told_before_a_missing_key() -> None:
    for given in ("http:/host", "http//host/v1", "ftp://host", "a b"):
        with pytest.raises(UsageError, match=r"URL|scheme"):
            build(Settings(given), {})


def test_the_openai_key_goes_to_openai_only_unless_it_is_named() -> None:
    environ = {"OPENAI_API_KEY": "sk-openai"}
    assert build(Settings("https://api.openai.com/v1"), environ).key == "sk-openai"
    with pytest.raises(UsageError, match="--key-env OPENAI_API_KEY"):
        build(Settings("https://api.openai.com.evil.example/v1"), environ)
    assert build(Settings("https://host.example", key_env="OPENAI_API_KEY"), environ).key == "sk-openai"


def test_our_own_variable_goes_before_openais() -> None:
    environ = {"OPENAI_API_KEY": "sk-openai", **KEY}
    assert build(Settings("https://api.openai.com/v1"), environ).key == "sk-one"


def test_no_key_needs_to_be_said() -> None:
    with pytest.raises(UsageError, match="--no-key"):
        build(Settings("http://127.0.0.1:1"), {})
    assert build(Settings("http://127.0.0.1:1", no_key=True), KEY).key == ""
    with pytest.raises(UsageError, match="exclude each other"):
        build(Settings("http://127.0.0.1:1", no_key=True, key_env="MINE"), {"MINE": "x"})


def test_a_key_is_never_in_a_repr_or_an_error(tmp_path: Path) -> None:
    assert "sk-one" not in repr(build(Settings("https://host.example"), KEY))
    with pytest.raises(UsageError) as caught:
        build(Settings("https://host.example"), {"IMAGEPROOF_API_KEY": "sk-two lines"})
    assert "sk-two" not in str(caught.value)
    with pytest.raises(UsageError, match="cannot be read"):
        build(Settings("https://host.example", key_file=str(tmp_path)), KEY)


def test_the_tier_follows_from_the_money_unless_it_is_named() -> None:
    def tier(**options: object) -> object:
        return build(Settings("https://host.example", **options), KEY).tier  # type: ignore[arg-type]  # the options vary

    assert tier() == "free"
    assert tier(max_images=0) == "free"
    assert tier(max_images=20) is None
    assert tier(max_images=20, tier="free") == "free"
    with pytest.raises(UsageError, match="no such tier"):
        tier(tier="huge")


def test_strangers_are_treated_politely() -> None:
    local, remote = build(Settings("localhost"), KEY), build(Settings("host.example"), KEY)
    assert (local.workers, local.rate) == (8, None)
    assert (remote.workers, remote.rate) == (1, 2.0)
    raised = build(Settings("host.example", workers=4, rate=10), KEY)
    assert (raised.workers, raised.rate) == (4, 10)


def test_models_and_requirements_are_read() -> None:
    profile = build(Settings("host.example", model=("a", "b=gpt-image-1"), require="generations, edits"), KEY)
    assert profile.models == (ModelChoice("a"), ModelChoice("b", "gpt-image-1"))
    assert profile.require == {"createImage", "createImageEdit"}
    for wrong in (Settings("host.example", model=("=x",)), Settings("host.example", require="audio")):
        with pytest.raises(UsageError):
            build(wrong, KEY)


@pytest.mark.parametrize("option", ["max_requests", "timeout", "max_time", "workers", "rate"])
def test_limits_are_positive(option: str) -> None:
    with pytest.raises(UsageError, match=option.replace("_", "-")):
        build(Settings("host.example", **{option: -1}), KEY)  # type: ignore[arg-type]  # one option at a time


@pytest.mark.parametrize(("text", "seconds"), [(None, 0), ("60", 60), ("60s", 60), ("2m", 120), ("1.5 min", 90)])
def test_a_time_is_read_as_people_type_it(text: str | None, seconds: float) -> None:
    assert build(Settings("https://host/v1", no_key=True, url_age=text), {}).url_age == seconds


@pytest.mark.parametrize("text", ["", "soon", "-1", "1h", "1e3", "nan", "999999"])
def test_a_time_that_cannot_be_read_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="--url-age"):
        build(Settings("https://host/v1", no_key=True, url_age=text), {})


def test_what_was_asked_for_is_asked_for_again_by_the_next_command() -> None:
    asked = Settings("https://host/v1", no_key=True, heavy=True, moderation="a text", url_age="60s")
    again = build(asked, {}).again
    assert again[-5:] == ("--heavy", "--moderation", "a text", "--url-age", "60s")

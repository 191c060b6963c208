"""Profiles against the dialects of the same systems: what a dialect breaks of the contract, its provider documents."""

from __future__ import annotations

import pytest

from imageproof.contract.providers import names
from imageproof_conformance.profile import Settings, build
from imageproof_conformance.run import run
from imageproof_reference.config import Config
from imageproof_reference.dialects import dialects
from imageproof_reference.serving import running

KEY = "sk-imageproof-providers"
# Profile -> the dialect of that system, and the model that it is asked for.
PAIRS = {
    "azure": ("azure", "gpt-image-1"),
    "litellm": ("litellm", "gpt-image-1"),
    "localai": ("localai", "dall-e-2"),
    "lemonade": ("lemonade", "gpt-image-1"),
    "new-api": ("new-api-gateway", "gpt-image-1"),
    "openai-hub": ("openai-hub", "dall-e-2"),
    "sglang": ("sglang", "dall-e-2"),
    "stable-diffusion-cpp": ("stable-diffusion-cpp", "gpt-image-1"),
    "translated-reference": ("translated-reference", "dall-e-2"),
    "vllm-omni": ("vllm-omni", "gpt-image-1"),
    "xinference": ("xinference", "dall-e-2"),
    "xai": ("xai", "dall-e-2=grok-imagine"),
}


def test_every_pair_is_there() -> None:
    assert set(PAIRS) <= set(names())
    assert {dialect for dialect, _ in PAIRS.values()} <= set(dialects())


@pytest.mark.parametrize("name", PAIRS)
def test_what_a_dialect_breaks_is_documented(name: str) -> None:
    dialect, model = PAIRS[name]
    with running(Config(key=KEY, dialect=dialect, pause_seconds=0.0)) as url:
        host = "/".join(url.split("/")[:3])
        settings = Settings(host, provider=name, model=(model,), tier="core", max_images=60)
        found = run(build(settings, {"IMAGEPROOF_API_KEY": KEY}))
    rules = found.verdict.rules
    assert [one.rule for one in rules if one.status in ("fail", "error") and not one.documented] == []
    assert [one.rule for one in rules if one.status in ("fail", "warn") and one.documented]
    broken = [one for one in rules if one.status == "fail"]
    assert (found.verdict.exit_status == 1) == bool(broken)  # what is documented fails all the same

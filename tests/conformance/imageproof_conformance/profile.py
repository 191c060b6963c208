"""What a run is asked to do: the target, the key, the models and the limits, checked once and frozen.

`Settings` are the options as typed, one field each; `build` makes a `Profile` of them or raises `UsageError`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import floor, inf
from pathlib import Path
from typing import cast
from urllib.parse import urlencode, urlsplit

from imageproof.contract.providers import VARIABLE, Provider, load_provider
from imageproof.errors import UsageError
from imageproof_conformance.address import address, is_loopback, is_openai, normalise
from imageproof_conformance.baseline import Baseline
from imageproof_conformance.exchange import TIERS, Tier
from imageproof_conformance.gates import Gate
from imageproof_conformance.held import held_to
from imageproof_conformance.money import micros
from imageproof_conformance.sending import Sending, overriding, sending, shown

FREE_CAP = 12  # pictures that a free run may cost on a server that serves what it must refuse
MOST_MONEY = 1_000_000  # in any currency; more is a slip of the keyboard
DEFAULT_TIMEOUT = 600.0  # seconds; a large picture at high quality takes minutes
MOST_WORKERS = 8  # unless more are asked for: on this machine, and where tier full looks at calls made together
REMOTE_RATE = 2.0  # requests a second at a server that is not ours

HELD = ("gate", "rules", "baseline", "stale")  # options that say what a run is held to
STEP_SUMMARY = "GITHUB_STEP_SUMMARY"  # where a GitHub workflow shows what a step has to say

REQUIRABLE = {
    "generations": "createImage",
    "edits": "createImageEdit",
    "variations": "createImageVariation",
    "models": "listModels",
    "stream": "stream",
}
ABILITIES = ("stream",)  # those of them that only a picture shows


@dataclass(frozen=True)
class Settings:
    """The options of `imageproof conform` as they were typed, `url` "" where the profile of the provider has one. Paths
    are relative to where the user stands."""

    url: str = ""
    provider: str | None = None
    family: str | None = None
    header: tuple[str, ...] = ()
    base_path: str | None = None
    key_env: str | None = None
    key_file: str | None = None
    no_key: bool = False
    model: tuple[str, ...] = ()
    overlay: tuple[str, ...] = ()
    tier: str | None = None
    max_images: int | None = None
    max_cost: float | None = None
    price_per_image: float | None = None
    max_requests: int | None = None
    timeout: float = DEFAULT_TIMEOUT
    max_time: float | None = None
    workers: int | None = None
    rate: float | None = None
    require: str | None = None
    heavy: bool = False
    moderation: str | None = None
    url_age: str | None = None
    gate: str | None = None
    rules: str | None = None
    baseline: str | None = None
    stale: str | None = None
    out: str | None = None
    json: str | None = None
    junit: str | None = None
    summary: str | None = None
    dry_run: bool = False


@dataclass(frozen=True)
class ModelChoice:
    """A model by the name that the target knows, and the family whose rules it is held to (None: by its name)."""

    name: str
    family: str | None = None


@dataclass(frozen=True)
class Profile:
    """A checked run. `base_url` has no trailing slash, and may have {model} in its path for the name of the model that
    a call is about; `notes` says what was made of the URL and key options.

    key_source    where the key came from, for people; key_shell: how a shell reads it from there ("$NAME")
    provider      what the provider documents of itself, None where no profile was named
    sending       what every call has beside what is planned for it
    family        the family of models that are given without one, whatever their names are; None: by name
    overlays      files laid over the contract, in order
    tier          None: chosen after planning, the larger of core and standard that fits the money
    max_images    hard cap in pictures; None: derived from the plan (free: 12)
    max_cost      hard cap in millionths of the currency of the prices; None: no limit
    price_per_image  what any picture costs, in millionths, in the place of list prices; None: list prices
    max_requests  requests at most, those for repeated calls and for links included; None: no limit
    timeout       seconds that one call may take; max_time: seconds that all of them may take
    workers       calls at once; rate: calls started a second (None: as fast as they go)
    require       operationIds and abilities whose absence is a failure
    gate          whose rules decide the exit status; rules: the set that is scored, "" for the baseline's or newest
    baseline      the failures that are expected, None for none; `strict` where entries that no longer hold fail the run
    heavy         whether uploads of 10 MB and huge sizes are tried; moderation: a prompt that the target's filter
                  stops, "" for none
    url_age       seconds after which links are fetched once more; 0: at the end of the run, however soon that is
    summary       file of the Markdown summary; step_summary: the same for a build server, whose file is continued
    again         the arguments that name the same target, key source, overlays, gate, baseline, models and calls that
                  must be asked for on a command line
    """

    base_url: str
    key: str = field(default="", repr=False)
    key_source: str = ""
    key_shell: str = ""
    provider: Provider | None = None
    sending: Sending = field(default_factory=Sending)
    family: str | None = None
    models: tuple[ModelChoice, ...] = ()
    overlays: tuple[str, ...] = ()
    tier: Tier | None = "free"
    max_images: int | None = None
    max_cost: int | None = None
    price_per_image: int | None = None
    max_requests: int | None = None
    timeout: float = DEFAULT_TIMEOUT
    max_time: float | None = None
    workers: int = 1
    rate: float | None = None
    require: frozenset[str] = frozenset()
    heavy: bool = False
    moderation: str = ""
    url_age: float = 0.0
    gate: Gate = "contract"
    rules: str = ""
    baseline: Baseline | None = None
    strict: bool = True
    out: Path = Path("imageproof-runs")
    json: Path | None = None
    junit: Path | None = None
    summary: Path | None = None
    step_summary: Path | None = None
    notes: tuple[str, ...] = ()
    again: tuple[str, ...] = ()

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).hostname or ""

    @property
    def key_word(self) -> str:
        """How curl lines name the key in a shell, never the key itself: "$NAME" or "$(cat FILE)"; "" without a key."""
        return self.key_shell or ("$IMAGEPROOF_API_KEY" if self.key else "")

    def url(self, path: str, model: str) -> str:
        """Where a call goes; `model` is the one that it is about, "" for none."""
        return self.sending.url(self.base_url, path, model or next((one.name for one in self.models), ""))


def build(settings: Settings, environ: Mapping[str, str]) -> Profile:
    """Check the settings against each other and the environment. UsageError says what to type instead."""
    provider = load_provider(settings.provider) if settings.provider is not None else None
    base_url, notes = address(settings.url, settings.base_path, provider)
    host = urlsplit(base_url).hostname or ""
    key, key_source, key_shell = _key(settings, environ, host, provider)
    local = is_loopback(host)
    _positive(settings)
    if settings.tier is not None and settings.tier not in TIERS:
        raise UsageError(f"--tier {settings.tier}: there is no such tier; type one of {', '.join(TIERS)}")
    return Profile(
        base_url=base_url,
        key=key,
        key_source=key_source,
        key_shell=key_shell,
        provider=provider,
        sending=sending(provider, settings.url, settings.header, bool(key)),
        family=_family(settings.family),
        models=_of_path(base_url, _models(settings.model), provider),
        overlays=settings.overlay,
        tier=_tier(settings),
        max_images=settings.max_images,
        max_cost=None if settings.max_cost is None else micros(settings.max_cost, floor),
        price_per_image=None if settings.price_per_image is None else micros(settings.price_per_image),
        max_requests=settings.max_requests,
        timeout=settings.timeout,
        max_time=settings.max_time,
        workers=settings.workers or (MOST_WORKERS if local or settings.tier == "full" else 1),
        rate=settings.rate if settings.rate is not None else (None if local else REMOTE_RATE),
        require=_require(settings),
        heavy=settings.heavy,
        moderation=(settings.moderation or "").strip(),
        url_age=_seconds("--url-age", settings.url_age),
        out=Path(settings.out) if settings.out else Path("imageproof-runs"),
        json=Path(settings.json) if settings.json else None,
        junit=Path(settings.junit) if settings.junit else None,
        summary=Path(settings.summary) if settings.summary else None,
        step_summary=Path(environ[STEP_SUMMARY]) if environ.get(STEP_SUMMARY) else None,
        notes=notes,
        again=_again(settings, base_url, provider),
        **held_to({name: getattr(settings, name) for name in HELD}, lambda url: normalise(url)[0]),
    )


def base_url(url: str) -> str:
    """A base URL as it is compared. UsageError for what is no http(s) URL."""
    return normalise(url)[0]


def _family(text: str | None) -> str | None:
    if text is not None and not text.strip():
        raise UsageError("--family: type the name of a family")
    return text.strip() if text is not None else None


def _of_path(base_url: str, models: tuple[ModelChoice, ...], provider: Provider | None) -> tuple[ModelChoice, ...]:
    """The models; where the path depends on one, the provider's first one if none is named."""
    if models or VARIABLE not in base_url:
        return models
    named = next(iter(provider.models), "") if provider else ""
    if not named:
        raise UsageError(f"{VARIABLE} in the base path stands for the name of the model: name it with --model NAME")
    return (ModelChoice(named),)


def _key(settings: Settings, environ: Mapping[str, str], host: str, provider: Provider | None) -> tuple[str, str, str]:
    """The key, where it came from, and how a shell reads it: --key-env, --key-file, IMAGEPROOF_API_KEY, and
    OPENAI_API_KEY for OpenAI only. To a server that is documented to be open only a key goes that is named."""
    given = [name for name, value in (("--key-env", settings.key_env), ("--key-file", settings.key_file)) if value]
    if provider is not None and not provider.key_needed and not given:
        return "", "", ""
    if settings.no_key:
        if given:
            raise UsageError(f"--no-key and {given[0]} exclude each other; leave one out")
        return "", "--no-key", ""
    if settings.key_env:
        value = environ.get(settings.key_env, "")
        if not value.strip():
            raise UsageError(f"--key-env {settings.key_env}: it is not set; export it, or use --key-file FILE")
        return _clean(value, settings.key_env), settings.key_env, f"${settings.key_env}"
    if settings.key_file:
        try:
            value = Path(settings.key_file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise UsageError(f"--key-file {settings.key_file}: cannot be read") from None
        file = settings.key_file
        return _clean(value, f"file {file}"), f"file {file}", f"$(cat {shlex.quote(file)})"
    names = ("IMAGEPROOF_API_KEY", "OPENAI_API_KEY") if is_openai(host) else ("IMAGEPROOF_API_KEY",)
    for name in names:
        if environ.get(name, "").strip():
            return _clean(environ[name], name), name, f"${name}"
    hint = (
        f" (OPENAI_API_KEY is not sent to {host} unless named: --key-env OPENAI_API_KEY)"
        if environ.get("OPENAI_API_KEY")
        else ""
    )
    raise UsageError(
        f"no key: set IMAGEPROOF_API_KEY, or name one with --key-env NAME or --key-file FILE, or --no-key{hint}"
    )


def _clean(value: str, source: str) -> str:
    key = value.strip()
    if not key or not all(33 <= ord(char) <= 126 for char in key):
        raise UsageError(f"the key from {source} is empty or has characters that no header can carry")
    return key


def _model(text: str) -> ModelChoice:
    name, equals, family = text.partition("=")
    if not name.strip() or (equals and not family.strip()):
        raise UsageError(f"--model {text}: type NAME or NAME=FAMILY")
    return ModelChoice(name.strip(), family.strip() or None)


def _models(given: Iterable[str]) -> tuple[ModelChoice, ...]:
    """The models, each once."""
    chosen = tuple(dict.fromkeys(_model(text) for text in given))
    names = [one.name for one in chosen]
    twice = next((name for name in names if names.count(name) > 1), "")
    if twice:
        raise UsageError(f"--model {twice} is given with two families; leave one out")
    return chosen


def _tier(settings: Settings) -> Tier | None:
    if settings.tier is not None:
        return cast(Tier, settings.tier)
    return None if settings.max_images or settings.max_cost else "free"


def _again(settings: Settings, base_url: str, provider: Provider | None) -> tuple[str, ...]:
    typed = overriding(provider, settings.url)
    out = [f"{base_url}?{urlencode(typed)}" if typed else base_url]
    out += ["--provider", settings.provider] if settings.provider else []
    out += ["--family", settings.family] if settings.family else []
    out += [text for header in shown(settings.header) for text in ("--header", header)]
    out += ["--no-key"] if settings.no_key else []
    out += ["--key-env", settings.key_env] if settings.key_env else []
    out += ["--key-file", settings.key_file] if settings.key_file and not settings.key_env else []
    out += [text for file in settings.overlay for text in ("--overlay", file)]
    out += ["--heavy"] if settings.heavy else []
    out += ["--moderation", settings.moderation] if settings.moderation else []
    out += ["--url-age", settings.url_age] if settings.url_age else []
    out += ["--workers", str(settings.workers)] if settings.workers else []
    out += ["--rate", f"{settings.rate:g}"] if settings.rate else []
    out += ["--require", settings.require] if settings.require else []
    out += [word for name in HELD if (value := getattr(settings, name)) for word in (f"--{name}", value)]
    return (*out, *(text for model in dict.fromkeys(settings.model) for text in ("--model", model)))


def _positive(settings: Settings) -> None:
    for name, most in (("max_images", inf), ("max_cost", MOST_MONEY), ("price_per_image", MOST_MONEY)):
        amount = getattr(settings, name)
        if amount is not None and not 0 <= amount <= most:
            raise UsageError(f"--{name.replace('_', '-')}: type a number from 0{'' if most == inf else f' to {most}'}")
    for name in ("max_requests", "timeout", "max_time", "workers", "rate"):
        value = getattr(settings, name)
        if value is not None and not value > 0:
            raise UsageError(f"--{name.replace('_', '-')}: type a number above 0")


_SECONDS = re.compile(r"([0-9]{1,5}(?:\.[0-9]{1,3})?)\s*(s|m|min)?", re.ASCII)


def _seconds(option: str, text: str | None) -> float:
    """A time as typed (60, 60s, 2m), in seconds; 0 for none."""
    if text is None:
        return 0.0
    match = _SECONDS.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{option} {text}: type seconds or minutes, for example 60s or 2m")
    return float(match[1]) * (60 if (match[2] or "s").startswith("m") else 1)


def _require(settings: Settings) -> frozenset[str]:
    names = [name.strip() for name in (settings.require or "").split(",") if name.strip()]
    for name in names:
        if name not in REQUIRABLE:
            raise UsageError(f"--require {name}: not known; type some of {','.join(REQUIRABLE)}")
        if name in ABILITIES and _tier(settings) == "free":
            raise UsageError(f"--require {name}: only a picture shows it; add --max-images N")
    return frozenset(REQUIRABLE[name] for name in names)

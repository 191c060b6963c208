"""By which family's rules a model is judged: as the user says, else the provider's profile, else its name."""

from __future__ import annotations

from collections.abc import Iterable

from imageproof.contract.document import Document
from imageproof.contract.families import Family, families
from imageproof.errors import UsageError
from imageproof_conformance.profile import ModelChoice, Profile


def with_family(document: Document, profile: Profile, choice: ModelChoice) -> ModelChoice:
    """The model with the family that it is held to: `--model NAME=FAMILY`, `--family`, the profile's `models`, the
    contract's own names, the profile's `behaves_as`; None where none of them says."""
    listed = profile.provider.models.get(choice.name) if profile.provider else None
    family = choice.family or profile.family or listed
    if family is None and profile.provider and not _by_name(families(document), choice.name):
        family = profile.provider.behaves_as or None
    return ModelChoice(choice.name, family)


def checked(document: Document, profile: Profile) -> None:
    """UsageError for a family that the user names and the contract has not."""
    known = [one.id for one in families(document)]
    options = [(f"--model {one.name}={one.family}", one.family) for one in profile.models if one.family]
    options += [(f"--family {profile.family}", profile.family)] if profile.family else []
    for option, family in options:
        if family not in known:
            raise UsageError(f"{option}: no such family; type one of {', '.join(known)}")


def strangers(document: Document, choices: Iterable[ModelChoice]) -> list[str]:
    """The models that only the open rules apply to."""
    return [one.name for one in choices if one.family is None and not _by_name(families(document), one.name)]


def family_of_choice(known: tuple[Family, ...], choice: ModelChoice) -> Family:
    """The family of a model that is known."""
    return next(one for one in known if (one.id == choice.family if choice.family else choice.name in one.models))


def _by_name(known: tuple[Family, ...], name: str) -> bool:
    return any(name in one.models for one in known)

"""What is asked without a picture: a refusal proves what was taken where it is about what was broken on purpose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from imageproof_conformance.judges.taken import named

Change = Callable[[Any], None]
ASKED = ("EDIT-IMAGE-LIST-OF-ONE", "EDIT-PART-ORDER", "EDIT-BOUNDARY", "EDIT-INPUT-FORMATS", "EDIT-PART-TYPE")


def outcome(bench: SimpleNamespace, rule: str, change: Change, others: Change | None = None) -> str:
    """What is said of a rule: pass, fail, or nothing. `others` changes the answers to all other calls."""
    probe = next(bench.passing(rule))
    draft, context = bench.good(probe), bench.context(probe)
    change(draft)
    if others is not None:
        drafts = [bench.good(one.probe) for one in context.others]
        for one in drafts:
            others(one)
        context = replace(context, others=tuple(one.exchange() for one in drafts))
    found = bench.judge(rule, draft.exchange(), context)
    return found.outcome if found else ""


def refusal(status: int = 400, **error: Any) -> Change:
    def change(draft: Any) -> None:
        draft.refuse(**error)
        draft.status = status

    return change


def detail(draft: Any) -> None:
    draft.refuse()
    draft.json = {"detail": "image: field required"}


def page(draft: Any) -> None:
    draft.refuse()
    draft.raw, draft.headers["content-type"] = b"<html>Bad Request</html>", "text/html"


def served(draft: Any) -> None:
    draft.status, draft.json = 200, {"created": 1, "data": [{"b64_json": ""}]}


def untouched(draft: Any) -> None:
    pass


@pytest.mark.parametrize("rule", ASKED)
@pytest.mark.parametrize(
    ("change", "others", "said"),
    [
        (refusal(param="n"), None, "pass"),
        (refusal(message="n must be 1 or more"), None, "pass"),
        (refusal(param="body.n"), None, "pass"),
        (refusal(message="'n' is out of range"), refusal(param="quality"), "pass"),
        (served, None, "pass"),
        (refusal(param="image", message="There is none."), None, "fail"),
        (refusal(message="The body cannot be read."), None, "fail"),
        (refusal(415, message="Not this body."), None, "fail"),
        (refusal(500, type="server_error"), None, "fail"),
        # The same call without the feature is refused for something else too, or says nothing.
        (refusal(param="image", message="There is none."), refusal(param="quality"), ""),
        (refusal(message="The body cannot be read."), refusal(message="Invalid."), ""),
        (refusal(500), refusal(500), ""),
        (refusal(param="image", message="There is none."), served, ""),
        # A closed door, no route, no model, and what is no error object.
        (refusal(401), None, ""),
        (refusal(404, code="model_not_found"), None, ""),
        (refusal(param="model"), None, ""),
        (refusal(429), None, ""),
        (detail, None, ""),
        (page, None, ""),
    ],
)
def test_only_what_a_refusal_names_is_believed(
    bench: SimpleNamespace, rule: str, change: Change, others: Change | None, said: str
) -> None:
    assert outcome(bench, rule, change, others) == said


@pytest.mark.parametrize(
    ("rule", "change", "said"),
    [
        ("EDIT-PART-TYPE", refusal(code="unsupported_file_mimetype"), "pass"),
        ("EDIT-PART-TYPE", refusal(500, message="unsupported"), "fail"),
        ("GEN-UNKNOWN-PARAM", refusal(code="unknown_parameter", message="No such thing."), "pass"),
        ("GEN-UNKNOWN-PARAM", served, "pass"),
        ("GEN-UNKNOWN-PARAM", refusal(500), "fail"),
        ("GEN-MODEL-DEFAULT", refusal(param="model"), "pass"),
        ("GEN-MODEL-DEFAULT", refusal(404, message="The model is missing."), "pass"),
        ("GEN-MODEL-DEFAULT", refusal(message="Something is missing."), "fail"),
        ("GEN-MODEL-DEFAULT", refusal(500), "fail"),
        ("EDIT-UPLOAD-SIZE", refusal(413, message="n"), "pass"),
        ("EDIT-UPLOAD-SIZE", page, ""),
        ("EDIT-REMOTE-IMAGE", refusal(message="The image cannot be fetched."), "pass"),
        ("EDIT-REMOTE-IMAGE", refusal(message="No."), ""),
        ("EDIT-REMOTE-IMAGE", refusal(415, message="No JSON here: image"), ""),
        ("EDIT-REMOTE-IMAGE", refusal(500), "fail"),
        ("EDIT-REMOTE-IMAGE", served, "fail"),
        ("MODELS-USABLE", refusal(message="No channel for model gpt-image-1."), "fail"),
        ("MODELS-USABLE", refusal(message="Not like this."), ""),
        ("MODELS-USABLE", refusal(503, message="No channel for model gpt-image-1."), ""),
    ],
)
def test_each_rule_has_its_own_answers(bench: SimpleNamespace, rule: str, change: Change, said: str) -> None:
    assert outcome(bench, rule, change) == said


def test_a_413_is_a_refusal_of_the_file_whoever_says_it(bench: SimpleNamespace) -> None:
    def too_large(draft: Any) -> None:
        page(draft)
        draft.status = 413

    assert outcome(bench, "EDIT-UPLOAD-SIZE", too_large) == "fail"


def test_an_edit_is_blamed_for_a_name_that_nobody_knows_only_where_others_know_it(bench: SimpleNamespace) -> None:
    unknown = refusal(404, code="model_not_found")
    assert outcome(bench, "EDIT-MODEL-NAME", unknown) == "fail"
    assert outcome(bench, "EDIT-MODEL-NAME", unknown, unknown) == ""


def test_a_model_that_is_not_listed_is_not_said_to_be_usable(bench: SimpleNamespace) -> None:
    def nothing_listed(draft: Any) -> None:
        if draft.probe.operation == "listModels":
            draft.json = {"models": [{"id": draft.probe.model}]}

    assert outcome(bench, "MODELS-USABLE", untouched, nothing_listed) == ""


def test_a_size_that_is_refused_late_or_never_is_told(bench: SimpleNamespace) -> None:
    probe = next(bench.passing("GEN-SIZE-HUGE"))
    exchange, context = bench.good(probe).exchange(), bench.context(probe)
    late = replace(exchange, seconds=30.0)
    never = replace(exchange, status=None, chunks=(), failure="no answer within 60 s", seconds=60.0)
    gone = replace(never, failure="no connection: refused")
    assert [getattr(bench.judge("GEN-SIZE-HUGE", one, context), "outcome", "") for one in (late, never, gone)] == [
        "fail",
        "fail",
        "",
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("n", True),
        ("`n` must be positive", True),
        ("n: 0 is too small", True),
        ("body.n", True),
        ("number of images", False),
        ("isn't valid", False),
        ("n-gram", False),
        ("min_n", False),
        (None, False),
        (7, False),
    ],
)
def test_a_parameter_is_named_as_a_word_of_its_own(text: Any, found: bool) -> None:
    assert named(text, "n") is found
